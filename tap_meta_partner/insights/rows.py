"""One insights row as Meta sends it → one record as the stream promises it.

Everything that can be decided once a request is decided then: a row costs one pass over its
columns. Digits are never changed: "12.340000" travels as `Decimal("12.340000")`.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from tap_meta_partner.days.history import is_final
from tap_meta_partner.graph.values import (
    MOST_DIGITS,
    count_of,
    date_of,
    number_of,
    object_of,
    text_of,
)
from tap_meta_partner.insights.columns import IS_FINAL, NO_VALUE, READ_AT, TIME_ZONE
from tap_meta_partner.insights.fields import ACTION_LABELS, ANSWERED_AS, Kind
from tap_meta_partner.insights.plain_pages import PlainPages, TypedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from tap_meta_partner.insights.columns import Column

    #: A column's name, and what takes it out of a row.
    _Reader: TypeAlias = tuple[str, Callable[[Mapping[str, Any]], Any]]

logger = logging.getLogger(__name__)

_SHARED = ("account_id", TIME_ZONE, READ_AT)


class RowReader:
    """Turns the rows of one stream and ad account into records.

    Args:
        stream: the stream's name, for warnings.
        columns: the columns wanted, in the order they go out.
        account_id: the ad account, which Meta's row may leave out.
        timezone_name: its time zone, written on every row.
        action_breakdowns: what the entries of its action lists name, besides their type.
    """

    def __init__(
        self,
        *,
        stream: str,
        columns: Sequence[Column],
        account_id: str,
        timezone_name: str | None,
        action_breakdowns: Sequence[str] = (),
    ) -> None:
        self._stream = stream
        self._account_id = account_id
        self._today = dt.date.max
        self._finality: dict[str, bool] = {}
        self._columns = {column.name: column for column in columns}
        #: What all rows of a window share, and the order of the columns.
        self._shared: dict[str, Any] = dict.fromkeys(self._columns)
        self._share(account_id=account_id, timezone_name=timezone_name)
        asked = frozenset(column.source for column in columns)
        own = [column for column in columns if column.name not in _SHARED]
        self._plain = PlainPages(own, action_breakdowns)
        #: Reads an answer's bytes so that `records` has less to do.
        self.decode = self._plain.decode
        self._strangers = tuple(self._plain.known - self._columns.keys())
        self._readers = [
            (column.name, self._is_final if column.name == IS_FINAL else _reader(column, asked))
            for column in own
        ]
        #: For the columns that are not typed with the whole page.
        self._remaining = [each for each in self._readers if each[0] not in self._plain.names]
        #: How often a value could not be read, by column: warned of once, counted always.
        self.unreadable: Counter[str] = Counter()

    def begin_window(self, *, read_at: dt.datetime, today: dt.date) -> None:
        """Set what all rows of a window share.

        Args:
            read_at: when the window is asked for, UTC.
            today: the ad account's own today, which decides what is final.
        """
        self._share(read_at=read_at.isoformat())
        self._today = today
        self._finality.clear()

    def _share(self, **values: str | None) -> None:
        self._shared.update((name, values[name]) for name in values if name in self._shared)

    def records(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Turn rows into records; a value that cannot be read becomes null, said once.

        Where any of them is odd, all are read column by column: few at a time cost least.
        """
        if isinstance(rows, TypedRows):
            plain = map(self._columns_of, rows)
        elif (typed := self._plain.read(rows)) is not None:
            plain = map(self._shared.__or__, typed)
        else:
            return [self.record(row) for row in rows]
        remaining = self._remaining
        return [self._record(*each, remaining) for each in zip(rows, plain, strict=True)]

    def _columns_of(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a typed row's columns; what else stands in it is no column, or the tap's own."""
        record = self._shared | row
        for name in self._strangers:
            record.pop(name, None)
        record["account_id"] = self._account_id
        return record

    def record(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Turn one row into a record, column by column."""
        return self._record(row, self._shared.copy(), self._readers)

    def _record(
        self, row: Mapping[str, Any], record: dict[str, Any], readers: Iterable[_Reader]
    ) -> dict[str, Any]:
        for name, read in readers:
            try:
                record[name] = read(row)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                column = self._columns[name]
                record[name] = NO_VALUE if column.is_breakdown else None
                self._warn(column, row)
        return record

    def restored(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give records that come out of JSON their numbers back: these are integers in it.

        Stream maps reckon with them, and would get another result with integers.
        """
        for record in records:
            for column in self._columns.values():
                value = record[column.name]
                if column.kind is Kind.NUMBER and type(value) is int:
                    record[column.name] = Decimal(value)
                elif column.kind in _OF_AMOUNTS and value is not None:
                    record[column.name] = _actions(value)
        return records

    def _is_final(self, row: Mapping[str, Any]) -> bool:
        day = _last_day(row)
        if day not in self._finality:
            self._finality[day] = is_final(dt.date.fromisoformat(day), today=self._today)
        return self._finality[day]

    def _warn(self, column: Column, row: Mapping[str, Any]) -> None:
        self.unreadable[column.name] += 1
        if self.unreadable[column.name] == 1:
            logger.warning(
                "%s, account %s, %.30r: %s is %.80r, which is not a %s; it is written as %s",
                self._stream,
                self._account_id,
                row.get("date_start"),
                column.name,
                row.get(column.key),
                column.kind.value,
                NO_VALUE if column.is_breakdown else "null",
            )


def _reader(column: Column, asked: Collection[str | None]) -> Callable[[Mapping[str, Any]], Any]:
    """Choose how a column is taken out of a row, by all the fields that were asked for it."""
    if column.action_type is not None:
        return _action_total(column.key, column.action_type, column.kind)
    if column.is_breakdown:
        return _breakdown(column)
    name, convert = column.key, _CONVERSIONS[column.kind]
    other = ANSWERED_AS.get(name, name)
    if other in asked:
        # Asked for itself: then it is not the answer to this one.
        other = name

    def read(row: Mapping[str, Any]) -> Any:  # noqa: ANN401  (a JSON value)
        value = row.get(name)
        if value is None:
            value = row.get(other)
        return None if value is None else convert(value)

    return read


def _breakdown(column: Column) -> Callable[[Mapping[str, Any]], str]:
    name, breakdown = column.name, column.key

    def read(row: Mapping[str, Any]) -> str:
        value = row.get(name)
        if value is None:
            value = row.get(breakdown)
        if isinstance(value, dict):
            # Asset breakdowns are objects; their id identifies them.
            value = value.get("id")
        return NO_VALUE if value is None or value == "" else text_of(value)

    return read


def _action_total(
    source: str, action_type: str, kind: Kind
) -> Callable[[Mapping[str, Any]], int | Decimal | None]:
    """Take one action type out of an action list.

    Its entries differ only in the other action breakdowns that were asked, over which they add up.
    Never adds over action types: they contain each other (page_engagement ⊃ post_engagement).
    """
    convert = count_of if kind is Kind.COUNT else number_of

    def read(row: Mapping[str, Any]) -> int | Decimal | None:
        amounts = [
            convert(entry["value"])
            for entry in row.get(source) or ()
            if entry.get("action_type") == action_type and entry.get("value") is not None
        ]
        return sum(amounts[1:], amounts[0]) if amounts else None

    return read


def _last_day(row: Mapping[str, Any]) -> str:
    """Return the last day a row is about: of several days, the last one is final last."""
    try:
        return _date(row["date_stop"])
    except (LookupError, TypeError, ValueError):
        return _date(row["date_start"])


def _actions(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401  (a JSON value)
    """Turn the amounts of an action list into numbers.

    Most of a row's work is here (some thirty entries a row), so the loop is written out.
    """
    entries = []
    for entry in value:
        converted = {}
        for key, item in entry.items():
            converted[key] = item if _is_label(key) else _amount(item)
        entries.append(converted)
    return entries


class _Labels(dict[str, bool]):
    """Remembers of each key of an action entry whether it names something."""

    def __missing__(self, key: str) -> bool:
        is_label = self[key] = key.startswith(ACTION_LABELS)
        return is_label


_is_label = _Labels().__getitem__


def _amount(value: Any) -> Any:  # noqa: ANN401  (a JSON value)
    if isinstance(value, list):
        return [_amount(item) for item in value]
    if type(value) not in _AMOUNTS:
        # Not an amount after all: kept as it came rather than lost.
        return value
    try:
        number = Decimal(value)
    except ArithmeticError:
        return value
    if not number.is_finite() or abs(number.adjusted()) >= MOST_DIGITS:
        logger.warning("an amount in an action list is %.80s; it is written as null", value)
        return None
    return number


_AMOUNTS = frozenset((str, int, Decimal))
_OF_AMOUNTS = frozenset((Kind.ACTIONS, Kind.HISTOGRAM))


def _objects(value: Any) -> list[dict[str, Any] | None]:  # noqa: ANN401  (a JSON value)
    """Make a list of objects of whatever Meta sends for results.

    A bare amount takes the place that amounts have in the objects Meta sends otherwise, so that the
    same SQL finds both.
    """
    items = value if isinstance(value, list) else [value]
    return [
        item if item is None or isinstance(item, dict) else {"values": [{"value": item}]}
        for item in items
    ]


def _object(value: Any) -> dict[str, Any] | None:  # noqa: ANN401  (a JSON value)
    """Take an object; where only its id came, the column of the id has it."""
    return None if isinstance(value, str) else object_of(value)


@lru_cache(maxsize=1024)
def _date(value: str) -> str:
    return date_of(value)


def _as_it_came(value: Any) -> Any:  # noqa: ANN401  (a JSON value)
    return value


_CONVERSIONS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: text_of,
    # A page has thousands of dates, and few of them differ.
    Kind.DATE: _date,
    Kind.COUNT: count_of,
    Kind.NUMBER: number_of,
    Kind.ACTIONS: _actions,
    Kind.HISTOGRAM: _actions,
    Kind.OBJECT: _object,
    Kind.OBJECTS: _objects,
    Kind.UNKNOWN: _as_it_came,
}
