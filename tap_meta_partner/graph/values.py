"""What Meta sends as strings: texts, counts, numbers, money, days and instants.

A reader `…_of` takes a JSON value as it came and returns what it is, or raises `UnreadableValue`;
`maybe` makes None of what is absent or unreadable. Nothing here guesses: digits are never changed,
and what a column cannot hold is refused rather than cut.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    T = TypeVar("T")

#: What a database's columns hold: whole numbers of 64 bits, others of so many digits. One count
#: beyond would fail a whole load, and loaders make infinity of a number beyond.
_MOST_COUNTED = 2**63 - 1
_SURELY_FITS = 19
MOST_DIGITS = 300
#: Nobody spends more; such a number would overflow a sum.
_MOST_SPENT_DIGITS = 30

#: Currencies without a smaller unit: their minor-unit amounts are whole ones (Meta: "Currency
#: codes").
_NO_MINOR_UNIT = frozenset(
    ("CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND")
)
_MINOR_UNITS = 100
_NOTHING = Decimal(0)
#: Meta's longest are of 18 digits.
_LONGEST_ID = 40
#: Longer than any that people give.
_LONGEST_NAME = 400


class UnreadableValue(ValueError):
    """A value is not what its column holds."""


def maybe(read: Callable[[Any], T], value: object) -> T | None:
    """Read a value that may be absent; None where it is, or where it cannot be read."""
    if value is None:
        return None
    try:
        return read(value)
    except UnreadableValue:
        return None


def text_of(value: Any) -> str:  # noqa: ANN401  (a JSON value)
    """Read a JSON value as a text.

    Raises:
        UnreadableValue: it is a list or an object.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        # Some ids come as JSON numbers.
        return str(value)
    raise UnreadableValue


def id_of(value: Any) -> str:  # noqa: ANN401  (a JSON value)
    """Read the id of one of Meta's objects: a string in practice, a number in some examples.

    Addresses are made of ids, so nothing but digits is one.

    Raises:
        UnreadableValue: it is none.
    """
    text = text_of(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID):
        raise UnreadableValue
    return text


def name_of(value: Any) -> str:  # noqa: ANN401  (a JSON value)
    """Read the name of something, which stands in many a line of the log; cut where it is long.

    Raises:
        UnreadableValue: it is no text.
    """
    return text_of(value)[:_LONGEST_NAME]


def texts_of(value: object) -> list[str | None]:
    """Read a list of texts, any of which may be null.

    Raises:
        UnreadableValue: it is no list, or holds one.
    """
    if not isinstance(value, list):
        raise UnreadableValue
    return [None if item is None else text_of(item) for item in value]


def number_of(value: Any) -> Decimal:  # noqa: ANN401  (a JSON value)
    """Read a number, string or not, with all its digits.

    Raises:
        UnreadableValue: it is none, or more than a database holds.
    """
    if type(value) is Decimal:
        number = value
    elif type(value) is str or (isinstance(value, int) and not isinstance(value, bool)):
        try:
            number = Decimal(value)
        except ArithmeticError:
            raise UnreadableValue from None
    else:
        raise UnreadableValue
    if not number.is_finite() or abs(number.adjusted()) >= MOST_DIGITS:
        raise UnreadableValue
    return number


def count_of(value: Any) -> int:  # noqa: ANN401  (a JSON value)
    """Read a whole number of at most 64 bits, string or not.

    Raises:
        UnreadableValue: it is none, or has a fraction.
    """
    if type(value) is str and value.isdecimal() and len(value) < _SURELY_FITS:
        return int(value)  # nearly all of them, at a third of the cost
    number = number_of(value)
    count = int(number)
    if count != number or abs(count) > _MOST_COUNTED:
        raise UnreadableValue
    return count


def spend_of(value: object) -> Decimal:
    """Return a row's spend; 0 where it has none that can be read."""
    found = maybe(number_of, value)
    return _NOTHING if found is None or found.adjusted() >= _MOST_SPENT_DIGITS else found


def major_units(amount: object, currency: str | None) -> Decimal | None:
    """Turn an account's amount (minor units, a numeric string) into whole units, exactly."""
    number = maybe(number_of, amount)
    if number is None or currency is None:
        return None
    return number if currency in _NO_MINOR_UNIT else number / _MINOR_UNITS


def flag_of(value: object) -> bool:
    """Read a yes or no; 0 and 1 compare equal to them, and come as numbers at times.

    Raises:
        UnreadableValue: it is neither.
    """
    if value not in (True, False):
        raise UnreadableValue
    return bool(value)


def object_of(value: object) -> dict[str, Any]:
    """Read an object; Meta writes one that has nothing in it as an empty list.

    Raises:
        UnreadableValue: it is none.
    """
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise UnreadableValue
    return value


def objects_of(value: object) -> list[dict[str, Any] | None]:
    """Read a list of objects, any of which may be null.

    Raises:
        UnreadableValue: it is no list, or holds something else.
    """
    if not isinstance(value, list) or not all(
        isinstance(each, (dict, type(None))) for each in value
    ):
        raise UnreadableValue
    return value


def date_of(value: Any) -> str:  # noqa: ANN401  (a JSON value)
    """Read a day, or the day of a time, as YYYY-MM-DD.

    Raises:
        UnreadableValue: it is none.
    """
    try:
        # Python reads more ways of writing a day than databases do.
        return dt.date.fromisoformat(value[:10]).isoformat()
    except (TypeError, ValueError, LookupError):
        raise UnreadableValue from None


def instant_of(value: object) -> dt.datetime:
    """Read one of Meta's times, 2021-02-11T01:00:00-0800, as UTC: some loaders drop the zone.

    Raises:
        UnreadableValue: it is none (or is before the year 1, seen from Greenwich).
    """
    try:
        moment = dt.datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S%z")
        return moment.astimezone(dt.timezone.utc)
    except (ValueError, OverflowError):
        raise UnreadableValue from None


def instant_text_of(value: object) -> str:
    """Read one of Meta's times as an ISO text in UTC.

    Raises:
        UnreadableValue: it is none.
    """
    return instant_of(value).isoformat()


def unix_instant_of(value: object) -> dt.datetime | None:
    """Read Unix seconds as an instant, UTC; None for 0, which means never.

    Raises:
        UnreadableValue: they are none, or so far away that it is never.
    """
    seconds = count_of(value)
    if not seconds:
        return None
    try:
        return dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc)
    except (OverflowError, OSError, ValueError):
        raise UnreadableValue from None


def rows_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return those rows of an answer that are objects; none where it has no list of them."""
    rows = answer.get("data")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
