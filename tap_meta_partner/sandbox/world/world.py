"""What is true in the sandbox: the accounts, what they delivered, and how it was restated.

`World` answers without HTTP and sums ad-days by itself, so that rows read over HTTP can be held
against it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tap_meta_partner.sandbox.world import cast
from tap_meta_partner.sandbox.world.advertising import Node
from tap_meta_partner.sandbox.world.creatives import ad_id_of
from tap_meta_partner.sandbox.world.delivered import Delivered
from tap_meta_partner.sandbox.world.splitting import FEATURES
from tap_meta_partner.sandbox.world.statuses import Statuses
from tap_meta_partner.sandbox.world.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_meta_partner.sandbox.world.advertising import AdAccount, Business


def utc_now() -> dt.datetime:
    """Return the real time; worlds take another clock in tests."""
    return dt.datetime.now(tz=dt.timezone.utc)


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
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self.accounts = list(accounts)
        self.seed = seed
        self.business = business
        self.now = now
        self.opted_in = set(FEATURES)
        self._by_id = {account.id: account for account in self.accounts}
        self._revoked: set[str] = set()
        self._nodes = dict(_nodes(self.accounts))
        self.statuses = Statuses(seed, now, self._nodes.get)
        self.broken_creatives: set[str] = set()
        #: Creatives of which no answer may tell the `object_story_spec`.
        self.rejected_stories: set[str] = set()
        self.delivered = Delivered(seed, now)
        self.truth = Truth(seed, self.account, self.delivered, self.statuses)

    @classmethod
    def demo(
        cls, seed: int = 7, *, days: int = 90, now: Callable[[], dt.datetime] = utc_now
    ) -> World:
        """Make eight accounts of six businesses that between them show every kind of account."""
        accounts = []
        for number, client in enumerate(cast.demo_clients()):
            delivers = _history(client.timezone_name, now, days)
            if client.name == cast.SILENT_DEMO_CLIENT:
                delivers = cast.Delivers(None, None)
            elif client.status == cast.DISABLED and delivers.first_day is not None:
                stopped = delivers.first_day + dt.timedelta(days=days * 3 // 4)
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
        now: Callable[[], dt.datetime] = utc_now,
    ) -> World:
        """Make many small accounts; the share `idle` of them has had no rows for 60 days."""
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
        now: Callable[[], dt.datetime] = utc_now,
    ) -> World:
        """Make one large account in which every ad delivers every day: ads x days rows."""
        client = cast.Client("Kaufhaus Groß", "USD", "America/New_York", cast.AGENCY, owned=True)
        shape = cast.Shape(
            campaigns=-(-ads // 50), adsets=5, ads_per_adset=10, ads=ads, always=True
        )
        delivers = _history(client.timezone_name, now, days)
        account = cast.cast_account(client, 0, seed, lambda _: shape, delivers)
        return cls([account], seed=seed, now=now)

    # Who is there

    def account(self, account_id: str) -> AdAccount:
        """Return the account with that id, with or without `act_`; KeyError when there is none."""
        return self._by_id[account_id.removeprefix("act_")]

    def node(self, node_id: str) -> Node | None:
        """Return the account (`act_…`), campaign, ad set, ad or creative with that id."""
        found = self._nodes.get(node_id)
        if found is None and node_id.isdecimal():
            ad = self._nodes.get(ad_id_of(node_id))
            if ad is not None and ad.kind == "ad":
                return Node("creative", node_id, ad.account, ad.object)
        return found

    def is_revoked(self, account_id: str) -> bool:
        """Tell whether the client has withdrawn its share."""
        return account_id in self._revoked

    def readable(self) -> list[AdAccount]:
        """Return the accounts the system user may read."""
        return [a for a in self.accounts if a.assigned and a.id not in self._revoked]

    def revoke(self, account_id: str) -> None:
        """Withdraw the client's share: the account is unlisted and unreadable from now on."""
        self._revoked.add(self.account(account_id).id)

    def restore(self, account_id: str) -> None:
        """Share the account again."""
        self._revoked.discard(self.account(account_id).id)

    # What is done to objects

    def break_creative(self, creative_id: str) -> None:
        """Let every answer fail that tells more of the creative than its id."""
        node = self.node(creative_id)
        if node is None or node.kind != "creative":
            raise KeyError(creative_id)
        self.broken_creatives.add(creative_id)

    def opt_in(self, feature: str) -> None:
        """Switch on one of `FEATURES` for every advertiser."""
        self.opted_in.add(_feature(feature))

    def opt_out(self, feature: str) -> None:
        """Switch it off: its breakdowns have no rows, without an error."""
        self.opted_in.discard(_feature(feature))

    # What happened

    def restate(self, share: float = 0.3) -> int:
        """Correct the last 28 days as Meta does and return the new revision.

        About `share` of the ad-days of every account change, a few late ones appear, none is
        withdrawn. The same seed and revision give the same numbers.
        """
        return self.delivered.restate(share)


def _feature(name: str) -> str:
    if name not in FEATURES:
        raise ValueError(f"feature {name!r} is not one of {', '.join(sorted(FEATURES))}")
    return name


def _history(timezone_name: str, now: Callable[[], dt.datetime], days: int) -> cast.Delivers:
    today = now().astimezone(ZoneInfo(timezone_name)).date()
    return cast.Delivers(today - dt.timedelta(days=days - 1), None)


def _gone_quiet(delivers: cast.Delivers, days: int) -> cast.Delivers:
    """Return the same history cut off 61 days before its end."""
    first = delivers.first_day
    if first is None or days <= 61:  # noqa: PLR2004  (one more than the 60 quiet days)
        return cast.Delivers(None, None)
    return cast.Delivers(first, first + dt.timedelta(days=days - 62))


def _nodes(accounts: list[AdAccount]) -> Iterator[tuple[str, Node]]:
    for account in accounts:
        yield f"act_{account.id}", Node("account", account.id, account, account)
        for campaign in account.campaigns:
            yield campaign.id, Node("campaign", campaign.id, account, campaign)
            for adset in campaign.adsets:
                yield adset.id, Node("adset", adset.id, account, adset)
                for ad in adset.ads:
                    yield ad.id, Node("ad", ad.id, account, ad)
