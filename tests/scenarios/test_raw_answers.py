"""Bombs, floods and drops: what a network or a broken host sends costs its account, and no other.

What is sent, and how it is met: `tests/support/raw_answers.py`, whose command prints the table.
"""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.sandbox import Dials, Sandbox, World
from tests.support.raw_answers import Run, kinds, run
from tests.support.raw_server import RawServer
from tests.support.tap_process import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

MOST_MEGABYTES = 250
#: Those that send something again and again, and never an end.
ENDLESS = (
    "headers without end",
    "a body in drops",
    "chunk extensions without end",
    "100 Continue without end",
)


@pytest.fixture(scope="module")
def all_of_it(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("raw"))


def test_account__that_meets_it_fails_with_a_line(all_of_it: Run) -> None:
    """Each is told what it was, in one line; a traceback tells nobody anything."""
    assert set(all_of_it.results) == set(kinds())
    assert {result for result, _ in all_of_it.results.values()} == {"failed"}
    assert all(reason.count("\n") == 0 for _, reason in all_of_it.results.values())
    assert all(len(reason) < 1500 for _, reason in all_of_it.results.values())
    assert "Traceback" not in all_of_it.log
    assert all_of_it.code == 1


def test_calm_accounts__are_whole_beside_all_of_it(all_of_it: Run) -> None:
    """Every day, to the cent, though twenty others are bombed at the same time."""
    assert len(all_of_it.truth) > 15
    assert all_of_it.calm == all_of_it.truth


def test_memory__stays_below_its_bound(all_of_it: Run) -> None:
    """A call of some kilobytes that unpacks to hundreds of megabytes is not unpacked."""
    assert 20 < all_of_it.peak_megabytes < MOST_MEGABYTES


@pytest.mark.parametrize("kind", ENDLESS)
def test_sigterm__ends_a_run_that_waits_for_an_answer_without_end(
    kind: str, tmp_path: Path
) -> None:
    """Nobody waits for an answer that never ends; the state is kept, and the code says why."""
    world = World.agency(seed=7, accounts=2, idle=0, days=5)
    with (
        Sandbox(world, Dials()) as sandbox,
        RawServer(sandbox.url, kinds()[kind], ("/insights",), times=1_000) as server,
    ):
        config = {"access_token": sandbox.token, "api_url": server.url}
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        with subprocess.Popen(
            [*COMMAND, "--config", str(path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            while not server.met:
                assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            # request_timeout is five minutes: only the signal can end it in this time.
            _, log = process.communicate(timeout=60)

    assert process.returncode == 128 + signal.SIGTERM
    assert b"stopped by a signal" in log
