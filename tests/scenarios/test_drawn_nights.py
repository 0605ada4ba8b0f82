"""Nights on which everything goes wrong that is known to go wrong, drawn from a seed.

What a night is and what is held on it: `tests/support/drawn_nights.py`, whose command plays sixty
nights of thirty accounts.
"""

from __future__ import annotations

import pytest

from tests.support.drawn_nights import Drawn


@pytest.mark.parametrize("seed", [2, 5])
def test_drawn_nights__end_with_exactly_the_truth(seed: int) -> None:
    """After one calm night every value is true, and on no night a bookmark claims more."""
    drawn = Drawn(seed, accounts=8)

    drawn.play(10)

    assert drawn.problems == []
    assert len(drawn.nights.graph.calls) > 500
