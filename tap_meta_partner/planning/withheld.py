"""What days were delivered without: fields that Meta refused, and lookbacks not read for them.

A refusal never takes a value away that the target has. Rows replace each other whole, so days
delivered with a field are not read again while Meta refuses it; days that came without it are read
again once Meta gives it, and so are those that were spared. Each run asks for all fields anew.

In the state it is a partition's `without` and `unread`::

    "without": {"reach": ["2026-11-20..2026-11-24"]}, "unread": ["2026-10-27..2026-11-19"]
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from tap_meta_partner.days.windows import DateWindow, joined, left_of, window_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import Any

#: Beyond so many stretches of days the nearest are joined: a few days more are read again.
_MOST_STRETCHES = 8


@dataclass(frozen=True, slots=True)
class Withheld:
    """What a stream's delivered days lack.

    Attributes:
        without: the days delivered without a field, by its name.
        unread: days that a lookback would have read again, and did not, to keep their values.
    """

    without: Mapping[str, tuple[DateWindow, ...]] = field(default_factory=dict)
    unread: tuple[DateWindow, ...] = ()

    def owed(self, fields: Collection[str]) -> list[DateWindow]:
        """Return the days to be read again now that these fields are asked and given."""
        lacking = [days for name in fields for days in self.without.get(name, ())]
        return joined([*lacking, *self.unread])

    def having(self, name: str, delivered: DateWindow) -> list[DateWindow]:
        """Return those of the days delivered that came with a field."""
        return left_of(delivered, self.without.get(name, ()))

    def read(
        self, window: DateWindow, *, asked: Collection[str], refused: Collection[str]
    ) -> Withheld:
        """Return what is missing after a window was read.

        Args:
            window: its days.
            asked: the fields wanted; what is known of others is forgotten.
            refused: those of them that Meta refused.
        """
        without = {}
        for name in asked:
            days = list(self.without.get(name, ()))
            days = joined([*days, window]) if name in refused else _less(days, window)
            if days:
                without[name] = _bounded(days)
        return Withheld(without, tuple(_less(self.unread, window)))

    def spared(self, days: Iterable[DateWindow]) -> Withheld:
        """Return what is missing after days were spared."""
        return Withheld(self.without, _bounded(joined([*self.unread, *days])))


def read_withheld(partition: Mapping[str, Any]) -> Withheld:
    """Read what a partition's days lack; unusable entries are left out."""
    kept = partition.get("without")
    without = {
        str(name): days
        for name, value in (kept.items() if isinstance(kept, dict) else ())
        if (days := _windows(value))
    }
    return Withheld(without, _windows(partition.get("unread")))


def withheld_as_json(withheld: Withheld) -> dict[str, Any]:
    """Return the keys of a partition that keep it; None for those that have nothing to say."""
    return {
        "without": {name: list(map(str, days)) for name, days in withheld.without.items()} or None,
        "unread": list(map(str, withheld.unread)) or None,
    }


def _windows(value: object) -> tuple[DateWindow, ...]:
    found = []
    for text in value if isinstance(value, list) else ():
        try:
            found.append(window_of(str(text)))
        except ValueError:
            continue
    return tuple(joined(found))


def _less(days: Iterable[DateWindow], window: DateWindow) -> list[DateWindow]:
    return [part for stretch in days for part in left_of(stretch, [window])]


def _bounded(days: Collection[DateWindow]) -> tuple[DateWindow, ...]:
    found = list(days)
    while len(found) > _MOST_STRETCHES:
        gaps = [
            (later.since - earlier.until, at) for at, (earlier, later) in enumerate(pairwise(found))
        ]
        _, at = min(gaps, default=(dt.timedelta(), 0))
        found[at : at + 2] = [DateWindow(found[at].since, found[at + 1].until)]
    return tuple(found)
