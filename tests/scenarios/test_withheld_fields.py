"""A field that Meta refuses to two clients for three nights: no known value is lost, by anybody.

The calm twin is the same world in which nothing is refused. The innocent are held against it row by
row on each night. The two guilty keep all values of the days delivered before, get new days without
the one field, and are whole again after one calm night. Numbers are restated each night.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.sandbox import World
from tests.support.nights import Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.nights import Night, Table

BEGAN = dt.datetime(2026, 11, 25, 3, tzinfo=dt.timezone.utc)
STREAMS = ("account_insights", "campaign_insights", "ad_insights", "by_age")
BY_AGE = {"name": "by_age", "breakdowns": ["age"], "fields": ["spend", "reach", "clicks", "ctr"]}


@dataclass(slots=True)
class Warehouse:
    """One world, and what arrives of it night after night."""

    time: Time = field(default_factory=lambda: Time(BEGAN))
    world: World = field(init=False)
    nights: Nights = field(init=False)

    def __post_init__(self) -> None:
        self.world = World.agency(seed=7, accounts=3, idle=0, days=40, now=self.time.utc_now)
        graph = graph_of(self.world, self.time)
        self.nights = Nights(self.time, graph, streams=STREAMS, config={"reports": [BY_AGE]})

    def night(self) -> Night:
        """Restate the last 28 days, and run once."""
        self.world.restate()
        night = self.nights.night()
        self.nights.next_night()
        return night


def days_of(table: Table) -> set[str]:
    return {row["date_start"] for row in table.values()}


@pytest.mark.parametrize(
    ("names", "wording", "questions"),
    [(("ctr",), "invalid", 1), (("reach", "clicks"), "unnamed", 12)],
    ids=["named", "not named"],
)
def test_refused__to_two_clients_for_three_nights(
    names: tuple[str, ...], wording: str, questions: int
) -> None:
    """Whether Meta names the field or not: known values stay, and others lose nothing."""
    real, calm = Warehouse(), Warehouse()
    real.night()
    calm.night()
    ids = [account.id for account in real.world.accounts]
    guilty = ids[1:3]
    known = {each: real.nights.rows_of(each) for each in guilty}
    refusals = real.nights.graph.refused_fields
    pairs = [(name, account_id) for name in names for account_id in guilty]
    for name, account_id in pairs:
        refusals.refuse(name, account_id, wording=wording)

    for _ in range(3):
        night, calm_night = real.night(), calm.night()

        assert {str(result.result) for result in night.results} == {"delivered"}
        assert not night.failed
        # A bounded price for each stream of the two.
        most = len(calm_night.calls) + len(guilty) * len(STREAMS) * (questions + 1)
        assert len(night.calls) <= most
        for account_id in ids[:1] + ids[3:]:
            assert real.nights.rows_of(account_id) == calm.nights.rows_of(account_id)
        for account_id in guilty:
            assert real.nights.bookmarks_of(account_id) == calm.nights.bookmarks_of(account_id)
            _assert_kept(known[account_id], real, calm, account_id, names)

    for name, account_id in pairs:
        refusals.accept(name, account_id)
    real.night()
    calm.night()

    for account_id in ids:
        assert real.nights.rows_of(account_id) == calm.nights.rows_of(account_id)
    assert len(real.night().calls) == len(calm.night().calls)


def _assert_kept(
    known: dict[str, Table], real: Warehouse, calm: Warehouse, account_id: str, names: Iterable[str]
) -> None:
    """Hold what is there now against what was known before, and its days against the twin's."""
    rows, twin = real.nights.rows_of(account_id), calm.nights.rows_of(account_id)
    for stream, before in known.items():
        assert days_of(rows[stream]) == days_of(twin[stream])
        # The last day was under way: its numbers were not whole, with whatever fields.
        last = max(days_of(before))
        lost = [
            key
            for key, row in before.items()
            for name in names
            if row["date_start"] != last
            and row.get(name) is not None
            and rows[stream][key][name] is None
        ]
        assert lost == []
