"""The words a setting may use, and the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

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


#: What Meta splits action lists by where nothing is asked (Ad Insights, `action_breakdowns`).
DEFAULT_ACTION_BREAKDOWNS = ("action_type",)


DEFAULT_API_URL = "https://graph.facebook.com"


DEFAULT_API_VERSION = "v26.0"


DEFAULT_HISTORY_DAYS = 30


DEFAULT_LOOKBACK_DAYS = 28


#: What becomes of days whose rows the target has already.
UNCHANGED_DAYS = ("skip", "write")
REREAD = ("all", "changed")


DEFAULT_CONCURRENCY = 8


DEFAULT_TIMEOUT_SECONDS = 300.0


DEFAULT_USER_AGENT = "tap-meta-partner"


#: From the widest view to the closest; a field belongs to its own level and those below.
LEVELS = ("account", "campaign", "adset", "ad")


REPORT_MODES = ("auto", "sync", "async")


#: Ad account status codes (Ad Account reference, v25); 201 and 202 are filter values, not statuses.
ACCOUNT_STATUSES: Mapping[int, str] = {
    1: "ACTIVE",
    2: "DISABLED",
    3: "UNSETTLED",
    7: "PENDING_RISK_REVIEW",
    8: "PENDING_SETTLEMENT",
    9: "IN_GRACE_PERIOD",
    100: "PENDING_CLOSURE",
    101: "CLOSED",
}


#: Windows that Meta's enumeration still lists, but for which it returns nothing since 2026-01-12.
DEAD_ATTRIBUTION_WINDOWS = frozenset(
    f"{days}d_view{suffix}"
    for days in (7, 28)
    for suffix in ("", "_first_conversion", "_all_conversions")
)


#: Those of Meta's enumeration that are not dead; others are asked for with a warning.
ATTRIBUTION_WINDOWS = (
    "1d_click",
    "7d_click",
    "28d_click",
    "1d_view",
    "1d_ev",
    "default",
    "dda",
    "custom",
    *(f"{days}d_sequenced" for days in (1, 7, 28)),
    *(f"incrementality{which}" for which in ("", "_first_conversion", "_all_conversions")),
    *(
        f"skan_{kind}{postback}"
        for kind in ("click", "view")
        for postback in ("", "_second_postback", "_third_postback")
    ),
    # Asked for on their own since 2024 ("Marketing API", 30 October 2024); not in the enumeration.
    *(
        f"{window}_{which}_conversion{'s' if which == 'all' else ''}"
        for window in ("1d_click", "7d_click", "28d_click", "1d_view")
        for which in ("first", "all")
    ),
)


#: The four insights streams that are always there, by stream name.
BUILT_IN_REPORTS: Mapping[str, str] = {f"{level}_insights": level for level in LEVELS}


RESERVED_STREAM_NAMES = frozenset(BUILT_IN_REPORTS) | {
    "ad_accounts",
    "account_sync_status",
    "campaigns",
    "adsets",
    "ads",
    "adcreatives",
    "custom_conversions",
    "pixels",
    "images",
    "videos",
    "custom_audiences",
    "activities",
    "campaigns_history",
    "adsets_history",
    "ads_history",
}
