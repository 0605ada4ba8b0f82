"""Which dimensions of an ad account can be read, and how many calls they take."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.bookmarks import LONGEST_WINDOW
from tap_meta_partner.dimensions.listing import ABOVE_ADS, LIGHT_PAGE_SIZES, PAGE_SIZES
from tap_meta_partner.dimensions.tables import DIMENSIONS, WITH_HISTORY, history_of
from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.graph.steps import ask
from tap_meta_partner.settings.words import DEFAULT_HISTORY_DAYS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_meta_partner.graph.steps import Jitter, Steps

#: Every stream of this kind.
OBJECT_STREAMS = (*DIMENSIONS, *map(history_of, WITH_HISTORY))

_LEVELS = {"campaigns": "campaign", "adsets": "adset", "ads": "ad", "adcreatives": "ad"}


def object_calls(
    streams: Collection[str],
    objects: Mapping[str, int],
    *,
    days: int | None,
    nightly: bool,
) -> int:
    """Count the calls of one ad account's dimensions in a run.

    Args:
        streams: those selected, dimensions and histories; a history is read with its dimension.
        objects: how many it has, by level; as far as known.
        days: from the start to its today; None for the default history.
        nightly: it has been read the night before.

    Returns:
        Calls, without those for objects that Meta no longer lists.
    """
    dimensions = dimensions_of(streams)
    calls = 0
    for name in dimensions:
        if DIMENSIONS[name].is_log:
            # The day that has begun is read, too.
            length = dt.timedelta(days=1 + (DEFAULT_HISTORY_DAYS if days is None else days))
            calls += 1 if nightly else max(1, math.ceil(length / LONGEST_WINDOW))
        elif name == "ads" and nightly:
            # What changed fits on a page.
            calls += 1
        else:
            calls += _pages(objects.get(_LEVELS.get(name, ""), 1), PAGE_SIZES[0])
    if "ads" in dimensions:
        # The statuses of what is above them are read all the same.
        above = [name for name in ABOVE_ADS if name not in dimensions]
        calls += sum(_pages(objects.get(_LEVELS[name], 1), LIGHT_PAGE_SIZES[0]) for name in above)
    return calls


def try_dimensions(
    account_id: str, streams: Collection[str], jitter: Jitter
) -> Steps[dict[str, MetaError]]:
    """Ask an ad account for one object of each dimension.

    Args:
        account_id: the account.
        streams: dimensions and histories.
        jitter: see `steps.ask`.

    Returns:
        What Meta said, by dimension, where it refused.
    """
    refused: dict[str, MetaError] = {}
    for name in dimensions_of(streams):
        dimension = DIMENSIONS[name]
        call = Call(
            path=f"act_{account_id}/{dimension.edge or name}",
            params={"fields": ",".join(dimension.needed), "limit": 1},
            account_id=account_id,
        )
        try:
            yield from ask(call, jitter)
        except MetaError as error:
            # Of the token itself the examination has spoken; one dimension's word condemns none.
            refused[name] = error
    return refused


def dimensions_of(streams: Collection[str]) -> list[str]:
    """Return the dimensions that streams are read from, in their order, each once."""
    return [name for name in DIMENSIONS if name in streams or history_of(name) in streams]


def _pages(rows: int, size: int) -> int:
    return max(1, math.ceil(rows / size))
