"""Lanes: many ad accounts at once, each a lane of steps, with few threads and nobody sleeping.

One loop, on the main thread, drives every lane; worker threads do nothing but send calls. So a lane
that waits (for a rate limit, for a report run) holds no thread and delays no other, records are
made and written in one place, and at most as many answers are in memory as calls are under way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.steps import Ahead, OutOfTime, Pause, ReportRunSlot
from tap_meta_partner.lanes.lane import Standing
from tap_meta_partner.lanes.outage import OUTAGE_SECONDS, Outage
from tap_meta_partner.lanes.places import Places
from tap_meta_partner.lanes.sending import Sending, again
from tap_meta_partner.lanes.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from tap_meta_partner.graph.errors import MetaError
    from tap_meta_partner.lanes.clock import Clock
    from tap_meta_partner.lanes.governor import Governor
    from tap_meta_partner.lanes.lane import Lane
    from tap_meta_partner.lanes.threads import Transport, WakingTransport
    from tap_meta_partner.settings.model import Settings

#: How often it is told how the run stands.
STANDING_SECONDS = 10.0


def drive(  # noqa: PLR0913  (as `Lanes`)
    lanes: Sequence[Lane],
    settings: Settings,
    clock: Clock,
    governor: Governor,
    *,
    transport: WakingTransport,
    stopping: Callable[[], bool],
    overtime: Callable[[], bool] = lambda: False,
    standing: Callable[[Standing], None] = lambda _: None,
    standing_seconds: float = STANDING_SECONDS,
    outage_seconds: float = OUTAGE_SECONDS,
) -> Iterator[tuple[Lane, Any]]:
    """Drive lanes to their end, and yield their events as they come; see `Lanes`.

    Args:
        lanes: the first ones go first.
        settings: how many calls may be under way at once.
        clock: time.
        governor: decides who may ask, and when; several drives may share one.
        transport: of this drive alone, since answers that come after one was given up must not
            reach the next; it is closed at the end, whatever the end is.
        stopping: as of `Lanes`, and the following too.
        overtime: as above.
        standing: as above.
        standing_seconds: as above.
        outage_seconds: as above.

    Raises:
        MetaError: a lane let an error through that ends the run.
    """
    driver = Lanes(
        transport=transport,
        governor=governor,
        monotonic=clock.monotonic,
        most_at_once=settings.max_concurrency,
        stopping=stopping,
        overtime=overtime,
        standing=standing,
        standing_seconds=standing_seconds,
        outage_seconds=outage_seconds,
    )
    try:
        yield from driver.run(lanes)
    finally:
        transport.close()


class Lanes:
    """Drives lanes to their end and hands on the events they yield.

    Args:
        transport: sends the calls.
        governor: decides who may ask, and when.
        monotonic: seconds that only go forward.
        most_at_once: calls under way at once.
        stopping: tells whether the run has been asked to end.
        overtime: tells whether the run's time is over: lanes that wait are told so, with
            `OutOfTime`, while those that read go on.
        standing: is given the `Standing` every `standing_seconds`.
        outage_seconds: how long it is borne that Meta fails everybody.
    """

    def __init__(  # noqa: PLR0913  (all are the run's circumstances)
        self,
        *,
        transport: Transport,
        governor: Governor,
        monotonic: Callable[[], float],
        most_at_once: int,
        stopping: Callable[[], bool] = lambda: False,
        overtime: Callable[[], bool] = lambda: False,
        standing: Callable[[Standing], None] = lambda _: None,
        standing_seconds: float = STANDING_SECONDS,
        outage_seconds: float = OUTAGE_SECONDS,
    ) -> None:
        self._monotonic = monotonic
        self._stopping = stopping
        self._overtime = overtime
        self._places = Places()
        self._telling = Telling(standing, standing_seconds, monotonic())
        self._sending = Sending(
            self._places,
            transport,
            governor,
            Outage(monotonic(), outage_seconds),
            self._telling,
            monotonic,
            most_at_once,
        )
        self._done = 0

    @property
    def calls(self) -> int:
        """How many calls were sent."""
        return self._sending.calls

    def run(self, lanes: Iterable[Lane]) -> Iterator[tuple[Lane, Any]]:
        """Drive all lanes, the first ones first, and yield their events as they come.

        An event has been dealt with when the next one is asked for: its lane does not go on before.
        Where nothing can be asked any more (nobody answers, the app is blocked for hours), each
        lane is given that error for whatever it asks, and comes to its own end.

        Raises:
            MetaError: a lane let an error through that ends the run.
        """
        places, sending = self._places, self._sending
        places.new.extend(lanes)
        while not self._stopping():
            if places.ready:
                yield from self._advance(*places.ready.popleft())
            elif self._overtime() and self._end_waiting():
                continue
            elif not sending.send_next():
                if not (places or sending.under_way):
                    return
                self._telling.how_it_stands(self._monotonic(), self._standing)
                sending.wait()

    def _end_waiting(self) -> bool:
        """Tell waiting lanes that time is over, except those that read; return if any waited."""
        lanes = self._places.send_away(queued=self._sending.outage.is_on)
        for lane in lanes:
            lane.pending = None
            self._places.ready.append((lane, OutOfTime()))
        if self._sending.outage.is_on:
            # They would not have their turn before it is over; what they ask for is ended next.
            self._places.begin_all()
        return bool(self._places.ready)

    def _advance(self, lane: Lane, outcome: Any) -> Iterator[tuple[Lane, Any]]:  # noqa: ANN401
        """Let a lane go on until it has to wait for something."""
        while True:
            try:
                if isinstance(outcome, Exception):
                    step = lane.steps.throw(outcome)
                else:
                    step = lane.steps.send(outcome)
            except StopIteration as end:
                lane.result = end.value
                self._done += 1
                self._places.give_slot_back(lane)
                return
            outcome = None
            if isinstance(step, (Ahead, Call, Pause, ReportRunSlot)):
                if self._sending.over is not None:
                    outcome = self._refusal(step)
                elif self._has_to_wait(lane, step):
                    return
            else:
                yield lane, step

    def _refusal(self, step: Ahead | Call | Pause | ReportRunSlot) -> MetaError | None:
        """Return what a lane's step gets once nothing more is asked."""
        over = self._sending.over
        return again(over) if over is not None and isinstance(step, (Call, Pause)) else None

    def _has_to_wait(self, lane: Lane, step: Ahead | Call | Pause | ReportRunSlot) -> bool:
        """Put a lane where it waits for what it asks for; tell whether it has to."""
        places = self._places
        if isinstance(step, (Ahead, Call)):
            self._ask(lane, step)
            return isinstance(step, Call)
        if isinstance(step, Pause):
            if step.seconds > 0:
                self._telling.pause(lane, step.seconds, step.why)
                places.parked.park(lane, self._monotonic() + step.seconds)
            return step.seconds > 0
        if step.take:
            return not places.slots.take(lane)
        places.give_slot_back(lane)
        return False

    def _ask(self, lane: Lane, step: Ahead | Call) -> None:
        """Let a lane's call wait to be sent, where it does not do so already."""
        if isinstance(step, Ahead):
            lane.ask(step.call)
            lane.is_ahead = True
            self._places.queued.append(lane)
            self._sending.send_next()
        elif lane.is_ahead:
            lane.is_ahead = False
        else:
            lane.ask(step)
            self._places.queued.append(lane)

    def _standing(self) -> Standing:
        places, sending = self._places, self._sending
        next_at = places.parked.next_at
        return Standing(
            under_way=len(sending.under_way),
            parked=len(places.parked) + len(places.slots.waiting),
            left=len(places.new),
            done=self._done,
            calls=sending.calls,
            next_wake=None if next_at is None else next_at - self._monotonic(),
        )
