"""What reports ought to add up to, told without HTTP and without the code that writes rows.

Everything is summed from ad-days and, with breakdowns, from their parts. Keys of breakdowns are
the values in the order asked: text, the `id` of an asset, None where rows lack the key.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.world.advertising import WHOLE_UNIT_CURRENCIES
from tap_meta_partner.sandbox.world.delivery import add_up
from tap_meta_partner.sandbox.world.splitting import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from tap_meta_partner.sandbox.world.advertising import Ad, AdAccount
    from tap_meta_partner.sandbox.world.delivered import Delivered
    from tap_meta_partner.sandbox.world.delivery import AdDays, Facts
    from tap_meta_partner.sandbox.world.statuses import Statuses

LEVELS = ("account", "campaign", "adset", "ad")
Key = tuple["str | None", ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """The true numbers of some days of an account; `spend` in its currency's major unit."""

    spend: Decimal = Decimal(0)
    impressions: int = 0
    clicks: int = 0
    rows_by_level: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEVELS, 0))

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            spend=self.spend + other.spend,
            impressions=self.impressions + other.impressions,
            clicks=self.clicks + other.clicks,
            rows_by_level={
                level: self.rows_by_level[level] + other.rows_by_level[level] for level in LEVELS
            },
        )


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """The true numbers of one row over a period; `reach` counts each person once in it."""

    spend: Decimal
    impressions: int
    clicks: int
    reach: int


class Truth:
    """What was true in a world; days include both ends of a span and are those of the account.

    Amounts are in the major unit of the account's currency.
    """

    def __init__(
        self,
        seed: int,
        account: Callable[[str], AdAccount],
        delivered: Delivered,
        statuses: Statuses,
    ) -> None:
        self._seed = seed
        self._account = account
        self._delivered = delivered
        self._statuses = statuses

    def day_totals(self, account_id: str, since: dt.date, until: dt.date) -> dict[dt.date, Totals]:
        """Return the totals of each day with any row."""
        account = self._account(account_id)
        unlisted = self._unlisted(account)
        return {
            day: totals_of(account, ad_days, unlisted)
            for day, ad_days in self._days(account, since, until)
        }

    def totals(self, account_id: str, since: dt.date, until: dt.date) -> Totals:
        """Return the totals of a span; rows are those of one-day reports."""
        return sum(self.day_totals(account_id, since, until).values(), start=Totals())

    def breakdown_day_totals(
        self, account_id: str, since: dt.date, until: dt.date, breakdowns: tuple[str, ...]
    ) -> dict[dt.date, dict[Key, Totals]]:
        """Return each day's totals by breakdown values, with the rows each level has of them."""
        account = self._account(account_id)
        unlisted = self._unlisted(account)
        return {
            day: by_value(account, self._seed, ad_days, breakdowns, unlisted)
            for day, ad_days in self._days(account, since, until)
        }

    def breakdown_totals(
        self, account_id: str, since: dt.date, until: dt.date, breakdowns: tuple[str, ...]
    ) -> dict[Key, Totals]:
        """Return a span's totals by breakdown values; rows are those of one-day reports."""
        found: dict[Key, Totals] = {}
        for day in self.breakdown_day_totals(account_id, since, until, breakdowns).values():
            for values, totals in day.items():
                found[values] = found.get(values, Totals()) + totals
        return found

    def period_totals(
        self,
        account_id: str,
        since: dt.date,
        until: dt.date,
        level: str = "account",
        breakdowns: tuple[str, ...] = (),
    ) -> dict[Key, PeriodTotals]:
        """Return the numbers of a span taken as one period, by (object id, *breakdown values).

        Reach is not additive, so that weeks and months need their own truth.
        """
        account = self._account(account_id)
        whole = [each for _, ad_days in self._days(account, since, until) for each in ad_days]
        return by_object(account, self._seed, whole, level, breakdowns)

    def action_totals(
        self, account_id: str, since: dt.date, until: dt.date
    ) -> dict[dt.date, dict[str, int]]:
        """Return how often each action type happened on each day with any row."""
        days = self._days(self._account(account_id), since, until)
        return {day: actions_of(ad_days) for day, ad_days in days}

    def action_value_totals(
        self, account_id: str, since: dt.date, until: dt.date
    ) -> dict[dt.date, dict[str, Decimal]]:
        """Return what actions were worth on each day with any row, by type."""
        account = self._account(account_id)
        days = self._days(account, since, until)
        return {day: action_values_of(account, ad_days) for day, ad_days in days}

    def _unlisted(self, account: AdAccount) -> dict[str, frozenset[str]]:
        """Return the deleted objects of each level, of which an account's reports have no rows."""
        return {level: self._statuses.deleted(account, level) for level in LEVELS[1:]}

    def _days(
        self, account: AdAccount, since: dt.date, until: dt.date
    ) -> Iterator[tuple[dt.date, AdDays]]:
        """Return the days of a span on which anything happened."""
        for number in range((until - since).days + 1):
            day = since + dt.timedelta(days=number)
            ad_days = self._delivered.ad_days(account, day)
            if ad_days:
                yield day, ad_days


def totals_of(
    account: AdAccount, ad_days: AdDays, unlisted: Mapping[str, Collection[str]]
) -> Totals:
    """Return the totals of one day, all its ads together.

    `unlisted` are the ids, by level, of objects that count and yet have no row of their own.
    """
    ids = {level: {_object_id(account, ad, level) for ad, _ in ad_days} for level in LEVELS}
    return Totals(
        spend=_money(account, ad_days),
        impressions=sum(facts.impressions for _, facts in ad_days),
        clicks=sum(facts.clicks for _, facts in ad_days),
        rows_by_level={
            level: len(found.difference(unlisted.get(level, ()))) for level, found in ids.items()
        },
    )


def by_value(
    account: AdAccount,
    seed: int,
    ad_days: AdDays,
    breakdowns: tuple[str, ...],
    unlisted: Mapping[str, Collection[str]],
) -> dict[Key, Totals]:
    """Return the totals of one day by breakdown values."""
    found: defaultdict[Key, AdDays] = defaultdict(list)
    for ad, values, facts in _parts(account, seed, ad_days, breakdowns):
        found[values].append((ad, facts))
    return {values: totals_of(account, each, unlisted) for values, each in found.items()}


def by_object(
    account: AdAccount,
    seed: int,
    ad_days: AdDays,
    level: str,
    breakdowns: tuple[str, ...],
) -> dict[Key, PeriodTotals]:
    """Return the totals of all `ad_days` together, by object of `level` and breakdown values."""
    found: defaultdict[Key, AdDays] = defaultdict(list)
    for ad, values, facts in _parts(account, seed, ad_days, breakdowns):
        key = (_object_id(account, ad, level), *values)
        found[key].append((ad, facts))
    return {
        key: PeriodTotals(
            spend=_money(account, ad_parts),
            impressions=sum(facts.impressions for _, facts in ad_parts),
            clicks=sum(facts.clicks for _, facts in ad_parts),
            reach=add_up(facts for _, facts in ad_parts).reach,
        )
        for key, ad_parts in found.items()
    }


def actions_of(ad_days: AdDays) -> dict[str, int]:
    """Return how often each action type happened on a day; types overlap, so never sum them."""

    def count(*names: str) -> int:
        return sum(getattr(facts, name) for _, facts in ad_days for name in names)

    on_post = ("link_clicks", "reactions", "comments", "views")
    counts = {
        "link_click": count("link_clicks"),
        "landing_page_view": count("landings"),
        "post_reaction": count("reactions"),
        "comment": count("comments"),
        "like": count("likes"),
        "video_view": count("views"),
        "post_engagement": count(*on_post),
        "page_engagement": count(*on_post, "likes"),
        "add_to_cart": count("carts"),
        "initiate_checkout": count("checkouts"),
        "purchase": count("purchases"),
        "omni_purchase": count("purchases"),
        "offsite_conversion.fb_pixel_purchase": count("purchases"),
        "lead": count("leads"),
        "offsite_conversion.fb_pixel_lead": count("leads"),
    }
    return {action_type: count for action_type, count in counts.items() if count}


def action_values_of(account: AdAccount, ad_days: AdDays) -> dict[str, Decimal]:
    """Return what the actions of a day were worth by type, in the currency's major unit."""
    digits = 0 if account.currency in WHOLE_UNIT_CURRENCIES else 2
    worth = Decimal(sum(facts.value for _, facts in ad_days)).scaleb(-digits)
    types = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
    return dict.fromkeys(types, worth) if worth else {}


def _money(account: AdAccount, ad_days: AdDays) -> Decimal:
    return Decimal(sum(facts.spend for _, facts in ad_days)).scaleb(-account.spend_digits)


def _object_id(account: AdAccount, ad: Ad, level: str) -> str:
    ids = {
        "account": account.id,
        "campaign": ad.campaign_id,
        "adset": ad.adset_id,
        "ad": ad.id,
    }
    return ids[level]


def _parts(
    account: AdAccount, seed: int, ad_days: Iterable[tuple[Ad, Facts]], breakdowns: tuple[str, ...]
) -> Iterator[tuple[Ad, Key, Facts]]:
    home = account.business.country
    for ad, facts in ad_days:
        for values, part in parts(facts, seed, ad.number, home, breakdowns):
            yield ad, tuple(map(_text, values)), part


def _text(value: object) -> str | None:
    if isinstance(value, dict):
        return str(value["id"])
    return None if value is None else str(value)
