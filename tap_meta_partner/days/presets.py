"""Meta's date presets, as windows of an account's own days."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tap_meta_partner.days.history import history_edge, months_before
from tap_meta_partner.days.windows import DateWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DAY = dt.timedelta(days=1)


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
    "last_month": lambda today: (months_before(today, 1), today.replace(day=1) - _DAY),
    "this_quarter": lambda today: (_quarter_start(today), today),
    "last_quarter": lambda today: (
        months_before(_quarter_start(today), 3),
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
