"""Time zones at the ends of the world, days of 23 and 25 hours, midnights and month ends.

Every expected day is typed in, or counted from one that is.
"""

from __future__ import annotations

import datetime as dt
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.tap_process import catalog_selecting, run_tap
from tests.support.world_clock import Clock, days, world_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox, World
    from tests.support.tap_process import Output

PAGO_PAGO, KIRITIMATI = "Pacific/Pago_Pago", "Pacific/Kiritimati"  # UTC-11, UTC+14
NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"
STREAMS = ("account_insights", "ad_insights")
_DAY = dt.timedelta(days=1)


class Nights:
    """Runs, one after another, at instants of the sandbox's clock."""

    def __init__(self, sandbox: Sandbox, folder: Path, **settings: Any) -> None:  # noqa: ANN401
        self.sandbox = sandbox
        self.folder = folder
        self.config = {"access_token": sandbox.token, "api_url": sandbox.url, **settings}
        self.catalog = catalog_selecting(self.config, *STREAMS)
        self.state: dict[str, Any] = {}
        self.spend: dict[tuple[str, str, str], Decimal] = {}

    def run(self, minute: float = 60) -> Output:
        """Run once, from the last state, and add to what was delivered."""
        now = self.sandbox.world.now().isoformat()
        output = run_tap(
            self.folder,
            self.config,
            state=self.state,
            catalog=self.catalog,
            arguments=("--now", now),
            minute=minute,
        )
        assert output.code == 0, output.log
        assert [line for line in output.complaints if "lies before the 37 months" not in line] == []
        self.state = output.state
        for stream in STREAMS:
            for (account_id, day), spend in output.spend(stream).items():
                self.spend[stream, account_id, day] = spend
        return output

    def assert_complete(self, account_id: str, first: str, last: str) -> None:
        """Hold that exactly these days have been delivered, with the true spend."""
        truth = {
            str(day): totals.spend
            for day, totals in self.sandbox.world.truth.day_totals(
                account_id, dt.date.fromisoformat(first), dt.date.fromisoformat(last)
            ).items()
        }
        assert list(truth) == days(first, last)
        for stream in STREAMS:
            assert {
                day: spend
                for (name, own, day), spend in self.spend.items()
                if (name, own) == (stream, account_id)
            } == truth

    def asked(self, account_id: str) -> list[tuple[str, str]]:
        """Tell the windows asked for so far."""
        ranges = [
            json.loads(call.params["time_range"])
            for call in self.sandbox.calls
            if call.kind == "insights" and call.account_id == account_id
        ]
        return [(each["since"], each["until"]) for each in ranges]


@pytest.fixture
def nights(start_sandbox: Callable[..., Sandbox], tmp_path: Path) -> Callable[..., Nights]:
    """Prepare runs in a world; takes the world, how slowly it answers, and settings."""

    def prepare(world: World, *, latency: float = 0, **settings: Any) -> Nights:  # noqa: ANN401
        return Nights(start_sandbox(world, latency=latency), tmp_path, **settings)

    return prepare


@pytest.mark.parametrize(
    ("instant", "in_pago_pago", "in_kiritimati"),
    [
        ("2026-10-20T10:30", "2026-10-19", "2026-10-21"),  # three dates at once
        ("2026-10-20T11:30", "2026-10-20", "2026-10-21"),
        ("2026-10-20T09:30", "2026-10-19", "2026-10-20"),
        ("2027-01-01T09:30", "2026-12-31", "2027-01-01"),
    ],
)
def test_zones__at_both_ends_of_the_world_have_their_own_days(
    nights: Callable[..., Nights], instant: str, in_pago_pago: str, in_kiritimati: str
) -> None:
    """Each account is asked up to its own today and bookmarked at its own yesterday."""
    world = world_in(PAGO_PAGO, KIRITIMATI, clock=Clock(instant))
    ours = nights(world)

    output = ours.run()

    for account, today in zip(world.accounts, (in_pago_pago, in_kiritimati), strict=True):
        first = str(dt.date.fromisoformat(today) - 30 * _DAY)
        ours.assert_complete(account.id, first, today)
        assert min(since for since, _ in ours.asked(account.id)) == first
        assert max(until for _, until in ours.asked(account.id)) == today
        yesterday = str(dt.date.fromisoformat(today) - _DAY)
        for stream in STREAMS:
            assert output.bookmark(stream, account.id) == yesterday


@pytest.mark.parametrize(
    ("instant", "today"),
    [
        ("2026-03-08T04:30", "2026-03-07"),  # 23:30, winter time
        ("2026-03-08T06:59", "2026-03-08"),  # 01:59, the last minute of it
        ("2026-03-08T07:00", "2026-03-08"),  # 03:00, summer time
        ("2026-03-09T04:30", "2026-03-09"),  # 00:30; in winter time the day before
        ("2026-11-01T04:30", "2026-11-01"),  # 00:30, summer time
        ("2026-11-01T06:30", "2026-11-01"),  # 01:30 for the second time
        ("2026-11-02T04:30", "2026-11-01"),  # 23:30; in summer time the day after
    ],
)
def test_clock_change__leaves_every_day_in_its_place(
    nights: Callable[..., Nights], instant: str, today: str
) -> None:
    """On, before and after a day of 23 or 25 hours no day is missing, doubled or too early."""
    world = world_in(NEW_YORK, clock=Clock(instant))
    (account,) = world.accounts
    ours = nights(world)

    output = ours.run()

    first = str(dt.date.fromisoformat(today) - 30 * _DAY)
    ours.assert_complete(account.id, first, today)
    assert output.counts["account_insights"] == 31
    assert output.bookmark("ad_insights", account.id) == days(first, today)[-2]


def test_clock_change__does_not_hold_up_the_nights_around_it(nights: Callable[..., Nights]) -> None:
    """Started at the same UTC time, two runs fall on one day of the account: nothing is lost."""
    clock = Clock("2026-10-31T04:30")
    world = world_in(NEW_YORK, clock=clock)
    (account,) = world.accounts
    ours = nights(world)

    for instant, today, bookmark in (
        ("2026-10-31T04:30", "2026-10-31", "2026-10-30"),
        ("2026-11-01T04:30", "2026-11-01", "2026-10-31"),
        ("2026-11-02T04:30", "2026-11-01", "2026-10-31"),
        ("2026-11-03T04:30", "2026-11-02", "2026-11-01"),
    ):
        clock.set(instant)
        world.restate()
        output = ours.run()

        ours.assert_complete(account.id, "2026-10-01", today)
        assert output.bookmark("account_insights", account.id) == bookmark
        assert output.bookmark("ad_insights", account.id) == bookmark


class ClockThatStrikes(Clock):
    """A clock that goes on to another time once the sandbox has had some calls."""

    def __init__(self, instant: str, then: str, after_calls: int) -> None:
        super().__init__(instant)
        self._then = then
        self._after_calls = after_calls
        self.sandbox: Sandbox | None = None

    def __call__(self) -> dt.datetime:
        """Tell the time."""
        if self.sandbox and len(self.sandbox.calls) >= self._after_calls:
            self.set(self._then)
        return super().__call__()


@pytest.mark.parametrize("after_calls", [3, 4, 6, 8])
def test_midnight__during_a_run_changes_nothing_in_it(
    nights: Callable[..., Nights], after_calls: int
) -> None:
    """Today is fixed when the run begins, for all accounts; the next run brings the new day."""
    # Berlin is two hours ahead: it is 23:00 there, and midnight comes after 0.6 s.
    clock = ClockThatStrikes("2026-10-20T21:00", "2026-10-20T22:30", after_calls)
    world = world_in(*[BERLIN] * 5, clock=clock)
    ours = nights(world, max_concurrency=1, latency=0.1)
    clock.sandbox = ours.sandbox

    first = ours.run(minute=0.01)
    seen = len(ours.sandbox.calls)

    rows = first.tables["account_insights"].values()
    assert (
        min(row["read_at"] for row in rows) < "2026-10-20T22" < max(row["read_at"] for row in rows)
    )
    assert clock() == dt.datetime(2026, 10, 20, 22, 30, tzinfo=dt.timezone.utc)
    for account in world.accounts:
        ours.assert_complete(account.id, "2026-09-20", "2026-10-20")
        assert {until for _, until in ours.asked(account.id)} == {"2026-10-20"}
        for stream in STREAMS:
            assert first.bookmark(stream, account.id) == "2026-10-19"
    assert {row["date_start"] for row in rows if row["is_final"]} == {"2026-09-20", "2026-09-21"}

    clock.set("2026-10-21T10:00")
    clock.sandbox = None
    second = ours.run()

    assert len(ours.sandbox.calls) > seen
    for account in world.accounts:
        ours.assert_complete(account.id, "2026-09-20", "2026-10-21")
        for stream in STREAMS:
            assert second.bookmark(stream, account.id) == "2026-10-20"


def test_leap_day__is_a_day_like_any_other(nights: Callable[..., Nights]) -> None:
    """29 February is read while it is today, bookmarked the day after and read again for 28."""
    clock = Clock("2028-02-29T15:00")
    world = world_in(BERLIN, clock=clock)
    (account,) = world.accounts
    ours = nights(world)

    for instant, today, bookmark in (
        ("2028-02-29T15:00", "2028-02-29", "2028-02-28"),
        ("2028-03-01T15:00", "2028-03-01", "2028-02-29"),
        ("2028-03-29T15:00", "2028-03-29", "2028-03-28"),
    ):
        clock.set(instant)
        world.restate()
        output = ours.run()

        ours.assert_complete(account.id, "2028-01-30", today)
        assert output.bookmark("ad_insights", account.id) == bookmark
    # 28 days before 1 March are 2 February: only with 29 days in the month.
    assert ("2028-02-01", "2028-03-01") in ours.asked(account.id)
    assert ("2028-02-01", "2028-03-29") not in ours.asked(account.id)
    assert min(since for since, _ in ours.asked(account.id)) == "2028-01-30"


@pytest.mark.parametrize("how", [{"start_date": "2015-01-01"}, {"date_preset": "maximum"}], ids=str)
@pytest.mark.parametrize(
    ("zone", "instant", "today", "edge"),
    [
        (BERLIN, "2026-03-31T10:00", "2026-03-31", "2023-02-28"),
        (BERLIN, "2026-03-30T23:30", "2026-03-31", "2023-02-28"),
        (BERLIN, "2028-03-30T10:00", "2028-03-30", "2025-02-28"),
        (BERLIN, "2027-03-29T10:00", "2027-03-29", "2024-02-29"),
        (BERLIN, "2028-02-29T10:00", "2028-02-29", "2025-01-29"),
        (BERLIN, "2026-07-31T10:00", "2026-07-31", "2023-06-30"),
        (KIRITIMATI, "2026-03-30T10:30", "2026-03-31", "2023-02-28"),
        (PAGO_PAGO, "2026-04-01T10:30", "2026-03-31", "2023-02-28"),
    ],
)
def test_history__begins_inside_metas_37_months(  # noqa: PLR0913, PLR0917  (a table of cases)
    nights: Callable[..., Nights],
    zone: str,
    instant: str,
    today: str,
    edge: str,
    how: dict[str, str],
) -> None:
    """At any month's end the first day asked is inside by one day to four; Meta never objects."""
    world = world_in(zone, clock=Clock(instant), days=1200)
    (account,) = world.accounts
    ours = nights(world, **how)

    ours.run()

    asked = sorted(set(ours.asked(account.id)))
    first = min(since for since, _ in asked)
    assert edge < first <= str(dt.date.fromisoformat(edge) + 4 * _DAY)
    ours.assert_complete(account.id, first, today)
    assert asked[-1][1] == today
    for (_, until), (since, _) in pairwise(asked):
        assert dt.date.fromisoformat(since) == dt.date.fromisoformat(until) + _DAY
    assert {call.status for call in ours.sandbox.calls} == {200}


def test_history__that_ran_out_under_a_bookmark_is_not_asked_for(
    nights: Callable[..., Nights],
) -> None:
    """After three and a half years without a run it goes on at the edge, and Meta never objects."""
    clock = Clock("2023-01-15T10:00")
    world = world_in(BERLIN, clock=clock, days=40)
    (account,) = world.accounts
    ours = nights(world)
    ours.run()
    ours.spend.clear()

    clock.set("2026-03-31T10:00")
    output = ours.run()

    first = min(since for since, until in ours.asked(account.id) if until > "2023-02-01")
    assert "2023-02-28" < first <= "2023-03-04"
    ours.assert_complete(account.id, first, "2026-03-31")
    assert output.bookmark("ad_insights", account.id) == "2026-03-30"
    assert {call.status for call in ours.sandbox.calls} == {200}
