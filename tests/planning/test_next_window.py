"""How open days become the windows of single requests."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.next_window import next_window
from tap_meta_partner.planning.pace import WIDEST_DAYS
from tap_meta_partner.settings.model import ReportDefinition

TODAY = dt.date(2026, 11, 25)
HOURS = "hourly_stats_aggregated_by_advertiser_time_zone"


def windows(since: str, days: int = WIDEST_DAYS, **definition: Any) -> list[str]:  # noqa: ANN401
    """Return the windows of the days from `since` to today, oldest first."""
    report = ReportDefinition(name="r", **definition)
    found = []
    rest: DateWindow | None = DateWindow(dt.date.fromisoformat(since), TODAY)
    while rest:
        window, rest = next_window(report, rest, days, today=TODAY)
        found.append(str(window))
    return found


@pytest.mark.parametrize(
    ("since", "count"),
    [("2026-10-26", 1), ("2026-10-20", 1), ("2026-10-19", 2), ("2026-08-28", 3)],
)
def test_days__beyond_thirty_are_taken_along_up_to_a_week(since: str, count: int) -> None:
    """31 days of a nightly run are one call; 38 are two."""
    assert len(windows(since)) == count


def test_pace__narrower_than_the_widest_takes_nothing_along() -> None:
    """What had to be halved is not widened again at its end."""
    assert windows("2026-11-01", days=10) == [
        "2026-11-01..2026-11-10",
        "2026-11-11..2026-11-20",
        "2026-11-21..2026-11-25",
    ]


def test_months__are_asked_one_or_two_at_a_time() -> None:
    """A month is never cut, and the last two go together."""
    assert windows("2026-08-01", time_increment="monthly") == [
        "2026-08-01..2026-08-31",
        "2026-09-01..2026-09-30",
        "2026-10-01..2026-11-25",
    ]


def test_hours__are_asked_by_the_day() -> None:
    """One call for each day, whatever the pace."""
    assert windows("2026-11-23", breakdowns=(HOURS,)) == [
        "2026-11-23..2026-11-23",
        "2026-11-24..2026-11-24",
        "2026-11-25..2026-11-25",
    ]


def test_reach__with_breakdowns_divides_windows_at_thirteen_months() -> None:
    """What is before the edge and what is after it are asked apart, weeks as a whole."""
    by_day = windows("2025-10-20", fields=("reach",), breakdowns=("age",))
    by_week = windows("2025-10-20", fields=("reach",), breakdowns=("age",), time_increment=7)

    assert by_day[:2] == ["2025-10-20..2025-10-25", "2025-10-26..2025-11-24"]
    # 26 October 2025 is a Sunday: its week begins before the edge.
    assert by_week[:2] == ["2025-10-20..2025-10-26", "2025-10-27..2025-11-23"]


def test_newest_first__cuts_from_the_end() -> None:
    """The later window is taken, the earlier days are left."""
    report = ReportDefinition(name="r")
    rest = DateWindow(dt.date(2026, 8, 1), TODAY)

    window, left = next_window(report, rest, WIDEST_DAYS, today=TODAY, from_end=True)

    assert (str(window), str(left)) == ("2026-10-27..2026-11-25", "2026-08-01..2026-10-26")
