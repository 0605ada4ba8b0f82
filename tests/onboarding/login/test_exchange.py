from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tap_meta_partner.graph.calls import Answer, Call
from tap_meta_partner.graph.client import GraphClient
from tap_meta_partner.graph.error_codes import from_envelope, no_answer
from tap_meta_partner.graph.usage import Usage
from tap_meta_partner.lanes.in_place import drive_in_place
from tap_meta_partner.onboarding.login import dialog as oauth
from tap_meta_partner.onboarding.login import exchange as oauth_exchange
from tap_meta_partner.onboarding.login.errors import OAuthError
from tap_meta_partner.settings.model import Settings
from tests.support.fakes import fault

if TYPE_CHECKING:
    from tests.support.fakes import Reply

APP_SECRET = "very-secret-app-secret"
SETTINGS = Settings(app_id="12", app_secret=APP_SECRET)
REDIRECT = "http://localhost:8765/"
TOKEN = "EAAB-very-secret-token"
CODE = "very-secret-code"


class FakeClient(GraphClient):
    """Answers in turn, without a socket."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.calls: list[Call] = []

    def send(self, call: Call) -> Answer:
        """Return the next reply."""
        self.calls.append(call)
        reply = self.replies.pop(0)
        return reply if isinstance(reply, Answer) else Answer(reply, Usage())


def begin(**options: Any) -> oauth.Dialog:  # noqa: ANN401
    return oauth.begin(SETTINGS, REDIRECT, **{"host": oauth.DIALOG_HOST, **options})


def asked(dialog: oauth.Dialog) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(dialog.address).query))


def driven(client: FakeClient, steps: Any, pauses: list[float] | None = None) -> Any:  # noqa: ANN401
    return drive_in_place(steps, client.send, (pauses if pauses is not None else []).append)


def refused_exchange(reply: Reply) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        oauth_exchange.exchange_code(FakeClient(reply), SETTINGS, begin(), CODE)
    return caught.value


def refused_extension(reply: Reply) -> OAuthError:
    steps = oauth_exchange.extend(SETTINGS, TOKEN, system_user=False, jitter=lambda: 0)
    with pytest.raises(OAuthError) as caught:
        driven(FakeClient(*[reply] * 9), steps)
    return caught.value


def test_begin__asks_for_ads_read_at_metas_dialog() -> None:
    """The address names app, version, redirect, a code as answer, and the one scope needed."""
    dialog = begin()

    assert dialog.address.startswith("https://www.facebook.com/v26.0/dialog/oauth?")
    assert asked(dialog) == {
        "client_id": "12",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "state": dialog.state,
        "auth_type": "rerequest",
        "scope": "ads_read",
    }


def test_begin__with_a_configuration() -> None:
    """A configuration of Facebook Login for Business stands instead of scopes."""
    params = asked(begin(config_id="77"))

    assert params["config_id"] == "77"
    assert "scope" not in params
    assert "auth_type" not in params


def test_begin__with_pkce() -> None:
    """PKCE sends the S256 of its verifier, with the scope openid that Meta wants for it."""
    dialog = begin(pkce=True)
    params = asked(dialog)
    digest = hashlib.sha256(str(dialog.verifier).encode()).digest()

    assert params["code_challenge_method"] == "S256"
    assert base64.urlsafe_b64decode(params["code_challenge"] + "=") == digest
    assert params["scope"] == "ads_read,openid"
    assert params["nonce"] not in {dialog.state, dialog.verifier}
    assert 43 <= len(str(dialog.verifier)) <= 128


def test_challenge__is_that_of_the_rfc() -> None:
    """The example of RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert oauth.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_begin__is_another_each_time() -> None:
    """Nobody can guess a state from those before."""
    states = {begin().state for _ in range(50)}

    assert len(states) == 50
    assert min(map(len, states)) >= 43


def test_dialog__hides_its_secrets() -> None:
    """Printed, a dialog shows neither state nor verifier apart from the address."""
    dialog = begin(pkce=True)

    assert str(dialog.verifier) not in repr(dialog)
    assert "state=" not in repr(dialog).replace(dialog.address, "")


def test_dialog_host__is_the_sandbox_that_api_url_names() -> None:
    """Plain http is allowed to this machine only: there is no Meta, so the dialog is there too."""
    assert oauth.dialog_host(SETTINGS) == "https://www.facebook.com"
    assert oauth.dialog_host(Settings(api_url="http://127.0.0.1:8123")) == "http://127.0.0.1:8123"
    assert oauth.dialog_host(Settings(api_url="https://proxy.example")) == oauth.DIALOG_HOST


def test_code_of__the_same_login() -> None:
    """The state that was sent, come back, lets the code through."""
    dialog = begin()

    assert oauth.code_of({"code": CODE, "state": dialog.state}, dialog) == CODE


#: What a redirect of this login brings.
OURS = {"state": "ours"}


@pytest.mark.parametrize(
    ("redirect", "says"),
    [
        ({"code": CODE, "state": "another"}, "belongs to another login"),
        ({"code": CODE, "state": "ändere"}, "belongs to another login"),
        ({"code": CODE}, "belongs to another login"),
        ({"error": "access_denied"}, "belongs to another login"),
        ({"error": "access_denied", "error_reason": "user_denied", **OURS}, "consent was denied"),
        ({"error": "server_error", "error_description": "Oh\x1b[31m\nno", **OURS}, "Oh?[31m no"),
        ({"error": "server_error", "error_description": "x\u202ey", **OURS}, "x?y"),
        ({"error_code": "1349187", "error_message": "Not set up", **OURS}, "Not set up"),
        ({"error_code": "1", **OURS}, "no reason given"),
    ],
)
def test_code_of__not_this_login(redirect: dict[str, str], says: str) -> None:
    """Another state, a refusal or an error of the dialog: one line, and the code stays unused."""
    with pytest.raises(OAuthError, match=re.escape(says)) as caught:
        oauth.code_of(redirect, replace(begin(), state="ours"))

    assert caught.value.exit_code == 1
    assert CODE not in str(caught.value)


def test_code_of__without_a_code() -> None:
    """The right state alone is not enough."""
    dialog = begin()

    with pytest.raises(OAuthError, match="without a code"):
        oauth.code_of({"state": dialog.state}, dialog)


def test_exchange__travels_in_the_body() -> None:
    """Code, verifier and app secret are the form of a POST, so no address holds them."""
    client = FakeClient({"access_token": TOKEN, "token_type": "bearer"})
    dialog = begin(pkce=True)

    assert oauth_exchange.exchange_code(client, SETTINGS, dialog, CODE) == TOKEN
    (call,) = client.calls
    assert (call.method, call.path) == ("POST", "oauth/access_token")
    assert call.params == {
        "client_id": "12",
        "client_secret": APP_SECRET,
        "redirect_uri": REDIRECT,
        "code": CODE,
        "code_verifier": dialog.verifier,
    }


@pytest.mark.parametrize(
    ("code", "says", "exit_code"),
    [
        ((100, 36009), "has been used already", 1),
        ((100, 36007), "code has expired", 1),
        ((100, 36008), "--redirect-uri", 2),
        ((100, None), "does not accept the code", 1),
        ((1, None), "app_id and app_secret do not belong together", 2),
        ((101, None), "app_id and app_secret do not belong together", 2),
        ((4, None), "rate limit of the app", 3),
        ((2, None), "could not answer for the moment", 3),
    ],
)
def test_exchange__refused(code: tuple[int, int | None], says: str, exit_code: int) -> None:
    """Each refusal says in one line what happened and what to do."""
    error = refused_exchange(fault(*code))

    assert says in str(error)
    assert "\n" not in str(error)
    assert error.exit_code == exit_code


def test_exchange__a_fault_of_metas_is_not_our_secret() -> None:
    """Code 1 with a server's status is a fault at Meta; with a client's it is the app secret."""
    envelope = {"code": 1, "message": "An unknown error occurred"}

    assert refused_exchange(from_envelope(envelope, status=500)).exit_code == 3
    assert refused_exchange(from_envelope(envelope, status=400)).exit_code == 2


def test_exchange__is_asked_once() -> None:
    """A code works once, so even an exchange without an answer is not repeated."""
    client = FakeClient(no_answer("the connection was refused (host)"))

    with pytest.raises(OAuthError, match="the connection was refused") as caught:
        oauth_exchange.exchange_code(client, SETTINGS, begin(), CODE)
    assert caught.value.exit_code == 3
    assert len(client.calls) == 1


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": "two words"}])
def test_exchange__without_a_token(answer: dict[str, Any]) -> None:
    """An answer that holds no token is an error, not a token."""
    assert "no access token" in str(refused_exchange(answer))


def test_refusals__hide_what_they_quote() -> None:
    """Meta's message may quote the request: its secrets are left out of ours."""
    quoting = fault(100, 99, f"bad {CODE} {APP_SECRET} {TOKEN}")

    assert CODE not in str(refused_exchange(quoting))
    assert APP_SECRET not in str(refused_exchange(quoting))
    assert TOKEN not in str(refused_extension(quoting))


@pytest.mark.parametrize("system_user", [False, True])
def test_extend__asks_for_60_days(system_user: bool) -> None:  # noqa: FBT001  (pytest's)
    """A system user's token is extended when the 60 days are asked for; a user's anyway."""
    client = FakeClient({"access_token": "longer"})
    steps = oauth_exchange.extend(SETTINGS, TOKEN, system_user=system_user, jitter=lambda: 0)

    assert driven(client, steps) == "longer"
    (call,) = client.calls
    assert call.method == "POST"
    assert call.params["grant_type"] == "fb_exchange_token"
    assert call.params["fb_exchange_token"] == TOKEN
    assert (call.params.get("set_token_expires_in_60_days") == "true") is system_user


def test_extend__an_expired_token() -> None:
    """190/463: nothing can extend it, so log in again."""
    error = refused_extension(fault(190, 463))

    assert "expired token cannot be refreshed" in str(error)
    assert "meta-partner login" in str(error)
    assert error.exit_code == 1


def test_extend__a_revoked_token() -> None:
    """Any other trouble with the token: log in again as well."""
    assert "does not accept the token" in str(refused_extension(fault(190, 460)))


def test_extend__is_asked_again_after_a_moment() -> None:
    """What passes by itself is asked again, with pauses."""
    client = FakeClient(no_answer("reset"), fault(2), {"access_token": "longer"})
    pauses: list[float] = []
    steps = oauth_exchange.extend(SETTINGS, TOKEN, system_user=False, jitter=lambda: 0)

    assert driven(client, steps, pauses) == "longer"
    assert pauses == [1, 2]


def test_extend__gives_up_in_the_end() -> None:
    """When nothing ever answers, the error says to try again later."""
    error = refused_extension(no_answer("the connection was refused (graph.facebook.com)"))

    assert error.exit_code == 3
    assert "graph.facebook.com" in str(error)


def test_details__are_what_the_app_knows() -> None:
    """The app's own token asks about another one."""
    ends = dt.datetime(2027, 1, 2, tzinfo=dt.timezone.utc)
    known = {"type": "USER", "is_valid": True, "expires_at": int(ends.timestamp())}
    client = FakeClient({"data": known})

    found = driven(client, oauth_exchange.details(TOKEN, jitter=lambda: 0))

    assert (found.kind, found.valid, found.expires_at) == ("USER", True, ends)
    assert client.calls[0].params == {"input_token": TOKEN}


def test_details__refused() -> None:
    """Where Meta does not say, that is an OAuthError like the others."""
    with pytest.raises(OAuthError, match="does not accept"):
        driven(FakeClient(fault(190)), oauth_exchange.details(TOKEN, jitter=lambda: 0))


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (Settings(), "app_id and app_secret"),
        (Settings(app_id="12"), "app_secret"),
        (Settings(app_secret=APP_SECRET), "app_id"),
    ],
)
def test_app_client__needs_id_and_secret(settings: Settings, names: str) -> None:
    """What is missing is named, with the variable that sets it."""
    with pytest.raises(OAuthError, match=f"^{names} must be set") as caught:
        oauth_exchange.app_client(settings)

    assert caught.value.exit_code == 2
    assert APP_SECRET not in str(caught.value)
