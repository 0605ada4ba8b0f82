"""Worker threads that send calls and do nothing else."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tap_meta_partner.graph.calls import Answer
from tap_meta_partner.graph.client import GraphClient
from tap_meta_partner.graph.error_codes import no_answer
from tap_meta_partner.graph.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call
    from tap_meta_partner.lanes.clock import Clock
    from tap_meta_partner.lanes.lane import Lane
    from tap_meta_partner.settings.model import Settings


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
    settings: Settings, clock: Clock, *, heard: Callable[[Answer], None] = lambda _: None
) -> ThreadTransport:
    """Return a transport that asks the Graph API, on as many threads as calls may be under way.

    Args:
        settings: address, tokens, concurrency.
        clock: for time-outs.
        heard: is given each answer first, on the thread that it came to.
    """
    client = GraphClient(settings, monotonic=clock.monotonic)

    def send(call: Call) -> Answer:
        answer = client.send(call)
        heard(answer)
        return answer

    return ThreadTransport(
        send=send, threads=settings.max_concurrency, second=clock.second, hang_up=client.close
    )


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
    """

    send: Callable[[Call], Answer]
    threads: int
    second: float = 1.0
    hang_up: Callable[[], None] = lambda: None
    _calls: queue.SimpleQueue[tuple[Lane, Call] | None] = field(default_factory=queue.SimpleQueue)
    _answers: queue.SimpleQueue[tuple[Lane, Answer] | None] = field(
        default_factory=queue.SimpleQueue
    )
    _started: int = 0
    _idle: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def submit(self, lane: Lane, call: Call) -> None:
        """Send a call on behalf of a lane."""
        if not self._idle.acquire(blocking=False) and self._started < self.threads:
            self._started += 1
            threading.Thread(target=self._work, name=f"call-{self._started}", daemon=True).start()
        self._calls.put((lane, call))

    def wait(self, seconds: float | None) -> tuple[Lane, Answer] | None:
        """Return the next answer, or None after so many seconds or when woken."""
        try:
            return self._answers.get(timeout=None if seconds is None else seconds * self.second)
        except queue.Empty:
            return None

    def wake(self) -> None:
        """Make `wait` return at once."""
        self._answers.put(None)

    def close(self) -> None:
        """Tell the threads to end after the call they are at; do not wait for them."""
        for _ in range(self._started):
            self._calls.put(None)
        self.hang_up()

    def _work(self) -> None:
        while True:
            item = self._calls.get()
            if item is None:
                return
            lane, call = item
            self._answers.put((lane, self._answer_to(call)))
            self._idle.release()

    def _answer_to(self, call: Call) -> Answer:
        try:
            return self.send(call)
        except Exception as error:  # noqa: BLE001  (an answer that never comes would hang the run)
            # By its name only: an exception's text may hold the address, and with it the proof.
            return Answer(no_answer(f"unexpected {type(error).__name__}"), Usage())
