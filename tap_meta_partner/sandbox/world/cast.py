"""Who appears in the sandbox's worlds: made-up clients with their campaigns, ad sets and ads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.world.advertising import (
    WHOLE_UNIT_CURRENCIES,
    Ad,
    AdAccount,
    AdSet,
    Business,
    Campaign,
)

if TYPE_CHECKING:
    from collections.abc import Callable

AGENCY = Business(id="771234567890123", name="Gemini Growth Agency", country="US")
ACTIVE, DISABLED = 1, 2
_ALWAYS = 65_536
_PLACES = (
    ("USD", "America/Los_Angeles"),
    ("EUR", "Europe/Berlin"),
    ("JPY", "Asia/Tokyo"),
    ("NZD", "Pacific/Auckland"),
    ("GBP", "Europe/London"),
    ("USD", "America/New_York"),
    ("BRL", "America/Sao_Paulo"),
    ("INR", "Asia/Kolkata"),
)
_COUNTRIES = {"USD": "US", "EUR": "DE", "JPY": "JP", "NZD": "NZ", "GBP": "GB", "BRL": "BR"}
_OBJECTIVES = (
    "OUTCOME_SALES",
    "OUTCOME_LEADS",
    "OUTCOME_TRAFFIC",
    "OUTCOME_ENGAGEMENT",
    "OUTCOME_AWARENESS",
)
_GOALS = {
    "OUTCOME_SALES": "OFFSITE_CONVERSIONS",
    "OUTCOME_LEADS": "LEAD_GENERATION",
    "OUTCOME_TRAFFIC": "LINK_CLICKS",
    "OUTCOME_ENGAGEMENT": "POST_ENGAGEMENT",
    "OUTCOME_AWARENESS": "REACH",
}
_THEMES = (
    "Spring sale",
    "Évergreen",
    "新商品",
    "Retargeting",
    "Lookalike 1 %",
    "Markenbekanntheit",
)
_MOTIFS = ("Carousel", "Vidéo 15 s", "Story ✨", "UGC clip", "Static „A“", "Reel 2")


@dataclass(frozen=True, slots=True)
class Client:
    """One ad account to be cast; what is not said here is drawn from the seed."""

    name: str
    currency: str
    timezone_name: str
    business: Business
    owned: bool = False
    assigned: bool = True
    status: int = ACTIVE
    disable_reason: int = 0
    spend_digits: int = 2


def demo_clients() -> tuple[Client, ...]:
    """Return a handful of clients that between them show every kind of account."""
    beans = Business("615550000000101", "Kōbō Coffee 株式会社", "JP")
    retail = Business("615550000000102", "Harbour Retail Group", "US")
    optics = Business("615550000000103", "Nordlicht Optik GmbH", "DE")
    outdoor = Business("615550000000104", "Kererū Outdoors Ltd", "NZ")
    pastry = Business("615550000000105", "Pâtisserie Élan", "GB")
    return (
        Client("Sunset Surf & Skate", "USD", "America/Los_Angeles", retail, spend_digits=6),
        Client("Nordlicht Optik", "EUR", "Europe/Berlin", optics),
        Client("Kōbō Coffee 珈琲工房", "JPY", "Asia/Tokyo", beans),
        Client("Kererū Outdoors", "NZD", "Pacific/Auckland", outdoor),
        Client(
            "Old Harbour Books",
            "USD",
            "America/New_York",
            retail,
            status=DISABLED,
            disable_reason=3,
        ),
        Client("Pâtisserie Élan", "GBP", "Europe/London", pastry),
        Client("Gemini House Ads", "USD", "America/New_York", AGENCY, owned=True),
        Client("Nordlicht Sonnenbrillen", "EUR", "Europe/Berlin", optics, assigned=False),
    )


#: The demo client whose account has never delivered anything.
SILENT_DEMO_CLIENT = "Pâtisserie Élan"


def agency_clients(accounts: int) -> tuple[Client, ...]:
    """Return many clients, each with a business of its own, all assigned to the system user."""
    return tuple(
        Client(
            f"Client {number:04d}",
            *_PLACES[number % len(_PLACES)],
            business=Business(
                str(615_560_000_000_000 + number),
                f"Client {number:04d} Holding",
                _COUNTRIES.get(_PLACES[number % len(_PLACES)][0], "US"),
            ),
        )
        for number in range(accounts)
    )


@dataclass(frozen=True, slots=True)
class Delivers:
    """When an account delivers: from `first_day` to `last_day`; None, None = never."""

    first_day: dt.date | None
    last_day: dt.date | None


def cast_account(
    client: Client, number: int, seed: int, shape: Callable[[Random], Shape], delivers: Delivers
) -> AdAccount:
    """Return the ad account of `client`, the `number`-th of its world."""
    draw = Random(f"{seed}/account/{number}")
    whole = client.currency in WHOLE_UNIT_CURRENCIES
    digits = 0 if whole else client.spend_digits
    created = dt.datetime(2019, 1, 1, 9, tzinfo=dt.timezone.utc) + dt.timedelta(
        days=draw.randrange(900)
    )
    return AdAccount(
        id=str(210_000_000_000_000 + seed % 1000 * 1_000_000_000 + number * 1_009 + 7),
        name=client.name,
        currency=client.currency,
        timezone_name=client.timezone_name,
        status=client.status,
        disable_reason=client.disable_reason,
        business=client.business,
        owned=client.owned,
        assigned=client.assigned,
        created=created,
        spend_digits=digits,
        amount_spent=draw.randrange(10_000, 90_000_000),
        first_day=delivers.first_day,
        last_day=delivers.last_day,
        campaigns=_Casting(number, draw, shape(draw), 150 if whole else 10**digits).campaigns(),
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """How many campaigns, ad sets in each and ads in each of those; `ads` caps their total."""

    campaigns: int
    adsets: int
    ads_per_adset: int
    ads: int = 1_000_000
    always: bool = False


def small_shape(draw: Random) -> Shape:
    """Return a client of ordinary size: 2 to 4 campaigns with 2 ad sets of 2 or 3 ads."""
    return Shape(campaigns=draw.randint(2, 4), adsets=2, ads_per_adset=draw.randint(2, 3))


class _Casting:
    """Makes the campaigns of one account, handing out ids of 18 digits in order."""

    def __init__(self, account: int, draw: Random, shape: Shape, unit: int) -> None:
        self._account = account
        self._draw = draw
        self._shape = shape
        self._unit = unit  # how many spend quanta one unit of the account's money has
        self._number = account * 1_000_000
        self._ads_left = shape.ads

    def campaigns(self) -> tuple[Campaign, ...]:
        return tuple(self._campaign(position) for position in range(self._shape.campaigns))

    def _campaign(self, position: int) -> Campaign:
        campaign_id = self._next_id()
        objective = _OBJECTIVES[(self._account + position) % len(_OBJECTIVES)]
        # The last of several campaigns is over and archived; it has history all the same.
        last = self._shape.campaigns - 1
        status = "ARCHIVED" if position == last > 1 else "ACTIVE"
        adsets = tuple(
            self._adset(adset_position, campaign_id, objective, status)
            for adset_position in range(self._shape.adsets)
            if self._ads_left > 0
        )
        return Campaign(
            id=campaign_id,
            name=f"{self._draw.choice(_THEMES)} / campaign {position + 1}",
            effective_status=status,
            objective=objective,
            buying_type="AUCTION",
            adsets=adsets,
        )

    def _adset(self, position: int, campaign_id: str, objective: str, status: str) -> AdSet:
        adset_id = self._next_id()
        ads = min(self._shape.ads_per_adset, self._ads_left)
        self._ads_left -= ads
        return AdSet(
            id=adset_id,
            name=f"{self._draw.choice(_THEMES)} · ad set {position + 1}",
            campaign_id=campaign_id,
            effective_status=status,
            optimization_goal=_GOALS[objective],
            attribution_setting="7d_click_1d_view" if position % 2 else "7d_click",
            ads=tuple(self._ad(campaign_id, adset_id, status) for _ in range(ads)),
        )

    def _ad(self, campaign_id: str, adset_id: str, status: str) -> Ad:
        draw = self._draw
        ad_id = self._next_id()
        return Ad(
            id=ad_id,
            name=f"{draw.choice(_MOTIFS)} #{draw.randrange(100, 1000)}",
            number=self._number,
            campaign_id=campaign_id,
            adset_id=adset_id,
            effective_status=status,
            delivery_rate=_ALWAYS if self._shape.always else draw.randrange(40_000, 64_000),
            daily_impressions=int(30 * 2 ** draw.uniform(0, 9)),
            cost_per_mille=int(self._unit * draw.uniform(2, 14)),
        )

    def _next_id(self) -> str:
        self._number += 1
        return str(120_210_000_000_000_000 + self._number * 10 + 4)
