"""A fleet of shards, as docs/fleets has it, in a real Airflow."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.airflow_process import DagRun, new_airflow
from tests.support.fleets import (
    FLEETS,
    PROGRAMS,
    SHARDS,
    TOKEN,
    Fleet,
    assert_each_shard_keeps_its_own,
    installed,
    new_fleet,
    untrue,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(slots=True)
class Killer:
    """Kills a process of a shard at a random moment of its first try.

    Attributes:
        program: whose process.
        after: seconds after the shard asked for insights for the first time.
        killed: the process's number, once it has happened.
    """

    fleet: Fleet
    index: int
    program: str
    after: float = field(default_factory=lambda: random.uniform(0, 2))  # noqa: S311
    killed: int | None = None

    def watch(self, until: float) -> None:
        """Wait for the shard's first question, then a while, then kill."""
        accounts = self.fleet.accounts(self.index, SHARDS)
        while time.monotonic() < until and not self._has_asked(accounts):
            time.sleep(0.05)
        time.sleep(self.after)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if self._is_it(process):
                    process.kill()
                    self.killed = process.pid
                    return

    def _has_asked(self, accounts: set[str]) -> bool:
        calls = list(self.fleet.sandbox.calls)
        return any(call.account_id in accounts and "time_range" in call.params for call in calls)

    def _is_it(self, process: psutil.Process) -> bool:
        environment = process.environ()
        return (
            any(part.endswith(f"/{self.program}") for part in process.cmdline()[:2])
            and environment.get("TAP_META_PARTNER_API_URL") == self.fleet.sandbox.url
            and environment.get("TAP_META_PARTNER_SHARD_INDEX") == str(self.index)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One run of the DAG, during which two processes were killed."""

    fleet: Fleet
    run: DagRun
    killers: list[Killer]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """One run of the DAG: in shard 1 Meltano is killed, in shard 2 the tap, in shard 0 nobody."""
    programs = installed("airflow", tmp_path_factory.mktemp("airflow"))
    with new_fleet() as fleet:
        # A folder whose name a shell would run, were it ever part of a command.
        project = fleet.home / "clients' $(touch pwned) \"; touch pwned; #"
        project.symlink_to(fleet.project)
        environment = {
            **fleet.environment,
            "PATH": os.environ.get("PATH", ""),  # meta_fleet_bin has to do
            "AIRFLOW_VAR_META_FLEET_PROJECT": str(project),
            "AIRFLOW_VAR_META_FLEET_BIN": str(PROGRAMS),
            "AIRFLOW_VAR_META_FLEET_SHARDS": str(SHARDS),
            "META_FLEET_SCHEDULE": "@once",
            "META_FLEET_RETRY_SECONDS": "5",
        }
        dag = FLEETS / "airflow_dag.py"
        airflow = new_airflow(programs, fleet.home / "airflow", dag, environment)
        killers = [Killer(fleet, 1, "meltano"), Killer(fleet, 2, "tap-meta-partner")]
        until = time.monotonic() + 360
        threads = [
            threading.Thread(target=each.watch, args=(until,), daemon=True) for each in killers
        ]
        for thread in threads:
            thread.start()
        run = airflow.run_dag_once(seconds=360)
        for thread in threads:
            thread.join()
        yield Night(fleet=fleet, run=run, killers=killers)


def test_airflow__two_shards_are_killed_and_tried_again(night: Night) -> None:
    """Each killed shard succeeds at its second try, and costs the others nothing."""
    assert all(each.killed for each in night.killers), night.killers
    assert night.run.state == "success", night.run.log[-4000:]
    assert night.run.tries == {
        ("prepare", -1): 1,
        ("shards", -1): 1,
        ("shard", 0): 1,
        ("shard", 1): 2,
        ("shard", 2): 2,
    }
    assert set(night.run.states.values()) == {"success"}


def test_airflow__what_was_loaded_is_true(night: Night) -> None:
    """Every row is there once and every sum is exact, whatever moment the shards were killed at."""
    assert untrue(night.fleet) == []


def test_airflow__each_shard_keeps_its_own_accounts(night: Night) -> None:
    """After retries too, a shard's state has its own accounts and no other."""
    states = night.fleet.states()

    assert len(states) == SHARDS
    assert_each_shard_keeps_its_own(states, night.fleet, SHARDS)


def test_airflow__no_token_in_any_log(night: Night) -> None:
    """Airflow's logs hold all that tap and loader say, and no secret."""
    assert "ad accounts:" in night.run.log
    assert TOKEN not in night.run.log


def test_airflow__what_a_variable_says_is_never_run(night: Night) -> None:
    """A variable reaches the shell as a variable: its text is a folder's name and no command."""
    assert set(night.run.states.values()) == {"success"}
    assert list(night.fleet.home.rglob("pwned")) == []


# The contract of one shard


def test_run_shard__writes_for_nobody_else(tmp_path: Path) -> None:
    """Meltano leaves the rights of its files, the tap's settings among them, to the umask."""
    programs = tmp_path / "programs"
    programs.mkdir()
    meltano = programs / "meltano"
    meltano.write_text('#!/bin/sh\necho "$@" > run\n')
    meltano.chmod(0o755)

    subprocess.run(
        [str(FLEETS / "run_shard.sh"), "1", "3"],
        cwd=tmp_path,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "MELTANO_DATABASE_URI": "x"},
        umask=0o022,
        check=True,
    )

    written = tmp_path / "run"
    assert written.stat().st_mode & 0o777 == 0o600
    assert "--state-id-suffix shard-1-of-3" in written.read_text()


@pytest.mark.parametrize("script", ["prepare.py", "run_shard.sh"])
def test_scripts__without_a_place_for_the_state__refuse(script: str, tmp_path: Path) -> None:
    """A shard whose state would be gone with its process does not begin."""
    done = subprocess.run(
        [str(FLEETS / script), "0", "3"],
        cwd=tmp_path,
        env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "TARGET_POSTGRES_SQLALCHEMY_URL": "x"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "MELTANO_DATABASE_URI" in done.stderr


def test_run_shard__without_a_count__says_how_it_is_used() -> None:
    """A forgotten argument is no run over all accounts."""
    done = subprocess.run(
        [str(FLEETS / "run_shard.sh"), "0"], capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert "usage: run_shard.sh INDEX COUNT" in done.stderr
