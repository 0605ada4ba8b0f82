"""`meta-partner probe` against a sandbox as documented, and against one for each way to differ."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.onboarding.probe.table import BELIEFS
from tap_meta_partner.sandbox import Fault, Sandbox
from tap_meta_partner.sandbox.graph.differing import DIFFERENCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

ACCOUNT, LATER = "210007000003034", "210007000001016"
REPORT = Path("probe.json")
#: Waits of a probe (for a report run) last a thousandth.
FAST = Clock(second=0.001, monotonic=lambda: time.monotonic() * 1000)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def probe(sandbox: Sandbox, account: str = ACCOUNT, token: str | None = None) -> Result:
    config = {
        "api_url": sandbox.url,
        "access_token": token or sandbox.token,
        "business_id": sandbox.world.business.id,
    }
    Path("config.json").write_text(json.dumps(config), encoding="utf-8")
    command = ["probe", account, "--config", "config.json", "--assigned-later", LATER]
    command += ["--minutes", "6000"]
    return CliRunner().invoke(cli.main, command, obj=FAST)


def report() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(REPORT.read_text(encoding="utf-8"))
    return found


def as_believed() -> dict[str, bool | None]:
    return {each["name"]: each["as_believed"] for each in report()["beliefs"]}


def test_probe__finds_the_sandbox_as_believed(sandbox: Sandbox) -> None:
    """Each belief was seen to hold, in a few dozen calls that change nothing."""
    result = probe(sandbox)

    assert result.exit_code == 0
    assert as_believed() == {belief.name: True for belief in BELIEFS}
    assert len(BELIEFS) <= len(sandbox.calls) <= 40
    assert {call.kind for call in sandbox.calls if call.method == "POST"} == {"run_create"}
    for belief in BELIEFS:
        assert belief.text in result.stdout


def test_differences__there_is_one_for_each_belief() -> None:
    """A belief that no sandbox can contradict is not tested."""
    assert {belief.name for belief in BELIEFS} == DIFFERENCES


@pytest.mark.parametrize("name", sorted(DIFFERENCES))
def test_probe__names_exactly_what_differs(
    name: str, start_sandbox: Callable[..., Sandbox]
) -> None:
    """One difference, one belief that does not hold, and its answers in the report."""
    result = probe(start_sandbox(differs=frozenset({name})))
    others = [each for each in report()["beliefs"] if each["as_believed"] is False]

    assert [each["name"] for each in others] == [name]
    assert others[0]["exchanges"]
    assert result.exit_code == 1
    assert "NO" in result.stdout


def test_report__holds_nothing_of_anybody(start_sandbox: Callable[..., Sandbox]) -> None:
    """No id, name, token or amount, though it has the answers to some of the questions."""
    sandbox = start_sandbox(
        differs=frozenset(
            {"ads_add_up", "ids_are_texts", "next_hides_the_token", "windows_are_keys"}
        )
    )
    probe(sandbox)
    text = REPORT.read_text(encoding="utf-8")
    world = sandbox.world
    texts = {sandbox.token, world.business.id, world.business.name}
    for account in world.accounts:
        texts |= {account.id, account.name}
        for campaign in account.campaigns:
            texts |= {campaign.id, campaign.name}

    assert len(report()["beliefs"]) == len(BELIEFS)
    assert {each for each in texts if each in text} == set()


def test_probe__says_when_meta_does_not_answer_a_question(sandbox: Sandbox) -> None:
    """A refusal is no contradiction; the other questions are asked all the same."""
    sandbox.fault(Fault(kind="campaigns", code=10, times=None))
    result = probe(sandbox)
    found = as_believed()

    assert result.exit_code == 0
    assert {name for name, held in found.items() if held is None} == {
        "archived_are_not_listed",
        "changes_can_be_asked",
        "statuses_are_kept",
    }
    assert "refused with code 10" in result.stdout


def test_probe__needs_an_account_of_the_token(sandbox: Sandbox) -> None:
    """Another one is said to be none of it; nothing is written."""
    result = probe(sandbox, account="1")

    assert result.exit_code == 2
    assert "1 is not among the" in result.stderr
    assert not REPORT.exists()


def test_probe__ends_with_a_dead_token(sandbox: Sandbox) -> None:
    """One line, and no token in it."""
    result = probe(sandbox, token="DEAD-TOKEN")

    assert result.exit_code == 2
    assert "DEAD-TOKEN" not in result.output
    assert "Traceback" not in result.output


def test_probe__without_delivery_cannot_tell_everything(sandbox: Sandbox) -> None:
    """An account without ads contradicts nothing."""
    idle = next(
        account
        for account in sandbox.world.readable()
        if not account.campaigns or account.id == "210007000005052"
    )
    result = probe(sandbox, account=idle.id)

    assert result.exit_code == 0
    assert False not in as_believed().values()
    assert None in as_believed().values()


def test_probe__goes_on_after_an_answer_of_another_shape(sandbox: Sandbox) -> None:
    """What a question cannot make sense of is not as believed; nothing is lost with it."""
    nonsense = json.dumps({"data": [{"date_start": "tomorrow", "spend": [], "actions": "none"}]})
    sandbox.fault(Fault(kind="insights", body=nonsense, status=200, times=None))
    result = probe(sandbox)

    assert result.exit_code == 1
    assert len(report()["beliefs"]) == len(BELIEFS)
    assert as_believed()["changes_can_be_asked"] is True
