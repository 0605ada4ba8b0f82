"""The OAuth dialog that people see at www.facebook.com, and the codes it gives.

Nobody is asked here: the dialog answers at once, as `answers` says.
"""

from __future__ import annotations

import hmac
import threading
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from tap_meta_partner.sandbox.graph.tokens import APP_ID, LOGIN_CODE, TokenInfo
from tap_meta_partner.sandbox.protocol.errors import (
    code_expired,
    code_used,
    invalid_parameter,
    invalid_verifier,
    other_redirect,
    verifier_without_challenge,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What the dialog does: consent, refuse, or consent with something wrong in the redirect.
ANSWERS = ("grant", "deny", "used_code", "expired_code", "wrong_state", "no_code")
CODE_SECONDS = 600
# What an app can ask of a person; anything else is shown as "Invalid Scopes".
_SCOPES = frozenset(
    {"ads_read", "ads_management", "business_management", "openid", "public_profile", "email"}
)
_WHOEVER = TokenInfo(
    type="USER", scopes=("ads_read",), user_id="122100000000000077", user_name="Ada Client"
)


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a code stands for."""

    info: TokenInfo
    redirect_uri: str
    challenge: str | None
    ends: float


@dataclass(frozen=True, slots=True)
class Shown:
    """What the browser gets: a redirect to `location`, or a page that says what is wrong."""

    location: str = ""
    complaint: str = ""


class LoginDialog:
    """Gives codes, each good for one exchange.

    Args:
        now: Unix seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.answers = "grant"
        self.asked: list[dict[str, str]] = []
        self._now = now
        self._codes = count(1)
        self._grants: dict[str, _Grant] = {}
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def decide(self, answers: str) -> None:
        """Set what every dialog from now on does."""
        if answers not in ANSWERS:
            raise ValueError(f"answers is {answers}: it must be one of {', '.join(ANSWERS)}")
        self.answers = answers

    def show(self, params: Mapping[str, str]) -> Shown:
        """Return the dialog's answer to the browser."""
        self.asked.append(dict(params))
        complaint = _complaint(params)
        if complaint:
            return Shown(complaint=complaint)
        return Shown(location=self._redirect(params))

    def redeem(self, params: Mapping[str, str]) -> TokenInfo:
        """Return whose token a code is for; raise what Meta says of a code that is not in order."""
        code = params.get("code", "")
        if code == LOGIN_CODE:  # for those who try the exchange alone
            return _WHOEVER
        with self._lock:
            grant = self._grants.get(code)
            if grant is None:
                raise invalid_parameter("Invalid verification code format.")
            if code in self._used:
                raise code_used()
            if grant.ends <= self._now():
                raise code_expired()
            if params.get("redirect_uri") != grant.redirect_uri:
                raise other_redirect()
            _check_verifier(grant.challenge, params.get("code_verifier"))
            self._used.add(code)
        return grant.info

    def _redirect(self, params: Mapping[str, str]) -> str:
        sent: dict[str, str] = {}
        if self.answers == "deny":
            sent = {
                "error": "access_denied",
                "error_code": "200",
                "error_description": "Permissions error",
                "error_reason": "user_denied",
            }
        elif self.answers != "no_code":
            sent = {"code": self._code(params)}
        if "state" in params:
            wrong = self.answers == "wrong_state"
            sent["state"] = "somebody-elses-state" if wrong else params["state"]
        # Meta ends the address so, to hide what a page had in its own fragment.
        return f"{params['redirect_uri']}?{urlencode(sent)}#_=_"

    def _code(self, params: Mapping[str, str]) -> str:
        with self._lock:
            code = f"SANDBOX-CODE-{next(self._codes)}"
            expired = self.answers == "expired_code"
            self._grants[code] = _Grant(
                info=_granted(params),
                redirect_uri=params["redirect_uri"],
                # Outside the OpenID flow Meta drops the challenge without a word.
                challenge=params.get("code_challenge") if _is_openid(params) else None,
                ends=self._now() + (0 if expired else CODE_SECONDS),
            )
            if self.answers == "used_code":
                self._used.add(code)
        return code


def _granted(params: Mapping[str, str]) -> TokenInfo:
    if params.get("config_id"):
        # The sandbox's is for a system user of the client's business: such a token does not end.
        return replace(_WHOEVER, type="SYSTEM_USER", scopes=("ads_read", "business_management"))
    return replace(_WHOEVER, scopes=tuple(_names(params.get("scope", ""))))


def _complaint(params: Mapping[str, str]) -> str:
    """Return what a page of Meta's would say instead of the dialog; empty when all is well."""
    redirect = urlsplit(params.get("redirect_uri", ""))
    if params.get("client_id") != APP_ID:
        return "Invalid App ID: The provided app ID does not look like a valid app ID."
    # An app in development takes http on localhost, by that name; everything else is https.
    if redirect.scheme != "https" and (redirect.scheme, redirect.hostname) != ("http", "localhost"):
        return (
            "URL Blocked: This redirect failed because the redirect URI is not whitelisted in the "
            "app's Client OAuth Settings."
        )
    unknown = [name for name in _names(params.get("scope", "")) if name not in _SCOPES]
    return f"Invalid Scopes: {', '.join(unknown)}" if unknown else ""


def _is_openid(params: Mapping[str, str]) -> bool:
    return "openid" in _names(params.get("scope", ""))


def _names(scope: str) -> list[str]:
    return scope.replace(",", " ").split()


def _check_verifier(challenge: str | None, verifier: str | None) -> None:
    if challenge is None:
        if verifier is not None:
            raise verifier_without_challenge()
        return
    digest = sha256((verifier or "").encode()).digest()
    if not hmac.compare_digest(urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge):
        raise invalid_verifier()
