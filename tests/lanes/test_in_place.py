"""One lane for a person who waits: the same steps, without threads and without patience."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.graph.calls import Answer, Call
from tap_meta_partner.graph.errors import MetaError, Throttled
from tap_meta_partner.graph.steps import Pause, ask
from tap_meta_partner.graph.usage import Usage
from tap_meta_partner.lanes.in_place import drive_in_place
from tests.support.fakes import APP_LIMIT, fault

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.support.fakes import Reply

ME = Call(path="me")


def answering(*replies: Reply) -> Callable[[Call], Answer]:
    """Answer the calls with these, in order."""
    left = iter(replies)

    def send(_call: Call) -> Answer:
        reply = next(left)
        return reply if isinstance(reply, Answer) else Answer(reply, Usage())

    return send


def test_steps__return_what_they_make_of_the_answers() -> None:
    """Calls are sent one after another, and pauses slept, until the steps return."""
    slept: list[float] = []

    def steps() -> Generator[Any, Any, list[Any]]:
        first = yield ME
        yield Pause(7, "why not")
        return [first, (yield ME)]

    assert drive_in_place(steps(), answering({"n": 1}, {"n": 2}), slept.append) == [
        {"n": 1},
        {"n": 2},
    ]
    assert slept == [7]


def test_error__reaches_the_steps_where_they_asked() -> None:
    """An error is raised at the `yield`, where the steps may take it and go on."""

    def steps() -> Generator[Any, Any, str]:
        try:
            yield ME
        except MetaError as error:
            return f"taken: {error.fault.code}"
        return "no error"

    assert drive_in_place(steps(), answering(fault(190)), lambda _: None) == "taken: 190"


def test_throttle__is_not_sat_out() -> None:
    """A rate limit ends it at once: whoever waits is told, instead of waiting for minutes."""
    slept: list[float] = []

    with pytest.raises(Throttled):
        drive_in_place(ask(ME, lambda: 0.0), answering(fault(*APP_LIMIT)), slept.append)
    assert slept == []
