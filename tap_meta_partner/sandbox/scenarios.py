"""Named kinds of weather for a sandbox started from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.graph.usage import Budget
from tap_meta_partner.sandbox.protocol.faults import Fault

if TYPE_CHECKING:
    from tap_meta_partner.sandbox.world.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a scenario sets; `revoked` accounts of the world lose their share at the start."""

    about: str
    budget: Budget | None = None
    job_seconds: float | None = None
    faults: tuple[Fault, ...] = ()
    revoked: int = 0


SCENARIOS = {
    "calm": Scenario(about="no limits, no failures"),
    "busy-hour": Scenario(
        about="each account allows 20 insights calls a minute, then blocks for 15 s",
        budget=Budget(account_calls=20, window_seconds=60, block_seconds=15, minute=15),
    ),
    "revoked": Scenario(about="one client has withdrawn its share", revoked=1),
    "slow-jobs": Scenario(
        about="report runs take at least 30 s, and one in the beginning is stuck",
        job_seconds=30,
        faults=(Fault(kind="run_create", fate="stuck_99"),),
    ),
    "flaky": Scenario(
        about="now and then an answer is cut short, a connection reset or a service unavailable",
        faults=(
            Fault(kind="insights", effect="truncated_json", after=2),
            Fault(kind="*", effect="reset", after=4),
            Fault(kind="*", effect="html_503", after=7),
            Fault(kind="insights", code=2, message="(#2) Service temporarily unavailable", after=9),
            Fault(kind="insights", code=1, subcode=99, status=500, after=14),
        ),
    ),
}


def begin(scenario: Scenario, world: World) -> None:
    """Do to the world what the scenario begins with."""
    for account in world.readable()[: scenario.revoked]:
        world.revoke(account.id)
