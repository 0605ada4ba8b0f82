"""What a network, a proxy or a broken host may send, byte by byte."""

from __future__ import annotations

import gzip
import itertools
import json
import time
import zlib
from typing import TYPE_CHECKING, Any

from tests.support.raw_server import bytes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.support.raw_server import Request, Sent

#: Those that send something again and again, and never an end.
ENDLESS = (
    "headers without end",
    "a body in drops",
    "chunk extensions without end",
    "100 Continue without end",
)


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer whose length is told as it is."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    return head.encode() + body


def _error(message: str, code: object = 100) -> bytes:
    content = {"error": {"message": message, "type": "OAuthException", "code": code}}
    return answer(json.dumps(content).encode(), status="400 Bad Request")


def _page(after: str | None, *rows: Mapping[str, Any]) -> bytes:
    paging = {"cursors": {"after": after}, "next": "https://example.com"} if after else {}
    return answer(json.dumps({"data": rows, "paging": paging}).encode())


def _drip(
    begin: bytes, piece: bytes, seconds: float = 0.05
) -> Callable[[Request], Iterator[bytes]]:
    """Send something small again and again, for ever."""

    def send(_request: Request) -> Iterator[bytes]:
        yield begin
        while True:
            time.sleep(seconds)
            yield piece

    return send


def _in_a_circle(_request: Request) -> Iterator[bytes]:
    """Lead from A to B and back to A, over empty pages."""
    yield _page("B" if "after=A" in _request.target else "A")


def _ever_further(_request: Request) -> Iterator[bytes]:
    """Name another cursor on each empty page."""
    yield _page(f"cursor{next(_NUMBERS)}")


_NUMBERS = itertools.count()
_ZEROS = b"0" * (100 << 20)
_ROW = '{"account_id": "1", "date_start": "2026-11-20", "date_stop": "2026-11-20", "spend": %s}'


def kinds() -> dict[str, Sent]:
    """Return what is sent, by a name."""
    squeezed = gzip.compress(_ZEROS, 9)
    return {
        "100 MiB in a gzip of 100 kB": bytes_of(answer(squeezed, "Content-Encoding: gzip")),
        "100 MiB deflated": bytes_of(answer(zlib.compress(_ZEROS, 9), "Content-Encoding: deflate")),
        "a gzip of a gzip": bytes_of(
            answer(gzip.compress(squeezed), "Content-Encoding: gzip, gzip")
        ),
        "an encoding nobody asked for": bytes_of(answer(b"{}", "Content-Encoding: br")),
        "a message of 20 kB": bytes_of(_error("(#100) " + "spend, " * 3_000)),
        "a message of 50 MB": bytes_of(_error("x" * 50_000_000)),
        "a code of a million digits": bytes_of(
            answer(b'{"error": {"message": "x", "code": 1' + b"0" * 10**6 + b"}}")
        ),
        "an amount of 1e999999999": bytes_of(
            answer(b'{"data": [' + (_ROW % '"1e999999999"').encode() + b"]}")
        ),
        "JSON of a hundred thousand floors": bytes_of(answer(b"[" * 100_000)),
        "rows that are numbers": bytes_of(answer(b'{"data": [1, 2]}')),
        "cursors in a circle": _in_a_circle,
        "ever new cursors": _ever_further,
        "headers without end": _drip(b"HTTP/1.1 200 OK\r\n", b"X-More: more\r\n"),
        "a body in drops": _drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{", b" "),
        "chunk extensions without end": _drip(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x=y;"
        ),
        "100 Continue without end": _drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        "half an answer": bytes_of(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        "no HTTP at all": bytes_of(b"SSH-2.0-OpenSSH_9.6\r\n"),
        "nothing": bytes_of(b""),
        "a header without colon": bytes_of(answer(b"{}", "garbage")),
        "a length of many digits": bytes_of(
            b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 400 + b"\r\n\r\n{}"
        ),
    }
