"""What objects were: a row for each change of a campaign, an ad set or an ad.

Meta gives an object the time of its last change (`updated_time`), and lists what it is now. So its
history begins with the first reading, and holds what each reading found that had changed since.
What moves without a time of its own is in nobody's history: an ad whose campaign was paused has its
campaign's change.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.bookmarks import OVERLAP
from tap_meta_partner.dimensions.columns import READ_AT
from tap_meta_partner.graph.values import instant_of, maybe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from tap_meta_partner.dimensions.bookmarks import DimensionBookmark

_WHEN = "updated_time"


def changes(
    records: Iterable[Mapping[str, Any]], bookmark: DimensionBookmark
) -> list[dict[str, Any]]:
    """Return those of the records that may be new to the history.

    Those of the last day before the newest known one come again, under the same key: Meta may list
    a change a little late. One without a time has that of the hour in which it was seen.

    Args:
        records: of a page, with `updated_time` and `read_at`.
        bookmark: what has been read before.
    """
    since = None
    if bookmark.has_history and bookmark.updated_time is not None:
        since = bookmark.updated_time - OVERLAP
    found = []
    for record in records:
        moment = maybe(instant_of, record.get(_WHEN))
        if moment is None:
            found.append({**record, _WHEN: _hour_of(record[READ_AT])})
        elif since is None or moment >= since:
            found.append(dict(record))
    return found


def _hour_of(instant: str) -> str:
    return dt.datetime.fromisoformat(instant).replace(minute=0, second=0, microsecond=0).isoformat()
