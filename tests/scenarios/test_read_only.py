"""Whatever is selected, nothing that the tap asks can change anything at Meta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import World
from tests.support.tap_process import catalog_selecting, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox

STREAMS = (
    "ad_accounts",
    "account_insights",
    "ad_insights",
    "by_age",
    "by_age_actions",
    "campaigns",
    "adsets",
    "ads",
    "adcreatives",
)


@pytest.mark.parametrize("mode", ["auto", "async"])
def test_calls__only_read_and_create_report_runs(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path, mode: str
) -> None:
    """Each call is a GET, but for those that create a report run; with every kind of stream."""
    sandbox = start_sandbox(World.demo(seed=7, days=20))
    config: dict[str, Any] = {
        "access_token": sandbox.token,
        "api_url": sandbox.url,
        "report_mode": mode,
        "business_id": sandbox.world.business.id,
        "reports": [{"name": "by_age", "breakdowns": ["age"], "action_rows": True}],
    }

    output = run_tap(tmp_path, config, catalog=catalog_selecting(config, *STREAMS))

    assert output.code == 0
    assert set(STREAMS) <= set(output.counts)
    changing = {
        (call.method, call.path.rpartition("/")[2])
        for call in sandbox.calls
        if call.method != "GET"
    }
    assert changing == ({("POST", "insights")} if mode == "async" else set())
