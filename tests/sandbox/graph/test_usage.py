from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.sandbox import Budget

if TYPE_CHECKING:
    from typing import Any

    import requests

    from tap_meta_partner.sandbox import World
    from tap_meta_partner.sandbox.world.advertising import AdAccount
    from tests.support.sandbox_client import Client, Clock, Refusal, Start


@pytest.fixture
def account(world: World) -> AdAccount:
    return world.readable()[0]


def ask(client: Client, account: AdAccount) -> tuple[Refusal, dict[str, Any]]:
    answer = client.get(f"act_{account.id}/insights", date_preset="yesterday")
    error = answer.json().get("error", {})
    return (error.get("code"), error.get("error_subcode")), usage(answer)


def usage(answer: requests.Response) -> dict[str, Any]:
    return {
        name: json.loads(answer.headers[name])
        for name in (
            "X-App-Usage",
            "X-Business-Use-Case-Usage",
            "X-Ad-Account-Usage",
            "X-FB-Ads-Insights-Throttle",
        )
    }


def test_headers__on_every_answer_errors_too(client: Client, account: AdAccount) -> None:
    """All four usage headers come with good and with bad answers about an account."""
    good = client.get(f"act_{account.id}/insights")
    bad = client.get(f"act_{account.id}/insights", fields="nonsense")

    assert (good.status_code, bad.status_code) == (200, 400)
    for answer in (good, bad):
        found = usage(answer)
        (entry,) = found["X-Business-Use-Case-Usage"][account.id]
        assert entry["type"] == "ads_insights"
        assert entry["estimated_time_to_regain_access"] == 0
        assert found["X-Ad-Account-Usage"]["ads_api_access_tier"] == "standard_access"
    assert "X-App-Usage" in client.get("me").headers


def test_account_budget__rises_blocks_and_falls(
    start: Start, clock: Clock, account: AdAccount, world: World
) -> None:
    """Use rises with calls, the call too many is throttled, and the window lets it fall again."""
    client = start(budgets=Budget(account_calls=4, window_seconds=600, block_seconds=60))
    shares = []
    for _ in range(4):
        refusal, found = ask(client, account)
        shares.append(found["X-Ad-Account-Usage"]["acc_id_util_pct"])
        assert refusal == (None, None)
    assert shares == [25, 50, 75, 100]

    refusal, found = ask(client, account)
    assert refusal == (80000, 2446079)
    (entry,) = found["X-Business-Use-Case-Usage"][account.id]
    assert entry["call_count"] >= 100
    assert entry["estimated_time_to_regain_access"] == 10
    assert found["X-Ad-Account-Usage"]["reset_time_duration"] == 600
    assert ask(client, world.readable()[1])[0] == (None, None)  # others are free

    clock.seconds += 600
    refusal, found = ask(client, account)
    assert refusal == (None, None)
    assert found["X-Ad-Account-Usage"]["acc_id_util_pct"] == 25


def test_account_budget__calling_on_prolongs_the_block(
    start: Start, clock: Clock, account: AdAccount
) -> None:
    """A call while blocked moves the end of the block."""
    client = start(budgets=Budget(account_calls=1, window_seconds=60, block_seconds=60))
    assert ask(client, account)[0] == (None, None)
    assert ask(client, account)[0] == (80000, 2446079)
    clock.seconds += 50
    assert ask(client, account)[0] == (80000, 2446079)
    clock.seconds += 50
    assert ask(client, account)[0] == (80000, 2446079)
    clock.seconds += 60
    assert ask(client, account)[0] == (None, None)


def test_account_budget__counts_insights_calls_only(start: Start, account: AdAccount) -> None:
    """Calls about the account that are not insights count as ads_management, unlimited here."""
    client = start(budgets=Budget(account_calls=1))
    for _ in range(3):
        answer = client.get(f"act_{account.id}", fields="name")
        types = [e["type"] for e in usage(answer)["X-Business-Use-Case-Usage"][account.id]]
        assert answer.status_code == 200
        assert types == ["ads_management", "ads_insights"]


def test_app_budget__blocks_everyone(start: Start, world: World) -> None:
    """The app's budget is shared by all accounts: 4/1504022."""
    client = start(budgets=Budget(app_calls=2, tier="development_access"))
    first, second, *_ = world.readable()
    assert ask(client, first)[0] == (None, None)
    _, found = ask(client, second)
    assert found["X-App-Usage"]["call_count"] == 100
    assert found["X-FB-Ads-Insights-Throttle"]["ads_api_access_tier"] == "development_access"
    assert ask(client, first)[0] == (4, 1504022)
    assert client.error("me") == (4, 1504022)


def test_stuck__header_shows_100_although_calls_succeed(start: Start, account: AdAccount) -> None:
    """The account's share can stick at 100 while calls go through."""
    client = start(budgets=Budget(stuck_at=100))
    for _ in range(2):
        refusal, found = ask(client, account)
        assert refusal == (None, None)
        assert found["X-Ad-Account-Usage"]["acc_id_util_pct"] == 100


def test_compressed_hour__minutes_are_counted_in_its_own_measure(
    start: Start, account: AdAccount
) -> None:
    """With `minute` 2 a block of 5 seconds is told as 3 minutes, never as none."""
    client = start(budgets=Budget(account_calls=1, window_seconds=5, block_seconds=1, minute=2.0))
    ask(client, account)
    _, found = ask(client, account)
    (entry,) = found["X-Business-Use-Case-Usage"][account.id]

    assert entry["estimated_time_to_regain_access"] == 3
