"""Answers with characters that JSON or a database does not allow: mended, not lost.

One name cut in the middle of an emoji, one raw line break or stray byte would otherwise cost its
account every night, and in an account's own name the whole run.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

#: Halves of characters: an escape (`\\ud83d`) without its other half, or a byte that is no UTF-8.
_HALVES = re.compile("[\ud800-\udfff]+")
_REPLACEMENT = "\ufffd"
_CONTROL = re.compile("[\x00-\x1f]")
_DECODE = msgspec.json.Decoder(float_hook=Decimal).decode


def mended(body: bytes | bytearray) -> Any:  # noqa: ANN401  (a JSON value)
    """Read JSON whose texts hold raw control characters, stray bytes or half characters.

    Returns:
        The value, halves of characters left in its texts for `clean` to find; None where more is
        wrong than that.
    """
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    try:
        return json.loads(text, strict=False, parse_float=_number, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def inside_text(text: str) -> Any:  # noqa: ANN401  (a JSON value)
    """Read the JSON that a text of an answer holds, as safely as the answer itself.

    Returns:
        The value, without what no database takes; None where it is not JSON, or nested too deep.
    """
    try:
        return clean(_DECODE(text), set(), raw=False)
    except (msgspec.DecodeError, ArithmeticError, RecursionError, UnicodeError):
        pass
    try:
        return clean(mended(text.encode("utf-8", "surrogatepass")), set(), raw=False)
    except RecursionError:
        return None


def _number(digits: str) -> Decimal | str:
    """Read a number, or leave it as text: an exponent of twenty digits is JSON, and no Decimal."""
    try:
        return Decimal(digits)
    except ArithmeticError:
        return digits


def _refuse(constant: str) -> NoReturn:
    """NaN and infinities, which Python would read, are no JSON."""
    raise ValueError(constant)


def clean(
    value: Any,  # noqa: ANN401  (a JSON value)
    found: set[str],
    *,
    raw: bool,
    name: str = "",
) -> Any:  # noqa: ANN401  (a JSON value)
    """Return a JSON value that every database takes.

    NUL characters are left out, half characters become U+FFFD, other control characters stay.

    Args:
        value: as it was read.
        found: is given the names of the columns in which anything was wrong.
        raw: control characters came as they are, where JSON wants an escape.
        name: of the column that the value stands in.
    """
    if isinstance(value, list):
        return [clean(item, found, raw=raw, name=name) for item in value]
    if isinstance(value, dict):
        return {
            clean(key, found, raw=raw, name=key): clean(item, found, raw=raw, name=key)
            for key, item in value.items()
        }
    if not isinstance(value, str):
        return value
    cleaned = _whole(value)
    if cleaned != value or (raw and _CONTROL.search(value)):
        found.add(_whole(name))
    return cleaned


def _whole(text: str) -> str:
    return _HALVES.sub(_REPLACEMENT, text.replace("\0", ""))
