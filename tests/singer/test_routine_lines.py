"""What a good night says, and what it keeps to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from pathlib import Path

LEVEL = "TAP_META_PARTNER_LOGLEVEL"


def test_good_night__is_three_lines(config: dict[str, Any], tmp_path: Path) -> None:
    """Which version, what is read, and how it went; nothing of each stream, and no metrics."""
    first = run_tap(tmp_path, config)
    lines = run_tap(tmp_path, config, state=first.state).log.splitlines()

    assert ["Meltano SDK" in lines[0], "reading " in lines[1], "ad accounts: " in lines[-1]] == (
        [True] * 3
    )
    assert len(lines) <= 4


def test_good_night__says_how_it_went_to_who_sees_warnings_only(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """The summary is the one line of a quiet run."""
    (line,) = run_tap(tmp_path, config, environment={LEVEL: "WARNING"}).log.splitlines()

    assert "ad accounts: 7 delivered, 0 skipped, 0 failed" in line


def test_debug__shows_what_the_sdk_says(config: dict[str, Any], tmp_path: Path) -> None:
    """At DEBUG nothing is left out."""
    log = run_tap(tmp_path, config, environment={LEVEL: "DEBUG"}).log

    assert "Beginning sync of 'account_insights'" in log
    assert "metric_name=sync_duration" in log or "METRIC" in log
