"""Into which parts each breakdown splits an ad-day, and how large they tend to be.

`SEGMENTS` is keyed by the set of breakdowns asked together; a set that is not there cannot be
combined. Sources: Meta, "Insights API Breakdowns" (the table of permutations); `device_platform`,
`comscore_market` and `user_segment_key` are in Meta's lists and not in that table, and are served
alone and, for the first, beside the platforms. "Asset feed spec: insights" joins assets with age
and gender. `mmm` is no column of its own: its rows carry the columns of Meta's marketing mix
export. (Meta hands that out as a CSV file only, by `export_format=csv`; here the rows of its run
are read like those of any other.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Values = tuple[object, ...]
ADVERTISER_HOURS = "hourly_stats_aggregated_by_advertiser_time_zone"
AUDIENCE_HOURS = "hourly_stats_aggregated_by_audience_time_zone"
HOURLY = frozenset({ADVERTISER_HOURS, AUDIENCE_HOURS})
SKAN = ("app_id", "skan_conversion_id")
MMM_COLUMNS = (
    "country",
    "region",
    "dma",
    "device_platform",
    "platform_position",
    "publisher_platform",
    "creative_media_type",
)
_REGIONS = {
    "US": ("California", "Wisconsin", "New York", "Texas", "Unknown"),
    "DE": ("Berlin", "Bayern", "Nordrhein-Westfalen", "unknown"),
    "JP": ("Tokyo", "Osaka Prefecture", "Hokkaidō"),
    "NZ": ("Auckland", "Canterbury", "unknown"),
    "GB": ("England", "Scotland", "Wales"),
}
_NEIGHBOURS = {"US": ("CA", "MX"), "DE": ("AT", "CH"), "JP": ("TW",), "NZ": ("AU",), "GB": ("IE",)}
_MARKETS = (
    ("New York, NY", "501", 34),
    ("Los Angeles, CA", "803", 27),
    ("Minneapolis-St. Paul, MN", "613", 12),
    ("Raleigh-Durham (Fayetteville), NC", "560", 9),
    ("unknown", "0", 18),
)
_POSITIONS = (
    ("facebook", "feed", 30),
    ("facebook", "facebook_reels", 9),
    ("facebook", "marketplace", 4),
    ("instagram", "feed", 25),
    ("instagram", "instagram_stories", 12),
    ("instagram", "instagram_reels", 9),
    ("instagram", "instagram_explore", 2),
    ("audience_network", "an_classic", 4),
    ("messenger", "messenger_inbox", 1),
)
_DEVICES = (
    ("iphone", 45),
    ("android_smartphone", 35),
    ("desktop", 12),
    ("ipad", 5),
    ("android_tablet", 2),
    ("other", 1),
)
_SURFACES = (("mobile_app", 80), ("mobile_web", 8), ("desktop", 12))
_AGES = (
    ("18-24", 18),
    ("25-34", 30),
    ("35-44", 22),
    ("45-54", 14),
    ("55-64", 9),
    ("65+", 6),
    ("Unknown", 1),
)
_GENDERS = (("female", 52), ("male", 45), ("unknown", 3))
_FREQUENCIES = (
    ("1", 58),
    ("2", 20),
    ("3", 9),
    ("4", 5),
    ("5", 3),
    ("6-10", 4),
    ("11+", 1),
)
# Id and name in one text, commas in names included.
_PRODUCTS = (
    ("4132402190501, Longboard 9'2, blue", 30),
    ("4132402190502, Wachs-Set „Nordsee“", 25),
    ("4132402190503, ネオプレン 3/2 mm", 22),
    ("4132402190504, T-shirt", 15),
    ("4132402190505, Gutschein 50 €", 8),
)
_APPS = (("1122334455667788", 70), ("1122334455667799", 30))
_CONVERSION_VALUES = (("0", 40), ("7", 30), ("31", 20), ("63", 10))
_PLACES = (("104056922963402", 60), ("104056922963403", 40))
_AUDIENCES = (("prospecting", 71), ("engaged", 17), ("existing", 9), ("unknown", 3))
_TEXTS = ("Jetzt entdecken", "Découvrez l'été", "Shop now ✨")


class Segment(NamedTuple):
    """One combination of breakdown values and its relative weight."""

    values: Values
    weight: int


#: Makes the segments of an account whose home is the country of that code.
Make = Callable[[str], list[Segment]]


def columns(breakdowns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys that `breakdowns` add to a row, in the order asked."""
    return MMM_COLUMNS if breakdowns == ("mmm",) else breakdowns


def _product(*axes: tuple[tuple[str, int], ...]) -> list[Segment]:
    segments = [Segment((), 1)]
    for axis in axes:
        segments = [
            Segment((*values, value), weight * share)
            for values, weight in segments
            for value, share in axis
        ]
    whole = sum(weight for _, weight in segments)
    return [Segment(values, max(1, 1000 * weight // whole)) for values, weight in segments]


def _listed(*axes: tuple[tuple[str, int], ...]) -> Make:
    """Return the same parts everywhere."""
    return lambda _: _product(*axes)


def _times(make: Make, axis: tuple[tuple[str, int], ...]) -> Make:
    """Return each part split once more along `axis`, whose shares are per cent."""
    return lambda home: [
        Segment((*values, value), max(1, weight * share // 100))
        for values, weight in make(home)
        for value, share in axis
    ]


def _platforms(_: str) -> list[Segment]:
    names = dict.fromkeys(platform for platform, _, _ in _POSITIONS)
    return _product(
        tuple((name, sum(w for platform, _, w in _POSITIONS if platform == name)) for name in names)
    )


def _positions(_: str) -> list[Segment]:
    return [Segment((platform, position), weight * 10) for platform, position, weight in _POSITIONS]


def _countries(home: str) -> list[Segment]:
    return _product(((home, 94), *((near, 3) for near in _NEIGHBOURS.get(home, ("US",)))))


def _regions(home: str) -> list[Segment]:
    return _product(tuple((name, 10) for name in _REGIONS.get(home, ("unknown",))))


def _hours(shift: int) -> Make:
    return _listed(
        tuple((f"{h:02d}:00:00 - {h:02d}:59:59", 2 + (h + shift) % 12) for h in range(24))
    )


def _marketing_mix(home: str) -> list[Segment]:
    return [
        Segment((home, region, "unknown", surface, position, platform, media), weight)
        for (region,), _ in _regions(home)
        for (platform, position), weight in _positions(home)
        for surface, media in (
            ("desktop", "image") if position == "marketplace" else ("mobile_app", "video"),
        )
    ]


def _assets(*objects: dict[str, str], base: int) -> Make:
    return lambda _: [
        Segment(({**each, "id": str(base + number)},), 300) for number, each in enumerate(objects)
    ]


def _text_asset(base: int) -> Make:
    return _assets(*({"text": text} for text in _TEXTS), base=base)


_ASSETS = {
    "body_asset": _text_asset(6_100_000_000_000),
    "title_asset": _text_asset(6_100_000_000_000),
    "description_asset": _text_asset(6_110_000_000_000),
    "call_to_action_asset": _assets(
        {"name": "SHOP_NOW"}, {"name": "LEARN_MORE"}, base=6_120_000_000_000
    ),
    "link_url_asset": _assets(
        {"website_url": "https://shop.example/summer?utm_source=meta&utm_medium=paid"},
        {"website_url": "https://shop.example/été"},
        base=6_130_000_000_000,
    ),
    "image_asset": _assets(
        *(
            {
                "hash": f"{number:032x}",
                "image_name": f"motif {number}.png",
                "url": f"https://images.example/{number}.png",
            }
            for number in (11, 12, 13)
        ),
        base=6_140_000_000_000,
    ),
    "video_asset": _assets(
        *(
            {
                "video_id": str(990_000_000_000 + number),
                "video_name": f"Vidéo {number}",
                "thumbnail_url": f"https://images.example/{number}.jpg",
                "url": f"https://videos.example/{number}",
            }
            for number in (21, 22)
        ),
        base=6_150_000_000_000,
    ),
    "media_asset": _assets(
        {"asset_type": "video_asset", "video_id": "990000000021", "video_name": "Vidéo 21"},
        {"asset_type": "image_asset", "hash": f"{11:032x}", "image_name": "motif 11.png"},
        base=6_170_000_000_000,
    ),
    "rule_asset": _assets({"name": "Regel 1"}, {"name": "default"}, base=6_180_000_000_000),
    "creative_automation_asset_id": _assets(
        {"asset_type": "image_asset", "asset_name": "motif 12", "url": "https://images.example/12"},
        {"asset_type": "video_asset", "asset_name": "Vidéo 22", "url": "https://videos.example/22"},
        base=6_190_000_000_000,
    ),
    "ad_format_asset": _assets(
        {"name": "SINGLE_IMAGE"}, {"name": "CAROUSEL"}, base=6_160_000_000_000
    ),
}
ASSETS = frozenset(_ASSETS)
_AGES_AND_GENDERS: tuple[tuple[tuple[str, ...], Make], ...] = (
    (("age",), _listed(_AGES)),
    (("gender",), _listed(_GENDERS)),
    (("age", "gender"), _listed(_AGES, _GENDERS)),
)


def _crossed(one: Make, other: Make) -> Make:
    return lambda home: [
        Segment((*left.values, *right.values), max(1, left.weight * right.weight // 1000))
        for left in one(home)
        for right in other(home)
    ]


_PLATFORM, _POSITION = ("publisher_platform",), ("publisher_platform", "platform_position")
_TABLE: tuple[tuple[tuple[str, ...], Make], ...] = (
    *_AGES_AND_GENDERS,
    (("country",), _countries),
    (("region",), _regions),
    (("comscore_market",), _listed(tuple((name, share) for name, _, share in _MARKETS))),
    (("comscore_market_code",), _listed(tuple((code, share) for _, code, share in _MARKETS))),
    (_PLATFORM, _platforms),
    (_POSITION, _positions),
    ((*_PLATFORM, "impression_device"), _times(_platforms, _DEVICES)),
    ((*_POSITION, "impression_device"), _times(_positions, _DEVICES)),
    (("impression_device",), _listed(_DEVICES)),
    (("device_platform",), _listed(_SURFACES)),
    ((*_PLATFORM, "device_platform"), _times(_platforms, _SURFACES)),
    ((*_POSITION, "device_platform"), _times(_positions, _SURFACES)),
    ((ADVERTISER_HOURS,), _hours(0)),
    ((AUDIENCE_HOURS,), _hours(5)),
    (("frequency_value",), _listed(_FREQUENCIES)),
    (("product_id",), _listed(_PRODUCTS)),
    (SKAN, _listed(_APPS, _CONVERSION_VALUES)),
    (("place_page_id",), _listed(_PLACES)),
    (("user_segment_key",), _listed(_AUDIENCES)),
    (("mmm",), _marketing_mix),
    *(((name,), make) for name, make in _ASSETS.items()),
    *(
        ((*people, name), _crossed(make_people, make))
        for name, make in _ASSETS.items()
        for people, make_people in _AGES_AND_GENDERS
    ),
)
#: By the set of breakdowns: their names in a fixed order, and what makes their segments.
SEGMENTS = {frozenset(names): (columns(names), make) for names, make in _TABLE}
