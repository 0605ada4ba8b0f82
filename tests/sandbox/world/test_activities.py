"""The sandbox's activities: what has been done to a world, newest first."""

from __future__ import annotations

import datetime as dt
import json

from tap_meta_partner.sandbox import World
from tap_meta_partner.sandbox.world import activities

NOW = dt.datetime(2026, 11, 25, 3, tzinfo=dt.timezone.utc)


def test_happened__newest_first_and_never_later_than_now() -> None:
    """Every object was made once; nothing happened after now."""
    world = World.demo(seed=7, now=lambda: NOW)
    account = world.readable()[0]
    found = activities.happened(world, account)
    moments = [moment for moment, _ in found]

    assert moments == sorted(moments, reverse=True)
    assert moments[0] <= NOW
    made = [each["object_id"] for _, each in found if str(each["event_type"]).startswith("create")]
    assert sorted(map(str, made)) == sorted(
        each.id for kind in ("campaign", "adset", "ad") for each in account.objects(kind)
    )


def test_happened__two_of_one_second() -> None:
    """Meta reviews an ad in the second in which it was made."""
    world = World.demo(seed=7, now=lambda: NOW)
    moments = [moment for moment, _ in activities.happened(world, world.readable()[0])]

    assert len(set(moments)) < len(moments)


def test_happened__a_status_set_is_told() -> None:
    """What is done to the world is told with what it was before."""
    world = World.demo(seed=7, now=lambda: NOW)
    account = world.readable()[0]
    campaign = account.objects("campaign")[0]
    before = world.statuses.configured(campaign)

    world.statuses.set(campaign.id, "PAUSED")

    (_, newest), *_ = activities.happened(world, account)
    assert newest["event_type"] == "update_campaign_group_run_status"
    assert json.loads(str(newest["extra_data"])) == {"old_value": before, "new_value": "PAUSED"}
