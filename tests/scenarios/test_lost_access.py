"""One client of many goes away: named, and it costs nobody else anything."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault
from tests.tap_process import Output, run_tap

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox


def truth(sandbox: Sandbox, *, without: str = "", days_back: int = 30) -> dict[Any, Decimal]:
    found = {}
    for account in sandbox.world.accounts:
        if account.assigned and account.id != without:
            today = account.today(sandbox.world.now())
            since = today - dt.timedelta(days=days_back)
            days = sandbox.world.day_totals(account.id, since, today)
            found |= {(account.id, str(day)): total.spend for day, total in days.items()}
    return found


def status(output: Output, account_id: str) -> set[str]:
    return {
        record["result"]
        for record in output.tables["account_sync_status"].values()
        if record["account_id"] == account_id
    }


@pytest.mark.parametrize("code", [10, 200, 278])
def test_revoked_account__is_skipped_and_the_rest_complete(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path, code: int
) -> None:
    """Listed but unreadable: one warning with what to do, exit 0, no bookmark, all others whole."""
    gone = sandbox.world.readable()[1].id
    sandbox.fault(Fault(kind="insights", account_id=gone, times=None, code=code))

    output = run_tap(tmp_path, config)

    assert output.code == 0
    assert output.spend("ad_insights") == truth(sandbox, without=gone)
    assert status(output, gone) == {"skipped"}
    assert output.bookmark("ad_insights", gone) is None
    assert any(gone in line and "Ask the client to share" in line for line in output.complaints)
    assert len([call for call in sandbox.calls if call.account_id == gone]) == 1


def test_revoked_between_pages__keeps_the_bookmark(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """Access lost in mid-run leaves the bookmark where the last closed window put it."""
    first = run_tap(tmp_path, config)
    gone = sandbox.world.readable()[0].id
    sandbox.fault(Fault(kind="insights", account_id=gone, times=None, after=1, code=200))

    output = run_tap(tmp_path, config, state=first.state)

    assert output.code == 0
    assert output.bookmark("ad_insights", gone) == first.bookmark("ad_insights", gone)
    assert status(output, gone) == {"delivered", "skipped"}


def test_lost_account__is_named_with_its_last_day_and_catches_up(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """An account that is no longer listed is lost; shared again, its days arrive."""
    first = run_tap(tmp_path, config)
    gone = sandbox.world.readable()[0].id
    last_day = first.bookmark("ad_insights", gone)
    sandbox.world.revoke(gone)

    second = run_tap(tmp_path, config, state=first.state)
    sandbox.world.restore(gone)
    sandbox.world.restate()
    third = run_tap(tmp_path, config, state=second.state)

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

    output = run_tap(tmp_path, {**config, "fail_on_skipped_accounts": True})

    assert output.code == 1
    assert "Traceback" not in output.log
    assert output.spend("ad_insights") == truth(sandbox, without=gone)


def test_unassigned_account__is_named_with_what_to_do(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """With business_id, an account shared with us but not assigned is in ad_accounts and said."""
    (unassigned,) = [account for account in sandbox.world.accounts if not account.assigned]

    output = run_tap(tmp_path, {**config, "business_id": sandbox.world.business.id})

    assert output.code == 0
    assert output.tables["ad_accounts"][unassigned.id,]["access"] == "unassigned"
    assert any(
        unassigned.id in line and "assign it in Business settings" in line
        for line in output.complaints
    )


def test_dead_token__in_the_middle_ends_the_run_with_state(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """Credentials that die stop the run at once, with STATE, one line and exit code 1."""
    sandbox.fault(Fault(kind="insights", times=None, after=10, code=190, subcode=467))

    output = run_tap(tmp_path, {**config, "max_concurrency": 1})

    assert output.code == 1
    assert output.state["bookmarks"]
    assert [line for line in output.complaints if "revoked" in line]
    assert "Traceback" not in output.log
    assert len([call for call in sandbox.calls if call.error_code == 190]) == 1


def test_broken_report__closes_that_stream_only(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """A report that Meta refuses is tried with two accounts; the other streams complete."""
    report = {"name": "impossible", "level": "ad", "breakdowns": ["country", "age"]}

    output = run_tap(tmp_path, {**config, "reports": [report], "max_concurrency": 1})
    refused = [call for call in sandbox.calls if call.params.get("breakdowns") == "country,age"]

    assert output.code == 1
    assert output.spend("ad_insights") == truth(sandbox)
    assert len(refused) == 2
    assert any("impossible is not read any further" in line for line in output.complaints)
