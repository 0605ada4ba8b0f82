"""Asking, once a run, what an ad account's days are like as a whole, to spare the levels below."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    RequestRefused,
    TooMuchData,
)
from tap_meta_partner.insights.columns import fields_to_ask
from tap_meta_partner.planning.account_days import (
    AccountDays,
    days_of,
    may_be_spared,
    moving,
    spared_stretches,
)
from tap_meta_partner.planning.digests import maker_of, worth_keeping
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.request import SIGNS_OF_LIFE, ReportRequest
from tap_meta_partner.reports.surviving import surviving_report
from tap_meta_partner.settings.model import ReportDefinition

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping
    from typing import Any

    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.insights.plan import InsightsPlan
    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.sync.shared import OneAccount, Shared

logger = logging.getLogger(__name__)

#: No stream can have this name: what is refused of it says nothing of any.
LOOK_AT_DAYS = "the look at the account's days"

_ABOUT_THE_QUESTION = (AccountUnreadable, KeptFailing, RequestRefused, TooMuchData)


@dataclass(slots=True)
class DaysNow:
    """What one ad account's days are like in this run.

    Attributes:
        plans: the insights streams that it could spare calls.
        of: what the answer was made of; empty until it is there.
        days: the digest of each day asked for.
    """

    plans: tuple[InsightsPlan, ...] = ()
    of: str = ""
    days: Mapping[dt.date, str] = field(default_factory=dict)
    _was_asked: bool = False

    def look(self, window: DateWindow, account_id: str, shared: Shared) -> Steps[None]:
        """Ask for the days of a window, unless they were asked for before.

        Where Meta does not answer, every stream reads all its days.

        Raises:
            MetaError: what is about more than the question: the token, or nobody answers.
        """
        if self._was_asked:
            return
        self._was_asked = True
        definition = ReportDefinition(
            name=LOOK_AT_DAYS,
            level="account",
            action_attribution_windows=_windows(self.plans),
        )
        request = ReportRequest(
            definition=definition,
            fields=_fields(self.plans, shared.settings.api_version),
            account_id=account_id,
            window=window,
        )
        rows = _Rows()
        refused = shared.refused_of(LOOK_AT_DAYS)
        try:
            yield from surviving_report(
                request,
                lambda asked: read_report(asked, rows, Pace(), shared.reporting),
                refused,
                shared.reporting.jitter,
            )
        except _ABOUT_THE_QUESTION as error:
            logger.info("account %s: %s is not possible (%s)", account_id, LOOK_AT_DAYS, error)
            return
        asked = refused.left(request.fields, account_id)
        self.of = maker_of(asked, definition.action_attribution_windows)
        self.days = days_of(rows.rows, window)


class ComparedDays:
    """Which open days one stream need not read, as the account has not changed on them.

    Args:
        plan: the stream.
        maker: what makes its rows.
        one: the account; its `days_now` is asked for once.
    """

    def __init__(self, plan: InsightsPlan, maker: str, one: OneAccount) -> None:
        self._plan = plan
        self._maker = maker
        self._one = one
        self._since = worth_keeping(plan.definition, one.today)

    def spared(self, bookmark: Bookmark, forward: DateWindow | None) -> Steps[list[DateWindow]]:
        """Return the stretches of open days that are not read in this run.

        Raises:
            MetaError: what is about more than the question: the token, or nobody answers.
        """
        one, definition = self._one, self._plan.definition
        if self._plan not in one.days_now.plans or forward is None or self._since is None:
            return []
        recent = DateWindow(max(self._since, forward.since), forward.until)
        if one.activity.is_idle(definition, recent):
            return []
        yield from one.days_now.look(recent, one.account.account_id, one.shared)
        if not self._knows:
            return []
        days = one.days_now.days
        found = spared_stretches(bookmark, days, self._of, forward, today=one.today)
        if found:
            logger.info(
                "%s, account %s: %d of %d days are not read again, as the account has not changed "
                "on them",
                self._plan.name,
                one.account,
                sum(stretch.days for stretch in found),
                forward.days,
            )
        return found

    def closed(self, bookmark: Bookmark, window: DateWindow) -> AccountDays:
        """Return what is to be kept of the account's days after a window was read."""
        if not self._knows:
            return AccountDays()
        days = self._one.days_now.days
        return bookmark.account_days.closed(window, days, self._of, since=self._since)

    def all_read(self, bookmark: Bookmark) -> Bookmark:
        """Return the bookmark after all open days were read."""
        if not self._knows:
            return bookmark
        whole = replace(bookmark.account_days, whole=self._one.today)
        return replace(bookmark, account_days=whole)

    @property
    def _knows(self) -> bool:
        return self._plan in self._one.days_now.plans and bool(self._one.days_now.of)

    @property
    def _of(self) -> str:
        return maker_of(self._maker, self._one.days_now.of)


class _Rows:
    """A sink that keeps the rows: one for each day."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def begin(self, part: str = "") -> None:  # noqa: ARG002
        """Forget the rows so far."""
        self.rows.clear()

    def page(self, rows: list[dict[str, Any]]) -> None:
        """Take one page."""
        self.rows += rows


def spares(plans: Iterable[InsightsPlan], shared: Shared) -> tuple[InsightsPlan, ...]:
    """Return the streams to which the account's days can spare calls; none unless wanted."""
    if shared.settings.reread == "all":
        return ()
    return tuple(plan for plan in plans if may_be_spared(plan.definition))


def _fields(plans: Iterable[InsightsPlan], api_version: str) -> tuple[str, ...]:
    asked = [
        name
        for plan in plans
        for name in moving(fields_to_ask(plan.columns, api_version=api_version))
    ]
    return tuple(dict.fromkeys((*SIGNS_OF_LIFE, *asked)))


def _windows(plans: Iterable[InsightsPlan]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(each for plan in plans for each in plan.definition.action_attribution_windows)
    )
