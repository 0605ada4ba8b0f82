"""Runs of the tap beside raw answers: `python -m tests.support.raw_runs`.

One table: what is sent, at which call, what became of whom it met, in which words, and of the run
as a whole its peak memory and its seconds. Where a call is about one ad account, one run meets all
kinds: each account but two meets one of them, for ever. The list of accounts and the look at the
token are about all, so each kind has a run of its own there.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_meta_partner.sandbox import Dials, Sandbox, World
from tests.support.peak_memory import PeakMemory
from tests.support.raw_answers import kinds
from tests.support.raw_server import RawServer
from tests.support.secret_bytes import APP_ID, APP_SECRET, OWN_LOGS, TOKEN
from tests.support.tap_process import catalog_selecting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.support.raw_server import Request, Sent

DOCUMENT = Path(__file__).parents[2] / "docs" / "raw-answers.md"
_INTRODUCTION = """# Bombs, floods and drops

Made by `uv run python -m tests.support.raw_runs --write`. What a network, a proxy or a broken
host may send, byte by byte, for ever, at each kind of call: what became of the account that met
it, in which words, the memory of the process at its peak, and how long the run took, with a
`request_timeout` of one second and waits that last a three-hundredth. Where a call is about one
account, one run meets all kinds at once, each at another account, beside two calm ones. No secret
is in any byte that was written.
"""
_HEAD = (
    "| At | What is sent | Result | Its line | Memory | Seconds |",
    "|---|---|---|---|---:|---:|",
)
_SHOWN = 160
#: A whole answer may take so many seconds.
REQUEST_TIMEOUT = 1.0
#: A minute of the tap's waits, in seconds.
MINUTE = 0.2
#: When they are: no account's midnight is near, so that all agree on what was its last day.
NOW = dt.datetime(2026, 10, 5, 12, tzinfo=dt.timezone.utc)
_CALM = 2
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The calls that are answered so.

    Attributes:
        part: what their targets hold, with the account's id, or the id of a report run of it.
        streams: what the run reads.
        settings: further ones.
        method: theirs, where it tells.
    """

    part: str
    streams: tuple[str, ...] = ("account_insights", "ad_insights", "campaigns")
    settings: Mapping[str, Any] = field(default_factory=dict)
    method: str = ""

    def is_meant(self, request: Request, account_id: str, run_ids: Iterable[str]) -> bool:
        """Tell whether a call about an account is meant."""
        if not request.raw.startswith(self.method.encode()):
            return False
        if "{run_id}" in self.part:
            parts = [self.part.format(run_id=run_id) for run_id in tuple(run_ids)]
            return any(part in request.target for part in parts)
        return all(part in request.target for part in self.part.format(id=account_id).split(" "))


_AS_RUNS: dict[str, Any] = {
    "settings": {"report_mode": "async"},
    "streams": ("account_insights", "ad_insights"),
}
#: Calls about one ad account.
PLACES: Mapping[str, Place] = {
    "every call about the account": Place(part="act_{id}/"),
    "its campaigns": Place(part="act_{id}/campaigns"),
    "the question on activity": Place(
        part="act_{id}/insights level=account", streams=("campaign_insights", "ad_insights")
    ),
    "the order of a report run": Place(part="act_{id}/insights", method="POST", **_AS_RUNS),
    "the state of a report run": Place(part="/{run_id}?", **_AS_RUNS),
    "the result of a report run": Place(part="/{run_id}/insights", **_AS_RUNS),
}
#: Calls about all of them.
FOR_ALL: Mapping[str, str] = {"the list of accounts": "/adaccounts", "the token": "/debug_token"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run left behind.

    Attributes:
        code: its exit code.
        results: by kind, the results of the account that met it, by stream: (result, reason).
        calm: for each calm account what it was sent, as (stream, day) → spend.
        truth: the same as the sandbox says.
        met: how many calls were answered so, by kind.
        log: all that was logged.
        raw: all that was written.
        peak_megabytes: of the process.
        seconds: from its start to its end.
    """

    code: int
    results: Mapping[str, Mapping[str, tuple[str, str]]]
    calm: Mapping[str, Any]
    truth: Mapping[str, Any]
    met: Mapping[str, int]
    log: str
    raw: bytes
    peak_megabytes: float
    seconds: float


def run(
    folder: Path, place: Place, sent: Mapping[str, Sent] | None = None, *, own_logs: bool = False
) -> Run:
    """Run the tap once against all of it, at calls about single accounts.

    Args:
        folder: for its files.
        place: which calls.
        sent: what is sent, by name; all kinds where None.
        own_logs: with a log configuration of the user's own, of everything.
    """
    with serving(place, sent) as served:
        found = _process(folder, served.url, place, own_logs=own_logs)
    return _told(found, served.world, served.by_account, served.met)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What answers while a run lasts.

    Attributes:
        url: its address.
        by_account: the kind that each account meets, but for the calm ones.
        met: how many calls were answered so, by kind.
    """

    url: str
    world: World
    by_account: Mapping[str, str]
    met: Mapping[str, int]


@contextlib.contextmanager
def serving(place: Place, sent: Mapping[str, Sent] | None = None) -> Iterator[Served]:
    """Serve a world in which each account but the calm ones meets one kind, at a place."""
    named = dict(sent if sent is not None else kinds())
    accounts = len(named) + _CALM
    world = World.agency(seed=7, accounts=accounts, idle=0, days=10, now=lambda: NOW)
    ids = [account.id for account in world.accounts]
    by_account = dict(zip(ids[_CALM:], named, strict=True))
    runs: dict[str, set[str]] = {account_id: set() for account_id in ids}
    met = dict.fromkeys(named, 0)

    def send(request: Request) -> Iterator[bytes]:
        for account_id, kind in by_account.items():
            if place.is_meant(request, account_id, runs[account_id]):
                met[kind] += 1
                return named[kind](request)
        return _handed_on(request, runs)

    with (
        Sandbox(world, Dials(token=TOKEN, app_secret=APP_SECRET)) as sandbox,
        RawServer(sandbox.url, send, times=1_000_000) as server,
    ):
        yield Served(url=server.url, world=world, by_account=by_account, met=met)


def run_for_all(folder: Path, part: str, sent: Sent, *, own_logs: bool = False) -> Run:
    """Run the tap once against one kind, at a call that is about all accounts, for ever."""
    world = World.agency(seed=7, accounts=_CALM, idle=0, days=10, now=lambda: NOW)
    with (
        Sandbox(world, Dials(token=TOKEN, app_secret=APP_SECRET)) as sandbox,
        RawServer(sandbox.url, sent, (part,), times=1_000_000) as server,
    ):
        found = _process(folder, server.url, Place(part=part), own_logs=own_logs)
    return _told(found, world, {}, {"it": len(server.met)})


def runs_for_all(folder: Path, *, own_logs: bool = False) -> dict[tuple[str, str], Run]:
    """Run each kind at each call that is about all accounts, some at a time."""
    cells = [(name, kind) for name in FOR_ALL for kind in kinds()]

    def one(cell: tuple[str, str]) -> Run:
        own = folder / str(cells.index(cell))
        own.mkdir()
        return run_for_all(own, FOR_ALL[cell[0]], kinds()[cell[1]], own_logs=own_logs)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(cells, pool.map(one, cells), strict=True))


def _handed_on(request: Request, runs: Mapping[str, set[str]]) -> Iterator[bytes]:
    """Answer as the sandbox does, and note whose report run it is that was ordered."""
    whole = b"".join(request.answers())
    ordered = re.search(rb'"report_run_id": ?"(\d+)"', whole)
    if request.raw.startswith(b"POST") and ordered:
        account_id = next(each for each in runs if f"act_{each}/" in request.target)
        runs[account_id].add(ordered[1].decode())
    yield whole


def _told(
    found: tuple[int, bytes, str, float, float],
    world: World,
    by_account: Mapping[str, str],
    met: Mapping[str, int],
) -> Run:
    code, raw, log, peak, seconds = found
    messages = [json.loads(line) for line in raw.splitlines()]
    records = [each for each in messages if each["type"] == "RECORD"]
    calm = world.accounts[:_CALM]
    return Run(
        code=code,
        results=_results(records, by_account),
        calm=_spend(records, {account.id for account in calm}),
        truth={
            f"{account.id} {day}": float(totals.spend)
            for account in calm
            for day, totals in world.truth.day_totals(
                account.id, account.first_day or dt.date.min, account.today(world.now())
            ).items()
        },
        met=met,
        log=log,
        raw=raw,
        peak_megabytes=peak,
        seconds=seconds,
    )


def _results(
    records: Iterable[Mapping[str, Any]], by_account: Mapping[str, str]
) -> dict[str, dict[str, tuple[str, str]]]:
    results: dict[str, dict[str, tuple[str, str]]] = {}
    for each in records:
        row = each["record"]
        if each["stream"] == "account_sync_status" and row["account_id"] in by_account:
            of_kind = results.setdefault(by_account[row["account_id"]], {})
            of_kind[row["stream"]] = (row["result"], row["reason"] or "")
    return results


def _spend(records: Iterable[Mapping[str, Any]], account_ids: set[str]) -> dict[str, float]:
    spend: dict[str, float] = {}
    for each in records:
        row = each["record"]
        if each["stream"] == "ad_insights" and row["account_id"] in account_ids:
            key = f"{row['account_id']} {row['date_start']}"
            spend[key] = round(spend.get(key, 0.0) + float(row["spend"] or 0), 6)
    return spend


def _process(
    folder: Path, url: str, place: Place, *, own_logs: bool
) -> tuple[int, bytes, str, float, float]:
    config = {
        "access_token": TOKEN,
        "app_id": APP_ID,
        "app_secret": APP_SECRET,
        "api_url": url,
        "request_timeout": REQUEST_TIMEOUT,
        "max_concurrency": 16,
        **place.settings,
    }
    catalog = catalog_selecting(config, *place.streams, "account_sync_status")
    in_time = ("tests.support.fast_time", str(MINUTE), "--now", NOW.isoformat())
    command = [sys.executable, "-m", *in_time]
    for name, content in (("config", config), ("catalog", catalog)):
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        command += [f"--{name}", str(path)]
    environment = dict(os.environ)
    if own_logs:
        logs = folder / "logs.yml"
        logs.write_text(OWN_LOGS.format(folder=folder), encoding="utf-8")
        environment |= {"SINGER_SDK_LOG_CONFIG": str(logs), "LOGLEVEL": "DEBUG"}
    ended = measured(command, folder, environment)
    return (
        ended.code,
        (folder / "output.jsonl").read_bytes(),
        (folder / "log.txt").read_text(encoding="utf-8"),
        ended.peak_megabytes,
        ended.seconds,
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, and what it took."""

    code: int
    peak_megabytes: float
    seconds: float


def measured(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Ended:
    """Run a process in a folder to its end; its outputs go to output.jsonl and log.txt there."""
    # The process runs in its own folder, and finds the tests from there.
    environment = {**environment, "PYTHONPATH": str(Path(__file__).parents[2])}
    began = time.monotonic()
    with (
        (folder / "output.jsonl").open("wb") as output,
        (folder / "log.txt").open("wb") as log,
    ):
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            env=environment,
            cwd=folder,
        )
        peak = PeakMemory(process.pid)
        process.wait()
    return Ended(process.returncode, peak.bytes / (1 << 20), time.monotonic() - began)


def worst(results: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """Return the result, with its reason, of a stream that was not delivered, if there is one."""
    bad = [each for each in results.values() if each[0] != "delivered"]
    return (bad or list(results.values()) or [("no row", "")])[0]


def rows(folder: Path) -> Iterator[str]:
    """Run all of it, and make the table's rows."""
    for number, (where, place) in enumerate(PLACES.items()):
        own = folder / f"place{number}"
        own.mkdir()
        found = run(own, place)
        whole = "calm accounts whole" if found.calm == found.truth else "CALM ACCOUNTS NOT WHOLE"
        yield (
            f"| {where} | all at once | {whole} | | "
            f"{found.peak_megabytes:.0f} MB | {found.seconds:.0f} |"
        )
        for kind in kinds():
            result, reason = worst(found.results.get(kind, {}))
            yield f"| {where} | {kind} | {result} | {_cell(reason)} | | |"
    for (where, kind), found in runs_for_all(folder).items():
        lines = [line.rpartition("| ")[2] for line in found.log.splitlines() if line]
        yield (
            f"| {where} | {kind} | exit {found.code} | {_cell(lines[-1] if lines else '')} | "
            f"{found.peak_megabytes:.0f} MB | {found.seconds:.0f} |"
        )


def _cell(text: str) -> str:
    """Return a line as a table can hold it, with what differs from run to run taken out."""
    plain = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", text).replace("|", "\\|")
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}…"


def main() -> None:
    """Run all of it and print the table; with `--write`, into docs/raw-answers.md."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    lines = [*_HEAD]
    with tempfile.TemporaryDirectory() as name:
        for row in rows(Path(name)):
            lines.append(row)
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()
    if write:
        DOCUMENT.write_text("\n".join([_INTRODUCTION, *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
