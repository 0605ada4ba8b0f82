"""`meta-partner check`: can we read what we are meant to read, and for how much longer?"""

from __future__ import annotations

import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.onboarding import screen as layout
from tap_meta_partner.onboarding.check import judgement
from tap_meta_partner.onboarding.check.dimensions import OBJECT_STREAMS
from tap_meta_partner.onboarding.check.examination import Examination
from tap_meta_partner.onboarding.check.findings import COULD_NOT_CHECK, VERDICTS
from tap_meta_partner.onboarding.check.identities import CannotCheck
from tap_meta_partner.onboarding.check.last_time import LastTime, gone_from_state
from tap_meta_partner.onboarding.check.loader import try_database
from tap_meta_partner.onboarding.check.show import parts_of
from tap_meta_partner.onboarding.saying import say
from tap_meta_partner.outputs.secrecy import redacted
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.sources import env_variables, read_settings

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any, NoReturn

    from tap_meta_partner.onboarding.check.findings import Findings, GoneAccount
    from tap_meta_partner.settings.model import Settings

_INTERRUPTED = 130


#: The variable in which target-postgres finds its database.
_LOADERS = "TARGET_POSTGRES_SQLALCHEMY_URL"


_EXIT_CODES = """\b
Exit code  0  all fine (at most advice about needless permissions)
           1  something needs a person: see the problems, each with what to do
           2  could not check at all: settings, network, not a Graph API"""


_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=_EXIT_CODES)
@click.option("--config", type=_FILE, metavar="FILE", help="The tap's config.json.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
@click.option("--estimate", is_flag=True, help="Also what first and nightly runs will take.")
@click.option(
    "--select",
    "selected",
    type=click.Choice(OBJECT_STREAMS),
    metavar="STREAM",
    multiple=True,
    help="Try this dimension, and count it in the estimate; may be repeated.",
)
@click.option("--state", type=_FILE, metavar="FILE", help="Name its accounts that are gone.")
@click.option("--remember", type=_FILE, metavar="FILE", help="Keep the list of accounts there.")
@click.option(
    "--database",
    metavar="[ADDRESS]",
    is_flag=False,
    flag_value=_LOADERS,
    help=f"Also try the loader's database, {_LOADERS} unless given.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    default=5.0,
    help="Give up after so many; 5 unless given.",
)
def check(  # noqa: PLR0913  (one for each option)
    *,
    config: Path | None,
    as_json: bool,
    estimate: bool,
    selected: tuple[str, ...],
    state: Path | None,
    remember: Path | None,
    database: str | None,
    minutes: float,
) -> None:
    """Look at token, app, API version and every ad account.

    Settings are the tap's: from --config, then TAP_META_PARTNER_… in the environment, then .env in
    this folder. With app_id and app_secret more of the token is seen, with business_id also
    accounts that nobody assigned to the system user. Nothing is changed at Meta.

    Accounts that are no longer shared are named: with --remember those that the last check listed,
    with --state those with a bookmark in a Singer state. --estimate counts calls, hours and the
    share of Meta's hourly limits. --select ads asks each account whether it gives that dimension,
    and counts it, too. --database says whether the loader will find its database.
    """
    try:
        found = _examine(
            config,
            # Naming dimensions asks for an estimate, too.
            selected=tuple(dict.fromkeys(selected)) if estimate or selected else None,
            state=state,
            remember=remember,
            minutes=minutes,
        )
        if database is not None:
            try_database(found, _address(database))
    except (SettingsError, CannotCheck) as error:
        _give_up(str(error), as_json=as_json)
    except MetaError as error:
        # The line went dead in the middle.
        _give_up(error.reason, as_json=as_json)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        raise SystemExit(_INTERRUPTED) from None
    if as_json:
        _write_json(found.as_json())
    else:
        layout.show(parts_of(found), sys.stdout)
    raise SystemExit(found.exit_code)


def _examine(
    config: Path | None,
    *,
    selected: tuple[str, ...] | None,
    state: Path | None,
    remember: Path | None,
    minutes: float,
) -> Findings:
    settings = read_settings(config)
    examination = Examination(settings, minutes=minutes)
    with _waiting():
        found = examination.run()
        if selected:
            examination.try_dimensions(selected)
        if selected is not None:
            examination.estimate(selected)
    if not examination.is_listed:
        return found
    seen = examination.seen
    gone = _gone_since_last_time(found, settings, remember, {k: a.name for k, a in seen.items()})
    if state is not None:
        gone += gone_from_state(state, seen)
    found.gone = list({account.account_id: account for account in gone}.values())
    found.problems += judgement.about_gone(found.gone)
    return found


def _gone_since_last_time(
    found: Findings, settings: Settings, file: Path | None, seen: dict[str, str]
) -> list[GoneAccount]:
    whose = "+".join(sorted(token.user_id for token in found.tokens if token.user_id))
    if file is None:
        return []
    last = LastTime(file, f"{settings.api_url} {whose}")
    gone = last.gone(seen)
    if not all(token.works for token in found.tokens):
        # What a dead token's accounts are is not known: keep what was known.
        return []
    try:
        last.keep(seen, found.checked_at.isoformat(timespec="seconds"))
    except OSError as error:
        found.not_seen.append(
            f"accounts that are gone, the next time: {last.file} cannot be written "
            f"({error.strerror})"
        )
    else:
        found.remembered_in = str(last.file)
    return gone


def _address(given: str) -> str:
    """Return the address of a database: as given, or where the loader looks for it."""
    if given != _LOADERS:
        return given
    if _LOADERS in os.environ:
        return os.environ[_LOADERS]
    file = Path(".env")
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return env_variables(text).get(_LOADERS, "")


def _give_up(reason: str, *, as_json: bool) -> NoReturn:
    if as_json:
        verdict = VERDICTS[COULD_NOT_CHECK]
        _write_json({"exit_code": COULD_NOT_CHECK, "verdict": verdict, "reason": reason})
    say(f"Error: {reason}", err=True)
    raise SystemExit(COULD_NOT_CHECK)


def _write_json(document: dict[str, Any]) -> None:
    click.echo(redacted(json.dumps(document, indent=2)))


def _waiting() -> AbstractContextManager[Any]:
    """Show that something happens, where somebody watches."""
    if not (sys.stderr.isatty() and sys.stdout.isatty()):
        return nullcontext()
    try:
        from rich.console import Console  # noqa: PLC0415  (an extra)
    except ModuleNotFoundError:
        return nullcontext()
    return Console(stderr=True).status("asking Meta …")
