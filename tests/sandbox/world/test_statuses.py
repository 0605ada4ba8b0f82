from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World
    from tap_meta_partner.sandbox.world.advertising import AdAccount, AdSet
    from tests.support.sandbox_client import Clock


@pytest.fixture
def account(world: World) -> AdAccount:
    return world.readable()[0]


@pytest.fixture
def adset(account: AdAccount) -> AdSet:
    return account.campaigns[0].adsets[0]


def test_times__differ_and_lie_in_order(world: World, clock: Clock) -> None:
    """Parents are made before their children, all before the first delivery; times differ."""
    statuses, seen = world.statuses, set()
    for account in world.readable():
        for campaign in account.campaigns:
            for adset in campaign.adsets:
                for ad in adset.ads:
                    made = [statuses.created(each) for each in (campaign, adset, ad)]
                    assert made == sorted(made)
                    assert made[-1].date() < (account.first_day or clock.now().date())
                    assert made[-1] <= statuses.updated(ad) <= clock.now()
                    seen.add(statuses.updated(ad))

    assert len(seen) == sum(len(account.ads) for account in world.readable())


def test_touch__moves_one_object(world: World, clock: Clock, adset: AdSet) -> None:
    """An edit moves `updated_time` of that object to now, and nothing else."""
    before = {ad.id: world.statuses.updated(ad) for ad in adset.ads}
    clock.seconds += 60
    world.statuses.touch(adset.ads[0].id)
    after = {ad.id: world.statuses.updated(ad) for ad in adset.ads}

    assert after == before | {adset.ads[0].id: clock.now()}
    assert world.statuses.effective(adset.ads[0]) == "ACTIVE"


@pytest.mark.parametrize(
    ("whom", "status", "follows"),
    [
        ("campaign", "PAUSED", ("CAMPAIGN_PAUSED", "CAMPAIGN_PAUSED")),
        ("adset", "PAUSED", ("PAUSED", "ADSET_PAUSED")),
        ("ad", "PAUSED", ("ACTIVE", "PAUSED")),
        ("ad", "DISAPPROVED", ("ACTIVE", "DISAPPROVED")),
        ("campaign", "ARCHIVED", ("ARCHIVED", "ARCHIVED")),
        ("campaign", "DELETED", ("DELETED", "DELETED")),
        ("adset", "DELETED", ("DELETED", "DELETED")),
    ],
)
def test_set_status__is_followed_below(
    world: World, adset: AdSet, whom: str, status: str, follows: tuple[str, str]
) -> None:
    """What is paused, archived or deleted takes everything below along, which does not move.

    `follows` are the effective statuses of the ad set and its ad.
    """
    ad = adset.ads[0]
    ids = {"campaign": adset.campaign_id, "adset": adset.id, "ad": ad.id}
    below = [each for kind, each in (("adset", adset), ("ad", ad)) if kind != whom]
    before = [(world.statuses.updated(each), world.statuses.configured(each)) for each in below]

    world.statuses.set(ids[whom], status)

    effective = world.statuses.effective
    assert (effective(adset), effective(ad)) == follows
    assert before == [
        (world.statuses.updated(each), world.statuses.configured(each)) for each in below
    ]


def test_set_status__back_again(world: World, adset: AdSet) -> None:
    """A campaign that runs again lets its ads run again."""
    world.statuses.set(adset.campaign_id, "PAUSED")
    world.statuses.set(adset.campaign_id, "ACTIVE")

    assert world.statuses.effective(adset.ads[0]) == "ACTIVE"


def test_set_status__nonsense(world: World, account: AdAccount, adset: AdSet) -> None:
    """Neither unknown words, nor what only parents cause, nor accounts have such a status."""
    for status in ("SLEEPING", "CAMPAIGN_PAUSED"):
        with pytest.raises(ValueError, match=status):
            world.statuses.set(adset.ads[0].id, status)
    for object_id in (f"act_{account.id}", "4242"):
        with pytest.raises(KeyError):
            world.statuses.set(object_id, "PAUSED")


def test_break_creative__needs_one(world: World, adset: AdSet) -> None:
    """Only creatives break."""
    with pytest.raises(KeyError):
        world.break_creative(adset.ads[0].id)
