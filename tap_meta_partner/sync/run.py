"""One run over all ad accounts: find them, read them in lanes, and say at the end how it went.

Knows nothing of Singer: rows and bookmarks come out as events, for whoever writes them.
"""

from __future__ import annotations

import contextlib
import gc
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import account_zone, without_zone
from tap_meta_partner.accounts.discovery import discover
from tap_meta_partner.accounts.tokens import warn_of_ends
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.graph.steps import leave
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.lanes.driver import drive
from tap_meta_partner.lanes.governor import Governor
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.reports.request import Reporting
from tap_meta_partner.sync.events import RunEnding
from tap_meta_partner.sync.evidence import Evidence
from tap_meta_partner.sync.shared import TIME_IS_OVER, Shared
from tap_meta_partner.sync.summary import Results
from tap_meta_partner.sync.turns import lanes_for, never_asked, not_readable, troubled
from tap_meta_partner.sync.wire import Wire

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.accounts.discovery import Discovery
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.lanes.lane import Standing
    from tap_meta_partner.lanes.threads import WakingTransport
    from tap_meta_partner.settings.model import Settings
    from tap_meta_partner.sync.events import Event, StreamResult
    from tap_meta_partner.sync.shared import Bookmarks, Plan

logger = logging.getLogger(__name__)


_NONE_AT_ALL = (
    "the token can read no ad account at all: assign ad accounts to the system user in Business "
    "settings > System users > Assign assets, or check whose token it is"
)


_BEFORE = "the run ended before it: {}"
_STOPPED = "the run was stopped by a signal before it"


class Interrupted(Exception):
    """The run was asked to end."""


@dataclass(slots=True)
class SyncRun:
    """One run.

    Args:
        settings: what is wanted.
        clock: time and chance.
        further: find out all about the accounts, not only what reading them needs.
        make_transport: makes what sends the calls of one drive; threads, where none is given.
    """

    settings: Settings
    clock: Clock = field(default_factory=Clock)
    further: bool = True
    make_transport: Callable[[], WakingTransport] | None = None
    stopping: bool = False
    started_at: dt.datetime = field(init=False)
    governor: Governor = field(init=False)
    results: Results = field(init=False)
    _wire: Wire = field(init=False)
    _new_transport: Callable[[], WakingTransport] = field(init=False)
    _transport: WakingTransport | None = None
    _discovered: Discovery | None = None
    _undiscovered: MetaError | None = None
    _ended: str = ""

    def __post_init__(self) -> None:
        self.started_at = self.clock.utc_now()
        self.governor = Governor(jitter=self.clock.jitter)
        self.results = Results(self.settings, self.governor, self.clock.monotonic)
        self._wire = Wire(self.settings, self.clock, self.started_at)
        self._new_transport = self.make_transport or self._wire.transport

    def stop(self) -> None:
        """Ask the run to end soon; may be called from a signal handler."""
        self.stopping = True
        if self._transport is not None:
            self._transport.wake()

    def discovery(self) -> Discovery:
        """Return the ad accounts; Meta is asked once a run.

        Raises:
            MetaError: the list could not be read.
            Interrupted: the run was asked to end.
        """
        if self._undiscovered is not None:
            raise self._undiscovered
        if self._discovered is None:
            steps = discover(self.settings, further=self.further, jitter=self.clock.jitter)
            try:
                self._discovered = self._drive_alone("list", steps)
            except MetaError as error:
                higher = self._wire.go_up(error)
                if higher is not None:
                    self.settings = higher
                    return self.discovery()
                self._undiscovered = error
                raise
            if self._discovered is None:
                raise Interrupted
            for withheld in self._discovered.withheld:
                logger.warning("%s", withheld)
        return self._discovered

    def _warn_of_ends(self) -> None:
        """Look when the tokens end, where the app's id and secret allow it."""
        if self.settings.app_token is None:
            return
        steps = warn_of_ends(self.settings, now=self.started_at, jitter=self.clock.jitter)
        self._drive_alone("tokens", steps)

    def events(
        self,
        plans: Sequence[Plan],
        bookmarks: Bookmarks,
        now_and_then: Callable[[], None] = lambda: None,
    ) -> Iterator[Event]:
        """Read all accounts in all these streams, and yield what happens.

        Args:
            plans: the streams wanted.
            bookmarks: what has been delivered before, by stream and account id.
            now_and_then: called every few seconds while nothing happens.

        Yields:
            Each event to be dealt with before the next is asked for: a bookmark moves behind its
            rows.

        Raises:
            MetaError: no account can be read.
            Interrupted: the run was asked to end; all that was yielded counts.
        """
        try:
            found = self.discovery()
        except MetaError as error:
            yield RunEnding()
            reason = _BEFORE.format(error.reason)
            yield from self._results_of(never_asked(plans, bookmarks, self.settings, reason))
            raise
        self._warn_of_ends()
        self._wire.warn_of_end()
        if not found.seen:
            logger.error("%s", _NONE_AT_ALL)
            self.results.saw_none = True
        elif not found.accounts:
            logger.warning("none of the %d ad accounts is wanted by the settings", len(found.seen))
        _warn_of_zones(found.readable)
        yield from self._results_of(not_readable(found, plans, bookmarks, self.settings))
        evidence = Evidence(
            accounts=len(found.readable), troubled=troubled(found.readable, plans, bookmarks)
        )
        lanes = lanes_for(found.readable, plans, bookmarks, self._shared(evidence), self.today_of)
        logger.info(
            "reading %s of %d ad accounts, %d requests at once",
            ", ".join(plan.name for plan in plans),
            len(lanes),
            self.settings.max_concurrency,
        )
        ended = yield from self._read(lanes, evidence, now_and_then)
        if ended:
            self._ended = _BEFORE.format(ended.reason)
        if ended or self.stopping:
            yield from self._leave(lanes)
        self.results.hint_on_empty(plans)
        if ended:
            raise ended
        if self.stopping:
            raise Interrupted

    def _results_of(self, found: Iterable[StreamResult]) -> Iterator[Event]:
        for result in found:
            self.results.of_streams.append(result)
            yield result

    def _read(
        self, lanes: Sequence[Lane], evidence: Evidence, now_and_then: Callable[[], None]
    ) -> Generator[Event, None, MetaError | None]:
        """Read the accounts; return why none can be read any more, if so."""

        def no_token() -> MetaError | None:
            # With several tokens, the accounts of the others are read on.
            return evidence.dead_tokens.get(0) if len(self.settings.tokens) == 1 else None

        try:
            for lane, event in self._drive(lanes, over=no_token, now_and_then=now_and_then):
                yield self.results.counted(lane, event)
        except MetaError as error:
            return error
        return no_token()

    def _leave(self, lanes: Sequence[Lane]) -> Iterator[Event]:
        """Say of each account what the run did not get to, without a call and without a wait."""
        yield RunEnding()
        for lane in lanes:
            for event in leave(lane.steps):
                yield self.results.counted(lane, event)

    def _drive_alone(self, name: str, steps: Steps[Any]) -> Any:  # noqa: ANN401
        """Drive what comes before the accounts, whatever the run's time; return its result.

        None is returned where the run was asked to end.
        """
        lane = Lane(name=name, account_id=None, steps=steps, for_all=True)
        for _ in self._drive([lane], bounded=False):
            pass
        return lane.result

    def _drive(
        self,
        lanes: Sequence[Lane],
        *,
        bounded: bool = True,
        over: Callable[[], object] = lambda: False,
        now_and_then: Callable[[], None] = lambda: None,
    ) -> Iterator[tuple[Lane, Any]]:
        """Drive lanes, within the run's time if `bounded`, until it is `over`."""

        def stands(standing: Standing) -> None:
            self.results.say_standing(standing, len(lanes))
            now_and_then()

        self._transport = self._new_transport()
        try:
            with _collecting_less():
                yield from drive(
                    lanes,
                    self.settings,
                    self.clock,
                    self.governor,
                    transport=self._transport,
                    stopping=lambda: self.stopping or bool(over()),
                    overtime=lambda: bounded and not self._may_begin(),
                    standing=stands,
                )
        finally:
            self.results.calls += sum(lane.calls for lane in lanes)

    def _shared(self, evidence: Evidence) -> Shared:
        return Shared(
            settings=self.settings,
            reporting=Reporting(
                mode=self.settings.report_mode,
                jitter=self.clock.jitter,
                monotonic=self.clock.monotonic,
            ),
            utc_now=self.clock.utc_now,
            may_begin=self._may_begin,
            why_over=self._why_over,
            evidence=evidence,
        )

    def today_of(self, account: AdAccount) -> dt.date:
        """Return an account's own today, fixed by when the run began."""
        zone = account_zone(account.timezone_name, account.timezone_offset_hours)
        return self.started_at.astimezone(zone).date()

    def _why_over(self) -> str:
        return self._ended or (_STOPPED if self.stopping else TIME_IS_OVER)

    def _may_begin(self) -> bool:
        if self.stopping or self._ended:
            return False
        minutes = self.settings.max_run_minutes
        return minutes is None or self.results.seconds < minutes * 60


@contextlib.contextmanager
def _collecting_less() -> Iterator[None]:
    """Look for reference cycles less often.

    Pages of rows are tens of thousands of objects that hold none: looking through them again and
    again would cost a third of the time of a large sync.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(200_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _warn_of_zones(accounts: Sequence[AdAccount]) -> None:
    guessed = without_zone(accounts)
    if guessed:
        logger.warning("%s", guessed)
