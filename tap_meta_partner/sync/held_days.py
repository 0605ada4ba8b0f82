"""Rows of days that a target may have already: held until their window shows whether they changed.

A day is written as a whole or not at all, so that its rows keep one `read_at`. What is held lies in
memory while that is little over all accounts, then in temporary files, and where there would be too
many of these, it is handed on as changed: nothing grows without bound.
"""

from __future__ import annotations

import datetime as dt
import pickle
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from tap_meta_partner.planning.digests import day_digest, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO, Any

    Records = list[dict[str, Any]]

#: Rows held in memory over all windows that are open: about 2 kB each.
MOST_ROWS = 20_000

#: Temporary files over all windows that are open.
MOST_FILES = 100

#: When a row was read says nothing of what it holds.
_NOT_COMPARED = "read_at"


@dataclass(slots=True)
class Room:
    """What the open windows of a run hold together.

    Attributes:
        rows: in memory.
        files: how many temporary files are open.
    """

    rows: int = 0
    files: int = 0


@dataclass(slots=True)
class _Part:
    """One part of a window: what its rows add up to, by day, and where those held are."""

    shares: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    rows: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    held: list[tuple[str, Records | tuple[int, int]]] = field(default_factory=list)


class HeldDays:
    """The rows of one window, as far as they are held.

    Args:
        known: the digests of days that the target has, by day.
        since: the first day of which digests are worth keeping, or None.
        room: what all windows of the run hold.
    """

    def __init__(
        self, known: Mapping[dt.date, str], since: dt.date | None, room: Room | None = None
    ) -> None:
        self._known = {str(day): text for day, text in known.items()}
        self._since = None if since is None else str(since)
        self._room = room or Room()
        self._parts = [_Part()]
        self._file: IO[bytes] | None = None
        #: Days of which some rows could not be held: all of them are written.
        self._overflown: set[str] = set()
        self._encode = msgspec.json.Encoder(decimal_format="string").encode

    def begin(self, *, anew: bool, next_part: bool) -> None:
        """Forget what is held of the part that begins anew.

        Args:
            anew: the whole window does.
            next_part: another part begins, and what came before stays.
        """
        if anew:
            self._drop(self._parts)
            self._parts = []
        elif not next_part:
            self._drop([self._parts.pop()])
        self._parts.append(_Part())

    def take(self, records: Records) -> Records:
        """Take records; return those that are not held."""
        if self._since is None:
            return records
        part, free = self._parts[-1], []
        held: dict[str, Records] = defaultdict(list)
        for record in records:
            day = record["date_start"]
            if day < self._since:
                free.append(record)
                continue
            row = [value for name, value in record.items() if name != _NOT_COMPARED]
            part.shares[day] += digest_of(self._encode(row))
            part.rows[day] += 1
            (held[day] if day in self._known else free).append(record)
        for day, rows in held.items():
            if not self._keep(part, day, rows):
                self._overflown.add(day)
                free += rows
        return free

    def release(self) -> Iterator[Records]:
        """Hand on, at the window's end, the held rows of days that changed."""
        digests = self._by_day()
        for part in self._parts:
            for day, place in part.held:
                if self._is_changed(day, digests):
                    yield place if isinstance(place, list) else self._read(*place)

    def close(self) -> None:
        """Forget what is still held."""
        self._drop(self._parts)
        if self._file is not None:
            self._file.close()
            self._file = None
            self._room.files -= 1

    @property
    def digests(self) -> dict[dt.date, str]:
        """What the window's days have now, those with rows."""
        return {dt.date.fromisoformat(day): text for day, text in self._by_day().items()}

    @property
    def unchanged(self) -> int:
        """How many rows are as the target has them."""
        digests = self._by_day()
        return sum(
            count
            for part in self._parts
            for day, count in part.rows.items()
            if not self._is_changed(day, digests)
        )

    def _is_changed(self, day: str, digests: Mapping[str, str]) -> bool:
        return day in self._overflown or self._known.get(day) != digests[day]

    def _by_day(self) -> dict[str, str]:
        totals: dict[str, int] = defaultdict(int)
        for part in self._parts:
            for day, share in part.shares.items():
                totals[day] += share
        return {day: day_digest(total) for day, total in totals.items()}

    def _keep(self, part: _Part, day: str, rows: Records) -> bool:
        """Hold rows; return whether there was room for them."""
        if self._room.rows + len(rows) <= MOST_ROWS:
            self._room.rows += len(rows)
            part.held.append((day, rows))
            return True
        if self._file is None:
            if self._room.files >= MOST_FILES:
                return False
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (see `close`)
            self._room.files += 1
        at = self._file.seek(0, 2)
        # Nothing leaves the process: what is read back was written here.
        length = self._file.write(pickle.dumps(rows, protocol=5))
        part.held.append((day, (at, length)))
        return True

    def _read(self, at: int, length: int) -> Records:
        if self._file is None:
            raise RuntimeError("rows are held in a file that is closed")
        self._file.seek(at)
        rows: Records = pickle.loads(self._file.read(length))  # noqa: S301  (see `_keep`)
        return rows

    def _drop(self, parts: list[_Part]) -> None:
        for part in parts:
            self._room.rows -= sum(len(rows) for _, rows in part.held if isinstance(rows, list))
            part.held.clear()
