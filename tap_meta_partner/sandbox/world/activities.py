"""Who changed what in an ad account, and when: drawn from the seed, and what is done to the world.

Newest first, as Meta lists them. Two of an account's are of one second. An activity has no id.
"""

from __future__ import annotations

import datetime as dt
import json
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_meta_partner.sandbox.world.advertising import Ad, AdAccount, AdSet, Campaign
    from tap_meta_partner.sandbox.world.world import World

    #: When, what, by whom, and what was told of it.
    _Told = tuple[dt.datetime, str, tuple[str, str], str | None]

Activity = dict[str, object]
_PEOPLE = (("100000000000001", "Zoë Çelik"), ("100000000000002", "Jörg Weiß"))
_META = ("0", "Meta")
_TYPES = {"campaign": "CAMPAIGN", "adset": "AD_SET", "ad": "AD"}
_NODES = {"campaign": "campaign_group", "adset": "ad_set", "ad": "ad"}
_MOST_BUDGETS = 4


def happened(world: World, account: AdAccount) -> list[tuple[dt.datetime, Activity]]:
    """Return all that has happened in an account until now, each with its time, newest first."""
    found = [
        each
        for kind in _TYPES
        for thing in account.objects(kind)
        for each in _of(world, account, kind, thing)
    ]
    known = [(moment, activity) for moment, activity in found if moment <= world.now()]
    return sorted(known, key=lambda each: (each[0], str(each[1])), reverse=True)


def _of(
    world: World, account: AdAccount, kind: str, thing: Campaign | AdSet | Ad
) -> list[tuple[dt.datetime, Activity]]:
    draw = Random(f"{world.seed}/activities/{thing.id}")
    created = world.statuses.created(thing).replace(microsecond=0)
    node = _NODES[kind]
    found: list[_Told] = [(created, f"create_{node}", _PEOPLE[0], None)]
    if kind == "ad":
        # Meta's own review follows in the same second, and once told nothing of itself.
        found.append((created, "ad_review_approved", _META, None))
    else:
        found += _budgets(world, account, node, created, draw)
    found += [
        (
            moment.replace(microsecond=0),
            f"update_{node}_run_status",
            _PEOPLE[1],
            json.dumps({"old_value": old, "new_value": new}),
        )
        for object_id, moment, old, new in world.statuses.log
        if object_id == thing.id
    ]
    return [(told[0], _activity(account, kind, thing, told)) for told in found]


def _budgets(
    world: World, account: AdAccount, node: str, created: dt.datetime, draw: Random
) -> list[_Told]:
    """Draw changes of a daily budget, told as numbers, texts and objects: Meta has all three."""
    event = "update_campaign_budget" if node == "campaign_group" else "update_ad_set_budget"
    lived = max(1, int((world.statuses.begun - created).total_seconds()))
    moments = sorted(draw.randrange(lived) for _ in range(draw.randrange(_MOST_BUDGETS)))
    found: list[_Told] = []
    old = 1_000 + 100 * draw.randrange(90)
    for seconds in moments:
        new = old + 100 * draw.randrange(1, 30)
        told: tuple[object, object] = draw.choice(
            [(old, new), (str(old), str(new)), ({"amount": old}, {"amount": new})]
        )
        extra = {
            "old_value": told[0],
            "new_value": told[1],
            "type": "payment_amount",
            "currency": account.currency,
        }
        moment = created + dt.timedelta(seconds=seconds)
        found.append((moment, event, draw.choice(_PEOPLE), json.dumps(extra)))
        old = new
    return found


def _activity(account: AdAccount, kind: str, thing: Campaign | AdSet | Ad, told: _Told) -> Activity:
    moment, event, actor, extra = told
    there = moment.astimezone(account.timezone)
    found: Activity = {
        "event_time": moment.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "date_time_in_timezone": f"{there:%m/%d/%Y} at {there:%I:%M %p}",
        "event_type": event,
        "translated_event_type": event.replace("_", " ").capitalize(),
        "object_id": thing.id,
        "object_name": thing.name,
        "object_type": _TYPES[kind],
        "actor_id": actor[0],
        "actor_name": actor[1],
        "application_id": "119211728144504",
        "application_name": "Ads Manager",
    }
    return found if extra is None else {**found, "extra_data": extra}
