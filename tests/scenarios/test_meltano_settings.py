"""Every setting can be given in the environment, as Meltano's users do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import Sandbox

_CHECKOUT = Path(__file__).parent.parent.parent


def test_meltano__hands_on_settings_of_every_kind(sandbox: Sandbox, tmp_path: Path) -> None:
    """Numbers, lists, flags and dates from the environment reach the tap through Meltano."""
    shutil.copy(_CHECKOUT / "meltano.yml", tmp_path)
    account_id = sandbox.world.readable()[0].id
    variables = {
        "ACCESS_TOKEN": sandbox.token,
        "API_URL": sandbox.url,
        "ACCOUNT_IDS": f'["{account_id}"]',
        "FIELDS": '["impressions", "spend"]',
        "START_DATE": "2026-01-01",
        "LOOKBACK_DAYS": "3",
        "MAX_CONCURRENCY": "2",
        "MAX_RUN_MINUTES": "30",
        "REQUEST_TIMEOUT": "60",
        "BACKFILL_ON_CHANGE": "true",
        "REPORTS": '[{"name": "by_country", "breakdowns": ["country"]}]',
    }
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **{f"TAP_META_PARTNER_{name}": value for name, value in variables.items()},
    }

    run = subprocess.run(
        ["meltano", "invoke", "tap-meta-partner"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.returncode == 0, run.stderr[-2000:]
    assert {call.account_id for call in sandbox.calls if call.kind == "insights"} == {account_id}
    assert '"stream":"ad_insights"' in run.stdout
    assert "Traceback" not in run.stderr
