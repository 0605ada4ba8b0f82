"""Streams read account by account: the first one leads, and writes for all the others."""

from __future__ import annotations

import sys
from abc import abstractmethod
from typing import Generic, TypeVar

from tap_meta_partner.dimensions.request import DimensionPlan
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.fingerprints import OTHER_FILTERING, added_fields
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.singer.accounts import AccountSyncStatusStream
from tap_meta_partner.singer.stream import PartnerStream
from tap_meta_partner.sync.events import BookmarkMoved, Discrepancy, Rows, RunEnding, StreamResult

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from singer_sdk import metrics
    from singer_sdk.helpers import types
    from singer_sdk.streams import Stream

    from tap_meta_partner.sync.shared import Plan

#: STATE goes out 1, 2, 4, 8, 16 … seconds after the start, so that a run which is killed early
#: keeps what it has done, and then this often.
_STATE_SECONDS = 30.0


#: The larger it is the less often, so that what is written in all stays small beside the rows; but
#: what a kill can cost is never more than a minute.
_STATE_SECONDS_PER_PARTITION = 0.01


_MOST_STATE_SECONDS = 60.0


#: The bound of that bound: some 200 bytes a partition, a megabyte of STATE a second. Only a state
#: of more than 300,000 partitions (60 MB) goes out less than once a minute.
_LEAST_SECONDS_PER_PARTITION = 0.0002


def seconds_between_states(partitions: int, since_start: float) -> float:
    """Say how long after the last STATE the next one may go out, in seconds.

    Args:
        partitions: of all streams; STATE holds them all.
        since_start: from the start of the run to the last STATE.
    """
    steady = max(_STATE_SECONDS, partitions * _STATE_SECONDS_PER_PARTITION)
    bounded = min(steady, _MOST_STATE_SECONDS)
    growing = max(1.0, since_start)
    return max(min(bounded, growing), partitions * _LEAST_SECONDS_PER_PARTITION)


class Leader:
    """Drives the run on behalf of the first selected stream."""

    def __init__(
        self,
        leader: ByAccountStream[Any],
        streams: Sequence[ByAccountStream[Any]],
        status: AccountSyncStatusStream | None,
    ) -> None:
        self._leader = leader
        self._delivery = leader.delivery
        self._streams = {stream.name: stream for stream in streams}
        self._plans = plans_for(streams)
        self._status = status
        self._monotonic = self._delivery.clock.monotonic
        self._moved = False
        self._began = self._state_written = self._monotonic()

    def records(self) -> Iterator[dict[str, Any]]:
        """Write the records of all streams, page by page, and move bookmarks behind them.

        Nothing is yielded, as the SDK's way for a single record costs more than all the rest; only
        where the SDK counts records to stop early (`--test`) they go its way.
        """
        run = self._delivery.run
        self._write_schemas()
        with self._delivery.saying_what_went_wrong():
            bookmarks = {plan.name: self._streams[plan.name].bookmarks() for plan in self._plans}
            self._say_what_is_new(bookmarks)
            # While all wait for limits nothing happens, and what was done is not to wait with them.
            for event in run.events(self._plans, bookmarks, self._write_state_now_and_then):
                match event:
                    case Rows():
                        yield from self._write(event)
                        self._write_state_now_and_then()
                    case BookmarkMoved():
                        self._streams[event.stream].keep(event.account_id, event.bookmark)
                        self._moved = True
                        self._write_state_now_and_then()
                    case StreamResult():
                        if self._status:
                            self._status.write(event)
                    case RunEnding():
                        # Before all else: whoever reads us may not do so for long.
                        self._delivery.write_state()
                    case Discrepancy():
                        pass  # told at the end of the run

    def _write_schemas(self) -> None:
        """Write SCHEMA of the other streams; the SDK has written the leader's."""
        for stream in self._streams.values():
            if stream is not self._leader:
                stream.write_schema()
        if self._status:
            self._status.write_schema()

    def _write(self, rows: Rows) -> Iterator[dict[str, Any]]:
        if self._leader.is_dry_run:
            yield from rows.records
        elif rows.records:
            self._streams[rows.stream].write_records(rows.records)
            if rows.stream == self._leader.name and self._leader.counter:
                self._leader.counter.increment(len(rows.records))

    def _write_state_now_and_then(self) -> None:
        now = self._monotonic()
        partitions = sum(stream.partition_count for stream in self._streams.values())
        pause = seconds_between_states(partitions, self._state_written - self._began)
        if self._moved and now - self._state_written >= pause:
            self._delivery.write_state()
            self._state_written, self._moved = now, False

    def _say_what_is_new(self, bookmarks: Mapping[str, Mapping[str, Any]]) -> None:
        backfill = self._delivery.settings.backfill_on_change
        for plan in self._plans:
            if not isinstance(plan, InsightsPlan):
                continue
            new = {
                field
                for bookmark in bookmarks[plan.name].values()
                for field in added_fields(bookmark.report, plan.definition)
            }
            if OTHER_FILTERING in new:
                new.remove(OTHER_FILTERING)
                self._delivery.tap.logger.warning(
                    "%s: its filtering is another one than in the last run; %s",
                    plan.name,
                    "everything is read again with it"
                    if backfill
                    else "days delivered before keep the rows of that one (see backfill_on_change)",
                )
            if new:
                self._delivery.tap.logger.warning(
                    "%s: %s asked for since the last run; %s",
                    plan.name,
                    ", ".join(sorted(new)),
                    "everything is read again to fill the new columns"
                    if backfill
                    else "days delivered before keep them empty (see backfill_on_change)",
                )


BookmarkT = TypeVar("BookmarkT")


class ByAccountStream(PartnerStream, Generic[BookmarkT]):
    """A stream whose rows come with those of the others, ad account by ad account."""

    counter: metrics.Counter | None = None
    _by_account: dict[str, dict[str, Any]] | None = None

    @override
    def get_records(self, context: types.Context | None) -> Iterable[dict[str, Any]]:
        if self.is_dry_run:
            return Leader(self, [self], None).records()
        streams = selected_by_account(self._tap.streams.values())
        if streams[0] is not self:
            # The leader has written this stream's rows already.
            return ()
        return Leader(self, streams, selected_status(self._tap.streams.values())).records()

    @override
    def get_record_counter(self, **kwargs: Any) -> metrics.Counter:
        """Count the records that the leading stream wrote, for itself or for this one."""
        self.counter = super().get_record_counter(**kwargs)
        if self.delivery.has_run:
            self.counter.increment(self.delivery.run.results.rows[self.name])
        return self.counter

    # What to ask for.

    @property
    @abstractmethod
    def asked_as(self) -> str:
        """What Meta is asked for this stream's rows: streams that name the same share one plan."""

    @abstractmethod
    def plan_with(self, others: Sequence[ByAccountStream[Any]]) -> Plan:
        """Say what to ask for this stream and the others that share its plan."""

    # Bookmarks.

    @staticmethod
    @abstractmethod
    def read_partition(partition: Mapping[str, Any]) -> BookmarkT:
        """Read a bookmark out of a partition of the state.

        Raises:
            ValueError: a value in it cannot be understood (the text says which).
        """

    @abstractmethod
    def keep(self, account_id: str, bookmark: BookmarkT) -> None:
        """Write an account's bookmark into the state (STATE is sent later)."""

    def bookmarks(self) -> dict[str, BookmarkT]:
        """Read the bookmarks of all accounts out of the state.

        Raises:
            SettingsError: the state cannot be understood.
        """
        partitions = self.partitions_by_account()
        if not partitions and self.stream_state.get("replication_key_value"):
            self.logger.warning(
                "%s: the state's bookmark is one for all ad accounts, as other taps write it; it "
                "is not used, every account starts anew",
                self.name,
            )
        return {
            account_id: self._read_bookmark(account_id, partition)
            for account_id, partition in partitions.items()
        }

    def _read_bookmark(self, account_id: str, partition: Mapping[str, Any]) -> BookmarkT:
        try:
            return self.read_partition(partition)
        except ValueError as error:
            raise SettingsError(
                f"the state of {self.name}, account {account_id}, cannot be read ({error}): "
                "correct it, or remove this partition to read the account anew"
            ) from None

    @property
    def partition_count(self) -> int:
        """How many accounts have a bookmark."""
        return len(self.partitions_by_account())

    def partition_of(self, account_id: str) -> dict[str, Any]:
        """Return an account's partition of the state, made where there is none yet."""
        known = self.partitions_by_account()
        if account_id not in known:
            known[account_id] = {"context": {"account_id": account_id}}
            self.stream_state.setdefault("partitions", []).append(known[account_id])
        return known[account_id]

    def partitions_by_account(self) -> dict[str, dict[str, Any]]:
        """Index the state's partitions by account: the SDK's own look-up searches a list."""
        if self._by_account is None:
            self._by_account = {}
            for partition in self.stream_state.get("partitions") or []:
                self._by_account[str(partition["context"]["account_id"])] = partition
        return self._by_account


def selected_by_account(streams: Iterable[Stream]) -> list[ByAccountStream[Any]]:
    """Return the selected streams that are read account by account, in the order given."""
    return [stream for stream in streams if isinstance(stream, ByAccountStream) and stream.selected]


def selected_status(streams: Iterable[Stream]) -> AccountSyncStatusStream | None:
    """Return the stream of results, if it is selected."""
    for stream in streams:
        if isinstance(stream, AccountSyncStatusStream) and stream.selected:
            return stream
    return None


def plans_for(streams: Iterable[Stream]) -> list[Plan]:
    """Say what to ask for those of these streams that are read account by account."""
    asked: dict[str, list[ByAccountStream[Any]]] = {}
    for stream in streams:
        if isinstance(stream, ByAccountStream):
            asked.setdefault(stream.asked_as, []).append(stream)
    plans = [first.plan_with(others) for first, *others in asked.values()]
    # Dimensions come last: after the insights it is known which objects their rows name.
    return sorted(plans, key=lambda plan: isinstance(plan, DimensionPlan))
