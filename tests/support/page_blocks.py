"""What the code makes of README and docs: `uv run python -m tests.support.page_blocks`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.sandbox import Sandbox, World
from tests.support.columns import with_columns
from tests.support.recipes import NOW, with_recipes
from tests.support.settings_table import settings_table
from tests.support.tap_process import run_tap
from tests.support.warehouse import execute, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.support.tap_process import Output

ROOT = Path(__file__).parents[2]
README, DOCS = ROOT / "README.md", ROOT / "docs"
#: The pages whose blocks are written here; the folders below docs/ have writers of their own.
#: Those that name the repository's address; docs/hub.md has an example's.
_NAMING = (README, ROOT / "meltano.yml", *sorted(set(DOCS.rglob("*.md")) - {DOCS / "hub.md"}))
PAGES = (README, *sorted(DOCS.glob("*.md")))
_RUN = re.compile(r"(<!-- run: ([^>]*) -->\n)(.*?)(<!-- /run -->)", re.DOTALL)
#: What differs from run to run, and what stands for it in a comparison.
_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4}"), "DAY"),
    (re.compile(r"\d+ calls in [\d.]+ s"), "CALLS"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"\d{2}:\d\d:\d\d(\.\d+)?"), "TIME"),
    # What a recording puts in the place of ids and texts is another each time.
    (re.compile(r"(?<=[\"_])\d{15,}"), "ID"),
    (re.compile(r"text-[a-z2-7]{12}"), "TEXT"),
    (re.compile(r" about [A-Z][a-z]+ \d{4}"), " MONTH"),
)
_SQL = re.compile(r"<!-- sql: (\w+) -->\n```sql\n(.*?)```\n<!-- /sql -->", re.DOTALL)
#: An address of this repository, whatever it was published under before.
_REPOSITORY = re.compile(r"https://[\w./-]+/tap-meta-partner(?![\w./-])")
_QUERY = re.compile(r"^ *```sql\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"(<!-- settings: [^>]*-->\n)(.*?)(<!-- /settings -->)", re.DOTALL)
_SOME = re.compile(r"(<!-- settings for: ([^>]*) -->\n)(.*?)(<!-- /settings for -->)", re.DOTALL)
_HEAD_LINES = 2
_WIDTH = 80
_RECORDING, _RECORDED = Path("night.jsonl"), "210007000003034"
_LAST_LINE = "Ctrl-C stops it.\n"
#: A fixed time, whose seconds last a twentieth.
_THEN = Clock(utc_now=lambda: NOW, second=0.05, monotonic=lambda: time.monotonic() / 0.05)


def page_text(name: str) -> str:
    """Return a page of docs/, by its name without `.md`."""
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def all_text() -> str:
    """Return README and docs one after another, for what may stand on any of them."""
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def some_settings(names: str) -> str:
    """Return the lines of that table for a few settings, given with blanks between, in order."""
    lines = settings_table().splitlines(keepends=True)
    wanted = [next(each for each in lines if each.startswith(f"| `{n}` |")) for n in names.split()]
    return "".join([*lines[:_HEAD_LINES], *wanted])


def shown_table(page: str) -> str:
    """Return the table of all settings that a page shows."""
    match = _BLOCK.search(page)
    return match.group(2) if match else ""


def shown_some(page: str) -> list[tuple[str, str]]:
    """Return the names of the settings in each short table of a page, with that table."""
    return [(match.group(2), match.group(3)) for match in _SOME.finditer(page)]


def shown_commands(page: str) -> list[tuple[str, str]]:
    """Return the commands that a page shows, each with the output it shows."""
    return [(match.group(2), match.group(3)) for match in _RUN.finditer(page)]


def shown_sql(page: str) -> dict[str, str]:
    """Return the SQL that a page shows and a test runs, by its name in the comment above it."""
    return dict(_SQL.findall(page))


def repository() -> str:
    """Return where the code is published, from the one place where that is said."""
    content = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'^repository = "(.*)"$', content, re.MULTILINE)[0]


def named_repositories() -> dict[str, set[str]]:
    """Return the addresses of this repository that README, docs and meltano.yml name, by page."""
    found = {page: _REPOSITORY.findall(page.read_text(encoding="utf-8")) for page in _NAMING}
    return {page.name: set(addresses) for page, addresses in found.items() if addresses}


def shown_queries() -> list[str]:
    """Return every block of SQL in README and docs, the folders below docs/ included."""
    pages = (README, *sorted(DOCS.rglob("*.md")))
    return [query for page in pages for query in _QUERY.findall(page.read_text(encoding="utf-8"))]


def run_block(command: str) -> str:
    """Run a command against a sandbox; return the block for a page."""
    program, *arguments = shlex.split(command)
    if program != "meta-partner":
        return _shown(command, _read_with_the_shell(command))
    with _settings(arguments) as clock:
        if "--replay" in arguments:
            return _shown(command, _replay(arguments))
        output = (
            CliRunner()
            .invoke(cli.main, arguments, prog_name=program, terminal_width=_WIDTH, obj=clock)
            .stdout
        )
    return _shown(command, output)


def _shown(command: str, output: str) -> str:
    return f"```console\n$ {command}\n{output.strip()}\n```\n"


def _read_with_the_shell(command: str) -> str:
    """Look at the recording of a night with a command that only reads."""
    program, *arguments = shlex.split(command)
    if program != "head" or arguments[-1] != str(_RECORDING):
        raise ValueError(f"{program} is not run here")
    with _settings(["sandbox", "--replay"]):
        return subprocess.run(
            [program, *arguments], check=True, capture_output=True, text=True
        ).stdout


def _replay(arguments: list[str]) -> str:
    """Start a server and return what it says before it serves."""
    command = [sys.executable, "-m", "tap_meta_partner.cli", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            return "".join(iter(process.stdout.readline if process.stdout else str, _LAST_LINE))
        finally:
            process.terminate()


@contextlib.contextmanager
def _settings(arguments: list[str]) -> Iterator[Clock]:
    """Make a folder with config.json, a sandbox that it leads to, and what the command needs."""
    is_at_work = "--help" not in arguments
    verifies = arguments[0] == "verify" and is_at_work
    replays = "--replay" in arguments
    is_then = verifies or replays or (arguments[0] == "probe" and is_at_work)
    world = World.demo(seed=7, now=lambda: NOW) if is_then else World.demo(seed=7)
    with Sandbox(world, port=0) as sandbox, _another_folder():
        config = {
            "access_token": sandbox.token,
            "api_url": sandbox.url,
            "business_id": sandbox.world.business.id,
        }
        Path("config.json").write_text(json.dumps(config), encoding="utf-8")
        if verifies:
            _fill_warehouse(sandbox, config)
        if replays:
            _night({**config, "account_ids": [_RECORDED], "record_to": str(_RECORDING)})
        yield _THEN if is_then else Clock()


def _night(config: dict[str, Any]) -> Output:
    """Run the tap at the fixed time."""
    return run_tap(
        Path(),
        config,
        arguments=("--now", NOW.isoformat()),
        minute=60,
        environment={"PYTHONPATH": str(ROOT)},
    )


def _fill_warehouse(sandbox: Sandbox, config: dict[str, Any]) -> None:
    """Load a night's rows into ads.duckdb; then Meta corrects some of them, and a day is lost."""
    night = _night(config)
    fill(Path("ads.duckdb"), night)
    sandbox.world.restate(0.1)
    execute(
        Path("ads.duckdb"),
        "delete from tap_meta_partner.ad_insights "
        "where account_id = '210007000001016' and date_start = '2026-11-12'",
    )


@contextlib.contextmanager
def _another_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def without_what_varies(block: str) -> str:
    """Return a block with days, durations and addresses replaced by words."""
    lines = [line for line in block.splitlines() if "remembered" not in line]
    text = "\n".join(lines)
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text


def _made_anew(command: str, shown: str) -> str:
    """Return the block of a command: the one shown, where only what varies is another."""
    made = run_block(command)
    return shown if without_what_varies(shown) == without_what_varies(made) else made


def written(page: str) -> str:
    """Return a page's text with every block made anew."""
    page = _BLOCK.sub(lambda match: match.group(1) + settings_table() + match.group(3), page)
    page = _SOME.sub(lambda match: match[1] + some_settings(match[2]) + match[4], page)
    page = _RUN.sub(lambda match: match[1] + _made_anew(match[2], match[3]) + match[4], page)
    return with_recipes(with_columns(page))


def main() -> None:
    """Write tables, commands' output, columns and recipes into the pages that show them."""
    for path in PAGES:
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
    for path in _NAMING:
        text = path.read_text(encoding="utf-8")
        path.write_text(_REPOSITORY.sub(repository(), text), encoding="utf-8")


if __name__ == "__main__":
    main()
