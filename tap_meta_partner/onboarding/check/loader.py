"""Whether the loader will find its database: said here in a line, there in two hundred."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING

from tap_meta_partner.onboarding.check.findings import ERROR, Problem
from tap_meta_partner.outputs.printable import printable

if TYPE_CHECKING:
    from tap_meta_partner.onboarding.check.findings import Findings

_ABOUT = "the loader's database"
_WHERE = "Set TARGET_POSTGRES_SQLALCHEMY_URL in .env, or correct the database."


def try_database(found: Findings, address: str) -> None:
    """Try a database and note in the findings how it went.

    Args:
        found: gets the line, or the problem.
        address: as SQLAlchemy writes it; empty where there is none.
    """
    if not address:
        found.problems.append(
            Problem(severity=ERROR, about=_ABOUT, what="no address is set", advice=_WHERE)
        )
        return
    try:
        databases = importlib.import_module("tap_meta_partner.onboarding.database")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sqlalchemy":
            raise  # a fault of ours, not something to install
        found.not_seen.append(
            f"{_ABOUT}: sqlalchemy is missing, pip install 'tap-meta-partner[verify]'"
        )
        return
    try:
        with contextlib.closing(databases.Database(address)) as database:
            found.database = database.is_ready_for_a_loader()
    except databases.CannotRead as error:
        found.problems.append(
            Problem(severity=ERROR, about=_ABOUT, what=printable(str(error)), advice=_WHERE)
        )
