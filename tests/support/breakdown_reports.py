"""Every breakdown Meta documents, as one report each.

The combinations are the rows of Meta's "Combining Breakdowns" ("Insights API Breakdowns"), typed in
here, with the breakdowns that Meta's enumeration has and that table has not. Those with an asterisk
there are asked a second time, joined with a target and a destination.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ADVERTISER_HOURS = "hourly_stats_aggregated_by_advertiser_time_zone"
AUDIENCE_HOURS = "hourly_stats_aggregated_by_audience_time_zone"
JOINED = ("action_type", "action_target_id", "action_destination")
USUAL = ("spend", "impressions", "clicks", "reach")
COUNTED = ("spend", "impressions", "clicks")

#: PostgreSQL's names have 63 characters at most.
_SHORT = {
    ADVERTISER_HOURS: "advertiser_hours",
    AUDIENCE_HOURS: "audience_hours",
    "publisher_platform": "platform",
    "platform_position": "position",
}
_LEVEL_IDS = {"account": (), "campaign": ("campaign_id",), "adset": ("adset_id",), "ad": ("ad_id",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report, and what Meta says of its rows.

    Attributes:
        columns: the columns its breakdowns become in the key; the breakdowns themselves where None.
        objects: its breakdowns whose values are objects, kept beside their ids.
    """

    name: str
    level: str
    breakdowns: tuple[str, ...] = ()
    action_breakdowns: tuple[str, ...] = ()
    fields: tuple[str, ...] = USUAL
    columns: tuple[str, ...] | None = None
    objects: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that hold its breakdowns' values."""
        return self.breakdowns if self.columns is None else self.columns

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""
        return ("account_id", "date_start", *_LEVEL_IDS[self.level], *self.values)

    @property
    def setting(self) -> dict[str, Any]:
        """How it is configured."""
        setting: dict[str, Any] = {
            "name": self.name,
            "level": self.level,
            "fields": list(self.fields),
            "breakdowns": list(self.breakdowns),
        }
        # An empty list would be something else: no action type either.
        if self.action_breakdowns:
            setting["action_breakdowns"] = list(self.action_breakdowns)
        return setting


def _by(level: str, *breakdowns: str, **more: Any) -> Report:  # noqa: ANN401  (a Report's own)
    return Report(name=f"by_{_short(breakdowns)}", level=level, breakdowns=breakdowns, **more)


def _short(breakdowns: tuple[str, ...]) -> str:
    return "_".join(_SHORT.get(name, name) for name in breakdowns)


def _asset(level: str, *breakdowns: str) -> Report:
    """Make a report by one asset, and by people where these are named before it."""
    *people, asset = breakdowns
    return _by(level, *breakdowns, columns=(*people, f"{asset}_id"), objects=(asset,))


def _joined(report: Report, *action_breakdowns: str, level: str) -> Report:
    """Make the report of the same breakdowns joined with action breakdowns."""
    return Report(
        name=f"{report.name}_joined",
        level=level,
        breakdowns=report.breakdowns,
        action_breakdowns=action_breakdowns,
        fields=(*COUNTED, "actions"),
    )


def _actions_by(level: str, *action_breakdowns: str, breakdowns: tuple[str, ...] = ()) -> Report:
    return Report(
        name=f"actions_by_{_short((*breakdowns, *action_breakdowns))}",
        level=level,
        breakdowns=breakdowns,
        action_breakdowns=("action_type", *action_breakdowns),
        fields=(*COUNTED, "actions"),
    )


#: In the table with an asterisk.
STARRED = (
    _by("ad", "age"),
    _by("adset", "gender"),
    _by("campaign", "age", "gender"),
    _by("account", "country"),
    _by("ad", "region"),
    _by("adset", "publisher_platform"),
    _by("campaign", "publisher_platform", "platform_position"),
    _by("account", "publisher_platform", "impression_device"),
    _by("campaign", "publisher_platform", "platform_position", "impression_device"),
    _by("ad", "product_id"),
    _by("account", ADVERTISER_HOURS, fields=COUNTED),
    _by("campaign", AUDIENCE_HOURS, fields=COUNTED),
)
#: In the table or in Meta's notes on it without one.
OTHERS = (
    _by("campaign", "app_id", "skan_conversion_id", fields=("total_postbacks",)),
    _by("account", "frequency_value", fields=("reach",)),
    _by("adset", "place_page_id"),
    _asset("ad", "body_asset"),
    _asset("adset", "call_to_action_asset"),
    _asset("campaign", "description_asset"),
    _asset("adset", "image_asset"),
    _asset("account", "link_url_asset"),
    _asset("ad", "title_asset"),
    _asset("campaign", "video_asset"),
    # A word rather than an object, in what others have seen of it: no column of its own.
    _by("account", "ad_format_asset"),
    _asset("account", "age", "gender", "body_asset"),
    _asset("ad", "gender", "image_asset"),
)
#: In Meta's enumeration only.
UNDOCUMENTED = (
    _by("ad", "device_platform"),
    _by("adset", "publisher_platform", "device_platform"),
    _by("account", "publisher_platform", "platform_position", "device_platform"),
    _by("campaign", "comscore_market"),
    _by("account", "comscore_market_code"),
    _by("ad", "user_segment_key"),
    _asset("ad", "media_asset"),
    _asset("ad", "rule_asset"),
    _by("ad", "creative_automation_asset_id", objects=("creative_automation_asset",)),
    _by(
        "adset",
        "mmm",
        fields=("spend", "impressions"),
        columns=(
            *("country", "region", "dma", "device_platform", "platform_position"),
            *("publisher_platform", "creative_media_type"),
        ),
    ),
)
#: By target and destination of the actions.
JOINS = tuple(
    _joined(report, *JOINED, level=level)
    for report, level in zip(
        STARRED,
        (
            *("account", "campaign", "account", "adset", "campaign", "ad"),
            *("adset", "campaign", "account", "adset", "account", "account"),
        ),
        strict=True,
    )
)
_PLACES = (
    ("publisher_platform",),
    ("impression_device",),
    ("publisher_platform", "impression_device"),
    ("publisher_platform", "platform_position"),
    ("publisher_platform", "platform_position", "impression_device"),
)
_CARD_WITH = (("impression_device",), ("country",), ("age",), ("gender",), ("age", "gender"))
#: Action breakdowns that split the sandbox's actions.
SPLITTING = (
    _actions_by("ad", "action_device"),
    *(_actions_by("account", "action_device", breakdowns=place) for place in _PLACES),
    _actions_by("campaign", "action_target_id"),
    _actions_by("adset", "action_destination"),
    _actions_by("account", "action_reaction"),
    _actions_by("ad", "action_carousel_card_id"),
    _actions_by("campaign", "action_carousel_card_name"),
    *(_actions_by("account", "action_carousel_card_id", breakdowns=each) for each in _CARD_WITH),
    _actions_by("adset", "action_canvas_component_name"),
    _actions_by("ad", "action_video_type"),
    _actions_by("account", "action_video_sound"),
    _actions_by("campaign", "conversion_destination"),
    _actions_by("adset", "standard_event_content_type"),
)
#: Those of which it has no action.
NOT_SPLITTING = (
    _actions_by("account", "is_business_ai_assisted"),
    _actions_by("campaign", "matched_persona_id"),
    _actions_by("account", "matched_persona_name"),
    _actions_by("ad", "signal_source_bucket"),
)
WITH_ACTIONS = (*JOINS, *SPLITTING, *NOT_SPLITTING)
REPORTS = (*STARRED, *OTHERS, *UNDOCUMENTED, *WITH_ACTIONS)
