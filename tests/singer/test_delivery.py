"""A run on its way out: signals, what went wrong, and that nothing was wanted."""

from __future__ import annotations

import json
import signal

import pytest
from singer_sdk.singerlib import Catalog

from tap_meta_partner.graph.error_codes import no_answer
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.singer.writing import TargetGone
from tap_meta_partner.sync.run import Interrupted
from tests.support.taps import tap_with


def test_signal__before_the_run_begins_breaks_nothing_off() -> None:
    """A signal while the first messages are written only raises a flag: the run stops at once."""
    tap = tap_with()

    tap._handle_termination(signal.SIGTERM, None)

    assert tap.delivery.run.stopping
    with pytest.raises(SystemExit) as caught:
        tap.delivery.stream_over(list(tap.streams.values())[-1])
    assert caught.value.code == 128 + signal.SIGTERM


def test_signal__twice_before_the_run_begins_ends_at_once() -> None:
    """Who asks again, while a catalog is written that nobody reads, need not wait."""
    tap = tap_with()
    tap._handle_termination(signal.SIGTERM, None)

    with pytest.raises(SystemExit) as caught:
        tap._handle_termination(signal.SIGTERM, None)

    assert caught.value.code == 128 + signal.SIGTERM


STATE = {"bookmarks": {"ads": {"partitions": [{"context": {"account_id": "1"}}]}}}


@pytest.mark.parametrize(
    ("error", "said", "has_state"),
    [
        (no_answer("reset"), "reset", True),
        (SettingsError("the state cannot be read"), "the state cannot be read", False),
        (TypeError("a null"), "stopped by an unexpected TypeError: a null", True),
    ],
    ids=["meta", "settings", "unexpected"],
)
def test_what_went_wrong__is_one_line_and_exit_code_1(
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    said: str,
    has_state: bool,  # noqa: FBT001  (a case)
) -> None:
    """What was delivered before counts: STATE goes out, unless it is itself what is wrong."""
    delivery = tap_with(state=STATE).delivery

    with pytest.raises(SystemExit) as caught, delivery.saying_what_went_wrong():
        raise error

    assert caught.value.code == 1
    (line,) = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert said in line
    written = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert written == ([{"type": "STATE", "value": STATE}] if has_state else [])


def test_signal__of_a_run_ends_it_with_state_and_its_own_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The run is asked to stop, and once it has, STATE goes out and the code names the signal."""
    delivery = tap_with(state=STATE).delivery
    run = delivery.run
    delivery.stop(signal.SIGINT)

    assert run.stopping
    with pytest.raises(SystemExit) as caught, delivery.saying_what_went_wrong():
        raise Interrupted

    assert caught.value.code == 128 + signal.SIGINT
    assert json.loads(capsys.readouterr().out) == {"type": "STATE", "value": STATE}


def test_target_gone__is_its_own_exit_code_unless_a_signal_ended_both() -> None:
    """Ctrl-C ends tap and target alike: then it is the signal that counts, not the broken pipe."""
    delivery = tap_with().delivery

    with pytest.raises(TargetGone) as gone, delivery.saying_what_went_wrong():
        raise TargetGone(1)
    delivery.stop(signal.SIGINT)
    with pytest.raises(SystemExit) as stopped, delivery.saying_what_went_wrong():
        raise TargetGone(1)

    assert gone.value.code == 1
    assert stopped.value.code == 128 + signal.SIGINT


@pytest.mark.parametrize("wanted", [True, False])
def test_run__asks_all_about_the_accounts_only_where_they_are_wanted(
    wanted: bool,  # noqa: FBT001  (a case)
) -> None:
    """Without `ad_accounts` a run asks Meta no more of an account than reading it needs."""
    tap = tap_with()
    tap.streams["ad_accounts"].selected = wanted

    assert tap.delivery.run.further is wanted


def test_nothing_selected__fails_the_run(caplog: pytest.LogCaptureFixture) -> None:
    """A `select` that matches nothing would go unnoticed night after night."""
    tap = tap_with(catalog=Catalog.from_dict({"streams": []}))

    with pytest.raises(SystemExit) as ended:
        tap.sync_all()

    assert ended.value.code == 1
    assert "nothing was read: select an insights stream" in caplog.text


def test_report__that_is_not_selected_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Defined is not selected: the line to add is in the warning."""
    tap = tap_with(
        catalog=Catalog.from_dict({"streams": []}),
        reports=[{"name": "by_age", "breakdowns": ["age"]}],
    )

    with pytest.raises(SystemExit):
        tap.sync_all()

    assert "the report by_age is defined, but not selected" in caplog.text
    assert "add by_age.* to select" in caplog.text
