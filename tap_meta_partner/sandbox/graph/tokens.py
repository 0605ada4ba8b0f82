"""Who is calling and what they may do: access tokens, scopes and the app secret's proof."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.protocol.errors import (
    invalid_app,
    invalid_client,
    invalid_token,
    missing_permission,
    missing_proof,
    not_assigned,
    unknown_object,
    wrong_proof,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_meta_partner.sandbox.protocol.calls import GraphCall
    from tap_meta_partner.sandbox.world.advertising import AdAccount
    from tap_meta_partner.sandbox.world.world import World

APP_ID = "1234567890123456"
LOGIN_CODE = "SANDBOX-CODE"
LOGIN_TOKEN_SECONDS = 5_400
LONG_TOKEN_SECONDS = 5_184_000  # 60 days
PROOF_SECONDS = 300  # of a proof that was made with a time
_READING_SCOPES = frozenset({"ads_read", "ads_management"})


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What a token is.

    `expires_at` and `data_access_expires_at` are in Unix seconds, 0 = never; `accounts` None = all
    the system user is assigned to.
    """

    type: str = "SYSTEM_USER"
    scopes: tuple[str, ...] = ("ads_read", "business_management")
    expires_at: int = 0
    data_access_expires_at: int = 0
    accounts: tuple[str, ...] | None = None
    user_id: str = "122100000000000042"
    user_name: str = "Reporting (system user)"


def caller(
    call: GraphCall, tokens: Mapping[str, TokenInfo], app_secret: str | None, now: float
) -> TokenInfo:
    """Return the token's owner; raise a refusal when the token or its proof is not in order."""
    if not call.token:
        raise invalid_token("An access token is required to request this resource.")
    info = tokens.get(call.token)
    if info is None:
        raise invalid_token("Invalid OAuth access token - Cannot parse access token")
    if info.expires_at and info.expires_at <= now:
        raise invalid_token("Error validating access token: Session has expired", subcode=463)
    if app_secret is not None:
        _check_proof(call, app_secret, now)
    return info


def check_client(params: Mapping[str, str], app_secret: str | None) -> None:
    """Raise a refusal when app id and app secret, which authorise an exchange, do not match."""
    if params.get("client_id") != APP_ID:
        raise invalid_app()
    if app_secret is not None and params.get("client_secret", "") != app_secret:
        raise invalid_client()


def extendable(params: Mapping[str, str], tokens: Mapping[str, TokenInfo], now: float) -> TokenInfo:
    """Return the token to be extended; raise a refusal when it is none, or no longer one."""
    old = tokens.get(params.get("fb_exchange_token", ""))
    if old is None:
        raise invalid_token("Invalid OAuth access token - Cannot parse access token")
    # An expired token cannot be extended any more.
    if old.expires_at and old.expires_at <= now:
        raise invalid_token("Error validating access token: Session has expired", subcode=463)
    return old


def _check_proof(call: GraphCall, app_secret: str, now: float) -> None:
    """Check the proof in either of its forms: of the token, or of the token and a recent time."""
    given = call.params.get("appsecret_proof")
    if given is None:
        raise missing_proof()
    made = call.params.get("appsecret_time")
    proven = str(call.token) if made is None else f"{call.token}|{made}"
    wanted = hmac.new(app_secret.encode(), proven.encode(), sha256).hexdigest()
    is_recent = made is None or (made.isdecimal() and abs(now - int(made)) <= PROOF_SECONDS)
    if not is_recent or not hmac.compare_digest(given, wanted):
        raise wrong_proof()


def _check_scope(who: TokenInfo) -> None:
    if _READING_SCOPES.isdisjoint(who.scopes):
        raise missing_permission("ads_read")


def readable_accounts(world: World, who: TokenInfo) -> list[AdAccount]:
    """Return the accounts the caller is assigned to."""
    _check_scope(who)
    return [
        account
        for account in world.readable()
        if who.accounts is None or account.id in who.accounts
    ]


def check_readable(world: World, who: TokenInfo, account: AdAccount) -> None:
    """Raise what Meta says of an account the caller cannot read."""
    _check_scope(who)
    if who.accounts is not None and account.id not in who.accounts:
        raise unknown_object(f"act_{account.id}")
    if not account.assigned or world.is_revoked(account.id):
        raise not_assigned()
