"""The smallest object of a report by parts of its fields, joined again on the key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import TooMuchData
from tap_meta_partner.graph.pages import Collected
from tap_meta_partner.insights.columns import key_of
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.reading import read_report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.reports.request import Reporting, ReportRequest
    from tap_meta_partner.settings.model import ReportDefinition

#: In every part of the fields, beside the key.
_IN_ALL_PARTS = ("account_id", "date_start", "date_stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class InParts:
    """What came of an object that was read by parts of its fields.

    Attributes:
        rows: with all fields that came.
        parts: into how many parts the fields have to be cut.
        missing: fields that are too much even alone.
        why: what Meta said of those, None where there are none.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    parts: int = 1
    missing: tuple[str, ...] = ()
    why: TooMuchData | None = None


def read_in_parts(request: ReportRequest, parts: int, reporting: Reporting) -> Steps[InParts]:
    """Read a window of one object by halves of its fields, by halves of these where need be.

    Args:
        request: the object's window.
        parts: into how many parts to cut at first, at least two.
        reporting: how to ask.

    Raises:
        TooMuchData: nothing of it can be had.
    """
    keys = [
        name for name in request.fields if name in (*key_of(request.definition), *_IN_ALL_PARTS)
    ]
    others = [name for name in request.fields if name not in keys]
    joined = _Joined(request.definition)
    waiting = _cut(others, max(parts, 2))
    missing: list[str] = []
    why: TooMuchData | None = None
    widest = 0
    while waiting:
        names = waiting.pop(0)
        found = Collected()
        asked = replace(request, fields=(*keys, *names))
        try:
            yield from read_report(asked, found, Pace(), reporting)
        except TooMuchData as error:
            why = error
            if len(names) > 1:
                waiting[:0] = _cut(names, 2)
            else:
                missing += names
        else:
            widest = max(widest, len(names))
            joined.add(found.rows)
    if why and not widest:
        raise why
    return InParts(
        rows=joined.rows,
        parts=-(-len(others) // max(widest, 1)),
        missing=tuple(missing),
        why=why if missing else None,
    )


class _Joined:
    """Rows of the same objects with different fields, joined on what tells them apart."""

    def __init__(self, definition: ReportDefinition) -> None:
        self._key = dict.fromkeys((*key_of(definition), *definition.breakdowns))
        self._rows: dict[tuple[str, ...], dict[str, Any]] = {}

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Add the rows of one part; a row is missing where all fields asked for are empty."""
        seen: dict[tuple[str, ...], int] = {}
        for row in rows:
            key = tuple(
                json.dumps(row.get(name), sort_keys=True, default=str) for name in self._key
            )
            # Two rows with one key stay two: whoever writes them knows what to do.
            seen[key] = seen.get(key, 0) + 1
            self._rows.setdefault((*key, str(seen[key])), {}).update(row)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows, with all fields that came."""
        return list(self._rows.values())


def _cut(names: Sequence[str], parts: int) -> list[list[str]]:
    """Cut a list into about so many parts of the same length."""
    length = -(-len(names) // parts) or 1
    return [list(names[at : at + length]) for at in range(0, len(names), length)]
