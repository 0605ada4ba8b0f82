"""Objects that rows name and Meta no longer lists, looked up by their ids."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.bookmarks import LONGEST_WINDOW, is_recent
from tap_meta_partner.dimensions.objects import MOST_IN_A_ROW, Objects
from tap_meta_partner.dimensions.tables import DELETED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Sequence

    from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
    from tap_meta_partner.dimensions.request import DimensionReading, DimensionRequest
    from tap_meta_partner.graph.steps import Steps

logger = logging.getLogger(__name__)

#: Objects read by their own ids, at most, per account, stream and run: each is a call.
MOST_LOOKED_UP = 200


#: Ids kept for the next runs: they stand in the state, with some 20 bytes each.
MOST_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDimension:
    """What was read.

    Attributes:
        began: when the reading began, which is the `read_at` of its rows.
        rows: how many objects were delivered.
        left_out: the ids of those that Meta could not give.
        missing: which these are and why, for a person; empty where there are none.
        in_full: every object that Meta lists was asked for, not only what changed.
        listed: the ids of all objects that Meta listed.
        named_in_full: the rows that name such objects were all read in this run, not only those
            that changed (for creatives: the ads).
        bookmark: what to keep for the next run.
        rest: from where there is more to read; None where that was all.
        longest: how much of what happened Meta gave at a time.
    """

    began: dt.datetime
    rows: int
    left_out: tuple[str, ...]
    missing: str = ""
    in_full: bool
    listed: frozenset[str]
    named_in_full: bool = True
    bookmark: DimensionBookmark
    rest: dt.datetime | None = None
    longest: dt.timedelta = LONGEST_WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What was read by ids of its own.

    Attributes:
        rows: how many objects were delivered.
        unreadable: how many Meta did not give.
        not_asked: how many were left for another time.
        bookmark: what to keep for the next run.
    """

    rows: int = 0
    unreadable: int = 0
    not_asked: int = 0
    bookmark: DimensionBookmark


def look_up(
    request: DimensionRequest,
    named: Collection[str],
    read: ReadDimension,
    reading: DimensionReading,
    *,
    most: int = MOST_LOOKED_UP,
) -> Steps[LookedUp]:
    """Read objects that insights rows name and Meta's list does not have, by their own ids.

    These were deleted, and change no more: once in seven days is enough, and only where what names
    them and the list were both read in full it is known which are missing. What one run does not
    get to is left for the next ones.

    Args:
        request: what was read.
        named: the ids in this run's rows, of the column `named_by`.
        read: what the list had.
        reading: how, and what to do with the records.
        most: how many to ask for, the newest first.

    Raises:
        MetaError: what concerns more than an object; as `steps.ask`.
    """
    now = reading.utc_now()
    statuses = request.statuses if request.dimension.statuses else ()
    unwanted = statuses and DELETED not in statuses
    is_due = read.in_full and read.named_in_full and not is_recent(read.bookmark.looked_up_at, now)
    if unwanted or not (is_due or read.bookmark.to_look_up):
        return LookedUp(bookmark=read.bookmark)
    known = read.listed.union(read.left_out)
    ids = [object_id for object_id in read.bookmark.to_look_up if object_id not in known]
    bookmark = read.bookmark
    if is_due:
        ids += _in_order(set(named) - known - set(ids), bookmark.looked_up_to)
        bookmark = replace(bookmark, looked_up_at=now, looked_up_to=None)
    # Of the same instant as the list: or all that was listed would look older, and so deleted.
    objects = Objects(request, reading, read.began)
    rows = asked = 0
    for object_id in ids[:most]:
        if objects.failures_in_a_row == MOST_IN_A_ROW:
            break
        asked += 1
        found = yield from objects.by_id(object_id)
        # Where not all statuses are wanted it may be alive, and not listed for that.
        if found and (not statuses or found.get("effective_status") in statuses):
            rows += 1
            yield from objects.hand_on([found])
    left = ids[asked:]
    looked_up = LookedUp(
        rows=rows,
        unreadable=len(objects.unreadable),
        not_asked=len(left),
        bookmark=_leaving(bookmark, left),
    )
    if ids:
        logger.info(
            "%s: %d that Meta does not list were read by their own ids; %d could not be read, "
            "%d were left for another time",
            request,
            looked_up.rows,
            looked_up.unreadable,
            looked_up.not_asked,
        )
    return looked_up


def _in_order(missing: Collection[str], looked_up_to: str | None) -> list[str]:
    """Put ids into the order of asking: newest first, starting where the last look-up stopped."""
    ids = sorted(missing, key=_age, reverse=True)
    if looked_up_to is None:
        return ids
    older = [object_id for object_id in ids if _age(object_id) < _age(looked_up_to)]
    return older + ids[: len(ids) - len(older)]


def _age(object_id: str) -> tuple[int, str]:
    """Return what ids, which are numbers that grow, are sorted by."""
    return len(object_id), object_id


def _leaving(bookmark: DimensionBookmark, left: Sequence[str]) -> DimensionBookmark:
    """Return the bookmark that leaves ids for the next runs."""
    kept = tuple(left[:MOST_KEPT])
    ends_at = kept[-1] if len(left) > MOST_KEPT else bookmark.looked_up_to
    return replace(bookmark, to_look_up=kept, looked_up_to=ends_at)
