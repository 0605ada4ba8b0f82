"""The ladder to its end: wherever the wall stands, all that fits arrives, and the next night knows.

Each cell is one stream of three accounts behind one wall: too many days, a day, a campaign, an ad
set, an ad, its fields, or one object of which nothing fits. It is read two nights, then the wall is
gone. The calm twin is the same world without a wall: rows are held against its, one by one.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import World
from tap_meta_partner.sandbox.graph.reports import LIGHT_FIELDS
from tests.support.nights import Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.support.nights import Night

BEGAN = dt.datetime(2026, 11, 25, 3, tzinfo=dt.timezone.utc)
START = BEGAN.date() - dt.timedelta(days=11)
LEVELS = ("account", "campaign", "adset", "ad")
WALLS = {
    "account": ("window", "day", "fields", "nothing"),
    "campaign": ("window", "day", "campaign", "fields", "nothing"),
    "adset": ("window", "day", "campaign", "adset", "fields", "nothing"),
    "ad": ("window", "day", "campaign", "adset", "ad", "fields", "nothing"),
}
CELLS = [(level, wall) for level, walls in WALLS.items() for wall in walls]
#: What a row is keyed by, in the tables: account, day, object.
Row = dict[str, Any]


def clients(now: Any) -> World:  # noqa: ANN401  (a clock)
    return World.agency(seed=7, accounts=3, idle=0, days=14, now=now)


@dataclass(slots=True)
class Walled:
    """A stream behind a wall, and its calm twin a night ahead of it.

    Args:
        level: of the stream.
        wall: where it stands.
    """

    level: str
    wall: str
    time: Time = field(default_factory=lambda: Time(BEGAN))
    world: World = field(init=False)
    nights: Nights = field(init=False)
    twin: Nights = field(init=False)
    cells: int | None = None
    missing: str | None = None

    def __post_init__(self) -> None:
        self.world = clients(self.time.utc_now)
        time = Time(BEGAN)
        self.twin = self._nights(time, clients(time.utc_now))
        self.nights = self._nights(self.time, self.world)
        self.raise_wall(self.twin.night())
        self.twin.next_night()

    @property
    def stream(self) -> str:
        """The stream's name."""
        return f"{self.level}_insights"

    def _nights(self, time: Time, world: World) -> Nights:
        config = {"start_date": str(START)}
        return Nights(time, graph_of(world, time), streams=(self.stream,), config=config)

    def raise_wall(self, calm: Night) -> None:
        """Put the wall where a calm night tells that the level is."""
        asked = next(call for call in calm.calls if call.kind == "insights")
        heavy = len(set(asked.params["fields"].split(",")) - LIGHT_FIELDS)
        table = self.twin.tables[self.stream]
        if self.wall == "nothing":
            row = max(table.values(), key=lambda row: row["spend"])
            self.missing = str(row[f"{self.level}_id"])
            self.nights.graph = graph_of(self.world, self.time, unservable=(self.missing,))
            return
        if self.wall == "fields":
            self.cells = -(-heavy // 2)
        else:
            self.cells = heavy * self._most_rows(table.values())
        self.nights.graph = graph_of(self.world, self.time, max_cells=self.cells)

    def _most_rows(self, rows: Iterable[Row]) -> int:
        """Return how many rows a request may have, so that one smaller piece just fits."""
        rows = list(rows)
        if self.wall == "window":
            return max(Counter(row["account_id"] for row in rows).values()) // 2 + 2
        names = ("account_id", "date_start")
        if self.wall != "day":
            names = (*names, f"{self.wall}_id")
        return max(Counter(tuple(row[name] for name in names) for row in rows).values())

    def tear_down(self) -> None:
        """Let everything fit."""
        self.nights.graph = graph_of(self.world, self.time)

    def night(self) -> Night:
        """Run both, the calm one too."""
        night = self.nights.night()
        self.nights.next_night()
        return night

    def assert_rows(self, twin: Mapping[str, Any], *, missing: str | None = None) -> None:
        """Hold every row against the calm twin's; those of the missing object are not there."""
        for account in self.world.accounts:
            expected = twin[account.id].get(self.stream, {})
            found = self.nights.rows_of(account.id).get(self.stream, {})
            wanted = {
                key: row for key, row in expected.items() if row[f"{self.level}_id"] != missing
            }
            assert found == wanted

    def calm_rows(self) -> dict[str, Any]:
        """Return all that the calm twin has so far."""
        return {account.id: self.twin.rows_of(account.id) for account in self.world.accounts}


def reports(night: Night) -> list[Any]:
    """Return the calls for reports, polls included; not those for accounts."""
    kinds = ("insights", "campaign_insights", "run_create", "poll", "run_result")
    return [call for call in night.calls if call.kind in kinds]


def least_calls(walled: Walled) -> int:
    """Count the fewest calls that bring all rows of a night's open days, by hand.

    Days are taken together as long as they fit; a day that does not is one list of objects, and
    then each of them in the same way; the smallest object is as many calls as its fields need.
    """
    table = walled.twin.tables[walled.stream].values()
    return sum(
        _least(walled, [row for row in table if row["account_id"] == account.id])
        for account in walled.world.accounts
    )


def _least(walled: Walled, rows: list[Row]) -> int:
    by_day: dict[str, list[Row]] = {}
    for row in rows:
        by_day.setdefault(row["date_start"], []).append(row)
    calls, open_rows = 0, 0
    for day in sorted(by_day):
        whole = by_day[day]
        if not _fits(walled, whole):
            calls += _least_below(walled, whole, 0) + (open_rows > 0)
            open_rows = 0
        elif open_rows and not _fits_many(walled, open_rows + len(whole)):
            calls, open_rows = calls + 1, len(whole)
        else:
            open_rows += len(whole)
    return max(calls + (open_rows > 0), 1)


def _fits(walled: Walled, rows: list[Row]) -> bool:
    if walled.missing is not None:
        return all(row[f"{walled.level}_id"] != walled.missing for row in rows)
    return _fits_many(walled, len(rows))


def _fits_many(walled: Walled, rows: int) -> bool:
    return walled.cells is None or rows * _heavy(walled) <= walled.cells


def _heavy(walled: Walled) -> int:
    asked = next(call for call in walled.twin.graph.calls if call.kind == "insights")
    return len(set(asked.params["fields"].split(",")) - LIGHT_FIELDS)


def _least_below(walled: Walled, rows: list[Row], depth: int) -> int:
    if LEVELS[depth] == walled.level:
        # One question for what never fits; as many as the fields need for what does in parts.
        return 1 if walled.missing is not None else 2
    by_object: dict[str, list[Row]] = {}
    for row in rows:
        by_object.setdefault(row[f"{LEVELS[depth + 1]}_id"], []).append(row)
    return 1 + sum(
        1 if _fits(walled, below) else _least_below(walled, below, depth + 1)
        for below in by_object.values()
    )


@pytest.mark.parametrize(("level", "wall"), CELLS, ids=str)
def test_ladder__brings_all_that_fits_and_remembers_the_way(level: str, wall: str) -> None:
    """Right rows on every night, a hole only where nothing fits, and no call asked in vain.

    Of the account level nothing at all can be had then, which is no hole: the stream fails.
    """
    walled = Walled(level, wall)
    first_rows = walled.calm_rows()
    without = "failed" if level == "account" else "incomplete"
    wanted = [without if wall == "nothing" else "delivered"] + ["delivered"] * 2

    first = walled.night()

    walled.assert_rows(first_rows, missing=walled.missing)
    assert sorted(str(result.result) for result in first.results) == sorted(wanted)
    assert first.failed == (wall == "nothing")

    walled.twin.night()
    walled.twin.next_night()
    second = walled.night()

    walled.assert_rows(walled.calm_rows(), missing=walled.missing)
    assert sorted(str(result.result) for result in second.results) == sorted(wanted)
    assert len(reports(second)) <= 2 * least_calls(walled)

    walled.tear_down()
    walled.twin.night()
    third = walled.night()

    walled.assert_rows(walled.calm_rows())
    assert {str(result.result) for result in third.results} == {"delivered"}
    assert not third.failed


def test_ladder__says_what_is_missing_and_how_much_it_spent() -> None:
    """The status row and the summary name the ad, its day and its spend."""
    walled = Walled("ad", "nothing")

    night = walled.night()

    (result,) = [each for each in night.results if str(each.result) == "incomplete"]
    row = max(walled.twin.tables["ad_insights"].values(), key=lambda row: row["spend"])
    assert f"ad {walled.missing} (spend " in result.reason
    assert "It is asked for again on the next runs; nothing else waits for it." in result.reason
    assert result.account_id == row["account_id"]
    assert any(walled.missing in line for line in night.summary if walled.missing)
