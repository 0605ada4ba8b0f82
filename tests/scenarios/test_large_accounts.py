"""Accounts too large for one answer: report runs, halved windows, campaigns one by one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tests.support.noon import noon, run_at_noon
from tests.support.tap_process import Output, catalog_selecting

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox

ADS, DAYS = 60, 31


def run(
    sandbox: Sandbox, folder: Path, *, state: dict[str, Any] | None = None, **settings: object
) -> Output:
    config = {"access_token": sandbox.token, "api_url": sandbox.url, **settings}
    catalog = catalog_selecting(config, "ad_insights")
    return run_at_noon(folder, config, state=state, catalog=catalog, minute=0.1)


def truth(sandbox: Sandbox) -> dict[tuple[str, str], Decimal]:
    (account,) = sandbox.world.accounts
    today = account.today(sandbox.world.now())
    days = sandbox.world.truth.day_totals(account.id, today.replace(year=today.year - 1), today)
    return {(account.id, str(day)): total.spend for day, total in days.items()}


@pytest.mark.parametrize(
    ("dials", "used"),
    [
        ({"max_sync_rows": 1000}, {"run_create"}),
        ({"slow_sync_rows": 1000}, {"run_create"}),
        ({"max_sync_rows": 500, "max_async_rows": 1000}, {"run_create"}),
        ({"max_sync_rows": 40, "max_async_rows": 50}, {"campaign_insights"}),
    ],
    ids=["too much data", "time-out", "runs too large as well", "a day too large"],
)
def test_large_account__arrives_whole(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path, dials: dict[str, int], used: set[str]
) -> None:
    """Whatever Meta refuses as too much is asked for in less, until every row is there."""
    sandbox = start_sandbox(World.single(seed=7, ads=ADS, days=DAYS, now=noon), **dials)

    output = run(sandbox, tmp_path)

    assert output.code == 0
    assert output.spend("ad_insights") == truth(sandbox)
    assert used <= {call.kind for call in sandbox.calls}


def test_large_account__next_run_begins_with_what_worked(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """What worked is in the account's partition: the next run meets no refusal."""
    world = World.single(seed=7, ads=ADS, days=DAYS, now=noon)
    sandbox = start_sandbox(world, max_sync_rows=500, max_async_rows=1000)
    first = run(sandbox, tmp_path)
    seen = len(sandbox.calls)

    second = run(sandbox, tmp_path, state=first.state)
    codes = Counter(call.error_code for call in sandbox.calls[seen:])

    assert second.code == 0
    assert [code for code in codes if code is not None] == []
    assert "pace" in first.state["bookmarks"]["ad_insights"]["partitions"][0]


@pytest.mark.parametrize(
    "fate", ["failed", "skipped", "stuck_0", "stuck_99", "100_but_running", "unreadable", "expired"]
)
def test_report_run__whatever_becomes_of_it(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path, fate: str
) -> None:
    """A run that comes to nothing is asked for again; the rows arrive."""
    sandbox = start_sandbox(
        World.single(seed=7, ads=ADS, days=DAYS, now=noon),
        faults=[Fault(kind="run_create", fate=fate)],
    )

    output = run(sandbox, tmp_path, report_mode="async")

    assert output.code == 0
    assert output.spend("ad_insights") == truth(sandbox)


def test_empty_page__in_the_middle_is_not_the_end(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """A page without rows that has a next one is passed over."""
    sandbox = start_sandbox(
        World.single(seed=7, ads=ADS, days=DAYS, now=noon),
        faults=[Fault(kind="insights", page=2, effect="empty_page")],
    )

    output = run(sandbox, tmp_path)

    assert output.code == 0
    assert output.spend("ad_insights") == truth(sandbox)
