"""What an ad account holds besides its campaigns: pixels, custom conversions, images and the like.

Each account has its own, drawn from the seed; what creatives show (images, videos) is what their
ads' creatives name. An object has no key for what it does not have.
"""

from __future__ import annotations

import datetime as dt
import json
from random import Random
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.world import creatives

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_meta_partner.sandbox.world.advertising import AdAccount
    from tap_meta_partner.sandbox.world.world import World

Object = dict[str, object]
_EVENTS = ("PURCHASE", "LEAD", "ADD_TO_CART", "OTHER")
_SUBTYPES = ("CUSTOM", "WEBSITE", "LOOKALIKE", "ENGAGEMENT")
_NAMES = ("Danke-Seite", "Newsletter", "Warenkorb über 50 €", "お問い合わせ")
_YEAR = 365 * 86_400


def listed(world: World, account: AdAccount, edge: str) -> list[Object]:
    """Return all objects that an account lists at an edge, in the order of their ids."""
    return sorted(_EDGES[edge](world, account), key=lambda each: str(each["id"]))


def pixel_id_of(account: AdAccount) -> str:
    """Return the id of an account's pixel."""
    return str(700_000_000_000_000 + int(account.id) % 10**9)


def _pixels(world: World, account: AdAccount) -> list[Object]:
    return [
        {
            "id": pixel_id_of(account),
            "name": f"{account.name} pixel",
            "creation_time": _time(account.created),
            "last_fired_time": _time(world.now()),
            "data_use_setting": "ADVERTISING_AND_ANALYTICS",
            "first_party_cookie_status": "FIRST_PARTY_COOKIE_ENABLED",
            "automatic_matching_fields": ["em", "fn"],
            "enable_automatic_matching": True,
            "is_created_by_business": True,
            "is_crm": False,
            "is_restricted_use": False,
            "is_unavailable": False,
            "owner_ad_account": {"account_id": account.id, "id": f"act_{account.id}"},
            "owner_business": {"id": account.business.id, "name": account.business.name},
        }
    ]


def _custom_conversions(world: World, account: AdAccount) -> list[Object]:
    draw = Random(f"{world.seed}/conversions/{account.id}")
    found = []
    for number, name in enumerate(_NAMES[: 1 + draw.randrange(len(_NAMES))]):
        event = draw.choice(_EVENTS)
        each: Object = {
            "id": str(800_000_000_000_000 + (int(account.id) % 10**9) * 10 + number),
            "account_id": account.id,
            "name": name,
            "rule": json.dumps({"and": [{"URL": {"i_contains": f"thanks-{number}"}}]}),
            "custom_event_type": event,
            "event_source_type": "pixel",
            "event_source_id": pixel_id_of(account),
            "pixel": {"id": pixel_id_of(account)},
            "data_sources": [{"id": pixel_id_of(account), "source_type": "PIXEL"}],
            "default_conversion_value": draw.randrange(0, 50),
            "retention_days": 28,
            "creation_time": _time(account.created),
            "is_archived": draw.random() < 0.2,  # noqa: PLR2004  (some are)
            "is_unavailable": False,
        }
        if draw.random() < 0.8:  # noqa: PLR2004  (the others never fired)
            each |= {
                "first_fired_time": _time(account.created + dt.timedelta(days=3)),
                "last_fired_time": _time(world.now()),
            }
        found.append(each)
    return found


def _images(world: World, account: AdAccount) -> list[Object]:
    found: dict[str, Object] = {}
    for ad in account.ads:
        shown = creatives.creative(ad, world.seed, world.now())
        image_hash = shown.get("image_hash")
        if not image_hash:
            continue
        each = found.setdefault(
            str(image_hash),
            {
                "id": f"{account.id}:{image_hash}",
                "account_id": account.id,
                "hash": image_hash,
                "name": f"{ad.name}.jpg",
                "status": "ACTIVE",
                "permalink_url": f"https://images.example/p/{image_hash}",
                "url": shown.get("image_url", f"https://images.example/{image_hash}.jpg"),
                "url_128": f"https://images.example/128/{image_hash}.jpg",
                "width": 1080,
                "height": 1080,
                "original_width": 2160,
                "original_height": 2160,
                "created_time": _time(account.created),
                "updated_time": _time(account.created + dt.timedelta(days=1)),
                "is_associated_creatives_in_adgroups": True,
                "creatives": [],
            },
        )
        named = each["creatives"]
        if isinstance(named, list):
            named.append(creatives.id_of(ad))
    return list(found.values())


def _videos(world: World, account: AdAccount) -> list[Object]:
    found: dict[str, Object] = {}
    for ad in account.ads:
        video_id = creatives.creative(ad, world.seed, world.now()).get("video_id")
        if video_id:
            found[str(video_id)] = {
                "id": video_id,
                "title": f"{ad.name} video",
                "description": "30 Sekunden",
                "length": 12.5 + ad.number % 20,
                "views": 1_000 + ad.number % 500,
                "picture": f"https://images.example/v/{video_id}.jpg",
                "permalink_url": f"/104056922962001/videos/{video_id}/",
                "status": {"video_status": "ready"},
                "published": False,
                "created_time": _time(account.created),
                "updated_time": _time(account.created + dt.timedelta(days=1)),
            }
    return list(found.values())


def _custom_audiences(world: World, account: AdAccount) -> list[Object]:
    draw = Random(f"{world.seed}/audiences/{account.id}")
    born = int(account.created.timestamp())
    found = []
    for number in range(draw.randrange(1, 5)):
        least = draw.randrange(1_000, 90_000)
        subtype = _SUBTYPES[number % len(_SUBTYPES)]
        each: Object = {
            "id": str(900_000_000_000_000 + (int(account.id) % 10**9) * 10 + number),
            "account_id": account.id,
            "name": f"{subtype.title()} {number}",
            "description": "Käufer der letzten 180 Tage",
            "subtype": subtype,
            "approximate_count_lower_bound": least,
            "approximate_count_upper_bound": least * 12 // 10,
            "retention_days": 180,
            "time_created": born,
            "time_updated": born + draw.randrange(_YEAR),
            "time_content_updated": born + draw.randrange(_YEAR),
            "is_value_based": False,
            "delivery_status": {"code": 200, "description": "This audience is ready for use."},
            "operation_status": {"code": 200, "description": "Normal"},
            "data_source": {"type": "EVENT_BASED", "sub_type": "WEB_PIXEL_HITS"},
        }
        if subtype == "WEBSITE":
            each["pixel_id"] = pixel_id_of(account)
        if subtype == "LOOKALIKE":
            each["lookalike_spec"] = {"country": account.business.country, "ratio": 0.01}
        found.append(each)
    return found


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S+0000")


_EDGES: Mapping[str, Callable[[World, AdAccount], list[Object]]] = {
    "adspixels": _pixels,
    "customconversions": _custom_conversions,
    "adimages": _images,
    "advideos": _videos,
    "customaudiences": _custom_audiences,
}

#: The edges of an ad account that list these.
ASSET_EDGES = frozenset(_EDGES)
