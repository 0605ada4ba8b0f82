"""Running the repository's own meltano.yml, somewhere else and with made-up credentials."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

COMMAND = ("meltano", "run", "tap-meta-partner", "target-postgres")


_PROGRAMS = ("meltano", "tap-meta-partner", "target-postgres")


#: What the user has set for real must not mix with the demo, and no real token may leave.
_FOREIGN = ("TAP_META_PARTNER_", "TARGET_", "MELTANO_")


_GRACE_SECONDS = 5


_BEAT_SECONDS = 0.5


_LINE = 160


class CannotRun(Exception):
    """The demo cannot run here; the text says why and what to do."""


class RunFailed(Exception):
    """A run ended badly; the text is the end of its log."""


@dataclass(frozen=True, slots=True)
class Project:
    """A Meltano project.

    Attributes:
        root: its folder.
        settings: what tap and target are told, as environment variables.
        options: for `meltano` itself, such as `--log-level=debug`.
        loader: which of the loaders in meltano.yml.
    """

    root: Path
    settings: Mapping[str, str]
    options: tuple[str, ...] = ()
    loader: str = COMMAND[-1]

    @property
    def log(self) -> Path:
        """What the last run said."""
        return self.root / "run.log"

    def run(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Run the pipeline once.

        Args:
            meanwhile: done twice a second until it ends.

        Raises:
            RunFailed: it did not end with 0.
        """
        meltano, *arguments = command = (*COMMAND[:-1], self.loader)
        program = shutil.which(meltano, path=_path())
        if program is None:
            raise CannotRun("meltano is not installed: pip install 'tap-meta-partner[demo]'")
        with (
            self.log.open("wb") as log,
            _started([program, *self.options, *arguments], self, log.fileno()) as process,
        ):
            while process.poll() is None:
                meanwhile()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_BEAT_SECONDS)
            code = process.returncode
        if code:
            raise RunFailed(f"{' '.join(command)} ended with {code}:\n{_end_of(self.log)}")


def new_project(
    root: Path, settings: Mapping[str, str], *options: str, loader: str = COMMAND[-1]
) -> Project:
    """Make a project with a copy of the repository's meltano.yml, so that the checkout stays clean.

    Raises:
        CannotRun: something that is needed is not here.
    """
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_path()) is None]
    if missing:
        raise CannotRun(f"{' and '.join(missing)} not found: pip install 'tap-meta-partner[demo]'")
    root.mkdir()
    shutil.copy(_meltano_yml(), root)
    return Project(root, dict(settings), options, loader)


def _meltano_yml() -> Path:
    found = Path(__file__).resolve().parents[2] / "meltano.yml"
    if not found.is_file():
        raise CannotRun(
            "the demo runs the repository's meltano.yml, which is not part of the installed "
            "package: clone the repository and run `uv run meta-partner demo` in it"
        )
    return found


def _path() -> str:
    """Look for programs beside this Python first: that is where tap and target are."""
    return os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_FOREIGN)}
    return {
        **kept,
        "PATH": _path(),
        "NO_PROXY": "127.0.0.1,localhost",  # the sandbox is on this machine, whatever the proxy
        "no_proxy": "127.0.0.1,localhost",
        "NO_COLOR": "1",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        **settings,
    }


@contextlib.contextmanager
def _started(
    command: list[str], project: Project, output: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process in a session of its own, and leave none of that session running."""
    process = subprocess.Popen(  # noqa: S603  (a fixed command)
        command,
        cwd=project.root,
        env=_environment(project.settings),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end_all(process)


def _end_all(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
    else:
        # Tap and target are children of Meltano's, which does not always take them along.
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_of(log: Path, lines: int = 20) -> str:
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line[:_LINE] for line in text[-lines:])
