"""`reread: changed`: days on which the account has not changed are not asked of the levels below.

Beside each tap that spares them lives one that reads all, in a world of the same seed.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tap_meta_partner.sandbox.world import cast
from tests.support.nights import Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nights import Night

STREAMS = ("account_insights", "ad_insights", "by_age")
REPORT = {
    "name": "by_age",
    "level": "campaign",
    "breakdowns": ["age"],
    "fields": ["impressions", "spend", "actions"],
}
CLIENTS, ADS = 4, 8


def nights_of(reread: str, *, ads: int = ADS, **config: Any) -> Nights:  # noqa: ANN401  (settings)
    time = Time(dt.datetime(2026, 11, 24, 3, tzinfo=dt.timezone.utc))
    shape = cast.Shape(campaigns=2, adsets=1, ads_per_adset=ads // 2, always=True)
    began = time.utc_now().date() - dt.timedelta(days=60)
    clients = [
        cast.cast_account(
            cast.Client(f"Client {number}", "USD", "Europe/Berlin", cast.AGENCY),
            number,
            7,
            lambda _: shape,
            # The last one has done nothing for months.
            cast.Delivers(began, None if number < CLIENTS - 1 else began),
        )
        for number in range(CLIENTS)
    ]
    world = World(clients, seed=7, now=time.utc_now)
    settings = {"start_date": "2026-10-20", "reports": [REPORT], "reread": reread}
    return Nights(time, graph_of(world, time), streams=STREAMS, config={**settings, **config})


def rows(nights: Nights) -> dict[str, dict[Any, dict[str, Any]]]:
    """Return all rows by stream and key, but for when they were read."""
    return {
        stream: {
            key: {name: value for name, value in row.items() if name != "read_at"}
            for key, row in table.items()
        }
        for stream, table in nights.tables.items()
    }


def both(**config: Any) -> tuple[Nights, Nights]:  # noqa: ANN401  (settings)
    return nights_of("changed", **config), nights_of("all", **config)


def pass_nights(count: int, *taps: Nights, share: float = 0.01) -> Iterator[int]:
    """Let nights pass in which Meta corrects a share of the rows; yields their numbers."""
    for number in range(count):
        for nights in taps:
            nights.next_night()
            if share:
                nights.graph.world.restate(share=share)
        yield number


def test_nights__end_with_all_the_rows() -> None:
    """Three weeks of corrections and late rows: each night's tables are those of the other tap."""
    sparing, reading = both()
    for nights in (sparing, reading):
        nights.night()
    for _ in pass_nights(21, sparing, reading):
        assert not sparing.night().failed
        assert not reading.night().failed
        assert rows(sparing) == rows(reading)


def test_quiet__nights_take_few_calls_and_rows() -> None:
    """Nothing was corrected: of 31 days six are read, for one question more."""
    sparing, reading = nights_of("changed", ads=120), nights_of("all", ads=120)
    for nights in (sparing, reading):
        nights.night()
    for _ in pass_nights(2, sparing, reading, share=0):
        few, all_of_it = sparing.night(), reading.night()

    def read(night: Night, stream: str) -> int:
        return sum(result.rows for result in night.results if result.stream == stream)

    assert rows(sparing) == rows(reading)
    # Today, the last three days, and two that are final: days are those of the account.
    for stream in ("ad_insights", "by_age"):
        assert read(few, stream) == pytest.approx(read(all_of_it, stream) * 6 / 31, rel=0.1)
    of_ads = [
        sum(call.params.get("level") == "ad" or call.kind == "run_result" for call in night.calls)
        for night in (few, all_of_it)
    ]
    assert of_ads[0] < 0.5 * of_ads[1]
    assert len(few.calls) < 0.7 * len(all_of_it.calls)


def test_seventh__night_reads_everything() -> None:
    """What moved between ads while the account's day stayed equal is found within a week."""
    sparing, reading = both()
    counts = []
    for nights in (sparing, reading):
        nights.night()
    for _ in pass_nights(15, sparing, reading, share=0):
        few, all_of_it = (
            sum(result.rows for result in nights.night().results) for nights in (sparing, reading)
        )
        counts.append(few == all_of_it)

    assert counts == [number % 7 == 6 for number in range(15)]


def test_idle__accounts_cost_no_call_more() -> None:
    """The question is asked of those only that did something."""
    sparing, reading = both()
    idle = sparing.graph.world.accounts[-1].id
    for nights in (sparing, reading):
        nights.night()
    for _ in pass_nights(2, sparing, reading):
        few, all_of_it = sparing.night(), reading.night()

    calls = [[c for c in night.calls if c.account_id == idle] for night in (few, all_of_it)]
    assert len(calls[0]) == len(calls[1]) > 0


def test_kills__lose_nothing() -> None:
    """Killed after some messages, with a state that lags behind: the tables end as they should."""
    sparing, reading = both()
    for nights in (sparing, reading):
        nights.night()
    for number in pass_nights(6, sparing, reading, share=0.03):
        sparing.night(killed_after=40 + 90 * number, unconfirmed=3)
        reading.night()
    sparing.next_night()
    reading.next_night()
    sparing.night()
    reading.night()

    assert rows(sparing) == rows(reading)


def test_refused__question_means_reading_all() -> None:
    """Two accounts that refuse the question, three nights: their rows come, and others' too."""
    sparing, reading = both()
    guilty = [account.id for account in sparing.graph.world.accounts[:2]]
    for nights in (sparing, reading):
        nights.night()
    for _ in pass_nights(3, sparing, reading):
        for account_id in guilty:
            # The account's own rows are asked first, then the question.
            sparing.graph.faults.add(
                Fault(kind="insights", account_id=account_id, after=1, code=3, message="(#3) no")
            )
        sparing.night()
        reading.night()
        assert rows(sparing) == rows(reading)


@pytest.mark.parametrize(
    "change",
    [{"fields": ["impressions", "spend", "clicks"]}, {"reread": "all"}, {"lookback_days": 14}],
    ids=lambda change: next(iter(change)),
)
def test_settings__that_change_make_no_gap(change: dict[str, Any]) -> None:
    """Other columns, a night without it, another lookback: nothing is believed to be known."""
    sparing, reading = both()
    for nights in (sparing, reading):
        nights.night()
    for number in pass_nights(5, sparing, reading, share=0.02):
        if number == 2:
            sparing.config.update(change)
            reading.config.update({k: v for k, v in change.items() if k != "reread"})
        sparing.night()
        reading.night()
        sparing.config.update(reread="changed")
        assert rows(sparing) == rows(reading)
