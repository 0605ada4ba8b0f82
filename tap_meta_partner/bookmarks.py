"""Bookmarks: what has been delivered of one ad account in one stream, and what is open.

A bookmark says: every day from `since` up to `day` has been delivered. It never passes the
account's own yesterday (today's rows are delivered, but provisional) and moves only when a window
is closed.

In the state it is a partition in the SDK's own shape, with a few keys more, which the SDK and
Meltano carry along::

    {"context": {"account_id": "1"}, "replication_key": "date_start",
     "replication_key_value": "2026-11-23", "since": "2026-10-26", "report": "ad|1||default",
     "pace": {"days": 15, "mode": "async", "easy": 1}}
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tap_meta_partner.breakdowns import oldest_row
from tap_meta_partner.fields import DEFAULT_FIELDS
from tap_meta_partner.grid import first_day, widened
from tap_meta_partner.settings import DEFAULT_HISTORY_DAYS
from tap_meta_partner.windows import DateWindow, between, history_edge, preset_window

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from tap_meta_partner.settings import ReportDefinition

logger = logging.getLogger(__name__)

REPLICATION_KEY = "date_start"
WIDEST_DAYS = 30
_EASY_WINDOWS_TO_GROW = 3
_DAY = dt.timedelta(days=1)
_DEFAULT_FIELDS_WORD = "default"
_ACTION_ROWS_WORD = "action_rows"
#: How many separate the four parts of a fingerprint.
_SEPARATORS = 3


class ReportChanged(ValueError):
    """The report's rows would get other keys than those delivered before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What worked for this account and stream, so that its next window begins there.

    Attributes:
        days: how many days a window has.
        run: ask for a report run at once (asynchronously), as a direct answer was too much.
        by_campaign: a day was too much as a whole: read its campaigns one by one at once.
        easy: windows in a row that went well; three let it grow.
    """

    days: int = WIDEST_DAYS
    run: bool = False
    by_campaign: bool = False
    easy: int = 0

    def eased(self) -> Pace:
        """Return the pace after a window that went well: days as a whole, wider, then direct."""
        if self == Pace():
            return self
        if self.easy + 1 < _EASY_WINDOWS_TO_GROW:
            return replace(self, easy=self.easy + 1)
        if self.by_campaign:
            return Pace(days=self.days, run=self.run)
        if self.days < WIDEST_DAYS:
            return Pace(days=min(self.days * 2, WIDEST_DAYS), run=self.run)
        return Pace()

    def with_run(self) -> Pace:
        """Return the pace after a direct answer was too much."""
        return Pace(days=self.days, run=True)

    def with_campaigns(self) -> Pace:
        """Return the pace after a single day was too much."""
        return Pace(days=1, run=True, by_campaign=True)

    def narrowed(self, days: int) -> Pace:
        """Return the pace after a window had to be halved to `days`."""
        return Pace(days=max(1, min(days, self.days)), run=self.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """What has been delivered of one ad account in one stream.

    Attributes:
        day: the last day delivered, or None before the first.
        since: the first day delivered, or None where older state does not tell.
        report: the fingerprint of the report whose rows those are.
        pace: what worked.
    """

    day: dt.date | None = None
    since: dt.date | None = None
    report: str | None = None
    pace: Pace = Pace()


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


def read_partition(partition: Mapping[str, Any]) -> Bookmark:
    """Read a bookmark out of a state partition.

    Args:
        partition: as found in the state; unknown keys are left alone.

    Raises:
        ValueError: a value in it cannot be understood (the text says which).
    """
    return Bookmark(
        day=_day(partition, "replication_key_value"),
        since=_day(partition, "since"),
        report=partition.get("report") if isinstance(partition.get("report"), str) else None,
        pace=_pace(partition.get("pace")),
    )


def write_partition(bookmark: Bookmark, partition: MutableMapping[str, Any]) -> None:
    """Write a bookmark into its state partition, in place; its context is left alone."""
    values = {
        "replication_key": REPLICATION_KEY if bookmark.day else None,
        "replication_key_value": bookmark.day and bookmark.day.isoformat(),
        "since": bookmark.since and bookmark.since.isoformat(),
        "report": bookmark.report,
        "pace": None if bookmark.pace == Pace() else _pace_as_json(bookmark.pace),
    }
    for key, value in values.items():
        if value is None:
            partition.pop(key, None)
        else:
            partition[key] = value


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
    _refuse_other_keys(bookmark.report, report, definition.name)
    reread = backfill_on_change and bool(added_fields(bookmark.report, definition))
    wanted = start_date or today - dt.timedelta(days=DEFAULT_HISTORY_DAYS)
    first = first_day(wanted, increment, edge=edge)
    day = _believed_day(bookmark, today)
    if day is None or reread:
        start = max(bookmark.since or first, edge) if day and reread else first
        return OpenDays(forward=opened(start, until), starts_anew=True, report=report)
    floor = max(edge, start_date or edge, bookmark.since or edge)
    # A lookback may be longer than the calendar: it is compared before it is counted back.
    start = floor
    if (day - floor).days > definition.lookback_days:
        start = day - dt.timedelta(days=definition.lookback_days)
    start = first_day(start, increment, edge=edge)
    # The days between an old bookmark and a later start are not wanted (or Meta has them no more).
    anew = start > day + _DAY
    gap = None
    if start_date and bookmark.since and not anew:
        gap = opened(first, max(first, bookmark.since) - _DAY)
    return OpenDays(forward=opened(start, until), gap=gap, starts_anew=anew, report=report)


def _believed_day(bookmark: Bookmark, today: dt.date) -> dt.date | None:
    """Return the last day delivered, as far as that can be true.

    A bookmark beyond yesterday (a clock that was wrong for a night) is believed up to yesterday;
    one that ends before its `since` says nothing.
    """
    if bookmark.day is None:
        return None
    day = min(bookmark.day, today - _DAY)
    return None if bookmark.since and bookmark.since > day else day


def close_window(
    bookmark: Bookmark, window: DateWindow, plan: OpenDays, *, today: dt.date
) -> Bookmark:
    """Return the bookmark after every row of `window` has been written.

    Args:
        bookmark: as it was.
        window: the days closed, next to those closed before.
        plan: what was open when the run began.
        today: the ad account's own today, fixed for the run.
    """
    if plan.gap and window in plan.gap:
        return replace(bookmark, since=min(window.since, bookmark.since or window.since))
    delivered = min(window.until, today - _DAY)
    if delivered < window.since:
        # Only today's provisional rows: nothing to promise yet.
        return bookmark
    begins = plan.forward is not None and window.since == plan.forward.since
    if bookmark.day is None or (plan.starts_anew and begins):
        return replace(bookmark, day=delivered, since=window.since, report=plan.report)
    return replace(
        bookmark,
        day=max(min(bookmark.day, today - _DAY), delivered),
        since=bookmark.since or (plan.forward.since if plan.forward else window.since),
        report=plan.report,
    )


def fingerprint(definition: ReportDefinition) -> str:
    """Return what a report's rows are: level, increment, breakdowns and the fields asked.

    The tap's own default list is kept as one word: a new default in a later version is no change.
    """
    fields = _DEFAULT_FIELDS_WORD
    if definition.fields:
        fields = ",".join(sorted(definition.fields))
    if definition.action_rows:
        # Rows delivered before they were wanted have none.
        fields += f",{_action_rows_word(definition)}"
    increment = str(definition.time_increment)
    breakdowns = ",".join(sorted(definition.breakdowns))
    return f"{definition.level}|{increment}|{breakdowns}|{fields}"


def _action_rows_word(definition: ReportDefinition) -> str:
    """Name the action rows, and the action breakdowns that are part of their key."""
    further = sorted(set(definition.action_breakdowns) - {"action_type"})
    return "+".join((_ACTION_ROWS_WORD, *further))


def _action_rows_in(fields: str) -> list[str]:
    return [word for word in fields.split(",") if word.split("+")[0] == _ACTION_ROWS_WORD]


def _refuse_other_keys(before: str | None, now: str, stream: str) -> None:
    *keys_before, fields_before = (before or now).split("|")
    *keys_now, fields_now = now.split("|")
    rows_before, rows_now = _action_rows_in(fields_before), _action_rows_in(fields_now)
    if rows_before and rows_now and rows_before != rows_now:
        raise ReportChanged(
            f"{stream} now has other action_breakdowns, which are part of the key of its action "
            "rows: give the report another name, or remove this stream from the state and the "
            "tables"
        )
    if keys_before != keys_now and len(keys_before) == len(keys_now):
        raise ReportChanged(
            f"{stream} now has {_described(keys_now)}, but the rows delivered so far have "
            f"{_described(keys_before)}: give the report another name, or remove this stream from "
            "the state and its table"
        )


def _described(keys: list[str]) -> str:
    level, increment, breakdowns = keys
    return f"level {level}, breakdowns [{breakdowns}] and time_increment {increment}"


def added_fields(before: str | None, definition: ReportDefinition) -> list[str]:
    """Name the fields that a report asks now and did not ask when `before` was written.

    They are noted with the next window closed, so that this is said once and not every night. A
    report that is read in full closes none, and what its bookmark says is of another time.
    """
    if definition.reads_in_full or before is None or before.count("|") != _SEPARATORS:
        # Not one of ours: it tells nothing.
        return []
    return sorted(
        _field_set(fingerprint(definition).rpartition("|")[2])
        - _field_set(before.rpartition("|")[2])
    )


def _field_set(fields: str) -> set[str]:
    names = set(fields.split(","))
    if _DEFAULT_FIELDS_WORD in names:
        names = names - {_DEFAULT_FIELDS_WORD} | set(DEFAULT_FIELDS)
    return names


def _day(partition: Mapping[str, Any], key: str) -> dt.date | None:
    value = partition.get(key)
    if value is None:
        return None
    try:
        # Other versions, and other tools, write a date-time.
        return dt.datetime.strptime(str(value)[:10], "%Y-%m-%d").date()  # noqa: DTZ007  (a day)
    except ValueError:
        raise ValueError(f"{key} is {value!r:.60}, which is not a date") from None


def _pace(value: object) -> Pace:
    """Read the pace; one that makes no sense is only a lost hint."""
    if not isinstance(value, dict):
        return Pace()
    days, easy = value.get("days", WIDEST_DAYS), value.get("easy", 0)
    if not (isinstance(days, int) and 1 <= days <= WIDEST_DAYS and isinstance(easy, int)):
        return Pace()
    mode = value.get("mode")
    return Pace(
        days=days,
        run=mode in ("async", "campaign"),
        by_campaign=mode == "campaign" and days == 1,
        easy=max(0, easy),
    )


def _pace_as_json(pace: Pace) -> dict[str, Any]:
    mode = "campaign" if pace.by_campaign else "async" if pace.run else "sync"
    return {"days": pace.days, "mode": mode, "easy": pace.easy}
