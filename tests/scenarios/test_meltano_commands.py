"""`meltano invoke tap-meta-partner:check` and `:invite`, as meltano.yml and the Hub define them."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.hub_definition import KEPT, MELTANO_YML

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.sandbox import Sandbox

#: What a user of the Hub has: a name and a variant. Meltano takes the rest from the lock file.
_FROM_THE_HUB = """\
default_environment: dev
environments:
- name: dev
send_anonymous_usage_stats: false
project_id: ed7a486b-2dbe-4ad6-a102-4dbf8b7e2657
plugins:
  extractors:
  - name: tap-meta-partner
    variant: {variant}
"""


def from_the_repository(root: Path) -> None:
    shutil.copy(MELTANO_YML, root)


def from_the_hub(root: Path) -> None:
    """Make a project whose plugin was added from the Hub: its definition is in a lock file."""
    plugin = yaml.safe_load(KEPT.read_text(encoding="utf-8"))
    del plugin["pip_url"]  # nothing is installed here: the tap beside this Python is run
    project = _FROM_THE_HUB.format(variant=plugin["variant"])
    (root / "meltano.yml").write_text(project, encoding="utf-8")
    folder = root / "plugins" / "extractors"
    folder.mkdir(parents=True)
    lock = folder / f"{plugin['name']}--{plugin['variant']}.lock"
    lock.write_text(json.dumps({"plugin_type": "extractors", **plugin}), encoding="utf-8")


@pytest.fixture(params=[from_the_repository, from_the_hub])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A Meltano project with the tap, defined in either way."""
    root = tmp_path / "project"
    root.mkdir()
    make: Callable[[Path], None] = request.param
    make(root)
    return root


def invoke(
    project: Path, command: str, *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    foreign = ("TAP_META_PARTNER_", "MELTANO_")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    return subprocess.run(
        ["meltano", "invoke", command, *arguments],
        cwd=project,
        env={
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            **{f"TAP_META_PARTNER_{name}": value for name, value in settings.items()},
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def configure(project: Path, settings: dict[str, object]) -> None:
    """Write settings into meltano.yml, where those belong that are no secrets."""
    path = project / "meltano.yml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["plugins"]["extractors"][0]["config"] = settings
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def test_check__has_the_settings_of_the_run(project: Path, sandbox: Sandbox) -> None:
    """Secrets from the environment and a list from meltano.yml: the same as the tap is given."""
    account = sandbox.world.readable()[0]
    configure(project, {"account_ids": [account.id], "fail_on_skipped_accounts": True})

    run = invoke(
        project,
        "tap-meta-partner:check",
        "--json",
        "--remember",
        "accounts.json",
        ACCESS_TOKEN=sandbox.token,
        API_URL=sandbox.url,
    )

    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout)
    assert [each["account_id"] for each in found["accounts"] if each["readable"]] == [account.id]


def test_check__ends_as_the_command_ends(project: Path, sandbox: Sandbox) -> None:
    """A token that Meta refuses is a problem, exit code 1, and is not told."""
    run = invoke(
        project,
        "tap-meta-partner:check",
        "--remember",
        "accounts.json",
        ACCESS_TOKEN="EAAB-no-longer-valid",
        API_URL=sandbox.url,
    )

    assert run.returncode == 1
    assert "Problems: 1" in run.stdout
    assert "EAAB-no-longer-valid" not in run.stdout + run.stderr


def test_invite__names_our_business_manager(project: Path) -> None:
    """The id is the setting's; no token is needed; the client's name is an option as ever."""
    configure(project, {"business_id": "1234567890"})

    run = invoke(project, "tap-meta-partner:invite", "--client", "Ada")

    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.startswith("Hello Ada,")
    assert "Business Manager ID: 1234567890" in run.stdout


def test_hub_definition__runs_the_tap(sandbox: Sandbox, tmp_path: Path) -> None:
    """Added from the Hub, the tap reads the streams that are there by default, and no other."""
    from_the_hub(tmp_path)
    account = sandbox.world.readable()[0]
    since = account.today(sandbox.world.now()) - dt.timedelta(days=3)

    run = invoke(
        tmp_path,
        "tap-meta-partner",
        ACCESS_TOKEN=sandbox.token,
        API_URL=sandbox.url,
        ACCOUNT_IDS=json.dumps([account.id]),
        START_DATE=since.isoformat(),
        MAX_RUN_MINUTES="5",
    )

    assert run.returncode == 0, run.stderr[-2000:]
    messages = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert {each["stream"] for each in messages if each["type"] == "RECORD"} == {
        "ad_accounts",
        "account_sync_status",
        "account_insights",
        "campaign_insights",
        "adset_insights",
        "ad_insights",
    }
    assert {each["record"]["account_id"] for each in messages if each["type"] == "RECORD"} == {
        account.id
    }
