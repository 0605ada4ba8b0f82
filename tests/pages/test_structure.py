"""The house stays one that a newcomer can find their way in: few rooms, none of them too large."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE, TESTS = ROOT / "tap_meta_partner", ROOT / "tests"
MOST_ROOMS, MOST_LINES, MOST_METHODS = 17, 350, 14
#: Not rooms of their own: what any package has.
_NOT_ROOMS = {"__init__.py", "__main__.py", "py.typed", "__pycache__"}
#: Folders of tests that are about no single module.
_OF_THEIR_OWN = {"scenarios", "pages", "contract", "benchmarks", "support"}
#: Tests of no single module: Meta's own client reads all of the sandbox.
_OF_NO_MODULE = {"sandbox/http/test_facebook_business.py"}
#: What is known to be larger yet, to be cut; it may only become less.
STILL: set[str] = set()


def too_long() -> set[str]:
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }


def too_busy() -> set[str]:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                methods = {
                    each.name
                    for each in node.body
                    if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))
                }
                if len(methods) > MOST_METHODS:
                    found.add(f"{path.relative_to(PACKAGE).as_posix()}::{node.name}")
    return found


def without_a_module() -> set[str]:
    found = set()
    for path in TESTS.rglob("test_*.py"):
        within = path.relative_to(TESTS)
        if within.parts[0] not in _OF_THEIR_OWN:
            module = PACKAGE / within.with_name(within.name.removeprefix("test_"))
            if not module.is_file():
                found.add(within.as_posix())
    return found - _OF_NO_MODULE


def test_package__has_few_rooms_at_the_top() -> None:
    """Seventeen modules and packages at most."""
    rooms = {path.name for path in PACKAGE.iterdir()} - _NOT_ROOMS

    assert len(rooms) <= MOST_ROOMS, rooms


def test_modules__are_not_too_long() -> None:
    """350 lines at most."""
    assert too_long() - STILL == set()


def test_classes__do_not_do_too_much() -> None:
    """Fourteen methods of their own at most; properties count, inherited ones do not."""
    assert too_busy() - STILL == set()


def test_tests__stand_where_the_module_they_test_stands() -> None:
    """`tests/graph/test_client.py` is about `tap_meta_partner/graph/client.py`."""
    assert without_a_module() - STILL == set()


def test_texts__name_no_module_that_is_not_there() -> None:
    """Where a docstring or a comment sends its reader, there is something."""
    files = [path for folder in (PACKAGE, TESTS) for path in folder.rglob("*.py")]
    known = [f"/{path.relative_to(ROOT).as_posix()}" for path in files]
    missing = {
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for path in files
        for name in re.findall(r"`([a-z_/]+\.py)`", path.read_text(encoding="utf-8"))
        if not any(each.endswith(f"/{name}") for each in known)
    }

    assert missing == set()


def test_exceptions__are_all_needed() -> None:
    """What is in order again is no exception any more."""
    assert STILL - too_long() - too_busy() - without_a_module() == set()
