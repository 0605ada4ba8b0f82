"""Threads that only send: each answer to its lane, and nobody waits for a thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tap_meta_partner.graph.calls import Answer, Call
from tap_meta_partner.graph.errors import Retriable
from tap_meta_partner.graph.usage import Usage
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.lanes.threads import ThreadTransport, over_http
from tap_meta_partner.settings.model import Settings
from tests.support.stage import asking

if TYPE_CHECKING:
    from tap_meta_partner.lanes.lane import Lane
    from tap_meta_partner.sandbox import Sandbox


def call_of(name: str) -> tuple[Lane, Call]:
    return asking(name), Call(path=name)


def test_threads__answers_come_back_to_their_lanes() -> None:
    """Each answer arrives with the lane that asked."""
    transport = ThreadTransport(send=lambda call: Answer({"path": call.path}, Usage()), threads=3)
    asked = [call_of(str(n)) for n in range(7)]
    for lane, call in asked:
        transport.submit(lane, call)

    got = [transport.wait(30) for _ in asked]
    transport.close()

    answers = {item[0].name: item[1].body for item in got if item}
    assert answers == {str(n): {"path": str(n)} for n in range(7)}


def test_threads__are_daemons_and_no_more_than_allowed() -> None:
    """Two threads serve four calls; both are daemons, so a hanging one cannot keep the process."""
    two_at_once = threading.Barrier(2)
    seen: list[threading.Thread] = []

    def send(_call: Call) -> Answer:
        seen.append(threading.current_thread())
        two_at_once.wait(30)
        return Answer({}, Usage())

    transport = ThreadTransport(send=send, threads=2)
    for number in range(4):
        transport.submit(*call_of(str(number)))
    for _ in range(4):
        assert transport.wait(30)
    transport.close()

    assert len(set(seen)) == transport._started == 2
    assert all(thread.daemon for thread in seen)


def test_threads__end_when_the_transport_is_closed() -> None:
    """After `close` the threads come to their end, though nobody waits for them."""
    seen: list[threading.Thread] = []

    def send(_call: Call) -> Answer:
        seen.append(threading.current_thread())
        return Answer({}, Usage())

    transport = ThreadTransport(send=send, threads=1)
    transport.submit(*call_of("a"))
    assert transport.wait(30)
    transport.close()

    seen[0].join(30)
    assert not seen[0].is_alive()


def test_threads__waiting_ends_by_itself_or_when_woken() -> None:
    """`wait` returns None when its time is over, and at once when woken."""
    transport = ThreadTransport(send=lambda _: Answer({}, Usage()), threads=1)

    assert transport.wait(0.0) is None
    transport.wake()
    assert transport.wait(None) is None


def test_threads__a_surprise_while_sending_is_an_answer_too() -> None:
    """An unexpected exception comes back as an error that keeps its text, and the secret, out."""

    def send(_call: Call) -> Answer:
        raise LookupError("https://graph.example/?appsecret_proof=SECRET")

    transport = ThreadTransport(send=send, threads=1)
    transport.submit(*call_of("a"))
    transport.submit(*call_of("b"))
    got = [transport.wait(30) for _ in range(2)]
    transport.close()

    bodies = [item[1].body for item in got if item]
    assert len(bodies) == 2
    for body in bodies:
        assert isinstance(body, Retriable)
        assert "LookupError" in str(body)
        assert "SECRET" not in repr(body) + body.reason


def test_threads__hang_up_when_they_are_told_to_end() -> None:
    """Whoever closes the transport closes the line that it sends over."""
    hung_up: list[bool] = []
    transport = ThreadTransport(
        send=lambda _: Answer({}, Usage()), threads=1, hang_up=lambda: hung_up.append(True)
    )

    transport.close()

    assert hung_up == [True]


def test_over_http__a_transport_that_is_closed_sends_nothing_more(sandbox: Sandbox) -> None:
    """It asks the Graph API of the settings, tells what it hears, and closes its client."""
    heard: list[Answer] = []
    settings = Settings(access_token=sandbox.token, api_url=sandbox.url, max_concurrency=3)
    transport = over_http(settings, Clock(), heard=heard.append)
    transport.submit(*call_of("me"))
    got = transport.wait(30)
    transport.close()

    late = transport.send(Call(path="me"))

    assert transport.threads == 3
    assert got is not None
    assert heard == [got[1], late]
    assert isinstance(got[1].body, dict)
    assert isinstance(late.body, Retriable)
    assert len(sandbox.calls) == 1
