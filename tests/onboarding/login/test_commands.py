from __future__ import annotations

import contextlib
import datetime as dt
import errno
import hashlib
import hmac
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from tap_meta_partner import cli
from tap_meta_partner.accounts.tokens import TokenDetails
from tap_meta_partner.onboarding.files import StoreError
from tap_meta_partner.onboarding.login import token_store
from tap_meta_partner.onboarding.login.errors import OAuthError
from tap_meta_partner.onboarding.login.login import LoginOptions, Surroundings, login
from tap_meta_partner.onboarding.login.loopback import Loopback
from tap_meta_partner.onboarding.login.refresh import check_is_better, refresh
from tap_meta_partner.onboarding.login.token_store import VARIABLE, EnvFile, JsonFile
from tap_meta_partner.sandbox import Fault, TokenInfo, World
from tap_meta_partner.sandbox.graph.login_dialog import ANSWERS
from tap_meta_partner.settings.model import Settings
from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_meta_partner.sandbox import Sandbox

APP_SECRET = "very-secret-app-secret"
NOW = dt.datetime(2026, 11, 24, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
#: What every token here begins with.
TOKENS = re.compile(r"SANDBOX-LOGIN-\d|EAAB")


def fetch(address: str, **options: Any) -> requests.Response:  # noqa: ANN401  (what requests takes)
    return requests.get(address, timeout=10, **options)


@dataclass
class Person:
    """Reads what is said, and opens the dialog in a browser that follows redirects."""

    said: list[str] = field(default_factory=list)
    pages: list[requests.Response] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    go: Callable[[str], str] = lambda address: address
    _browser: threading.Thread | None = None

    @property
    def around(self) -> Surroundings:
        """What the commands meet this person through."""
        return Surroundings(
            say=self.said.append,
            open_browser=self.open,
            now=lambda: dt.datetime.now(dt.timezone.utc),
            sleep=self.pauses.append,
            jitter=lambda: 0.0,
        )

    def open(self, address: str) -> bool:
        """Opens the dialog, beside the command that waits."""

        def browse() -> None:
            self.pages.append(fetch(self.go(address)))

        self._browser = threading.Thread(target=browse)
        self._browser.start()
        return True

    @property
    def text(self) -> str:
        """All that was said."""
        return "\n".join(self.said)

    @property
    def page(self) -> str:
        """What the browser shows in the end."""
        assert self._browser is not None
        self._browser.join(10)
        return self.pages[-1].text


@pytest.fixture
def person() -> Iterator[Person]:
    somebody = Person()
    yield somebody
    if somebody._browser is not None:
        somebody._browser.join(10)


@pytest.fixture
def meta(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A sandbox whose app has a secret: every call must be proven."""
    return start_sandbox(app_secret=APP_SECRET, tokens={"EAAB-page": TokenInfo(type="PAGE")})


@pytest.fixture
def settings(meta: Sandbox) -> Settings:
    return Settings(api_url=meta.url, app_id=meta.app_id, app_secret=APP_SECRET)


@pytest.fixture
def store(tmp_path: Path) -> EnvFile:
    return EnvFile(tmp_path / ".env")


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


def ask(meta: Sandbox, token: str, path: str = "me") -> requests.Response:
    proof = hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()
    return fetch(
        f"{meta.url}/v26.0/{path}",
        params={"appsecret_proof": proof},
        headers={"Authorization": f"Bearer {token}"},
    )


# login


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
    assert "You can close this window" in person.page


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
        ("wrong_state", "belongs to another login", "Back from Meta"),
        ("no_code", "without a code", "Nothing was granted"),
        ("used_code", "has been used already", "Back from Meta"),
        ("expired_code", "its code has expired", "Back from Meta"),
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
    assert len([line for line in person.said if line.startswith("  ")]) == lines
    assert ("… and 5 more" in person.text) is (accounts == 20)


# The listener


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


def test_listener__waits_for_a_redirect_and_nothing_else() -> None:
    """A browser's other requests, and connections that say nothing, are no answer."""
    with Loopback(0) as listener, socket.create_connection(("127.0.0.1", listener.port)):
        assert fetch(f"{listener.address}favicon.ico").status_code == 404
        answer = fetch(listener.address, params={"code": "c", "state": "s"})
        assert listener.wait(5) == {"code": "c", "state": "s"}

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_listener__is_on_loopback_only() -> None:
    """Nobody else on the network can reach it."""
    with Loopback(0) as listener:
        hosts = {server.server_address[0] for server in listener._servers}

    assert hosts <= {"127.0.0.1", "::1"}


# refresh


def stored(store: EnvFile, token: str) -> str:
    store.write(token)
    return token


def sandbox_with(start: Callable[..., Sandbox], days: float, **facts: Any) -> Sandbox:  # noqa: ANN401
    ends = dt.datetime.now(dt.timezone.utc) + days * DAY
    info = TokenInfo(**{"type": "USER", "expires_at": int(ends.timestamp()), **facts})
    return start(app_secret=APP_SECRET, tokens={"EAAB-old": info})


def settings_of(meta: Sandbox) -> Settings:
    return Settings(api_url=meta.url, app_id=meta.app_id, app_secret=APP_SECRET)


@pytest.mark.parametrize("kind", ["USER", "SYSTEM_USER"])
def test_refresh__replaces_the_stored_token(
    start_sandbox: Callable[..., Sandbox], store: EnvFile, person: Person, kind: str
) -> None:
    """The new token is stored and works; the 60 days are asked for where it is a system user's."""
    meta = sandbox_with(start_sandbox, 5.1, type=kind)
    old = stored(store, "EAAB-old")
    new = refresh(settings_of(meta), store, person.around)

    assert store.read() == new != old
    assert ask(meta, new).status_code == 200
    assert "Before: 5 days. After: 60 days." in person.said
    (exchange,) = [call for call in meta.calls if call.path.endswith("oauth/access_token")]
    asked = exchange.params.get("set_token_expires_in_60_days")
    assert asked == ("true" if kind == "SYSTEM_USER" else None)


def test_refresh__a_system_users_on_demand(
    start_sandbox: Callable[..., Sandbox], store: EnvFile, person: Person
) -> None:
    """`--system-user` asks for the 60 days whatever kind Meta names."""
    meta = sandbox_with(start_sandbox, 5)
    stored(store, "EAAB-old")
    refresh(settings_of(meta), store, person.around, system_user=True)

    assert any(call.params.get("set_token_expires_in_60_days") for call in meta.calls)


def test_refresh__a_token_without_end(meta: Sandbox, store: EnvFile, person: Person) -> None:
    """There is nothing to refresh, and the token is not exchanged for one that ends."""
    old = stored(store, meta.token)

    assert refresh(settings_of(meta), store, person.around) == old
    assert store.read() == old
    assert person.said == ["The token does not end: there is nothing to refresh."]


def kept(settings: Settings, store: EnvFile, person: Person) -> OAuthError:
    """Refreshing fails and the old token stays, byte for byte."""
    before = store.path.read_bytes()
    with pytest.raises(OAuthError) as caught:
        refresh(settings, store, person.around)
    assert store.path.read_bytes() == before
    assert "\n" not in str(caught.value)
    return caught.value


def test_refresh__an_expired_token(
    start_sandbox: Callable[..., Sandbox], store: EnvFile, person: Person
) -> None:
    """An expired token cannot be refreshed: log in again."""
    meta = sandbox_with(start_sandbox, -2)
    stored(store, "EAAB-old")

    error = kept(settings_of(meta), store, person)

    assert "expired on" in str(error)
    assert "log in again (`meta-partner login`)" in str(error)
    assert error.exit_code == 1
    assert not [call for call in meta.calls if call.path.endswith("oauth/access_token")]


@pytest.mark.parametrize(
    ("token", "says"), [("EAAB-nobody-knows", "log in again"), ("EAAB-page", "of the kind PAGE")]
)
def test_refresh__no_such_token(
    start_sandbox: Callable[..., Sandbox], store: EnvFile, person: Person, token: str, says: str
) -> None:
    """A token Meta does not know, or of a kind that cannot be extended, stays as it is."""
    ends = int((dt.datetime.now(dt.timezone.utc) + DAY).timestamp())
    page = TokenInfo(type="PAGE", expires_at=ends)
    meta = start_sandbox(app_secret=APP_SECRET, tokens={"EAAB-page": page})
    stored(store, token)

    assert says in str(kept(settings_of(meta), store, person))


@pytest.mark.parametrize(
    ("fault", "says", "exit_code"),
    [
        (Fault(kind="other", times=None, effect="reset"), "no answer from the Graph API", 3),
        (Fault(kind="other", times=None, effect="html_503"), "could not be read", 3),
        (Fault(kind="other", times=None, code=190, subcode=460), "does not accept the token", 1),
        (Fault(kind="other", times=None, code=190, subcode=463), "cannot be refreshed", 1),
        (Fault(kind="debug_token", times=None, after=1, effect="reset"), "no answer", 3),
        (Fault(kind="debug_token", times=None, effect="reset"), "no answer", 3),
    ],
    ids=str,
)
def test_refresh__that_fails_keeps_the_old_token(  # noqa: PLR0913, PLR0917  (fixtures)
    start_sandbox: Callable[..., Sandbox],
    store: EnvFile,
    person: Person,
    fault: Fault,
    says: str,
    exit_code: int,
) -> None:
    """Whatever step fails, the network or Meta, the old token stays where it is."""
    meta = sandbox_with(start_sandbox, 5)
    meta.fault(fault)
    stored(store, "EAAB-old")

    error = kept(settings_of(meta), store, person)

    assert says in str(error)
    assert error.exit_code == exit_code
    assert not TOKENS.search(str(error))


def test_refresh__a_full_disk_keeps_the_old_token(
    start_sandbox: Callable[..., Sandbox],
    store: EnvFile,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last step fails too without harm."""
    meta = sandbox_with(start_sandbox, 5)
    stored(store, "EAAB-old")

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(token_store.os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        refresh(settings_of(meta), store, person.around)
    assert store.read() == "EAAB-old"


@pytest.mark.parametrize(
    ("after", "better"),
    [
        (TokenDetails(user_id="1", expires_at=NOW + 60 * DAY), True),
        (TokenDetails(user_id="1"), True),
        (TokenDetails(user_id="1", expires_at=NOW + 49.5 * DAY), True),
        (TokenDetails(user_id="1", expires_at=NOW + 40 * DAY), False),
        (TokenDetails(user_id="2", expires_at=NOW + 60 * DAY), False),
        (TokenDetails(user_id="1", expires_at=NOW + 60 * DAY, valid=False), False),
    ],
    ids=["later", "no end", "as good as before", "sooner", "somebody else's", "dead"],
)
def test_refresh__takes_no_worse_token(after: TokenDetails, better: bool) -> None:  # noqa: FBT001
    """A token that ends sooner, does not work or is another user's does not replace the old one."""
    before = TokenDetails(user_id="1", expires_at=NOW + 50 * DAY)
    refused = contextlib.nullcontext() if better else pytest.raises(OAuthError, match="was kept")

    with refused:
        check_is_better(before, after)


def test_refresh__nothing_stored(settings: Settings, store: EnvFile, person: Person) -> None:
    """Where there is no token, the place is named."""
    with pytest.raises(OAuthError, match="there is no token in") as caught:
        refresh(settings, store, person.around)

    assert str(store.path) in str(caught.value)
    assert caught.value.exit_code == 2


# The commands, as processes


@dataclass
class Command:
    """`meta-partner` in a folder of its own, without a keyring."""

    folder: Path
    meta: Sandbox

    @property
    def environment(self) -> dict[str, str]:
        """This process's, without settings of ours."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TAP_META_PARTNER")}
        return {
            **inherited,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "TAP_META_PARTNER_API_URL": self.meta.url,
            "TAP_META_PARTNER_APP_ID": self.meta.app_id,
            "TAP_META_PARTNER_APP_SECRET": APP_SECRET,
        }

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Starts it."""
        return subprocess.Popen(
            [sys.executable, "-m", "tap_meta_partner.cli", *arguments],
            cwd=self.folder,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Runs it to its end: exit code, stdout, stderr."""
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def log_in(self, *arguments: str) -> tuple[int, str, str]:
        """Logs in, opening the address that is shown."""
        process = self.start("login", "--no-browser", "--port", "0", *arguments)
        stream = process.stderr if "--print" in arguments else process.stdout
        assert stream is not None
        seen = ""
        while "dialog/oauth" not in (line := stream.readline()):
            assert line, process.communicate()
            seen += line
        fetch(line.strip())
        out, err = process.communicate(timeout=30)
        shown = seen + line
        is_out = stream is process.stdout
        return process.returncode, shown * is_out + out, shown * (not is_out) + err


@pytest.fixture
def command(meta: Sandbox, tmp_path: Path) -> Command:
    return Command(tmp_path, meta)


def test_command__logs_in_and_the_tap_reads(command: Command, tmp_path: Path) -> None:
    """After `login` the .env holds the token, the tap reads with it, and no screen has shown it."""
    code, out, err = command.log_in()
    (tmp_path / "run").mkdir()
    token = EnvFile(tmp_path / ".env").read()

    assert (code, err) == (0, "")
    assert "Stored: TAP_META_PARTNER_ACCESS_TOKEN in" in out
    assert token
    assert not TOKENS.search(out)
    assert APP_SECRET not in out
    config = {
        "access_token": token,
        "app_secret": APP_SECRET,
        "api_url": command.meta.url,
        "account_ids": ["210007000001016"],
    }
    assert run_tap(tmp_path / "run", config).counts["ad_accounts"] == 1


def test_command__refreshes_what_login_stored(command: Command, tmp_path: Path) -> None:
    """`refresh` finds the token where `login` has put it."""
    assert command.log_in()[0] == 0
    before = EnvFile(tmp_path / ".env").read()

    code, out, err = command.run("refresh")

    assert (code, err) == (0, "")
    assert "Before: 60 days. After: 60 days." in out
    assert EnvFile(tmp_path / ".env").read() != before
    assert not TOKENS.search(out)


def test_command__prints_the_token_alone(command: Command, tmp_path: Path) -> None:
    """With --print stdout is the token, for a secrets manager, and nothing is stored."""
    code, out, err = command.log_in("--print")

    assert code == 0
    assert re.fullmatch(r"SANDBOX-LOGIN-\S+\n", out)
    assert not TOKENS.search(err)
    assert list(tmp_path.iterdir()) == []

    EnvFile(tmp_path / ".env").write(out.strip())
    code, printed, err = command.run("refresh", "--print")
    assert re.fullmatch(r"SANDBOX-LOGIN-\S+\n", printed)
    assert printed != out
    assert EnvFile(tmp_path / ".env").read() == out.strip()


def test_command__stores_in_a_config(command: Command, tmp_path: Path) -> None:
    """`--store FILE` is a config.json that the tap takes as it is; --show-token shows the token."""
    code, out, _ = command.log_in("--store", "token.json", "--show-token")
    token = json.loads((tmp_path / "token.json").read_text())["access_token"]

    assert code == 0
    assert f"Token: {token}" in out
    assert command.run("refresh", "--store", "token.json")[0] == 0
    assert json.loads((tmp_path / "token.json").read_text())["access_token"] != token


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "says"),
    [
        (("login",), {"TAP_META_PARTNER_APP_ID": ""}, 2, "app_id must be set"),
        (("login", "--print", "--store", "x"), {}, 2, "--print stores the token nowhere"),
        (("login", "--pkce", "--config-id", "1"), {}, 2, "--pkce needs the scope openid"),
        (("login", "--dialog-url", "x.example"), {}, 2, "--dialog-url must begin with https://"),
        (("login", "--store", "keyring"), {}, 3, "no keyring that works"),
        (("login", "--no-browser", "--port", "0", "--wait", "1"), {}, 3, "within 1 s"),
        (("refresh",), {}, 2, "there is no token in"),
        (("refresh",), {"TAP_META_PARTNER_API_URL": "http://meta.example"}, 2, "plain http"),
    ],
)
def test_command__ends_in_one_line(
    command: Command, arguments: tuple[str, ...], variables: dict[str, str], code: int, says: str
) -> None:
    """What cannot be done is one line of error with its exit code, and no traceback."""
    ended, _, err = command.run(*arguments, **variables)

    assert ended == code
    assert says in err
    assert err.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in err
    assert APP_SECRET not in err


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_command__stops_on_ctrl_c(command: Command, tmp_path: Path) -> None:
    """Ctrl-C while waiting ends it at once, with 130 and nothing stored."""
    process = command.start("login", "--no-browser", "--port", "0")
    assert process.stdout is not None
    while "Waiting up to" not in process.stdout.readline():
        pass
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)

    assert process.returncode == 130
    assert err == "Error: stopped.\n"
    assert time.monotonic() - begun < 5
    assert list(tmp_path.iterdir()) == []


def test_command__tells_of_a_variable_that_goes_before(command: Command) -> None:
    """A token in the environment would hide the stored one: that is said."""
    EnvFile(command.folder / ".env").write(command.meta.token)

    _, _, err = command.run("refresh", TAP_META_PARTNER_ACCESS_TOKEN="EAAB-other")

    assert err == (f"Note: {VARIABLE} is set in the environment, and goes before what is stored.\n")


@pytest.mark.parametrize("name", ["login", "refresh"])
def test_command__help_fits_a_screen(command: Command, name: str) -> None:
    """24 lines of 80 columns say all there is."""
    code, out, _ = command.run(name, "--help")

    assert code == 0
    assert len(out.splitlines()) <= 24
    assert max(map(len, out.splitlines())) <= 80


def test_docs__name_options_and_answers_that_exist() -> None:
    """Every option that docs/oauth.md gives to a command is one, and so is every answer."""
    text = (Path(__file__).parents[3] / "docs" / "oauth.md").read_text(encoding="utf-8")
    options = {
        name: {option for each in command.params for option in each.opts}
        for name, command in cli.main.commands.items()
    }
    given = re.findall(
        r"meta-partner (login|refresh|sandbox)((?: --[a-z-]+(?: [^-`|\s]\S*)?)*)", text
    )

    assert given
    for name, arguments in given:
        assert set(re.findall(r"--[a-z-]+", arguments)) <= options[name]
    assert set(re.findall(r"`(--[a-z-]+)", text)) <= options["login"] | options["refresh"] | {
        "--config"
    }
    assert set(re.findall(r"`([a-z]+_(?:code|state))`", text)) < set(ANSWERS)
