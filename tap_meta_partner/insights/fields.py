"""Insight fields, levels and breakdowns: what each column is called, holds and is keyed by.

One table, from Meta's Ads Insights reference as its own Python SDK lists it for v26.0 (238 fields,
98 breakdowns), and seven breakdowns that only Meta's page of that version lists. Everything here is
plain data and plain functions; a schema is a plain JSON Schema dict.

Numbers: Meta sends every scalar as a string. Counts become integers, rates and money numbers with
the very digits Meta sent. Money in insights is in major units of the account's currency.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tap_meta_partner.settings.words import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """What a field holds."""

    TEXT = "text"
    DATE = "date"
    COUNT = "count"
    NUMBER = "number"
    ACTIONS = "actions"
    HISTOGRAM = "histogram"
    OBJECT = "object"
    OBJECTS = "list of objects"
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
    messages_delivered msa_seller_budget reach shop_clicks unique_clicks
    unique_inline_link_clicks
    """.split()
)


#: Rates and money: decimal numbers (as strings on the wire), money in major units. Among them four
#: that sound like counts: Meta documents `product_views`, `shops_assisted_purchases`,
#: `total_card_view` and `total_postbacks` as strings, and a fraction in a count would be lost.
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
    product_views purchase_per_landing_page_view purchases_per_link_click
    qualifying_question_qualify_answer_rate read_rate shops_assisted_purchases social_spend
    spend total_card_view total_postbacks unique_ctr
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


#: Lists of AdsHistogramStats: as AdsActionStats, with a list of numbers as value. Meta's reference
#: calls them whole; what it sends for a curve are shares (`["1", "0.91", "0.82"]`).
_HISTOGRAMS = frozenset(
    """
    video_play_curve_actions video_play_retention_0_to_15s_actions
    video_play_retention_20_to_60s_actions video_play_retention_graph_actions
    """.split()
)


#: Lists of objects whose shape Meta does not publish: the objects are kept as they come. A bare
#: amount has been answered too (`cost_per_result: "0.85"`).
_OBJECT_LISTS = frozenset(
    """
    cost_per_objective_result cost_per_result creative_diversity_data
    creative_fatigue_summary creative_fatigued_ads dda_results link_clicks_per_results
    objective_result_rate objective_results result_rate results
    """.split()
)


#: Fields that Meta has answered under another name: `results` for `objective_results`. Of the other
#: two it is a guess, which only fills what would be empty.
ANSWERED_AS: Mapping[str, str] = {
    "objective_results": "results",
    "objective_result_rate": "result_rate",
    "cost_per_objective_result": "cost_per_result",
}


#: Breakdowns that Meta's SDK or its page "Ad Report Run Insights" lists; Meta may know more, so an
#: unknown one only warns.
BREAKDOWNS = frozenset(
    """
    ad_extension_domain ad_extension_url ad_format_asset affiliate_click_region
    affiliate_link_url age app_id body_asset breakdown_ad_objective
    breakdown_reporting_ad_id call_to_action_asset coarse_conversion_value comscore_market
    comscore_market_code conversion_destination country creative_automation_asset_id
    creative_fingerprint_details creative_format_classification
    creative_media_type_breakdown creative_relaxation_asset_type
    crm_advertiser_l12_territory_ids crm_advertiser_subvertical_id
    crm_advertiser_vertical_id crm_ult_advertiser_id description_asset device_platform dma
    existing_post_id fidelity_type flexible_format_asset_type frequency_value
    gen_ai_asset_type gender hourly_stats_aggregated_by_advertiser_time_zone
    hourly_stats_aggregated_by_audience_time_zone hsid image_asset impression_device
    impression_view_time_advertiser_hour_v2 instagram_ads_follow_type
    instagram_ads_instagram_media_product_type instagram_ads_time_since_creation_bucket
    internal_campaign_id is_auto_advance is_conversion_id_modeled
    is_rendered_as_delayed_skip_ad landing_destination link_url_asset
    marketing_messages_btn_name mdsa_landing_destination media_asset media_asset_url
    media_creator media_destination_url media_format media_id media_origin_url
    media_text_content media_type mmm msa_seller_id msa_seller_name overlap_segment
    pa_creator_ig_handle place_page_id placement_path platform_position
    postback_sequence_index product_brand_breakdown product_category_breakdown
    product_custom_label_0_breakdown product_custom_label_1_breakdown
    product_custom_label_2_breakdown product_custom_label_3_breakdown
    product_custom_label_4_breakdown product_group_content_id_breakdown product_id
    product_set_id_breakdown product_vendor_id_breakdown publisher_platform redownload
    reels_trending_topic region rta_ugc_topic rule_asset rule_set_id rule_set_name
    signal_source signal_source_bucket skan_campaign_id skan_conversion_id skan_version
    sot_attribution_model_type sot_attribution_window sot_channel sot_event_type sot_source
    standard_event_content_type title_asset user_persona_id user_persona_name
    user_segment_key video_asset zip
    """.split()
)


#: Fields that are never asked from a version of the API on: Meta refuses the whole request for one
#: of them (differences between Meta's own SDK for v25.0 and for v26.0). Others that it refuses are
#: found out by asking (`graph/refused_fields.py`).
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


#: The widest level at which a field can be asked; one not named here can be asked at any.
OWN_LEVEL: Mapping[str, str] = {
    "campaign_id": "campaign",
    "campaign_name": "campaign",
    "objective": "campaign",
    "buying_type": "campaign",
    "adset_id": "adset",
    "adset_name": "adset",
    "optimization_goal": "adset",
    "ad_id": "ad",
    "ad_name": "ad",
    # Documented for ads; real campaigns have been answered with them.
    "quality_ranking": "campaign",
    "engagement_rate_ranking": "campaign",
    "conversion_rate_ranking": "campaign",
}


def known_fields() -> Mapping[str, Kind]:
    """Return all fields that the table has, with what they hold."""
    return dict(_KINDS)


def kind_of(field: str) -> Kind:
    """Tell what a field holds; `UNKNOWN` for one the table does not have."""
    return _KINDS.get(field, Kind.UNKNOWN)


def is_gone(field: str, api_version: str) -> bool:
    """Tell whether Meta refuses a field in this version of its API and all later ones."""
    since = GONE_FIELDS.get(field)
    return since is not None and _number_of(api_version) >= _number_of(since)


def _number_of(api_version: str) -> float:
    return float(api_version.lstrip("v") or "inf")


def below(field: str, level: str) -> bool:
    """Tell whether a field belongs to a closer level than the one asked (Meta refuses those)."""
    own = OWN_LEVEL.get(field, "account")
    return LEVELS.index(own) > LEVELS.index(level)
