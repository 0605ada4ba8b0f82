"""Sandboxes, each on a free port, stopped at the end of the test."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tap_meta_partner.outputs import secrecy
from tap_meta_partner.sandbox import Dials, Sandbox, World
from tests.support.examples import PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

for _name, _examples in PROFILES.items():
    settings.register_profile(_name, derandomize=True, deadline=None, max_examples=_examples)
settings.load_profile("ci" if os.environ.get("CI") else "home")

#: Files that take a minute or more. Workers take whole files: one of these must not come last.
_SLOWEST = (
    "test_raw_answers",
    "test_raw_commands",
    "test_resume",
    "test_fleets",
    "test_fleets_kubernetes",
    "test_fault_matrix",
    "test_secrets",
    "test_loaders",
    "test_breakdown_reports",
    "test_dimensions",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slowest files; the others stay in their random order."""
    items.sort(key=lambda item: item.path.stem not in _SLOWEST)


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    """What one test's settings hold is not hidden from the next one's."""
    secrecy.forget()
    yield
    secrecy.forget()


@pytest.fixture(autouse=True)
def _own_signal_handlers() -> Iterator[None]:
    """A tap made in this process installs signal handlers: give each test Python's own."""
    _python_signal_handlers()
    yield
    _python_signal_handlers()


def _python_signal_handlers() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture
def start_sandbox() -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes; takes a world (the demo world where none is given) and the dials."""
    with ExitStack() as stack:

        def start(world: World | None = None, **dials: Any) -> Sandbox:  # noqa: ANN401
            return stack.enter_context(Sandbox(world or World.demo(seed=7), Dials(**dials)))

        yield start


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The demo world: six clients, calm weather."""
    return start_sandbox()


@pytest.fixture
def config(sandbox: Sandbox) -> dict[str, Any]:
    """The least a configuration needs to read the demo world."""
    return {"access_token": sandbox.token, "api_url": sandbox.url}
