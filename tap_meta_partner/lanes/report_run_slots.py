"""How many report runs may be under way at once, over all accounts, and who waits for one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_meta_partner.lanes.lane import Lane

#: "100 caused rate-limit failures", a peer says.
MOST_REPORT_RUNS = 10


@dataclass(slots=True)
class ReportRunSlots:
    """Gives slots to lanes, first come, first served.

    A lane that is parked lends its slot: it does nothing with it, for hours perhaps, while healthy
    accounts wait. Before it creates a report run it has to have one again.
    """

    waiting: deque[Lane] = field(default_factory=deque)
    _taken: int = 0

    def take(self, lane: Lane) -> bool:
        """Give a lane a slot, or let it wait for one; tell whether it has it."""
        lane.needs_report_run_slot = True
        if self._taken >= MOST_REPORT_RUNS:
            self.waiting.append(lane)
            return False
        self._taken += 1
        lane.holds_report_run_slot = True
        return True

    def give_back(self, lane: Lane) -> Lane | None:
        """Take a lane's slot back, if it has one; return the waiting lane that gets it, if any."""
        lane.needs_report_run_slot = False
        return self.lend(lane)

    def lend(self, lane: Lane) -> Lane | None:
        """Lend a parked lane's slot; return the waiting lane that gets it, if any."""
        if not lane.holds_report_run_slot:
            return None
        lane.holds_report_run_slot = False
        self._taken -= 1
        if not self.waiting:
            return None
        following = self.waiting.popleft()
        self.take(following)
        return following

    def may_send(self, lane: Lane) -> bool:
        """Tell whether a lane may send its call; one that may not waits for a slot.

        Only what creates a report run has to have one: those that exist are polled and read.
        """
        if not lane.needs_report_run_slot or lane.holds_report_run_slot:
            return True
        creates = lane.pending is not None and lane.pending.method == "POST"
        if not creates and self._taken >= MOST_REPORT_RUNS:
            return True
        return self.take(lane)

    def send_away(self) -> list[Lane]:
        """Release the waiting lanes without a slot; return them."""
        lanes = list(self.waiting)
        self.waiting.clear()
        return lanes
