"""Whose turn it is: the oldest data first; and which accounts cannot be read at all."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import ASSIGNED
from tap_meta_partner.accounts.wanted import in_shard
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.sync.account import sync_account
from tap_meta_partner.sync.events import Outcome, StreamResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.accounts.discovery import Discovery
    from tap_meta_partner.settings.model import Settings
    from tap_meta_partner.sync.shared import Bookmarks, Plan, Shared

_UNASSIGNED = (
    "shared with the Business Manager, but not assigned to the system user: assign it in Business "
    "settings > System users > Assign assets (View performance)"
)

_UNKNOWN = (
    "not among the accounts the token can read: check the id in account_ids, and that the account "
    "is shared and assigned to the system user"
)

_LOST = (
    "no longer among the accounts the token can read, which is how a withdrawn share looks: ask "
    "the client to share it again, or remove it from account_ids"
)


def lanes_for(
    accounts: Sequence[AdAccount],
    plans: Sequence[Plan],
    bookmarks: Bookmarks,
    shared: Shared,
    today_of: Callable[[AdAccount], dt.date],
) -> list[Lane]:
    """Make a lane for each account, the one whose data is oldest first.

    Args:
        accounts: those that can be read.
        plans: the streams wanted, in any order.
        bookmarks: what has been delivered before, by stream and account id.
        shared: what holds for all accounts.
        today_of: tells an account's own today.
    """
    ordered = sorted(plans, key=lambda plan: plan.turn)
    kept = [plan.name for plan in plans if plan.keeps_bookmark]

    def oldest(account: AdAccount) -> tuple[dt.date, str]:
        days = [_last_day(bookmarks, name, account.account_id) or dt.date.min for name in kept]
        return min(days, default=dt.date.min), account.account_id

    return [
        Lane(
            name=str(account),
            account_id=account.account_id,
            token=account.token,
            steps=sync_account(
                account,
                today_of(account),
                ordered,
                {plan.name: bookmarks[plan.name].get(account.account_id) for plan in plans},
                shared,
            ),
        )
        for account in sorted(accounts, key=oldest)
    ]


def not_readable(
    found: Discovery, plans: Sequence[Plan], bookmarks: Bookmarks, settings: Settings
) -> Iterator[StreamResult]:
    """Say which accounts cannot be read: known to the business only, or gone.

    Args:
        found: the accounts that the tokens can read, and those they cannot.
        plans: the streams wanted; each has a result.
        bookmarks: tell which accounts have been read before.
        settings: tell which of them are wanted still.
    """
    for account in found.accounts:
        if account.access != ASSIGNED:
            for plan in plans:
                yield _result(account.account_id, account.name, plan, Outcome.SKIPPED, _UNASSIGNED)
    gone = dict.fromkeys(found.missing)
    for plan in plans:
        gone |= dict.fromkeys(
            account_id
            for account_id in bookmarks[plan.name]
            if _is_lost(account_id, found, settings)
        )
    for account_id in gone:
        for plan in plans:
            day = _last_day(bookmarks, plan.name, account_id)
            reason = f"{_LOST}; its last day is {day}" if day else _UNKNOWN
            yield _result(account_id, "", plan, Outcome.LOST, reason)


def _is_lost(account_id: str, found: Discovery, settings: Settings) -> bool:
    return (
        account_id not in found.seen
        and account_id not in settings.exclude_account_ids
        and (not settings.account_ids or account_id in settings.account_ids)
        and in_shard(account_id, settings)
    )


def _last_day(bookmarks: Bookmarks, stream: str, account_id: str) -> dt.date | None:
    bookmark = bookmarks[stream].get(account_id)
    return bookmark.last_day if bookmark else None


def _result(account_id: str, name: str, plan: Plan, kind: Outcome, reason: str) -> StreamResult:
    return StreamResult(
        account_id=account_id, account_name=name, stream=plan.name, result=kind, reason=reason
    )
