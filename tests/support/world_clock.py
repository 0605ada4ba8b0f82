"""Worlds whose time a test sets: what time it is in the sandbox, and which days there are."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox import World
from tap_meta_partner.sandbox.world import cast

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY = dt.timedelta(days=1)


class Clock:
    """What time it is in the sandbox."""

    def __init__(self, instant: str) -> None:
        self.set(instant)

    def set(self, instant: str) -> None:
        """Make it so late; the instant is in UTC."""
        self.now = dt.datetime.fromisoformat(f"{instant}+00:00")

    def __call__(self) -> dt.datetime:
        """Tell it."""
        return self.now


def world_in(*zones: str, clock: Callable[[], dt.datetime], days: int = 70) -> World:
    """Make a world with an account in each of these time zones, with rows on every day."""
    shape = cast.Shape(campaigns=1, adsets=1, ads_per_adset=2, always=True)
    began = clock().date() - days * _DAY
    return World(
        [
            cast.cast_account(
                cast.Client(zone, "USD", zone, cast.AGENCY),
                number,
                7,
                lambda _: shape,
                cast.Delivers(began, None),
            )
            for number, zone in enumerate(zones)
        ],
        seed=7,
        now=clock,
    )


def days(first: str, last: str) -> list[str]:
    """Tell all days from one to another."""
    since, until = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    return [str(since + number * _DAY) for number in range((until - since).days + 1)]
