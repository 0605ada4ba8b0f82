"""From facts to the fields of an insights row.

Each metric returns None where Meta leaves the field out: a rate without its base, an action list
without entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.insights import action_breakdowns
from tap_meta_partner.sandbox.insights.numerals import decimal_text, ratio_text

if TYPE_CHECKING:
    from tap_meta_partner.sandbox.world.delivery import Facts


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a report wants its numbers: the account's spend decimals and the action options."""

    spend_digits: int
    value_digits: int
    windows: tuple[str, ...]
    action_breakdowns: tuple[str, ...]
    plain_actions: bool = field(init=False)

    def __post_init__(self) -> None:
        plain = not self.windows and self.action_breakdowns == ("action_type",)
        object.__setattr__(self, "plain_actions", plain)


Metric = Callable[["Facts", Presentation], object]
ActionList = list[dict[str, object]]
Counts = tuple[tuple[str, int], ...]
# The share of an action, in percent, that falls into each attribution window. 7d_view and
# 28d_view may be asked and yield nothing since 2026-01-12.
_WINDOW_PERCENT = {"1d_click": 60, "7d_click": 85, "28d_click": 92, "1d_view": 8, "1d_ev": 4}


def _count_of(name: str) -> Metric:
    return lambda facts, _: str(getattr(facts, name))


def _spend(facts: Facts, how: Presentation) -> str:
    return decimal_text(facts.spend, how.spend_digits)


def _cost(facts: Facts, count: int, how: Presentation, per: int = 1) -> str | None:
    """Return the spend per `per` of something counted `count` times."""
    return ratio_text(facts.spend * per, count * 10**how.spend_digits) if count else None


def _rate(count: int, base: int) -> str | None:
    """Return `count` in percent of `base`."""
    return ratio_text(count * 100, base) if base else None


def _unique_clicks(facts: Facts) -> int:
    return facts.clicks - facts.clicks // 10


def _unique_links(facts: Facts) -> int:
    return facts.link_clicks - facts.link_clicks // 12


def _on_post(facts: Facts) -> int:
    return facts.link_clicks + facts.reactions + facts.comments + facts.views


def _actions(facts: Facts) -> Counts:
    """Return action types and their counts; they overlap, so their sum counts things twice."""
    on_post = _on_post(facts)
    return (
        ("link_click", facts.link_clicks),
        ("landing_page_view", facts.landings),
        ("post_reaction", facts.reactions),
        ("comment", facts.comments),
        ("like", facts.likes),
        ("video_view", facts.views),
        ("post_engagement", on_post),
        ("page_engagement", on_post + facts.likes),
        ("add_to_cart", facts.carts),
        ("initiate_checkout", facts.checkouts),
        *_purchases(facts.purchases),
        ("lead", facts.leads),
        ("offsite_conversion.fb_pixel_lead", facts.leads),
    )


def _purchases(count: int) -> Counts:
    return (
        ("purchase", count),
        ("omni_purchase", count),
        ("offsite_conversion.fb_pixel_purchase", count),
    )


def _conversions(facts: Facts) -> Counts:
    return (("contact_total", facts.contacts), ("contact_website", facts.contacts))


def _entries(counts: Counts, how: Presentation, digits: int = 0) -> ActionList | None:
    """Return an AdsActionStats list: nothing for types that did not happen, None when none did."""
    if how.plain_actions:  # by far the most rows are asked like this, so it is made quickly
        return [
            {"action_type": action_type, "value": decimal_text(count, digits)}
            for action_type, count in counts
            if count
        ] or None
    found = [
        {**key, "value": decimal_text(part, digits), **_by_window(part, how, digits)}
        for key, part in action_breakdowns.parts(counts, how.action_breakdowns)
        if part
    ]
    return found or None


def _by_window(count: int, how: Presentation, digits: int) -> dict[str, object]:
    return {
        window: decimal_text(part, digits)
        for window in how.windows
        if (part := count * _WINDOW_PERCENT.get(window, 0) // 100)
    }


def _cost_entries(counts: Counts, facts: Facts, how: Presentation) -> ActionList | None:
    if not facts.spend:
        return None
    spend, unit = facts.spend, 10**how.spend_digits
    if how.plain_actions:
        found: ActionList = [
            {"action_type": action_type, "value": ratio_text(spend, count * unit)}
            for action_type, count in counts
            if count
        ]
        return found or None
    found = [
        {**key, "value": ratio_text(spend, part * unit), **_cost_by_window(part, facts, how)}
        for key, part in action_breakdowns.parts(counts, how.action_breakdowns)
        if part
    ]
    return found or None


def _cost_by_window(count: int, facts: Facts, how: Presentation) -> dict[str, object]:
    return {
        window: ratio_text(facts.spend, part * 10**how.spend_digits)
        for window in how.windows
        if (part := count * _WINDOW_PERCENT.get(window, 0) // 100)
    }


def _return_on_spend(*action_types: str) -> Metric:
    def metric(facts: Facts, how: Presentation) -> ActionList | None:
        if not facts.spend or not facts.value:
            return None
        value = facts.value * 10**how.spend_digits
        roas = ratio_text(value, facts.spend * 10**how.value_digits)
        return [{"action_type": action_type, "value": roas} for action_type in action_types]

    return metric


def _one_action(action_type: str, count: Callable[[Facts], int]) -> Metric:
    return lambda facts, how: _entries(((action_type, count(facts)),), how)


def _one_cost(action_type: str, count: Callable[[Facts], int]) -> Metric:
    return lambda facts, how: _cost_entries(((action_type, count(facts)),), facts, how)


def _one_rate(action_type: str, count: Callable[[Facts], int]) -> Metric:
    def metric(facts: Facts, _: Presentation) -> ActionList | None:
        rate = _rate(count(facts), facts.impressions)
        return [{"action_type": action_type, "value": rate}] if rate and count(facts) else None

    return metric


def _watched(percent: int) -> Metric:
    return _one_action("video_view", lambda facts: facts.views * percent // 100)


def _play_curve(facts: Facts, _: Presentation) -> ActionList | None:
    if not facts.views:
        return None
    shares = ["1", "0.8", "0.66", "0.51", "0.4", "0.31", "0.25", "0.2", "0.12", "0.06", "0.03"]
    return [{"action_type": "video_view", "value": shares}]


def _results(facts: Facts, _: Presentation) -> ActionList | None:
    if not facts.purchases:
        return None
    values = [{"value": str(facts.purchases), "attribution_windows": ["default"]}]
    indicator = "actions:offsite_conversion.fb_pixel_purchase"
    return [{"indicator": indicator, "values": values}]


def _segments(facts: Facts, *, values: bool) -> Counts:
    """Return the purchases of a catalog's products: half of all, as if the rest had none."""
    return (("purchase", (facts.value if values else facts.purchases) // 2),)


def _recallers(facts: Facts) -> int:
    return facts.reach // 15


def _people(facts: Facts) -> Counts:
    """Return how many people did something, by action type."""
    return tuple((action_type, count - count // 12) for action_type, count in _actions(facts))


#: Under which name Meta answers a field that is asked for by another.
ANSWERED_AS = {"objective_results": "results"}
#: What the model can tell of facts, by field name.
METRICS: dict[str, Metric] = {
    "impressions": _count_of("impressions"),
    "clicks": _count_of("clicks"),
    "reach": _count_of("reach"),
    "inline_link_clicks": lambda facts, _: str(facts.link_clicks) if facts.link_clicks else None,
    "inline_post_engagement": lambda f, _: str(_on_post(f)) if _on_post(f) else None,
    "unique_clicks": lambda facts, _: str(_unique_clicks(facts)) if facts.clicks else None,
    "spend": _spend,
    "social_spend": lambda _, __: "0",
    "frequency": lambda f, _: ratio_text(f.impressions, f.reach) if f.reach else None,
    "ctr": lambda facts, _: _rate(facts.clicks, facts.impressions),
    "unique_inline_link_clicks": lambda f, _: str(_unique_links(f)) if f.link_clicks else None,
    "unique_inline_link_click_ctr": lambda facts, _: _rate(_unique_links(facts), facts.reach),
    "cost_per_unique_inline_link_click": lambda f, how: _cost(f, _unique_links(f), how),
    "unique_ctr": lambda facts, _: _rate(_unique_clicks(facts), facts.reach),
    "inline_link_click_ctr": lambda facts, _: _rate(facts.link_clicks, facts.impressions),
    "cpc": lambda facts, how: _cost(facts, facts.clicks, how),
    "cpm": lambda facts, how: _cost(facts, facts.impressions, how, per=1000),
    "cpp": lambda facts, how: _cost(facts, facts.reach, how, per=1000),
    "cost_per_inline_link_click": lambda facts, how: _cost(facts, facts.link_clicks, how),
    "cost_per_inline_post_engagement": lambda facts, how: _cost(facts, _on_post(facts), how),
    "cost_per_unique_click": lambda facts, how: _cost(facts, _unique_clicks(facts), how),
    "actions": lambda facts, how: _entries(_actions(facts), how),
    "action_values": lambda f, how: _entries(_purchases(f.value), how, how.value_digits),
    "cost_per_action_type": lambda f, how: _cost_entries(_actions(f), f, how),
    "conversions": lambda facts, how: _entries(_conversions(facts), how),
    "cost_per_conversion": lambda f, how: _cost_entries(_conversions(f), f, how),
    "purchase_roas": _return_on_spend("omni_purchase"),
    "website_purchase_roas": _return_on_spend("offsite_conversion.fb_pixel_purchase"),
    "outbound_clicks": _one_action("outbound_click", lambda facts: facts.landings),
    "cost_per_outbound_click": _one_cost("outbound_click", lambda facts: facts.landings),
    "outbound_clicks_ctr": _one_rate("outbound_click", lambda facts: facts.landings),
    "website_ctr": _one_rate("link_click", lambda facts: facts.link_clicks),
    "video_play_actions": _one_action("video_view", lambda facts: facts.views),
    "video_30_sec_watched_actions": _watched(22),
    "video_thruplay_watched_actions": _watched(30),
    "video_6_sec_watched_actions": _watched(48),
    "video_15_sec_watched_actions": _watched(34),
    "cost_per_thruplay": _one_cost("video_view", lambda f: f.views * 30 // 100),
    "video_p25_watched_actions": _watched(62),
    "video_p50_watched_actions": _watched(41),
    "video_p75_watched_actions": _watched(27),
    "video_p95_watched_actions": _watched(15),
    "video_p100_watched_actions": _watched(12),
    "video_avg_time_watched_actions": _one_action("video_view", lambda f: min(f.views, 6)),
    "video_play_curve_actions": _play_curve,
    "results": _results,
    "objective_results": _results,
    "catalog_segment_actions": lambda f, how: _entries(_segments(f, values=False), how),
    "catalog_segment_value": lambda f, how: _entries(
        _segments(f, values=True), how, how.value_digits
    ),
    "unique_actions": lambda facts, how: _entries(_people(facts), how),
    "cost_per_unique_action_type": lambda f, how: _cost_entries(_people(f), f, how),
    "unique_outbound_clicks": _one_action(
        "outbound_click", lambda f: f.landings - f.landings // 12
    ),
    "unique_outbound_clicks_ctr": _one_rate("outbound_click", lambda f: f.landings),
    "cost_per_unique_outbound_click": _one_cost("outbound_click", lambda f: f.landings),
    "unique_link_clicks_ctr": lambda facts, _: _rate(_unique_links(facts), facts.reach),
    "estimated_ad_recallers": lambda f, _: str(_recallers(f)) if _recallers(f) else None,
    "estimated_ad_recall_rate": lambda f, _: _rate(_recallers(f), f.reach),
    "cost_per_estimated_ad_recallers": lambda f, how: _cost(f, _recallers(f), how),
    "full_view_impressions": lambda facts, _: str(facts.impressions * 3 // 5),
    "full_view_reach": lambda facts, _: str(facts.reach * 3 // 5),
    "instant_experience_clicks_to_open": lambda f, _: str(f.likes) if f.likes else None,
    "instant_experience_clicks_to_start": lambda f, _: str(f.likes) if f.likes else None,
    "wish_bid": lambda _, __: "0",
    "total_postbacks": lambda facts, _: str(facts.purchases + facts.leads),
}
