"""`meta-partner`: commands for people, around the tap."""

from __future__ import annotations

import contextlib
import importlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tap_meta_partner.onboarding.check.command import check
from tap_meta_partner.onboarding.invite.command import invite
from tap_meta_partner.onboarding.login import commands
from tap_meta_partner.onboarding.probe.command import probe
from tap_meta_partner.onboarding.report import command as report_command
from tap_meta_partner.onboarding.verify.command import verify
from tap_meta_partner.outputs.last_line import one_line_at_worst
from tap_meta_partner.sandbox.options import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_meta_partner.sandbox import Sandbox
    from tap_meta_partner.sandbox.http.replay import ReplayServer

_EXTRAS = "pip install 'tap-meta-partner[demo]'"


_INTERRUPTED = 130


class _Commands(click.Group):
    """The commands; at worst, each ends with one line and no traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  (click's own)
        """Run the command that was named."""
        with one_line_at_worst():
            return super().main(*args, **kwargs)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tap-meta-partner")
def main() -> None:
    """Meta ads insights of many clients: get access, keep it, and try it without a Meta app.

    The Singer tap itself is `tap-meta-partner`.
    """


main.add_command(check)


main.add_command(invite)


main.add_command(verify)


main.add_command(probe)


main.add_command(report_command.report)


main.add_command(commands.login)


main.add_command(commands.refresh)


@main.command()
@options
def sandbox(**given: Any) -> None:  # noqa: ANN401  (what the options say)
    """Serve a local Graph API with made-up clients."""
    with _extras():
        served = importlib.import_module("tap_meta_partner.sandbox.__main__")
    try:
        served.serve(say=_say_where, say_replay=_say_replay, **given)
    except served.NoRecording as error:
        raise click.ClickException(str(error)) from None


def _say_replay(served: ReplayServer) -> None:
    click.echo(f"replay:  {served.url}, of a run begun at {served.recording.title.get('begun')}")
    click.echo(f"config:  {json.dumps(served.config)}")
    click.echo("It answers what was asked then: with the same settings, streams, state and days.")
    click.echo("Ctrl-C stops it.")


def _say_where(served: Sandbox) -> None:
    url, token, business_id = served.url, served.token, served.world.business.id
    config = {"api_url": url, "access_token": token, "business_id": business_id}
    click.echo(f"sandbox: {url}")
    click.echo(f"token:   {token}")
    click.echo(f"config:  {json.dumps(config)}")
    click.echo(
        "Write the config line into config.json, then (in a clone each with `uv run` first):"
    )
    click.echo("  meta-partner check --config config.json")
    click.echo("  tap-meta-partner --config config.json > output.jsonl")
    click.echo("Ctrl-C stops the sandbox.")


@main.command()
@click.option("--keep", is_flag=True, help="Leave PostgreSQL and the sandbox running to look at.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what arrived as a page with charts.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Decides the numbers.")
def demo(*, keep: bool, report: Path | None, seed: int) -> None:
    """Run the whole pipeline here, twice, and check every total.

    Made-up clients, a real PostgreSQL, and the meltano.yml of this repository. Takes about 20
    seconds; nothing is left behind. With --keep every stream is loaded, and every query that the
    pages show can be tried.
    """
    with _extras():
        play = importlib.import_module("tap_meta_partner.demo.play")
        meltano = importlib.import_module("tap_meta_partner.demo.meltano")
    try:
        agreed = play.play(
            seed=seed, keep=keep, report=partial(_report_on, report) if report else None
        )
    except (meltano.CannotRun, meltano.RunFailed) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo("\nstopped; nothing is left running", err=True)
        raise SystemExit(_INTERRUPTED) from None
    if not agreed:
        raise SystemExit(1)


def _report_on(file: Path, address: str, schema: str) -> None:
    report_command.write(address, schema, file)
    click.echo(f"report: {file}\n")


@contextlib.contextmanager
def _extras() -> Iterator[None]:
    """Say in one line how to get what an optional command needs."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "tap_meta_partner":
            raise  # a fault of ours, not something to install
        raise click.ClickException(
            f"{package} is missing, which only this command needs: {_EXTRAS}"
        ) from None


if __name__ == "__main__":
    main()
