"""Versions move: what a run notices of it, says, and does about it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.graph.calls import Answer
from tap_meta_partner.graph.error_codes import rule_for
from tap_meta_partner.graph.errors import Fault, RequestRefused
from tap_meta_partner.graph.usage import Usage
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.settings.model import Settings
from tap_meta_partner.sync.wire import Wire
from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox

WARNING = "The call has been auto-upgraded to v27.0 as v26.0 will be deprecated."


def wire(version: str = "v26.0", today: str = "2026-11-26") -> Wire:
    begun = dt.datetime.fromisoformat(f"{today}T03:00:00+00:00")
    return Wire(Settings(access_token="T", api_version=version), Clock(), begun)


def answer(version: str | None = None, warning: str | None = None) -> Answer:
    return Answer({}, Usage(), version=version, warning=warning)


def refusal(message: str, code: int = 2635) -> RequestRefused:
    return RequestRefused(Fault(message=message, code=code), rule_for(2635, None))


def test_answers__as_asked_are_not_worth_a_word(caplog: pytest.LogCaptureFixture) -> None:
    """Nor is one without the header."""
    each = wire()
    each.hear(answer("v26.0"))
    each.hear(answer())

    assert caplog.messages == []


@pytest.mark.parametrize(
    "moved", [answer("v27.0"), answer("v26.0", WARNING), answer("v27.0", WARNING)]
)
def test_answers__as_another_version_are_said_once(
    moved: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """By either header; what to do is said too."""
    each = wire()
    for _ in range(3):
        each.hear(moved)

    (said,) = caplog.messages
    assert "Meta answers calls to v26.0 as v2" in said
    assert "set api_version" in said
    assert ("auto-upgraded" in said) == (moved.warning is not None)


@pytest.mark.parametrize(
    ("version", "today", "word"),
    [
        ("v25.0", "2026-12-24", None),
        ("v25.0", "2026-12-25", "ends on 2027-02-23"),
        ("v25.0", "2027-02-24", "ended on 2027-02-23"),
        ("v26.0", "2026-12-25", None),
    ],
)
def test_end__is_said_sixty_days_before(
    version: str, today: str, word: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """v25.0 ends on 23 February 2027; the end of v26.0 is not announced."""
    wire(version, today).warn_of_end()

    assert [word in said for said in caplog.messages] == ([True] if word else [])


@pytest.mark.parametrize(
    ("version", "message", "higher"),
    [
        ("v26.0", "Please update to the latest version: v28.0.", "v28.0"),
        ("v26.0", "You are calling a deprecated version", "v27.0"),
        ("v26.0", "v19.0 has ended", "v27.0"),
        ("v27.0", "You are calling a deprecated version", None),
    ],
)
def test_refused_version__goes_up_to_the_named_one_or_the_next(
    version: str, message: str, higher: str | None
) -> None:
    """What Meta names comes before what is known here; never down, and never in a circle."""
    each = wire(version)
    found = each.go_up(refusal(message))

    assert (found and found.api_version) == higher
    assert each.settings.api_version == (higher or version)


def test_refused_version__is_told_by_its_code() -> None:
    """Another refusal that names versions changes nothing."""
    assert wire().go_up(refusal("Please update to v27.0", code=100)) is None


def test_run__goes_up_for_an_app_that_is_newer_than_the_version(
    tmp_path: Path, start_sandbox: Callable[..., Sandbox]
) -> None:
    """An app made after v27.0 came may not call v26.0: the run says so once and delivers."""
    sandbox = start_sandbox(versions=frozenset({"v27.0"}))
    output = run_tap(tmp_path, {"access_token": sandbox.token, "api_url": sandbox.url})
    said = [line for line in output.complaints if "v27.0" in line]

    assert output.code == 0
    assert output.counts["ad_insights"] > 0
    assert len(said) == 1
    assert "Meta takes no calls to v26.0" in said[0]
    refused = [call for call in sandbox.calls if call.error_code == 2635]
    assert len(refused) == 1


def test_run__says_once_that_it_was_moved(
    tmp_path: Path, start_sandbox: Callable[..., Sandbox]
) -> None:
    """Every answer has the header; the log has one line."""
    sandbox = start_sandbox(differs=frozenset({"version_asked"}))
    output = run_tap(tmp_path, {"access_token": sandbox.token, "api_url": sandbox.url})

    assert output.code == 0
    assert len([line for line in output.complaints if "answers calls to v26.0 as" in line]) == 1
