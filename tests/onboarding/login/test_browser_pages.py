from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.onboarding.login.browser_pages import connected, not_connected, page
from tap_meta_partner.onboarding.login.errors import OAuthError
from tap_meta_partner.onboarding.login.login import LoginOptions, login
from tests.support.browser import document, needs_chromium

if TYPE_CHECKING:
    from pathlib import Path

    from tap_meta_partner.onboarding.login.token_store import EnvFile
    from tap_meta_partner.sandbox import Sandbox
    from tap_meta_partner.settings.model import Settings
    from tests.support.logins import Person


def test_connected__names_the_client_and_what_was_granted() -> None:
    """Who logged in, with which permissions, for which ad accounts."""
    shown = connected("Ada Client", ["ads_read", "business_management"], ["Nordlicht", "Kōbō"])

    assert "<h1>Connected</h1><p>You can close this window.</p>" in shown
    assert "<dd>Ada Client</dd>" in shown
    assert "<dd>ads_read<br>business_management</dd>" in shown
    assert "<dt>Ad accounts that can be read: 2</dt><dd>Nordlicht<br>Kōbō</dd>" in shown


def test_connected__leaves_out_what_meta_did_not_say() -> None:
    """No empty heading where the token's owner or its accounts could not be asked."""
    shown = connected("", ["ads_read"], None)

    assert "Logged in as" not in shown
    assert "Ad accounts" not in shown


def test_connected__names_ten_accounts_of_a_thousand() -> None:
    """The page has a bound; it says how many more there are."""
    shown = connected("Ada", ["ads_read"], [f"account {number}" for number in range(1000)])

    assert "account 9<br>… and 990 more" in shown
    assert "account 10" not in shown


def test_page__runs_nothing_that_a_name_holds() -> None:
    """A client may be called anything."""
    shown = connected("<script>alert(1)</script>", ["ads_read"], ['"><img src=x>'])

    assert "<script" not in shown
    assert "<img" not in shown


def test_not_connected__says_why_and_what_to_do() -> None:
    """The words of the terminal, as a sentence."""
    assert "<p>Consent was denied. Try again. You can close this window.</p>" in not_connected(
        "consent was denied. Try again."
    )
    assert "<p>It was used (code 100). You can close this window.</p>" in not_connected(
        "it was used (code 100)"
    )


def test_page__reads_well_in_the_dark_and_loads_nothing() -> None:
    """Both colour schemes, one file."""
    shown = page("A", "b")

    assert "prefers-color-scheme: dark" in shown
    assert "http" not in shown


# In a real browser, from Meta's dialog (the sandbox's) to the last page


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


@needs_chromium
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


@needs_chromium
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
