"""What Meta sends as strings: texts, counts, numbers, money, days and instants."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

#: Currencies without a smaller unit: their minor-unit amounts are whole ones (Meta: "Currency
#: codes").
_NO_MINOR_UNIT = frozenset(
    ("CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND")
)


_MINOR_UNITS = 100


def major_units(amount: object, currency: str | None) -> Decimal | None:
    """Turn an account's amount (minor units, a numeric string) into whole units, exactly."""
    try:
        number = Decimal(str(amount)) if amount is not None else None
    except ArithmeticError:
        number = None
    if number is None or currency is None or not number.is_finite():
        return None
    return number if currency in _NO_MINOR_UNIT else number / _MINOR_UNITS


def instant(value: object) -> dt.datetime:
    """Read one of Meta's times, 2021-02-11T01:00:00-0800, as UTC: some loaders drop the zone.

    Raises:
        ValueError, OverflowError: it is none (or is before the year 1, seen from Greenwich).
    """
    moment = dt.datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S%z")
    return moment.astimezone(dt.timezone.utc)


def _instant(value: object) -> str | None:
    try:
        return instant(value).isoformat()
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _whole(value: object) -> int | None:
    try:
        return int(value)  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError):
        return None


#: Nobody spends more; such a number would overflow a sum.
_MOST_SPENT_DIGITS = 30


def amount(value: object) -> Decimal:
    """Return what a row says of its spend; nothing where it says nothing that can be read."""
    try:
        found = Decimal(value) if isinstance(value, (str, int, Decimal)) else Decimal(0)
    except ArithmeticError:
        return Decimal(0)
    return found if found.is_finite() and found.adjusted() < _MOST_SPENT_DIGITS else Decimal(0)


#: What a database's columns hold: whole numbers of 64 bits, others of so many digits. One count
#: beyond would fail a whole load, and loaders make infinity of a number beyond.
_MOST_COUNTED = 2**63 - 1


MOST_DIGITS = 300


class UnreadableValue(ValueError):
    """A value is not what its column holds."""


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


def date_of(value: Any) -> str:  # noqa: ANN401  (a JSON value)
    """Return a day as YYYY-MM-DD; raises ValueError for what is none."""
    # Python reads more ways of writing a day than databases do.
    return dt.date.fromisoformat(value[:10]).isoformat()


def count_of(value: Any) -> int:  # noqa: ANN401  (a JSON value)
    """Read a JSON value as a whole number that a database can hold.

    Raises:
        UnreadableValue, ArithmeticError: it is none.
    """
    if isinstance(value, str) and value.isdecimal():
        count = int(value)
    else:
        number = number_of(value)
        count = int(number)
        if count != number:
            raise UnreadableValue
    if abs(count) > _MOST_COUNTED:
        raise UnreadableValue
    return count


def number_of(value: Any) -> Decimal:  # noqa: ANN401  (a JSON value)
    """Return a number with all its digits; raises ValueError or TypeError for what is none."""
    if type(value) is not str and (
        isinstance(value, bool) or not isinstance(value, (int, Decimal))
    ):
        raise UnreadableValue
    number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) >= MOST_DIGITS:
        raise UnreadableValue
    return number
