"""Lanes on a stage: driven over a made-up transport, by a clock of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.lanes.driver import Lanes
from tap_meta_partner.lanes.governor import Governor
from tap_meta_partner.lanes.lane import Lane, Standing
from tests.support.fakes import Clock, FakeTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.support.fakes import Reply

START = 1000.0


def data(_call: Call) -> Reply:
    """Answer with an empty list."""
    return {"data": []}


@dataclass(slots=True)
class Stage:
    """Lanes over a fake transport.

    Args:
        answer: what Meta says to a call.
        latency: how many seconds a call takes.
        most: calls under way at once.
        minutes: how long the run may last.
    """

    answer: Callable[[Call], Reply] = data
    latency: Callable[[Call], float] = lambda _call: 1.0
    most: int = 4
    stopping: Callable[[], bool] = lambda: False
    minutes: float | None = None
    standings: list[tuple[float, Standing]] = field(default_factory=list)
    clock: Clock = field(default_factory=lambda: Clock(START))
    transport: FakeTransport = field(init=False)
    driver: Lanes = field(init=False)

    def __post_init__(self) -> None:
        self.transport = FakeTransport(self.answer, self.clock, self.latency)
        self.driver = Lanes(
            transport=self.transport,
            governor=Governor(jitter=lambda: 0.0),
            monotonic=self.clock,
            most_at_once=self.most,
            stopping=self.stopping,
            overtime=lambda: (
                self.minutes is not None and self.clock.now - START >= self.minutes * 60
            ),
            standing=lambda standing: self.standings.append((self.clock.now - START, standing)),
        )

    def run(self, *lanes: Lane) -> list[tuple[str, Any]]:
        """Drive the lanes to their end and return their events."""
        return [(lane.name, event) for lane, event in self.driver.run(lanes)]

    def sent(self, name: str) -> list[float]:
        """Return when a lane's calls went out, in seconds from the start."""
        return [at - START for at in self.transport.sent_by(name)]


def asking(name: str, calls: int = 1) -> Lane:
    """Return a lane that makes some calls, one after the other, and returns the answers."""

    def steps() -> Generator[Any, Any, list[Any]]:
        answers = []
        for number in range(calls):
            try:
                answers.append((yield Call(path=f"{name}/{number}", account_id=name)))
            except MetaError as error:
                answers.append(error)
        return answers

    return Lane(name=name, account_id=name, steps=steps())


def path_of(call: Call) -> str:
    """Return the first part of a call's path: the lane that sent it."""
    return call.path.partition("/")[0]
