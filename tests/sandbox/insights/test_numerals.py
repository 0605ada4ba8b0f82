from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_meta_partner.sandbox.insights.numerals import decimal_text, ratio_text


@pytest.mark.parametrize(
    ("count", "digits", "text"),
    [
        (0, 2, "0"),
        (95, 2, "0.95"),
        (150, 2, "1.5"),
        (200, 2, "2"),
        (1234, 0, "1234"),
        (7, 6, "0.000007"),
    ],
)
def test_decimal_text__as_real_rows_have_it(count: int, digits: int, text: str) -> None:
    """No trailing zeros, no point without decimals."""
    assert decimal_text(count, digits) == text


@given(st.integers(0, 10**15), st.integers(0, 6))
def test_decimal_text__loses_nothing(count: int, digits: int) -> None:
    """The text is the number exactly."""
    assert Decimal(decimal_text(count, digits)).scaleb(digits) == count


@given(st.integers(0, 10**12), st.integers(1, 10**9))
def test_ratio_text__is_rounded_half_up(numerator: int, denominator: int) -> None:
    """Six decimals, rounded half up."""
    exact = Decimal(numerator) / Decimal(denominator)

    assert Decimal(ratio_text(numerator, denominator)) == exact.quantize(
        Decimal("0.000001"), ROUND_HALF_UP
    )
