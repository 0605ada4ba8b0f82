"""A fleet to test: its own sandbox, database and folder, and what has to be true of them."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from tap_meta_partner.demo import truth
from tap_meta_partner.demo.postgres import embedded_postgres, short_folder
from tap_meta_partner.sandbox import Dials, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
FLEETS = ROOT / "docs" / "fleets"
TOKEN = "EAAB-very-secret-token-of-a-fleet"
PROGRAMS = Path(sys.executable).parent
SHARDS = 3
DAYS = 35
LATENCY = 0.25
#: What the person running the tests has set for real must not mix in.
FOREIGN = ("TAP_META_PARTNER_", "TARGET_POSTGRES_", "MELTANO_", "AIRFLOW", "META_FLEET_")
KEYS = {
    "ad_accounts": ["account_id"],
    "account_insights": ["account_id", "date_start"],
    "campaign_insights": ["account_id", "date_start", "campaign_id"],
    "adset_insights": ["account_id", "date_start", "adset_id"],
    "ad_insights": ["account_id", "date_start", "ad_id"],
    "account_sync_status": ["account_id", "stream", "run_started_at"],
}


def installed(group: str, folder: Path) -> Path:
    """Install a dependency group into an environment of its own; return where its programs are."""
    # Meltano brings uv along.
    path = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", "")])
    uv = os.environ.get("UV") or shutil.which("uv", path=path)
    if uv is None:
        pytest.fail("this needs uv: python3 -m pip install uv")
    python = folder / "bin" / "python"
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(folder)],
        ["pip", "install", "--quiet", "--python", str(python), "--group", group],
    ):
        done = subprocess.run(
            [uv, *command], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode:
            pytest.fail(f"uv {command[0]} failed:\n{done.stderr[-2000:]}")
    return python.parent


def shard_of(account_id: str, count: int) -> int:
    """The rule as docs/scale.md words it."""
    return int(hashlib.sha256(account_id.encode()).hexdigest()[:16], 16) % count


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A sandbox, a database, and a folder with meltano.yml and docs/fleets.

    Attributes:
        project: the folder.
        home: where processes may write.
        environment: what every shard is told.
        days: the days compared.
    """

    sandbox: Sandbox
    connection: psycopg.Connection
    project: Path
    home: Path
    environment: Mapping[str, str]
    days: truth.Period

    @property
    def world(self) -> World:
        """What is true."""
        return self.sandbox.world

    def accounts(self, index: int, count: int) -> set[str]:
        """The accounts of one of `count` shards."""
        return {each.id for each in self.world.readable() if shard_of(each.id, count) == index}

    def states(self) -> dict[str, dict[str, Any]]:
        """The bookmarks by state id, out of Meltano's system database."""
        found = self.connection.execute("select state_id, completed_state from public.state")
        return {
            state_id: json.loads(state)["singer_state"]["bookmarks"] for state_id, state in found
        }


@contextlib.contextmanager
def new_fleet() -> Iterator[Fleet]:
    """Make a fleet with an empty database, where its state is kept too."""
    world = World.agency(seed=11, accounts=30, idle=0.5, days=DAYS + 10)
    since = world.now().date() - dt.timedelta(days=DAYS)
    kept = {key: text for key, text in os.environ.items() if not key.startswith(FOREIGN)}
    with (
        embedded_postgres() as server,
        Sandbox(world, Dials(token=TOKEN, latency=LATENCY)) as sandbox,
        short_folder() as folder,
        psycopg.connect(server.uri, autocommit=True) as connection,
    ):
        project = folder / "project"
        shutil.copytree(FLEETS, project / "docs" / "fleets")
        shutil.copy(ROOT / "meltano.yml", project)
        yield Fleet(
            sandbox=sandbox,
            connection=connection,
            project=project,
            home=folder,
            environment={
                **kept,
                "PATH": os.pathsep.join([str(PROGRAMS), kept.get("PATH", "")]),
                "NO_PROXY": "127.0.0.1,localhost",
                "no_proxy": "127.0.0.1,localhost",
                "NO_COLOR": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                "TAP_META_PARTNER_API_URL": sandbox.url,
                "TAP_META_PARTNER_ACCESS_TOKEN": TOKEN,
                "TAP_META_PARTNER_START_DATE": since.isoformat(),
                # Two at once: a shard takes some seconds, so that it can be met while it works.
                "TAP_META_PARTNER_MAX_CONCURRENCY": "2",
                "TARGET_POSTGRES_SQLALCHEMY_URL": server.loader_uri,
                "MELTANO_DATABASE_URI": server.loader_uri,
            },
            days=truth.period(world, since),
        )


def untrue(fleet: Fleet) -> list[str]:
    """What in the tables is not as it should be: rows missing or twice, spend that is not exact."""
    counts, spends = truth.compare(fleet.connection, fleet.world, fleet.days)
    assert len(spends) == 30
    assert sum(each.truth for each in counts) > 5_000
    found = [str(each) for each in (*counts, *spends) if not each.agrees]
    for table, key in KEYS.items():
        query = sql.SQL("select count(*), count(distinct ({})) from {}").format(
            sql.SQL(", ").join(map(sql.Identifier, key)), sql.Identifier(truth.SCHEMA, table)
        )
        ((rows, keys),) = fleet.connection.execute(query).fetchall()
        if rows != keys or not rows:
            found.append(f"{table}: {rows} rows with {keys} keys")
    return found


def assert_each_shard_keeps_its_own(states: Mapping[str, Any], fleet: Fleet, count: int) -> None:
    """The state of each shard has a bookmark for each account of its own, and for no other."""
    for index in range(count):
        (bookmarks,) = [
            found for name, found in states.items() if name.endswith(f":shard-{index}-of-{count}")
        ]
        for level in ("account", "campaign", "adset", "ad"):
            partitions = bookmarks[f"{level}_insights"]["partitions"]
            ids = [each["context"]["account_id"] for each in partitions]
            assert sorted(ids) == sorted(fleet.accounts(index, count))
