"""Streams read account by account: what is asked for them together, and their bookmarks."""

from __future__ import annotations

from tap_meta_partner.planning.fingerprints import fingerprint
from tap_meta_partner.singer import plans_for
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
