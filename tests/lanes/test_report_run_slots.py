from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import ThrottledTooLong
from tap_meta_partner.graph.steps import OutOfTime, Pause, ReportRunSlot
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.lanes.report_run_slots import MOST_REPORT_RUNS
from tests.support.fakes import ACCOUNT_LIMIT, fault
from tests.support.stage import START, Stage, asking, data

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.support.fakes import Reply


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


def creating(name: str, runs: dict[str, int]) -> Lane:
    """Return a lane that creates a report run, polls it for a minute and reads it."""

    def steps() -> Generator[Any, Any, str]:
        yield ReportRunSlot(take=True)
        yield Call(path=f"{name}/insights", account_id=name, method="POST")
        runs[name] = 1
        for _ in range(2):
            yield Pause(30.0, "a report run")
            yield Call(path=f"{name}/run", account_id=name)
        runs[name] = 0
        yield ReportRunSlot(take=False)
        return "read"

    return Lane(name=name, account_id=name, steps=steps())


def test_runs__a_throttled_account_lends_its_slot() -> None:
    """Twenty accounts throttled for hours hold no slot: healthy ones have their report runs."""
    runs: dict[str, int] = {}
    most: list[int] = []

    def answer(call: Call) -> Reply:
        most.append(sum(runs.values()))
        return fault(*ACCOUNT_LIMIT) if call.path.startswith("t") else data(call)

    stage = Stage(answer=answer, most=8)
    throttled = [creating(f"t{number}", runs) for number in range(20)]
    healthy = [creating(f"h{number}", runs) for number in range(30)]

    with pytest.raises(ThrottledTooLong):
        stage.run(*throttled, *healthy)

    assert {lane.result for lane in healthy} == {"read"}
    assert max(stage.sent(lane.name)[-1] for lane in healthy) < 5 * 60.0
    assert max(most) <= MOST_REPORT_RUNS


def test_runs__an_account_throttled_while_its_run_is_polled_goes_on_with_it() -> None:
    """A poll that meets a limit lends the slot too; the run that exists is read afterwards."""
    runs: dict[str, int] = {}
    refused: list[str] = []

    def answer(call: Call) -> Reply:
        if call.path.endswith("/run") and call.path not in refused:
            refused.append(call.path)
            return fault(*ACCOUNT_LIMIT)
        return data(call)

    stage = Stage(answer=answer, most=8)
    lanes = [creating(str(number), runs) for number in range(25)]

    stage.run(*lanes)

    assert {lane.result for lane in lanes} == {"read"}


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
