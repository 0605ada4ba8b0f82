"""A client who logs in: somebody with a browser, and an app whose calls must be proven."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from tap_meta_partner.onboarding.login.login import Surroundings
from tap_meta_partner.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.sandbox import Sandbox


APP_SECRET = "very-secret-app-secret"
#: What every token here begins with.
TOKENS = re.compile(r"SANDBOX-LOGIN-\d|EAAB")


def fetch(address: str, **options: Any) -> requests.Response:  # noqa: ANN401  (what requests takes)
    """Ask as a browser does, but not for ever."""
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


def ask(meta: Sandbox, token: str, path: str = "me") -> requests.Response:
    """Ask the sandbox with a token and its proof."""
    proof = hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()
    return fetch(
        f"{meta.url}/v26.0/{path}",
        params={"appsecret_proof": proof},
        headers={"Authorization": f"Bearer {token}"},
    )


def settings_of(meta: Sandbox) -> Settings:
    """Return the settings of the sandbox's own app."""
    return Settings(api_url=meta.url, app_id=meta.app_id, app_secret=APP_SECRET)
