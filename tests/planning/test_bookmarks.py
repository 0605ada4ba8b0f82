"""Bookmarks: their partition of the state, and whole histories of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.days.windows import DateWindow, joined
from tap_meta_partner.planning.bookmarks import Bookmark, read_partition, write_partition
from tap_meta_partner.planning.holes import Hole, found_holes
from tap_meta_partner.planning.open_days import close_window, open_days
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.planning.withheld import Withheld
from tests.support.examples import examples
from tests.support.windows_read import AD, DATES, THOROUGHLY, D, delivered, windows_of

# State.


def test_partition__is_the_sdks_own_shape() -> None:
    """The bookmark is written as the SDK writes it, the tap's own keys beside it."""
    partition: dict[str, Any] = {"context": {"account_id": "1"}}
    bookmark = replace(
        delivered("2026-11-23", "2026-10-26"), pace=Pace(days=15, report_run=True, easy=1)
    )

    write_partition(bookmark, partition)

    assert partition == {
        "context": {"account_id": "1"},
        "replication_key": "date_start",
        "replication_key_value": "2026-11-23",
        "since": "2026-10-26",
        "report": "ad|1||default|",
        "pace": {"days": 15, "mode": "async", "easy": 1},
    }


def test_partition__without_a_bookmark_holds_its_context_only() -> None:
    """Nothing delivered writes no key and removes those of before; strange keys stay."""
    partition: dict[str, Any] = {"context": {}, "starting_replication_value": "x"}
    write_partition(delivered("2026-11-23", "2026-10-26"), partition)
    write_partition(Bookmark(), partition)

    assert partition == {"context": {}, "starting_replication_value": "x"}


@pytest.mark.parametrize(
    "value", ["2026-11-23", "2026-11-23T00:00:00+00:00", "2026-11-23T00:00:00Z"]
)
def test_partition__takes_a_date_time_for_its_date(value: str) -> None:
    """A bookmark that another version wrote as a date-time counts with its date."""
    assert read_partition({"replication_key_value": value}).day == D("2026-11-23")


@pytest.mark.parametrize("key", ["replication_key_value", "since"])
@pytest.mark.parametrize("value", ["", "yesterday", 20, ["2026-11-23"], {}, "2026-13-01"])
def test_partition__with_a_wrong_date_is_named(key: str, value: object) -> None:
    """A date that is none is an error that names key and value, not a silent full read."""
    with pytest.raises(ValueError, match=f"^{key} is .*, which is not a date$"):
        read_partition({key: value})


@pytest.mark.parametrize(
    "pace",
    [
        "fast",
        [],
        {"days": 0},
        {"days": 31},
        {"days": "7"},
        {"days": 7, "easy": "1"},
        {"days": None},
    ],
)
def test_partition__with_a_wrong_pace_loses_a_hint(pace: object) -> None:
    """A pace that makes no sense is the usual pace, and no error."""
    assert read_partition({"pace": pace, "report": 5}) == Bookmark()


@pytest.mark.parametrize("mode", [None, "fast", 5, [], {}, ["async"]], ids=repr)
def test_partition__with_a_wrong_mode_asks_directly(mode: object) -> None:
    """A mode this version does not know is the direct one."""
    assert read_partition({"pace": {"days": 7, "mode": mode}}).pace == Pace(days=7)


def test_partition__negative_easy_windows_are_none() -> None:
    """A count of easy windows below 0 is 0."""
    assert read_partition({"pace": {"days": 7, "easy": -4}}).pace == Pace(days=7)


IDS = st.text("0123456789", min_size=1)
PACES = st.builds(
    Pace,
    days=st.integers(1, 30),
    report_run=st.booleans(),
    easy=st.integers(0, 2),
    met=st.none() | DATES,
    vain=st.integers(0, 3),
    stood_still=st.booleans(),
) | st.builds(
    Pace,
    days=st.just(1),
    by_object=st.just(True),  # noqa: FBT003  (a value)
    easy=st.integers(0, 2),
    heavy=st.lists(IDS).map(tuple),
    hopeless=st.lists(IDS).map(tuple),
    parts=st.integers(1, 16),
)
WINDOWS = st.tuples(DATES, DATES).map(lambda days: DateWindow(min(days), max(days)))
STRETCHES = st.lists(WINDOWS, min_size=1, max_size=4).map(lambda found: tuple(joined(found)))
EVER = DateWindow(dt.date.min, dt.date.max)
HOLES = st.builds(
    Hole,
    window=WINDOWS,
    what=st.text(),
    why=st.text(),
    spend=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=2),
    found=st.none() | DATES,
    object_id=st.none() | IDS,
)


BOOKMARKS = st.builds(
    Bookmark,
    day=st.none() | DATES,
    since=st.none() | DATES,
    read_on=st.none() | DATES,
    report=st.none() | st.text(min_size=1),
    pace=PACES,
    withheld=st.builds(
        Withheld,
        without=st.dictionaries(st.text(min_size=1), STRETCHES),
        unread=st.just(()) | STRETCHES,
    ),
    holes=st.lists(HOLES, unique_by=lambda hole: (hole.window, hole.what)).map(
        lambda found: found_holes((), found, EVER, dt.date(2026, 11, 25))
    ),
)


@THOROUGHLY
@given(BOOKMARKS, BOOKMARKS)
def test_partition__reads_back_what_was_written(before: Bookmark, bookmark: Bookmark) -> None:
    """A bookmark written over another one reads back equal."""
    partition: dict[str, Any] = {"context": {"account_id": "1"}}
    write_partition(before, partition)
    write_partition(bookmark, partition)

    assert read_partition(partition) == bookmark


# Whole histories: nights with other settings, broken off anywhere.


NIGHTS = st.lists(
    st.tuples(
        st.integers(0, 60),  # days since the run before
        st.none() | st.integers(0, 500),  # start_date: days before today
        st.none() | st.integers(0, 60),  # end_date: days before today
        st.integers(0, 40),  # lookback_days
        st.sampled_from([None, ("spend",), ("spend", "clicks")]),  # fields
        st.booleans(),  # backfill_on_change
        st.lists(st.integers(1, 30), max_size=40),  # windows until the run breaks off
    ),
    min_size=1,
    max_size=8,
)


@settings(derandomize=True, deadline=None, max_examples=examples(300))
@given(NIGHTS)
def test_history__bookmark_never_claims_a_day_not_delivered(nights: list[tuple[Any, ...]]) -> None:
    """Whatever the settings did and wherever runs broke off, every day claimed was delivered."""
    today, bookmark = D("2025-06-15"), Bookmark()
    delivered_days: set[dt.date] = set()
    for later, start, end, lookback, fields, backfill, sizes in nights:
        today += dt.timedelta(days=later)
        definition = replace(
            AD,
            fields=fields,
            lookback_days=lookback,
            start_date=None if start is None else today - dt.timedelta(days=start),
        )
        plan = open_days(
            bookmark,
            definition,
            today=today,
            end_date=None if end is None else today - dt.timedelta(days=end),
            backfill_on_change=backfill,
        )
        for closed in windows_of(plan, sizes):
            moved = close_window(bookmark, closed, plan, today=today)
            delivered_days.update(
                closed.since + dt.timedelta(days=number) for number in range(closed.days)
            )
            first = moved.day is not None and (plan.starts_anew or bookmark.day is None)
            assert first or bookmark.day is None or (moved.day or dt.date.min) >= bookmark.day
            bookmark = moved
            if bookmark.day is None:
                continue
            assert bookmark.since is not None
            assert bookmark.since <= bookmark.day < today
            claimed = DateWindow(bookmark.since, bookmark.day)
            assert all(
                claimed.since + dt.timedelta(days=number) in delivered_days
                for number in range(claimed.days)
            )


@settings(derandomize=True, deadline=None, max_examples=examples(200))
@given(
    st.integers(0, 40),
    st.lists(
        st.tuples(st.integers(0, 60), st.lists(st.integers(1, 30), max_size=40)),
        min_size=1,
        max_size=8,
    ),
)
def test_history__a_day_is_read_until_it_is_older_than_the_lookback(
    lookback: int, nights: list[tuple[int, list[int]]]
) -> None:
    """Wherever runs broke off: what the next one does not read again was final when it was read."""
    today, bookmark = D("2025-06-15"), Bookmark()
    definition = replace(AD, lookback_days=lookback, start_date=D("2024-06-01"))
    age_when_read: dict[dt.date, int] = {}
    for later, sizes in nights:
        today += dt.timedelta(days=later)
        plan = open_days(bookmark, definition, today=today)
        assert plan.forward is not None
        for day, age in age_when_read.items():
            assert day >= plan.forward.since or age > lookback
        for closed in windows_of(plan, sizes):
            bookmark = close_window(bookmark, closed, plan, today=today)
            age_when_read |= {day: (today - day).days for day in closed.each_day()}


@settings(derandomize=True, deadline=None, max_examples=examples(200))
@given(NIGHTS, st.lists(st.integers(1, 30), min_size=1))
def test_history__ends_with_the_wanted_days(
    nights: list[tuple[Any, ...]], sizes: list[int]
) -> None:
    """After any history one whole run brings the bookmark to the last day wanted before today."""
    today, bookmark = D("2025-06-15"), Bookmark()
    for later, start, end, lookback, fields, backfill, cuts in nights:
        today += dt.timedelta(days=later)
        definition = replace(
            AD,
            fields=fields,
            lookback_days=lookback,
            start_date=None if start is None else today - dt.timedelta(days=start),
        )
        plan = open_days(
            bookmark,
            definition,
            today=today,
            end_date=None if end is None else today - dt.timedelta(days=end),
            backfill_on_change=backfill,
        )
        for closed in windows_of(plan, cuts):
            bookmark = close_window(bookmark, closed, plan, today=today)
    plan = open_days(bookmark, AD, today=today)
    for closed in windows_of(plan, sizes * 1200):
        bookmark = close_window(bookmark, closed, plan, today=today)

    assert bookmark.day == today - dt.timedelta(days=1)
