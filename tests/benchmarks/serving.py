"""A workload's sandbox in a process of its own, so that its time is not the tap's.

`python -m tests.benchmarks.serving NAME [calm]` prints the address and serves until it is stopped.
"""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def served(name: str, *, calm: bool = False) -> Iterator[str]:
    """Serve a workload's sandbox, without its rate limits if `calm`; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.serving", name, *(["calm"] if calm else [])],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield (process.stdout.readline() if process.stdout else "").strip()
    finally:
        process.terminate()
        process.wait(timeout=10)


def calls(url: str) -> list[dict[str, Any]]:
    """Return every call the sandbox has answered."""
    with urllib.request.urlopen(f"{url}/sandbox/calls") as answer:  # noqa: S310  (loopback)
        return list(json.load(answer)["data"])


def forget_calls(url: str) -> None:
    """Begin counting anew."""
    request = urllib.request.Request(f"{url}/sandbox/calls", method="DELETE")  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310


def _serve(name: str, *, calm: bool) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    gc.set_threshold(50_000, 50, 100)
    with WORKLOADS[name].sandbox(calm=calm) as sandbox:
        sys.stdout.write(f"{sandbox.url}\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    _serve(sys.argv[1], calm="calm" in sys.argv[2:])
