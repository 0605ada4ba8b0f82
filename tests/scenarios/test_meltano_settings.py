"""Every setting can be given in the environment, as Meltano's users do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tap_meta_partner.demo import truth
from tap_meta_partner.sandbox import World
from tests.support.pipeline import pipeline

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


def test_own_project__gets_the_tap_with_one_command(tmp_path: Path) -> None:
    """`meltano add --from-ref` with the definition: the project then knows every setting."""
    shutil.copy(_CHECKOUT / "docs" / "hub" / "tap-meta-partner.yml", tmp_path)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    page = (_CHECKOUT / "docs" / "targets.md").read_text(encoding="utf-8")
    command = next(line for line in page.splitlines() if line.startswith("meltano add"))
    project = tmp_path / "project"
    for words in (["meltano", "init", "--no-usage-stats", "project"], command.split()):
        folder = project if words[1] == "add" else tmp_path
        if words[1] == "add":
            shutil.copy(tmp_path / "tap-meta-partner.yml", project)
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr

    written = yaml.safe_load((project / "meltano.yml").read_text(encoding="utf-8"))
    (tap,) = written["plugins"]["extractors"]
    assert (tap["name"], tap["executable"]) == ("tap-meta-partner", "tap-meta-partner")
    assert {"access_token", "reports", "lookback_days"} <= {
        each["name"] for each in tap["settings"]
    }


def test_loader__leaves_its_own_columns_out_where_told() -> None:
    """Without record metadata and versions a table has the tap's columns and no other."""
    settings = {
        "TAP_META_PARTNER__SELECT": '["ad_accounts.*"]',
        "TARGET_POSTGRES_ADD_RECORD_METADATA": "false",
        "TARGET_POSTGRES_ACTIVATE_VERSION": "false",
    }
    with pipeline(World.demo(seed=7, days=5), settings) as started:
        started.project.run()
        rows = started.connection.execute(
            "select column_name from information_schema.columns "
            "where table_schema = %s and table_name = 'ad_accounts'",
            (truth.SCHEMA,),
        ).fetchall()

    assert rows
    assert not [name for (name,) in rows if name.startswith("_sdc_")]
