"""JSON Schema of the dimensions' records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.tables import ACCOUNT_ID, DIMENSION_KEY, DIMENSIONS, READ_AT, Holds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.dimensions.tables import DimensionColumn


def dimension_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a dimension's records."""
    return {
        "type": "object",
        "properties": {column.name: _property(column) for column in DIMENSIONS[name].columns},
        "required": list(DIMENSION_KEY),
    }


_PROPERTIES: Mapping[Holds, dict[str, Any]] = {
    Holds.TEXT: {"type": ["string", "null"]},
    Holds.TEXTS: {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    Holds.WHOLE: {"type": ["integer", "null"]},
    Holds.FLAG: {"type": ["boolean", "null"]},
    Holds.INSTANT: {"type": ["string", "null"], "format": "date-time"},
    Holds.MINOR: {
        "type": ["string", "null"],
        "description": "In the currency's smallest unit, as Meta gives it.",
    },
    Holds.MAJOR: {"type": ["number", "null"], "description": "In whole currency units."},
    Holds.OBJECT: {"type": ["object", "null"]},
    # As with insights, `items` is left out: target-postgres makes `jsonb` of it, not `jsonb[]`.
    Holds.OBJECTS: {"type": ["array", "null"]},
}


_OWN_PROPERTIES: Mapping[str, dict[str, Any]] = {
    "id": {"type": "string"},
    ACCOUNT_ID: {"type": "string", "description": "The ad account, without act_."},
    READ_AT: {
        "type": "string",
        "format": "date-time",
        "description": "When the tap asked Meta for this object (UTC), one instant for a whole "
        "reading of an ad account.",
    },
    "bid_amount": {
        "type": ["integer", "null"],
        "description": "In the currency's smallest unit, as Meta gives it.",
    },
    "image_url": {"type": ["string", "null"], "description": "Works for some days only."},
    "thumbnail_url": {"type": ["string", "null"], "description": "Works for some days only."},
    "page_link": {
        "type": ["string", "null"],
        "description": "Where a click leads: the link of the post, or of the video's button, or "
        "link_url.",
    },
    "template_page_link": {
        "type": ["string", "null"],
        "description": "Where a click on a catalog's product leads.",
    },
}


def _property(column: DimensionColumn) -> dict[str, Any]:
    return dict(_OWN_PROPERTIES.get(column.name) or _PROPERTIES[column.holds])
