"""From a bookmark to the days still open, and from a closed window back to the bookmark."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import first_day, widened
from tap_meta_partner.days.history import history_edge
from tap_meta_partner.days.presets import preset_window
from tap_meta_partner.days.windows import DateWindow, between
from tap_meta_partner.insights.breakdowns import oldest_row
from tap_meta_partner.planning.fingerprints import added_fields, fingerprint, refuse_other_keys
from tap_meta_partner.settings.words import DEFAULT_HISTORY_DAYS

if TYPE_CHECKING:
    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.settings.model import ReportDefinition

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDays:
    """What a run has to ask for of one account in one stream.

    Attributes:
        forward: up to today, lookback included; read oldest day first.
        gap: days before `since`, wanted since `start_date` moved earlier; read newest day first.
        starts_anew: the bookmark's days do not join `forward` (or are replaced by it): the first
            closed window begins `since` afresh.
        report: the fingerprint to keep from the first closed window on.
    """

    forward: DateWindow | None = None
    gap: DateWindow | None = None
    starts_anew: bool = False
    report: str = ""

    @property
    def span(self) -> DateWindow | None:
        """The days from the first open one to the last."""
        found = [window for window in (self.forward, self.gap) if window]
        if not found:
            return None
        return DateWindow(min(item.since for item in found), max(item.until for item in found))


def open_days(
    bookmark: Bookmark,
    definition: ReportDefinition,
    *,
    today: dt.date,
    end_date: dt.date | None = None,
    backfill_on_change: bool = False,
) -> OpenDays:
    """Work out which days have to be asked for, in whole buckets of the report's increment.

    Of a report that is read in full every time the bookmark says nothing.

    Args:
        bookmark: what has been delivered.
        definition: brings `start_date`, `lookback_days` and what the rows are.
        today: the ad account's own today.
        end_date: last day wanted, today where None.
        backfill_on_change: read everything again when fields were added.

    Raises:
        ReportChanged: the report's rows have other keys than those delivered.
    """
    edge = oldest_row(definition, today=today) or history_edge(today)
    increment = definition.time_increment
    until = min(end_date or today, today)

    def opened(since: dt.date, until: dt.date) -> DateWindow | None:
        window = between(since, until)
        return window and widened(window, increment, edge=edge, today=today)

    if definition.date_preset:
        preset = preset_window(definition.date_preset, today=today)
        return OpenDays(forward=opened(preset.since, preset.until))
    start_date = definition.start_date
    if definition.reads_in_full:
        # Settings have both ends of fixed days, or are refused.
        return OpenDays(forward=opened(start_date or today, until))
    report = fingerprint(definition)
    refuse_other_keys(bookmark.report, report, definition.name)
    reread = backfill_on_change and bool(added_fields(bookmark.report, definition))
    wanted = start_date or today - dt.timedelta(days=DEFAULT_HISTORY_DAYS)
    first = first_day(wanted, increment, edge=edge)
    day = _believed_day(bookmark, today)
    if day is None or reread:
        start = max(bookmark.since or first, edge) if day and reread else first
        return OpenDays(forward=opened(start, until), starts_anew=True, report=report)
    floor = max(edge, start_date or edge, bookmark.since or edge)
    start = max(floor, _lookback_begins(bookmark, day, definition.lookback_days, until=until))
    start = first_day(start, increment, edge=edge)
    # The days between an old bookmark and a later start are not wanted (or Meta has them no more).
    anew = start > day + _DAY
    gap = None
    if start_date and bookmark.since and not anew:
        gap = opened(first, max(first, bookmark.since) - _DAY)
    return OpenDays(forward=opened(start, until), gap=gap, starts_anew=anew, report=report)


def _lookback_begins(
    bookmark: Bookmark, day: dt.date, lookback_days: int, *, until: dt.date
) -> dt.date:
    """Return the first day to read again before the days that were never read.

    Days that were older than the lookback when they were read will not change any more: a run that
    was broken off among them goes on where it ended.
    """
    # A lookback may be longer than the calendar: it is compared before it is counted back.
    if (day - dt.date.min).days <= lookback_days:
        return dt.date.min
    begins = day - dt.timedelta(days=lookback_days)
    if bookmark.read_on is None or bookmark.read_on <= day + _DAY or day >= until:
        return begins
    # A clock that was wrong for a night makes no day final.
    final_before = min(bookmark.read_on, until) - _DAY - dt.timedelta(days=lookback_days)
    return max(begins, min(day + _DAY, final_before))


def _believed_day(bookmark: Bookmark, today: dt.date) -> dt.date | None:
    """Return the last day delivered, corrected where it cannot be true.

    A bookmark beyond yesterday (a clock that was wrong for a night) is believed up to yesterday;
    one that ends before its `since` says nothing.
    """
    if bookmark.day is None:
        return None
    day = min(bookmark.day, today - _DAY)
    return None if bookmark.since and bookmark.since > day else day


def close_window(
    bookmark: Bookmark, window: DateWindow, opened: OpenDays, *, today: dt.date
) -> Bookmark:
    """Return the bookmark after every row of `window` has been written.

    Args:
        bookmark: as it was.
        window: the days closed, next to those closed before.
        opened: what was open when the run began.
        today: the ad account's own today, fixed for the run.
    """
    if opened.gap and window in opened.gap:
        return replace(bookmark, since=min(window.since, bookmark.since or window.since))
    delivered = min(window.until, today - _DAY)
    if delivered < window.since:
        # Only today's provisional rows: nothing to promise yet.
        return bookmark
    read_on = today if delivered < today - _DAY else None
    begins = opened.forward is not None and window.since == opened.forward.since
    if bookmark.day is None or (opened.starts_anew and begins):
        return replace(
            bookmark, day=delivered, since=window.since, read_on=read_on, report=opened.report
        )
    known = min(bookmark.day, today - _DAY)
    return replace(
        bookmark,
        day=max(known, delivered),
        # Windows are read oldest day first: one that reaches beyond has all days before behind it.
        read_on=read_on if delivered >= known else bookmark.read_on,
        since=bookmark.since or (opened.forward.since if opened.forward else window.since),
        report=opened.report,
    )
