"""Lanes: many ad accounts at once, each a lane of steps, with few threads and nobody sleeping.

One loop, on the main thread, drives every lane; worker threads do nothing but send calls. So a lane
that waits (for a rate limit, for a report run) holds no thread and delays no other, records are
made and written in one place, and at most as many answers are in memory as calls are under way.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import MetaError, Throttled, ThrottledTooLong
from tap_meta_partner.graph.steps import OutOfTime, Pause, ReportRunSlot
from tap_meta_partner.lanes.governor import GIVE_UP_SECONDS
from tap_meta_partner.lanes.lane import Standing
from tap_meta_partner.lanes.report_run_slots import ReportRunSlots
from tap_meta_partner.lanes.silence import Silence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from tap_meta_partner.graph.calls import Answer
    from tap_meta_partner.lanes.clock import Clock
    from tap_meta_partner.lanes.governor import Governor
    from tap_meta_partner.lanes.lane import Lane
    from tap_meta_partner.lanes.threads import Transport, WakingTransport
    from tap_meta_partner.settings.model import Settings

logger = logging.getLogger(__name__)


#: How often it is told how the run stands.
STANDING_SECONDS = 10.0


#: A wait this long or longer is worth a line in the log.
_WORTH_SAYING_SECONDS = 5.0


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
    ) -> None:
        self._transport = transport
        self._governor = governor
        self._monotonic = monotonic
        self._most = most_at_once
        self._stopping = stopping
        self._overtime = overtime
        self._tell = standing
        self._tell_every = standing_seconds
        self._told_at = monotonic()
        self._silence = Silence(since=self._told_at)
        self._app_wait_said_until = 0.0
        self._waiting: deque[Lane] = deque()
        self._ready: deque[tuple[Lane, Any]] = deque()
        self._queued: deque[Lane] = deque()
        self._parked: list[tuple[float, int, Lane]] = []
        self._slots = ReportRunSlots()
        self._order = itertools.count()
        self._in_flight = 0
        self._done = 0
        self.calls = 0

    def run(self, lanes: Iterable[Lane]) -> Iterator[tuple[Lane, Any]]:
        """Drive all lanes, the first ones first, and yield their events as they come.

        An event has been dealt with when the next one is asked for: its lane does not go on before.

        Raises:
            MetaError: a lane let an error through that ends the run.
        """
        self._waiting.extend(lanes)
        while not self._stopping():
            if self._ready:
                yield from self._advance(*self._ready.popleft())
            elif self._overtime() and self._end_waiting():
                continue
            elif not self._send_next():
                if not self._has_more():
                    return
                self._wait()

    def _end_waiting(self) -> bool:
        """Tell lanes that wait for a limit or a report run that time is over; return if any did."""
        lanes = [lane for _, _, lane in self._parked] + self._slots.send_away()
        self._parked.clear()
        for lane in lanes:
            lane.pending = None
            self._ready.append((lane, OutOfTime()))
        return bool(lanes)

    def _has_more(self) -> bool:
        return bool(self._in_flight or self._parked or self._queued or self._waiting)

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
                self._give_slot_back(lane)
                return
            outcome = None
            if isinstance(step, (Call, Pause, ReportRunSlot)):
                if self._has_to_wait(lane, step):
                    return
            else:
                yield lane, step

    def _has_to_wait(self, lane: Lane, step: Call | Pause | ReportRunSlot) -> bool:
        """Put a lane where it waits for what it asks for; tell whether it has to."""
        if isinstance(step, Call):
            lane.pending = step
            self._queued.append(lane)
            return True
        if isinstance(step, Pause):
            if step.seconds > 0:
                self._park(lane, step.seconds, step.why)
            return step.seconds > 0
        if step.take:
            return not self._slots.take(lane)
        self._give_slot_back(lane)
        return False

    def _give_slot_back(self, lane: Lane) -> None:
        following = self._slots.give_back(lane)
        if following is not None:
            self._ready.append((following, None))

    # Sending.

    def _send_next(self) -> bool:
        """Send one call, or begin one lane, if there is room; tell whether anything was done."""
        if self._in_flight >= self._governor.concurrency(self._most):
            return False
        if self._queued:
            self._send(self._queued.popleft())
            return True
        if self._waiting:
            self._ready.append((self._waiting.popleft(), None))
            return True
        return False

    def _send(self, lane: Lane) -> None:
        now = self._monotonic()
        ready_at = self._governor.admitted_at(lane.account_id, now)
        if ready_at > now:
            heapq.heappush(self._parked, (ready_at, next(self._order), lane))
            return
        if lane.pending is None:
            raise RuntimeError("a lane without a call cannot be sent")
        lane.calls += 1
        self.calls += 1
        self._in_flight += 1
        call = lane.pending
        if lane.token is not None:
            call = replace(call, token=lane.token)
        self._transport.submit(lane, call)

    def _park(self, lane: Lane, seconds: float, why: str) -> None:
        if seconds >= _WORTH_SAYING_SECONDS and why:
            logger.debug("account %s waits %.0f s: %s", lane.name, seconds, why)
        heapq.heappush(self._parked, (self._monotonic() + seconds, next(self._order), lane))

    # Waiting.

    def _wait(self) -> None:
        """Wait for an answer or for the first parked lane, whichever comes first."""
        self._say_how_it_stands()
        now = self._monotonic()
        seconds = self._tell_every
        if self._parked:
            seconds = min(seconds, max(0.0, self._parked[0][0] - now))
        received = self._transport.wait(seconds)
        if received:
            self._in_flight -= 1
            self._receive(*received)
        self._wake()

    def _wake(self) -> None:
        now = self._monotonic()
        while self._parked and self._parked[0][0] <= now:
            _, _, lane = heapq.heappop(self._parked)
            if lane.pending is not None:
                self._queued.append(lane)
            else:
                self._ready.append((lane, None))

    def _receive(self, lane: Lane, answer: Answer) -> None:
        body = answer.body
        self._silence.listen(body, self._monotonic())
        if isinstance(body, Throttled):
            self._throttled(lane, body, answer)
            return
        lane.pending = None
        if isinstance(body, MetaError):
            self._governor.failed(lane.account_id, answer.usage)
        else:
            wait = self._governor.answered(lane.account_id, answer.usage, self._monotonic())
            if wait:
                logger.info(
                    "account %s rests %.0f s: %.0f %% of its rate limit is used (app: %.0f %%)",
                    lane.name,
                    wait,
                    answer.usage.account_percent or 0.0,
                    self._governor.app_percent,
                )
        self._ready.append((lane, body))

    def _throttled(self, lane: Lane, error: Throttled, answer: Answer) -> None:
        """Keep the call for later; a throttle of hours becomes the lane's, or the run's, end."""
        now = self._monotonic()
        rule = error.rule
        wait = self._governor.throttled(
            lane.account_id,
            answer.usage,
            now,
            app_wide=rule.app_wide,
            least_seconds=rule.least_seconds,
        )
        too_long = ThrottledTooLong(error.fault, rule)
        for_all = rule.app_wide or lane.account_id is None
        self._say_wait(lane, error, wait, for_all=for_all)
        if for_all and max(wait, self._governor.app_blocked_seconds(now)) > GIVE_UP_SECONDS:
            raise too_long
        if max(wait, self._governor.throttled_seconds(lane.account_id, now)) > GIVE_UP_SECONDS:
            lane.pending = None
            self._ready.append((lane, too_long))
        elif for_all:
            # A little later than the others, so that the one request let through is not always its.
            heapq.heappush(self._parked, (now + wait + 1.0, next(self._order), lane))
        else:
            self._queued.append(lane)

    def _say_wait(self, lane: Lane, error: Throttled, wait: float, *, for_all: bool) -> None:
        """Say who waits, how long and why; an app-wide wait once, not for each account."""
        now = self._monotonic()
        if for_all and now < self._app_wait_said_until:
            return
        if for_all:
            self._app_wait_said_until = now + wait
        who = "every account" if for_all else f"account {lane.name}"
        rule = error.rule
        logger.warning(
            "%s waits %.0f s: %s (%s). %s", who, wait, rule.what, error.fault, rule.advice
        )

    def _say_how_it_stands(self) -> None:
        now = self._monotonic()
        if now - self._told_at < self._tell_every:
            return
        self._told_at = now
        self._tell(
            Standing(
                under_way=self._in_flight,
                parked=len(self._parked) + len(self._slots.waiting),
                left=len(self._waiting),
                done=self._done,
                calls=self.calls,
                next_wake=self._parked[0][0] - now if self._parked else None,
            )
        )
