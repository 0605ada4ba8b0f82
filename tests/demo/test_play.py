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
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

from tap_meta_partner.demo import meltano, play
from tap_meta_partner.demo.postgres import short_folder
from tap_meta_partner.demo.signals import uninterrupted
from tap_meta_partner.demo.truth import RowCount, Spend
from tests.support.page_blocks import shown_queries

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


#: Those of README and docs, but for the one that DuckDB is asked on files.
QUERIES = [query for query in shown_queries() if "read_json(" not in query]


@pytest.fixture
def temporary_files() -> Iterator[Path]:
    """A folder for all the demo's files."""
    with open_folder() as folder:
        yield folder


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Make a temporary folder; not pytest's own, which other users cannot enter.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a demo with `--keep` said and had in its database, and what was left of it.

    Attributes:
        said: all it printed.
        code: how it ended, after an Enter.
        answers: of each query of README and docs, how many rows came.
        suggested: rows that the query it suggests answers with.
        schemas: those in the database, its own left out.
        page: of `--report`.
        stranger: what the port says to a wrong password.
        left: files and processes that were still there afterwards.
    """

    said: str
    code: int
    answers: dict[str, int]
    suggested: int
    schemas: set[str]
    page: str
    stranger: str
    left: list[str]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """One demo with `--keep`, looked at through its port, as any program would, and ended."""
    page = tmp_path_factory.mktemp("report") / "report.html"
    with open_folder() as folder:
        with started(folder, *DEMO, "--keep", "--report", str(page)) as process:
            said = read_until(process, "Enter or Ctrl-C")
            uri = re.search(r"PostgreSQL: (postgresql://postgres:(\w+)@127\.0\.0\.1:\S+)", said)
            assert uri, said
            stranger = refused(uri[1].replace(uri[2], "guessed"))
            with psycopg.connect(uri[1]) as connection:
                answers = {query: rows_of(connection, query) for query in QUERIES}
                suggested = rows_of(connection, play.QUERY)
                schemas = connection.execute(
                    "select nspname from pg_namespace where nspname !~ '^pg_|^information'"
                ).fetchall()
            end, _ = process.communicate("\n", timeout=30)
        yield Kept(
            said=said + end,
            code=process.returncode,
            answers=answers,
            suggested=suggested,
            schemas={str(name) for (name,) in schemas},
            stranger=stranger,
            page=page.read_text(encoding="utf-8"),
            left=[*left_in(folder), *processes_using(folder)],
        )


def rows_of(connection: psycopg.Connection, query: str) -> int:
    """Run a query and take back what it did; a view has no rows, so it counts as 0."""
    with connection.transaction(force_rollback=True):
        return max(connection.execute(query.encode()).rowcount, 0)


def refused(uri: str) -> str:
    with pytest.raises(psycopg.OperationalError) as raised:
        psycopg.connect(uri)
    return str(raised.value)


def test_demo__totals_agree_in_both_runs_and_nothing_is_left(kept: Kept) -> None:
    """Both runs arrive complete; `--keep` lets one look around; Enter ends all of it.

    What the user has set for real (here: account_ids) plays no part.
    """
    assert kept.code == 0, kept.said
    assert "first run: totals agree" in kept.said
    assert "second run: totals agree" in kept.said
    assert "DIFFERS" not in kept.said
    assert "Nordlicht Sonnenbrillen" in kept.said  # shared, but not assigned: said, not hidden
    assert "Traceback" not in kept.said
    assert kept.left == []


def test_demo__fits_a_terminal_of_80_columns(kept: Kept) -> None:
    """Of all that it prints only addresses are longer, which must not be cut in two."""
    long = [line for line in kept.said.splitlines() if len(line) > 80]
    assert [line for line in long if "/" not in line and "127.0.0.1" not in line] == []
    assert len(play.QUERY.splitlines()) < 5


def test_demo__says_the_first_run_in_one_line(kept: Kept) -> None:
    """The tables are shown once, when they are complete."""
    first, _, second = kept.said.partition("first run: totals agree")

    assert "┃" not in first
    assert re.search(r"^  [\d,]+ rows in 5 tables, spend of 7 clients$", first, re.MULTILINE)
    assert second.count("agrees") == 5 + 7


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_demo__kept_answers_every_query_of_the_pages(kept: Kept, query: str) -> None:
    """As printed, word for word; a query that only alters, or finds what is wrong, may be empty."""
    may_be_empty = query.startswith(("create view", "delete")) or "lost" in query
    may_be_empty |= "result <> 'delivered'" in query or "DELETED" in query

    assert kept.answers[query] or may_be_empty


def test_demo__suggests_a_query_that_fits_a_screen(kept: Kept) -> None:
    """A row for each client that has advertised."""
    assert 5 <= kept.suggested <= 8
    assert play.QUERY in kept.said


def test_demo__report_answers_all_five_questions(kept: Kept) -> None:
    """Everything the page can show was loaded, and its file is named."""
    assert re.search(r"^report: \S+report\.html$", kept.said, re.MULTILINE)
    assert kept.page.count("<table>") == 5
    assert "was not loaded" not in kept.page
    assert "Kererū Outdoors, NZD a day" in kept.page


def test_demo__leaves_no_copy_in_the_database(kept: Kept) -> None:
    """What the second run is held against is gone when one looks around."""
    assert kept.schemas == {"public", "tap_meta_partner"}


def test_demo__port_asks_for_the_password(kept: Kept) -> None:
    """Another user of this machine, who can reach the port, cannot get in."""
    assert "password authentication failed" in kept.stranger


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
