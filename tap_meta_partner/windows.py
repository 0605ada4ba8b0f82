"""Date windows: which days to ask for, in the ad account's own time zone.

All days are calendar days of the ad account (Meta: "Insights best practices"), and both ends of a
window are included, as in Meta's `time_range`. Nothing here knows of HTTP, Singer or state.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

#: Meta keeps 37 months of totals and refuses a start before them with code 3018.
HISTORY_MONTHS = 37
#: Meta goes on correcting a day for 28 days ("Insights … do not change after 28 days").
FINAL_AFTER_DAYS = 28

_DAY = dt.timedelta(days=1)
_HOURS_OF_A_DAY = 24


@dataclass(frozen=True, slots=True)
class DateWindow:
    """Days `since` to `until`, both included."""

    since: dt.date
    until: dt.date

    def __post_init__(self) -> None:
        if self.since > self.until:
            raise ValueError(f"a window cannot end ({self.until}) before it starts ({self.since})")

    def __str__(self) -> str:
        return f"{self.since}..{self.until}"

    def __contains__(self, other: object) -> bool:
        if isinstance(other, DateWindow):
            return self.since <= other.since and other.until <= self.until
        return isinstance(other, dt.date) and self.since <= other <= self.until

    @property
    def days(self) -> int:
        """How many days it covers, at least 1."""
        return (self.until - self.since).days + 1

    def each_day(self) -> Iterator[dt.date]:
        """Yield its days, the first one first."""
        return (self.since + dt.timedelta(days=number) for number in range(self.days))

    def first(self, days: int) -> tuple[DateWindow, DateWindow | None]:
        """Take the first `days` days off: (those, what is left or None)."""
        if days >= self.days:
            return self, None
        cut = self.since + dt.timedelta(days=days)
        return DateWindow(self.since, cut - _DAY), DateWindow(cut, self.until)

    def last(self, days: int) -> tuple[DateWindow, DateWindow | None]:
        """Take the last `days` days off: (those, what is left or None)."""
        if days >= self.days:
            return self, None
        cut = self.until - dt.timedelta(days=days)
        return DateWindow(cut + _DAY, self.until), DateWindow(self.since, cut)


def between(since: dt.date, until: dt.date) -> DateWindow | None:
    """Return the window, or None when it would hold no day."""
    return DateWindow(since, until) if since <= until else None


def joined(windows: Iterable[DateWindow]) -> list[DateWindow]:
    """Return the same days in as few windows as possible, the earliest first."""
    found: list[DateWindow] = []
    for window in sorted(windows, key=lambda item: item.since):
        if found and window.since <= found[-1].until + _DAY:
            found[-1] = DateWindow(found[-1].since, max(found[-1].until, window.until))
        else:
            found.append(window)
    return found


def account_zone(timezone_name: str | None, offset_hours: float | None) -> dt.tzinfo:
    """Return an ad account's time zone.

    The name is the truth; `timezone_offset_hours_utc` is only today's offset (it changes with
    daylight saving) and serves for names the zone database does not know.
    """
    if timezone_name:
        try:
            return ZoneInfo(timezone_name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    hours = offset_hours or 0
    return dt.timezone(dt.timedelta(hours=hours if abs(hours) < _HOURS_OF_A_DAY else 0))


def history_edge(today: dt.date, *, months: int = HISTORY_MONTHS) -> dt.date:
    """Return the oldest day that may be asked for: so many months back, one day inside.

    A day that the target month does not have runs over into the next month: whichever way Meta
    counts the end of a month, the result is inside.
    """
    return _months_before(today, months) + dt.timedelta(days=today.day - 1) + _DAY


def is_final(day: dt.date, *, today: dt.date) -> bool:
    """Tell whether Meta has finished correcting this day."""
    return (today - day).days > FINAL_AFTER_DAYS


def _months_before(day: dt.date, months: int) -> dt.date:
    """Return the first of the month `months` before the month of `day`."""
    count = day.year * 12 + (day.month - 1) - months
    return dt.date(count // 12, count % 12 + 1, 1)


def _last_days(days: int) -> Callable[[dt.date], tuple[dt.date, dt.date]]:
    # last_7d and its like end yesterday: they leave today out.
    return lambda today: (today - dt.timedelta(days=days), today - _DAY)


def _week(today: dt.date, *, first_weekday: int, weeks_back: int) -> tuple[dt.date, dt.date]:
    """Return the week `weeks_back` before this one; weekdays count from Monday = 0."""
    start = today - dt.timedelta(days=(today.weekday() - first_weekday) % 7 + 7 * weeks_back)
    return start, start + dt.timedelta(days=6)


def _quarter_start(day: dt.date) -> dt.date:
    return dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


#: Meta's 20 presets: today -> (first day, last day). `maximum` is clamped to the history edge
#: later.
DATE_PRESETS: Mapping[str, Callable[[dt.date], tuple[dt.date, dt.date]]] = {
    "today": lambda today: (today, today),
    "yesterday": lambda today: (today - _DAY, today - _DAY),
    "last_3d": _last_days(3),
    "last_7d": _last_days(7),
    "last_14d": _last_days(14),
    "last_28d": _last_days(28),
    "last_30d": _last_days(30),
    "last_90d": _last_days(90),
    "last_week_mon_sun": lambda today: _week(today, first_weekday=0, weeks_back=1),
    "last_week_sun_sat": lambda today: _week(today, first_weekday=6, weeks_back=1),
    "this_week_mon_today": lambda today: (
        _week(today, first_weekday=0, weeks_back=0)[0],
        today,
    ),
    "this_week_sun_today": lambda today: (
        _week(today, first_weekday=6, weeks_back=0)[0],
        today,
    ),
    "this_month": lambda today: (today.replace(day=1), today),
    "last_month": lambda today: (_months_before(today, 1), today.replace(day=1) - _DAY),
    "this_quarter": lambda today: (_quarter_start(today), today),
    "last_quarter": lambda today: (
        _months_before(_quarter_start(today), 3),
        _quarter_start(today) - _DAY,
    ),
    "this_year": lambda today: (dt.date(today.year, 1, 1), today),
    "last_year": lambda today: (
        dt.date(today.year - 1, 1, 1),
        dt.date(today.year - 1, 12, 31),
    ),
    "maximum": lambda today: (dt.date.min, today),
    "data_maximum": lambda today: (dt.date.min, today),
}


def preset_window(preset: str, *, today: dt.date) -> DateWindow:
    """Return the days of one of Meta's date presets, seen from the account's `today`.

    Raises:
        KeyError: there is no such preset.
    """
    since, until = DATE_PRESETS[preset](today)
    return DateWindow(max(since, history_edge(today)), until)
