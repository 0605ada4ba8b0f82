"""One report request: its parameters, its pages, its report runs, and a day read by campaign."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    MetaError,
    RequestRefused,
    TooMuchData,
)
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.by_campaign import read_by_campaign
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.report_runs import STALLED_SECONDS
from tap_meta_partner.reports.request import Reporting, ReportRequest
from tap_meta_partner.settings.model import ReportDefinition
from tests.support.fakes import (
    CURSOR_LOST,
    NO_ACCESS,
    NOT_READY,
    NOT_THERE,
    RUN_TOO_LARGE,
    TOO_MANY_POINTS,
    TOO_MUCH,
    WRONG_FIELD,
    Drive,
    Graph,
    ad_row,
    fault,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply

WINDOW = DateWindow(dt.date(2026, 11, 1), dt.date(2026, 11, 3))
ONE_DAY = DateWindow(dt.date(2026, 11, 1), dt.date(2026, 11, 1))


@dataclass(slots=True)
class Sink:
    """Keeps the rows by part, and forgets a part that is begun again."""

    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    current: str = ""

    def begin(self, part: str = "") -> None:
        """Forget a part, or all."""
        self.begun.append(part)
        if not part:
            self.parts.clear()
        self.current, self.parts[part] = part, []

    def page(self, rows: list[dict[str, Any]]) -> list[object]:
        """Keep a page; what is returned are events."""
        self.parts[self.current] += rows
        return [("page", len(rows))]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows that count."""
        return [row for rows in self.parts.values() for row in rows]

    def values(self) -> list[int]:
        """The rows of `pages` as their numbers."""
        return [row["n"] for row in self.rows]


def request_for(
    window: DateWindow = WINDOW,
    fields: tuple[str, ...] = ("ad_id", "spend"),
    **definition: Any,  # noqa: ANN401  (of a report's definition)
) -> ReportRequest:
    return ReportRequest(
        definition=ReportDefinition(**{"name": "ad_insights", "level": "ad", **definition}),
        fields=fields,
        account_id="1",
        window=window,
    )


def read(  # noqa: PLR0913  (one switch for each circumstance)
    answer: Callable[[Call], Reply],
    *,
    sink: Sink | None = None,
    pace: Pace | None = None,
    mode: str = "auto",
    request: ReportRequest | None = None,
    drive: Drive | None = None,
) -> tuple[Drive, Pace]:
    drive = drive or Drive(answer)
    reporting = Reporting(mode=mode, jitter=lambda: 0.0, monotonic=drive.clock)
    steps = read_report(request or request_for(), sink or Sink(), pace or Pace(), reporting)
    return drive, drive(steps)


def pages(*contents: list[int]) -> Callable[[Call], Reply]:
    """Answer with these pages; the cursor of page n is `p<n>`."""

    def answer(call: Call) -> Reply:
        at = int(call.params.get("after", "p0")[1:])
        paging: dict[str, Any] = {"cursors": {"after": f"p{at + 1}"}}
        if at + 1 < len(contents):
            paging["next"] = "https://graph.example/v26.0/next?access_token=SECRET"
        return {"data": [{"n": n} for n in contents[at]], "paging": paging}

    return answer


# What is asked.


def test_request__names_every_option() -> None:
    """A request says level, fields, inclusive days and a row a day, and nothing unasked for."""
    call = request_for().call()

    assert (call.method, call.path, call.account_id) == ("GET", "act_1/insights", "1")
    assert call.params == {
        "level": "ad",
        "fields": "ad_id,spend",
        "time_range": {"since": "2026-11-01", "until": "2026-11-03"},
        "time_increment": "1",
    }


def test_request__breakdowns_are_parameters_of_their_own() -> None:
    """Breakdowns and attribution windows have their own parameters and are never fields."""
    call = request_for(
        breakdowns=("age", "gender"),
        action_breakdowns=("action_type", "action_device"),
        action_attribution_windows=("1d_click", "28d_click"),
    ).call()

    assert call.params["fields"] == "ad_id,spend"
    assert call.params["breakdowns"] == "age,gender"
    assert call.params["action_breakdowns"] == "action_type,action_device"
    assert call.params["action_attribution_windows"] == ["1d_click", "28d_click"]


def test_request__filtering_goes_out_as_it_was_set() -> None:
    """The user's own filter reaches Meta unchanged."""
    rule = {"field": "ad.impressions", "operator": "GREATER_THAN", "value": 0}

    assert request_for(filtering=(rule,)).call().params["filtering"] == [rule]


def test_request__a_run_is_the_same_request_posted_to_the_node() -> None:
    """A campaign's own edge is asked with the very parameters of the account's."""
    request = replace(request_for(), node="c7")

    call = request.call("POST")

    assert (call.method, call.path, call.account_id) == ("POST", "c7/insights", "1")
    assert call.params == request_for().call().params
    assert str(request) == "ad_insights, account 1, 2026-11-01..2026-11-03"


# Pages.


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


def test_pages__a_cursor_lost_again_and_again_fails_after_three_restarts() -> None:
    """A place that is lost four times fails the window, and says it was the place."""
    drive = Drive(
        lambda call: fault(*CURSOR_LOST) if "after" in call.params else pages([1], [2])(call)
    )

    with pytest.raises(KeptFailing) as caught:
        read(drive.answer, drive=drive)

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


def test_pages__a_hiccup_is_asked_again() -> None:
    """A transient fault costs one pause and the same call once more."""
    replies = iter([fault(2), {"data": [{"n": 1}]}])
    sink = Sink()

    drive, _ = read(lambda _: next(replies), sink=sink)

    assert drive.calls[0] == drive.calls[1]
    assert drive.pauses == [1.0]
    assert sink.values() == [1]


# Direct, or as a run.


TWO_ROWS = pages([1, 2])


def run_answers(
    *polls: dict[str, Any] | MetaError, result: Callable[[Call], Reply] = TWO_ROWS
) -> Callable[[Call], Reply]:
    """Refuse the direct way; create runs 501, 502 …; give these polls in turn, then the last."""
    state = {"runs": 500, "polls": 0}

    def answer(call: Call) -> Reply:
        if call.method == "POST":
            state["runs"] += 1
            return {"report_run_id": str(state["runs"])}
        if call.path.endswith("/insights") and call.path.startswith("50"):
            return result(call)
        if call.path.startswith("50"):
            reply = polls[min(state["polls"], len(polls) - 1)]
            state["polls"] += 1
            return reply
        return fault(*TOO_MUCH)

    return answer


def job(status: str, percent: int = 0, **more: object) -> dict[str, Any]:
    return {"async_status": status, "async_percent_completion": percent, **more}


DONE = job("Job Completed", 100)


def posts(drive: Drive) -> int:
    return sum(call.method == "POST" for call in drive.calls)


def test_auto__what_is_too_much_is_asked_as_a_run() -> None:
    """After a direct answer that is too much comes a run, and the next window begins with one."""
    sink = Sink()

    drive, pace = read(run_answers(DONE), sink=sink)

    assert [(call.method, call.path) for call in drive.calls] == [
        ("GET", "act_1/insights"),
        ("POST", "act_1/insights"),
        ("GET", "501"),
        ("GET", "501/insights"),
    ]
    assert drive.calls[1].params == request_for().call().params
    assert sink.values() == [1, 2]
    assert pace == Pace(report_run=True)


def test_auto__rows_of_the_direct_way_are_forgotten_when_a_run_takes_over() -> None:
    """Pages read before the direct way broke down are not counted beside the run's."""

    def answer(call: Call) -> Reply:
        if call.path == "act_1/insights" and call.method == "GET" and "after" not in call.params:
            return pages([8], [9])(call)
        return run_answers(DONE)(call)

    sink = Sink()
    read(answer, sink=sink)

    assert sink.values() == [1, 2]


def test_auto__a_window_of_more_than_ten_pages_makes_the_next_one_a_run() -> None:
    """Eleven pages are many: the next window is asked for as a run; ten are not."""
    _, eleven = read(pages(*[[n] for n in range(11)]))
    _, ten = read(pages(*[[n] for n in range(10)]))

    assert eleven == Pace(report_run=True)
    assert ten == Pace()


def test_auto__a_pace_with_runs_asks_for_a_run_at_once() -> None:
    """What was learnt saves the direct call."""
    drive, pace = read(run_answers(DONE), pace=Pace(days=7, report_run=True))

    assert drive.calls[0].method == "POST"
    assert pace == Pace(days=7, report_run=True, easy=1)


def test_sync__never_makes_a_run() -> None:
    """`report_mode: sync` hands too much back to be halved, whatever the pace remembers."""
    drive = Drive(run_answers(DONE))

    with pytest.raises(TooMuchData):
        read(drive.answer, mode="sync", pace=Pace(report_run=True), drive=drive)

    assert posts(drive) == 0


def test_sync__many_pages_do_not_lead_to_runs() -> None:
    """With `report_mode: sync` a long window leaves the pace as it was."""
    _, pace = read(pages(*[[n] for n in range(11)]), mode="sync")

    assert pace == Pace()


def test_async__asks_for_a_run_at_once() -> None:
    """`report_mode: async` never asks directly."""
    drive, _ = read(run_answers(DONE), mode="async")

    assert [call.method for call in drive.calls] == ["POST", "GET", "GET"]


@pytest.mark.parametrize(
    "created",
    [{"report_run_id": "501"}, {"report_run_id": 501}, {"id": "501"}],
    ids=["string", "number", "plain id"],
)
def test_run__its_id_may_be_text_or_a_number(created: dict[str, Any]) -> None:
    """Meta writes run ids both ways."""
    inner = run_answers(DONE)
    drive = Drive(lambda call: created if call.method == "POST" else inner(call))
    read(drive.answer, mode="async", drive=drive)

    assert [call.path for call in drive.calls[1:]] == ["501", "501/insights"]


@pytest.mark.parametrize("created", [{}, {"report_run_id": "../me"}, {"report_run_id": None}])
def test_run__without_a_usable_id_fails(created: dict[str, Any]) -> None:
    """An answer that names no run is an error; nothing of it becomes a path."""
    drive = Drive(lambda _: created)

    with pytest.raises(KeptFailing, match="a report run without an id"):
        read(drive.answer, mode="async", drive=drive)

    assert len(drive.calls) == 1
    assert drive.runs_held == 0


def test_run__a_hundred_percent_is_not_done_while_running() -> None:
    """Only "Job Completed" ends the wait."""
    drive, _ = read(run_answers(job("Job Running", 100), job("Job Running", 100), DONE))

    assert [call.path for call in drive.calls[2:]] == ["501", "501", "501", "501/insights"]


def test_run__poll_intervals_grow_to_half_a_minute() -> None:
    """The first look comes within a second; later ones are ever further apart, up to 30 s."""
    running = [job("Job Running", percent) for percent in range(14)]
    drive, _ = read(run_answers(*running, DONE))

    assert drive.pauses[0] <= 1.0
    assert drive.pauses == sorted(drive.pauses)
    assert all(later / earlier <= 2 for earlier, later in pairwise(drive.pauses))
    assert drive.pauses[-2:] == [30.0, 30.0]


def test_run__skipped_is_submitted_again() -> None:
    """A run that Meta skipped is asked for anew, and the new one is polled."""
    drive, _ = read(run_answers(job("Job Skipped"), DONE))

    assert posts(drive) == 2
    assert drive.calls[-1].path == "502/insights"


def test_run__failed_is_submitted_again_and_at_last_too_much() -> None:
    """A run that fails without a reason is asked for once more; then less must be asked."""
    drive = Drive(run_answers(job("Job Failed", error_code=2, error_message="try later")))

    with pytest.raises(TooMuchData, match="report runs: it failed"):
        read(drive.answer, drive=drive)

    assert posts(drive) == 2
    assert (drive.runs_held, drive.most_runs_held) == (0, 1)


def test_run__failed_once_may_succeed() -> None:
    """A failed run without error fields is worth another try."""
    sink = Sink()

    drive, _ = read(run_answers(job("Job Failed"), DONE), sink=sink)

    assert posts(drive) == 2
    assert sink.values() == [1, 2]


def test_run__failed_as_too_large_is_too_much_at_once() -> None:
    """-3/1504045 says the report is too large: the same request is not tried again."""
    code, subcode = RUN_TOO_LARGE
    drive = Drive(run_answers(job("Job Failed", error_code=code, error_subcode=subcode)))

    with pytest.raises(TooMuchData):
        read(drive.answer, drive=drive)

    assert posts(drive) == 1
    assert drive.runs_held == 0


def test_run__failed_as_a_wrong_request_is_refused_at_once() -> None:
    """A run that failed over a wrong field is the user's to change, not ours to repeat."""
    drive = Drive(run_answers(job("Job Failed", error_code=WRONG_FIELD[0])))

    with pytest.raises(RequestRefused):
        read(drive.answer, drive=drive)

    assert posts(drive) == 1


def test_run__one_that_stands_still_is_submitted_again() -> None:
    """Twenty minutes without any progress give a run up; a moving one is left alone longer."""
    moving = [job("Job Running", percent) for percent in range(60)]
    drive = Drive(run_answers(*moving, *[job("Job Running", 99)] * 42, DONE))

    read(drive.answer, drive=drive)

    first_run = [call for call in drive.calls if call.path == "501"]
    assert sum(drive.pauses[:60]) > STALLED_SECONDS
    assert posts(drive) == 2
    # At 30 s apart, 41 looks after the last progress are more than 20 minutes.
    assert len(first_run) == 60 + 42


@pytest.mark.parametrize("trouble", [NOT_THERE, NOT_READY], ids=["unknown", "not ready"])
def test_run__unknown_just_after_creation_is_a_race(trouble: tuple[int, int | None]) -> None:
    """100/33 or 2601 on a fresh run is looked at again, and the account is not given up."""
    drive, _ = read(run_answers(fault(*trouble), fault(*trouble), DONE))

    assert posts(drive) == 1
    assert drive.calls[-1].path == "501/insights"


@pytest.mark.parametrize("code", [10, 200], ids=str)
def test_run__a_right_that_is_missing_is_no_race(code: int) -> None:
    """A refused right gives the account up at the first poll or reading, and is not asked again."""
    polled, read_back = (
        Drive(run_answers(fault(code))),
        Drive(run_answers(DONE, result=lambda _: fault(code))),
    )

    for drive in (polled, read_back):
        with pytest.raises(AccountUnreadable):
            read(drive.answer, mode="async", drive=drive)

    assert [call.path for call in polled.calls] == ["act_1/insights", "501"]
    assert [call.path for call in read_back.calls] == ["act_1/insights", "501", "501/insights"]


def test_run__unknown_for_good_is_submitted_again() -> None:
    """A run that Meta has not heard of after seven looks is asked for anew."""
    drive, _ = read(run_answers(*[fault(*NOT_THERE)] * 7, DONE))

    assert posts(drive) == 2
    assert sum(call.path == "501" for call in drive.calls) == 7


def test_run__an_account_that_is_lost_shows_when_the_run_is_created() -> None:
    """A refusal to create the run is about the account and is passed on."""
    drive = Drive(lambda _: fault(*NO_ACCESS))

    with pytest.raises(AccountUnreadable):
        read(drive.answer, mode="async", drive=drive)

    assert drive.runs_held == 0


def test_run__complete_but_unreadable_is_read_again() -> None:
    """2601/1815107 after "Job Completed" is waited out on the same run."""
    results = iter([fault(*NOT_READY), fault(*NOT_READY)])
    sink = Sink()

    drive, _ = read(
        run_answers(DONE, result=lambda call: next(results, None) or pages([1, 2])(call)), sink=sink
    )

    assert posts(drive) == 1
    assert [call.path for call in drive.calls[-3:]] == ["501/insights"] * 3
    assert drive.pauses[-2:] == [2.0, 4.0]
    assert sink.values() == [1, 2]


def test_run__unreadable_for_good_is_submitted_again() -> None:
    """After six readings in vain a new run is created."""

    def result(call: Call) -> Reply:
        return fault(*NOT_READY) if call.path.startswith("501") else pages([1])(call)

    drive, _ = read(run_answers(DONE, result=result))

    assert posts(drive) == 2
    assert sum(call.path == "501/insights" for call in drive.calls) == 6


@pytest.mark.parametrize("trouble", [NOT_THERE, CURSOR_LOST], ids=["expired", "cursor lost"])
def test_run__a_result_that_is_gone_is_submitted_again(trouble: tuple[int, int | None]) -> None:
    """A result that cannot be read to its end is made anew, not the account given up."""

    def result(call: Call) -> Reply:
        if call.path.startswith("501") and "after" in call.params:
            return fault(*trouble)
        return pages([1], [2])(call)

    sink = Sink()
    drive, _ = read(run_answers(DONE, result=result), sink=sink)

    assert posts(drive) == 2
    assert sink.values() == [1, 2]


def test_run__its_slot_is_taken_once_and_given_back() -> None:
    """However often it is submitted, a request holds one slot, and none at its end."""
    drive, _ = read(run_answers(job("Job Skipped"), DONE))

    assert (drive.runs_held, drive.most_runs_held) == (0, 1)


def test_run__its_slot_is_given_back_when_the_sink_objects() -> None:
    """An error that is not Meta's does not keep the slot either."""

    class Objecting(Sink):
        def page(self, rows: list[dict[str, Any]]) -> object:
            raise ValueError(f"{len(rows)} rows too many")

    drive = Drive(run_answers(DONE))
    with pytest.raises(ValueError, match="2 rows too many"):
        read(drive.answer, sink=Objecting(), drive=drive)

    assert (drive.runs_held, drive.most_runs_held) == (0, 1)


# A day by campaigns.

CAMPAIGNS = {
    "1": [
        ad_row("2026-11-01", "a1", "1.50", "c1"),
        ad_row("2026-11-01", "a2", "2.25", "c1"),
        ad_row("2026-11-01", "a3", "4.00", "c2"),
        ad_row("2026-11-02", "a3", "8.00", "c2"),
    ]
}


def by_campaign(
    graph: Graph,
    sink: Sink,
    mode: str = "auto",
    **definition: Any,  # noqa: ANN401  (of a report's definition)
) -> Drive:
    drive = Drive(graph)
    reporting = Reporting(mode=mode, jitter=lambda: 0.0, monotonic=drive.clock)
    drive(read_by_campaign(request_for(ONE_DAY, **definition), sink, reporting))
    return drive


def test_by_campaign__each_is_read_at_its_own_edge(caplog: pytest.LogCaptureFixture) -> None:
    """The campaigns of the day are listed by their own rows, then each edge gives its ads."""
    sink = Sink()

    drive = by_campaign(Graph(CAMPAIGNS), sink)

    assert [(call.path, call.params["level"]) for call in drive.calls] == [
        ("act_1/insights", "campaign"),
        ("c1/insights", "ad"),
        ("c2/insights", "ad"),
    ]
    assert drive.calls[0].params["fields"] == (
        "campaign_id,impressions,spend,actions,action_values,conversions"
    )
    assert not any("filtering" in call.params for call in drive.calls)
    assert [(row["ad_id"], row["spend"]) for row in sink.rows] == [
        ("a1", "1.50"),
        ("a2", "2.25"),
        ("a3", "4.00"),
    ]
    assert "spent" not in caplog.text


def test_by_campaign__the_overview_has_no_breakdowns() -> None:
    """The list of campaigns is asked plainly, their parts as the report is defined."""
    drive = by_campaign(
        Graph(CAMPAIGNS), Sink(), breakdowns=("age",), action_breakdowns=("action_type",)
    )

    assert ["breakdowns" in call.params for call in drive.calls] == [False, True, True]
    assert "action_breakdowns" not in drive.calls[0].params


def test_by_campaign__spend_that_differs_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """A campaign whose ads add up to less than itself is named with both amounts."""

    def hook(call: Call) -> Reply | None:
        if call.params["level"] == "campaign":
            return {"data": [{"campaign_id": "c1", "spend": "5.00"}]}
        return None

    by_campaign(Graph(CAMPAIGNS, hook=hook), Sink())

    assert "campaign c1 spent 5.00, but its rows add up to 3.75" in caplog.text


def test_by_campaign__without_spend_nothing_is_compared(caplog: pytest.LogCaptureFixture) -> None:
    """Where spend is not among the fields there is nothing to compare."""

    def hook(call: Call) -> Reply | None:
        if call.params["level"] == "campaign":
            return {"data": [{"campaign_id": "c1", "spend": "5.00"}]}
        return {"data": [{"ad_id": "a1"}]}

    by_campaign(Graph(CAMPAIGNS, hook=hook), Sink(), fields=("ad_id",))

    assert "add up" not in caplog.text


def test_by_campaign__a_restart_forgets_only_that_campaign(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A cursor lost in one campaign reads that one again; its spend is not counted twice."""
    lost = iter([True])

    def hook(call: Call) -> Reply | None:
        if call.path == "c1/insights" and "after" in call.params and next(lost, False):
            return fault(*CURSOR_LOST)
        return None

    sink = Sink()
    by_campaign(Graph(CAMPAIGNS, hook=hook, most_rows_per_page=1), sink)

    assert sink.begun == ["", "c1", "c1", "c2"]
    assert [row["ad_id"] for row in sink.rows] == ["a1", "a2", "a3"]
    assert "add up" not in caplog.text


def test_by_campaign__one_that_is_too_much_is_asked_as_a_run() -> None:
    """A single heavy campaign becomes a run at its own edge."""

    def hook(call: Call) -> Reply | None:
        heavy = call.path == "c1/insights" and call.method == "GET"
        return fault(*TOO_MUCH) if heavy else None

    sink = Sink()
    drive = by_campaign(Graph(CAMPAIGNS, hook=hook), sink)

    assert ("POST", "c1/insights") in [(call.method, call.path) for call in drive.calls]
    assert [row["ad_id"] for row in sink.rows] == ["a1", "a2", "a3"]
    assert drive.runs_held == 0


def test_by_campaign__sync_makes_no_run() -> None:
    """`report_mode: sync` holds here too: the day fails instead."""

    def hook(call: Call) -> Reply | None:
        return fault(*TOO_MUCH) if call.path == "c1/insights" else None

    graph = Graph(CAMPAIGNS, hook=hook)
    with pytest.raises(TooMuchData):
        by_campaign(graph, Sink(), mode="sync")

    assert not any(call.method == "POST" for call in graph.calls)


def test_by_campaign__async_asks_only_by_runs() -> None:
    """`report_mode: async` holds here too."""
    drive = by_campaign(Graph(CAMPAIGNS), Sink(), mode="async")

    created = [call.path for call in drive.calls if call.method == "POST"]
    assert created == ["act_1/insights", "c1/insights", "c2/insights"]
    assert not any(call.method == "GET" and call.path in created for call in drive.calls)


def test_run__failed_by_a_rate_limit_waits_a_minute_and_is_no_reason_to_ask_for_less() -> None:
    """A run that failed by a throttle code is asked for again after a minute, whole."""
    sink = Sink()

    drive, _ = read(run_answers(job("Job Failed", error_code=80000), DONE), sink=sink)

    assert posts(drive) == 2
    assert 60.0 in drive.pauses
    assert sink.values() == [1, 2]
