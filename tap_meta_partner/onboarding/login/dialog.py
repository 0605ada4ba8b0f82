"""Meta's login dialog: its address, and what comes back from it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tap_meta_partner.accounts.tokens import READ_ADS
from tap_meta_partner.onboarding.login.errors import LOG_IN_AGAIN, OAuthError
from tap_meta_partner.outputs.printable import printable
from tap_meta_partner.outputs.secrecy import hide, redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_meta_partner.settings.model import Settings

DIALOG_HOST = "https://www.facebook.com"


_LONGEST_TEXT = 200


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
    hide(verifier)
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
    if not hmac.compare_digest(redirect.get("state", "").encode(), dialog.state.encode()):
        raise OAuthError(
            "what came back belongs to another login (its state differs), so it is not used. "
            f"{LOG_IN_AGAIN}, and open only the address it shows."
        )
    if "error" in redirect or "error_code" in redirect:
        raise _refusal_by_dialog(redirect)
    code = redirect.get("code")
    hide(code)
    if not code:
        raise OAuthError(f"Meta sent the browser back without a code. {LOG_IN_AGAIN}.")
    return code


def _refusal_by_dialog(redirect: Mapping[str, str]) -> OAuthError:
    if redirect.get("error") == "access_denied":
        return OAuthError(
            "consent was denied in the browser, so there is no token. "
            f"{LOG_IN_AGAIN} and choose Continue, for all permissions asked."
        )
    said = redirect.get("error_description") or redirect.get("error_message") or "no reason given"
    plain = printable(redacted(said))[:_LONGEST_TEXT]
    return OAuthError(f"Meta's dialog ended with an error: {plain}. {LOG_IN_AGAIN}.")
