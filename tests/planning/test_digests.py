"""Digests: what is kept of delivered days, and when it is believed."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from typing import Any

import pytest

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.bookmarks import Bookmark, read_partition, write_partition
from tap_meta_partner.planning.digests import (
    MOST_DAYS,
    Digests,
    day_digest,
    digest_of,
    maker_of,
)

OF = maker_of("ad", ["spend"], "EUR", "Europe/Berlin")
ROWS = (b"one", b"two", b"three")


def day(number: int) -> dt.date:
    return dt.date(2026, 11, 1) + dt.timedelta(days=number - 1)


KNOWN = Digests(of=OF, days={day(20): "aaaaaaaa", day(22): "bbbbbbbb"})
BOOKMARK = Bookmark(day=day(23), since=day(1), digests=KNOWN)


def kept(bookmark: Bookmark) -> dict[str, Any]:
    partition: dict[str, Any] = {"context": {"account_id": "1"}}
    write_partition(bookmark, partition)
    return partition


def test_digest__does_not_depend_on_the_order_of_rows() -> None:
    """Meta promises no order of rows; one that is other, missing or more is another day."""
    found = {day_digest(sum(map(digest_of, order))) for order in itertools.permutations(ROWS)}
    assert len(found) == 1
    others = [ROWS[:2], (*ROWS, b"four"), (b"one", b"two", b"Three"), (*ROWS, b"three")]
    assert not found & {day_digest(sum(map(digest_of, rows))) for rows in others}


def test_state__has_eight_characters_a_day() -> None:
    """Days between the first and the last that have no rows are there as dashes."""
    assert kept(BOOKMARK)["digests"] == {
        "of": OF,
        "at": "2026-11-23",
        "from": "2026-11-20",
        "days": "aaaaaaaa--------bbbbbbbb",
    }
    assert read_partition(kept(BOOKMARK)) == BOOKMARK
    assert "digests" not in kept(replace(BOOKMARK, digests=Digests(of=OF)))


@pytest.mark.parametrize(
    "change",
    [
        {"replication_key_value": "2026-11-10"},
        {"replication_key_value": None},
        {"digests": None},
        {"digests": {"of": OF, "at": "2026-11-23", "from": "soon", "days": "aaaaaaaa"}},
        {"digests": {"of": OF, "at": "2026-11-23", "from": "2026-11-20", "days": ["a"]}},
        {"digests": {"at": "2026-11-23", "from": "2026-11-20", "days": "aaaaaaaa"}},
    ],
)
def test_digests__of_another_bookmark_or_none_are_not_believed(change: dict[str, Any]) -> None:
    """Who moves a bookmark by hand wants the days again; what makes no sense costs nothing."""
    partition = {**kept(BOOKMARK), **change}

    assert read_partition(partition).digests == Digests()


def test_digests__are_known_as_long_as_rows_are_made_alike() -> None:
    """Another column, currency or time zone makes other rows of the same answer."""
    assert KNOWN.known(OF) == KNOWN.days
    for other in (
        maker_of("ad", ["spend", "clicks"], "EUR", "Europe/Berlin"),
        maker_of("ad", ["spend"], "USD", "Europe/Berlin"),
        maker_of("ad", ["spend"], "EUR", "Europe/Paris"),
    ):
        assert KNOWN.known(other) == {}


def test_closed__replaces_the_windows_days_and_forgets_old_ones() -> None:
    """A day that has no rows any more has no digest; one before the next lookback is not kept."""
    found = {day(23): "cccccccc"}

    closed = KNOWN.closed(DateWindow(day(21), day(24)), found, OF, since=day(1))
    assert closed.days == {day(20): "aaaaaaaa", day(23): "cccccccc"}
    assert KNOWN.closed(DateWindow(day(23), day(24)), found, OF, since=day(21)).days == {
        day(22): "bbbbbbbb",
        day(23): "cccccccc",
    }
    assert KNOWN.closed(DateWindow(day(23), day(24)), found, "another", since=day(1)).days == found


def test_digests__are_bounded_whatever_the_lookback_is() -> None:
    """The newest 400 days at most, in memory and in the state."""
    days = {day(number): "dddddddd" for number in range(1, 1000)}

    window = DateWindow(day(1), day(999))
    closed = Digests().closed(window, days, OF, since=day(1))

    assert (len(closed.days), max(closed.days)) == (MOST_DAYS, day(999))
    state = kept(Bookmark(day=day(999), digests=Digests(of=OF, days=days)))
    assert len(state["digests"]["days"]) == 8 * MOST_DAYS
    assert len(read_partition(state).digests.days) == MOST_DAYS
