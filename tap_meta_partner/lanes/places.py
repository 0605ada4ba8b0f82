"""Where lanes wait: to begin, to go on, to send a call, for a moment, for a report-run slot."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.lanes.parked import Parked
from tap_meta_partner.lanes.report_run_slots import ReportRunSlots

if TYPE_CHECKING:
    from typing import Any

    from tap_meta_partner.lanes.lane import Lane


@dataclass(slots=True)
class Places:
    """All lanes that have not ended, and those with a call under way.

    Attributes:
        new: not begun yet.
        ready: to go on at once, each with what it is given.
        queued: each with a call to be sent.
        parked: until a moment.
        slots: for report runs, and who waits for one.
    """

    new: deque[Lane] = field(default_factory=deque)
    ready: deque[tuple[Lane, Any]] = field(default_factory=deque)
    queued: deque[Lane] = field(default_factory=deque)
    parked: Parked = field(default_factory=Parked)
    slots: ReportRunSlots = field(default_factory=ReportRunSlots)

    def __bool__(self) -> bool:
        """Whether any lane will go on without anybody else's doing."""
        return bool(self.new or self.ready or self.queued or self.parked)

    def begin_next(self) -> None:
        """Let the first of the new lanes take its first step."""
        self.ready.append((self.new.popleft(), None))

    def begin_all(self) -> None:
        """Let all new lanes take their first step."""
        while self.new:
            self.begin_next()

    def go_on(self, lane: Lane | None) -> None:
        """Let a lane that has waited send its call, or take its next step."""
        if lane is None:
            return
        if lane.pending is not None:
            self.queued.append(lane)
        else:
            self.ready.append((lane, None))

    def wake(self, now: float) -> None:
        """Let those go on whose moment has come."""
        for lane in self.parked.due(now):
            self.go_on(lane)

    def lend_slot(self, lane: Lane) -> None:
        """Let others have the report-run slot of a lane that is parked."""
        self.go_on(self.slots.lend(lane))

    def give_slot_back(self, lane: Lane) -> None:
        """Let others have the report-run slot that a lane no longer needs."""
        self.go_on(self.slots.give_back(lane))

    def send_away(self, *, queued: bool) -> list[Lane]:
        """Release the lanes that wait for a moment, for a slot or to send; return them."""
        lanes = self.parked.send_away() + self.slots.send_away()
        if queued:
            lanes += self.queued
            self.queued.clear()
        return lanes
