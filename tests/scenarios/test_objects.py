"""Objects that Meta does not give, at two clients of twelve, over three nights and a calm one."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tap_meta_partner.sandbox.world import creatives
from tests.support.nights import Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.sandbox.world.advertising import AdAccount
    from tests.support.nights import Night

DIMENSIONS = ("campaigns", "adsets", "ads", "adcreatives")
#: A report that names deleted ads.
GONE = {
    "name": "gone",
    "level": "ad",
    "filtering": [{"field": "ad.effective_status", "operator": "IN", "value": ["DELETED"]}],
}
BEGAN = dt.datetime(2026, 11, 25, 3, tzinfo=dt.timezone.utc)


def nights(accounts: int = 12, **dials: Any) -> Nights:  # noqa: ANN401  (see `Dials`)
    """Prepare nights of an agency; every time they are made its world is the same."""
    time = Time(BEGAN)
    world = World.agency(accounts=accounts, idle=0, days=5, now=time.utc_now)
    return Nights(
        time=time,
        graph=graph_of(world, time, **dials),
        streams=("ad_insights", *DIMENSIONS),
        config={"start_date": "2026-11-22", "lookback_days": 1},
    )


def guilty_of(run: Nights) -> list[AdAccount]:
    """Return the two clients that something is wrong with."""
    return run.graph.world.readable()[3:5]


def innocent_of(run: Nights) -> list[AdAccount]:
    guilty = guilty_of(run)
    return [account for account in run.graph.world.readable() if account not in guilty]


def run_beside_a_calm_twin(
    run: Nights, twin: Nights, each_night: Callable[[], None] = lambda: None, *, count: int = 3
) -> list[Night]:
    """Run some nights; what is delivered of innocent clients is what the twin delivers."""
    found = []
    for _ in range(count):
        each_night()
        found.append(run.night())
        twin.night()
        for account in innocent_of(run):
            assert run.rows_of(account.id) == twin.rows_of(account.id)
            assert run.bookmarks_of(account.id) == twin.bookmarks_of(account.id)
            assert set(found[-1].outcomes(account.id).values()) == {"delivered"}
        for each in (run, twin):
            each.next_night()
    return found


def ends_whole(run: Nights, twin: Nights) -> None:
    """Run a calm night: who was in trouble has everything, as if there had been none."""
    night = run.night()
    twin.night()
    for account in guilty_of(run):
        assert set(night.outcomes(account.id).values()) == {"delivered"}
        assert run.rows_of(account.id) == twin.rows_of(account.id)
    assert not night.failed


def test_broken_creatives__of_two_clients_cost_nobody_else_theirs() -> None:
    """Two clients none of whose creatives Meta gives are told as failed; all others are whole."""
    run, twin = nights(), nights()
    world = run.graph.world
    for account in guilty_of(run):
        for ad in account.ads:
            world.break_creative(creatives.id_of(ad))

    found = run_beside_a_calm_twin(run, twin)

    for night in found:
        for account in guilty_of(run):
            outcomes = night.outcomes(account.id)
            assert outcomes.pop("adcreatives") == "failed"
            assert set(outcomes.values()) == {"delivered"}
        assert "none of" in str(night.summary)
    world.broken_creatives.clear()
    ends_whole(run, twin)


def test_broken_creatives__some_of_many_are_told_and_counted() -> None:
    """A client with two broken creatives is incomplete; the rest of them is delivered."""
    run, twin = nights(), nights()
    world = run.graph.world
    for account in guilty_of(run):
        for ad in account.ads[:2]:
            world.break_creative(creatives.id_of(ad))

    found = run_beside_a_calm_twin(run, twin)

    for night in found:
        assert not night.failed
        for account in guilty_of(run):
            assert night.outcomes(account.id)["adcreatives"] == "incomplete"
            total = len(account.ads)
            assert f"Meta does not give 2 of {total}" in str(night.results)
            assert len(run.rows_of(account.id)["adcreatives"]) == total - 2
    world.broken_creatives.clear()
    ends_whole(run, twin)


def test_rejected_stories__cost_a_column_not_a_row() -> None:
    """Creatives whose story Meta rejects are there, without their story."""
    run, twin = nights(), nights()
    world = run.graph.world
    for account in guilty_of(run):
        for ad in account.ads[:2]:
            world.rejected_stories.add(creatives.id_of(ad))

    found = run_beside_a_calm_twin(run, twin)

    assert not any(night.failed for night in found)
    for account in guilty_of(run):
        rows = run.rows_of(account.id)["adcreatives"]
        assert rows.keys() == twin.rows_of(account.id)["adcreatives"].keys()
        stories = {key: row["object_story_spec"] for key, row in rows.items()}
        rejected = {(creatives.id_of(ad),) for ad in account.ads[:2]}
        assert {key for key, story in stories.items() if story is None} >= rejected
        assert all(rows[key]["name"] for key in rejected)
    world.rejected_stories.clear()
    ends_whole(run, twin)


def test_unnamed_field__costs_its_column_of_that_client() -> None:
    """A field that Meta refuses without naming it is found, and left out for that client only."""
    run, twin = nights(), nights()
    refused = dict(zip(guilty_of(run), ("targeting", "promoted_object"), strict=True))
    for account, field in refused.items():
        run.graph.refused_fields.refuse(f"adset.{field}", account.id, wording="unnamed")

    found = run_beside_a_calm_twin(run, twin)

    assert not any(night.failed for night in found)
    for account, field in refused.items():
        expected = twin.rows_of(account.id)["adsets"]
        without = {key: {**row, field: None} for key, row in expected.items()}
        assert run.rows_of(account.id)["adsets"] == without
        run.graph.refused_fields.accept(f"adset.{field}", account.id)
    ends_whole(run, twin)


def test_deleted__are_listed_to_all_whatever_two_clients_are_refused() -> None:
    """Code 100 for two clients' campaigns does not stop listing deleted ones for the others."""
    run, twin = (nights(deleted_listed=True) for _ in range(2))
    for each in (run, twin):
        for account in each.graph.world.readable():
            each.graph.world.statuses.set(account.campaigns[-1].id, "DELETED")

    def refuse() -> None:
        for account in guilty_of(run):
            for way in ("effective_status", "filtering"):
                said = f"(#100) Invalid {way}"
                run.graph.faults.add(
                    Fault(kind="campaigns", account_id=account.id, code=100, message=said)
                )

    found = run_beside_a_calm_twin(run, twin, refuse)

    assert not any(night.failed for night in found)
    for account in innocent_of(run):
        assert run.rows_of(account.id)["campaigns"][account.campaigns[-1].id,]
    ends_whole(run, twin)


def test_looked_up__more_than_a_night_may_ask_for() -> None:
    """Of 250 deleted ads that rows name each is found by the second night, whoever names them."""
    time = Time(BEGAN)
    world = World.single(seed=7, ads=300, days=3, now=time.utc_now)
    (account,) = world.readable()
    deleted = [ad.id for ad in account.ads[:250]]
    for ad_id in deleted:
        world.statuses.set(ad_id, "DELETED")
    run = Nights(
        time=time,
        graph=graph_of(world, time),
        streams=("gone", "ads"),
        config={"start_date": "2026-11-23", "reports": [GONE]},
    )

    counts = []
    for _ in range(3):
        night = run.night()
        run.next_night()
        counts.append(len([call for call in night.calls if call.kind == "object"]))

    assert counts == [200, 50, 0]
    assert {key[0] for key in run.tables["ads"]} >= set(deleted)


@pytest.mark.parametrize("stream", DIMENSIONS)
def test_unsupported_request__is_told_and_stays_with_its_client(stream: str) -> None:
    """A list that Meta does not give at two clients fails there, and nowhere else."""
    run, twin = nights(), nights()
    message = "(#100) Unsupported request - method type: get"
    for account in guilty_of(run):
        run.graph.faults.add(
            Fault(kind=stream, account_id=account.id, code=100, message=message, times=None)
        )

    found = run_beside_a_calm_twin(run, twin)

    for night in found:
        for account in guilty_of(run):
            assert night.outcomes(account.id)[stream] == "failed"
    run.graph.faults.clear()
    ends_whole(run, twin)
