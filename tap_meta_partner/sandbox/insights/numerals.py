"""Numbers as the text Meta sends: "0.95", "2", "1.310345" - never a trailing zero."""

from __future__ import annotations

_MICRO = 1_000_000


def decimal_text(count: int, digits: int) -> str:
    """Return `count` units of 10 ** -digits as text."""
    if digits == 0:
        return str(count)
    whole, part = divmod(count, 10**digits)
    if not part:
        return str(whole)
    return f"{whole}.{part:0{digits}d}".rstrip("0")


def ratio_text(numerator: int, denominator: int) -> str:
    """Return the quotient, rounded half up to six decimals, which is what Meta gives of rates."""
    whole, part = divmod((2 * numerator * _MICRO + denominator) // (2 * denominator), _MICRO)
    return f"{whole}.{part:06d}".rstrip("0") if part else str(whole)
