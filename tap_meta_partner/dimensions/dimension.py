"""One kind of object that ad accounts hold, as the table of dimensions describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions import activities

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.dimensions.columns import DimensionColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One kind of object that ad accounts hold.

    Attributes:
        name: of the stream.
        edge: of the ad account that lists them; called as the stream where empty.
        key: the columns that identify a row: several accounts can list one pixel or audience.
        columns: all there are, the key first.
        statuses: every `effective_status` such an object can have; none where the edge takes no
            such parameter.
        always_asked: fields that are read whether or not their columns are wanted.
        named_by: the column of other rows that names such objects: of insights rows, and for
            creatives of ads.
        rejected_for: fields for which Meta may refuse an object that it gives without them.
        needed: fields without which there is no object.
        is_log: it lists what happened, by when it happened: nothing has an id of Meta's, or can be
            read by one.
    """

    name: str
    columns: tuple[DimensionColumn, ...]
    edge: str = ""
    key: tuple[str, ...] = ("id",)
    statuses: tuple[str, ...] = ()
    always_asked: tuple[str, ...] = ("id",)
    named_by: str | None = None
    rejected_for: tuple[str, ...] = ()
    needed: tuple[str, ...] = ("id",)
    is_log: bool = False

    @property
    def time(self) -> str:
        """The column by which a bookmark moves, where there is one."""
        return "event_time" if self.is_log else "updated_time"

    def identified(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an object as Meta gives it, with an `id`, empty where it has none."""
        return activities.identified(found) if self.is_log else found
