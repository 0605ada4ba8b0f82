"""How much is asked for at once: what worked the last time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tap_meta_partner.planning.bookmarks import Bookmark, read_partition, write_partition
from tap_meta_partner.planning.pace import Pace


def test_pace__narrowed_grows_after_three_easy_windows() -> None:
    """A halved window doubles after three that went well, up to 30 days."""
    pace = Pace().narrowed(8)
    days = []
    for _ in range(9):
        pace = pace.eased()
        days.append(pace.days)

    assert days == [8, 8, 16, 16, 16, 30, 30, 30, 30]
    assert pace == Pace()


def test_pace__asks_directly_again_once_it_is_wide() -> None:
    """Report runs are given up last: the window grows first, then direct answers are tried."""
    pace = Pace(days=15, report_run=True)
    seen = []
    for _ in range(6):
        pace = pace.eased()
        seen.append((pace.days, pace.report_run))

    assert seen == [(15, True), (15, True), (30, True), (30, True), (30, True), (30, False)]


def test_pace__trouble_counts_easy_windows_anew() -> None:
    """A window that had to be halved or run makes the three easy ones start over."""
    pace = Pace(days=10, easy=2)

    assert pace.narrowed(5) == Pace(days=5)
    assert pace.with_report_run() == Pace(days=10, report_run=True)


@pytest.mark.parametrize(("asked", "days"), [(0, 1), (1, 1), (7, 7), (90, 10)])
def test_pace__is_at_least_a_day_and_never_wider_than_before(asked: int, days: int) -> None:
    """Narrowing ends at a day and never widens."""
    assert Pace(days=10).narrowed(asked).days == days


def test_pace__by_campaign_is_kept_and_given_up_after_three_days() -> None:
    """A day that was too much is read by campaign the next time too, until three went well."""
    pace = Pace(days=2, report_run=True).with_campaigns()
    partition: dict[str, Any] = {"context": {"account_id": "1"}}
    write_partition(Bookmark(day=dt.date(2026, 11, 1), pace=pace), partition)

    assert pace == Pace(days=1, report_run=True, by_campaign=True)
    assert partition["pace"] == {"days": 1, "mode": "campaign", "easy": 0}
    assert read_partition(partition).pace == pace
    assert pace.eased().eased().eased() == Pace(days=1, report_run=True)
