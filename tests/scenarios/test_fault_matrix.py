"""Every fault at every place, once, three times and for ever: one table holds what becomes of it.

The table, how it is measured and what each cell is held against: `fault_matrix.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.fault_matrix import (
    DOCUMENT,
    EXPECTED,
    FAULTS,
    OF_THE_RUN,
    PLACES,
    TIMES,
    Matrix,
    document,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.support.fault_matrix import Measured

LISTS = [place.name for place in PLACES.values() if place.is_listing]
CALLS = [place.name for place in PLACES.values() if not place.is_listing]


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """Sandboxes and a process to fork from, kept for all cells."""
    with Matrix(tmp_path_factory.mktemp("matrix")) as matrix:
        yield matrix


def assert_as_expected(cells: Iterable[Measured]) -> None:
    """Hold cells against the table; show all that differ, not the first one only."""
    measured = list(cells)
    complaints = [line for cell in measured for line in cell.complaints]
    assert measured
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("place", CALLS)
def test_fault_of_one_account__costs_no_other_one_anything(
    matrix: Matrix, place: str, times: str
) -> None:
    """Of thirty accounts with a fault each all fare as the table says; two calm ones are whole."""
    assert_as_expected(matrix.of_one_account(place, times))


@pytest.mark.parametrize("place", CALLS)
def test_fault_of_the_second_window__leaves_the_bookmark_at_the_end_of_the_first(
    matrix: Matrix, place: str
) -> None:
    """What comes after a window that went well costs the days from there on, and no others."""
    assert_as_expected(matrix.of_one_account(place, "for ever", windows=1))


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("place", CALLS)
def test_fault_of_the_whole_run__ends_it_wherever_it_shows(
    matrix: Matrix, place: str, times: str
) -> None:
    """Dead credentials at once, a limit of the app after hours: one line, no call, state kept."""
    assert_as_expected(matrix.alone(OF_THE_RUN, place, times))


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("place", LISTS)
def test_fault_of_the_account_list__passes_or_ends_the_run(
    matrix: Matrix, place: str, times: str
) -> None:
    """Without the whole list of accounts no account is read, and no bookmark moves."""
    assert_as_expected(matrix.alone(EXPECTED, place, times))


@pytest.mark.parametrize("mode", ["auto", "async"])
def test_late_answer__is_asked_for_again(matrix: Matrix, mode: str) -> None:
    """Calls that time out or drip too slowly are made again; a drip in time is only slow."""
    assert_as_expected(matrix.late(mode))


@pytest.mark.parametrize(
    ("fault", "outcome", "asked"),
    [
        ("100", "F", 2),
        ("2635", "F", 2),
        ("3018", "F", 2),
        ("redirect", "F", 2),
        ("10", "S", 3),
        ("200", "S", 3),
        ("100/33", "S", 3),
    ],
)
@pytest.mark.parametrize("place", ["insights", "run creation"])
def test_refusal_of_every_account__is_not_asked_for_again_and_again(
    matrix: Matrix, place: str, fault: str, outcome: str, asked: int
) -> None:
    """A wrong request closes its stream at the second of three accounts; a right is each one's."""
    (measured,) = matrix.alone([fault], place, "for ever")

    assert measured.problems == ()
    assert (measured.outcome, measured.refused) == (outcome, asked)


def test_table__has_every_fault_at_every_place() -> None:
    """No fault, place or time is left out of what is expected."""
    assert list(EXPECTED) == list(FAULTS)
    assert all(list(columns) == list(PLACES) for columns in EXPECTED.values())
    assert all(
        list(column) == list(TIMES) for columns in EXPECTED.values() for column in columns.values()
    )


def test_document__is_the_table() -> None:
    """docs/fault-matrix.md tells what all cells are held to (`fault_matrix --write` makes it)."""
    assert DOCUMENT.read_text(encoding="utf-8") == document(EXPECTED)
