"""The commands for people beside raw answers: what each says, and what it takes."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox import Dials, Sandbox, World
from tests.support.raw_runs import REQUEST_TIMEOUT, measured
from tests.support.raw_server import RawServer
from tests.support.secret_bytes import APP_ID, APP_SECRET, TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.raw_runs import Ended
    from tests.support.raw_server import Sent

#: What a command adds to --config, and which calls are answered so.
COMMANDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "check": ((), ("/me?", "adaccounts", "/insights", "debug_token")),
    "refresh": (("--store", "config.json"), ("debug_token", "oauth/")),
    "invite": (
        ("--business-id", "771234567890123", "--watch", "--watch-minutes", "0.02"),
        ("adaccounts",),
    ),
}


def run_command(folder: Path, name: str, sent: Sent) -> tuple[Ended, int]:
    """Run a command for people against one kind, for ever.

    Args:
        folder: for its files; its outputs are in output.jsonl and log.txt.
        name: of the command.
        sent: what is sent.

    Returns:
        How it ended, and how many calls were answered so.
    """
    further, where = COMMANDS[name]
    world = World.agency(seed=7, accounts=2, idle=0, days=5)
    with (
        Sandbox(world, Dials(token=TOKEN, app_secret=APP_SECRET)) as sandbox,
        RawServer(sandbox.url, sent, where, times=1_000_000) as server,
    ):
        config = {
            "access_token": TOKEN,
            "app_id": APP_ID,
            "app_secret": APP_SECRET,
            "api_url": server.url,
            "request_timeout": REQUEST_TIMEOUT,
        }
        file = folder / "config.json"
        file.write_text(json.dumps(config), encoding="utf-8")
        file.chmod(0o600)
        command = [sys.executable, "-m", "tap_meta_partner.cli", name, "--config", "config.json"]
        return measured([*command, *further], folder, os.environ), len(server.met)
