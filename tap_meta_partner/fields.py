"""Insight fields, levels and breakdowns: what each column is called, holds and is keyed by.

One table, from Meta's Ads Insights reference as its own Python SDK lists it for v26.0 (238 fields,
98 breakdowns). Everything here is plain data and plain functions; a schema is a plain JSON Schema
dict.

Numbers: Meta sends every scalar as a string. Counts become integers, rates and money numbers with
the very digits Meta sent. Money in insights is in major units of the account's currency.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from tap_meta_partner.settings import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_meta_partner.settings import ReportDefinition


class Kind(Enum):
    """What a field holds."""

    TEXT = "text"
    DATE = "date"
    COUNT = "count"
    NUMBER = "number"
    ACTIONS = "actions"
    HISTOGRAM = "histogram"
    OBJECTS = "objects"
    UNKNOWN = "unknown"


#: Ids, names and labels.
_TEXT = frozenset(
    """
    account_currency account_id account_name ad_id ad_name adset_end adset_id adset_name
    adset_start age_targeting anchor_event_attribution_setting
    anchor_events_performance_indicator attribution_setting buying_type campaign_id
    campaign_name conversion_rate_ranking creative_diversity_label creative_media_type
    engagement_rate_ranking gender_targeting labels location
    marketing_messages_spend_currency multi_event_conversion_attribution_setting objective
    optimization_goal place_page_name product_group_retailer_id product_retailer_id
    quality_ranking result_values_performance_indicator
    """.split()
)
#: Calendar days, YYYY-MM-DD.
_DATES = frozenset(
    """
    created_time date_start date_stop updated_time
    """.split()
)
#: Counts: whole numbers (as strings on the wire).
_COUNTS = frozenset(
    """
    clicks estimated_ad_recallers estimated_ad_recallers_lower_bound
    estimated_ad_recallers_upper_bound full_view_impressions full_view_reach impressions
    inline_link_clicks inline_post_engagement instagram_profile_follow
    instagram_profile_visits instagram_upcoming_event_reminders_set
    instant_experience_clicks_to_open instant_experience_clicks_to_start
    marketing_messages_delivered marketing_messages_link_btn_click
    marketing_messages_quick_reply_btn_click marketing_messages_read marketing_messages_sent
    messages_delivered msa_seller_budget product_views reach shop_clicks
    shops_assisted_purchases total_card_view total_postbacks unique_clicks
    unique_inline_link_clicks
    """.split()
)
#: Rates and money: decimal numbers (as strings on the wire), money in major units.
_NUMBERS = frozenset(
    """
    advanced_reach_1d_lookback advanced_reach_28d_lookback advanced_reach_7d_lookback
    auction_bid auction_competitiveness auction_max_competitor_bid canvas_avg_view_percent
    canvas_avg_view_time configurable_audience_overlap_with_conv_action
    configurable_audience_overlap_with_conv_converters
    configurable_audience_overlap_with_conv_exposure_cost
    configurable_audience_overlap_with_conv_exposure_impressions
    configurable_audience_overlap_with_conv_exposure_reach
    configurable_creative_format_performance_adset_count
    configurable_creative_format_performance_clicks
    configurable_creative_format_performance_conversions
    configurable_creative_format_performance_converters
    configurable_creative_format_performance_impressions
    configurable_creative_format_performance_spend configurable_placement_ptc_conversions
    configurable_placement_ptc_converters configurable_placement_ptc_reach
    configurable_reachbyfrequency_converters_count
    configurable_reachbyfrequency_impressions_cost
    configurable_reachbyfrequency_impressions_count configurable_reachbyfrequency_reach
    cost_per_dda_countby_convs cost_per_estimated_ad_recallers cost_per_inline_link_click
    cost_per_inline_post_engagement cost_per_message_delivered cost_per_unique_click
    cost_per_unique_inline_link_click cpc cpm cpp creative_diversity_score ctr
    dda_countby_convs estimated_ad_recall_rate estimated_ad_recall_rate_lower_bound
    estimated_ad_recall_rate_upper_bound frequency inline_link_click_ctr
    landing_page_view_actions_per_link_click landing_page_view_per_link_click
    landing_page_view_per_purchase_rate marketing_messages_click_rate_benchmark
    marketing_messages_cost_per_delivered marketing_messages_cost_per_link_btn_click
    marketing_messages_delivery_rate marketing_messages_link_btn_click_rate
    marketing_messages_media_view_rate marketing_messages_phone_call_btn_click_rate
    marketing_messages_quick_reply_btn_click_rate marketing_messages_read_rate
    marketing_messages_read_rate_benchmark marketing_messages_spend messages_delivered_ctr
    opportunity_score_l4 playable_average_game_length playable_game_start_rate
    purchase_per_landing_page_view purchases_per_link_click
    qualifying_question_qualify_answer_rate read_rate social_spend spend unique_ctr
    unique_inline_link_click_ctr unique_link_clicks_ctr wish_bid
    """.split()
)
#: Lists of AdsActionStats: one object per action type (and other action breakdowns).
_ACTION_LISTS = frozenset(
    """
    action_values actions ad_click_actions ad_impression_actions advanced_actions_28d_view
    aggregated_play_time_per_reach average_purchases_conversion_value
    catalog_segment_actions catalog_segment_value catalog_segment_value_mobile_purchase_roas
    catalog_segment_value_omni_purchase_roas catalog_segment_value_website_purchase_roas
    configurable_attribution_action configurable_attribution_actionvalue
    configurable_audience_overlap_reach configurable_reachbyfrequency_action
    conversion_lead_rate conversion_leads conversion_values conversions
    converted_product_app_custom_event_fb_mobile_purchase
    converted_product_app_custom_event_fb_mobile_purchase_value
    converted_product_offline_purchase converted_product_offline_purchase_value
    converted_product_omni_purchase converted_product_omni_purchase_values
    converted_product_quantity converted_product_value
    converted_product_website_pixel_purchase converted_product_website_pixel_purchase_value
    converted_promoted_product_app_custom_event_fb_mobile_purchase
    converted_promoted_product_app_custom_event_fb_mobile_purchase_value
    converted_promoted_product_offline_purchase
    converted_promoted_product_offline_purchase_value
    converted_promoted_product_omni_purchase converted_promoted_product_omni_purchase_values
    converted_promoted_product_quantity converted_promoted_product_value
    converted_promoted_product_website_pixel_purchase
    converted_promoted_product_website_pixel_purchase_value cost_per_15_sec_video_view
    cost_per_2_sec_continuous_video_view cost_per_6_sec_video_view cost_per_action_type
    cost_per_ad_click cost_per_conversion cost_per_conversion_lead
    cost_per_mmp_credited_install cost_per_one_thousand_ad_impression
    cost_per_outbound_click cost_per_thruplay cost_per_unique_action_type
    cost_per_unique_conversion cost_per_unique_outbound_click
    instant_experience_outbound_clicks interactive_component_tap mmp_credited_install
    mobile_app_purchase_roas onsite_conversion_messaging_detected_purchase_deduped
    outbound_clicks outbound_clicks_ctr purchase_roas total_postbacks_detailed
    total_postbacks_detailed_v4 unique_actions unique_conversions unique_outbound_clicks
    unique_outbound_clicks_ctr unique_video_continuous_2_sec_watched_actions
    unique_video_view_15_sec video_15_sec_watched_actions video_30_sec_watched_actions
    video_6_sec_watched_actions video_avg_time_watched_actions
    video_continuous_2_sec_watched_actions video_p100_watched_actions
    video_p25_watched_actions video_p50_watched_actions video_p75_watched_actions
    video_p95_watched_actions video_play_actions video_thruplay_watched_actions
    video_time_watched_actions video_view_per_impression website_ctr website_purchase_roas
    """.split()
)
#: Lists of AdsHistogramStats: as AdsActionStats, with a list of whole numbers as value.
_HISTOGRAMS = frozenset(
    """
    video_play_curve_actions video_play_retention_0_to_15s_actions
    video_play_retention_20_to_60s_actions video_play_retention_graph_actions
    """.split()
)
#: Lists of objects whose shape Meta does not publish: kept as they come.
_OBJECT_LISTS = frozenset(
    """
    cost_per_objective_result cost_per_result creative_diversity_data
    creative_fatigue_summary creative_fatigued_ads dda_results link_clicks_per_results
    objective_result_rate objective_results result_rate results
    """.split()
)
#: Breakdowns Meta's SDK lists; Meta's pages know more, so an unknown one only warns.
BREAKDOWNS = frozenset(
    """
    ad_extension_domain ad_extension_url ad_format_asset affiliate_click_region
    affiliate_link_url age app_id body_asset breakdown_ad_objective
    breakdown_reporting_ad_id call_to_action_asset coarse_conversion_value comscore_market
    conversion_destination country creative_automation_asset_id creative_fingerprint_details
    creative_format_classification creative_media_type_breakdown
    creative_relaxation_asset_type crm_advertiser_l12_territory_ids
    crm_advertiser_subvertical_id crm_advertiser_vertical_id crm_ult_advertiser_id
    description_asset device_platform dma existing_post_id fidelity_type
    flexible_format_asset_type frequency_value gen_ai_asset_type gender
    hourly_stats_aggregated_by_advertiser_time_zone
    hourly_stats_aggregated_by_audience_time_zone hsid image_asset impression_device
    impression_view_time_advertiser_hour_v2 instagram_ads_follow_type
    instagram_ads_instagram_media_product_type instagram_ads_time_since_creation_bucket
    internal_campaign_id is_auto_advance is_conversion_id_modeled
    is_rendered_as_delayed_skip_ad landing_destination link_url_asset
    marketing_messages_btn_name mdsa_landing_destination media_asset_url media_creator
    media_destination_url media_format media_id media_origin_url media_text_content
    media_type mmm msa_seller_name overlap_segment pa_creator_ig_handle place_page_id
    placement_path platform_position postback_sequence_index product_brand_breakdown
    product_category_breakdown product_custom_label_0_breakdown
    product_custom_label_1_breakdown product_custom_label_2_breakdown
    product_custom_label_3_breakdown product_custom_label_4_breakdown
    product_group_content_id_breakdown product_id publisher_platform redownload
    reels_trending_topic region rta_ugc_topic rule_set_id rule_set_name signal_source
    signal_source_bucket skan_campaign_id skan_conversion_id skan_version
    sot_attribution_model_type sot_attribution_window sot_channel sot_event_type sot_source
    standard_event_content_type title_asset user_persona_id user_persona_name video_asset
    zip
    """.split()
)

#: Fields that are never asked from a version of the API on: Meta refuses the whole request for one
#: of them (differences between Meta's own SDK for v25.0 and for v26.0). Others that it refuses are
#: found out by asking (`refused_fields.py`).
GONE_FIELDS: Mapping[str, str] = {
    "marketing_messages_website_add_to_cart": "v26.0",
    "marketing_messages_website_initiate_checkout": "v26.0",
    "marketing_messages_website_purchase": "v26.0",
    "marketing_messages_website_purchase_values": "v26.0",
}

_KINDS: Mapping[str, Kind] = {
    name: kind
    for kind, names in (
        (Kind.TEXT, _TEXT),
        (Kind.DATE, _DATES),
        (Kind.COUNT, _COUNTS),
        (Kind.NUMBER, _NUMBERS),
        (Kind.ACTIONS, _ACTION_LISTS),
        (Kind.HISTOGRAM, _HISTOGRAMS),
        (Kind.OBJECTS, _OBJECT_LISTS),
    )
    for name in names
}

#: Beginnings of the keys of an action entry that name something; every other key is an amount.
ACTION_LABELS = (
    "action_",
    "conversion_destination",
    "interactive_component_sticker",
    "is_business_ai_assisted",
    "matched_persona",
    "promoted_product_set_result",
    "signal_source_bucket",
    "standard_event_content_type",
)
#: Breakdowns whose value is an object with an id (Meta: "Breakdowns", dynamic creative assets).
OBJECT_BREAKDOWNS = frozenset(
    f"{part}_asset"
    for part in ("body", "call_to_action", "description", "image", "link_url", "title", "video")
)
#: The marketing mix is no column of its own: its rows are told apart by these, as in the export of
#: that name ("Marketing Mix Modeling Breakdown on Insights API").
_MARKETING_MIX = (
    *("country", "region", "dma", "device_platform", "platform_position", "publisher_platform"),
    "creative_media_type",
)
#: What stands in the key where Meta leaves a breakdown out of a row (Meta itself sends "unknown").
NO_VALUE = "(none)"

#: `fields` when the user names none. Heavier ones (video_*, unique_*, purchase_roas) can be named.
DEFAULT_FIELDS = (
    "account_id",
    "account_name",
    "account_currency",
    "campaign_id",
    "campaign_name",
    "adset_id",
    "adset_name",
    "ad_id",
    "ad_name",
    "objective",
    "impressions",
    "clicks",
    "reach",
    "frequency",
    "spend",
    "cpc",
    "cpm",
    "cpp",
    "ctr",
    "inline_link_clicks",
    "actions",
    "action_values",
    "cost_per_action_type",
    "conversions",
    "attribution_setting",
    "post_engagement",
    "page_engagement",
)

#: Not fields of Meta's but action types inside `actions`; older guides list them as fields.
_ENGAGEMENTS = ("post_engagement", "page_engagement")

#: The widest level at which a field can be asked; one not named here can be asked at any.
_OWN_LEVEL: Mapping[str, str] = {
    "campaign_id": "campaign",
    "campaign_name": "campaign",
    "objective": "campaign",
    "buying_type": "campaign",
    "adset_id": "adset",
    "adset_name": "adset",
    "optimization_goal": "adset",
    "ad_id": "ad",
    "ad_name": "ad",
    "quality_ranking": "ad",
    "engagement_rate_ranking": "ad",
    "conversion_rate_ranking": "ad",
}

_LEVEL_ID: Mapping[str, str] = {"campaign": "campaign_id", "adset": "adset_id", "ad": "ad_id"}

#: On every insights row, whatever `fields` says; the last three are the tap's own.
_ALWAYS = ("account_id", "date_start", "date_stop")
TIME_ZONE, READ_AT, IS_FINAL = "timezone_name", "read_at", "is_final"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of an insights stream.

    Attributes:
        name: the column's name.
        source: the field to ask Meta for, or None where nothing is asked (breakdowns come by
            themselves, `read_at` and its like are the tap's).
        kind: how its value is read.
        action_type: for a column drawn from an action list, the action type it holds.
        is_breakdown: its value is part of the key and never null.
    """

    name: str
    source: str | None
    kind: Kind
    action_type: str | None = None
    is_breakdown: bool = False


def kind_of(field: str) -> Kind:
    """Tell what a field holds; `UNKNOWN` for one the table does not have."""
    return _KINDS.get(field, Kind.UNKNOWN)


def key_of(definition: ReportDefinition) -> tuple[str, ...]:
    """Return the columns that identify a row of this report: account, day, object, breakdowns."""
    level_id = _LEVEL_ID.get(definition.level)
    return (
        "account_id",
        "date_start",
        *((level_id,) if level_id else ()),
        *(column for name in definition.breakdowns for column in _key_columns(name)),
    )


def columns_of(definition: ReportDefinition) -> tuple[Column, ...]:
    """Return every column of a report's stream, key first, each once."""
    columns = [
        _field_column(name)
        for name in (*key_of(definition), *_ALWAYS)
        if name not in _breakdown_names(definition)
    ]
    columns += [column for name in definition.breakdowns for column in _breakdown_columns(name)]
    columns += [
        _field_column(name)
        for name in definition.fields or DEFAULT_FIELDS
        if not _is_breakdown(name, definition) and not _below(name, definition.level)
    ]
    columns += [
        Column(name=TIME_ZONE, source=None, kind=Kind.TEXT),
        Column(name=READ_AT, source=None, kind=Kind.UNKNOWN),
        Column(name=IS_FINAL, source=None, kind=Kind.UNKNOWN),
    ]
    first: dict[str, Column] = {}
    for column in columns:
        first.setdefault(column.name, column)
    return tuple(first.values())


def doubts(definition: ReportDefinition, *, api_version: str = "") -> list[str]:
    """Say what in a report's fields and breakdowns looks wrong, though Meta is left to judge."""
    found = []
    for name in definition.fields or ():
        if name in definition.breakdowns:
            found.append(f"{name} is a breakdown and comes by itself: it is not asked as a field")
        elif name in BREAKDOWNS:
            found.append(f"{name} is a breakdown: it is left out here and belongs in breakdowns")
        elif _below(name, definition.level):
            found.append(
                f"{name} belongs to the {_OWN_LEVEL[name]} level and cannot be had at "
                f"{definition.level} level: it is left out"
            )
        elif _is_gone(_source_of(name), api_version):
            found.append(
                f"{name} is gone from Meta's API since {GONE_FIELDS[_source_of(name)]}: it is not "
                "asked and stays empty"
            )
        elif kind_of(_source_of(name)) is Kind.UNKNOWN:
            found.append(f"{name} is not a field this version knows: Meta decides")
    found += [
        f"{name} is not a breakdown this version knows: Meta decides"
        for name in definition.breakdowns
        if name not in BREAKDOWNS
    ]
    return [f"{definition.name}: {text}" for text in found]


def collisions(definition: ReportDefinition) -> list[str]:
    """Name columns that two different entries of `fields` would both fill."""
    entries: dict[str, set[str]] = {}
    for name in definition.fields or ():
        entries.setdefault(_field_column(name).name, set()).add(name)
    return [
        f"{definition.name}: {' and '.join(sorted(names))} would both become the column {column}"
        for column, names in entries.items()
        if len(names) > 1
    ]


def sums_of_rates(definition: ReportDefinition) -> list[str]:
    """Name columns that would add up what does not add: a rate, over further action breakdowns.

    A column of one action type adds its entries up where several action breakdowns were asked. That
    is right for counts and amounts, and wrong for costs, rates, averages and people.
    """
    if len(definition.action_breakdowns) < 2:  # noqa: PLR2004  (action_type and another)
        return []
    return [
        f"{definition.name}: {name} cannot be a column together with further action_breakdowns, as "
        "its values do not add up: leave those out, or take the whole list"
        for name in definition.fields or ()
        if ":" in name and _NOT_ADDITIVE.search(name.partition(":")[0])
    ]


_NOT_ADDITIVE = re.compile("cost_per|roas|ctr|rate|avg|average|unique|_per_")


def tells_of_its_own_life(definition: ReportDefinition) -> bool:
    """Tell whether a report can have values on days on which nothing else happened.

    Postbacks and installs credited elsewhere come without impressions, spend or actions.
    """
    names = (*(definition.fields or ()), *definition.breakdowns)
    return any(name.startswith(("total_postbacks", "mmp_", "skan_", "fidelity")) for name in names)


def fields_to_ask(columns: Iterable[Column], *, api_version: str = "") -> tuple[str, ...]:
    """Return the `fields` parameter for these columns, each field once, without those long gone.

    Names of breakdowns are never among them: Meta adds those by itself and refuses some as fields.
    """
    return tuple(
        dict.fromkeys(
            column.source
            for column in columns
            if column.source and not _is_gone(column.source, api_version)
        )
    )


def _is_gone(field: str, api_version: str) -> bool:
    """Tell whether Meta refuses a field in this version of its API and all later ones."""
    since = GONE_FIELDS.get(field)
    return since is not None and _number_of(api_version) >= _number_of(since)


def _number_of(api_version: str) -> float:
    return float(api_version.lstrip("v") or "inf")


def schema_of(definition: ReportDefinition) -> dict[str, Any]:
    """Return the JSON Schema of a report's records."""
    keys = key_of(definition)
    return {
        "type": "object",
        "properties": {
            column.name: _property(column, definition, is_key=column.name in keys)
            for column in columns_of(definition)
        },
        "required": list(keys),
    }


def _is_breakdown(field: str, definition: ReportDefinition) -> bool:
    """Tell whether a name in `fields` is a breakdown's: Meta refuses some of those as fields."""
    return field in definition.breakdowns or field in BREAKDOWNS


def _breakdown_names(definition: ReportDefinition) -> set[str]:
    return {column.name for name in definition.breakdowns for column in _breakdown_columns(name)}


def _key_columns(breakdown: str) -> tuple[str, ...]:
    if breakdown == "mmm":
        return _MARKETING_MIX
    return (f"{breakdown}_id" if breakdown in OBJECT_BREAKDOWNS else breakdown,)


def _breakdown_columns(name: str) -> tuple[Column, ...]:
    key = tuple(
        Column(name=column, source=None, kind=Kind.TEXT, is_breakdown=True)
        for column in _key_columns(name)
    )
    if name in OBJECT_BREAKDOWNS:
        return (*key, Column(name=name, source=None, kind=Kind.UNKNOWN))
    return key


def _below(field: str, level: str) -> bool:
    """Tell whether a field belongs to a closer level than the one asked (Meta refuses those)."""
    own = _OWN_LEVEL.get(field, "account")
    return LEVELS.index(own) > LEVELS.index(level)


def _source_of(name: str) -> str:
    return "actions" if name in _ENGAGEMENTS else name.partition(":")[0]


def _field_column(name: str) -> Column:
    """Make the column for one entry of `fields`; `actions:TYPE` takes one type out of a list."""
    source, colon, action_type = name.partition(":")
    if name in _ENGAGEMENTS:
        return Column(name=name, source="actions", kind=Kind.COUNT, action_type=name)
    if colon:
        column = f"{source}_{action_type.replace('.', '_')}"
        return Column(name=column, source=source, kind=Kind.NUMBER, action_type=action_type)
    return Column(name=name, source=name, kind=kind_of(name))


_SCALARS: Mapping[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": ["string", "null"]},
    Kind.DATE: {"type": ["string", "null"], "format": "date"},
    Kind.COUNT: {"type": ["integer", "null"]},
    Kind.NUMBER: {"type": ["number", "null"]},
    Kind.OBJECTS: {"type": ["array", "null"], "items": {"type": ["object", "null"]}},
}
_OWN_COLUMNS: Mapping[str, dict[str, Any]] = {
    READ_AT: {
        "type": "string",
        "format": "date-time",
        "description": "When the tap asked Meta for this row (UTC), one instant for a whole "
        "window.",
    },
    IS_FINAL: {
        "type": "boolean",
        "description": "The day was older than 28 days when read: Meta no longer changes it.",
    },
}
#: Windows that are always declared inside action lists, so that a loader's columns stay the same.
_ACTION_WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view", "1d_ev")


def _property(column: Column, definition: ReportDefinition, *, is_key: bool) -> dict[str, Any]:
    if column.name in _OWN_COLUMNS:
        return dict(_OWN_COLUMNS[column.name])
    if is_key:
        # A key is never null: account and day always come, a missing breakdown has a stand-in.
        return {**_SCALARS[column.kind], "type": "string"}
    if column.kind in (Kind.ACTIONS, Kind.HISTOGRAM):
        return _action_list(column.kind, definition)
    if column.name in OBJECT_BREAKDOWNS:
        return {"type": ["object", "null"]}
    unknown: dict[str, Any] = {"type": ["string", "number", "boolean", "object", "array", "null"]}
    return dict(_SCALARS.get(column.kind, unknown))


def _action_list(kind: Kind, definition: ReportDefinition) -> dict[str, Any]:
    amount: dict[str, Any] = (
        {"type": ["array", "null"], "items": {"type": ["integer", "null"]}}
        if kind is Kind.HISTOGRAM
        else {"type": ["number", "null"]}
    )
    breakdowns = definition.action_breakdowns or ("action_type",)
    windows = (*_ACTION_WINDOWS, *definition.action_attribution_windows)
    properties = {name: {"type": ["string", "null"]} for name in breakdowns}
    properties |= {name: amount for name in ("value", *windows) if name != "default"}
    return {
        "type": ["array", "null"],
        "items": {"type": "object", "properties": properties},
    }
