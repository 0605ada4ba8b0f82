"""What campaigns, ad sets and ads were: a row for each change, and no call more for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.dimension_nights import Clock, Nights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox

from tap_meta_partner.sandbox import World

KINDS = ("campaigns", "adsets", "ads")
HISTORIES = tuple(f"{kind}_history" for kind in KINDS)


@pytest.fixture
def nights(start_sandbox: Callable[..., Sandbox], tmp_path: Path) -> Callable[..., Nights]:
    """Prepare nights; takes the streams."""
    clock = Clock()

    def prepare(*streams: str) -> Nights:
        sandbox = start_sandbox(World.demo(seed=7, days=40, now=clock))
        return Nights(sandbox, clock, tmp_path, *streams)

    return prepare


def versions(run: Nights, kind: str, object_id: str) -> list[dict[str, Any]]:
    """Return an object's rows in the history, the oldest first."""
    rows = run.tables[f"{kind}_history"].values()
    mine = [row for row in rows if row["id"] == object_id]
    return sorted(mine, key=lambda row: str(row["updated_time"]))


def test_history__begins_with_all_objects_as_they_are(nights: Callable[..., Nights]) -> None:
    """One row for each object, as its dimension has it, in as many calls as without it."""
    run = nights(*KINDS, *HISTORIES)

    output = run.run()
    with_it = len(run.calls())
    for kind in KINDS:
        rows = {key[0]: row for key, row in run.tables[f"{kind}_history"].items()}
        assert {key: row["name"] for key, row in rows.items()} == {
            key[0]: row["name"] for key, row in run.tables[kind].items()
        }
    plain = nights(*KINDS)
    plain.run()

    assert output.code == 0
    assert with_it == len(plain.calls())


def test_history__keeps_what_an_object_was(nights: Callable[..., Nights]) -> None:
    """A status that changes twice leaves three rows; objects that did not change leave one."""
    run = nights(*KINDS, *HISTORIES)
    run.run()
    account = max(run.sandbox.world.readable(), key=lambda each: len(each.ads))
    campaign, ad = account.campaigns[0], account.campaigns[1].adsets[0].ads[0]
    statuses = run.sandbox.world.statuses
    was = statuses.configured(campaign)
    for status in ("PAUSED", "ACTIVE"):
        statuses.set(campaign.id, status)
        statuses.set(ad.id, status)
        run.run(days=2)

    assert [row["status"] for row in versions(run, "campaigns", campaign.id)] == [
        was,
        "PAUSED",
        "ACTIVE",
    ]
    assert [row["status"] for row in versions(run, "ads", ad.id)][-2:] == ["PAUSED", "ACTIVE"]
    others = [each for each in account.campaigns if each is not campaign]
    assert all(len(versions(run, "campaigns", each.id)) == 1 for each in others)


def test_history__a_quiet_night_writes_next_to_nothing(nights: Callable[..., Nights]) -> None:
    """What changed within a day of an account's last change comes again, and nothing else."""
    run = nights(*KINDS, *HISTORIES)
    first = run.run(days=3)

    second = run.run()

    for name in HISTORIES:
        assert first.counts[name] > 10
        assert second.counts[name] <= first.counts[name] // 2
    assert second.counts["campaigns"] == first.counts["campaigns"]


def test_history__alone_is_read_as_well(nights: Callable[..., Nights]) -> None:
    """Without the dimension's own stream its history has a bookmark of its own."""
    run = nights("ads_history", "account_sync_status")

    output = run.run()

    assert output.code == 0
    assert output.counts["ads_history"] == len([*run.objects("ads")])
    assert {row["stream"] for row in output.tables["account_sync_status"].values()} == {
        "ads_history"
    }
    statuses = run.sandbox.world.statuses
    (_, ad), *_ = run.objects("ads")
    statuses.set(ad.id, "PAUSED")
    again = run.run()
    assert ad.id in {key[0] for key in again.tables["ads_history"]}


def test_history__selected_later_begins_with_all_objects_too(
    nights: Callable[..., Nights],
) -> None:
    """Nights of a dimension before it have left its history with nothing."""
    run = nights(*KINDS)
    run.run(days=3)

    output = run.run(*KINDS, *HISTORIES)

    for kind in KINDS:
        assert output.counts[f"{kind}_history"] == len([*run.objects(kind)])
