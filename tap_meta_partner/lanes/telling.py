"""What is said while lanes wait: who, how long and why, each thing once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tap_meta_partner.graph.errors import MetaError
    from tap_meta_partner.graph.usage import Usage
    from tap_meta_partner.lanes.lane import Lane, Standing
    from tap_meta_partner.lanes.outage import Outage

logger = logging.getLogger(__name__)

#: A wait this long or longer is worth a line in the log.
_WORTH_SAYING_SECONDS = 5.0


@dataclass(slots=True)
class Telling:
    """Says how lanes wait.

    Args:
        standing: is given the `Standing`.
        every: how often, in seconds.
        told_at: when it was last given it, or the drive began.
    """

    standing: Callable[[Standing], None]
    every: float
    told_at: float
    _app_wait_said_until: float = 0.0
    _outage_said_at: float | None = None

    def how_it_stands(self, now: float, standing: Callable[[], Standing]) -> None:
        """Report how the run stands, when it is time to."""
        if now - self.told_at >= self.every:
            self.told_at = now
            self.standing(standing())

    def pause(self, lane: Lane, seconds: float, why: str) -> None:
        """Say that a lane pauses because its steps ask for it."""
        if seconds >= _WORTH_SAYING_SECONDS and why:
            logger.debug("account %s waits %.0f s: %s", lane.name, seconds, why)

    def rest(self, lane: Lane, seconds: float, usage: Usage, app_percent: float) -> None:
        """Say that an account rests because its limit is nearly used up."""
        logger.info(
            "account %s rests %.0f s: %.0f %% of its rate limit is used (app: %.0f %%)",
            lane.name,
            seconds,
            usage.account_percent or 0.0,
            app_percent,
        )

    def throttle(
        self, lane: Lane, error: MetaError, wait: float, *, for_all: bool, now: float
    ) -> None:
        """Say who waits, how long and why; an app-wide wait once, not for each account."""
        if for_all and now < self._app_wait_said_until:
            return
        if for_all:
            self._app_wait_said_until = now + wait
        who = "every account" if for_all else f"account {lane.name}"
        rule = error.rule
        logger.warning(
            "%s waits %.0f s: %s (%s). %s", who, wait, rule.what, error.fault, rule.advice
        )

    def outage(self, outage: Outage, body: dict[str, Any] | MetaError, now: float) -> None:
        """Say that everybody waits, once a single question has shown it, and when that is over."""
        if not outage.is_on:
            if self._outage_said_at is not None:
                waited = now - self._outage_said_at
                logger.warning("Meta answers again after %.0f s: going on", waited)
            self._outage_said_at = None
        elif outage.asked_in_vain and self._outage_said_at is None:
            self._outage_said_at = now
            logger.warning(
                "every account waits, and one question is asked at a time: no account is answered "
                "any more (%s)",
                body,
            )

    def end(self, error: MetaError) -> None:
        """Say that nothing more is asked."""
        logger.error("nothing more is asked in this run. %s", error.reason)
