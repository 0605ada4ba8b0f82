"""Which days are open, what closing them does, and the buckets of weeks and months."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.days.history import history_edge
from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.bookmarks import Bookmark, read_partition, write_partition
from tap_meta_partner.planning.open_days import close_window, open_days
from tap_meta_partner.reports.request import Reporting
from tap_meta_partner.settings.model import ReportDefinition, Settings
from tap_meta_partner.sync.account import sync_account
from tap_meta_partner.sync.events import BookmarkMoved, Outcome, Rows, StreamResult
from tap_meta_partner.sync.shared import Shared
from tests.support.examples import examples
from tests.support.fakes import TOO_MUCH, Drive, fault
from tests.support.windows_read import (
    AD,
    DATES,
    THOROUGHLY,
    D,
    delivered,
    read_all,
    window,
    windows_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


TODAY = dt.date(2026, 11, 25)
DAY = dt.timedelta(days=1)
ACCOUNT = AdAccount(account_id="1", name="One", timezone_name="Europe/Berlin")
Span = tuple[dt.date, dt.date]


def span_of(call: Call) -> Span:
    days = call.params["time_range"]
    return dt.date.fromisoformat(days["since"]), dt.date.fromisoformat(days["until"])


def metas_buckets(since: dt.date, until: dt.date, increment: str) -> list[Span]:
    """Return the periods Meta makes rows of: counted from `since`, the last one ends with it."""
    found = []
    while since <= until:
        if increment == "all_days":
            end = until
        elif increment == "monthly":
            end = since.replace(day=monthrange(since.year, since.month)[1])
        else:
            end = since + dt.timedelta(days=int(increment) - 1)
        found.append((since, min(end, until)))
        since = end + DAY
    return found


def account_of_buckets(call: Call) -> Reply:
    """Answer as Meta does for one account that delivers every day."""
    return {
        "data": [
            {"date_start": str(since), "date_stop": str(until), "reach": "5", "spend": "1"}
            for since, until in metas_buckets(*span_of(call), call.params["time_increment"])
        ]
    }


def night(
    definition: ReportDefinition,
    today: dt.date,
    bookmark: Bookmark,
    answer: Callable[[Call], Reply] = account_of_buckets,
    **configured: Any,  # noqa: ANN401  (settings)
) -> tuple[Drive, Bookmark]:
    """Run one night; return what was seen and the bookmark as the state brings it back."""
    drive = Drive(answer)
    shared = Shared(
        settings=Settings(access_token="T", **configured),
        reporting=Reporting(mode="auto", jitter=lambda: 0.0, monotonic=drive.clock),
        utc_now=lambda: dt.datetime(2026, 11, 25, 3, tzinfo=dt.timezone.utc),
        may_begin=lambda: True,
    )
    plan = InsightsPlan(
        definition=definition, columns=columns_of(definition), rows_to=definition.name
    )
    drive(sync_account(ACCOUNT, today, [plan], {plan.name: bookmark}, shared))
    (result,) = [event for event in drive.events if isinstance(event, StreamResult)]
    assert result.result == Outcome.DELIVERED, result.reason
    partition: dict[str, Any] = {}
    closed = [event.bookmark for event in drive.events if isinstance(event, BookmarkMoved)]
    write_partition(closed[-1] if closed else bookmark, partition)
    return drive, read_partition(partition)


def weekly(**definition: Any) -> ReportDefinition:  # noqa: ANN401
    wanted = {"name": "weekly", "level": "account", "fields": ("reach",), "time_increment": 7}
    return ReportDefinition(**{**wanted, **definition})


def rows_of(drive: Drive) -> list[dict[str, Any]]:
    return [row for event in drive.events if isinstance(event, Rows) for row in event.records]


@settings(max_examples=examples(60), deadline=None)
@given(
    increment=st.one_of(st.integers(2, 90), st.just("monthly")),
    start_back=st.one_of(st.none(), st.integers(0, 1300)),
    nights=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 60), st.integers(1, 200)),
        min_size=1,
        max_size=6,
    ),
)
def test_buckets__are_never_cut_nor_shifted(
    increment: int | str, start_back: int | None, nights: list[tuple[int, int, int]]
) -> None:
    """Over nights with sliding lookbacks, windows too large, and the edge of Meta's history.

    Every row covers a whole bucket of one fixed grid, or ends with today; whatever Meta is asked,
    each `date_start` belongs to one period only.
    """
    today, bookmark = TODAY, Bookmark()
    ends: dict[dt.date, set[dt.date]] = {}
    for passed, lookback, most_days in nights:
        today += dt.timedelta(days=passed)
        start = None if start_back is None else TODAY - dt.timedelta(days=start_back)
        definition = weekly(time_increment=increment, lookback_days=lookback, start_date=start)

        drive, bookmark = night(definition, today, bookmark, too_much_beyond(most_days))

        asked = [span_of(call) for call in drive.calls if "time_range" in call.params]
        assert all(since >= history_edge(today) for since, _ in asked)
        for row in rows_of(drive):
            begin, end = map(dt.date.fromisoformat, (row["date_start"], row["date_stop"]))
            ends.setdefault(begin, set()).add(end)
            assert end == today or is_whole(begin, end, increment)
    begins = sorted(ends)
    assert all(max(ends[begin]) < following for begin, following in pairwise(begins))
    if increment == "monthly":
        assert {begin.day for begin in begins} <= {1}
    else:
        assert {(begin - begins[0]).days % int(increment) for begin in begins} <= {0}


def too_much_beyond(most_days: int) -> Callable[[Call], Reply]:
    """Answer windows of more days, unless they are one bucket, with an error."""

    def answer(call: Call) -> Reply:
        if "time_range" not in call.params:
            return {"async_status": "Job Failed", "error_code": -3, "error_subcode": 1504045}
        since, until = span_of(call)
        buckets = metas_buckets(since, until, call.params["time_increment"])
        if len(buckets) > 1 and (until - since).days >= most_days:
            return {"report_run_id": "7"} if call.method == "POST" else fault(*TOO_MUCH)
        return account_of_buckets(call)

    return answer


def is_whole(begin: dt.date, end: dt.date, increment: int | str) -> bool:
    days = monthrange(begin.year, begin.month)[1] if increment == "monthly" else increment
    return (end - begin).days + 1 == days


def test_weeks__begin_on_mondays() -> None:
    """Seven days are the calendar's weeks, the one under way up to today."""
    drive, _ = night(weekly(start_date=dt.date(2026, 11, 5)), TODAY, Bookmark())

    assert [(row["date_start"], row["date_stop"]) for row in rows_of(drive)] == [
        ("2026-11-02", "2026-11-08"),
        ("2026-11-09", "2026-11-15"),
        ("2026-11-16", "2026-11-22"),
        ("2026-11-23", "2026-11-25"),
    ]


@pytest.mark.parametrize("increment", [7, "monthly"])
def test_nightly_run__of_weeks_or_months_is_one_call(increment: int | str) -> None:
    """The buckets that the lookback touches fit into one window, whatever the day."""
    for offset in range(31):
        today = TODAY + dt.timedelta(days=offset)
        bookmark = Bookmark(day=today - 2 * DAY, since=dt.date(2026, 1, 1))
        drive, _ = night(weekly(time_increment=increment), today, bookmark)

        assert len(drive.calls) == 1


def test_final__is_a_bucket_whose_last_day_is() -> None:
    """A week is final 28 days after its end, not after its start."""
    drive, _ = night(weekly(start_date=dt.date(2026, 10, 1)), TODAY, Bookmark())

    final = {row["date_stop"]: row["is_final"] for row in rows_of(drive)}
    assert final["2026-10-25"] is True
    assert final["2026-11-01"] is False


@pytest.mark.parametrize(
    ("preset", "since", "until"),
    [
        ("this_month", "2026-11-01", "2026-11-25"),
        ("last_quarter", "2026-07-01", "2026-09-30"),
        ("maximum", "2023-11-01", "2026-11-25"),
    ],
)
def test_all_days__of_a_preset_is_one_row_and_no_bookmark(
    preset: str, since: str, until: str
) -> None:
    """The whole window is one call and one row, read again in full every night."""
    definition = weekly(time_increment="all_days", date_preset=preset)
    old = Bookmark(day=dt.date(2026, 11, 1), since=dt.date(2026, 1, 1))

    drive, after = night(definition, TODAY, old)

    assert [(row["date_start"], row["date_stop"]) for row in rows_of(drive)] == [(since, until)]
    assert len(drive.calls) == 1
    assert after == old


def test_all_days__of_fixed_dates_is_the_same_row_every_night() -> None:
    """Its key does not move as the nights go on."""
    definition = weekly(time_increment="all_days", start_date=dt.date(2026, 10, 1))
    seen = {
        (row["date_start"], row["date_stop"])
        for nights in (0, 1, 20)
        for row in rows_of(
            night(
                definition,
                TODAY + nights * DAY,
                Bookmark(),
                end_date=dt.date(2026, 10, 31),
            )[0]
        )
    }

    assert seen == {("2026-10-01", "2026-10-31")}


def test_preset__is_widened_to_whole_buckets() -> None:
    """A report of weeks over the last 30 days has the weeks that these touch."""
    drive, _ = night(weekly(date_preset="last_30d"), TODAY, Bookmark())

    rows = [(row["date_start"], row["date_stop"]) for row in rows_of(drive)]
    assert rows[0] == ("2026-10-26", "2026-11-01")
    assert rows[-1] == ("2026-11-23", "2026-11-25")


# Which days are open.


def test_first_run__begins_30_days_ago() -> None:
    """Without a start date a new account begins 30 days ago and ends today."""
    plan = open_days(Bookmark(), AD, today=TODAY)

    assert plan.forward == window("2026-10-26", "2026-11-25")
    assert plan.gap is None


def test_first_run__begins_at_start_date() -> None:
    """With a start date a new account begins there."""
    plan = open_days(Bookmark(), replace(AD, start_date=D("2026-01-01")), today=TODAY)

    assert plan.span == window("2026-01-01", "2026-11-25")


def test_first_run__is_clamped_to_what_meta_keeps() -> None:
    """A start date before Meta's 37 months is taken as the oldest day Meta keeps."""
    plan = open_days(Bookmark(), replace(AD, start_date=D("2015-01-01")), today=TODAY)

    assert plan.forward == window("2023-10-26", "2026-11-25")


def test_first_run__with_a_start_tomorrow_has_nothing_to_do() -> None:
    """Where the start date has not come yet in the account's zone, no day is open."""
    plan = open_days(Bookmark(), replace(AD, start_date=D("2026-11-26")), today=TODAY)

    assert plan.forward is plan.gap is plan.span is None


def test_next_run__reads_the_lookback_again() -> None:
    """The next run begins 28 days before the bookmark, that day included."""
    plan = open_days(delivered("2026-11-23", "2026-01-01"), AD, today=TODAY)

    assert plan.forward == window("2026-10-26", "2026-11-25")
    assert plan.gap is None


def test_lookback__of_none_reads_the_last_day_again() -> None:
    """With a lookback of 0 the next run begins at the bookmark itself."""
    definition = replace(AD, lookback_days=0)
    plan = open_days(delivered("2026-11-23", "2026-01-01"), definition, today=TODAY)

    assert plan.forward == window("2026-11-23", "2026-11-25")


def test_lookback__does_not_reach_before_the_first_day_delivered() -> None:
    """Days before `since` were never wanted: the lookback ends there."""
    plan = open_days(delivered("2026-11-23", "2026-11-10"), AD, today=TODAY)

    assert plan.forward == window("2026-11-10", "2026-11-25")


def test_lookback__does_not_reach_before_a_start_date() -> None:
    """An explicit start date ends the lookback, as long as days are delivered up to it."""
    definition = replace(AD, start_date=D("2026-11-15"))
    plan = open_days(delivered("2026-11-23", "2026-01-01"), definition, today=TODAY)

    assert plan.forward == window("2026-11-15", "2026-11-25")
    assert not plan.starts_anew


@pytest.mark.parametrize("days", [5000, 10**6, 10**12])
def test_lookback__may_be_longer_than_the_calendar(days: int) -> None:
    """A huge lookback reads again all that was delivered and Meta still keeps."""
    definition = replace(AD, lookback_days=days)
    plan = open_days(delivered("2026-11-23", "2020-01-01"), definition, today=TODAY)

    assert plan.forward == window("2023-10-26", "2026-11-25")


def test_start__moved_earlier_opens_only_the_missing_days() -> None:
    """An earlier start date opens the days before the first one delivered, beside the lookback."""
    definition = replace(AD, start_date=D("2026-08-01"))
    plan = open_days(delivered("2026-11-23", "2026-10-01"), definition, today=TODAY)

    assert plan.forward == window("2026-10-26", "2026-11-25")
    assert plan.gap == window("2026-08-01", "2026-09-30")
    assert plan.span == window("2026-08-01", "2026-11-25")


def test_gap__moves_since_from_its_newest_day() -> None:
    """Each window closed in the gap moves `since`, so that the next run asks only for the rest."""
    definition = replace(AD, start_date=D("2026-08-01"))
    bookmark = delivered("2026-11-23", "2026-10-01")
    plan = open_days(bookmark, definition, today=TODAY)

    moved = close_window(bookmark, window("2026-09-15", "2026-09-30"), plan, today=TODAY)

    assert moved == replace(bookmark, since=D("2026-09-15"))
    assert open_days(moved, definition, today=TODAY).gap == window("2026-08-01", "2026-09-14")
    assert open_days(read_all(bookmark, plan), definition, today=TODAY).gap is None


def test_start__moved_before_the_history_opens_what_meta_keeps() -> None:
    """The gap is clamped to 37 months, and there is none where `since` is older."""
    definition = replace(AD, start_date=D("2015-01-01"))

    recent = open_days(delivered("2026-11-23", "2023-11-01"), definition, today=TODAY)
    old = open_days(delivered("2026-11-23", "0001-01-01"), definition, today=TODAY)

    assert recent.gap == window("2023-10-26", "2023-10-31")
    assert old.gap is None


def test_gap__needs_a_known_first_day() -> None:
    """State that does not tell its first day, as other versions wrote it, opens no gap."""
    definition = replace(AD, start_date=D("2026-01-01"))
    plan = open_days(delivered("2026-11-23"), definition, today=TODAY)

    assert plan.gap is None
    assert read_all(delivered("2026-11-23"), plan).since == D("2026-10-26")


def test_start__moved_later_than_the_bookmark_starts_anew() -> None:
    """A start date after the bookmark leaves the days between out, and `since` says so."""
    bookmark = delivered("2026-06-30", "2026-01-01")
    plan = open_days(bookmark, replace(AD, start_date=D("2026-10-01")), today=TODAY)

    assert plan.starts_anew
    assert plan.forward == window("2026-10-01", "2026-11-25")
    first = close_window(bookmark, window("2026-10-01", "2026-10-30"), plan, today=TODAY)
    assert (first.since, first.day) == (D("2026-10-01"), D("2026-10-30"))
    assert read_all(bookmark, plan) == replace(first, day=D("2026-11-24"), read_on=None)


def test_start__on_the_day_after_the_bookmark_joins_it() -> None:
    """A start date that leaves no day out does not start anew."""
    bookmark = delivered("2026-09-30", "2026-01-01")
    plan = open_days(bookmark, replace(AD, start_date=D("2026-10-01")), today=TODAY)

    assert not plan.starts_anew
    assert read_all(bookmark, plan).since == D("2026-01-01")


def test_dormant_account__is_clamped_and_starts_anew() -> None:
    """A bookmark older than 37 months begins at the oldest day Meta keeps, not at an error."""
    bookmark = delivered("2022-05-31", "2022-01-01")
    plan = open_days(bookmark, AD, today=TODAY)

    assert plan.forward == window("2023-10-26", "2026-11-25")
    assert plan.starts_anew
    assert read_all(bookmark, plan).since == D("2023-10-26")


def test_end_date__is_the_last_day_open() -> None:
    """With an end date the last open day is that one, at most today."""
    past = open_days(Bookmark(), AD, today=TODAY, end_date=D("2026-11-10"))
    future = open_days(Bookmark(), AD, today=TODAY, end_date=D("2027-01-01"))

    assert past.forward == window("2026-10-26", "2026-11-10")
    assert future.forward == window("2026-10-26", "2026-11-25")


def test_end_date__before_the_lookback_opens_nothing() -> None:
    """Where all days up to the end date are delivered and final, nothing is open."""
    plan = open_days(
        delivered("2026-11-23", "2026-01-01"), AD, today=TODAY, end_date=D("2026-06-30")
    )

    assert plan.forward is None
    assert plan.gap is None


def test_end_date__does_not_move_the_bookmark_back() -> None:
    """A window before the bookmark, read again, leaves the bookmark where it was."""
    bookmark = delivered("2026-11-23", "2026-01-01")
    plan = open_days(bookmark, AD, today=TODAY, end_date=D("2026-11-10"))

    assert plan.forward == window("2026-10-26", "2026-11-10")
    assert read_all(bookmark, plan) == bookmark


def test_future_bookmark__is_believed_up_to_yesterday() -> None:
    """A bookmark beyond yesterday cannot be true: the lookback counts from yesterday."""
    bookmark = delivered("2027-06-01", "2026-01-01")
    plan = open_days(bookmark, AD, today=TODAY)

    assert plan.forward == window("2026-10-27", "2026-11-25")
    assert read_all(bookmark, plan).day == D("2026-11-24")


@pytest.mark.parametrize(
    ("since", "day"), [("2036-10-26", "2036-11-24"), ("2026-11-20", "2026-11-10")]
)
def test_bookmark__without_a_day_in_it_is_no_bookmark(since: str, day: str) -> None:
    """Where `since` lies after the last day, nothing counts as delivered: it is a first run."""
    bookmark = delivered(day, since)
    plan = open_days(bookmark, AD, today=TODAY)

    assert plan.forward == window("2026-10-26", "2026-11-25")
    moved = read_all(bookmark, plan)
    assert (moved.since, moved.day) == (D("2026-10-26"), D("2026-11-24"))


# Closing windows.


def test_today__is_never_promised() -> None:
    """Today's rows are delivered but provisional: the bookmark stops at yesterday."""
    plan = open_days(Bookmark(), AD, today=TODAY)
    bookmark = close_window(Bookmark(), window("2026-10-26", "2026-11-25"), plan, today=TODAY)

    assert bookmark == delivered("2026-11-24", "2026-10-26")


def test_today__alone_moves_nothing() -> None:
    """A window of today alone leaves even a first bookmark unset."""
    plan = open_days(Bookmark(), replace(AD, start_date=TODAY), today=TODAY)

    assert plan.forward == DateWindow(TODAY, TODAY)
    assert close_window(Bookmark(), plan.forward, plan, today=TODAY) == Bookmark()


def test_bookmark__moves_window_by_window() -> None:
    """Each closed window moves the bookmark to its last day; the first one sets `since`."""
    plan = open_days(Bookmark(), AD, today=TODAY)
    first = close_window(Bookmark(), window("2026-10-26", "2026-11-01"), plan, today=TODAY)
    second = close_window(first, window("2026-11-02", "2026-11-08"), plan, today=TODAY)

    assert first == replace(delivered("2026-11-01", "2026-10-26"), read_on=TODAY)
    assert second == replace(delivered("2026-11-08", "2026-10-26"), read_on=TODAY)
    last = close_window(second, window("2026-11-09", "2026-11-25"), plan, today=TODAY)
    assert last == delivered("2026-11-24", "2026-10-26")


def test_lookback_window__leaves_the_bookmark() -> None:
    """A lookback window that ends before the bookmark does not pull it back."""
    bookmark = delivered("2026-11-23", "2026-01-01")
    plan = open_days(bookmark, AD, today=TODAY)

    assert close_window(bookmark, window("2026-10-26", "2026-11-01"), plan, today=TODAY) == bookmark


# Any bookmark and settings.


@THOROUGHLY
@given(DATES, st.integers(0, 200), st.integers(0, 60), st.none() | st.integers(0, 400))
def test_open_days__cover_the_lookback(
    day: dt.date, history: int, lookback: int, start: int | None
) -> None:
    """The open days cover the lookback, as far as days were delivered and are still wanted."""
    today = D("2027-01-01")
    bookmark = Bookmark(day=day, since=day - dt.timedelta(days=history))
    start_date = None if start is None else today - dt.timedelta(days=start)
    plan = open_days(
        bookmark, replace(AD, lookback_days=lookback, start_date=start_date), today=today
    )

    begins = max(
        day - dt.timedelta(days=min(lookback, history)),
        D("2023-12-02"),
        start_date or dt.date.min,
    )
    assert plan.forward == DateWindow(begins, today)


@THOROUGHLY
@given(st.integers(0, 400), st.integers(0, 400), st.lists(st.integers(1, 30), min_size=1))
def test_closing__in_order_ends_at_the_last_day_but_never_today(
    start: int, length: int, sizes: list[int]
) -> None:
    """Windows closed in order leave the bookmark at the last day wanted, yesterday at most."""
    since = TODAY - dt.timedelta(days=start)
    until = min(since + dt.timedelta(days=length), TODAY)
    plan = open_days(Bookmark(), replace(AD, start_date=since), today=TODAY, end_date=until)
    bookmark = Bookmark()
    for closed in windows_of(plan, sizes * 500):
        bookmark = close_window(bookmark, closed, plan, today=TODAY)

    if since == TODAY:
        assert bookmark == Bookmark()
    else:
        assert bookmark.since == since
        assert bookmark.day == min(until, D("2026-11-24"))


# A run that was broken off.


def test_broken_off__a_backfill_goes_on_with_the_next_day() -> None:
    """Days of two years ago are not read again because the run ended among them."""
    definition = replace(AD, start_date=D("2025-01-01"))
    plan = open_days(Bookmark(), definition, today=TODAY)
    bookmark = close_window(Bookmark(), window("2025-01-01", "2025-01-30"), plan, today=TODAY)

    again = open_days(bookmark, definition, today=TODAY + DAY)

    assert again.forward == window("2025-01-31", "2026-11-26")


def test_broken_off__days_that_still_move_are_read_again() -> None:
    """What lay within the lookback when it was read is read again, and no day before it."""
    definition = replace(AD, start_date=D("2026-09-01"))
    plan = open_days(Bookmark(), definition, today=TODAY)
    bookmark = close_window(Bookmark(), window("2026-09-01", "2026-11-10"), plan, today=TODAY)

    again = open_days(bookmark, definition, today=TODAY + DAY)

    assert again.forward == window("2026-10-27", "2026-11-26")


def test_broken_off__a_night_within_the_lookback_changes_nothing() -> None:
    """A window that did not reach beyond the bookmark says nothing of the days after it."""
    bookmark = delivered("2026-10-01", "2026-06-01")
    plan = open_days(bookmark, AD, today=TODAY)
    moved = close_window(bookmark, window("2026-09-03", "2026-09-10"), plan, today=TODAY)

    assert open_days(moved, AD, today=TODAY).forward == plan.forward


def test_broken_off__the_last_days_wanted_are_read_again() -> None:
    """With a fixed `end_date` behind it, a run reads its lookback again, as it always did."""
    definition = replace(AD, start_date=D("2026-01-01"))
    end = D("2026-05-31")
    plan = open_days(Bookmark(), definition, today=TODAY, end_date=end)
    bookmark = close_window(Bookmark(), window("2026-01-01", "2026-05-31"), plan, today=TODAY)

    again = open_days(bookmark, definition, today=TODAY + DAY, end_date=end)

    assert again.forward == window("2026-05-03", "2026-05-31")
