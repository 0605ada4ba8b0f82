"""How long a person waits for `meta-partner check` of an agency."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.serving import served
from tests.benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from tests.benchmarks.__main__ import Results

_ACCOUNTS = 500


def bench_check(results: Results) -> None:
    """500 accounts are read side by side: far faster than one after the other."""
    with tempfile.TemporaryDirectory() as name, served("check") as url:
        begun = time.monotonic()
        found = _check(url, Path(name))
        seconds = time.monotonic() - begun
    readable = sum(account["readable"] is True for account in found["accounts"])
    results.promise(
        f"check: all of {_ACCOUNTS} accounts are read",
        f"{readable} of {len(found['accounts'])}",
        kept=readable == len(found["accounts"]) == _ACCOUNTS,
    )
    in_turn = _ACCOUNTS * WORKLOADS["check"].latency
    results.promise(
        "check: wall within 0.8 of one call after another (accounts x latency)",
        f"{seconds:.1f} s / {in_turn:.1f} s = {seconds / in_turn:.2f}",
        kept=seconds < 0.8 * in_turn,
    )


def _check(url: str, folder: Path) -> dict[str, Any]:
    config = {"access_token": "SANDBOX-TOKEN", "api_url": url}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "tap_meta_partner.cli", "check", "--json"]
    command += ["--config", str(folder / "config.json"), "--remember", str(folder / "seen.json")]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
