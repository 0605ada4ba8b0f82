"""One client of many goes away: named, and it costs nobody else anything."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tests.support.noon import noon, run_at_noon

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox
    from tests.support.tap_process import Output


def truth(sandbox: Sandbox, *, without: str = "", days_back: int = 30) -> dict[Any, Decimal]:
    found = {}
    for account in sandbox.world.accounts:
        if account.assigned and account.id != without:
            today = account.today(sandbox.world.now())
            since = today - dt.timedelta(days=days_back)
            days = sandbox.world.truth.day_totals(account.id, since, today)
            found |= {(account.id, str(day)): total.spend for day, total in days.items()}
    return found


def status(output: Output, account_id: str) -> set[str]:
    return {
        record["result"]
        for record in output.tables["account_sync_status"].values()
        if record["account_id"] == account_id
    }


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The demo world, in which it is noon."""
    return start_sandbox(World.demo(seed=7, now=noon))


@pytest.mark.parametrize("code", [10, 200, 278])
def test_revoked_account__is_skipped_and_the_rest_complete(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path, code: int
) -> None:
    """Listed but unreadable: one warning with what to do, exit 0, no bookmark, all others whole."""
    gone = sandbox.world.readable()[1].id
    sandbox.fault(Fault(kind="insights", account_id=gone, times=None, code=code))

    output = run_at_noon(tmp_path, config)

    assert output.code == 0
    assert output.spend("ad_insights") == truth(sandbox, without=gone)
    assert status(output, gone) == {"skipped"}
    assert output.bookmark("ad_insights", gone) is None
    assert any(gone in line and "Ask the client to share" in line for line in output.complaints)
    # What was wanted, and the control question (again where rights may be the field's): no more.
    assert len([call for call in sandbox.calls if call.account_id == gone]) <= 3


def test_revoked_between_pages__keeps_the_bookmark(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """Access lost in mid-run leaves the bookmark where the last closed window put it."""
    first = run_at_noon(tmp_path, config)
    gone = sandbox.world.readable()[0].id
    sandbox.fault(Fault(kind="insights", account_id=gone, times=None, after=1, code=200))

    output = run_at_noon(tmp_path, config, state=first.state)

    assert output.code == 0
    assert output.bookmark("ad_insights", gone) == first.bookmark("ad_insights", gone)
    assert status(output, gone) == {"delivered", "skipped"}


def test_lost_account__is_named_with_its_last_day_and_catches_up(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """An account that is no longer listed is lost; shared again, its days arrive."""
    config["unchanged_days"] = "write"
    first = run_at_noon(tmp_path, config)
    gone = sandbox.world.readable()[0].id
    last_day = first.bookmark("ad_insights", gone)
    sandbox.world.revoke(gone)

    second = run_at_noon(tmp_path, config, state=first.state)
    sandbox.world.restore(gone)
    sandbox.world.restate()
    third = run_at_noon(tmp_path, config, state=second.state)

    assert second.code == 0
    assert status(second, gone) == {"lost"}
    assert any(gone in line and str(last_day) in line for line in second.complaints)
    assert second.bookmark("ad_insights", gone) == last_day
    assert third.spend("ad_insights") == truth(sandbox, days_back=29)


def test_lost_account__fails_the_run_where_wanted(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """With fail_on_skipped_accounts the exit code tells, after everything else was delivered."""
    gone = sandbox.world.readable()[1].id
    sandbox.fault(Fault(kind="insights", account_id=gone, times=None, code=200))

    output = run_at_noon(tmp_path, {**config, "fail_on_skipped_accounts": True})

    assert output.code == 1
    assert "Traceback" not in output.log
    assert output.spend("ad_insights") == truth(sandbox, without=gone)


def test_unassigned_account__is_named_with_what_to_do(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """With business_id, an account shared with us but not assigned is in ad_accounts and said."""
    (unassigned,) = [account for account in sandbox.world.accounts if not account.assigned]

    output = run_at_noon(tmp_path, {**config, "business_id": sandbox.world.business.id})

    assert output.code == 0
    assert output.tables["ad_accounts"][unassigned.id,]["access"] == "unassigned"
    assert any(
        unassigned.id in line and "assign it in Business settings" in line
        for line in output.complaints
    )


def test_dead_token__in_the_middle_ends_the_run_with_state(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """Credentials that die stop the run at once, with STATE and exit code 1; all are told of it."""
    sandbox.fault(Fault(times=None, after=10, code=190, subcode=467))

    output = run_at_noon(tmp_path, {**config, "max_concurrency": 1})

    assert output.code == 1
    assert output.state["bookmarks"]
    assert "revoked" in output.complaints[-1]
    assert "Traceback" not in output.log
    # The call that met it, and the question about the token alone.
    assert len([call for call in sandbox.calls if call.error_code == 190]) == 2
    results = output.tables["account_sync_status"].values()
    assert len(results) == 4 * len(sandbox.world.readable())
    assert {row["result"] for row in results} == {"delivered", "failed", "unfinished"}
    assert "unfinished: " in output.log


def test_broken_report__closes_that_stream_only(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """A report that Meta refuses is tried with three accounts; the other streams complete."""
    report = {"name": "impossible", "level": "ad", "breakdowns": ["country", "age"]}

    output = run_at_noon(tmp_path, {**config, "reports": [report], "max_concurrency": 1})
    refused = [call for call in sandbox.calls if call.params.get("breakdowns") == "country,age"]

    assert output.code == 1
    assert output.spend("ad_insights") == truth(sandbox)
    assert len(refused) == 3
    assert "impossible is not asked for any further" in output.log
    assert any("not tried: " in line and "impossible" in line for line in output.complaints)
    others = {
        row["result"]
        for row in output.tables["account_sync_status"].values()
        if row["stream"] == "impossible"
    }
    assert others == {"failed", "not tried"}


@pytest.fixture
def fifty(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Fifty clients, half of them idle."""
    return start_sandbox(World.agency(seed=7, accounts=50, idle=0.5, days=40, now=noon))


@pytest.mark.parametrize("after", [0, 1, 3], ids=["before", "during", "late"])
def test_one_of_fifty__costs_the_other_49_nothing(
    fifty: Sandbox, tmp_path: Path, after: int
) -> None:
    """Whenever one client's access goes, the other 49 are whole in the same run."""
    active = {key[0] for key in truth(fifty)}
    gone = sorted(active)[7]
    fifty.fault(Fault(kind="insights", account_id=gone, times=None, after=after, code=200))

    output = run_at_noon(tmp_path, {"access_token": fifty.token, "api_url": fifty.url})
    others = {key: spend for key, spend in output.spend("ad_insights").items() if key[0] != gone}

    assert output.code == 0
    assert others == truth(fifty, without=gone)
    assert "skipped" in status(output, gone)
    in_part = "49 delivered, 1 delivered in part, 0 skipped, 0 failed"
    assert ("49 delivered, 1 skipped, 0 failed" if after == 0 else in_part) in output.log
    results = output.tables["account_sync_status"].values()
    assert len(results) == 50 * 4
    assert {row["account_id"] for row in results if row["result"] != "delivered"} == {gone}


def test_new_account__has_a_backfill_of_its_own(fifty: Sandbox, tmp_path: Path) -> None:
    """An account that appears is read from start_date, while the others go on incrementally."""
    start = str(fifty.world.now().date() - dt.timedelta(days=35))
    config = {"access_token": fifty.token, "api_url": fifty.url, "start_date": start}
    config["unchanged_days"] = "write"
    new = sorted({key[0] for key in truth(fifty)})[3]
    fifty.world.revoke(new)
    first = run_at_noon(tmp_path, config)
    fifty.world.restore(new)

    second = run_at_noon(tmp_path, config, state=first.state)
    days = {day for account_id, day in second.spend("ad_insights") if account_id == new}
    others = {day for account_id, day in second.spend("ad_insights") if account_id != new}

    assert first.bookmark("ad_insights", new) is None
    assert {key: spend for key, spend in second.spend("ad_insights").items() if key[0] == new} == {
        key: spend
        for key, spend in truth(fifty, days_back=36).items()
        if key[0] == new and key[1] >= start
    }
    assert min(days) < min(others)
