"""Bookmarks and the windows that move them."""

from __future__ import annotations

import datetime as dt

from hypothesis import settings
from hypothesis import strategies as st

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.planning.open_days import OpenDays, close_window
from tap_meta_partner.settings.model import ReportDefinition

D = dt.date.fromisoformat
TODAY = D("2026-11-25")
AD = ReportDefinition(name="ad_insights", level="ad")
THOROUGHLY = settings(derandomize=True, deadline=None)


def window(since: str, until: str) -> DateWindow:
    return DateWindow(D(since), D(until))


def delivered(
    day: str, since: str | None = None, report: str | None = "ad|1||default|"
) -> Bookmark:
    return Bookmark(day=D(day), since=D(since) if since else None, report=report)


def read_all(bookmark: Bookmark, plan: OpenDays, today: dt.date = TODAY, days: int = 7) -> Bookmark:
    """Close every open window, forward from the oldest day, then the gap from its newest."""
    rest = plan.forward
    while rest:
        closed, rest = rest.first(days)
        bookmark = close_window(bookmark, closed, plan, today=today)
    rest = plan.gap
    while rest:
        closed, rest = rest.last(days)
        bookmark = close_window(bookmark, closed, plan, today=today)
    return bookmark


DATES = st.dates(min_value=dt.date(2024, 1, 1), max_value=dt.date(2026, 12, 31))


def windows_of(plan: OpenDays, sizes: list[int]) -> list[DateWindow]:
    """Cut what is open into windows of these sizes, until there is nothing left of either."""
    found, forward, gap = [], plan.forward, plan.gap
    for days in sizes:
        if forward:
            closed, forward = forward.first(days)
        elif gap:
            closed, gap = gap.last(days)
        else:
            break
        found.append(closed)
    return found
