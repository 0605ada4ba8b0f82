"""A fleet of shards in Kubernetes, and with another number of shards, as docs/fleets has it.

There is no Kubernetes here: the manifest is held against Kubernetes' own schemas, and what its
containers would run is run, as processes side by side.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
import re
import stat
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.fleets import (
    FLEETS,
    ROOT,
    SHARDS,
    TOKEN,
    Fleet,
    assert_each_shard_keeps_its_own,
    installed,
    new_fleet,
    untrue,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

CRONJOB, POLICY = yaml.safe_load_all((FLEETS / "kubernetes.yaml").read_text(encoding="utf-8"))
JOB = CRONJOB["spec"]["jobTemplate"]["spec"]
POD = JOB["template"]["spec"]
VOLUMES = {each["name"]: each["emptyDir"] for each in POD["volumes"]}
#: What is in the manifest's two Secrets, as its heading has it.
SECRETS = {
    "meta-fleet-databases": ["TARGET_POSTGRES_SQLALCHEMY_URL", "MELTANO_DATABASE_URI"],
    "meta-fleet-meta": ["TAP_META_PARTNER_ACCESS_TOKEN"],
}
FEWER = 2
VALIDATE = """
import sys, yaml, kubernetes_validate as kubernetes

for manifest in yaml.safe_load_all(sys.stdin):
    for version in ("1.33", kubernetes.latest_version()):
        kubernetes.validate(manifest, version, strict=True)
"""


@dataclass(slots=True)
class Watch:
    """Looks at a pod's volumes while it runs.

    Attributes:
        largest: bytes in a volume, by its name, when there were most.
        with_token: files that held the token at some time.
        open_to_others: files that somebody else could have read or written at some time.
    """

    volumes: Mapping[str, Path]
    largest: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VOLUMES, 0))
    with_token: set[str] = field(default_factory=set)
    open_to_others: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look ten times a second, and once more at the end."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        yield
        self.over.set()
        thread.join()

    def _watch(self) -> None:
        while not self.over.wait(0.1):
            self._look()
        self._look()

    def _look(self) -> None:
        for volume, folder in self.volumes.items():
            size = 0
            for path in folder.rglob("*"):
                with contextlib.suppress(OSError):  # gone since
                    size += self._size(path)
            self.largest[volume] = max(self.largest[volume], size)

    def _size(self, path: Path) -> int:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return 0
        if found.st_mode & 0o077:
            self.open_to_others.add(path.name)
        if path.suffix == ".json" and TOKEN in path.read_text(encoding="utf-8", errors="replace"):
            self.with_token.add(path.name)
        return found.st_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """What one pod said, and what was seen of its volumes."""

    said: str
    watch: Watch


def run_pod(fleet: Fleet, index: int) -> Pod:
    """Run a pod's init container and then its container, with what Kubernetes gives them."""
    volumes = {name: Path(tempfile.mkdtemp(dir=fleet.home)) for name in VOLUMES}
    (container,) = POD["containers"]
    said = ""
    watch = Watch(volumes)
    with watch.watching():
        for each in (*POD["initContainers"], container):
            environment = {
                **{item["name"]: item["value"] for item in each["env"]},
                "HOME": str(volumes["scratch"]),
                "TMPDIR": str(volumes["tmp"]),
                "MELTANO_SYS_DIR_ROOT": str(volumes["scratch"] / "meltano"),
                "JOB_COMPLETION_INDEX": str(index),
            }
            said += run_command(fleet, each["command"], environment, keys_for(each))
    return Pod(said=said, watch=watch)


def keys_for(container: Mapping[str, Any]) -> set[str]:
    """Return the variables that a container has from Secrets."""
    return {key for each in container["envFrom"] for key in SECRETS[each["secretRef"]["name"]]}


def run_command(
    fleet: Fleet,
    command: list[str],
    environment: Mapping[str, str],
    secrets: Collection[str] = frozenset(chain.from_iterable(SECRETS.values())),
) -> str:
    """Run a command with these secrets and no other; return what it said."""
    withheld = set(chain.from_iterable(SECRETS.values())) - set(secrets)
    given = {key: text for key, text in fleet.environment.items() if key not in withheld}
    done = subprocess.run(
        command,
        cwd=fleet.project,
        env={**given, **environment},
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
    each: list[Pod]
    untrue: list[str]
    states: dict[str, dict[str, Any]]
    written: set[Path]


@pytest.fixture(scope="module")
def pods() -> Iterator[Pods]:
    """All pods of one Job at once, on an empty database."""
    with new_fleet() as fleet:
        before = files(fleet.project)
        with ThreadPoolExecutor(SHARDS) as pool:
            each = list(pool.map(lambda index: run_pod(fleet, index), range(SHARDS)))
        yield Pods(
            fleet=fleet,
            each=each,
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
    for index, pod in enumerate(pods.each):
        assert f"of {len(pods.fleet.accounts(index, SHARDS))} ad accounts" in pod.said


def test_kubernetes__each_pod_keeps_its_own_accounts(pods: Pods) -> None:
    """What outlives a pod is its shard's state, in the database."""
    assert {name.partition(":")[0] for name in pods.states} == {"prod"}
    assert_each_shard_keeps_its_own(pods.states, pods.fleet, SHARDS)


def test_kubernetes__nothing_is_written_beside_what_pods_may_write(pods: Pods) -> None:
    """The project's folder is read-only in the pod: no run adds a file to it."""
    assert pods.written == set()


def test_kubernetes__a_token_reaches_memory_only_and_nobody_elses_eyes(pods: Pods) -> None:
    """Meltano writes the token to a file: on a volume in memory, and never readable by others."""
    for pod in pods.each:
        assert pod.watch.with_token
        assert pod.watch.open_to_others == set()
    assert {each["medium"] for each in VOLUMES.values()} == {"Memory"}


def test_kubernetes__volumes_are_large_enough_and_fit_into_memory(pods: Pods) -> None:
    """What a pod writes is a quarter of its volumes at most, and these a quarter of its memory."""
    limits = {name: mebibytes(each["sizeLimit"]) for name, each in VOLUMES.items()}
    memory = mebibytes(POD["containers"][0]["resources"]["limits"]["memory"])

    for pod in pods.each:
        assert sum(pod.watch.largest.values()) > 0
        for name, size in pod.watch.largest.items():
            assert size / 2**20 <= limits[name] / 4
    assert sum(limits.values()) <= memory / 4


def mebibytes(quantity: str) -> int:
    number, unit = int(quantity[:-2]), quantity[-2:]
    return number * {"Mi": 1, "Gi": 1024}[unit]


def test_kubernetes__no_container_has_a_secret_it_does_not_need() -> None:
    """The token is not where only tables are made; the heading says how to make both Secrets."""
    (prepare,), (shard,) = POD["initContainers"], POD["containers"]
    heading = (FLEETS / "kubernetes.yaml").read_text(encoding="utf-8").partition("apiVersion")[0]

    assert keys_for(prepare) == set(SECRETS["meta-fleet-databases"])
    assert keys_for(shard) == set(chain.from_iterable(SECRETS.values()))
    assert set(re.findall(r"create secret generic (\S+)", heading)) == set(SECRETS)
    assert set(re.findall(r"([A-Z_]+)=", heading)) == set(chain.from_iterable(SECRETS.values()))


def test_kubernetes__every_container_is_bounded() -> None:
    """Neither a leak of memory nor a flood of words takes a node's other pods along."""
    for each in (*POD["initContainers"], *POD["containers"]):
        limits, requests = each["resources"]["limits"], each["resources"]["requests"]
        assert {"memory", "ephemeral-storage"} <= set(limits) & set(requests)


@pytest.mark.parametrize(
    ("address", "port", "reached"),
    [
        ("157.240.0.1", 443, True),
        ("2a03:2880:f100::1", 443, True),
        ("10.1.2.3", 5432, True),
        ("157.240.0.1", 80, False),
        ("157.240.0.1", 5432, False),
        ("169.254.169.254", 443, False),
        ("169.254.169.254", 80, False),
        ("10.0.0.1", 443, False),
        ("192.168.1.1", 443, False),
        ("fd00:ec2::254", 443, False),
    ],
)
def test_kubernetes__a_pod_reaches_meta_and_its_database(
    address: str, port: int, *, reached: bool
) -> None:
    """Hardly a way out for a stolen token; the cloud's metadata are out of reach."""
    blocks = [
        (to["ipBlock"], {each["port"] for each in rule["ports"]})
        for rule in POLICY["spec"]["egress"]
        for to in rule["to"]
        if "ipBlock" in to
    ]

    assert POLICY["spec"]["podSelector"]["matchLabels"] == JOB["template"]["metadata"]["labels"]
    assert set(POLICY["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert POLICY["spec"]["ingress"] == []
    assert any(port in ports and holds(block, address) for block, ports in blocks) is reached


def holds(block: Mapping[str, Any], address: str) -> bool:
    """Whether an `ipBlock` has this address."""
    block = {"except": [], **block}
    ip = ipaddress.ip_address(address)
    within = [
        ip in ipaddress.ip_network(each) for each in (block["cidr"], *block.get("except", []))
    ]
    return within[0] and not any(within[1:])


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
