from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.sandbox import World

if TYPE_CHECKING:
    from tap_meta_partner.sandbox.world.advertising import AdAccount
    from tap_meta_partner.sandbox.world.delivery import Facts
    from tests.support.sandbox_client import Clock


def facts(
    world: World, account: AdAccount, since: dt.date, until: dt.date
) -> dict[tuple[dt.date, str], Facts]:
    """Every ad-day of a span, by day and ad."""
    days = (since + dt.timedelta(days=n) for n in range((until - since).days + 1))
    return {
        (day, ad.id): each for day in days for ad, each in world.delivered.ad_days(account, day)
    }


def test_demo__is_repeatable(clock: Clock, days: tuple[dt.date, dt.date]) -> None:
    """One seed always gives the same world, another one a different one."""
    one, same, other = (World.demo(seed=seed, now=clock.now) for seed in (7, 7, 8))
    totals = [w.truth.totals(w.accounts[0].id, *days) for w in (one, same, other)]

    assert totals[0] == totals[1] != totals[2]
    assert [a.id for a in one.accounts] == [a.id for a in same.accounts]


def test_demo__shows_every_kind_of_account(world: World) -> None:
    """Currencies, zones, a disabled, a silent and an unassigned account are all there."""
    assert {"USD", "EUR", "JPY", "GBP", "NZD"} <= {a.currency for a in world.accounts}
    assert {"Asia/Tokyo", "Europe/Berlin"} <= {a.timezone_name for a in world.accounts}
    assert any(a.status == 2 for a in world.accounts)
    assert any(a.first_day is None for a in world.accounts)
    assert [a.name for a in world.accounts if not a.assigned] == ["Nordlicht Sonnenbrillen"]
    assert len(world.readable()) == 7


def test_history__is_as_long_as_asked(clock: Clock) -> None:
    """History is `days` days that end with the account's today; nothing lies in the future."""
    world = World.single(ads=3, days=10, now=clock.now)
    account = world.accounts[0]
    today = account.today(clock.now())
    span = (today - dt.timedelta(days=40), today + dt.timedelta(days=5))

    assert len(facts(world, account, *span)) == 30


def test_history__grows_with_the_clock(clock: Clock) -> None:
    """A day that was to come has rows once it has come."""
    world = World.single(ads=3, days=10, now=clock.now)
    account = world.accounts[0]
    tomorrow = account.today(clock.now()) + dt.timedelta(days=1)

    assert world.truth.day_totals(account.id, tomorrow, tomorrow) == {}
    clock.seconds += 86_400
    assert world.truth.totals(account.id, tomorrow, tomorrow).rows_by_level["ad"] == 3


def test_agency__has_idle_accounts(clock: Clock) -> None:
    """The idle share has had no rows for 60 days, and some history before."""
    world = World.agency(accounts=40, idle=0.9, now=clock.now)
    idle = []
    for account in world.accounts:
        today = account.today(clock.now())
        recent = world.truth.totals(account.id, today - dt.timedelta(days=60), today)
        if not recent.rows_by_level["account"]:
            idle.append(account)

    assert len(idle) == 36
    assert any(
        world.truth.totals(a.id, a.first_day, a.last_day).rows_by_level["account"] for a in idle
    )


def test_restate__changes_only_the_last_28_days(world: World, clock: Clock) -> None:
    """Restatement touches about the share asked of 28 days, keeps every key and adds a few."""
    account = world.readable()[0]
    today = account.today(clock.now())
    edge = today - dt.timedelta(days=27)
    before = facts(world, account, today - dt.timedelta(days=80), today)
    assert world.restate(share=0.3) == 1
    after = facts(world, account, today - dt.timedelta(days=80), today)
    changed = {key for key in before if before[key] != after[key]}
    recent = [key for key in before if key[0] >= edge]

    assert set(before) < set(after)
    assert all(day >= edge for day, _ in changed | (set(after) - set(before)))
    assert 0.2 < len(changed) / len(recent) < 0.4
    assert all(after[key].purchases > before[key].purchases for key in changed)
    assert any(after[key].spend < before[key].spend for key in changed)
    assert any(after[key].spend > before[key].spend for key in changed)


def test_restate__is_repeatable(clock: Clock, days: tuple[dt.date, dt.date]) -> None:
    """The same seed and revision give the same numbers."""
    worlds = [World.demo(seed=7, now=clock.now) for _ in range(2)]
    for world in worlds:
        world.restate(0.3)
        world.restate(0.5)

    assert len({str(w.truth.totals(w.accounts[0].id, *days)) for w in worlds}) == 1


def test_restate__later_days_stay_as_they_were_first_told(world: World, clock: Clock) -> None:
    """Days that came after a restatement are not changed by it."""
    account = world.readable()[0]
    fresh = World.demo(seed=7, now=clock.now)
    world.restate(1.0)
    clock.seconds += 3 * 86_400
    today = account.today(clock.now())

    assert facts(world, account, today, today) == facts(
        fresh, fresh.account(account.id), today, today
    )


def test_revoke__and_restore(world: World) -> None:
    """A withdrawn share leaves the readable accounts and comes back."""
    account = world.readable()[0]
    world.revoke(f"act_{account.id}")
    assert account not in world.readable()
    world.restore(account.id)
    assert account in world.readable()


def test_account__unknown(world: World) -> None:
    """Asking for an account that is not there is a KeyError, not an empty truth."""
    with pytest.raises(KeyError):
        world.account("1")
