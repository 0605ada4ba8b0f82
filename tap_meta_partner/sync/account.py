"""One ad account's way through a run: its streams, their open days, what was read, what was not.

For each stream, plan its windows, ask for each, hand the rows on, close the window. Written as
steps (`graph/steps.py`): it yields calls and pauses for whoever drives it, and events for whoever
writes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import account_zone
from tap_meta_partner.days.history import history_edge
from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.dimensions.history import changes
from tap_meta_partner.dimensions.looking_up import look_up
from tap_meta_partner.dimensions.reading import read_dimension
from tap_meta_partner.dimensions.request import DimensionPlan, DimensionReading, DimensionRequest
from tap_meta_partner.dimensions.tables import history_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.activity import Activity
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.settings.words import DEFAULT_HISTORY_DAYS
from tap_meta_partner.sync.account_days import DaysNow, spares
from tap_meta_partner.sync.events import BookmarkMoved, Outcome, Rows
from tap_meta_partner.sync.idle_days import look_for_life
from tap_meta_partner.sync.outcomes import Outcomes, ensure_may_begin
from tap_meta_partner.sync.record_sink import note_named
from tap_meta_partner.sync.shared import TIME_IS_OVER, OneAccount
from tap_meta_partner.sync.stream import StreamReading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.sync.events import StreamResult
    from tap_meta_partner.sync.shared import Plan, Shared

_LOOK_AT_THEM = (
    "Look at them in Ads Manager: what they show may have been deleted. The tap tries again with "
    "the next run."
)


def sync_account(
    account: AdAccount,
    today: dt.date,
    plans: Sequence[Plan],
    bookmarks: Mapping[str, Any],
    shared: Shared,
) -> Steps[None]:
    """Read one ad account in all streams: its insights, then what these are joined to.

    Args:
        account: whose rows.
        today: the account's own today, fixed for the run.
        plans: the streams wanted; the account-level one first, if any, and campaigns before ads.
        bookmarks: by stream, a `Bookmark` or a `DimensionBookmark`; None before the first.
        shared: what holds for all accounts.

    Yields:
        An `Event` each: `Rows`, `BookmarkMoved` behind them, for each stream one `StreamResult`,
        and a `Discrepancy` where the levels do not add up; beside calls and pauses.
    """
    insights = [plan for plan in plans if isinstance(plan, InsightsPlan)]
    # After them it is known what their rows name.
    dimensions = [plan for plan in plans if isinstance(plan, DimensionPlan)]
    one = OneAccount(
        account=account,
        today=today,
        shared=shared,
        activity=Activity(plan.definition for plan in insights),
        days_now=DaysNow(spares(insights, shared)),
        named={each.dimension.named_by: set() for each in dimensions if each.dimension.named_by},
    )
    outcomes = Outcomes(account, shared)
    readings: list[StreamReading] = []
    for plan in insights:
        try:
            readings.append(StreamReading(plan, bookmarks[plan.name] or Bookmark(), one))
        except Exception as error:  # noqa: BLE001  (as in `Outcomes.of`)
            result = outcomes.failure(plan.name, error)
            yield from _trouble(result, bookmarks.get(plan.name) or Bookmark(), shared)
            yield result
    opened = [(reading.plan.definition, reading.opened) for reading in readings]
    yield from look_for_life(opened, one, outcomes)
    for reading in readings:
        result = yield from outcomes.of(reading.plan.name, reading.read)
        kept = outcomes.witness.moved or bookmarks[reading.plan.name] or Bookmark()
        yield from _trouble(result, kept, shared)
        yield reading.told(result)
    for each in dimensions:
        objects = _Objects()
        before = bookmarks[each.name] or DimensionBookmark()
        read = partial(_read_objects, each, before, one, objects)
        result = objects.told((yield from outcomes.of(each.name, read)))
        yield from _trouble(result, outcomes.witness.moved or before, shared)
        yield result
    discrepancy = one.spend.discrepancy(account, today=today)
    if discrepancy:
        yield discrepancy


def _trouble(
    result: StreamResult, bookmark: Bookmark | DimensionBookmark, shared: Shared
) -> Iterator[BookmarkMoved]:
    """Keep beside the bookmark whether an account is in trouble with a stream.

    Whom the run's time did not suffice for has waited its turn, and is not put last again.
    """
    if shared.evidence.nobody_answers:
        return
    trouble = bookmark.trouble
    match result.result:
        case Outcome.FAILED | Outcome.SKIPPED:
            trouble = shared.utc_now()
        case Outcome.DELIVERED | Outcome.INCOMPLETE:
            trouble = None
        case Outcome.UNFINISHED if shared.why_over() == TIME_IS_OVER:
            trouble = None
        case Outcome.UNFINISHED | Outcome.NOT_TRIED | Outcome.LOST:
            return
    if trouble != bookmark.trouble:
        moved = replace(bookmark, trouble=trouble)
        yield BookmarkMoved(result.account_id, result.stream, moved)


@dataclass(slots=True)
class _Objects:
    """What was handed on of one dimension, and what Meta did not give of it."""

    rows: int = 0
    missing: str = ""

    def told(self, result: StreamResult) -> StreamResult:
        """Return the stream's result with what is known of its objects."""
        if self.missing and result.result is Outcome.DELIVERED:
            reason = f"{self.missing}. {_LOOK_AT_THEM}"
            result = replace(result, result=Outcome.INCOMPLETE, reason=reason)
        return replace(result, rows=self.rows)


def _read_objects(
    plan: DimensionPlan, bookmark: DimensionBookmark, one: OneAccount, objects: _Objects
) -> Steps[None]:
    """Read the objects of one dimension, then those that rows name and Meta does not list."""
    account, shared = one.account, one.shared
    ensure_may_begin(shared)
    request = DimensionRequest(
        dimension=plan.dimension,
        columns=plan.columns,
        account_id=account.account_id,
        currency=account.currency,
        statuses=shared.settings.effective_status,
        start=_start(one) if plan.dimension.is_log else None,
    )

    # A history that has nothing yet begins with all objects.
    known = bookmark
    if plan.history and not bookmark.has_history:
        known = replace(bookmark, full_at=None)

    def hand_on(dimension: str, records: list[dict[str, Any]]) -> Iterator[Rows]:
        # Ads name creatives, which are read after them.
        note_named(one.named, records)
        if plan.rows is None or plan.rows:
            objects.rows += len(records)
            yield Rows(account.account_id, dimension, _only(records, plan.rows))
        new = changes(records, known) if plan.history else []
        if plan.rows is not None and not plan.rows:
            objects.rows += len(new)
        if new:
            yield Rows(account.account_id, history_of(dimension), _only(new, plan.history))

    reading = DimensionReading(
        jitter=shared.reporting.jitter,
        utc_now=shared.utc_now,
        on_page=hand_on,
        unavailable=shared.unavailable,
    )
    while True:
        read = yield from read_dimension(request, known, one.above, reading)
        objects.missing = read.missing
        named = one.named.get(plan.dimension.named_by or "", ())
        looked_up = yield from look_up(request, named, read, reading)
        moved = replace(looked_up.bookmark, has_history=bool(plan.history))
        yield BookmarkMoved(account.account_id, plan.name, moved)
        if read.rest is None:
            return
        ensure_may_begin(shared)
        request = replace(request, rest=read.rest, longest=read.longest)
        known = moved


def _start(one: OneAccount) -> dt.datetime:
    """Return where what happened in an account is read from, of which nothing has been read."""
    default = one.today - dt.timedelta(days=DEFAULT_HISTORY_DAYS)
    day = max(one.shared.settings.start_date or default, history_edge(one.today))
    zone = account_zone(one.account.timezone_name, one.account.timezone_offset_hours)
    return dt.datetime.combine(day, dt.time(), tzinfo=zone).astimezone(dt.timezone.utc)


def _only(records: list[dict[str, Any]], columns: frozenset[str] | None) -> list[dict[str, Any]]:
    """Return records with these columns alone; as they are where None."""
    if columns is None:
        return records
    return [{name: record[name] for name in record if name in columns} for record in records]
