"""A list of Meta's, page by page, as a report is read."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.graph import pages as graph_pages
from tap_meta_partner.graph.bounds import CIRCLE, ENDLESS
from tap_meta_partner.graph.errors import KeptFailing, TooMuchData
from tap_meta_partner.planning.pace import Pace
from tests.support.fakes import CURSOR_LOST, TOO_MANY_POINTS, TOO_MUCH, Drive, fault
from tests.support.one_report import Sink, pages, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


def test_pages__are_read_by_cursor_and_never_by_address() -> None:
    """Each next page is the same call with the cursor; the `next` address is never used."""
    sink = Sink()

    drive, _ = read(pages([1, 2], [3], [4]), sink=sink)

    assert sink.values() == [1, 2, 3, 4]
    assert [call.params.get("after") for call in drive.calls] == [None, "p1", "p2"]
    assert {call.params["limit"] for call in drive.calls} == {500}
    assert {call.path for call in drive.calls} == {"act_1/insights"}
    assert "SECRET" not in repr(drive.calls)


def test_pages__an_empty_one_in_the_middle_is_not_the_end() -> None:
    """A page without rows that has a next one is followed, and nothing is handed on for it."""
    sink = Sink()

    drive, _ = read(pages([1], [], [2]), sink=sink)

    assert sink.values() == [1, 2]
    assert drive.events == [("page", 1), ("page", 1)]


def test_pages__the_next_is_asked_for_while_one_is_handed_on() -> None:
    """Each further page's call goes out before the page before it is dealt with; none twice."""
    drive, _ = read(pages([1, 2], [3], [4]), sink=Sink())

    assert [(call.params["after"], events) for call, events in drive.aheads] == [
        ("p1", 0),
        ("p2", 1),
    ]
    assert [call for call, _ in drive.aheads] == drive.calls[1:]
    assert drive.events == [("page", 2), ("page", 1), ("page", 1)]


def test_pages__one_that_cannot_be_handed_on_is_the_end() -> None:
    """What goes wrong with a page is raised as it is, whatever became of the next one."""

    class Failing(Sink):
        def page(self, rows: list[dict[str, Any]]) -> list[object]:
            raise ValueError(f"not with {len(rows)} rows")

    for second in ({"data": [{"n": 3}]}, fault(*TOO_MUCH), fault(*CURSOR_LOST)):

        def answer(call: Call, second: Reply = second) -> Reply:
            return second if "after" in call.params else pages([1, 2], [3])(call)

        with pytest.raises(ValueError, match="not with 2 rows"):
            read(answer, sink=Failing())


def test_pages__a_cursor_without_next_is_the_end() -> None:
    """The last page has a cursor too: only a missing `next` ends."""
    drive, _ = read(pages([1]))

    assert len(drive.calls) == 1


def test_pages__no_paging_at_all_is_the_end() -> None:
    """An account without delivery is answered with an empty list alone."""
    sink = Sink()

    drive, pace = read(lambda _: {"data": []}, sink=sink)

    assert (len(drive.calls), sink.rows, drive.events) == (1, [], [])
    assert pace == Pace()


def test_pages__one_that_fails_is_asked_smaller_at_its_place() -> None:
    """A failing page goes from 500 to 100 to 50 rows on the same cursor, and stays there."""
    inner = pages([1], [2], [3])

    def answer(call: Call) -> Reply:
        if call.params.get("after") == "p1" and call.params["limit"] > 50:
            return fault(*TOO_MUCH)
        return inner(call)

    sink = Sink()
    drive, _ = read(answer, sink=sink)

    asked = [(call.params.get("after"), call.params["limit"]) for call in drive.calls]
    assert asked == [(None, 500), ("p1", 500), ("p1", 100), ("p1", 50), ("p2", 50)]
    assert sink.values() == [1, 2, 3]


def test_pages__one_that_fails_at_every_size_is_too_much() -> None:
    """When 50 rows are too many as well, the window is too much."""

    def answer(call: Call) -> Reply:
        return fault(*TOO_MUCH) if "after" in call.params else pages([1], [2])(call)

    drive = Drive(answer)
    with pytest.raises(TooMuchData):
        read(answer, mode="sync", drive=drive)

    assert [call.params["limit"] for call in drive.calls] == [500, 500, 100, 50]


def test_pages__too_many_data_points_never_shrink_the_page() -> None:
    """1487534 counts points of the whole report: the limit stays, the window is too much."""

    def answer(call: Call) -> Reply:
        return fault(*TOO_MANY_POINTS) if "after" in call.params else pages([1], [2])(call)

    drive = Drive(answer)
    with pytest.raises(TooMuchData):
        read(answer, mode="sync", drive=drive)

    assert [call.params["limit"] for call in drive.calls] == [500, 500]


def test_pages__a_first_page_that_is_too_much_is_not_shrunk() -> None:
    """A smaller page does not lighten Meta's work: at the start the request itself is too much."""
    drive = Drive(lambda _: fault(*TOO_MUCH))
    with pytest.raises(TooMuchData):
        read(drive.answer, mode="sync", drive=drive)

    assert len(drive.calls) == 1


def test_pages__a_lost_cursor_begins_the_window_again() -> None:
    """2642 starts over at the first page, and the rows so far are forgotten."""
    lost = iter([True])

    def answer(call: Call) -> Reply:
        if call.params.get("after") == "p1" and next(lost, False):
            return fault(*CURSOR_LOST)
        return pages([1], [2])(call)

    sink = Sink()
    drive, _ = read(answer, sink=sink)

    assert [call.params.get("after") for call in drive.calls] == [None, "p1", None, "p1"]
    assert sink.values() == [1, 2]
    assert sink.begun == ["", ""]


def test_pages__a_cursor_lost_again_and_again_asks_for_less_after_three_restarts() -> None:
    """A place that is lost four times makes the window too much, and says it was the place."""
    drive = Drive(
        lambda call: fault(*CURSOR_LOST) if "after" in call.params else pages([1], [2])(call)
    )

    with pytest.raises(TooMuchData) as caught:
        read(drive.answer, mode="sync", drive=drive)

    assert caught.value.fault.code == 2642
    assert sum("after" not in call.params for call in drive.calls) == 4


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _: {"data": [], "paging": {"next": "https://x"}}, "a next page without a cursor"),
        (
            lambda _: {"data": [], "paging": {"next": "https://x", "cursors": {"after": "same"}}},
            "the same page came twice",
        ),
        (lambda _: {"paging": {}}, "an answer without data"),
        (lambda _: {"data": None}, "an answer without data"),
        (lambda _: {"data": [None]}, "an answer whose rows or paging are none"),
        (lambda _: {"data": [{}, "row"]}, "an answer whose rows or paging are none"),
        (lambda _: {"data": [], "paging": ["x"]}, "an answer whose rows or paging are none"),
        (
            lambda _: {"data": [], "paging": {"next": "https://x", "cursors": "x"}},
            "a next page without a cursor",
        ),
    ],
    ids=[
        *("no cursor", "a loop", "no data", "null data", "no row", "a text for a row"),
        *("a list for paging", "a text for cursors"),
    ],
)
def test_pages__an_answer_that_makes_no_sense_fails(
    answer: Callable[[Call], Reply], words: str
) -> None:
    """Pages that cannot be followed to their end are an error, never a shorter result."""
    with pytest.raises(KeptFailing, match=words):
        read(answer)


@pytest.mark.parametrize(
    "nonsense", [{"data": ["oops"]}, {"data": None}, {}, {"data": [], "paging": ["x"]}], ids=str
)
def test_pages__one_that_makes_no_sense_is_asked_again(nonsense: Reply) -> None:
    """At its place and size, after the usual waits; five such in a row fail."""
    replies = iter([*[nonsense] * 4, {"data": [{"n": 1}]}])
    sink = Sink()

    drive, _ = read(lambda _: next(replies), sink=sink)

    assert drive.pauses == [1.0, 2.0, 4.0, 8.0]
    assert len({repr(call) for call in drive.calls}) == 1
    assert sink.values() == [1]

    drive = Drive(lambda _: nonsense)
    with pytest.raises(KeptFailing, match="an answer"):
        read(drive.answer, drive=drive)
    assert len(drive.calls) == 5


@pytest.mark.parametrize("circle", [1, 2, 7])
def test_pages__that_lead_in_a_circle_fail(circle: int) -> None:
    """A, B, A, B is read anew three times and no more, whatever the rows of its pages are."""

    def answer(call: Call) -> Reply:
        number = int(call.params.get("after", 0)) % circle + 1
        return page_with_next([{"n": 1}], str(number))

    drive = Drive(answer)
    with pytest.raises(KeptFailing, match="the same page came twice") as caught:
        read(answer, drive=drive)

    assert caught.value.rule is CIRCLE
    assert len(drive.calls) == 4 * (circle + 1)


@pytest.mark.parametrize(
    ("rows", "most"), [([], 500), ([{"n": 1}], 2000)], ids=["without rows", "with rows"]
)
def test_pages__without_an_end_fail(
    monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, int]], most: int
) -> None:
    """Ever new cursors are followed for so many pages, or for so many empty ones in a row."""
    monkeypatch.setattr(graph_pages, "MOST_PAGES", 2000)
    numbers = itertools.count(1)

    def answer(_call: Call) -> Reply:
        return page_with_next([*rows], f"c{next(numbers)}")

    drive = Drive(answer)
    with pytest.raises(KeptFailing) as caught:
        read(answer, drive=drive)

    assert caught.value.rule is ENDLESS
    assert len(drive.calls) == most


def test_pages__that_are_empty_now_and_then_are_followed() -> None:
    """A row begins the count of empty pages anew."""
    gap: list[int] = []
    sink = Sink()

    drive, _ = read(pages([1], *[gap] * 499, [2], *[gap] * 499, [3]), sink=sink)

    assert sink.values() == [1, 2, 3]
    assert len(drive.calls) == 1001


@pytest.mark.parametrize("cursor", ["x" * 4097, ["x"], {"x": 1}], ids=["long", "list", "object"])
def test_pages__a_cursor_that_is_none_is_not_sent(cursor: object) -> None:
    """A cursor of megabytes, or one that is no text, goes into no address."""
    drive = Drive(lambda _: page_with_next([], cursor))
    with pytest.raises(KeptFailing, match="a next page without a cursor"):
        read(drive.answer, drive=drive)

    assert all("after" not in call.params for call in drive.calls)


def page_with_next(rows: list[dict[str, int]], cursor: object) -> Reply:
    return {"data": rows, "paging": {"next": "https://x", "cursors": {"after": cursor}}}


def test_pages__a_hiccup_is_asked_again() -> None:
    """A transient fault costs one pause and the same call once more."""
    replies = iter([fault(2), {"data": [{"n": 1}]}])
    sink = Sink()

    drive, _ = read(lambda _: next(replies), sink=sink)

    assert drive.calls[0] == drive.calls[1]
    assert drive.pauses == [1.0]
    assert sink.values() == [1]
