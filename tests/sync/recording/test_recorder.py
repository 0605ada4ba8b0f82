"""What the file of a recording holds, and what becomes of it when it cannot be written."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.settings.model import Settings, SettingsError
from tap_meta_partner.sync.recording import recorder as module
from tap_meta_partner.sync.recording.recorder import Recorder
from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox

BEGUN = dt.datetime(2026, 11, 25, 3, tzinfo=dt.timezone.utc)
CALL = Call(path="act_1/insights", params={"level": "ad", "time_range": {"since": "2026-11-01"}})


def recorder(path: Path, **more: Any) -> Recorder:  # noqa: ANN401  (settings)
    return Recorder(Settings(access_token="T", record_to=str(path), **more), begun=BEGUN)


def lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def test_title__tells_when_and_with_which_settings(tmp_path: Path) -> None:
    """Ids of the settings are called as in the recording: a replay is configured with them."""
    path = tmp_path / "night.jsonl"
    record = recorder(path, account_ids=("123",), business_id="9")
    record(CALL, 200, {}, b'{"data": [{"account_id": "123"}]}')
    title, exchange = lines(path)

    assert (title["recording"], title["begun"]) == (1, "2026-11-25T03:00:00+00:00")
    assert title["account_ids"] == [exchange["body"]["data"][0]["account_id"]]
    assert title["business_id"] not in (None, "9")


def test_exchange__keeps_every_digit_of_a_number(tmp_path: Path) -> None:
    """A JSON number is written as it came."""
    path = tmp_path / "night.jsonl"
    recorder(path)(CALL, 200, {}, b'{"timezone_offset_hours_utc": 5.750000000000000001}')

    assert lines(path)[1]["body"] == {"timezone_offset_hours_utc": Decimal("5.750000000000000001")}


def test_exchange__that_is_no_json_is_kept_without_its_text(tmp_path: Path) -> None:
    """A page of HTML can hold anything: that it came is kept, not what it said."""
    path = tmp_path / "night.jsonl"
    recorder(path)(CALL, 502, {"Content-Type": "text/html"}, b"<html>Acme</html>")

    assert lines(path)[1]["status"] == 502
    assert lines(path)[1]["body"] is None
    assert "Acme" not in path.read_text(encoding="utf-8")


def test_scaled__amounts_are_others_by_one_factor(tmp_path: Path) -> None:
    """Two amounts keep their ratio, and are not what they were."""
    path = tmp_path / "night.jsonl"
    record = recorder(path, record_scaled=True)
    record(CALL, 200, {}, b'{"data": [{"spend": "1000.00"}, {"spend": "2000.00"}]}')
    one, two = (Decimal(row["spend"]) for row in lines(path)[1]["body"]["data"])

    assert two == 2 * one
    assert lines(path)[0]["scaled"] is True


def test_file__that_cannot_be_written_is_a_wrong_setting(tmp_path: Path) -> None:
    """Before anything is asked."""
    with pytest.raises(SettingsError, match=r"record_to: .* cannot be written"):
        recorder(tmp_path / "nowhere" / "night.jsonl")


def test_tap__says_so_in_a_line(tmp_path: Path, sandbox: Sandbox) -> None:
    """No traceback, no call."""
    config = {"access_token": sandbox.token, "api_url": sandbox.url, "record_to": "/nowhere/x"}
    output = run_tap(tmp_path, config)

    assert output.code == 1
    assert "record_to: /nowhere/x cannot be written" in output.log
    assert "Traceback" not in output.log
    assert sandbox.calls == []


def test_disk__that_is_full_ends_the_recording_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Said once."""
    record = recorder(tmp_path / "night.jsonl")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "open", full)
    record(CALL, 200, {}, b"{}")
    record(CALL, 200, {}, b"{}")

    assert [entry.getMessage() for entry in caplog.records] == [
        (
            f"the recording ends here: {tmp_path / 'night.jsonl'} cannot be written "
            "(No space left on device)"
        )
    ]
