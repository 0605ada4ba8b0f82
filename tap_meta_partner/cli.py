"""`meta-partner`: commands for people, around the tap."""

from __future__ import annotations

import contextlib
import importlib
import json
import signal
import threading
from typing import TYPE_CHECKING

import click

from tap_meta_partner.onboarding.check.command import check
from tap_meta_partner.onboarding.invite.command import invite
from tap_meta_partner.onboarding.login import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXTRAS = "pip install 'tap-meta-partner[demo]'"


_INTERRUPTED = 130


# Written here again since the sandbox, which knows them, can be missing; a test compares.
WORLDS = ("demo", "agency", "single")


SCENARIOS = ("calm", "busy-hour", "revoked", "slow-jobs", "flaky")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tap-meta-partner")
def main() -> None:
    """Meta ads insights of many clients: get access, keep it, and try it without a Meta app.

    The Singer tap itself is `tap-meta-partner`.
    """


main.add_command(check)


main.add_command(invite)


main.add_command(commands.login)


main.add_command(commands.refresh)


@main.command()
@click.option("--world", type=click.Choice(WORLDS), default="demo", show_default=True)
@click.option("--accounts", type=int, help="Ad accounts of the agency world.")
@click.option("--ads", type=int, help="Ads of the single world.")
@click.option("--days", type=int, default=90, show_default=True, help="Days of history.")
@click.option("--seed", type=int, default=7, show_default=True, help="Decides the numbers.")
@click.option("--port", type=int, default=0, help="A free one unless given.")
@click.option("--latency", type=float, default=0.0, metavar="MS", help="Per answer.")
@click.option("--job-seconds", type=float, metavar="S", help="How long a report run takes.")
@click.option(
    "--scenario",
    type=click.Choice(SCENARIOS),
    default="calm",
    show_default=True,
    help="What fails.",
)
def sandbox(  # noqa: PLR0913  (one for each option)
    *,
    world: str,
    accounts: int | None,
    ads: int | None,
    days: int,
    seed: int,
    port: int,
    latency: float,
    job_seconds: float | None,
    scenario: str,
) -> None:
    """Serve a local Graph API with made-up clients."""
    with _extras():
        package = importlib.import_module("tap_meta_partner.sandbox")
        worlds = importlib.import_module("tap_meta_partner.sandbox.__main__")
        scenarios = importlib.import_module("tap_meta_partner.sandbox.scenarios")
    weather = scenarios.SCENARIOS[scenario]
    made = worlds.make_world(world, accounts=accounts, ads=ads, seed=seed, days=days)
    scenarios.begin(weather, made)
    if job_seconds is None:
        job_seconds = weather.job_seconds or 0.0
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with package.Sandbox(
        made,
        port=port,
        latency=latency / 1000,
        budgets=weather.budget,
        job_seconds=job_seconds,
        faults=weather.faults,
    ) as served:
        _say_where(served.url, served.token, made.business.id)
        stop.wait()


def _say_where(url: str, token: str, business_id: str) -> None:
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
@click.option("--seed", type=int, default=7, show_default=True, help="Decides the numbers.")
def demo(*, keep: bool, seed: int) -> None:
    """Run the whole pipeline here, twice, and check every total.

    Made-up clients, a real PostgreSQL, and the meltano.yml of this repository. Takes about 20
    seconds; nothing is left behind.
    """
    with _extras():
        play = importlib.import_module("tap_meta_partner.demo.play")
        meltano = importlib.import_module("tap_meta_partner.demo.meltano")
    try:
        agreed = play.play(seed=seed, keep=keep)
    except (meltano.CannotRun, meltano.RunFailed) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo("\nstopped; nothing is left running", err=True)
        raise SystemExit(_INTERRUPTED) from None
    if not agreed:
        raise SystemExit(1)


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
