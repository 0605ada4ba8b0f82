"""What the client sees, in a real browser: from Meta's dialog (the sandbox's) to the last page."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.onboarding.login.errors import OAuthError
from tap_meta_partner.onboarding.login.login import LoginOptions, login
from tests.support.browser import document, needs_chromium

if TYPE_CHECKING:
    from pathlib import Path

    from tap_meta_partner.onboarding.login.token_store import EnvFile
    from tap_meta_partner.sandbox import Sandbox
    from tap_meta_partner.settings.model import Settings
    from tests.support.logins import Person

pytestmark = needs_chromium


class Browser:
    """Chromium as the browser that `login` opens."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._shown = folder, ""
        self._thread = threading.Thread()

    def open(self, address: str) -> bool:
        """Open it beside the command that waits."""

        def browse() -> None:
            self._shown = document(address, self._folder)

        self._thread = threading.Thread(target=browse)
        self._thread.start()
        return True

    @property
    def shown(self) -> str:
        """The document at the end of the way."""
        self._thread.join(60)
        return self._shown


def test_login__ends_in_a_page_that_says_connected(
    settings: Settings, store: EnvFile, person: Person, tmp_path: Path
) -> None:
    """The client's name and what was granted; no secret is in the document."""
    browser = Browser(tmp_path)
    token = login(
        settings, LoginOptions(), store, replace(person.around, open_browser=browser.open)
    )

    assert "<h1>Connected</h1><p>You can close this window.</p>" in browser.shown
    assert "<dd>Ada Client</dd>" in browser.shown
    assert "<dd>ads_read</dd>" in browser.shown
    assert token not in browser.shown


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ("deny", "Nothing was granted"),
        ("expired_code", "its code has expired"),
    ],
)
def test_login__that_fails_says_so_in_the_browser(  # noqa: PLR0913, PLR0917  (fixtures)
    meta: Sandbox,
    settings: Settings,
    store: EnvFile,
    person: Person,
    tmp_path: Path,
    answers: str,
    says: str,
) -> None:
    """Plain words for whoever sits there, who may not be the person at the terminal."""
    meta.login.decide(answers)
    browser = Browser(tmp_path)
    around = replace(person.around, open_browser=browser.open)

    with pytest.raises(OAuthError):
        login(settings, LoginOptions(), store, around)

    assert says in browser.shown
    assert "Connected</h1>" not in browser.shown.replace("Not connected</h1>", "")
