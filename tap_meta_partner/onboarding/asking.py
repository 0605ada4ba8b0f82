"""Many questions to Meta at once, for a person who waits for the answers."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.lanes.driver import drive
from tap_meta_partner.lanes.governor import Governor
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.lanes.threads import over_http

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from typing import Any

    from tap_meta_partner.graph.calls import Answer, Exchanged
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.lanes.clock import Clock
    from tap_meta_partner.settings.model import Settings


#: How long it is borne that Meta fails every account.
OUTAGE_SECONDS = 20.0


@dataclass(slots=True)
class Asking:
    """Asks Meta, as many lanes at once as the settings allow, until the time is over.

    Args:
        settings: address, tokens, concurrency.
        clock: time and chance.
        seconds: after so many nothing more is asked.
        exchanged: is given each exchange as it was; see `GraphClient`.
    """

    settings: Settings
    clock: Clock
    seconds: float
    exchanged: Exchanged | None = None
    calls: int = 0
    ahead_seconds: int | None = None
    answered_as: str | None = None
    governor: Governor = field(init=False)
    _ends: float = field(init=False)

    def __post_init__(self) -> None:
        self.governor = Governor(jitter=self.clock.jitter)
        self._ends = self.clock.monotonic() + self.seconds

    def drive(self, lanes: Sequence[Lane], settings: Settings | None = None) -> float:
        """Drive the lanes to their ends; each one's `result` is what it returned.

        Args:
            lanes: one whose time was over keeps the result None.
            settings: other tokens or secrets than the own ones.

        Returns:
            How many seconds it took.

        Raises:
            MetaError: a lane let it through.
        """
        wanted = settings or self.settings
        driven = drive(
            lanes,
            wanted,
            self.clock,
            self.governor,
            transport=over_http(wanted, self.clock, heard=self._note, exchanged=self.exchanged),
            stopping=self.is_over,
            # No wait lasts longer than this, so that the end of the time is noticed.
            standing_seconds=1.0,
            # A person would rather be told than wait until it is over.
            outage_seconds=OUTAGE_SECONDS,
        )
        begun = self.clock.monotonic()
        try:
            for _ in driven:
                pass
        finally:
            self.calls += sum(lane.calls for lane in lanes)
        return self.clock.monotonic() - begun

    def _note(self, answer: Answer) -> None:
        """Note the version, and how far the local clock is ahead of the server's."""
        theirs = _instant(answer.date)
        if theirs is not None:
            self.ahead_seconds = round((self.clock.utc_now() - theirs).total_seconds())
        self.answered_as = answer.version or self.answered_as

    def one(self, steps: Steps[Any], settings: Settings | None = None) -> Any:  # noqa: ANN401
        """Drive a single lane and return its result."""
        lane = Lane(name="check", account_id=None, steps=steps)
        self.drive([lane], settings)
        return lane.result

    def is_over(self) -> bool:
        """Tell whether the time is over."""
        return self.clock.monotonic() >= self._ends


def _instant(header: str | None) -> dt.datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(header or "")
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
