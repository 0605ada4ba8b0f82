"""What a user gets wrong is answered in one line, with exit code 1 and no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("change", "happened", "to_do"),
    [
        ({"access_token": "WRONG"}, "does not accept the access token", "Make a new token"),
        ({"access_token": ""}, "access_token is missing", "set it to your System User token"),
        ({"report_mode": "fast"}, 'report_mode is "fast"', "one of auto, sync, async"),
        ({"start_date": "2999-01-01"}, "start_date 2999-01-01 lies in the future", "set it to"),
        ({"access_token": 5}, "access_token must be a string", "not shown"),
        ({"reports": [{"name": "x", "columns": []}]}, 'unknown key "columns"', "allowed are"),
        (
            {"reports": [{"name": "x", "time_increment": "all_days"}]},
            "reports[0].time_increment is all_days",
            "set the report's date_preset too",
        ),
        ({"access_tokens": [{"label": "a"}]}, "access_tokens[0] has no access_token", ""),
        (
            {"action_attribution_windows": ["28d_view"]},
            "Meta returns nothing for it",
            "use 1d_view",
        ),
        ({"api_url": "http://example.com"}, "plain http to example.com", "use https"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_mistake__is_one_line_with_what_to_do(
    config: dict[str, Any], tmp_path: Path, change: dict[str, Any], happened: str, to_do: str
) -> None:
    """One complaint that says what is wrong and what to do; exit code 1; no traceback."""
    output = run_tap(tmp_path, {**config, **change})

    assert output.code == 1
    assert len(output.complaints) == 1
    assert happened in output.complaints[0]
    assert to_do in output.complaints[0]
    assert "Traceback" not in output.log
    assert output.counts == {}


def test_unreachable_api__is_one_line_after_a_few_tries(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """Nobody listens at port 9: the tap tries several times, then says so once."""
    output = run_tap(tmp_path, {**config, "api_url": "http://127.0.0.1:9"})

    assert output.code == 1
    assert len(output.complaints) == 1
    assert "no answer from the Graph API" in output.complaints[0]
    assert "Check api_url" in output.complaints[0]
    assert "Traceback" not in output.log


def test_misspelt_setting__is_named_with_what_was_meant(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """A setting that does not exist would silently read all accounts: it is named."""
    output = run_tap(tmp_path, {**config, "acount_ids": ["1"]})

    assert output.code == 0
    assert any("did you mean account_ids?" in line for line in output.complaints)
