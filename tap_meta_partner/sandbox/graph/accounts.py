"""Ad accounts as Graph objects, the caller itself, and how fields are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tap_meta_partner.sandbox.graph.tokens import APP_ID
from tap_meta_partner.sandbox.insights.query import name_list
from tap_meta_partner.sandbox.protocol.errors import (
    invalid_parameter,
    missing_permission,
    unknown_field,
)
from tap_meta_partner.sandbox.protocol.vocabulary import ACCOUNT_FIELDS
from tap_meta_partner.sandbox.world.advertising import WHOLE_UNIT_CURRENCIES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from tap_meta_partner.sandbox.graph.tokens import TokenInfo
    from tap_meta_partner.sandbox.world.advertising import AdAccount

Object = dict[str, object]
# One forbidden field fails the whole call, and a list of accounts with it.
_NEED_BUSINESS_MANAGEMENT = frozenset({"business", "owner", "owner_business", "viewable_business"})
_NEED_MANAGE_TASK = frozenset(
    {
        "funding_source_details",
        "expired_funding_source_details",
        "is_prepay_account",
        "is_tax_id_required",
        "agency_client_declaration",
    }
)
_USER_TASKS = ("ANALYZE",)
_TIMEZONE_IDS = {
    "America/Los_Angeles": 1,
    "America/New_York": 7,
    "Europe/Berlin": 47,
    "Asia/Tokyo": 73,
    "Pacific/Auckland": 106,
    "Europe/London": 58,
    "America/Sao_Paulo": 25,
    "Asia/Kolkata": 71,
}
_TIME = "%Y-%m-%dT%H:%M:%S+0000"


def timestamp(moment: dt.datetime) -> str:
    """Return a datetime as the Graph API writes it: ISO 8601 with `+0000`."""
    return moment.strftime(_TIME)


class FieldRequest(NamedTuple):
    """One entry of `fields`: `business{id,name}` has the parts id and name."""

    name: str
    parts: tuple[str, ...]


def field_requests(text: str | None) -> tuple[FieldRequest, ...]:
    """Return the entries of `fields`, commas inside braces apart."""
    if not text:
        return ()
    if text.lstrip().startswith("["):
        return tuple(map(_field_request, name_list(text)))
    return tuple(map(_field_request, _outer_parts(text)))


def account_object(
    account: AdAccount, requests: tuple[FieldRequest, ...], who: TokenInfo, now: dt.datetime
) -> Object:
    """Return the ad account as the caller may see it; `id` always comes."""
    wanted = requests or (FieldRequest("id", ()), FieldRequest("account_id", ()))
    check_account_fields(wanted, who)
    known = _account_fields(account, now)
    found: Object = {}
    for name, parts in wanted:
        value = known.get(name)
        if value is not None:
            found[name] = _parts_of(value, parts)
    found["id"] = known["id"]
    return found


def check_account_fields(requests: tuple[FieldRequest, ...], who: TokenInfo) -> None:
    """Raise what Meta says of unknown fields, and of those the caller may not see."""
    for name, _ in requests:
        if name not in ACCOUNT_FIELDS:
            raise unknown_field(name)
        if name in _NEED_BUSINESS_MANAGEMENT and "business_management" not in who.scopes:
            raise missing_permission("business_management")
        if name in _NEED_MANAGE_TASK:
            raise missing_permission("MANAGE")


def me_object(who: TokenInfo) -> Object:
    """Return the (system) user behind the token."""
    return {"id": who.user_id, "name": who.user_name}


def permissions(who: TokenInfo) -> list[Object]:
    """Return the scopes of the token, as `/me/permissions` lists them."""
    return [{"permission": scope, "status": "granted"} for scope in who.scopes]


def debug_object(who: TokenInfo, now: dt.datetime) -> Object:
    """Return what `/debug_token` says of a token."""
    expired = bool(who.expires_at) and who.expires_at <= now.timestamp()
    found: Object = {
        "app_id": APP_ID,
        "application": "Sandbox reporting app",
        "type": who.type,
        "is_valid": not expired,
        "expires_at": who.expires_at,
        "data_access_expires_at": who.data_access_expires_at,
        "issued_at": 1_700_000_000,
        "scopes": list(who.scopes),
        "granular_scopes": [{"scope": scope} for scope in who.scopes],
        "user_id": who.user_id,
    }
    if expired:
        found["error"] = {
            "code": 190,
            "message": "Error validating access token: Session has expired",
            "subcode": 463,
        }
    return found


def unknown_token_object() -> Object:
    """Return what `/debug_token` says of a token that is none."""
    error = {"code": 190, "message": "Invalid OAuth access token.", "subcode": 467}
    return {"error": error, "is_valid": False, "scopes": []}


def plain_object(known: Object, requests: tuple[FieldRequest, ...]) -> Object:
    """Return the asked fields of an object, `id` always; those it does not have are absent."""
    wanted = requests or (FieldRequest("id", ()),)
    found = {name: _parts_of(known[name], parts) for name, parts in wanted if name in known}
    return {**found, "id": known["id"]}


def _account_fields(account: AdAccount, now: dt.datetime) -> Object:
    offset = 1 if account.currency in WHOLE_UNIT_CURRENCIES else 100
    utc_offset = now.astimezone(account.timezone).utcoffset()
    business = {"id": account.business.id, "name": account.business.name}
    return {
        "id": f"act_{account.id}",
        "account_id": account.id,
        "name": account.name,
        "account_status": account.status,
        "disable_reason": account.disable_reason,
        "currency": account.currency,
        "timezone_id": _TIMEZONE_IDS.get(account.timezone_name, 0),
        "timezone_name": account.timezone_name,
        # The offset of now, not of the account: it moves with daylight saving.
        "timezone_offset_hours_utc": utc_offset.total_seconds() / 3600 if utc_offset else 0,
        "created_time": timestamp(account.created),
        "age": round((now - account.created).total_seconds() / 86_400, 6),
        # Minor units: hundredths, but whole units for JPY and its like.
        "amount_spent": str(account.amount_spent * offset // 100),
        "balance": str(account.amount_spent * offset // 10_000),
        "spend_cap": "0",
        "min_daily_budget": 100 * offset // 100,
        "business": business,
        "owner_business": business,
        "business_name": account.business.name,
        "business_country_code": account.business.country,
        "owner": account.business.id,
        "is_personal": 0,
        "user_tasks": list(_USER_TASKS),
        "capabilities": ["CAN_USE_REACH_AND_FREQUENCY"],
        "business_city": "Musterstadt",
        "business_street": "Am Markt 1",
        "business_street2": "",
        "can_create_brand_lift_study": False,
        "fb_entity": 85,
        "funding_source": f"77{account.id}",
        "has_migrated_permissions": True,
        "is_attribution_spec_system_default": True,
        "is_direct_deals_enabled": False,
        "is_in_3ds_authorization_enabled_market": False,
        "is_notifications_enabled": True,
        "min_campaign_group_spend_cap": 100 * offset,
        "offsite_pixels_tos_accepted": True,
        "tax_id_status": 0,
        "tax_id_type": "0",
        "tos_accepted": {"web_custom_audience_tos": 1, "custom_audience_tos": 1},
        "end_advertiser": account.business.id,
        "end_advertiser_name": account.business.name,
        "media_agency": "UNFOUND",
        "partner": "UNFOUND",
    }


def _parts_of(value: object, parts: tuple[str, ...]) -> object:
    if not parts or not isinstance(value, dict):
        return value
    return {name: value[name] for name in parts if name in value}


def _field_request(text: str) -> FieldRequest:
    name, brace, rest = text.strip().partition("{")
    if brace and not rest.endswith("}"):
        raise invalid_parameter(f"Syntax error in fields: {text}")
    return FieldRequest(name.strip(), name_list(rest.removesuffix("}")))


def _outer_parts(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and not depth:
            yield text[start:position]
            start = position + 1
    if text[start:].strip():
        yield text[start:]
