from __future__ import annotations

import contextlib
import datetime as dt
import errno
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.accounts.tokens import TokenDetails
from tap_meta_partner.onboarding.files import StoreError
from tap_meta_partner.onboarding.login import token_store
from tap_meta_partner.onboarding.login.errors import OAuthError
from tap_meta_partner.onboarding.login.refresh import check_is_better, refresh
from tap_meta_partner.sandbox import Fault, TokenInfo
from tests.support.logins import APP_SECRET, TOKENS, Person, ask, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.onboarding.login.token_store import EnvFile
    from tap_meta_partner.sandbox import Sandbox
    from tap_meta_partner.settings.model import Settings


NOW = dt.datetime(2026, 11, 24, tzinfo=dt.timezone.utc)


DAY = dt.timedelta(days=1)


def stored(store: EnvFile, token: str) -> str:
    store.write(token)
    return token


def sandbox_with(start: Callable[..., Sandbox], days: float, **facts: Any) -> Sandbox:  # noqa: ANN401
    ends = dt.datetime.now(dt.timezone.utc) + days * DAY
    info = TokenInfo(**{"type": "USER", "expires_at": int(ends.timestamp()), **facts})
    return start(app_secret=APP_SECRET, tokens={"EAAB-old": info})


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
