"""Rows of days that a target may have already: held until their window shows whether they changed.

A day is written as a whole or not at all, so that its rows keep one `read_at`. Rows are held as the
JSON that their digests are made of. That lies in memory while it is little over all accounts, then
in temporary files, and where there would be too many of these, rows are handed on as changed:
nothing grows without bound.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

from tap_meta_partner.planning.digests import day_digest, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO, Any

    Records = list[dict[str, Any]]

#: Held in memory over all windows that are open: some 30,000 rows of an ad.
MOST_BYTES = 32 << 20

#: At least so many rows are handed on at once.
_RELEASED_AT_ONCE = 50

#: Temporary files over all windows that are open.
MOST_FILES = 100

#: When a row was read says nothing of what it holds.
_NOT_COMPARED = "read_at"


@dataclass(slots=True)
class Room:
    """What the open windows of a run hold together.

    Attributes:
        bytes: in memory.
        files: how many temporary files are open.
    """

    bytes: int = 0
    files: int = 0


@dataclass(slots=True)
class _Part:
    """One part of a window: what its rows add up to, by day, and where those held are."""

    shares: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    rows: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    held: list[tuple[str, bytes | tuple[int, int]]] = field(default_factory=list)


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
        self._length = 0
        #: Days of which some rows could not be held: all of them are written.
        self._overflown: set[str] = set()
        #: What rows are held without: their columns, and when the window was read.
        self._columns: tuple[str, ...] = ()
        self._compared: tuple[str, ...] = ()
        self._read_at: Any = None
        self._encode = msgspec.json.Encoder(decimal_format="number").encode
        self._decode = msgspec.json.Decoder(float_hook=Decimal).decode

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
        """Take records, all with the same columns; return those that are not held."""
        if self._since is None or not records:
            return records
        self._columns, self._read_at = tuple(records[0]), records[0].get(_NOT_COMPARED)
        self._compared = tuple(name for name in self._columns if name != _NOT_COMPARED)
        compared = itemgetter(*self._compared)
        part, free = self._parts[-1], []
        held: dict[str, list[bytes]] = defaultdict(list)
        for record in records:
            day = record["date_start"]
            if day < self._since:
                free.append(record)
                continue
            row = self._encode(compared(record))
            part.shares[day] += digest_of(row)
            part.rows[day] += 1
            if day in self._known:
                held[day].append(row)
            else:
                free.append(record)
        for day, rows in held.items():
            if not self._keep(part, day, rows):
                self._overflown.add(day)
                free += (record for record in records if record["date_start"] == day)
        return free

    def release(self) -> Iterator[Records]:
        """Hand on, at the window's end, the held rows of days that changed.

        They come out of JSON, in which a number without a fraction is an integer.
        """
        digests = self._by_day()
        found: Records = []
        for part in self._parts:
            for day, place in part.held:
                if self._is_changed(day, digests):
                    rows = place if isinstance(place, bytes) else self._read(*place)
                    found += map(self._record, self._decode(rows))
                if len(found) >= _RELEASED_AT_ONCE:
                    yield found
                    found = []
        if found:
            yield found

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

    def _record(self, row: list[Any]) -> dict[str, Any]:
        record = dict.fromkeys(self._columns, self._read_at)
        record.update(zip(self._compared, row, strict=True))
        return record

    def _is_changed(self, day: str, digests: Mapping[str, str]) -> bool:
        return day in self._overflown or self._known.get(day) != digests[day]

    def _by_day(self) -> dict[str, str]:
        totals: dict[str, int] = defaultdict(int)
        for part in self._parts:
            for day, share in part.shares.items():
                totals[day] += share
        return {day: day_digest(total) for day, total in totals.items()}

    def _keep(self, part: _Part, day: str, encoded: list[bytes]) -> bool:
        """Hold rows; return whether there was room for them."""
        rows = b"[%b]" % b",".join(encoded)
        if self._room.bytes + len(rows) <= MOST_BYTES:
            self._room.bytes += len(rows)
            part.held.append((day, rows))
            return True
        if self._file is None:
            if self._room.files >= MOST_FILES:
                return False
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (see `close`)
            self._room.files += 1
            self._length = 0
        part.held.append((day, (self._length, len(rows))))
        self._length += self._file.write(rows)
        return True

    def _read(self, at: int, length: int) -> bytes:
        if self._file is None:
            raise RuntimeError("rows are held in a file that is closed")
        self._file.seek(at)
        rows = self._file.read(length)
        # What is written next goes to the end.
        self._file.seek(self._length)
        return rows

    def _drop(self, parts: list[_Part]) -> None:
        for part in parts:
            self._room.bytes -= sum(len(rows) for _, rows in part.held if isinstance(rows, bytes))
            part.held.clear()
