"""What ads show: one creative for each ad, of one of six forms.

Links stand where they stand at Meta: in `object_story_spec.link_data` and its cards, in a video's
call to action, in `asset_feed_spec.link_urls` or in `template_url_spec`. A creative has no times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from tap_meta_partner.sandbox.world.advertising import Ad

Object = dict[str, object]
_PAGE, _INSTAGRAM = "104056922962001", "178414000000001"
_URL_TAGS = "utm_source=facebook&utm_medium=paid&utm_campaign={{campaign.name}}&utm_id={{ad.id}}"
_SHOP = "https://shop.example"
_TITLES = ("Frühling im Ausverkauf", "Découvrez l'été", "新商品が届きました", "Summer “drop” ✨")
_BODIES = ("Nur bis Sonntag: 20 %.", "Livraison offerte\ndès 50 €", "送料無料", "Don't miss out!")


def id_of(ad: Ad) -> str:
    """Return the id of an ad's creative."""
    return str(int(ad.id) + 1)


def ad_id_of(creative_id: str) -> str:
    """Return the id of the ad that shows a creative, if there is one."""
    return str(int(creative_id) - 1)


def creative(ad: Ad, seed: int, now: dt.datetime) -> Object:
    """Return an ad's creative; its picture's address is good for a week and changes every day."""
    number = ad.number + seed
    title, body = _TITLES[number % 4], _BODIES[number % 4]
    day = int(now.timestamp()) // 86_400
    signature = f"oh={number:08x}&oe={(day + 7) * 86_400:X}"
    shared: Object = {
        "id": id_of(ad),
        "name": f"{ad.name} creative",
        "status": "ACTIVE",
        "actor_id": _PAGE,
        "instagram_user_id": _INSTAGRAM,
        "effective_object_story_id": f"{_PAGE}_{number}",
        "instagram_permalink_url": f"https://instagram.example/p/{number}/",
        "thumbnail_url": f"https://images.example/t/{number}.jpg?{signature}",
    }
    form = _FORMS[ad.number % len(_FORMS)]
    return shared | form(number, title, body)


def _link(number: int, title: str, body: str) -> Object:
    link = f"{_SHOP}/produkt/{number}?größe=L"
    return {
        **_texts(title, body),
        "object_type": "SHARE",
        "call_to_action_type": "SHOP_NOW",
        "image_hash": f"{number:032x}",
        "image_url": f"https://images.example/{number}.jpg",
        "url_tags": _URL_TAGS,
        "object_story_spec": {
            "page_id": _PAGE,
            "link_data": {
                "link": link,
                "attachment_style": "link",
                "caption": "shop.example",
                "name": title,
                "description": "30 Tage Rückgabe",
                "message": body,
                "image_hash": f"{number:032x}",
                "call_to_action": {"type": "SHOP_NOW", "value": {"link": link}},
            },
        },
    }


def _carousel(number: int, title: str, body: str) -> Object:
    cards = [
        {
            "link": f"{_SHOP}/karte/{number}/{card}",
            "name": f"{title} {card}",
            "description": f"Karte {card}",
            "image_hash": f"{number * 10 + card:032x}",
            "picture": f"https://images.example/{number}/{card}.jpg",
            "call_to_action": {"type": "LEARN_MORE"},
        }
        for card in (1, 2, 3)
    ]
    return {
        **_texts(title, body),
        "object_type": "SHARE",
        "call_to_action_type": "LEARN_MORE",
        "url_tags": _URL_TAGS,
        "object_story_spec": {
            "page_id": _PAGE,
            "link_data": {
                "link": f"{_SHOP}/karten/{number}",
                "message": body,
                "multi_share_end_card": False,
                "multi_share_optimized": True,
                "child_attachments": cards,
            },
        },
    }


def _video(number: int, title: str, body: str) -> Object:
    return {
        **_texts(title, body),
        "object_type": "VIDEO",
        "call_to_action_type": "LEARN_MORE",
        "video_id": str(990_000_000_000 + number),
        "object_story_spec": {
            "page_id": _PAGE,
            "video_data": {
                "video_id": str(990_000_000_000 + number),
                "image_hash": f"{number:032x}",
                "title": title,
                "message": body,
                "call_to_action": {
                    "type": "LEARN_MORE",
                    "value": {"link": f"{_SHOP}/film/{number}?utm_source=meta"},
                },
            },
        },
    }


def _photo(number: int, title: str, body: str) -> Object:
    # A post that was there before the ad: it has no link, and its own id.
    return {
        **_texts(title, body),
        "object_type": "PHOTO",
        "object_story_id": f"{_PAGE}_{number}",
        "image_url": f"https://images.example/{number}.jpg",
        "object_story_spec": {
            "page_id": _PAGE,
            "photo_data": {
                "caption": body,
                "image_hash": f"{number:032x}",
                "url": f"https://images.example/{number}.jpg",
            },
        },
    }


def _asset_feed(number: int, title: str, body: str) -> Object:
    # A dynamic creative: no title or body of its own, lists to choose from instead.
    return {
        "object_type": "SHARE",
        "url_tags": _URL_TAGS,
        "object_story_spec": {"page_id": _PAGE},
        "asset_feed_spec": {
            "link_urls": [
                {"website_url": f"{_SHOP}/auswahl/{number}", "display_url": "shop.example"},
                {"website_url": f"{_SHOP}/auswahl/{number}?v=2"},
            ],
            "bodies": [{"text": body}, {"text": f"{body} (2)"}],
            "titles": [{"text": title}, {"text": f"{title} (2)"}],
            "descriptions": [{"text": "30 Tage Rückgabe"}],
            "images": [{"hash": f"{number:032x}"}],
            "call_to_action_types": ["SHOP_NOW"],
            "ad_formats": ["SINGLE_IMAGE"],
            "optimization_type": "DEGREES_OF_FREEDOM",
        },
    }


def _catalogue(number: int, title: str, body: str) -> Object:
    # Products fill the braces when the ad is shown.
    return {
        **_texts("{{product.name}}", body),
        "object_type": "SHARE",
        "call_to_action_type": "SHOP_NOW",
        "product_set_id": str(880_000_000_000 + number),
        "applink_treatment": "deeplink_with_web_fallback",
        "product_data": [{"product_set_id": str(880_000_000_000 + number)}],
        "template_url_spec": {
            "web": {"url": f"{_SHOP}/p?sku={{{{product.retailer_id}}}}&utm_source=meta"}
        },
        "object_story_spec": {
            "page_id": _PAGE,
            "template_data": {
                "link": _SHOP,
                "name": "{{product.name}}",
                "message": f"{title}: {body}",
                "call_to_action": {"type": "SHOP_NOW"},
            },
        },
    }


def _texts(title: str, body: str) -> Object:
    return {"title": title, "body": body}


_FORMS: tuple[Callable[[int, str, str], Object], ...] = (
    _link,
    _carousel,
    _video,
    _asset_feed,
    _catalogue,
    _photo,
)
