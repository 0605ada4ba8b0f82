"""The fixed grid on which a report's rows lie: days, stretches of n days, or months.

Meta counts `time_increment` from the first day of a request. A lookback moves that day every night,
and with it the days on which every row begins, which are part of the key. So buckets are counted
from a fixed day here, and windows are widened to whole buckets before they are asked for: neither a
lookback, nor a halved window, nor the edge of Meta's history ever cuts a bucket or shifts one. Only
the bucket under way ends early, with the account's today, and is read again until it is whole.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange

from tap_meta_partner.days.windows import DateWindow, between

MONTHLY, ALL_DAYS = "monthly", "all_days"


#: Days of a bucket that is counted, at most. Meta's page says 90, and Meta refuses 90.
LONGEST_DAYS = 89


#: Buckets of n days are counted from this Monday, so that 7 days are weeks from Monday to Sunday.
EPOCH = dt.date(2001, 1, 1)


_DAY = dt.timedelta(days=1)


def bucket_of(day: dt.date, increment: int | str) -> DateWindow:
    """Return the bucket that holds a day.

    Args:
        day: any.
        increment: a number of days, or `monthly`; `all_days` has no buckets.
    """
    if increment == MONTHLY:
        last = monthrange(day.year, day.month)[1]
        return DateWindow(day.replace(day=1), day.replace(day=last))
    days = int(increment)
    since = day - dt.timedelta(days=(day - EPOCH).days % days)
    return DateWindow(since, since + dt.timedelta(days=days - 1))


def first_day(day: dt.date, increment: int | str, *, edge: dt.date) -> dt.date:
    """Return where the bucket of a day begins, or the first bucket that is whole inside `edge`.

    One row for all days that Meta has begins with a month: the edge itself moves every night, and
    the row's key with it.
    """
    if increment == ALL_DAYS:
        return day if day > edge else first_day(edge, MONTHLY, edge=edge)
    since = bucket_of(day, increment).since
    if since >= edge:
        return since
    at_edge = bucket_of(edge, increment)
    return edge if at_edge.since == edge else at_edge.until + _DAY


def widened(
    window: DateWindow, increment: int | str, *, edge: dt.date, today: dt.date
) -> DateWindow | None:
    """Return the window in whole buckets, none before `edge`, the last one not beyond `today`.

    None where no whole bucket is left.
    """
    until = window.until
    if increment != ALL_DAYS:
        until = min(bucket_of(until, increment).until, max(today, until))
    return between(first_day(window.since, increment, edge=edge), until)


def is_one_bucket(window: DateWindow, increment: int | str) -> bool:
    """Tell whether a window on the grid cannot be made smaller."""
    return increment == ALL_DAYS or window.until <= bucket_of(window.since, increment).until


def is_two_buckets(window: DateWindow, increment: int | str) -> bool:
    """Tell whether a window on the grid has no more than two buckets."""
    if is_one_bucket(window, increment):
        return True
    second = bucket_of(bucket_of(window.since, increment).until + _DAY, increment)
    return window.until <= second.until


def cut(
    window: DateWindow, days: int, increment: int | str, *, from_end: bool
) -> tuple[DateWindow, DateWindow | None]:
    """Take whole buckets off a window on the grid: as many as `days` hold, at least one.

    Returns:
        Those, and what is left or None.
    """
    if is_one_bucket(window, increment) or days >= window.days:
        return window, None
    if from_end:
        start = window.until - dt.timedelta(days=days - 1)
        bucket = bucket_of(start, increment)
        since = start if bucket.since == start else bucket.until + _DAY
        since = min(since, bucket_of(window.until, increment).since)
        return window.last((window.until - since).days + 1)
    beyond = window.since + dt.timedelta(days=days)
    until = bucket_of(beyond, increment).since - _DAY
    until = max(until, bucket_of(window.since, increment).until)
    return window.first((until - window.since).days + 1)


def cut_before(
    window: DateWindow, day: dt.date, increment: int | str
) -> tuple[DateWindow | None, DateWindow | None]:
    """Divide a window on the grid at a day: the buckets that begin before it, and the others."""
    if increment == ALL_DAYS:
        return (window, None) if window.since < day else (None, window)
    begins = first_day(day, increment, edge=day)
    if begins <= window.since:
        return None, window
    if begins > window.until:
        return window, None
    return DateWindow(window.since, begins - _DAY), DateWindow(begins, window.until)
