"""A sandbox with a fixed clock, and a plain client that pages through it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_meta_partner.sandbox import Dials, Sandbox, World
from tests.support.sandbox_client import Client, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.sandbox_client import Start


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World.demo(seed=7, now=clock.now)


@pytest.fixture
def start(world: World, clock: Clock) -> Iterator[Start]:
    """Start a sandbox with the given dials and give a client to it."""
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
def days(span: dict[str, str]) -> tuple[dt.date, dt.date]:
    return dt.date.fromisoformat(span["since"]), dt.date.fromisoformat(span["until"])
