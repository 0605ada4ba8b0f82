"""Weeks of nights in which everything goes wrong that is known to go wrong, drawn from a seed.

`uv run python -m tests.support.drawn_nights` plays 60 nights of 30 accounts. On each night some
accounts meet faults of the matrix (`fault_matrix.py`) at places of the matrix, fields are refused
to some in each of Meta's wordings, numbers are restated, clients withdraw their shares and share
again, some runs are killed at any moment, and some targets confirm no state of their last pages.
After one calm night every account that is shared has to be what a tap that begins that night reads,
in every column, and its spend what the sandbox itself says. On every night no bookmark may claim a
day that is not in the table.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from tap_meta_partner.sandbox import Fault, World
from tap_meta_partner.sandbox.graph.field_refusals import WORDINGS
from tap_meta_partner.sandbox.world import cast
from tests.support.fault_matrix import KINDS, PLACES, TIMES
from tests.support.nights import Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.nights import Night

_FIRST_DAY = dt.date(2026, 8, 20)
_BEGAN = dt.datetime(2026, 9, 1, 3, tzinfo=dt.timezone.utc)
_ZONES = ("Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Auckland")
_STREAMS = ("account_insights", "ad_insights", "by_age")
_CONFIG: Mapping[str, Any] = {
    "start_date": _FIRST_DAY.isoformat(),
    "fields": ["campaign_id", "adset_id", "ad_id", "impressions", "spend", "reach", "actions"],
    "reports": [
        {
            "name": "by_age",
            "level": "campaign",
            "breakdowns": ["age"],
            "fields": ["impressions", "spend", "reach", "actions"],
        }
    ],
}
#: What Meta refuses to some accounts for some nights.
_REFUSED = ("reach", "actions")
#: Finality depends on when a day was last read, which a tap that begins anew does later.
_NOT_COMPARED = ("is_final",)
_CALLS = [place for place in PLACES.values() if not place.is_listing]


@dataclass(slots=True)
class Drawn:
    """Nights whose misfortunes are drawn from a seed.

    Attributes:
        problems: what was not as it has to be, night by night.
    """

    seed: int
    accounts: int = 30
    unchanged_days: str = "skip"
    reread: str = "all"
    problems: list[str] = field(default_factory=list)
    _random: Random = field(init=False)
    #: By account, up to which day it was read, and on which days it had spent by then.
    _true_when_read: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    nights: Nights = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311  (drawn on purpose)
        time = Time(_BEGAN)
        shape = cast.Shape(campaigns=2, adsets=1, ads_per_adset=2, always=False)
        clients = [
            cast.cast_account(
                cast.Client(f"Client {number}", "USD", _ZONES[number % 4], cast.AGENCY),
                number,
                7,
                lambda _: shape,
                cast.Delivers(_FIRST_DAY, None),
            )
            for number in range(self.accounts)
        ]
        world = World(clients, seed=self.seed, now=time.utc_now)
        graph = graph_of(world, time, max_page_rows=40, max_page_accounts=20)
        self.nights = Nights(
            time,
            graph,
            streams=_STREAMS,
            config={**_CONFIG, "unchanged_days": self.unchanged_days, "reread": self.reread},
            jitter=self._random.random,
        )

    @property
    def world(self) -> World:
        """What is true."""
        return self.nights.graph.world

    def play(self, nights: int) -> None:
        """Play so many nights, then a calm one; note what is not as it has to be."""
        for number in range(nights):
            self._draw()
            killed_after = self._random.randrange(200) if self._random.random() < 0.1 else None
            unconfirmed = self._random.randrange(30) if self._random.random() < 0.1 else 0
            night = self.nights.night(killed_after=killed_after, unconfirmed=unconfirmed)
            self.nights.graph.faults.clear()
            self._note_true(night)
            self.problems += self._claimed(number)
            self.nights.next_night()
        for account in self.world.accounts:
            self.world.restore(account.id)
            for name in _REFUSED:
                self.nights.graph.refused_fields.accept(name, account.id)
        calm = self.nights.night()
        if calm.failed:
            self.problems.append(f"the calm night failed: {calm.stopped or calm.summary}")
        self.problems += self._untrue()

    def _draw(self) -> None:
        """Draw what happens tonight."""
        draw = self._random
        if draw.random() < 0.3:
            self.world.restate(share=0.3)
        for account in self.world.accounts:
            if draw.random() < 0.02:
                self.world.revoke(account.id)
            elif draw.random() < 0.5:
                self.world.restore(account.id)
        self._draw_refused_fields()
        for _ in range(draw.randrange(8)):
            kind = draw.choice(list(KINDS))
            place = draw.choice(_CALLS)
            self.nights.graph.faults.add(
                Fault(
                    kind=place.kind,
                    page=place.page,
                    account_id=draw.choice(self.world.accounts).id,
                    times=TIMES[draw.choice(list(TIMES))],
                    after=draw.randrange(3),
                    **KINDS[kind].fault,
                )
            )

    def _draw_refused_fields(self) -> None:
        """Draw which fields are refused to whom tonight, and in which words."""
        draw = self._random
        for name in _REFUSED:
            for account in self.world.accounts:
                if draw.random() < 0.02:
                    wording = draw.choice(sorted(WORDINGS))
                    self.nights.graph.refused_fields.refuse(name, account.id, wording=wording)
                elif draw.random() < 0.5:
                    self.nights.graph.refused_fields.accept(name, account.id)

    def _note_true(self, night: Night) -> None:
        """Keep what was true of an account when it was read: later it may be restated unseen."""
        for account in self.world.accounts:
            day = self.nights.bookmarks_of(account.id).get("account_insights")
            known = self._true_when_read.get(account.id)
            read = night.outcomes(account.id).get("account_insights") == "delivered"
            if day and (read or known is None or known[0] != day):
                until = dt.date.fromisoformat(day)
                true = self.world.truth.day_totals(account.id, _FIRST_DAY, until)
                days = frozenset(str(found) for found, totals in true.items() if totals.spend)
                self._true_when_read[account.id] = (day, days)

    def _claimed(self, number: int) -> Iterator[str]:
        """Tell which bookmarks claim a day of which there are no rows though there was spend."""
        for account in self.world.accounts:
            day = self.nights.bookmarks_of(account.id).get("account_insights")
            if day is None or self.nights.holes_of(account.id):
                continue
            there = {
                row["date_start"]
                for row in self.nights.tables.get("account_insights", {}).values()
                if row["account_id"] == account.id
            }
            missing = sorted(self._true_when_read[account.id][1] - there)
            if missing:
                yield f"night {number + 1}: {account.id} claims {day}, but {missing[0]} is missing"

    def _untrue(self) -> Iterator[str]:
        """Tell which accounts differ from what a tap that begins now reads."""
        anew = Nights(self.nights.time, self.nights.graph, streams=_STREAMS, config=_CONFIG)
        anew.night()
        for account in self.world.accounts:
            mine, true = self.nights.rows_of(account.id), anew.rows_of(account.id)
            for stream in _STREAMS:
                yield from _differences(
                    f"{account.id}, {stream}", mine.get(stream, {}), true.get(stream, {})
                )


def _differences(where: str, mine: Mapping[Any, Any], true: Mapping[Any, Any]) -> Iterator[str]:
    missing, more = true.keys() - mine.keys(), mine.keys() - true.keys()
    if missing or more:
        yield f"{where}: {len(missing)} rows missing ({sorted(missing)[:2]}), {len(more)} too many"
    for key in true.keys() & mine.keys():
        names = [
            name
            for name in true[key]
            if name not in _NOT_COMPARED and true[key][name] != mine[key].get(name)
        ]
        if names:
            yield f"{where}: {key} differs in {', '.join(names)}"
            return


def main() -> None:
    """Play nights and print what is not as it has to be; exit 1 where there is any."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--accounts", type=int, default=30)
    parser.add_argument("--reread", choices=("all", "changed"), default="all")
    parser.add_argument("--unchanged-days", choices=("skip", "write"), default="skip")
    arguments = parser.parse_args()
    drawn = Drawn(
        arguments.seed,
        arguments.accounts,
        unchanged_days=arguments.unchanged_days,
        reread=arguments.reread,
    )
    drawn.play(arguments.nights)
    sys.stdout.writelines(f"{problem}\n" for problem in drawn.problems)
    sys.stdout.write(f"{len(drawn.problems)} things are not as they have to be\n")
    sys.exit(1 if drawn.problems else 0)


if __name__ == "__main__":
    main()
