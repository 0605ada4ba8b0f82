"""Activities: an id that stays, and what their text holds."""

from __future__ import annotations

from typing import Any

import pytest

from tap_meta_partner.dimensions.activities import IDENTIFYING, identified

CHANGE = {
    "event_time": "2026-10-03T23:30:00+0000",
    "event_type": "update_ad_set_budget",
    "object_id": "120201",
    "actor_id": "7",
    "extra_data": '{"old_value": 1000, "new_value": 1200}',
}


def changed(extra: object) -> Any:  # noqa: ANN401  (texts by name)
    return identified({**CHANGE, "extra_data": extra})["changed"]


def test_id__is_of_what_happened_alone() -> None:
    """Names that change with the reader's language, or columns left out, make no other id."""
    first = identified({**CHANGE, "translated_event_type": "Budget updated", "actor_name": "Ada"})
    again = identified({**CHANGE, "translated_event_type": "Budget geändert"})

    assert first["id"] == again["id"]
    assert len(first["id"]) == 24


@pytest.mark.parametrize("name", IDENTIFYING)
def test_id__is_another_where_anything_differs(name: str) -> None:
    """Two changes of one second differ in what, whom, by whom or how: each is a row."""
    without = {key: value for key, value in CHANGE.items() if key != name}

    ids = {identified(each)["id"] for each in (CHANGE, {**CHANGE, name: "other"}, without)}
    assert len(ids) == 3


def test_id__does_not_mix_neighbouring_values() -> None:
    """What stands in one field is never taken for what stands in the next."""
    one = identified({**CHANGE, "object_id": "12", "actor_id": "3"})
    other = identified({**CHANGE, "object_id": "1", "actor_id": "23"})

    assert one["id"] != other["id"]


def test_id__is_of_the_moment() -> None:
    """An account that moves to another zone has no second row of what happened before."""
    there = identified({**CHANGE, "event_time": "2026-10-03T16:30:00-0700"})

    assert there["id"] == identified(CHANGE)["id"]


def test_id__is_one_where_the_time_cannot_be_read() -> None:
    """What Meta gives for a time tells activities apart, whatever it is."""
    ids = {identified({**CHANGE, "event_time": each})["id"] for each in ("soon", "later", 5, None)}

    assert len(ids) == 4


def test_id__of_nothing_is_none() -> None:
    """What has nothing that tells it from others is no activity."""
    assert identified({"actor_name": "Ada"})["id"] == ""


@pytest.mark.parametrize(
    ("extra", "old", "new"),
    [
        ('{"old_value": 1000, "new_value": 1200}', "1000", "1200"),
        ('{"old_value": "Active", "new_value": "Paused"}', "Active", "Paused"),
        ('{"old_value": {"amount": 10}, "new_value": [1]}', '{"amount":10}', "[1]"),
        ('{"old_value": "", "new_value": "ü"}', "", "ü"),
        ('{"new_value": true}', None, "true"),
        ({"old_value": 1, "new_value": 2}, "1", "2"),
        ('{"old_value": 0.10, "new_value": {"bid": 12.50}}', "0.10", '{"bid":12.50}'),
        ('{"old_value": 1, "new_value": 1e99999999999999999999}', "1", "1e99999999999999999999"),
        ('{"old_value": 1, "new_value": [123456789012345678901]}', "1", "[123456789012345678901]"),
    ],
)
def test_changed__is_what_it_was_and_has_become(extra: object, old: str, new: str) -> None:
    """Meta tells values as numbers, texts or objects; each is a text here."""
    assert changed(extra) == {"old_value": old, "new_value": new}


@pytest.mark.parametrize(
    "extra",
    [
        None,
        "",
        "no JSON",
        "[1, 2]",
        "17",
        '{"old_value": ',
        '{"old_value": NaN}',
        '{"old_value": ' + "9" * 10_000 + "}",
        "[" * 100_000,
        '{"old_value": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=[
        "none",
        "empty",
        "words",
        "list",
        "number",
        "cut",
        "NaN",
        "digits",
        "floors",
        "floors inside",
    ],
)
def test_changed__is_empty_where_the_text_tells_none(extra: str | None) -> None:
    """Whatever stands there, the activity comes, with its text as it is."""
    found = identified({**CHANGE, "extra_data": extra})

    assert found["changed"] == {"old_value": None, "new_value": None}
    assert found["extra_data"] == extra


def test_changed__holds_nothing_that_a_database_refuses() -> None:
    """A text within a text may hold NUL and half characters."""
    found = changed('{"old_value": "a\\u0000b\\ud83d", "new_value": {"\\u0000": "\\u0000"}}')

    assert found == {"old_value": "ab\ufffd", "new_value": '{"":""}'}
