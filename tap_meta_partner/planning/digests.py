"""Digests of delivered days: what a target has of a day, in eight characters.

Most days of a lookback are as they were the night before. A day whose rows have the digest that
was kept of them is not written again. Digests stand beside the bookmark, of consecutive days from
the first one on, eight characters each and `--------` where there is none::

    "digests": {"of": "k3TzQ0aB", "at": "2026-11-24", "from": "2026-11-22",
                "days": "Zr1x0cE8--------pV2LmQ9d"}

They say what the *target* has only together with what made the rows (`of`: columns, currency, time
zone, report, the form of this version's rows) and with the bookmark they were kept at (`at`): where
either is another, no day is believed to be known.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import bucket_of
from tap_meta_partner.graph.values import date_of, maybe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.settings.model import ReportDefinition

#: Changes when the same answer of Meta's becomes another row: then all days are written again.
ROW_FORM = 1

#: Of so many days digests are kept at most, whatever the lookback is.
MOST_DAYS = 400

_BYTES = 6
_CHARACTERS = 8
_NONE = "-" * _CHARACTERS
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What was delivered of days.

    Attributes:
        of: what made the rows; see `maker_of`.
        days: eight characters for each day, or first day of a bucket, that has rows.
    """

    of: str = ""
    days: Mapping[dt.date, str] = field(default_factory=dict)

    def known(self, of: str) -> Mapping[dt.date, str]:
        """Return the digests, if rows are still made in the same way."""
        return self.days if self.of == of else {}

    def closed(
        self, window: DateWindow, found: Mapping[dt.date, str], of: str, *, since: dt.date | None
    ) -> Digests:
        """Return the digests after a window was delivered.

        Args:
            window: its days; what was known of them is replaced.
            found: the digests of those with rows.
            of: what made the rows.
            since: the first day that is still worth keeping; none is where None.
        """
        if since is None:
            return Digests()
        kept = {
            day: text
            for day, text in self.known(of).items()
            if not window.since <= day <= window.until
        }
        newest = sorted(day for day in {**kept, **found} if day >= since)[-MOST_DAYS:]
        return Digests(of=of, days={day: found.get(day) or kept[day] for day in newest})


def worth_keeping(definition: ReportDefinition, today: dt.date) -> dt.date | None:
    """Return the first day that a run of tomorrow reads again; None where it reads all in full."""
    if definition.reads_in_full:
        return None
    first = today - _DAY * (min(definition.lookback_days, MOST_DAYS) + 1)
    return bucket_of(first, definition.time_increment).since


def maker_of(*what: object) -> str:
    """Return eight characters that change with anything of what makes a row of an answer."""
    text = json.dumps([ROW_FORM, *what], sort_keys=True, default=str)
    return _text(hashlib.blake2b(text.encode(), digest_size=_BYTES).digest())


def digest_of(row: bytes) -> int:
    """Return a row's share of its day's digest: shares are added up, in whatever order."""
    return int.from_bytes(hashlib.blake2b(row, digest_size=_BYTES).digest(), "big")


def day_digest(total: int) -> str:
    """Return the eight characters for the sum of the shares of a day's rows."""
    return _text((total % (1 << 8 * _BYTES)).to_bytes(_BYTES, "big"))


def read_digests(partition: Mapping[str, Any]) -> Digests:
    """Read the digests out of a state partition; none where the bookmark is another one."""
    value = partition.get("digests")
    if not isinstance(value, dict) or value.get("at") != partition.get("replication_key_value"):
        return Digests()
    first, of, text = maybe(date_of, value.get("from")), value.get("of"), value.get("days")
    if first is None or not isinstance(of, str) or not isinstance(text, str):
        return Digests()
    pieces = [text[at : at + _CHARACTERS] for at in range(0, len(text), _CHARACTERS)][:MOST_DAYS]
    began = dt.date.fromisoformat(first)
    days = {began + number * _DAY: piece for number, piece in enumerate(pieces) if piece != _NONE}
    return Digests(of=of, days=days)


def digests_as_json(digests: Digests, day: dt.date | None) -> dict[str, str] | None:
    """Return the digests as they are kept beside a bookmark, None where there are none."""
    if day is None or not digests.days:
        return None
    last = max(digests.days)
    first = max(min(digests.days), last - (MOST_DAYS - 1) * _DAY)
    span = (first + number * _DAY for number in range((last - first).days + 1))
    text = "".join(digests.days.get(each, _NONE) for each in span)
    return {"of": digests.of, "at": day.isoformat(), "from": first.isoformat(), "days": text}


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode()
