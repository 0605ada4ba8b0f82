"""Campaigns, ad sets, ads and creatives as Graph objects, with the fields of Meta's reference.

Budgets are text in minor units: hundredths, but whole units for JPY and its like. Times carry the
offset of the account's time zone. An object has no key for what it does not have.
"""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.graph.accounts import FieldRequest
from tap_meta_partner.sandbox.protocol.asset_vocabulary import (
    ACTIVITY_FIELDS,
    AUDIENCE_FIELDS,
    CUSTOM_CONVERSION_FIELDS,
    IMAGE_FIELDS,
    PIXEL_FIELDS,
    VIDEO_FIELDS,
)
from tap_meta_partner.sandbox.protocol.errors import (
    invalid_story,
    nonexisting_field,
    unknown_error,
)
from tap_meta_partner.sandbox.protocol.vocabulary import (
    AD_FIELDS,
    ADSET_FIELDS,
    CAMPAIGN_FIELDS,
    CREATIVE_FIELDS,
)
from tap_meta_partner.sandbox.world import creatives, targeting
from tap_meta_partner.sandbox.world.advertising import Ad

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.sandbox.world.advertising import AdAccount, AdSet, Campaign
    from tap_meta_partner.sandbox.world.world import World

Object = dict[str, object]
_FIELDS = {
    "campaign": ("Campaign", CAMPAIGN_FIELDS),
    "adset": ("AdSet", ADSET_FIELDS),
    "ad": ("Ad", AD_FIELDS),
    "creative": ("AdCreative", CREATIVE_FIELDS),
    "customconversions": ("CustomConversion", CUSTOM_CONVERSION_FIELDS),
    "adspixels": ("AdsPixel", PIXEL_FIELDS),
    "adimages": ("AdImage", IMAGE_FIELDS),
    "advideos": ("AdVideo", VIDEO_FIELDS),
    "customaudiences": ("CustomAudience", AUDIENCE_FIELDS),
    "activities": ("AdActivity", ACTIVITY_FIELDS),
}
_PIXEL, _PAGE, _APP = "310000000000001", "104056922962001", "560000000000001"
_PROMOTED = ({"pixel_id": _PIXEL, "custom_event_type": "PURCHASE"}, {"page_id": _PAGE})
_ADVANTAGE = tuple(
    {
        "advantage_state": state,
        "advantage_audience_state": part,
        "advantage_budget_state": part,
        "advantage_placement_state": part,
    }
    for state, part in (("ADVANTAGE_PLUS_SALES", "ENABLED"), ("DISABLED", "DISABLED"))
)
_WINDOWS = {
    "7d_click": (("CLICK_THROUGH", 7),),
    "7d_click_1d_view": (("CLICK_THROUGH", 7), ("VIEW_THROUGH", 1)),
}


def check_fields(kind: str, requests: tuple[FieldRequest, ...]) -> None:
    """Raise what Meta says of the first field an object of the kind does not have."""
    node_type, fields = _FIELDS[kind]
    for name, _ in requests:
        if name not in fields:
            raise nonexisting_field(name, node_type)


def described(
    world: World,
    kind: str,
    account: AdAccount,
    each: Campaign | AdSet | Ad,
    requests: tuple[FieldRequest, ...],
) -> Object:
    """Return the asked fields of an object, `id` always; one that has no value is absent."""
    known = _KNOWN[kind](world, account, each)
    found: Object = {}
    for name, parts in requests:
        if name == "creative" and set(parts) - {"id"} and isinstance(each, Ad):
            nested = tuple(FieldRequest(part, ()) for part in parts)
            check_fields("creative", nested)
            found[name] = described(world, "creative", account, each, nested)
        elif name in known:
            found[name] = _parts_of(known[name], parts)
    if kind == "creative":
        if known["id"] in world.broken_creatives and set(found) - {"id"}:
            raise unknown_error()
        if known["id"] in world.rejected_stories and "object_story_spec" in found:
            raise invalid_story()
    return {**found, "id": known["id"]}


def _parts_of(value: object, parts: tuple[str, ...]) -> object:
    if not parts or not isinstance(value, dict):
        return value
    if isinstance(value.get("data"), list):
        # A list of its own beneath an object.
        return {**value, "data": [_parts_of(each, parts) for each in value["data"]]}
    return {name: value[name] for name in parts if name in value}


def _campaign(world: World, account: AdAccount, each: Campaign) -> Object:
    draw = Random(f"{world.seed}/campaign/{each.id}")
    own_budget = draw.random() < 0.5  # noqa: PLR2004  (else its ad sets have budgets)
    found: Object = {
        **_common(world, account, each),
        "objective": each.objective,
        "buying_type": each.buying_type,
        "smart_promotion_type": "GUIDED_CREATION",
        "special_ad_categories": [],
        "special_ad_category": "NONE",
        "pacing_type": ["standard"],
        "budget_rebalance_flag": False,
        "can_use_spend_cap": True,
        "is_skadnetwork_attribution": False,
        "is_adset_budget_sharing_enabled": False,
        "is_budget_schedule_enabled": False,
        "source_campaign_id": "0",
        "topline_id": "0",
        "start_time": _time(account, world.statuses.created(each)),
        "budget_remaining": "0",
    }
    # By its id, so that what is drawn for other campaigns and columns stays as it is.
    found["advantage_state_info"] = _ADVANTAGE[int(each.id) % len(_ADVANTAGE)]
    if not int(each.id) % 4:
        found["brand_lift_studies"] = {"data": [_study(account, each)]}
    if own_budget:
        found |= _budget(draw) | {"bid_strategy": "LOWEST_COST_WITHOUT_CAP"}
    if draw.random() < 0.3:  # noqa: PLR2004  (some campaigns may not spend more than so much)
        found["spend_cap"] = _minor(1_000 * draw.randrange(1, 50))
    if each.effective_status == "ARCHIVED":
        found["stop_time"] = _time(account, world.statuses.updated(each))
    return found


def _study(account: AdAccount, campaign: Campaign) -> Object:
    """Return a test of brand lift as a campaign's list of them has it."""
    return {
        "id": f"7{campaign.id}",
        "name": f"Lift of {campaign.name}",
        "type": "LIFT",
        "start_time": _time(account, account.created),
        "end_time": _time(account, account.created + dt.timedelta(days=28)),
        "sales_contact_id": "0",
    }


def _adset(world: World, account: AdAccount, each: AdSet) -> Object:
    draw = Random(f"{world.seed}/adset/{each.id}")
    more = Random(f"{world.seed}/adset/{each.id}/more")
    parent = next(c for c in account.campaigns if c.id == each.campaign_id)
    parent_pays = "daily_budget" in (above := _campaign(world, account, parent)) or (
        "lifetime_budget" in above
    )
    found: Object = {
        **_common(world, account, each),
        "campaign_id": each.campaign_id,
        "campaign": {"id": each.campaign_id},
        "optimization_goal": each.optimization_goal,
        "optimization_sub_event": "NONE",
        "billing_event": "IMPRESSIONS",
        "bid_strategy": draw.choice(("LOWEST_COST_WITHOUT_CAP", "COST_CAP")),
        "destination_type": "WEBSITE",
        "pacing_type": ["standard"],
        "attribution_spec": [
            {"event_type": event_type, "window_days": days}
            for event_type, days in _WINDOWS[each.attribution_setting]
        ],
        "promoted_object": more.choice(_PROMOTED),
        "targeting": _targeting(world, account, each.id),
        "learning_stage_info": {
            "status": "SUCCESS",
            "attribution_windows": ["7d_click"],
            "conversions": more.randrange(50, 400),
            "last_sig_edit_ts": int(world.statuses.updated(each).timestamp()),
        },
        "is_dynamic_creative": False,
        "is_incremental_attribution_enabled": False,
        "use_new_app_click": False,
        "anchor_event_attribution_window_days": 0,
        "special_ad_categories": [],
        "lifetime_imps": 0,
        "source_adset_id": "0",
        "start_time": _time(account, world.statuses.created(each)),
        "daily_budget": "0",
        "lifetime_budget": "0",
        "budget_remaining": "0",
    }
    if not parent_pays:
        found |= _budget(draw)
    if found["bid_strategy"] == "COST_CAP":
        found["bid_amount"] = int(_minor(draw.randrange(2, 40)))
        found["bid_info"] = {more.choice(("ACTIONS", "REACH")): found["bid_amount"]}
    if each.effective_status == "ARCHIVED" or found["lifetime_budget"] != "0":
        found["end_time"] = _time(account, world.statuses.updated(each))
    return found


def _ad(world: World, account: AdAccount, each: Ad) -> Object:
    found: Object = {
        **_common(world, account, each),
        "campaign_id": each.campaign_id,
        "campaign": {"id": each.campaign_id},
        "adset_id": each.adset_id,
        "adset": {"id": each.adset_id},
        "creative": {"id": creatives.id_of(each)},
        "bid_type": "ABSOLUTE_OCPM",
        "conversion_domain": "shop.example",
        "display_sequence": 0,
        "last_updated_by_app_id": _APP,
        "source_ad_id": "0",
        "source_ad": {"id": "0"},
        # Seconds with delivery, as text.
        "ad_active_time": str(3600 * (each.number % 500)),
        "targeting": targeting.of_ad(_targeting(world, account, each.adset_id)),
        "preview_shareable_link": f"https://preview.example/{each.number}",
        "tracking_specs": [
            {"action.type": ["offsite_conversion"], "fb_pixel": [_PIXEL]},
            {"action.type": ["offsite_conversion"], "conversion_id": [_PIXEL]},
            {"action.type": ["post_engagement"], "post": [str(each.number)], "post.wall": [_PAGE]},
            {"action.type": ["post_engagement"], "page": [_PAGE], "post": [str(each.number)]},
        ],
        "conversion_specs": [{"action.type": ["offsite_conversion"], "conversion_id": [_PIXEL]}],
    }
    if found["effective_status"] == "DISAPPROVED":
        found["ad_review_feedback"] = {"global": {"PERSONAL_ATTRIBUTES": "Not allowed"}}
    return found


def _creative(world: World, account: AdAccount, each: Ad) -> Object:
    return {"account_id": account.id, **creatives.creative(each, world.seed, world.now())}


def _common(world: World, account: AdAccount, each: Campaign | AdSet | Ad) -> Object:
    status = world.statuses.configured(each)
    effective = world.statuses.effective(each)
    found: Object = {
        "id": each.id,
        "account_id": account.id,
        "name": each.name,
        "status": status,
        "configured_status": status,
        "effective_status": effective,
        "created_time": _time(account, world.statuses.created(each)),
        "updated_time": _time(account, world.statuses.updated(each)),
    }
    if effective == "WITH_ISSUES":
        found["issues_info"] = [
            {"level": "AD", "error_code": 1815869, "error_summary": "Payment failed"}
        ]
    return found


def _targeting(world: World, account: AdAccount, adset_id: str) -> Object:
    draw = Random(f"{world.seed}/targeting/{adset_id}")
    return targeting.targeting(draw, account.business.country)


def _budget(draw: Random) -> Object:
    """Return a daily or a lifetime budget, and what is left of it."""
    amount = draw.randrange(10, 500)
    name = "daily_budget" if draw.random() < 0.7 else "lifetime_budget"  # noqa: PLR2004
    return {
        name: _minor(amount),
        "budget_remaining": _minor(draw.randrange(amount)),
    }


def _minor(amount: int) -> str:
    """Return an amount as text in minor units; without minor units all costs a hundredfold."""
    return str(amount * 100)


def _time(account: AdAccount, moment: dt.datetime) -> str:
    return moment.astimezone(account.timezone).strftime("%Y-%m-%dT%H:%M:%S%z")


_KNOWN: dict[str, Callable[..., Object]] = {
    "campaign": _campaign,
    "adset": _adset,
    "ad": _ad,
    "creative": _creative,
}
