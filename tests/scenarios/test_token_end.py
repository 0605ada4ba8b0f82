"""A token that ends soon is said at each start, where the app's id and secret allow to know it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.sandbox import Fault, Sandbox, TokenInfo, World
from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKEN, SECRET = "TOKEN-that-ends", "SECRET-of-the-app"
_DAY = 86_400


@pytest.mark.parametrize(
    ("days", "said"), [(5, True), (40, False), (None, False)], ids=["soon", "later", "never"]
)
def test_token__that_ends_within_a_fortnight_is_said(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path, days: int | None, *, said: bool
) -> None:
    """Five days before its end a run says so, with the day; with forty, or no end, it does not."""
    end = int(time.time()) + days * _DAY + 3600 if days else 0
    sandbox = start_sandbox(
        World.demo(seed=7), tokens={TOKEN: TokenInfo(expires_at=end)}, app_secret=SECRET
    )
    config = {
        "access_token": TOKEN,
        "app_id": sandbox.app_id,
        "app_secret": SECRET,
        "api_url": sandbox.url,
    }

    output = run_tap(tmp_path, config, environment={"LOGLEVEL": "DEBUG"})
    warnings = [line for line in output.complaints if "access_token ends on" in line]

    assert output.code == 0
    assert len(warnings) == (1 if said else 0)
    assert all(f"in {days} days" in line for line in warnings)
    assert TOKEN not in output.log
    assert SECRET not in output.log


def test_token__whose_end_is_not_known_is_no_trouble(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """With a wrong app id the end is not known; the run goes on."""
    sandbox = start_sandbox(World.demo(seed=7), tokens={TOKEN: TokenInfo()}, app_secret=SECRET)
    config = {"access_token": TOKEN, "app_id": "1", "app_secret": SECRET, "api_url": sandbox.url}

    output = run_tap(tmp_path, config)

    assert output.code == 0
    assert output.complaints == []


def test_token__is_looked_at_whatever_the_runs_time(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """A rate limit met by that look, beyond max_run_minutes, leaves all accounts unfinished."""
    sandbox = start_sandbox(
        World.demo(seed=7),
        tokens={TOKEN: TokenInfo()},
        app_secret=SECRET,
        faults=[Fault(kind="debug_token", times=1, code=4)],
    )
    config = {
        "access_token": TOKEN,
        "app_id": sandbox.app_id,
        "app_secret": SECRET,
        "api_url": sandbox.url,
        "max_run_minutes": 0.5,
    }

    output = run_tap(tmp_path, config, minute=0.5)

    # Nothing reached anybody.
    assert output.code == 1
    assert "unexpected" not in output.log
    assert "7 unfinished" in output.log
