"""The stream that leads: it drives the whole run and writes for all the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_meta_partner.bookmarks import added_fields
from tap_meta_partner.events import Rows, StreamResult
from tap_meta_partner.stream_plan import StreamPlan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_meta_partner.streams.accounts import AccountSyncStatusStream
    from tap_meta_partner.streams.synced import SyncedStream

#: STATE is written at most this often, and less often the larger it is: what is written in all must
#: not grow with the square of the number of accounts.
_STATE_SECONDS = 30.0
_STATE_SECONDS_PER_PARTITION = 0.01


class Leader:
    """Drives the run on behalf of the first selected stream."""

    def __init__(
        self,
        leader: SyncedStream[Any],
        streams: Sequence[SyncedStream[Any]],
        status: AccountSyncStatusStream | None,
    ) -> None:
        self._leader = leader
        self._tap = leader.tap
        self._streams = {stream.name: stream for stream in streams}
        self._plans = self._tap.plans_for(streams)
        self._status = status
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
            bookmarks = {plan.name: self._streams[plan.name].bookmarks() for plan in self._plans}
            self._say_what_is_new(bookmarks)
            for event in run.insights(self._plans, bookmarks):
                if isinstance(event, Rows):
                    yield from self._write(event)
                elif isinstance(event, StreamResult):
                    if self._status:
                        self._status.write(event)
                else:
                    account_id, delivered = event
                    self._streams[delivered.stream].keep(account_id, delivered.bookmark)
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

    def _say_what_is_new(self, bookmarks: Mapping[str, Mapping[str, Any]]) -> None:
        backfill = self._tap.settings.backfill_on_change
        for plan in self._plans:
            if not isinstance(plan, StreamPlan):
                continue
            new = {
                field
                for bookmark in bookmarks[plan.name].values()
                for field in added_fields(bookmark.report, plan.definition)
            }
            if new:
                self._tap.logger.warning(
                    "%s: %s asked for since the last run; %s",
                    plan.name,
                    ", ".join(sorted(new)),
                    "everything is read again to fill the new columns"
                    if backfill
                    else "days delivered before keep them empty (see backfill_on_change)",
                )
