"""A sandbox with a fixed clock, and a plain client that pages through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
import requests

from tap_meta_partner.sandbox import Sandbox, World

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


class Clock:
    """A wall clock and a stop watch that only move when told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds - 1_000.0)

    def monotonic(self) -> float:
        return self.seconds


@dataclass(frozen=True)
class Client:
    """Plain HTTP with the token in the header, as the tap calls."""

    sandbox: Sandbox
    session: requests.Session

    def url(self, path: str) -> str:
        return f"{self.sandbox.url}/v26.0/{path}"

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.session.get(self.url(path), params=params, timeout=10)

    def post(self, path: str, **params: Any) -> requests.Response:
        return self.session.post(self.url(path), data=params, timeout=10)

    def error(self, path: str, **params: Any) -> tuple[int, int | None]:
        """Code and subcode of the refusal."""
        answer = self.get(path, **params)
        error = answer.json()["error"]
        assert answer.status_code >= 400
        assert error["fbtrace_id"]
        return error["code"], error.get("error_subcode")

    def pages(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """All pages, the next one always by `cursors.after` while there is a `next`."""
        found = []
        while True:
            body = self.get(path, **params).json()
            assert "data" in body, body
            found.append(body)
            if "next" not in body.get("paging", {}):
                return found
            params["after"] = body["paging"]["cursors"]["after"]

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        return [row for page in self.pages(path, **params) for row in page["data"]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World.demo(seed=7, now=clock.now)


@pytest.fixture
def start(world: World, clock: Clock) -> Iterator[Callable[..., Client]]:
    """Starts a sandbox with the given dials and gives a client to it."""
    running: list[tuple[Sandbox, requests.Session]] = []

    def _start(**dials: Any) -> Client:
        dials.setdefault("monotonic", clock.monotonic)
        sandbox = Sandbox(dials.pop("world", world), **dials).__enter__()
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {sandbox.token}"
        running.append((sandbox, session))
        return Client(sandbox, session)

    yield _start
    for sandbox, session in running:
        session.close()
        sandbox.__exit__(None, None, None)


@pytest.fixture
def client(start: Callable[..., Client]) -> Client:
    return start()


@pytest.fixture
def span() -> dict[str, str]:
    """The 20 days before the clock's, as every account sees them."""
    return {"since": "2026-11-03", "until": "2026-11-22"}


@pytest.fixture
def days(span: dict[str, str]) -> tuple[date, date]:
    return date.fromisoformat(span["since"]), date.fromisoformat(span["until"])
