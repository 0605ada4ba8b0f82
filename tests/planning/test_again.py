"""Which delivered days are read again for what they lack, and which are spared."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.again import days_again, spared_days, was_delivered_whole
from tap_meta_partner.planning.holes import Hole
from tap_meta_partner.planning.open_days import open_days
from tap_meta_partner.planning.withheld import Withheld
from tests.support.windows_read import AD, TODAY, D, delivered, window

BOOKMARK = delivered("2026-11-23", "2026-01-01")
HOLE = Hole(window=window("2026-02-05", "2026-02-05"), what="ad a1", why="x")


def test_again__are_days_that_lack_a_field_and_days_with_a_hole() -> None:
    """Before the open days, since those are read anyway; each day once."""
    withheld = Withheld(
        {"reach": (window("2026-02-01", "2026-02-06"), window("2026-11-01", "2026-11-20"))},
        (window("2026-10-20", "2026-11-20"),),
    )
    bookmark = replace(BOOKMARK, withheld=withheld, holes=(HOLE,))
    opened = open_days(bookmark, AD, today=TODAY)
    assert opened.forward == window("2026-10-26", "2026-11-25")

    def again(*given: str, holes: tuple[Hole, ...] = ()) -> list[str]:
        found = days_again(bookmark, AD, opened, given=given, holes=holes, today=TODAY)
        return list(map(str, found))

    assert again("reach", holes=(HOLE,)) == ["2026-02-01..2026-02-06", "2026-10-20..2026-10-25"]
    assert again(holes=(HOLE,)) == ["2026-02-05..2026-02-05", "2026-10-20..2026-10-25"]
    assert again() == ["2026-10-20..2026-10-25"]


def test_again__never_reaches_behind_metas_history() -> None:
    """Days that have fallen out of the 37 months cannot be had any more."""
    old = Withheld({"reach": (window("2023-10-01", "2023-10-31"),)})
    bookmark = replace(BOOKMARK, withheld=old)
    opened = open_days(bookmark, AD, today=TODAY)

    (found,) = days_again(bookmark, AD, opened, given=("reach",), holes=(), today=TODAY)

    assert found == window("2023-10-26", "2023-10-31")


@pytest.mark.parametrize(
    ("report", "spared"),
    [
        ("ad|1||reach,spend|", ["2026-11-10..2026-11-23"]),
        ("ad|1||default|", ["2026-11-10..2026-11-23"]),
        ("ad|1||spend|", []),
        (None, ["2026-11-10..2026-11-23"]),
    ],
    ids=["asked", "default", "new", "unknown"],
)
def test_spared__are_days_delivered_with_the_field(report: str | None, spared: list[str]) -> None:
    """Where it is not known what was asked, nothing is risked."""
    bookmark = replace(BOOKMARK, report=report)

    found = spared_days(bookmark, AD, window("2026-11-10", "2026-11-25"), ["reach"])

    assert list(map(str, found)) == spared


def test_spared__are_no_days_that_came_without_it() -> None:
    """They have nothing to lose."""
    lacking = Withheld({"reach": (window("2026-11-15", "2026-11-23"),)})
    bookmark = replace(BOOKMARK, withheld=lacking)

    found = spared_days(bookmark, AD, window("2026-11-10", "2026-11-25"), ["reach"])

    assert found == [window("2026-11-10", "2026-11-14")]
    assert spared_days(bookmark, AD, window("2026-11-16", "2026-11-25"), ["reach"]) == []
    assert spared_days(bookmark, AD, window("2026-11-10", "2026-11-25"), []) == []


@pytest.mark.parametrize(("increment", "until"), [(7, "2026-11-22"), ("monthly", "2026-10-31")])
def test_spared__are_whole_buckets(increment: int | str, until: str) -> None:
    """A bucket under way is read again, whatever its fields: its numbers are not whole."""
    definition = replace(AD, time_increment=increment)

    found = spared_days(BOOKMARK, definition, window("2026-10-01", "2026-11-25"), ["reach"])

    assert found == [window("2026-10-01", until)]


def test_delivered_whole__is_a_window_without_holes() -> None:
    """Rows without some fields do not replace those of such a window."""
    bookmark = replace(BOOKMARK, holes=(HOLE,))

    assert was_delivered_whole(bookmark, window("2026-02-06", "2026-02-06"))
    assert not was_delivered_whole(bookmark, HOLE.window)
    assert not was_delivered_whole(bookmark, DateWindow(D("2026-11-24"), D("2026-11-24")))
    assert not was_delivered_whole(replace(bookmark, day=None), HOLE.window)
    assert was_delivered_whole(
        replace(bookmark, since=None), DateWindow(dt.date.min, D("2025-01-01"))
    )
