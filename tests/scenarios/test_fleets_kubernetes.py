"""A fleet of shards in Kubernetes, and with another number of shards, as docs/fleets has it.

There is no Kubernetes here: the manifest is held against Kubernetes' own schemas, and what its
containers would run is run, as processes side by side.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.fleets import (
    FLEETS,
    ROOT,
    SHARDS,
    Fleet,
    assert_each_shard_keeps_its_own,
    installed,
    new_fleet,
    untrue,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MANIFEST = yaml.safe_load((FLEETS / "kubernetes.yaml").read_text(encoding="utf-8"))
JOB = MANIFEST["spec"]["jobTemplate"]["spec"]
POD = JOB["template"]["spec"]
FEWER = 2
VALIDATE = """
import sys, yaml, kubernetes_validate as kubernetes

manifest = yaml.safe_load(sys.stdin)
for version in ("1.33", kubernetes.latest_version()):
    kubernetes.validate(manifest, version, strict=True)
"""


def run_pod(fleet: Fleet, index: int) -> str:
    """Run a pod's init container and then its container, with what Kubernetes gives them."""
    work = Path(tempfile.mkdtemp(dir=fleet.home))  # the emptyDir at /scratch
    (container,) = POD["containers"]
    said = ""
    for each in (*POD["initContainers"], container):
        environment = {
            **{item["name"]: item["value"] for item in each["env"]},
            "HOME": str(work),
            "MELTANO_SYS_DIR_ROOT": str(work / "meltano"),
            "JOB_COMPLETION_INDEX": str(index),
        }
        said += run_command(fleet, each["command"], environment)
    return said


def run_command(fleet: Fleet, command: list[str], environment: Mapping[str, str]) -> str:
    """Run a command beside the Secret's settings; return what it said."""
    done = subprocess.run(
        command,
        cwd=fleet.project,
        env={**fleet.environment, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


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
def pods() -> Iterator[Pods]:
    """All pods of one Job at once, on an empty database."""
    with new_fleet() as fleet:
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


def test_kubernetes__manifest_is_valid(tmp_path: Path) -> None:
    """The manifest is what Kubernetes takes, in the oldest version it names and in the newest."""
    programs = installed("kubernetes", tmp_path / "environment")
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
        command = ["docs/fleets/run_shard.sh", str(index), str(count)]
        run_command(fleet, command, {"MELTANO_ENVIRONMENT": "prod"})

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
class Resharded:
    """The same fleet with another number of shards, the night after Meta corrected numbers."""

    fleet: Fleet
    states_before: dict[str, dict[str, Any]]
    dealt: subprocess.CompletedProcess[str]
    states_dealt: dict[str, dict[str, Any]]
    first_days: dict[str, dt.date]
    untrue: list[str]


@pytest.fixture(scope="module")
def resharded(pods: Pods) -> Resharded:
    fleet = pods.fleet
    before = fleet.states()
    dealt = reshard(fleet, SHARDS, FEWER)
    states_dealt = fleet.states()
    fleet.world.restate()
    calls_before = len(fleet.sandbox.calls)
    run_shards(fleet, range(FEWER), FEWER)
    return Resharded(
        fleet=fleet,
        states_before=before,
        dealt=dealt,
        states_dealt=states_dealt,
        first_days=first_days_asked(fleet, calls_before),
        untrue=untrue(fleet),
    )


def test_reshard__deals_every_bookmark_to_its_new_shard(resharded: Resharded) -> None:
    """The new states have each bookmark as it was, in the shard that now reads its account."""
    assert resharded.dealt.returncode == 0, resharded.dealt.stderr
    assert "30 accounts of 3 states, now in 2" in resharded.dealt.stdout
    assert_each_shard_keeps_its_own(resharded.states_dealt, resharded.fleet, FEWER)
    old = bookmarks_in(resharded.states_before, SHARDS)
    assert bookmarks_in(resharded.states_dealt, FEWER) == old
    assert len(old) == 4 * 30


def test_reshard__leaves_the_old_states_as_they_are(resharded: Resharded) -> None:
    """Who is not happy with the new number goes back to the old one."""
    for state_id, bookmarks in resharded.states_before.items():
        assert resharded.states_dealt[state_id] == bookmarks


def test_reshard__the_next_night_reads_the_lookback_only(resharded: Resharded) -> None:
    """With bookmarks handed on, no account is read from `start_date` again, and all is true."""
    now = resharded.fleet.world.now()
    assert resharded.untrue == []
    assert set(resharded.first_days) == {each.id for each in resharded.fleet.world.readable()}
    for account_id, day in resharded.first_days.items():
        # A bookmark is yesterday; midnight may have come to an account since.
        today = resharded.fleet.world.account(account_id).today(now)
        assert today - day <= dt.timedelta(days=1 + 28 + 1)


def test_reshard__without_it_accounts_begin_anew(resharded: Resharded) -> None:
    """A shard of another count has a state of its own: it reads from `start_date`, visibly."""
    calls_before = len(resharded.fleet.sandbox.calls)

    run_shards(resharded.fleet, range(1), 7)

    first_days = first_days_asked(resharded.fleet, calls_before)
    assert set(first_days) == resharded.fleet.accounts(0, 7)
    assert set(first_days.values()) == {resharded.fleet.days.since}


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

    done = reshard(pods.fleet, 1, 4)

    assert done.returncode == 0, done.stderr
    states = pods.fleet.states()
    for index in range(4):
        kept = states[f"{job}:shard-{index}-of-4"]["ad_insights"]["partitions"]
        ids = {each["context"]["account_id"] for each in kept}
        assert ids == pods.fleet.accounts(index, 4)


def bookmarks_in(states: Mapping[str, Any], count: int) -> dict[tuple[str, str], Any]:
    return {
        (stream, partition["context"]["account_id"]): partition
        for state_id, bookmarks in states.items()
        if state_id.endswith(f"-of-{count}")
        for stream, kept in bookmarks.items()
        for partition in kept.get("partitions", [])
    }
