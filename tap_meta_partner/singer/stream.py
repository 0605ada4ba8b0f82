"""What all streams have in common, and all that this tap changes of the SDK's ways."""

from __future__ import annotations

import sys
from functools import cached_property

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import Metadata, Schema
from singer_sdk.streams import Stream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override
from typing import TYPE_CHECKING

from tap_meta_partner.singer.routine_lines import hush_routine_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from singer_sdk.helpers import types
    from singer_sdk.singerlib import Catalog, CatalogEntry

    from tap_meta_partner.singer.delivery import Delivery


class PartnerStream(Stream):
    """What all streams of this tap have in common, and all the tap changes of the SDK's ways."""

    #: Values are already what the schema says (`rows.py`).
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    #: The tap itself decides when STATE is written.
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(
        self,
        delivery: Delivery,
        *,
        name: str,
        schema: dict[str, Any],
        keys: Sequence[str],
        replication_key: str | None = None,
    ) -> None:
        super().__init__(delivery.tap, name=name, schema=schema)
        hush_routine_lines(self.logger)
        self.delivery = delivery
        self._fixed = (tuple(keys), replication_key)
        self._pin()

    def _pin(self) -> None:
        """Hold keys and method: a catalog cannot change what Meta's rows are keyed by."""
        keys, replication_key = self._fixed
        self.primary_keys = keys
        self.replication_key = replication_key
        self.forced_replication_method = None

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        entry = catalog.get_stream(self.name)
        if entry is not None:
            self._correct(entry)
        super().apply_catalog(catalog)
        self._pin()

    def _correct(self, entry: CatalogEntry) -> None:
        """Put back what a catalog may not change: the SDK writes SCHEMA from its entry."""
        keys, replication_key = self._fixed
        own = self.schema["properties"]
        entry.stream = self.name
        entry.key_properties = keys
        entry.replication_key = replication_key
        entry.schema.type = entry.schema.type or "object"
        entry.schema.properties = {
            **(entry.schema.properties or {}),
            **{name: Schema.from_dict(own[name]) for name in keys},
        }
        if entry.metadata:
            for name in keys:
                entry.metadata["properties", name].inclusion = Metadata.InclusionType.AUTOMATIC

    @cached_property
    def selected_columns(self) -> frozenset[str]:
        """The columns wanted: declared by the catalog and selected; keys always."""
        declared = self.effective_schema["properties"]
        selected = [name for name in declared if self.mask["properties", name]]
        return frozenset((*self._fixed[0], *selected))

    def projected(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record's selected columns."""
        return {name: record[name] for name in record if name in self.selected_columns}

    @property
    @override
    def partitions(self) -> None:
        """Accounts are the tap's own business: the SDK sees one stream."""
        return None

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Batches would pass the bookmarks by."""

    @override
    def _increment_stream_state(
        self, latest_record: types.Record, *, context: types.Context | None = None
    ) -> None:
        """Rows never move a bookmark: with a lookback they would drag it back."""

    @override
    def _write_starting_replication_value(self, context: types.Context | None) -> None:
        """Do nothing: where to start is worked out per account."""

    @override
    def log_sync_costs(self) -> None:
        """Say the run's summary: the SDK calls this last of all, stream by stream."""
        self.delivery.stream_over(self)

    def write_records(self, records: Sequence[dict[str, Any]]) -> None:
        """Write a page of records, which hold the selected columns only and the right types.

        This goes round the SDK's own way for one record, which would check both again.
        """
        for stream_map in self.stream_maps:
            mapped = map(stream_map.transform, records)
            self.delivery.write_records(
                stream_map.stream_alias, (record for record in mapped if record is not None)
            )

    def write_schema(self) -> None:
        """Write the SCHEMA message."""
        self._write_schema_message()

    @property
    def is_dry_run(self) -> bool:
        """Whether the SDK tries each stream on its own (`--test`)."""
        return self.ABORT_AT_RECORD_COUNT is not None
