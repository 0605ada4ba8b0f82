"""Steps: work that asks Meta, written as generators that neither send nor sleep.

A step generator yields a `Call` and is given the answer's data (or the error, raised at the
`yield`), or yields a `Pause` and goes on when it is over. Whoever drives it
(`lanes/driver.py`) decides when calls go out, so a wait never holds a thread, and a test drives it
with a list of answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.error_codes import GARBLED
from tap_meta_partner.graph.errors import Fault, Retriable

if TYPE_CHECKING:
    from collections.abc import Iterator
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
            elif not isinstance(step, ReportRunSlot):
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
