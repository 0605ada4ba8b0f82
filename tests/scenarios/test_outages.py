"""Waits of many clients: outages, dead lines, limits of a few, and who does not pay for them.

Each night the innocent clients are compared, row for row, with those of a twin that meets no fault
at all; on the night after the fault has ended the guilty ones are whole again.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tap_meta_partner.sandbox.protocol.faults import FaultPlan
from tests.support.nights import Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.support.nights import Night, Table

BEGAN = dt.datetime(2026, 11, 25, 3, 0, tzinfo=dt.timezone.utc)
MINUTE = 60.0
HOUR = 3600.0
FAULTY_NIGHTS = 3
STREAMS = ("account_insights", "ad_insights")
#: What a run asks of an account's insights, directly and by report runs.
INSIGHTS = ("insights", "run_create", "poll", "run_result")


class FaultsWhile(FaultPlan):
    """Faults that meet calls only while something holds."""

    def __init__(self, faults: Iterable[Fault], holds: Callable[[], bool]) -> None:
        super().__init__(faults)
        self._holds = holds
        self.met = 0

    def take(self, kind: str, account_id: str | None, page: int) -> Fault | None:
        """Return the fault a call meets, if it meets one now."""
        fault = super().take(kind, account_id, page) if self._holds() else None
        self.met += fault is not None
        return fault


def new_nights(clients: int = 12, **options: Any) -> Nights:  # noqa: ANN401
    """Return nights of an agency half of whose clients are idle."""
    time = Time(BEGAN)
    world = World.agency(seed=7, accounts=clients, idle=0.5, days=40, now=time.utc_now)
    config = {"start_date": "2026-11-20", **options.pop("config", {})}
    return Nights(time=time, graph=graph_of(world, time, **options), streams=STREAMS, config=config)


@cache
def calm_nights(clients: int = 12) -> list[dict[str, dict[str, Table]]]:
    """Return what is delivered of each client, night by night, where nothing goes wrong."""
    calm = new_nights(clients)
    found = []
    for _ in range(FAULTY_NIGHTS + 1):
        assert not calm.night().failed
        found.append({each: calm.rows_of(each) for each in ids_of(calm)})
        calm.next_night()
    return found


def ids_of(nights: Nights) -> list[str]:
    return sorted(account.id for account in nights.graph.world.readable())


def fail(nights: Nights, accounts: Iterable[str | None], kind: str = "*", **what: Any) -> None:  # noqa: ANN401
    """Let all that is asked about these accounts go wrong, from now on."""
    for account_id in accounts:
        nights.graph.faults.add(Fault(kind=kind, account_id=account_id, times=None, **what))


def assert_whole(nights: Nights, night: Night, accounts: Iterable[str], calm: Any) -> None:  # noqa: ANN401
    for each in accounts:
        assert set(night.outcomes(each).values()) == {"delivered"}, each
        assert nights.rows_of(each) == calm[each]


# Outages.


@pytest.mark.parametrize("kind", ["*", "insights"])
@pytest.mark.parametrize("begins", [0.0, 2.0])
@pytest.mark.parametrize(
    "what", [{"effect": "html_503"}, {"code": 2, "status": 500}, {"code": 1}], ids=str
)
def test_outage__of_two_minutes_costs_tens_of_calls_and_no_client_a_row(
    what: dict[str, Any], begins: float, kind: str
) -> None:
    """200 clients meet two minutes of failures, of everything or of insights alone."""
    nights = new_nights(200)
    began = nights.time.seconds + begins
    faults = FaultsWhile(
        [Fault(kind=kind, times=None, **what)],
        lambda: began <= nights.time.seconds < began + 2 * MINUTE,
    )
    nights.graph.faults = faults

    night = nights.night()

    assert not night.failed, night.summary
    assert_whole(nights, night, ids_of(nights), calm_nights(200)[0])
    assert 5 <= faults.met < 40
    assert night.seconds < 5 * MINUTE


@pytest.mark.parametrize("what", [{"effect": "html_503"}, {"effect": "reset"}], ids=str)
def test_outage__that_does_not_end_ends_the_run_with_its_summary(what: dict[str, Any]) -> None:
    """Nothing is answered any more: each stream of each client has its result, and a summary."""
    nights = new_nights()
    began = nights.time.seconds + 0.5
    nights.graph.faults = FaultsWhile(
        [Fault(times=None, **what)], lambda: nights.time.seconds >= began
    )

    night = nights.night()

    assert night.stopped is None
    assert night.failed
    assert night.summary
    assert all(len(night.outcomes(each)) == len(STREAMS) for each in ids_of(nights))
    assert night.seconds < 32 * MINUTE
    assert len(night.calls) < 150
    nights.graph.faults = FaultPlan()
    nights.next_night()
    night = nights.night()
    assert_whole(nights, night, ids_of(nights), calm_nights()[1])


# A few clients alone.

ALONE: dict[str, dict[str, Any]] = {
    "5xx": {"effect": "html_502"},
    "code 2": {"code": 2, "is_transient": True},
    "time-outs": {"effect": "delay", "seconds": 1000.0},
    "resets": {"effect": "reset"},
    "limit of the app": {"code": 4, "subcode": 1504022},
    "limit 341": {"code": 341},
    "429": {"body": "<html>slow down</html>", "status": 429},
    "limit of the account": {"code": 80000, "subcode": 2446079},
}


@pytest.mark.parametrize("guilty_count", [1, 2, 5])
@pytest.mark.parametrize("what", ALONE)
def test_alone__a_few_clients_cost_the_others_nothing(what: str, guilty_count: int) -> None:
    """For three nights a few of twelve fail for ever; the others are as on calm nights."""
    nights = new_nights()
    ids = ids_of(nights)
    guilty, innocent = ids[:guilty_count], ids[guilty_count:]
    fail(nights, guilty, **ALONE[what])

    for calm in calm_nights()[:FAULTY_NIGHTS]:
        began = nights.time.seconds
        night = nights.night()

        assert night.stopped is None
        assert night.failed
        assert_whole(nights, night, innocent, calm)
        for each in guilty:
            assert "delivered" not in night.outcomes(each).values()
        theirs = [call.at - began for call in night.calls if call.account_id in innocent]
        assert max(theirs) < 5 * MINUTE
        assert night.seconds < 4 * HOUR
        nights.next_night()

    nights.graph.faults.clear()
    night = nights.night()

    assert not night.failed, night.summary
    assert_whole(nights, night, ids, calm_nights()[FAULTY_NIGHTS])


def test_alone__time_outs_while_all_others_are_parked_are_that_clients() -> None:
    """One client times out for ever while the others wait for their limits: they are delivered."""
    nights = new_nights()
    guilty, *innocent = ids_of(nights)
    fail(nights, [guilty], effect="delay", seconds=1000.0)
    for each in innocent:
        nights.graph.faults.add(Fault(kind="insights", account_id=each, times=3, code=80000))

    night = nights.night()

    assert night.stopped is None
    assert_whole(nights, night, innocent, calm_nights()[0])
    assert "delivered" not in night.outcomes(guilty).values()


# Report runs.


def test_report_runs__of_throttled_clients_keep_no_healthy_one_from_its_own() -> None:
    """Fifteen of 30 clients are throttled for ever: with 20 minutes the others are delivered."""
    nights = new_nights(30, config={"report_mode": "async", "max_run_minutes": 20})
    ids = ids_of(nights)
    guilty, innocent = ids[:15], ids[15:]
    fail(nights, guilty, kind="run_create", code=80000, subcode=2446079)

    for calm in calm_nights(30)[:FAULTY_NIGHTS]:
        night = nights.night()

        assert night.stopped is None
        assert_whole(nights, night, innocent, calm)
        assert night.seconds < 25 * MINUTE
        nights.next_night()
