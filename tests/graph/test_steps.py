from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.error_codes import from_envelope, no_answer
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    MetaError,
    Throttled,
    TooMuchData,
)
from tap_meta_partner.graph.steps import Ahead, Pause, ask, ask_meanwhile, backoff_seconds

if TYPE_CHECKING:
    from tap_meta_partner.graph.steps import Steps

CALL = Call(path="act_1/insights")


def fault(code: int, subcode: int | None = None) -> MetaError:
    return from_envelope({"message": "x", "code": code, "error_subcode": subcode}, status=500)


def drive(
    steps: Steps[dict[str, Any]], answers: list[dict[str, Any] | MetaError]
) -> tuple[dict[str, Any], list[Any]]:
    """Answer each call with the next of the answers; return the result and what was yielded."""
    left, yielded = list(answers), []
    outcome: dict[str, Any] | MetaError | None = None
    try:
        while True:
            step = steps.throw(outcome) if isinstance(outcome, MetaError) else steps.send(outcome)
            yielded.append(step)
            outcome = left.pop(0) if isinstance(step, Call) else None
    except StopIteration as end:
        assert not left
        return end.value, yielded


def test_ask__returns_what_was_answered() -> None:
    """A call that is answered is sent once."""
    assert drive(ask(CALL, lambda: 0.0), [{"data": []}]) == ({"data": []}, [CALL])


def test_ask__sends_again_what_may_work() -> None:
    """A passing fault is met with the same call again, after 1, 2, 4 and 8 s."""
    answer, yielded = drive(ask(CALL, lambda: 0.0), [fault(2)] * 4 + [{"data": [1]}])

    assert answer == {"data": [1]}
    assert [step for step in yielded if isinstance(step, Call)] == [CALL] * 5
    assert [step.seconds for step in yielded if isinstance(step, Pause)] == [1.0, 2.0, 4.0, 8.0]
    assert yielded[1].why == "Meta could not answer for the moment"


def test_meanwhile__events_come_even_where_nothing_is_asked() -> None:
    """Steps that end, fail or pause before a call lose no event."""

    def ends() -> Steps[dict[str, Any]]:
        return {"data": []}
        yield

    def fails() -> Steps[dict[str, Any]]:
        raise ValueError("before any call")
        yield

    def pauses() -> Steps[dict[str, Any]]:
        yield Pause(1.0, "why")
        return (yield CALL)

    assert drive(ask_meanwhile(ends(), lambda: ["event"]), []) == ({"data": []}, ["event"])
    failing = ask_meanwhile(fails(), lambda: ["event"])
    assert next(failing) == "event"
    with pytest.raises(ValueError, match="before any call"):
        next(failing)
    answer, yielded = drive(ask_meanwhile(pauses(), lambda: ["event"]), [{"data": [1]}])
    assert (answer, yielded) == ({"data": [1]}, ["event", Pause(1.0, "why"), CALL])


def test_meanwhile__a_call_that_fails_is_tried_as_ever() -> None:
    """The call that was sent already counts as the first try."""
    steps = ask_meanwhile(ask(CALL, lambda: 0.0), lambda: ["event"])
    answer, yielded = drive(steps, [fault(2), {"data": [1]}])

    assert answer == {"data": [1]}
    assert [type(step) for step in yielded] == [Ahead, str, Call, Pause, Call]


@pytest.mark.parametrize(
    ("error", "sent", "end"),
    [
        (fault(2), 5, KeptFailing),
        (no_answer("reset"), 5, KeptFailing),
        (fault(1), 3, TooMuchData),
        (fault(1, 99), 2, TooMuchData),
        (fault(2, 1504044), 2, TooMuchData),
    ],
)
def test_ask__gives_up_as_the_table_says(error: MetaError, sent: int, end: type[MetaError]) -> None:
    """After its tries a fault becomes too much data or a failed account, with Meta's words."""
    steps = ask(CALL, lambda: 0.0)
    with pytest.raises(end) as caught:
        drive(steps, [error] * sent)

    assert caught.value.fault is error.fault
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("error", "family"),
    [(fault(100, 33), AccountUnreadable), (fault(-3, 1504045), TooMuchData), (fault(4), Throttled)],
)
def test_ask__passes_on_what_another_try_cannot_help(
    error: MetaError, family: type[MetaError]
) -> None:
    """Any other error is raised at once, as it came."""
    with pytest.raises(family) as caught:
        drive(ask(CALL, lambda: 0.0), [error])

    assert caught.value is error


@pytest.mark.parametrize(
    ("tried", "jitter", "seconds"),
    [
        (1, 0.0, 1.0),
        (2, 0.0, 2.0),
        (6, 0.0, 32.0),
        (7, 0.0, 60.0),
        (50, 0.0, 60.0),
        (1, 1.0, 1.5),
        (7, 0.5, 75.0),
    ],
)
def test_backoff__doubles_to_a_minute_and_half_more(
    tried: int, jitter: float, seconds: float
) -> None:
    """Waits double from 1 s to 60 s, with up to half more by chance."""
    assert backoff_seconds(tried, lambda: jitter) == seconds
