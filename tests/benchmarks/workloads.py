"""What is measured: worlds, weathers and configurations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from tap_meta_partner.sandbox import Budget, Dials, Sandbox, World

DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One thing to measure.

    Attributes:
        world: name of the world and its dials.
        latency: seconds each answer takes.
        job_seconds: how long a report run takes.
        budget: rate limits, if any.
        history_days: how far back `start_date` lies.
        streams: which streams are selected; None for all.
        reports: further streams, as the setting of that name has them.
        warm: run once before, so that what is measured is a nightly run.
        minute: how many real seconds a minute of the tap's clock lasts.
        lasts: about how many seconds a whole first run takes: when to kill it at the latest.
    """

    name: str
    world: str
    dials: dict[str, Any] = field(default_factory=dict)
    latency: float = 0.0
    job_seconds: float = 0.0
    budget: dict[str, Any] | None = None
    history_days: int = DAYS - 1
    streams: tuple[str, ...] | None = None
    reports: tuple[dict[str, Any], ...] = ()
    warm: bool = False
    minute: float = 60.0
    lasts: float = 2.5

    def make_world(self) -> World:
        """Make the world: the same one in every process."""
        return getattr(World, self.world)(seed=7, days=DAYS, **self.dials)

    def sandbox(self, *, calm: bool = False) -> Sandbox:
        """Make the sandbox, without its rate limits if `calm`."""
        return Sandbox(
            self.make_world(),
            Dials(
                latency=self.latency,
                job_seconds=self.job_seconds,
                budgets=Budget(**self.budget) if self.budget and not calm else None,
            ),
        )

    def start_date(self) -> date:
        """Return the first day asked for."""
        return datetime.now(timezone.utc).date() - timedelta(days=self.history_days)


WORKLOADS = {
    "a": Workload(
        name="a: 20 accounts x 90 days, ad level",
        world="agency",
        dials={"accounts": 20, "idle": 0.0},
        latency=0.06,
        job_seconds=1.5,
        streams=("ad_insights",),
    ),
    "b": Workload(
        lasts=25.0,
        name="b: 1,000 accounts, a nightly run, four levels",
        world="agency",
        dials={"accounts": 1000, "idle": 0.9},
        latency=0.06,
        job_seconds=1.5,
        history_days=30,
        warm=True,
    ),
    "b250": Workload(
        name="b: 250 accounts, the same",
        world="agency",
        dials={"accounts": 250, "idle": 0.9},
        latency=0.06,
        job_seconds=1.5,
        history_days=30,
        warm=True,
    ),
    "many4000": Workload(
        name="many: 4,000 accounts, mostly idle, a nightly run",
        world="agency",
        dials={"accounts": 4000, "idle": 0.97},
        latency=0.01,
        history_days=30,
        warm=True,
    ),
    "many10000": Workload(
        name="many: 10,000 accounts, the same",
        world="agency",
        dials={"accounts": 10_000, "idle": 0.97},
        latency=0.01,
        history_days=30,
        warm=True,
    ),
    "c": Workload(
        lasts=40.0,
        name="c: one account, 300,000 rows",
        world="single",
        dials={"ads": 3334},
        job_seconds=1.5,
        streams=("ad_insights",),
    ),
    "c30": Workload(
        name="c: one account, 30,000 rows",
        world="single",
        dials={"ads": 334},
        job_seconds=1.5,
        streams=("ad_insights",),
    ),
    "breakdowns": Workload(
        name="c: the same by age and gender",
        world="single",
        dials={"ads": 200},
        job_seconds=1.5,
        streams=("age_insights",),
        reports=({"name": "age_insights", "level": "ad", "breakdowns": ["age", "gender"]},),
    ),
    "action_rows": Workload(
        name="c: the same, action lists row by row",
        world="single",
        dials={"ads": 240},
        job_seconds=1.5,
        streams=("device_insights_actions",),
        reports=(
            {
                "name": "device_insights",
                "level": "ad",
                "fields": ["actions", "action_values", "cost_per_action_type"],
                "action_breakdowns": ["action_type", "action_device"],
                "action_attribution_windows": ["1d_click", "7d_click"],
                "action_rows": True,
            },
        ),
    ),
    "d": Workload(
        lasts=100.0,
        name="d: limits that rise and fall, an hour in a minute",
        world="agency",
        dials={"accounts": 40, "idle": 0.25},
        latency=0.01,
        job_seconds=0.1,
        budget={
            "account_calls": 14,
            "app_calls": 400,
            "window_seconds": 60.0,
            "block_seconds": 1.0,
            "minute": 1.0,
        },
        minute=1.0,
    ),
    "check": Workload(
        name="check: 500 accounts, looked at once",
        world="agency",
        dials={"accounts": 500},
        latency=0.05,
    ),
}
