"""Werkzeug's server with connections that stay open between calls, as Meta's do."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from _typeshed.wsgi import WSGIApplication


class PersistentServer(ThreadedWSGIServer):
    """Werkzeug's threaded server, which also ends the connections its clients keep alive."""

    def __init__(
        self, host: str, port: int, app: WSGIApplication, handler: type[WSGIRequestHandler]
    ) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(host, port, app, handler)

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    @override
    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End all connections, so that no client goes on talking to a sandbox that is over."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):  # its client was faster
                    connection.shutdown(socket.SHUT_RDWR)


class PersistentHandler(WSGIRequestHandler):
    """Werkzeug's handler with connections kept alive, as Meta does.

    Werkzeug closes each connection since an application may leave a body unread; this one always
    reads it to the end and always says its length.
    """

    protocol_version = "HTTP/1.1"
    # Small answers leave at once instead of waiting for the acknowledgement of their headers.
    disable_nagle_algorithm = True

    @override
    def run_wsgi(self) -> None:
        chunks, status, headers = run_wsgi_app(self.server.app, self.make_environ())
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(chunk)

    @override
    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing: `Sandbox.calls` tells what came in."""
