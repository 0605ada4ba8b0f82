"""Bombs, floods and drops at the commands for people: a line, an end, no secret, little memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.raw_answers import ENDLESS, kinds
from tests.support.raw_commands import COMMANDS, run_command
from tests.support.secret_bytes import assert_no_secret_in_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.raw_runs import Ended

MOST_MEGABYTES = 250
#: Of those without end one.
_ONCE = [name for name in kinds() if name not in ENDLESS[1:]]
#: `check` lists, looks and reads; the others have fewer calls that could be answered so.
SENT = {"check": _ONCE, "refresh": _ONCE[::2], "invite": _ONCE[::3]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("raw")


@pytest.fixture(scope="module")
def ended(folder: Path) -> Mapping[tuple[str, str], tuple[Ended, int, Path]]:
    """Run each command against each kind, some at a time, since they mostly wait."""
    cells = [(name, kind) for name in COMMANDS for kind in SENT[name]]

    def one(numbered: tuple[int, tuple[str, str]]) -> tuple[Ended, int, Path]:
        number, (name, kind) = numbered
        own = folder / str(number)
        own.mkdir()
        return (*run_command(own, name, kinds()[kind]), own)

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(cells, pool.map(one, enumerate(cells)), strict=True))


@pytest.mark.parametrize("name", COMMANDS)
def test_command__ends_with_words(
    ended: Mapping[tuple[str, str], tuple[Ended, int, Path]], name: str
) -> None:
    """Its exit code is one of its own, what it could not do is said, and nothing is a traceback."""
    for kind in SENT[name]:
        end, met, own = ended[name, kind]
        log = (own / "log.txt").read_text(encoding="utf-8")
        assert met, kind
        assert end.code in {0, 1, 2, 3}, (kind, log)
        assert "Traceback" not in log, kind
        assert log.count("\n") <= 3, (kind, log)
        said = (own / "output.jsonl").read_text(encoding="utf-8") + log
        assert said.strip(), kind
        assert max(map(len, said.splitlines())) < 2_000, kind
        assert end.peak_megabytes < MOST_MEGABYTES, kind


def test_secrets__are_in_no_byte_of_any_of_it(
    ended: Mapping[tuple[str, str], tuple[Ended, int, Path]], folder: Path
) -> None:
    """Neither on the screen, nor in a file that is left."""
    assert ended

    assert_no_secret_in_files(folder, "config.json")
