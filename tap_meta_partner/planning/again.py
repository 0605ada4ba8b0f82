"""Which delivered days are read again because something is missing, and which are spared."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import bucket_of, first_day
from tap_meta_partner.days.history import history_edge
from tap_meta_partner.days.windows import between, joined, left_of, shared_by
from tap_meta_partner.insights.breakdowns import oldest_row
from tap_meta_partner.insights.columns import source_of
from tap_meta_partner.planning.fingerprints import fields_before

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.planning.holes import Hole
    from tap_meta_partner.planning.open_days import OpenDays
    from tap_meta_partner.settings.model import ReportDefinition

_DAY = dt.timedelta(days=1)


def days_again(  # noqa: PLR0913  (what was delivered, what is open, and two reasons)
    bookmark: Bookmark,
    definition: ReportDefinition,
    opened: OpenDays,
    *,
    given: Collection[str],
    holes: Sequence[Hole],
    today: dt.date,
) -> list[DateWindow]:
    """Return the days outside the open ones that are to be read again, in whole buckets.

    Args:
        bookmark: what was delivered, and what it lacks.
        definition: brings the increment.
        opened: the days that are read anyway.
        given: the fields wanted that Meta does not refuse.
        holes: those to be tried again.
        today: the ad account's own today.
    """
    edge = oldest_row(definition, today=today) or history_edge(today)
    begins = first_day(edge, definition.time_increment, edge=edge)
    owed = joined([*bookmark.withheld.owed(given), *(hole.window for hole in holes)])
    taken = [stretch for stretch in (opened.forward, opened.gap) if stretch]
    within = between(begins, today)
    found = shared_by(within, owed) if within else []
    return [part for window in found for part in left_of(window, taken)]


def spared_days(
    bookmark: Bookmark, definition: ReportDefinition, window: DateWindow, refused: Iterable[str]
) -> list[DateWindow]:
    """Return the days of a window that were delivered with a field which Meta refuses now.

    A bucket under way counts as not delivered: its numbers are not whole, whatever its fields.

    Args:
        bookmark: what had been delivered before this run.
        definition: brings the increment.
        window: the days, on the report's grid.
        refused: the fields, as Meta names them.
    """
    if bookmark.day is None:
        return []
    until = bookmark.day
    bucket = bucket_of(until, definition.time_increment)
    if bucket.until > until:
        until = bucket.since - _DAY
    delivered = between(bookmark.since or dt.date.min, until)
    if delivered is None:
        return []
    before = fields_before(bookmark.report)
    asked = None if before is None else set(map(source_of, before))
    having = [
        days
        for name in refused
        if asked is None or name in asked
        for days in bookmark.withheld.having(name, delivered)
    ]
    return shared_by(window, having)


def was_delivered_whole(bookmark: Bookmark, window: DateWindow) -> bool:
    """Tell whether a window had been delivered before with nothing missing."""
    delivered = between(bookmark.since or dt.date.min, bookmark.day or dt.date.min)
    return (
        bookmark.day is not None
        and delivered is not None
        and window in delivered
        and not any(shared_by(window, [hole.window]) for hole in bookmark.holes)
    )
