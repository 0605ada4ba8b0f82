"""What all ad accounts of a run share, and what the streams of one of them do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.request import StatusesAbove, Unavailable
from tap_meta_partner.graph.refused_fields import RefusedFields
from tap_meta_partner.sync.account_days import DaysNow
from tap_meta_partner.sync.evidence import Evidence
from tap_meta_partner.sync.held_days import Room
from tap_meta_partner.sync.reconciliation import Spend

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from typing import TypeAlias

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
    from tap_meta_partner.dimensions.request import DimensionPlan
    from tap_meta_partner.insights.plan import InsightsPlan
    from tap_meta_partner.planning.activity import Activity
    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.reports.request import Reporting
    from tap_meta_partner.settings.model import Settings

logger = logging.getLogger(__name__)

TIME_IS_OVER = "the time for this run was over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What holds for all accounts of a run.

    Attributes:
        utc_now: the present moment, for `read_at`.
        may_begin: tells whether a new window may still be begun.
        why_over: says why none may be begun any more.
        evidence: what the accounts were answered so far.
        refused_fields: what Meta refused of a report, by its name.
        said: what is true of all accounts, and was said once.
        said_fields: the fields of which it was said that Meta refuses them.
        room: what the windows under way hold of days that may be unchanged.
    """

    settings: Settings
    reporting: Reporting
    utc_now: Callable[[], dt.datetime]
    may_begin: Callable[[], bool]
    why_over: Callable[[], str] = lambda: TIME_IS_OVER
    evidence: Evidence = field(default_factory=Evidence)
    refused_fields: dict[str, RefusedFields] = field(default_factory=dict)
    unavailable: Unavailable = field(default_factory=Unavailable)
    said: set[str] = field(default_factory=set)
    said_fields: set[str] = field(default_factory=set)
    room: Room = field(default_factory=Room)

    def refused_of(self, report: str) -> RefusedFields:
        """Return the fields that Meta refuses of a report, by ad account."""
        return self.refused_fields.setdefault(report, RefusedFields(report, self.said_fields))

    def say_once(self, text: str) -> None:
        """Log what is true of all accounts."""
        if text not in self.said:
            self.said.add(text)
            logger.info("%s", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneAccount:
    """One ad account in this run, and what its streams have found out so far.

    Attributes:
        today: the account's own today, fixed for the run.
        activity: the days on which anything happened.
        days_now: what the account as a whole is like on its days, where that is compared.
        named: the ids that rows name, by column: objects that a dimension has to have.
        spend: what the levels spent, to be compared at the end.
        above: the statuses of campaigns and ad sets, which decide those of ads.
    """

    account: AdAccount
    today: dt.date
    shared: Shared
    activity: Activity
    named: dict[str, set[str]]
    spend: Spend = field(default_factory=Spend)
    days_now: DaysNow = field(default_factory=DaysNow)
    above: StatusesAbove = field(default_factory=StatusesAbove)


#: By stream, then by account id.
Bookmarks: TypeAlias = Mapping[str, Mapping[str, "Bookmark | DimensionBookmark"]]


Plan: TypeAlias = "InsightsPlan | DimensionPlan"
