"""`meta-partner report`: what a client or a boss wants to see, as one file."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

COULD_NOT_READ = 2


@click.command()
@click.option(
    "--database",
    metavar="URL",
    envvar=["META_PARTNER_DATABASE", "TARGET_POSTGRES_SQLALCHEMY_URL"],
    required=True,
    help="Where the rows went, as SQLAlchemy writes it; else META_PARTNER_DATABASE in the "
    "environment, which keeps a password out of the command line.",
)
@click.option(
    "--schema",
    default="tap_meta_partner",
    show_default=True,
    help="Where its tables are; '' for the default one.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    default=Path("report.html"),
    show_default=True,
    help="Where to write the page.",
)
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Only this; repeatable.")
def report(*, database: str, schema: str, out: Path, accounts: tuple[str, ...]) -> None:
    """Write a page with charts: spend, purchases, reach, placements, and who was not delivered.

    It reads the target's tables, of PostgreSQL, DuckDB or any database that SQLAlchemy has a
    dialect for, and writes one file that loads nothing from elsewhere. Nothing is asked of Meta.
    Exit: 2 the database cannot be read, or the file not be written.
    """
    write(database, schema, out, tuple(each.removeprefix("act_") for each in accounts))
    click.echo(f"Report: {out}")


def write(address: str, schema: str, out: Path, account_ids: tuple[str, ...] = ()) -> None:
    """Read a target and write the page; every way in which that fails is one line.

    Args:
        address: of the database, as SQLAlchemy writes it.
        schema: where the tables are; empty for the database's own default.
        out: the file.
        account_ids: only these; empty for all.

    Raises:
        SystemExit: it could not be done.
    """
    try:
        tables = importlib.import_module("tap_meta_partner.onboarding.report.tables")
        page = importlib.import_module("tap_meta_partner.onboarding.report.page")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("sqlalchemy", "pygal"):
            raise  # a fault of ours, not something to install
        _give_up(
            f"{missing} is missing, which only this command needs: "
            "pip install 'tap-meta-partner[report]'"
        )
    try:
        question = tables.Question(address=address, schema=schema, account_ids=account_ids)
        out.write_text(page.page(tables.held_in(question)), encoding="utf-8")
    except tables.CannotRead as error:
        _give_up(str(error))
    except OSError as error:
        _give_up(f"{out} cannot be written: {error.strerror or type(error).__name__}")


def _give_up(reason: str) -> None:
    click.echo(f"Error: {reason}", err=True)
    raise SystemExit(COULD_NOT_READ)
