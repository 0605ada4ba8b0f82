"""How much to ask for at once: what worked the last time for this account and stream."""

from __future__ import annotations

from dataclasses import dataclass, replace

WIDEST_DAYS = 30


_EASY_WINDOWS_TO_GROW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What worked for this account and stream, so that its next window begins there.

    Attributes:
        days: how many days a window has.
        report_run: ask for a report run at once (asynchronously), as a direct answer was too much.
        by_campaign: a day was too much as a whole: read its campaigns one by one at once.
        easy: windows in a row that went well; three let it grow.
    """

    days: int = WIDEST_DAYS
    report_run: bool = False
    by_campaign: bool = False
    easy: int = 0

    def eased(self) -> Pace:
        """Return the pace after a window that went well: days as a whole, wider, then direct."""
        if self == Pace():
            return self
        if self.easy + 1 < _EASY_WINDOWS_TO_GROW:
            return replace(self, easy=self.easy + 1)
        if self.by_campaign:
            return Pace(days=self.days, report_run=self.report_run)
        if self.days < WIDEST_DAYS:
            return Pace(days=min(self.days * 2, WIDEST_DAYS), report_run=self.report_run)
        return Pace()

    def with_report_run(self) -> Pace:
        """Return the pace after a direct answer was too much."""
        return Pace(days=self.days, report_run=True)

    def with_campaigns(self) -> Pace:
        """Return the pace after a single day was too much."""
        return Pace(days=1, report_run=True, by_campaign=True)

    def narrowed(self, days: int) -> Pace:
        """Return the pace after a window had to be halved to `days`."""
        return Pace(days=max(1, min(days, self.days)), report_run=self.report_run)
