"""Whose turn it is: the oldest data first; and which accounts cannot be read at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.dimensions.tables import DIMENSIONS
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.sync.events import StreamResult

if TYPE_CHECKING:
    import datetime as dt

    from tap_meta_partner.sync.events import Outcome
    from tap_meta_partner.sync.shared import Plan

UNASSIGNED = (
    "shared with the Business Manager, but not assigned to the system user: assign it in Business "
    "settings > System users > Assign assets (View performance)"
)


UNKNOWN = (
    "not among the accounts the token can read: check the id in account_ids, and that the account "
    "is shared and assigned to the system user"
)


_LOST = (
    "no longer among the accounts the token can read, which is how a withdrawn share looks: ask "
    "the client to share it again, or remove it from account_ids"
)


_WIDEST_FIRST = ("account", "campaign", "adset", "ad")


def new(plan: Plan) -> Bookmark | DimensionBookmark:
    """Return the bookmark of an account that has none yet."""
    return Bookmark() if isinstance(plan, InsightsPlan) else DimensionBookmark()


def last_day(bookmark: Bookmark | DimensionBookmark | None) -> dt.date | None:
    """Return the last day of which something was delivered."""
    if isinstance(bookmark, Bookmark):
        return bookmark.day
    return bookmark.read_at.date() if bookmark and bookmark.read_at else None


def widest_first(plan: Plan) -> int:
    """Order streams: the account level first, as it tells which days are idle; dimensions last.

    Of these, campaigns and ad sets come before the ads whose statuses they decide.
    """
    if isinstance(plan, InsightsPlan):
        return _WIDEST_FIRST.index(plan.definition.level)
    return len(_WIDEST_FIRST) + tuple(DIMENSIONS).index(plan.name)


def _result(account_id: str, name: str, plan: Plan, kind: Outcome, reason: str) -> StreamResult:
    return StreamResult(
        account_id=account_id, account_name=name, stream=plan.name, result=kind, reason=reason
    )
