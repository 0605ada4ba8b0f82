"""An app with a secret, a person with a browser, and a place for the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keyring
import pytest

from tap_meta_partner.onboarding.login.token_store import EnvFile
from tap_meta_partner.sandbox import TokenInfo
from tests.support.logins import APP_SECRET, Person, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox
    from tap_meta_partner.settings.model import Settings


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
    return settings_of(meta)


@pytest.fixture
def store(tmp_path: Path) -> EnvFile:
    return EnvFile(tmp_path / ".env")


@pytest.fixture
def use_keyring() -> Iterator[Any]:
    """Sets the keyring of the machine, and puts the former one back."""
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)
