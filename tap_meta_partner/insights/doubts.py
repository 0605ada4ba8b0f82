"""What is wrong, or doubtful, about a report's definition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_meta_partner.insights.action_rows import REPEATED, VALUE, action_metrics, actions_key
from tap_meta_partner.insights.columns import field_column, source_of
from tap_meta_partner.insights.fields import (
    BREAKDOWNS,
    GONE_FIELDS,
    OWN_LEVEL,
    Kind,
    below,
    is_gone,
    kind_of,
    known_fields,
)
from tap_meta_partner.settings.reading import did_you_mean
from tap_meta_partner.settings.words import ATTRIBUTION_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_meta_partner.settings.model import ReportDefinition


def complaint(definition: ReportDefinition) -> str | None:
    """Say why a report cannot have action rows; None when it can."""
    if not action_metrics(definition):
        return "action_rows needs at least one action list among fields, such as actions"
    columns = [*actions_key(definition), VALUE, *REPEATED]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        return (
            f"action_rows cannot have the column {', '.join(twice)} twice: leave it out of "
            "breakdowns or of action_breakdowns"
        )
    return None


def doubts(definition: ReportDefinition, *, api_version: str = "") -> list[str]:
    """Say what in a report's fields and breakdowns looks wrong, though Meta is left to judge."""
    found = []
    for name in definition.fields or ():
        if name in definition.breakdowns:
            found.append(f"{name} is a breakdown and comes by itself: it is not asked as a field")
        elif name in BREAKDOWNS:
            found.append(f"{name} is a breakdown: it is left out here and belongs in breakdowns")
        elif below(name, definition.level):
            found.append(
                f"{name} belongs to the {OWN_LEVEL[name]} level and cannot be had at "
                f"{definition.level} level: it is left out"
            )
        elif is_gone(source_of(name), api_version):
            found.append(
                f"{name} is gone from Meta's API since {GONE_FIELDS[source_of(name)]}: it is not "
                "asked and stays empty"
            )
        elif kind_of(source_of(name)) is Kind.UNKNOWN:
            hint = did_you_mean(source_of(name), known_fields())
            found.append(f"{name} is not a field this version knows{hint or ':'} Meta decides")
    found += [
        f"{name} is not a breakdown this version knows{did_you_mean(name, BREAKDOWNS) or ':'} "
        "Meta decides"
        for name in definition.breakdowns
        if name not in BREAKDOWNS
    ]
    found += [
        f"{name} is not an attribution window this version knows: Meta decides"
        for name in definition.action_attribution_windows
        if name not in ATTRIBUTION_WINDOWS
    ]
    return [f"{definition.name}: {text}" for text in found]


def collisions(definition: ReportDefinition) -> list[str]:
    """Name columns that two different entries of `fields` would both fill.

    Names that differ in case only are one column to many databases.
    """
    entries: dict[str, set[str]] = {}
    for name in definition.fields or ():
        entries.setdefault(field_column(name).name.lower(), set()).add(name)
    return [
        f"{definition.name}: {' and '.join(sorted(names))} would both become the column {column}: "
        "take one of them into a report of its own"
        for column, names in entries.items()
        if len(names) > 1
    ]


def sums_of_rates(definition: ReportDefinition) -> list[str]:
    """Name columns that would add up what does not add: a rate, over further action breakdowns.

    A column of one action type adds its entries up where several action breakdowns were asked. That
    is right for counts and amounts, and wrong for costs, rates, averages and people.
    """
    if len(definition.action_breakdowns) < 2:  # noqa: PLR2004  (action_type and another)
        return []
    return [
        f"{definition.name}: {name} cannot be a column together with further action_breakdowns, as "
        "its values do not add up: leave those out, or take the whole list"
        for name in definition.fields or ()
        if ":" in name and _NOT_ADDITIVE.search(name.partition(":")[0])
    ]


_NOT_ADDITIVE = re.compile("cost_per|roas|ctr|rate|avg|average|unique|_per_")


def not_lists(definition: ReportDefinition) -> list[str]:
    """Name columns of an action type in a field that has none: they would always be empty."""
    return [
        f"{definition.name}: {name} cannot be a column, as {source_of(name)} is no list of "
        f"actions: ask for {source_of(name)} as it is"
        for name in definition.fields or ()
        if ":" in name and kind_of(source_of(name)) not in {Kind.ACTIONS, Kind.UNKNOWN}
    ]


def mistakes(definition: ReportDefinition) -> Iterator[str]:
    """Say what of a report cannot be: its columns, that is."""
    yield from not_lists(definition)
    yield from collisions(definition)
    yield from sums_of_rates(definition)
    wrong = complaint(definition) if definition.action_rows else None
    if wrong:
        yield f"{definition.name}: {wrong}"
