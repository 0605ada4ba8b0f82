"""The pictures are of what is really printed."""

from __future__ import annotations

import re

import pytest

from tests.support.demo_picture import PICTURE, drawn, without_durations


@pytest.fixture(scope="module")
def shown() -> str:
    return PICTURE.read_text(encoding="utf-8")


def test_demo_picture__is_what_the_demo_prints(shown: str) -> None:
    """Drawn anew at the same time it is the same (`uv run python -m tests.support.demo_picture`).

    How long a step took is left out.
    """
    assert without_durations(drawn()) == without_durations(shown)
    assert without_durations(shown) != shown


def test_demo_picture__shows_totals_that_agree(shown: str) -> None:
    """Five tables and seven clients agree, and none differs."""
    assert len(re.findall(r">agrees<", shown)) == 5 + 7
    assert "totals&#160;agree" in shown
    assert "DIFFERS" not in shown


def test_demo_picture__loads_nothing_from_elsewhere(shown: str) -> None:
    """It can be shown where a page may not fetch fonts, styles or scripts."""
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)[^\s\"]+", shown) == []
    assert "<script" not in shown
