"""Insights, and their action lists row by row."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from tap_meta_partner.insights.action_rows import action_columns, actions_key
from tap_meta_partner.insights.columns import columns_of, key_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.insights.schema import actions_schema, schema_of
from tap_meta_partner.planning.bookmarks import (
    REPLICATION_KEY,
    Bookmark,
    read_partition,
    write_partition,
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

    from tap_meta_partner.settings.model import ReportDefinition
    from tap_meta_partner.singer.delivery import Delivery


#: Columns of their own, with sentences of their own.
_ENGAGEMENTS = ("post_engagement", "page_engagement")
#: Settings of the SDK by which rows are changed on their way.
_MAPPING = (
    "stream_maps",
    "stream_map_config",
    "faker_config",
    "flattening_enabled",
    "flattening_max_depth",
    "flattening_max_key_length",
)


class _ReportStream(ByAccountStream[Bookmark]):
    """What the rows of a report and its action rows have in common: bookmarks by date."""

    definition: ReportDefinition

    @property
    @override
    def asked_as(self) -> str:
        return self.definition.name

    @override
    def plan_with(self, others: Sequence[ByAccountStream[Any]]) -> InsightsPlan:
        streams = (self, *others)
        rows = next((each for each in streams if isinstance(each, InsightsStream)), None)
        actions = next((each for each in streams if isinstance(each, ActionRowsStream)), None)
        # Rows that nobody selects are not delivered: once they are, that is a change of the report.
        definition = replace(self.definition, action_rows=actions is not None)
        shown = rows.selected_columns if rows else frozenset()
        read = shown | action_columns(definition) if actions else shown
        columns = tuple(column for column in columns_of(definition) if column.name in read)
        return InsightsPlan(
            definition=definition,
            columns=columns,
            hidden=frozenset(column.name for column in columns) - shown,
            rows_to=rows.name if rows else None,
            actions_to=actions.name if actions else None,
            action_columns=actions.selected_columns if actions else frozenset(),
            mapped=json.dumps(
                {name: self.config[name] for name in _MAPPING if self.config.get(name)},
                sort_keys=True,
                default=str,
            ),
        )

    @override
    def keep(self, account_id: str, bookmark: Bookmark) -> None:
        if bookmark != Bookmark() or account_id in self.partitions_by_account():
            write_partition(bookmark, self.partition_of(account_id))

    read_partition = staticmethod(read_partition)


class InsightsStream(_ReportStream):
    """The insights of all ad accounts for one report definition."""

    def __init__(self, delivery: Delivery, definition: ReportDefinition) -> None:
        self.definition = definition
        super().__init__(
            delivery,
            name=definition.name,
            schema=described(schema_of(definition), ["insights"], _of_action_types(definition)),
            keys=key_of(definition),
            replication_key=REPLICATION_KEY,
        )


class ActionRowsStream(_ReportStream):
    """The action lists of a report, one row for each entry and attribution window."""

    def __init__(self, delivery: Delivery, definition: ReportDefinition) -> None:
        self.definition = definition
        super().__init__(
            delivery,
            name=f"{definition.name}_actions",
            schema=described(actions_schema(definition), ["actions", "insights"]),
            keys=actions_key(definition),
            replication_key=REPLICATION_KEY,
        )


def _of_action_types(definition: ReportDefinition) -> dict[str, str]:
    return {
        column.name: f"The action type {column.action_type}, taken out of {column.source}."
        for column in columns_of(definition)
        if column.action_type and column.name not in _ENGAGEMENTS
    }
