"""Pages on which every value is as Meta documents it: typed as a whole, in C.

Such are nearly all pages. Typing their texts, numbers and action lists one by one in Python would
cost more than all the rest of a run; where anything in them is odd, `rows.RowReader` does that.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from itertools import chain
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from tap_meta_partner.graph.values import MOST_DIGITS
from tap_meta_partner.insights.fields import ACTION_LABELS, ANSWERED_AS, Kind
from tap_meta_partner.settings.words import ATTRIBUTION_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_meta_partner.insights.columns import Column

_typed_dict: Any = TypedDict  # of names that no class body can have
#: Besides action lists. Counts are not among them: msgspec reads "9007199254740993.0" as binary.
_TYPES: Mapping[Kind, Any] = {Kind.TEXT: str | None, Kind.NUMBER: Decimal | None}


class PlainPages:
    """Types those columns of a page that are taken as they stand.

    Args:
        columns: the columns wanted.
        action_breakdowns: what the entries of action lists name, besides their type.
    """

    def __init__(self, columns: Iterable[Column], action_breakdowns: Iterable[str]) -> None:
        typed = tuple(column for column in columns if _is_typed(column))
        #: The columns that it types.
        self.names = frozenset(column.name for column in typed)
        self._page = _page_type(typed, tuple(action_breakdowns))
        self._lists = [column.name for column in typed if column.kind is Kind.ACTIONS]

    def read(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
        """Return what each row has of these columns; None where anything on the page is odd."""
        try:
            page: list[dict[str, Any]] = msgspec.convert(rows, self._page)
        except msgspec.ValidationError:
            return None
        numbers = [value for row in page for value in row.values() if type(value) is Decimal]
        entries = self._entries(page)
        # A key that is not known would be left out without a word.
        if sum(map(len, entries)) != sum(map(len, self._entries(rows))):
            return None
        values = chain.from_iterable(map(dict.values, entries))
        numbers += [value for value in values if type(value) is Decimal]
        return page if _fit(numbers) else None

    def _entries(self, page: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the entries of all action lists."""
        found: list[dict[str, Any]] = []
        for name in self._lists:
            for row in page:
                if name in row:
                    found += row[name] or ()
        return found


def _is_typed(column: Column) -> bool:
    return (
        (column.kind in _TYPES or column.kind is Kind.ACTIONS)
        and column.source == column.name
        and column.action_type is None
        and column.name not in ANSWERED_AS
    )


@lru_cache(maxsize=128)
def _page_type(columns: tuple[Column, ...], action_breakdowns: tuple[str, ...]) -> GenericAlias:
    """Make the type once for a report, not for each of its ad accounts."""
    labels = [name for name in action_breakdowns if name.startswith(ACTION_LABELS)]
    entry = _typed_dict(
        "Entry",
        {
            **dict.fromkeys(("action_type", *labels), str | None),
            **dict.fromkeys(("value", *ATTRIBUTION_WINDOWS), Decimal | None),
        },
        total=False,
    )
    kinds = {**_TYPES, Kind.ACTIONS: GenericAlias(list, entry) | None}
    types = {column.name: kinds[column.kind] for column in columns}
    return GenericAlias(list, _typed_dict("Row", types, total=False))


def _fit(numbers: list[Decimal]) -> bool:
    """Tell whether all of them are numbers that a database holds, as `values.number_of`."""
    sizes = set(map(Decimal.adjusted, numbers))
    return max(map(abs, sizes), default=0) < MOST_DIGITS and all(map(Decimal.is_finite, numbers))
