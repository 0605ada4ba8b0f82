"""Whom an ad set is shown to, and where: a targeting, as deeply nested as Meta's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

Object = dict[str, object]
_POSITIONS: dict[str, list[str]] = {
    "facebook": ["feed", "facebook_reels", "story"],
    "instagram": ["stream", "story", "reels"],
    "audience_network": ["classic", "rewarded_video"],
    "messenger": ["messenger_home", "story"],
}
_INTERESTS = {"6003107902433": "Surfen", "6003139266461": "Rugby", "6003384248805": "ファッション"}
_AUDIENCES = {"23850000000000001": "Käufer 180 Tage", "23850000000000002": "Besucher 30 Tage"}


def targeting(draw: Random, country: str) -> Object:
    """Return the targeting of an ad set; which parts it has is drawn."""
    found: Object = {
        "age_min": draw.choice((18, 25)),
        "age_max": 65,
        "geo_locations": {"countries": [country], "location_types": ["home", "recent"]},
    }
    found |= draw.choice((_everywhere, _by_place, _by_interest, _by_audience))(country)
    return found


def of_ad(found: Object) -> Object:
    """Return an ad's own targeting: its ad set's, and how far Meta may go beyond it."""
    return {**found, "targeting_relaxation_types": {"lookalike": 1, "custom_audience": 1}}


def _everywhere(_: str) -> Object:
    # Advantage+: Meta chooses whom and where.
    return {
        "targeting_automation": {"advantage_audience": 1},
        "targeting_optimization": "expansion_all",
        "brand_safety_content_filter_levels": ["FACEBOOK_STANDARD", "AN_STANDARD"],
    }


def _by_place(country: str) -> Object:
    positions = {f"{platform}_positions": names for platform, names in _POSITIONS.items()}
    region = {"key": "3847", "name": "Region", "country": country}
    return {
        **positions,
        "publisher_platforms": list(_POSITIONS),
        "device_platforms": ["mobile", "desktop"],
        "user_os": ["iOS", "Android"],
        "geo_locations": {
            "countries": [country],
            "regions": [region],
            "location_types": ["home", "recent"],
        },
        "brand_safety_content_filter_levels": ["FACEBOOK_STRICT"],
    }


def _by_interest(_: str) -> Object:
    behaviour = {"id": "6071631541183", "name": "Engaged Shoppers"}
    return {
        "genders": [2],
        "locales": [5, 6],
        "flexible_spec": [{"interests": _named(_INTERESTS), "behaviors": [behaviour]}],
    }


def _by_audience(country: str) -> Object:
    bought, visited = _named(_AUDIENCES)
    return {
        **_by_place(country),
        "custom_audiences": [visited],
        "excluded_custom_audiences": [bought],
    }


def _named(known: dict[str, str]) -> list[Object]:
    return [{"id": identity, "name": name} for identity, name in known.items()]
