"""One connection of a session: how it carries the token, opens, and is cut off.

Only the client (`client.py`) uses it.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any

    import urllib3


class Bearer(AuthBase):
    """Puts the token into the header, and takes precedence over any .netrc file."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token into one request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Closed(requests.RequestException):
    """The client has been closed."""


class OneConnection(HTTPAdapter):
    """Opens one connection, and none once the client is closed.

    Args:
        open_only: a lock, and whether the client is still open; held while a pool is made.
    """

    def __init__(self, open_only: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._open_only = open_only
        self._connected: list[Any] = []

    def get_connection_with_tls_context(
        self,
        *args: Any,  # noqa: ANN401  (what requests gives, as it is)
        **kwargs: Any,  # noqa: ANN401  (as above)
    ) -> urllib3.connectionpool.ConnectionPool:
        """Return the pool for a request; the first time it is made."""
        with self._open_only():
            pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
            pool.ConnectionCls = _noting(pool.ConnectionCls, self._connected)
            return pool  # type: ignore[no-any-return]

    def cut(self) -> None:
        """Cut the connection while another thread reads from it: that thread sees it end."""
        for connection in self._connected:
            with contextlib.suppress(OSError, TypeError):
                # Not the method of a TLS socket, which would take its state from the other thread.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _noting(kind: type[Any], connected: list[Any]) -> type[Any]:
    """Return a class of connections whose latest instance is kept in a list."""
    if getattr(kind, "noted_in", None) is connected:
        return kind

    class Noting(kind):  # type: ignore[misc]
        noted_in = connected

        def connect(self) -> None:
            connected[:] = [self]
            super().connect()

    return Noting
