"""The whole tap, mostly as a process: a configuration goes in, Singer messages come out."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.tap import TapMetaPartner

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

COMMAND = (sys.executable, "-m", "tap_meta_partner")


#: How the summary begins, which is a warning in a good night too.
FIGURES = "ad accounts: "


def complaints_in(log: str) -> list[str]:
    """Return a log's lines of WARNING and worse, but for how it went."""
    said = [line for line in log.splitlines() if "| WARNING" in line or "| ERROR" in line]
    return [line for line in said if f"| {FIGURES}" not in line]


@dataclass(slots=True)
class Output:
    """What a run of the tap wrote.

    Attributes:
        code: the exit code.
        log: all of stderr.
        tables: by stream, the last record of each key: what an upserting target would hold.
        counts: by stream, how many records were written.
        states: the values of all STATE messages.
        raw: all of stdout.
    """

    code: int
    log: str
    raw: str
    tables: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: list[dict[str, Any]] = field(default_factory=list)

    @property
    def state(self) -> dict[str, Any]:
        """The last state, what a runner keeps."""
        return self.states[-1] if self.states else {}

    @property
    def complaints(self) -> list[str]:
        """The log's lines of WARNING and worse, but for how it went."""
        return complaints_in(self.log)

    def bookmark(self, stream: str, account_id: str) -> str | None:
        """Return the last day delivered of an account."""
        for partition in self.state["bookmarks"].get(stream, {}).get("partitions", []):
            if partition["context"]["account_id"] == account_id:
                day = partition.get("replication_key_value")
                return None if day is None else str(day)
        return None

    def spend(self, stream: str) -> dict[tuple[str, str], Decimal]:
        """Add up spend by account and day."""
        return spend_by_account_and_day(self.tables[stream].values())


def spend_by_account_and_day(
    records: Iterable[Mapping[str, Any]],
) -> dict[tuple[str, str], Decimal]:
    """Add up spend by account and day, exactly."""
    total: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for record in records:
        total[record["account_id"], record["date_start"]] += record["spend"] or Decimal(0)
    return dict(total)


def run_tap(  # noqa: PLR0913  (each is a switch of the command line)
    folder: Path,
    config: Mapping[str, Any],
    *,
    state: Mapping[str, Any] | None = None,
    catalog: Mapping[str, Any] | None = None,
    arguments: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    kill_after_lines: int | None = None,
    signal_number: int = signal.SIGTERM,
    timeout: float = 120,
    minute: float | None = None,
    now: dt.datetime | None = None,
) -> Output:
    """Run the tap and read what it wrote.

    The files it is given are written to `folder`. With `kill_after_lines`, `signal_number` is sent
    once that many lines have been read. With `minute`, a minute of waiting lasts so many seconds.
    With `now`, the run begins at that instant.
    """
    command = [*COMMAND, *arguments]
    if minute is not None or now is not None:
        then = () if now is None else ("--now", now.isoformat())
        in_time = ("-m", "tests.support.fast_time", str(minute or 60), *then)
        command = [sys.executable, *in_time, *arguments]
    for name, content in (("config", config), ("state", state), ("catalog", catalog)):
        if content is not None:
            path = folder / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            command += [f"--{name}", str(path)]
    log_path = folder / "log.txt"
    with log_path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env={**os.environ, **(environment or {})},
        )
        raw = _read(process, kill_after_lines, signal_number, timeout)
    output = Output(code=process.returncode, log=log_path.read_text(encoding="utf-8"), raw=raw)
    for line in raw.split("\n"):
        if line.startswith("{") and line.endswith("}"):
            _take(json.loads(line, parse_float=Decimal), output)
    return output


def run_here(
    now: Callable[[], dt.datetime],
    config: Mapping[str, Any],
    *,
    state: Mapping[str, Any] | None = None,
    catalog: Mapping[str, Any] | None = None,
    minute: float = 60,
) -> Output:
    """Run the tap in this process, at another time; many runs take a tenth of many processes.

    A minute of waiting lasts `minute` seconds.
    """
    second = minute / 60
    clock = Clock(utc_now=now, monotonic=lambda: time.monotonic() / second, second=second)
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter("| %(levelname)-8s | %(message)s"))
    logging.getLogger().addHandler(handler)
    code = 0
    try:
        with contextlib.redirect_stdout(out):
            TapMetaPartner(
                config=copy.deepcopy(dict(config)),
                state=copy.deepcopy(dict(state or {})),
                catalog=copy.deepcopy(dict(catalog)) if catalog else None,
                clock=clock,
            ).sync_all()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        logging.getLogger().removeHandler(handler)
    out.seek(0)
    output = Output(code=code, log=log.getvalue(), raw=out.read())
    for line in filter(None, output.raw.split("\n")):
        _take(json.loads(line, parse_float=Decimal), output)
    return output


def catalog_selecting(config: Mapping[str, Any], *streams: str) -> dict[str, Any]:
    """Return the tap's catalog with only these streams selected."""
    catalog = TapMetaPartner(config=dict(config)).catalog_dict
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["tap_stream_id"] in streams
    return catalog


def _read(
    process: subprocess.Popen[str],
    kill_after_lines: int | None,
    signal_number: int,
    timeout: float,
) -> str:
    """Read all of stdout through one reader, so that no line is lost between two."""
    out = process.stdout
    if out is None:
        return ""
    guard = threading.Timer(timeout, process.kill)
    guard.start()
    try:
        head = ""
        if kill_after_lines is not None:
            head = "".join(out.readline() for _ in range(kill_after_lines))
            process.send_signal(signal_number)
        rest = out.read()
        process.wait()
    finally:
        guard.cancel()
        process.kill()
        out.close()
    return head + rest


def _take(message: dict[str, Any], output: Output) -> None:
    if message["type"] == "SCHEMA":
        output.schemas[message["stream"]] = message
    elif message["type"] == "STATE":
        output.states.append(message["value"])
    elif message["type"] == "RECORD":
        stream, record = message["stream"], message["record"]
        keys = output.schemas[stream]["key_properties"]
        output.tables[stream][tuple(record[key] for key in keys)] = record
        output.counts[stream] += 1
