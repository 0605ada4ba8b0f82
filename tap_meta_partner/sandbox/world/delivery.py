"""What one ad did on one day: the atom every number in the sandbox is summed from.

The facts of an ad-day are drawn from a hash of (seed, ad, day), so that they need no memory, come
out the same in every process and in any order, and a year of a large account is made in seconds.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_meta_partner.sandbox.world.advertising import Ad

_WHOLE = 65_536
_DRAWS = Struct("<16H")
# One ad-day in this many without delivery still gets a conversion: off-Meta actions are dated by
# the day of conversion, which may follow the last impression (Meta, change of 2025-06-10).
_LATE_CONVERSION_ONE_IN = 64


class Facts(NamedTuple):
    """Counts of an ad-day, or of any sum of ad-days.

    A tuple rather than a dataclass since hundreds of thousands are made and added up.
    `spend` counts the account's spend quanta (10 ** -spend_digits of its currency), `value` what
    purchases were worth in minor units (hundredths, or whole units for JPY and its like).
    """

    impressions: int
    clicks: int
    link_clicks: int
    spend: int
    reach: int
    reactions: int
    comments: int
    likes: int
    views: int
    landings: int
    purchases: int
    leads: int
    contacts: int
    value: int

    @property
    def carts(self) -> int:
        """How often something was put into a cart: more often than it was bought."""
        return 3 * self.purchases + self.leads

    @property
    def checkouts(self) -> int:
        """How often somebody began to pay."""
        return 2 * self.purchases


AdDays = list[tuple["Ad", Facts]]
#: Nothing at all, to set single counts in.
NOTHING = Facts(*(0 for _ in Facts._fields))


def ad_day(seed: int, ad: Ad, day: int) -> Facts | None:
    """Return what `ad` did on `day` (proleptic ordinal) before any restatement; None = nothing."""
    draw = _draws(b"%d/%d/%d" % (seed, ad.number, day))
    if draw[0] >= ad.delivery_rate:
        if draw[1] % _LATE_CONVERSION_ONE_IN == 0 and ad.delivery_rate:
            return _conversions_only(draw)
        return None
    return _delivered(ad, draw, ad.daily_impressions)


class Change(NamedTuple):
    """A restatement: its number, and the share of ad-days it changes."""

    revision: int
    share: float


def restated(seed: int, ad: Ad, day: int, facts: Facts | None, change: Change) -> Facts | None:
    """Return the facts of an ad-day after a restatement.

    About its share of the ad-days with a row change: conversions grow, spend moves up or down a
    little. A tenth of that share of the ad-days without a row get a small one, as when delivery
    is reported late. A row is never withdrawn.
    """
    draw = _draws(b"%d/%d/%d/%d" % (seed, ad.number, day, change.revision))
    limit = int(change.share * _WHOLE)
    if facts is None:
        if draw[0] * 10 >= limit or not ad.delivery_rate:
            return None
        return _delivered(ad, draw, 1 + ad.daily_impressions // 10)
    if draw[0] >= limit:
        return facts
    bought = 1 + draw[1] % 3
    return facts._replace(
        impressions=facts.impressions + facts.impressions * draw[2] // _WHOLE // 50,
        spend=facts.spend + facts.spend * (draw[3] - _WHOLE // 2) // _WHOLE // 25,
        purchases=facts.purchases + bought,
        leads=facts.leads + draw[4] % 2,
        value=facts.value + bought * (900 + draw[5] % 9_000),
    )


def add_up(many: Iterable[Facts]) -> Facts:
    """Return the sum of several ad-days, with the people they reached counted once.

    Reach is not additive: who saw two ads, or one ad on two days, is one person. The sum here is
    always below the sum of its parts and never below the largest of them.
    """
    parts = tuple(many)
    if len(parts) == 1:
        return parts[0]
    columns = tuple(zip(*parts, strict=True))
    total = Facts._make(map(sum, columns))
    shared = total.reach * (5 * len(parts) + 4) // (9 * len(parts))
    return total._replace(reach=max(shared, *columns[4]))


def _draws(key: bytes) -> tuple[int, ...]:
    """Return the sixteen numbers below 65,536 that belong to `key`."""
    return _DRAWS.unpack(blake2b(key, digest_size=32).digest())


def _conversions_only(draw: tuple[int, ...]) -> Facts:
    bought = 1 + draw[2] % 2
    return Facts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, bought, 0, 0, bought * (900 + draw[3] % 9_000))


def _delivered(ad: Ad, draw: tuple[int, ...], typical: int) -> Facts:
    impressions = 1 + typical * (16_384 + draw[1]) // _WHOLE
    clicks = impressions * draw[2] // 1_300_000  # up to 5 %
    link_clicks = clicks * (32_768 + draw[3] // 2) // _WHOLE
    landings = link_clicks * draw[4] // _WHOLE
    purchases = landings * draw[5] // 400_000
    return Facts(
        impressions=impressions,
        clicks=clicks,
        link_clicks=link_clicks,
        spend=impressions * ad.cost_per_mille * (49_152 + draw[6] // 2) // (1_000 * _WHOLE),
        reach=max(1, impressions * (45_875 + draw[7] // 4) // _WHOLE),
        reactions=impressions * draw[8] // 5_000_000,
        comments=impressions * draw[9] // 60_000_000,
        likes=impressions * draw[10] // 90_000_000,
        views=impressions * draw[11] // 200_000,
        landings=landings,
        purchases=purchases,
        leads=landings * draw[12] // 600_000,
        contacts=landings * draw[13] // 900_000,
        value=purchases * (900 + draw[14] % 9_000),
    )
