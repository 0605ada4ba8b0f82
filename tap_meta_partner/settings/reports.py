"""The reports a user defines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import ALL_DAYS, LONGEST_DAYS, MONTHLY
from tap_meta_partner.days.presets import DATE_PRESETS
from tap_meta_partner.settings.kinds import (
    META_NAME,
    AttributionWindow,
    Day,
    Flag,
    Kind,
    ListOf,
    OneOf,
    Text,
    Whole,
    as_written,
    shown,
    wrong,
)
from tap_meta_partner.settings.model import ReportDefinition, Settings, SettingsError
from tap_meta_partner.settings.setting import Setting, object_schema
from tap_meta_partner.settings.words import LEVELS, RESERVED_STREAM_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: What an action type has none of: controls, line ends, and what separates names elsewhere.
_NOT_IN_TYPES = r"\x00-\x1f\x7f-\x9f\u2028\u2029,|"
#: A custom event is called as its maker likes.
FIELD = Text(
    rf"[A-Za-z0-9_.-]+(:[^ {_NOT_IN_TYPES}]([^{_NOT_IN_TYPES}]{{0,198}}[^ {_NOT_IN_TYPES}])?)?",
    "a name as Meta writes it (letters, digits, underscores), or a list's name, a colon and an "
    "action type without comma and bar",
)


#: What a report may leave to the tap's own settings.
_INHERITED = (
    "fields",
    "action_attribution_windows",
    "lookback_days",
    "start_date",
    "date_preset",
)


@dataclass(frozen=True, slots=True)
class StreamName(Kind[str]):
    """A name for a stream and its table."""

    def parse(self, name: str, value: object) -> str:
        """Take a name that no stream of the tap has."""
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", value):
            if value.lower() in RESERVED_STREAM_NAMES:
                raise SettingsError(
                    f'{name} is "{value}": a stream of the tap has that name already'
                )
            return value
        raise wrong(name, value, "a stream name: a letter, then letters, digits and underscores")


@dataclass(frozen=True, slots=True)
class Filtering(Kind[tuple["Mapping[str, Any]", ...]]):
    """Conditions that Meta checks; passed on as they are."""

    def parse(self, name: str, value: object) -> tuple[Mapping[str, Any], ...]:
        """Take a list of objects with the three keys of Meta's."""
        if isinstance(value, (list, tuple)) and all(
            isinstance(item, dict) and set(item) == {"field", "operator", "value"} for item in value
        ):
            return tuple(value)
        raise wrong(name, value, 'a list of {"field": …, "operator": …, "value": …}')

    @property
    def schema(self) -> dict[str, Any]:
        """An array of objects."""
        item = {"type": "object", "properties": {}, "additionalProperties": True}
        return {"type": ["array"], "items": item}


@dataclass(frozen=True, slots=True)
class Increment(Kind["int | str"]):
    """How many days a row covers."""

    def parse(self, name: str, value: object) -> int | str:
        """Take a number of days, also as its digits, or one of the two words."""
        if value in (MONTHLY, ALL_DAYS):
            return str(value)
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST_DAYS:
            return value
        allowed = f"a number of days from 1 to {LONGEST_DAYS}, {MONTHLY} or {ALL_DAYS}"
        raise wrong(name, value, allowed)

    @property
    def schema(self) -> dict[str, Any]:
        """Anything: a number or a word."""
        return {}


#: The keys of one report.
REPORT_KEYS = (
    Setting("name", StreamName(), description="Stream and table name.", required=True),
    Setting("level", OneOf(LEVELS), description="Default ad."),
    Setting("fields", ListOf(FIELD), description="Default: the setting `fields`."),
    Setting("breakdowns", ListOf(META_NAME), description="Each becomes part of the key."),
    Setting(
        "action_breakdowns",
        ListOf(META_NAME),
        description="Stay inside the action lists. Default action_type; [] for whole amounts.",
    ),
    Setting(
        "action_attribution_windows", ListOf(AttributionWindow()), description="Extra windows."
    ),
    Setting("filtering", Filtering(), description="As Meta takes it."),
    Setting("lookback_days", Whole(0), description="Default: the setting."),
    Setting("start_date", Day(), description="Default: the setting."),
    Setting(
        "time_increment",
        Increment(),
        description=f"Days that a row covers: 1 to {LONGEST_DAYS}, {MONTHLY}, or {ALL_DAYS}. "
        "Default 1.",
    ),
    Setting(
        "date_preset",
        OneOf(tuple(DATE_PRESETS)),
        description="Read this window in full on every run.",
    ),
    Setting(
        "action_rows",
        Flag(),
        description="Also write the action lists row by row, as the stream {name}_actions.",
    ),
)


@dataclass(frozen=True, slots=True)
class Reports(Kind[tuple[ReportDefinition, ...]]):
    """The list of reports.

    Attributes:
        settings: the tap's own, for what a report does not say.
    """

    settings: Settings = field(default_factory=Settings)

    def parse(self, name: str, value: object) -> tuple[ReportDefinition, ...]:
        """Take the list. No two streams share a name, in whatever case: many databases fold it."""
        if not isinstance(value, (list, tuple)):
            raise wrong(name, value, 'a list of reports, for example [{"name": "…"}]')
        reports = tuple(
            _report(f"{name}[{index}]", item, self.settings) for index, item in enumerate(value)
        )
        names = [each.lower() for report in reports for each in _stream_names(report)]
        for each in names:
            if names.count(each) > 1:
                raise SettingsError(
                    f'{name} would make two streams named "{each}": rename a report'
                )
        return reports

    @property
    def schema(self) -> dict[str, Any]:
        """An array of objects."""
        return {"type": ["array"], "items": object_schema(REPORT_KEYS, others=False)}

    def from_text(self, text: str) -> object:
        """Read JSON."""
        return json.loads(text)


def _stream_names(report: ReportDefinition) -> list[str]:
    return [report.name, *([f"{report.name}_actions"] if report.action_rows else [])]


def _report(place: str, value: object, settings: Settings) -> ReportDefinition:
    if not isinstance(value, dict):
        raise wrong(place, value, 'an object, for example {"name": "by_country"}')
    given = {key: item for key, item in value.items() if item is not None}
    allowed = [row.name for row in REPORT_KEYS]
    for key in sorted(set(given) - set(allowed)):
        named = shown(key) or "that is not shown here"
        raise SettingsError(f"{place} has an unknown key {named}: allowed are {', '.join(allowed)}")
    if "name" not in given:
        raise SettingsError(f"{place} has no name: it becomes the stream's and the table's name")
    parsed = {
        row.name: row.kind.parse(f"{place}.{row.name}", as_written(row.kind, given[row.name]))
        for row in REPORT_KEYS
        if row.name in given
    }
    if "date_preset" in parsed and "start_date" in parsed:
        raise SettingsError(f"{place} has both date_preset and start_date: leave one of them out")
    inherited = {key: getattr(settings, key) for key in _INHERITED}
    if "date_preset" in parsed:
        # Its own window, whatever the other streams begin with.
        inherited["start_date"] = None
    report = ReportDefinition(**{**inherited, **parsed})
    _check_all_days(place, report, settings)
    if "action_type" not in report.action_breakdowns:
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
