"""A sandbox with a fixed clock, and a plain client that pages through it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import requests

from tap_meta_partner.sandbox import Dials, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]
Refusal = tuple[int | None, int | None]

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


class Clock:
    """A wall clock and a stop watch that only move when told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return NOON + timedelta(seconds=self.seconds - 1_000.0)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self.seconds


@dataclass(frozen=True)
class Client:
    """Plain HTTP with the token in the header, as the tap calls."""

    sandbox: Sandbox
    session: requests.Session

    def url(self, path: str) -> str:
        """The address of a node or edge."""
        return f"{self.sandbox.url}/v26.0/{path}"

    def get(self, path: str, **params: str | int) -> requests.Response:
        """One read."""
        return self.session.get(self.url(path), params=params, timeout=10)

    def post(self, path: str, **params: str | int) -> requests.Response:
        """One form sent."""
        return self.session.post(self.url(path), data=params, timeout=10)

    def error(self, path: str, **params: str | int) -> Refusal:
        """Code and subcode of the refusal."""
        answer = self.get(path, **params)
        error = answer.json()["error"]
        assert answer.status_code >= 400
        assert error["fbtrace_id"]
        return error["code"], error.get("error_subcode")

    def pages(self, path: str, **params: str | int) -> list[Row]:
        """All pages, the next one always by `cursors.after` while there is a `next`."""
        found = []
        while True:
            body = self.get(path, **params).json()
            assert "data" in body, body
            found.append(body)
            if "next" not in body.get("paging", {}):
                return found
            params["after"] = body["paging"]["cursors"]["after"]

    def rows(self, path: str, **params: str | int) -> list[Row]:
        """The rows of all pages."""
        return [row for page in self.pages(path, **params) for row in page["data"]]


class Start(Protocol):
    """Starts a sandbox with some of its dials set, and gives a client to it."""

    def __call__(self, **dials: Any) -> Client:  # noqa: ANN401  (whatever Sandbox takes)
        """The client."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World.demo(seed=7, now=clock.now)


@pytest.fixture
def start(world: World, clock: Clock) -> Iterator[Start]:
    """Starts a sandbox with the given dials and gives a client to it."""
    running: list[tuple[Sandbox, requests.Session]] = []

    def _start(**dials: Any) -> Client:  # noqa: ANN401  (whatever Sandbox takes)
        dials.setdefault("monotonic", clock.monotonic)
        sandbox = Sandbox(dials.pop("world", world), Dials(**dials)).__enter__()
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {sandbox.token}"
        running.append((sandbox, session))
        return Client(sandbox, session)

    yield _start
    for sandbox, session in running:
        session.close()
        sandbox.__exit__(None, None, None)


@pytest.fixture
def client(start: Start) -> Client:
    return start()


@pytest.fixture
def span() -> dict[str, str]:
    """The 20 days before the clock's, as every account sees them."""
    return {"since": "2026-11-03", "until": "2026-11-22"}


@pytest.fixture
def days(span: dict[str, str]) -> tuple[date, date]:
    return date.fromisoformat(span["since"]), date.fromisoformat(span["until"])
