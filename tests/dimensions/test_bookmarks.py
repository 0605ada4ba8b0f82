"""Bookmarks of dimensions: when what changed is enough, and how they stand in the state."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from tap_meta_partner.dimensions.bookmarks import (
    Between,
    DimensionBookmark,
    Full,
    Since,
    after_reading,
    begin_due,
    extent_due,
    fingerprint_of,
    read_dimension_partition,
    write_dimension_partition,
)

NOW = dt.datetime(2026, 11, 24, 3, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
KNOWN = DimensionBookmark(updated_time=NOW - 2 * DAY, full_at=NOW - 3 * DAY, basis="abc")


def test_plan__what_changed() -> None:
    """While nothing above changed, ads from a day before the newest known one are enough."""
    assert extent_due(KNOWN, NOW, "abc") == Since(NOW - 3 * DAY)


def test_plan__unix() -> None:
    """Meta takes the time as whole seconds since 1970."""
    assert Since(dt.datetime(2026, 11, 21, 3, tzinfo=dt.timezone.utc)).unix == 1_795_230_000


@pytest.mark.parametrize(
    ("bookmark", "basis"),
    [
        (DimensionBookmark(), "abc"),
        (KNOWN, "other"),
        (KNOWN, None),
        (replace(KNOWN, basis=None), None),
        (replace(KNOWN, full_at=None), "abc"),
        (replace(KNOWN, full_at=NOW - 7 * DAY), "abc"),
        (replace(KNOWN, full_at=NOW + DAY), "abc"),
        (replace(KNOWN, updated_time=None), "abc"),
    ],
    ids=[
        "never read",
        "something above changed",
        "unknown what is above",
        "never known what is above",
        "never read in full",
        "seven days ago",
        "read in the future",
        "no time known",
    ],
)
def test_plan__in_full(bookmark: DimensionBookmark, basis: str | None) -> None:
    """Whatever could make a list of changes incomplete makes the reading a full one."""
    assert extent_due(bookmark, NOW, basis) == Full()


@pytest.mark.parametrize(
    ("hours", "plan"), [(1, Full()), (0, Full()), (-3, Full()), (13, Since(NOW - 3 * DAY))]
)
def test_plan__around_seven_days(hours: int, plan: Full | Since) -> None:
    """The seventh night reads in full, also if it begins an hour before the first one did."""
    bookmark = replace(KNOWN, full_at=NOW - 7 * DAY + dt.timedelta(hours=hours))

    assert extent_due(bookmark, NOW, "abc") == plan


def test_plan__six_days() -> None:
    """Until the seventh night, changes are enough."""
    bookmark = replace(KNOWN, full_at=NOW - 6 * DAY - dt.timedelta(hours=2))

    assert isinstance(extent_due(bookmark, NOW, "abc"), Since)


def test_plan__a_time_beyond_now() -> None:
    """A newest time in the future does not make ads changed today disappear."""
    assert extent_due(replace(KNOWN, updated_time=NOW + 400 * DAY), NOW, "abc") == Since(NOW - DAY)


def test_after__in_full() -> None:
    """A full reading sets everything anew, also an older newest time (the newest ad is gone)."""
    after = after_reading(KNOWN, Full(), began=NOW, newest=NOW - 9 * DAY, basis="now")

    assert after == DimensionBookmark(
        updated_time=NOW - 9 * DAY, full_at=NOW, basis="now", read_at=NOW
    )


@pytest.mark.parametrize(
    ("newest", "kept"),
    [(None, NOW - 2 * DAY), (NOW - DAY, NOW - DAY), (NOW - 5 * DAY, NOW - 2 * DAY)],
)
def test_after__what_changed(newest: dt.datetime | None, kept: dt.datetime) -> None:
    """A reading of changes only moves the time forward; when the last full one was stays."""
    after = after_reading(KNOWN, Since(NOW), began=NOW, newest=newest, basis="abc")

    assert after == replace(KNOWN, updated_time=kept, read_at=NOW)


def test_after__looking_up_is_not_forgotten() -> None:
    """A reading leaves alone when missing objects were last looked up."""
    looked_up = replace(KNOWN, looked_up_at=NOW - DAY)

    after = after_reading(looked_up, Full(), began=NOW, newest=None, basis=None)
    assert after.looked_up_at == NOW - DAY


def test_fingerprint__order_does_not_matter() -> None:
    """The fingerprint is of the set: Meta's order does not matter."""
    assert fingerprint_of({"1": "ACTIVE", "2": "PAUSED"}) == fingerprint_of(
        {"2": "PAUSED", "1": "ACTIVE"}
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"1": "PAUSED", "2": "PAUSED"},
        {"1": "ACTIVE"},
        {"1": "ACTIVE", "2": "PAUSED", "3": "ACTIVE"},
        {"1": "PAUSED", "2": "ACTIVE"},
        {},
    ],
    ids=["changed", "went", "came", "swapped", "all went"],
)
def test_fingerprint__tells_a_change(changed: dict[str, str]) -> None:
    """One status that changed, one object that came or went: another fingerprint."""
    assert fingerprint_of(changed) != fingerprint_of({"1": "ACTIVE", "2": "PAUSED"})


def test_fingerprint__of_what_is_wanted() -> None:
    """Another column, or another status wanted, is another fingerprint; the order is none."""
    known = fingerprint_of({"1": "ACTIVE"}, ["id", "name"], ["ACTIVE"])

    assert fingerprint_of({"1": "ACTIVE"}, ["name", "id"], ["ACTIVE"]) == known
    assert fingerprint_of({"1": "ACTIVE"}, ["id"], ["ACTIVE"]) != known
    assert fingerprint_of({"1": "ACTIVE"}, ["id", "name"], []) != known


def test_partition__comes_back_as_written() -> None:
    """What is written into the state is read back the same, through JSON, context untouched."""
    bookmark = replace(
        KNOWN,
        looked_up_at=NOW - DAY,
        read_at=NOW,
        to_look_up=("23849", "23848"),
        looked_up_to="23848",
    )
    partition: dict[str, Any] = {"context": {"account_id": "1"}, "own": 1}

    write_dimension_partition(bookmark, partition)

    assert partition == {
        "context": {"account_id": "1"},
        "own": 1,
        "replication_key": "updated_time",
        "replication_key_value": "2026-11-22T03:00:00+00:00",
        "full_at": "2026-11-21T03:00:00+00:00",
        "basis": "abc",
        "looked_up_at": "2026-11-23T03:00:00+00:00",
        "read_at": "2026-11-24T03:00:00+00:00",
        "to_look_up": ["23849", "23848"],
        "looked_up_to": "23848",
    }
    assert read_dimension_partition(json.loads(json.dumps(partition))) == bookmark


def test_partition__without_times() -> None:
    """Creatives have no time: their partition names no replication key, and old ones go."""
    partition: dict[str, Any] = {
        "replication_key": "updated_time",
        "replication_key_value": "2026-11-22T03:00:00+00:00",
        "basis": "abc",
    }

    bookmark = DimensionBookmark(full_at=NOW, read_at=NOW)
    write_dimension_partition(bookmark, partition)

    assert partition == {"full_at": "2026-11-24T03:00:00+00:00"}
    assert read_dimension_partition(partition) == bookmark


@pytest.mark.parametrize(
    "written", ["2026-11-22T03:00:00Z", "2026-11-22T03:00:00", "2026-11-22T04:00:00+01:00"]
)
def test_partition__as_others_write_times(written: str) -> None:
    """Times with Z, without a zone and in another zone are read as UTC."""
    found = read_dimension_partition({"replication_key_value": written})

    assert found.updated_time == dt.datetime(2026, 11, 22, 3, tzinfo=dt.timezone.utc)


def test_partition__not_a_time() -> None:
    """What is no time is said, by its key."""
    with pytest.raises(ValueError, match="full_at is 'yesterday', which is not a time"):
        read_dimension_partition({"full_at": "yesterday"})


def test_partition__what_is_no_id_is_not_looked_up() -> None:
    """Ids become addresses: what is none is left out, whoever wrote it."""
    found = read_dimension_partition(
        {"to_look_up": ["1", "me/accounts", 2, ""], "looked_up_to": "x"}
    )

    assert (found.to_look_up, found.looked_up_to) == (("1",), None)
    assert read_dimension_partition({"to_look_up": "12"}) == DimensionBookmark()


def test_partition__empty() -> None:
    """A partition without anything is a bookmark without anything."""
    assert read_dimension_partition({"basis": 5}) == DimensionBookmark()


START = dt.datetime(2025, 11, 24, tzinfo=dt.timezone.utc)


def test_begin__is_the_start_where_nothing_is_known() -> None:
    """Of what happened nothing has been read: all since the start is due."""
    assert begin_due(DimensionBookmark(), NOW, START) == START


def test_begin__goes_back_a_day_from_what_was_read() -> None:
    """Meta may list a change a little late."""
    begin = begin_due(DimensionBookmark(updated_time=NOW - 2 * DAY), NOW, START)

    assert begin == NOW - 3 * DAY


@pytest.mark.parametrize("known", [NOW + 400 * DAY, None], ids=["bookmark", "start"])
def test_begin__never_lies_in_the_future(known: dt.datetime | None) -> None:
    """A time beyond now can only be wrong: no window is turned round."""
    bookmark = DimensionBookmark(updated_time=known)

    assert begin_due(bookmark, NOW, NOW + 5 * DAY) in (NOW, NOW - DAY)


def test_begin__is_bounded_whatever_the_state_says() -> None:
    """A bookmark of the year 1 costs months that Meta has, not two thousand years of windows."""
    first = dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc)
    begin = begin_due(DimensionBookmark(updated_time=first), NOW, START)

    assert NOW - begin < dt.timedelta(days=1150)


def test_window__moves_the_bookmark_to_its_end() -> None:
    """Also where nothing happened, and nothing was read in full."""
    due = Between(START, START + 31 * DAY)
    moved = after_reading(DimensionBookmark(), due, began=NOW, newest=None, basis=None)

    assert moved == DimensionBookmark(updated_time=due.end, read_at=NOW)


def test_window__read_again_takes_nothing_back() -> None:
    """A part of the last day, read a second time, leaves the bookmark where it was."""
    known = DimensionBookmark(updated_time=NOW - DAY)
    due = Between(NOW - 2 * DAY, NOW - 1.5 * DAY)
    moved = after_reading(known, due, began=NOW, newest=None, basis=None)

    assert moved.updated_time == known.updated_time


def test_window__mends_a_bookmark_in_the_future() -> None:
    """A time beyond now is not kept."""
    known = DimensionBookmark(updated_time=NOW + 400 * DAY)
    moved = after_reading(known, Between(NOW - DAY, NOW), began=NOW, newest=None, basis=None)

    assert moved.updated_time == NOW


def test_partition__of_what_happened_is_by_event_time() -> None:
    """The state says what its value is a time of."""
    partition: dict[str, Any] = {}
    write_dimension_partition(DimensionBookmark(updated_time=NOW), partition, "event_time")

    assert partition["replication_key"] == "event_time"
    assert read_dimension_partition(partition).updated_time == NOW
