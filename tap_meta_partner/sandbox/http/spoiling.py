"""Answers as HTTP, whole or spoiled as a fault says."""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from tap_meta_partner.sandbox.protocol.faults import SENT_STATUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_meta_partner.sandbox.protocol.calls import Answer
    from tap_meta_partner.sandbox.protocol.faults import Fault

_HTML = {
    "html_500": "Sorry, something went wrong.",
    "html_502": "502 Bad Gateway",
    "html_503": "503 Service Unavailable",
    "html_200": "Sorry, this content isn't available right now",
}
_PIECES = 20


def response(answer: Answer, connection: socket.socket) -> Response:
    """Return the answer as HTTP, spoiled as its fault says."""
    headers = {"Content-Type": "application/json; charset=UTF-8", **answer.headers}
    whole = Response(answer.body, status=answer.status, headers=headers)
    fault = answer.fault
    if fault is None or fault.effect is None:
        return whole
    if fault.effect in _HTML:
        page = f"<!DOCTYPE html><html><body><h1>{_HTML[fault.effect]}</h1></body></html>"
        return Response(page, status=SENT_STATUS[fault.effect], mimetype="text/html")
    if fault.effect == "redirect":
        return Response(status=302, headers={"Location": "http://elsewhere.invalid/v26.0/me"})
    if fault.effect == "delay":
        time.sleep(fault.seconds)
        return whole
    if fault.effect == "reset":
        _reset(connection)
    if fault.effect in {"drip", "reset_mid_body"}:
        whole.response = _slowly(answer.body, fault, connection)
        whole.headers["Content-Length"] = str(len(answer.body))
        return whole
    spoil = _SPOILED.get(fault.effect)
    if spoil is not None:
        whole.set_data(spoil(answer.body))
    return whole


_SPOILED: dict[str, Callable[[bytes], bytes]] = {
    # Seen at Meta: HTTP 200 and a body that ends in the middle of a row.
    "truncated_json": lambda body: body[: len(body) * 2 // 3],
    "invalid_json": lambda body: body.replace(b"{", b"", 1),
    "empty_200": lambda _: b"",
}


def _slowly(body: bytes, fault: Fault, connection: socket.socket) -> Iterator[bytes]:
    size = max(1, -(-len(body) // _PIECES))
    for start in range(0, len(body), size):
        if fault.effect == "reset_mid_body" and start >= len(body) // 2:
            _reset(connection)
        piece = body[start : start + size]
        if fault.effect == "drip":
            time.sleep(fault.seconds * len(piece) / len(body))
        yield piece


def _reset(connection: socket.socket) -> None:
    """End the connection with a reset rather than an orderly close."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise ConnectionResetError("reset on request")
