"""Noon: the hour at which no ad account's midnight is near.

A run that the clock overtakes reads up to a day that is yesterday by the time its rows are looked
at. In a world of `noon`, read by `run_at_noon`, today is one day from beginning to end.
"""

from __future__ import annotations

import datetime as dt
from functools import partial

from tests.support.tap_process import run_tap

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.timezone.utc)
run_at_noon = partial(run_tap, now=NOON)


def noon() -> dt.datetime:
    """Tell the time of a world in which it is always noon, in Greenwich."""
    return NOON
