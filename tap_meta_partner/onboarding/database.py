"""A target's database, opened with SQLAlchemy: every way in which that fails is one line.

SQLAlchemy comes with the extra `verify`, the database's driver from the user: import this module
where it is needed, not before.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import exc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_IN_FILES = ("duckdb", "sqlite")
#: Seconds until a server that does not answer is given up.
_CONNECT_SECONDS = 10
#: What other tools write, and SQLAlchemy does not read.
_OLD_NAMES = ("postgres", "postgres+psycopg", "postgres+psycopg2")
_EXAMPLE = "postgresql+psycopg://user:password@host/database"


class CannotRead(Exception):
    """The target cannot be read; one line, without the password."""


class Database:
    """A database that only reads are made of.

    Args:
        address: as SQLAlchemy writes it.

    Raises:
        CannotRead: the address is none, or a package for it is missing.
    """

    def __init__(self, address: str) -> None:
        try:
            self._url = sa.make_url(address.strip())
            if self._url.drivername in _OLD_NAMES:
                raise CannotRead(
                    f"the database's address begins with {self._url.drivername}:// and has to "
                    "begin with postgresql+psycopg://"
                )
            self._engine = sa.create_engine(self._url, connect_args=_connecting(self._url))
        except exc.NoSuchModuleError:
            raise CannotRead(
                f"SQLAlchemy has no dialect {self._url.drivername}: install the one for your "
                "database, such as duckdb-engine"
            ) from None
        except ModuleNotFoundError as error:
            raise CannotRead(
                f"the database's driver {error.name} is missing: install it, or name another one "
                "(postgresql+psycopg://…)"
            ) from None
        except (exc.ArgumentError, ValueError):
            raise CannotRead(
                f"the database's address is not one that SQLAlchemy reads, such as {_EXAMPLE}"
            ) from None

    def __str__(self) -> str:
        return self._url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()

    @contextlib.contextmanager
    def connection(self) -> Iterator[sa.Connection]:
        """Connect to it while the context lasts.

        Raises:
            CannotRead: it cannot be reached, or refuses what is asked.
        """
        try:
            with self._engine.connect() as connection:
                yield connection
        except exc.SQLAlchemyError as error:
            # The whole text has the statement and its parameters; the driver's word is enough.
            said = str(getattr(error, "orig", None) or type(error).__name__).strip()
            first = said.splitlines()[0] if said else type(error).__name__
            if self._url.password:
                first = first.replace(str(self._url.password), "***")
            raise CannotRead(f"{self}: {first}") from None

    def is_ready_for_a_loader(self) -> str:
        """Say as whom it lets us in, and whether a loader may make its tables there.

        Raises:
            CannotRead: it cannot be reached, or no schema may be made in it.
        """
        with self.connection() as connection:
            if self._url.get_backend_name() != "postgresql":
                connection.execute(sa.text("select 1"))
                return f"{self} answers"
            user, name, may_create = connection.execute(
                sa.text(
                    "select current_user, current_database(), "
                    "has_database_privilege(current_database(), 'CREATE')"
                )
            ).one()
        if not may_create:
            raise CannotRead(
                f"{self}: user {user} may not make a schema in {name}: "
                f'grant create on database "{name}" to "{user}"'
            )
        return f"{self} answers, and {user} may make tables there"


def _connecting(url: sa.URL) -> dict[str, Any]:
    """Return how to connect: a file is neither made nor locked, a server not waited for.

    Raises:
        CannotRead: there is no such file.
    """
    backend = url.get_backend_name()
    if backend == "postgresql" and url.get_driver_name() in ("psycopg", "psycopg2"):
        return {"connect_timeout": _CONNECT_SECONDS}
    if backend not in _IN_FILES or not url.database or url.database == ":memory:":
        return {}
    if not Path(url.database).is_file():
        raise CannotRead(f"there is no file {url.database}")
    return {"read_only": True} if backend == "duckdb" else {}
