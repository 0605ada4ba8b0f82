"""Who is to blame: many clients, a few that Meta refuses, three nights, and a calm one.

Each night the innocent clients are compared, row for row, with those of a twin that meets no fault
at all; on the night after the fault has ended the guilty ones are whole again.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tap_meta_partner.sandbox.graph.dials import Dials
from tap_meta_partner.sandbox.graph.graph import Graph
from tests.support.nights import Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_meta_partner.sandbox.protocol.calls import Answer, GraphCall
    from tests.support.nights import Night, Table

BEGAN = dt.datetime(2026, 11, 25, 3, 0, tzinfo=dt.timezone.utc)
CLIENTS = 200
FAULTY_NIGHTS = 3
STREAMS = ("account_insights", "ad_insights")

#: What Meta says to the guilty: one text to all, or now this one and now that.
WORDS: dict[str, list[dict[str, Any]]] = {
    "missing perms, HTTP 400": [{"code": 100, "message": "(#100) Missing perms"}],
    "missing perms, HTTP 403": [{"code": 100, "message": "(#100) Missing perms", "status": 403}],
    "two texts under 100": [
        {"code": 100, "message": "(#100) This is not for act_7"},
        {"code": 100, "message": "(#100) Something else altogether"},
    ],
    "200": [{"code": 200, "message": "(#200) Ad account owner has NOT grant ads_read"}],
    "190 of a page": [
        {
            "code": 190,
            "message": "(#190) pages_read_engagement permission(s) must be granted before "
            "impersonating a user's page.",
        }
    ],
    "803": [{"code": 803, "message": "(#803) Some of the aliases you requested do not exist: x"}],
}


def new_nights(*, clients: int = CLIENTS, **options: Any) -> Nights:  # noqa: ANN401
    """Return nights of an agency most of whose clients are idle."""
    time = Time(BEGAN)
    world = World.agency(seed=7, accounts=clients, idle=0.8, days=40, now=time.utc_now)
    options = {"streams": STREAMS, "config": {"start_date": "2026-11-20"}, **options}
    return Nights(time=time, graph=graph_of(world, time), **options)


@cache
def calm_nights() -> list[dict[str, dict[str, Table]]]:
    """Return what is delivered of each client, night by night, where nothing goes wrong."""
    calm = new_nights()
    found = []
    for _ in range(FAULTY_NIGHTS + 1):
        night = calm.night()
        assert not night.failed, night.summary
        found.append({each: calm.rows_of(each) for each in ids_of(calm)})
        calm.next_night()
    return found


def ids_of(nights: Nights) -> list[str]:
    return sorted(account.id for account in nights.graph.world.readable())


def refuse(nights: Nights, guilty: list[str], words: list[dict[str, Any]]) -> None:
    """Refuse all that is asked about the guilty from now on, with each of the words in turn."""
    for place, account_id in enumerate(guilty):
        word = words[place % len(words)]
        nights.graph.faults.add(Fault(account_id=account_id, times=None, **word))


def calls_of(night: Night, guilty: list[str]) -> int:
    return sum(call.account_id in guilty for call in night.calls)


CASES = [
    ("missing perms, HTTP 400", 2),
    ("missing perms, HTTP 403", 3),
    ("two texts under 100", 5),
    ("200", 5),
    ("190 of a page", 2),
    ("803", 3),
]


@pytest.mark.parametrize(("word", "guilty_count"), CASES)
def test_guilty__cost_the_innocent_nothing(word: str, guilty_count: int) -> None:
    """A few of 200 clients are refused for three nights: the others are as on calm nights."""
    nights = new_nights()
    ids = ids_of(nights)
    guilty = ids[:guilty_count]
    innocent = [each for each in ids if each not in guilty]
    refuse(nights, guilty, WORDS[word])

    for calm in calm_nights()[:FAULTY_NIGHTS]:
        night = nights.night()

        assert night.stopped is None
        for each in innocent:
            assert set(night.outcomes(each).values()) == {"delivered"}, each
            assert nights.rows_of(each) == calm[each]
        for each in guilty:
            assert set(night.outcomes(each).values()) <= {"skipped", "failed"}
        assert calls_of(night, guilty) <= 8 * guilty_count
        # The figures, and a line for each cause.
        assert len(night.summary) <= 1 + 2 * len(WORDS[word])
        nights.next_night()

    nights.graph.faults.clear()
    night = nights.night()

    assert not night.failed, night.summary
    for each in ids:
        assert nights.rows_of(each) == calm_nights()[FAULTY_NIGHTS][each]


# A report that is refused to everybody.

BY_AGE = {"name": "by_age", "level": "account", "breakdowns": ["age"], "fields": ["spend"]}


class RefusingReports(Graph):
    """A Graph API that refuses reports with breakdowns, and answers all the rest."""

    word: Mapping[str, Any] | None = None

    def answer(self, call: GraphCall) -> Answer:
        """Answer one call."""
        if self.word and "breakdowns" in call.params:
            self.faults.add(Fault(**self.word))
        return super().answer(call)


@pytest.mark.parametrize("code", [10, 200, 274, 100])
def test_report__refused_to_everybody_costs_that_report_only(code: int) -> None:
    """It is asked of half of the accounts, each night of others first; all else is delivered."""
    time = Time(BEGAN)
    world = World.agency(seed=7, accounts=20, idle=0.0, days=40, now=time.utc_now)
    graph = RefusingReports(world, Dials(monotonic=time.monotonic))
    graph.word = {"code": code, "message": f"(#{code}) Not for 'you'"}
    config = {"start_date": "2026-11-20", "reports": [BY_AGE], "max_concurrency": 1}
    nights = Nights(time=time, graph=graph, streams=(*STREAMS, "by_age"), config=config)
    ids = ids_of(nights)
    asked: list[set[str]] = []

    for _ in range(FAULTY_NIGHTS):
        night = nights.night()

        found = {each: night.outcomes(each) for each in ids}
        refused = {each for each in ids if found[each]["by_age"] in {"skipped", "failed"}}
        assert len(refused) == 10
        assert {found[each]["by_age"] for each in ids if each not in refused} == {"not tried"}
        for each in ids:
            assert [found[each][stream] for stream in STREAMS] == ["delivered"] * 2
        assert night.failed is (code == 100)
        asked.append(refused)
        nights.next_night()

    assert not asked[0] & asked[1]
    graph.word = None
    night = nights.night()
    assert {night.outcomes(each)["by_age"] for each in ids} == {"delivered"}
