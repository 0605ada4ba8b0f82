"""Who changed what: every activity once, read by when it happened."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tap_meta_partner.sandbox.world import activities
from tests.support.dimension_nights import Clock, Nights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox

#: What tells one from another, and is written as Meta gives it.
TOLD = (
    "event_type",
    "translated_event_type",
    "object_id",
    "object_name",
    "object_type",
    "actor_id",
    "actor_name",
    "application_id",
    "application_name",
    "date_time_in_timezone",
    "extra_data",
)
YEAR = {"start_date": "2025-11-25"}


@pytest.fixture
def nights(start_sandbox: Callable[..., Sandbox], tmp_path: Path) -> Callable[..., Nights]:
    """Prepare nights of a world; takes its faults, and settings."""

    def prepare(faults: tuple[Fault, ...] = (), **settings: Any) -> Nights:  # noqa: ANN401
        clock = Clock()
        world = World.demo(seed=7, days=40, now=clock)
        sandbox = start_sandbox(world, faults=faults)
        return Nights(
            sandbox, clock, tmp_path, "activities", "account_sync_status", **{**YEAR, **settings}
        )

    return prepare


def comparable(each: dict[str, Any], moment: dt.datetime) -> tuple[Any, ...]:
    return (moment, *(each.get(name) for name in TOLD))


def truth(run: Nights, since: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return what happened by account from a day of theirs on, without going through HTTP."""
    day = dt.date.fromisoformat(since)
    found = {}
    for account in run.sandbox.world.readable():
        begin = dt.datetime.combine(day, dt.time(), tzinfo=account.timezone)
        found[account.id] = sorted(
            (
                comparable(each, moment)
                for moment, each in activities.happened(run.sandbox.world, account)
                if moment >= begin
            ),
            key=str,
        )
    return found


def loaded(run: Nights) -> dict[str, list[tuple[Any, ...]]]:
    """Return what an upserting target holds, by account."""
    found: dict[str, list[tuple[Any, ...]]] = {
        account.id: [] for account in run.sandbox.world.readable()
    }
    for row in run.tables["activities"].values():
        moment = dt.datetime.fromisoformat(row["event_time"])
        found[row["account_id"]].append(comparable(row, moment))
    return {account: sorted(rows, key=str) for account, rows in found.items()}


def results(run: Nights) -> dict[str, str]:
    return {
        row["account_id"]: row["result"]
        for row in run.tables["account_sync_status"].values()
        if row["stream"] == "activities"
    }


def test_first__night_reads_all_since_the_start(nights: Callable[..., Nights]) -> None:
    """Each activity of a year once, month by month, those of one second too."""
    run = nights()

    output = run.run()

    assert output.code == 0
    true = truth(run, "2025-11-25")
    assert loaded(run) == true
    total = sum(map(len, true.values()))
    assert total == output.counts["activities"] > 100
    seconds = {(each, row[0]) for each, rows in true.items() for row in rows}
    assert len(seconds) < total
    for account in true:
        spans = [
            int(call.params["until"]) - int(call.params["since"])
            for call in run.calls("activities")
            if call.account_id == account
        ]
        assert len(spans) >= 12
        assert max(spans) <= 31 * 86_400


def test_default__is_the_history_of_insights(nights: Callable[..., Nights]) -> None:
    """Without a start, activities begin where insights do: 30 days before."""
    run = nights(start_date=None)
    true = truth(run, "2026-10-26")

    run.run()

    assert loaded(run) == true


def test_next__night_brings_what_happened_since(nights: Callable[..., Nights]) -> None:
    """One call per account; what was done in between is there, told by old and new value."""
    run = nights()
    run.run()
    account = run.sandbox.world.readable()[0]
    campaign = account.objects("campaign")[0]
    run.sandbox.world.statuses.set(campaign.id, "PAUSED")

    output = run.run()

    assert loaded(run) == truth(run, "2025-11-25")
    assert len(run.calls("activities")) == len(run.sandbox.world.readable())
    (row,) = [
        each
        for each in output.tables["activities"].values()
        if each["event_type"] == "update_campaign_group_run_status"
    ]
    assert (row["old_value"], row["new_value"]) == ("ACTIVE", "PAUSED")


def test_late__ones_of_a_day_before_are_read_again(nights: Callable[..., Nights]) -> None:
    """Meta may list a change a little late: the last day comes again, under the same key."""
    run = nights()
    run.run(days=0.5)
    before = len(run.tables["activities"])
    recent = run.run(days=0.5).counts["activities"]

    assert len(run.tables["activities"]) == before
    for call in run.calls("activities"):
        assert int(call.params["until"]) - int(call.params["since"]) == 86_400 * 1.5
    assert recent < before


def test_broken_off__reading_goes_on_where_it_was(nights: Callable[..., Nights]) -> None:
    """What ends in the middle of a year leaves the months it has, and the next goes on."""
    fault = Fault(kind="activities", code=200, message="(#200) no", after=30, times=None)
    run = nights(faults=(fault,))
    first = run.run()
    run.sandbox.clear_faults()

    second = run.run()

    assert "skipped" in {row["result"] for row in first.tables["account_sync_status"].values()}
    assert len(run.tables["activities"]) > 0
    assert second.code == 0
    assert loaded(run) == truth(run, "2025-11-25")
    everything = nights()
    everything.run()
    assert len(run.calls("activities")) < len(everything.calls("activities"))


def test_guilty__accounts_cost_the_innocent_nothing(nights: Callable[..., Nights]) -> None:
    """Two that refuse for three nights: all others have what they would have had."""
    calm = nights()
    guilty = [account.id for account in calm.sandbox.world.readable()[:2]]
    faults = tuple(
        Fault(kind="activities", account_id=each, code=200, message="(#200) no", times=None)
        for each in guilty
    )
    run = nights(faults=faults)

    for _ in range(3):
        calm.run()
        run.run()

    there = loaded(run)
    assert there == {
        account: [] if account in guilty else rows for account, rows in loaded(calm).items()
    }
    assert results(run) == {
        account: "skipped" if account in guilty else "delivered" for account in there
    }


def test_large__answers_are_asked_for_in_smaller_pages(nights: Callable[..., Nights]) -> None:
    """Where a page is too much, smaller ones bring the same: none can be read by an id."""
    fault = Fault(
        kind="activities",
        code=1,
        message="Please reduce the amount of data you're asking for, then retry your request",
        times=1,
    )
    run = nights(faults=(fault,))

    output = run.run()

    assert output.code == 0
    assert loaded(run) == truth(run, "2025-11-25")
    assert {call.params["limit"] for call in run.calls("activities")} == {"100", "25"}


TOO_MUCH = "Please reduce the amount of data you're asking for, then retry your request"


def test_heavy__months_are_read_in_halves(nights: Callable[..., Nights]) -> None:
    """A month that is too much on its smallest page comes in pieces: nothing is lost or twice."""
    calm = nights()
    calm.run()
    accounts = len(calm.sandbox.world.readable())
    fault = Fault(kind="activities", code=1, message=TOO_MUCH, times=3 * accounts)
    run = nights(faults=(fault,))

    output = run.run()

    assert output.code == 0
    assert loaded(run) == truth(run, "2025-11-25")
    assert output.counts["activities"] == sum(map(len, loaded(run).values()))
    spans = {
        int(call.params["until"]) - int(call.params["since"]) for call in run.calls("activities")
    }
    assert 31 * 86_400 // 2 in spans


def test_heavy__beyond_any_window_fails_the_account_alone(nights: Callable[..., Nights]) -> None:
    """Halving ends at an hour; the account fails, the others have theirs, and it comes later."""
    calm = nights()
    guilty = calm.sandbox.world.readable()[0].id
    fault = Fault(kind="activities", account_id=guilty, code=1, message=TOO_MUCH, times=None)
    run = nights(faults=(fault,))
    calm.run()

    run.run()

    asked = [call for call in run.calls("activities") if call.account_id == guilty]
    assert len(asked) < 100
    assert loaded(run) == {**loaded(calm), guilty: []}
    assert results(run)[guilty] == "failed"
    run.sandbox.clear_faults()
    run.run()
    assert loaded(run) == truth(run, "2025-11-25")


def test_spoiling__field_costs_itself(nights: Callable[..., Nights]) -> None:
    """A column that Meta refuses without a name is found, and empty; all rows come."""
    run = nights()
    run.sandbox.refused_fields.refuse("account.application_name", wording="unnamed")

    output = run.run()

    assert output.code == 0
    rows = run.tables["activities"].values()
    assert {row["application_name"] for row in rows} == {None}
    true = truth(run, "2025-11-25")
    place = 1 + TOLD.index("application_name")
    bare = {
        account: sorted(((*row[:place], None, *row[place + 1 :]) for row in rows), key=str)
        for account, rows in true.items()
    }
    assert loaded(run) == bare


@pytest.mark.parametrize("start", ["0001-01-01", "2010-01-01"])
def test_start__is_as_far_back_as_meta_goes(nights: Callable[..., Nights], start: str) -> None:
    """A start of long ago is asked for as far as 37 months back, east of Greenwich too."""
    run = nights(start_date=start)

    output = run.run()

    assert output.code == 0
    since = [int(call.params["since"]) for call in run.calls("activities")]
    first = dt.datetime.fromtimestamp(min(since), tz=dt.timezone.utc)
    assert first.year == 2023
    assert loaded(run) == truth(run, first.date().isoformat())


def test_left__out_columns_change_no_id(nights: Callable[..., Nights]) -> None:
    """Who leaves names out has the same keys as before."""
    run = nights()
    run.run(days=0)
    keys = set(run.tables["activities"])

    bare = nights()
    bare.run(without=("actor_name", "actor_id", "extra_data", "old_value", "new_value"))

    assert set(bare.tables["activities"]) == keys
    assert not {"actor_name", "extra_data"} & set(next(iter(bare.tables["activities"].values())))


def test_unselected__costs_no_call(nights: Callable[..., Nights]) -> None:
    """A run that does not select it never asks."""
    run = nights()

    run.run("campaigns", "account_sync_status")

    assert not run.calls("activities")
