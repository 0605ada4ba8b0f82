"""One ad account's way through a run: its streams, their open days, what was read, what was not.

For each stream, plan its windows, ask for each, hand the rows on, close the window. Written as
steps (`retries.py`): it yields calls and pauses for whoever drives it, and events for whoever
writes.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import is_one_bucket
from tap_meta_partner.dimensions.looking_up import look_up
from tap_meta_partner.dimensions.reading import read_dimension
from tap_meta_partner.dimensions.request import (
    DimensionPlan,
    DimensionReading,
    DimensionRequest,
    StatusesAbove,
)
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    MetaError,
    RequestRefused,
    ThrottledTooLong,
    TokenRefused,
    TooMuchData,
)
from tap_meta_partner.graph.refused_fields import refused_fields
from tap_meta_partner.graph.steps import OutOfTime
from tap_meta_partner.insights import breakdowns
from tap_meta_partner.insights.columns import fields_to_ask, key_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.activity import ActiveDays, Activity, is_plain_account_level
from tap_meta_partner.planning.fingerprints import ReportChanged
from tap_meta_partner.planning.next_window import next_window
from tap_meta_partner.planning.open_days import open_days
from tap_meta_partner.planning.pace import WIDEST_DAYS, Pace
from tap_meta_partner.reports.by_campaign import read_by_campaign
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.request import SIGNS_OF_LIFE, ReportRequest
from tap_meta_partner.settings.model import ReportDefinition
from tap_meta_partner.sync.events import (
    BookmarkMoved,
    Outcome,
    Rows,
    StreamResult,
)
from tap_meta_partner.sync.outcomes import StreamClosed
from tap_meta_partner.sync.reconciliation import Spend, adds_up
from tap_meta_partner.sync.record_sink import DuplicateKey, RecordSink, note_named
from tap_meta_partner.sync.stream import Progress

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.planning.open_days import OpenDays
    from tap_meta_partner.sync.shared import Shared

logger = logging.getLogger(__name__)


def sync_account(
    account: AdAccount,
    today: dt.date,
    plans: Sequence[InsightsPlan | DimensionPlan],
    bookmarks: Mapping[str, Any],
    shared: Shared,
) -> Steps[None]:
    """Read one ad account in all streams: its insights, then what these are joined to.

    Args:
        account: whose rows.
        today: the account's own today, fixed for the run.
        plans: the streams wanted; the account-level one first, if any, and campaigns before ads.
        bookmarks: by stream, a `Bookmark` or a `DimensionBookmark`.
        shared: what holds for all accounts.

    Yields:
        An `Event` each: `Rows`, `BookmarkMoved` behind them, for each stream one `StreamResult`,
        and a `Discrepancy` where the levels do not add up; beside calls and pauses.

    Raises:
        TokenRefused: no account can be read.
    """
    insights = [plan for plan in plans if isinstance(plan, InsightsPlan)]
    # After them it is known what their rows name.
    dimensions = [plan for plan in plans if isinstance(plan, DimensionPlan)]
    sync = _AccountSync(account, today, shared, insights, dimensions)
    opened: list[tuple[InsightsPlan, OpenDays]] = []
    for plan in insights:
        try:
            opened.append((plan, sync.open_days(plan, bookmarks[plan.name])))
        except Exception as error:  # noqa: BLE001  (as in `stream`)
            yield sync.failure(plan.name, error)
    gone: StreamResult | None = sync.token_is_dead()
    if gone is None and len(opened) > 1:
        gone = yield from sync.look_for_life(opened)
    streams = {plan.name: sync.stream(plan, days, bookmarks[plan.name]) for plan, days in opened}
    streams |= {each.name: sync.dimension(each, bookmarks[each.name]) for each in dimensions}
    for name, steps in streams.items():
        if gone is None:
            result = yield from steps
            # An account that cannot be read, or is throttled for hours, is not asked again for the
            # next stream.
            gone = result if result.result == Outcome.SKIPPED or sync.is_blocked else None
        else:
            result = replace(gone, stream=name, covered=None, rows=0)
        yield result
    discrepancy = sync.spend.discrepancy(account, today=today)
    if discrepancy:
        yield discrepancy


class _AccountSync:
    """The steps of one account, and what they have found out so far."""

    def __init__(
        self,
        account: AdAccount,
        today: dt.date,
        shared: Shared,
        plans: Sequence[InsightsPlan],
        dimensions: Sequence[DimensionPlan],
    ) -> None:
        self._account = account
        self._today = today
        self._shared = shared
        #: Ids that rows name, by the column that names them: objects that a dimension has to have.
        self._named: dict[str, set[str]] = {
            plan.dimension.named_by: set() for plan in dimensions if plan.dimension.named_by
        }
        self._above = StatusesAbove()
        self._activity = Activity(plan.definition for plan in plans)
        self.spend = Spend()
        #: Throttled for so long that it has failed for this run.
        self.is_blocked = False

    def result(
        self, stream: str, result: Outcome, reason: str, code: int | None = None
    ) -> StreamResult:
        return StreamResult(
            account_id=self._account.account_id,
            account_name=self._account.name,
            stream=stream,
            result=result,
            reason=reason,
            code=code,
        )

    def open_days(self, plan: InsightsPlan, bookmark: Bookmark) -> OpenDays:
        settings = self._shared.settings
        return open_days(
            bookmark,
            plan.definition,
            today=self._today,
            end_date=settings.end_date,
            backfill_on_change=settings.backfill_on_change,
        )

    # Which days anything happened on.

    def look_for_life(self, opened: Sequence[tuple[InsightsPlan, OpenDays]]) -> Steps[Any]:
        """Find out with one account-level call on which days anything happened.

        Where the account-level stream is read anyway over the same days, its own rows tell.

        Returns:
            Why the account cannot be read, or None.
        """
        if not self._shared.may_begin():
            return None
        days = [(plan.definition, days) for plan, days in opened]
        for stretch in self._activity.unknown_stretches(days):
            gone = yield from self._ask_for_life(stretch)
            if gone:
                return gone
        return None

    def _ask_for_life(self, stretch: DateWindow) -> Steps[Any]:
        definition = ReportDefinition(
            name="activity",
            level="account",
            action_attribution_windows=self._activity.attribution,
        )
        days = ActiveDays()
        try:
            yield from self._surviving(
                self._request(definition, SIGNS_OF_LIFE, stretch),
                lambda request: read_report(request, days, Pace(), self._shared.reporting),
            )
        except OutOfTime:
            return None
        except AccountUnreadable as error:
            return self._unreadable("activity", error)
        except TokenRefused as error:
            return self._token_refused("activity", error)
        except Exception as error:  # noqa: BLE001  (as in `stream`)
            # Only a shortcut: without it each stream asks for itself.
            what = error.fault if isinstance(error, MetaError) else type(error).__name__
            logger.info("account %s: activity unknown (%s)", self._account, what)
            return None
        self._activity.learn(stretch, days.spend)
        self.spend.note("account", stretch, days.spend)
        return None

    # One stream.

    def stream(self, plan: InsightsPlan, days: OpenDays, bookmark: Bookmark) -> Steps[StreamResult]:
        """Read one stream; whatever goes wrong is its result."""
        progress = Progress(bookmark)
        result = yield from self._outcome(plan.name, self._windows(plan, days, progress))
        return replace(result, covered=progress.covered, rows=progress.rows)

    def dimension(self, plan: DimensionPlan, bookmark: DimensionBookmark) -> Steps[StreamResult]:
        """Read one dimension; whatever goes wrong is its result."""
        written: Counter[str] = Counter()
        result = yield from self._outcome(plan.name, self._objects(plan, bookmark, written))
        return replace(result, rows=written[plan.name])

    def _outcome(self, name: str, steps: Steps[None]) -> Steps[StreamResult]:
        """Take the steps of a stream, and say how it went."""
        try:
            yield from steps
        except OutOfTime:
            return self.result(name, Outcome.UNFINISHED, "the time for this run was over")
        except TokenRefused as error:
            return self._token_refused(name, error)
        except Exception as error:  # noqa: BLE001  (one account's surprise must not cost the others)
            result = self.failure(name, error)
            logger.warning(
                "account %s, %s %s: %s", self._account, name, result.result, result.reason
            )
            return result
        return self.result(name, Outcome.DELIVERED, "")

    def failure(self, stream: str, error: Exception) -> StreamResult:
        """Say what became of a stream that ended with an error."""
        if isinstance(error, RequestRefused):
            self._shared.refused.note(stream, self._account.account_id, error)
        if isinstance(error, MetaError):
            self.is_blocked = isinstance(error, ThrottledTooLong)
            kind = Outcome.SKIPPED if isinstance(error, AccountUnreadable) else Outcome.FAILED
            return self.result(stream, kind, error.reason, error.fault.code)
        if isinstance(error, (DuplicateKey, ReportChanged, StreamClosed)):
            return self.result(stream, Outcome.FAILED, str(error))
        logger.debug("account %s, %s", self._account, stream, exc_info=error)
        return self.result(
            stream, Outcome.FAILED, f"unexpected {type(error).__name__}: please report it"
        )

    def _token_refused(self, stream: str, error: TokenRefused) -> StreamResult:
        """With several tokens, take a dead one as lost access to its accounts."""
        tokens = self._shared.settings.tokens
        if len(tokens) == 1:
            raise error
        label = tokens[self._account.token].label
        result = self.result(stream, Outcome.SKIPPED, f"{label}: {error.reason}", error.fault.code)
        if self._account.token not in self._shared.dead_tokens:
            logger.warning("its accounts cannot be read: %s", result.reason)
        self._shared.dead_tokens.setdefault(self._account.token, result)
        return result

    def token_is_dead(self) -> StreamResult | None:
        """Return why this account's token no longer works, if it was seen to fail."""
        known = self._shared.dead_tokens.get(self._account.token)
        return known and self.result(known.stream, Outcome.SKIPPED, known.reason, known.code)

    def _unreadable(self, stream: str, error: AccountUnreadable) -> StreamResult:
        logger.warning("account %s skipped: %s", self._account, error.reason)
        return self.result(stream, Outcome.SKIPPED, error.reason, error.fault.code)

    def _may_begin(self, stream: str) -> None:
        """Raise where no more is to be asked for."""
        if not self._shared.may_begin():
            raise OutOfTime
        closed = self._shared.refused.closed.get(stream)
        if closed:
            raise StreamClosed(closed)

    # Its windows.

    def _windows(self, plan: InsightsPlan, days: OpenDays, progress: Progress) -> Steps[None]:
        """Read the open days window by window: forward from the oldest, the gap from its newest.

        Raises:
            OutOfTime: the run's time is over, and some are left.
        """
        for stretch, from_end in ((days.forward, False), (days.gap, True)):
            rest = stretch
            while rest:
                self._may_begin(plan.name)
                rest = yield from self._next_window(plan, days, rest, progress, from_end=from_end)

    def _next_window(
        self,
        plan: InsightsPlan,
        days: OpenDays,
        rest: DateWindow,
        progress: Progress,
        *,
        from_end: bool,
    ) -> Steps[DateWindow | None]:
        """Read the next window off `rest` and close it; return what is left."""
        pace, definition = progress.bookmark.pace, plan.definition
        window, left = next_window(
            definition, rest, pace.days, today=self._today, from_end=from_end
        )
        if self._activity.is_idle(definition, rest):
            window, left = rest, None
        elif not self._activity.is_idle(definition, window):
            sink = RecordSink(
                plan,
                self._account,
                utc_now=self._shared.utc_now,
                today=self._today,
                named=self._named,
            )
            request = self._request(definition, self._fields(plan, window), window)
            try:
                pace = yield from self._read(request, sink, pace)
            except TooMuchData as error:
                if is_one_bucket(window, definition.time_increment):
                    raise
                # The widest pace takes whole rests along, so half of one must be less than that.
                half = min(window.days // 2, WIDEST_DAYS - 1)
                logger.info("%s: %s; halving the window", request, error.rule.what)
                progress.bookmark = replace(progress.bookmark, pace=pace.narrowed(half))
                return rest
            self._learn(definition, request, sink)
            progress.rows += sink.row_count
        progress.close(window, days, pace, self._today)
        if not definition.reads_in_full:
            yield BookmarkMoved(self._account.account_id, plan.name, progress.bookmark)
        return left

    def _read(self, request: ReportRequest, sink: RecordSink, pace: Pace) -> Steps[Pace]:
        """Read one window the way that worked before; the smallest one, if need be, by campaign."""
        reporting = self._shared.reporting
        is_smallest = is_one_bucket(request.window, request.definition.time_increment)
        if not (is_smallest and pace.by_campaign):
            if breakdowns.needs_report_run(request.definition):
                pace = replace(pace, report_run=True)
            try:
                worked: Pace = yield from self._surviving(
                    request, lambda asked: read_report(asked, sink, pace, reporting)
                )
            except TooMuchData:
                if not is_smallest or request.definition.level == "account":
                    raise
            else:
                return worked
            yield from self._read_by_campaign(request, sink)
            return pace.with_campaigns()
        yield from self._read_by_campaign(request, sink)
        return pace.eased()

    def _read_by_campaign(self, request: ReportRequest, sink: RecordSink) -> Steps[None]:
        """Read one window campaign by campaign; which ones there are is asked with other fields."""

        def read(asked: ReportRequest) -> Steps[None]:
            signs = self._not_refused(SIGNS_OF_LIFE)
            return read_by_campaign(asked, sink, self._shared.reporting, signs=signs)

        yield from self._surviving(request, read, besides=SIGNS_OF_LIFE)

    def _surviving(
        self,
        request: ReportRequest,
        read: Callable[[ReportRequest], Steps[Any]],
        *,
        besides: Collection[str] = (),
    ) -> Steps[Any]:
        """Ask without the fields that Meta refuses, rather than lose the report for one of them.

        Args:
            request: all that is wanted.
            read: reads what is left of it.
            besides: fields that reading it asks on the way.
        """
        while True:
            asked = self._survivor(request)
            others = self._not_refused(besides)
            try:
                return (yield from read(asked))
            except RequestRefused as error:
                names = refused_fields(error, dict.fromkeys((*asked.fields, *others)))
                left = set(self._not_refused(request.fields))
                if not names or left <= set(names):
                    raise
                if not set(names).isdisjoint(key_of(request.definition)):
                    raise
                self._shared.refused_fields.note(self._account.account_id, names, error)

    def _survivor(self, request: ReportRequest) -> ReportRequest:
        return replace(request, fields=self._not_refused(request.fields) or request.fields)

    def _not_refused(self, fields: Collection[str]) -> tuple[str, ...]:
        refused = self._shared.refused_fields.of(self._account.account_id)
        return tuple(name for name in fields if name not in refused)

    def _fields(self, plan: InsightsPlan, window: DateWindow) -> tuple[str, ...]:
        """Return the fields to ask for a window."""
        definition = plan.definition
        asked = fields_to_ask(plan.columns, api_version=self._shared.settings.api_version)
        if is_plain_account_level(definition):
            # Its rows also tell on which days the other levels need not be asked.
            asked = tuple(dict.fromkeys((*asked, *SIGNS_OF_LIFE)))
        edge = breakdowns.oldest_people(definition, today=self._today)
        if edge is None or window.since >= edge:
            return asked
        people = breakdowns.people_fields(definition)
        left_out = [name for name in asked if name in people]
        self._shared.say_once(
            f"{plan.name}: {', '.join(left_out)} stay empty before {edge}: with breakdowns, Meta "
            "tells them for 13 months only"
        )
        return tuple(name for name in asked if name not in people)

    def _request(
        self, definition: ReportDefinition, fields: Collection[str], window: DateWindow
    ) -> ReportRequest:
        return ReportRequest(
            definition=definition,
            fields=tuple(fields),
            account_id=self._account.account_id,
            window=window,
        )

    # What insights are joined to.

    def _objects(
        self, plan: DimensionPlan, bookmark: DimensionBookmark, written: Counter[str]
    ) -> Steps[None]:
        """Read the objects of one dimension, then those that rows name and Meta does not list."""
        self._may_begin(plan.name)
        request = DimensionRequest(
            dimension=plan.dimension,
            columns=plan.columns,
            account_id=self._account.account_id,
            currency=self._account.currency,
            statuses=self._shared.settings.effective_status,
        )

        def hand_on(stream: str, records: list[dict[str, Any]]) -> Rows:
            written[stream] += len(records)
            # Ads name creatives, which are read after them.
            note_named(self._named, records)
            return Rows(self._account.account_id, stream, records)

        reading = DimensionReading(
            jitter=self._shared.reporting.jitter,
            utc_now=self._shared.utc_now,
            on_page=hand_on,
            unavailable=self._shared.unavailable,
        )
        read = yield from read_dimension(request, bookmark, self._above, reading)
        named = self._named.get(plan.dimension.named_by or "", ())
        looked_up = yield from look_up(request, named, read, reading)
        yield BookmarkMoved(self._account.account_id, plan.name, looked_up.bookmark)

    def _learn(
        self, definition: ReportDefinition, request: ReportRequest, sink: RecordSink
    ) -> None:
        """Remember on which days there were rows, and what was spent on them."""
        if self._activity.is_told_by(definition):
            self._activity.learn(request.window, sink.spend)
        if adds_up(definition) and "spend" in self._survivor(request).fields:
            self.spend.note(definition.level, request.window, sink.spend)
