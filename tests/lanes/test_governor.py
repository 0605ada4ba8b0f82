from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.graph.usage import Usage
from tap_meta_partner.lanes.governor import (
    GIVE_UP_SECONDS,
    MOST_APP_REST_SECONDS,
    MOST_REST_SECONDS,
    Governor,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def governor(jitter: float = 0.0) -> Governor:
    return Governor(jitter=lambda: jitter)


def account(percent: float | None, regain: float = 0.0) -> Usage:
    return Usage(account_percent=percent, regain_seconds=regain)


def app(percent: float | None) -> Usage:
    return Usage(app_percent=percent)


# How many at once.


@pytest.mark.parametrize(
    ("percent", "most", "allowed"),
    [
        (0.0, 8, 8),
        (74.9, 8, 8),
        (75.0, 8, 4),
        (89.0, 8, 4),
        (75.0, 5, 2),
        (75.0, 1, 1),
        (None, 8, 8),
    ],
)
def test_concurrency__is_halved_from_75_percent(
    percent: float | None, most: int, allowed: int
) -> None:
    """From 75 % of the app's limits half as many requests go at once, one at least."""
    made = governor()
    made.answered("1", app(percent), 0.0)

    assert made.concurrency(most) == allowed


def test_concurrency__comes_back_with_the_percentage() -> None:
    """Below 75 % again, also by a failed call's headers, all of them go again."""
    made = governor()
    made.answered("1", app(80.0), 0.0)
    made.failed(None, app(10.0))

    assert made.concurrency(8) == 8


def test_concurrency__is_two_in_the_development_tier() -> None:
    """An app in development access asks two at a time, one above 75 %."""
    made = governor()
    made.answered("1", Usage(tier="development_access"), 0.0)
    assert made.concurrency(8) == 2
    assert made.concurrency(1) == 1
    made.answered("1", app(80.0), 0.0)

    assert made.concurrency(8) == 1
    assert made.tier == "development_access"


# Parking at 90 %.


def test_account__at_90_percent_is_parked_longer_and_longer() -> None:
    """While it stays above 90 %, an account is parked 60, 120, 240, then 300 s each time."""
    made, now, parked = governor(), 1000.0, []
    for percent in (90.0, 91.0, 92.0, 93.0, 94.0):
        wait = made.answered("1", account(percent), now)
        parked.append(wait)
        assert made.admitted_at("1", now) == now + wait
        now += wait
        assert made.admitted_at("1", now) <= now

    assert parked == [60.0, 120.0, 240.0, 300.0, 300.0]
    assert made.parked_seconds == 1020.0


def test_account__parked_leaves_the_others_alone() -> None:
    """One account's limits park nobody else."""
    made = governor()
    made.answered("1", account(95.0), 0.0)

    assert made.admitted_at("1", 0.0) == 60.0
    assert made.admitted_at("2", 0.0) == 0.0
    assert made.admitted_at(None, 0.0) == 0.0


@pytest.mark.parametrize("percent", [89.9, 0.0, None])
def test_account__recovered_goes_on_and_begins_at_60_again(percent: float | None) -> None:
    """Below 90 % an account is free at once, and the next parking is a minute again."""
    made = governor()
    made.answered("1", account(95.0), 0.0)
    made.answered("1", account(96.0), 60.0)

    assert made.answered("1", account(percent), 180.0) == 0.0
    assert made.admitted_at("1", 180.0) == 180.0
    assert made.answered("1", account(95.0), 181.0) == 60.0


def test_account__stuck_at_100_is_not_believed() -> None:
    """A percentage that does not move over two requests minutes apart parks no more."""
    made = governor()
    waits = [made.answered("1", account(100.0), now) for now in (0.0, 60.0, 180.0, 181.0, 182.0)]

    assert waits == [60.0, 120.0, 0.0, 0.0, 0.0]
    assert made.admitted_at("1", 182.0) <= 182.0


def test_account__stuck_is_believed_again_once_it_moves() -> None:
    """When a stuck percentage moves, or comes back after a fall, it parks again."""
    stuck = [(now, 100.0) for now in (0.0, 60.0, 180.0)]
    moved, fell = governor(), governor()
    for now, percent in stuck:
        moved.answered("1", account(percent), now)
        fell.answered("1", account(percent), now)

    assert moved.answered("1", account(99.0), 190.0) == 60.0
    assert fell.answered("1", account(50.0), 190.0) == 0.0
    assert fell.answered("1", account(100.0), 191.0) == 60.0


@pytest.mark.parametrize("who", ["1", None])
def test_app__at_90_percent_parks_everybody(who: str | None) -> None:
    """The app's limits, whichever call tells of them, park all accounts and calls of none."""
    made = governor()

    assert made.answered(who, app(92.0), 0.0) == 60.0
    assert [made.admitted_at(each, 0.0) for each in ("1", "2", None)] == [60.0] * 3


def test_app__after_parking_lets_one_request_through() -> None:
    """After the app was parked one request goes out, the others wait for what becomes of it."""
    made = governor()
    made.answered("1", app(92.0), 0.0)

    assert made.admitted_at("2", 60.0) <= 60.0
    assert made.admitted_at("3", 60.0) > 60.0
    assert made.admitted_at("2", 61.0) > 61.0
    made.answered("2", app(40.0), 62.0)
    assert all(made.admitted_at(who, 62.0) <= 62.0 for who in ("1", "2", "3"))


def test_app__probe_above_90_percent_parks_all_for_longer() -> None:
    """Where the one request finds the app still above 90 %, all are parked twice as long."""
    made = governor()
    made.answered("1", app(92.0), 0.0)
    made.admitted_at("2", 60.0)

    assert made.answered("2", app(93.0), 61.0) == 120.0
    assert made.admitted_at("1", 61.0) == 181.0


def test_app__probe_that_fails_is_followed_by_another() -> None:
    """A probe answered with some other error lets the next request through, again one."""
    made = governor()
    made.answered("1", app(92.0), 0.0)
    made.admitted_at("2", 60.0)
    made.failed(None, Usage())

    assert made.admitted_at("3", 61.0) <= 61.0
    assert made.admitted_at("4", 61.0) > 61.0


def test_app__probe_that_meets_its_accounts_limit_is_followed_by_another() -> None:
    """A probe throttled for its own account does not hold up the other accounts for ever."""
    made = governor()
    made.answered("1", app(92.0), 0.0)
    made.admitted_at("2", 60.0)
    made.throttled("2", Usage(), 61.0, app_wide=False)

    assert made.admitted_at("2", 61.0) == 121.0
    assert made.admitted_at("3", 61.0) <= 61.0


def test_app__answers_under_way_when_it_was_parked_prove_nothing() -> None:
    """Requests sent before the parking neither lengthen it, nor end it, nor make it seem stuck."""
    made = governor()
    waits = [made.answered(str(number), app(95.0), number / 10) for number in range(6)]
    made.answered("7", app(50.0), 1.0)

    assert waits == [60.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert made.parked_seconds == 60.0
    assert made.admitted_at("1", 59.0) == 60.0
    assert made.admitted_at("1", 60.0) <= 60.0
    assert made.admitted_at("2", 60.0) > 60.0
    assert made.answered("1", app(95.0), 61.0) == 120.0


# Waits have an end.


def rested(made: Governor, percents: Iterator[Usage], calls: int) -> list[float]:
    """Return how long each of so many calls, answered one after another, made one wait."""
    now, waits = 1000.0, []
    for usage in itertools.islice(percents, calls):
        waits.append(made.answered("1", usage, now))
        now += waits[-1] + 1.0
    return waits


def test_rest__of_one_account_has_an_end() -> None:
    """121 calls between 91 and 96 %, nothing refused: twenty minutes of waits, not ten hours."""
    made = governor()
    waits = rested(made, itertools.cycle(account(percent) for percent in range(91, 97)), 121)

    assert sum(waits) == MOST_REST_SECONDS == made.parked_seconds == 20 * 60
    assert waits[:5] == [60.0, 120.0, 240.0, 300.0, 300.0]
    assert waits[7:] == [0.0] * 114
    assert made.longest_wait == 300.0


def test_rest__because_of_the_app_has_an_end() -> None:
    """The app's figure alone makes everybody wait forty minutes a run at most."""
    made = governor()
    waits = rested(made, itertools.cycle(app(percent) for percent in range(91, 97)), 121)

    assert sum(waits) == MOST_APP_REST_SECONDS == 40 * 60


def test_rest__is_counted_for_each_account() -> None:
    """What one account has waited takes nothing from another's."""
    made = governor()
    rested(made, itertools.cycle(account(percent) for percent in range(91, 97)), 121)

    assert made.answered("2", account(95.0), 100_000.0) == 60.0


def test_rest__a_refused_call_waits_though_the_account_has_rested() -> None:
    """After its twenty minutes an account still waits where Meta refuses a call."""
    made = governor()
    rested(made, itertools.cycle(account(percent) for percent in range(91, 97)), 121)

    assert made.throttled("1", Usage(), 100_000.0, app_wide=False) == 60.0


# Throttle errors.


@pytest.mark.parametrize(
    ("usage", "wait"),
    [
        (Usage(), 60.0),
        (Usage(regain_seconds=5.0), 60.0),
        (Usage(regain_seconds=720.0), 720.0),
        (Usage(tier="development_access"), 300.0),
        (Usage(tier="development_access", regain_seconds=720.0), 720.0),
        (Usage(tier="standard_access"), 60.0),
    ],
)
def test_throttle__waits_for_what_the_headers_say_and_a_minute_at_least(
    usage: Usage, wait: float
) -> None:
    """A throttle error waits as long as the headers say, at least 60 s, 300 s in development."""
    made = governor()

    assert made.throttled("1", usage, 1000.0, app_wide=False) == wait
    assert made.admitted_at("1", 1000.0) == 1000.0 + wait
    assert made.admitted_at("2", 1000.0) == 0.0
    assert (made.throttle_errors, made.parked_seconds) == (1, wait)


def test_throttle__has_up_to_a_tenth_of_jitter() -> None:
    """The wait is spread by up to a tenth and never below what was asked for."""
    assert governor(1.0).throttled("1", Usage(), 0.0, app_wide=False) == pytest.approx(66.0)
    assert governor(0.5).throttled("1", Usage(), 0.0, app_wide=False) == pytest.approx(63.0)


@pytest.mark.parametrize(("who", "app_wide"), [("1", True), (None, False), (None, True)])
def test_throttle__of_the_app_blocks_all_then_lets_one_through(
    who: str | None, *, app_wide: bool
) -> None:
    """An app-wide throttle, or one of a call without an account, holds for all."""
    made = governor()
    made.throttled(who, Usage(), 0.0, app_wide=app_wide)

    assert [made.admitted_at(other, 1.0) for other in ("1", "2", None)] == [60.0] * 3
    assert made.admitted_at("2", 60.0) <= 60.0
    assert made.admitted_at("1", 60.0) > 60.0
    made.answered("2", Usage(), 61.0)
    assert made.admitted_at("1", 61.0) <= 61.0


def test_throttle__again_waits_again() -> None:
    """Each throttle error after a wait starts a longer one, single probe included."""
    made = governor()
    made.throttled("1", Usage(), 0.0, app_wide=True)
    made.admitted_at("1", 60.0)
    made.throttled("1", Usage(), 61.0, app_wide=True)

    assert made.admitted_at("2", 61.0) == 181.0
    assert made.admitted_at("2", 181.0) <= 181.0
    assert made.admitted_at("1", 181.0) > 181.0


def test_throttle__waits_grow_whatever_the_headers_say() -> None:
    """A `reset_time_duration` of 63 s does not have an account ask each minute for hours."""
    made, now, calls = governor(), 0.0, 0
    while now < GIVE_UP_SECONDS:
        now += made.throttled("1", Usage(regain_seconds=63.0), now, app_wide=False)
        calls += 1

    assert calls <= 38


def test_throttle__of_the_app_that_one_is_told_of_is_its_own() -> None:
    """Once another account is answered, the one that is told of the app's limit waits alone."""
    made = governor()
    made.throttled("1", Usage(), 0.0, app_wide=True)
    assert made.is_for_all("1", app_wide=True)
    made.answered("2", Usage(), 61.0)
    made.throttled("1", Usage(), 62.0, app_wide=True)

    assert not made.is_for_all("1", app_wide=True)
    assert made.admitted_at("1", 62.0) == 122.0
    assert made.admitted_at("2", 62.0) <= 62.0


def test_throttle__of_the_app_that_most_are_told_of_is_the_apps() -> None:
    """Polls are answered, results are not, of any account: that is the app's limit."""
    made, now = governor(), 0.0
    for told, answered in itertools.islice(itertools.cycle(["12", "23", "31"]), 30):
        made.throttled(told, Usage(), now, app_wide=True)
        now = made.app.closed_until + 1.0
        made.answered(answered, Usage(), now)

    assert all(made.is_for_all(name, app_wide=True) for name in "123")


def test_throttle__of_the_app_that_many_are_told_of_is_the_apps_next_time_too() -> None:
    """Accounts that met a limit of the app's, and were answered since, are believed again."""
    made = governor()
    for hour in range(5):
        now = hour * 3600.0
        for number in range(8):
            made.throttled(str(number), Usage(), now, app_wide=True)
        for number in range(9):
            made.answered(str(number), Usage(), now + 61.0 + number)

    assert all(made.is_for_all(str(number), app_wide=True) for number in range(8))


def test_throttle__of_several_under_way_the_longest_counts_once() -> None:
    """Several throttle errors at once park until the latest end, and count their time once."""
    made = governor()
    made.throttled("1", Usage(regain_seconds=600.0), 0.0, app_wide=True)
    made.throttled("2", Usage(), 10.0, app_wide=True)

    assert made.admitted_at("3", 10.0) == 600.0
    assert made.parked_seconds == 600.0
    assert made.throttle_errors == 2


def test_throttled_seconds__run_from_the_first_error_to_the_next_success() -> None:
    """An account's throttled time runs over its throttle errors and ends with data."""
    made = governor()
    assert made.throttled_seconds("1", 0.0) == 0.0
    made.throttled("1", Usage(), 100.0, app_wide=False)
    made.throttled("1", Usage(), 200.0, app_wide=False)

    assert made.throttled_seconds("1", 500.0) == 400.0
    assert made.throttled_seconds("2", 500.0) == 0.0
    assert made.throttled_seconds(None, 500.0) == 0.0
    made.answered("1", Usage(), 500.0)
    assert made.throttled_seconds("1", 600.0) == 0.0


def test_throttled_seconds__end_with_another_error_too() -> None:
    """An error that is no throttle shows that the limits, the app's and its own, let it through."""
    made = governor()
    made.throttled("1", Usage(), 100.0, app_wide=False)
    made.throttled("2", Usage(), 100.0, app_wide=False)
    made.throttled("1", Usage(), 160.0, app_wide=True)
    made.failed("1", Usage())

    assert made.throttled_seconds("1", 500.0) == 0.0
    assert made.throttled_seconds("2", 500.0) == 400.0


def test_throttled_seconds__of_the_app_count_for_all() -> None:
    """While the whole app is throttled, every account is."""
    made = governor()
    made.throttled("1", Usage(), 100.0, app_wide=True)
    made.throttled("2", Usage(), 150.0, app_wide=False)

    assert made.throttled_seconds("2", 400.0) == 300.0
    assert made.throttled_seconds(None, 400.0) == 300.0


def test_give_up__is_after_three_hours() -> None:
    """An account is given up after three hours of throttling."""
    assert GIVE_UP_SECONDS == 10800


def test_throttled__waits_as_long_as_the_error_itself_asks() -> None:
    """A block for unusual calls (368) lasts longer than the headers say."""
    made = Governor(jitter=lambda: 0.0)

    assert made.throttled("1", Usage(), 0.0, app_wide=False, least_seconds=300.0) == 300.0
