"""Lanes that wait until a moment, and hold no thread meanwhile."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_meta_partner.lanes.lane import Lane


@dataclass(slots=True)
class Parked:
    """Lanes and the moments, in monotonic seconds, at which they go on."""

    _lanes: list[tuple[float, int, Lane]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def next_at(self) -> float | None:
        """When the first one goes on; None where none is parked."""
        return self._lanes[0][0] if self._lanes else None

    def park(self, lane: Lane, until: float) -> None:
        """Let a lane wait until a moment."""
        heapq.heappush(self._lanes, (until, next(self._order), lane))

    def due(self, now: float) -> Iterator[Lane]:
        """Take out those whose moment has come, the earliest first."""
        while self._lanes and self._lanes[0][0] <= now:
            yield heapq.heappop(self._lanes)[2]

    def send_away(self) -> list[Lane]:
        """Release all of them; return them."""
        lanes = [lane for _, _, lane in self._lanes]
        self._lanes.clear()
        return lanes
