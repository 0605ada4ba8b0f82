"""Mistakes that newcomers make, what is typed and what is printed: a table, and who plays it.

`uv run python -m tests.support.mistakes` plays all of them against a sandbox and prints the table;
with `--write` it goes into docs/mistakes.md. Each is played in a process of its own, forked from
one that has loaded the tap, in a folder of its own and with nothing but its own settings.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_meta_partner.sandbox import Dials, Sandbox, World
from tests.support.meltano_mistakes import play_in_meltano, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DOCUMENT = Path(__file__).parents[2] / "docs" / "mistakes.md"
SETTING, VARIABLE, FILE, SELECT, COMMAND = "setting", "variable", "file", "select", "command"
_REPORT = {"name": "by_age", "breakdowns": ["age"]}
_TAP, _PEOPLE = "tap-meta-partner", "meta-partner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What somebody types.

    Attributes:
        where: in which kind of place.
        typed: as a reader sees it.
        settings: config.json beside token and address; a None takes one out.
        variables: of the environment.
        files: further ones, by name.
        selected: the only streams selected, where not all are.
        arguments: of the command.
        command: the tap, or that for people.
        code: the exit code that it has to have.
        says: what has to be printed.
    """

    where: str
    typed: str
    says: str
    code: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    selected: tuple[str, ...] | None = None
    arguments: tuple[str, ...] = ("--config", "config.json")
    command: str = _TAP


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a mistake: the exit code, and the lines of the tap's own."""

    code: int
    lines: tuple[str, ...]


def _setting(says: str, code: int = 1, **settings: Any) -> Mistake:  # noqa: ANN401  (settings)
    typed = ", ".join(f"{name}: {json.dumps(value)}" for name, value in settings.items())
    return Mistake(where=SETTING, typed=typed, says=says, code=code, settings=settings)


def _report(says: str, code: int = 1, **definition: Any) -> Mistake:  # noqa: ANN401  (of a report)
    typed = f"reports: [{json.dumps(definition)}]"
    return Mistake(
        where=SETTING, typed=typed, says=says, code=code, settings={"reports": [definition]}
    )


def _of_a_command(says: str, code: int, *arguments: str, **more: Any) -> Mistake:  # noqa: ANN401
    typed = f"meta-partner {' '.join(arguments)}"
    return Mistake(
        where=COMMAND,
        typed=typed,
        says=says,
        code=code,
        arguments=arguments,
        command=_PEOPLE,
        **more,
    )


MISTAKES: tuple[Mistake, ...] = (
    # The token.
    Mistake(
        where=SETTING,
        typed="no access_token",
        says="access_token is missing",
        settings={"access_token": None},
    ),
    _setting("access_token is missing", access_token=""),
    _setting("access_token", access_token="<your token>"),
    _setting("access_token", access_token="${META_TOKEN}"),
    _setting("access_token must be a string", access_token=12345),
    _setting("does not accept the access token", access_token="WRONG"),
    _setting(
        "access_tokens[0] has no access_token", access_token=None, access_tokens=[{"label": "a"}]
    ),
    # Dates.
    _setting("start_date", start_date="01.09.2026"),
    _setting("start_date", start_date="1/9/2026"),
    _setting("start_date", start_date="last month"),
    _setting("lies in the future", start_date="2999-01-01"),
    _setting("37 months", code=0, start_date="2010-01-01"),
    _setting("end_date", start_date="2026-09-02", end_date="2026-09-01"),
    _setting("date_preset", date_preset="lifetime"),
    _setting("date_preset", date_preset="last_7d", start_date="2026-09-01"),
    _setting("lookback_days", lookback_days="4 weeks"),
    _setting("lookback_days", lookback_days=-1),
    # Accounts.
    _setting("account_ids", account_ids="one"),
    _setting("account_ids", account_ids=["act_12x"]),
    _setting("999", code=1, account_ids=["999"]),
    _setting("business_id", business_id="our agency"),
    # What is read.
    _setting("did you mean spend", code=0, fields=["spendd"]),
    _setting("7d_view", action_attribution_windows=["7d_view"]),
    _setting("report_mode", report_mode="fast"),
    _setting("max_concurrency", max_concurrency=500),
    _setting("shard_index", shard_index=5, shard_count=2),
    _report("did you mean gender", name="r", breakdowns=["gendr"]),
    _report('unknown key "columns"', name="r", columns=["spend"]),
    _report("name", name="my report"),
    _report("level", name="r", level="advert"),
    _report("time_increment", name="r", time_increment="weekly"),
    _report("time_increment", name="r", time_increment=90),
    _report("date_preset", name="r", time_increment="all_days"),
    _setting("by_age", reports=[_REPORT, _REPORT]),
    _setting("reports", reports='[{"name": "r"'),
    # The address.
    _setting("use https", api_url="http://example.com"),
    _setting("api_url", api_url="graph.facebook.com"),
    _setting("no answer from the Graph API", api_url="http://127.0.0.1:9"),
    _setting("api_version", api_version="latest"),
    # Names of settings.
    _setting("did you mean account_ids?", code=0, acount_ids=["1"]),
    Mistake(
        where=VARIABLE,
        typed="TAP_META_PARTNER_LOOKBACK_DAY=7",
        says="did you mean TAP_META_PARTNER_LOOKBACK_DAYS?",
        code=0,
        variables={"TAP_META_PARTNER_LOOKBACK_DAY": "7"},
    ),
    Mistake(
        where=VARIABLE,
        typed="--config ENV without variables",
        says="access_token is missing",
        arguments=("--config", "ENV"),
    ),
    # Files.
    Mistake(
        where=FILE,
        typed="--config nofile.json",
        says="nofile.json",
        arguments=("--config", "nofile.json"),
    ),
    Mistake(
        where=FILE,
        typed="config.json with a comma too many",
        says="config",
        files={"broken.json": '{"access_token": "x",}'},
        arguments=("--config", "broken.json"),
    ),
    Mistake(
        where=FILE,
        typed="a state that is none",
        says="state",
        files={"state.json": "[]"},
        arguments=("--config", "config.json", "--state", "state.json"),
    ),
    # What is selected.
    Mistake(where=SELECT, typed="select: [ad_insight.*]", says="nothing was read", selected=()),
    Mistake(
        where=SELECT,
        typed="a report, and select: [ad_insights.*]",
        says="by_age is defined, but not selected",
        code=0,
        settings={"reports": [_REPORT]},
        selected=("ad_insights",),
    ),
    # Commands for people.
    _of_a_command("Did you mean", 2, "chek"),
    _of_a_command("access_token is missing", 2, "check"),
    _of_a_command(
        "has to begin with postgresql+psycopg://",
        1,
        *("check", "--config", "config.json", "--json", "--database", "postgres://u:p@host/ads"),
    ),
    _of_a_command(
        "refused",
        1,
        *("check", "--config", "config.json", "--json"),
        *("--database", "postgresql+psycopg://u@127.0.0.1:1/ads"),
    ),
    _of_a_command("there is no token", 2, "refresh", "--config", "config.json"),
    _of_a_command("whose?", 2, "invite"),
)


def play() -> list[Played]:
    """Play all of them against a sandbox of their own."""
    with Sandbox(World.demo(seed=7), Dials()) as sandbox, tempfile.TemporaryDirectory() as name:
        wanted = [{**asdict(each), "url": sandbox.url} for each in MISTAKES]
        ended = subprocess.run(
            [sys.executable, "-m", "tests.support.mistakes", "--play", name],
            input=json.dumps(wanted),
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
            env=_environment({}),
        )
    return [Played(each["code"], tuple(each["lines"])) for each in json.loads(ended.stdout)]


def _environment(further: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without any setting."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAP_META_PARTNER_", "TARGET_"))
    }
    return {**kept, **further}


def _play_one(folder: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Fork, be the command in the child, and return what it printed and its exit code."""
    # One at a time: whom a fault meets first is the same each time.
    usual = {"access_token": "SANDBOX-TOKEN", "api_url": wanted["url"], "max_concurrency": 1}
    given = {**usual, **wanted["settings"]}
    settings = {name: value for name, value in given.items() if value is not None}
    files = {"config.json": json.dumps(settings), **wanted["files"]}
    if wanted["selected"] is not None:
        files["catalog.json"] = json.dumps(_catalog(settings, wanted["selected"]))
        wanted = {**wanted, "arguments": [*wanted["arguments"], "--catalog", "catalog.json"]}
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
        (folder / name).chmod(0o600)
    child = os.fork()
    if not child:
        _be_the_command(folder, wanted)
    _, status = os.waitpid(child, 0)
    printed = (folder / "printed.txt").read_text(encoding="utf-8")
    lines = _own_lines(printed.replace(f"{folder}/", ""))
    return {"code": os.waitstatus_to_exitcode(status), "lines": [*lines]}


def _catalog(settings: Mapping[str, Any], selected: Sequence[str]) -> dict[str, Any]:
    from tests.support.tap_process import catalog_selecting  # noqa: PLC0415  (the child's)

    return catalog_selecting(settings, *selected)


def _be_the_command(folder: Path, wanted: Mapping[str, Any]) -> None:
    from tap_meta_partner import cli  # noqa: PLC0415  (loaded before by the forking process)
    from tap_meta_partner.tap import main  # noqa: PLC0415  (as above)

    code = 1
    try:
        os.chdir(folder)
        os.environ |= wanted["variables"]
        printed = os.open("printed.txt", os.O_CREAT | os.O_WRONLY)
        os.dup2(printed, 2)
        rows = os.open("rows.jsonl", os.O_CREAT | os.O_WRONLY)
        os.dup2(printed if wanted["command"] == _PEOPLE else rows, 1)
        sys.argv = [wanted["command"], *wanted["arguments"]]
        if wanted["command"] == _PEOPLE:
            cli.main(prog_name=_PEOPLE)
        else:
            main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


_PREFIX = re.compile(r"^\S+ \S+ \| (WARNING|ERROR) *\| \S+ +\| ")
_INFO = re.compile(r"^\S+ \S+ \| (INFO|DEBUG)")


def _own_lines(printed: str) -> Iterator[str]:
    """Return what a person reads: no routine, no summary of what went well, no time stamps."""
    for line in printed.splitlines():
        said = re.sub(r"127\.0\.0\.1:\d{4,}", "127.0.0.1:PORT", _PREFIX.sub("", line).rstrip())
        if said and not _INFO.match(line) and not said.startswith("ad accounts: "):
            yield said


def page(played: Sequence[Played]) -> str:
    """Make the page of all mistakes and what was printed."""
    rows = [
        f"| {each.where} | `{_code(each.typed)}` | {'<br>'.join(map(_cell, _told(each, found)))} | "
        f"{found.code} |"
        for each, found in zip(MISTAKES, played, strict=True)
    ]
    return "\n".join([_INTRODUCTION, *rows, ""])


_INTRODUCTION = f"""# Mistakes, and what is printed

Made by `uv run python -m tests.support.mistakes --write`. {len(MISTAKES)} mistakes that newcomers
make, each typed as it stands, and what the tap or `meta-partner` then prints. An exit code of 0 is
a run that went on, with a warning.

| Where | Typed | Printed | Exit code |
|---|---|---|---|"""


def _told(mistake: Mistake, found: Played) -> Sequence[str]:
    if mistake.command == _PEOPLE and "--json" in mistake.arguments:
        return [next(line.strip() for line in found.lines if mistake.says in line)]
    return found.lines


def _code(text: str) -> str:
    return text.replace("|", "\\|")  # between backticks nothing else means anything


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _play_all(folder: Path) -> None:
    """Play what comes in, one after another, and print what became of it."""
    importlib.import_module("tap_meta_partner.tap")
    importlib.import_module("tap_meta_partner.cli")

    found = []
    for number, wanted in enumerate(json.load(sys.stdin)):
        own = folder / str(number)
        own.mkdir()
        found.append(_play_one(own, wanted))
    sys.stdout.write(json.dumps(found))


def main() -> None:
    """Play all mistakes and print the page; with `--write`, into docs/mistakes.md."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--play", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.play:
        _play_all(arguments.play)
        return
    with tempfile.TemporaryDirectory() as name:
        made = page(play()) + table(play_in_meltano(Path(name)))
    if arguments.write:
        DOCUMENT.write_text(made, encoding="utf-8")
    else:
        sys.stdout.write(made)


if __name__ == "__main__":
    main()
