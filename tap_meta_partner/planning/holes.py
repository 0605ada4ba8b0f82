"""Holes: what cannot be had of a day, though everything else of it was delivered.

One object that Meta does not give must not freeze its client's data: the bookmark goes on, and what
is missing is kept beside it and asked for again each night, for as many nights as a lookback has.

In the state the holes of one object are an entry of their partition's `holes`::

    {"what": "ad 23", "why": "timed out (code 2/1504038)", "id": "23",
     "days": {"2026-11-24": {"found": "2026-11-25", "spend": "12.30"}}}
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_meta_partner.days.windows import DateWindow, left_of, window_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

#: Beyond so many, the holes of a day are told as one.
_MOST = 100

#: So long a text is kept.
_LONGEST_TEXT = 160

#: A hole is asked for again for at least so many nights after it was found.
_FEWEST_NIGHTS = 7

WHOLE_DAY, SEVERAL = "everything", "several objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """One thing that could not be had of one day, or of one bucket of days.

    Attributes:
        window: the days that a row covers.
        what: the object, the fields or the key that is missing, for a person.
        why: Meta's code and word.
        spend: what it spent, where the level above tells; in the account's currency, major units.
        found: the account's today when it was met first.
        object_id: whose rows are missing altogether, or None.
    """

    window: DateWindow
    what: str
    why: str
    spend: Decimal | None = None
    found: dt.date | None = None
    object_id: str | None = None

    def __str__(self) -> str:
        day = self.window.since
        days = f"{day}" if self.window.days == 1 else f"{day} to {self.window.until}"
        spent = "" if self.spend is None else f" (spend {self.spend.normalize():f})"
        return f"{days}: {self.what}{spent}"


def found_holes(
    known: Sequence[Hole], found: Iterable[Hole], window: DateWindow, today: dt.date
) -> tuple[Hole, ...]:
    """Return the holes after a window was read: those in it are the ones found now.

    Args:
        known: those known before.
        found: those met in this window.
        window: the window that was read.
        today: the account's own today, since when new ones are known.
    """
    first_seen = {(hole.window, hole.what): hole.found for hole in known}
    in_it = [
        replace(
            hole,
            what=_cut(hole.what),
            why=_cut(hole.why),
            found=first_seen.get((hole.window, _cut(hole.what))) or today,
        )
        for hole in found
    ]
    others = [
        # What was spent on some of its days is not known.
        hole if part == hole.window else replace(hole, window=part, spend=None)
        for hole in known
        for part in left_of(hole.window, [window])
    ]
    return _bounded(sorted([*others, *in_it], key=_order))


def open_holes(holes: Iterable[Hole], today: dt.date, nights: int) -> list[Hole]:
    """Return the holes that are asked for again: found not longer ago than so many nights."""
    longest = dt.timedelta(days=min(max(nights, _FEWEST_NIGHTS), 10_000))
    return [hole for hole in holes if hole.found is None or today - hole.found <= longest]


def new_holes(known: Iterable[Hole], holes: Iterable[Hole]) -> list[Hole]:
    """Return the holes that are news: a further day of an object known to be missing is not."""
    before = {hole.what for hole in known}
    return [] if SEVERAL in before else [hole for hole in holes if hole.what not in before]


def missing(holes: Sequence[Hole]) -> str:
    """Say what is missing, in one line for a person."""
    said = [str(hole) for hole in holes[:3]]
    if len(holes) > len(said):
        said.append(f"and {len(holes) - len(said)} more")
    spent = [hole.spend for hole in holes if hole.spend is not None]
    total = f"; spend missing {sum(spent, Decimal(0)).normalize():f}" if spent else ""
    return (
        f"all but this was delivered: {'; '.join(said)}{total}. Meta said: {holes[0].why}. "
        "It is asked for again on the next runs; nothing else waits for it."
    )


def read_holes(value: object) -> tuple[Hole, ...]:
    """Read the holes of a partition; unusable ones are left out."""
    found: list[Hole] = []
    for entry in value if isinstance(value, list) else ():
        try:
            found += [_hole(entry, days, more) for days, more in entry["days"].items()]
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            continue
    return tuple(sorted(found, key=_order))


def holes_as_json(holes: Iterable[Hole]) -> list[dict[str, Any]] | None:
    """Return the holes as they are kept in a partition, None where there are none."""
    entries: dict[tuple[str, str, str | None], dict[str, Any]] = {}
    for hole in holes:
        entry = entries.setdefault(
            (hole.what, hole.why, hole.object_id),
            {
                "what": hole.what,
                "why": hole.why,
                **({} if hole.object_id is None else {"id": hole.object_id}),
                "days": {},
            },
        )
        since = str(hole.window.since)
        entry["days"][since if hole.window.days == 1 else str(hole.window)] = {
            **({} if hole.found is None else {"found": str(hole.found)}),
            **({} if hole.spend is None else {"spend": str(hole.spend)}),
        }
    return list(entries.values()) or None


def _hole(entry: dict[str, Any], days: str, more: dict[str, Any]) -> Hole:
    spend, found, object_id = more.get("spend"), more.get("found"), entry.get("id")
    return Hole(
        window=window_of(days),
        what=str(entry["what"]),
        why=str(entry["why"]),
        spend=None if spend is None else Decimal(spend),
        found=None if found is None else dt.date.fromisoformat(found),
        object_id=None if object_id is None else str(object_id),
    )


def _order(hole: Hole) -> tuple[dt.date, dt.date, str]:
    return hole.window.since, hole.window.until, hole.what


def _bounded(holes: list[Hole]) -> tuple[Hole, ...]:
    """Join holes until there are few enough: those of one day first, then the oldest days."""
    if len(holes) > _MOST:
        by_window: dict[DateWindow, list[Hole]] = {}
        for hole in holes:
            by_window.setdefault(hole.window, []).append(hole)
        holes = [_one(of_day) for of_day in by_window.values()]
    while len(holes) > _MOST:
        holes[:2] = [_one(holes[:2])]
    return tuple(holes)


def _one(holes: list[Hole]) -> Hole:
    if len(holes) == 1:
        return holes[0]
    spent = [hole.spend for hole in holes if hole.spend is not None]
    found = [hole.found for hole in holes if hole.found is not None]
    first, last = holes[0].window, holes[-1].window
    return Hole(
        window=DateWindow(first.since, max(first.until, last.until)),
        what=SEVERAL,
        why=holes[-1].why,
        spend=sum(spent, Decimal(0)) if spent else None,
        found=max(found, default=None),
    )


def _cut(text: str) -> str:
    """Keep a text on one line, and bounded: keys and words are Meta's."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= _LONGEST_TEXT else f"{plain[: _LONGEST_TEXT - 1]}…"
