"""`docs/architecture.md` speaks of the code that is there, all of it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tap_meta_partner"
PAGE = ROOT / "docs" / "architecture.md"
#: A module, or a name inside one, as the page writes them: in backticks, below the package.
_MODULE = re.compile(r"`((?:tests/)?[a-z_/]+\.py)`")
_NAME_IN_MODULE = re.compile(r"`([a-z_]+)\.([A-Za-z_]+)`")
_FOLDER = re.compile(r"`([a-z_]+/)`")


def modules() -> set[str]:
    """Return every module of the package, a folder's `__init__.py` as the folder."""
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    return {name.removesuffix("__init__.py") for name in files} - {""}


def test_page__mentions_every_module() -> None:
    """A module that is new, or has another name, is on the page or fails this test."""
    page = PAGE.read_text(encoding="utf-8")
    named = {*_MODULE.findall(page), *_FOLDER.findall(page)}

    assert modules() - named == set()


def test_page__names_no_module_that_is_not_there() -> None:
    """Whatever looks like a module on the page is a file."""
    named = _MODULE.findall(PAGE.read_text(encoding="utf-8"))
    missing = {
        name
        for name in named
        if not ((ROOT if name.startswith("tests/") else PACKAGE) / name).is_file()
    }

    assert missing == set()


def test_page__names_no_function_that_is_not_there() -> None:
    """A name given with its module, such as `bookmarks.open_days`, is defined in that module."""
    page = PAGE.read_text(encoding="utf-8")
    sources = {path.stem: path.read_text(encoding="utf-8") for path in PACKAGE.glob("*.py")}
    named = [
        (module, name)
        for module, name in _NAME_IN_MODULE.findall(page)
        if module in sources and name != "py"
    ]
    missing = [
        f"{module}.{name}"
        for module, name in named
        if not re.search(rf"^\s*(?:def|class) {name}\b", sources[module], re.MULTILINE)
    ]

    assert len(named) > 5
    assert missing == []


def test_page__links_lead_to_files() -> None:
    """Every link to another page of the repository leads to one."""
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8"))
    missing = [link for link in links if not (PAGE.parent / link).is_file()]

    assert links
    assert missing == []
