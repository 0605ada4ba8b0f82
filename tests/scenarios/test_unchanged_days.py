"""Only what changed is written: nights with corrections, beside a tap that writes every row again.

Both taps live in worlds of one seed, in one process and in simulated time.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import World
from tap_meta_partner.sandbox.world import cast
from tests.support.drawn_nights import Drawn
from tests.support.nights import Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Mapping

STREAMS = ("account_insights", "ad_insights", "by_age", "by_age_actions")
REPORT = {
    "name": "by_age",
    "level": "campaign",
    "breakdowns": ["age"],
    "fields": ["impressions", "spend", "actions"],
    "action_rows": True,
}
#: Where a row stands, but for the object: the account's day.
AccountDay = tuple[str, str]


def nights_of(unchanged_days: str, **config: Any) -> Nights:  # noqa: ANN401  (settings)
    time = Time(dt.datetime(2026, 11, 24, 3, tzinfo=dt.timezone.utc))
    shape = cast.Shape(campaigns=2, adsets=1, ads_per_adset=3, always=True)
    began = time.utc_now().date() - dt.timedelta(days=60)
    clients = [
        cast.cast_account(
            cast.Client(f"Client {number}", "USD", "Europe/Berlin", cast.AGENCY),
            number,
            7,
            lambda _: shape,
            cast.Delivers(began, None),
        )
        for number in range(4)
    ]
    world = World(clients, seed=7, now=time.utc_now)
    settings = {"start_date": "2026-11-01", "reports": [REPORT], "unchanged_days": unchanged_days}
    graph = graph_of(world, time, max_page_rows=40)
    return Nights(time, graph, streams=STREAMS, config={**settings, **config})


def rows(nights: Nights) -> dict[str, dict[Any, dict[str, Any]]]:
    """Return all rows by stream and key, but for when they were read."""
    return {
        stream: {
            key: {name: value for name, value in row.items() if name != "read_at"}
            for key, row in table.items()
        }
        for stream, table in nights.tables.items()
    }


def changed(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> int:
    """Count the rows of the account-days of which any row changed."""
    days: dict[AccountDay, list[bool]] = defaultdict(list)
    for key in before.keys() | after.keys():
        row = after.get(key) or before[key]
        differs = before.get(key) != after.get(key)
        days[row["account_id"], row["date_start"]].append(differs)
    return sum(len(differing) for differing in days.values() if any(differing))


def test_night__writes_the_rows_of_the_days_that_changed() -> None:
    """Night after night the tables are equal but for `read_at`, and little is written for it."""
    skipping, writing = nights_of("skip"), nights_of("write")
    for nights in (skipping, writing):
        nights.night()
    assert rows(skipping) == rows(writing)
    for _ in range(4):
        before = rows(writing)
        for nights in (skipping, writing):
            nights.next_night()
            nights.graph.world.restate(share=0.1)
            nights.written.clear()
            night = nights.night()
            assert not night.failed
        after = rows(writing)

        assert rows(skipping) == after
        for stream in STREAMS[:3]:
            due = changed(before[stream], after[stream])
            assert due <= skipping.written[stream] <= 1.05 * due
            assert skipping.written[stream] < 0.6 * writing.written[stream]
        status = {result.stream: result for result in skipping.statuses[-12:]}["ad_insights"]
        assert 0 < status.unchanged < status.rows


def test_read_at__of_a_day_is_one_instant_whether_it_was_written_or_not() -> None:
    """What the queries on withdrawn rows rest on: all rows of a day are of one reading."""
    nights = nights_of("skip")
    for _ in range(3):
        nights.night()
        nights.next_night()
        nights.graph.world.restate(share=0.1)
    instants: dict[AccountDay, set[str]] = defaultdict(set)
    for row in nights.tables["ad_insights"].values():
        instants[row["account_id"], row["date_start"]].add(row["read_at"])

    assert {len(found) for found in instants.values()} == {1}
    assert len({str(found) for found in instants.values()}) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"fields": ["impressions"]},
        {"stream_maps": {"ad_insights": {"spend": "spend"}}},
        {"unchanged_days": "write"},
    ],
    ids=["other columns", "a stream map", "switched off"],
)
def test_digests__are_not_believed_where_rows_are_made_otherwise(change: dict[str, Any]) -> None:
    """The night after such a change writes all of the lookback, and the one after that little."""
    nights = nights_of("skip")
    nights.night()
    nights.next_night()
    nights.config = {**nights.config, **change}
    nights.written.clear()
    nights.night()
    table = nights.tables["ad_insights"]
    assert nights.written["ad_insights"] == len(table)

    nights.next_night()
    nights.written.clear()
    nights.night()
    assert (nights.written["ad_insights"] < len(table) / 2) == ("unchanged_days" not in change)


def test_bookmark__moved_back_by_hand_brings_the_days_again() -> None:
    """As does a state that was removed: what is asked for again is written again."""
    nights = nights_of("skip")
    nights.night()
    nights.next_night()
    for partition in nights.state["bookmarks"]["ad_insights"]["partitions"]:
        partition["replication_key_value"] = "2026-11-10"
    nights.written.clear()
    nights.night()

    assert nights.written["ad_insights"] == len(nights.tables["ad_insights"])


@pytest.mark.parametrize(
    ("unchanged_days", "reread"), [("skip", "all"), ("write", "all"), ("skip", "changed")]
)
def test_nights__with_kills_and_lost_states_end_with_the_truth(
    unchanged_days: str, reread: str
) -> None:
    """Whatever is killed, and whatever the target does not confirm, skipping loses nothing."""
    drawn = Drawn(11, accounts=8, unchanged_days=unchanged_days, reread=reread)

    drawn.play(12)

    assert drawn.problems == []
