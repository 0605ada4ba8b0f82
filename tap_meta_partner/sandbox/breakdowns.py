"""Splitting an ad-day by age, country, placement and so on.

The parts of every count add up exactly to the whole. (At Meta they can differ a little; a sandbox
that is exact shows what a pipeline loses.) Which parts exist is fixed by (seed, ad, breakdown).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from tap_meta_partner.sandbox.delivery import Facts
from tap_meta_partner.sandbox.graph_errors import invalid_combination, invalid_parameter
from tap_meta_partner.sandbox.vocabulary import BREAKDOWNS

if TYPE_CHECKING:
    from collections.abc import Iterator

Values = tuple[object, ...]

_REGIONS = {
    "US": ("California", "Wisconsin", "New York", "Texas", "Unknown"),
    "DE": ("Berlin", "Bayern", "Nordrhein-Westfalen", "unknown"),
    "JP": ("Tokyo", "Osaka Prefecture", "Hokkaidō"),
    "NZ": ("Auckland", "Canterbury", "unknown"),
    "GB": ("England", "Scotland", "Wales"),
}
_NEIGHBOURS = {"US": ("CA", "MX"), "DE": ("AT", "CH"), "JP": ("TW",), "NZ": ("AU",), "GB": ("IE",)}
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
_HOURS = "hourly_stats_aggregated_by_advertiser_time_zone"
_TEXTS = ("Jetzt entdecken", "Découvrez l'été", "Shop now ✨")

# "Type 1" breakdowns: off-Meta actions are not returned at all (since 2021-04-27).
OFF_META_HIDDEN = frozenset({"region", _HOURS})
# Hourly rows carry reach and frequency as 0.
NO_REACH = frozenset({_HOURS})


class Segment(NamedTuple):
    """One combination of breakdown values and its relative weight."""

    values: Values
    weight: int


def check(breakdowns: tuple[str, ...]) -> None:
    """Raises what Meta answers to breakdowns it does not know or cannot combine."""
    for name in breakdowns:
        if name == "dma":  # unsupported since 2026-06-22
            raise invalid_parameter(
                "The dma breakdown is no longer supported. Use comscore_market instead."
            )
        if name not in BREAKDOWNS:
            raise invalid_parameter(
                f"breakdowns[0] must be one of the following values, not {name}"
            )
    if breakdowns and frozenset(breakdowns) not in _SEGMENTS:
        raise invalid_combination(breakdowns)


@lru_cache(maxsize=50_000)
def weights(seed: int, ad_number: int, country: str, breakdowns: tuple[str, ...]) -> list[Segment]:
    """The segments an ad reaches and how much of it falls to each, in the order asked."""
    names, make = _SEGMENTS[frozenset(breakdowns)]
    order = [names.index(name) for name in breakdowns]
    bare = make(country)
    key = f"{seed}/{ad_number}/{','.join(names)}".encode()
    draws = blake2b(key, digest_size=64).digest()
    found = []
    for position, (values, weight) in enumerate(bare):
        draw = draws[position % 64]
        # Every fifth small segment is not reached at all: its rows are absent.
        if weight < 100 and draw < 50:  # noqa: PLR2004 - per mille of the ad's delivery
            continue
        found.append(Segment(tuple(values[i] for i in order), weight * (128 + draw)))
    return found or bare


def split(facts: Facts, segments: list[Segment]) -> Iterator[tuple[Values, Facts]]:
    """The parts of `facts`, empty ones left out; every count adds up exactly."""
    bounds = list(accumulate(segment.weight for segment in segments))
    whole = bounds[-1]
    before = (0,) * len(facts)
    for segment, bound in zip(segments, bounds, strict=True):
        upto = tuple(count * bound // whole for count in facts)
        part = Facts._make(b - a for a, b in zip(before, upto, strict=True))
        before = upto
        if any(part):
            yield segment.values, part._replace(reach=min(part.reach, part.impressions))


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


def _platforms(_: str) -> list[Segment]:
    names = dict.fromkeys(platform for platform, _, _ in _POSITIONS)
    return _product(
        tuple((name, sum(w for platform, _, w in _POSITIONS if platform == name)) for name in names)
    )


def _positions(_: str) -> list[Segment]:
    return [Segment((platform, position), weight * 10) for platform, position, weight in _POSITIONS]


def _platform_devices(_: str) -> list[Segment]:
    return [
        Segment((platform, device), max(1, weight * share // 100))
        for (platform,), weight in _platforms("")
        for device, share in _DEVICES
    ]


def _position_devices(_: str) -> list[Segment]:
    return [
        Segment((platform, position, device), max(1, weight * share // 100))
        for (platform, position), weight in _positions("")
        for device, share in _DEVICES
    ]


def _countries(home: str) -> list[Segment]:
    return _product(((home, 94), *((near, 3) for near in _NEIGHBOURS.get(home, ("US",)))))


def _regions(home: str) -> list[Segment]:
    return _product(tuple((name, 10) for name in _REGIONS.get(home, ("unknown",))))


def _texts(_: str) -> list[Segment]:
    # Asset breakdowns are objects in the row, not strings.
    return [
        Segment(({"text": text, "id": str(6_100_000_000_000 + number)},), 300)
        for number, text in enumerate(_TEXTS)
    ]


_SEGMENTS = {
    frozenset(names): (names, make)
    for names, make in (
        (("age",), lambda _: _product(_AGES)),
        (("gender",), lambda _: _product(_GENDERS)),
        (("age", "gender"), lambda _: _product(_AGES, _GENDERS)),
        (("country",), _countries),
        (("region",), _regions),
        (("publisher_platform",), _platforms),
        (("publisher_platform", "platform_position"), _positions),
        (("publisher_platform", "impression_device"), _platform_devices),
        (("publisher_platform", "platform_position", "impression_device"), _position_devices),
        (
            ("device_platform",),
            lambda _: _product((("mobile_app", 80), ("mobile_web", 8), ("desktop", 12))),
        ),
        (
            (_HOURS,),
            lambda _: _product(
                tuple((f"{h:02d}:00:00 - {h:02d}:59:59", 2 + h % 12) for h in range(24))
            ),
        ),
        (("body_asset",), _texts),
        (("title_asset",), _texts),
    )
}
