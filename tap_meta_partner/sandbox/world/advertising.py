"""The made-up advertisers: who owns which ad account, and what runs in it.

Only what does not change lives here; what was delivered on which day is made in `delivery`.
Objects are the same when they are one object (`eq=False`): an account is a large tree to compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import datetime as dt

# Currencies whose smallest unit is the whole one: `amount_spent`, `balance` and `spend_cap` of
# an ad account are then not hundredths (Meta, "Currency codes").
WHOLE_UNIT_CURRENCIES = frozenset(
    {"CLP", "COP", "CRC", "HUF", "ISK", "IDR", "JPY", "KRW", "PYG", "TWD", "VND"}
)


@dataclass(frozen=True, slots=True)
class Business:
    """A Business Manager: the agency's own, or a client's."""

    id: str
    name: str
    country: str


@dataclass(frozen=True, slots=True, eq=False)
class Ad:
    """One ad and how it tends to deliver.

    `delivery_rate` is the chance out of 65,536 that it delivers on a day, `daily_impressions` its
    typical day and `cost_per_mille` the price of 1,000 impressions in the account's spend quanta.
    """

    id: str
    name: str
    number: int
    campaign_id: str
    adset_id: str
    effective_status: str
    delivery_rate: int
    daily_impressions: int
    cost_per_mille: int


@dataclass(frozen=True, slots=True, eq=False)
class AdSet:
    """An ad set; its attribution setting is what `value` in action lists means."""

    id: str
    name: str
    campaign_id: str
    effective_status: str
    optimization_goal: str
    attribution_setting: str
    ads: tuple[Ad, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """A campaign with its ad sets."""

    id: str
    name: str
    effective_status: str
    objective: str
    buying_type: str
    adsets: tuple[AdSet, ...]


@dataclass(frozen=True, eq=False)
class AdAccount:
    """One client's ad account.

    `id` comes without `act_`. `assigned` is False when a client shared the account with the
    business but nobody assigned it to the system user: the account is known and cannot be read.
    `spend_digits` is how many decimals its spend carries. Delivery happens only from `first_day`
    to `last_day` (both inclusive; None = no end; `first_day` None = never).
    """

    id: str
    name: str
    currency: str
    timezone_name: str
    status: int
    disable_reason: int
    business: Business
    owned: bool
    assigned: bool
    created: dt.datetime
    spend_digits: int
    amount_spent: int
    first_day: dt.date | None
    last_day: dt.date | None
    campaigns: tuple[Campaign, ...]

    @cached_property
    def ads(self) -> tuple[Ad, ...]:
        """Every ad of the account in the order of its id."""
        return tuple(
            sorted(
                (
                    ad
                    for campaign in self.campaigns
                    for adset in campaign.adsets
                    for ad in adset.ads
                ),
                key=lambda ad: ad.id,
            )
        )

    def objects(self, kind: str) -> tuple[Campaign | AdSet | Ad, ...]:
        """Return the objects of a kind (campaign, adset, ad) in the order of their ids."""
        if kind == "campaign":
            return self.campaigns
        if kind == "ad":
            return self.ads
        return tuple(adset for campaign in self.campaigns for adset in campaign.adsets)

    @cached_property
    def timezone(self) -> ZoneInfo:
        """The zone whose midnights bound the account's days."""
        return ZoneInfo(self.timezone_name)

    def today(self, now: dt.datetime) -> dt.date:
        """Return the account's own calendar day at `now`."""
        return now.astimezone(self.timezone).date()

    def delivers_on(self, day: dt.date) -> bool:
        """Tell whether `day` lies in the span in which the account delivers at all."""
        if self.first_day is None or day < self.first_day:
            return False
        return self.last_day is None or day <= self.last_day


@dataclass(frozen=True, slots=True)
class Node:
    """A Graph object that can be asked for insights, and the ads below it."""

    kind: str
    id: str
    account: AdAccount
    object: AdAccount | Campaign | AdSet | Ad

    @property
    def ad_ids(self) -> frozenset[str] | None:
        """The ads below the node; None = all of the account."""
        if self.kind == "account":
            return None
        column = f"{self.kind}_id" if self.kind != "ad" else "id"
        return frozenset(ad.id for ad in self.account.ads if getattr(ad, column) == self.id)
