"""No byte that a run writes holds the token, the app secret or the proof made of them."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox

TOKEN = "EAAB-very-secret-token-0123456789"
APP_SECRET = "very-secret-app-secret"
PROOF = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
VERBOSE = {"LOGLEVEL": "DEBUG", "TAP_META_PARTNER_LOGLEVEL": "DEBUG"}


def assert_no_secret(*texts: str) -> None:
    for text in texts:
        for secret in (TOKEN, APP_SECRET, PROOF):
            assert secret not in text


@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault(kind="insights", times=1, effect="html_500"),
        Fault(kind="insights", times=1, effect="reset"),
        Fault(kind="insights", times=1, effect="reset_mid_body"),
        Fault(kind="insights", times=1, effect="redirect"),
        Fault(kind="insights", times=1, effect="truncated_json"),
        Fault(kind="insights", times=None, code=200, message="(#200) no permission"),
        Fault(kind="insights", times=None, code=100, message=f"bad token {TOKEN} {PROOF}"),
        Fault(kind="ad_accounts", times=None, code=190, subcode=463, message=f"{TOKEN} expired"),
    ],
    ids=str,
)
def test_verbose_run__tells_no_secret(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path, fault: Fault | None
) -> None:
    """At DEBUG, in good weather and bad, neither stdout nor stderr nor state holds a secret."""
    sandbox = start_sandbox(
        World.demo(seed=7), token=TOKEN, app_secret=APP_SECRET, faults=[fault] if fault else []
    )
    config = {
        "access_token": TOKEN,
        "app_secret": APP_SECRET,
        "api_url": sandbox.url,
        "account_ids": [sandbox.world.readable()[0].id],
    }

    output = run_tap(tmp_path, config, environment=VERBOSE)

    assert "DEBUG" in output.log
    assert_no_secret(output.log, output.raw)
    assert "Traceback" not in output.log


def test_calls__carry_the_proof_and_no_token_in_the_address(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """With an app secret every call is proven, or the sandbox would have refused it."""
    sandbox = start_sandbox(World.demo(seed=7), token=TOKEN, app_secret=APP_SECRET)
    config = {"access_token": TOKEN, "app_secret": APP_SECRET, "api_url": sandbox.url}

    output = run_tap(tmp_path, config)

    assert output.code == 0
    assert sandbox.calls
    assert {call.error_code for call in sandbox.calls} == {None}


def test_secret_of_the_wrong_type__is_not_echoed(config: dict[str, Any], tmp_path: Path) -> None:
    """A token given as a number is refused without being shown."""
    output = run_tap(tmp_path, {**config, "access_token": 987654321987})

    assert output.code == 1
    assert "987654321987" not in output.log
