from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.onboarding.check.last_time import LastTime, gone_from_state
from tap_meta_partner.settings.model import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

STATE = {
    "bookmarks": {
        "ad_insights": {
            "partitions": [
                {"context": {"account_id": "1"}, "replication_key_value": "2026-11-20"},
                {"context": {"account_id": "2"}, "replication_key_value": "2026-11-21"},
            ]
        },
        "account_insights": {
            "partitions": [
                {"context": {"account_id": "1"}, "replication_key_value": "2026-11-22"},
                {"context": {"account_id": "3"}},
                {"context": "odd"},
            ]
        },
        "ad_accounts": {},
    }
}


def test_last_time__keeps_lists_apart(tmp_path: Path) -> None:
    """The list of another user, or of a sandbox, is another list in the same file."""
    file = tmp_path / "deep" / "accounts.json"
    LastTime(file, "real").keep({"1": "One", "2": "Two"}, "2026-11-20T00:00:00")
    LastTime(file, "sandbox").keep({"9": "Nine"}, "2026-11-21T00:00:00")

    (gone,) = LastTime(file, "real").gone({"1"})

    assert (gone.account_id, gone.name, gone.last_known) == ("2", "Two", "last check, 2026-11-20")
    assert LastTime(file, "sandbox").gone({"9"}) == []
    assert LastTime(file, "nobody").gone(set()) == []
    assert [path.name for path in file.parent.iterdir()] == ["accounts.json"]


@pytest.mark.parametrize("spoilt", ["", "{", "[]", '{"k": 1}', '{"k": {"accounts": []}}'])
def test_last_time__a_spoilt_file_remembers_nothing(tmp_path: Path, spoilt: str) -> None:
    """What cannot be read is begun anew."""
    file = tmp_path / "accounts.json"
    file.write_text(spoilt, encoding="utf-8")
    last = LastTime(file, "k")

    assert last.gone({"1"}) == []
    last.keep({"1": ""}, "now")
    assert LastTime(file, "k").gone(set())[0].account_id == "1"


@pytest.mark.parametrize("wrap", [None, "singer_state", "completed"])
def test_state__also_as_meltano_prints_it(tmp_path: Path, wrap: str | None) -> None:
    """Accounts with a bookmark in any stream, the latest day of each."""
    file = tmp_path / "state.json"
    content: dict[str, Any] = STATE if wrap is None else {wrap: STATE}
    if wrap == "completed":
        content = {"completed": {"singer_state": STATE}}
    file.write_text(json.dumps(content), encoding="utf-8")

    found = {each.account_id: each.last_known for each in gone_from_state(file, {"2"})}

    assert found == {"1": "its bookmark: 2026-11-22", "3": "a bookmark without a day"}


@pytest.mark.parametrize("content", ["{", "[]", "3"])
def test_state__that_is_none(tmp_path: Path, content: str) -> None:
    """Said in one line."""
    file = tmp_path / "state.json"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(SettingsError, match="--state"):
        gone_from_state(file, set())
