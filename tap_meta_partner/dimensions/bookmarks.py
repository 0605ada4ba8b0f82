"""What has been read of one ad account's campaigns, ad sets, ads or creatives, and what is due.

Campaigns, ad sets and creatives are read in full in every run: there are few of the former, and
Meta gives creatives no times. Of ads there can be tens of thousands, so they are read by what
changed, but only as far as that holds:

- `updated_time` moves with a change of the ad itself, not with one above it: a paused campaign
  makes each of its ads CAMPAIGN_PAUSED and leaves their times alone. So a fingerprint of the
  statuses of all campaigns and ad sets is kept, and ads are read in full whenever it differs. It
  takes no clock, and notices those that vanished, which no list of changes would. The columns and
  statuses wanted are part of it: a new column is filled for all ads, not only for changed ones.
- Whatever else moves without a time (an ad that passes Meta's review, perhaps) is noticed within
  seven days, when a reading in full is due again. `read_at` of each row says what it speaks of.

In the state it is a partition in the SDK's own shape, with a few keys more::

    {"context": {"account_id": "1"}, "replication_key": "updated_time",
     "replication_key_value": "2026-11-23T09:30:00+00:00", "full_at": "2026-11-20T03:00:00+00:00",
     "basis": "0f3a6b6cdd3c7d95", "looked_up_at": "2026-11-20T03:00:00+00:00",
     "read_at": "2026-11-24T03:00:00+00:00", "to_look_up": ["23849…", "23848…"]}
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.values import instant_of, maybe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping
    from typing import Any, TypeAlias

DIMENSION_REPLICATION_KEY = "updated_time"


#: A reading in full is due again after this: in the seventh night, also where that one comes to
#: the account some minutes or hours earlier than the first one did.
FULL_AFTER = dt.timedelta(days=6, hours=12)


#: Objects changed up to this long before the newest one known are read again: Meta may list a
#: change a little late.
OVERLAP = dt.timedelta(days=1)


#: What happened in an account is read so much at a time: a run that ends keeps what it has read.
LONGEST_WINDOW = dt.timedelta(days=31)

#: What is too much for one answer within this is too much in any.
SHORTEST_WINDOW = dt.timedelta(hours=1)

#: Nothing is asked for that is older: what says so is a state that was not written here.
_OLDEST = dt.timedelta(days=37 * 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionBookmark:
    """What has been read of one ad account in one dimension.

    Attributes:
        updated_time: of the newest object delivered, as Meta gives it; None where it has none. Of
            what is listed by when it happened, the end of what has been read.
        full_at: when the last reading in full began.
        basis: the fingerprint of what a list of changes rests on, as it was right before.
        looked_up_at: when objects that Meta does not list were last read by their own ids.
        read_at: when the last reading began, in full or not: who waits longest goes first.
        to_look_up: ids that are still to be read by themselves, in this order: each is a call, so
            no run asks for more than some of them.
        looked_up_to: where that list had to end, the id below which the next one begins.
        trouble: when the run began that was the last to fail with this account, until one does not.
        has_history: the history has what every object was at some time.
    """

    updated_time: dt.datetime | None = None
    full_at: dt.datetime | None = None
    basis: str | None = None
    looked_up_at: dt.datetime | None = None
    read_at: dt.datetime | None = None
    to_look_up: tuple[str, ...] = ()
    looked_up_to: str | None = None
    trouble: dt.datetime | None = None
    has_history: bool = False

    @property
    def last_day(self) -> dt.date | None:
        """The last day of which something was delivered, in UTC."""
        return self.read_at and self.read_at.date()


@dataclass(frozen=True, slots=True)
class Full:
    """Read every object."""


@dataclass(frozen=True, slots=True)
class Since:
    """Read the objects whose `updated_time` is this or later."""

    moment: dt.datetime

    @property
    def unix(self) -> int:
        """As Meta wants it."""
        return int(self.moment.timestamp())


@dataclass(frozen=True, slots=True)
class Between:
    """Read what happened from one moment to another, both included."""

    start: dt.datetime
    end: dt.datetime

    @property
    def since(self) -> int:
        """As Meta wants it."""
        return int(self.start.timestamp())

    @property
    def until(self) -> int:
        """As Meta wants it."""
        return int(self.end.timestamp())


Extent: TypeAlias = "Full | Since | Between"


def extent_due(bookmark: DimensionBookmark, now: dt.datetime, basis: str | None) -> Extent:
    """Decide what to read of a dimension whose edge can list what changed.

    Args:
        bookmark: what has been read.
        now: UTC.
        basis: the fingerprint of what a list of changes rests on now, None where it is not known.
    """
    if bookmark.updated_time is None or basis is None or basis != bookmark.basis:
        return Full()
    if not is_recent(bookmark.full_at, now):
        return Full()
    # A time beyond now can only be wrong.
    return Since(min(bookmark.updated_time, now) - OVERLAP)


def begin_due(bookmark: DimensionBookmark, now: dt.datetime, start: dt.datetime) -> dt.datetime:
    """Decide from when on to read what an account lists by when it happened.

    Args:
        bookmark: what has been read; its time is the end of what was.
        now: UTC.
        start: where to begin with an account of which nothing has been read.
    """
    if bookmark.updated_time is None:
        return min(start, now)
    # A time beyond now can only be wrong.
    return max(min(bookmark.updated_time, now), now - _OLDEST) - OVERLAP


def after_reading(
    bookmark: DimensionBookmark,
    extent: Extent,
    *,
    began: dt.datetime,
    newest: dt.datetime | None,
    basis: str | None,
) -> DimensionBookmark:
    """Return the bookmark after a reading whose every object has been delivered.

    Args:
        bookmark: as it was.
        extent: what was read.
        began: when the reading began.
        newest: the latest `updated_time` among its objects; None where it had none.
        basis: the fingerprint from before the reading.
    """
    bookmark = replace(bookmark, read_at=began)
    if isinstance(extent, Between):
        # What is read a second time takes back nothing.
        known = bookmark.updated_time and min(bookmark.updated_time, began)
        return replace(bookmark, updated_time=max(extent.end, known or extent.end))
    if isinstance(extent, Full):
        return replace(bookmark, updated_time=newest, full_at=began, basis=basis)
    moments = [moment for moment in (bookmark.updated_time, newest) if moment]
    return replace(bookmark, updated_time=max(moments, default=None))


def is_recent(moment: dt.datetime | None, now: dt.datetime) -> bool:
    """Tell whether this was within `FULL_AFTER`; one in the future is wrong."""
    return moment is not None and dt.timedelta(0) <= now - moment < FULL_AFTER


def fingerprint_of(statuses: Mapping[str, str], *wanted: Iterable[str]) -> str:
    """Return 16 hex digits that change with anything that a list of changes relies on.

    Args:
        statuses: of the objects above, by id.
        wanted: columns, effective statuses: whatever makes a row another one.
    """
    lines = sorted(f"{object_id}:{status}" for object_id, status in statuses.items())
    lines += [",".join(sorted(names)) for names in wanted]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def read_dimension_partition(partition: Mapping[str, Any]) -> DimensionBookmark:
    """Read a bookmark out of a state partition.

    Args:
        partition: as found in the state; unknown keys are left alone.

    Raises:
        ValueError: a value in it cannot be understood (the text says which).
    """
    basis = partition.get("basis")
    return DimensionBookmark(
        updated_time=_moment(partition, "replication_key_value"),
        full_at=_moment(partition, "full_at"),
        basis=basis if isinstance(basis, str) else None,
        looked_up_at=_moment(partition, "looked_up_at"),
        # Said only where it is another: there are thousands of partitions in a state.
        read_at=_moment(partition, "read_at") or _moment(partition, "full_at"),
        to_look_up=_ids(partition.get("to_look_up")),
        looked_up_to=next(iter(_ids([partition.get("looked_up_to")])), None),
        trouble=maybe(instant_of, partition.get("trouble")),
        has_history=partition.get("has_history") is True,
    )


def write_dimension_partition(
    bookmark: DimensionBookmark,
    partition: MutableMapping[str, Any],
    replication_key: str = DIMENSION_REPLICATION_KEY,
) -> None:
    """Write a bookmark into its state partition, in place; its context is left alone."""
    read_at = bookmark.read_at if bookmark.read_at != bookmark.full_at else None
    values = {
        "replication_key": replication_key if bookmark.updated_time else None,
        "replication_key_value": bookmark.updated_time and bookmark.updated_time.isoformat(),
        "full_at": bookmark.full_at and bookmark.full_at.isoformat(),
        "basis": bookmark.basis,
        "looked_up_at": bookmark.looked_up_at and bookmark.looked_up_at.isoformat(),
        "read_at": read_at and read_at.isoformat(),
        "to_look_up": [*bookmark.to_look_up] or None,
        "looked_up_to": bookmark.looked_up_to,
        "trouble": bookmark.trouble and bookmark.trouble.isoformat(timespec="seconds"),
        "has_history": bookmark.has_history or None,
    }
    for key, value in values.items():
        if value is None:
            partition.pop(key, None)
        else:
            partition[key] = value


def _ids(value: object) -> tuple[str, ...]:
    """Return the ids in a list; anything that is not an id is dropped."""
    entries = value if isinstance(value, list) else []
    return tuple(entry for entry in entries if isinstance(entry, str) and entry.isdecimal())


def _moment(partition: Mapping[str, Any], key: str) -> dt.datetime | None:
    value = partition.get(key)
    if value is None:
        return None
    try:
        # Z is read only from Python 3.11 on; other tools write it.
        moment = dt.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"{key} is {value!r:.60}, which is not a time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
