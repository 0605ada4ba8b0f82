"""JSON that is mended, and JSON that a text of an answer holds."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tap_meta_partner.graph.marred import inside_text


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ('{"a": 1.10}', {"a": Decimal("1.10")}),
        ('"a\\u0000b"', "ab"),
        ('"a\\ud83d"', "a\ufffd"),
        ('"raw\nbreak"', "raw\nbreak"),
        ('"half \ud83d"', "half \ufffd"),
        ("", None),
        ("words", None),
        ("Infinity", None),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("9" * 5_000, None),
        ("[" * 200_000 + "]" * 200_000, None),
    ],
    ids=[
        "number",
        "NUL",
        "escaped",
        "raw",
        "half",
        "empty",
        "words",
        "infinity",
        "exponent",
        "digits",
        "floors",
    ],
)
def test_inside__a_text_is_read_as_safely_as_an_answer(text: str, held: object) -> None:
    """What no database takes is left out or mended; what is no JSON is none."""
    assert inside_text(text) == held
