"""Where the browser comes back to: a listener on this machine that takes one redirect.

The standard library's server, and not Werkzeug's, which the sandbox has: there is one small page
to show, once, and `login` then needs nothing that the tap does not need anyway. It is not for
serving strangers; it listens on loopback only, for minutes.
"""

from __future__ import annotations

import contextlib
import errno
import hmac
import queue
import socket
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from tap_meta_partner.onboarding.login import browser_pages
from tap_meta_partner.onboarding.login.errors import TRY_AGAIN, WRONG_SETTINGS, OAuthError

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

#: What a redirect of Meta's can hold; browsers ask for other things too (/favicon.ico).
_OF_A_REDIRECT = frozenset(("code", "state", "error", "error_code"))


_SILENT_SECONDS = 10.0


_LOOK_SECONDS = 0.5


#: How long a browser is left waiting for the outcome; Meta is asked three to five times for it.
_PATIENCE_SECONDS = 30.0


#: How long the outcome waits for the browser to have it.
_SHOWING_SECONDS = 2.0


class Loopback:
    """Listens while the context lasts.

    Args:
        port: 0 takes a free one.
        patience: seconds that a browser that has come back is left waiting for `show`.

    Raises:
        OAuthError: the port is taken.
    """

    def __init__(self, port: int, patience: float = _PATIENCE_SECONDS) -> None:
        self._arrived = _Arrivals(patience=patience)
        try:
            servers = [_Server(("127.0.0.1", port), self._arrived)]
        except OSError as error:
            raise _cannot_listen(port, error) from None
        self.port: int = servers[0].server_address[1]
        # "localhost" can mean either; a browser that tries ::1 first must not meet a stranger.
        try:
            servers.append(_Server6(("::1", self.port), self._arrived))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                servers[0].server_close()
                raise _cannot_listen(self.port, error) from None
        self._servers = servers

    @property
    def address(self) -> str:
        """The redirect address; Meta lets plain http through under this name only."""
        return f"http://localhost:{self.port}/"

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
            ).start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def expect(self, state: str) -> None:
        """Take only what brings this state back: any page, and any user of this machine, can call.

        Until it is told nothing is taken.
        """
        self._arrived.state = state

    def show(self, page: str) -> None:
        """Show a page to the browser that has come back and waits, if there is one."""
        self._arrived.page = page
        self._arrived.outcome.set()
        if self._arrived.taken:
            self._arrived.shown.wait(_SHOWING_SECONDS)

    def wait(
        self, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> dict[str, str]:
        """Return the parameters of the first redirect that comes with the state.

        Raises:
            OAuthError: none came in time.
        """
        ends = monotonic() + seconds
        while (left := ends - monotonic()) > 0:
            # In short looks: on Windows Ctrl-C does not end a wait.
            with contextlib.suppress(queue.Empty):
                return self._arrived.queue.get(timeout=min(left, _LOOK_SECONDS))
        stranger = (
            " What came belonged to another login (its state differs) and was not used: open only "
            "the address that is shown."
        )
        raise OAuthError(
            f"nobody came back from Meta's dialog within {seconds:g} s: run it again, "
            f"or allow more time with --wait.{stranger if self._arrived.strangers else ''}",
            TRY_AGAIN,
        )


@dataclass(slots=True)
class _Arrivals:
    """What came back, from both servers.

    Attributes:
        state: what a redirect has to bring; None takes nothing.
        queue: the parameters of those that brought it.
        strangers: whether something else came.
        patience: seconds to wait for the outcome.
        taken: whether one that brought it came.
        page: what to show to it in the end.
        outcome: set once `page` is known.
        shown: set once a browser has been sent its page.
    """

    patience: float

    state: str | None = None
    queue: queue.SimpleQueue[dict[str, str]] = field(default_factory=queue.SimpleQueue)
    strangers: bool = False
    taken: bool = False
    page: str = browser_pages.ARRIVED
    outcome: threading.Event = field(default_factory=threading.Event)
    shown: threading.Event = field(default_factory=threading.Event)

    def take(self, found: dict[str, str]) -> bool:
        """Keep a redirect if it is the one that is waited for, and tell whether it was."""
        brought = found.get("state", "").encode(errors="replace")
        if self.state is None or not hmac.compare_digest(brought, self.state.encode()):
            self.strangers = True
            return False
        self.taken = True
        self.queue.put(found)
        return True


class _Server(ThreadingHTTPServer):
    """One thread per connection: browsers open some ahead and say nothing on them."""

    daemon_threads = True
    block_on_close = False
    # On POSIX this skips the minutes after a closed socket; on Windows it would share the port.
    allow_reuse_address = not hasattr(socket, "SO_EXCLUSIVEADDRUSE")

    def __init__(self, address: tuple[str, int], arrived: _Arrivals) -> None:
        self.arrived = arrived
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing: browsers hang up now and then, and a traceback could hold the code."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    timeout = _SILENT_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Take a redirect; anything else is not here."""
        found = dict(parse_qsl(urlsplit(self.path).query))
        if _OF_A_REDIRECT.isdisjoint(found):
            self._show(404, browser_pages.NOT_HERE)
            return
        if not self.server.arrived.take(found):
            self._show(403, browser_pages.STRANGER)
            return
        if "code" not in found:
            self._show(200, browser_pages.NOTHING_GRANTED)
            return
        self.server.arrived.outcome.wait(self.server.arrived.patience)
        self._show(200, self.server.arrived.page)

    def _show(self, status: int, page: str) -> None:
        body = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        # The address of this page holds the code.
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        # A client's name is on it; nothing in a name may run or load anything.
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(body)
        if status == HTTPStatus.OK:
            self.server.arrived.shown.set()

    def log_message(self, *_args: object) -> None:
        """Log nothing: the request line holds the code."""


def _cannot_listen(port: int, error: OSError) -> OAuthError:
    if error.errno == errno.EADDRINUSE:
        text = f"port {port} of this machine is in use: choose another one with --port."
    else:
        why = error.strerror or type(error).__name__
        text = f"port {port} cannot be listened on ({why}): choose another one with --port."
    return OAuthError(text, WRONG_SETTINGS)
