"""The reports a user defines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import ALL_DAYS, LONGEST_DAYS, MONTHLY
from tap_meta_partner.days.presets import DATE_PRESETS
from tap_meta_partner.settings.kinds import (
    _attribution_window,
    _date,
    _flag,
    _list_of,
    _name,
    _one_of,
    _shown,
    _whole,
    _wrong,
)
from tap_meta_partner.settings.model import ReportDefinition, SettingsError
from tap_meta_partner.settings.words import LEVELS, RESERVED_STREAM_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tap_meta_partner.settings.model import Settings

#: What a report may leave to the tap's own settings.
_INHERITED = (
    "fields",
    "action_attribution_windows",
    "lookback_days",
    "start_date",
    "date_preset",
)


def _stream_name(name: str, value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", value):
        if value.lower() in RESERVED_STREAM_NAMES:
            raise SettingsError(f'{name} is "{value}": a stream of the tap has that name already')
        return value
    raise _wrong(name, value, "a stream name: a letter, then letters, digits and underscores")


def _filtering(name: str, value: object) -> tuple[Mapping[str, Any], ...]:
    if isinstance(value, (list, tuple)) and all(
        isinstance(item, dict) and set(item) == {"field", "operator", "value"} for item in value
    ):
        return tuple(value)
    raise _wrong(name, value, 'a list of {"field": …, "operator": …, "value": …}')


def _increment(name: str, value: object) -> int | str:
    if value in (MONTHLY, ALL_DAYS):
        return str(value)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST_DAYS:
        return value
    raise _wrong(name, value, f"a number of days from 1 to {LONGEST_DAYS}, {MONTHLY} or {ALL_DAYS}")


_REPORT_PARSERS: Mapping[str, Callable[[str, object], Any]] = {
    "name": _stream_name,
    "level": _one_of(LEVELS),
    "fields": _list_of(_name),
    "breakdowns": _list_of(_name),
    "action_breakdowns": _list_of(_name),
    "action_attribution_windows": _list_of(_attribution_window),
    "filtering": _filtering,
    "lookback_days": _whole(0),
    "start_date": _date,
    "time_increment": _increment,
    "date_preset": _one_of(DATE_PRESETS),
    "action_rows": _flag,
}


def _reports(value: object, settings: Settings) -> tuple[ReportDefinition, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong("reports", value, 'a list of reports, for example [{"name": "…"}]')
    reports = tuple(
        _report(f"reports[{index}]", item, settings) for index, item in enumerate(value)
    )
    names = [name.lower() for report in reports for name in _stream_names(report)]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f'reports would make two streams named "{name}": rename a report')
    return reports


def _stream_names(report: ReportDefinition) -> list[str]:
    return [report.name, *([f"{report.name}_actions"] if report.action_rows else [])]


def _report(place: str, value: object, settings: Settings) -> ReportDefinition:
    if not isinstance(value, dict):
        raise _wrong(place, value, 'an object, for example {"name": "by_country"}')
    given = {key: item for key, item in value.items() if item is not None}
    for key in sorted(set(given) - set(_REPORT_PARSERS)):
        raise SettingsError(
            f"{place} has an unknown key {_shown(key)}: allowed are {', '.join(_REPORT_PARSERS)}"
        )
    if "name" not in given:
        raise SettingsError(f"{place} has no name: it becomes the stream's and the table's name")
    parsed = {
        key: parse(f"{place}.{key}", given[key])
        for key, parse in _REPORT_PARSERS.items()
        if key in given
    }
    if "date_preset" in parsed and "start_date" in parsed:
        raise SettingsError(f"{place} has both date_preset and start_date: leave one of them out")
    inherited = {key: getattr(settings, key) for key in _INHERITED}
    if "date_preset" in parsed:
        # Its own window, whatever the other streams begin with.
        inherited["start_date"] = None
    report = ReportDefinition(**{**inherited, **parsed})
    _check_all_days(place, report, settings)
    if report.action_breakdowns and "action_type" not in report.action_breakdowns:
        _check_action_columns(place, report)
    return report


def _check_all_days(place: str, report: ReportDefinition, settings: Settings) -> None:
    """Refuse one row over days that are not fixed: its key would move every night."""
    if report.time_increment != ALL_DAYS or report.date_preset:
        return
    if not (report.start_date and settings.end_date):
        raise SettingsError(
            f"{place}.time_increment is {ALL_DAYS}: set the report's date_preset too, or fixed "
            "dates (start_date and the tap's end_date)"
        )


def _check_action_columns(place: str, report: ReportDefinition) -> None:
    for name in report.fields or ("post_engagement",):
        if ":" in name or name in {"post_engagement", "page_engagement"}:
            raise SettingsError(
                f"{place}: the column {name} needs action_type among action_breakdowns"
            )
