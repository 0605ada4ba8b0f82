"""Real Airflow: a scheduler with its API server as processes, on SQLite in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_STOP_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRun:
    """How a run of a DAG ended.

    Attributes:
        state: success or failed.
        tries: by task and map index (-1 where it is not mapped), how many tries it took.
        states: by the same, how the last try ended.
        log: what the scheduler and the tasks said.
    """

    state: str
    tries: Mapping[tuple[str, int], int]
    states: Mapping[tuple[str, int], str]
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Airflow:
    """An installation with its own home.

    Attributes:
        programs: where `airflow` is.
        home: AIRFLOW_HOME; DAGs are in its folder `dags`.
        environment: of all its processes, and so of the tasks.
    """

    programs: Path
    home: Path
    environment: Mapping[str, str]

    def run_dag_once(self, *, seconds: float) -> DagRun:
        """Run the DAG, whose schedule is `@once`, with all that a scheduler does."""
        self.say("db", "migrate")
        self.say("dags", "reserialize")  # what a DAG processor does all the time
        with self._scheduling():
            self._wait_for_the_run(time.monotonic() + seconds)
        return self._dag_run()

    def say(self, *arguments: str) -> str:
        """Run a command of Airflow's, which has to succeed."""
        done = subprocess.run(
            [str(self.programs / "airflow"), *arguments],
            env=dict(self.environment),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"airflow {arguments}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done.stdout

    @contextlib.contextmanager
    def _scheduling(self) -> Iterator[None]:
        port = self.environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].split(":")[2]
        server = ["api-server", "--host", "127.0.0.1", "--port", port.split("/")[0]]
        with (
            self._process(*server, "--workers", "1", "--apps", "execution"),
            self._process("scheduler"),
        ):
            yield

    @contextlib.contextmanager
    def _process(self, *arguments: str) -> Iterator[None]:
        with (self.home / f"{arguments[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(self.programs / "airflow"), *arguments],
                env=dict(self.environment),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield
            finally:
                for number in (signal.SIGTERM, signal.SIGKILL):
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, number)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(_STOP_SECONDS)

    def _wait_for_the_run(self, until: float) -> None:
        # Not with `airflow dags list-runs`: each of its calls takes seconds of a core.
        while time.monotonic() < until:
            if self._ask("select 1 from dag_run where state in ('success', 'failed')"):
                return
            time.sleep(0.5)
        pytest.fail(f"the run of the DAG did not end in time:\n{self._log()[-4000:]}")

    def _dag_run(self) -> DagRun:
        ((state,),) = self._ask("select state from dag_run")
        tasks = self._ask("select task_id, map_index, try_number, state from task_instance")
        return DagRun(
            state=state,
            tries={(task, index): tries for task, index, tries, _ in tasks},
            states={(task, index): ended for task, index, _, ended in tasks},
            log=self._log(),
        )

    def _ask(self, query: str) -> list[tuple]:
        with contextlib.closing(sqlite3.connect(self.home / "airflow.db", timeout=30)) as database:
            return database.execute(query).fetchall()

    def _log(self) -> str:
        files = [*self.home.glob("*.log"), *(self.home / "logs").rglob("*.log")]
        return "\n".join(
            path.read_text(encoding="utf-8", errors="replace") for path in sorted(files)
        )


def new_airflow(programs: Path, home: Path, dag: Path, environment: Mapping[str, str]) -> Airflow:
    """Make a home with one DAG in it. Nothing is sent to anybody."""
    (home / "dags").mkdir(parents=True)
    shutil.copy(dag, home / "dags")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "false",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
    }
    return Airflow(programs=programs, home=home, environment={**environment, **own})
