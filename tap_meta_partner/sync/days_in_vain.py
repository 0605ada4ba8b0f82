"""Days of which nothing can be had, however little is asked: is it these days, or the stream?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import Fault, KeptFailing, Rule, TooMuchData
from tap_meta_partner.graph.pages import Dropped
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.surviving import surviving_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.graph.refused_fields import RefusedFields
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.planning.holes import Hole
    from tap_meta_partner.planning.pace import Pace
    from tap_meta_partner.reports.request import Reporting, ReportRequest

#: After so many days in a row of which nothing could be had, the day at the other end is asked for.
_DOUBTFUL_DAYS = 3

#: So many days of which nothing can be had are found in a run: each costs minutes, or an hour.
_MOST_DAYS = 30

NOTHING_TO_BE_HAD = Rule(
    family=KeptFailing,
    what="nothing can be read of day after day, however little is asked",
    advice="The tap tries again with the next run; if it lasts, take a field or a breakdown away, "
    "or tell Meta's support.",
)


@dataclass(slots=True)
class DaysInVain:
    """How many days of a stream were read in vain, in all and in a row.

    Args:
        known: the holes known before this run, whose days are not counted.
    """

    known: Sequence[Hole] = ()
    in_all: int = 0
    _in_a_row: int = 0

    def note(self, window: DateWindow, holes: Sequence[Hole], rows: int) -> None:
        """Count a window that was read: with which holes, and how many rows."""
        if any(hole.window in window for hole in self.known):
            return
        in_vain = bool(holes) and not rows
        self._in_a_row = self._in_a_row + 1 if in_vain else 0
        self.in_all += in_vain

    @property
    def are_doubtful(self) -> bool:
        """Whether it is time to ask for the day at the other end."""
        return self._in_a_row >= _DOUBTFUL_DAYS

    def doubt(
        self, request: ReportRequest, pace: Pace, refused: RefusedFields, reporting: Reporting
    ) -> Steps[None]:
        """Ask for the day at the other end: if it can be read, it is the days, and not the stream.

        Args:
            request: that day.
            pace: how to ask.
            refused: fields that Meta refuses; takes note of more.
            reporting: how reports are asked for.

        Raises:
            KeptFailing: nothing can be had of that one either, or of too many days already.
            MetaError: as `steps.ask`.
        """
        self._in_a_row = 0
        try:
            yield from surviving_report(
                request,
                lambda asked: read_report(asked, Dropped(), pace, reporting),
                refused,
                reporting.jitter,
            )
        except TooMuchData as error:
            raise KeptFailing(error.fault, NOTHING_TO_BE_HAD) from error
        if self.in_all >= _MOST_DAYS:
            raise KeptFailing(Fault(message=f"{self.in_all} days"), NOTHING_TO_BE_HAD)
