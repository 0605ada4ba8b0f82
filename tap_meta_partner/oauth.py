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

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from tap_meta_partner.auth import READ_ADS, app_token, token_details
from tap_meta_partner.client import Call, GraphClient
from tap_meta_partner.errors import MetaError, Retriable, Throttled
from tap_meta_partner.retries import Pause, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_meta_partner.auth import TokenDetails
    from tap_meta_partner.retries import Jitter, Steps
    from tap_meta_partner.settings import Settings

DIALOG_HOST = "https://www.facebook.com"
# Exit codes: what a scheduler can do about it.
NEEDS_A_PERSON = 1
WRONG_SETTINGS = 2
TRY_AGAIN = 3

_EXCHANGE = "oauth/access_token"
_LONGEST_TEXT = 200
_LOG_IN_AGAIN = "Run `meta-partner login` again"

T = TypeVar("T")


class OAuthError(Exception):
    """No token came of it; the text is one line, says what to do and holds no secret.

    Attributes:
        exit_code: 1 a person has to act, 2 a setting is wrong, 3 trying again may help.
    """

    def __init__(self, text: str, exit_code: int = NEEDS_A_PERSON) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """One login: where to send the browser, and what to hold its return against.

    Attributes:
        address: of Meta's dialog.
        redirect_uri: where the browser comes back to; the exchange must name the same.
        state: comes back with the browser if it is this login that comes back.
        verifier: the second half of PKCE, or None without it.
    """

    address: str
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str | None = field(default=None, repr=False)


# The dialog


def dialog_host(settings: Settings) -> str:
    """Return where the dialog is: Meta's own, or the sandbox that `api_url` points at."""
    # Settings let plain http through for this machine only, where no Meta is.
    return settings.api_url if settings.api_url.startswith("http://") else DIALOG_HOST


def begin(  # noqa: PLR0913  (each is one parameter of the dialog)
    settings: Settings,
    redirect_uri: str,
    *,
    host: str,
    scopes: tuple[str, ...] = (READ_ADS,),
    config_id: str | None = None,
    pkce: bool = False,
    random: Callable[[], str] = secrets.token_urlsafe,
) -> Dialog:
    """Make the address to send the browser to.

    Args:
        settings: the app and the API version.
        redirect_uri: where the browser comes back to.
        host: where the dialog is.
        scopes: what to ask for, unless `config_id` says it.
        config_id: a configuration of Facebook Login for Business: kind of token and permissions.
        pkce: see the module; asks for `openid` as well.
        random: 32 bytes nobody can guess, as text.
    """
    state, verifier = random(), random() if pkce else None
    params = {
        "client_id": settings.app_id or "",
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "state": state,
    }
    if config_id:
        params["config_id"] = config_id
    else:
        # Without it the dialog does not ask again for what was once declined.
        params["auth_type"] = "rerequest"
        params["scope"] = ",".join((*scopes, "openid") if pkce else scopes)
    if verifier:
        params["code_challenge"] = challenge(verifier)
        params["code_challenge_method"] = "S256"
        params["nonce"] = random()
    return Dialog(
        address=f"{host}/{settings.api_version}/dialog/oauth?{urlencode(params)}",
        redirect_uri=redirect_uri,
        state=state,
        verifier=verifier,
    )


def challenge(verifier: str) -> str:
    """Return the first half of PKCE (RFC 7636, S256)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def code_of(redirect: Mapping[str, str], dialog: Dialog) -> str:
    """Return the code that came back with the browser.

    Raises:
        OAuthError: it is not this login that came back, or not with consent.
    """
    if "error" in redirect or "error_code" in redirect:
        raise _refusal_by_dialog(redirect)
    if not hmac.compare_digest(redirect.get("state", "").encode(), dialog.state.encode()):
        raise OAuthError(
            "what came back belongs to another login (its state differs), so it is not used. "
            f"{_LOG_IN_AGAIN}, and open only the address it shows."
        )
    code = redirect.get("code")
    if not code:
        raise OAuthError(f"Meta sent the browser back without a code. {_LOG_IN_AGAIN}.")
    return code


def _refusal_by_dialog(redirect: Mapping[str, str]) -> OAuthError:
    if redirect.get("error") == "access_denied":
        return OAuthError(
            "consent was denied in the browser, so there is no token. "
            f"{_LOG_IN_AGAIN} and choose Continue, for all permissions asked."
        )
    said = redirect.get("error_description") or redirect.get("error_message") or "no reason given"
    # Anybody can send a browser to this machine: nothing but plain text goes to the terminal.
    plain = "".join(letter if letter.isprintable() else " " for letter in said)[:_LONGEST_TEXT]
    return OAuthError(f"Meta's dialog ended with an error: {plain}. {_LOG_IN_AGAIN}.")


# Tokens


def app_client(settings: Settings) -> GraphClient:
    """Return a client that calls as the app itself.

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
    # "app id|app secret" is the app's own token. It needs no proof: it holds the secret itself.
    token = app_token(settings.app_id or "", settings.app_secret or "")
    return GraphClient(replace(settings, access_token=token, access_tokens=(), app_secret=None))


def exchange_code(client: GraphClient, settings: Settings, dialog: Dialog, code: str) -> str:
    """Return the (short) token for a code; asked once only, as a code works once.

    Raises:
        OAuthError: there is none.
    """
    params = {"code": code, "redirect_uri": dialog.redirect_uri, **_app(settings)}
    if dialog.verifier:
        params["code_verifier"] = dialog.verifier
    answer = client.send(Call(path=_EXCHANGE, method="POST", params=params)).body
    hidden = (code, dialog.verifier, settings.app_secret)
    if isinstance(answer, MetaError):
        raise _refused(answer, hidden, _CODE_REFUSED)
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
    params = {
        "grant_type": "fb_exchange_token",
        "fb_exchange_token": token,
        **_app(settings),
    }
    if system_user:
        params |= {"set_token_expires_in_60_days": "true"}
    try:
        answer = yield from ask(Call(path=_EXCHANGE, method="POST", params=params), jitter)
    except MetaError as error:
        raise _refused(error, (token, settings.app_secret), _TOKEN_REFUSED) from None
    return _token(answer)


def details(token: str, *, jitter: Jitter) -> Steps[TokenDetails]:
    """Ask what the app knows of a token, also of one that has ended; for `app_client`.

    Raises:
        OAuthError: Meta does not say.
    """
    try:
        return (yield from token_details(token, asked_with=0, jitter=jitter))
    except MetaError as error:
        raise _refused(error, (token,), _TOKEN_REFUSED) from None


def drive(client: GraphClient, steps: Steps[T], sleep: Callable[[float], None]) -> T:
    """Do what steps ask for, one after another, and return what they return."""
    outcome: Any = None
    while True:
        try:
            failed = isinstance(outcome, MetaError)
            step = steps.throw(outcome) if failed else steps.send(outcome)
        except StopIteration as end:
            value: T = end.value
            return value
        outcome = None
        if isinstance(step, Pause):
            sleep(step.seconds)
        else:
            outcome = client.send(step).body


def _app(settings: Settings) -> dict[str, str]:
    return {"client_id": settings.app_id or "", "client_secret": settings.app_secret or ""}


def _token(answer: Mapping[str, Any]) -> str:
    token = answer.get("access_token")
    if isinstance(token, str) and re.fullmatch(r"[!-~]+", token):
        return token
    raise OAuthError(f"Meta's answer holds no access token. {_LOG_IN_AGAIN}.", TRY_AGAIN)


# What Meta's refusals of an exchange mean. (code, subcode or None for any) -> text, exit code.

_WRONG_APP = (
    "app_id and app_secret do not belong together: copy both from App settings > Basic",
    WRONG_SETTINGS,
)
_ENDED = f"the token has expired, and an expired token cannot be refreshed. {_LOG_IN_AGAIN}"
_REFUSED: Mapping[tuple[int, int | None], tuple[str, int]] = {
    # Elsewhere code 1 is a fault nobody knows; an exchange is answered so to a wrong secret.
    (1, None): _WRONG_APP,
    (101, None): _WRONG_APP,
    (100, 36007): (f"the login took too long and its code has expired. {_LOG_IN_AGAIN}", 1),
    (100, 36008): (
        f"{_LOG_IN_AGAIN}, with the --redirect-uri that the app's settings name",
        WRONG_SETTINGS,
    ),
    (100, 36009): (f"the code of this login has been used already. {_LOG_IN_AGAIN}", 1),
    (190, 463): (_ENDED, 1),
}
_CODE_REFUSED = f"Meta does not accept the code of this login. {_LOG_IN_AGAIN}"
_TOKEN_REFUSED = f"Meta does not accept the token (or the app it is asked for). {_LOG_IN_AGAIN}"
_HTTP_SERVER_ERROR = 500


def _refused(error: MetaError, hidden: tuple[str | None, ...], otherwise: str) -> OAuthError:
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
    said = str(fault)
    for secret in hidden:
        if secret:
            said = said.replace(secret, "***")
    return OAuthError(
        f"{text}. Meta: {said}" if fault.code is not None else f"{text} ({said})", exit_code
    )
