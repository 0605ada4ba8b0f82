"""What columns each stream has, and which fields can be asked for, as tables for a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tap_meta_partner.insights.columns import OBJECT_BREAKDOWNS
from tap_meta_partner.insights.fields import BREAKDOWNS, Kind, kind_of
from tap_meta_partner.sandbox.protocol.vocabulary import INSIGHT_FIELDS
from tap_meta_partner.settings.words import LEVELS
from tap_meta_partner.singer.descriptions import table
from tap_meta_partner.tap import TapMetaPartner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BLOCK = re.compile(r"(<!-- columns: (\w+) -->\n)(.*?)(<!-- /columns -->)", re.DOTALL)
_TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
}
_FORMATS: Mapping[str, str] = {"date": "date", "date-time": "instant (UTC)"}
_KINDS: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.DATE: "date",
    Kind.COUNT: "whole number",
    Kind.NUMBER: "number",
    Kind.ACTIONS: "action list",
    Kind.HISTOGRAM: "action list of lists",
    Kind.OBJECTS: "list of objects",
}


def shown_columns(page: str) -> dict[str, str]:
    """Return the tables that a page shows, by the name in the comment above each."""
    return {match.group(2): match.group(3) for match in _BLOCK.finditer(page)}


def with_columns(page: str) -> str:
    """Return a page with all its tables of columns made anew."""
    if not _BLOCK.search(page):
        return page
    made = columns()
    return _BLOCK.sub(lambda match: match[1] + made[match[2]] + match[4], page)


def columns() -> dict[str, str]:
    """Make every table: one a stream, one for the four insights streams, one of all fields."""
    streams = TapMetaPartner(config={"access_token": "T"}).streams
    made = {
        name: _table(("Column", "Type", "What it is"), _rows(stream.schema, stream.primary_keys))
        for name, stream in streams.items()
        if not name.endswith("_insights")
    }
    by_level = {level: streams[f"{level}_insights"] for level in LEVELS}
    return {
        **made,
        "insights": _insights(by_level),
        "fields": _fields(),
        "breakdowns": _breakdowns(),
    }


def _rows(schema: Mapping[str, Any], keys: Iterable[str]) -> Iterable[tuple[str, ...]]:
    for name, item in schema["properties"].items():
        said = item.get("description", "")
        yield f"`{name}`", _type(item), f"Key. {said}".strip() if name in keys else said


def _insights(by_level: Mapping[str, Any]) -> str:
    """Make one table of the four: their columns differ by level alone."""
    rows = []
    for name, item in by_level["ad"].schema["properties"].items():
        having = [level for level, each in by_level.items() if name in each.schema["properties"]]
        levels = "all" if len(having) == len(by_level) else ", ".join(having)
        rows.append((f"`{name}`", _type(item), levels, item.get("description", "")))
    return _table(("Column", "Type", "Levels", "What it is"), rows)


def _fields() -> str:
    """Make one table of all fields, in groups by what they hold."""
    said = table()
    rows = [
        (f"`{name}`", _KINDS[kind], said["insights", name])
        for kind in _KINDS
        for name in sorted(INSIGHT_FIELDS)
        if kind_of(name) is kind
    ]
    return _table(("Field", "Holds", "What it is"), rows)


def _breakdowns() -> str:
    """Make one table of all breakdowns; one whose value is an object is an id and an object."""
    said = table()
    rows = []
    for name in sorted(BREAKDOWNS - {"mmm"}):
        shown = OBJECT_BREAKDOWNS.get(name, (name,))
        names = ", ".join(f"`{column}`" for column in shown)
        rows.append((f"`{name}`", names, said["insights", shown[-1]]))
    return _table(("Breakdown", "Columns", "What it is"), rows)


def _type(item: Mapping[str, Any]) -> str:
    given = item["type"]
    (name,) = [each for each in ([given] if isinstance(given, str) else given) if each != "null"]
    if name == "array":
        return "list of text" if "items" in item else "list of objects"
    return _FORMATS.get(item.get("format", ""), _TYPES[name])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
