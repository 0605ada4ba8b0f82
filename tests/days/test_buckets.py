"""The fixed grid: which bucket a day is in, and how windows are widened to buckets and cut."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_meta_partner.days.buckets import (
    ALL_DAYS,
    MONTHLY,
    bucket_of,
    cut,
    cut_before,
    first_day,
    is_one_bucket,
    is_two_buckets,
    widened,
)
from tap_meta_partner.days.history import history_edge
from tap_meta_partner.days.windows import DateWindow

TODAY = dt.date(2026, 11, 25)
DAY = dt.timedelta(days=1)
days = st.dates(dt.date(2020, 1, 1), dt.date(2030, 12, 31))
increments = st.one_of(st.integers(1, 90), st.just(MONTHLY))


@st.composite
def windows(draw: st.DrawFn) -> DateWindow:
    since = draw(days)
    return DateWindow(since, since + dt.timedelta(days=draw(st.integers(0, 400))))


def window(since: str, until: str) -> DateWindow:
    return DateWindow(dt.date.fromisoformat(since), dt.date.fromisoformat(until))


@pytest.mark.parametrize(
    ("day", "increment", "bucket"),
    [
        ("2026-11-25", 1, ("2026-11-25", "2026-11-25")),
        # A Wednesday: calendar weeks run from Monday to Sunday.
        ("2026-11-25", 7, ("2026-11-23", "2026-11-29")),
        ("2026-11-23", 7, ("2026-11-23", "2026-11-29")),
        ("2026-11-22", 7, ("2026-11-16", "2026-11-22")),
        ("2028-02-29", MONTHLY, ("2028-02-01", "2028-02-29")),
        ("2026-12-31", MONTHLY, ("2026-12-01", "2026-12-31")),
    ],
)
def test_bucket__is_a_day_a_week_or_a_month_of_the_calendar(
    day: str, increment: int | str, bucket: tuple[str, str]
) -> None:
    """Days, weeks from Monday to Sunday, and calendar months."""
    assert bucket_of(dt.date.fromisoformat(day), increment) == window(*bucket)


@given(day=days, increment=increments)
def test_buckets__hold_each_day_once(day: dt.date, increment: int | str) -> None:
    """Every day of a bucket is in that bucket, and the next day in one that begins there."""
    bucket = bucket_of(day, increment)

    assert day in bucket
    assert {bucket_of(each, increment) for each in bucket.each_day()} == {bucket}
    assert bucket_of(bucket.until + DAY, increment).since == bucket.until + DAY


@given(inner=windows(), increment=increments)
def test_widened__holds_whole_buckets_only(inner: DateWindow, increment: int | str) -> None:
    """It holds the window, begins with a bucket and ends with one, or with today."""
    found = widened(inner, increment, edge=dt.date.min, today=TODAY)

    assert found is not None
    assert inner in found
    assert bucket_of(found.since, increment).since == found.since
    assert found.until in {bucket_of(found.until, increment).until, TODAY, inner.until}
    assert found.until <= max(TODAY, inner.until)


@given(increment=increments, back=st.integers(0, 1200), today=days)
def test_widened__at_the_edge_of_history_leaves_the_bucket_it_cuts(
    increment: int | str, back: int, today: dt.date
) -> None:
    """Nothing before the edge is asked for, and no bucket is asked for in part."""
    edge = history_edge(today)
    asked = DateWindow(today - dt.timedelta(days=back), today)

    found = widened(asked, increment, edge=edge, today=today)

    if found is not None:
        assert found.since >= edge
        assert bucket_of(found.since, increment).since == found.since
        assert found.until == today
        # Not a bucket more than needed was left out.
        before = bucket_of(found.since - DAY, increment)
        assert before.since < edge or before.until < asked.since
    else:
        assert bucket_of(today, increment).since < edge


@given(inner=windows(), increment=increments, size=st.integers(1, 200), from_end=st.booleans())
def test_cut__never_divides_a_bucket(
    inner: DateWindow, increment: int | str, size: int, *, from_end: bool
) -> None:
    """What is taken and left begins with a bucket; as many as fit are taken, one at least."""
    whole = widened(inner, increment, edge=dt.date.min, today=dt.date.max)
    assert whole is not None

    taken, left = cut(whole, size, increment, from_end=from_end)

    assert bucket_of(taken.since, increment).since == taken.since
    assert taken.days <= size or is_one_bucket(taken, increment)
    if left is None:
        assert taken == whole
        return
    assert bucket_of(left.since, increment).since == left.since
    first, second = (left, taken) if from_end else (taken, left)
    assert (first.since, second.until) == (whole.since, whole.until)
    assert first.until + DAY == second.since
    if taken.days <= size:
        edge = left.until if from_end else left.since
        assert taken.days + bucket_of(edge, increment).days > size


@given(inner=windows(), increment=increments, size=st.integers(1, 200))
def test_cut__comes_to_an_end_with_the_same_days(
    inner: DateWindow, increment: int | str, size: int
) -> None:
    """However often it is cut, the pieces are the window, in order and without gaps."""
    rest = widened(inner, increment, edge=dt.date.min, today=dt.date.max)
    pieces = []
    whole = rest
    while rest:
        piece, rest = cut(rest, size, increment, from_end=False)
        pieces.append(piece)

    assert whole is not None
    assert [day for piece in pieces for day in piece.each_day()] == list(whole.each_day())


@given(inner=windows(), increment=increments, day=days)
def test_cut_before__tells_buckets_apart_by_where_they_begin(
    inner: DateWindow, increment: int | str, day: dt.date
) -> None:
    """Each bucket is on the side of its first day."""
    whole = widened(inner, increment, edge=dt.date.min, today=dt.date.max)
    assert whole is not None

    before, after = cut_before(whole, day, increment)

    for each in whole.each_day():
        begins_before = bucket_of(each, increment).since < day
        assert (before is not None and each in before) == begins_before
        assert (after is not None and each in after) == (not begins_before)


def test_all_days__is_one_bucket_however_long() -> None:
    """It is neither widened nor cut, and what reaches beyond the edge begins with a month."""
    long = window("2023-11-02", "2026-11-24")

    assert widened(long, ALL_DAYS, edge=dt.date(2023, 11, 1), today=TODAY) == long
    for edge in (dt.date(2023, 11, 5), dt.date(2023, 11, 30), dt.date(2023, 12, 1)):
        assert widened(long, ALL_DAYS, edge=edge, today=TODAY) == window("2023-12-01", "2026-11-24")
    assert cut(long, 1, ALL_DAYS, from_end=False) == (long, None)
    assert is_one_bucket(long, ALL_DAYS)
    assert cut_before(long, dt.date(2025, 1, 1), ALL_DAYS) == (long, None)
    assert cut_before(long, dt.date(2023, 1, 1), ALL_DAYS) == (None, long)


@pytest.mark.parametrize(
    ("until", "one", "two"),
    [("2026-10-31", True, True), ("2026-11-25", False, True), ("2026-12-01", False, False)],
)
def test_buckets__are_counted(until: str, *, one: bool, two: bool) -> None:
    """A bucket under way counts as one."""
    months = window("2026-10-01", until)

    assert is_one_bucket(months, MONTHLY) is one
    assert is_two_buckets(months, MONTHLY) is two


def test_first_day__of_a_bucket_that_begins_at_the_edge_is_the_edge() -> None:
    """The edge is still asked for."""
    monday = dt.date(2026, 11, 23)

    assert first_day(TODAY, 7, edge=monday) == monday
    assert first_day(TODAY, 7, edge=monday + DAY) == monday + 7 * DAY
