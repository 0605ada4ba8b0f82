"""One run over all ad accounts: find them, read them in lanes, and say at the end how it went.

Knows nothing of Singer: rows and bookmarks come out as events, for whoever writes them.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import ASSIGNED, account_zone
from tap_meta_partner.accounts.discovery import discover
from tap_meta_partner.accounts.tokens import including_app, warn_of_ends
from tap_meta_partner.accounts.wanted import in_shard
from tap_meta_partner.graph.client import GraphClient
from tap_meta_partner.insights.breakdowns import why_empty
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.lanes.driver import Lanes
from tap_meta_partner.lanes.governor import Governor
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.lanes.threads import ThreadTransport
from tap_meta_partner.reports.request import Reporting
from tap_meta_partner.sync.account import sync_account
from tap_meta_partner.sync.events import (
    BookmarkMoved,
    Discrepancy,
    Outcome,
    Rows,
    StreamResult,
)
from tap_meta_partner.sync.shared import Shared
from tap_meta_partner.sync.summary import (
    KINDS,
    NONE_AT_ALL,
    SHOWN,
    difference,
    duration,
    worst_by_account,
)
from tap_meta_partner.sync.turns import (
    _LOST,
    UNASSIGNED,
    UNKNOWN,
    _result,
    last_day,
    new,
    widest_first,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.accounts.discovery import Discovery
    from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.lanes.lane import Standing
    from tap_meta_partner.lanes.threads import WakingTransport
    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.settings.model import Settings
    from tap_meta_partner.sync.events import Event
    from tap_meta_partner.sync.shared import Bookmarks, Plan

logger = logging.getLogger(__name__)


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
    saw_none: bool = False
    results: list[StreamResult] = field(default_factory=list)
    discrepancies: list[Discrepancy] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    _counted_calls: Counter[str] = field(default_factory=Counter)
    started_at: dt.datetime = field(init=False)
    governor: Governor = field(init=False)
    _started: float = field(init=False)
    _new_transport: Callable[[], WakingTransport] = field(init=False)
    _transport: WakingTransport | None = None
    _discovered: Discovery | None = None

    def __post_init__(self) -> None:
        self.started_at = self.clock.utc_now()
        self._started = self.clock.monotonic()
        self.governor = Governor(jitter=self.clock.jitter)
        self._new_transport = self.make_transport or _threads(self.settings, self.clock)

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
        if self._discovered is None:
            steps = discover(self.settings, further=self.further, jitter=self.clock.jitter)
            self._discovered = self._drive_alone("list", steps)
            if self._discovered is None:
                raise Interrupted
        return self._discovered

    def _warn_of_ends(self) -> None:
        """Look when the tokens end, where the app's id and secret allow it."""
        _, app = including_app(self.settings)
        if app is None:
            return
        steps = warn_of_ends(self.settings, app=app, now=self.started_at, jitter=self.clock.jitter)
        self._drive_alone("tokens", steps)

    def events(self, plans: Sequence[Plan], bookmarks: Bookmarks) -> Iterator[Event]:
        """Read all accounts in all these streams, and yield what happens.

        Args:
            plans: the streams wanted.
            bookmarks: what has been delivered before, by stream and account id.

        Yields:
            Each event to be dealt with before the next is asked for: a bookmark moves behind its
            rows.

        Raises:
            MetaError: no account can be read.
            Interrupted: the run was asked to end; all that was yielded counts.
        """
        found = self.discovery()
        self._warn_of_ends()
        if not found.seen:
            logger.error("%s", NONE_AT_ALL)
            self.saw_none = True
        elif not found.accounts:
            logger.warning("none of the %d ad accounts is wanted by the settings", len(found.seen))
        for result in self._not_readable(found, plans, bookmarks):
            self.results.append(result)
            yield result
        lanes = self._lanes_for(found.readable, plans, bookmarks)
        logger.info(
            "reading %s of %d ad accounts, %d requests at once",
            ", ".join(plan.name for plan in plans),
            len(lanes),
            self.settings.max_concurrency,
        )
        for lane, event in self._drive(lanes):
            yield self._counted(lane, event)
        self.hints += self._hints_on_empty(plans)
        if self.stopping:
            raise Interrupted

    def _counted(self, lane: Lane, event: Event) -> Event:
        """Count rows, and the calls that a result took since the account's last one."""
        match event:
            case Rows():
                self.rows[event.stream] += len(event.records)
            case StreamResult():
                counted = self._counted_calls[lane.name]
                self._counted_calls[lane.name] = lane.calls
                event = replace(event, calls=lane.calls - counted)
                self.results.append(event)
            case Discrepancy():
                self.discrepancies.append(event)
            case BookmarkMoved():
                pass
        return event

    def _hints_on_empty(self, plans: Sequence[Plan]) -> Iterator[str]:
        """Say why reports may have brought nothing though there was delivery."""
        if not any(self.rows.values()):
            return
        for plan in plans:
            hint = why_empty(plan.definition) if isinstance(plan, InsightsPlan) else None
            if hint and not self.rows[plan.name]:
                yield f"{plan.name}: {hint}"

    def _drive_alone(self, name: str, steps: Steps[Any]) -> Any:  # noqa: ANN401
        """Drive what comes before the accounts, whatever the run's time; return its result.

        None is returned where the run was asked to end.
        """
        lane = Lane(name=name, account_id=None, steps=steps)
        for _ in self._drive([lane], bounded=False):
            pass
        return lane.result

    def _drive(self, lanes: Sequence[Lane], *, bounded: bool = True) -> Iterator[tuple[Lane, Any]]:
        """Drive lanes, within the run's time if `bounded`."""
        # Each drive has its own: answers that come after one was given up must not reach the next.
        self._transport = transport = self._new_transport()
        driver = Lanes(
            transport=transport,
            governor=self.governor,
            monotonic=self.clock.monotonic,
            most_at_once=self.settings.max_concurrency,
            stopping=lambda: self.stopping,
            overtime=lambda: bounded and not self._may_begin(),
            standing=lambda standing: self._say_standing(standing, len(lanes)),
        )
        try:
            with _collecting_less():
                yield from driver.run(lanes)
        finally:
            self.calls += driver.calls
            transport.close()

    def _lanes_for(
        self, accounts: Sequence[AdAccount], plans: Sequence[Plan], bookmarks: Bookmarks
    ) -> list[Lane]:
        """Make a lane for each account, the one whose data is oldest first."""
        ordered = sorted(plans, key=widest_first)
        shared = Shared(
            settings=self.settings,
            reporting=Reporting(
                mode=self.settings.report_mode,
                jitter=self.clock.jitter,
                monotonic=self.clock.monotonic,
            ),
            utc_now=self.clock.utc_now,
            may_begin=self._may_begin,
        )

        def known(account: AdAccount) -> dict[str, Bookmark | DimensionBookmark]:
            return {
                plan.name: bookmarks[plan.name].get(account.account_id) or new(plan)
                for plan in plans
            }

        # A report that is read in full has no bookmark, and says nothing of how old its rows are.
        kept = [
            plan.name
            for plan in plans
            if not (isinstance(plan, InsightsPlan) and plan.definition.reads_in_full)
        ]

        def oldest(account: AdAccount) -> tuple[dt.date, str]:
            found = known(account)
            days = [last_day(found[name]) or dt.date.min for name in kept]
            return min(days, default=dt.date.min), account.account_id

        return [
            Lane(
                name=str(account),
                account_id=account.account_id,
                token=account.token,
                steps=sync_account(
                    account, self.today_of(account), ordered, known(account), shared
                ),
            )
            for account in sorted(accounts, key=oldest)
        ]

    def today_of(self, account: AdAccount) -> dt.date:
        """Return an account's own today, fixed by when the run began."""
        zone = account_zone(account.timezone_name, account.timezone_offset_hours)
        return self.started_at.astimezone(zone).date()

    def _may_begin(self) -> bool:
        if self.stopping:
            return False
        minutes = self.settings.max_run_minutes
        return minutes is None or self.clock.monotonic() - self._started < minutes * 60

    def _not_readable(
        self, found: Discovery, plans: Sequence[Plan], bookmarks: Bookmarks
    ) -> Iterator[StreamResult]:
        """Say which accounts cannot be read: known to the business only, or gone."""
        for account in found.accounts:
            if account.access != ASSIGNED:
                for plan in plans:
                    yield _result(
                        account.account_id, account.name, plan, Outcome.SKIPPED, UNASSIGNED
                    )
        gone = dict.fromkeys(found.missing)
        for plan in plans:
            gone |= dict.fromkeys(
                account_id
                for account_id in bookmarks[plan.name]
                if self._is_lost(account_id, found)
            )
        for account_id in gone:
            for plan in plans:
                day = last_day(bookmarks[plan.name].get(account_id))
                reason = f"{_LOST}; its last day is {day}" if day else UNKNOWN
                yield _result(account_id, "", plan, Outcome.LOST, reason)

    def _is_lost(self, account_id: str, found: Discovery) -> bool:
        settings = self.settings
        return (
            account_id not in found.seen
            and account_id not in settings.exclude_account_ids
            and (not settings.account_ids or account_id in settings.account_ids)
            and in_shard(account_id, settings)
        )

    # What is said.

    def _say_standing(self, standing: Standing, total: int) -> None:
        seconds = self.clock.monotonic() - self._started
        estimate = ""
        if standing.done and total > 1:
            left = seconds / standing.done * (total - standing.done)
            estimate = f"; about {duration(left)} to go"
        elif standing.next_wake is not None:
            estimate = f"; goes on in {duration(standing.next_wake)}"
        logger.info(
            "%d of %d accounts done, %d under way, %d waiting, %d to begin; %d rows, %d calls; "
            "%.0f %% of the app's limit used%s",
            standing.done,
            total,
            standing.under_way,
            standing.parked,
            standing.left,
            sum(self.rows.values()),
            self.calls + standing.calls,
            self.governor.app_percent,
            estimate,
        )

    def failed(self) -> bool:
        """Tell whether the run as a whole counts as failed."""
        kinds = Counter(result.result for result in self.results)
        if kinds[Outcome.FAILED] or self.saw_none:
            return True
        if self.settings.fail_on_skipped_accounts and (
            kinds[Outcome.SKIPPED] or kinds[Outcome.LOST]
        ):
            return True
        return bool(self.results) and not kinds[Outcome.DELIVERED] and not kinds[Outcome.UNFINISHED]

    def summary(self) -> list[str]:
        """Say in a few lines how the run went; the accounts that need a person by name."""
        worst = worst_by_account(self.results)
        counts = Counter(result.result for result in worst.values())
        lines = [
            "ad accounts: "
            + ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind] or kind in SHOWN)
            + f"; {sum(self.rows.values())} rows, {self.calls} calls, "
            f"{self.governor.throttle_errors} throttle errors, "
            f"{self.governor.parked_seconds / 60:.1f} account-minutes parked, "
            f"{duration(self.clock.monotonic() - self._started)}"
        ]
        lines += [
            f"{result.result}: {result.account_id}"
            f"{f' ({result.account_name})' if result.account_name else ''}, "
            f"{result.stream}: {result.reason}"
            for result in worst.values()
            if result.result != Outcome.DELIVERED
        ]
        return [*lines, *map(difference, self.discrepancies), *self.hints]


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


def _threads(settings: Settings, clock: Clock) -> Callable[[], WakingTransport]:
    with_app, _ = including_app(settings)
    client = GraphClient(with_app, monotonic=clock.monotonic)
    return lambda: ThreadTransport(
        send=client.send, threads=settings.max_concurrency, second=clock.second
    )
