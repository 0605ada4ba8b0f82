"""The account's calendar: presets, the edge of history, and the buckets of `time_increment`."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HISTORY_MONTHS = 37
# People are left out of reports with breakdowns that start before this (since 2025-06-10), and
# hours have no rows (since 2026-01-12).
WITH_BREAKDOWNS_MONTHS = 13
FREQUENCY_MONTHS = 6


class Span(NamedTuple):
    """Calendar days of an account, both ends included."""

    since: dt.date
    until: dt.date


def months_before(day: dt.date, months: int) -> dt.date:
    """Return the same day of the month `months` earlier, or the last one that month has."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def preset(name: str, today: dt.date) -> Span | None:
    """Return what a `date_preset` means on the account's `today`; None = no such preset.

    `last_Nd` ends yesterday, `this_…` ends today.
    """
    rule = _PRESETS.get(name)
    return None if rule is None else rule(today)


def buckets(span: Span, increment: int | str) -> Iterator[Span]:
    """Return the periods a report over `span` has one row each for, oldest first.

    Counted from `since`; the last one ends with the span. `monthly` cuts at calendar months.
    """
    since = span.since
    while since <= span.until:
        if increment == "all_days":
            until = span.until
        elif increment == "monthly":
            until = since.replace(day=monthrange(since.year, since.month)[1])
        else:
            until = since + dt.timedelta(days=int(increment) - 1)
        until = min(until, span.until)
        yield Span(since, until)
        since = until + dt.timedelta(days=1)


def days(span: Span) -> Iterator[dt.date]:
    """Return every day of the span."""
    return (span.since + dt.timedelta(days=n) for n in range((span.until - span.since).days + 1))


def _last(count: int) -> Callable[[dt.date], Span]:
    return lambda today: Span(today - dt.timedelta(days=count), today - dt.timedelta(days=1))


def _last_week(first_weekday: int) -> Callable[[dt.date], Span]:
    def rule(today: dt.date) -> Span:
        start = _week_start(today, first_weekday)
        return Span(start - dt.timedelta(days=7), start - dt.timedelta(days=1))

    return rule


def _week_start(today: dt.date, first_weekday: int) -> dt.date:
    return today - dt.timedelta(days=(today.weekday() - first_weekday) % 7)


def _quarter_start(day: dt.date) -> dt.date:
    return dt.date(day.year, day.month - (day.month - 1) % 3, 1)


def _last_month(today: dt.date) -> Span:
    end = today.replace(day=1) - dt.timedelta(days=1)
    return Span(end.replace(day=1), end)


def _last_quarter(today: dt.date) -> Span:
    end = _quarter_start(today) - dt.timedelta(days=1)
    return Span(_quarter_start(end), end)


def _everything(today: dt.date) -> Span:
    return Span(months_before(today, HISTORY_MONTHS), today)


_MONDAY, _SUNDAY = 0, 6
_PRESETS: dict[str, Callable[[dt.date], Span]] = {
    "today": lambda today: Span(today, today),
    "yesterday": _last(1),
    "last_3d": _last(3),
    "last_7d": _last(7),
    "last_14d": _last(14),
    "last_28d": _last(28),
    "last_30d": _last(30),
    "last_90d": _last(90),
    "this_month": lambda today: Span(today.replace(day=1), today),
    "last_month": _last_month,
    "this_quarter": lambda today: Span(_quarter_start(today), today),
    "last_quarter": _last_quarter,
    "this_year": lambda today: Span(dt.date(today.year, 1, 1), today),
    "last_year": lambda today: Span(dt.date(today.year - 1, 1, 1), dt.date(today.year - 1, 12, 31)),
    "this_week_mon_today": lambda today: Span(_week_start(today, _MONDAY), today),
    "this_week_sun_today": lambda today: Span(_week_start(today, _SUNDAY), today),
    "last_week_mon_sun": _last_week(_MONDAY),
    "last_week_sun_sat": _last_week(_SUNDAY),
    "maximum": _everything,
    "data_maximum": _everything,
}
