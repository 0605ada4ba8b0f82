"""`meta-partner login`: a client consents in the browser, and we keep a token for its accounts."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.discovery import discover
from tap_meta_partner.accounts.tokens import MANAGE_ADS, READ_ADS, owner
from tap_meta_partner.graph.client import GraphClient
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.lanes.in_place import drive_in_place
from tap_meta_partner.onboarding.login import browser_pages
from tap_meta_partner.onboarding.login import dialog as oauth_dialog
from tap_meta_partner.onboarding.login import exchange as oauth
from tap_meta_partner.onboarding.login.errors import OAuthError
from tap_meta_partner.onboarding.login.loopback import Loopback
from tap_meta_partner.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.accounts.tokens import TokenDetails
    from tap_meta_partner.onboarding.login.dialog import Dialog
    from tap_meta_partner.onboarding.login.token_store import TokenStore

USER = "USER"


_SHOWN_ACCOUNTS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginOptions:
    """How to log in.

    Attributes:
        port: of the listener on this machine; 0 takes a free one.
        wait: seconds for the browser to come back.
        redirect_uri: registered with the app and forwarded to the port; None = localhost itself.
        dialog_host: where the dialog is; None = Meta's, or the sandbox's that api_url names.
        config_id: of Facebook Login for Business, instead of scopes.
        scopes: what to ask for.
        pkce: see `oauth`.
    """

    port: int = 0
    wait: float = 300.0
    redirect_uri: str | None = None
    dialog_host: str | None = None
    config_id: str | None = None
    scopes: tuple[str, ...] = (READ_ADS,)
    pkce: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What connects the commands to the outside world, so that tests can replace it.

    Attributes:
        say: shows a line to the person.
        open_browser: sends a browser to an address, and tells whether it could.
        now: the present moment.
        sleep: waits seconds.
        jitter: see `retries.ask`.
    """

    say: Callable[[str], None]
    open_browser: Callable[[str], bool]
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]


def login(
    settings: Settings,
    options: LoginOptions,
    store: TokenStore | None,
    around: Surroundings,
) -> str:
    """Log in, keep the token and say what it is good for.

    Args:
        settings: app, API version and address; its token, if any, is not used.
        options: how.
        store: where to keep the token; None keeps it nowhere.
        around: the world.

    Returns:
        The token.

    Raises:
        OAuthError: there is none.
        StoreError: it could not be kept.
    """
    if store is not None:
        store.check()  # before somebody has consented in vain
    with Loopback(options.port) as listener, _failure_shown(listener):
        with oauth.app_client(settings) as app:
            token, details = _consented(app, settings, options, listener, around)
        if store is not None:
            store.write(token)
            around.say(f"Stored: {store.where}")
        around.say(ending(details, around.now()))
        client, accounts = _introduce(settings, token, around)
        listener.show(browser_pages.connected(client, details.scopes, accounts))
    return token


@contextlib.contextmanager
def _failure_shown(listener: Loopback) -> Iterator[None]:
    """Say in the browser, too, why a login failed; it may be another person's."""
    try:
        yield
    except OAuthError as error:
        listener.show(browser_pages.not_connected(str(error)))
        raise
    except BaseException:
        listener.show(browser_pages.not_connected("The terminal says why."))
        raise


def _consented(
    app: GraphClient,
    settings: Settings,
    options: LoginOptions,
    listener: Loopback,
    around: Surroundings,
) -> tuple[str, TokenDetails]:
    """Send the browser to the dialog, and make a token of what comes back.

    Returns:
        The token, as long as it can be had, and what the app knows of it.
    """
    dialog = _dialog(settings, options, listener)
    listener.expect(dialog.state)
    _show_dialog(dialog, listener, options, around)
    code = oauth_dialog.code_of(listener.wait(options.wait), dialog)
    token = oauth.exchange_code(app, settings, dialog, code)
    details = drive_in_place(oauth.details(token, jitter=around.jitter), app.send, around.sleep)
    _check_may_read(details)
    # A system user's token has the end that the configuration gave it.
    if details.kind.upper() == USER:
        longer = oauth.extend(settings, token, system_user=False, jitter=around.jitter)
        token = drive_in_place(longer, app.send, around.sleep)
        details = drive_in_place(oauth.details(token, jitter=around.jitter), app.send, around.sleep)
    return token, details


def ending(details: TokenDetails, now: dt.datetime) -> str:
    """Say when a token ends, and when the client has to confirm."""
    text = "The token does not end."
    if details.expires_at is not None:
        text = f"The token ends on {details.expires_at:%d %B %Y}, in {days_left(details, now)}."
    confirm = details.data_access_expires_at
    if confirm is not None:
        text += f" After {confirm:%d %B %Y} the client has to log in again."
    return text


def days_left(details: TokenDetails, now: dt.datetime) -> str:
    """Say how long a token lasts; 60 days less some seconds are 60 days."""
    if details.expires_at is None:
        return "no end"
    days = max(round((details.expires_at - now) / dt.timedelta(days=1)), 0)
    return "1 day" if days == 1 else f"{days} days"


def _dialog(settings: Settings, options: LoginOptions, listener: Loopback) -> Dialog:
    return oauth_dialog.begin(
        settings,
        options.redirect_uri or listener.address,
        host=options.dialog_host or oauth_dialog.dialog_host(settings),
        scopes=options.scopes,
        config_id=options.config_id,
        pkce=options.pkce,
    )


def _show_dialog(
    dialog: Dialog, listener: Loopback, options: LoginOptions, around: Surroundings
) -> None:
    if around.open_browser(dialog.address):
        around.say("Your browser shows Meta's dialog. If it does not, open this address in it:")
    else:
        around.say("Open this address in a browser:")
    for line in ("", f"  {dialog.address}", ""):
        around.say(line)
    around.say(
        f"Waiting up to {options.wait:g} s for it to come back to {listener.address} "
        "(Ctrl-C stops)."
    )


def _check_may_read(details: TokenDetails) -> None:
    if not {READ_ADS, MANAGE_ADS}.isdisjoint(details.scopes):
        return
    raise OAuthError(
        "ads_read was not granted, so the token could read no ad account and is not kept: run "
        "`meta-partner login` again and leave it ticked (with --config-id: add it to the "
        "configuration)."
    )


def _introduce(
    settings: Settings, token: str, around: Surroundings
) -> tuple[str, list[str] | None]:
    """Say who logged in and what can be read; the token is stored, so a failure is only said.

    Returns:
        The name, and those of the ad accounts; an empty one and None where Meta did not say.
    """
    # All that it can read, whatever the settings want of it.
    own = Settings(
        access_token=token,
        app_secret=settings.app_secret,
        api_url=settings.api_url,
        api_version=settings.api_version,
        user_agent=settings.user_agent,
        request_timeout=settings.request_timeout,
    )
    try:
        with GraphClient(own) as client:
            who = drive_in_place(owner(0, around.jitter), client.send, around.sleep)
            steps = discover(own, further=False, jitter=around.jitter)
            accounts = drive_in_place(steps, client.send, around.sleep).readable
    except MetaError as error:
        around.say(f"Logged in. What the token can read could not be asked: {error.reason}")
        return "", None
    around.say(f"Logged in as {who.name} ({who.id}), who can read {_count(len(accounts))}")
    for account in accounts[:_SHOWN_ACCOUNTS]:
        around.say(f"  {_described(account)}")
    if len(accounts) > _SHOWN_ACCOUNTS:
        around.say(f"  … and {len(accounts) - _SHOWN_ACCOUNTS} more (`meta-partner check`)")
    return who.name, [account.name for account in accounts]


def _count(number: int) -> str:
    if not number:
        return "no ad account: ask for access to one in Business settings."
    return "1 ad account:" if number == 1 else f"{number} ad accounts:"


def _described(account: AdAccount) -> str:
    facts = (account.currency, account.timezone_name, account.status_name)
    return f"{account.account_id}  {account.name}  ({', '.join(fact for fact in facts if fact)})"
