"""Rows of days that may be unchanged: held within bounds, and written by whole days."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tap_meta_partner.sync import held_days
from tap_meta_partner.sync.held_days import HeldDays, Room

FIRST = dt.date(2026, 11, 20)
SINCE = dt.date(2026, 11, 1)


def rows(day: int, *, spend: str = "1.50", count: int = 3, read_at: str = "t1") -> list[Any]:
    return [
        {
            "account_id": "1",
            "date_start": f"2026-11-{day}",
            "ad_id": str(ad),
            "spend": Decimal(spend),
            "actions": [{"action_type": "lead", "value": Decimal(ad)}],
            "is_final": False,
            "read_at": read_at,
        }
        for ad in range(count)
    ]


def learnt(*pages: list[Any]) -> dict[dt.date, str]:
    """Return what is known of days after they were delivered once."""
    held = HeldDays({}, SINCE)
    held.begin(anew=True, next_part=False)
    for page in pages:
        assert held.take(page) == page
    return held.digests


def test_unchanged_day__is_not_handed_on() -> None:
    """Whatever the order of its rows and pages, and whenever they were read."""
    held = HeldDays(learnt(rows(20), rows(21)), SINCE)
    held.begin(anew=True, next_part=False)
    again = [*reversed(rows(21, read_at="t2")), *rows(20, read_at="t2")]

    assert held.take(again[:4]) == held.take(again[4:]) == []
    assert list(held.release()) == []
    assert held.unchanged == 6
    assert held.digests == learnt(rows(20), rows(21))


@pytest.mark.parametrize(
    "now",
    [
        rows(21, spend="1.51"),
        rows(21)[:2],
        rows(21, count=4),
        [{**row, "is_final": True} for row in rows(21)],
    ],
    ids=["an amount", "a row less", "a row more", "final"],
)
def test_changed_day__is_handed_on_as_a_whole(now: list[Any]) -> None:
    """All rows of the day get the new instant, those too that are as they were."""
    held = HeldDays(learnt(rows(20), rows(21)), SINCE)
    held.begin(anew=True, next_part=False)

    assert held.take(rows(20)) == held.take(now[:1]) == held.take(now[1:]) == []
    assert [row for page in held.release() for row in page] == now
    assert held.unchanged == 3


def test_day_nobody_knows__waits_for_nothing() -> None:
    """What is new is handed on at once, and days that are not read again have no digest."""
    held = HeldDays(learnt(rows(20)), dt.date(2026, 11, 20))
    held.begin(anew=True, next_part=False)

    assert held.take([*rows(19), *rows(21)]) == [*rows(19), *rows(21)]
    assert list(held.digests) == [dt.date(2026, 11, 21)]


def test_window__read_anew_holds_each_row_once() -> None:
    """Rows of a part, or of a window, that begins anew are forgotten; other parts stay."""
    held = HeldDays(learnt(rows(20)), SINCE)
    held.begin(anew=True, next_part=False)
    held.take(rows(20, spend="9"))
    held.begin(anew=True, next_part=False)
    held.take(rows(20)[:1])
    held.begin(anew=False, next_part=True)
    held.take(rows(20)[1:2])
    held.begin(anew=False, next_part=False)
    held.take(rows(20)[1:])

    assert held.unchanged == 3
    assert list(held.release()) == []


@pytest.mark.parametrize("most_bytes", [0, 10**9])
def test_rows__taken_after_others_were_handed_on_are_there_too(
    monkeypatch: pytest.MonkeyPatch, most_bytes: int
) -> None:
    """What is read back from a file leaves it as it was."""
    monkeypatch.setattr(held_days, "MOST_BYTES", most_bytes)
    first, second = rows(20, spend="9", count=60), rows(21, spend="8")
    held = HeldDays(learnt(rows(20), rows(21)), SINCE)
    held.begin(anew=True, next_part=False)
    held.take(first)
    assert [row for page in held.release() for row in page] == first

    held.take(second)

    assert [row for page in held.release() for row in page] == [*first, *second]
    held.close()


@pytest.mark.parametrize(("most_bytes", "most_files"), [(10**9, 0), (0, 9), (0, 0), (700, 1)])
def test_bounds__cost_no_row(
    monkeypatch: pytest.MonkeyPatch, most_bytes: int, most_files: int
) -> None:
    """In memory, in files, or handed on as changed: each row comes out, or is as it was."""
    monkeypatch.setattr(held_days, "MOST_BYTES", most_bytes)
    monkeypatch.setattr(held_days, "MOST_FILES", most_files)
    known, room = learnt(*(rows(day) for day in range(10, 30))), Room()
    held = HeldDays(known, SINCE, room)
    held.begin(anew=True, next_part=False)
    now = [rows(day, spend="2" if day % 3 else "1.50") for day in range(10, 30)]
    seen = [row for page in now for row in held.take(page)]

    assert room.bytes <= most_bytes
    assert room.files <= most_files
    seen += [row for page in held.release() for row in page]
    changed = [row for page in now for row in page if row["spend"] == 2]
    as_before = [row for row in seen if row["spend"] != 2]
    assert [row for row in seen if row["spend"] == 2] == changed
    assert len(seen) + held.unchanged == 60
    assert not as_before or not most_files
    held.close()
    assert room == Room()
