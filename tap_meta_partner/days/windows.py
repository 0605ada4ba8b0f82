"""Date windows: which days to ask for, in the ad account's own time zone.

All days are calendar days of the ad account (Meta: "Insights best practices"), and both ends of a
window are included, as in Meta's `time_range`. Nothing here knows of HTTP, Singer or state.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DateWindow:
    """Days `since` to `until`, both included."""

    since: dt.date
    until: dt.date

    def __post_init__(self) -> None:
        if self.since > self.until:
            raise ValueError(f"a window cannot end ({self.until}) before it starts ({self.since})")

    def __str__(self) -> str:
        return f"{self.since}..{self.until}"

    def __contains__(self, other: object) -> bool:
        if isinstance(other, DateWindow):
            return self.since <= other.since and other.until <= self.until
        return isinstance(other, dt.date) and self.since <= other <= self.until

    @property
    def days(self) -> int:
        """How many days it covers, at least 1."""
        return (self.until - self.since).days + 1

    def each_day(self) -> Iterator[dt.date]:
        """Yield its days, the first one first."""
        return (self.since + dt.timedelta(days=number) for number in range(self.days))

    def first(self, days: int) -> tuple[DateWindow, DateWindow | None]:
        """Take the first `days` days off: (those, what is left or None)."""
        if days >= self.days:
            return self, None
        cut = self.since + dt.timedelta(days=days)
        return DateWindow(self.since, cut - _DAY), DateWindow(cut, self.until)

    def last(self, days: int) -> tuple[DateWindow, DateWindow | None]:
        """Take the last `days` days off: (those, what is left or None)."""
        if days >= self.days:
            return self, None
        cut = self.until - dt.timedelta(days=days)
        return DateWindow(cut + _DAY, self.until), DateWindow(self.since, cut)


def between(since: dt.date, until: dt.date) -> DateWindow | None:
    """Return the window, or None when it would hold no day."""
    return DateWindow(since, until) if since <= until else None


def joined(windows: Iterable[DateWindow]) -> list[DateWindow]:
    """Return the same days in as few windows as possible, the earliest first."""
    found: list[DateWindow] = []
    for window in sorted(windows, key=lambda item: item.since):
        # `dt.date.max` has no day after it.
        if found and (window.since - found[-1].until).days <= 1:
            found[-1] = DateWindow(found[-1].since, max(found[-1].until, window.until))
        else:
            found.append(window)
    return found


def shared_by(window: DateWindow, others: Iterable[DateWindow]) -> list[DateWindow]:
    """Return the days of a window that are in any of the others, the earliest first."""
    found = []
    for other in joined(others):
        both = between(max(window.since, other.since), min(window.until, other.until))
        if both:
            found.append(both)
    return found


def left_of(window: DateWindow, others: Iterable[DateWindow]) -> list[DateWindow]:
    """Return the days of a window that are in none of the others, the earliest first."""
    found, since = [], window.since
    for taken in shared_by(window, others):
        before = between(since, taken.since - _DAY) if taken.since > window.since else None
        if before:
            found.append(before)
        if taken.until >= window.until:
            return found
        since = taken.until + _DAY
    return [*found, DateWindow(since, window.until)]


def window_of(text: str) -> DateWindow:
    """Read a window as `str` writes it.

    Raises:
        ValueError: it is none.
    """
    since, _, until = text.partition("..")
    return DateWindow(dt.date.fromisoformat(since), dt.date.fromisoformat(until or since))
