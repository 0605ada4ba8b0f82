"""The Singer shell: records, bookmarks and messages, in the SDK's terms.

The SDK reads one stream after another. This tap reads all insights streams of an ad account
together, so the first selected insights stream *leads*: its `get_records` drives the whole run and
writes for the others, whose own `get_records` return nothing. What of the SDK this rests on is in
`PartnerStream` and held by a test.
"""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import Metadata, RecordMessage, Schema
from singer_sdk.streams import Stream

from tap_meta_partner.account_sync import Rows, StreamPlan, StreamResult
from tap_meta_partner.accounts import to_record
from tap_meta_partner.bookmarks import (
    REPLICATION_KEY,
    Bookmark,
    added_fields,
    read_partition,
    write_partition,
)
from tap_meta_partner.fields import columns_of, key_of, schema_of
from tap_meta_partner.settings import SettingsError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk import metrics
    from singer_sdk.helpers import types
    from singer_sdk.singerlib import Catalog, CatalogEntry

    from tap_meta_partner.settings import ReportDefinition
    from tap_meta_partner.tap import TapMetaPartner

#: STATE is written at most this often, and less often the larger it is: what is written in all must
#: not grow with the square of the number of accounts.
_STATE_SECONDS = 30.0
_STATE_SECONDS_PER_PARTITION = 0.01


class PartnerStream(Stream):
    """What all streams of this tap have in common, and all the tap changes of the SDK's ways."""

    #: Values are already what the schema says (`rows.py`).
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    #: The tap itself decides when STATE is written.
    STATE_MSG_FREQUENCY = sys.maxsize
    _tap: TapMetaPartner

    def __init__(
        self,
        tap: TapMetaPartner,
        *,
        name: str,
        schema: dict[str, Any],
        keys: Sequence[str],
        replication_key: str | None = None,
    ) -> None:
        super().__init__(tap, name=name, schema=schema)
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
        """Where an account starts is worked out per account."""

    @override
    def log_sync_costs(self) -> None:
        """Called last of all by the SDK, stream by stream: the place for the run's summary."""
        self._tap.stream_over(self)

    def write_records(self, records: Iterable[dict[str, Any]]) -> None:
        """Write a page of records, which hold the selected columns only and the right types.

        This goes round the SDK's own way for one record, which would check both again.
        """
        now = self._tap.clock.utc_now()
        self._tap.write_page(
            RecordMessage(stream=stream_map.stream_alias, record=mapped, time_extracted=now)
            for record in records
            for stream_map in self.stream_maps
            if (mapped := stream_map.transform(record)) is not None
        )

    def write_schema(self) -> None:
        """Write the SCHEMA message."""
        self._write_schema_message()

    @property
    def tap(self) -> TapMetaPartner:
        """The tap this stream belongs to."""
        return self._tap

    @property
    def is_dry_run(self) -> bool:
        """Whether the SDK tries each stream on its own (`--test`)."""
        return self.ABORT_AT_RECORD_COUNT is not None


class AdAccountsStream(PartnerStream):
    """The ad accounts themselves."""

    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("id", th.StringType, description="act_ and the digits."),
        th.Property("account_id", th.StringType, required=True),
        th.Property("name", th.StringType),
        th.Property("account_status", th.IntegerType, description="Meta's code."),
        th.Property("account_status_name", th.StringType, description="ACTIVE, DISABLED …"),
        th.Property("disable_reason", th.IntegerType, description="0 is none."),
        th.Property("currency", th.StringType, description="ISO 4217."),
        th.Property("timezone_name", th.StringType, description="Whose days the rows are."),
        th.Property("timezone_offset_hours_utc", th.NumberType, description="The offset now."),
        th.Property("created_time", th.DateTimeType),
        *(
            th.Property(name, kind, description=text)
            for amount in ("amount_spent", "balance", "spend_cap")
            for name, kind, text in (
                (amount, th.StringType, "In the currency's smallest unit, as Meta gives it."),
                (f"{amount}_major", th.NumberType, "In whole currency units."),
            )
        ),
        th.Property("business_id", th.StringType),
        th.Property("business_name", th.StringType),
        th.Property("business_country_code", th.StringType),
        th.Property("owner", th.StringType),
        th.Property("user_tasks", th.ArrayType(th.StringType)),
        th.Property(
            "access",
            th.StringType,
            description="assigned, or unassigned: shared with the business, not with its user.",
        ),
    ).to_dict()

    def __init__(self, tap: TapMetaPartner) -> None:
        super().__init__(tap, name="ad_accounts", schema=self.schema, keys=("account_id",))

    @override
    def get_records(self, context: types.Context | None) -> Iterable[dict[str, Any]]:
        with self._tap.saying_what_went_wrong():
            found = self._tap.run.discovery()
        for account in found.accounts:
            yield self.projected(to_record(account))


class AccountSyncStatusStream(PartnerStream):
    """How each account fared in each stream in each run: written by the leading stream."""

    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("account_id", th.StringType, required=True),
        th.Property("stream", th.StringType, required=True),
        th.Property("run_started_at", th.DateTimeType, required=True),
        th.Property("account_name", th.StringType),
        th.Property(
            "result",
            th.StringType,
            description="delivered, skipped, lost, failed or unfinished.",
        ),
        th.Property("reason", th.StringType, description="What happened and what to do."),
        th.Property("code", th.IntegerType, description="Meta's error code."),
        th.Property("covered_from", th.DateType, description="First day delivered in this run."),
        th.Property("covered_to", th.DateType, description="Last day delivered in this run."),
        th.Property("rows", th.IntegerType),
        th.Property("calls", th.IntegerType, description="Requests it took."),
    ).to_dict()

    def __init__(self, tap: TapMetaPartner) -> None:
        super().__init__(
            tap,
            name="account_sync_status",
            schema=self.schema,
            keys=("account_id", "stream", "run_started_at"),
        )

    @override
    def get_records(self, context: types.Context | None) -> Iterable[dict[str, Any]]:
        return self._tried_alone() if self.is_dry_run else ()

    def _tried_alone(self) -> Iterator[dict[str, Any]]:
        """Read the account level to have something to tell; no bookmark moves."""
        streams = [item for item in self._tap.streams.values() if isinstance(item, InsightsStream)]
        plans = [stream.plan for stream in streams[:1]]
        with self._tap.saying_what_went_wrong():
            for event in self._tap.run.insights(plans, {plan.name: {} for plan in plans}):
                if isinstance(event, StreamResult):
                    yield self.projected(self._record(event))

    def write(self, result: StreamResult) -> None:
        """Write one result."""
        self.write_records([self.projected(self._record(result))])

    def _record(self, result: StreamResult) -> dict[str, Any]:
        return {
            "account_id": result.account_id,
            "stream": result.stream,
            "run_started_at": self._tap.run.started_at.isoformat(),
            "account_name": result.account_name or None,
            "result": result.result,
            "reason": result.reason or None,
            "code": result.code,
            "covered_from": result.covered and str(result.covered.since),
            "covered_to": result.covered and str(result.covered.until),
            "rows": result.rows,
            "calls": result.calls,
        }


class InsightsStream(PartnerStream):
    """The insights of all ad accounts for one report definition."""

    def __init__(self, tap: TapMetaPartner, definition: ReportDefinition) -> None:
        self.definition = definition
        self.counter: metrics.Counter | None = None
        super().__init__(
            tap,
            name=definition.name,
            schema=schema_of(definition),
            keys=key_of(definition),
            replication_key=REPLICATION_KEY,
        )

    @override
    def get_records(self, context: types.Context | None) -> Iterable[dict[str, Any]]:
        if self.is_dry_run:
            return _Leader(self, [self], None).records()
        streams = self._tap.selected_insights
        if streams[0] is not self:
            # The leader has written this stream's rows already.
            return ()
        return _Leader(self, streams, self._tap.selected_status).records()

    @property
    def plan(self) -> StreamPlan:
        """What is to be asked: the columns of the catalog that are selected, and the keys."""
        return StreamPlan(
            definition=self.definition,
            columns=tuple(
                column
                for column in columns_of(self.definition)
                if column.name in self.selected_columns
            ),
        )

    @override
    def get_record_counter(self, **kwargs: Any) -> metrics.Counter:
        """Count the records that the leading stream wrote, for itself or for this one."""
        self.counter = super().get_record_counter(**kwargs)
        if self._tap.has_run:
            self.counter.increment(self._tap.run.rows[self.name])
        return self.counter

    def bookmarks(self) -> dict[str, Bookmark]:
        """Read the bookmarks of all accounts out of the state.

        Raises:
            SettingsError: the state cannot be understood.
        """
        if not self._partitions() and self.stream_state.get("replication_key_value"):
            self.logger.warning(
                "%s: the state's bookmark is one for all ad accounts, as other taps write it; it "
                "is not used, every account starts at start_date",
                self.name,
            )
        return {
            account_id: _read_bookmark(self.name, account_id, partition)
            for account_id, partition in self._partitions().items()
        }

    @property
    def partition_count(self) -> int:
        """How many accounts have a bookmark."""
        return len(self._partitions())

    def keep(self, account_id: str, bookmark: Bookmark) -> None:
        """Write an account's bookmark into the state (STATE is sent later)."""
        if bookmark == Bookmark():
            return
        known = self._partitions()
        if account_id not in known:
            known[account_id] = {"context": {"account_id": account_id}}
            self.stream_state.setdefault("partitions", []).append(known[account_id])
        write_partition(bookmark, known[account_id])

    def _partitions(self) -> dict[str, dict[str, Any]]:
        """Index the state's partitions by account: the SDK's own look-up searches a list."""
        if self._by_account is None:
            self._by_account = {}
            for partition in self.stream_state.get("partitions") or []:
                self._by_account[str(partition["context"]["account_id"])] = partition
        return self._by_account

    _by_account: dict[str, dict[str, Any]] | None = None


class _Leader:
    """Drives the run on behalf of the first selected insights stream."""

    def __init__(
        self,
        leader: InsightsStream,
        streams: Sequence[InsightsStream],
        status: AccountSyncStatusStream | None,
    ) -> None:
        self._leader = leader
        self._streams = {stream.name: stream for stream in streams}
        self._status = status
        self._tap = leader.tap
        self._monotonic = self._tap.clock.monotonic
        self._state_written = self._monotonic()

    def records(self) -> Iterator[dict[str, Any]]:
        """Write the records of all streams, page by page, and move bookmarks behind them.

        Nothing is yielded, as the SDK's way for a single record costs more than all the rest; only
        where the SDK counts records to stop early (`--test`) they go its way.
        """
        run = self._tap.run
        for stream in self._streams.values():
            if stream is not self._leader:
                stream.write_schema()
        if self._status:
            self._status.write_schema()
        with self._tap.saying_what_went_wrong():
            bookmarks = {name: stream.bookmarks() for name, stream in self._streams.items()}
            self._say_what_is_new(bookmarks)
            plans = [stream.plan for stream in self._streams.values()]
            for event in run.insights(plans, bookmarks):
                if isinstance(event, Rows):
                    yield from self._write(event)
                elif isinstance(event, StreamResult):
                    if self._status:
                        self._status.write(event)
                else:
                    account_id, closed = event
                    self._streams[closed.stream].keep(account_id, closed.bookmark)
                    self._write_state_now_and_then()

    def _write(self, rows: Rows) -> Iterator[dict[str, Any]]:
        if self._leader.is_dry_run:
            yield from rows.records
        elif rows.records:
            self._streams[rows.stream].write_records(rows.records)
            if rows.stream == self._leader.name and self._leader.counter:
                self._leader.counter.increment(len(rows.records))

    def _write_state_now_and_then(self) -> None:
        partitions = sum(stream.partition_count for stream in self._streams.values())
        pause = max(_STATE_SECONDS, partitions * _STATE_SECONDS_PER_PARTITION)
        if self._monotonic() - self._state_written >= pause:
            self._tap.write_state()
            self._state_written = self._monotonic()

    def _say_what_is_new(self, bookmarks: Mapping[str, Mapping[str, Bookmark]]) -> None:
        backfill = self._tap.settings.backfill_on_change
        for name, stream in self._streams.items():
            new = {
                field
                for bookmark in bookmarks[name].values()
                for field in added_fields(bookmark.report, stream.definition)
            }
            if new:
                stream.logger.warning(
                    "%s: %s asked for since the last run; %s",
                    name,
                    ", ".join(sorted(new)),
                    "everything is read again to fill the new columns"
                    if backfill
                    else "days delivered before keep them empty (see backfill_on_change)",
                )


def _read_bookmark(stream: str, account_id: str, partition: Mapping[str, Any]) -> Bookmark:
    try:
        return read_partition(partition)
    except ValueError as error:
        raise SettingsError(
            f"the state of {stream}, account {account_id}, cannot be read ({error}): correct it, "
            "or remove this partition to read the account anew"
        ) from None
