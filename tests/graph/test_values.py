"""Values are read as Meta writes them, or refused; never guessed, never cut."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tap_meta_partner.graph.values import (
    UnreadableValue,
    count_of,
    date_of,
    flag_of,
    id_of,
    instant_of,
    major_units,
    maybe,
    name_of,
    number_of,
    object_of,
    objects_of,
    spend_of,
    text_of,
    texts_of,
    unix_instant_of,
)

NO_NUMBER = ("", "n/a", "NaN", "Infinity", "1e999999999", [], {}, True, 1.5)


@pytest.mark.parametrize(
    ("amount", "currency", "major"),
    [
        ("123456", "USD", "1234.56"),
        ("123456", "EUR", "1234.56"),
        ("5", "USD", "0.05"),
        ("0", "USD", "0"),
        ("-250", "USD", "-2.5"),
        (250, "USD", "2.5"),
        # Meta counts dinars with 100, whatever ISO says.
        ("123456", "BHD", "1234.56"),
        ("123456", "JPY", "123456"),
        ("123456", "KRW", "123456"),
        ("123456", "CLP", "123456"),
        ("123456", "COP", "123456"),
        ("123456", "CRC", "123456"),
        ("123456", "HUF", "123456"),
        ("123456", "ISK", "123456"),
        ("123456", "IDR", "123456"),
        ("123456", "PYG", "123456"),
        ("123456", "TWD", "123456"),
        ("123456", "VND", "123456"),
        ("99999999999999999999", "USD", "999999999999999999.99"),
    ],
)
def test_major_units__follow_metas_offsets(amount: object, currency: str, major: str) -> None:
    """Amounts are hundredths, but whole units in the currencies Meta lists with an offset of 1."""
    assert major_units(amount, currency) == Decimal(major)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(None, "USD"), ("5", None), ("n/a", "USD"), ("NaN", "USD"), ("Infinity", "JPY"), ([], "USD")],
)
def test_major_units__of_what_is_no_amount_are_null(amount: object, currency: str | None) -> None:
    """Without an amount or a currency there is no amount in major units."""
    assert major_units(amount, currency) is None


@pytest.mark.parametrize("value", [None, "", "n/a", "NaN", "1e1000000", [], {}, 1.5])
def test_spend__that_cannot_be_read_is_nothing(value: object) -> None:
    """An odd value is no reason to lose the account's rows."""
    assert spend_of(value) == 0


def test_spend__keeps_its_digits() -> None:
    """As Meta sent them."""
    assert spend_of("519.544921") == Decimal("519.544921")


def test_instant__reads_metas_times() -> None:
    """The offset Meta writes has no colon."""
    assert instant_of("2026-11-24T04:00:00+0100") == dt.datetime(
        2026, 11, 24, 3, tzinfo=dt.timezone.utc
    )


@pytest.mark.parametrize("value", NO_NUMBER)
def test_number__what_is_none_is_refused(value: object) -> None:
    """Nor is a number that no database holds one, however short it is written."""
    with pytest.raises(UnreadableValue):
        number_of(value)


@pytest.mark.parametrize("value", [*NO_NUMBER, "0.5", "9223372036854775808", "9" * 5000])
def test_count__what_is_none_is_refused(value: object) -> None:
    """A fraction is no count, nor is what 64 bits do not hold."""
    with pytest.raises(UnreadableValue):
        count_of(value)


@pytest.mark.parametrize(
    ("value", "count"),
    [("12", 12), (5, 5), ("12.0", 12), ("-3", -3), ("9223372036854775807", 2**63 - 1)],
)
def test_count__is_read_from_strings_and_numbers(value: object, count: int) -> None:
    """Meta sends counts as strings, and now and then as numbers."""
    assert count_of(value) == count


def test_maybe__is_null_where_there_is_nothing_to_read() -> None:
    """Absent and unreadable are both null; what can be read is read."""
    assert maybe(count_of, None) is None
    assert maybe(count_of, "many") is None
    assert maybe(count_of, "7") == 7


def test_object__that_is_empty_may_come_as_a_list() -> None:
    """Meta's back end writes an empty object as an empty list."""
    assert object_of([]) == {}
    with pytest.raises(UnreadableValue):
        object_of([1])


def test_lists__hold_what_their_columns_hold() -> None:
    """Nulls stay; a text among objects, or a list among texts, is refused."""
    assert texts_of(["a", None, 1]) == ["a", None, "1"]
    assert objects_of([{}, None]) == [{}, None]
    with pytest.raises(UnreadableValue):
        texts_of([[]])
    with pytest.raises(UnreadableValue):
        objects_of(["a"])


def test_flag__comes_as_a_number_at_times() -> None:
    """0 and 1 are no and yes; a text is neither."""
    assert (flag_of(0), flag_of(1)) == (False, True)
    with pytest.raises(UnreadableValue):
        flag_of("yes")


@pytest.mark.parametrize("value", ["2026-13-01", "yesterday", 3, None, {}])
def test_date__what_is_none_is_refused(value: object) -> None:
    """A day is a day of the calendar, written as one."""
    with pytest.raises(UnreadableValue):
        date_of(value)


@pytest.mark.parametrize("value", ["1", 17, "23846784938030398123456789", "0" * 40])
def test_id__is_digits(value: object) -> None:
    """An id is digits, string or not."""
    assert id_of(value) == str(value)


@pytest.mark.parametrize(
    "value", ["", "act_1", "../me", "1?x=y", "1\n", "१२", "²", "-1", "1" * 41, 1.5, [], {}, True]
)
def test_id__of_anything_else_is_none(value: object) -> None:
    """An address is made of ids: nothing else becomes one."""
    with pytest.raises(UnreadableValue):
        id_of(value)


def test_name__is_cut() -> None:
    """A name of megabytes does not fill the log."""
    assert name_of("x" * 1_000_000) == "x" * 400
    assert name_of("Süd") == "Süd"


def test_text__of_a_number_is_its_digits() -> None:
    """Some ids come as JSON numbers; a list is no text."""
    assert text_of(120200000000000001) == "120200000000000001"
    with pytest.raises(UnreadableValue):
        text_of([])


def test_unix_instant__of_zero_is_never() -> None:
    """A token that never ends has 0; one beyond the calendar is refused."""
    assert unix_instant_of(0) is None
    assert unix_instant_of("1767225600") == dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    with pytest.raises(UnreadableValue):
        unix_instant_of(10**17)
