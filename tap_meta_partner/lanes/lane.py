"""One ad account's work as the driver sees it, and how all of it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import Retriable

if TYPE_CHECKING:
    from typing import Any

    from tap_meta_partner.graph.calls import Call
    from tap_meta_partner.graph.errors import MetaError
    from tap_meta_partner.graph.steps import Steps

#: An account whose calls have failed so often in a row has fewer tries for each further one.
FAILURES_IN_A_ROW = 5

TRIES_AFTER_THEM = 2


@dataclass(slots=True, eq=False)
class Lane:
    """One ad account's steps, and where they stand.

    Attributes:
        name: for the log.
        account_id: whose limits its calls count for.
        token: which of the settings' tokens its calls carry; None where each call says so itself.
        for_all: no account can be read without it, so it waits for an outage to pass.
        calls: how many were sent so far.
        pending: the call that is under way, or waits to be.
        is_ahead: its steps have not yet asked for the answer of that call.
        needs_report_run_slot: between asking for a slot and giving it back.
        holds_report_run_slot: it has one now; one that is parked has lent it to others.
        failures: how often in a row its calls have failed in passing.
        asked: the call it asked for last.
        tries: how often that has failed in passing.
        answered: whether any of its calls was, with data.
    """

    name: str
    account_id: str | None
    steps: Steps[Any]
    token: int | None = None
    for_all: bool = False
    calls: int = 0
    result: Any = None
    pending: Call | None = None
    is_ahead: bool = False
    needs_report_run_slot: bool = False
    holds_report_run_slot: bool = False
    failures: int = 0
    asked: Call | None = None
    tries: int = 0
    answered: bool = False

    def ask(self, call: Call) -> None:
        """Let a call wait to be sent: a new one, or the last one once more."""
        if call is not self.asked:
            self.asked, self.tries = call, 0
        self.pending = call

    def given(self, body: dict[str, Any] | MetaError) -> dict[str, Any] | MetaError:
        """Return an answer in the form that the steps see.

        Where calls have failed in a row as often as one call may, the next ones have fewer tries:
        an account that nothing comes of does not spend five on each of its streams.
        """
        self.pending = None
        if not isinstance(body, Retriable):
            self.failures = 0
            return body
        self.failures += 1
        self.tries += 1
        spent = self.failures > FAILURES_IN_A_ROW and self.tries >= TRIES_AFTER_THEM
        return body.exhausted() if spent else body


@dataclass(frozen=True, slots=True)
class Standing:
    """How the run stands, for a progress line.

    Attributes:
        parked: lanes that wait for a limit or a report run.
        left: lanes not begun yet.
        next_wake: seconds until the first parked lane goes on, None when none is parked.
    """

    under_way: int
    parked: int
    left: int
    done: int
    calls: int
    next_wake: float | None
