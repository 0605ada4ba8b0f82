"""Steps: work that asks Meta, written as generators that neither send nor sleep.

A step generator yields a `Call` and is given the answer's data (or the error, raised at the
`yield`), or yields a `Pause` and goes on when it is over. With `Ahead` a call goes out before its
answer is asked for. Whoever drives it (`lanes/driver.py`) decides when calls go out, so a wait
never holds a thread, and a test drives it with a list of answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.error_codes import GARBLED
from tap_meta_partner.graph.errors import Fault, MetaError, Retriable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ReportRunSlot:
    """Wait for, or give back, the right to have a report run under way."""

    take: bool


_FIRST_WAIT_SECONDS = 1.0


_LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Go on after this many seconds; `why` is for the log where it is long."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """Send a call already; its steps go on, and ask for the answer by yielding it as a `Call`.

    Until then they yield nothing but events: what these take is time in which Meta answers.
    """

    call: Call


class OutOfTime(Exception):
    """The run's time is over while these steps wait: they end where they are."""


T = TypeVar("T")


#: Yields calls, pauses and events of its own; returns a T.
Steps: TypeAlias = Generator[Any, Any, T]


Jitter: TypeAlias = Callable[[], float]


#: Says what an answer lacks; None where it makes sense.
Lack: TypeAlias = Callable[[dict[str, Any]], "str | None"]


def leave(steps: Steps[Any]) -> Iterator[Any]:
    """Take steps to their end without asking or waiting: every question is out of time.

    Yields:
        Their events.
    """
    outcome: OutOfTime | None = None
    if inspect.getgeneratorstate(steps) == inspect.GEN_SUSPENDED:
        outcome = OutOfTime()
    try:
        while True:
            step = steps.throw(outcome) if outcome else steps.send(None)
            outcome = None
            if isinstance(step, (Call, Pause)) or (isinstance(step, ReportRunSlot) and step.take):
                outcome = OutOfTime()
            elif not isinstance(step, (Ahead, ReportRunSlot)):
                yield step
    except StopIteration:
        return


def ask(call: Call, jitter: Jitter) -> Steps[dict[str, Any]]:
    """Ask Meta, and ask again while that may help.

    Args:
        call: what to ask.
        jitter: returns a number from 0 to 1; keeps many clients from asking again in step.

    Returns:
        The answer's JSON object.

    Raises:
        MetaError: any but `Retriable`, which becomes `TooMuchData` or `KeptFailing` at its end.
    """
    tried = 0
    while True:
        try:
            answer: dict[str, Any] = yield call
        except Retriable as error:
            tried += 1
            if tried >= error.rule.tries:
                raise error.exhausted() from None
            yield Pause(backoff_seconds(tried, jitter), error.rule.what)
        else:
            return answer


def ask_meanwhile(steps: Steps[T], events: Callable[[], Iterable[object]]) -> Steps[T]:
    """Let the first call of steps go out before there is time for events; return as the steps.

    Args:
        steps: not begun yet.
        events: makes them; its errors come once the call is answered, and the answer is dropped.

    Raises:
        Exception: as `events`, or as the steps.
    """
    try:
        first = next(steps)
    except StopIteration as end:
        yield from events()
        returned: T = end.value
        return returned
    except Exception:
        yield from events()
        raise
    if not isinstance(first, Call):
        yield from events()
        return (yield from _resumed(steps, first))
    yield Ahead(first)
    try:
        yield from events()
    except Exception:
        with suppress(MetaError, OutOfTime):
            yield first
        raise
    return (yield from _resumed(steps, first))


def _resumed(steps: Steps[T], step: object) -> Steps[T]:
    """Take steps to their end that have yielded a first one already."""
    try:
        while True:
            try:
                outcome = yield step
            except Exception as error:  # noqa: BLE001  (handed on)
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        returned: T = end.value
        return returned
    finally:
        steps.close()


def ask_for_sense(
    call: Call, ask_for: Callable[[Call], Steps[dict[str, Any]]], lack: Lack, jitter: Jitter
) -> Steps[dict[str, Any]]:
    """Ask, and ask again while the answer lacks what every answer of its kind has.

    Args:
        call: what to ask.
        ask_for: asks it, for example `ask`.
        lack: says what an answer lacks; None where it makes sense.
        jitter: as of `ask`.

    Raises:
        KeptFailing: no answer made sense.
        MetaError: as `ask_for`.
    """
    tried = 0
    while True:
        answer = yield from ask_for(call)
        lacking = lack(answer)
        if lacking is None:
            return answer
        tried += 1
        if tried >= GARBLED.tries:
            raise Retriable(Fault(message=lacking), GARBLED).exhausted()
        yield Pause(backoff_seconds(tried, jitter), GARBLED.what)


def backoff_seconds(tried: int, jitter: Jitter) -> float:
    """Return how long to wait after the `tried`-th try: 1, 2, 4 … 60 s, and up to half more."""
    wait = min(_FIRST_WAIT_SECONDS * 2 ** (tried - 1), _LONGEST_WAIT_SECONDS)
    return float(wait * (1 + 0.5 * jitter()))
