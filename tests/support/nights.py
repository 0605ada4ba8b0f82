"""Nights of the tap in one process: the same accounts, the same tables, a state that is kept.

A `Nights` is what a warehouse sees over weeks: each `night()` is a run of the tap with the state
that the last one left, its rows upserted into `tables` by their keys. The Graph API is the sandbox,
reached without sockets and in simulated time (`simulated.py`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_meta_partner.graph.client import GraphClient
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.singer.by_account import plans_for, selected_by_account
from tap_meta_partner.sync.events import BookmarkMoved, Rows, StreamResult
from tap_meta_partner.sync.run import SyncRun
from tap_meta_partner.tap import TapMetaPartner
from tests.support.simulated import URL, Calls, NoSockets, Time, as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tap_meta_partner.sandbox.graph.graph import Graph
    from tap_meta_partner.sandbox.protocol.calls import ReceivedCall

Key = tuple[Any, ...]
Table = dict[Key, dict[str, Any]]
_DAY = dt.timedelta(days=1)
#: When a row was read differs between two runs that read the same.
_NOT_COMPARED = ("read_at",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What one run left behind.

    Attributes:
        results: one for each account and stream.
        stopped: why the whole run ended before its end, or None.
        failed: whether the exit code would be 1.
        summary: what it said at its end.
        log: all lines, as printed.
        calls: those the sandbox got.
        seconds: how long it took, in simulated time.
    """

    results: tuple[StreamResult, ...]
    stopped: str | None
    failed: bool
    summary: tuple[str, ...]
    log: tuple[str, ...]
    calls: tuple[ReceivedCall, ...]
    seconds: float

    def outcomes(self, account_id: str) -> dict[str, str]:
        """Return what became of an account, by stream."""
        return {
            result.stream: str(result.result)
            for result in self.results
            if result.account_id == account_id
        }


@dataclass(slots=True)
class Nights:
    """A tap that runs every night, and what it has delivered.

    Args:
        time: the time it lives in.
        graph: what it asks.
        streams: those selected.
        config: settings besides token and address.
    """

    time: Time
    graph: Graph
    streams: tuple[str, ...] = ("account_insights", "campaign_insights", "ad_insights")
    config: Mapping[str, Any] = field(default_factory=dict)
    token: str = "SANDBOX-TOKEN"
    tables: dict[str, Table] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    statuses: list[StreamResult] = field(default_factory=list)
    jitter: Callable[[], float] = lambda: 0.5
    written: Counter[str] = field(default_factory=Counter)

    def night(self, *, killed_after: int | None = None, unconfirmed: int = 0) -> Night:
        """Run the tap once, from the state it has; keep what it delivers.

        Args:
            killed_after: how many events are dealt with before the process is gone, with the state
                as it stands by then.
            unconfirmed: how many pages of rows the target stores after the last state that it
                confirms: that state is the one that the next run begins with.
        """
        began, before = self.time.seconds, len(self.graph.calls)
        tap = TapMetaPartner(
            config={"access_token": self.token, "api_url": URL, **self.config},
            catalog=self._catalog(),
            state=as_json(self.state),
            clock=self.time.clock(self.jitter),
            setup_mapper=False,
        )
        streams = {stream.name: stream for stream in selected_by_account(tap.streams.values())}
        plans = plans_for(streams.values())
        adapter = NoSockets(self.graph.answer)
        with GraphClient(tap.settings, monotonic=self.time.monotonic, adapter=adapter) as client:
            run = SyncRun(
                tap.settings,
                self.time.clock(self.jitter),
                further=False,
                make_transport=lambda: Calls(client.send, adapter, self.time),
            )
            results: list[StreamResult] = []
            stopped = None
            states = deque([self.state], maxlen=unconfirmed + 1)
            with _listening() as log:
                try:
                    bookmarks = {plan.name: streams[plan.name].bookmarks() for plan in plans}
                    for number, event in enumerate(run.events(plans, bookmarks)):
                        if number == killed_after:
                            break
                        match event:
                            case Rows():
                                keys = streams[event.stream].primary_keys
                                self._upsert(event.stream, keys, event.records)
                                self.written[event.stream] += len(event.records)
                                states.append(as_json(tap.state) if unconfirmed else {})
                            case BookmarkMoved():
                                streams[event.stream].keep(event.account_id, event.bookmark)
                            case StreamResult():
                                results.append(event)
                except MetaError as error:
                    stopped = error.reason
        self.state = states[0] if unconfirmed else as_json(tap.state)
        self.statuses += results
        return Night(
            results=tuple(results),
            stopped=stopped,
            failed=stopped is not None or run.results.failed(),
            summary=() if stopped else tuple(run.results.summary()),
            log=tuple(log),
            calls=tuple(self.graph.calls[before:]),
            seconds=self.time.seconds - began,
        )

    def next_night(self, *, at: dt.time = dt.time(3, 0)) -> None:
        """Let time pass until the same hour of the following day."""
        tomorrow = self.time.utc_now().date() + _DAY
        self.time.set(dt.datetime.combine(tomorrow, at, tzinfo=dt.timezone.utc))

    def rows_of(self, account_id: str) -> dict[str, Table]:
        """Return all that was delivered of an account, but for when it was read."""
        return {
            stream: {
                key: {name: value for name, value in row.items() if name not in _NOT_COMPARED}
                for key, row in table.items()
                if row["account_id"] == account_id
            }
            for stream, table in self.tables.items()
        }

    def bookmarks_of(self, account_id: str) -> dict[str, str | None]:
        """Return the last day promised of an account, by stream."""
        found = {}
        for stream, state in self.state.get("bookmarks", {}).items():
            for partition in state.get("partitions", ()):
                if partition["context"]["account_id"] == account_id:
                    found[stream] = partition.get("replication_key_value")
        return found

    def holes_of(self, account_id: str) -> list[Any]:
        """Return what is told as missing of an account, in any stream."""
        return [
            hole
            for state in self.state.get("bookmarks", {}).values()
            for partition in state.get("partitions", ())
            if partition["context"]["account_id"] == account_id
            for hole in partition.get("holes", ())
        ]

    def _upsert(self, stream: str, keys: Iterable[str], records: list[dict[str, Any]]) -> None:
        table = self.tables.setdefault(stream, {})
        for record in records:
            table[tuple(record[key] for key in keys)] = record

    def _catalog(self) -> dict[str, Any]:
        tap = TapMetaPartner(
            config={"access_token": self.token, "api_url": URL, **self.config},
            clock=self.time.clock(),
            setup_mapper=False,
        )
        catalog: dict[str, Any] = tap.catalog_dict
        for entry in catalog["streams"]:
            wanted = entry["tap_stream_id"] in self.streams
            for metadata in entry["metadata"]:
                if not metadata["breadcrumb"]:
                    metadata["metadata"]["selected"] = wanted
        return catalog


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect what the tap logs, as printed."""
    lines: list[str] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: lines.append(f"{record.levelname} {record.getMessage()}")  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in ("tap_meta_partner", "tap-meta-partner")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
