"""One ad's day, split into the values of its breakdowns."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.world.delivery import NOTHING, Facts
from tap_meta_partner.sandbox.world.segments import (
    AUDIENCE_HOURS,
    HOURLY,
    SEGMENTS,
    SKAN,
    Segment,
    columns,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_meta_partner.sandbox.world.segments import Values

# "Type 1" breakdowns: off-Meta actions are not returned at all (since 2021-04-27).
OFF_META_HIDDEN = frozenset({"region", *HOURLY})
OPT_IN = {
    "impression_device": "impression_device",
    "frequency_value": "frequency_value",
    AUDIENCE_HOURS: "time_of_day_viewer_tz",
    "comscore_market": "comscore",
    "comscore_market_code": "comscore",
}
FEATURES = frozenset(OPT_IN.values())


@lru_cache(maxsize=50_000)
def weights(seed: int, ad_number: int, country: str, breakdowns: tuple[str, ...]) -> list[Segment]:
    """Return the segments an ad reaches and how much of it falls to each, in the order asked."""
    names, make = SEGMENTS[frozenset(breakdowns)]
    order = [names.index(name) for name in columns(breakdowns)]
    bare = make(country)
    key = f"{seed}/{ad_number}/{','.join(names)}".encode()
    draws = blake2b(key, digest_size=64).digest()
    found = []
    for position, (values, weight) in enumerate(bare):
        draw = draws[position % 64]
        # Every fifth small segment is not reached at all: its rows are absent.
        if weight < 100 and draw < 50:  # noqa: PLR2004  (per mille of the ad's delivery)
            continue
        found.append(Segment(tuple(values[i] for i in order), weight * (128 + draw)))
    return found or bare


def parts(
    facts: Facts, seed: int, ad_number: int, country: str, breakdowns: tuple[str, ...]
) -> Iterator[tuple[Values, Facts]]:
    """Return the parts of an ad's facts under `breakdowns`; value None = the row lacks the key."""
    if not breakdowns:
        yield (), facts
        return
    asked = frozenset(breakdowns)
    if asked & OFF_META_HIDDEN:
        facts = _on_meta(facts)
    elif "product_id" in asked:
        # "Type 2": off-Meta actions are returned, but without the value of the breakdown.
        off_meta = _off_meta(facts)
        if any(off_meta):
            yield (None,), off_meta
        facts = _on_meta(facts)
    elif "frequency_value" in asked:
        facts = NOTHING._replace(reach=facts.reach)
    elif "mmm" in asked:
        facts = NOTHING._replace(impressions=facts.impressions, spend=facts.spend)
    elif asked & frozenset(SKAN):
        facts = NOTHING._replace(purchases=facts.purchases, leads=facts.leads)
    yield from split(facts, weights(seed, ad_number, country, breakdowns))


def split(facts: Facts, segments: list[Segment]) -> Iterator[tuple[Values, Facts]]:
    """Return the parts of `facts`, empty ones left out; every count adds up exactly.

    (Reach alone does not: nobody is reached where nothing was shown.)
    """
    bounds = list(accumulate(segment.weight for segment in segments))
    whole = bounds[-1]
    before = (0,) * len(facts)
    for segment, bound in zip(segments, bounds, strict=True):
        upto = tuple(count * bound // whole for count in facts)
        part = Facts._make(b - a for a, b in zip(before, upto, strict=True))
        before = upto
        if any(part):
            if facts.impressions:
                part = part._replace(reach=min(part.reach, part.impressions))
            yield segment.values, part


def _on_meta(facts: Facts) -> Facts:
    return facts._replace(landings=0, purchases=0, leads=0, contacts=0, value=0)


def _off_meta(facts: Facts) -> Facts:
    return NOTHING._replace(
        landings=facts.landings,
        purchases=facts.purchases,
        leads=facts.leads,
        contacts=facts.contacts,
        value=facts.value,
    )
