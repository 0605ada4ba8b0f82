"""A list of objects: what is asked, what comes, broken ones, heavy pages, deleted ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.dimensions.request import Unavailable
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    MetaError,
    RequestRefused,
    TokenRefused,
    TooMuchData,
)
from tests.support.dimension_lists import (
    INCOMPLETE,
    NOON,
    REDUCE,
    Meta,
    Reader,
    an_object,
    ids,
    objects,
    request_for,
    unavailable_fault,
)
from tests.support.fakes import CURSOR_LOST, NO_ACCESS, NOT_THERE, TOKEN_DEAD, fault

if TYPE_CHECKING:
    from collections.abc import Callable


# What is asked.


def test_read__asks_what_is_wanted_of_every_status() -> None:
    """One call asks the account's edge for the selected fields, archived and deleted ones too."""
    reader = Reader(Meta({}))

    reader.read(request_for("campaigns", ["name", "daily_budget_major"]))

    (call,) = reader.drive.calls
    assert (call.method, call.path, call.account_id) == ("GET", "act_1/campaigns", "1")
    assert set(call.params["effective_status"]) == {
        "ACTIVE",
        "PAUSED",
        "ARCHIVED",
        "DELETED",
        "IN_PROCESS",
        "WITH_ISSUES",
    }
    assert {**call.params, "effective_status": None} == {
        "fields": "id,effective_status,updated_time,name,daily_budget",
        "limit": 100,
        "effective_status": None,
    }


def test_read__creatives_take_no_parameters() -> None:
    """The edge of creatives is asked for nothing but fields and pages."""
    reader = Reader(Meta({}))

    reader.read(request_for("adcreatives"))

    assert reader.drive.calls[0].params == {"fields": "id,name", "limit": 100}


def test_read__statuses_that_are_wanted() -> None:
    """Of the statuses wanted, those that the kind can have are asked."""
    reader = Reader(Meta({}))

    reader.read(request_for("campaigns", statuses=("ACTIVE", "DISAPPROVED")))

    assert reader.drive.calls[0].params["effective_status"] == ["ACTIVE"]


def test_read__none_can_have_a_wanted_status() -> None:
    """Where no object of the kind can have a wanted status, nothing is asked."""
    reader = Reader(Meta({"campaigns": objects(3)}))

    read = reader.read(request_for("campaigns", statuses=("DISAPPROVED",)))

    assert (read.rows, reader.drive.calls) == (0, [])


# What comes.


def test_read__all_pages() -> None:
    """Every page is read, each object is handed on as a record of its stream."""
    reader = Reader(Meta({"adsets": objects(230)}))

    read = reader.read(request_for("adsets", ["name", "account_id", "read_at"]))

    assert reader.delivered == ids(230)
    assert reader.records[0] == {
        "id": "1",
        "account_id": "1",
        "name": "n1",
        "read_at": "2026-11-24T12:00:00+00:00",
    }
    assert (read.rows, read.left_out, read.in_full) == (230, (), True)
    assert read.listed == set(ids(230))
    assert reader.streams == {"adsets"}
    assert len(reader.drive.calls) == 3


def test_read__a_lost_place() -> None:
    """When Meta loses the place the list is read anew, and no object is delivered twice."""
    lost = [fault(*CURSOR_LOST)]
    meta = Meta(
        {"ads": objects(250)},
        hook=lambda call: lost.pop() if call.params.get("after") == "200" and lost else None,
    )
    reader = Reader(meta)

    read = reader.read(request_for("ads"))

    assert reader.delivered == ids(250)
    assert read.rows == 250


def test_read__twice_on_two_pages() -> None:
    """An object that comes on two pages, as others were added meanwhile, is delivered once."""
    found = objects(150)
    reader = Reader(Meta({"ads": [*found[:100], found[99], *found[100:]]}))

    assert reader.read(request_for("ads")).rows == 150
    assert reader.delivered == ids(150)


def test_read__an_account_without_any() -> None:
    """An empty list is read in full."""
    read = Reader(Meta({})).read(request_for("ads"))

    assert (read.rows, read.in_full, read.bookmark.full_at) == (0, True, NOON)


# One object that Meta cannot give.


@pytest.mark.parametrize(
    "said",
    [(1, None, "An unknown error occurred"), REDUCE, INCOMPLETE, (2, None), (2, 1504044)],
    ids=["unknown", "reduce", "incomplete", "temporarily", "heavy"],
)
def test_broken__one_creative_costs_its_row_only(
    said: tuple[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """A creative that Meta cannot give is left out and named; all others are delivered."""
    caplog.set_level("INFO")
    reader = Reader(Meta({"adcreatives": objects(260)}, broken={"137": lambda: fault(*said)}))

    read = reader.read(request_for("adcreatives"))

    assert sorted(reader.delivered, key=int) == [each for each in ids(260) if each != "137"]
    assert (read.rows, read.left_out) == (259, ("137",))
    assert "137" not in read.listed
    assert read.missing.startswith("Meta does not give 1 of 260: 137 (the last: ")
    (line,) = [each.getMessage() for each in caplog.records if "left out" in each.getMessage()]
    assert line == f"adcreatives, account 1: left out: {read.missing}"


def test_broken__the_rest_goes_on_with_large_pages() -> None:
    """After a bad page, and only there, pages are small and objects asked one by one."""
    broken = {"3": lambda: fault(*INCOMPLETE)}
    reader = Reader(Meta({"adcreatives": objects(205)}, broken=broken))

    reader.read(request_for("adcreatives"))

    assert reader.sizes() == [100, 25, 5, 100, 100]
    single = [call.path for call in reader.drive.calls if "/" not in call.path]
    assert single == ["1", "2", "3", "4", "5"]


def test_broken__all_on_one_page() -> None:
    """Several broken ones are told together, ten of them by name."""
    bad = {str(number): lambda: fault(*INCOMPLETE) for number in range(10, 22)}
    reader = Reader(Meta({"adcreatives": objects(100)}, broken=bad))

    read = reader.read(request_for("adcreatives"))

    assert set(read.left_out) == set(bad)
    assert "10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and 2 more (" in read.missing


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (lambda: fault(*NO_ACCESS), AccountUnreadable),
        (lambda: fault(*NOT_THERE), AccountUnreadable),
        (lambda: fault(*TOKEN_DEAD), TokenRefused),
        (unavailable_fault, KeptFailing),
        (lambda: fault(2635), RequestRefused),
    ],
    ids=["rights", "not there", "token", "no answer", "version"],
)
def test_list__cannot_be_read_at_all(said: Callable[[], MetaError], kind: type[MetaError]) -> None:
    """An account, token or line that fails is not asked again in smaller pieces."""
    reader = Reader(lambda _call: said())

    with pytest.raises(kind):
        reader.read(request_for("adcreatives"))
    assert set(reader.sizes()) == {100}


def test_list__not_even_the_ids() -> None:
    """A page whose ids alone cannot be had fails the stream."""
    reader = Reader(lambda _call: fault(1, None, "unknown"))

    with pytest.raises(TooMuchData):
        reader.read(request_for("adcreatives"))


# Pages that are too heavy.


def test_heavy__the_size_that_works_stays() -> None:
    """Where 100 creatives are too much at a time, 25 are asked from then on."""
    reader = Reader(Meta({"adcreatives": objects(200)}, most=30))

    reader.read(request_for("adcreatives"))

    assert reader.delivered == ids(200)
    assert reader.sizes() == [100] + [25] * 8


def test_heavy__grows_again_after_ten() -> None:
    """After ten pages that went well a larger one is tried again."""
    heavy = [fault(*REDUCE)]
    meta = Meta({"adcreatives": objects(450)}, hook=lambda _call: heavy.pop() if heavy else None)
    reader = Reader(meta)

    reader.read(request_for("adcreatives"))

    assert reader.delivered == ids(450)
    assert reader.sizes() == [100] + [25] * 10 + [100, 100]


def test_heavy__counts_from_the_last_trouble() -> None:
    """The ten pages that have to go well are those since a page last failed."""
    meta = Meta({"adcreatives": objects(300)})
    asked = {1, 7}
    reader = Reader(meta)
    meta.hook = lambda _call: fault(*REDUCE) if len(reader.drive.calls) in asked else None

    reader.read(request_for("adcreatives"))

    assert reader.sizes() == [100, *[25] * 6, *[5] * 10, *[25] * 5]


# Deleted objects.


def test_deleted__are_listed_where_meta_does() -> None:
    """Deleted and archived objects are delivered where the edge lists them."""
    found = [an_object(1), an_object(2, "DELETED"), an_object(3, "ARCHIVED")]
    reader = Reader(Meta({"campaigns": found}))

    reader.read(request_for("campaigns"))

    assert reader.delivered == ids(3)


def ways_asked(reader: Reader, path: str = "") -> list[str]:
    """Return how each call to a list asked for statuses."""
    return [
        "filter"
        if "filtering" in call.params
        else "parameter"
        if "DELETED" in call.params["effective_status"]
        else "living"
        for call in reader.drive.calls
        if "/" in call.path and path in call.path
    ]


def of_accounts(meta: Meta, *accounts: str) -> list[Reader]:
    """Read the campaigns of ad accounts, one after the other, in one run."""
    unavailable = Unavailable()
    readers = []
    for account_id in accounts:
        readers.append(Reader(meta, unavailable=unavailable))
        readers[-1].read(replace(request_for("campaigns"), account_id=account_id))
    return readers


def test_deleted__refused(caplog: pytest.LogCaptureFixture) -> None:
    """Where DELETED is refused in either way, all others are read; that is said once."""
    caplog.set_level("INFO")
    meta = Meta({"campaigns": objects(3)}, lists_deleted=False)

    readers = of_accounts(meta, "1", "2")

    assert [reader.delivered for reader in readers] == [ids(3), ids(3)]
    assert [ways_asked(reader) for reader in readers] == [["parameter", "filter", "living"]] * 2
    (line,) = caplog.records
    assert line.levelname == "INFO"
    assert line.getMessage().startswith(
        "campaigns, account 1: Meta does not list deleted ones (made up (code 100/1487561"
    )


def test_deleted__refused_to_three() -> None:
    """After three accounts were told the same, the others are not asked in that way any more."""
    meta = Meta({"campaigns": objects(3)}, lists_deleted=False)

    *_, third, fourth = of_accounts(meta, "1", "2", "3", "4")

    assert ways_asked(third) == ["parameter", "filter", "living"]
    assert ways_asked(fourth) == ["living"]


def test_deleted__refused_to_some_and_given_to_one() -> None:
    """Once an account was given its deleted ones, nobody is denied them for what others met."""
    meta = Meta({"campaigns": [*objects(2), an_object(3, "DELETED")]})
    meta.hook = lambda call: (
        fault(100, 1)
        if call.account_id in {"2", "3", "4"} and "DELETED" in str(call.params)
        else None
    )

    *_, last = of_accounts(meta, "1", "2", "3", "4", "5")

    assert last.delivered == ids(3)


def test_deleted__by_filtering() -> None:
    """Where only `filtering` may name DELETED, deleted ones are listed by that, page by page."""
    found = [*objects(150), an_object(151, "DELETED")]
    reader = Reader(Meta({"campaigns": found}, lists_deleted=False, filters_deleted=True))

    reader.read(request_for("campaigns"))

    assert reader.delivered == ids(151)
    assert ways_asked(reader) == ["parameter", "filter", "filter"]


def test_deleted__was_not_the_reason() -> None:
    """Where leaving DELETED out does not help it was not the reason, and is asked further."""
    reader = Reader(Meta({"campaigns": objects(3)}, hook=lambda _call: fault(100, 1234)))

    with pytest.raises(RequestRefused):
        reader.read(request_for("campaigns"))
    assert reader.unavailable == Unavailable()
    # Three ways of asking are tried with the largest page only.
    assert reader.sizes() == [100, 100, 100, 25, 5]


def test_deleted__a_broken_ad_is_not_the_reason() -> None:
    """An ad whose creative is incomplete says nothing about statuses."""
    broken = {"2": lambda: fault(*INCOMPLETE)}
    reader = Reader(Meta({"ads": [an_object(1), an_object(2, "DELETED")]}, broken=broken))

    assert reader.read(request_for("ads")).left_out == ("2",)
    assert set(ways_asked(reader, "/ads")) == {"parameter"}


def test_deleted__a_later_page_does_not_tell() -> None:
    """Statuses are refused with the first page or not at all: a later one has a broken object."""
    found = [*objects(120), an_object(121, "DELETED")]
    reader = Reader(Meta({"ads": found}, broken={"121": lambda: fault(100, 1234)}))

    assert reader.read(request_for("ads")).left_out == ("121",)
    assert set(ways_asked(reader, "/ads")) == {"parameter"}


def test_deleted__refused_and_nothing_else_is_wanted() -> None:
    """Who wants deleted ones only, which Meta does not list, is not given all that are alive."""
    meta = Meta({"ads": [*objects(3), an_object(4, "DELETED")]}, lists_deleted=False)
    first = Reader(meta)
    second = Reader(meta, unavailable=first.unavailable)
    request = request_for("ads", statuses=("DELETED",))

    for reader in (first, second):
        first_read = reader.read(request)
        reader.look_up(request, ["4"], first_read)
        assert reader.delivered == ["4"]
        assert first_read.listed == frozenset()


def test_deleted__refused_of_a_list_with_a_broken_ad() -> None:
    """The ids of a bad page are to be had where Meta does not list deleted ones, too."""
    broken = {"2": lambda: fault(1, None, "unknown")}
    reader = Reader(Meta({"ads": objects(3)}, broken=broken, lists_deleted=False))

    read = reader.read(request_for("ads"))

    assert (reader.delivered, read.left_out) == (["1", "3"], ("2",))
