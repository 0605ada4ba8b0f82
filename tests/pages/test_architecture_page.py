"""`docs/architecture.md` speaks of the code that is there, all of it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from tests.support.architecture import PACKAGE, PAGE, ROOT, floors, module_list, shown_list

#: A module, and a name inside one, as the page writes them: in backticks, below the package.
_MODULE = re.compile(r"`((?:tests/)?[a-z_/]+\.py)(?:::([\w.]+))?`")
_FOLDER = re.compile(r"`([a-z_][a-z_/]*/)`")
_WALK = re.compile(r"^### (.*)\n\n((?:\d+\. .*\n(?:   .*\n)*)+)", re.MULTILINE)
_STEP = re.compile(r"^\d+\. `([a-z_/]+\.py)::", re.MULTILINE)
WALKS: dict[str, list[str]] = {
    title: _STEP.findall(steps) for title, steps in _WALK.findall(PAGE.read_text(encoding="utf-8"))
}


def written() -> str:
    """Return the page without its list of modules, which is made."""
    page = PAGE.read_text(encoding="utf-8")
    return page.replace(shown_list(page), "")


def test_list__is_what_the_modules_say_of_themselves() -> None:
    """Made of their docstrings: `uv run python -m tests.support.architecture` after a change."""
    assert shown_list(PAGE.read_text(encoding="utf-8")) == module_list()


def test_list__mentions_every_module() -> None:
    """A module that is new, or has another name, is on the page or fails this test."""
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    shown = shown_list(PAGE.read_text(encoding="utf-8"))
    named = {name for name, _ in _MODULE.findall(shown)} | set(_FOLDER.findall(shown))

    assert {name.removesuffix("__init__.py") for name in files} - {""} - named == set()


def test_list__says_something_of_each() -> None:
    """No module is without a docstring."""
    assert re.findall(r"^\| (`.*`) \|  \|$", module_list(), re.MULTILINE) == []


def test_page__names_nothing_that_is_not_there() -> None:
    """Whatever looks like a module is a file, and what is named in one is defined in it."""
    missing = []
    named = _MODULE.findall(written())
    for module, name in named:
        path = (ROOT if module.startswith("tests/") else PACKAGE) / module
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        parts = [part for part in name.split(".") if part]
        if not path.is_file() or not all(
            re.search(rf"^\s*(?:def|class) {part}\b|^{part}\b", source, re.MULTILINE)
            for part in parts
        ):
            missing.append(f"{module}::{name}")

    assert len([name for _, name in named if name]) > 20
    assert missing == []


def test_page__names_no_folder_that_is_not_there() -> None:
    """Whatever looks like a package is one."""
    assert [name for name in _FOLDER.findall(written()) if not (PACKAGE / name).is_dir()] == []


def test_walks__are_four() -> None:
    """A secret, a row, a bookmark and an error."""
    assert len(WALKS) == 4
    assert all(len(steps) >= 4 for steps in WALKS.values())


@pytest.mark.parametrize("walk", WALKS)
def test_walk__enters_each_package_once(walk: str) -> None:
    """Who follows it has no room to come back to; only the last may be the one it began in."""
    rooms = [step.split("/")[0] for step in WALKS[walk]]
    entered = [
        room for number, room in enumerate(rooms) if number == 0 or rooms[number - 1] != room
    ]
    if entered[0] == entered[-1]:
        entered = entered[:-1]

    assert len(entered) == len(set(entered))


@pytest.mark.parametrize("walk", WALKS)
def test_walk__climbs_two_floors_at_a_time_at_most(walk: str) -> None:
    """From a step to the next it is two floors up, or any number down."""
    floor = {name: number for number, names in enumerate(floors()) for name in names}
    heights = [floor[Path(step).parts[0].removesuffix(".py")] for step in WALKS[walk]]

    assert max(after - before for before, after in itertools.pairwise(heights)) <= 2
