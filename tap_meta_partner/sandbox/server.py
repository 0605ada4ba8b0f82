"""The sandbox over HTTP."""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

from tap_meta_partner.sandbox.calls import GraphCall
from tap_meta_partner.sandbox.faults import Fault
from tap_meta_partner.sandbox.graph import Graph, Limits
from tap_meta_partner.sandbox.tokens import APP_ID, TokenInfo

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from typing_extensions import Self

    from tap_meta_partner.sandbox.calls import Answer, ReceivedCall
    from tap_meta_partner.sandbox.usage import Budget
    from tap_meta_partner.sandbox.world import Totals, World

_HTML = {
    "html_500": (500, "Sorry, something went wrong."),
    "html_502": (502, "502 Bad Gateway"),
    "html_503": (503, "503 Service Unavailable"),
    "html_200": (200, "Sorry, this content isn't available right now"),
}
_PIECES = 20


class Sandbox:
    """A Graph API on a loopback port, as a context manager.

    Args:
        world: What it tells about.
        port: 0 takes a free one.
        latency: Seconds every answer takes at least.
        token: The System User token that is accepted.
        tokens: Further tokens.
        app_secret: When set, calls need the `appsecret_proof` made with it.
        budgets: How many calls are let through; None = all.
        max_sync_rows: Above it a synchronous report is refused as too much data; None = never.
        slow_sync_rows: Above it a synchronous report times out; None = never.
        max_async_rows: Above it a report run fails as too large; None = never.
        max_running_runs: How many runs of one account may be under way; None = any number.
        job_seconds: How long a report run takes; 0 = one state per poll.
        faults: What is to go wrong from the start.
        monotonic: The clock of budgets and report runs, in seconds.
    """

    def __init__(  # noqa: PLR0913 - each is one dial of the sandbox
        self,
        world: World,
        *,
        port: int = 0,
        latency: float = 0.0,
        token: str = "SANDBOX-TOKEN",  # noqa: S107 - made up, and meant to be known
        tokens: Mapping[str, TokenInfo] | None = None,
        app_secret: str | None = None,
        budgets: Budget | None = None,
        max_sync_rows: int | None = None,
        slow_sync_rows: int | None = None,
        max_async_rows: int | None = None,
        max_running_runs: int | None = None,
        job_seconds: float = 0.0,
        faults: Iterable[Fault] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.world = world
        self.token = token
        self.app_id = APP_ID
        self.latency = latency
        self._graph = Graph(
            world,
            tokens={token: TokenInfo(), **(tokens or {})},
            app_secret=app_secret,
            budget=budgets,
            limits=Limits(
                max_sync_rows=max_sync_rows,
                slow_sync_rows=slow_sync_rows,
                max_async_rows=max_async_rows,
                max_running_runs=max_running_runs,
            ),
            job_seconds=job_seconds,
            faults=faults,
            monotonic=monotonic,
        )
        self._server = _Server("127.0.0.1", port, self._application, handler=_Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.hang_up()

    @property
    def calls(self) -> list[ReceivedCall]:
        """Every call answered so far, oldest first."""
        return self._graph.calls

    def fault(self, fault: Fault) -> None:
        """Makes something go wrong."""
        self._graph.faults.add(fault)

    def clear_faults(self) -> None:
        """Lets everything go right again."""
        self._graph.faults.clear()

    def _application(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        request = Request(environ)
        body = request.get_data()  # read to its end, or the next request would begin inside it
        if request.path.startswith("/sandbox/"):
            return self._control(request, body)(environ, start_response)
        if self.latency:
            time.sleep(self.latency)
        answer = self._graph.answer(_graph_call(request))
        return _response(answer, environ["werkzeug.socket"])(environ, start_response)

    # Control, for tests in other processes

    def _control(self, request: Request, body: bytes) -> Response:
        name = request.path.removeprefix("/sandbox/")
        actions: dict[tuple[str, str], Callable[[Request, Mapping[str, object]], object]] = {
            ("GET", "truth"): lambda r, _: {"data": self._truth(r.args)},
            ("POST", "restate"): lambda _, v: self._restate(v),
            ("POST", "faults"): lambda _, v: self.fault(Fault.from_json(v)),
            ("DELETE", "faults"): lambda _, __: self.clear_faults(),
            ("GET", "calls"): lambda _, __: {"data": [asdict(call) for call in self.calls]},
            ("DELETE", "calls"): lambda _, __: self.calls.clear(),
            ("POST", "revoke"): lambda _, v: self.world.revoke(str(v["account_id"])),
            ("POST", "restore"): lambda _, v: self.world.restore(str(v["account_id"])),
        }
        action = actions.get((request.method, name))
        if action is None:
            return _json_response({"error": f"no such control: {request.method} {name}"}, 404)
        try:
            values = {**request.args.to_dict(), **(json.loads(body) if body else {})}
            done = action(request, values)
        except (KeyError, TypeError, ValueError) as error:
            return _json_response({"error": f"{type(error).__name__}: {error}"}, 400)
        return _json_response({"ok": True} if done is None else done, 200)

    def _restate(self, values: Mapping[str, object]) -> object:
        return {"revision": self.world.restate(float(str(values.get("share", 0.3))))}

    def _truth(self, args: Mapping[str, str]) -> dict[str, object]:
        since, until = date.fromisoformat(args["since"]), date.fromisoformat(args["until"])
        asked = args.get("account_id")
        accounts = [self.world.account(asked)] if asked else self.world.readable()
        return {
            account.id: {
                day.isoformat(): _truth_of(totals)
                for day, totals in self.world.day_totals(account.id, since, until).items()
            }
            for account in accounts
        }


class _Server(ThreadedWSGIServer):
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
        """Ends all connections, so that no client goes on talking to a sandbox that is over."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):  # its client was faster
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(WSGIRequestHandler):
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
        """Says nothing: `Sandbox.calls` tells what came in."""


def _graph_call(request: Request) -> GraphCall:
    params = {**request.args.to_dict(), **_form(request)}
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    in_header = credential.strip() if scheme.lower() in {"bearer", "oauth"} else None
    token = in_header or params.get("access_token")
    return GraphCall(
        method=request.method,
        path=request.path,
        params=params,
        token=token,
        token_in_params=not in_header and token is not None,
        base_url=request.host_url,
    )


def _form(request: Request) -> dict[str, str]:
    """Parameters from the body: a form (also multipart), or a JSON object."""
    value = request.get_json(silent=True)
    if isinstance(value, dict):
        return {k: v if isinstance(v, str) else json.dumps(v) for k, v in value.items()}
    return request.form.to_dict()


def _response(answer: Answer, connection: socket.socket) -> Response:
    """The answer as HTTP, spoiled as its fault says."""
    headers = {"Content-Type": "application/json; charset=UTF-8", **answer.headers}
    response = Response(answer.body, status=answer.status, headers=headers)
    fault = answer.fault
    if fault is None or fault.effect is None:
        return response
    if fault.effect in _HTML:
        status, text = _HTML[fault.effect]
        page = f"<!DOCTYPE html><html><body><h1>{text}</h1></body></html>"
        return Response(page, status=status, mimetype="text/html")
    if fault.effect == "redirect":
        return Response(status=302, headers={"Location": "http://elsewhere.invalid/v26.0/me"})
    if fault.effect == "delay":
        time.sleep(fault.seconds)
        return response
    if fault.effect == "reset":
        _reset(connection)
    if fault.effect in {"drip", "reset_mid_body"}:
        response.response = _slowly(answer.body, fault, connection)
        response.headers["Content-Length"] = str(len(answer.body))
        return response
    spoil = _SPOILED.get(fault.effect)
    if spoil is not None:
        response.set_data(spoil(answer.body))
    return response


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
    """Ends the connection with a reset rather than an orderly close."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise ConnectionResetError("reset on request")


def _truth_of(totals: Totals) -> dict[str, object]:
    return {
        "spend": str(totals.spend),
        "impressions": totals.impressions,
        "clicks": totals.clicks,
        "rows": totals.rows_by_level,
    }


def _json_response(value: object, status: int) -> Response:
    return Response(json.dumps(value), status=status, mimetype="application/json")
