"""What newcomers mistype: each is told, in three lines at most, and none passes silently."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.mistakes import DOCUMENT, MISTAKES, page, play

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.mistakes import Mistake, Played

#: A usage line and a hint come from click, before the line that says what is wrong.
MOST_LINES = 3


@pytest.fixture(scope="module")
def played() -> Sequence[Played]:
    return play()


def titled(mistake: Mistake) -> str:
    return f"{mistake.where} {mistake.typed}"[:60]


@pytest.mark.parametrize("mistake", MISTAKES, ids=titled)
def test_mistake__is_told(played: Sequence[Played], mistake: Mistake) -> None:
    """It says what is wrong, and ends as it has to."""
    found = played[MISTAKES.index(mistake)]
    text = "\n".join(found.lines)

    assert mistake.says in text
    assert found.code == mistake.code, text
    assert "Traceback" not in text
    if "--json" not in mistake.arguments:
        assert 1 <= len(found.lines) <= MOST_LINES, text


def test_page__shows_what_is_printed(played: Sequence[Played]) -> None:
    """The page is what the command makes; days and Meta's traces differ."""

    def plain(text: str) -> str:
        return re.sub(r"\d{4}-\d\d-\d\d|SBX\d+|\d{15}[^,;|]*", "…", text)

    assert plain(DOCUMENT.read_text(encoding="utf-8")) == plain(page(played))


def test_mistakes__are_as_many_as_were_made() -> None:
    """Forty-eight were, when the tap was tried as a newcomer would; no two are the same."""
    assert len({titled(mistake) for mistake in MISTAKES}) >= 48
