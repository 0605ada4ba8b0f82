"""One ad account's campaigns, ad sets, ads or creatives: from asking to records.

A list of Meta's is read page by page, and three things can be wrong with it that must not cost it
as a whole:

- One object that Meta cannot give (a creative whose reel was deleted is answered with 100/2446289,
  an unknown error, or "reduce the amount of data") spoils every page it is on. Such a page is asked
  for in smaller pieces, in the end as ids only and then each object by its own id; one that still
  fails is left out, and named.
- A field that Meta no longer knows, or does not give to this client, fails every call. It is left
  out for the rest of the run; where Meta does not name it, it is found by halving.
- Meta's pages contradict each other on whether deleted objects are listed, and how (`deleted.py`).

Deleted objects can always be read by their own ids, and insights rows name them: `look_up`.
Everything here yields calls and pauses (see `graph/steps.py`) and never sends or sleeps.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.bookmarks import (
    SHORTEST_WINDOW,
    Between,
    Full,
    after_reading,
    begin_due,
    extent_due,
    fingerprint_of,
)
from tap_meta_partner.dimensions.listing import ABOVE_ADS, LIGHT_PAGE_SIZES, read_list
from tap_meta_partner.dimensions.looking_up import ReadDimension
from tap_meta_partner.dimensions.objects import none_readable
from tap_meta_partner.dimensions.tables import DIMENSIONS
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    RequestRefused,
    TooMuchData,
)

if TYPE_CHECKING:
    from tap_meta_partner.dimensions.bookmarks import DimensionBookmark, Extent
    from tap_meta_partner.dimensions.request import (
        DimensionReading,
        DimensionRequest,
        StatusesAbove,
    )
    from tap_meta_partner.graph.steps import Steps

logger = logging.getLogger(__name__)


def read_dimension(
    request: DimensionRequest,
    bookmark: DimensionBookmark,
    above: StatusesAbove,
    reading: DimensionReading,
) -> Steps[ReadDimension]:
    """Read one dimension of one ad account: in full, or what changed where that is enough.

    Args:
        request: what to read.
        bookmark: what has been read before.
        above: is asked for, and told of, the statuses of campaigns and ad sets.
        reading: how, and what to do with the records.

    Raises:
        KeptFailing: not one of the objects that are listed can be read.
        MetaError: the list cannot be read, whatever the page size; as `steps.ask`.
    """
    began = reading.utc_now()
    name = request.dimension.name
    basis: str | None = None
    extent: Extent = Full()
    if request.dimension.is_log:
        return (yield from _read_log(request, bookmark, reading, began=began))
    if name == "ads":
        basis = yield from _basis(request, above, reading)
        extent = extent_due(bookmark, began, basis)
    listed = yield from read_list(request, extent, reading, began=began)
    listed.say_what_is_left_out()
    if extent == Full():
        if listed.left_out and not listed.ids:
            raise none_readable(listed.left_out.values())
        above.in_full.add(name)
    if name in ABOVE_ADS and not listed.left_out and not request.statuses:
        above.by_stream[name] = listed.statuses
    if listed.left_out:
        # What could not be given now may be tomorrow, without a change to itself.
        after = replace(bookmark, read_at=began)
    else:
        after = after_reading(bookmark, extent, began=began, newest=listed.newest, basis=basis)
    return ReadDimension(
        began=began,
        rows=len(listed.ids),
        left_out=tuple(listed.left_out),
        missing=listed.missing,
        in_full=extent == Full(),
        listed=frozenset(listed.ids),
        named_in_full=name != "adcreatives" or "ads" in above.in_full,
        bookmark=after,
    )


def _read_log(
    request: DimensionRequest,
    bookmark: DimensionBookmark,
    reading: DimensionReading,
    *,
    began: dt.datetime,
) -> Steps[ReadDimension]:
    """Read what happened in the window that is due, half of it where Meta cannot give all."""
    longest = request.longest
    begin = request.rest or begin_due(bookmark, began, request.start or began)
    while True:
        window = Between(begin, min(begin + longest, began))
        try:
            listed = yield from read_list(request, window, reading, began=began)
        except TooMuchData as error:
            longest = (window.end - window.start) / 2
            if longest < SHORTEST_WINDOW:
                raise
            logger.info("%s: half of the time at once, as %s", request, error.fault)
        else:
            break
    # Both ends of a window belong to it, in the whole seconds that Meta is asked for.
    rest = window.end + dt.timedelta(seconds=1)
    return ReadDimension(
        began=began,
        rows=len(listed.ids),
        left_out=(),
        in_full=False,
        listed=frozenset(listed.ids),
        bookmark=after_reading(bookmark, window, began=began, newest=listed.newest, basis=None),
        rest=rest if window.end < began else None,
        longest=longest,
    )


def _basis(
    request: DimensionRequest, above: StatusesAbove, reading: DimensionReading
) -> Steps[str | None]:
    """Return the fingerprint of what a list of changed ads rests on, None where unknown."""
    statuses: dict[str, str] = {}
    for name in ABOVE_ADS:
        if name not in above.by_stream:
            yield from _look_at(name, request, above, reading)
        refused = reading.unavailable.fields[name].of(request.account_id)
        if name not in above.by_stream or "effective_status" in refused:
            return None
        statuses |= above.by_stream[name]
    columns = [column.name for column in request.columns]
    return fingerprint_of(statuses, columns, request.statuses)


def _look_at(
    name: str, request: DimensionRequest, above: StatusesAbove, reading: DimensionReading
) -> Steps[None]:
    """Read the statuses of a stream that is not read in this run, or not all of it.

    All, whatever is wanted: an ad that becomes ADSET_PAUSED does so by an ad set that is PAUSED.
    """
    look = replace(request, dimension=DIMENSIONS[name], columns=(), statuses=())
    quietly = replace(reading, on_page=lambda _stream, _records: ())
    try:
        listed = yield from read_list(
            look, Full(), quietly, began=reading.utc_now(), sizes=LIGHT_PAGE_SIZES
        )
    except (AccountUnreadable, KeptFailing, RequestRefused, TooMuchData) as error:
        # Only a shortcut: without it the ads are read in full.
        logger.info("%s: statuses unknown (%s)", look, error.fault)
        return
    if not listed.left_out:
        above.by_stream[name] = listed.statuses
