from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

from tap_meta_partner.demo import meltano
from tap_meta_partner.demo.postgres import short_folder
from tap_meta_partner.demo.signals import uninterrupted
from tap_meta_partner.demo.truth import RowCount, Spend

if TYPE_CHECKING:
    from collections.abc import Iterator

DEMO = (sys.executable, "-m", "tap_meta_partner.cli", "demo")
#: The demo with a program of that name in Meltano's place.
DEMO_WITH = """
import sys
from tap_meta_partner.demo import meltano
meltano.COMMAND = (sys.argv[1], *meltano.COMMAND[1:])
from tap_meta_partner.cli import main
main(["demo"])
"""
#: Starts a tap and a loader as Meltano does, and ends without them; they do not end when asked to.
STAND_IN = f"""#!{sys.executable}
import signal, subprocess, sys
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
stubborn += "print('up', flush=True); time.sleep(120)"
for name in sys.argv[2:]:
    command = [sys.executable, "-c", stubborn, name + " stand-in"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    child.stdout.readline()
signal.pause()
"""


@pytest.fixture
def temporary_files() -> Iterator[Path]:
    """A folder for all the demo's files; not pytest's own, which other users cannot enter.

    (For root the server belongs to another user, and another folder would be taken.)
    """
    folder = Path(tempfile.mkdtemp(prefix="mp-test-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def started(
    folder: Path, *command: str, path: str = os.environ["PATH"]
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command,
        env={
            **os.environ,
            "PATH": path,
            "TMPDIR": str(folder),
            "TAP_META_PARTNER_ACCOUNT_IDS": '["1"]',
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if words in line:
            return text
    return pytest.fail(f"never said {words!r}:\n{text}")


def processes_using(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if process.pid != os.getpid() and (str(folder) in line or str(folder) in process.cwd()):
                found.append(line)
    return found


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_demo__totals_agree_in_both_runs_and_nothing_is_left(temporary_files: Path) -> None:
    """Both runs arrive complete; `--keep` lets one look around; Enter ends all of it.

    What the user has set for real (here: account_ids) plays no part.
    """
    with started(temporary_files, *DEMO, "--keep") as process:
        said = read_until(process, "Enter or Ctrl-C")
        uri = re.search(r"PostgreSQL: (\S+)", said)
        assert uri, said
        with psycopg.connect(uri[1]) as connection:
            kept = connection.execute("select count(*) from tap_meta_partner.ad_insights")
            assert kept.fetchone() != (0,)
        end, _ = process.communicate("\n", timeout=30)

    assert process.returncode == 0, said + end
    assert "first run: totals agree" in said
    assert "second run: totals agree" in said
    assert "DIFFERS" not in said
    assert "Nordlicht Sonnenbrillen" in said  # shared, but not assigned: said, not hidden
    assert "Traceback" not in said + end
    assert not left_in(temporary_files)
    assert not processes_using(temporary_files)


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A program that stands for Meltano, harder to end than Meltano is."""
    program = tmp_path / "meltano-stand-in"
    program.write_text(STAND_IN, encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_demo__stopped_in_the_middle_leaves_nothing(
    temporary_files: Path, stand_in: Path, number: int, code: int
) -> None:
    """Stopped while the pipeline runs, the demo takes tap, loader, PostgreSQL and files along."""
    command = (sys.executable, "-c", DEMO_WITH, stand_in.name)
    path = os.pathsep.join([str(stand_in.parent), os.environ["PATH"]])
    with started(temporary_files, *command, path=path) as process:
        read_until(process, "start PostgreSQL")
        until = time.monotonic() + 30
        while not any(
            line.endswith("target-postgres stand-in") for line in processes_using(temporary_files)
        ):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(number)
        rest, _ = process.communicate(timeout=30)

    assert process.returncode == code, rest
    assert "Traceback" not in rest
    assert not left_in(temporary_files)
    assert not processes_using(temporary_files)


def test_run__that_fails_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """Of a failed run one sees why, without looking for a file that is gone by then."""
    project = meltano.new_project(
        tmp_path / "project",
        {
            "TAP_META_PARTNER_ACCESS_TOKEN": "made-up",
            "TAP_META_PARTNER_LOOKBACK_DAYS": "-1",
            "TARGET_POSTGRES_SQLALCHEMY_URL": "postgresql+psycopg://nobody@localhost:1/none",
        },
    )

    with pytest.raises(meltano.RunFailed, match="lookback_days is -1") as raised:
        project.run()

    assert len(str(raised.value).splitlines()) <= 21


def test_new_project__leaves_the_checkout_alone(tmp_path: Path) -> None:
    """The demo works on a copy of meltano.yml, so a checkout stays as it was."""
    project = meltano.new_project(tmp_path / "project", {})

    ours = Path(meltano.__file__).parents[2] / "meltano.yml"
    assert (project.root / "meltano.yml").read_bytes() == ours.read_bytes()
    assert project.root.parent == tmp_path


def test_new_project__without_a_checkout_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed from a wheel there is no meltano.yml: the text says to clone the repository."""
    monkeypatch.setattr(meltano, "__file__", str(tmp_path / "a" / "b" / "c.py"))

    with pytest.raises(meltano.CannotRun, match="clone the repository"):
        meltano.new_project(tmp_path / "project", {})


def test_short_folder__does_not_follow_a_long_tmpdir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket's name still fits into its path where TMPDIR is long."""
    long = tmp_path / ("long" * 20)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    with short_folder() as folder:
        assert len(str(folder / "pg" / ".s.PGSQL.5432")) < 100
        kept = folder
    assert not kept.exists()


def test_spend__agrees_only_if_every_level_does_to_the_last_digit() -> None:
    """One level that is off by a millionth is shown, and so is a missing one."""
    truth = Decimal("12.34")
    right = {"account": truth, "ad": Decimal("12.340000")}

    def agrees(loaded: dict[str, Decimal]) -> bool:
        return Spend(client="A", currency="EUR", loaded=loaded, truth=truth).agrees

    assert agrees(right)
    assert not agrees({**right, "ad": truth + Decimal("0.000001")})
    assert not agrees({**right, "ad": Decimal(0)})


def test_row_count__agrees_only_if_exact() -> None:
    """A row too many counts as much as one too few."""
    assert RowCount(stream="ad_insights", loaded=3, truth=3).agrees
    assert not RowCount(stream="ad_insights", loaded=4, truth=3).agrees
    assert not RowCount(stream="ad_insights", loaded=2, truth=3).agrees


def test_uninterrupted__holds_a_signal_back_until_the_end() -> None:
    """A server that is just starting is not cut in half: Ctrl-C counts once it can be stopped."""
    done = []

    def step() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("started")

    with pytest.raises(KeyboardInterrupt):
        step()
    assert done == ["started"]


def test_uninterrupted__works_outside_the_main_thread() -> None:
    """Signals come to the main thread only; elsewhere there is nothing to hold back."""
    done = []

    def step() -> None:
        with uninterrupted():
            done.append("started")

    thread = threading.Thread(target=step)
    thread.start()
    thread.join()
    assert done == ["started"]
