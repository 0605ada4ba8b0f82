from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tap_meta_partner.demo.postgres import short_folder
from tap_meta_partner.outputs.last_line import one_line_at_worst
from tap_meta_partner.outputs.secrecy import hide

posix_only = pytest.mark.skipif(os.name != "posix", reason="of a shell on POSIX")
TAP = f"{sys.executable} -m tap_meta_partner"
PARTNER = f"{sys.executable} -m tap_meta_partner.cli"


def fail_with(error: BaseException) -> None:
    with one_line_at_worst():
        raise error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KeyError("x"), "Error: stopped by an unexpected KeyError: 'x'. Please report it.\n"),
        (ValueError("a\nb\x1b"), "Error: stopped by an unexpected ValueError: a b?. Please report"),
        (ValueError("of EAAB-my-token"), "ValueError: of ***. Please report it.\n"),
        (OSError(28, "No space left"), "something cannot be read or written: No space left\n"),
        (BrokenPipeError(), ""),
    ],
    ids=repr,
)
def test_end__unforeseen_is_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    says: str,
) -> None:
    """What happened and what to do, without secrets and control characters; exit code 1."""
    hide("EAAB-my-token")
    # The process goes on after this one.
    monkeypatch.setattr(os, "dup2", lambda *_descriptors: None)
    with pytest.raises(SystemExit) as ended:
        fail_with(error)

    assert ended.value.code == 1
    assert says in capsys.readouterr().err


def test_end__that_is_one_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """A command's own exit code comes through."""
    with pytest.raises(SystemExit) as ended:
        fail_with(SystemExit(3))

    assert ended.value.code == 3
    assert capsys.readouterr().err == ""


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux")


@posix_only
@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        pytest.param(f"{TAP} --about > /dev/full", 1, "No space left on device", marks=full),
        pytest.param(f"{PARTNER} --help > /dev/full", 1, "No space left on device", marks=full),
        pytest.param(f"{PARTNER} check --config no 2> /dev/full", 2, "", marks=full),
        (f"{TAP} --about >&-", 1, "stdout is closed"),
        (f"{PARTNER} invite --business-id 1 >&-", 1, "stdout is closed"),
        (f"{PARTNER} check --config no 2>&-", 2, ""),
        (f"{TAP} --about 2>&- > about.txt", 0, ""),
    ],
)
def test_outputs__that_are_closed_or_full(tmp_path: Path, line: str, code: int, says: str) -> None:
    """A line where there is somebody to tell, the usual exit code where there is not."""
    ended = shell(tmp_path, line)

    assert ended.returncode == code
    assert says in ended.stderr
    assert ended.stderr.count("\n") == bool(says)


@posix_only
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs the rights of root")
def test_user__without_name_or_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in many a container: the commands do without a place to remember things in."""
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    # Python itself may lie where they cannot read: it changes hands when all is loaded.
    script = (
        "import os, dotenv, keyring, encodings.idna, encodings.utf_8_sig\n"
        "from tap_meta_partner.cli import main\n"
        "os.setgroups([]); os.setgid(54321); os.setuid(54321)\n"
        "main()\n"
    )
    with short_folder() as folder:
        folder.chmod(0o755)
        config = folder / "config.json"
        config.write_text('{"access_token": "x", "api_url": "http://127.0.0.1:9"}')
        config.chmod(0o644)
        for arguments in (["check"], ["refresh"], ["refresh", "--store", "~/token.json"]):
            ended = subprocess.run(
                [sys.executable, "-c", script, *arguments, "--config", "config.json"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

            assert ended.returncode in {2, 3}, ended.stderr
            assert ended.stderr.startswith("Error: ")
            assert ended.stderr.count("\n") == 1
