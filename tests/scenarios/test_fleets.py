"""Fleets of shards, as docs/fleets has them: in Airflow, in Kubernetes, and when they grow.

Airflow is the real one. There is no Kubernetes here: its manifest is held against Kubernetes' own
schemas, and what its containers would run is run, as processes side by side.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
import yaml
from psycopg import sql

from tap_meta_partner.demo import truth
from tap_meta_partner.demo.postgres import embedded_postgres, short_folder
from tap_meta_partner.sandbox import Sandbox, World
from tests.airflow_process import DagRun, engines, new_airflow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_meta_partner.demo.postgres import Postgres

ROOT = Path(__file__).parents[2]
FLEETS = ROOT / "docs" / "fleets"
MANIFEST = yaml.safe_load((FLEETS / "kubernetes.yaml").read_text(encoding="utf-8"))
JOB = MANIFEST["spec"]["jobTemplate"]["spec"]
POD = JOB["template"]["spec"]
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


def shard_of(account_id: str, count: int) -> int:
    """The rule as the README words it."""
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


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with embedded_postgres() as server:
        yield server


@contextlib.contextmanager
def new_fleet(postgres: Postgres, name: str) -> Iterator[Fleet]:
    """Make a fleet with an empty database of its own, where its state is kept too."""
    with psycopg.connect(postgres.uri, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    world = World.agency(seed=11, accounts=30, idle=0.5, days=DAYS + 10)
    loader_uri = postgres.loader_uri.replace("/postgres?", f"/{name}?")
    assert loader_uri != postgres.loader_uri
    since = world.now().date() - dt.timedelta(days=DAYS)
    kept = {key: text for key, text in os.environ.items() if not key.startswith(FOREIGN)}
    with (
        Sandbox(world, token=TOKEN, latency=LATENCY) as sandbox,
        short_folder() as folder,
        psycopg.connect(
            postgres.uri.replace("/postgres?", f"/{name}?"), autocommit=True
        ) as connection,
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
                "TARGET_POSTGRES_SQLALCHEMY_URL": loader_uri,
                "MELTANO_DATABASE_URI": loader_uri,
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


# Airflow


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
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow and the Kubernetes schemas, installed once for all tests here."""
    return engines(tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module")
def night(programs: Path, postgres: Postgres) -> Iterator[Night]:
    """One run of the DAG: in shard 1 Meltano is killed, in shard 2 the tap, in shard 0 nobody."""
    with new_fleet(postgres, "airflow") as fleet:
        environment = {
            **fleet.environment,
            "PATH": os.environ.get("PATH", ""),  # meta_fleet_bin has to do
            "AIRFLOW_VAR_META_FLEET_PROJECT": str(fleet.project),
            "AIRFLOW_VAR_META_FLEET_BIN": str(PROGRAMS),
            "AIRFLOW_VAR_META_FLEET_SHARDS": str(SHARDS),
            "META_FLEET_SCHEDULE": "",
            "META_FLEET_RETRY_SECONDS": "5",
        }
        dag = FLEETS / "airflow_dag.py"
        airflow = new_airflow(programs, fleet.home / "airflow", dag, environment)
        killers = [Killer(fleet, 1, "meltano"), Killer(fleet, 2, "tap-meta-partner")]
        until = time.monotonic() + 240
        threads = [threading.Thread(target=each.watch, args=(until,)) for each in killers]
        for thread in threads:
            thread.start()
        run = airflow.run_dag("meta_fleet", seconds=240)
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


# Kubernetes

VALIDATE = """
import sys, yaml, kubernetes_validate as kubernetes

manifest = yaml.safe_load(sys.stdin)
for version in ("1.33", kubernetes.latest_version()):
    kubernetes.validate(manifest, version, strict=True)
"""


def run_pod(fleet: Fleet, index: int) -> str:
    """Run a pod's init container and then its container, with what Kubernetes gives them."""
    work = Path(tempfile.mkdtemp(dir=fleet.home))  # the emptyDir at /work
    (container,) = POD["containers"]
    said = ""
    for each in (*POD["initContainers"], container):
        done = subprocess.run(
            each["command"],
            cwd=fleet.project,
            env={
                **fleet.environment,  # the Secret
                **{item["name"]: item["value"] for item in each["env"]},
                "HOME": str(work),
                "MELTANO_SYS_DIR_ROOT": str(work / "meltano"),
                "JOB_COMPLETION_INDEX": str(index),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        said += done.stdout
        assert done.returncode == 0, said
    return said


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """All pods of a Job: what they said, and what was there when the last had ended."""

    fleet: Fleet
    said: list[str]
    untrue: list[str]
    states: dict[str, dict[str, Any]]
    written: set[Path]


@pytest.fixture(scope="module")
def pods(postgres: Postgres) -> Iterator[Pods]:
    """All pods of one Job at once, on an empty database."""
    with new_fleet(postgres, "kubernetes") as fleet:
        before = files(fleet.project)
        with ThreadPoolExecutor(SHARDS) as pool:
            said = list(pool.map(lambda index: run_pod(fleet, index), range(SHARDS)))
        yield Pods(
            fleet=fleet,
            said=said,
            untrue=untrue(fleet),
            states=fleet.states(),
            written=files(fleet.project) - before,
        )


def test_kubernetes__manifest_is_valid(programs: Path) -> None:
    """The manifest is what Kubernetes takes, in the oldest version it names and in the newest."""
    validate = [str(programs / "python"), "-c", VALIDATE]
    text = (FLEETS / "kubernetes.yaml").read_text(encoding="utf-8")
    slip = text.replace("backoffLimitPerIndex:", "backoffLimitPerIndx:")

    right = subprocess.run(validate, input=text, capture_output=True, text=True, check=False)
    wrong = subprocess.run(validate, input=slip, capture_output=True, text=True, check=False)

    assert right.returncode == 0, right.stderr
    assert "backoffLimitPerIndx" in wrong.stderr


def test_kubernetes__as_many_pods_as_shards() -> None:
    """The number of shards is said twice, and must be the same."""
    environment = {item["name"]: item["value"] for item in POD["containers"][0]["env"]}

    assert JOB["completionMode"] == "Indexed"
    assert JOB["completions"] == int(environment["SHARD_COUNT"]) == SHARDS


def test_kubernetes__a_run_ends_by_itself_before_its_deadline() -> None:
    """The tap stops well before Kubernetes would stop it."""
    environment = {item["name"]: item["value"] for item in POD["containers"][0]["env"]}

    minutes = int(environment["TAP_META_PARTNER_MAX_RUN_MINUTES"])
    assert minutes * 60 + 1800 <= JOB["activeDeadlineSeconds"]


def test_kubernetes__pods_at_once_on_an_empty_database_load_the_truth(pods: Pods) -> None:
    """Three pods that start together create schema and tables once, and load every row once."""
    assert pods.untrue == []
    for index, said in enumerate(pods.said):
        assert f"of {len(pods.fleet.accounts(index, SHARDS))} ad accounts" in said


def test_kubernetes__each_pod_keeps_its_own_accounts(pods: Pods) -> None:
    """What outlives a pod is its shard's state, in the database."""
    assert {name.partition(":")[0] for name in pods.states} == {"prod"}
    assert_each_shard_keeps_its_own(pods.states, pods.fleet, SHARDS)


def test_kubernetes__nothing_is_written_beside_what_pods_may_write(pods: Pods) -> None:
    """The project's folder is read-only in the pod: no run adds a file to it."""
    assert pods.written == set()


def test_dockerfile__installs_what_the_project_is_tested_with() -> None:
    """The image has the same ranges of Meltano and the loader as pyproject.toml, and no root."""
    dockerfile = (FLEETS / "Dockerfile").read_text(encoding="utf-8")
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    requirements = re.findall(r'^ +("[a-z].*") \\$', dockerfile, re.MULTILINE)

    assert len(requirements) == 3
    assert [each for each in requirements if each not in pyproject] == []
    (user,) = re.findall(r"^USER (\d+):", dockerfile, re.MULTILINE)
    assert int(user) == POD["securityContext"]["runAsUser"]
    for copied in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split())


# Another number of shards


def run_shards(fleet: Fleet, indexes: range, count: int) -> None:
    def run(index: int) -> None:
        done = subprocess.run(
            ["docs/fleets/run_shard.sh", str(index), str(count)],
            cwd=fleet.project,
            env={**fleet.environment, "MELTANO_ENVIRONMENT": "prod"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    with ThreadPoolExecutor(len(indexes)) as pool:
        list(pool.map(run, indexes))


def first_days_asked(fleet: Fleet, calls_before: int) -> dict[str, dt.date]:
    found: dict[str, dt.date] = {}
    for call in fleet.sandbox.calls[calls_before:]:
        if "time_range" in call.params and call.account_id:
            since = dt.date.fromisoformat(json.loads(call.params["time_range"])["since"])
            found[call.account_id] = min(since, found.get(call.account_id, since))
    return found


def reshard(fleet: Fleet, old: int, new: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docs/fleets/reshard.py", str(old), str(new)],
        cwd=fleet.project,
        env=dict(fleet.environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """The fleet of the pods with a shard more, the night after Meta corrected its numbers."""

    fleet: Fleet
    states_before: dict[str, dict[str, Any]]
    dealt: subprocess.CompletedProcess[str]
    states_dealt: dict[str, dict[str, Any]]
    first_days: dict[str, dt.date]
    untrue: list[str]


@pytest.fixture(scope="module")
def grown(pods: Pods) -> Grown:
    fleet = pods.fleet
    before = fleet.states()
    dealt = reshard(fleet, SHARDS, SHARDS + 1)
    states_dealt = fleet.states()
    fleet.world.restate()
    calls_before = len(fleet.sandbox.calls)
    run_shards(fleet, range(SHARDS + 1), SHARDS + 1)
    return Grown(
        fleet=fleet,
        states_before=before,
        dealt=dealt,
        states_dealt=states_dealt,
        first_days=first_days_asked(fleet, calls_before),
        untrue=untrue(fleet),
    )


def test_reshard__deals_every_bookmark_to_its_new_shard(grown: Grown) -> None:
    """The new states have each bookmark as it was, in the shard that now reads its account."""
    assert grown.dealt.returncode == 0, grown.dealt.stderr
    assert "30 accounts of 3 states, now in 4" in grown.dealt.stdout
    assert_each_shard_keeps_its_own(grown.states_dealt, grown.fleet, SHARDS + 1)
    old = bookmarks_in(grown.states_before, SHARDS)
    assert bookmarks_in(grown.states_dealt, SHARDS + 1) == old
    assert len(old) == 4 * 30


def test_reshard__leaves_the_old_states_as_they_are(grown: Grown) -> None:
    """Who is not happy with the new number goes back to the old one."""
    for state_id, bookmarks in grown.states_before.items():
        assert grown.states_dealt[state_id] == bookmarks


def test_reshard__the_next_night_reads_the_lookback_only(grown: Grown) -> None:
    """With bookmarks handed on, no account is read from `start_date` again, and all is true."""
    now = grown.fleet.world.now()
    assert grown.untrue == []
    assert set(grown.first_days) == {each.id for each in grown.fleet.world.readable()}
    for account_id, day in grown.first_days.items():
        # A bookmark is yesterday; midnight may have come to an account since.
        today = grown.fleet.world.account(account_id).today(now)
        assert today - day <= dt.timedelta(days=1 + 28 + 1)


def test_reshard__without_it_accounts_begin_anew(grown: Grown) -> None:
    """A shard of another count has a state of its own: it reads from `start_date`, visibly."""
    calls_before = len(grown.fleet.sandbox.calls)

    run_shards(grown.fleet, range(1), 7)

    first_days = first_days_asked(grown.fleet, calls_before)
    assert set(first_days) == grown.fleet.accounts(0, 7)
    assert set(first_days.values()) == {grown.fleet.days.since}


def test_reshard__a_number_that_never_was__is_an_error(pods: Pods) -> None:
    """A slip in the old number leaves no states behind that look like a fleet's."""
    done = reshard(pods.fleet, 9, 5)

    assert done.returncode == 1
    assert "there is no state of a fleet of 9 shards" in done.stderr
    assert not [name for name in pods.fleet.states() if name.endswith("-of-5")]


def test_reshard__from_a_run_without_shards(pods: Pods) -> None:
    """A single process becomes a fleet: its state is dealt like that of one shard of one."""
    partitions = [
        partition
        for bookmarks in pods.states.values()
        for partition in bookmarks["ad_insights"]["partitions"]
    ]
    plain = {"singer_state": {"bookmarks": {"ad_insights": {"partitions": partitions}}}}
    job = "dev:tap-meta-partner-to-target-postgres"
    set_state = ["meltano", "state", "set", "--force", job, json.dumps(plain)]
    environment = dict(pods.fleet.environment)
    subprocess.run(set_state, cwd=pods.fleet.project, env=environment, check=True)

    done = reshard(pods.fleet, 1, 2)

    assert done.returncode == 0, done.stderr
    states = pods.fleet.states()
    for index in range(2):
        kept = states[f"{job}:shard-{index}-of-2"]["ad_insights"]["partitions"]
        ids = {each["context"]["account_id"] for each in kept}
        assert ids == pods.fleet.accounts(index, 2)


def bookmarks_in(states: Mapping[str, Any], count: int) -> dict[tuple[str, str], Any]:
    return {
        (stream, partition["context"]["account_id"]): partition
        for state_id, bookmarks in states.items()
        if state_id.endswith(f"-of-{count}")
        for stream, kept in bookmarks.items()
        for partition in kept.get("partitions", [])
    }


# The contract of one shard


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
