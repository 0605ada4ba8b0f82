"""Dimensions: what the streams of campaigns, ad sets, ads and creatives hold, in one table.

Names and types are those of Meta's Marketing API reference as its own Python SDK lists them for
v26.0. Everything here is plain data and plain functions; a schema is a plain JSON Schema dict.

A row says what its object was like at `read_at`. One whose `read_at` is older than that of the last
reading in full of its ad account is no longer listed by Meta: it was deleted.

Money: unlike in insights, Meta gives amounts in the smallest unit of the account's currency, as
strings of digits. They become integers; beside each is a number in whole units (`…_major`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.dimensions import activities, assets
from tap_meta_partner.dimensions.columns import (
    FIRST,
    LAST,
    DimensionColumn,
    Holds,
    inside,
    money,
    plain,
)
from tap_meta_partner.dimensions.dimension import Dimension

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


_SHARED_KEY = ("account_id", "id")


CREATIVE_ID = "creative_id"


#: A status that Meta's pages contradict each other about: see `dimensions/reading.py`.
DELETED = "DELETED"


_APPS = ("android", "ios", "ipad", "iphone")


_LINK_DATA = "object_story_spec.link_data"


_TEMPLATE_DATA = "object_story_spec.template_data"


_VIDEO_DATA = "object_story_spec.video_data"


_CAMPAIGN = [
    *FIRST,
    *plain(
        Holds.TEXT,
        "name objective status configured_status effective_status buying_type bid_strategy "
        "smart_promotion_type primary_attribution source_campaign_id topline_id "
        "special_ad_category boosted_object_id",
    ),
    *plain(
        Holds.INSTANT, "created_time updated_time start_time stop_time last_budget_toggling_time"
    ),
    *money("daily_budget lifetime_budget budget_remaining spend_cap"),
    *plain(Holds.TEXTS, "special_ad_categories special_ad_category_country pacing_type"),
    *plain(
        Holds.FLAG,
        "is_skadnetwork_attribution can_use_spend_cap budget_rebalance_flag "
        "is_adset_budget_sharing_enabled is_budget_schedule_enabled "
        "has_secondary_skadnetwork_reporting",
    ),
    *plain(Holds.OBJECT, "promoted_object advantage_state_info"),
    *(
        inside(name, Holds.TEXT, f"advantage_state_info.{name}")
        for name in (
            "advantage_state",
            "advantage_budget_state",
            "advantage_audience_state",
            "advantage_placement_state",
        )
    ),
    *plain(Holds.OBJECTS, "adlabels issues_info budget_schedule_specs frequency_control_specs"),
    # A list of its own at Meta, which comes as {"data": [...]}; without braces it has ids alone.
    DimensionColumn(
        name="brand_lift_studies",
        holds=Holds.OBJECTS,
        paths=("brand_lift_studies.data", "brand_lift_studies"),
        asks=("brand_lift_studies{id,name,type,start_time,end_time}",),
    ),
    *LAST,
]


_ADSET = [
    *FIRST,
    *plain(
        Holds.TEXT,
        "campaign_id name status configured_status effective_status billing_event "
        "optimization_goal optimization_sub_event bid_strategy destination_type dsa_beneficiary "
        "dsa_payor source_adset_id campaign_attribution instagram_user_id value_rule_set_id",
    ),
    *plain(Holds.INSTANT, "created_time updated_time start_time end_time"),
    *money(
        "daily_budget lifetime_budget budget_remaining daily_min_spend_target daily_spend_cap "
        "lifetime_min_spend_target lifetime_spend_cap"
    ),
    *money("bid_amount", Holds.WHOLE),
    *plain(Holds.WHOLE, "lifetime_imps anchor_event_attribution_window_days"),
    *plain(Holds.TEXTS, "pacing_type regional_regulated_categories special_ad_categories"),
    *plain(
        Holds.FLAG,
        "is_dynamic_creative is_incremental_attribution_enabled use_new_app_click "
        "is_budget_schedule_enabled",
    ),
    *plain(
        Holds.OBJECT,
        "targeting promoted_object learning_stage_info bid_constraints bid_info "
        "brand_safety_config",
    ),
    *plain(
        Holds.OBJECTS,
        "attribution_spec adset_schedule frequency_control_specs adlabels issues_info",
    ),
    *LAST,
]


_AD = [
    *FIRST,
    *plain(
        Holds.TEXT,
        # Not `preview_shareable_link`: where Meta cannot make one, it refuses the whole list
        # ("Unsupported request - method type: get").
        "campaign_id adset_id name status configured_status effective_status bid_type "
        "conversion_domain source_ad_id last_updated_by_app_id ad_active_time",
    ),
    # Braces: without them the whole creative would have to be read with each ad.
    DimensionColumn(
        name=CREATIVE_ID, holds=Holds.TEXT, paths=("creative.id",), asks=("creative{id}",)
    ),
    *plain(Holds.INSTANT, "created_time updated_time ad_schedule_start_time ad_schedule_end_time"),
    *money("bid_amount", Holds.WHOLE),
    *plain(Holds.WHOLE, "display_sequence"),
    *plain(Holds.OBJECT, "ad_review_feedback bid_info targeting"),
    *plain(
        Holds.OBJECTS,
        "tracking_specs conversion_specs adlabels issues_info recommendations "
        "failed_delivery_checks",
    ),
    *LAST,
]


_CREATIVE = [
    *FIRST,
    *plain(
        Holds.TEXT,
        "name status title body object_type object_id object_story_id effective_object_story_id "
        "actor_id call_to_action_type image_hash image_url thumbnail_url video_id link_url "
        "object_url template_url url_tags instagram_user_id instagram_permalink_url "
        "effective_instagram_media_id product_set_id source_instagram_media_id "
        "source_facebook_post_id authorization_category effective_authorization_category "
        "link_destination_display_url thumbnail_id applink_treatment",
    ),
    # What the ad's text and links are stands deep inside the specs, in a place for each format.
    inside(
        "page_link",
        Holds.TEXT,
        f"{_LINK_DATA}.link",
        f"{_VIDEO_DATA}.call_to_action.value.link",
        "link_url",
    ),
    inside("template_page_link", Holds.TEXT, f"{_TEMPLATE_DATA}.link", "template_url"),
    *(
        inside(f"object_story_link_data_{name}", Holds.TEXT, f"{_LINK_DATA}.{name}")
        for name in ("link", "name", "caption", "description", "message")
    ),
    inside(
        "object_story_link_data_child_attachments",
        Holds.OBJECTS,
        f"{_LINK_DATA}.child_attachments",
    ),
    *(
        inside(
            f"object_story_link_data_app_link_spec_{app}",
            Holds.OBJECTS,
            f"{_LINK_DATA}.app_link_spec.{app}",
        )
        for app in _APPS
    ),
    *(
        inside(
            f"template_app_link_spec_{app}", Holds.OBJECTS, f"{_TEMPLATE_DATA}.app_link_spec.{app}"
        )
        for app in _APPS
    ),
    inside("asset_feed_spec_link_urls", Holds.OBJECTS, "asset_feed_spec.link_urls"),
    *plain(
        Holds.OBJECT,
        "object_story_spec asset_feed_spec degrees_of_freedom_spec platform_customizations "
        "template_url_spec branded_content facebook_branded_content instagram_branded_content "
        "contextual_multi_ads destination_spec media_sourcing_spec image_crops",
    ),
    *plain(Holds.OBJECTS, "adlabels product_data"),
    *LAST,
]


_CAMPAIGN_STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", DELETED, "IN_PROCESS", "WITH_ISSUES")


_ADSET_STATUSES = (*_CAMPAIGN_STATUSES, "CAMPAIGN_PAUSED")


_AD_STATUSES = (
    *_ADSET_STATUSES,
    "ADSET_PAUSED",
    "DISAPPROVED",
    "PENDING_BILLING_INFO",
    "PENDING_REVIEW",
    "PREAPPROVED",
)


#: By name, parents before what is in them.
DIMENSIONS: Mapping[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension(
            name="campaigns",
            columns=tuple(_CAMPAIGN),
            statuses=_CAMPAIGN_STATUSES,
            # What an ad's own status is depends on those above it.
            always_asked=("id", "effective_status", "updated_time"),
            named_by="campaign_id",
        ),
        Dimension(
            name="adsets",
            columns=tuple(_ADSET),
            statuses=_ADSET_STATUSES,
            always_asked=("id", "effective_status", "updated_time"),
            named_by="adset_id",
        ),
        Dimension(
            name="ads",
            columns=tuple(_AD),
            statuses=_AD_STATUSES,
            always_asked=("id", "effective_status", "updated_time"),
            named_by="ad_id",
        ),
        Dimension(
            name="adcreatives",
            columns=tuple(_CREATIVE),
            named_by=CREATIVE_ID,
            # Meta checks a creative's story anew whenever it is read, by rules that came later.
            rejected_for=("object_story_spec",),
        ),
        Dimension(
            name="custom_conversions",
            edge="customconversions",
            key=_SHARED_KEY,
            columns=tuple(assets.CUSTOM_CONVERSION),
        ),
        Dimension(name="pixels", edge="adspixels", key=_SHARED_KEY, columns=tuple(assets.PIXEL)),
        Dimension(name="images", edge="adimages", columns=tuple(assets.IMAGE)),
        Dimension(name="videos", edge="advideos", columns=tuple(assets.VIDEO)),
        Dimension(
            name="custom_audiences",
            edge="customaudiences",
            key=_SHARED_KEY,
            columns=tuple(assets.CUSTOM_AUDIENCE),
        ),
        Dimension(
            name="activities",
            key=_SHARED_KEY,
            columns=tuple(activities.ACTIVITY),
            always_asked=activities.IDENTIFYING,
            needed=activities.IDENTIFYING,
            is_log=True,
        ),
    )
}


#: Of these it is kept what they were: Meta gives each change a time.
WITH_HISTORY = ("campaigns", "adsets", "ads")
HISTORY_KEY = ("id", "updated_time")


def history_of(dimension: str) -> str:
    """Return the name of the stream of a dimension's history."""
    return f"{dimension}_history"


def selected_columns(name: str, wanted: Collection[str]) -> tuple[DimensionColumn, ...]:
    """Return the columns of a dimension that are wanted, and its key."""
    return tuple(
        column
        for column in DIMENSIONS[name].columns
        if column.name in wanted or column.name in DIMENSIONS[name].key
    )


def fields_to_ask(dimension: Dimension, columns: Iterable[DimensionColumn]) -> tuple[str, ...]:
    """Return the `fields` parameter that brings these columns, each field once."""
    asked = [field for column in columns for field in column.asks]
    return tuple(dict.fromkeys((*dimension.always_asked, *asked)))


def statuses_to_ask(dimension: Dimension, wanted: Collection[str]) -> tuple[str, ...]:
    """Return the `effective_status` parameter for these statuses, all of the kind's where empty.

    Meta refuses a status that this kind of object never has; one that no kind has is left to it.
    """
    if not wanted:
        return dimension.statuses
    others = {status for each in DIMENSIONS.values() for status in each.statuses}
    others -= set(dimension.statuses)
    return tuple(status for status in wanted if status not in others)
