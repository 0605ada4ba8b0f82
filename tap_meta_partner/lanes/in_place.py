"""One lane alone, driven where it is called: no threads, and a throttle is an error like any other.

For a person who waits for a few answers, one after another, and would rather be told to try again
later than wait for a limit to pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.graph.steps import Ahead, Pause

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tap_meta_partner.graph.calls import Answer, Call
    from tap_meta_partner.graph.steps import Steps

T = TypeVar("T")


def drive_in_place(
    steps: Steps[T], send: Callable[[Call], Answer], sleep: Callable[[float], None]
) -> T:
    """Do what steps ask for, one after another, and return what they return.

    Args:
        steps: calls and pauses; they take no report run.
        send: sends one call and waits for its answer.
        sleep: waits seconds.
    """
    outcome: Any = None
    while True:
        try:
            failed = isinstance(outcome, MetaError)
            step = steps.throw(outcome) if failed else steps.send(outcome)
        except StopIteration as end:
            value: T = end.value
            return value
        outcome = None
        if isinstance(step, Ahead):
            # One after another: it goes out when its answer is asked for.
            continue
        if isinstance(step, Pause):
            sleep(step.seconds)
        else:
            outcome = send(step).body
