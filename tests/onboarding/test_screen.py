from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from tap_meta_partner.onboarding.screen import Facts, Listing, Notes, plain, show

if TYPE_CHECKING:
    import pytest

PARTS = (
    Facts("Token", [("kind", "system user"), ("scopes [x]", "ads_read")]),
    Listing("Accounts", ["account", "name"], [["1", "珈琲"], ["22", "Café"], ["3", "no"]]),
    Notes("Problems", [("error:", "1: gone [now]", "Ask."), ("-", "plain", "")]),
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_plain__columns_stand_below_each_other() -> None:
    """Characters of East Asia take two columns."""
    assert plain(PARTS[1]) == [
        "Accounts",
        "  account  name",
        "  1        珈琲",
        "  22       Café",
        "  3        no",
    ]


def test_plain__facts_and_notes() -> None:
    """Names in a column; advice below what it is about."""
    assert plain(PARTS[0])[1:] == ["  kind        system user", "  scopes [x]  ads_read"]
    assert plain(PARTS[2])[1:] == ["  error: 1: gone [now]", "    do: Ask.", "  - plain"]


def test_show__into_a_pipe_is_plain() -> None:
    """No escape sequence, no drawing; control characters of names are gone."""
    out = io.StringIO()
    show([*PARTS, Facts("F", [("name", "a\x1b[31m\nb")])], out)

    assert "\x1b" not in out.getvalue()
    assert "a?[31m b" in out.getvalue()


def test_show__in_a_terminal_is_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same facts, in tables; brackets in names are no markup."""
    monkeypatch.setenv("COLUMNS", "100")
    show(PARTS, Terminal())
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)

    for text in ("珈琲", "Café", "scopes [x]", "gone [now]", "do: Ask.", "─"):
        assert text in drawn


def test_show__in_a_terminal_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra a terminal gets the plain text."""
    monkeypatch.setitem(__import__("sys").modules, "rich.console", None)
    out = Terminal()
    show(PARTS, out)

    assert "  kind        system user" in out.getvalue()


def test_show__on_a_screen_with_few_letters() -> None:
    """A name that the screen cannot show is shown with question marks."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    show(PARTS, out)
    out.flush()

    assert b"??" in raw.getvalue()


def test_show__table_that_does_not_fit_keeps_its_ids_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a terminal of 80 columns a wide table comes as lines: an id can be copied."""
    row = ["210007000000007", "Sunset Surf & Skate", "ACTIVE", "USD", "America/Los_Angeles"]
    wide = Listing("Ad accounts", ["account", "name", "status", "currency", "time zone"], [row])

    written = {}
    for columns in ("80", "140"):
        monkeypatch.setenv("COLUMNS", columns)
        out = Terminal()
        show([wide], out)
        written[columns] = out.getvalue()

    assert "  210007000000007  Sunset Surf & Skate  ACTIVE" in written["80"]
    assert written["140"] == ""  # drawn, by rich, on the real stdout
