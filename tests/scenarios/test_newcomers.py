"""What newcomers mistype: each is told, in three lines at most, and none passes silently."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.meltano_mistakes import TYPED, play_in_meltano, table
from tests.support.mistakes import DOCUMENT, MISTAKES, page, play

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.meltano_mistakes import Told, Typed
    from tests.support.mistakes import Mistake, Played

#: A usage line and a hint come from click, before the line that says what is wrong.
MOST_LINES = 3


@pytest.fixture(scope="module")
def played() -> Sequence[Played]:
    return play()


def titled(mistake: Mistake) -> str:
    return f"{mistake.where} {mistake.typed}"[:120]


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


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Told]:
    return play_in_meltano(tmp_path_factory.mktemp("projects"))


@pytest.mark.parametrize("typed", TYPED, ids=lambda typed: str(typed.text))
def test_mistake__in_a_meltano_project_is_told(told: Sequence[Told], typed: Typed) -> None:
    """As it was typed, not as Meltano guessed at it; not through a traceback of Meltano's."""
    found = told[TYPED.index(typed)]

    assert typed.says in "\n".join(found.lines), found.printed
    assert found.code == typed.code
    assert 1 <= len(found.lines) <= MOST_LINES
    assert "Traceback" not in found.printed
    assert "ResourceWarning" not in found.printed


def test_page__shows_what_is_printed(played: Sequence[Played], told: Sequence[Told]) -> None:
    """The page is what the command makes; days and Meta's traces differ."""

    def plain(text: str) -> str:
        return re.sub(r"\d{4}-\d\d-\d\d|SBX\d+|\d{15}[^,;|]*", "…", text)

    assert plain(DOCUMENT.read_text(encoding="utf-8")) == plain(page(played) + table(told))


def test_mistakes__are_as_many_as_were_made() -> None:
    """Forty-eight were, when the tap was tried as a newcomer would; no two are the same."""
    assert len({titled(mistake) for mistake in MISTAKES}) >= 48
