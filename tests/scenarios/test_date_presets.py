"""Meta's twenty date presets, around the midnights at which their days change.

What a preset means is taken from the sandbox (`periods.preset`), which knows nothing of the tap:
the days that the tap asks for are held against those that the preset itself would have brought.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Sandbox
from tap_meta_partner.sandbox.insights import periods
from tests.support.tap_process import catalog_selecting, run_here
from tests.support.world_clock import Clock, world_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_meta_partner.sandbox.world.advertising import AdAccount
    from tests.support.tap_process import Output

_DAY = dt.timedelta(days=1)
LOS_ANGELES, BERLIN, AUCKLAND = "America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland"
#: In UTC, with what is special about it.
INSTANTS = {
    "2026-03-28T22:59": "Berlin: the last minute before the day of 23 hours",
    "2026-03-28T23:00": "Berlin: that day, a Sunday, begins",
    "2026-03-29T22:00": "Berlin: a Monday begins, an hour earlier than the days before",
    "2026-04-05T12:00": "Auckland: a Monday begins after a Sunday of 25 hours",
    "2026-06-30T22:00": "Berlin: a quarter begins; elsewhere it is June or long July",
    "2026-09-30T10:59": "Auckland: the last minute of a quarter, in summer time since Sunday",
    "2026-09-30T11:00": "Auckland: October",
    "2026-11-01T06:59": "Los Angeles: the last minute of October",
    "2026-11-01T07:00": "Los Angeles: November, and a Sunday of 25 hours",
    "2026-11-02T07:30": "Los Angeles: still that Sunday; in summer time it would be Monday",
    "2026-12-31T11:00": "Auckland: a new year",
    "2026-12-31T23:30": "Berlin: a new year; in Los Angeles the afternoon of the old one",
    "2027-01-01T08:00": "Los Angeles: a new year",
    "2027-03-31T10:00": "everywhere the 31st, which few months of the presets have",
    "2028-02-29T12:00": "a leap day; in Auckland it is March",
}
#: For the setting, one preset a run, the most telling ones.
FEW_INSTANTS = ("2026-03-29T22:00", "2026-11-01T07:00", "2026-12-31T23:30")

#: Every preset, each with a field that tells its report's calls from those of the others.
MARKED = {
    "today": "clicks",
    "yesterday": "reach",
    "last_3d": "frequency",
    "last_7d": "cpc",
    "last_14d": "cpm",
    "last_28d": "cpp",
    "last_30d": "ctr",
    "last_90d": "unique_clicks",
    "last_week_mon_sun": "unique_ctr",
    "last_week_sun_sat": "inline_link_clicks",
    "this_week_mon_today": "inline_post_engagement",
    "this_week_sun_today": "social_spend",
    "this_month": "inline_link_click_ctr",
    "last_month": "cost_per_inline_link_click",
    "this_quarter": "cost_per_unique_click",
    "last_quarter": "purchase_roas",
    "this_year": "website_purchase_roas",
    "last_year": "outbound_clicks",
    "maximum": "cost_per_conversion",
    "data_maximum": "video_play_actions",
}
REACHING_BACK = ("maximum", "data_maximum")
#: A bookmark that would be an error if it were read: of other keys than the rows have.
OLD = {
    "replication_key": "date_start",
    "replication_key_value": "2026-02-01",
    "since": "2026-01-20",
    "report": "ad|7|age|default",
}


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock("2026-01-01T00:00")


@pytest.fixture(scope="module")
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    """An account in each time zone, with rows on every day of five years and more."""
    world = world_in(LOS_ANGELES, BERLIN, AUCKLAND, clock=clock, days=1500)
    with Sandbox(world, port=0) as served:
        yield served


@pytest.fixture
def config(sandbox: Sandbox) -> dict[str, Any]:
    return {"access_token": sandbox.token, "api_url": sandbox.url}


def bookmarks(sandbox: Sandbox, *streams: str) -> dict[str, Any]:
    """Make a state in which every account has a bookmark in these streams."""
    partitions = [
        {"context": {"account_id": account.id}, **OLD} for account in sandbox.world.accounts
    ]
    return {"bookmarks": {stream: {"partitions": partitions} for stream in streams}}


def days_of(window: Mapping[str, str]) -> Iterator[dt.date]:
    since, until = dt.date.fromisoformat(window["since"]), dt.date.fromisoformat(window["until"])
    return (since + number * _DAY for number in range((until - since).days + 1))


def asked(sandbox: Sandbox, account: AdAccount, marker: str) -> Counter[dt.date]:
    """Count how often each day was asked for, with a field that only one report has."""
    return Counter(
        day
        for call in sandbox.calls
        if call.kind == "insights"
        and call.account_id == account.id
        and marker in call.params["fields"].split(",")
        for day in days_of(json.loads(call.params["time_range"]))
    )


def assert_days(found: list[dt.date], preset: str, today: dt.date) -> None:
    """Hold days, in order, against those of the preset.

    All of history is the one exception. For Meta it begins on the same day of the month, 37 months
    ago, or on the last one that month has; whether that very day may still be asked for is not
    documented, and one day too many fails the whole call. So the tap begins one day later, and
    where the month has no such day, as many days later as it lacks: four at most.
    """
    span = periods.preset(preset, today)
    assert span is not None
    first = span.since
    if preset in REACHING_BACK:
        first = found[0]
        assert span.since < first <= span.since + 4 * _DAY
    assert found == [first + number * _DAY for number in range((span.until - first).days + 1)]


def assert_rows(sandbox: Sandbox, output: Output, stream: str, account: AdAccount) -> None:
    """Hold that there is the true row of every day asked for, and of no other."""
    today = account.today(sandbox.world.now())
    rows = {
        dt.date.fromisoformat(row["date_start"]): row["spend"]
        for row in output.tables[stream].values()
        if row["account_id"] == account.id
    }
    assert rows == {
        day: totals.spend
        for day, totals in sandbox.world.truth.day_totals(account.id, min(rows), max(rows)).items()
    }
    assert output.counts[stream] == len(output.tables[stream])
    assert max(rows) <= today


def test_presets__are_all_that_meta_has() -> None:
    """The sandbox and this file know the same twenty."""
    assert len(MARKED) == len(set(MARKED.values())) == 20
    assert all(periods.preset(preset, dt.date(2026, 5, 5)) for preset in MARKED)


@pytest.mark.parametrize("instant", INSTANTS)
def test_report__reads_the_days_of_its_own_preset(
    sandbox: Sandbox, clock: Clock, config: dict[str, Any], instant: str
) -> None:
    """Twenty reports, each with a preset: days asked once each, their rows, and no bookmark."""
    clock.set(instant)
    config["reports"] = [
        {"name": preset, "level": "account", "fields": ["spend", marker], "date_preset": preset}
        for preset, marker in MARKED.items()
    ]
    state = bookmarks(sandbox, *MARKED)
    sandbox.calls.clear()

    output = run_here(clock, config, state=state, catalog=catalog_selecting(config, *MARKED))

    assert (output.code, output.complaints) == (0, [])
    for preset, marker in MARKED.items():
        for account in sandbox.world.accounts:
            days = asked(sandbox, account, marker)
            assert set(days.values()) == {1}
            assert_days(sorted(days), preset, account.today(clock()))
            assert_rows(sandbox, output, preset, account)
            assert {
                row["date_start"]
                for row in output.tables[preset].values()
                if row["account_id"] == account.id
            } == set(map(str, days))
    assert output.state == state
    assert {call.status for call in sandbox.calls} == {200}


@pytest.mark.parametrize("instant", FEW_INSTANTS)
@pytest.mark.parametrize("preset", MARKED)
def test_setting__reads_the_days_of_the_preset(
    sandbox: Sandbox, clock: Clock, config: dict[str, Any], preset: str, instant: str
) -> None:
    """As the tap's own setting, for the built-in streams: the same days, rows and bookmarks."""
    clock.set(instant)
    config |= {"date_preset": preset, "fields": ["spend"]}
    state = bookmarks(sandbox, "account_insights")
    catalog = catalog_selecting(config, "account_insights")
    sandbox.calls.clear()

    output = run_here(clock, config, state=state, catalog=catalog)

    assert (output.code, output.complaints) == (0, [])
    for account in sandbox.world.accounts:
        days = asked(sandbox, account, "spend")
        assert set(days.values()) == {1}
        assert_days(sorted(days), preset, account.today(clock()))
        assert_rows(sandbox, output, "account_insights", account)
    assert {
        (row["account_id"], row["date_start"]) for row in output.tables["account_insights"].values()
    } == {
        (account.id, str(day))
        for account in sandbox.world.accounts
        for day in asked(sandbox, account, "spend")
    }
    assert output.state == state


def test_zones__have_different_days_at_one_instant(
    sandbox: Sandbox, clock: Clock, config: dict[str, Any]
) -> None:
    """When it is a new year in Auckland only, `this_year` is one day there and a year elsewhere."""
    clock.set("2026-12-31T11:00")
    config |= {"date_preset": "this_year", "fields": ["spend"]}

    output = run_here(clock, config, catalog=catalog_selecting(config, "account_insights"))

    days = Counter(account_id for account_id, _ in output.tables["account_insights"])
    assert [days[account.id] for account in sandbox.world.accounts] == [365, 365, 1]
    assert output.bookmark("account_insights", sandbox.world.accounts[0].id) is None
