from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from tap_meta_partner.sandbox.scenarios import SCENARIOS, begin

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Start


def test_names() -> None:
    """The scenarios the documentation names are there, each with a word about it."""
    assert {"calm", "busy-hour", "revoked", "slow-jobs", "flaky"} == set(SCENARIOS)
    assert all(scenario.about for scenario in SCENARIOS.values())


def test_revoked__takes_one_account_away(world: World) -> None:
    """One client is gone from the start."""
    before = len(world.readable())
    begin(SCENARIOS["revoked"], world)

    assert len(world.readable()) == before - 1


def test_flaky__passes_in_the_end(start: Start, world: World) -> None:
    """A client that tries again gets everything; it met resets, web pages and cut answers."""
    client = start(faults=SCENARIOS["flaky"].faults)
    failures = 0
    for _ in range(40):
        try:
            answer = client.get(f"act_{world.readable()[0].id}/insights")
            failures += "data" not in json.loads(answer.content)
        except (requests.ConnectionError, ValueError):
            failures += 1

    assert failures == len(SCENARIOS["flaky"].faults)
    assert client.get("me").status_code == 200


@pytest.mark.parametrize("name", ["busy-hour"])
def test_busy_hour__throttles(start: Start, world: World, name: str) -> None:
    """The twenty-first call of a minute is throttled."""
    client = start(budgets=SCENARIOS[name].budget)
    codes = [client.get(f"act_{world.readable()[0].id}/insights").status_code for _ in range(21)]

    assert codes == [200] * 20 + [400]
