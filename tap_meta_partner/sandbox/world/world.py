"""What is true in the sandbox: the accounts, what they delivered, and how it was restated.

`World` answers without HTTP and sums ad-days by itself, so that rows read over HTTP can be held
against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tap_meta_partner.sandbox.world import cast, truth
from tap_meta_partner.sandbox.world.advertising import Node
from tap_meta_partner.sandbox.world.creatives import ad_id_of
from tap_meta_partner.sandbox.world.delivery import Change, ad_day, restated
from tap_meta_partner.sandbox.world.recently_used import RecentlyUsed
from tap_meta_partner.sandbox.world.splitting import FEATURES
from tap_meta_partner.sandbox.world.statuses import Statuses
from tap_meta_partner.sandbox.world.truth import Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from decimal import Decimal

    from tap_meta_partner.sandbox.world.advertising import Ad, AdAccount, Business
    from tap_meta_partner.sandbox.world.delivery import Facts
    from tap_meta_partner.sandbox.world.truth import AdDays, Key, PeriodTotals

# Meta restates insights for 28 days (Meta, "Insights API best practices").
RESTATED_DAYS = 28


LEVELS = truth.LEVELS


_DayKey = tuple[str, date, tuple[int, ...]]


def utc_now() -> datetime:
    """The real time; worlds take another clock in tests."""
    return datetime.now(tz=timezone.utc)


@dataclass(frozen=True, slots=True)
class Restatement:
    """One time Meta corrected its numbers; its position in the world's list is its revision."""

    share: float
    at: datetime

    def touches(self, account: AdAccount, day: date) -> bool:
        """Whether `day` was among the account's last 28 days (its today included) back then."""
        today = account.today(self.at)
        return today - timedelta(days=RESTATED_DAYS - 1) <= day <= today


class World:
    """A seeded set of ad accounts with their history.

    Made by `demo`, `agency` or `single`. History is the `days` account-local days that end with
    the account's today at the time the world is made; as the clock goes on, days are added.
    `opted_in` are the features all its accounts have switched on, at first every one.
    """

    def __init__(
        self,
        accounts: Iterable[AdAccount],
        *,
        seed: int,
        business: Business = cast.AGENCY,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.accounts = list(accounts)
        self.seed = seed
        self.business = business
        self.now = now
        self.restatements: list[Restatement] = []
        self.opted_in = set(FEATURES)
        self._by_id = {account.id: account for account in self.accounts}
        self._revoked: set[str] = set()
        self._nodes = dict(_nodes(self.accounts))
        self.statuses = Statuses(seed, now, self._nodes.get)
        self.broken_creatives: set[str] = set()
        self._ad_days: RecentlyUsed[_DayKey, AdDays] = RecentlyUsed(limit=60_000)

    @classmethod
    def demo(cls, seed: int = 7, *, days: int = 90, now: Callable[[], datetime] = utc_now) -> World:
        """Eight accounts of six businesses that between them show every kind of account."""
        accounts = []
        for number, client in enumerate(cast.demo_clients()):
            delivers = _history(client.timezone_name, now, days)
            if client.name == cast.SILENT_DEMO_CLIENT:
                delivers = cast.Delivers(None, None)
            elif client.status == cast.DISABLED and delivers.first_day is not None:
                stopped = delivers.first_day + timedelta(days=days * 3 // 4)
                delivers = cast.Delivers(delivers.first_day, stopped)
            accounts.append(cast.cast_account(client, number, seed, cast.small_shape, delivers))
        return cls(accounts, seed=seed, now=now)

    @classmethod
    def agency(
        cls,
        seed: int = 7,
        *,
        accounts: int = 1000,
        idle: float = 0.9,
        days: int = 90,
        now: Callable[[], datetime] = utc_now,
    ) -> World:
        """Many small accounts; the share `idle` of them has had no rows for 60 days."""
        cast_accounts = []
        for number, client in enumerate(cast.agency_clients(accounts)):
            delivers = _history(client.timezone_name, now, days)
            if int((number + 1) * idle) > int(number * idle):
                delivers = _gone_quiet(delivers, days)
            cast_accounts.append(
                cast.cast_account(client, number, seed, cast.small_shape, delivers)
            )
        return cls(cast_accounts, seed=seed, now=now)

    @classmethod
    def single(
        cls,
        seed: int = 7,
        *,
        ads: int = 1000,
        days: int = 90,
        now: Callable[[], datetime] = utc_now,
    ) -> World:
        """One large account in which every ad delivers every day: ads x days rows."""
        client = cast.Client("Kaufhaus Groß", "USD", "America/New_York", cast.AGENCY, owned=True)
        shape = cast.Shape(
            campaigns=-(-ads // 50), adsets=5, ads_per_adset=10, ads=ads, always=True
        )
        delivers = _history(client.timezone_name, now, days)
        account = cast.cast_account(client, 0, seed, lambda _: shape, delivers)
        return cls([account], seed=seed, now=now)

    # Who is there

    def account(self, account_id: str) -> AdAccount:
        """The account with that id, with or without `act_`; KeyError when there is none."""
        return self._by_id[account_id.removeprefix("act_")]

    def node(self, node_id: str) -> Node | None:
        """The account (`act_…`), campaign, ad set, ad or creative with that id."""
        found = self._nodes.get(node_id)
        if found is None and node_id.isdecimal():
            ad = self._nodes.get(ad_id_of(node_id))
            if ad is not None and ad.kind == "ad":
                return Node("creative", node_id, ad.account, ad.object)
        return found

    def is_revoked(self, account_id: str) -> bool:
        """Whether the client has withdrawn its share."""
        return account_id in self._revoked

    def readable(self) -> list[AdAccount]:
        """The accounts the system user may read."""
        return [a for a in self.accounts if a.assigned and a.id not in self._revoked]

    def revoke(self, account_id: str) -> None:
        """The client withdraws its share: unlisted and unreadable from now on."""
        self._revoked.add(self.account(account_id).id)

    def restore(self, account_id: str) -> None:
        """The client shares the account again."""
        self._revoked.discard(self.account(account_id).id)

    # What is done to objects

    def set_status(self, object_id: str, status: str) -> None:
        """Gives a campaign, ad set or ad another status, which moves its `updated_time`.

        Everything below follows in its effective status, without moving.
        """
        self.statuses.set(object_id, status)

    def delete(self, object_id: str) -> None:
        """Deletes a campaign, ad set or ad with all below.

        Its rows leave reports at its own level unless they are filtered by its status or asked of
        its own id; its parents' totals keep them.
        """
        self.statuses.set(object_id, "DELETED")

    def touch(self, object_id: str) -> None:
        """Moves the `updated_time` of a campaign, ad set or ad to now."""
        self.statuses.touch(object_id)

    def break_creative(self, creative_id: str) -> None:
        """Lets every answer fail that tells more of the creative than its id."""
        node = self.node(creative_id)
        if node is None or node.kind != "creative":
            raise KeyError(creative_id)
        self.broken_creatives.add(creative_id)

    def opt_in(self, feature: str) -> None:
        """The advertisers switch on a feature of `breakdowns.FEATURES`."""
        self.opted_in.add(_feature(feature))

    def opt_out(self, feature: str) -> None:
        """They never did: its breakdowns have no rows, without an error."""
        self.opted_in.discard(_feature(feature))

    # What happened

    @property
    def revision(self) -> int:
        """How often the numbers have been restated."""
        return len(self.restatements)

    def restate(self, share: float = 0.3) -> int:
        """Corrects the last 28 days as Meta does and returns the new revision.

        About `share` of the ad-days of every account change, a few late ones appear, none is
        withdrawn. The same seed and revision give the same numbers.
        """
        self.restatements.append(Restatement(share=share, at=self.now()))
        return self.revision

    def ad_days(self, account: AdAccount, day: date, revision: int | None = None) -> AdDays:
        """Which ads have a row on `day`, in id order, with their facts as of `revision`."""
        if day > account.today(self.now()):
            return []
        known = self.restatements[: self.revision if revision is None else revision]
        touched = tuple(n for n, r in enumerate(known, 1) if r.touches(account, day))
        key = (account.id, day, touched)
        found = self._ad_days.get(key)
        if found is None:
            found = list(self._made(account, day, [Change(n, known[n - 1].share) for n in touched]))
            self._ad_days.put(key, found)
        return found

    def _made(
        self, account: AdAccount, day: date, changes: list[Change]
    ) -> Iterator[tuple[Ad, Facts]]:
        if not account.delivers_on(day):
            return
        ordinal = day.toordinal()
        for ad in account.ads:
            facts = ad_day(self.seed, ad, ordinal)
            for change in changes:
                facts = restated(self.seed, ad, ordinal, facts, change)
            if facts is not None:
                yield ad, facts

    # The truth, for comparison

    def day_totals(self, account_id: str, since: date, until: date) -> dict[date, Totals]:
        """The true totals of each day with any row, both ends included."""
        account = self.account(account_id)
        unlisted = self._unlisted(account)
        return {
            day: truth.totals_of(account, ad_days, unlisted)
            for day, ad_days in self._days(account, since, until)
        }

    def totals(self, account_id: str, since: date, until: date) -> Totals:
        """The true totals of a span; rows are those of one-day reports."""
        return sum(self.day_totals(account_id, since, until).values(), start=Totals())

    def breakdown_day_totals(
        self, account_id: str, since: date, until: date, breakdowns: tuple[str, ...]
    ) -> dict[date, dict[Key, Totals]]:
        """The true totals of each day by breakdown values, with the rows each level has of them."""
        account = self.account(account_id)
        unlisted = self._unlisted(account)
        return {
            day: truth.by_value(account, self.seed, ad_days, breakdowns, unlisted)
            for day, ad_days in self._days(account, since, until)
        }

    def breakdown_totals(
        self, account_id: str, since: date, until: date, breakdowns: tuple[str, ...]
    ) -> dict[Key, Totals]:
        """The true totals of a span by breakdown values; rows are those of one-day reports."""
        found: dict[Key, Totals] = {}
        for day in self.breakdown_day_totals(account_id, since, until, breakdowns).values():
            for values, totals in day.items():
                found[values] = found.get(values, Totals()) + totals
        return found

    def period_totals(
        self,
        account_id: str,
        since: date,
        until: date,
        level: str = "account",
        breakdowns: tuple[str, ...] = (),
    ) -> dict[Key, PeriodTotals]:
        """The true numbers of the span taken as one period: (object id, *breakdown values) to them.

        Reach is not additive, so that weeks and months need their own truth.
        """
        account = self.account(account_id)
        whole = [each for _, ad_days in self._days(account, since, until) for each in ad_days]
        return truth.by_object(account, self.seed, whole, level, breakdowns)

    def action_totals(
        self, account_id: str, since: date, until: date
    ) -> dict[date, dict[str, int]]:
        """How often each action type happened on each day with any row."""
        days = self._days(self.account(account_id), since, until)
        return {day: truth.actions_of(ad_days) for day, ad_days in days}

    def action_value_totals(
        self, account_id: str, since: date, until: date
    ) -> dict[date, dict[str, Decimal]]:
        """What actions were worth on each day with any row, by type, in the major unit."""
        account = self.account(account_id)
        days = self._days(account, since, until)
        return {day: truth.action_values_of(account, ad_days) for day, ad_days in days}

    def _unlisted(self, account: AdAccount) -> dict[str, frozenset[str]]:
        """The deleted objects of each level, of which an account's reports have no rows."""
        return {level: self.statuses.deleted(account, level) for level in LEVELS[1:]}

    def _days(self, account: AdAccount, since: date, until: date) -> Iterator[tuple[date, AdDays]]:
        """The days of a span on which anything happened."""
        for number in range((until - since).days + 1):
            day = since + timedelta(days=number)
            ad_days = self.ad_days(account, day)
            if ad_days:
                yield day, ad_days


def _feature(name: str) -> str:
    if name not in FEATURES:
        raise ValueError(f"feature {name!r} is not one of {', '.join(sorted(FEATURES))}")
    return name


def _history(timezone_name: str, now: Callable[[], datetime], days: int) -> cast.Delivers:
    today = now().astimezone(ZoneInfo(timezone_name)).date()
    return cast.Delivers(today - timedelta(days=days - 1), None)


def _gone_quiet(delivers: cast.Delivers, days: int) -> cast.Delivers:
    """The same history cut off 61 days before its end."""
    first = delivers.first_day
    if first is None or days <= 61:  # noqa: PLR2004 - one more than the 60 quiet days
        return cast.Delivers(None, None)
    return cast.Delivers(first, first + timedelta(days=days - 62))


def _nodes(accounts: list[AdAccount]) -> Iterator[tuple[str, Node]]:
    for account in accounts:
        yield f"act_{account.id}", Node("account", account.id, account, account)
        for campaign in account.campaigns:
            yield campaign.id, Node("campaign", campaign.id, account, campaign)
            for adset in campaign.adsets:
                yield adset.id, Node("adset", adset.id, account, adset)
                for ad in adset.ads:
                    yield ad.id, Node("ad", ad.id, account, ad)
