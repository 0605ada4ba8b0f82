"""One ad account's work as the driver sees it, and how all of it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from tap_meta_partner.graph.calls import Call
    from tap_meta_partner.graph.steps import Steps


@dataclass(slots=True)
class Lane:
    """One ad account's steps, and where they stand.

    Attributes:
        name: for the log.
        account_id: whose limits its calls count for.
        token: which of the settings' tokens its calls carry; None where each call says so itself.
        calls: how many were sent so far.
    """

    name: str
    account_id: str | None
    steps: Steps[Any]
    token: int | None = None
    calls: int = 0
    result: Any = None
    pending: Call | None = None
    holds_report_run_slot: bool = False


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
