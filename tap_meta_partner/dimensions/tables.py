"""Dimensions: what the streams of campaigns, ad sets, ads and creatives hold, in one table.

Names and types are those of Meta's Marketing API reference as its own Python SDK lists them for
v26.0. Everything here is plain data and plain functions; a schema is a plain JSON Schema dict.

A row says what its object was like at `read_at`. One whose `read_at` is older than that of the last
reading in full of its ad account is no longer listed by Meta: it was deleted.

Money: unlike in insights, Meta gives amounts in the smallest unit of the account's currency, as
strings of digits. They become integers; beside each is a number in whole units (`…_major`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


class Holds(Enum):
    """What a column holds."""

    TEXT = "text"
    TEXTS = "list of texts"
    WHOLE = "whole number"
    FLAG = "yes or no"
    INSTANT = "time"
    MINOR = "amount in the currency's smallest unit"
    MAJOR = "amount in whole currency units"
    OBJECT = "object"
    OBJECTS = "list of objects"
    OWN = "the tap's own"


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionColumn:
    """One column of a dimension.

    Attributes:
        name: the column's name.
        holds: how its value is read.
        paths: where it stands in Meta's object, dots between the steps; the first that is there
            counts. Empty for what the tap knows by itself.
        asks: the entries of `fields` that bring it.
    """

    name: str
    holds: Holds
    paths: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One kind of object that ad accounts hold.

    Attributes:
        name: of the stream, which is also that of the ad account's edge.
        columns: all there are, the key first.
        statuses: every `effective_status` such an object can have; none where the edge takes no
            such parameter.
        always_asked: fields that are read whether or not their columns are wanted.
        named_by: the column of other rows that names such objects: of insights rows, and for
            creatives of ads.
        rejected_for: fields for which Meta may refuse an object that it gives without them.
    """

    name: str
    columns: tuple[DimensionColumn, ...]
    statuses: tuple[str, ...] = ()
    always_asked: tuple[str, ...] = ("id",)
    named_by: str | None = None
    rejected_for: tuple[str, ...] = ()


DIMENSION_KEY = ("id",)


CREATIVE_ID = "creative_id"


ACCOUNT_ID, READ_AT = "account_id", "read_at"


#: A status that Meta's pages contradict each other about: see `dimensions/reading.py`.
DELETED = "DELETED"


def _plain(holds: Holds, names: str) -> list[DimensionColumn]:
    """Make the columns that are called as Meta calls the field."""
    return [
        DimensionColumn(name=name, holds=holds, paths=(name,), asks=(name,))
        for name in names.split()
    ]


def _money(names: str, holds: Holds = Holds.MINOR) -> list[DimensionColumn]:
    """Make two columns of each amount: as Meta gives it, and in whole units."""
    columns = []
    for column in _plain(holds, names):
        major = f"{column.name}_major"
        columns += [
            column,
            DimensionColumn(name=major, holds=Holds.MAJOR, paths=column.paths, asks=column.asks),
        ]
    return columns


def _inside(name: str, holds: Holds, *paths: str) -> DimensionColumn:
    """Make a column of something inside an object (or of the first of several places)."""
    asks = tuple(dict.fromkeys(path.partition(".")[0] for path in paths))
    return DimensionColumn(name=name, holds=holds, paths=paths, asks=asks)


_FIRST = [*_plain(Holds.TEXT, "id"), DimensionColumn(name=ACCOUNT_ID, holds=Holds.OWN)]


_LAST = [DimensionColumn(name=READ_AT, holds=Holds.OWN)]


_APPS = ("android", "ios", "ipad", "iphone")


_LINK_DATA = "object_story_spec.link_data"


_TEMPLATE_DATA = "object_story_spec.template_data"


_VIDEO_DATA = "object_story_spec.video_data"


_CAMPAIGN = [
    *_FIRST,
    *_plain(
        Holds.TEXT,
        "name objective status configured_status effective_status buying_type bid_strategy "
        "smart_promotion_type primary_attribution source_campaign_id topline_id",
    ),
    *_plain(
        Holds.INSTANT, "created_time updated_time start_time stop_time last_budget_toggling_time"
    ),
    *_money("daily_budget lifetime_budget budget_remaining spend_cap"),
    *_plain(Holds.TEXTS, "special_ad_categories special_ad_category_country pacing_type"),
    *_plain(
        Holds.FLAG,
        "is_skadnetwork_attribution can_use_spend_cap budget_rebalance_flag "
        "is_adset_budget_sharing_enabled",
    ),
    *_plain(Holds.OBJECT, "promoted_object advantage_state_info"),
    *_plain(Holds.OBJECTS, "adlabels issues_info"),
    *_LAST,
]


_ADSET = [
    *_FIRST,
    *_plain(
        Holds.TEXT,
        "campaign_id name status configured_status effective_status billing_event "
        "optimization_goal optimization_sub_event bid_strategy destination_type dsa_beneficiary "
        "dsa_payor source_adset_id",
    ),
    *_plain(Holds.INSTANT, "created_time updated_time start_time end_time"),
    *_money(
        "daily_budget lifetime_budget budget_remaining daily_min_spend_target daily_spend_cap "
        "lifetime_min_spend_target lifetime_spend_cap"
    ),
    *_money("bid_amount", Holds.WHOLE),
    *_plain(Holds.WHOLE, "lifetime_imps"),
    *_plain(Holds.TEXTS, "pacing_type"),
    *_plain(Holds.FLAG, "is_dynamic_creative is_incremental_attribution_enabled use_new_app_click"),
    *_plain(Holds.OBJECT, "targeting promoted_object learning_stage_info bid_constraints"),
    *_plain(
        Holds.OBJECTS,
        "attribution_spec adset_schedule frequency_control_specs adlabels issues_info",
    ),
    *_LAST,
]


_AD = [
    *_FIRST,
    *_plain(
        Holds.TEXT,
        # Not `preview_shareable_link`: where Meta cannot make one, it refuses the whole list
        # ("Unsupported request - method type: get").
        "campaign_id adset_id name status configured_status effective_status bid_type "
        "conversion_domain source_ad_id last_updated_by_app_id",
    ),
    # Braces: without them the whole creative would have to be read with each ad.
    DimensionColumn(
        name=CREATIVE_ID, holds=Holds.TEXT, paths=("creative.id",), asks=("creative{id}",)
    ),
    *_plain(Holds.INSTANT, "created_time updated_time ad_schedule_start_time ad_schedule_end_time"),
    *_money("bid_amount", Holds.WHOLE),
    *_plain(Holds.WHOLE, "display_sequence"),
    *_plain(Holds.OBJECT, "ad_review_feedback"),
    *_plain(Holds.OBJECTS, "tracking_specs conversion_specs adlabels issues_info"),
    *_LAST,
]


_CREATIVE = [
    *_FIRST,
    *_plain(
        Holds.TEXT,
        "name status title body object_type object_id object_story_id effective_object_story_id "
        "actor_id call_to_action_type image_hash image_url thumbnail_url video_id link_url "
        "object_url template_url url_tags instagram_user_id instagram_permalink_url "
        "effective_instagram_media_id product_set_id",
    ),
    # What the ad's text and links are stands deep inside the specs, in a place for each format.
    _inside(
        "page_link",
        Holds.TEXT,
        f"{_LINK_DATA}.link",
        f"{_VIDEO_DATA}.call_to_action.value.link",
        "link_url",
    ),
    _inside("template_page_link", Holds.TEXT, f"{_TEMPLATE_DATA}.link", "template_url"),
    *(
        _inside(f"object_story_link_data_{name}", Holds.TEXT, f"{_LINK_DATA}.{name}")
        for name in ("link", "name", "caption", "description", "message")
    ),
    _inside(
        "object_story_link_data_child_attachments",
        Holds.OBJECTS,
        f"{_LINK_DATA}.child_attachments",
    ),
    *(
        _inside(
            f"object_story_link_data_app_link_spec_{app}",
            Holds.OBJECTS,
            f"{_LINK_DATA}.app_link_spec.{app}",
        )
        for app in _APPS
    ),
    *(
        _inside(
            f"template_app_link_spec_{app}", Holds.OBJECTS, f"{_TEMPLATE_DATA}.app_link_spec.{app}"
        )
        for app in _APPS
    ),
    _inside("asset_feed_spec_link_urls", Holds.OBJECTS, "asset_feed_spec.link_urls"),
    *_plain(
        Holds.OBJECT,
        "object_story_spec asset_feed_spec degrees_of_freedom_spec platform_customizations "
        "template_url_spec",
    ),
    *_plain(Holds.OBJECTS, "adlabels"),
    *_LAST,
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
    )
}


def selected_columns(name: str, wanted: Collection[str]) -> tuple[DimensionColumn, ...]:
    """Return the columns of a dimension that are wanted, and its key."""
    return tuple(
        column
        for column in DIMENSIONS[name].columns
        if column.name in wanted or column.name in DIMENSION_KEY
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
