"""Campaigns, ad sets, ads and creatives: what insights rows are joined to. Off until selected."""

from __future__ import annotations

import sys

from tap_meta_partner.dimensions.bookmarks import (
    DIMENSION_REPLICATION_KEY,
    DimensionBookmark,
    read_dimension_partition,
    write_dimension_partition,
)
from tap_meta_partner.dimensions.columns import READ_AT
from tap_meta_partner.dimensions.request import DimensionPlan
from tap_meta_partner.dimensions.schema import dimension_schema, history_schema
from tap_meta_partner.dimensions.tables import (
    DIMENSIONS,
    HISTORY_KEY,
    history_of,
    selected_columns,
)
from tap_meta_partner.singer.by_account import ByAccountStream
from tap_meta_partner.singer.descriptions import described

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tap_meta_partner.singer.delivery import Delivery


class _ObjectStream(ByAccountStream[DimensionBookmark]):
    """What a dimension and its history have in common: what is asked, and bookmarks."""

    #: Many runs need no more than insights: whoever joins them selects these.
    selected_by_default = False
    dimension: str

    @property
    @override
    def asked_as(self) -> str:
        return self.dimension

    @override
    def plan_with(self, others: Sequence[ByAccountStream[Any]]) -> DimensionPlan:
        streams = (self, *others)
        rows = next((each for each in streams if isinstance(each, DimensionStream)), None)
        history = next((each for each in streams if isinstance(each, HistoryStream)), None)
        shown = rows.selected_columns if rows else frozenset()
        kept = history.selected_columns if history else frozenset()
        return DimensionPlan(
            dimension=DIMENSIONS[self.dimension],
            columns=selected_columns(self.dimension, shown | kept | ({READ_AT} if kept else set())),
            rows=shown if history else None,
            history=kept,
        )

    @override
    def keep(self, account_id: str, bookmark: DimensionBookmark) -> None:
        write_dimension_partition(
            bookmark, self.partition_of(account_id), DIMENSIONS[self.dimension].time
        )

    read_partition = staticmethod(read_dimension_partition)


class DimensionStream(_ObjectStream):
    """One kind of object that ad accounts hold."""

    def __init__(self, delivery: Delivery, name: str) -> None:
        self.dimension = name
        schema = dimension_schema(name)
        time = DIMENSIONS[name].time
        super().__init__(
            delivery,
            name=name,
            schema=described(schema, [name, "dimensions"]),
            keys=DIMENSIONS[name].key,
            # Meta gives creatives no times.
            replication_key=time if time in schema["properties"] else None,
        )


class HistoryStream(_ObjectStream):
    """What the objects of a dimension were: a row for each change."""

    def __init__(self, delivery: Delivery, dimension: str) -> None:
        self.dimension = dimension
        super().__init__(
            delivery,
            name=history_of(dimension),
            schema=described(history_schema(dimension), [dimension, "dimensions"]),
            keys=HISTORY_KEY,
            replication_key=DIMENSION_REPLICATION_KEY,
        )
