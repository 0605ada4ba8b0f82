"""The options of a sandbox on the command line; needs neither werkzeug nor a world."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tap_meta_partner.sandbox.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable

WORLDS = ("demo", "agency", "single")

_OPTIONS = (
    click.option("--world", type=click.Choice(WORLDS), default="demo", show_default=True),
    click.option("--accounts", type=int, help="Ad accounts of the agency world."),
    click.option("--ads", type=int, help="Ads of the single world."),
    click.option("--days", type=int, default=90, show_default=True, help="Days of history."),
    click.option("--seed", type=int, default=7, show_default=True, help="Decides the numbers."),
    click.option("--port", type=int, default=0, help="A free one unless given."),
    click.option("--latency", type=float, default=0.0, metavar="MS", help="Per answer."),
    click.option("--job-seconds", type=float, metavar="S", help="How long a report run takes."),
    click.option(
        "--scenario",
        type=click.Choice(tuple(SCENARIOS)),
        default="calm",
        show_default=True,
        help="What fails.",
    ),
    click.option(
        "--replay",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Answer with a recording instead.",
    ),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that `serve` takes, in their order."""
    return reduce(lambda rest, option: option(rest), reversed(_OPTIONS), command)
