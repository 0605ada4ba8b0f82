"""Days on which an ad account did nothing: one question finds them, a second one confirms them.

An empty answer that Meta gave by mistake must not close a client's whole history. Most idle days
are asked about again by the next nights' lookback. Those that are not, as they lie further back
and were never delivered, are believed to be idle only when the level below has no rows either.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import ALL_DAYS
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    RequestRefused,
    TooMuchData,
)
from tap_meta_partner.planning.activity import ActiveDays, is_asked_again
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.request import SIGNS_OF_LIFE, ReportRequest
from tap_meta_partner.reports.surviving import surviving_report
from tap_meta_partner.settings.model import ReportDefinition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.planning.open_days import OpenDays
    from tap_meta_partner.sync.outcomes import Outcomes
    from tap_meta_partner.sync.shared import OneAccount

logger = logging.getLogger(__name__)

#: No stream can have this name: what is refused of it says nothing of any.
LOOK_FOR_LIFE = "the look for activity"

_NAME = "activity"
#: Without an answer each stream asks for itself.
_ABOUT_THE_QUESTION = (AccountUnreadable, KeptFailing, RequestRefused, TooMuchData)


def look_for_life(
    opened: Sequence[tuple[ReportDefinition, OpenDays]], one: OneAccount, outcomes: Outcomes
) -> Steps[None]:
    """Find out, with one account-level call, on which days anything happened.

    Where the account-level stream is read anyway over the same days, its own rows tell.

    Args:
        opened: each insights stream's definition and open days, the account-level one first.
        one: the account; its `activity` learns.
        outcomes: judges what the call meets.
    """
    if outcomes.gone or len(opened) < 2 or not one.shared.may_begin():  # noqa: PLR2004  (several)
        return
    for stretch in one.activity.unknown_stretches(opened):
        yield from outcomes.of_shortcut(LOOK_FOR_LIFE, partial(_ask_for_life, stretch, one))
        if outcomes.gone:
            return


def _ask_for_life(stretch: DateWindow, one: OneAccount) -> Steps[None]:
    """Ask on which days of a stretch the account has rows, and let its `activity` learn it."""
    days = ActiveDays()
    yield from _ask("account", 1, stretch, one, days)
    one.activity.learn(stretch, days.spend)
    one.spend.note("account", stretch, days.spend)


class IdleDays:
    """Which days one stream of an ad account need not be asked for, as nothing happened on them."""

    def __init__(self, definition: ReportDefinition, bookmark: Bookmark, one: OneAccount) -> None:
        self._definition = definition
        #: As it was when the run began.
        self._bookmark = bookmark
        self._one = one
        self._doubted: DateWindow | None = None

    def holds(self, window: DateWindow) -> Steps[bool]:
        """Tell whether nothing happened in a window, as far as that may be believed.

        Raises:
            MetaError: what is about more than the question: the token, or nobody answers.
        """
        if not self._one.activity.is_idle(self._definition, window):
            return False
        return self._is_asked_again(window) or (yield from _is_confirmed(window, self._one))

    def is_believed(self, window: DateWindow, left: DateWindow | None) -> Steps[bool]:
        """Tell whether a window without rows is believed; if not, it is to be asked once more.

        Of the account level, that is: what is left is looked at as a whole then, and years in which
        nothing happened take two calls more.

        Args:
            window: what was asked, without a row.
            left: the open days beside it.

        Raises:
            MetaError: what is about more than the question: the token, or nobody answers.
        """
        activity = self._one.activity
        if self._doubted == window or not activity.is_told_by(self._definition):
            return True
        if left and not self._is_asked_again(window) and not activity.knows(left):
            yield from _look_ahead(left, self._one)
        believed = yield from self.holds(window)
        self._doubted = None if believed else window
        return believed

    def _is_asked_again(self, window: DateWindow) -> bool:
        return is_asked_again(window, self._bookmark, self._definition, today=self._one.today)


def _look_ahead(stretch: DateWindow, one: OneAccount) -> Steps[None]:
    """Ask for the activity of days to come in one call, where those before had none."""
    try:
        yield from _ask_for_life(stretch, one)
    except _ABOUT_THE_QUESTION as error:
        logger.info("account %s: %s unknown (%s)", one.account, LOOK_FOR_LIFE, error)


def _is_confirmed(window: DateWindow, one: OneAccount) -> Steps[bool]:
    """Tell whether the level below has no rows in a window either.

    One call for all idle days around it. If it has rows, or cannot be asked, what was learnt of
    those days is forgotten: each stream asks for itself.
    """
    activity = one.activity
    if activity.is_confirmed(window):
        return True
    idle, below = activity.idle_around(window), ActiveDays()
    try:
        yield from _ask("campaign", ALL_DAYS, idle, one, below)
    except _ABOUT_THE_QUESTION as error:
        logger.info("account %s: whether %s was idle is unknown (%s)", one.account, idle, error)
        activity.forget(idle)
        return False
    if below.spend:
        logger.warning(
            "account %s: the account has no numbers from %s to %s, but its campaigns have. Each "
            "stream is asked for these days",
            one.account,
            idle.since,
            idle.until,
        )
        activity.forget(idle)
        return False
    activity.confirm(idle)
    return True


def _ask(
    level: str, increment: int | str, stretch: DateWindow, one: OneAccount, days: ActiveDays
) -> Steps[None]:
    definition = ReportDefinition(
        name=_NAME,
        level=level,
        time_increment=increment,
        action_attribution_windows=one.activity.attribution,
    )
    request = ReportRequest(
        definition=definition,
        fields=SIGNS_OF_LIFE,
        account_id=one.account.account_id,
        window=stretch,
    )
    yield from surviving_report(
        request,
        lambda asked: read_report(asked, days, Pace(), one.shared.reporting),
        one.shared.refused_of(definition.name),
        one.shared.reporting.jitter,
    )
