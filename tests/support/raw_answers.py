"""What a network, a proxy or a broken host may send: `python -m tests.support.raw_answers`.

One run meets all of it: each ad account but two meets one kind, at every call about it and for
ever. The command prints the table: what is sent, what became of the account, its line, and for the
run as a whole its peak memory and its seconds.
"""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import json
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_meta_partner.sandbox import Dials, Sandbox, World
from tests.support.raw_server import RawServer, bytes_of
from tests.support.tap_process import catalog_selecting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tests.support.raw_server import Request, Sent

#: A whole answer may take so many seconds.
REQUEST_TIMEOUT = 2.0
#: A minute of the tap's waits, in seconds.
MINUTE = 1.0
STREAMS = ("account_insights", "ad_insights", "campaigns")
_CALM = 2


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer whose length is told as it is."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    return head.encode() + body


def _error(message: str, code: object = 100) -> bytes:
    content = {"error": {"message": message, "type": "OAuthException", "code": code}}
    return answer(json.dumps(content).encode(), status="400 Bad Request")


def _page(after: str | None, *rows: Mapping[str, Any]) -> bytes:
    paging = {"cursors": {"after": after}, "next": "https://example.com"} if after else {}
    return answer(json.dumps({"data": rows, "paging": paging}).encode())


def _drip(
    begin: bytes, piece: bytes, seconds: float = 0.05
) -> Callable[[Request], Iterator[bytes]]:
    """Send something small again and again, for ever."""

    def send(_request: Request) -> Iterator[bytes]:
        yield begin
        while True:
            time.sleep(seconds)
            yield piece

    return send


def _in_a_circle(_request: Request) -> Iterator[bytes]:
    """Lead from A to B and back to A, over empty pages."""
    yield _page("B" if "after=A" in _request.target else "A")


def _ever_further(_request: Request) -> Iterator[bytes]:
    """Name another cursor on each empty page."""
    yield _page(f"cursor{next(_NUMBERS)}")


_NUMBERS = itertools.count()
_ZEROS = b"0" * (100 << 20)
_ROW = '{"account_id": "1", "date_start": "2026-11-20", "date_stop": "2026-11-20", "spend": %s}'


def kinds() -> dict[str, Sent]:
    """Return what is sent, by a name."""
    squeezed = gzip.compress(_ZEROS, 9)
    return {
        "100 MiB in a gzip of 100 kB": bytes_of(answer(squeezed, "Content-Encoding: gzip")),
        "100 MiB deflated": bytes_of(answer(zlib.compress(_ZEROS, 9), "Content-Encoding: deflate")),
        "a gzip of a gzip": bytes_of(
            answer(gzip.compress(squeezed), "Content-Encoding: gzip, gzip")
        ),
        "an encoding nobody asked for": bytes_of(answer(b"{}", "Content-Encoding: br")),
        "a message of 20 kB": bytes_of(_error("(#100) " + "spend, " * 3_000)),
        "a message of 50 MB": bytes_of(_error("x" * 50_000_000)),
        "a code of a million digits": bytes_of(
            answer(b'{"error": {"message": "x", "code": 1' + b"0" * 10**6 + b"}}")
        ),
        "an amount of 1e999999999": bytes_of(
            answer(b'{"data": [' + (_ROW % '"1e999999999"').encode() + b"]}")
        ),
        "JSON of a hundred thousand floors": bytes_of(answer(b"[" * 100_000)),
        "rows that are numbers": bytes_of(answer(b'{"data": [1, 2]}')),
        "cursors in a circle": _in_a_circle,
        "ever new cursors": _ever_further,
        "headers without end": _drip(b"HTTP/1.1 200 OK\r\n", b"X-More: more\r\n"),
        "a body in drops": _drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{", b" "),
        "chunk extensions without end": _drip(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x=y;"
        ),
        "100 Continue without end": _drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        "half an answer": bytes_of(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        "no HTTP at all": bytes_of(b"SSH-2.0-OpenSSH_9.6\r\n"),
        "nothing": bytes_of(b""),
        "a header without colon": bytes_of(answer(b"{}", "garbage")),
        "a length of many digits": bytes_of(
            b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 400 + b"\r\n\r\n{}"
        ),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run left behind.

    Attributes:
        code: its exit code.
        results: result and reason of each account, by kind; the worst of its streams.
        calm: for each calm account what it was sent, as (stream, day) → spend.
        truth: the same as the sandbox says.
        log: all that was logged.
        raw: all that was written.
        peak_megabytes: of the process.
        seconds: from its start to its end.
    """

    code: int
    results: Mapping[str, tuple[str, str]]
    calm: Mapping[str, Any]
    truth: Mapping[str, Any]
    log: str
    raw: bytes
    peak_megabytes: float
    seconds: float


def run(folder: Path, sent: Mapping[str, Sent] | None = None) -> Run:
    """Run the tap once against all of it.

    Args:
        folder: for its files.
        sent: what is sent, by name; all kinds where None.
    """
    named = dict(sent if sent is not None else kinds())
    world = World.agency(seed=7, accounts=len(named) + _CALM, idle=0, days=10)
    ids = [account.id for account in world.accounts]
    by_account = dict(zip(ids[_CALM:], named, strict=True))

    def send(request: Request) -> Iterator[bytes]:
        account_id = next(each for each in by_account if f"act_{each}/" in request.target)
        return named[by_account[account_id]](request)

    with Sandbox(world, Dials()) as sandbox:
        where = tuple(f"act_{account_id}/" for account_id in by_account)
        with RawServer(sandbox.url, send, where, times=1_000_000) as server:
            config = {
                "access_token": sandbox.token,
                "api_url": server.url,
                "request_timeout": REQUEST_TIMEOUT,
                "max_concurrency": 16,
            }
            found = _process(folder, config)
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
        log=log,
        raw=raw,
        peak_megabytes=peak,
        seconds=seconds,
    )


def _results(
    records: Iterable[Mapping[str, Any]], by_account: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Return the worst result of each account that meets something, by what it meets."""
    results: dict[str, tuple[str, str]] = {}
    for each in records:
        row = each["record"]
        if each["stream"] == "account_sync_status" and row["account_id"] in by_account:
            kind = by_account[row["account_id"]]
            if kind not in results or row["result"] != "delivered":
                results[kind] = (row["result"], row["reason"] or "")
    return results


def _spend(records: Iterable[Mapping[str, Any]], account_ids: set[str]) -> dict[str, float]:
    spend: dict[str, float] = {}
    for each in records:
        row = each["record"]
        if each["stream"] == "ad_insights" and row["account_id"] in account_ids:
            key = f"{row['account_id']} {row['date_start']}"
            spend[key] = round(spend.get(key, 0.0) + float(row["spend"] or 0), 6)
    return spend


def _process(folder: Path, config: Mapping[str, Any]) -> tuple[int, bytes, str, float, float]:
    catalog = catalog_selecting(config, *STREAMS, "account_sync_status")
    command = [sys.executable, "-m", "tests.support.fast_time", str(MINUTE)]
    for name, content in (("config", config), ("catalog", catalog)):
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        command += [f"--{name}", str(path)]
    began = time.monotonic()
    with (
        (folder / "output.jsonl").open("wb") as output,
        (folder / "log.txt").open("wb") as log,
    ):
        process = subprocess.Popen(command, stdout=output, stderr=log)
        # What `wait4` tells begins with the memory of this process, of which it was forked.
        peak = 0
        while process.poll() is None:
            peak = max(peak, _peak_kilobytes(process.pid))
            time.sleep(0.02)
    return (
        process.returncode,
        (folder / "output.jsonl").read_bytes(),
        (folder / "log.txt").read_text(encoding="utf-8"),
        peak / 1024,
        time.monotonic() - began,
    )


def _peak_kilobytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    line = next((each for each in status.splitlines() if each.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(line.split()[1])


def main() -> None:
    """Run, and print the table."""
    with tempfile.TemporaryDirectory() as name:
        found = run(Path(name))
    for kind, (result, reason) in found.results.items():
        sys.stdout.write(f"| {kind} | {result} | {reason[:110]} |\n")
    sys.stdout.write(
        f"exit {found.code}, {found.peak_megabytes:.0f} MB at most, {found.seconds:.0f} s; the "
        f"calm accounts are {'whole' if found.calm == found.truth else 'NOT WHOLE'}\n"
    )


if __name__ == "__main__":
    main()
