from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tap_meta_partner.sandbox import TokenInfo

if TYPE_CHECKING:
    from tests.support.sandbox_client import Client, Clock, Start

REDIRECT = "http://localhost:8765/"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")


def show(client: Client, **params: str) -> requests.Response:
    """The dialog as the browser gets it; the redirect is not followed."""
    asked = {"client_id": client.sandbox.app_id, "redirect_uri": REDIRECT, "state": "s1"}
    return requests.get(
        client.url("dialog/oauth"), params=asked | params, allow_redirects=False, timeout=10
    )


def back(client: Client, **params: str) -> dict[str, str]:
    """What the browser brings back."""
    answer = show(client, **params)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(REDIRECT + "?")
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def exchange(client: Client, **params: str) -> requests.Response:
    asked = {
        "client_id": client.sandbox.app_id,
        "client_secret": "s3cret",
        "redirect_uri": REDIRECT,
    }
    return requests.post(client.url("oauth/access_token"), data=asked | params, timeout=10)


def refusal(answer: requests.Response) -> tuple[int, int | None]:
    error = answer.json()["error"]
    return error["code"], error.get("error_subcode")


def test_dialog__gives_a_code_and_the_state_back(client: Client) -> None:
    """Consent brings the browser back with a code that is good for a token of an hour or two."""
    came = back(client, scope="ads_read,business_management")
    given = exchange(client, code=came["code"]).json()
    client.session.headers["Authorization"] = f"Bearer {given['access_token']}"

    assert came["state"] == "s1"
    assert given["expires_in"] == 5_400
    granted = {row["permission"] for row in client.get("me/permissions").json()["data"]}
    assert granted == {"ads_read", "business_management"}


def test_dialog__denied(client: Client) -> None:
    """Refusal brings the browser back with Meta's error, and no code."""
    client.sandbox.login.decide("deny")

    came = back(client)

    assert came["error"] == "access_denied"
    assert came["error_reason"] == "user_denied"
    assert "code" not in came


def test_dialog__another_state(client: Client) -> None:
    """The sandbox can bring back a state that was never sent."""
    client.sandbox.login.decide("wrong_state")

    assert back(client)["state"] != "s1"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"client_id": "1"}, "Invalid App ID"),
        ({"redirect_uri": "http://127.0.0.1:8765/"}, "URL Blocked"),
        ({"redirect_uri": "http://agency.example/"}, "URL Blocked"),
        ({"scope": "ads_read,nonsense"}, "Invalid Scopes: nonsense"),
    ],
)
def test_dialog__shows_what_is_wrong(client: Client, wrong: dict[str, str], says: str) -> None:
    """Like Meta, the dialog keeps a browser rather than send it to an address that is not ours."""
    answer = show(client, **wrong)

    assert answer.status_code == 400
    assert says in answer.text


def test_code__works_once(client: Client) -> None:
    """The second exchange of a code: 100/36009."""
    code = back(client)["code"]
    assert exchange(client, code=code).status_code == 200

    assert refusal(exchange(client, code=code)) == (100, 36009)


def test_code__works_for_ten_minutes(start: Start, clock: Clock) -> None:
    """An exchange that comes too late: 100/36007."""
    client = start()
    code = back(client)["code"]
    clock.seconds += 600

    assert refusal(exchange(client, code=code)) == (100, 36007)


@pytest.mark.parametrize(
    ("answers", "expected"), [("used_code", (100, 36009)), ("expired_code", (100, 36007))]
)
def test_code__not_good_from_the_start(
    client: Client, answers: str, expected: tuple[int, int]
) -> None:
    """The sandbox can give a code that is used, or expired, already."""
    client.sandbox.login.decide(answers)

    assert refusal(exchange(client, code=back(client)["code"])) == expected


def test_code__belongs_to_its_redirect_and_app(start: Start) -> None:
    """Another redirect_uri: 100/36008; another secret: 1; another app: 101; no such code: 100."""
    client = start(app_secret="s3cret")
    code = back(client)["code"]

    other = exchange(client, code=code, redirect_uri="http://localhost:1/")
    assert refusal(other) == (100, 36008)
    assert refusal(exchange(client, code=code, client_secret="guess")) == (1, None)
    assert refusal(exchange(client, code=code, client_id="1")) == (101, None)
    assert refusal(exchange(client, code="made-up")) == (100, None)


def test_pkce__is_taken_with_openid_only(client: Client) -> None:
    """With the scope openid the verifier must fit; without it the challenge is forgotten."""
    asked = {"code_challenge": CHALLENGE.decode(), "code_challenge_method": "S256"}

    taken = back(client, scope="ads_read,openid", **asked)["code"]
    assert refusal(exchange(client, code=taken, code_verifier="guess")) == (100, None)
    assert refusal(exchange(client, code=taken)) == (100, None)
    assert exchange(client, code=taken, code_verifier=VERIFIER).status_code == 200

    dropped = back(client, scope="ads_read", **asked)["code"]
    assert refusal(exchange(client, code=dropped, code_verifier=VERIFIER)) == (100, None)
    assert exchange(client, code=dropped).status_code == 200


def test_configuration__gives_a_system_user(client: Client) -> None:
    """Facebook Login for Business: the token of a system user comes without an end."""
    given = exchange(client, code=back(client, config_id="77")["code"]).json()
    app = f"{client.sandbox.app_id}|s3cret"
    asked = {"input_token": given["access_token"], "access_token": app}
    known = requests.get(client.url("debug_token"), params=asked, timeout=10).json()["data"]

    assert "expires_in" not in given
    assert (known["type"], known["expires_at"]) == ("SYSTEM_USER", 0)


def test_extension__of_a_system_user(start: Start, clock: Clock) -> None:
    """A system user's token is extended by the same call; what it asked for is remembered."""
    soon = int(clock.now().timestamp()) + 60
    client = start(tokens={"T60": TokenInfo(expires_at=soon)})
    given = exchange(
        client,
        grant_type="fb_exchange_token",
        fb_exchange_token="T60",
        set_token_expires_in_60_days="true",
    )

    assert given.json()["expires_in"] == 5_184_000
    assert client.sandbox.calls[-1].params["set_token_expires_in_60_days"] == "true"


def test_secrets__are_not_remembered(client: Client) -> None:
    """Neither code nor verifier nor secret nor token is kept with the calls."""
    code = back(client, scope="openid", code_challenge=CHALLENGE.decode())["code"]
    given = exchange(client, code=code, code_verifier=VERIFIER).json()

    for secret in (code, VERIFIER, "s3cret", given["access_token"]):
        assert secret not in repr(client.sandbox.calls)


def test_dialog__is_decided_over_http(client: Client) -> None:
    """Other processes set the dialog's answers too, and a word it does not know is refused."""
    url = f"{client.sandbox.url}/sandbox/login"

    assert requests.post(url, json={"answers": "deny"}, timeout=10).status_code == 200
    assert back(client)["error"] == "access_denied"
    assert requests.post(url, json={"answers": "perhaps"}, timeout=10).status_code == 400
