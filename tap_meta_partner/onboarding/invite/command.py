"""`meta-partner invite`: what to send a client who is to share an ad account."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.onboarding.invite.invitation import FORMATS, invitation
from tap_meta_partner.onboarding.invite.watching import Watch
from tap_meta_partner.onboarding.saying import say
from tap_meta_partner.outputs.printable import printable
from tap_meta_partner.settings.kinds import shown
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.sources import read_settings

if TYPE_CHECKING:
    from typing import NoReturn

    from tap_meta_partner.settings.model import Settings

_NOTHING_NEW, _CANNOT, _INTERRUPTED = 1, 2, 130


_EXIT_CODES = """\b
Exit code  0  printed (with --watch: a new account is there)
           1  --watch: no new account came in time
           2  a setting is missing or wrong, or Meta cannot be asked"""


@click.command(epilog=_EXIT_CODES)
@click.option("--business-id", metavar="ID", help="Our Business Manager; else the settings' one.")
@click.option("--client", metavar="NAME", help="Whom to address.")
@click.option(
    "--format", "form", type=click.Choice(tuple(FORMATS)), default="text", show_default=True
)
@click.option("--watch", is_flag=True, help="Wait for the account, and say its id and name.")
@click.option(
    "--watch-minutes",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    default=60.0,
    help="Give up after so many; 60 unless given.",
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The tap's config.json.",
)
def invite(  # noqa: PLR0913  (one for each option)
    *,
    business_id: str | None,
    client: str | None,
    form: str,
    watch: bool,
    watch_minutes: float,
    config: Path | None,
) -> None:
    """Print the instructions to send a client.

    Step by step, in today's names: the client gives our Business Manager the permission View
    performance for the ad account, and nothing else; how to take it back; what we can see and what
    not. No token is needed for that.

    --watch asks Meta now and then until the token can read an account that it could not before.
    With business_id in the settings it also says when one is shared and still has to be assigned
    to the system user. Settings come from --config, TAP_META_PARTNER_… or .env in this folder.
    """
    try:
        settings = read_settings(config, token_needed=watch)
        ours = _digits(business_id) or settings.business_id
    except SettingsError as error:
        _fail(str(error))
    if not ours:
        _fail(
            "whose? Give --business-id, or set business_id (Business settings > Business info > "
            "Business Manager ID)"
        )
    click.echo(FORMATS[form](invitation(ours, _one_line(client))), nl=False)
    if watch:
        _watch(settings, watch_minutes)


def _watch(settings: Settings, minutes: float) -> None:
    watching = Watch(
        settings=settings,
        clock=Clock(),
        sleep=time.sleep,
        say=partial(say, err=True),
    )
    try:
        new = watching.until_new(minutes)
    except MetaError as error:
        _fail(error.reason)
    except SettingsError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        click.echo("stopped; run it again to go on waiting", err=True)
        raise SystemExit(_INTERRUPTED) from None
    for account in new:
        say(f"new ad account: {account.account_id} ({account.name})")
    if not new:
        click.echo(f"no new ad account within {minutes:g} minutes", err=True)
        raise SystemExit(_NOTHING_NEW)


def _digits(business_id: str | None) -> str | None:
    if business_id is not None and not (business_id.isascii() and business_id.isdecimal()):
        raise SettingsError(f"--business-id must be digits, not {shown(business_id) or 'this'}")
    return business_id


def _one_line(text: str | None) -> str | None:
    """Names come from outside: nothing of them moves a terminal's cursor."""
    return text and printable(text).strip()


def _fail(reason: str) -> NoReturn:
    say(f"Error: {reason}", err=True)
    raise SystemExit(_CANNOT)
