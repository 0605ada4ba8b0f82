"""Ad accounts: which ones this token may read, and what is known about them.

Two views are laid over each other: `/me/adaccounts` is what the (system) user is assigned to and
can read; the Business Manager's edges are what exists. An account in the second only is shared with
us, but nobody has assigned it to the system user: reading it is answered with "(#200) Ad account
owner has NOT grant ads_management or ads_read".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import ASSIGNED, UNASSIGNED, account_from
from tap_meta_partner.accounts.lists import (
    FURTHER,
    MINIMAL_FIELDS,
    NEEDS_MANAGEMENT,
    list_accounts,
)
from tap_meta_partner.accounts.wanted import in_shard, is_wanted
from tap_meta_partner.graph.errors import AccountUnreadable, MetaError, RequestRefused, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.graph.steps import Jitter, Steps
    from tap_meta_partner.settings.model import Settings

logger = logging.getLogger(__name__)


_LIST_REFUSED = Rule(
    family=RequestRefused,
    what="the token may not list ad accounts",
    advice="Generate the system user's token anew with the permission ads_read.",
)


_WITHOUT_FURTHER = "left empty, as Meta does not give it to this token: {}"


_WITHOUT_BUSINESS = (
    "the accounts at {} cannot be listed, so those that nobody assigned to the system user are not "
    "named"
)


#: What is withheld, if not from a token (which is named by its label).
ABOUT_BUSINESS, _ABOUT_COLUMNS = "business_id", "ad_accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Something that Meta did not show, though it showed the rest; its text is a line for the log.

    Attributes:
        about: a token's label, `business_id` or `ad_accounts`.
        what: what is the matter, without a final stop where advice follows.
        advice: what to do, or nothing.
    """

    about: str
    what: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.about}: {self.what}" + (f". {self.advice}" if self.advice else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found.

    Attributes:
        accounts: wanted by the settings, sorted by id; unassigned ones among them.
        missing: ids named in `account_ids` that the token cannot see.
        seen: all ids that Meta listed, whatever the settings want.
        withheld: what Meta did not show; whoever asked has to say it.
        unlisted: why a token's accounts could not be listed, by the token's place.
    """

    accounts: tuple[AdAccount, ...] = ()
    missing: tuple[str, ...] = ()
    seen: frozenset[str] = frozenset()
    withheld: tuple[Withheld, ...] = ()
    unlisted: Mapping[int, str] = field(default_factory=dict)

    @property
    def readable(self) -> tuple[AdAccount, ...]:
        """Those whose insights can be asked for."""
        return tuple(account for account in self.accounts if account.access == ASSIGNED)


def discover(settings: Settings, *, further: bool, jitter: Jitter) -> Steps[Discovery]:
    """Find the ad accounts.

    Args:
        settings: which accounts are wanted, and our Business Manager's id if any.
        further: ask the fields that need more rights as well (for the `ad_accounts` table).
        jitter: see `retries.ask`.

    Raises:
        MetaError: no list could be read (one of several tokens may be dead).
    """
    withheld: list[Withheld] = []
    found, unlisted = yield from _readable_with_all_tokens(
        settings, withheld, further=further, jitter=jitter
    )
    live = min(set(range(len(settings.tokens))) - set(unlisted))
    if settings.business_id:
        for edge in ("owned_ad_accounts", "client_ad_accounts"):
            path = f"{settings.business_id}/{edge}"
            try:
                known = yield from list_accounts(path, MINIMAL_FIELDS, jitter, token=live)
            except MetaError as error:
                withheld.append(
                    _without(
                        ABOUT_BUSINESS, _WITHOUT_BUSINESS.format(path), error, NEEDS_MANAGEMENT
                    )
                )
                continue
            for account_id, raw in known.items():
                found.setdefault(account_id, account_from(raw, access=UNASSIGNED))
    wanted = sorted(
        (account for account in found.values() if is_wanted(account, settings)),
        key=lambda account: account.account_id,
    )
    named = [*settings.account_ids]
    named += [account_id for token in settings.tokens for account_id in token.account_ids]
    missing = tuple(
        account_id
        for account_id in dict.fromkeys(named)
        if account_id not in found and in_shard(account_id, settings)
    )
    return Discovery(
        accounts=tuple(wanted),
        missing=missing,
        seen=frozenset(found),
        withheld=tuple(withheld),
        unlisted=unlisted,
    )


def _readable_with_all_tokens(
    settings: Settings, withheld: list[Withheld], *, further: bool, jitter: Jitter
) -> Steps[tuple[dict[str, AdAccount], dict[int, str]]]:
    """List what each token can read; an account that two can read belongs to the first.

    Returns:
        The accounts by id, and why a token could list none, by the token's place.

    Raises:
        MetaError: none of them could.
    """
    found: dict[str, AdAccount] = {}
    unlisted: dict[int, str] = {}
    for index, token in enumerate(settings.tokens):
        try:
            raws = yield from _readable(index, withheld, further=further, jitter=jitter)
        except MetaError as error:
            unlisted[index] = f"{token.label}: {error.reason}"
            if len(unlisted) == len(settings.tokens):
                # The error is the last token's; nobody is given what became of the others.
                for what in withheld:
                    logger.warning("%s", what)
                raise
            reason = f"its accounts cannot be read: {error.reason}"
            withheld.append(Withheld(about=token.label, what=reason))
            continue
        for account_id, raw in raws.items():
            if token.account_ids and account_id not in token.account_ids:
                continue
            known = found.get(account_id)
            if known:
                tokens = (*known.other_tokens, index)
                found[account_id] = replace(known, other_tokens=tokens)
            else:
                found[account_id] = account_from(raw, access=ASSIGNED, token=index)
    return found, unlisted


def _readable(
    token: int, withheld: list[Withheld], *, further: bool, jitter: Jitter
) -> Steps[dict[str, dict[str, Any]]]:
    try:
        raws = yield from list_accounts(
            "me/adaccounts", MINIMAL_FIELDS, jitter, token=token, is_needed=True
        )
    except AccountUnreadable as error:
        # Not one client's account but the token's own list: nothing for a client to do.
        raise RequestRefused(error.fault, _LIST_REFUSED) from None
    if further and raws:
        for tier in FURTHER:
            try:
                more = yield from list_accounts("me/adaccounts", tier.fields, jitter, token=token)
            except MetaError as error:
                # Whatever it is, it costs these columns. Where the token is dead, the next call
                # that needs an answer tells.
                without = _WITHOUT_FURTHER.format(tier.columns)
                withheld.append(_without(_ABOUT_COLUMNS, without, error, tier.advice))
                continue
            for account_id, raw in raws.items():
                raw.update(more.get(account_id, {}))
    return raws


def _without(about: str, without: str, error: MetaError, advice: str) -> Withheld:
    """Say what the run does `without`, and what helps where a permission is missing."""
    is_refused = isinstance(error, (AccountUnreadable, RequestRefused))
    return Withheld(
        about=about,
        what=f"{without}: {error.fault}",
        advice=advice if is_refused else error.rule.advice,
    )
