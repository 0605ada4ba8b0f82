"""Rate limits, in fast time: everything arrives, and hardly a call is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Budget, Fault, World
from tests.support.noon import noon, run_at_noon

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox
    from tests.support.tap_process import Output

_MINUTE = 0.2


def run(sandbox: Sandbox, folder: Path, **settings: object) -> Output:
    config = {"access_token": sandbox.token, "api_url": sandbox.url, **settings}
    return run_at_noon(folder, config, minute=_MINUTE)


def truth(sandbox: Sandbox, days_back: int = 30) -> dict[tuple[str, str], Decimal]:
    found = {}
    for account in sandbox.world.readable():
        today = account.today(sandbox.world.now())
        since = type(today).fromordinal(today.toordinal() - days_back)
        days = sandbox.world.truth.day_totals(account.id, since, today)
        found |= {(account.id, str(day)): total.spend for day, total in days.items()}
    return found


@pytest.mark.parametrize(
    "budget",
    [
        {"account_calls": 3},
        {"app_calls": 20},
        {"account_calls": 4, "app_calls": 30, "tier": "development_access"},
        {"stuck_at": 100.0},
    ],
    ids=["per account", "app-wide", "development tier", "headers stuck at 100"],
)
def test_limits__everything_arrives(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path, budget: dict[str, Any]
) -> None:
    """Accounts wait as long as they must, and every row is delivered with exit code 0."""
    sandbox = start_sandbox(
        World.demo(seed=7, now=noon),
        budgets=Budget(window_seconds=2.0, block_seconds=_MINUTE, minute=_MINUTE, **budget),
    )

    output = run(sandbox, tmp_path)

    assert output.code == 0
    assert output.spend("ad_insights") == truth(sandbox)


def test_throttled_account__delays_no_other(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """While one account waits for its limit, all others are finished."""
    sandbox = start_sandbox(World.demo(seed=7, now=noon))
    slow = sandbox.world.readable()[0].id
    sandbox.fault(Fault(kind="insights", account_id=slow, times=3, code=80000, subcode=2446079))

    output = run(sandbox, tmp_path, max_concurrency=1)
    order = [call.account_id for call in sandbox.calls if call.kind == "insights"]
    last_of_others = max(index for index, account_id in enumerate(order) if account_id != slow)
    delivered = [
        index
        for index, call in enumerate(c for c in sandbox.calls if c.kind == "insights")
        if call.account_id == slow and call.status == 200
    ]

    assert output.code == 0
    assert output.spend("ad_insights") == truth(sandbox)
    assert min(delivered) > last_of_others
    assert "waits" in output.log


def test_wait__is_told_with_its_length_and_reason(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """The log says who waits, how long and why."""
    sandbox = start_sandbox(World.demo(seed=7, now=noon))
    sandbox.fault(Fault(kind="insights", times=1, code=17, subcode=2446079))

    output = run(sandbox, tmp_path)
    waits = [line for line in output.complaints if "waits" in line]

    assert len(waits) == 1
    assert "the rate limit of this ad account is reached" in waits[0]
    assert " s: " in waits[0]
