"""The OAuth model: a client logs in, and we get a token that reads that client's ad accounts.

Address of the dialog → redirect with a code → short token → long token → refreshed before it ends.

Secrets. Meta's pages show `/oauth/access_token` as GET, which puts app secret, code and token into
an address; it takes the same parameters as the form of a POST (as OAuth 2 asks, and as common
clients send them), so that is how they travel here. `/debug_token` knows only GET, with the token
it is asked about as a parameter; the client logs no address and no exception names one.

PKCE. Meta takes a `code_challenge` in the OpenID flow only (scope `openid`). In any other it drops
the challenge without a word, and then refuses the verifier: "code_verifier param is provided
without a code_challenge". So PKCE comes with that scope or not at all. What protects the code
without it: `state`, its exchange being good once, and the app secret the exchange needs.

Sources: "Manually Build a Login Flow", "OIDC Code Flow with PKCE", "Get Long-Lived Tokens",
"Install apps, generate, refresh and revoke tokens" in Meta's documentation (September 2026).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.tokens import token_details
from tap_meta_partner.graph.calls import APP, Call
from tap_meta_partner.graph.client import GraphClient
from tap_meta_partner.graph.errors import MetaError, Retriable, Throttled
from tap_meta_partner.graph.steps import ask
from tap_meta_partner.onboarding.login.errors import (
    LOG_IN_AGAIN,
    NEEDS_A_PERSON,
    TRY_AGAIN,
    WRONG_SETTINGS,
    OAuthError,
)
from tap_meta_partner.outputs.printable import printable
from tap_meta_partner.outputs.secrecy import hide, redacted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.accounts.tokens import TokenDetails
    from tap_meta_partner.graph.steps import Jitter, Steps
    from tap_meta_partner.onboarding.login.dialog import Dialog
    from tap_meta_partner.settings.model import Settings

_EXCHANGE = "oauth/access_token"


def app_client(settings: Settings) -> GraphClient:
    """Return a client that can call as the app itself.

    Raises:
        OAuthError: the app's id or secret is not set.
    """
    missing = [name for name in ("app_id", "app_secret") if not getattr(settings, name)]
    if missing:
        variables = " and ".join(f"TAP_META_PARTNER_{name.upper()}" for name in missing)
        raise OAuthError(
            f"{' and '.join(missing)} must be set (app dashboard > App settings > Basic): "
            f"put {variables} into the environment or .env, or use --config.",
            WRONG_SETTINGS,
        )
    return GraphClient(settings)


def exchange_code(client: GraphClient, settings: Settings, dialog: Dialog, code: str) -> str:
    """Return the (short-lived) token for a code; never retried, as a code works once.

    Raises:
        OAuthError: there is none.
    """
    hide(code)
    params = {"code": code, "redirect_uri": dialog.redirect_uri, **_app(settings)}
    if dialog.verifier:
        params["code_verifier"] = dialog.verifier
    answer = client.send(Call(path=_EXCHANGE, method="POST", params=params, token=APP)).body
    if isinstance(answer, MetaError):
        raise _refused(answer, _CODE_REFUSED)
    return _token(answer)


def extend(settings: Settings, token: str, *, system_user: bool, jitter: Jitter) -> Steps[str]:
    """Ask for a token like this one that lasts 60 days from now.

    Args:
        settings: the app.
        token: not ended yet; it goes on working to its own end.
        system_user: whether it is a system user's: then Meta wants to be asked for the 60 days.
        jitter: see `retries.ask`.

    Raises:
        OAuthError: there is none.
    """
    hide(token)
    params = {
        "grant_type": "fb_exchange_token",
        "fb_exchange_token": token,
        **_app(settings),
    }
    if system_user:
        params |= {"set_token_expires_in_60_days": "true"}
    try:
        call = Call(path=_EXCHANGE, method="POST", params=params, token=APP)
        answer = yield from ask(call, jitter)
    except MetaError as error:
        raise _refused(error, _TOKEN_REFUSED) from None
    return _token(answer)


def details(token: str, *, jitter: Jitter) -> Steps[TokenDetails]:
    """Ask what the app knows of a token, also of one that has ended; for `app_client`.

    Raises:
        OAuthError: Meta does not say.
    """
    hide(token)
    try:
        return (yield from token_details(token, jitter=jitter))
    except MetaError as error:
        raise _refused(error, _TOKEN_REFUSED) from None


def _app(settings: Settings) -> dict[str, str]:
    hide(settings.app_secret)
    return {"client_id": settings.app_id or "", "client_secret": settings.app_secret or ""}


def _token(answer: Mapping[str, Any]) -> str:
    token = answer.get("access_token")
    if isinstance(token, str) and re.fullmatch(r"[!-~]+", token):
        hide(token)
        return token
    raise OAuthError(f"Meta's answer holds no access token. {LOG_IN_AGAIN}.", TRY_AGAIN)


_WRONG_APP = (
    "app_id and app_secret do not belong together: copy both from App settings > Basic",
    WRONG_SETTINGS,
)


_ENDED = f"the token has expired, and an expired token cannot be refreshed. {LOG_IN_AGAIN}"


_REFUSED: Mapping[tuple[int, int | None], tuple[str, int]] = {
    # Elsewhere code 1 is a fault nobody knows; an exchange is answered so to a wrong secret.
    (1, None): _WRONG_APP,
    (101, None): _WRONG_APP,
    (100, 36007): (f"the login took too long and its code has expired. {LOG_IN_AGAIN}", 1),
    (100, 36008): (
        f"{LOG_IN_AGAIN}, with the --redirect-uri that the app's settings name",
        WRONG_SETTINGS,
    ),
    (100, 36009): (f"the code of this login has been used already. {LOG_IN_AGAIN}", 1),
    (190, 463): (_ENDED, 1),
}


_CODE_REFUSED = f"Meta does not accept the code of this login. {LOG_IN_AGAIN}"


_TOKEN_REFUSED = f"Meta does not accept the token (or the app it is asked for). {LOG_IN_AGAIN}"


_HTTP_SERVER_ERROR = 500


def _refused(error: MetaError, otherwise: str) -> OAuthError:
    """Say in one line what a refused exchange means; Meta's own words follow, without secrets."""
    fault = error.fault
    passing = fault.code is None or (fault.status or 0) >= _HTTP_SERVER_ERROR
    known = None
    if fault.code is not None and not passing:
        known = _REFUSED.get((fault.code, fault.subcode)) or _REFUSED.get((fault.code, None))
    if known is not None:
        text, exit_code = known
    elif passing or isinstance(error, (Retriable, Throttled)):
        text, exit_code = f"{error.rule.what}. Try again later", TRY_AGAIN
    else:
        text, exit_code = otherwise, NEEDS_A_PERSON
    said = printable(redacted(str(fault)))
    return OAuthError(
        f"{text}. Meta: {said}" if fault.code is not None else f"{text} ({said})", exit_code
    )
