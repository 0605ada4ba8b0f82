"""Pages on which every value is as Meta documents it: typed as a whole, in C.

Such are nearly all pages. Typing their texts, numbers and action lists one by one in Python would
cost more than all the rest of a run; where anything in them is odd, `rows.RowReader` does that.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache, partial
from itertools import chain, filterfalse, repeat
from operator import is_
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

import msgspec

from tap_meta_partner.graph.values import MOST_DIGITS
from tap_meta_partner.insights.fields import ACTION_LABELS, ANSWERED_AS, Kind
from tap_meta_partner.settings.words import ATTRIBUTION_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tap_meta_partner.insights.columns import Column

_typed_dict: Any = TypedDict  # of names that no class body can have
#: Besides action lists. Counts are not among them: msgspec reads "9007199254740993.0" as binary.
_TYPES: Mapping[Kind, Any] = {Kind.TEXT: str | None, Kind.NUMBER: Decimal | None}

#: What the entries of action lists hold besides names.
_AMOUNTS = frozenset(("value", *ATTRIBUTION_WINDOWS))

_is_none = partial(is_, None)

#: How JSON ends a name. A text in which that stands has a backslash before the quotation mark, so
#: there are at least as many of these as names.
_NAME = b'":'

#: What may come between a name and its colon; Meta puts nothing there.
_SPACES = (b"\n", b"\r", b"\t", b'" ')


class TypedRows(list[dict[str, Any]]):
    """The rows of a page whose plain columns are typed already."""


class _Answer(Protocol):
    data: list[dict[str, Any]]
    paging: dict[str, Any] | None


class PlainPages:
    """Types those columns of a page that are taken as they stand.

    Args:
        columns: the columns wanted.
        action_breakdowns: what the entries of action lists name, besides their type.
    """

    def __init__(self, columns: Iterable[Column], action_breakdowns: Iterable[str]) -> None:
        columns = tuple(columns)
        typed = tuple(column for column in columns if _is_typed(column))
        #: The columns that it types.
        self.names = frozenset(column.name for column in typed)
        self._numbers = [column.name for column in typed if column.kind is Kind.NUMBER]
        self._lists = [column.name for column in typed if column.kind is Kind.ACTIONS]
        self._others = tuple(sorted(_others(columns) - self.names))
        #: Those of them whose values may have names in them.
        self._nested = tuple(set(self._others).difference(_IN_EACH_ROW, _flat(columns)))
        #: All names that a typed row may have.
        self.known = self.names.union(self._others)
        types = typed, tuple(action_breakdowns)
        self._rows = GenericAlias(list, _row_type(*types))
        self._decode = _decoder(*types, self._others)

    def decode(self, body: bytes | bytearray) -> dict[str, Any] | None:
        """Read an answer's bytes; None where anything in it is odd, or not known by name.

        Returns:
            `data`, as `TypedRows`, and `paging`.
        """
        if any(space in body for space in _SPACES):
            return None
        try:
            answer = self._decode(body)
            entries = self._entries(answer.data)
            # What has no place in the types was left out without a word.
            if self._names_of(answer, entries) != body.count(_NAME):
                return None
        except (msgspec.DecodeError, ArithmeticError, UnicodeDecodeError, RecursionError):
            return None
        if not self._fit(answer.data, entries):
            return None
        return {"data": TypedRows(answer.data), "paging": answer.paging}

    def read(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """Return what each row has of these columns; None where anything on the page is odd."""
        try:
            page: list[dict[str, Any]] = msgspec.convert(rows, self._rows)
        except msgspec.ValidationError:
            return None
        entries = self._entries(page)
        # A key that is not known would be left out without a word.
        if sum(map(len, entries)) != sum(map(len, self._entries(rows))):
            return None
        return page if self._fit(page, entries) else None

    def _fit(self, rows: Sequence[dict[str, Any]], entries: Sequence[dict[str, Any]]) -> bool:
        """Tell whether all numbers are such as a database holds: see `values.number_of`."""
        # Column by column, little of it is done in Python.
        columns: list[Iterable[Any]] = []
        columns += [map(dict.get, rows, repeat(name)) for name in self._numbers]
        amounts = _AMOUNTS.intersection(chain.from_iterable(entries))
        columns += [map(dict.get, entries, repeat(name)) for name in amounts]
        numbers: list[Decimal] = list(filterfalse(_is_none, chain.from_iterable(columns)))
        sizes = set(map(Decimal.adjusted, numbers))
        return max(map(abs, sizes), default=0) < MOST_DIGITS and all(
            map(Decimal.is_finite, numbers)
        )

    def _entries(self, page: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the entries of all action lists."""
        found: list[dict[str, Any]] = []
        for name in self._lists:
            found += chain.from_iterable(filter(None, map(dict.get, page, repeat(name))))
        return found

    def _names_of(self, answer: _Answer, entries: Sequence[dict[str, Any]]) -> int:
        """Count the names in an answer."""
        rows, paging = answer.data, answer.paging
        named = sum(map(len, rows)) + sum(map(len, entries))
        for name in self._nested:
            named += _names_in(list(map(dict.get, rows, repeat(name))))
        return named + (1 if paging is None else 2 + _names_in(paging))


def _names_in(value: Any) -> int:  # noqa: ANN401  (a JSON value)
    if isinstance(value, dict):
        return len(value) + sum(map(_names_in, value.values()))
    return sum(map(_names_in, value)) if isinstance(value, list) else 0


def _is_typed(column: Column) -> bool:
    return (
        (column.kind in _TYPES or column.kind is Kind.ACTIONS)
        and column.source == column.name
        and column.action_type is None
        and column.name not in ANSWERED_AS
    )


def _others(columns: Iterable[Column]) -> set[str]:
    """Return the names under which columns may stand in a row, and those that each row has."""
    names = {name for column in columns for name in (column.name, column.key)}
    return {*names, *(ANSWERED_AS[name] for name in names & ANSWERED_AS.keys()), *_IN_EACH_ROW}


_IN_EACH_ROW = ("account_id", "date_start", "date_stop")


def _flat(columns: Iterable[Column]) -> set[str]:
    """Return the names of columns in which nothing is nested; where it is, a page is odd."""
    return {
        name
        for column in columns
        if column.kind in _FLAT_KINDS and column.action_type is None and not column.is_breakdown
        for name in (column.name, column.key)
    }


_FLAT_KINDS = frozenset((Kind.TEXT, Kind.DATE, Kind.COUNT, Kind.NUMBER))


@lru_cache(maxsize=128)
def _decoder(
    columns: tuple[Column, ...], action_breakdowns: tuple[str, ...], others: tuple[str, ...]
) -> Callable[[bytes | bytearray], _Answer]:
    """Make the decoder of an answer once for a report, not for each of its ad accounts."""
    row = _row_type(columns, action_breakdowns, others)
    answer = msgspec.defstruct(
        "Answer",
        [("data", GenericAlias(list, row)), ("paging", dict[str, Any] | None, None)],
        forbid_unknown_fields=True,
    )
    decode: Any = msgspec.json.Decoder(answer, float_hook=Decimal).decode
    return decode  # type: ignore[no-any-return]


@lru_cache(maxsize=128)
def _row_type(
    columns: tuple[Column, ...], action_breakdowns: tuple[str, ...], others: tuple[str, ...] = ()
) -> Any:  # noqa: ANN401  (a type)
    labels = [name for name in action_breakdowns if name.startswith(ACTION_LABELS)]
    entry = _typed_dict(
        "Entry",
        {
            **dict.fromkeys(("action_type", *labels), str | None),
            **dict.fromkeys(_AMOUNTS, Decimal | None),
        },
        total=False,
    )
    kinds = {**_TYPES, Kind.ACTIONS: GenericAlias(list, entry) | None}
    types = {column.name: kinds[column.kind] for column in columns}
    return _typed_dict("Row", {**dict.fromkeys(others, Any), **types}, total=False)
