"""How far back Meta keeps insights, and when a day's numbers are final."""

from __future__ import annotations

import datetime as dt

_DAY = dt.timedelta(days=1)

#: Meta keeps 37 months of totals and refuses a start before them with code 3018.
HISTORY_MONTHS = 37


#: Meta goes on correcting a day for 28 days ("Insights … do not change after 28 days").
FINAL_AFTER_DAYS = 28


def history_edge(today: dt.date, *, months: int = HISTORY_MONTHS) -> dt.date:
    """Return the oldest day that may be asked for: so many months back, one day inside.

    A day that the target month does not have runs over into the next month: whichever way Meta
    counts the end of a month, the result is inside.
    """
    return months_before(today, months) + dt.timedelta(days=today.day - 1) + _DAY


def is_final(day: dt.date, *, today: dt.date) -> bool:
    """Tell whether Meta has finished correcting this day."""
    return (today - day).days > FINAL_AFTER_DAYS


def months_before(day: dt.date, months: int) -> dt.date:
    """Return the first of the month `months` before the month of `day`."""
    count = day.year * 12 + (day.month - 1) - months
    return dt.date(count // 12, count % 12 + 1, 1)
