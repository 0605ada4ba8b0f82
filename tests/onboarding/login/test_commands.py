"""`login` and `refresh` as people call them: in this process, and as one of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from keyring.backends import fail

from tap_meta_partner import cli
from tap_meta_partner.onboarding.login.token_store import VARIABLE, EnvFile
from tap_meta_partner.sandbox.graph.login_dialog import ANSWERS
from tests.support.logins import APP_SECRET, TOKENS, Person, fetch
from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.sandbox import Sandbox


@dataclass
class Command:
    """`meta-partner` in a folder of its own, without a keyring, and with a person at a browser."""

    folder: Path
    meta: Sandbox

    def run(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Runs it in this process: exit code, stdout, stderr."""
        done = CliRunner().invoke(cli.main, arguments, env=variables, catch_exceptions=False)
        return done.exit_code, done.stdout, done.stderr

    def log_in(self, *arguments: str) -> tuple[int, str, str]:
        """Logs in, in the person's browser."""
        return self.run("login", "--port", "0", *arguments)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts it as a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "tap_meta_partner.cli", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def log_in_as_process(self, *arguments: str) -> tuple[int, str, str]:
        """Logs in, opening the address that is shown."""
        process = self.start("login", "--no-browser", "--port", "0", *arguments)
        stream = process.stderr if "--print" in arguments else process.stdout
        assert stream is not None
        seen = ""
        while "dialog/oauth" not in (line := stream.readline()):
            assert line, process.communicate()
            seen += line
        fetch(line.strip())
        out, err = process.communicate(timeout=30)
        shown = seen + line
        is_out = stream is process.stdout
        return process.returncode, shown * is_out + out, shown * (not is_out) + err


@pytest.fixture
def command(
    meta: Sandbox,
    person: Person,
    tmp_path: Path,
    use_keyring: Callable[[object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> Command:
    for name in [name for name in os.environ if name.startswith("TAP_META_PARTNER")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TAP_META_PARTNER_API_URL", meta.url)
    monkeypatch.setenv("TAP_META_PARTNER_APP_ID", meta.app_id)
    monkeypatch.setenv("TAP_META_PARTNER_APP_SECRET", APP_SECRET)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    use_keyring(fail.Keyring())  # the variable is for processes
    monkeypatch.setattr("webbrowser.open", person.open)
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path, meta)


def test_command__logs_in_and_the_tap_reads(command: Command, tmp_path: Path) -> None:
    """After `login` the .env holds the token, the tap reads with it, and no screen has shown it."""
    code, out, err = command.log_in_as_process()
    (tmp_path / "run").mkdir()
    token = EnvFile(tmp_path / ".env").read()

    assert (code, err) == (0, "")
    assert "Stored: TAP_META_PARTNER_ACCESS_TOKEN in" in out
    assert token
    assert not TOKENS.search(out)
    assert APP_SECRET not in out
    config = {
        "access_token": token,
        "app_secret": APP_SECRET,
        "api_url": command.meta.url,
        "account_ids": ["210007000001016"],
    }
    assert run_tap(tmp_path / "run", config).counts["ad_accounts"] == 1


def test_command__refreshes_what_login_stored(command: Command, tmp_path: Path) -> None:
    """`refresh` finds the token where `login` has put it."""
    assert command.log_in()[0] == 0
    before = EnvFile(tmp_path / ".env").read()

    code, out, err = command.run("refresh")

    assert (code, err) == (0, "")
    assert "Before: 60 days. After: 60 days." in out
    assert EnvFile(tmp_path / ".env").read() != before
    assert not TOKENS.search(out)


def test_command__prints_the_token_alone(command: Command, tmp_path: Path) -> None:
    """With --print stdout is the token, for a secrets manager, and nothing is stored."""
    code, out, err = command.log_in_as_process("--print")

    assert code == 0
    assert re.fullmatch(r"SANDBOX-LOGIN-\S+\n", out)
    assert not TOKENS.search(err)
    assert list(tmp_path.iterdir()) == []

    EnvFile(tmp_path / ".env").write(out.strip())
    code, printed, err = command.run("refresh", "--print")
    assert re.fullmatch(r"SANDBOX-LOGIN-\S+\n", printed)
    assert printed != out
    assert EnvFile(tmp_path / ".env").read() == out.strip()


def test_command__stores_in_a_config(command: Command, tmp_path: Path) -> None:
    """`--store FILE` is a config.json that the tap takes as it is; --show-token shows the token."""
    code, out, _ = command.log_in("--store", "token.json", "--show-token")
    token = json.loads((tmp_path / "token.json").read_text())["access_token"]

    assert code == 0
    assert f"Token: {token}" in out
    assert command.run("refresh", "--store", "token.json")[0] == 0
    assert json.loads((tmp_path / "token.json").read_text())["access_token"] != token


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "says"),
    [
        (("login",), {"TAP_META_PARTNER_APP_ID": ""}, 2, "app_id must be set"),
        (("login", "--print", "--store", "x"), {}, 2, "--print stores the token nowhere"),
        (("login", "--pkce", "--config-id", "1"), {}, 2, "--pkce needs the scope openid"),
        (("login", "--dialog-url", "x.example"), {}, 2, "--dialog-url must begin with https://"),
        (("login", "--store", "keyring"), {}, 3, "no keyring that works"),
        (("login", "--no-browser", "--port", "0", "--wait", "1"), {}, 3, "within 1 s"),
        (("refresh",), {}, 2, "there is no token in"),
        (("refresh",), {"TAP_META_PARTNER_API_URL": "http://meta.example"}, 2, "plain http"),
    ],
)
def test_command__ends_in_one_line(
    command: Command, arguments: tuple[str, ...], variables: dict[str, str], code: int, says: str
) -> None:
    """What cannot be done is one line of error with its exit code, and no traceback."""
    ended, _, err = command.run(*arguments, **variables)

    assert ended == code
    assert says in err
    assert err.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in err
    assert APP_SECRET not in err


def test_command__ends_in_one_line_as_a_process(command: Command) -> None:
    """The line is on stderr and the code is the process's own."""
    process = command.start("refresh")
    out, err = process.communicate(timeout=30)

    assert (process.returncode, out) == (2, "")
    assert re.fullmatch(r"Error: there is no token in .*\n", err)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_command__stops_on_ctrl_c(command: Command, tmp_path: Path) -> None:
    """Ctrl-C while waiting ends it at once, with 130 and nothing stored."""
    process = command.start("login", "--no-browser", "--port", "0")
    assert process.stdout is not None
    while "Waiting up to" not in process.stdout.readline():
        pass
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)

    assert process.returncode == 130
    assert err == "Error: stopped.\n"
    assert time.monotonic() - begun < 5
    assert list(tmp_path.iterdir()) == []


def test_command__tells_of_a_variable_that_goes_before(command: Command) -> None:
    """A token in the environment would hide the stored one: that is said."""
    EnvFile(command.folder / ".env").write(command.meta.token)

    _, _, err = command.run("refresh", TAP_META_PARTNER_ACCESS_TOKEN="EAAB-other")

    assert err == (f"Note: {VARIABLE} is set in the environment, and goes before what is stored.\n")


@pytest.mark.parametrize("name", ["login", "refresh"])
def test_command__help_fits_a_screen(command: Command, name: str) -> None:
    """24 lines of 80 columns say all there is."""
    code, out, _ = command.run(name, "--help")

    assert code == 0
    assert len(out.splitlines()) <= 24
    assert max(map(len, out.splitlines())) <= 80


def test_docs__name_options_and_answers_that_exist() -> None:
    """Every option that docs/oauth.md gives to a command is one, and so is every answer."""
    text = (Path(__file__).parents[3] / "docs" / "oauth.md").read_text(encoding="utf-8")
    options = {
        name: {option for each in command.params for option in each.opts}
        for name, command in cli.main.commands.items()
    }
    given = re.findall(
        r"meta-partner (login|refresh|sandbox)((?: --[a-z-]+(?: [^-`|\s]\S*)?)*)", text
    )

    assert given
    for name, arguments in given:
        assert set(re.findall(r"--[a-z-]+", arguments)) <= options[name]
    assert set(re.findall(r"`(--[a-z-]+)", text)) <= options["login"] | options["refresh"] | {
        "--config"
    }
    assert set(re.findall(r"`([a-z]+_(?:code|state))`", text)) < set(ANSWERS)
