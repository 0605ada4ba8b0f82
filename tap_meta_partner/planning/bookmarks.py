"""Bookmarks: what has been delivered of one ad account in one stream, and what is open.

A bookmark says: every day from `since` up to `day` has been delivered. It never passes the
account's own yesterday (today's rows are delivered, but provisional) and moves only when a window
is closed.

In the state it is a partition in the SDK's own shape, with a few keys more, which the SDK and
Meltano carry along::

    {"context": {"account_id": "1"}, "replication_key": "date_start",
     "replication_key_value": "2026-11-23", "since": "2026-10-26", "report": "ad|1||default",
     "pace": {"days": 15, "mode": "async", "easy": 1}}

What those days lack stands beside it, and what the target has of them: see
`planning/withheld.py`, `planning/holes.py` and `planning/digests.py`.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.graph.values import instant_of, maybe
from tap_meta_partner.planning.account_days import (
    AccountDays,
    account_days_as_json,
    read_account_days,
)
from tap_meta_partner.planning.digests import Digests, digests_as_json, read_digests
from tap_meta_partner.planning.holes import Hole, holes_as_json, read_holes
from tap_meta_partner.planning.pace import WIDEST_DAYS, Pace
from tap_meta_partner.planning.withheld import Withheld, read_withheld, withheld_as_json

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from typing import Any

logger = logging.getLogger(__name__)


REPLICATION_KEY = "date_start"


_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """What has been delivered of one ad account in one stream.

    Attributes:
        day: the last day delivered, or None before the first.
        since: the first day delivered, or None where older state does not tell.
        read_on: on which day of the account's `day` was reached, where that was not the day after:
            a run that was broken off on its way through older days.
        report: the fingerprint of the report whose rows those are.
        pace: what worked.
        trouble: when the run began that was the last to fail with this account, until one does not.
        withheld: the fields that days were delivered without, and lookbacks not read for them.
        holes: what of those days cannot be had.
        digests: what the target has of the last of those days.
        account_days: what the account as a whole was like on them, where that is compared.
    """

    day: dt.date | None = None
    since: dt.date | None = None
    read_on: dt.date | None = None
    report: str | None = None
    pace: Pace = field(default_factory=Pace)
    trouble: dt.datetime | None = None
    withheld: Withheld = field(default_factory=Withheld)
    holes: tuple[Hole, ...] = ()
    digests: Digests = field(default_factory=Digests)
    account_days: AccountDays = field(default_factory=AccountDays)

    @property
    def last_day(self) -> dt.date | None:
        """The last day of which something was delivered."""
        return self.day


def read_partition(partition: Mapping[str, Any]) -> Bookmark:
    """Read a bookmark out of a state partition.

    Args:
        partition: as found in the state; unknown keys are left alone.

    Raises:
        ValueError: a value in it cannot be understood (the text says which).
    """
    return Bookmark(
        day=_day(partition, "replication_key_value"),
        since=_day(partition, "since"),
        read_on=_date_or_none(partition.get("read_on")),
        report=partition.get("report") if isinstance(partition.get("report"), str) else None,
        pace=_pace(partition.get("pace")),
        trouble=maybe(instant_of, partition.get("trouble")),
        withheld=read_withheld(partition),
        holes=read_holes(partition.get("holes")),
        digests=read_digests(partition),
        account_days=read_account_days(partition),
    )


def write_partition(bookmark: Bookmark, partition: MutableMapping[str, Any]) -> None:
    """Write a bookmark into its state partition, in place; its context is left alone."""
    values = {
        "replication_key": REPLICATION_KEY if bookmark.day else None,
        "replication_key_value": bookmark.day and bookmark.day.isoformat(),
        "since": bookmark.since and bookmark.since.isoformat(),
        "read_on": bookmark.read_on and bookmark.read_on.isoformat(),
        "report": bookmark.report,
        "pace": None if bookmark.pace == Pace() else _pace_as_json(bookmark.pace),
        "trouble": bookmark.trouble and bookmark.trouble.isoformat(timespec="seconds"),
        "holes": holes_as_json(bookmark.holes),
        "digests": digests_as_json(bookmark.digests, bookmark.day),
        "account_days": account_days_as_json(bookmark.account_days, bookmark.day),
        **withheld_as_json(bookmark.withheld),
    }
    for key, value in values.items():
        if value is None:
            partition.pop(key, None)
        else:
            partition[key] = value


def _day(partition: Mapping[str, Any], key: str) -> dt.date | None:
    value = partition.get(key)
    if value is None:
        return None
    try:
        # Other versions, and other tools, write a date-time.
        return dt.datetime.strptime(str(value)[:10], "%Y-%m-%d").date()  # noqa: DTZ007  (a day)
    except ValueError:
        raise ValueError(f"{key} is {value!r:.60}, which is not a date") from None


def _pace(value: object) -> Pace:
    """Read the pace; an unusable one is ignored, as it is only a hint."""
    if not isinstance(value, dict):
        return Pace()
    days, easy = value.get("days", WIDEST_DAYS), value.get("easy", 0)
    if not (isinstance(days, int) and 1 <= days <= WIDEST_DAYS and isinstance(easy, int)):
        return Pace()
    mode, met = value.get("mode"), value.get("met")
    ids = {name: value.get(name) for name in ("heavy", "hopeless")}
    counts = {name: value.get(name) for name in ("parts", "vain")}
    return Pace(
        days=days,
        report_run=mode == "async",
        by_object=mode == "campaign" and days == 1,
        heavy=tuple(map(str, ids["heavy"])) if isinstance(ids["heavy"], list) else (),
        hopeless=tuple(map(str, ids["hopeless"])) if isinstance(ids["hopeless"], list) else (),
        parts=max(1, counts["parts"]) if isinstance(counts["parts"], int) else 1,
        easy=max(0, easy),
        met=_date_or_none(met),
        vain=max(0, counts["vain"]) if isinstance(counts["vain"], int) else 0,
        stood_still=value.get("stood_still") is True,
    )


def _date_or_none(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        return None


def _pace_as_json(pace: Pace) -> dict[str, Any]:
    mode = "campaign" if pace.by_object else "async" if pace.report_run else "sync"
    further = {
        "heavy": list(pace.heavy),
        "hopeless": list(pace.hopeless),
        "parts": pace.parts if pace.parts > 1 else None,
        "met": pace.met and pace.met.isoformat(),
        "vain": pace.vain,
        "stood_still": pace.stood_still,
    }
    said = {name: value for name, value in further.items() if value}
    return {"days": pace.days, "mode": mode, "easy": pace.easy, **said}
