from __future__ import annotations

import socket

from tap_meta_partner.onboarding.login.loopback import Loopback
from tests.support.logins import fetch


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
