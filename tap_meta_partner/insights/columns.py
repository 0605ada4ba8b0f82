"""The columns and the key of a report, and the fields it has to ask for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.insights.fields import BREAKDOWNS, Kind, below, is_gone, kind_of
from tap_meta_partner.settings.words import DEFAULT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_meta_partner.settings.model import ReportDefinition

_ASSETS = (
    *("body", "call_to_action", "description", "image", "link_url", "media", "rule", "title"),
    "video",
)


#: Breakdowns whose value is an object with an id (Meta: "Breakdowns", dynamic creative assets; "Ad
#: Report Run Insights" of v26.0 for the last one and for media and rules), and the two columns of
#: each: the id, which is part of the key, and the object.
OBJECT_BREAKDOWNS: Mapping[str, tuple[str, str]] = {
    **{f"{part}_asset": (f"{part}_asset_id", f"{part}_asset") for part in _ASSETS},
    # An object in spite of its name.
    "creative_automation_asset_id": ("creative_automation_asset_id", "creative_automation_asset"),
}


#: The marketing mix is no column of its own: its rows are told apart by these, as in the export of
#: that name ("Marketing Mix Modeling Breakdown on Insights API").
_MARKETING_MIX = (
    *("country", "region", "dma", "device_platform", "platform_position", "publisher_platform"),
    "creative_media_type",
)


#: What stands in the key where Meta leaves a breakdown out of a row (Meta itself sends "unknown").
NO_VALUE = "(none)"


#: Not fields of Meta's but action types inside `actions`; older guides list them as fields.
_ENGAGEMENTS = ("post_engagement", "page_engagement")


_LEVEL_ID: Mapping[str, str] = {"campaign": "campaign_id", "adset": "adset_id", "ad": "ad_id"}


#: On every insights row, whatever `fields` says; the last three are the tap's own.
_ALWAYS = ("account_id", "date_start", "date_stop")


TIME_ZONE, READ_AT, IS_FINAL = "timezone_name", "read_at", "is_final"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of an insights stream.

    Attributes:
        name: the column's name.
        source: the field to ask Meta for, or None where nothing is asked (breakdowns come by
            themselves, `read_at` and its like are the tap's).
        kind: how its value is read.
        action_type: for a column drawn from an action list, the action type it holds.
        is_breakdown: its value is part of the key and never null.
        breakdown: for the two columns of a breakdown that is an object, the breakdown.
    """

    name: str
    source: str | None
    kind: Kind
    action_type: str | None = None
    is_breakdown: bool = False
    breakdown: str | None = None

    @property
    def key(self) -> str:
        """Where it stands in Meta's row."""
        return self.source or self.breakdown or self.name


def key_of(definition: ReportDefinition) -> tuple[str, ...]:
    """Return the columns that identify a row of this report: account, day, object, breakdowns."""
    level_id = _LEVEL_ID.get(definition.level)
    return (
        "account_id",
        "date_start",
        *((level_id,) if level_id else ()),
        *(column for name in definition.breakdowns for column in _key_columns(name)),
    )


def columns_of(definition: ReportDefinition) -> tuple[Column, ...]:
    """Return every column of a report's stream, key first, each once."""
    columns = [
        field_column(name)
        for name in (*key_of(definition), *_ALWAYS)
        if name not in _breakdown_names(definition)
    ]
    columns += [column for name in definition.breakdowns for column in _breakdown_columns(name)]
    columns += [
        field_column(name)
        for name in definition.fields or DEFAULT_FIELDS
        if not _is_breakdown(name, definition) and not below(name, definition.level)
    ]
    columns += [
        Column(name=TIME_ZONE, source=None, kind=Kind.TEXT),
        Column(name=READ_AT, source=None, kind=Kind.UNKNOWN),
        Column(name=IS_FINAL, source=None, kind=Kind.UNKNOWN),
    ]
    first: dict[str, Column] = {}
    for column in columns:
        first.setdefault(column.name, column)
    return tuple(first.values())


def tells_of_its_own_life(definition: ReportDefinition) -> bool:
    """Tell whether a report can have values on days on which nothing else happened.

    Postbacks and installs credited elsewhere come without impressions, spend or actions.
    """
    names = (*(definition.fields or ()), *definition.breakdowns)
    return any(name.startswith(("total_postbacks", "mmp_", "skan_", "fidelity")) for name in names)


def fields_to_ask(columns: Iterable[Column], *, api_version: str = "") -> tuple[str, ...]:
    """Return the `fields` parameter for these columns, each field once, without those long gone.

    Names of breakdowns are never among them: Meta adds those by itself and refuses some as fields.
    """
    return tuple(
        dict.fromkeys(
            column.source
            for column in columns
            if column.source and not is_gone(column.source, api_version)
        )
    )


def _is_breakdown(field: str, definition: ReportDefinition) -> bool:
    """Tell whether a name in `fields` is a breakdown's: Meta refuses some of those as fields."""
    return field in definition.breakdowns or field in BREAKDOWNS


def _breakdown_names(definition: ReportDefinition) -> set[str]:
    return {column.name for name in definition.breakdowns for column in _breakdown_columns(name)}


def _key_columns(breakdown: str) -> tuple[str, ...]:
    if breakdown == "mmm":
        return _MARKETING_MIX
    if breakdown in OBJECT_BREAKDOWNS:
        return OBJECT_BREAKDOWNS[breakdown][:1]
    return (breakdown,)


def _breakdown_columns(name: str) -> tuple[Column, ...]:
    key = tuple(
        Column(name=column, source=None, kind=Kind.TEXT, is_breakdown=True)
        for column in _key_columns(name)
    )
    if name not in OBJECT_BREAKDOWNS:
        return key
    of_id, of_object = OBJECT_BREAKDOWNS[name]
    return (
        Column(name=of_id, source=None, kind=Kind.TEXT, is_breakdown=True, breakdown=name),
        Column(name=of_object, source=None, kind=Kind.OBJECT, breakdown=name),
    )


def source_of(name: str) -> str:
    """Return the field of Meta that a column is read from."""
    return "actions" if name in _ENGAGEMENTS else name.partition(":")[0]


def field_column(name: str) -> Column:
    """Make the column for one entry of `fields`; `actions:TYPE` takes one type out of a list."""
    source, colon, action_type = name.partition(":")
    if name in _ENGAGEMENTS:
        return Column(name=name, source="actions", kind=Kind.COUNT, action_type=name)
    if colon:
        column = _column_name(f"{source}_{action_type}")
        return Column(name=column, source=source, kind=Kind.NUMBER, action_type=action_type)
    return Column(name=name, source=name, kind=kind_of(name))


#: PostgreSQL's longest name of a column; a longer one fails the load.
_LONGEST_NAME = 63


def _column_name(name: str) -> str:
    """Make a column's name of an action type: custom events are called as their makers like.

    What no database takes unquoted becomes an underscore. Where that would lose letters, or the
    name is too long, a part of its hash stands at the end: two events stay two columns, and none
    is renamed by another one beside it.
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if name.isascii() and len(plain) <= _LONGEST_NAME:
        return plain
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain[: _LONGEST_NAME - len(mark) - 1]}_{mark}"
