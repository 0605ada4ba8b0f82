"""`python -m tap_meta_partner.sandbox`: a sandbox to run a pipeline against."""

from __future__ import annotations

import gc
import signal
import threading
from typing import TYPE_CHECKING, Any

import click

from tap_meta_partner.sandbox.graph.dials import Dials
from tap_meta_partner.sandbox.http.replay import NoRecording, Recording, ReplayServer
from tap_meta_partner.sandbox.http.server import Sandbox
from tap_meta_partner.sandbox.options import options
from tap_meta_partner.sandbox.scenarios import SCENARIOS, begin
from tap_meta_partner.sandbox.world.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def serve(  # noqa: PLR0913  (the plain form of the command's options)
    *,
    say: Callable[[Sandbox], None],
    say_replay: Callable[[ReplayServer], None] = lambda _: None,
    world: str = "demo",
    accounts: int | None = None,
    ads: int | None = None,
    days: int = 90,
    seed: int = 7,
    port: int = 0,
    latency: float = 0.0,
    job_seconds: float | None = None,
    scenario: str = "calm",
    replay: Path | None = None,
) -> None:
    """Run a sandbox until SIGTERM or SIGINT.

    Args:
        say: Tells where it is, once it answers.
        say_replay: The same of a replay.
        world: Which of `options.WORLDS`.
        accounts: Ad accounts of the agency world.
        ads: Ads of the single world.
        days: Days of history.
        seed: Decides the numbers.
        port: 0 takes a free one.
        latency: Milliseconds every answer takes at least.
        job_seconds: How long a report run takes; None leaves it to the scenario.
        scenario: Which of `SCENARIOS`.
        replay: A recording to answer with; then the others but `port` do not count.

    Raises:
        NoRecording: The file is none.
    """
    recording = None if replay is None else Recording(replay)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if recording is not None:
        with ReplayServer(recording, port=port) as server:
            say_replay(server)
            stop.wait()
        return
    weather = SCENARIOS[scenario]
    made = make_world(world, accounts=accounts, ads=ads, seed=seed, days=days)
    begin(weather, made)
    # Rows are made by the thousand and hold no cycles: collecting them often costs a third of the
    # time of a large page.
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    dials = Dials(
        latency=latency / 1000,
        budgets=weather.budget,
        job_seconds=(weather.job_seconds or 0.0) if job_seconds is None else job_seconds,
        faults=weather.faults,
    )
    with Sandbox(made, dials, port=port) as sandbox:
        say(sandbox)
        stop.wait()


def make_world(name: str, *, accounts: int | None, ads: int | None, seed: int, days: int) -> World:
    """Make the world of that name; `accounts` is for the agency, `ads` for the single account."""
    if name == "agency":
        return World.agency(seed, accounts=1000 if accounts is None else accounts, days=days)
    if name == "single":
        return World.single(seed, ads=1000 if ads is None else ads, days=days)
    return World.demo(seed, days=days)


_SCENARIOS = "; ".join(f"{name}: {each.about}" for name, each in SCENARIOS.items())


@click.command(epilog=f"Scenarios. {_SCENARIOS}.")
@options
def main(**given: Any) -> None:  # noqa: ANN401  (what the options say)
    """Serve a local Graph API with made-up clients.

    Prints its address on one line when it answers. The token is SANDBOX-TOKEN.
    """
    try:
        serve(
            say=lambda sandbox: click.echo(sandbox.url),
            say_replay=lambda replay: click.echo(replay.url),
            **given,
        )
    except NoRecording as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main(prog_name="python -m tap_meta_partner.sandbox")
