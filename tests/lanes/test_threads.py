"""Threads that only send: each answer to its lane, and nobody waits for a thread."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.graph.calls import Answer, Call
from tap_meta_partner.graph.errors import Retriable
from tap_meta_partner.graph.usage import Usage
from tap_meta_partner.lanes import threads
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.lanes.threads import ThreadTransport, over_http
from tap_meta_partner.settings.model import Settings
from tests.support.stage import asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def test_threads__a_call_that_takes_too_long_is_given_up() -> None:
    """Its lane is told, its thread is cut and replaced, and what it answers in the end is nobody's.

    Time stands still until the test lets it pass.
    """
    now, release, cut = [0.0], threading.Event(), []
    at_it = threading.Event()
    stuck: list[threading.Thread] = []

    def send(call: Call) -> Answer:
        if call.path == "hangs":
            stuck.append(threading.current_thread())
            at_it.set()
            release.wait(30)
        return Answer({"path": call.path}, Usage())

    transport = ThreadTransport(
        send=send, threads=1, longest=10.0, monotonic=lambda: now[0], cut=cut.append
    )
    transport.submit(*call_of("hangs"))
    transport.submit(*call_of("waits"))
    assert at_it.wait(30)
    now[0] = 9.9
    assert transport.wait(0.0) is None
    now[0] = 10.0
    got = [transport.wait(30), transport.wait(30)]
    release.set()
    stuck[0].join(30)

    assert [item[0].name for item in got if item] == ["hangs", "waits"]
    assert got[0]
    assert isinstance(got[0][1].body, Retriable)
    assert str(got[0][1].body) == "the answer took too long"
    assert cut == [stuck[0].ident]
    assert not stuck[0].is_alive()
    assert transport.wait(0.0) is None
    transport.submit(*call_of("next"))
    after = transport.wait(30)
    transport.close()
    assert after
    assert after[1].body == {"path": "next"}


def test_threads__waiting_is_no_longer_than_the_longest_call() -> None:
    """Whoever waits for ever is told of a call that takes too long, when it does."""
    release = threading.Event()

    def send(_call: Call) -> Answer:
        release.wait(30)
        return Answer({}, Usage())

    transport = ThreadTransport(send=send, threads=1, longest=0.05)
    transport.submit(*call_of("hangs"))
    got = None
    while got is None:
        got = transport.wait(None)
    release.set()
    transport.close()

    assert isinstance(got[1].body, Retriable)


def header_lines() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-Slow: a\r\n"


def one_long_header() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    while True:
        yield b"a"


def continues() -> Iterator[bytes]:
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n"


def chunk_extensions() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;"
    while True:
        yield b"a"


def trailers() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    while True:
        yield b"X-Slow: a\r\n"


def bytes_of_a_body() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    while True:
        yield b" "


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize(
    "pieces",
    [header_lines, one_long_header, continues, chunk_extensions, trailers, bytes_of_a_body],
    ids=lambda pieces: pieces.__name__,
)
def test_over_http__a_call_is_bounded_as_a_whole(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, pieces: Callable[[], Iterator[bytes]]
) -> None:
    """However a server drips, the call ends, and so does the thread that it was on."""
    monkeypatch.setattr(threads, "_GRACE_SECONDS", 0.1)

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for piece in pieces():
                connection.sendall(piece)
                time.sleep(0.01)

    threading.Thread(target=serve, daemon=True).start()
    settings = Settings(
        access_token="EAAtoken",
        api_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        max_concurrency=1,
        request_timeout=0.2,
    )
    before = set(threading.enumerate())
    transport = over_http(settings, Clock())
    transport.submit(*call_of("me"))
    sender = next(each for each in threading.enumerate() if each not in before)
    began = time.monotonic()
    got = None
    while got is None and time.monotonic() < began + 30:
        got = transport.wait(30)
    transport.close()

    assert got is not None
    assert isinstance(got[1].body, Retriable)
    assert "took too long" in str(got[1].body)
    sender.join(30)
    assert not sender.is_alive()


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
