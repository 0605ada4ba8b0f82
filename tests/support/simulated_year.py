"""A year of nights of forty accounts, four of them hard: `python -m tests.support.simulated_year`.

One account has a single Advantage+ campaign whose ads outgrow every limit, quarter by quarter: the
window, the day, and in the end the ad set. One has report runs that stand still whenever one is
made. One is throttled every night. One has 600 ads, all of which are deleted in spring. Numbers are
restated every third night. It is all in one process and in simulated time.

Held on every night: no account is more than two days behind its own today, and the night ends
within ninety minutes. Held at the end: what was delivered is the sandbox's truth, day by day.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox import Fault, World
from tap_meta_partner.sandbox.world import cast
from tests.support.nights import Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tap_meta_partner.sandbox.world.advertising import AdAccount
    from tests.support.nights import Night

NIGHTS, ACCOUNTS = 365, 40
LONGEST_NIGHT_SECONDS, MOST_DAYS_BEHIND = 90 * 60.0, 2
_STREAMS = ("account_insights", "ad_insights", "campaigns", "ads")
_BEGAN = dt.datetime(2026, 1, 10, 3, tzinfo=dt.timezone.utc)
_FIRST_DAY = dt.date(2026, 1, 1)
_FIELDS = ["campaign_id", "adset_id", "ad_id", "impressions", "spend", "clicks", "reach", "ctr"]
#: How many cells (rows times heavy fields) an answer may have, quarter by quarter.
_LIMITS = (None, 3_000, 400, 130)
_GROWING, _STANDING, _THROTTLED, _DELETED = range(4)
#: Campaigns, ad sets in each and ads in each of those, of the hard accounts; then of all others.
_SHAPES = {
    _GROWING: cast.Shape(campaigns=1, adsets=1, ads_per_adset=48, always=True),
    _STANDING: cast.Shape(campaigns=3, adsets=2, ads_per_adset=4, always=True),
    _THROTTLED: cast.Shape(campaigns=1, adsets=1, ads_per_adset=2, always=True),
    _DELETED: cast.Shape(campaigns=2, adsets=3, ads_per_adset=100),
}
_ORDINARY = cast.Shape(campaigns=1, adsets=1, ads_per_adset=1)
_PLACES = ("Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Auckland")


@dataclass(slots=True)
class Year:
    """Nights, one after another, and what was not as it has to be.

    Args:
        nights: how many; the four quarters are of equal length.
        accounts: how many, the four hard ones included.
        deleted_ads: how many ads the account has whose ads are deleted.
    """

    nights: int = NIGHTS
    accounts: int = ACCOUNTS
    deleted_ads: int = 600
    problems: list[str] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    tap: Nights = field(init=False)
    world: World = field(init=False)

    def __post_init__(self) -> None:
        time = Time(_BEGAN)
        clients = [self._cast(number) for number in range(self.accounts)]
        self.world = World(clients, seed=11, now=time.utc_now)
        config = {"start_date": str(_FIRST_DAY), "fields": _FIELDS}
        graph = graph_of(self.world, time)
        self.tap = Nights(time, graph, streams=_STREAMS, config=config)

    def _cast(self, number: int) -> AdAccount:
        shape = _SHAPES.get(number, _ORDINARY)
        if number == _DELETED:
            shape = cast.Shape(campaigns=2, adsets=3, ads_per_adset=self.deleted_ads // 6)

        def shaped(_: Random) -> cast.Shape:
            return shape

        client = cast.Client(f"Client {number}", "USD", _PLACES[number % 4], cast.AGENCY)
        return cast.cast_account(client, number, 11, shaped, cast.Delivers(_FIRST_DAY, None))

    def play(self) -> None:
        """Play the year and a calm night; note what is not as it has to be."""
        for number in range(self.nights):
            self._prepare(number)
            night = self.tap.night()
            self.tap.graph.faults.clear()
            self.calls.append(len(night.calls))
            self.seconds.append(night.seconds)
            self.problems += self._judged(number, night)
            self.tap.next_night()
        self.tap.graph = graph_of(self.world, self.tap.time)
        calm = self.tap.night()
        if calm.failed:
            self.problems.append(f"the calm night failed: {calm.summary}")
        for account in self.world.accounts:
            self.problems += self._untrue(account)

    def _prepare(self, number: int) -> None:
        """Let tonight be as it is: a quarter's limit, and what meets the hard accounts."""
        quarter = max(1, self.nights // 4)
        if number % quarter == 0 and number // quarter < len(_LIMITS):
            limit = _LIMITS[number // quarter]
            self.tap.graph = graph_of(self.world, self.tap.time, max_cells=limit)
        if number % 3 == 0:
            self.world.restate(share=0.2)
        if number == quarter:
            for campaign in self.world.accounts[_DELETED].campaigns:
                for adset in campaign.adsets:
                    for ad in adset.ads:
                        self.world.statuses.delete(ad.id)
        standing, throttled = (self.world.accounts[at].id for at in (_STANDING, _THROTTLED))
        for fault in (
            Fault(kind="run_create", account_id=standing, times=None, fate="stuck_99"),
            Fault(account_id=throttled, times=6, code=17, subcode=2446079),
        ):
            self.tap.graph.faults.add(fault)

    def _judged(self, number: int, night: Night) -> Iterator[str]:
        where = f"night {number + 1}"
        if night.stopped:
            yield f"{where}: stopped: {night.stopped}"
        if night.seconds > LONGEST_NIGHT_SECONDS:
            yield f"{where}: it took {night.seconds / 60:.0f} minutes"
        for account in self.world.accounts:
            today = account.today(self.tap.time.utc_now())
            bookmarks = self.tap.bookmarks_of(account.id)
            for stream in _STREAMS[:2]:
                day = bookmarks.get(stream)
                behind = (today - dt.date.fromisoformat(day)).days if day else 999
                if behind > MOST_DAYS_BEHIND:
                    yield f"{where}: {account.name}, {stream}: {behind} days behind"

    def _untrue(self, account: AdAccount) -> Iterator[str]:
        """Tell which days of an account are not what the sandbox says."""
        today = account.today(self.tap.time.utc_now())
        truth = self.world.truth.day_totals(account.id, _FIRST_DAY, today)
        # Of deleted ads there are no rows of their own any more, though days before are as read.
        levels = ("account",) if account is self.world.accounts[_DELETED] else ("account", "ad")
        for level in levels:
            spend: dict[str, object] = {}
            count: dict[str, int] = {}
            for row in self.tap.tables[f"{level}_insights"].values():
                if row["account_id"] == account.id:
                    day = str(row["date_start"])
                    spend[day] = spend.get(day, 0) + row["spend"]  # type: ignore[operator]
                    count[day] = count.get(day, 0) + 1
            wrong = [
                str(day)
                for day, totals in truth.items()
                if totals.rows_by_level[level]
                and (spend.get(str(day)), count.get(str(day)))
                != (totals.spend, totals.rows_by_level[level])
            ]
            if wrong:
                yield f"{account.name}, {level}: {len(wrong)} days are wrong, the first {wrong[0]}"

    def told(self) -> str:
        """Return calls and simulated time of the median and the worst night."""
        return (
            f"{self.nights} nights, {self.accounts} accounts: a night takes "
            f"{statistics.median(self.calls):.0f} calls and "
            f"{statistics.median(self.seconds) / 60:.1f} minutes at the median, "
            f"{max(self.calls)} calls and {max(self.seconds) / 60:.1f} minutes at worst"
        )


def main() -> None:
    """Play the year and print how it went; exit 1 where anything is not as it has to be."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--nights", type=int, default=NIGHTS)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--deleted-ads", type=int, default=600)
    arguments = parser.parse_args()
    year = Year(arguments.nights, arguments.accounts, arguments.deleted_ads)
    year.play()
    sys.stdout.writelines(f"{problem}\n" for problem in year.problems)
    sys.stdout.write(f"{year.told()}\n{len(year.problems)} things are not as they have to be\n")
    sys.exit(1 if year.problems else 0)


if __name__ == "__main__":
    main()
