"""Campaigns, ad sets, ads and creatives: what insights rows are joined to. Off until selected."""

from __future__ import annotations

import sys

from tap_meta_partner.dimensions.bookmarks import (
    DIMENSION_REPLICATION_KEY,
    DimensionBookmark,
    read_dimension_partition,
    write_dimension_partition,
)
from tap_meta_partner.dimensions.request import DimensionPlan
from tap_meta_partner.dimensions.schema import dimension_schema
from tap_meta_partner.dimensions.tables import DIMENSIONS, selected_columns
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


class DimensionStream(ByAccountStream[DimensionBookmark]):
    """One kind of object that ad accounts hold."""

    #: Many runs need no more than insights: whoever joins them selects these.
    selected_by_default = False

    def __init__(self, delivery: Delivery, name: str) -> None:
        schema = dimension_schema(name)
        dated = DIMENSION_REPLICATION_KEY in schema["properties"]
        super().__init__(
            delivery,
            name=name,
            schema=described(schema, [name, "dimensions"]),
            keys=DIMENSIONS[name].key,
            # Meta gives creatives no times.
            replication_key=DIMENSION_REPLICATION_KEY if dated else None,
        )

    @property
    @override
    def asked_as(self) -> str:
        return self.name

    @override
    def plan_with(self, others: Sequence[ByAccountStream[Any]]) -> DimensionPlan:
        return DimensionPlan(
            dimension=DIMENSIONS[self.name],
            columns=selected_columns(self.name, self.selected_columns),
        )

    @override
    def keep(self, account_id: str, bookmark: DimensionBookmark) -> None:
        write_dimension_partition(bookmark, self.partition_of(account_id))

    read_partition = staticmethod(read_dimension_partition)
