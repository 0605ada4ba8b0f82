"""Worker threads that send calls and do nothing else."""

from __future__ import annotations

import math
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tap_meta_partner.graph.calls import Answer
from tap_meta_partner.graph.client import GraphClient
from tap_meta_partner.graph.error_codes import no_answer
from tap_meta_partner.graph.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call, Exchanged
    from tap_meta_partner.lanes.clock import Clock
    from tap_meta_partner.lanes.lane import Lane
    from tap_meta_partner.settings.model import Settings


#: A call's own time-outs come first, where they can.
_GRACE_SECONDS = 3.0


class Transport(Protocol):
    """Sends calls without waiting for their answers."""

    def submit(self, lane: Lane, call: Call) -> None:
        """Send a call on behalf of a lane."""

    def wait(self, seconds: float | None) -> tuple[Lane, Answer] | None:
        """Return the next answer, or None after so many seconds or when woken."""


class WakingTransport(Transport, Protocol):
    """A transport that can be woken and let go."""

    def wake(self) -> None:
        """Make `wait` return at once."""

    def close(self) -> None:
        """Send nothing more."""


def over_http(
    settings: Settings,
    clock: Clock,
    *,
    heard: Callable[[Answer], None] = lambda _: None,
    exchanged: Exchanged | None = None,
) -> ThreadTransport:
    """Return a transport that asks the Graph API, on as many threads as calls may be under way.

    Args:
        settings: address, tokens, concurrency.
        clock: for time-outs.
        heard: is given each answer first, on the thread that it came to.
        exchanged: is given each exchange as it was; see `GraphClient`.
    """
    # Sockets know real seconds only, however long one of the clock lasts: so does the client.
    client = GraphClient(settings, exchanged=exchanged)

    def send(call: Call) -> Answer:
        answer = client.send(call)
        heard(answer)
        return answer

    return ThreadTransport(
        send=send,
        threads=settings.max_concurrency,
        second=clock.second,
        hang_up=client.close,
        cut=client.cut,
        longest=(settings.request_timeout + _GRACE_SECONDS) / clock.second,
        monotonic=clock.monotonic,
    )


@dataclass(slots=True, eq=False)
class _Sent:
    """A call on its way: whose, on which thread, and since when; waiting until it has one."""

    lane: Lane
    call: Call
    thread: int | None = None
    began: float = math.inf


@dataclass(slots=True)
class ThreadTransport:
    """Sends calls on worker threads.

    The threads are daemons and are never waited for: a call that hangs must not keep a run from
    ending. A signal handler may call `wake` (a `SimpleQueue` may be put to from one).

    Args:
        send: sends one call and returns its answer; called from the threads.
        threads: how many.
        second: how many real seconds a second of `wait` lasts.
        hang_up: called at the end, once the threads have been told to end.
        cut: is given the thread of a call that was given up, to end it if it can.
        longest: how many seconds a call may take in all; then its lane is told that it was not
            answered, and another thread takes the place of its own.
        monotonic: seconds that only go forward, for `longest`.
    """

    send: Callable[[Call], Answer]
    threads: int
    second: float = 1.0
    hang_up: Callable[[], None] = lambda: None
    cut: Callable[[int], None] = lambda _: None
    longest: float = math.inf
    monotonic: Callable[[], float] = time.monotonic
    _calls: queue.SimpleQueue[_Sent | None] = field(default_factory=queue.SimpleQueue)
    _answers: queue.SimpleQueue[tuple[Lane, Answer] | None] = field(
        default_factory=queue.SimpleQueue
    )
    _started: int = 0
    _under_way: set[_Sent] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _idle: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def submit(self, lane: Lane, call: Call) -> None:
        """Send a call on behalf of a lane."""
        if not self._idle.acquire(blocking=False) and self._started < self.threads:
            self._started += 1
            self._start_thread()
        sent = _Sent(lane, call)
        with self._lock:
            self._under_way.add(sent)
        self._calls.put(sent)

    def wait(self, seconds: float | None) -> tuple[Lane, Answer] | None:
        """Return the next answer, or None after so many seconds or when woken."""
        longest = math.inf if seconds is None else seconds
        longest = min(longest, self._give_up_late_ones())
        try:
            return self._answers.get(
                timeout=None if longest == math.inf else max(0.0, longest) * self.second
            )
        except queue.Empty:
            return None

    def _give_up_late_ones(self) -> float:
        """Give up calls that take too long; return in how many seconds the next one will."""
        now = self.monotonic()
        with self._lock:
            late = [sent for sent in self._under_way if now - sent.began >= self.longest]
            self._under_way.difference_update(late)
            first = min((min(sent.began, now) for sent in self._under_way), default=math.inf)
        for sent in late:
            if sent.thread is not None:
                self.cut(sent.thread)
            self._answers.put((sent.lane, Answer(no_answer("the answer took too long"), Usage())))
            self._start_thread()
            self._idle.release()
        return first + self.longest - now

    def wake(self) -> None:
        """Make `wait` return at once."""
        self._answers.put(None)

    def close(self) -> None:
        """Tell the threads to end after their present call; do not wait for them."""
        for _ in range(self._started):
            self._calls.put(None)
        self.hang_up()

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, name="call", daemon=True).start()

    def _work(self) -> None:
        while True:
            sent = self._calls.get()
            if sent is None:
                return
            with self._lock:
                sent.thread, sent.began = threading.get_ident(), self.monotonic()
            answer = self._answer_to(sent.call)
            with self._lock:
                if sent not in self._under_way:
                    # Given up: another thread has taken this one's place.
                    return
                self._under_way.remove(sent)
            self._answers.put((sent.lane, answer))
            self._idle.release()

    def _answer_to(self, call: Call) -> Answer:
        try:
            return self.send(call)
        except Exception as error:  # noqa: BLE001  (an answer that never comes would hang the run)
            # By its name only: an exception's text may hold the address, and with it the proof.
            return Answer(no_answer(f"unexpected {type(error).__name__}"), Usage())
