"""Every error that Meta is known to have sent, for ever at one or two of six accounts.

Three nights in a row, at every call about the account: the others are what they are without it, row
for row and bookmark for bookmark, and nobody hammers. The nights run in one process and in
simulated time (`tests/support/nights.py`).
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tap_meta_partner.sandbox.world import cast
from tests.contract.test_real_errors import FILES, recorded
from tests.support.nights import Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ACCOUNTS, NIGHTS, MOST_MORE_CALLS = 6, 3, 40
STREAMS = ("account_insights", "ad_insights", "campaigns", "adcreatives")


def six_accounts() -> Nights:
    time = Time(dt.datetime(2026, 11, 24, 3, tzinfo=dt.timezone.utc))
    shape = cast.Shape(campaigns=1, adsets=1, ads_per_adset=2, always=True)
    began = time.utc_now().date() - dt.timedelta(days=60)
    accounts = [
        cast.cast_account(
            cast.Client(f"Client {number}", "USD", "Europe/Berlin", cast.AGENCY),
            number,
            7,
            lambda _: shape,
            cast.Delivers(began, None),
        )
        for number in range(ACCOUNTS)
    ]
    graph = graph_of(World(accounts, seed=7, now=time.utc_now), time)
    config = {"start_date": "2026-11-05", "lookback_days": 7}
    return Nights(time, graph, streams=STREAMS, config=config)


def delivered(nights: Nights, account_id: str) -> tuple[Any, Any]:
    return nights.rows_of(account_id), nights.bookmarks_of(account_id)


@functools.cache
def calm() -> tuple[tuple[int, Mapping[str, Any]], ...]:
    """Return for each night its calls, and what every account has then."""
    nights, seen = six_accounts(), []
    for _ in range(NIGHTS):
        night = nights.night()
        accounts = nights.graph.world.accounts
        seen.append((len(night.calls), {each.id: delivered(nights, each.id) for each in accounts}))
        nights.next_night()
    return tuple(seen)


@pytest.mark.parametrize("guilty", [1, 2])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_error__costs_no_other_account_anything(path: Path, guilty: int) -> None:
    """Four accounts or five are whole on each night, for at most forty calls more than without."""
    told, nights = recorded(path), six_accounts()
    ids = sorted(account.id for account in nights.graph.world.accounts)

    for calls, expected in calm():
        for account_id in ids[:guilty]:
            body = json.dumps(told["body"])
            nights.graph.faults.add(
                Fault(account_id=account_id, times=None, body=body, status=told["status"])
            )
        night = nights.night()
        nights.graph.faults.clear()

        assert night.stopped is None
        for account_id in ids[guilty:]:
            assert delivered(nights, account_id) == expected[account_id]
            assert set(night.outcomes(account_id).values()) == {"delivered"}
        for account_id in ids[:guilty]:
            assert set(night.outcomes(account_id).values()) - {"delivered"}
        assert len(night.calls) <= calls + MOST_MORE_CALLS
        nights.next_night()
