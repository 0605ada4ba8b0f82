"""`python -m tap_meta_partner.sandbox`: a sandbox to run a pipeline against."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import threading

from tap_meta_partner.sandbox.http.server import Sandbox
from tap_meta_partner.sandbox.scenarios import SCENARIOS, begin
from tap_meta_partner.sandbox.world.world import World

WORLDS = ("demo", "agency", "single")


def serve(  # noqa: PLR0913 - the plain form of the command's options
    *,
    world: str = "demo",
    accounts: int | None = None,
    ads: int | None = None,
    seed: int = 7,
    port: int = 0,
    latency_ms: float = 0.0,
    days: int = 90,
    job_seconds: float | None = None,
    scenario: str = "calm",
) -> None:
    """Runs a sandbox until SIGTERM or SIGINT; prints its URL on one line when it answers."""
    weather = SCENARIOS[scenario]
    made = make_world(world, accounts=accounts, ads=ads, seed=seed, days=days)
    begin(weather, made)
    if job_seconds is None:
        job_seconds = weather.job_seconds or 0.0
    # Rows are made by the thousand and hold no cycles: collecting them often costs a third of the
    # time of a large page.
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Sandbox(
        made,
        port=port,
        latency=latency_ms / 1000,
        budgets=weather.budget,
        job_seconds=job_seconds,
        faults=weather.faults,
    ) as sandbox:
        sys.stdout.write(f"{sandbox.url}\n")
        sys.stdout.flush()
        stop.wait()


def make_world(name: str, *, accounts: int | None, ads: int | None, seed: int, days: int) -> World:
    """The world of that name; `accounts` is for the agency, `ads` for the single account."""
    if name == "agency":
        return World.agency(seed, accounts=1000 if accounts is None else accounts, days=days)
    if name == "single":
        return World.single(seed, ads=1000 if ads is None else ads, days=days)
    return World.demo(seed, days=days)


def main() -> None:
    """Reads the command line and serves."""
    scenarios = "; ".join(f"{name}: {each.about}" for name, each in SCENARIOS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tap_meta_partner.sandbox",
        description="A local Graph API with made-up clients. The token is SANDBOX-TOKEN.",
    )
    parser.add_argument("--world", choices=WORLDS, default="demo")
    parser.add_argument("--accounts", type=int, help="of the agency world (default 1000)")
    parser.add_argument("--ads", type=int, help="of the single world (default 1000)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS", help="per answer")
    parser.add_argument("--days", type=int, default=90, help="of history")
    parser.add_argument(
        "--job-seconds", type=float, metavar="S", help="how long a report run takes"
    )
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), default="calm", help=scenarios)
    given = vars(parser.parse_args())
    serve(latency_ms=given.pop("latency"), **given)


if __name__ == "__main__":
    main()
