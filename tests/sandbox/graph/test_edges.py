from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.support.sandbox_client import read, spent

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World
    from tap_meta_partner.sandbox.world.advertising import AdAccount
    from tests.support.sandbox_client import Client, Clock, Start

SHARED = "id,account_id,name,status,configured_status,effective_status,created_time,updated_time"
FIELDS = {
    "campaigns": f"{SHARED},objective,buying_type,bid_strategy,daily_budget,lifetime_budget,"
    "budget_remaining,spend_cap,start_time,stop_time,special_ad_categories,pacing_type",
    "adsets": f"{SHARED},campaign_id,billing_event,optimization_goal,bid_strategy,daily_budget,"
    "lifetime_budget,budget_remaining,start_time,end_time,attribution_spec,targeting,bid_amount",
    "ads": f"{SHARED},campaign_id,adset_id,conversion_domain,creative,tracking_specs,bid_type",
    "adcreatives": "id,account_id,name,status,title,body,url_tags,object_story_spec,"
    "asset_feed_spec,template_url_spec,image_hash,thumbnail_url,call_to_action_type,object_type",
}
OBJECTS = ("campaigns", "adsets", "ads")
EVERY_STATUS = '["ACTIVE","ARCHIVED"]'


@pytest.fixture
def account(world: World) -> AdAccount:
    """One with more than two campaigns, of which the last is archived."""
    return next(a for a in world.readable() if len(a.campaigns) > 2)


def listed(client: Client, account: AdAccount, edge: str, **params: str | int) -> dict[str, dict]:
    """What an edge lists, by id."""
    rows = client.rows(f"act_{account.id}/{edge}", **{"fields": "id", "limit": 100, **params})
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def ids(account: AdAccount, edge: str) -> set[str]:
    return {each.id for each in account.objects(edge.removesuffix("s"))}


@pytest.mark.parametrize("edge", OBJECTS)
def test_lists__every_object_once(client: Client, account: AdAccount, edge: str) -> None:
    """Paged or not, living and archived objects together are all the account has."""
    small = listed(client, account, edge, effective_status=EVERY_STATUS, limit=2)
    large = listed(client, account, edge, effective_status="ACTIVE,ARCHIVED")

    assert ids(account, edge) == set(small) == set(large)
    assert set(listed(client, account, edge)) < set(large)


def test_lists__creatives_of_every_ad(client: Client, account: AdAccount) -> None:
    """There is a creative for each ad; those of archived ads are listed as well."""
    ads = listed(client, account, "ads", fields="creative", effective_status=EVERY_STATUS)

    assert {ad["creative"]["id"] for ad in ads.values()} == set(
        listed(client, account, "adcreatives", limit=3)
    )


@pytest.mark.parametrize("edge", list(FIELDS))
def test_fields__are_the_same_by_edge_and_by_id(client: Client, world: World, edge: str) -> None:
    """An object reads the same in a list and by its own id, and in every account."""
    for account in world.readable():
        for object_id, row in listed(client, account, edge, fields=FIELDS[edge]).items():
            assert client.get(object_id, fields=FIELDS[edge]).json() == row
            assert row["account_id"] == account.id


@pytest.mark.parametrize("edge", OBJECTS)
def test_fields__have_metas_types(client: Client, world: World, edge: str) -> None:
    """Budgets are minor-unit text; times carry the offset of the account's zone."""
    for account in world.readable():
        rows = listed(client, account, edge, fields=FIELDS[edge]).values()
        for row in rows:
            for name in (name for name in row if name.endswith("_time")):
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", row[name])
                moment = dt.datetime.strptime(row[name], "%Y-%m-%dT%H:%M:%S%z")
                assert moment.utcoffset() == moment.astimezone(account.timezone).utcoffset()
            for name in ("daily_budget", "lifetime_budget", "budget_remaining", "spend_cap"):
                assert row.get(name, "0").isdecimal()
            assert None not in row.values()


def test_fields__budgets_stand_with_the_campaign_or_its_ad_sets(
    client: Client, world: World
) -> None:
    """Either a campaign has a budget or its ad sets do, of one kind."""
    paid_by = set()
    for account in world.readable():
        campaigns = listed(client, account, "campaigns", fields=FIELDS["campaigns"])
        for adset in listed(client, account, "adsets", fields=FIELDS["adsets"]).values():
            above = campaigns[adset["campaign_id"]]
            own = [n for n in ("daily_budget", "lifetime_budget") if int(adset[n])]
            its = [n for n in ("daily_budget", "lifetime_budget") if n in above]
            assert len(own) + len(its) == 1
            paid_by.add("adset" if own else "campaign")

    assert paid_by == {"adset", "campaign"}


def test_fields__creatives_keep_their_links_in_every_place(client: Client, world: World) -> None:
    """Links stand in link_data, its cards, video_data, asset feeds and templates; no time does."""
    found: set[str] = set()
    for account in world.readable():
        for row in listed(client, account, "adcreatives", fields=FIELDS["adcreatives"]).values():
            story = row["object_story_spec"]
            found |= {f"story.{name}" for name in story}
            found |= {f"link_data.{name}" for name in story.get("link_data", ())}
            found |= set(row)
    assert found >= {
        *("link_data.link", "link_data.child_attachments", "link_data.caption"),
        *("story.video_data", "story.template_data", "asset_feed_spec", "template_url_spec"),
    }
    assert not [name for name in found if name.endswith("_time")]


def test_fields__of_a_creative_inside_its_ad(client: Client, account: AdAccount) -> None:
    """`creative` is an id; with braces it tells the creative's own fields."""
    ad = account.ads[0]
    plain = client.get(ad.id, fields="creative").json()["creative"]
    nested = client.get(ad.id, fields="creative{id,name,object_type}").json()["creative"]

    assert set(plain) == {"id"}
    assert nested == client.get(plain["id"], fields="id,name,object_type").json()


@pytest.mark.parametrize(
    ("edge", "name"),
    [
        ("campaigns", "shoe_size"),
        ("campaigns", "billing_event"),
        ("adsets", "objective"),
        ("ads", "daily_budget"),
        ("adcreatives", "updated_time"),
        ("adcreatives", "effective_status"),
    ],
)
def test_fields__that_the_object_has_not(
    client: Client, account: AdAccount, edge: str, name: str
) -> None:
    """A field of another kind of object fails the call with code 100 and is named."""
    object_id = next(iter(listed(client, account, edge)))
    answer = client.get(f"act_{account.id}/{edge}", fields=f"id,{name}").json()

    assert f"({name})" in answer["error"]["message"]
    assert client.error(f"act_{account.id}/{edge}", fields=f"id,{name}") == (100, None)
    assert client.error(object_id, fields=name) == (100, None)


@pytest.mark.parametrize("edge", OBJECTS)
def test_updated_time__filters(
    client: Client, world: World, account: AdAccount, clock: Clock, edge: str
) -> None:
    """What changed later than a time can be asked for alone."""
    chosen = min(listed(client, account, edge))
    clock.seconds += 3_600
    before = int(clock.now().timestamp()) - 1
    world.statuses.touch(chosen)
    kind = edge.removesuffix("s")
    rule = {"field": f"{kind}.updated_time", "operator": "GREATER_THAN", "value": before}

    assert set(listed(client, account, edge, filtering=json.dumps([rule]))) == {chosen}
    assert not listed(client, account, edge, filtering=json.dumps([{**rule, "value": before + 1}]))
    if edge != "campaigns":  # which has no such parameter
        assert set(listed(client, account, edge, updated_since=before)) == {chosen}


@pytest.mark.parametrize("edge", OBJECTS)
def test_effective_status__filters(client: Client, account: AdAccount, edge: str) -> None:
    """Archived objects come when a filter names them, and words Meta does not know are refused."""
    rule = {"operator": "IN", "value": ["ARCHIVED"]}
    rule["field"] = f"{edge.removesuffix('s')}.effective_status"
    by_filter = listed(client, account, edge, filtering=json.dumps([rule]))

    assert by_filter == listed(client, account, edge, effective_status="ARCHIVED") != {}
    node = f"act_{account.id}/{edge}"
    assert client.error(node, effective_status='["SLEEPING"]') == (100, None)
    assert client.error(node, filtering='[{"field":"x.y","operator":"IN","value":[]}]') == (
        100,
        None,
    )


def test_effective_status__follows_a_paused_parent(
    client: Client, world: World, account: AdAccount
) -> None:
    """Ads below a paused campaign say so, with the `updated_time` they had."""
    campaign = account.campaigns[0]
    fields = "status,effective_status,updated_time"
    before = listed(client, account, "ads", fields=fields)
    world.statuses.set(campaign.id, "PAUSED")
    after = listed(client, account, "ads", fields=fields)
    below = {ad.id for ad in account.ads if ad.campaign_id == campaign.id}

    assert after == {
        ad_id: row | ({"effective_status": "CAMPAIGN_PAUSED"} if ad_id in below else {})
        for ad_id, row in before.items()
    }


def test_nodes__list_what_is_below_them(client: Client, account: AdAccount) -> None:
    """A campaign lists its ad sets and ads, an ad set its ads, an ad its creative."""
    campaign = account.campaigns[0]
    adset = campaign.adsets[0]
    ad = adset.ads[0]

    def found(path: str) -> set[str]:
        return {row["id"] for row in client.rows(path, limit=500)}

    assert found(f"{campaign.id}/adsets") == {each.id for each in campaign.adsets}
    assert found(f"{adset.id}/ads") == {each.id for each in adset.ads}
    assert found(f"{ad.id}/adcreatives") == {
        client.get(ad.id, fields="creative").json()["creative"]["id"]
    }
    assert client.error(f"{ad.id}/campaigns") == (2500, None)


@pytest.mark.parametrize("edge", OBJECTS)
def test_deleted__is_read_by_its_own_id_only(
    client: Client, world: World, start: Start, account: AdAccount, edge: str
) -> None:
    """A deleted object leaves its edge; asking the edge for DELETED is refused unless allowed."""
    chosen = min(listed(client, account, edge))
    world.statuses.delete(chosen)

    assert chosen not in listed(client, account, edge, effective_status=EVERY_STATUS)
    assert client.get(chosen, fields="status").json()["status"] == "DELETED"
    node = f"act_{account.id}/{edge}"
    assert client.error(node, effective_status='["ACTIVE","DELETED"]') == (100, None)
    allowing = start(deleted_listed=True)
    assert chosen in listed(allowing, account, edge, effective_status='["DELETED"]')


def test_deleted__by_filtering_where_only_that_is_allowed(
    start: Start, world: World, account: AdAccount
) -> None:
    """Whether `filtering` may name DELETED is a dial of its own."""
    chosen = account.campaigns[0].id
    world.statuses.delete(chosen)
    condition = {"field": "campaign.effective_status", "operator": "IN", "value": ["DELETED"]}
    node, filtering = f"act_{account.id}/campaigns", json.dumps([condition])

    client = start(deleted_filtered=True)
    assert chosen in listed(client, account, "campaigns", filtering=filtering)
    assert client.error(node, effective_status='["DELETED"]') == (100, None)
    assert start().error(node, filtering=filtering) == (100, None)


def test_deleted__ad_leaves_the_rows_of_ads_and_stays_in_its_parents(
    client: Client,
    world: World,
    account: AdAccount,
    span: dict[str, str],
    days: tuple[dt.date, dt.date],
) -> None:
    """A deleted ad has rows only by its status or its own id; totals above keep it."""
    ad = account.ads[0]
    whole = world.truth.totals(account.id, *days)
    own = spent(read(client, account, span, "ad", "ad_id,spend", limit=500)) - spent(
        [r for r in read(client, account, span, "ad", "ad_id,spend") if r["ad_id"] != ad.id]
    )
    world.statuses.delete(ad.id)
    rows = read(client, account, span, "ad", "ad_id,spend", limit=500)
    rule = [{"field": "ad.effective_status", "operator": "IN", "value": ["DELETED"]}]
    named = read(client, account, span, "ad", "ad_id,spend", filtering=json.dumps(rule))
    by_id = client.rows(f"{ad.id}/insights", fields="spend", time_range=json.dumps(span))
    truth = world.truth.totals(account.id, *days)

    assert own > 0
    assert ad.id not in {row["ad_id"] for row in rows}
    assert spent(rows) == whole.spend - own
    assert {row["ad_id"] for row in named} == {ad.id}
    assert spent(named) == own == sum(Decimal(row["spend"]) for row in by_id)
    assert spent(read(client, account, span, "campaign")) == whole.spend == truth.spend
    assert len(rows) == truth.rows_by_level["ad"] < whole.rows_by_level["ad"]
    assert truth.rows_by_level["campaign"] == whole.rows_by_level["campaign"]


def test_deleted__campaign_stays_in_its_account(
    client: Client,
    world: World,
    account: AdAccount,
    span: dict[str, str],
    days: tuple[dt.date, dt.date],
) -> None:
    """The rows of a deleted campaign, its ad sets and ads go; the account's keep them."""
    campaign = account.campaigns[0]
    world.statuses.delete(campaign.id)
    truth = world.truth.totals(account.id, *days)

    for level in ("account", "campaign", "adset", "ad"):
        rows = read(client, account, span, level, "campaign_id" if level != "account" else "spend")
        assert len(rows) == truth.rows_by_level[level]
        assert campaign.id not in {row.get("campaign_id") for row in rows}
    assert spent(read(client, account, span, "account")) == truth.spend


def test_broken_creative__fails_its_page(client: Client, world: World, account: AdAccount) -> None:
    """A page with a broken creative fails with an unknown error; its id can still be listed."""
    every = sorted(listed(client, account, "adcreatives"))
    broken = every[3]
    world.break_creative(broken)
    node = f"act_{account.id}/adcreatives"
    first = client.get(node, fields="name", limit=3).json()

    assert len(first["data"]) == 3
    after = first["paging"]["cursors"]["after"]
    answer = client.get(node, fields="name", limit=3, after=after)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, 1)
    assert client.error(broken, fields="name") == (1, None)
    assert client.get(broken, fields="id").json() == {"id": broken}
    assert sorted(listed(client, account, "adcreatives", limit=3)) == every
    assert client.get(every[4], fields="name").status_code == 200


def test_rejected_story__fails_what_tells_it(
    client: Client, world: World, account: AdAccount
) -> None:
    """A creative whose story is rejected is given without it, in lists and by its own id."""
    rejected, other = sorted(listed(client, account, "adcreatives"))[:2]
    world.rejected_stories.add(rejected)

    assert client.error(rejected, fields="name,object_story_spec") == (100, 2446211)
    assert client.error(f"act_{account.id}/adcreatives", fields="object_story_spec") == (
        100,
        2446211,
    )
    assert client.get(rejected, fields="name").json()["name"]
    assert client.get(other, fields="object_story_spec").status_code == 200


def test_calls__say_which_edge(client: Client, account: AdAccount) -> None:
    """Each edge is a kind of call of its own, so that a fault can meet it alone."""
    for edge in FIELDS:
        client.get(f"act_{account.id}/{edge}")
    client.get(account.ads[0].id)

    assert [call.kind for call in client.sandbox.calls] == [*FIELDS, "object"]
