from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_meta_partner.outputs.printable import printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Müller & Søn 株式会社", "Müller & Søn 株式会社"),
        ("two\r\nlines\tand a tab", "two  lines and a tab"),
        ("\x1b[2Jcleared\x07", "?[2Jcleared?"),
        ("\u202eesrever\u2066", "?esrever?"),
        ("line\u2028end\x85", "line end "),
        ("half \ud83d", "half ?"),
        ("no\xa0break", "no break"),
    ],
)
def test_name__loses_what_would_do_something(name: str, shown: str) -> None:
    """Letters of all scripts stay; line ends, escapes, direction marks and halves do not."""
    assert printable(name) == shown


@given(st.text())
def test_name__of_any_kind_is_one_line_that_can_be_written(name: str) -> None:
    """As long as before, printable to the last character, and UTF-8."""
    shown = printable(name)

    assert len(shown) == len(name)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
