"""A month of the simulated year: hard accounts beside ordinary ones, night after night.

What the year is and what is held in it: `tests/support/simulated_year.py`, whose command plays all
of its nights.
"""

from __future__ import annotations

from tests.support.simulated_year import Year


def test_month__keeps_everybody_at_their_today_and_true() -> None:
    """Walls, report runs that stand still, throttling and deleted ads, a week of each quarter."""
    month = Year(nights=30, accounts=6, deleted_ads=60)

    month.play()

    assert month.problems == []
    # The hard accounts were hard: nights of walls take many calls.
    assert max(month.calls) > 5 * min(month.calls)
