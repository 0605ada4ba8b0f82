"""Targets that die, stop reading or read slowly: what the tap says, what the next run brings."""

from __future__ import annotations

import datetime as dt
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import World
from tests.support.tap_process import complaints_in, spend_by_account_and_day

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_meta_partner.sandbox import Sandbox

NOW = dt.datetime(2026, 10, 20, 10, 30, tzinfo=dt.timezone.utc)
#: So many seconds last a minute: STATE goes out every hundredth of a second, or at the end only.
FAST, AS_IT_IS = 0.02, 60.0
#: Takes so many lines, shows which, and dies.
MORTAL_TARGET = """
import sys, itertools
sys.stdout.writelines(itertools.islice(sys.stdin, int(sys.argv[1])))
sys.exit(1)
"""
STOPPED = (
    "the target stopped reading, its log says why; "
    "the next run goes on from the last state the target confirmed"
)
LOOKS_UNHANDLED = ("Traceback", "Exception ignored", "BrokenPipe", "unhandled")
#: The latest row of each ad and day.
Rows = dict[tuple[str, str, str], dict[str, Any]]


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The demo world on a fixed day."""
    return start_sandbox(World.demo(seed=7, now=lambda: NOW))


@dataclass(slots=True)
class Running:
    """A tap that writes into a pipe of ours.

    Attributes:
        reading: our end of the pipe.
        full: the tap's end, kept open to see whether the pipe is full.
    """

    process: subprocess.Popen[bytes]
    reading: int
    full: int
    log: Path

    def wait_until_full(self) -> None:
        """Wait until the tap can write no more."""
        deadline = time.monotonic() + 60
        while select.select([], [self.full], [], 0)[1]:
            assert time.monotonic() < deadline
            assert self.process.poll() is None
            time.sleep(0.02)

    def feed(self, target: list[str]) -> bytes:
        """Let a target read what the tap writes, and return what it prints."""
        with subprocess.Popen(
            target, stdin=self.reading, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            self.hang_up()
            printed, _ = process.communicate(timeout=60)
        return printed

    def hang_up(self) -> None:
        """Close our end of the pipe."""
        os.close(self.full)
        os.close(self.reading)

    def end(self) -> tuple[int, str]:
        """Wait for the tap; return its exit code and its log."""
        return self.process.wait(timeout=60), self.log.read_text(encoding="utf-8")

    def read_to_the_end(self) -> list[dict[str, Any]]:
        """Read all that comes, up to the tap's end: every line is whole."""
        os.close(self.full)
        with os.fdopen(self.reading, "rb") as pipe:
            raw = pipe.read()
        self.process.wait(timeout=60)
        return messages(raw)


def start(  # noqa: PLR0913  (each is a circumstance of the run)
    folder: Path,
    config: Mapping[str, Any],
    *,
    state: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    minute: float = FAST,
) -> Running:
    command = [
        sys.executable,
        "-m",
        "tests.support.fast_time",
        str(minute),
        "--now",
        NOW.isoformat(),
    ]
    command += arguments
    for name, content in (("config", config), ("state", state)):
        if content is not None:
            path = folder / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            command += [f"--{name}", str(path)]
    reading, writing = os.pipe()
    log = folder / "log.txt"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=writing, stderr=errors, env={**os.environ, **(environment or {})}
        )
    return Running(process, reading, writing, log)


def messages(raw: bytes) -> list[dict[str, Any]]:
    *lines, end = raw.split(b"\n")
    assert end == b""
    return [json.loads(line, parse_float=Decimal) for line in lines]


def ad_rows(found: list[dict[str, Any]]) -> Rows:
    """What an upserting target holds of the ads after these messages."""
    return {
        (
            message["record"]["account_id"],
            message["record"]["date_start"],
            message["record"]["ad_id"],
        ): (message["record"])
        for message in found
        if message["type"] == "RECORD" and message["stream"] == "ad_insights"
    }


def states(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message["value"] for message in found if message["type"] == "STATE"]


def spend_of(rows: Rows) -> dict[tuple[str, str], Decimal]:
    return spend_by_account_and_day(rows.values())


def truth(world: World) -> dict[tuple[str, str], Decimal]:
    """The true spend by account and day of the days a first run reads."""
    return {
        (account.id, str(day)): totals.spend
        for account in world.readable()
        for today in [account.today(NOW)]
        for day, totals in world.truth.day_totals(
            account.id, today - dt.timedelta(days=30), today
        ).items()
    }


def assert_one_line(log: str, code: int) -> None:
    """Hold that the log complains once, in words for people, and the run counts as failed."""
    assert code == 1
    assert not [word for word in LOOKS_UNHANDLED if word in log]
    (complaint,) = complaints_in(log)
    assert STOPPED in complaint


@pytest.mark.parametrize(
    ("lines", "unbuffered"), [(3, ""), (40, "1"), (900, ""), (900, "1"), (1700, "")]
)
def test_target_dies__costs_one_line_and_no_row(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path, lines: int, unbuffered: str
) -> None:
    """The tap says so once, and a run from an older state than the target's last is complete."""
    running = start(tmp_path, config, environment={"PYTHONUNBUFFERED": unbuffered})
    taken = messages(running.feed([sys.executable, "-c", MORTAL_TARGET, str(lines)]))
    code, log = running.end()
    confirmed = states(taken)[: lines // 400]
    sandbox.world.restate()

    following = start(tmp_path, config, state=confirmed[-1] if confirmed else {})
    found = following.read_to_the_end()

    assert len(taken) == lines
    assert_one_line(log, code)
    assert following.end()[0] == 0
    assert spend_of({**ad_rows(taken), **ad_rows(found)}) == truth(sandbox.world)


@pytest.mark.parametrize("state", [None, {"bookmarks": {}}, "of a run"], ids=str)
def test_target_never_reads__costs_one_line(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path, state: dict[str, Any] | str | None
) -> None:
    """Whether the first message is a SCHEMA or the STATE given, a broken pipe is told as such."""
    if isinstance(state, str):
        first = start(tmp_path, config)
        state = states(first.read_to_the_end())[-1]
    calls = len(sandbox.calls)
    running = start(tmp_path, config, state=state)

    assert running.feed(["head", "-c", "0"]) == b""

    code, log = running.end()
    assert_one_line(log, code)
    assert len(sandbox.calls) == calls


def test_discover__into_a_pipe_nobody_reads_is_no_traceback(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """Whoever looks at the first lines of a catalog only sees no traceback."""
    running = start(tmp_path, config, arguments=["--discover"])

    running.feed(["head", "-c", "0"])

    assert not [word for word in LOOKS_UNHANDLED if word in running.end()[1]]


def by_account_and_stream(found: list[dict[str, Any]]) -> dict[tuple[str, str], list[Any]]:
    """Tell the rows in the order in which they came, without what differs from run to run."""
    rows: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for message in found:
        if message["type"] == "RECORD" and message["stream"].endswith("_insights"):
            record = {**message["record"], "read_at": None}
            rows[message["stream"], record["account_id"]].append(record)
    return rows


def test_target_pauses__nothing_is_lost_or_out_of_order_or_heaped_up(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """While the target does not read, the tap asks for no more than it may have under way.

    Its memory stays as it is, and afterwards all rows come, each once, in order.
    """
    world = World.agency(seed=7, accounts=12, idle=0, now=lambda: NOW)
    sandbox = start_sandbox(world)
    config = {"access_token": sandbox.token, "api_url": sandbox.url, "max_concurrency": 2}
    undisturbed = start(tmp_path, config).read_to_the_end()
    all_calls = len(sandbox.calls)

    running = start(tmp_path, config)
    running.wait_until_full()
    time.sleep(0.3)  # what is under way comes to its end
    calls, memory = len(sandbox.calls), resident(running.process.pid)
    time.sleep(1)
    calls_later, memory_later = len(sandbox.calls), resident(running.process.pid)
    found = running.read_to_the_end()

    assert running.end()[0] == 0
    assert calls_later == calls <= all_calls + all_calls // 4
    assert memory_later - memory < 1_000_000
    assert by_account_and_stream(found) == by_account_and_stream(undisturbed)
    assert spend_of(ad_rows(found)) == truth(world)


def resident(process: int) -> int:
    """How many bytes of memory a process has, where that can be asked; 0 elsewhere."""
    status = Path(f"/proc/{process}/statm")
    if not status.exists():
        return 0
    return int(status.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_signal__on_a_full_pipe_leaves_whole_lines_and_state(
    sandbox: Sandbox,
    config: dict[str, Any],
    tmp_path: Path,
    signal_number: int,
    unbuffered: str,
) -> None:
    """The message under way is ended once the target reads on; STATE comes before all that is left.

    Only what became of each account follows it: it might be read no more.
    """
    environment = {"PYTHONUNBUFFERED": unbuffered}
    running = start(tmp_path, config, environment=environment, minute=AS_IT_IS)
    running.wait_until_full()
    running.process.send_signal(signal_number)
    time.sleep(0.3)
    assert running.process.poll() is None
    found = running.read_to_the_end()
    code, log = running.end()

    rest = start(tmp_path, config, state=states(found)[-1]).read_to_the_end()

    assert code == 128 + signal_number
    assert "Traceback" not in log
    behind = list(takewhile(lambda message: message["type"] != "STATE", reversed(found)))
    assert {message["stream"] for message in behind} <= {"account_sync_status"}
    assert spend_of({**ad_rows(found), **ad_rows(rest)}) == truth(sandbox.world)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_signal__while_a_large_state_waits_for_the_target_leaves_it_whole(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path, unbuffered: str
) -> None:
    """The first STATE can be larger than a pipe: it comes whole, then the run ends, unbegun."""
    partitions = [
        {
            "context": {"account_id": str(number)},
            "replication_key": "date_start",
            "replication_key_value": "2026-10-19",
        }
        for number in range(2000)
    ]
    state = {"bookmarks": {"ad_insights": {"partitions": partitions}}}
    running = start(tmp_path, config, state=state, environment={"PYTHONUNBUFFERED": unbuffered})
    running.wait_until_full()
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    found = running.read_to_the_end()

    assert running.end()[0] == 128 + signal.SIGTERM
    assert states(found)[0] == state
    assert {message["type"] for message in found} <= {"STATE", "SCHEMA"}
    assert len(sandbox.calls) == 0


def test_signal__that_takes_the_target_along_still_gives_its_own_code(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """Ctrl-C reaches tap and target: the pipe is broken then, and the exit code is the signal's."""
    running = start(tmp_path, config)
    running.wait_until_full()
    running.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    running.hang_up()

    code, log = running.end()
    assert code == 128 + signal.SIGINT
    assert not [word for word in LOOKS_UNHANDLED if word in log]
