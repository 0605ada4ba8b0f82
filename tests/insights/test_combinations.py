from __future__ import annotations

import calendar
import datetime as dt
import re
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.days.history import history_edge
from tap_meta_partner.insights.breakdowns import (
    asks_day_by_day,
    needs_report_run,
    oldest_people,
    oldest_row,
    people_fields,
    why_empty,
)
from tap_meta_partner.insights.combinations import impossible
from tap_meta_partner.insights.fields import BREAKDOWNS
from tap_meta_partner.settings.model import ReportDefinition
from tap_meta_partner.settings.words import BUILT_IN_REPORTS, DEFAULT_FIELDS

THOROUGHLY = settings(derandomize=True, deadline=None)
DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2040, 1, 1))
TODAY = dt.date(2026, 11, 25)

ADVERTISER_HOURS = "hourly_stats_aggregated_by_advertiser_time_zone"
AUDIENCE_HOURS = "hourly_stats_aggregated_by_audience_time_zone"


def report(*breakdowns: str, **given: Any) -> ReportDefinition:  # noqa: ANN401
    return ReportDefinition(name="r", breakdowns=breakdowns, **given)


def said(*breakdowns: str, **given: Any) -> str:  # noqa: ANN401
    """Return the one line said about a report."""
    (line,) = impossible(report(*breakdowns, **given))
    return line


def is_undocumented(definition: ReportDefinition) -> bool:
    return any("does not document" in line for line in impossible(definition))


# Which go together: the table of "Combining Breakdowns", each row in Meta's own order.

STARRED = """
    action_type
    action_target_id
    action_device
    action_device, impression_device
    action_device, publisher_platform
    action_device, publisher_platform, impression_device
    action_device, publisher_platform, platform_position
    action_device, publisher_platform, platform_position, impression_device
    age
    gender
    age, gender
    country
    region
    publisher_platform
    publisher_platform, impression_device
    publisher_platform, platform_position
    publisher_platform, platform_position, impression_device
    product_id
    hourly_stats_aggregated_by_advertiser_time_zone
    hourly_stats_aggregated_by_audience_time_zone
"""
OTHERS = """
    action_converted_product_id
    action_type, action_converted_product_id
    action_reaction
    action_type, action_reaction
    app_id, skan_conversion_id
    action_carousel_card_id
    action_carousel_card_name
    action_carousel_card_id, impression_device
    action_carousel_card_name, impression_device
    action_carousel_card_id, country
    action_carousel_card_name, country
    action_carousel_card_id, age
    action_carousel_card_id, gender
    action_carousel_card_name, gender
    action_carousel_card_id, age, gender
"""


def rows_of(table: str) -> list[tuple[str, ...]]:
    return [tuple(line.strip().split(", ")) for line in table.splitlines() if line.strip()]


def asking_for(names: tuple[str, ...]) -> ReportDefinition:
    """Put the names where they belong: a breakdown of actions begins with `action_`."""
    actions = tuple(name for name in names if name.startswith("action_"))
    others = (name for name in names if not name.startswith("action_"))
    return report(*others, action_breakdowns=actions)


@pytest.mark.parametrize("names", rows_of(STARRED) + rows_of(OTHERS), ids=",".join)
def test_documented_combination__is_not_complained_of(names: tuple[str, ...]) -> None:
    """Every row of Meta's table can be asked for, in any order."""
    assert not is_undocumented(asking_for(names))
    assert not is_undocumented(asking_for(names[::-1]))


@pytest.mark.parametrize("joined", [("action_target_id",), ("action_type", "action_destination")])
@pytest.mark.parametrize("names", rows_of(STARRED), ids=",".join)
def test_starred_combination__joins_the_actions_target(
    names: tuple[str, ...], joined: tuple[str, ...]
) -> None:
    """A row with an asterisk also goes with action_type, action_target_id, action_destination."""
    assert not is_undocumented(asking_for((*names, *joined)))


@pytest.mark.parametrize("names", rows_of(OTHERS), ids=",".join)
def test_unstarred_combination__does_not_join_the_actions_target(names: tuple[str, ...]) -> None:
    """A row without an asterisk does not go with action_target_id."""
    assert is_undocumented(asking_for((*names, "action_target_id")))


#: The breakdowns and action breakdowns that stand in the table.
IN_THE_TABLE = sorted({name for row in rows_of(STARRED + OTHERS) for name in row})


@pytest.mark.parametrize("size", [1, 2, 3])
def test_combination__that_is_not_in_the_table_is_named(size: int) -> None:
    """Of all the table's breakdowns, taken together, exactly the table's rows are documented."""
    plain = [name for name in IN_THE_TABLE if not name.startswith("action_")]
    documented = {frozenset(row) for row in rows_of(STARRED + OTHERS) if set(plain).issuperset(row)}

    for names in combinations(plain, size):
        assert is_undocumented(report(*names)) == (frozenset(names) not in documented), names


@pytest.mark.parametrize(
    ("breakdowns", "action_breakdowns", "what", "instead"),
    [
        (["country", "age"], [], "country, age together", "age or country, each in a report"),
        (
            ["age", "gender", "region"],
            [],
            "age, gender, region together",
            "age,gender or region, each in a report",
        ),
        (["impression_device"], [], "impression_device alone", "publisher_platform,impression_"),
        (["platform_position"], [], "platform_position alone", "publisher_platform,platform_pos"),
        (
            ["age", "impression_device"],
            [],
            "age, impression_device together",
            "age or publisher_platform,impression_device, each",
        ),
        (
            ["country"],
            ["action_type", "action_device"],
            "country, action_device together",
            "country or action_device, each",
        ),
        (["age"], ["action_reaction"], "age, action_reaction together", "age or action_reaction"),
        (
            [],
            ["action_reaction", "action_destination"],
            "action_reaction, action_destination together",
            "action_reaction or action_destination, each",
        ),
    ],
)
def test_combination__comes_with_what_to_ask_instead(
    breakdowns: list[str], action_breakdowns: list[str], what: str, instead: str
) -> None:
    """The line names the combination, Meta's error and the largest parts that are documented."""
    definition = report(
        *breakdowns, fields=("clicks", "actions"), action_breakdowns=tuple(action_breakdowns)
    )
    line = impossible(definition)[0]

    assert line.startswith(f"Meta does not document {what}")
    assert "1504041" in line
    assert f"ask for {instead}" in line


@pytest.mark.parametrize(
    "names",
    [
        ("device_platform",),
        ("device_platform", "age", "country"),
        ("comscore_market",),
        ("comscore_market", "impression_device"),
        ("user_segment_key", "region"),
        ("age", "action_video_sound"),
    ],
)
def test_combination__with_what_the_table_does_not_know_is_left_to_meta(
    names: tuple[str, ...],
) -> None:
    """Breakdowns that Meta lists elsewhere than in its table are not judged."""
    assert not is_undocumented(asking_for(names))


@THOROUGHLY
@given(st.lists(st.sampled_from(sorted(BREAKDOWNS)), min_size=1, max_size=4, unique=True))
def test_advice__can_be_followed(breakdowns: list[str]) -> None:
    """What is proposed instead of a combination is itself documented, whatever was asked."""
    for line in impossible(report(*breakdowns, fields=("impressions",))):
        if "does not document" in line:
            parts = line.rpartition("ask for ")[2].partition(", each")[0].split(" or ")
            assert not any(is_undocumented(asking_for(tuple(part.split(",")))) for part in parts)


# What breakdowns leave out.


def test_built_in_streams__are_possible() -> None:
    """Of the built-in streams nothing is said: they have no breakdowns."""
    definitions = [
        ReportDefinition(name=name, level=level) for name, level in BUILT_IN_REPORTS.items()
    ]

    assert [impossible(definition) for definition in definitions] == [[]] * 4


@pytest.mark.parametrize("breakdowns", [("age", "gender"), ("country",), ("publisher_platform",)])
def test_common_reports__are_possible_with_the_default_fields(breakdowns: tuple[str, ...]) -> None:
    """The breakdowns most people ask for go with every default field."""
    assert impossible(report(*breakdowns)) == []


def test_dma__is_replaced() -> None:
    """The breakdown that Meta withdrew comes with its successor's name."""
    assert "comscore_market" in said("dma")


@pytest.mark.parametrize("breakdown", ["place_page_id", "image_asset", "video_asset"])
def test_account_level__is_too_high_for_places_and_assets(breakdown: str) -> None:
    """Places and assets cannot be had at account level, and can below it."""
    for level in ("campaign", "adset", "ad"):
        assert impossible(report(breakdown, level=level, fields=("impressions",))) == []
    assert said(breakdown, level="account", fields=("impressions",)) == (
        f"Meta has no {breakdown} at account level: use campaign, adset or ad"
    )


def test_marketing_mix__is_of_ad_sets_alone_and_has_two_metrics() -> None:
    """The marketing mix goes with no level, breakdown or metric but its own."""
    mix = {"level": "adset", "fields": ("impressions", "spend")}

    assert impossible(report("mmm", **mix)) == []
    assert "adset level only" in said("mmm", **{**mix, "level": "ad"})
    assert "mmm alone only" in said("mmm", "age", **mix)
    assert "mmm alone only" in said("mmm", action_breakdowns=(), **mix)
    assert said("mmm", **{**mix, "fields": ("spend", "clicks")}) == (
        "Meta has only impressions, spend by mmm: leave out clicks"
    )


SIX = ("impressions", "clicks", "spend", "reach", "actions", "action_values")


@pytest.mark.parametrize(
    ("breakdowns", "supported"),
    [
        (["frequency_value"], ["reach"]),
        *(
            ([f"{part}_asset"], SIX)
            for part in (
                *("ad_format", "body", "call_to_action", "description"),
                *("image", "link_url", "title", "video"),
            )
        ),
        (["app_id", "skan_conversion_id"], ["total_postbacks"]),
        (["skan_campaign_id"], ["total_postbacks_detailed"]),
        (["is_conversion_id_modeled"], ["total_postbacks_detailed"]),
        (["fidelity_type"], ["total_postbacks_detailed_v4"]),
        (["hsid", "redownload"], ["total_postbacks_detailed_v4"]),
        (["coarse_conversion_value"], ["total_postbacks_detailed_v4"]),
        (["postback_sequence_index"], ["total_postbacks_detailed_v4"]),
    ],
)
def test_breakdown__with_few_metrics_names_them(
    breakdowns: list[str], supported: tuple[str, ...] | list[str]
) -> None:
    """Fields that Meta has by such a breakdown are fine; any other metric is named once, in one."""
    assert impossible(report(*breakdowns, fields=(*supported, "ad_name", "account_name"))) == []

    line = said(*breakdowns, fields=(*supported, "cpm", "website_ctr", "ad_name"))
    assert line == (
        f"Meta has only {', '.join(supported)} by {', '.join(breakdowns)}: "
        "leave out cpm, website_ctr"
    )

    without = said(*breakdowns, fields=("cpm", "ad_name"))
    assert without.endswith(f": ask for {' or '.join(supported)} in fields and leave out cpm")


def test_default_fields__are_listed_in_one_line() -> None:
    """A report that names no fields gets one line about all the default ones that stay empty."""
    line = said("frequency_value")

    empty = line.partition("leave out ")[2].split(", ")
    assert set(empty) == {
        *("impressions", "clicks", "frequency", "spend", "cpc", "cpm", "cpp", "ctr"),
        *("inline_link_clicks", "actions", "action_values", "cost_per_action_type"),
        "conversions",
    }
    assert set(empty) < set(DEFAULT_FIELDS)


def test_postbacks__of_several_kinds_are_fine_in_one_report() -> None:
    """Two kinds of postbacks beside each other are no mistake, where each is asked."""
    asked = ("total_postbacks_detailed", "total_postbacks_detailed_v4")

    assert impossible(report("skan_campaign_id", "fidelity_type", fields=asked)) == []


NEVER = (
    *("app_store_clicks", "newsfeed_avg_position", "newsfeed_clicks", "newsfeed_impressions"),
    "relevance_score",
)


@pytest.mark.parametrize("field", NEVER)
def test_field__that_no_breakdown_allows(field: str) -> None:
    """Meta refuses these fields with any breakdown, and has them without."""
    assert impossible(report(fields=("clicks", field))) == []
    assert field in said("age", fields=("clicks", field))
    assert field in said("device_platform", fields=("clicks", field))


@pytest.mark.parametrize("hours", [ADVERTISER_HOURS, AUDIENCE_HOURS])
def test_hours__leave_out_people_and_videos(hours: str) -> None:
    """By the hour Meta has no unique and video fields, and sends 0 for reach and frequency."""
    fields = (
        *("impressions", "reach", "unique_clicks", "video_play_actions", "frequency"),
        *("cost_per_unique_click", "unique_video_view_15_sec", "video_avg_time_watched_actions"),
    )
    refused, zero = impossible(report(hours, fields=fields))

    assert refused == (
        "Meta does not support unique_clicks, video_play_actions, cost_per_unique_click, "
        "unique_video_view_15_sec, video_avg_time_watched_actions by the hour: "
        "leave that out of fields"
    )
    assert zero.startswith("Meta sends 0 for reach, frequency by the hour")
    assert impossible(report(hours, fields=("impressions", "spend", "cost_per_thruplay"))) == []


def test_regions__leave_out_how_far_videos_were_watched() -> None:
    """By region Meta has no watched parts and no average time; other video fields it has."""
    parts = tuple(f"video_p{part}_watched_actions" for part in (25, 50, 75, 95, 100))
    refused = (*parts, "video_avg_time_watched_actions")
    line = said("region", fields=("video_play_actions", "video_30_sec_watched_actions", *refused))

    assert line == (
        f"Meta does not support {', '.join(refused)} by region: leave that out of fields"
    )
    assert impossible(report("country", fields=refused)) == []


TYPE_1 = ["region", ADVERTISER_HOURS, AUDIENCE_HOURS]
TYPE_2 = ["action_device", "action_destination", "action_target_id", "product_id"]


@pytest.mark.parametrize("breakdown", TYPE_1)
def test_off_meta_actions__are_hidden_by_some_breakdowns(breakdown: str) -> None:
    """By region and hour actions off Meta are missing: one line, for all fields that have them."""
    fields = ("spend", "actions", "purchase_roas", "conversions", "cost_per_action_type")
    line = said(breakdown, fields=fields)

    assert re.fullmatch(rf"by {breakdown}, Meta leaves actions off Meta .* out of (.*): .*", line)
    assert "out of actions, purchase_roas, conversions, cost_per_action_type:" in line


@pytest.mark.parametrize("breakdown", [*TYPE_2, "action_carousel_card_name"])
def test_off_meta_actions__are_blurred_by_some_breakdowns(breakdown: str) -> None:
    """By device, target, product and card a website's actions lose the value, an app's are gone."""
    line = impossible(asking_for((breakdown,)))[-1]

    assert line.startswith(f"by {breakdown}, Meta sends a website's actions without that value")
    assert " in actions, action_values, cost_per_action_type, conversions:" in line


@pytest.mark.parametrize(
    "fields",
    [
        ("spend", "impressions"),
        ("post_engagement", "page_engagement"),
        ("actions:link_click", "actions:onsite_conversion.post_save"),
        ("outbound_clicks", "video_play_actions", "website_ctr", "cost_per_thruplay"),
    ],
)
def test_on_meta_actions__are_not_warned_of(fields: tuple[str, ...]) -> None:
    """Of what happens on Meta itself nothing is lost by region."""
    assert impossible(report("region", fields=fields)) == []


def test_off_meta_actions__of_one_type_are_warned_of() -> None:
    """A column of an action type off Meta stays empty by region, and that is said."""
    assert " out of actions: " in said("region", fields=("actions:purchase", "post_engagement"))


def test_action_breakdowns__need_actions() -> None:
    """Meta wants actions among the fields whenever action breakdowns are asked."""
    line = said(fields=("clicks", "conversions"), action_breakdowns=("action_reaction",))

    assert line == "action_breakdowns (action_reaction) need actions among fields: add that"
    for fields in (None, ("actions",), ("post_engagement",)):
        assert impossible(report(fields=fields, action_breakdowns=("action_reaction",))) == []
    assert impossible(report(fields=("clicks",), action_breakdowns=("action_type",))) == []


def test_filtering__cannot_name_postbacks() -> None:
    """Meta cannot filter by the breakdowns of postbacks."""
    filtering = (
        {"field": "app_id", "operator": "IN", "value": ["1"]},
        {"field": "ad.impressions", "operator": "GREATER_THAN", "value": 0},
    )
    line = said(*("app_id", "skan_conversion_id"), fields=("total_postbacks",), filtering=filtering)

    assert line == "Meta cannot filter by app_id: leave that out of filtering"


# How far back.


def months_back(today: dt.date, months: int, *, run_over: bool) -> dt.date:
    """Count back; a missing day is the month's last one, or runs over into the next."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    if today.day <= last or not run_over:
        return dt.date(year, month + 1, min(today.day, last))
    return dt.date(year, month + 1, last) + dt.timedelta(days=today.day - last)


#: breakdowns -> how many months of rows Meta keeps; all others reach as far as the totals.
MONTHS = {
    (ADVERTISER_HOURS,): 13,
    (AUDIENCE_HOURS,): 13,
    ("frequency_value",): 6,
    ("frequency_value", AUDIENCE_HOURS): 6,
}


@pytest.mark.parametrize("breakdowns", MONTHS)
@THOROUGHLY
@given(today=DAYS)
def test_oldest_row__is_inside_whichever_way_meta_counts(
    breakdowns: tuple[str, ...], today: dt.date
) -> None:
    """The first day lies after the months that Meta keeps by both rules for month ends."""
    first = oldest_row(report(*breakdowns), today=today)

    assert first is not None
    for run_over in (True, False):
        limit = months_back(today, MONTHS[breakdowns], run_over=run_over)
        assert 1 <= (first - limit).days <= 4
    assert first > history_edge(today)


@pytest.mark.parametrize(
    ("today", "hours", "frequency"),
    [
        ("2026-11-25", "2025-10-26", "2026-05-26"),
        ("2026-08-31", "2025-08-01", "2026-03-04"),
        ("2026-03-31", "2025-03-04", "2025-10-02"),
    ],
)
def test_oldest_row__is_one_day_inside(today: str, hours: str, frequency: str) -> None:
    """The first day is the one after the same day 13 or 6 months before; missing days run over."""
    day = dt.date.fromisoformat(today)

    assert str(oldest_row(report(ADVERTISER_HOURS), today=day)) == hours
    assert str(oldest_row(report("frequency_value"), today=day)) == frequency


@pytest.mark.parametrize("breakdowns", [(), ("age", "gender"), ("region",), ("impression_device",)])
def test_oldest_row__of_other_reports_is_the_totals(breakdowns: tuple[str, ...]) -> None:
    """Other breakdowns reach back as far as totals do."""
    assert oldest_row(report(*breakdowns), today=TODAY) is None


@pytest.mark.parametrize(
    ("fields", "people"),
    [
        (None, {"reach", "frequency", "cpp"}),
        (("spend", "reach"), {"reach"}),
        (("unique_clicks", "cost_per_unique_click"), {"unique_clicks", "cost_per_unique_click"}),
        (("cost_per_unique_action_type:purchase",), {"cost_per_unique_action_type"}),
        (("unique_video_view_15_sec", "unique_ctr"), {"unique_video_view_15_sec", "unique_ctr"}),
        (("total_unique_actions",), {"total_unique_actions"}),
        (("spend", "clicks", "ctr", "full_view_reach", "aggregated_play_time_per_reach"), set()),
    ],
)
def test_people_fields__are_counts_of_people(
    fields: tuple[str, ...] | None, people: set[str]
) -> None:
    """Reach, frequency, cpp and unique fields are what Meta leaves out, as they are asked of it."""
    definition = report("country", fields=fields)

    assert people_fields(definition) == people
    assert (oldest_people(definition, today=TODAY) is None) == (not people)


def test_people_fields__are_whole_without_breakdowns() -> None:
    """Without breakdowns Meta has people for as long as anything else."""
    definition = report(fields=("reach", "unique_clicks"), action_breakdowns=("action_device",))

    assert people_fields(definition) == set()
    assert oldest_people(definition, today=TODAY) is None


@THOROUGHLY
@given(DAYS)
def test_oldest_people__is_inside_13_months(today: dt.date) -> None:
    """People may be asked from a day on that lies after 13 months by both rules for month ends."""
    first = oldest_people(report("age"), today=today)

    assert first is not None
    for run_over in (True, False):
        assert 1 <= (first - months_back(today, 13, run_over=run_over)).days <= 4


# How to ask.


def test_hours__are_asked_day_by_day() -> None:
    """Only the two hourly breakdowns make rows enough for a call of one day."""
    found = {name for name in BREAKDOWNS if asks_day_by_day(report("country", name))}

    assert found == {ADVERTISER_HOURS, AUDIENCE_HOURS}
    assert not asks_day_by_day(report())


def test_report_run__is_needed_for_mmm() -> None:
    """Only mmm cannot be asked for directly."""
    assert [name for name in BREAKDOWNS if needs_report_run(report("country", name))] == ["mmm"]
    assert not needs_report_run(report())


# Why nothing came.

FEATURES = {
    "impression_device": "impression_device",
    "frequency_value": "frequency_value",
    AUDIENCE_HOURS: "time_of_day_viewer_tz",
    "comscore_market": "comscore",
    "comscore_market_code": "comscore",
}


@pytest.mark.parametrize("breakdown", FEATURES)
def test_empty_report__names_the_feature_to_switch_on(breakdown: str) -> None:
    """An opt-in breakdown is explained in one line: the feature, for ever, a day, from then on."""
    text = why_empty(report("publisher_platform", breakdown))

    assert text is not None
    assert "\n" not in text
    assert f"feature {FEATURES[breakdown]} " in text
    for fact in (breakdown, "feature-settings", "sales support", "cannot be undone", "24 hours"):
        assert fact in text


def test_empty_report__names_each_feature_once() -> None:
    """Two breakdowns behind one feature name it once."""
    text = why_empty(report("comscore_market", "comscore_market_code")) or ""

    assert "the feature comscore is" in text


def test_empty_report__of_other_breakdowns_needs_no_explanation() -> None:
    """Where nothing has to be switched on, nothing is said."""
    others = BREAKDOWNS - set(FEATURES)

    assert why_empty(report()) is None
    assert not [name for name in others if why_empty(report(name)) is not None]
