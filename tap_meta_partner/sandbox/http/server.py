"""The sandbox over HTTP."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from tap_meta_partner.sandbox.graph.dials import Dials
from tap_meta_partner.sandbox.graph.graph import Graph
from tap_meta_partner.sandbox.graph.targets import split_version
from tap_meta_partner.sandbox.graph.tokens import APP_ID
from tap_meta_partner.sandbox.http.connections import PersistentHandler, PersistentServer
from tap_meta_partner.sandbox.http.control import Control
from tap_meta_partner.sandbox.http.spoiling import response
from tap_meta_partner.sandbox.protocol.calls import GraphCall

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from typing_extensions import Self

    from tap_meta_partner.sandbox.graph.field_refusals import FieldRefusals
    from tap_meta_partner.sandbox.graph.login_dialog import LoginDialog
    from tap_meta_partner.sandbox.protocol.calls import ReceivedCall
    from tap_meta_partner.sandbox.protocol.faults import Fault
    from tap_meta_partner.sandbox.world.world import World


class Sandbox:
    """A Graph API on a loopback port, as a context manager.

    Args:
        world: What it tells about.
        dials: What it accepts, how much it bears, and what goes wrong.
        port: 0 takes a free one.
    """

    def __init__(self, world: World, dials: Dials | None = None, *, port: int = 0) -> None:
        dials = dials or Dials()
        self.world = world
        self.token = dials.token
        self.app_id = APP_ID
        self._latency = dials.latency
        self._graph = Graph(world, dials)
        self._server = PersistentServer(
            "127.0.0.1", port, self._application, handler=PersistentHandler
        )
        self._control = Control(world, self._graph)
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

    @property
    def login(self) -> LoginDialog:
        """The OAuth dialog: `login.decide("deny")` lets it refuse; `login.asked` is what came."""
        return self._graph.login

    @property
    def refused_fields(self) -> FieldRefusals:
        """Fields Meta no longer knows; `refuse` and `accept` change them while it runs."""
        return self._graph.refused_fields

    def fault(self, fault: Fault) -> None:
        """Let something go wrong."""
        self._graph.faults.add(fault)

    def clear_faults(self) -> None:
        """Let everything go right again."""
        self._graph.faults.clear()

    def _application(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        request = Request(environ)
        body = request.get_data()  # read to its end, or the next request would begin inside it
        if request.path.startswith("/sandbox/"):
            return self._control.answer(request, body)(environ, start_response)
        if request.method == "GET" and split_version(request.path)[1] == ["dialog", "oauth"]:
            return self._dialog(request)(environ, start_response)
        if self._latency:
            time.sleep(self._latency)
        answer = self._graph.answer(_graph_call(request))
        return response(answer, environ["werkzeug.socket"])(environ, start_response)

    def _dialog(self, request: Request) -> Response:
        """Return what the browser is sent to at www.facebook.com, where Meta keeps the dialog."""
        shown = self._graph.login.show(request.args.to_dict())
        if shown.location:
            return redirect(shown.location)
        return Response(shown.complaint, status=400, mimetype="text/plain")


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
    """Return the parameters in the body: a form (also multipart), or a JSON object."""
    value = request.get_json(silent=True)
    if isinstance(value, dict):
        return {k: v if isinstance(v, str) else json.dumps(v) for k, v in value.items()}
    return request.form.to_dict()
