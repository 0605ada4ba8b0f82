"""A sandbox reached without sockets, in simulated time: nights of waits pass in moments.

`Time` only moves when somebody waits for it. `NoSockets` stands where the network is, below the
tap's own client: what it hands back are bytes, headers and broken connections, so reading,
judging and repairing answers is the tap's. `Calls` sends as many calls at once as the tap asks
for; each is answered after its latency, in the order of their ends. Nothing here depends on how
fast the machine is.
"""

from __future__ import annotations

import datetime as dt
import heapq
import io
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.sandbox.graph.dials import Dials
from tap_meta_partner.sandbox.graph.graph import Graph
from tap_meta_partner.sandbox.protocol.calls import GraphCall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_meta_partner.graph.calls import Answer as Received
    from tap_meta_partner.graph.calls import Call
    from tap_meta_partner.lanes.lane import Lane
    from tap_meta_partner.sandbox.protocol.calls import Answer
    from tap_meta_partner.sandbox.world.world import World

LATENCY_SECONDS = 0.3
URL = "http://127.0.0.1:9"  # nobody listens there, and nobody is called


@dataclass(slots=True)
class Time:
    """Seconds and an instant that move only when somebody waits.

    Attributes:
        began: the instant at which `seconds` was 0.
        seconds: how much time has passed.
    """

    began: dt.datetime
    seconds: float = 0.0

    def utc_now(self) -> dt.datetime:
        """Tell the present instant."""
        return self.began + dt.timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Tell the seconds that have passed."""
        return self.seconds

    def pass_until(self, seconds: float) -> None:
        """Let time pass; it never goes back."""
        self.seconds = max(self.seconds, seconds)

    def set(self, instant: dt.datetime) -> None:
        """Let time pass until an instant."""
        self.pass_until((instant - self.began).total_seconds())

    def clock(self, jitter: Callable[[], float] = lambda: 0.5) -> Clock:
        """Return the clock of a tap that lives in this time."""
        return Clock(utc_now=self.utc_now, monotonic=self.monotonic, jitter=jitter)


class NoSockets(BaseAdapter):
    """Hands each request to `answer` and makes a response of what it returns, spoiled or whole.

    Args:
        answer: what the Graph API says.

    Attributes:
        took: how many seconds the last call took.
    """

    def __init__(self, answer: Callable[[GraphCall], Answer]) -> None:
        super().__init__()
        self._answer = answer
        self.took = 0.0

    def send(  # type: ignore[override]
        self,
        request: requests.PreparedRequest,
        *,
        timeout: Any = None,  # noqa: ANN401  (as requests calls it)
        **_: object,
    ) -> requests.Response:
        """Answer one request."""
        self.took = LATENCY_SECONDS
        longest = timeout[1] if isinstance(timeout, tuple) else timeout
        answer = self._answer(_graph_call(request))
        status, body, headers = answer.status, answer.body, dict(answer.headers)
        fault = answer.fault
        if fault is not None and fault.effect:
            status, body = self._spoiled(fault.effect, fault.seconds, longest, status, body)
        response = requests.Response()
        response.status_code = status
        response.headers.update(headers)
        response.raw = urllib3.HTTPResponse(
            body=io.BytesIO(body), headers=headers, status=status, preload_content=False
        )
        response.url = request.url or ""
        return response

    def close(self) -> None:
        """There is nothing to close."""

    def _spoiled(
        self, effect: str, seconds: float, longest: float, status: int, body: bytes
    ) -> tuple[int, bytes]:
        if effect in {"delay", "drip"}:
            self.took = min(seconds, longest)
            if seconds >= longest:
                raise requests.ReadTimeout
        if effect in _BROKEN:
            raise _BROKEN[effect]
        if effect.startswith("html_"):
            return int(effect[5:]), b"<!DOCTYPE html><html><body>Sorry</body></html>"
        if effect in _SPOILED:
            return _SPOILED[effect](status, body)
        return status, body


_BROKEN: Mapping[str, type[requests.RequestException]] = {
    "reset": requests.ConnectionError,
    "reset_mid_body": requests.exceptions.ChunkedEncodingError,
}
_SPOILED: Mapping[str, Callable[[int, bytes], tuple[int, bytes]]] = {
    "redirect": lambda _status, _body: (302, b""),
    "truncated_json": lambda status, body: (status, body[: len(body) * 2 // 3]),
    "invalid_json": lambda status, body: (status, body.replace(b"{", b"", 1)),
    "empty_200": lambda _status, _body: (200, b""),
}


@dataclass(slots=True)
class Calls:
    """A transport for `SyncRun`: calls are answered in the order in which their answers are due.

    Args:
        send: the client's.
        adapter: tells how long the call took.
        time: moves while somebody waits.
    """

    send: Callable[[Call], Received]
    adapter: NoSockets
    time: Time
    _under_way: list[tuple[float, int, Lane, Received]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _woken: bool = False

    def submit(self, lane: Lane, call: Call) -> None:
        """Send a call; its answer is due when its latency has passed."""
        answer = self.send(call)
        due = self.time.seconds + self.adapter.took
        heapq.heappush(self._under_way, (due, next(self._order), lane, answer))

    def wait(self, seconds: float | None) -> tuple[Lane, Received] | None:
        """Let time pass until the next answer, or for so many seconds."""
        ends = float("inf") if seconds is None else self.time.seconds + seconds
        if self._woken or not self._under_way or self._under_way[0][0] > ends:
            if self._woken:
                self._woken = False
            elif ends < float("inf"):
                self.time.pass_until(ends)
            else:
                raise RuntimeError("waiting for ever: no call is under way")
            return None
        due, _, lane, answer = heapq.heappop(self._under_way)
        self.time.pass_until(due)
        return lane, answer

    def wake(self) -> None:
        """Make `wait` return at once."""
        self._woken = True

    def close(self) -> None:
        """Forget what is under way."""
        self._under_way.clear()


def _graph_call(request: requests.PreparedRequest) -> GraphCall:
    address = urlsplit(request.url or "")
    params: Mapping[str, str] = dict(parse_qsl(address.query, keep_blank_values=True))
    body = request.body
    if body:
        text = body.decode() if isinstance(body, bytes) else str(body)
        params = {**params, **dict(parse_qsl(text, keep_blank_values=True))}
    scheme, _, token = str(request.headers.get("Authorization", "")).partition(" ")
    return GraphCall(
        method=str(request.method),
        path=address.path,
        params=params,
        token=token.strip() if scheme == "Bearer" else params.get("access_token"),
        token_in_params="access_token" in params,
        base_url=f"{URL}/",
    )


def graph_of(world: World, time: Time, **dials: Any) -> Graph:  # noqa: ANN401  (see `Dials`)
    """Return a Graph API about a world, in this time."""
    return Graph(world, Dials(monotonic=time.monotonic, **dials))


def as_json(value: Any) -> Any:  # noqa: ANN401  (a JSON value)
    """Return a value as it comes back from a file: what JSON cannot hold fails here."""
    return json.loads(json.dumps(value))
