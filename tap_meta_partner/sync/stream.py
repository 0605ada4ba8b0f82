"""One insights stream of one ad account, window by window."""

from __future__ import annotations

import logging
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import cut, is_one_bucket
from tap_meta_partner.days.windows import DateWindow, left_of
from tap_meta_partner.graph.errors import RequestRefused, TooMuchData
from tap_meta_partner.insights import breakdowns
from tap_meta_partner.insights.columns import fields_to_ask
from tap_meta_partner.planning.activity import is_plain_account_level
from tap_meta_partner.planning.again import days_again, spared_days, was_delivered_whole
from tap_meta_partner.planning.digests import maker_of, worth_keeping
from tap_meta_partner.planning.holes import found_holes, missing, new_holes, open_holes
from tap_meta_partner.planning.next_window import next_window
from tap_meta_partner.planning.open_days import close_window, open_days
from tap_meta_partner.reports.report_runs import STANDS_STILL
from tap_meta_partner.reports.request import SIGNS_OF_LIFE, ReportRequest
from tap_meta_partner.sync.account_days import ComparedDays
from tap_meta_partner.sync.days_in_vain import DaysInVain
from tap_meta_partner.sync.events import BookmarkMoved, Outcome
from tap_meta_partner.sync.held_days import HeldDays
from tap_meta_partner.sync.idle_days import IdleDays
from tap_meta_partner.sync.outcomes import ensure_may_begin
from tap_meta_partner.sync.reconciliation import adds_up
from tap_meta_partner.sync.record_sink import RecordSink
from tap_meta_partner.sync.window import Spared, WindowReading

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.insights.plan import InsightsPlan
    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.planning.holes import Hole
    from tap_meta_partner.planning.pace import Pace
    from tap_meta_partner.sync.events import StreamResult
    from tap_meta_partner.sync.shared import OneAccount

logger = logging.getLogger(__name__)

#: Meta: "the start date of the time range cannot be beyond 37 months from the current date".
_BEFORE_HISTORY = 3018
_MOST_CLAMPS = 2


class StreamReading:
    """How far one account has come in one stream.

    Attributes:
        opened: the days to ask for.
        bookmark: what has been delivered; moves with each window closed.
        covered: the days delivered in this run, from the first to the last.
        rows: how many rows the closed windows have.
    """

    def __init__(self, plan: InsightsPlan, bookmark: Bookmark, one: OneAccount) -> None:
        """Work out what is open.

        Raises:
            ReportChanged: the report's rows have other keys than those delivered.
        """
        self.plan = plan
        self._one = one
        self._shared = one.shared
        self._refused = one.shared.refused_of(plan.definition.name)
        self.opened = open_days(
            bookmark,
            plan.definition,
            today=one.today,
            end_date=self._shared.settings.end_date,
            backfill_on_change=self._shared.settings.backfill_on_change,
        )
        self.bookmark = self._before = bookmark
        self.covered: DateWindow | None = None
        self.rows = self.unchanged = 0
        self._maker = maker_of(
            plan.definition.level,
            plan.definition.name,
            plan.makes_rows,
            one.account.currency,
            one.account.timezone_name,
        )
        self._compared = ComparedDays(plan, self._maker, one)
        self._clamps = 0
        self._idle = IdleDays(plan.definition, bookmark, one)
        self._in_vain = DaysInVain(known=bookmark.holes)
        skips = self._shared.settings.unchanged_days != "write"
        self._digests_since = worth_keeping(plan.definition, one.today) if skips else None

    def read(self) -> Steps[None]:
        """Read the open days window by window: forward from the oldest, the gap from its newest.

        Then days before them that are to be read again: they lack a field, or have a hole.

        Raises:
            OutOfTime: the run's time is over, and some are left.
            MetaError: a window cannot be read, whatever its size.
        """
        spared = yield from self._compared.spared(self.bookmark, self.opened.forward)
        for stretch in left_of(self.opened.forward, spared) if self.opened.forward else []:
            yield from self._stretch(stretch)
        read = self.bookmark if spared else self._compared.all_read(self.bookmark)
        if read != self.bookmark:
            self.bookmark = read
            yield BookmarkMoved(self._one.account.account_id, self.plan.name, self.bookmark)
        yield from self._stretch(self.opened.gap, from_end=True)
        for stretch in self._again():
            yield from self._stretch(stretch)

    def told(self, result: StreamResult) -> StreamResult:
        """Add to a result what was delivered, and what of it cannot be had."""
        result = replace(result, covered=self.covered, rows=self.rows, unchanged=self.unchanged)
        new = new_holes(self._before.holes, self.bookmark.holes)
        holes = _open_holes(self.plan, self.bookmark, self._one.today)
        result = replace(result, new_holes=len(new))
        if not holes or result.result is not Outcome.DELIVERED:
            return result
        reason = missing(holes)
        if new:
            logger.warning("account %s, %s: %s", self._one.account, self.plan.name, reason)
        return replace(result, result=Outcome.INCOMPLETE, reason=reason)

    def _stretch(self, stretch: DateWindow | None, *, from_end: bool = False) -> Steps[None]:
        """Read a stretch of days, except those that would lose a field Meta refuses now."""
        rests = [stretch] if stretch else []
        while rests:
            ensure_may_begin(self._shared)
            rest = rests.pop(0)
            lacking = self._lacking(rest)
            if lacking is not None:
                rests[:0] = lacking
                # Though nothing was read: what was not, must not be forgotten.
                yield BookmarkMoved(self._one.account.account_id, self.plan.name, self.bookmark)
                continue
            try:
                left = yield from self._next(rest, from_end=from_end)
            except Spared:
                left = rest
            except RequestRefused as error:
                left = self._clamped(rest, error)
            rests[:0] = [left] if left else []

    def _clamped(self, rest: DateWindow, error: RequestRefused) -> DateWindow | None:
        """Return what is left of days without the oldest, which lie before Meta's history.

        The tap counts 37 months from the account's own today, one day inside. It is not documented
        whose today Meta counts from: where a month ends, another zone's can be a day further.

        Raises:
            RequestRefused: the error, where it is about something else, or came too often.
        """
        if error.fault.code != _BEFORE_HISTORY or self._clamps == _MOST_CLAMPS:
            raise error
        self._clamps += 1
        logger.info("%s, account %s: %s", self.plan.name, self._one.account, error.fault)
        _, left = cut(rest, 1, self.plan.definition.time_increment, from_end=False)
        if self.opened.forward and self.opened.forward.since == rest.since:
            self.opened = replace(self.opened, forward=left)
        return left

    def _next(self, rest: DateWindow, *, from_end: bool) -> Steps[DateWindow | None]:
        """Read the next window off `rest` and close it; return what is left."""
        one, definition, known = self._one, self.plan.definition, self.bookmark.pace
        pace = known.attempt(one.today)
        window, left = next_window(definition, rest, pace.days, today=one.today, from_end=from_end)
        if (yield from self._idle.holds(rest)):
            left = None
            self._close(rest, known)
        elif (yield from self._idle.holds(window)):
            self._close(window, known)
        elif not (yield from self._read_window(window, left, pace)):
            return rest
        if not definition.reads_in_full:
            yield BookmarkMoved(one.account.account_id, self.plan.name, self.bookmark)
        if left and self._in_vain.are_doubtful:
            far, _ = next_window(definition, left, 1, today=one.today, from_end=not from_end)
            yield from self._in_vain.doubt(
                self._reading(far).request,
                self.bookmark.pace,
                self._refused,
                self._shared.reporting,
            )
        return left

    def _read_window(self, window: DateWindow, left: DateWindow | None, pace: Pace) -> Steps[bool]:
        """Ask for a window and close it; False where it, or less of it, is to be asked again."""
        definition, known = self.plan.definition, self.bookmark.pace
        reading = self._reading(window)
        try:
            pace = yield from reading.read(pace, known)
        except TooMuchData as error:
            if is_one_bucket(window, definition.time_increment):
                raise
            logger.info("%s: %s; asking for less", reading.request, error.rule.what)
            less = known.asking_less(
                pace, window.days, self._one.today, stood_still=error.rule is STANDS_STILL
            )
            self.bookmark = replace(self.bookmark, pace=less)
            return False
        sink = reading.sink
        if not reading.holes:
            self._learn(reading.request, sink)
            if not sink.row_count and not (yield from self._idle.is_believed(window, left)):
                return False
        self._in_vain.note(reading.request.window, reading.holes, sink.row_count)
        self.rows += sink.row_count
        self.unchanged += sink.held.unchanged
        self._close(window, pace, reading.holes, sink.held.digests)
        return True

    def _close(
        self,
        window: DateWindow,
        pace: Pace,
        holes: Iterable[Hole] = (),
        digests: Mapping[dt.date, str] = MappingProxyType({}),
    ) -> None:
        """Close a window: move the bookmark behind it, and keep its pace and what it lacks."""
        moved, today = self.bookmark, self._one.today
        opened = (self.opened.forward, self.opened.gap)
        if any(stretch and window in stretch for stretch in opened):
            moved = close_window(moved, window, self.opened, today=today)
        self.bookmark = replace(
            moved,
            pace=pace,
            withheld=moved.withheld.read(
                window,
                asked=self._wanted,
                refused=self._refused.of(self._one.account.account_id),
            ),
            holes=found_holes(moved.holes, holes, window, today),
            digests=moved.digests.closed(window, digests, self._maker, since=self._digests_since),
            account_days=self._compared.closed(self.bookmark, window),
        )
        covered = self.covered or window
        self.covered = DateWindow(
            min(covered.since, window.since), max(covered.until, window.until)
        )

    # What days lack.

    def _again(self) -> list[DateWindow]:
        """Return the days before the open ones that are to be read again."""
        if self.plan.definition.reads_in_full:
            return []
        refused = self._refused.of(self._one.account.account_id)
        given = [name for name in self._wanted if name not in refused]
        return days_again(
            self.bookmark,
            self.plan.definition,
            self.opened,
            given=given,
            holes=_open_holes(self.plan, self.bookmark, self._one.today),
            today=self._one.today,
        )

    def _lacking(self, rest: DateWindow) -> list[DateWindow] | None:
        """Return what may be read of `rest`, if not all of it may; note the others."""
        spared = self._spared(rest)
        if not spared:
            return None
        self._shared.say_once(
            f"{self.plan.name}: days delivered with a field that Meta refuses now are not read "
            "again: they keep their values until Meta gives it again"
        )
        withheld = self.bookmark.withheld.spared(spared)
        self.bookmark = replace(self.bookmark, withheld=withheld)
        return left_of(rest, spared)

    def _spared(self, window: DateWindow) -> list[DateWindow]:
        """Return the days that were delivered with a field which Meta refuses now."""
        if self.plan.definition.reads_in_full:
            return []
        refused = self._refused.of(self._one.account.account_id) & set(self._wanted)
        return spared_days(self._before, self.plan.definition, window, refused)

    # How a window is asked for.

    @property
    def _wanted(self) -> tuple[str, ...]:
        return fields_to_ask(self.plan.columns, api_version=self._shared.settings.api_version)

    def _reading(self, window: DateWindow) -> WindowReading:
        one = self._one
        request = ReportRequest(
            definition=self.plan.definition,
            fields=_fields_for(window, self.plan, self._wanted, one),
            account_id=one.account.account_id,
            window=window,
        )
        sink = RecordSink(
            self.plan,
            one.account,
            utc_now=self._shared.utc_now,
            today=one.today,
            named=one.named,
            held=HeldDays(
                self.bookmark.digests.known(self._maker), self._digests_since, self._shared.room
            ),
        )

        def spare() -> None:
            if self._spared(window):
                raise Spared

        replaces = was_delivered_whole(self._before, window)
        return WindowReading(
            request, sink, self._shared, today=one.today, on_refused=spare, replaces=replaces
        )

    # What its rows tell of the account.

    def _learn(self, request: ReportRequest, sink: RecordSink) -> None:
        """Remember on which days there were rows, and what was spent on them."""
        definition, window = request.definition, request.window
        if self._one.activity.is_told_by(definition):
            self._one.activity.learn(window, sink.spend)
        told = self._refused.left(request.fields, request.account_id)
        if adds_up(definition) and "spend" in (told or request.fields):
            self._one.spend.note(definition.level, window, sink.spend)


def _open_holes(plan: InsightsPlan, bookmark: Bookmark, today: dt.date) -> list[Hole]:
    return open_holes(bookmark.holes, today, plan.definition.lookback_days)


def _fields_for(
    window: DateWindow, plan: InsightsPlan, asked: tuple[str, ...], one: OneAccount
) -> tuple[str, ...]:
    """Return the fields to ask for a window, of those that a stream asks for."""
    definition = plan.definition
    if is_plain_account_level(definition):
        # Its rows also tell on which days the other levels need not be asked.
        asked = tuple(dict.fromkeys((*asked, *SIGNS_OF_LIFE)))
    edge = breakdowns.oldest_people(definition, today=one.today)
    if edge is None or window.since >= edge:
        return asked
    people = breakdowns.people_fields(definition)
    left_out = [name for name in asked if name in people]
    one.shared.say_once(
        f"{plan.name}: {', '.join(left_out)} stay empty before {edge}: with breakdowns, Meta "
        "tells them for 13 months only"
    )
    return tuple(name for name in asked if name not in people)
