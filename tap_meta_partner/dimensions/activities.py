"""Activities: who changed what in an ad account, and when.

Meta lists them by when they happened, gives them no ids, and puts what was changed into a text of
its own (`extra_data`). See "Ad Account, Activities" in Meta's Marketing API reference.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import msgspec

from tap_meta_partner.dimensions.columns import (
    ACCOUNT_ID,
    LAST,
    DimensionColumn,
    Holds,
    plain,
)
from tap_meta_partner.graph.marred import inside_text
from tap_meta_partner.graph.values import instant_text_of, maybe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: What tells an activity from any other. Two that are equal in all of it are one.
IDENTIFYING = ("event_time", "event_type", "object_id", "actor_id", "extra_data")

#: Numbers as Meta writes them: 0.10 stays 0.10.
_ENCODE = msgspec.json.Encoder(decimal_format="number", order="sorted").encode

#: 96 bits: among a thousand million activities two are alike with a chance of one in 10^11.
_ID_DIGITS = 24

ACTIVITY = [
    DimensionColumn(name="id", holds=Holds.TEXT, paths=("id",), asks=IDENTIFYING),
    DimensionColumn(name=ACCOUNT_ID, holds=Holds.OWN),
    *plain(Holds.INSTANT, "event_time"),
    *plain(
        Holds.TEXT,
        "event_type translated_event_type object_id object_name object_type actor_id actor_name "
        "application_id application_name date_time_in_timezone",
    ),
    *(
        DimensionColumn(
            name=name, holds=Holds.TEXT, paths=(f"changed.{name}",), asks=("extra_data",)
        )
        for name in ("old_value", "new_value")
    ),
    *plain(Holds.TEXT, "extra_data"),
    *LAST,
]


def identified(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return an activity as Meta gives it, with an id of our own and what its text holds.

    The id is the same whenever and however the activity is read.

    Args:
        found: as it came, with the fields `IDENTIFYING`.

    Returns:
        It with `id`, 24 hex digits, empty where Meta gave none of those fields; and with
        `changed`, the old and the new value as texts, as far as `extra_data` has them.
    """
    told = [_as_text(found.get(name)) for name in IDENTIFYING]
    # The same moment in another offset, as an account that changed its zone may have it.
    told[0] = maybe(instant_text_of, found.get("event_time")) or told[0]
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:_ID_DIGITS]
    extra = found.get("extra_data")
    held = inside_text(extra) if isinstance(extra, str) else extra
    changed = held if isinstance(held, dict) else {}
    return {
        **found,
        "id": digest if any(told) else "",
        "changed": {name: _as_text(changed.get(name)) for name in ("old_value", "new_value")},
        "extra_data": _as_text(extra),
    }


def _as_text(value: object) -> str | None:
    """Return a value as a text: itself where it is one, else as JSON."""
    if value is None or isinstance(value, str):
        return value
    try:
        return _ENCODE(value).decode()
    except OverflowError:
        # A whole number beyond 64 bits.
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
