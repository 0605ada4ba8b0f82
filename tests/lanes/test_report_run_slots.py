from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.steps import OutOfTime, Pause, ReportRunSlot
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.lanes.report_run_slots import MOST_REPORT_RUNS
from tests.support.stage import START, Stage, asking

if TYPE_CHECKING:
    from collections.abc import Generator


def running(name: str, held: list[str], most: list[int]) -> Lane:
    """Return a lane that holds a run slot for a minute."""

    def steps() -> Generator[Any, Any, None]:
        yield ReportRunSlot(take=True)
        held.append(name)
        most.append(len(held))
        yield Call(path=name, account_id=name)
        yield Pause(60.0, "a report run")
        held.remove(name)
        yield ReportRunSlot(take=False)
        yield Call(path=f"{name}/after", account_id=name)

    return Lane(name=name, account_id=name, steps=steps())


def test_runs__no_more_than_ten_are_under_way() -> None:
    """Of 25 accounts that want a run, ten have one; each that ends lets the next begin."""
    held: list[str] = []
    most: list[int] = []
    stage = Stage(most=64)

    stage.run(*[running(str(n), held, most) for n in range(25)])

    assert max(most) == MOST_REPORT_RUNS == 10
    assert len(most) == 25
    assert held == []
    assert 180.0 < stage.clock.now - START < 190.0


def test_runs__waiting_for_one_holds_up_nobody_else() -> None:
    """Accounts that need no run are read while others wait for one."""
    held: list[str] = []
    stage = Stage(most=2)

    stage.run(*[running(str(n), held, []) for n in range(15)], asking("direct", calls=3))

    assert stage.sent("direct")[-1] < 60.0


def test_runs__a_lane_that_ends_gives_its_slot_back() -> None:
    """A lane that ends without giving its slot back does not keep it."""

    def careless() -> Generator[Any, Any, None]:
        yield ReportRunSlot(take=True)

    stage = Stage()
    lanes = [Lane(name=str(n), account_id=None, steps=careless()) for n in range(12)]
    held: list[str] = []

    stage.run(*lanes, running("last", held, []))

    assert len(stage.sent("last")) == 2


def test_runs__giving_back_what_is_not_held_changes_nothing() -> None:
    """A slot given back twice makes no room for an eleventh run."""

    def generous() -> Generator[Any, Any, None]:
        yield ReportRunSlot(take=False)
        yield ReportRunSlot(take=False)

    held: list[str] = []
    most: list[int] = []
    stage = Stage(most=64)
    lanes = [Lane(name="g", account_id=None, steps=generous())]

    stage.run(*lanes, *[running(str(n), held, most) for n in range(12)])

    assert max(most) == 10


def test_overtime__ends_those_that_want_a_report_run() -> None:
    """Lanes that stand in line for a report run do not begin one after the time is over."""

    def running() -> Generator[Any, Any, str]:
        try:
            yield ReportRunSlot(take=True)
            yield Pause(600.0, "a report run")
        except OutOfTime:
            return "told"
        return "ran"

    stage = Stage(minutes=1.0)
    lanes = [
        Lane(name=str(n), account_id=str(n), steps=running()) for n in range(MOST_REPORT_RUNS + 5)
    ]

    stage.run(*lanes)

    assert {lane.result for lane in lanes} == {"told"}
    assert stage.clock.now - START <= 70.0
