"""Runs that end early: by a signal, by the clock, by a target that went away."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tests.support.noon import noon, run_at_noon
from tests.support.tap_process import spend_by_account_and_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The demo world, in which it is noon."""
    return start_sandbox(World.demo(seed=7, now=noon))


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("lines", [5, 400])
def test_signal__leaves_state_and_its_own_exit_code(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path, lines: int, signal_number: int
) -> None:
    """The run ends at once with STATE, exit code 128 + signal, and the next run completes it."""
    sandbox.fault(Fault(kind="insights", times=None, after=12, effect="delay", seconds=1.0))
    first = run_at_noon(
        tmp_path, config, kill_after_lines=lines, signal_number=signal_number, timeout=30
    )
    sandbox.clear_faults()
    second = run_at_noon(tmp_path, config, state=first.state)

    assert first.code == 128 + signal_number
    assert "Traceback" not in first.log
    assert second.code == 0
    merged = {**first.tables["ad_insights"], **second.tables["ad_insights"]}
    fresh = run_at_noon(tmp_path, config)
    assert spend_by_account_and_day(merged.values()) == fresh.spend("ad_insights")


def test_hard_kill__costs_only_repetition(config: dict[str, Any], tmp_path: Path) -> None:
    """After SIGKILL the rows written and those of the next run are together the truth."""
    first = run_at_noon(tmp_path, config, kill_after_lines=700, signal_number=signal.SIGKILL)
    second = run_at_noon(tmp_path, config, state=first.state)
    fresh = run_at_noon(tmp_path, config)

    assert first.code == -signal.SIGKILL
    merged = {**first.tables["ad_insights"], **second.tables["ad_insights"]}
    assert spend_by_account_and_day(merged.values()) == fresh.spend("ad_insights")


def test_longest_run__ends_well_and_goes_on_the_next_time(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """After max_run_minutes no window is begun; exit 0, the unfinished named, nothing lost."""
    sandbox.fault(Fault(kind="insights", times=None, effect="delay", seconds=0.3))
    hurried = {**config, "max_run_minutes": 0.01, "max_concurrency": 1}

    first = run_at_noon(tmp_path, hurried)
    sandbox.clear_faults()
    second = run_at_noon(tmp_path, config, state=first.state)
    fresh = run_at_noon(tmp_path, config)

    assert first.code == 0
    assert "unfinished" in first.log
    merged = {**first.tables["ad_insights"], **second.tables["ad_insights"]}
    assert spend_by_account_and_day(merged.values()) == fresh.spend("ad_insights")
