"""What cannot be had of a day: told, kept in a bounded way, and asked for again."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.holes import (
    Hole,
    found_holes,
    holes_as_json,
    missing,
    new_holes,
    open_holes,
    read_holes,
)

TODAY = dt.date(2026, 11, 25)


def days(first: int, last: int | None = None) -> DateWindow:
    return DateWindow(dt.date(2026, 11, first), dt.date(2026, 11, last or first))


def hole(day: int, what: str = "ad a1", spend: str | None = "1.50", why: str = "too much") -> Hole:
    amount = None if spend is None else Decimal(spend)
    return Hole(window=days(day), what=what, why=why, spend=amount)


def test_found__are_new_or_known_by_day_and_object() -> None:
    """What was missing before keeps the night it was found; what was read is forgotten."""
    yesterday = dt.date(2026, 11, 24)
    known = found_holes((), [hole(3), hole(4), hole(9)], days(1, 10), yesterday)

    now = found_holes(known, [hole(3), hole(5)], days(3, 5), TODAY)

    assert [(each.window.since.day, each.found) for each in now] == [
        (3, yesterday),
        (5, TODAY),
        (9, yesterday),
    ]


def test_found__of_several_days_lose_the_days_that_were_read() -> None:
    """Joined ones are read window by window, and each window takes its days off."""
    known = (Hole(window=days(1, 9), what="several objects", why="x", found=TODAY),)

    now = found_holes(known, (), days(4, 6), TODAY)

    assert [str(each.window) for each in now] == [
        "2026-11-01..2026-11-03",
        "2026-11-07..2026-11-09",
    ]


def test_found__are_bounded_and_lose_no_day_and_no_spend() -> None:
    """An account of which a hundred ads are missing each day does not swell the state."""
    found = [hole(day, f"ad a{number}") for day in range(1, 29) for number in range(100)]

    kept = found_holes((), found, days(1, 28), TODAY)

    assert len(kept) <= 100
    assert {day for each in kept for day in each.window.each_day()} == set(days(1, 28).each_day())
    assert sum(each.spend or 0 for each in kept) == Decimal("1.50") * 2800


def test_found__texts_of_meta_are_cut_and_stay_on_one_line() -> None:
    """Whatever stands in a key or a message, the state and the log keep their shape."""
    (kept,) = found_holes((), [hole(1, "a\nb" * 999, why="x\x1b[31m" * 999)], days(1), TODAY)

    assert kept.what.isprintable()
    assert kept.why.isprintable()
    assert max(len(kept.what), len(kept.why)) <= 160
    # And it is known again the next night.
    (again,) = found_holes((kept,), [hole(1, "a\nb" * 999)], days(1), TODAY + dt.timedelta(days=1))
    assert again.found == TODAY


@pytest.mark.parametrize(("lookback", "nights"), [(28, 28), (0, 7), (10**9, 9_000)])
def test_open__are_asked_for_as_many_nights_as_the_lookback_has(lookback: int, nights: int) -> None:
    """A week at least; one that was never closed is not asked for ever."""
    kept = found_holes((), [hole(1)], days(1), TODAY)

    assert open_holes(kept, TODAY + dt.timedelta(days=nights), lookback) == list(kept)
    assert open_holes(kept, TODAY + dt.timedelta(days=max(nights, 9_999) + 2), lookback) == []


def test_missing__says_what_and_how_much() -> None:
    """The first ones by name, all by their spend."""
    text = missing([hole(1), hole(2, "everything", None), hole(3), hole(4), hole(5)])

    assert text.startswith(
        "all but this was delivered: 2026-11-01: ad a1 (spend 1.5); 2026-11-02: everything; "
        "2026-11-03: ad a1 (spend 1.5); and 2 more; spend missing 6. Meta said: too much."
    )


def test_json__that_makes_no_sense_is_left_out() -> None:
    """A hole that cannot be read is only a hint that is lost."""
    good = holes_as_json([hole(1), hole(2)])
    assert good == [
        {
            "what": "ad a1",
            "why": "too much",
            "days": {"2026-11-01": {"spend": "1.50"}, "2026-11-02": {"spend": "1.50"}},
        }
    ]
    bad: list[object] = [
        1,
        None,
        {},
        {"days": "x", "what": "y", "why": "z"},
        {**good[0], "days": {"x": {}}},
    ]

    assert read_holes([*bad, *good]) == (hole(1), hole(2))
    assert read_holes("none") == ()
    assert holes_as_json(()) is None


def test_new__is_an_object_that_was_not_missing_before() -> None:
    """A further day of one known to be missing is no news, and fails no further run."""
    assert new_holes([], [hole(1)]) == [hole(1)]
    assert new_holes([hole(1)], [hole(1), hole(2), hole(2, "ad a2")]) == [hole(2, "ad a2")]
    assert new_holes([hole(1, "several objects")], [hole(2)]) == []
