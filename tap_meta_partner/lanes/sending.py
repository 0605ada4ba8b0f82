"""Which lane's call goes out next, and what becomes of its answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import MetaError, Throttled, ThrottledTooLong
from tap_meta_partner.lanes.governor import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Answer
    from tap_meta_partner.lanes.governor import Governor
    from tap_meta_partner.lanes.lane import Lane
    from tap_meta_partner.lanes.outage import Outage
    from tap_meta_partner.lanes.places import Places
    from tap_meta_partner.lanes.telling import Telling
    from tap_meta_partner.lanes.threads import Transport

#: A lane that is parked as long as this lends its report-run slot to others.
LENDING_SECONDS = 5.0


@dataclass(slots=True)
class Sending:
    """Sends the calls of lanes, as many at once as allowed, and keeps those that have to wait.

    Args:
        places: where lanes come from, and where they go with their answers.
        transport: sends the calls.
        governor: decides who may ask, and when.
        outage: whether Meta fails everybody.
        telling: says who waits.
        monotonic: seconds that only go forward.
        most_at_once: calls under way at once.

    Attributes:
        under_way: the lanes whose calls are.
        calls: how many were sent.
        over: why nothing is asked any more, whoever wants to; None while things are asked.
    """

    places: Places
    transport: Transport
    governor: Governor
    outage: Outage
    telling: Telling
    monotonic: Callable[[], float]
    most_at_once: int
    under_way: set[Lane] = field(default_factory=set)
    calls: int = 0
    over: MetaError | None = None

    def send_next(self) -> bool:
        """Send one call, or begin one lane, if there is room; tell whether anything was done."""
        if self.outage.is_on:
            return self._ask_one()
        if len(self.under_way) >= self.governor.concurrency(self.most_at_once):
            return False
        if self.places.queued:
            self._send(self.places.queued.popleft())
            return True
        if self.places.new:
            self.places.begin_next()
            return True
        return False

    def wait(self) -> None:
        """Wait for an answer or for the first parked lane, whichever comes first."""
        now = self.monotonic()
        ends = now + self.telling.every
        asks_at = self.outage.asks_next_at(fresh=self._has_fresh())
        if asks_at is not None and asks_at > now:
            ends = min(ends, asks_at)
        if self.places.parked.next_at is not None:
            ends = min(ends, self.places.parked.next_at)
        received = self.transport.wait(max(0.0, ends - now))
        if received:
            lane, answer = received
            self.under_way.discard(lane)
            self._receive(lane, answer)
        self.places.wake(self.monotonic())

    def _ask_one(self) -> bool:
        """Ask the one question that an outage allows, if it is time; tell whether it was."""
        self._lend_slots_of_failing()
        at = self.outage.asks_next_at(fresh=self._has_fresh())
        if at is None or at > self.monotonic():
            return False
        lane = self.outage.next_to_ask(self.places.queued)
        if self.places.new and (lane is None or self.outage.has_failed(lane)):
            self.places.begin_next()
            return True
        if lane is None:
            return False
        if lane in self.places.queued:
            self.places.queued.remove(lane)
        if self._send(lane):
            self.outage.asks(lane)
        return True

    def _has_fresh(self) -> bool:
        """Tell whether there is an account to be asked that is not known to fail."""
        queued = self.places.queued
        return bool(self.places.new) or any(not self.outage.has_failed(lane) for lane in queued)

    def _lend_slots_of_failing(self) -> None:
        """Lend the slots of failing lanes to others: only an answer shows whether those work."""
        for lane in [lane for lane in self.places.queued if self.outage.has_failed(lane)]:
            self.places.lend_slot(lane)

    def _send(self, lane: Lane) -> bool:
        """Send a lane's call, or let it wait for its limits; tell whether it was sent."""
        if lane.pending is None:
            raise RuntimeError("a lane without a call cannot be sent")
        now = self.monotonic()
        ready_at = self.governor.admitted_at(lane.account_id, now)
        if ready_at > now and lane is not self.outage.plain:
            # One request is let through to see how the app fares. It is to be one of an account
            # that was answered before: one that is always refused says nothing about the others.
            later = self.governor.app.times_closed and not lane.answered
            self.places.parked.park(lane, ready_at + 0.5 if later else ready_at)
            if ready_at - now >= LENDING_SECONDS:
                self.places.lend_slot(lane)
            return False
        if not self.places.slots.may_send(lane):
            return False
        payer = self.outage.shown_by if lane is self.outage.plain else lane
        if payer is not None:
            payer.calls += 1
        self.calls += 1
        self.under_way.add(lane)
        call = lane.pending
        self.transport.submit(lane, call if lane.token is None else replace(call, token=lane.token))
        return True

    def _receive(self, lane: Lane, answer: Answer) -> None:
        body, now = answer.body, self.monotonic()
        self.outage.heard(lane, body, now)
        self.telling.outage(self.outage, body, now)
        if isinstance(body, Throttled):
            self._throttled(lane, body, answer)
        elif isinstance(body, MetaError):
            self.governor.failed(lane.account_id, answer.usage)
        else:
            lane.answered = True
            wait = self.governor.answered(lane.account_id, answer.usage, now)
            if wait:
                self.telling.rest(lane, wait, answer.usage, self.governor.app_percent)
        if lane is not self.outage.plain and not isinstance(body, Throttled):
            self.places.ready.append((lane, lane.given(body)))
        if self.outage.over is not None:
            self.telling.end(self.outage.over)
            self._end_everybody(self.outage.over)

    def _throttled(self, lane: Lane, error: Throttled, answer: Answer) -> None:
        """Keep the call for later; hours of throttling end the lane, or the run."""
        now, rule = self.monotonic(), error.rule
        for_all = self.governor.is_for_all(lane.account_id, app_wide=rule.app_wide)
        wait = self.governor.throttled(
            lane.account_id,
            answer.usage,
            now,
            app_wide=rule.app_wide,
            least_seconds=rule.least_seconds,
        )
        self.telling.throttle(lane, error, wait, for_all=for_all, now=now)
        if lane is self.outage.plain:
            return
        too_long = ThrottledTooLong(error.fault, rule)
        if for_all and max(wait, self.governor.app_blocked_seconds(now)) > GIVE_UP_SECONDS:
            self.places.queued.append(lane)
            self._end_everybody(too_long)
        elif max(wait, self.governor.throttled_seconds(lane.account_id, now)) > GIVE_UP_SECONDS:
            self.places.ready.append((lane, lane.given(too_long)))
        elif for_all:
            # A little later than the others, so that the one request let through is not always its.
            self.places.parked.park(lane, now + wait + 1.0)
        else:
            self.places.queued.append(lane)

    def _end_everybody(self, error: MetaError) -> None:
        """Ask nothing more: every waiting lane gets this error."""
        self.over = error
        lanes = [*self.under_way - {self.outage.plain}, *self.places.send_away(queued=True)]
        # Answers that come now come too late.
        self.under_way.clear()
        for lane in lanes:
            self.places.ready.append((lane, lane.given(again(error))))
        self.places.begin_all()


def again(error: MetaError) -> MetaError:
    """Return an error once more: each lane is given one of its own."""
    return type(error)(error.fault, error.rule)
