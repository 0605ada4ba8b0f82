from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.sandbox import World
from tap_meta_partner.sandbox.protocol.vocabulary import INSIGHT_FIELDS
from tests.support.sandbox_client import read, spent

if TYPE_CHECKING:
    import datetime as dt

    from tests.support.sandbox_client import Client, Clock, Start


REAL_ROWS = Path(__file__).parents[2] / "contract" / "real_insights_rows.json"
LEVELS = ("account", "campaign", "adset", "ad")


@pytest.mark.parametrize("level", LEVELS)
def test_rows__equal_the_truth(
    client: Client, world: World, span: dict[str, str], days: tuple[dt.date, dt.date], level: str
) -> None:
    """Rows read page by page over HTTP add up to what the world says without HTTP."""
    for account in world.readable():
        rows = read(client, account, span, level)
        truth = world.truth.totals(account.id, *days)

        assert truth.rows_by_level[level] == len(rows)
        assert truth.spend == spent(rows)
        assert truth.impressions == sum(int(row["impressions"]) for row in rows)
        assert truth.clicks == sum(int(row["clicks"]) for row in rows)


def test_rows__are_in_order_and_only_for_days_with_delivery(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """Days come in order, each object once a day; a day without delivery has no row."""
    account = world.readable()[0]
    rows = read(client, account, span, fields="ad_id,impressions")
    keys = [(row["date_start"], row["ad_id"]) for row in rows]

    assert sorted(set(keys)) == keys
    assert len(account.ads) * 20 > len(rows) > 0
    assert all(row["date_start"] == row["date_stop"] for row in rows)


def test_rows__none_for_an_account_without_delivery(client: Client, world: World) -> None:
    """An account that never delivered answers an empty list and no paging."""
    silent = next(account for account in world.accounts if account.first_day is None)

    assert client.get(f"act_{silent.id}/insights").json() == {"data": []}


def test_rows__conversions_without_impressions(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """Some ad-days carry conversions and no impressions: their row says 0."""
    rows = [
        row
        for account in world.readable()
        for row in read(client, account, span, fields="impressions,spend,cpm,actions,reach")
        if row["impressions"] == "0"
    ]

    assert rows
    assert all(row["actions"] and row["spend"] == "0" and "cpm" not in row for row in rows)


def test_metrics__absent_without_their_base(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """A rate without its base and a list without entries are absent, not 0 or null."""
    fields = "clicks,cpc,ctr,impressions,actions,conversions"
    rows = [row for a in world.readable() for row in read(client, a, span, fields=fields)]

    assert {row["clicks"] == "0" for row in rows if "cpc" not in row} == {True}
    assert any("cpc" not in row for row in rows)
    assert any("conversions" not in row for row in rows)
    assert all(value is not None for row in rows for value in row.values())


def test_metrics__agree_with_each_other(client: Client, world: World, span: dict[str, str]) -> None:
    """Rates follow from their parts and carry at most six decimals."""
    fields = "impressions,clicks,reach,spend,frequency,cpc,cpm,cpp,ctr"
    row = read(client, world.readable()[1], span, fields=fields)[3]
    number = {name: Decimal(row[name]) for name in fields.split(",")}
    micro = Decimal("0.000001")

    assert number["frequency"] == pytest.approx(number["impressions"] / number["reach"], abs=micro)
    assert number["cpm"] == pytest.approx(1000 * number["spend"] / number["impressions"], abs=micro)
    assert number["cpp"] == pytest.approx(1000 * number["spend"] / number["reach"], abs=micro)
    assert number["cpc"] == pytest.approx(number["spend"] / number["clicks"], abs=micro)
    assert number["ctr"] == pytest.approx(100 * number["clicks"] / number["impressions"], abs=micro)


def test_metrics__of_clicks_off_meta_and_of_views(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """Lists of one entry follow from their counts: costs, rates, and views of growing length."""
    account = world.readable()[1]
    watched = [f"video_{seconds}_sec_watched_actions" for seconds in (6, 15, 30)]
    names = ["outbound_clicks", "outbound_clicks_ctr", "cost_per_outbound_click", *watched]
    fields = ",".join((*names, "cost_per_thruplay", "spend", "impressions", "website_ctr"))
    (row,) = read(client, account, span, "account", fields, time_increment="all_days")
    number = {name: Decimal(row[name][0]["value"]) for name in names}
    micro = Decimal("0.000001")
    clicks = number["outbound_clicks"]

    assert [len(row[name]) for name in names] == [1] * len(names)
    assert number["outbound_clicks_ctr"] == pytest.approx(
        100 * clicks / Decimal(row["impressions"]), abs=micro
    )
    assert number["cost_per_outbound_click"] == pytest.approx(
        Decimal(row["spend"]) / clicks, abs=micro
    )
    assert number[watched[0]] > number[watched[1]] > number[watched[2]] > 0
    assert row["cost_per_thruplay"][0]["action_type"] == "video_view"
    assert row["website_ctr"][0]["action_type"] == "link_click"


def test_spend__has_the_decimals_of_its_account(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """Most accounts spend hundredths, one millionths, yen are whole."""
    decimals = {}
    for account in world.readable():
        rows = read(client, account, span)
        places = {len(row["spend"].partition(".")[2]) for row in rows}
        decimals[account.name] = max(places, default=0)

    assert decimals["Sunset Surf & Skate"] == 6
    assert decimals["Nordlicht Optik"] == 2
    assert decimals["Kōbō Coffee 珈琲工房"] == 0


def test_reach__is_not_additive(client: Client, world: World, span: dict[str, str]) -> None:
    """People are counted once: a sum's reach is below the sum of its parts' reaches."""
    account = world.readable()[0]
    daily = read(client, account, span, "ad", "reach,impressions")
    (whole,) = read(client, account, span, "account", "reach", time_increment="all_days")

    assert all(int(row["reach"]) <= int(row["impressions"]) for row in daily)
    assert 0 < int(whole["reach"]) < sum(int(row["reach"]) for row in daily)


def test_actions__overlap(client: Client, world: World, span: dict[str, str]) -> None:
    """page_engagement holds post_engagement, which holds link_click; purchases are told thrice."""
    account = world.readable()[0]
    (row,) = read(client, account, span, "account", "actions", time_increment="all_days")
    count = {entry["action_type"]: int(entry["value"]) for entry in row["actions"]}

    assert count["page_engagement"] >= count["post_engagement"] > count["link_click"] > 0
    assert count["purchase"] == count["omni_purchase"]
    assert count["purchase"] == count["offsite_conversion.fb_pixel_purchase"]


def test_windows__stand_beside_the_value(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """Attribution windows add keys; 7d_view and 28d_view yield nothing and raise no error."""
    account = world.readable()[0]
    (row,) = read(
        client,
        account,
        span,
        "account",
        "actions",
        time_increment="all_days",
        action_attribution_windows='["1d_click","7d_click","7d_view","28d_view"]',
    )
    entry = row["actions"][0]

    assert set(entry) == {"action_type", "value", "1d_click", "7d_click"}
    assert int(entry["1d_click"]) < int(entry["7d_click"]) < int(entry["value"])


def test_action_breakdowns__split_the_entries(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """action_device splits each type into parts that add up."""
    account = world.readable()[0]
    options = {"time_increment": "all_days"}
    (plain,) = read(client, account, span, "account", "actions", **options)
    (split,) = read(
        client,
        account,
        span,
        "account",
        "actions",
        action_breakdowns="action_type,action_device",
        **options,
    )
    clicks = [e for e in split["actions"] if e["action_type"] == "link_click"]

    assert len(clicks) == 3
    assert int(plain["actions"][0]["value"]) == sum(int(e["value"]) for e in clicks)


@pytest.mark.parametrize(
    "breakdowns",
    [
        "age",
        "gender",
        "age,gender",
        "country",
        "region",
        "publisher_platform",
        "publisher_platform,platform_position",
        "publisher_platform,platform_position,impression_device",
        "device_platform",
        "hourly_stats_aggregated_by_advertiser_time_zone",
        "body_asset",
    ],
)
def test_breakdowns__add_up_exactly(
    client: Client,
    world: World,
    span: dict[str, str],
    days: tuple[dt.date, dt.date],
    breakdowns: str,
) -> None:
    """Every share comes as rows with the breakdown's keys, and the shares add up to the whole."""
    account = world.readable()[0]
    rows = read(client, account, span, "campaign", breakdowns=breakdowns, limit=1000)
    truth = world.truth.totals(account.id, *days)
    names = breakdowns.split(",")
    keys = [json.dumps([row["date_start"], *(row[name] for name in names)]) for row in rows]

    assert truth.spend == spent(rows)
    assert truth.impressions == sum(int(row["impressions"]) for row in rows)
    assert truth.clicks == sum(int(row["clicks"]) for row in rows)
    assert len(rows) > truth.rows_by_level["campaign"]
    assert len(set(keys)) > 20


def test_breakdowns__rows_are_unique(client: Client, world: World, span: dict[str, str]) -> None:
    """Day, object and breakdown values together name a row once."""
    account = world.readable()[0]
    rows = read(client, account, span, fields="ad_id,impressions", breakdowns="age,gender")
    keys = [(row["date_start"], row["ad_id"], row["age"], row["gender"]) for row in rows]

    assert len(set(keys)) == len(keys)
    assert {"unknown", "female", "male"} == {row["gender"] for row in rows}


def test_breakdowns__withhold_reach_beyond_13_months(client: Client, world: World) -> None:
    """A report with breakdowns that starts over 13 months ago leaves reach out, silently."""
    account = world.readable()[0]
    fields = "reach,frequency,cpp,impressions"
    old = {"since": "2025-09-01", "until": "2026-11-20"}
    rows = read(client, account, old, "account", fields, breakdowns="age", time_increment="monthly")

    assert rows
    assert not {"reach", "frequency", "cpp"} & set(rows[0])


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"fields": "impressions,no_such_field"}, (100, None)),
        ({"fields": "age"}, (100, None)),
        ({"level": "campaign", "fields": "ad_id"}, (100, None)),
        ({"level": "creative"}, (100, None)),
        ({"date_preset": "lifetime"}, (100, None)),
        ({"time_increment": "91"}, (100, None)),
        ({"time_increment": "0"}, (100, None)),
        ({"time_range": "yesterday"}, (100, None)),
        ({"time_range": '{"since":"2026-11-03"}'}, (100, None)),
        ({"time_range": '{"since":"2026-11-03","until":"2026-11-02"}'}, (100, None)),
        ({"time_range": '{"since":"2023-10-23","until":"2023-11-02"}'}, (3018, None)),
        ({"breakdowns": "dma"}, (100, None)),
        ({"breakdowns": "shoe_size"}, (100, None)),
        ({"breakdowns": "age,country"}, (2, 1504041)),
        ({"breakdowns": "impression_device"}, (2, 1504041)),
        ({"action_attribution_windows": "9d_click"}, (100, None)),
        ({"action_breakdowns": "shoe_size"}, (100, None)),
        ({"filtering": '{"field":"ad.id"}'}, (100, None)),
        ({"after": "not-a-cursor"}, (2642, None)),
        ({"limit": "0"}, (100, None)),
    ],
)
def test_query__wrong(
    client: Client, world: World, params: dict[str, str], refusal: tuple[int, int | None]
) -> None:
    """A wrong parameter is refused with Meta's code."""
    assert refusal == client.error(f"act_{world.readable()[0].id}/insights", **params)


def test_query__oldest_day_allowed(client: Client, world: World) -> None:
    """37 months back, in the account's own time, is still inside."""
    account = world.readable()[0]
    span = {"since": "2023-10-24", "until": "2023-10-25"}

    assert read(client, account, span) == []


def test_query__wrong_level_for_the_node(client: Client, world: World) -> None:
    """A level above the node that is asked is an unknown error, 1/99."""
    ad = world.readable()[0].ads[0]

    assert client.error(f"{ad.id}/insights", level="account") == (1, 99)


def test_query__defaults(client: Client, world: World) -> None:
    """Without parameters: the node's level, last_30d as one row, ids, impressions and spend."""
    account = world.readable()[1]
    (row,) = client.get(f"act_{account.id}/insights").json()["data"]

    assert set(row) == {"account_id", "impressions", "spend", "date_start", "date_stop"}
    assert (row["date_start"], row["date_stop"]) == ("2026-10-25", "2026-11-23")


def test_query__today_is_the_accounts_own(client: Client, world: World) -> None:
    """At noon UTC it is already tomorrow in Auckland and still today in Los Angeles."""
    found = {}
    for account in world.readable():
        rows = client.rows(f"act_{account.id}/insights", date_preset="today", fields="spend")
        found |= dict.fromkeys([account.timezone_name], rows[0]["date_start"] if rows else None)

    assert found["Pacific/Auckland"] == "2026-11-25"
    assert found["America/Los_Angeles"] == "2026-11-24"


def test_query__every_field_is_accepted(client: Client, world: World, span: dict[str, str]) -> None:
    """All fields of Meta's SDK may be asked at ad level; scalars are strings throughout."""
    rows = read(client, world.readable()[0], span, fields=json.dumps(sorted(INSIGHT_FIELDS)))

    assert all(isinstance(v, (str, list)) for row in rows for v in row.values())
    assert {"campaign_name", "objective", "attribution_setting", "results"} <= set(rows[0])


def test_query__increments(
    client: Client, world: World, span: dict[str, str], days: tuple[dt.date, dt.date]
) -> None:
    """Periods are counted from `since` and end with `until`; months are calendar months."""
    account = world.readable()[0]
    weekly = read(client, account, span, "account", time_increment=7)
    monthly = read(
        client,
        account,
        {"since": "2026-10-20", "until": "2026-11-05"},
        "account",
        time_increment="monthly",
    )

    assert [(row["date_start"], row["date_stop"]) for row in weekly[:2]] == [
        ("2026-11-03", "2026-11-09"),
        ("2026-11-10", "2026-11-16"),
    ]
    assert weekly[-1]["date_stop"] == "2026-11-22"
    assert world.truth.totals(account.id, *days).spend == spent(weekly)
    assert [(row["date_start"], row["date_stop"]) for row in monthly] == [
        ("2026-10-20", "2026-10-31"),
        ("2026-11-01", "2026-11-05"),
    ]


def test_nodes__campaigns_add_up_to_the_account(
    client: Client, world: World, span: dict[str, str], days: tuple[dt.date, dt.date]
) -> None:
    """Campaigns, ad sets and ads can be asked for themselves; together they are the account."""
    account = world.readable()[0]
    whole = world.truth.totals(account.id, *days).spend
    ask = {"time_range": json.dumps(span), "fields": "spend", "limit": 500}
    adsets = [adset for campaign in account.campaigns for adset in campaign.adsets]
    for objects in (account.campaigns, adsets, account.ads):
        rows = [row for each in objects for row in client.rows(f"{each.id}/insights", **ask)]

        assert whole == spent(rows)
    assert {"campaign_insights"} == {call.kind for call in client.sandbox.calls}


def test_filtering__by_id_and_by_metric(client: Client, world: World, span: dict[str, str]) -> None:
    """Objects are picked by id; rows too small are left out."""
    account = world.readable()[0]
    wanted = account.campaigns[0]
    by_id = [{"field": "campaign.id", "operator": "IN", "value": [wanted.id]}]
    large = [{"field": "impressions", "operator": "GREATER_THAN", "value": 3000}]
    rows = read(client, account, span, fields="campaign_id,spend", filtering=json.dumps(by_id))
    many = read(client, account, span, fields="impressions", filtering=json.dumps(large))

    assert {wanted.id} == {row["campaign_id"] for row in rows}
    assert many
    assert all(int(row["impressions"]) > 3000 for row in many)


def test_filtering__hides_archived_objects_unless_named(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """Any filter hides what is archived, unless it names statuses."""
    account = next(a for a in world.readable() if len(a.campaigns) > 2)
    archived = account.campaigns[-1].id
    positive = {"field": "impressions", "operator": "GREATER_THAN_OR_EQUAL", "value": 0}
    named = {"field": "campaign.effective_status", "operator": "IN", "value": ["ARCHIVED"]}
    ids = [
        {row["campaign_id"] for row in read(client, account, span, "campaign", "campaign_id", **f)}
        for f in (
            {},
            {"filtering": json.dumps([positive])},
            {"filtering": json.dumps([named])},
        )
    ]

    assert archived in ids[0]
    assert archived not in ids[1]
    assert {archived} == ids[2]


def test_limits__of_size(start: Start, world: World, span: dict[str, str]) -> None:
    """Too large a report is refused or times out, and a smaller node or span passes."""
    account = world.readable()[0]
    ask = {"level": "ad", "time_increment": 1, "time_range": json.dumps(span)}
    refusing, slow = start(max_sync_rows=100), start(slow_sync_rows=100)

    assert refusing.error(f"act_{account.id}/insights", **ask) == (100, 1487534)
    assert refusing.error(f"act_{account.id}/insights", limit=1, **ask) == (100, 1487534)
    assert slow.error(f"act_{account.id}/insights", **ask) == (2, 1504038)
    assert refusing.rows(f"{account.ads[0].id}/insights", **ask)


def test_shape__agrees_with_real_rows(client: Client, world: World, span: dict[str, str]) -> None:
    """Rows have the keys and types of rows a real account answered with."""
    real = json.loads(REAL_ROWS.read_text(encoding="utf-8"))
    fields = "ad_id,ad_name,account_id,clicks,cpm,cpp,ctr,frequency,impressions,reach,spend"
    for name, sample in real.items():
        if name in {"about", "ad, no breakdown"}:
            continue
        breakdowns = name.removesuffix(", unknown").replace(" ", "")
        rows = read(
            client, world.readable()[0], span, fields=fields, breakdowns=breakdowns, limit=500
        )

        assert set(sample) - {"instant_experience_clicks_to_open"} <= set(max(rows, key=len)), name
        assert all(isinstance(value, str) for row in rows for value in row.values())
    plain = read(client, world.readable()[0], span, fields=",".join(set(real["ad, no breakdown"])))[
        0
    ]

    assert set(plain) <= set(real["ad, no breakdown"])


def test_large_account__pages_deep(start: Start, clock: Clock) -> None:
    """Every ad of the single account delivers every day, and deep pages hold the right rows."""
    world = World.single(seed=3, ads=120, days=10, now=clock.now)
    client = start(world=world)
    ids = [
        (row["date_start"], row["ad_id"])
        for row in client.rows(
            f"act_{world.accounts[0].id}/insights",
            level="ad",
            fields="ad_id",
            time_increment=1,
            limit=77,
            date_preset="last_30d",
        )
    ]

    assert len(ids) == len(set(ids)) == 120 * 9  # the tenth day is today
