"""Bombs, floods and drops: what a network or a broken host sends costs its account, and no other.

What is sent, and how it is met: `tests/support/raw_answers.py` and `tests/support/raw_runs.py`,
whose command prints the table.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.graph.bounds import MOST_BYTES
from tap_meta_partner.sandbox import Dials, Sandbox, World
from tap_meta_partner.settings.words import DEFAULT_CONCURRENCY
from tests.support.raw_answers import ENDLESS, kinds
from tests.support.raw_runs import (
    FOR_ALL,
    MINUTE,
    NOW,
    PLACES,
    Run,
    run,
    run_for_all,
    serving,
)
from tests.support.raw_server import RawServer
from tests.support.secret_bytes import (
    APP_ID,
    APP_SECRET,
    TOKEN,
    assert_no_secret,
    assert_no_secret_in_files,
)
from tests.support.tap_process import COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.raw_server import Sent

_CHECKOUT = Path(__file__).parents[2]
#: The process itself, and as many answers as there are calls at once, each as bytes and as a text:
#: how many of the largest ones meet depends on how busy the machine is.
MOST_MEGABYTES = 100 + DEFAULT_CONCURRENCY * 2 * MOST_BYTES / (1 << 20)
#: Of calls about all accounts the suite tries these; the command tries all kinds.
AT_CALLS_FOR_ALL = (
    "100 MiB in a gzip of 100 kB",
    "a message of 50 MB",
    "ever new cursors",
    "a code of a million digits",
    "headers without end",
    "a header without colon",
    "rows that are numbers",
)
#: Without an answer to it, each stream asks for itself; and who cannot list campaigns has insights.
ONLY_ITSELF = {"the question on activity": (), "its campaigns": ("campaigns",)}


def sent_at(where: str) -> dict[str, Sent]:
    """Return what the suite sends at a place: of those that take their time, some.

    All four only where an account is not answered at all; the command tries all kinds everywhere.
    """
    number = list(PLACES).index(where)
    spared = [*ENDLESS] if number else []
    del spared[number % len(ENDLESS) : number % len(ENDLESS) + 1]
    return {name: sent for name, sent in kinds().items() if name not in spared}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("raw")


@pytest.fixture(scope="module")
def runs(folder: Path) -> Mapping[str, Run]:
    """Run all places, three at a time, as they mostly wait; some with the user's own logs."""

    def one(numbered: tuple[int, str]) -> Run:
        number, where = numbered
        own = folder / f"place {number}"
        own.mkdir()
        return run(own, PLACES[where], sent_at(where), own_logs=number % 2 == 1)

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(PLACES, pool.map(one, enumerate(PLACES)), strict=True))


@pytest.fixture(scope="module")
def runs_for_all(folder: Path) -> Mapping[tuple[str, str], Run]:
    cells = [(where, kind) for where in FOR_ALL for kind in AT_CALLS_FOR_ALL]

    def one(numbered: tuple[int, tuple[str, str]]) -> Run:
        number, (where, kind) = numbered
        own = folder / f"all {number}"
        own.mkdir()
        return run_for_all(own, FOR_ALL[where], kinds()[kind], own_logs=number % 2 == 1)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(cells, pool.map(one, enumerate(cells)), strict=True))


@pytest.mark.parametrize("where", PLACES)
def test_account__that_meets_it_fails_with_a_line(runs: Mapping[str, Run], where: str) -> None:
    """Each is told what it was, in one line; a traceback tells nobody anything."""
    found = runs[where]

    assert set(found.results) == set(sent_at(where))
    assert all(found.met.values()), "not every kind was met"
    for kind, results in found.results.items():
        for stream, (result, reason) in results.items():
            if stream not in ONLY_ITSELF.get(where, (stream,)):
                assert (result, reason) == ("delivered", ""), (kind, stream)
                continue
            # No column of a campaign is called spend.
            assert result == "failed" or kind == "an amount of 1e999999999", (kind, stream, result)
            assert "\n" not in reason
            assert len(reason) < 1500
    assert "Traceback" not in found.log
    assert found.code == (0 if where == "the question on activity" else 1)


@pytest.mark.parametrize("where", PLACES)
def test_calm_accounts__are_whole_beside_all_of_it(runs: Mapping[str, Run], where: str) -> None:
    """Every day, to the cent, though twenty others are bombed at the same time."""
    assert len(runs[where].truth) > 15
    assert runs[where].calm == runs[where].truth


@pytest.mark.parametrize("where", PLACES)
def test_memory__stays_below_its_bound(runs: Mapping[str, Run], where: str) -> None:
    """A call of some kilobytes that unpacks to hundreds of megabytes is not unpacked."""
    assert 20 < runs[where].peak_megabytes < MOST_MEGABYTES


def test_call_for_all__that_meets_it_ends_the_run_with_a_line(
    runs_for_all: Mapping[tuple[str, str], Run],
) -> None:
    """Without the list of accounts nothing can be read; without the token's dates all of it can."""
    for (where, kind), found in runs_for_all.items():
        assert found.met["it"], (where, kind)
        assert "Traceback" not in found.log, (where, kind)
        assert found.peak_megabytes < MOST_MEGABYTES, (where, kind)
        if where == "the token":
            assert found.calm == found.truth, kind
            assert found.code == 0, kind
        else:
            assert found.code == 1, kind
            assert not found.calm, kind


def test_secrets__are_in_no_byte_of_any_of_it(
    runs: Mapping[str, Run], runs_for_all: Mapping[tuple[str, str], Run], folder: Path
) -> None:
    """Neither in what is written, nor in a log, nor in the user's own log of everything."""
    assert runs
    assert runs_for_all
    assert len(list(folder.rglob("own.log"))) >= len(PLACES) // 2

    assert_no_secret_in_files(folder, "config.json")


def test_secrets__are_in_no_byte_that_meltano_writes_of_it(tmp_path: Path) -> None:
    """All kinds at once under Meltano at DEBUG: its output, its logs, and all it leaves behind."""
    tap = tmp_path / "tap"
    tap.write_text(
        f"#!/bin/sh\nPYTHONPATH='{_CHECKOUT}' exec '{sys.executable}' "
        f'-m tests.support.fast_time {MINUTE} --now {NOW.isoformat()} "$@"\n',
        encoding="utf-8",
    )
    tap.chmod(0o755)
    definition = (_CHECKOUT / "meltano.yml").read_text(encoding="utf-8")
    own = definition.replace("executable: tap-meta-partner\n", "executable: ./tap\n")
    (tmp_path / "meltano.yml").write_text(own, encoding="utf-8")
    where = "every call about the account"
    with serving(PLACES[where], sent_at("its campaigns")) as served:
        settings = {
            "access_token": TOKEN,
            "app_id": APP_ID,
            "app_secret": APP_SECRET,
            "api_url": served.url,
            "request_timeout": "1",
            "max_concurrency": "16",
        }
        variables = {f"TAP_META_PARTNER_{name.upper()}": text for name, text in settings.items()}
        ended = subprocess.run(
            ["meltano", "--log-level=debug", "run", "tap-meta-partner", "target-jsonl"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "LOGLEVEL": "DEBUG",
                **variables,
            },
            capture_output=True,
            timeout=600,
            check=False,
        )

    assert all(served.met.values())
    assert b"ad accounts: " in ended.stdout + ended.stderr
    assert_no_secret(ended.stdout, ended.stderr)
    assert_no_secret_in_files(tmp_path)


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
