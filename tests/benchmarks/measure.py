"""One measured run of the tap as a process, and of the bare loop over the same calls."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from tests.support.peak_memory import PeakMemory
from tests.support.tap_process import catalog_selecting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.benchmarks.workloads import Workload

_MEGABYTE = 1 << 20
_DECODE = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(slots=True)
class Measured:
    """What a run took, and what it wrote.

    Attributes:
        wall: seconds.
        cpu: seconds of the process alone.
        peak: bytes of memory at most.
        rows: insights rows written.
        state_bytes: of all STATE messages together.
        state: the last one's value.
        keyed: spend of the ad level, the last row of each key.
        keys: how many different keys each level has.
        code: exit code.
    """

    wall: float = 0.0
    cpu: float = 0.0
    peak: int = 0
    rows: int = 0
    state_bytes: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    keyed: dict[tuple[str, ...], Decimal] = field(default_factory=dict)
    keys: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    code: int = 0
    log: str = ""

    @property
    def spend(self) -> dict[tuple[str, str], Decimal]:
        """Spend by account and day at ad level."""
        total: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for (account_id, day, _), spend in self.keyed.items():
            total[account_id, day] += spend
        return dict(total)


def run(
    workload: Workload,
    url: str,
    folder: Path,
    *,
    state: Mapping[str, Any] | None = None,
    kill: tuple[float, int] | None = None,
) -> Measured:
    """Run the tap once; `kill` is (after so many seconds, which signal)."""
    command = _command(workload, url, folder, state)
    measured = Measured()
    output = folder / "output.jsonl"
    environment = compiled()
    begun = time.monotonic()
    with output.open("wb") as out, (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=out, stderr=log, env=environment)
        peak = PeakMemory(process.pid)
        if kill:
            _kill_later(process, *kill)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    measured.wall = time.monotonic() - begun
    measured.cpu = usage.ru_utime + usage.ru_stime
    measured.peak = peak.bytes
    measured.code = process.returncode
    measured.log = (folder / "log.txt").read_text(encoding="utf-8")
    _read(output, measured)
    return measured


@cache
def compiled() -> Mapping[str, str]:
    """Return an environment in which all modules are compiled, as they are wherever the tap runs.

    Compiling them anew, where the machine forbids to keep what is compiled, takes seconds.
    """
    folder = tempfile.mkdtemp(prefix="compiled-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    kept = {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
    environment = {**os.environ, **kept}
    for module in ("tap_meta_partner.tap", "tests.benchmarks.bare_loop"):
        subprocess.run(
            [sys.executable, "-c", f"import {module}"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    return environment


def _kill_later(process: subprocess.Popen[bytes], seconds: float, number: int) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.005)
    os.kill(process.pid, number)


def _command(
    workload: Workload, url: str, folder: Path, state: Mapping[str, Any] | None
) -> list[str]:
    config = {
        "access_token": "SANDBOX-TOKEN",
        "api_url": url,
        "start_date": str(workload.start_date()),
        "reports": list(workload.reports),
    }
    if workload.warm:
        # What a second night delivers can only be compared with the truth where it is written.
        config["unchanged_days"] = "write"
    files: dict[str, Any] = {"config": config, "state": state or {}}
    if workload.streams:
        files["catalog"] = catalog_selecting(config, *workload.streams)
    command = [sys.executable, "-m", "tap_meta_partner"]
    if workload.minute != 60.0:  # real time
        command = [sys.executable, "-m", "tests.support.fast_time", str(workload.minute)]
    for name, content in files.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        command += [f"--{name}", str(path)]
    return command


def _read(output: Path, measured: Measured) -> None:
    with output.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return  # cut by a kill
            if line.startswith(b'{"type":"STATE"'):
                measured.state_bytes += len(line)
                measured.state = json.loads(line)["value"]
            elif line.startswith(b'{"type":"RECORD"') and b"_insights" in line[:60]:
                measured.rows += 1
                measured.keys[line[27:60].split(b"_insights")[0].decode()].add(_key(line))
                if b'"ad_insights"' in line[:60]:
                    record = _DECODE(line)["record"]
                    key = (record["account_id"], record["date_start"], record["ad_id"])
                    measured.keyed[key] = Decimal(record["spend"])


def _key(line: bytes) -> int:
    """Return a hash of a record's keys: they come first, in the order of the stream's key."""
    return hash(line[: line.index(b'"date_stop"')])


def bare_loop(
    url: str, seen: list[dict[str, Any]], folder: Path, *, by_amount: bool = False
) -> Measured:
    """Make the same calls in a process that does nothing else: JSON in, typed row, JSON out."""
    (folder / "calls.json").write_text(json.dumps(seen), encoding="utf-8")
    measured = Measured()
    begun = time.monotonic()
    command = [sys.executable, "-m", "tests.benchmarks.bare_loop", url, str(folder / "calls.json")]
    process = subprocess.Popen(
        [*command, *(["by_amount"] if by_amount else [])],
        stdout=subprocess.PIPE,
        env=compiled(),
    )
    peak = PeakMemory(process.pid)
    measured.rows = int((process.stdout.read() if process.stdout else b"0") or 0)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    measured.wall = time.monotonic() - begun
    measured.cpu = usage.ru_utime + usage.ru_stime
    measured.peak = peak.bytes
    return measured


def throttle_errors(seen: list[dict[str, Any]]) -> int:
    """Count the calls that a rate limit answered."""
    return sum(call["error_code"] in {4, 17, 32, 613, 80000, 80004} for call in seen)


def calls_by_account(seen: list[dict[str, Any]]) -> Counter[str]:
    """Count calls by ad account."""
    return Counter(call["account_id"] for call in seen if call["account_id"])
