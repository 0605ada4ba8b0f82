"""One insights stream of one ad account, window by window."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import is_one_bucket
from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.graph.errors import TooMuchData
from tap_meta_partner.insights import breakdowns
from tap_meta_partner.insights.columns import fields_to_ask
from tap_meta_partner.planning.activity import is_plain_account_level
from tap_meta_partner.planning.next_window import next_window
from tap_meta_partner.planning.open_days import close_window, open_days
from tap_meta_partner.planning.pace import WIDEST_DAYS
from tap_meta_partner.reports.by_campaign import read_by_campaign
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.request import SIGNS_OF_LIFE, ReportRequest
from tap_meta_partner.reports.surviving import surviving_report
from tap_meta_partner.sync.events import BookmarkMoved
from tap_meta_partner.sync.outcomes import ensure_may_begin
from tap_meta_partner.sync.reconciliation import adds_up
from tap_meta_partner.sync.record_sink import RecordSink

if TYPE_CHECKING:
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.insights.plan import InsightsPlan
    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.planning.pace import Pace
    from tap_meta_partner.sync.shared import OneAccount

logger = logging.getLogger(__name__)


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
        self.opened = open_days(
            bookmark,
            plan.definition,
            today=one.today,
            end_date=self._shared.settings.end_date,
            backfill_on_change=self._shared.settings.backfill_on_change,
        )
        self.bookmark = bookmark
        self.covered: DateWindow | None = None
        self.rows = 0

    def read(self) -> Steps[None]:
        """Read the open days window by window: forward from the oldest, the gap from its newest.

        Raises:
            OutOfTime: the run's time is over, and some are left.
            MetaError: a window cannot be read, whatever its size.
        """
        for stretch, from_end in ((self.opened.forward, False), (self.opened.gap, True)):
            rest = stretch
            while rest:
                ensure_may_begin(self._shared)
                rest = yield from self._next(rest, from_end=from_end)

    def _next(self, rest: DateWindow, *, from_end: bool) -> Steps[DateWindow | None]:
        """Read the next window off `rest` and close it; return what is left."""
        one, definition, pace = self._one, self.plan.definition, self.bookmark.pace
        window, left = next_window(definition, rest, pace.days, today=one.today, from_end=from_end)
        if one.activity.is_idle(definition, rest):
            window, left = rest, None
        elif not one.activity.is_idle(definition, window):
            request = self._request(window)
            sink = RecordSink(
                self.plan,
                one.account,
                utc_now=self._shared.utc_now,
                today=one.today,
                named=one.named,
            )
            try:
                pace = yield from self._read(request, sink, pace)
            except TooMuchData as error:
                if is_one_bucket(window, definition.time_increment):
                    raise
                # The widest pace takes whole rests along, so half of one must be less than that.
                half = min(window.days // 2, WIDEST_DAYS - 1)
                logger.info("%s: %s; halving the window", request, error.rule.what)
                self.bookmark = replace(self.bookmark, pace=pace.narrowed(half))
                return rest
            self._learn(request, sink)
            self.rows += sink.row_count
        self._close(window, pace)
        if not definition.reads_in_full:
            yield BookmarkMoved(one.account.account_id, self.plan.name, self.bookmark)
        return left

    def _close(self, window: DateWindow, pace: Pace) -> None:
        """Close a window: move the bookmark behind it, and keep its pace."""
        moved = close_window(self.bookmark, window, self.opened, today=self._one.today)
        self.bookmark = replace(moved, pace=pace)
        covered = self.covered or window
        self.covered = DateWindow(
            min(covered.since, window.since), max(covered.until, window.until)
        )

    # How a window is asked for.

    def _request(self, window: DateWindow) -> ReportRequest:
        return ReportRequest(
            definition=self.plan.definition,
            fields=self._fields(window),
            account_id=self._one.account.account_id,
            window=window,
        )

    def _fields(self, window: DateWindow) -> tuple[str, ...]:
        """Return the fields to ask for a window."""
        plan, definition = self.plan, self.plan.definition
        asked = fields_to_ask(plan.columns, api_version=self._shared.settings.api_version)
        if is_plain_account_level(definition):
            # Its rows also tell on which days the other levels need not be asked.
            asked = tuple(dict.fromkeys((*asked, *SIGNS_OF_LIFE)))
        edge = breakdowns.oldest_people(definition, today=self._one.today)
        if edge is None or window.since >= edge:
            return asked
        people = breakdowns.people_fields(definition)
        left_out = [name for name in asked if name in people]
        self._shared.say_once(
            f"{plan.name}: {', '.join(left_out)} stay empty before {edge}: with breakdowns, Meta "
            "tells them for 13 months only"
        )
        return tuple(name for name in asked if name not in people)

    def _read(self, request: ReportRequest, sink: RecordSink, pace: Pace) -> Steps[Pace]:
        """Read one window the way that worked before; the smallest one, if need be, by campaign."""
        reporting, refused = self._shared.reporting, self._shared.refused_fields
        is_smallest = is_one_bucket(request.window, request.definition.time_increment)
        if not (is_smallest and pace.by_campaign):
            if breakdowns.needs_report_run(request.definition):
                pace = replace(pace, report_run=True)
            try:
                return (
                    yield from surviving_report(
                        request, lambda asked: read_report(asked, sink, pace, reporting), refused
                    )
                )
            except TooMuchData:
                if not is_smallest or request.definition.level == "account":
                    raise
            yield from self._read_by_campaign(request, sink)
            return pace.with_campaigns()
        yield from self._read_by_campaign(request, sink)
        return pace.eased()

    def _read_by_campaign(self, request: ReportRequest, sink: RecordSink) -> Steps[None]:
        """Read one window campaign by campaign; which ones there are is asked with other fields."""
        refused = self._shared.refused_fields

        def read(asked: ReportRequest) -> Steps[None]:
            signs = refused.left(SIGNS_OF_LIFE, asked.account_id)
            return read_by_campaign(asked, sink, self._shared.reporting, signs=signs)

        yield from surviving_report(request, read, refused, besides=SIGNS_OF_LIFE)

    # What its rows tell of the account.

    def _learn(self, request: ReportRequest, sink: RecordSink) -> None:
        """Remember on which days there were rows, and what was spent on them."""
        definition, window = request.definition, request.window
        if self._one.activity.is_told_by(definition):
            self._one.activity.learn(window, sink.spend)
        told = self._shared.refused_fields.left(request.fields, request.account_id)
        if adds_up(definition) and "spend" in (told or request.fields):
            self._one.spend.note(definition.level, window, sink.spend)
