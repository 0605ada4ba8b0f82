"""How much is asked for at once: what worked the last time, and now and then more."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tap_meta_partner.planning.bookmarks import Bookmark, read_partition, write_partition
from tap_meta_partner.planning.pace import Pace

NIGHT = dt.date(2026, 11, 1)


def nights_later(nights: int) -> dt.date:
    return NIGHT + dt.timedelta(days=nights)


def test_pace__grows_after_three_easy_windows() -> None:
    """A narrow window doubles after three that went well, up to 30 days."""
    pace = Pace(days=8)
    days = []
    for _ in range(9):
        pace = pace.attempt(NIGHT).eased()
        days.append(pace.days)

    assert days == [8, 8, 8, 16, 16, 16, 30, 30, 30]
    assert pace == Pace()


def test_pace__asks_directly_again_once_it_is_wide() -> None:
    """Report runs are given up last: the window grows first, then direct answers are tried."""
    pace = Pace(days=15, report_run=True)
    seen = []
    for _ in range(7):
        pace = pace.attempt(NIGHT).eased()
        seen.append((pace.days, pace.report_run))

    assert seen == [*[(15, True)] * 3, *[(30, True)] * 3, (30, False)]


def test_wall__is_tried_three_times_in_the_run_that_met_it() -> None:
    """One heavy week of a long history is no wall for ever; a wall is found out quickly."""
    pace = Pace().asking_less(Pace(), 30, NIGHT)
    vain = 0
    for _ in range(100):
        tried = pace.attempt(NIGHT)
        if tried == pace:
            pace = pace.eased()
        else:
            vain += 1
            pace = pace.asking_less(tried, tried.days, NIGHT)

    assert (pace.days, vain) == (15, 3)


@pytest.mark.parametrize(
    ("stood_still", "tried_after"), [(False, [7, 14, 21, 28]), (True, [28])], ids=["wall", "still"]
)
def test_wall__is_tried_again_rarely(*, stood_still: bool, tried_after: list[int]) -> None:
    """A wall each week, a run that stood still each fourth: that one costs its 20 minutes."""
    pace = Pace(days=7).met_wall(NIGHT, in_vain=False, stood_still=stood_still)
    nights = []
    for night in range(1, 29):
        today = nights_later(night)
        for _ in range(5):
            tried = pace.attempt(today)
            if tried == pace:
                pace = pace.eased()
            else:
                nights.append(night)
                pace = pace.asking_less(tried, tried.days, today)
    # In a night that meets it anew it may be tried again, but for one that stands still.
    assert sorted(set(nights)) == tried_after
    assert len(nights) <= len(tried_after) * 3


def test_wall__that_is_gone_is_forgotten() -> None:
    """A week later the window grows, and goes on growing without another week."""
    pace = Pace(days=7, easy=3).met_wall(NIGHT, in_vain=True)
    today, days = nights_later(7), []
    for _ in range(10):
        pace = pace.attempt(today).eased()
        days.append(pace.days)

    assert days == [7, 7, 7, 14, 14, 14, 28, 28, 28, 30]
    assert pace == Pace()


def test_less__is_half_and_asked_directly() -> None:
    """A window that is too much is halved, and fewer days may be answered at once."""
    pace = Pace(days=10, report_run=True, easy=2)

    assert pace.asking_less(pace, 10, NIGHT) == Pace(days=5, met=NIGHT)


def test_less__of_what_had_not_worked_before_is_what_had() -> None:
    """Where more was tried in vain, the next window is as wide as those that worked."""
    pace = Pace(days=10, easy=3)
    tried = pace.attempt(NIGHT)

    assert tried.days == 20
    assert pace.asking_less(tried, 20, NIGHT) == Pace(days=10, met=NIGHT, vain=1)


def test_less__after_a_standstill_is_a_quarter() -> None:
    """Every run that stands still costs 20 minutes: there are few between a month and a day."""
    pace = Pace()
    days = []
    while pace.days > 1:
        pace = pace.asking_less(pace, pace.days, NIGHT, stood_still=True)
        days.append(pace.days)

    assert days == [7, 1]
    assert pace.stood_still


@pytest.mark.parametrize(("asked", "days"), [(0, 1), (1, 1), (7, 7), (90, 10)])
def test_pace__is_at_least_a_day_and_never_wider_than_before(asked: int, days: int) -> None:
    """Narrowing ends at a day and never widens."""
    assert Pace(days=10).narrowed(asked).days == days


def test_pace__by_object_is_kept_and_given_up_after_a_week() -> None:
    """A day that was too much is read by object the next time too, with what is known of them."""
    pace = Pace(days=2).met_wall(NIGHT, in_vain=False).with_objects({"c2", "c1"}, {"a7"}, 4)
    partition: dict[str, Any] = {"context": {"account_id": "1"}}
    write_partition(Bookmark(day=dt.date(2026, 11, 1), pace=pace), partition)

    assert partition["pace"] == {
        "days": 1,
        "mode": "campaign",
        "easy": 0,
        "heavy": ["c1", "c2"],
        "hopeless": ["a7"],
        "parts": 4,
        "met": "2026-11-01",
    }
    assert read_partition(partition).pace == pace
    for _ in range(3):
        pace = pace.with_objects({"c1"}, (), 2)
    assert pace.attempt(nights_later(6)) == pace
    assert pace.attempt(nights_later(7)) == Pace(days=1, met=NIGHT)


def test_pace__knows_a_bounded_number_of_heavy_objects() -> None:
    """The state does not grow with an account's ads."""
    pace = Pace().with_objects({f"a{n}" for n in range(1000)}, {f"a{n}" for n in range(1000)}, 1)

    assert (len(pace.heavy), len(pace.hopeless)) == (50, 50)


@pytest.mark.parametrize(
    "kept",
    [
        {"heavy": "c1", "hopeless": 3, "parts": "x", "met": "yesterday", "vain": [], "days": 3},
        {"parts": -4, "vain": -1, "stood_still": "yes", "met": None, "days": 3},
    ],
)
def test_pace__that_makes_no_sense_is_a_lost_hint(kept: dict[str, Any]) -> None:
    """Whatever else stands in a state's pace, the run goes on."""
    assert read_partition({"pace": kept}).pace == Pace(days=3)
