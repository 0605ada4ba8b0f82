"""`meta-partner verify`: which numbers do not match Ads Manager, and why."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.onboarding import screen
from tap_meta_partner.onboarding.verify.findings import COULD_NOT_VERIFY
from tap_meta_partner.onboarding.verify.show import parts_of
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.sources import read_settings

if TYPE_CHECKING:
    import datetime as dt
    from typing import NoReturn

    from tap_meta_partner.onboarding.verify.findings import Verification

_INTERRUPTED = 130


_EXIT_CODES = """\b
Exit code  0  equal, or every difference is explained
           1  something is not explained, or Meta did not answer for an account
           2  could not verify at all: settings, database, network"""


_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command(epilog=_EXIT_CODES)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The tap's config.json.",
)
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
@click.option("--since", type=_DAY, metavar="DAY", help="First day; else 30 days in all.")
@click.option("--until", type=_DAY, metavar="DAY", help="Last day; else each account's yesterday.")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Only this; repeatable.")
@click.option(
    "--action", "actions", multiple=True, metavar="TYPE", help="Also this action type; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    default=5.0,
    help="Give up after so many; 5 unless given.",
)
def verify(  # noqa: PLR0913  (one for each option)
    *,
    config: Path | None,
    database: str,
    schema: str,
    since: dt.datetime | None,
    until: dt.datetime | None,
    accounts: tuple[str, ...],
    actions: tuple[str, ...],
    as_json: bool,
    minutes: float,
) -> None:
    """Hold the target's tables against what Meta says now.

    Of each account Meta is asked for its own totals (account level, over all days and day by day);
    the tables of every level are added up beside them. Where they differ, the reason is given that
    the rows prove: corrected since they were read, withdrawn, not read since, another time zone …

    Meta's Ads Manager shows the same totals. Nothing is written, and the tap's state is not needed.
    """
    if since and until and since > until:
        _give_up(f"--since {since:%Y-%m-%d} is after --until {until:%Y-%m-%d}", as_json=as_json)
    try:
        verification = importlib.import_module("tap_meta_partner.onboarding.verify.verification")
        tables = importlib.import_module("tap_meta_partner.onboarding.verify.tables")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sqlalchemy":
            raise  # a fault of ours, not something to install
        _give_up(
            "sqlalchemy is missing, which only this command needs: "
            "pip install 'tap-meta-partner[verify]'",
            as_json=as_json,
        )
    try:
        target = tables.Target(database, schema)
        wanted = verification.Wanted(
            since=since and since.date(),
            until=until and until.date(),
            account_ids=tuple(account.removeprefix("act_") for account in accounts),
            actions=actions,
        )
        found: Verification = verification.Verifying(
            read_settings(config), target, wanted, _clock(), minutes
        ).run()
        target.close()
    except (SettingsError, tables.CannotRead) as error:
        _give_up(str(error), as_json=as_json)
    except MetaError as error:
        _give_up(error.reason, as_json=as_json)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        raise SystemExit(_INTERRUPTED) from None
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
    else:
        screen.show(parts_of(found), sys.stdout)
    raise SystemExit(found.exit_code)


def _clock() -> Clock:
    """Return the clock that whoever called the command brought along, or the real one."""
    return click.get_current_context().find_object(Clock) or Clock()


def _give_up(reason: str, *, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"exit_code": COULD_NOT_VERIFY, "reason": reason}, indent=2))
    click.echo(f"Error: {reason}", err=True)
    raise SystemExit(COULD_NOT_VERIFY)
