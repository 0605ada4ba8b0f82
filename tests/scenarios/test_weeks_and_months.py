"""Reports over weeks, months and whole windows, night after night, against the periods' truth.

Reach does not add up over days: a person reached on two days of a week is one of the week's. So a
week's reach can only be had by asking for the week, and only a row of the whole week has it.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import World
from tap_meta_partner.sandbox.world import cast
from tests.support.tap_process import catalog_selecting, run_here
from tests.support.world_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.sandbox import Sandbox
    from tests.support.tap_process import Output

_DAY = dt.timedelta(days=1)
START = dt.date(2026, 9, 16)  # a Wednesday
#: Over the end of a month, a Sunday and a Monday: in Auckland the second is a Monday already.
NIGHTS = ("2026-10-30T14:00", "2026-11-01T14:00", "2026-11-03T14:00")
METRICS = ["reach", "spend", "impressions"]
GRID: tuple[dict[str, Any], ...] = (
    {"name": "weekly", "level": "account", "time_increment": 7},
    {"name": "weekly_by_age", "level": "account", "time_increment": 7, "breakdowns": ["age"]},
    {"name": "monthly", "level": "campaign", "time_increment": "monthly"},
    {"name": "monthly_ads", "level": "ad", "time_increment": "monthly"},
    {"name": "by_ten_days", "level": "adset", "time_increment": 10},
)
OBJECT_ID = {"campaign": "campaign_id", "adset": "adset_id", "ad": "ad_id"}
Row = dict[str, Any]


@pytest.fixture
def clock() -> Clock:
    return Clock(NIGHTS[0])


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox], clock: Clock) -> Sandbox:
    """Two accounts whose days differ by most of one, with ads that deliver on most days."""
    zones = ("America/Los_Angeles", "Pacific/Auckland")
    return start_sandbox(
        World(
            [
                cast.cast_account(
                    cast.Client(zone, "USD", zone, cast.AGENCY),
                    number,
                    7,
                    cast.small_shape,
                    cast.Delivers(dt.date(2026, 7, 1), None),
                )
                for number, zone in enumerate(zones)
            ],
            seed=7,
            now=clock,
        )
    )


class Nights:
    """Runs at instants of the sandbox's clock, each after a correction, and what they delivered."""

    def __init__(self, sandbox: Sandbox, clock: Clock, *reports: Row, **settings: Any) -> None:  # noqa: ANN401
        self.sandbox, self.clock = sandbox, clock
        self.reports = {
            report["name"]: {"fields": METRICS, "breakdowns": [], **report} for report in reports
        }
        self.config = {
            "access_token": sandbox.token,
            "api_url": sandbox.url,
            "reports": list(self.reports.values()),
            **settings,
        }
        self.catalog = catalog_selecting(self.config, *self.reports)
        self.state: dict[str, Any] = {}
        self.held: dict[str, dict[tuple[Any, ...], Row]] = {name: {} for name in self.reports}

    def run(self, instant: str) -> Output:
        """Run once, from the last state; what it delivers replaces what was there."""
        self.clock.set(instant)
        self.sandbox.world.restate()
        output = run_here(self.clock, self.config, state=self.state, catalog=self.catalog)
        assert (output.code, output.complaints) == (0, [])
        self.state = output.state
        for name, table in output.tables.items():
            self.held[name] |= table
        return output

    def today(self, account_id: str) -> dt.date:
        """Tell an account's today."""
        return self.sandbox.world.account(account_id).today(self.clock())

    def assert_true(self, name: str, rows: dict[tuple[Any, ...], Row]) -> None:
        """Hold every row against the truth of the period it says it covers, and miss none."""
        report = self.reports[name]
        found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        true: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for row in rows.values():
            period = (row["date_start"], row["date_stop"])
            own_id = row[OBJECT_ID.get(report["level"], "account_id")]
            values = [row[each] for each in report["breakdowns"]]
            key = (row["account_id"], *period, own_id, *values)
            found[key] = tuple(row[metric] for metric in METRICS)
            since, until = map(dt.date.fromisoformat, period)
            for (object_id, *of), totals in self.sandbox.world.truth.period_totals(
                row["account_id"], since, until, report["level"], tuple(report["breakdowns"])
            ).items():
                key = (row["account_id"], *period, object_id, *of)
                true[key] = tuple(getattr(totals, metric) for metric in METRICS)
        assert found == true
        assert len(found) == len(rows)

    def periods(self, name: str, account_id: str) -> list[tuple[dt.date, dt.date]]:
        """Tell the periods that an account's rows cover, the oldest first."""
        return sorted(
            {
                (dt.date.fromisoformat(row["date_start"]), dt.date.fromisoformat(row["date_stop"]))
                for row in self.held[name].values()
                if row["account_id"] == account_id
            }
        )


def weeks(today: dt.date) -> list[tuple[dt.date, dt.date]]:
    """Monday to Sunday, from the week of START; the one under way ends today."""
    found, since = [], dt.date(2026, 9, 14)
    while since <= today:
        found.append((since, min(since + 6 * _DAY, today)))
        since += 7 * _DAY
    return found


def months(today: dt.date) -> list[tuple[dt.date, dt.date]]:
    """Calendar months, from that of START; the one under way ends today."""
    ends = [(month, monthrange(2026, month)[1]) for month in range(9, today.month + 1)]
    return [(dt.date(2026, month, 1), min(dt.date(2026, month, end), today)) for month, end in ends]


def test_grid__stays_where_it_is_and_reach_is_that_of_the_period(
    sandbox: Sandbox, clock: Clock
) -> None:
    """After every night all weeks and months are there, once each, with the reach of the whole."""
    nights = Nights(sandbox, clock, *GRID, start_date=str(START), lookback_days=28)

    for instant in NIGHTS:
        nights.run(instant)

        for name in nights.reports:
            nights.assert_true(name, nights.held[name])
        for account in sandbox.world.accounts:
            today = nights.today(account.id)
            for name in ("weekly", "weekly_by_age"):
                assert nights.periods(name, account.id) == weeks(today)
            for name in ("monthly", "monthly_ads"):
                assert nights.periods(name, account.id) == months(today)
            tens = nights.periods("by_ten_days", account.id)
            assert {(since - tens[0][0]).days % 10 for since, _ in tens} == {0}
            assert {(until - since).days for since, until in tens[:-1]} == {9}
            assert tens[0][0] <= START
            assert tens[-1][1] == today


def test_grid__reach_is_not_the_sum_of_days(sandbox: Sandbox, clock: Clock) -> None:
    """What is held here would be missed by adding up days: a week's reach is smaller."""
    daily = {"name": "daily", "level": "account"}
    nights = Nights(sandbox, clock, daily, GRID[0], start_date=str(START))

    nights.run(NIGHTS[0])

    account_id = sandbox.world.accounts[0].id
    since, until = nights.periods("weekly", account_id)[1]  # the first that is whole
    of_days = sum(
        row["reach"]
        for row in nights.held["daily"].values()
        if row["account_id"] == account_id and str(since) <= row["date_start"] <= str(until)
    )
    assert 0 < nights.held["weekly"][account_id, str(since)]["reach"] < of_days


def test_grid__a_night_reads_what_may_have_changed_and_nothing_older(
    sandbox: Sandbox, clock: Clock
) -> None:
    """The later nights read the buckets that the lookback touches; older rows are as they were."""
    nights = Nights(sandbox, clock, *GRID, start_date=str(START), lookback_days=28)
    nights.run(NIGHTS[0])
    account_id = sandbox.world.accounts[0].id
    bookmark = nights.today(account_id) - _DAY

    output = nights.run(NIGHTS[1])

    weekly = {row["date_start"] for row in output.tables["weekly"].values()}
    assert bookmark == dt.date(2026, 10, 29)
    assert min(weekly) == "2026-09-28"  # the Monday of the week of 1 October
    monthly = {row["date_start"] for row in output.tables["monthly"].values()}
    assert monthly == {"2026-10-01", "2026-11-01"}


@pytest.mark.parametrize(
    ("preset", "since", "until"),
    [
        # Of each night in Los Angeles.
        ("last_30d", ["2026-09-30", "2026-10-02", "2026-10-04"], [-1, -1, -1]),
        ("this_month", ["2026-10-01", "2026-11-01", "2026-11-01"], [0, 0, 0]),
        ("this_week_mon_today", ["2026-10-26", "2026-10-26", "2026-11-02"], [0, 0, 0]),
        # All of 37 months, from the first that is whole: so its key stays for a month.
        ("maximum", ["2023-10-01", "2023-11-01", "2023-11-01"], [0, 0, 0]),
        ("last_quarter", ["2026-07-01"] * 3, ["2026-09-30"] * 3),
    ],
)
def test_all_days__of_a_preset_are_one_row_of_that_window(
    sandbox: Sandbox, clock: Clock, preset: str, since: list[str], until: list[Any]
) -> None:
    """One row for each object and night, over the preset's days, with the reach of them all."""
    report = {"name": "whole", "time_increment": "all_days", "date_preset": preset}
    nights = Nights(sandbox, clock, {**report, "level": "campaign"})
    account = sandbox.world.accounts[0]

    for instant, first, last in zip(NIGHTS, since, until, strict=True):
        output = nights.run(instant)

        rows = output.tables["whole"]
        nights.assert_true("whole", rows)
        today = nights.today(account.id)
        end = str(today + last * _DAY) if isinstance(last, int) else last
        assert {
            (row["date_start"], row["date_stop"])
            for row in rows.values()
            if row["account_id"] == account.id
        } == {(first, end)}
        assert output.bookmark("whole", account.id) is None


def test_all_days__of_fixed_dates_are_the_same_row_every_night(
    sandbox: Sandbox, clock: Clock
) -> None:
    """Night after night the same keys, with what Meta has corrected; also where it is not over."""
    report = {"name": "campaign_flight", "level": "ad", "time_increment": "all_days"}
    nights = Nights(sandbox, clock, report, start_date="2026-10-10", end_date="2026-11-02")
    keys, reaches = [], []

    for instant in NIGHTS:
        output = nights.run(instant)

        nights.assert_true("campaign_flight", output.tables["campaign_flight"])
        keys.append(set(output.tables["campaign_flight"]))
        reaches.append([row["reach"] for _, row in sorted(nights.held["campaign_flight"].items())])
    assert keys[0] == keys[1] == keys[2]
    assert {day for _, day, _ in keys[0]} == {"2026-10-10"}
    assert reaches[0] != reaches[1] != reaches[2]
    assert {row["date_stop"] for row in nights.held["campaign_flight"].values()} == {"2026-11-02"}
