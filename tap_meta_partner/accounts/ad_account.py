"""An ad account: its identity, time zone and record."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tap_meta_partner.graph.values import (
    count_of,
    flag_of,
    id_of,
    instant_text_of,
    major_units,
    maybe,
    name_of,
    number_of,
    text_of,
)
from tap_meta_partner.settings.words import ACCOUNT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

ASSIGNED, UNASSIGNED = "assigned", "unassigned"


#: In the smallest unit of the account's currency.
AMOUNTS = (
    "amount_spent",
    "balance",
    "spend_cap",
    "min_daily_budget",
    "min_campaign_group_spend_cap",
)

#: Why an account was disabled (Meta: "Ad Account", `disable_reason`).
DISABLE_REASONS: Mapping[int, str] = {
    0: "NONE",
    1: "ADS_INTEGRITY_POLICY",
    2: "ADS_IP_REVIEW",
    3: "RISK_PAYMENT",
    4: "GRAY_ACCOUNT_SHUT_DOWN",
    5: "ADS_AFC_REVIEW",
    6: "BUSINESS_INTEGRITY_RAR",
    7: "PERMANENT_CLOSE",
    8: "UNUSED_RESELLER_ACCOUNT",
    9: "UNUSED_ACCOUNT",
    10: "UMBRELLA_AD_ACCOUNT",
    11: "BUSINESS_MANAGER_INTEGRITY_POLICY",
    12: "MISREPRESENTED_AD_ACCOUNT",
    13: "AOAB_DESHARE_LEGAL_ENTITY",
    14: "CTX_THREAD_REVIEW",
    15: "COMPROMISED_AD_ACCOUNT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdAccount:
    """An ad account.

    Attributes:
        account_id: digits, without `act_`.
        access: `assigned` (it can be read) or `unassigned` (the business knows it, the user not).
        token: which of the settings' tokens reads it, counted from 0.
        other_tokens: those that list it too, should the first not be able to read it.
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
    other_tokens: tuple[int, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.account_id} ({self.name})" if self.name else self.account_id

    @property
    def tokens(self) -> tuple[int, ...]:
        """The tokens that list it, the first to be tried first."""
        return self.token, *self.other_tokens

    @property
    def status_name(self) -> str | None:
        """Meta's word for the status, or the code where the table has none."""
        return None if self.status is None else ACCOUNT_STATUSES.get(self.status, str(self.status))


def to_record(account: AdAccount) -> dict[str, Any]:
    """Turn an account into a record of the `ad_accounts` stream."""
    raw = account.raw
    business = raw.get("business") if isinstance(raw.get("business"), dict) else {}
    money: dict[str, Any] = {}
    for name in AMOUNTS:
        money[name] = maybe(count_of, raw.get(name))
        money[f"{name}_major"] = major_units(raw.get(name), account.currency)
    reason = maybe(count_of, raw.get("disable_reason"))
    return {
        "id": f"act_{account.account_id}",
        "account_id": account.account_id,
        "name": account.name or None,
        "account_status": account.status,
        "account_status_name": account.status_name,
        "disable_reason": reason,
        "disable_reason_name": None if reason is None else DISABLE_REASONS.get(reason, "UNKNOWN"),
        "currency": account.currency,
        "timezone_id": maybe(count_of, raw.get("timezone_id")),
        "timezone_name": account.timezone_name,
        "timezone_offset_hours_utc": raw.get("timezone_offset_hours_utc"),
        "created_time": maybe(instant_text_of, raw.get("created_time")),
        "age": maybe(number_of, raw.get("age")),
        **money,
        "business_id": maybe(text_of, (business or {}).get("id")),
        "business_manager_name": maybe(text_of, (business or {}).get("name")),
        # What the advertiser typed in, which needs no permission business_management.
        "business_name": maybe(text_of, raw.get("business_name")),
        "business_country_code": maybe(text_of, raw.get("business_country_code")),
        "business_state": maybe(text_of, raw.get("business_state")),
        "end_advertiser": maybe(text_of, raw.get("end_advertiser")),
        "end_advertiser_name": maybe(text_of, raw.get("end_advertiser_name")),
        "media_agency": maybe(text_of, raw.get("media_agency")),
        "partner": maybe(text_of, raw.get("partner")),
        "is_personal": maybe(flag_of, raw.get("is_personal")),
        "owner": maybe(text_of, raw.get("owner")),
        "user_tasks": raw.get("user_tasks"),
        "access": account.access,
    }


def account_from(raw: Mapping[str, Any], *, access: str, token: int = 0) -> AdAccount:
    """Make an account of what one of Meta's lists says of it."""
    offset = raw.get("timezone_offset_hours_utc")
    return AdAccount(
        account_id=id_from(raw),
        name=maybe(name_of, raw.get("name")) or "",
        status=maybe(count_of, raw.get("account_status")),
        currency=maybe(text_of, raw.get("currency")),
        timezone_name=maybe(text_of, raw.get("timezone_name")),
        timezone_offset_hours=float(offset) if isinstance(offset, (int, float, Decimal)) else None,
        access=access,
        token=token,
        raw=raw,
    )


def id_from(raw: Mapping[str, Any]) -> str:
    """Return an account's id without `act_`; empty where it has no valid one."""
    given = maybe(text_of, raw.get("account_id") or raw.get("id")) or ""
    return maybe(id_of, given.removeprefix("act_")) or ""


_HOURS_OF_A_DAY = 24
_NAMES_OF_UTC = {"UTC", "Etc/UTC"}
#: So many accounts are named in a line.
_NAMED = 5


def without_zone(accounts: Iterable[AdAccount]) -> str | None:
    """Say of which ad accounts the days are counted in UTC for want of a time zone, None of none.

    Meta names a zone that the zone database here does not have, and no offset either.
    """
    found = [
        f"{account} ({account.timezone_name})"
        for account in accounts
        if account.timezone_name
        and account.timezone_offset_hours is None
        and account_zone(account.timezone_name, None) is dt.timezone.utc
        and account.timezone_name not in _NAMES_OF_UTC
    ]
    if not found:
        return None
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return (
        f"the time zone is not known here, and Meta tells no offset: {', '.join(found[:_NAMED])}"
        f"{more}. Days are counted in UTC: update the package tzdata"
    )


def account_zone(timezone_name: str | None, offset_hours: float | None) -> dt.tzinfo:
    """Return an ad account's time zone.

    The name is the truth; `timezone_offset_hours_utc` is only today's offset (it changes with
    daylight saving) and serves for names the zone database does not know.
    """
    if timezone_name:
        try:
            return ZoneInfo(timezone_name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    hours = offset_hours or 0
    if not 0 < abs(hours) < _HOURS_OF_A_DAY:
        return dt.timezone.utc
    return dt.timezone(dt.timedelta(hours=hours))
