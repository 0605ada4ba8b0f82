"""Streams read account by account: what is asked for them together, and their bookmarks."""

from __future__ import annotations

import itertools

import pytest

from tap_meta_partner.planning.fingerprints import fingerprint
from tap_meta_partner.singer import plans_for
from tap_meta_partner.singer.by_account import seconds_between_states
from tests.support.taps import insights, tap_with


def test_action_rows__are_part_of_the_plan_only_where_they_are_selected() -> None:
    """What state remembers of a report says whether its action rows were delivered, too."""
    tap = tap_with(reports=[{"name": "r", "fields": ["actions"], "action_rows": True}])
    report, rows = tap.streams["r"], tap.streams["r_actions"]

    (both,) = plans_for([report, rows])
    (alone,) = plans_for([report])
    (without,) = plans_for([rows])

    assert both.definition.action_rows
    assert without.definition.action_rows
    assert not alone.definition.action_rows
    assert fingerprint(alone.definition) != fingerprint(both.definition)


def test_bookmarks__are_read_from_the_sdks_own_shape() -> None:
    """State written by the SDK's rules (no keys of ours) is a bookmark too."""
    partition = {
        "context": {"account_id": "1"},
        "replication_key": "date_start",
        "replication_key_value": "2026-01-05",
    }
    tap = tap_with(state={"bookmarks": {"ad_insights": {"partitions": [partition]}}})

    assert str(insights(tap).bookmarks()["1"].day) == "2026-01-05"


def states(partitions: int, seconds: float) -> list[float]:
    """Return when STATE goes out, where a bookmark moves all the time."""
    sent = [0.0]
    while sent[-1] < seconds:
        sent.append(sent[-1] + seconds_between_states(partitions, sent[-1]))
    return sent[1:]


def test_state__goes_out_soon_at_first_then_every_half_minute() -> None:
    """A run that is killed in its first seconds keeps what it has done."""
    assert states(100, 120.0) == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 62.0, 92.0, 122.0]


@pytest.mark.parametrize("partitions", [1, 1000, 4000, 10_000, 40_000, 300_000])
def test_state__is_never_more_than_a_minute_behind(partitions: int) -> None:
    """Whatever its size, up to 300,000 partitions, a kill costs a minute at most."""
    sent = states(partitions, 4 * 3600.0)

    assert max(later - sooner for sooner, later in itertools.pairwise(sent)) <= 60.0


@pytest.mark.parametrize("partitions", [1000, 40_000, 300_000, 3_000_000])
def test_state__is_a_megabyte_a_second_at_most(partitions: int) -> None:
    """In all, at 200 bytes a partition, STATE stays below a megabyte for each second of the run."""
    sent = states(partitions, 4 * 3600.0)

    assert len(sent) * partitions * 200 <= (sent[-1] + 32.0) * 1e6 * 1.05
