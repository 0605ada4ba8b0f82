"""The long form of a report's action lists: one row for each amount, for people who write SQL.

A report's row holds lists (`actions`, `action_values`, `cost_per_action_type` …) with one entry
per action type and other action breakdown, and in each entry one amount per attribution window.
Here every amount is a row: the report's key, the list's name as `metric`, the action breakdowns,
`attribution_window` and `value`. Names, currency and the like are not repeated: they are in the
report's own stream, one join over its key away.

Left out are lists whose amounts are not single numbers (`video_play_curve_actions` and the other
histograms) and those that are no action lists at all (`results`, `cost_per_result` …).

Never add over action types: they contain each other (page_engagement ⊃ post_engagement ⊃
link_click).
"""

from __future__ import annotations

from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING

from tap_meta_partner.insights.columns import (
    IS_FINAL,
    NO_VALUE,
    READ_AT,
    TIME_ZONE,
    columns_of,
    key_of,
)
from tap_meta_partner.insights.fields import ACTION_LABELS, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from tap_meta_partner.settings.model import ReportDefinition

METRIC, WINDOW, VALUE = "metric", "attribution_window", "value"


#: What `value` is counted by: the ad set's own attribution setting (always, since 2025-06-10).
OWN_SETTING = "default"


#: Repeated from the report's row: when it was read, and what of it may still change.
REPEATED = ("date_stop", TIME_ZONE, READ_AT, IS_FINAL)


def action_metrics(definition: ReportDefinition) -> tuple[str, ...]:
    """Return the fields whose lists become rows: the report's action lists, as it names them."""
    return tuple(column.name for column in columns_of(definition) if column.kind is Kind.ACTIONS)


def action_columns(definition: ReportDefinition) -> frozenset[str]:
    """Return the columns of the report's own records that its action rows are made of."""
    return frozenset((*key_of(definition), *action_metrics(definition), *REPEATED))


def actions_key(definition: ReportDefinition) -> tuple[str, ...]:
    """Return the columns that identify a row: the report's key, metric, breakdowns and window."""
    return (*key_of(definition), METRIC, *action_breakdowns_of(definition), WINDOW)


class ActionRowReader:
    """Turns the records of one report's stream into rows of its long form.

    Args:
        definition: the report.
        columns: the columns wanted of the long form; those of its key always come.
    """

    def __init__(self, definition: ReportDefinition, columns: Collection[str]) -> None:
        self._metrics = action_metrics(definition)
        self._key = key_of(definition)
        self._repeated = tuple(name for name in REPEATED if name in columns)
        self._breakdowns = action_breakdowns_of(definition)
        self._labels_of = itemgetter(*self._breakdowns)
        self._has_value = VALUE in columns
        self._windows = _Windows(dict.fromkeys(self._breakdowns))

    def records(self, record: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Turn one record, as `rows.RowReader` makes it, into the rows of all its action lists.

        Entries of a list with the same action breakdowns and window are added up, as they are in
        the columns of a single action type: they differ in what was not asked for.
        """
        shared = {name: record[name] for name in self._key}
        # What is not among the report's columns is not known here either.
        shared.update((name, record[name]) for name in self._repeated if name in record)
        rows: list[dict[str, Any]] = []
        for metric in self._metrics:
            entries = record.get(metric)
            if entries:
                self._read(metric, entries, shared, rows)
        return rows

    def _read(
        self,
        metric: str,
        entries: list[dict[str, Any]],
        shared: Mapping[str, Any],
        rows: list[dict[str, Any]],
    ) -> None:
        """Append one row for each amount of a list; there are some hundred a record."""
        breakdowns, windows, has_value = self._breakdowns, self._windows, self._has_value
        before = len(rows)
        different = set()
        for entry in entries:
            base = {**shared, METRIC: metric}
            for name in breakdowns:
                label = entry.get(name)
                base[name] = label if type(label) is str and label else _label(label)
            different.add(self._labels_of(base))
            for key, amount in entry.items():
                window = windows[key]
                # Where the own setting was asked for by name, it comes beside `value`, the same.
                if window is None or (key == OWN_SETTING and VALUE in entry):
                    continue
                row = base.copy()
                row[WINDOW] = window
                if has_value:
                    row[VALUE] = amount if type(amount) is Decimal else _amount(amount)
                rows.append(row)
        if len(different) != len(entries):
            rows[before:] = self._added_up(rows[before:])

    def _added_up(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return one row for each key, with the sum of its amounts."""
        key_of_row = itemgetter(METRIC, *self._breakdowns, WINDOW)
        found: dict[Any, dict[str, Any]] = {}
        for row in rows:
            first = found.setdefault(key_of_row(row), row)
            if first is row or not self._has_value:
                continue
            amounts = [each[VALUE] for each in (first, row) if each[VALUE] is not None]
            first[VALUE] = sum(amounts[1:], amounts[0]) if amounts else None
        return list(found.values())


def action_breakdowns_of(definition: ReportDefinition) -> tuple[str, ...]:
    """Return the columns for what an entry's amounts are of, the action type always first.

    Where other action breakdowns are asked without it, or none at all, some lists have it all the
    same.
    """
    return tuple(dict.fromkeys(("action_type", *definition.action_breakdowns)))


class _Windows(dict[str, "str | None"]):
    """Remembers of each key of an entry which attribution window it is; None for a label."""

    def __missing__(self, key: str) -> str | None:
        window = None if key.startswith(ACTION_LABELS) else OWN_SETTING if key == VALUE else key
        self[key] = window
        return window


def _label(value: Any) -> str:  # noqa: ANN401  (a JSON value)
    """Write a label that is not a string as one, since it is part of the key."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return str(value)
    return NO_VALUE


def _amount(value: Any) -> Decimal | None:  # noqa: ANN401  (a JSON value)
    """Take what is not a number yet: whole numbers as they are, anything else as null."""
    return Decimal(value) if type(value) is int else None
