from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.sandbox_client import read, spent

if TYPE_CHECKING:
    import datetime as dt

    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Client, Row, Start

AUDIENCE_HOURS = "hourly_stats_aggregated_by_audience_time_zone"
ADVERTISER_HOURS = "hourly_stats_aggregated_by_advertiser_time_zone"
WHOLE = {"time_increment": "all_days"}

ADDITIVE = (
    "comscore_market",
    "comscore_market_code",
    "publisher_platform,device_platform",
    "publisher_platform,platform_position,device_platform",
    "publisher_platform,impression_device",
    AUDIENCE_HOURS,
    "product_id",
    "place_page_id",
    "user_segment_key",
    "title_asset",
    "description_asset",
    "call_to_action_asset",
    "link_url_asset",
    "image_asset",
    "video_asset",
    "ad_format_asset",
    "gender,image_asset",
)


@pytest.mark.parametrize("breakdowns", ADDITIVE)
def test_parts__add_up_exactly(
    client: Client,
    world: World,
    span: dict[str, str],
    days: tuple[dt.date, dt.date],
    breakdowns: str,
) -> None:
    """The shares of every breakdown add up to the whole, and no key comes twice."""
    account = world.readable()[0]
    rows = read(client, account, span, "campaign", breakdowns=breakdowns, limit=1000)
    truth = world.truth.totals(account.id, *days)
    names = ("date_start", "campaign_id", *breakdowns.split(","))
    fields = "campaign_id,spend"
    keyed = read(client, account, span, "campaign", fields, breakdowns=breakdowns, limit=1000)

    assert truth.spend == spent(rows)
    assert truth.impressions == sum(int(row["impressions"]) for row in rows)
    assert truth.clicks == sum(int(row["clicks"]) for row in rows)
    assert {1} == set(Counter(json.dumps([row.get(n) for n in names]) for row in keyed).values())


def test_assets__are_objects_with_an_id(client: Client, world: World, span: dict[str, str]) -> None:
    """An asset is an object; only a handful of metrics is told of it, the others are absent."""
    fields = "impressions,clicks,spend,reach,actions,action_values,cpm,frequency,ctr,conversions"
    rows = read(client, world.readable()[0], span, "ad", fields, breakdowns="video_asset")

    assert {"id", "video_id", "video_name", "thumbnail_url", "url"} == set(rows[0]["video_asset"])
    assert set().union(*rows) == {
        *("impressions", "clicks", "spend", "reach", "actions", "action_values"),
        *("date_start", "date_stop", "video_asset"),
    }


@pytest.mark.parametrize("breakdowns", [AUDIENCE_HOURS, ADVERTISER_HOURS, "region"])
def test_type_1__has_no_actions_off_meta(
    client: Client, world: World, span: dict[str, str], breakdowns: str
) -> None:
    """Hours and regions tell of no purchase, lead or landing."""
    account = world.readable()[0]
    fields = "actions,action_values,conversions,purchase_roas,outbound_clicks"
    (plain,) = read(client, account, span, "account", fields, **WHOLE)
    rows = read(client, account, span, "account", fields, breakdowns=breakdowns, **WHOLE)
    types = {entry["action_type"] for row in rows for entry in row["actions"]}

    assert set(fields.split(",")) <= set(plain)
    assert {"link_click", "post_engagement"} <= types
    assert not {"purchase", "omni_purchase", "lead", "landing_page_view"} & types
    assert not set().union(*rows) & {"action_values", "conversions", "purchase_roas"}


def test_type_2__keeps_actions_off_meta_without_the_product(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """Off-Meta actions of a product report stand in a row of their own that names no product."""
    account = world.readable()[0]
    fields = "impressions,actions"
    (plain,) = read(client, account, span, "account", fields, **WHOLE)
    rows = read(client, account, span, "account", fields, breakdowns="product_id", **WHOLE)
    (nameless,) = [row for row in rows if "product_id" not in row]
    named = {e["action_type"] for row in rows if row is not nameless for e in row["actions"]}

    assert nameless["impressions"] == "0"
    assert count(nameless, "purchase") == count(plain, "purchase") > 0
    assert {"purchase", "landing_page_view"}.isdisjoint(named)
    assert all("," in row["product_id"] for row in rows if row is not nameless)


def count(row: Row, action_type: str) -> int:
    """How often the row says something happened."""
    return sum(int(e["value"]) for e in row["actions"] if e["action_type"] == action_type)


@pytest.mark.parametrize("breakdowns", [AUDIENCE_HOURS, ADVERTISER_HOURS])
def test_hours__tell_nothing_of_people(
    client: Client, world: World, span: dict[str, str], breakdowns: str
) -> None:
    """Reach and frequency are "0", unique counts and video metrics absent."""
    fields = "reach,frequency,unique_clicks,cost_per_unique_click,video_play_actions,impressions"
    rows = read(client, world.readable()[0], span, "ad", fields, breakdowns=breakdowns)

    assert set(rows[0]) == {
        *("reach", "frequency", "impressions", "date_start", "date_stop", breakdowns)
    }
    assert {("0", "0")} == {(row["reach"], row["frequency"]) for row in rows}
    assert rows[0][breakdowns].endswith(":59:59")


def test_regions__tell_not_how_far_videos_were_watched(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """Quartiles and average time are absent, that a video was played is not."""
    fields = (
        "video_play_actions,video_30_sec_watched_actions,video_p25_watched_actions,"
        "video_p100_watched_actions,video_avg_time_watched_actions"
    )
    account = world.readable()[0]
    plain = read(client, account, span, "account", fields, **WHOLE)
    rows = read(client, account, span, "account", fields, breakdowns="region", **WHOLE)
    told = set(rows[0]) - {"date_start", "date_stop", "region"}

    assert told == {"video_play_actions", "video_30_sec_watched_actions"}
    assert set(fields.split(",")) <= set(plain[0])


def test_frequencies__split_reach(client: Client, world: World, span: dict[str, str]) -> None:
    """How often people saw an ad comes with reach alone; the people of an ad's day add up."""
    account = world.readable()[0]
    rows = read(client, account, span, "ad", "ad_id,reach", breakdowns="frequency_value")
    plain = read(client, account, span, "ad", "ad_id,reach,impressions")

    assert {"ad_id", "reach", "date_start", "date_stop", "frequency_value"} == set(rows[0])
    assert sum(int(row["reach"]) for row in rows) == sum(int(row["reach"]) for row in plain)
    assert {"1", "6-10"} <= {row["frequency_value"] for row in rows}


def test_postbacks__come_with_the_app_alone(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """Postbacks are told by app and conversion value and are absent from any other row."""
    account = world.readable()[0]
    fields = "campaign_id,total_postbacks"
    by_app = {"breakdowns": "app_id,skan_conversion_id"}
    rows = read(client, account, span, "campaign", fields, **by_app)

    assert {*fields.split(","), "app_id", "skan_conversion_id"} <= set(rows[0])
    assert all(int(row["total_postbacks"]) > 0 for row in rows)
    assert all("total_postbacks" not in row for row in read(client, account, span, "ad", fields))


def test_marketing_mix__by_asynchronous_runs_only(
    client: Client, world: World, span: dict[str, str], days: tuple[dt.date, dt.date]
) -> None:
    """`mmm` is refused to a synchronous call; a run tells of ad sets, with Meta's columns."""
    account = world.readable()[0]
    node = f"act_{account.id}/insights"
    ask = {
        "breakdowns": "mmm",
        "fields": "adset_id,spend,impressions",
        "time_range": json.dumps(span),
        "time_increment": 1,
        "limit": 5000,
    }
    run = client.post(node, **ask).json()["report_run_id"]
    while client.get(run).json()["async_status"] != "Job Completed":
        pass
    rows = client.rows(f"{run}/insights", limit=5000)

    assert client.error(node, **ask) == (100, None)
    assert client.post(node, **{**ask, "level": "ad"}).json()["error"]["code"] == 2
    assert world.truth.totals(account.id, *days).spend == spent(rows)
    assert {"country", "region", "dma", "creative_media_type", "adset_id"} <= set(rows[0])
    assert "mmm" not in rows[0]


@pytest.mark.parametrize(
    "params",
    [
        {"breakdowns": "age,region"},
        {"breakdowns": "platform_position"},
        {"breakdowns": "impression_device"},
        {"breakdowns": "device_platform,age"},
        {"breakdowns": "app_id"},
        {"breakdowns": "frequency_value,age", "fields": "reach"},
        {"breakdowns": "frequency_value", "fields": "reach,impressions"},
        {"breakdowns": "app_id,skan_conversion_id", "fields": "total_postbacks,spend"},
        {"breakdowns": "image_asset,video_asset"},
        {"breakdowns": "image_asset", "level": "account"},
        {"breakdowns": "video_asset", "level": "account"},
        {"breakdowns": "place_page_id", "level": "account"},
        {"breakdowns": "mmm", "fields": "clicks"},
        {"breakdowns": "mmm,age", "level": "adset"},
        {"breakdowns": "age", "action_breakdowns": "action_device"},
        {"breakdowns": "age", "action_breakdowns": "action_reaction"},
        {"breakdowns": "region", "action_breakdowns": "action_carousel_card_id"},
        {"action_breakdowns": "action_reaction,action_device"},
    ],
)
def test_check__what_does_not_go_together(
    client: Client, world: World, params: dict[str, str]
) -> None:
    """Anything Meta does not list together is an invalid combination, 2/1504041."""
    params = {"level": "ad", "fields": "impressions", **params}

    assert client.error(f"act_{world.readable()[0].id}/insights", **params) == (2, 1504041)


@pytest.mark.parametrize(
    ("breakdowns", "action_breakdowns"),
    [
        ("age,gender", "action_type,action_target_id,action_destination"),
        ("product_id", "action_type,action_destination"),
        ("publisher_platform,platform_position,impression_device", "action_device"),
        ("publisher_platform", "action_type,action_device"),
        ("", "action_reaction"),
        ("", "action_type,action_reaction"),
        ("", "action_type,action_video_type"),
        ("age,gender", "action_carousel_card_id,action_carousel_card_name"),
        ("impression_device", "action_carousel_card_id"),
        ("country", "action_carousel_card_name"),
    ],
)
def test_check__what_goes_together(
    client: Client, world: World, span: dict[str, str], breakdowns: str, action_breakdowns: str
) -> None:
    """The documented permutations of action breakdowns with breakdowns have rows."""
    account = world.readable()[0]
    options = {"breakdowns": breakdowns, "action_breakdowns": action_breakdowns}
    rows = read(client, account, span, "account", "actions", **options, **WHOLE)
    asked = set(action_breakdowns.split(",")) | {"action_type"}
    keys = {key for row in rows for entry in row.get("actions", ()) for key in entry} - {"value"}

    assert keys <= asked
    assert keys >= set(action_breakdowns.split(","))


@pytest.mark.parametrize(
    ("ask", "inside", "before"),
    [
        ({"breakdowns": AUDIENCE_HOURS, "fields": "impressions"}, "2025-10-24", "2025-10-23"),
        ({"breakdowns": ADVERTISER_HOURS, "fields": "impressions"}, "2025-10-24", "2025-10-23"),
        ({"breakdowns": "frequency_value", "fields": "reach"}, "2026-05-24", "2026-05-23"),
    ],
)
def test_history__has_an_edge(
    client: Client, world: World, ask: dict[str, str], inside: str, before: str
) -> None:
    """Reports that begin 13 months back (6 for frequencies) have rows; a day earlier none."""
    account = world.readable()[0]
    spans = [{"since": since, "until": "2026-11-20"} for since in (inside, before)]
    kept, gone = (read(client, account, span, "account", **ask, **WHOLE) for span in spans)

    assert kept
    assert gone == []


def test_history__without_its_limits(start: Start, world: World) -> None:
    """The dial lets breakdowns reach back as far as totals."""
    client, account = start(history_limits=False), world.readable()[0]
    span = {"since": "2025-01-01", "until": "2026-11-20"}
    by_age = read(client, account, span, "account", "reach", breakdowns="age", **WHOLE)

    assert all("reach" in row for row in by_age)
    assert read(client, account, span, "account", breakdowns=ADVERTISER_HOURS, **WHOLE)


@pytest.mark.parametrize("name", ["reach", "frequency", "cpp", "unique_clicks", "unique_ctr"])
def test_history__of_people_with_breakdowns(client: Client, world: World, name: str) -> None:
    """Counts of people are left out of a report by age that begins before 13 months, only."""
    account = world.readable()[0]
    inside, before = (
        {"since": since, "until": "2026-11-20"} for since in ("2025-10-24", "2025-10-23")
    )
    fields = f"{name},impressions"
    by_age = {"breakdowns": "age", **WHOLE}

    assert all(name in row for row in read(client, account, inside, "account", fields, **by_age))
    assert all(
        name not in row for row in read(client, account, before, "account", fields, **by_age)
    )
    assert name in read(client, account, before, "account", fields, **WHOLE)[0]


@pytest.mark.parametrize(
    ("feature", "ask"),
    [
        ("impression_device", {"breakdowns": "publisher_platform,impression_device"}),
        ("frequency_value", {"breakdowns": "frequency_value", "fields": "reach"}),
        ("time_of_day_viewer_tz", {"breakdowns": AUDIENCE_HOURS}),
        ("comscore", {"breakdowns": "comscore_market"}),
    ],
)
def test_opt_in__without_it_nothing_comes(
    client: Client, world: World, span: dict[str, str], feature: str, ask: dict[str, str]
) -> None:
    """A breakdown the advertiser has not switched on has no rows, and raises no error."""
    account = world.readable()[0]
    assert read(client, account, span, **ask)

    world.opt_out(feature)

    assert read(client, account, span, **ask) == []
    assert read(client, account, span, breakdowns="age")
