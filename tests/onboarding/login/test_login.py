from __future__ import annotations

import contextlib
import logging
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from tap_meta_partner.onboarding.files import StoreError
from tap_meta_partner.onboarding.login.errors import OAuthError
from tap_meta_partner.onboarding.login.login import LoginOptions, login
from tap_meta_partner.onboarding.login.token_store import VARIABLE, EnvFile, JsonFile
from tap_meta_partner.sandbox import Fault, World
from tests.support.logins import APP_SECRET, Person, ask, fetch, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox
    from tap_meta_partner.settings.model import Settings


def refused_login(
    settings: Settings,
    store: EnvFile,
    person: Person,
    **options: Any,  # noqa: ANN401
) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        login(settings, LoginOptions(**options), store, person.around)
    assert store.read() is None
    assert "\n" not in str(caught.value)
    assert APP_SECRET not in str(caught.value)
    return caught.value


def test_login__through_the_dialog(
    meta: Sandbox, settings: Settings, store: EnvFile, person: Person
) -> None:
    """Consent in the browser ends in a stored token of 60 days, and says whose and what for."""
    token = login(settings, LoginOptions(), store, person.around)

    assert store.read() == token
    assert ask(meta, token).json()["name"] == "Ada Client"
    assert (
        "Logged in as Ada Client (122100000000000077), who can read 7 ad accounts:" in person.said
    )
    assert "  210007000001016  Nordlicht Optik  (EUR, Europe/Berlin, ACTIVE)" in person.said
    assert "in 60 days." in person.text
    assert f"Stored: {VARIABLE} in {store.path}" in person.said
    assert "Connected" in person.page
    assert "You can close this window." in person.page
    assert all(words in person.page for words in ("Ada Client", "ads_read", "Nordlicht Optik"))


def test_login__shows_no_secret(  # noqa: PLR0913, PLR0917  (fixtures)
    meta: Sandbox,
    settings: Settings,
    store: EnvFile,
    person: Person,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither code nor token nor app secret is in a log at DEBUG, on the page or on the screen."""
    caplog.set_level(logging.DEBUG)
    token = login(settings, LoginOptions(), store, person.around)
    _ = person.page
    streams = capfd.readouterr()

    everything = f"{person.text}\n{caplog.text}\n{streams.out}\n{streams.err}\n{person.page}"
    for secret in (token, APP_SECRET, "SANDBOX-CODE", "SANDBOX-LOGIN"):
        assert secret not in everything
    assert all("client_secret" not in repr(call) for call in meta.calls)


def test_login__with_a_configuration(
    meta: Sandbox, settings: Settings, store: EnvFile, person: Person
) -> None:
    """Facebook Login for Business: a system user's token is kept with the end it was given."""
    token = login(settings, LoginOptions(config_id="77"), store, person.around)

    assert meta.login.asked[-1]["config_id"] == "77"
    assert "The token does not end." in person.said
    assert store.read() == token
    exchanges = [call for call in meta.calls if call.path.endswith("oauth/access_token")]
    assert len(exchanges) == 1


def test_login__with_pkce(
    meta: Sandbox, settings: Settings, store: EnvFile, person: Person
) -> None:
    """The sandbox lets the code through for the verifier of this login's challenge only."""
    login(settings, LoginOptions(pkce=True), store, person.around)

    assert meta.login.asked[-1]["code_challenge_method"] == "S256"
    assert store.read() is not None


def test_login__sends_secrets_in_bodies_only(settings: Settings, store: EnvFile) -> None:
    """The exchange is a POST whose address holds nothing; only debug_token has a token in its own.

    Meta takes that one as a GET parameter and in no other way.
    """
    addresses: list[str] = []
    person = Person()
    send = requests.Session.send

    def note(session: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> Any:  # noqa: ANN401
        addresses.append(str(request.url))
        return send(session, request, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "send", note)
        token = login(settings, LoginOptions(), store, person.around)
        _ = person.page

    exchanges = [address for address in addresses if "oauth/access_token" in address]
    assert len(exchanges) == 2
    assert all("?" not in address for address in exchanges)
    assert all(APP_SECRET not in address for address in addresses)
    assert all(token not in address for address in addresses if "debug_token" not in address)


@pytest.mark.parametrize(
    ("answers", "says", "page"),
    [
        ("deny", "consent was denied in the browser", "Nothing was granted"),
        ("no_code", "without a code", "Nothing was granted"),
        ("used_code", "has been used already", "Not connected"),
        ("expired_code", "its code has expired", "Not connected"),
    ],
)
def test_login__that_fails(  # noqa: PLR0913, PLR0917  (fixtures)
    meta: Sandbox,
    settings: Settings,
    store: EnvFile,
    person: Person,
    answers: str,
    says: str,
    page: str,
) -> None:
    """Each failure is one line that says what to do, and nothing is stored."""
    meta.login.decide(answers)

    error = refused_login(settings, store, person)

    assert says in str(error)
    assert error.exit_code == 1
    assert page in person.page


def test_login__goes_on_waiting_when_another_one_comes_back(
    meta: Sandbox, settings: Settings, store: EnvFile, person: Person
) -> None:
    """A redirect with another state is not used; when nothing else comes, that is said."""
    meta.login.decide("wrong_state")

    error = refused_login(settings, store, person, wait=1)

    assert "nobody came back" in str(error)
    assert "belonged to another login" in str(error)
    assert error.exit_code == 3
    assert "Another login" in person.page


def test_login__wrong_app_secret(settings: Settings, store: EnvFile, person: Person) -> None:
    """The app's secret is wrong: say so, rather than blame the login."""
    error = refused_login(replace(settings, app_secret="another"), store, person)

    assert "app_id and app_secret do not belong together" in str(error)
    assert error.exit_code == 2


def test_login__without_ads_read(settings: Settings, store: EnvFile, person: Person) -> None:
    """A token that could read nothing is not kept."""
    error = refused_login(settings, store, person, scopes=("business_management",))

    assert "ads_read was not granted" in str(error)


def test_login__nobody_comes_back(settings: Settings, store: EnvFile, person: Person) -> None:
    """The wait has an end, with a hint how to prolong it."""
    silent = replace(person.around, open_browser=lambda _address: False)

    with pytest.raises(OAuthError, match=r"within 0\.2 s") as caught:
        login(settings, LoginOptions(wait=0.2), store, silent)
    assert caught.value.exit_code == 3
    assert "Open this address in a browser:" in person.said


def test_login__through_a_forwarded_address(
    settings: Settings, store: EnvFile, person: Person
) -> None:
    """A live app takes https only: the registered address is forwarded to the port."""
    public = "https://login.agency.example/meta"
    with free_port() as port:
        pass

    def forwarded(address: str) -> str:
        answer = fetch(address, allow_redirects=False)
        target = urlsplit(answer.headers["Location"])
        assert f"{target.scheme}://{target.netloc}{target.path}" == public
        return f"http://127.0.0.1:{port}{target.path}?{target.query}"

    person.go = forwarded
    login(settings, LoginOptions(redirect_uri=public, port=port), store, person.around)

    assert store.read() is not None


def test_login__knows_before_that_it_cannot_store(
    settings: Settings, tmp_path: Path, person: Person
) -> None:
    """Nobody consents in vain: a store that refuses does so before the browser opens."""
    with pytest.raises(StoreError):
        login(settings, LoginOptions(), JsonFile(tmp_path / "no" / "t.json"), person.around)

    assert person.said == []


def test_login__keeps_the_token_when_accounts_cannot_be_listed(
    meta: Sandbox, settings: Settings, store: EnvFile, person: Person
) -> None:
    """What comes after the token is only said: the login was not in vain."""
    meta.fault(Fault(kind="ad_accounts", times=None, code=200, message="(#200) no"))

    login(settings, LoginOptions(), store, person.around)

    assert store.read() is not None
    assert "What the token can read could not be asked" in person.text


@pytest.mark.parametrize(
    ("accounts", "says", "lines"),
    [
        (0, "can read no ad account", 0),
        (1, "can read 1 ad account:", 1),
        (20, "20 ad accounts:", 16),
    ],
)
def test_login__names_some_accounts(  # noqa: PLR0913, PLR0917  (fixtures)
    start_sandbox: Callable[..., Sandbox],
    store: EnvFile,
    person: Person,
    accounts: int,
    says: str,
    lines: int,
) -> None:
    """A screen of accounts is shown, and how many more there are."""
    world = World.agency(7, accounts=30, days=3)
    for account in world.readable()[accounts:]:
        world.revoke(account.id)
    meta = start_sandbox(world, app_secret=APP_SECRET)
    login(settings_of(meta), LoginOptions(), store, person.around)

    assert says in person.text
    assert len([line for line in person.said if line.startswith(("  2", "  …"))]) == lines
    assert ("… and 5 more" in person.text) is (accounts == 20)


@contextlib.contextmanager
def free_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_port__in_use(settings: Settings, store: EnvFile, person: Person) -> None:
    """A taken port is said before the browser opens, with the option that changes it."""
    with free_port() as port:
        error = refused_login(settings, store, person, port=port)

    assert str(error) == f"port {port} of this machine is in use: choose another one with --port."
    assert error.exit_code == 2
    assert person.said == []
