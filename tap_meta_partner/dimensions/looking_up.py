"""Objects that rows name and Meta no longer lists, looked up by their ids."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.bookmarks import is_recent
from tap_meta_partner.dimensions.objects import MOST_IN_A_ROW, Objects
from tap_meta_partner.dimensions.tables import DELETED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection

    from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
    from tap_meta_partner.dimensions.request import DimensionReading, DimensionRequest
    from tap_meta_partner.graph.steps import Steps

logger = logging.getLogger(__name__)

#: Objects read by their own ids, at most, per account, stream and run: each is a call.
MOST_LOOKED_UP = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDimension:
    """What was read.

    Attributes:
        began: when the reading began, which is the `read_at` of its rows.
        rows: how many objects were delivered.
        left_out: the ids of those that Meta could not give.
        in_full: every object that Meta lists was asked for, not only what changed.
        listed: the ids of all objects that Meta listed.
        bookmark: what to keep for the next run.
    """

    began: dt.datetime
    rows: int
    left_out: tuple[str, ...]
    in_full: bool
    listed: frozenset[str]
    bookmark: DimensionBookmark


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

    These were deleted, and change no more: once in seven days is enough, and only a reading in full
    tells which are missing.

    Args:
        request: what was read.
        named: the ids in this run's rows, of the column `named_by`.
        read: what the list had.
        reading: how, and what to do with the records.
        most: how many to ask for, the newest first.

    Raises:
        MetaError: what concerns the ad account or the token; as `steps.ask`.
    """
    now = reading.utc_now()
    statuses = request.statuses if request.dimension.statuses else ()
    unwanted = statuses and DELETED not in statuses
    if unwanted or not read.in_full or is_recent(read.bookmark.looked_up_at, now):
        return LookedUp(bookmark=read.bookmark)
    missing = sorted(
        set(named) - read.listed - set(read.left_out),
        # Ids are numbers that grow.
        key=lambda object_id: (len(object_id), object_id),
        reverse=True,
    )
    # Of the same instant as the list: or all that was listed would look older, and so deleted.
    objects = Objects(request, reading, read.began)
    rows = asked = 0
    for object_id in missing[:most]:
        if objects.failures_in_a_row == MOST_IN_A_ROW:
            break
        asked += 1
        found = yield from objects.by_id(object_id)
        # Where not all statuses are wanted it may be alive, and not listed for that.
        if found and (not statuses or found.get("effective_status") in statuses):
            rows += 1
            event = objects.hand_on([found])
            if event is not None:
                yield event
    looked_up = LookedUp(
        rows=rows,
        unreadable=len(objects.unreadable),
        not_asked=len(missing) - asked,
        bookmark=replace(read.bookmark, looked_up_at=now),
    )
    if missing:
        logger.info(
            "%s: %d that Meta does not list were read by their own ids; %d could not be read, "
            "%d were not asked for",
            request,
            looked_up.rows,
            looked_up.unreadable,
            looked_up.not_asked,
        )
    return looked_up
