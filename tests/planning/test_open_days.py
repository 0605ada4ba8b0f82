"""Reports over weeks, months and whole windows: the buckets asked for, night after night."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.days.history import history_edge
from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.bookmarks import Bookmark, read_partition, write_partition
from tap_meta_partner.reports.request import Reporting
from tap_meta_partner.settings.model import ReportDefinition, Settings
from tap_meta_partner.sync.account import sync_account
from tap_meta_partner.sync.events import (
    BookmarkMoved,
    Outcome,
    Rows,
    StreamResult,
)
from tap_meta_partner.sync.shared import Shared
from tests.support.fakes import TOO_MUCH, Drive, fault

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


@settings(max_examples=60, deadline=None)
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
