"""JSON Schema of insights rows and of their action rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.insights.action_rows import (
    REPEATED,
    VALUE,
    actions_key,
)
from tap_meta_partner.insights.columns import (
    IS_FINAL,
    READ_AT,
    columns_of,
    key_of,
)
from tap_meta_partner.insights.fields import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.insights.columns import Column
    from tap_meta_partner.settings.model import ReportDefinition


def actions_schema(definition: ReportDefinition) -> dict[str, Any]:
    """Return the JSON Schema of the long form's records."""
    keys = actions_key(definition)
    report: Mapping[str, Any] = schema_of(definition)["properties"]
    properties: dict[str, Any] = {}
    for name in keys:
        properties[name] = report[name] if name in key_of(definition) else {"type": "string"}
    properties[VALUE] = {"type": ["number", "null"]}
    properties |= {name: report[name] for name in REPEATED}
    return {"type": "object", "properties": properties, "required": list(keys)}


def schema_of(definition: ReportDefinition) -> dict[str, Any]:
    """Return the JSON Schema of a report's records."""
    keys = key_of(definition)
    return {
        "type": "object",
        "properties": {
            column.name: _property(column, is_key=column.name in keys)
            for column in columns_of(definition)
        },
        "required": list(keys),
    }


_PROPERTIES: Mapping[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": ["string", "null"]},
    Kind.DATE: {"type": ["string", "null"], "format": "date"},
    Kind.COUNT: {"type": ["integer", "null"]},
    Kind.NUMBER: {"type": ["number", "null"]},
    Kind.OBJECT: {"type": ["object", "null"]},
    # Of what a list of objects holds (`items`) nothing is said: then target-postgres makes `jsonb`
    # of it. Else it makes `jsonb[]`, which costs it twice the time and is harder to query; and
    # loaders for BigQuery make fields named 1d_click, which neither Avro nor protobuf take.
    Kind.ACTIONS: {"type": ["array", "null"]},
    Kind.HISTOGRAM: {"type": ["array", "null"]},
    Kind.OBJECTS: {"type": ["array", "null"]},
}


_OWN_COLUMNS: Mapping[str, dict[str, Any]] = {
    READ_AT: {"type": "string", "format": "date-time"},
    IS_FINAL: {"type": "boolean"},
}


def _property(column: Column, *, is_key: bool) -> dict[str, Any]:
    if column.name in _OWN_COLUMNS:
        return dict(_OWN_COLUMNS[column.name])
    if is_key:
        # A key is never null: account and day always come, a missing breakdown has a stand-in.
        return {**_PROPERTIES[column.kind], "type": "string"}
    unknown: dict[str, Any] = {"type": ["string", "number", "boolean", "object", "array", "null"]}
    return dict(_PROPERTIES.get(column.kind, unknown))
