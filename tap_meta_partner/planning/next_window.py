"""How the open days of a report are cut into the windows of single requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import cut, cut_before, is_two_buckets
from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.insights import breakdowns
from tap_meta_partner.planning.pace import WIDEST_DAYS

if TYPE_CHECKING:
    import datetime as dt

    from tap_meta_partner.settings.model import ReportDefinition

#: A rest of up to this many days beyond the widest window is taken along. A nightly run with 28
#: days of lookback is open for 31 days: that is one call, not two.
_TAKEN_ALONG_DAYS = 7


def next_window(
    definition: ReportDefinition,
    rest: DateWindow,
    days: int,
    *,
    today: dt.date,
    from_end: bool = False,
) -> tuple[DateWindow, DateWindow | None]:
    """Take the next window off the open days, in whole buckets.

    Args:
        definition: whose days.
        rest: what is open, on the report's grid.
        days: how wide a window may be (the pace).
        today: the ad account's own today.
        from_end: the newest days first.

    Returns:
        The window, and what is left or None.
    """
    increment = definition.time_increment
    if breakdowns.asks_day_by_day(definition):
        days = 1
    elif days == WIDEST_DAYS:
        widest = rest.days <= WIDEST_DAYS + _TAKEN_ALONG_DAYS
        days = rest.days if widest or is_two_buckets(rest, increment) else days
    window, left = cut(rest, days, increment, from_end=from_end)
    edge = breakdowns.oldest_people(definition, today=today)
    if edge is None:
        return window, left
    # Days with reach, and those of which Meta withholds it, are never in one window.
    before, after = cut_before(window, edge, increment)
    if before is None or after is None:
        return window, left
    if from_end:
        return after, DateWindow(rest.since, before.until)
    return before, DateWindow(after.since, rest.until)
