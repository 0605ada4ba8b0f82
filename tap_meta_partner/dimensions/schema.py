"""JSON Schema of the dimensions' records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.columns import ACCOUNT_ID, READ_AT, Holds
from tap_meta_partner.dimensions.tables import DIMENSIONS, HISTORY_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.dimensions.columns import DimensionColumn


def dimension_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a dimension's records."""
    return {
        "type": "object",
        "properties": {column.name: _property(column) for column in DIMENSIONS[name].columns},
        "required": list(DIMENSIONS[name].key),
    }


def history_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of the records of a dimension's history."""
    schema = dimension_schema(name)
    # Part of the key, and so never null.
    when = {"updated_time": {"type": "string", "format": "date-time"}}
    return {
        **schema,
        "properties": {**schema["properties"], **when},
        "required": list(HISTORY_KEY),
    }


_PROPERTIES: Mapping[Holds, dict[str, Any]] = {
    Holds.TEXT: {"type": ["string", "null"]},
    Holds.TEXTS: {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    Holds.WHOLE: {"type": ["integer", "null"]},
    Holds.FLAG: {"type": ["boolean", "null"]},
    Holds.INSTANT: {"type": ["string", "null"], "format": "date-time"},
    Holds.UNIX: {"type": ["string", "null"], "format": "date-time"},
    Holds.NUMBER: {"type": ["number", "null"]},
    Holds.MINOR: {"type": ["integer", "null"]},
    Holds.MAJOR: {"type": ["number", "null"]},
    Holds.OBJECT: {"type": ["object", "null"]},
    # As with insights, `items` is left out: target-postgres makes `jsonb` of it, not `jsonb[]`.
    Holds.OBJECTS: {"type": ["array", "null"]},
}


_OWN_PROPERTIES: Mapping[str, dict[str, Any]] = {
    "id": {"type": "string"},
    ACCOUNT_ID: {"type": "string"},
    READ_AT: {"type": "string", "format": "date-time"},
}


def _property(column: DimensionColumn) -> dict[str, Any]:
    return dict(_OWN_PROPERTIES.get(column.name) or _PROPERTIES[column.holds])
