"""`meta-partner probe`: is Meta as the tap believes it to be?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.onboarding.files import StoreError, replace_file
from tap_meta_partner.onboarding.probe.probing import CannotProbe, Findings, Probing
from tap_meta_partner.onboarding.screen import Facts, Listing, show
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.sources import read_settings
from tap_meta_partner.sync.recording.recorder import new_scrubber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

    from tap_meta_partner.onboarding.screen import Part

_OTHER, _CANNOT, _INTERRUPTED = 1, 2, 130
_FILE = click.Path(dir_okay=False, path_type=Path)
_WORDS = {True: "yes", False: "NO", None: "not seen"}


_EXIT_CODES = """\b
Exit code  0  nothing is other than believed
           1  something is: attach the report to an issue
           2  could not ask: settings, network, not an account of the token"""


@click.command(epilog=_EXIT_CODES)
@click.argument("account")
@click.option("--config", type=_FILE, metavar="FILE", help="The tap's config.json.")
@click.option(
    "--report",
    type=_FILE,
    metavar="FILE",
    default="probe.json",
    show_default=True,
    help="The scrubbed report.",
)
@click.option("--unassigned", metavar="ID", help="An account nobody assigned to the token's user.")
@click.option(
    "--assigned-later",
    "later",
    metavar="ID",
    help="One assigned after the token was made.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    default=10.0,
    help="Give up after so many; 10 unless given.",
)
def probe(  # noqa: PLR0913  (one for each option)
    *,
    account: str,
    config: Path | None,
    report: Path,
    unassigned: str | None,
    later: str | None,
    minutes: float,
) -> None:
    """Ask ACCOUNT some thirty small questions, one for each thing the tap believes of Meta.

    All of them only read (one makes a report run, which is how Meta lets one read more), and
    limits are respected. Take an account that has delivery.

    The report holds what was seen, and for what is other than believed the answers themselves,
    scrubbed: ids, names, texts and addresses are replaced, amounts multiplied by a secret number.
    """
    try:
        found = Probing(
            read_settings(config),
            account.removeprefix("act_"),
            unassigned and unassigned.removeprefix("act_"),
            later and later.removeprefix("act_"),
            click.get_current_context().find_object(Clock) or Clock(),
            minutes,
        ).run()
        text = json.dumps(found.as_json(new_scrubber(scaled=True)), indent=2, default=str)
        replace_file(report, text + "\n")
    except (SettingsError, CannotProbe, StoreError) as error:
        _fail(str(error))
    except MetaError as error:
        _fail(error.reason)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        raise SystemExit(_INTERRUPTED) from None
    show(_parts(found, report), sys.stdout)
    raise SystemExit(_OTHER if found.others else 0)


def _parts(found: Findings, report: Path) -> Iterator[Part]:
    rows = [
        (each.belief.text, each.seen.what, _WORDS[each.seen.as_believed]) for each in found.found
    ]
    yield Listing(f"Beliefs: {len(rows)}", ("belief", "seen", "as believed"), rows)
    unseen = sum(each.seen.as_believed is None for each in found.found)
    others = len(found.others)
    said = f"{len(rows) - unseen - others} as believed, {others} not, {unseen} not seen"
    yield Facts(
        "Result",
        [
            ("verdict", f"{said} (exit code {_OTHER if others else 0})"),
            ("asked", f"{found.calls} calls in {found.seconds:.1f} s"),
            ("report", f"{report}: scrubbed; read it, then attach it to an issue"),
        ],
    )


def _fail(reason: str) -> NoReturn:
    click.echo(f"Error: {reason}", err=True)
    raise SystemExit(_CANNOT)
