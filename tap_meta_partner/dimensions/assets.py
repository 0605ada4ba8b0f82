"""Columns of what an ad account holds besides its campaigns: pixels, images, audiences, videos.

Each is listed in full in every run, as creatives are: Meta takes no filter by what changed here.
"""

from __future__ import annotations

from tap_meta_partner.dimensions.columns import FIRST, LAST, Holds, inside, plain

CUSTOM_CONVERSION = [
    *FIRST,
    *plain(
        Holds.TEXT,
        "name description rule aggregation_rule custom_event_type event_source_type "
        "event_source_id",
    ),
    inside("pixel_id", Holds.TEXT, "pixel.id"),
    *plain(Holds.WHOLE, "default_conversion_value retention_days"),
    *plain(Holds.INSTANT, "creation_time first_fired_time last_fired_time"),
    *plain(Holds.FLAG, "is_archived is_unavailable"),
    *plain(Holds.OBJECTS, "data_sources"),
    *LAST,
]


PIXEL = [
    *FIRST,
    *plain(Holds.TEXT, "name data_use_setting first_party_cookie_status"),
    inside("owner_business_id", Holds.TEXT, "owner_business.id"),
    inside("owner_ad_account_id", Holds.TEXT, "owner_ad_account.account_id"),
    *plain(Holds.TEXTS, "automatic_matching_fields"),
    *plain(Holds.INSTANT, "creation_time last_fired_time"),
    *plain(
        Holds.FLAG,
        "enable_automatic_matching is_created_by_business is_crm is_restricted_use is_unavailable",
    ),
    *LAST,
]


IMAGE = [
    *FIRST,
    # The hash joins a creative's image_hash. `url` works for some days only.
    *plain(Holds.TEXT, "hash name status permalink_url url url_128"),
    *plain(Holds.WHOLE, "width height original_width original_height"),
    *plain(Holds.INSTANT, "created_time updated_time"),
    *plain(Holds.FLAG, "is_associated_creatives_in_adgroups"),
    *plain(Holds.TEXTS, "creatives"),
    *LAST,
]


VIDEO = [
    *FIRST,
    # Not `source` and its kin: these need rights to the page that published the video.
    *plain(Holds.TEXT, "title description picture permalink_url"),
    inside("video_status", Holds.TEXT, "status.video_status"),
    *plain(Holds.NUMBER, "length"),
    *plain(Holds.WHOLE, "views"),
    *plain(Holds.INSTANT, "created_time updated_time"),
    *plain(Holds.FLAG, "published"),
    *LAST,
]


CUSTOM_AUDIENCE = [
    *FIRST,
    # Not `rule`: Meta gives it to those only who may manage the audience.
    *plain(Holds.TEXT, "name description subtype pixel_id customer_file_source"),
    *plain(
        Holds.WHOLE,
        "approximate_count_lower_bound approximate_count_upper_bound retention_days",
    ),
    *plain(Holds.UNIX, "time_created time_updated time_content_updated"),
    *plain(Holds.FLAG, "is_value_based"),
    *plain(Holds.OBJECT, "delivery_status operation_status data_source lookalike_spec"),
    *LAST,
]
