"""`docs/promises.md` names tests and benchmarks that are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "promises.md"
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
_BENCHMARK = re.compile(r"benchmark (\w+)$")
#: How `tests.benchmarks` lists what it can measure.
_MEASURED = re.compile(r'"(\w+)": bench_')


def promises() -> dict[str, str]:
    """Return the last column of every table, by the first."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split(" | ") for line in lines if line.startswith("| ")]
    return {row[0].strip(): row[-1].strip() for row in rows if "Tests" not in row[-1]}


def test_promises__are_held_by_tests_that_exist() -> None:
    """Each promise names a test or a benchmark, and each one named is defined where it says."""
    measured = _MEASURED.findall((TESTS / "benchmarks/__main__.py").read_text(encoding="utf-8"))
    wrong = {
        promise: missing
        for promise, held_by in promises().items()
        if (missing := missing_in(held_by, measured))
    }

    assert wrong == {}


def missing_in(held_by: str, measured: list[str]) -> list[str]:
    """Return what a promise names that is not there, or that it names nothing."""
    tests = _TEST.findall(held_by)
    benchmarks = [name for part in held_by.split(" · ") for name in _BENCHMARK.findall(part)]
    if not tests and not benchmarks:
        return ["no test, no benchmark"]
    missing = [f"benchmark {name}" for name in benchmarks if name not in measured]
    return missing + [f"{file}::{name}" for file, name in tests if name not in defined_in(file)]


def test_page__names_tests_in_the_tables_only() -> None:
    """No test is named in a form, or at a place, where it would not be looked for."""
    page = PAGE.read_text(encoding="utf-8")
    found = sum(len(_TEST.findall(tests)) for tests in promises().values())

    assert len(promises()) > 40
    assert len(re.findall(r"\w\.py::\w", page)) == found


def test_page__names_every_scenario() -> None:
    """No file of scenarios is there that holds none of the promises."""
    named = {file for tests in promises().values() for file, _ in _TEST.findall(tests)}
    scenarios = {f"scenarios/{path.name}" for path in (TESTS / "scenarios").glob("test_*.py")}

    assert scenarios
    assert sorted(scenarios - named) == []


@cache
def defined_in(file: str) -> set[str]:
    """Return the functions that a file of tests defines."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
