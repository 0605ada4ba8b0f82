"""Every link on a page of this repository leads somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.page_blocks import DOCS, README, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = [README, ROOT / "CHANGELOG.md", *DOCS.rglob("*.md"), *(ROOT / ".github").rglob("*.md")]
_CODE = re.compile(r"^( *)```.*?^\1```", re.DOTALL | re.MULTILINE)
_IN_LINE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"|^\[[^\]]+\]: (\S+)", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
#: Where GitHub, not a file, answers.
_OF_GITHUB = "../../commits/"


def links(page: Path) -> Iterator[str]:
    """Return what a page links to, but for other sites."""
    text = _IN_LINE.sub("", _CODE.sub("", page.read_text(encoding="utf-8")))
    for found in _LINK.finditer(text):
        link = found[1] or found[2] or found[3]
        if not link.startswith(("https://", "http://", "mailto:", _OF_GITHUB)):
            yield link


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    named = [re.sub(r"[^\w -]", "", found.lower()) for found in _HEADING.findall(text)]
    return {name.strip().replace(" ", "-") for name in named}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links__lead_to_files_and_headings(page: Path) -> None:
    """Each relative link names a file that is there, and each `#anchor` a heading in it."""
    nowhere = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            nowhere.append(link)

    assert nowhere == []


def test_readme__leads_to_every_page() -> None:
    """No page is without a way to it."""
    reached = {(README.parent / link.partition("#")[0]).resolve() for link in links(README)}
    pages = {page.resolve() for page in (*DOCS.glob("*.md"), *DOCS.glob("*/*.md"))}

    assert pages - reached == set()
