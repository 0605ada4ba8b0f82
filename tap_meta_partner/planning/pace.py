"""How much to ask for at once: what worked the last time for this account and stream.

A wall is met when Meta calls a window too much, or leaves it unanswered. What worked below it is
where the next window begins, this night and the following ones. The wall itself is tried again
rarely, since most of them stand for months: a few times in the run that met it (one heavy week of a
long history is no wall), then a week later, and where a report run stood still, four weeks later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection

WIDEST_DAYS = 30

_EASY_WINDOWS_TO_GROW = 3

#: So often a wall is tried in vain in the run that met it.
_VAIN_TRIES = 3

#: A wall that was met is tried again after so many nights.
_WALL_NIGHTS = 7

#: Where a report run stood still, every try costs its 20 minutes.
_STANDSTILL_NIGHTS = 28

#: Objects known to be too much as a whole; more than these are found out anew.
_MOST_HEAVY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What worked for this account and stream, so that its next window begins there.

    Attributes:
        days: how many days a window has.
        report_run: ask for a report run at once (asynchronously), as a direct answer was too much.
        by_object: a single day was too much as a whole: read its campaigns one by one at once.
        heavy: ids of objects that were too much as a whole, read by what is in them.
        hopeless: ids of those of which nothing could be had: they are asked once, as they are.
        parts: into how many parts the fields of a smallest object have to be cut.
        easy: windows in a row that went well; three let it grow.
        met: when a wall was met last, on the account's calendar.
        vain: how often in that run more was tried in vain.
        stood_still: it was a report run that came to no end.
    """

    days: int = WIDEST_DAYS
    report_run: bool = False
    by_object: bool = False
    heavy: tuple[str, ...] = ()
    hopeless: tuple[str, ...] = ()
    parts: int = 1
    easy: int = 0
    met: dt.date | None = None
    vain: int = 0
    stood_still: bool = False

    def attempt(self, today: dt.date) -> Pace:
        """Return what to ask for next: what worked or, when it is time to try, more.

        Days as a whole first, then wider windows, then direct answers.
        """
        if self.easy < _EASY_WINDOWS_TO_GROW or not self._may_grow(today):
            return self
        more = replace(self, easy=0)
        if self.by_object:
            return replace(more, by_object=False, heavy=(), hopeless=(), parts=1)
        if self.days < WIDEST_DAYS:
            return replace(more, days=min(self.days * 2, WIDEST_DAYS))
        return replace(more, report_run=False)

    def _may_grow(self, today: dt.date) -> bool:
        if self.met is None:
            return True
        nights = (today - self.met).days
        if self.stood_still:
            return nights >= _STANDSTILL_NIGHTS
        return nights >= _WALL_NIGHTS or (nights == 0 and self.vain < _VAIN_TRIES)

    def eased(self) -> Pace:
        """Return the pace after a window that went well."""
        if self.days == WIDEST_DAYS and not self.report_run and not self.by_object:
            return Pace()
        return replace(self, easy=min(self.easy + 1, _EASY_WINDOWS_TO_GROW))

    def with_report_run(self) -> Pace:
        """Return the pace after a direct answer was too much."""
        return replace(self, report_run=True, by_object=False, easy=0)

    def with_objects(self, heavy: Collection[str], hopeless: Collection[str], parts: int) -> Pace:
        """Return the pace after a single day was read object by object.

        Args:
            heavy: the objects that were too much as a whole.
            hopeless: those of which nothing could be had.
            parts: into how many parts fields had to be cut.
        """
        return replace(
            self,
            days=1,
            report_run=False,
            by_object=True,
            heavy=tuple(sorted(heavy)[:_MOST_HEAVY]),
            hopeless=tuple(sorted(hopeless)[:_MOST_HEAVY]),
            parts=parts,
            easy=min(self.easy + 1, _EASY_WINDOWS_TO_GROW) if self.by_object else 0,
        )

    def narrowed(self, days: int) -> Pace:
        """Return the pace after a window had to be narrowed to `days`: direct answers may do."""
        return replace(self, days=max(1, min(days, self.days)), report_run=False, easy=0)

    def asking_less(
        self, tried: Pace, days: int, today: dt.date, *, stood_still: bool = False
    ) -> Pace:
        """Return the pace after a window of so many days was too much.

        Args:
            tried: what was asked; more than what had worked, now and then.
            days: how many days the window had.
            today: the account's own today.
            stood_still: a report run came to no end. Each costs its 20 minutes, so the next window
                is a quarter.
        """
        met = self.met_wall(today, in_vain=tried != self, stood_still=stood_still)
        if tried != self and self.days < days:
            return met
        # The widest pace takes whole rests along, so half of one must be less than that.
        return met.narrowed(min(days // (4 if stood_still else 2), WIDEST_DAYS - 1))

    def met_wall(self, today: dt.date, *, in_vain: bool, stood_still: bool = False) -> Pace:
        """Return the pace after a wall was met.

        Args:
            today: the account's own today.
            in_vain: what was asked was more than what had worked before.
            stood_still: a report run came to no end.
        """
        before = self.vain if self.met == today else 0
        return replace(
            self,
            met=today,
            vain=before + in_vain,
            stood_still=self.stood_still or stood_still,
            easy=0,
        )
