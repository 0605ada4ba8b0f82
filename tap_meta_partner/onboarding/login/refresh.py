"""`meta-partner refresh`: another 60 days for a token that ends, before it does."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tap_meta_partner.lanes.in_place import drive_in_place
from tap_meta_partner.onboarding.login import errors as oauth_errors
from tap_meta_partner.onboarding.login import exchange as oauth
from tap_meta_partner.onboarding.login.errors import OAuthError
from tap_meta_partner.onboarding.login.login import USER, days_left, ending

if TYPE_CHECKING:
    from tap_meta_partner.accounts.tokens import TokenDetails
    from tap_meta_partner.onboarding.login.login import Surroundings
    from tap_meta_partner.onboarding.login.token_store import TokenStore
    from tap_meta_partner.settings.model import Settings

SYSTEM_USER = "SYSTEM_USER"


#: Meta does not extend a token twice a day: it may answer with the same one, or the same end.
_SAME = dt.timedelta(days=1)


_LOG_IN_AGAIN = "log in again (`meta-partner login`)"


def refresh(
    settings: Settings,
    store: TokenStore,
    around: Surroundings,
    *,
    system_user: bool = False,
    keep: bool = True,
) -> str:
    """Replace the stored token by one that ends later; if anything fails the old one stays.

    Args:
        settings: the app, API version and address.
        store: where the token is.
        around: the world.
        system_user: take it for a system user's, whatever Meta calls its kind.
        keep: false leaves the store alone: the caller does something else with the token.

    Returns:
        The new token, or the old one where it does not end.

    Raises:
        OAuthError: there is no new token.
        StoreError: it could not be kept.
    """
    old = store.read()
    if old is None:
        raise OAuthError(
            f"there is no token in {store.where}: name the place with --store, or "
            "run `meta-partner login`.",
            oauth_errors.WRONG_SETTINGS,
        )
    if keep:
        store.check()
    with oauth.app_client(settings) as app:
        before = drive_in_place(oauth.details(old, jitter=around.jitter), app.send, around.sleep)
        _check_can_be_refreshed(before, around.now())
        if before.expires_at is None:
            around.say("The token does not end: there is nothing to refresh.")
            return old
        of_system = system_user or before.kind.upper() == SYSTEM_USER
        longer = oauth.extend(settings, old, system_user=of_system, jitter=around.jitter)
        new = drive_in_place(longer, app.send, around.sleep)
        after = drive_in_place(oauth.details(new, jitter=around.jitter), app.send, around.sleep)
    check_is_better(before, after)
    if keep:
        store.write(new)
    now = around.now()
    around.say(f"Before: {days_left(before, now)}. After: {days_left(after, now)}.")
    around.say(ending(after, now))
    if keep:
        around.say(f"Replaced: {store.where}")
    return new


def _check_can_be_refreshed(details: TokenDetails, now: dt.datetime) -> None:
    if details.expires_at is not None and details.expires_at <= now:
        raise OAuthError(
            f"the token expired on {details.expires_at:%d %B %Y}, and an expired token cannot be "
            f"refreshed: {_LOG_IN_AGAIN}."
        )
    if not details.valid:
        why = details.trouble or "Meta does not accept it"
        raise OAuthError(f"the token cannot be refreshed: {why}. You have to {_LOG_IN_AGAIN}.")
    if details.kind.upper() not in {USER, SYSTEM_USER}:
        raise OAuthError(
            f"the token is of the kind {details.kind or 'unknown'}, and only user and system user "
            f"tokens can be refreshed: {_LOG_IN_AGAIN}."
        )


def check_is_better(before: TokenDetails, after: TokenDetails) -> None:
    """Keep the old token rather than one that does less."""
    if not after.valid or after.user_id != before.user_id:
        raise OAuthError(
            "the token that Meta gave does not work, so the old one was kept: try again later.",
            oauth_errors.TRY_AGAIN,
        )
    if before.expires_at and after.expires_at and after.expires_at < before.expires_at - _SAME:
        raise OAuthError(
            "the token that Meta gave ends before the old one, so the old one was kept.",
            oauth_errors.TRY_AGAIN,
        )
