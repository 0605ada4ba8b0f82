"""A server that answers some calls with raw bytes, as sloppy proxies do, and hands all others on.

Nothing of an HTTP library is between a test and the socket: what is sent is what was written.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from typing_extensions import Self

#: What is sent for a request, piece by piece.
Sent: TypeAlias = "Callable[[Request], Iterator[bytes]]"

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What came in: all of its bytes.

    Attributes:
        raw: them.
        behind: where it would have gone.
    """

    raw: bytes
    behind: str

    def answers(self) -> Iterator[bytes]:
        """Ask the server behind; give its answer as it comes, one request per connection."""
        host = urlsplit(self.behind)
        head, blank, body = self.raw.partition(b"\r\n\r\n")
        lines = [
            line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")
        ]
        with socket.create_connection((host.hostname or "", host.port or 80), _SECONDS) as beyond:
            beyond.sendall(b"\r\n".join([*lines, b"Connection: close"]) + blank + body)
            while piece := beyond.recv(1 << 16):
                yield piece

    @property
    def target(self) -> str:
        """Path and query, as they stand in the first line."""
        return self.raw.split(b" ", 2)[1].decode("latin-1")


def bytes_of(answer: bytes) -> Sent:
    """Send the same to everybody, and hang up."""

    def send(_request: Request) -> Iterator[bytes]:
        yield answer

    return send


def with_a_line(line: bytes) -> Sent:
    """Send what the server behind answers, with one more line among its headers."""

    def send(request: Request) -> Iterator[bytes]:
        status, _, rest = b"".join(request.answers()).partition(b"\r\n")
        yield status + b"\r\n" + line + b"\r\n" + rest

    return send


@dataclass(slots=True)
class RawServer:
    """Listens on loopback while the context lasts.

    Args:
        behind: the address that calls are handed on to.
        sent: what is answered instead.
        where: parts of targets; each is answered so for its first `times` calls.
        times: how often.

    Attributes:
        met: the targets that were answered with raw bytes.
    """

    behind: str
    sent: Sent
    where: tuple[str, ...] = ("",)
    times: int = 1
    met: list[str] = field(default_factory=list)
    _listener: socket.socket = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(_SECONDS)
        with connection, contextlib.suppress(OSError):
            request = Request(_read(connection), self.behind)
            if not request.raw:
                return
            pieces = self.sent(request) if self._is_meant(request.target) else request.answers()
            for piece in pieces:
                connection.sendall(piece)

    def _is_meant(self, target: str) -> bool:
        with self._lock:
            for part in self.where:
                if part in target and sum(part in each for each in self.met) < self.times:
                    self.met.append(target)
                    return True
        return False


def _read(connection: socket.socket) -> bytes:
    """Read one request whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(1 << 16)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    wanted = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            wanted = int(value)
    while len(body) < wanted:
        piece = connection.recv(1 << 16)
        if not piece:
            break
        body += piece
        data += piece
    return data
