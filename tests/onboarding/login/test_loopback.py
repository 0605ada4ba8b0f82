from __future__ import annotations

import socket
import threading
import time

import pytest

from tap_meta_partner.onboarding.login.errors import OAuthError
from tap_meta_partner.onboarding.login.loopback import Loopback
from tests.support.logins import fetch


def test_listener__waits_for_a_redirect_and_nothing_else() -> None:
    """A browser's other requests, and connections that say nothing, are no answer."""
    with (
        Loopback(0, patience=0) as listener,
        socket.create_connection(("127.0.0.1", listener.port)),
    ):
        listener.expect("s")
        assert fetch(f"{listener.address}favicon.ico").status_code == 404
        answer = fetch(listener.address, params={"code": "c", "state": "s"})
        assert listener.wait(5) == {"code": "c", "state": "s"}

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "stranger",
    [
        {"error": "access_denied", "error_description": "You have won, call 0900"},
        {"error": "access_denied", "state": "guessed"},
        {"code": "c"},
        {"code": "c", "state": "guessed"},
        {"code": "c", "state": ""},
        {"code": "c", "state": "\ud83d"},
    ],
    ids=str,
)
def test_listener__passes_over_what_lacks_the_state(stranger: dict[str, str]) -> None:
    """Any page, and any user of this machine, can call: it neither ends the wait nor is shown."""
    with Loopback(0, patience=0) as listener:
        listener.expect("the-state")
        query = {name: text.encode(errors="surrogatepass") for name, text in stranger.items()}
        refused = fetch(listener.address, params=query)
        fetch(listener.address, params={"code": "ours", "state": "the-state"})
        assert listener.wait(5) == {"code": "ours", "state": "the-state"}

    assert refused.status_code == 403
    assert "Another login" in refused.text
    assert "0900" not in refused.text


def test_listener__takes_nothing_before_it_is_told_the_state() -> None:
    """An empty state is nobody's."""
    with Loopback(0, patience=0) as listener:
        assert fetch(listener.address, params={"code": "c", "state": ""}).status_code == 403
        with pytest.raises(OAuthError, match="belonged to another login"):
            listener.wait(0.1)


def test_listener__is_on_loopback_only() -> None:
    """Nobody else on the network can reach it."""
    with Loopback(0, patience=0) as listener:
        hosts = {server.server_address[0] for server in listener._servers}

    assert hosts <= {"127.0.0.1", "::1"}


def test_listener__leaves_the_browser_waiting_for_the_outcome() -> None:
    """What is shown is how it went, not only that it came back."""
    pages: list[str] = []
    with Loopback(0) as listener:
        listener.expect("s")
        query = {"code": "c", "state": "s"}
        browser = threading.Thread(
            target=lambda: pages.append(fetch(listener.address, params=query).text)
        )
        browser.start()
        listener.wait(5)
        assert pages == []
        listener.show("how it went")
        browser.join(5)

    assert pages == ["how it went"]


def test_listener__does_not_leave_it_waiting_for_ever() -> None:
    """Where the outcome takes too long, the page says where to look."""
    with Loopback(0, patience=0.05) as listener:
        listener.expect("s")
        answer = fetch(listener.address, params={"code": "c", "state": "s"})

    assert "The terminal says how it went on" in answer.text


def test_listener__shows_nothing_to_nobody() -> None:
    """Where nobody came back, it does not wait for a browser either."""
    with Loopback(0) as listener:
        begun = time.monotonic()
        listener.show("how it went")
        assert time.monotonic() - begun < 1
