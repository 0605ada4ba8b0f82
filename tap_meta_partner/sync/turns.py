"""Whose turn it is, and which accounts cannot be read at all.

The oldest data goes first, but behind all others whoever failed the last time: a client that fails
every night has the oldest data, and would be the first to be asked, and to be believed.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import ASSIGNED
from tap_meta_partner.accounts.discovery import Discovery
from tap_meta_partner.accounts.wanted import in_shard
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.sync.account import sync_account
from tap_meta_partner.sync.events import Outcome, StreamResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_meta_partner.accounts.ad_account import AdAccount
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

_UNLISTED = (
    "not among the accounts that the other tokens can read, and this token's could not be listed: "
    "{}"
)

_LOST = (
    "no longer among the accounts the token can read, which is how a withdrawn share looks: ask "
    "the client to share it again, or remove it from account_ids"
)


_NEVER = dt.datetime.min.replace(tzinfo=dt.timezone.utc)


def lanes_for(
    accounts: Sequence[AdAccount],
    plans: Sequence[Plan],
    bookmarks: Bookmarks,
    shared: Shared,
    today_of: Callable[[AdAccount], dt.date],
) -> list[Lane]:
    """Make a lane for each account, in their turns.

    Args:
        accounts: those that can be read.
        plans: the streams wanted, in any order.
        bookmarks: what has been delivered before, by stream and account id.
        shared: what holds for all accounts.
        today_of: tells an account's own today.
    """
    ordered = sorted(plans, key=lambda plan: plan.turn)
    kept = [plan.name for plan in plans if plan.keeps_bookmark]

    def turn(account: AdAccount) -> tuple[dt.datetime, dt.date, str]:
        days = [_last_day(bookmarks, name, account.account_id) or dt.date.min for name in kept]
        troubles = [_trouble(bookmarks, plan.name, account.account_id) for plan in plans]
        # Of those in trouble first who has waited longest: not all need be asked in a run.
        last_trouble = max(filter(None, troubles), default=_NEVER)
        return last_trouble, min(days, default=dt.date.min), account.account_id

    return [
        Lane(
            name=str(account),
            account_id=account.account_id,
            steps=sync_account(
                account,
                today_of(account),
                ordered,
                {plan.name: bookmarks[plan.name].get(account.account_id) for plan in plans},
                shared,
            ),
        )
        for account in sorted(accounts, key=turn)
    ]


def troubled(
    accounts: Sequence[AdAccount], plans: Sequence[Plan], bookmarks: Bookmarks
) -> dict[str, frozenset[str]]:
    """Return the ids of accounts that failed or could not be read the last time, by stream."""
    return {
        plan.name: frozenset(
            account.account_id
            for account in accounts
            if _trouble(bookmarks, plan.name, account.account_id)
        )
        for plan in plans
    }


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
            # Where nothing was delivered, nothing is lost.
            if _last_day(bookmarks, plan.name, account_id) and _is_lost(account_id, found, settings)
        )
    for account_id in gone:
        trouble = _token_trouble(account_id, found, settings)
        for plan in plans:
            if trouble:
                reason = _UNLISTED.format(trouble)
                yield _result(account_id, "", plan, Outcome.SKIPPED, reason)
                continue
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


def never_asked(
    plans: Sequence[Plan], bookmarks: Bookmarks, settings: Settings, reason: str
) -> Iterator[StreamResult]:
    """Say of all accounts known from earlier runs that this one did not get to them, and why."""
    none = Discovery()
    known = {account_id for plan in plans for account_id in bookmarks[plan.name]}
    for account_id in sorted(known):
        if _is_lost(account_id, none, settings):
            for plan in plans:
                yield _result(account_id, "", plan, Outcome.UNFINISHED, reason)


def _token_trouble(account_id: str, found: Discovery, settings: Settings) -> str | None:
    """Return why a token that may be the account's could not list accounts; None if all could."""
    for place, reason in found.unlisted.items():
        only = settings.tokens[place].account_ids
        if not only or account_id in only:
            return reason
    return None


def _trouble(bookmarks: Bookmarks, stream: str, account_id: str) -> dt.datetime | None:
    bookmark = bookmarks[stream].get(account_id)
    return bookmark.trouble if bookmark else None


def _last_day(bookmarks: Bookmarks, stream: str, account_id: str) -> dt.date | None:
    bookmark = bookmarks[stream].get(account_id)
    return bookmark.last_day if bookmark else None


def _result(account_id: str, name: str, plan: Plan, kind: Outcome, reason: str) -> StreamResult:
    return StreamResult(
        account_id=account_id, account_name=name, stream=plan.name, result=kind, reason=reason
    )
