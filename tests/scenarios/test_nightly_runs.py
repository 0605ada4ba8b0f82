"""A first run, and the runs of the nights after it, against the sandbox's own truth."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tap_meta_partner.sandbox import World
from tests.support.noon import noon, run_at_noon
from tests.support.tap_process import catalog_selecting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox
    from tests.support.tap_process import Output

LEVELS = ("account", "campaign", "adset", "ad")
_DAY = dt.timedelta(days=1)


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The demo world, in which it is noon."""
    return start_sandbox(World.demo(seed=7, now=noon))


def today_of(sandbox: Sandbox, account_id: str) -> dt.date:
    zone = ZoneInfo(sandbox.world.account(account_id).timezone_name)
    return sandbox.world.now().astimezone(zone).date()


def true_spend(
    sandbox: Sandbox, days_back: int = 30, accounts: list[str] | None = None
) -> dict[tuple[str, str], Decimal]:
    """Return the true spend by account and day of all readable accounts."""
    truth = {}
    for account in sandbox.world.readable():
        if accounts is None or account.id in accounts:
            today = today_of(sandbox, account.id)
            days = sandbox.world.truth.day_totals(account.id, today - days_back * _DAY, today)
            truth |= {(account.id, str(day)): total.spend for day, total in days.items()}
    return truth


def insights_calls(sandbox: Sandbox) -> list[Mapping[str, Any]]:
    """Return the parameters of all insights calls, with their account and level."""
    return [
        {
            "account_id": call.account_id,
            "level": call.params["level"],
            **json.loads(call.params["time_range"]),
        }
        for call in sandbox.calls
        if call.kind == "insights"
    ]


def assert_true(output: Output, sandbox: Sandbox, days_back: int = 30) -> None:
    """Hold all four levels against the truth, account by account and day by day."""
    truth = true_spend(sandbox, days_back)
    for level in LEVELS:
        assert output.spend(f"{level}_insights") == truth


def test_first_run__delivers_every_level_exactly(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """All four levels of all readable accounts add up to the truth, row for row."""
    output = run_at_noon(tmp_path, config)

    assert output.code == 0
    assert_true(output, sandbox)
    for level in LEVELS:
        rows = sum(
            total.rows_by_level[level]
            for account in sandbox.world.readable()
            for total in sandbox.world.truth.day_totals(
                account.id,
                today_of(sandbox, account.id) - 30 * _DAY,
                today_of(sandbox, account.id),
            ).values()
        )
        assert output.counts[f"{level}_insights"] == len(output.tables[f"{level}_insights"]) == rows


def test_first_run__bookmarks_every_account_at_its_own_yesterday(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """Accounts without a single row are bookmarked too, each by its own time zone."""
    output = run_at_noon(tmp_path, config)

    for account in sandbox.world.readable():
        yesterday = str(today_of(sandbox, account.id) - _DAY)
        for level in LEVELS:
            assert output.bookmark(f"{level}_insights", account.id) == yesterday


def test_runs__a_silent_account_costs_two_calls_once_and_then_one(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """An account without rows is asked at the account level, and once at the level below it."""
    first = run_at_noon(tmp_path, config)
    silent = [
        account.id
        for account in sandbox.world.readable()
        if not sandbox.world.truth.day_totals(
            account.id, today_of(sandbox, account.id) - 30 * _DAY, today_of(sandbox, account.id)
        )
    ]
    run_at_noon(tmp_path, config, state=first.state)

    assert silent
    for account_id in silent:
        levels = [
            call["level"] for call in insights_calls(sandbox) if call["account_id"] == account_id
        ]
        assert levels == ["account", "campaign", "account"]


def test_second_run__asks_only_the_lookback_and_updates_in_place(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """After a restatement the same keys come again with the new numbers, and no older day."""
    config["unchanged_days"] = "write"
    first = run_at_noon(tmp_path, config)
    sandbox.world.restate()
    before = len(sandbox.calls)

    second = run_at_noon(tmp_path, config, state=first.state)
    asked = insights_calls(sandbox)[
        len([call for call in sandbox.calls[:before] if call.kind == "insights"]) :
    ]

    assert second.code == 0
    assert_true(second, sandbox, days_back=29)
    for call in asked:
        today = today_of(sandbox, call["account_id"])
        assert call["since"] == str(today - 29 * _DAY)  # yesterday's bookmark less 28 days
        assert call["until"] == str(today)
    merged = {**first.tables["ad_insights"], **second.tables["ad_insights"]}
    assert set(first.tables["ad_insights"]) <= set(merged)
    assert merged != first.tables["ad_insights"]


def test_second_run__finality_is_told(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """A day is final once it is older than 28 days in the account's own time."""
    output = run_at_noon(tmp_path, config)

    for record in output.tables["account_insights"].values():
        age = today_of(sandbox, record["account_id"]) - dt.date.fromisoformat(record["date_start"])
        assert record["is_final"] is (age.days > 28)
        assert record["timezone_name"] == sandbox.world.account(record["account_id"]).timezone_name


def test_earlier_start__fetches_only_the_gap(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """Moving start_date earlier brings the missing days and the usual lookback, nothing between."""
    late = sandbox.world.now().date() - 40 * _DAY
    early = sandbox.world.now().date() - 80 * _DAY
    account_id = sandbox.world.readable()[0].id
    only = {**config, "account_ids": [account_id]}
    first = run_at_noon(tmp_path, {**only, "start_date": str(late)})
    seen = len(insights_calls(sandbox))

    second = run_at_noon(tmp_path, {**only, "start_date": str(early)}, state=first.state)
    days: set[dt.date] = set()
    for call in insights_calls(sandbox)[seen:]:
        since = dt.date.fromisoformat(call["since"])
        span = (dt.date.fromisoformat(call["until"]) - since).days
        days |= {since + n * _DAY for n in range(span + 1)}

    assert second.code == 0
    assert min(days) == early
    assert late - _DAY in days
    assert late not in days
    together = first.spend("ad_insights") | second.spend("ad_insights")
    truth = sandbox.world.truth.day_totals(account_id, early, today_of(sandbox, account_id))
    assert together == {(account_id, str(day)): total.spend for day, total in truth.items()}


def test_preset__reads_the_window_in_full_and_moves_no_bookmark(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """`date_preset` neither reads nor writes bookmarks."""
    first = run_at_noon(tmp_path, config)

    output = run_at_noon(tmp_path, {**config, "date_preset": "last_7d"}, state=first.state)

    assert output.state["bookmarks"]["ad_insights"] == first.state["bookmarks"]["ad_insights"]
    for account in sandbox.world.readable():
        today = today_of(sandbox, account.id)
        truth = sandbox.world.truth.day_totals(account.id, today - 7 * _DAY, today - _DAY)
        assert {
            day: spend
            for (own, day), spend in output.spend("ad_insights").items()
            if own == account.id
        } == {str(day): total.spend for day, total in truth.items()}


def test_shards__share_the_accounts_without_overlap(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """Three shards together deliver what one run delivers, and leave each other's state alone."""
    state: dict[str, Any] = {}
    accounts: list[set[str]] = []
    spend: dict[tuple[str, str], Decimal] = {}
    for index in range(3):
        output = run_at_noon(
            tmp_path, {**config, "shard_index": index, "shard_count": 3}, state=state
        )
        assert output.code == 0
        assert state.get("bookmarks", {}).items() <= output.state.get("bookmarks", {}).items() or (
            len(json.dumps(output.state)) >= len(json.dumps(state))
        )
        state = output.state
        accounts.append({account_id for account_id, _, _ in output.tables["ad_insights"]})
        spend |= output.spend("ad_insights")

    assert sum(map(len, accounts)) == len(set.union(*accounts))
    assert spend == true_spend(sandbox)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_report_mode__either_way_gives_the_same(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path, mode: str
) -> None:
    """Direct answers and report runs deliver the same rows."""
    account_id = sandbox.world.readable()[0].id
    settings = {**config, "report_mode": mode, "account_ids": [account_id]}
    output = run_at_noon(tmp_path, settings, catalog=catalog_selecting(settings, "ad_insights"))
    kinds = {call.kind for call in sandbox.calls}

    assert output.code == 0
    assert ("run_create" in kinds) is (mode == "async")
    assert ("insights" in kinds) is (mode == "sync")
    assert output.spend("ad_insights") == true_spend(sandbox, accounts=[account_id])


def test_reports__breakdowns_become_part_of_the_key(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """A custom report's rows are keyed by its breakdowns and add up to the unbroken total."""
    output = run_at_noon(
        tmp_path,
        {
            **config,
            "reports": [
                {
                    "name": "by_age_gender",
                    "level": "campaign",
                    "breakdowns": ["age", "gender"],
                    "fields": ["impressions", "spend", "campaign_name"],
                }
            ],
        },
    )

    assert output.code == 0
    assert output.schemas["by_age_gender"]["key_properties"] == [
        "account_id",
        "date_start",
        "campaign_id",
        "age",
        "gender",
    ]
    assert output.spend("by_age_gender") == true_spend(sandbox)


def test_status__counts_rows_and_calls(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """`account_sync_status` tells, per account and stream, the rows written and the calls made."""
    output = run_at_noon(tmp_path, config)
    status = output.tables["account_sync_status"].values()

    assert sum(row["calls"] for row in status) == len(insights_calls(sandbox))
    for level in LEVELS:
        stream = f"{level}_insights"
        rows = sum(row["rows"] for row in status if row["stream"] == stream)
        assert rows == output.counts[stream]
