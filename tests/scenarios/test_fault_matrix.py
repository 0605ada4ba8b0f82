"""Every fault at every place, how often, to how many accounts at once, three nights in a row.

How a cell is played and what it is held against: `tests/support/fault_matrix.py`.
"""

from __future__ import annotations

import itertools

import pytest

from tests.support.fault_matrix import (
    CROWDS,
    KINDS,
    PLACES,
    TIMES,
    all_cells,
    document,
    documented,
    play,
    second_window_fails,
    selected_cells,
)

LISTS = [place.name for place in PLACES.values() if place.is_listing]
CALLS = [place.name for place in PLACES.values() if not place.is_listing]
#: Kinds are played in as many tests as workers can share.
SHARES = 3


def assert_as_told(place: str, share: int) -> None:
    told = documented()
    problems = []
    cells = [cell for cell in selected_cells() if cell.place == place][share::SHARES]
    for cell in cells:
        measured = play(cell)
        problems += [f"{cell}: {problem}" for problem in measured.problems]
        page = told[cell.kind, cell.place, cell.times]
        if not set(measured.outcomes) <= set(page):
            problems.append(f"{cell}: {measured.outcomes}, and docs/fault-matrix.md says {page}")
    assert cells
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("place", CALLS)
def test_fault_of_some_accounts__costs_no_other_one_anything(place: str, share: int) -> None:
    """Innocent accounts are whole on each of three nights; the guilty ones after the fourth."""
    assert_as_told(place, share)


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("place", LISTS)
def test_fault_of_the_account_list__passes_or_ends_the_run(place: str, share: int) -> None:
    """Without the whole list no account is read, no bookmark moves, and the next night is whole."""
    assert_as_told(place, share)


@pytest.mark.parametrize("kind", ["HTTP 500, HTML", "10", "17", "100", "read time-out"])
def test_fault_of_the_second_window__leaves_the_bookmark_at_the_end_of_the_first(kind: str) -> None:
    """What comes after a window that went well costs the days from there on, and no others."""
    assert second_window_fails(kind) == ("2026-10-30", "2026-10-30")


def test_selection__has_every_pair() -> None:
    """What the suite plays has each fault at each place, and all other pairs that there can be."""
    cells = [(c.kind, c.place, c.times, c.crowd) for c in selected_cells()]
    wanted = [(c.kind, c.place, c.times, c.crowd) for c in all_cells()]
    for one, other in itertools.combinations(range(4), 2):
        pairs = {(cell[one], cell[other]) for cell in cells}
        assert pairs >= {(cell[one], cell[other]) for cell in wanted}


def test_document__tells_every_cell() -> None:
    """docs/fault-matrix.md is what is made of its own outcomes: all kinds, all places."""
    told = documented()

    assert set(told) == set(itertools.product(KINDS, PLACES, TIMES))
    page = document(told)
    # A heading and the line below it.
    assert page.count("\n| ") == len(KINDS) + 2
    assert len(CROWDS) == 3
