"""Ad accounts: which ones this token may read, and what is known about them.

Two views are laid over each other: `/me/adaccounts` is what the (system) user is assigned to and
can read; the Business Manager's edges are what exists. An account in the second only is shared with
us, but nobody has assigned it to the system user: reading it is answered with "(#200) Ad account
owner has NOT grant ads_management or ads_read".
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_meta_partner.client import Call
from tap_meta_partner.errors import AccountUnreadable, RequestRefused, Rule, TokenRefused
from tap_meta_partner.pages import Collected, read_pages
from tap_meta_partner.settings import ACCOUNT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_meta_partner.retries import Jitter, Steps
    from tap_meta_partner.settings import Settings

logger = logging.getLogger(__name__)

ASSIGNED, UNASSIGNED = "assigned", "unassigned"

#: Every token that may read an account may read these.
MINIMAL_FIELDS = (
    "id",
    "account_id",
    "name",
    "account_status",
    "currency",
    "timezone_name",
    "timezone_offset_hours_utc",
)
#: These can need more rights; one that is forbidden fails the whole call, so they are asked apart.
FURTHER_FIELDS = (
    "account_id",
    "disable_reason",
    "created_time",
    "amount_spent",
    "balance",
    "spend_cap",
    "min_daily_budget",
    "business{id,name}",
    "business_country_code",
    "business_state",
    "owner",
    "user_tasks",
)
#: In the smallest unit of the account's currency.
AMOUNTS = ("amount_spent", "balance", "spend_cap", "min_daily_budget")
#: Accounts per page; the smaller ones only after a page has failed.
_PAGE_SIZES = (200, 100, 50, 25)
_LIST_REFUSED = Rule(
    family=RequestRefused,
    what="the token may not list ad accounts",
    advice="Generate the system user's token anew with the permission ads_read.",
)
_WITHOUT_FURTHER = (
    "ad_accounts: further columns (business, owner, amounts …) stay empty, as Meta does not show "
    "them to this token"
)
_WITHOUT_BUSINESS = (
    "business_id: the accounts at {} cannot be listed, so those that nobody assigned to the system "
    "user are not named"
)

#: Currencies without a smaller unit: their minor-unit amounts are whole ones (Meta: "Currency
#: codes").
_NO_MINOR_UNIT = frozenset(
    ("CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND")
)
_MINOR_UNITS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AdAccount:
    """An ad account.

    Attributes:
        account_id: digits, without `act_`.
        access: `assigned` (it can be read) or `unassigned` (the business knows it, the user not).
        token: which of the settings' tokens reads it, counted from 0.
        raw: all that Meta told about it.
    """

    account_id: str
    name: str = ""
    status: int | None = None
    currency: str | None = None
    timezone_name: str | None = None
    timezone_offset_hours: float | None = None
    access: str = ASSIGNED
    token: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.account_id} ({self.name})" if self.name else self.account_id

    @property
    def status_name(self) -> str | None:
        """Meta's word for the status, or the code where the table has none."""
        return None if self.status is None else ACCOUNT_STATUSES.get(self.status, str(self.status))


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found.

    Attributes:
        accounts: wanted by the settings, sorted by id; unassigned ones among them.
        missing: ids named in `account_ids` that the token cannot see.
        seen: all ids that Meta listed, whatever the settings want.
    """

    accounts: tuple[AdAccount, ...] = ()
    missing: tuple[str, ...] = ()
    seen: frozenset[str] = frozenset()

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
    found, live = yield from _readable_with_all_tokens(settings, further=further, jitter=jitter)
    if settings.business_id:
        for edge in ("owned_ad_accounts", "client_ad_accounts"):
            path = f"{settings.business_id}/{edge}"
            known = yield from _list_if_allowed(
                path, MINIMAL_FIELDS, jitter, _WITHOUT_BUSINESS.format(path), live
            )
            for account_id, raw in known.items():
                found.setdefault(account_id, _account(raw, access=UNASSIGNED))
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
    return Discovery(accounts=tuple(wanted), missing=missing, seen=frozenset(found))


def _readable_with_all_tokens(
    settings: Settings, *, further: bool, jitter: Jitter
) -> Steps[tuple[dict[str, AdAccount], int]]:
    """List what each token can read; an account that two can read belongs to the first.

    Returns:
        The accounts by id, and the place of the first token that works.
    """
    found: dict[str, AdAccount] = {}
    dead: list[int] = []
    for index, token in enumerate(settings.tokens):
        try:
            raws = yield from _readable(index, further=further, jitter=jitter)
        except TokenRefused as error:
            dead.append(index)
            if len(dead) == len(settings.tokens):
                raise
            logger.warning("%s: its accounts cannot be read: %s", token.label, error.reason)
            continue
        for account_id, raw in raws.items():
            if not token.account_ids or account_id in token.account_ids:
                found.setdefault(account_id, _account(raw, access=ASSIGNED, token=index))
    return found, min(set(range(len(settings.tokens))) - set(dead))


def _readable(token: int, *, further: bool, jitter: Jitter) -> Steps[dict[str, dict[str, Any]]]:
    try:
        raws = yield from _list("me/adaccounts", MINIMAL_FIELDS, jitter, token)
    except AccountUnreadable as error:
        # Not one client's account but the token's own list: nothing for a client to do.
        raise RequestRefused(error.fault, _LIST_REFUSED) from None
    more = {}
    if further and raws:
        more = yield from _list_if_allowed(
            "me/adaccounts", FURTHER_FIELDS, jitter, _WITHOUT_FURTHER, token
        )
    return {account_id: {**raw, **more.get(account_id, {})} for account_id, raw in raws.items()}


def is_wanted(account: AdAccount, settings: Settings) -> bool:
    """Apply the settings' filters to one account."""
    return (
        (not settings.account_ids or account.account_id in settings.account_ids)
        and account.account_id not in settings.exclude_account_ids
        and (not settings.account_statuses or account.status_name in settings.account_statuses)
        and in_shard(account.account_id, settings)
    )


def in_shard(account_id: str, settings: Settings) -> bool:
    """Tell whether an account falls to this process."""
    return shard_of(account_id, settings.shard_count) == settings.shard_index


def shard_of(account_id: str, shard_count: int) -> int:
    """Return the shard of an account: the first 8 bytes of SHA-256 of its digits, modulo the count.

    This never changes between versions: each shard keeps its own state.
    """
    digest = hashlib.sha256(account_id.encode("ascii")).digest()
    return int.from_bytes(digest[:8], "big") % shard_count


def to_record(account: AdAccount) -> dict[str, Any]:
    """Turn an account into a record of the `ad_accounts` stream."""
    raw = account.raw
    business = raw.get("business") if isinstance(raw.get("business"), dict) else {}
    money: dict[str, Any] = {}
    for name in AMOUNTS:
        money[name] = _text(raw.get(name))
        money[f"{name}_major"] = major_units(raw.get(name), account.currency)
    return {
        "id": f"act_{account.account_id}",
        "account_id": account.account_id,
        "name": account.name or None,
        "account_status": account.status,
        "account_status_name": account.status_name,
        "disable_reason": _whole(raw.get("disable_reason")),
        "currency": account.currency,
        "timezone_name": account.timezone_name,
        "timezone_offset_hours_utc": raw.get("timezone_offset_hours_utc"),
        "created_time": _instant(raw.get("created_time")),
        **money,
        "business_id": _text((business or {}).get("id")),
        "business_name": _text((business or {}).get("name")),
        "business_country_code": _text(raw.get("business_country_code")),
        "business_state": _text(raw.get("business_state")),
        "owner": _text(raw.get("owner")),
        "user_tasks": raw.get("user_tasks"),
        "access": account.access,
    }


def major_units(amount: object, currency: str | None) -> Decimal | None:
    """Turn an account's amount (minor units, a numeric string) into whole units, exactly."""
    try:
        number = Decimal(str(amount)) if amount is not None else None
    except ArithmeticError:
        number = None
    if number is None or currency is None or not number.is_finite():
        return None
    return number if currency in _NO_MINOR_UNIT else number / _MINOR_UNITS


def _list(
    path: str, fields: Collection[str], jitter: Jitter, token: int = 0
) -> Steps[dict[str, dict[str, Any]]]:
    """Read a list of accounts, by id."""
    call = Call(path=path, params={"fields": ",".join(fields)}, token=token)
    found = Collected()
    yield from read_pages(call, found, jitter, sizes=_PAGE_SIZES, shrink_first=True)
    return {account_id: raw for raw in found.rows if (account_id := _account_id(raw))}


def _list_if_allowed(
    path: str, fields: Collection[str], jitter: Jitter, without: str, token: int = 0
) -> Steps[dict[str, dict[str, Any]]]:
    """Read a list that needs more rights; where they are missing say what one goes `without`."""
    try:
        found = yield from _list(path, fields, jitter, token)
    except (AccountUnreadable, RequestRefused) as error:
        logger.warning(
            "%s: %s. This needs the permission business_management.", without, error.fault
        )
        return {}
    return found


def _account(raw: Mapping[str, Any], *, access: str, token: int = 0) -> AdAccount:
    offset = raw.get("timezone_offset_hours_utc")
    return AdAccount(
        account_id=_account_id(raw),
        name=_text(raw.get("name")) or "",
        status=_whole(raw.get("account_status")),
        currency=_text(raw.get("currency")),
        timezone_name=_text(raw.get("timezone_name")),
        timezone_offset_hours=float(offset) if isinstance(offset, (int, float, Decimal)) else None,
        access=access,
        token=token,
        raw=raw,
    )


def _account_id(raw: Mapping[str, Any]) -> str:
    return str(raw.get("account_id") or raw.get("id") or "").removeprefix("act_")


def instant(value: object) -> dt.datetime:
    """Read one of Meta's times, 2021-02-11T01:00:00-0800, as UTC: some loaders drop the zone.

    Raises:
        ValueError, OverflowError: it is none (or is before the year 1, seen from Greenwich).
    """
    moment = dt.datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S%z")
    return moment.astimezone(dt.timezone.utc)


def _instant(value: object) -> str | None:
    try:
        return instant(value).isoformat()
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _whole(value: object) -> int | None:
    try:
        return int(value)  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError):
        return None
