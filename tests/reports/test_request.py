"""How one window of a report is put into a call."""

from __future__ import annotations

from dataclasses import replace

from tests.support.one_report import request_for


def test_request__names_every_option() -> None:
    """A request says level, fields, inclusive days and a row a day, and nothing unasked for."""
    call = request_for().call()

    assert (call.method, call.path, call.account_id) == ("GET", "act_1/insights", "1")
    assert call.params == {
        "level": "ad",
        "fields": "ad_id,spend",
        "time_range": {"since": "2026-11-01", "until": "2026-11-03"},
        "time_increment": "1",
    }


def test_request__breakdowns_are_parameters_of_their_own() -> None:
    """Breakdowns and attribution windows have their own parameters and are never fields."""
    call = request_for(
        breakdowns=("age", "gender"),
        action_breakdowns=("action_type", "action_device"),
        action_attribution_windows=("1d_click", "28d_click"),
    ).call()

    assert call.params["fields"] == "ad_id,spend"
    assert call.params["breakdowns"] == "age,gender"
    assert call.params["action_breakdowns"] == "action_type,action_device"
    assert call.params["action_attribution_windows"] == ["1d_click", "28d_click"]


def test_request__empty_action_breakdowns_are_asked_for() -> None:
    """Meta adds the action type where nothing is asked: an empty list says that it shall not."""
    assert request_for(action_breakdowns=()).call().params["action_breakdowns"] == "[]"
    assert "action_breakdowns" not in request_for(action_breakdowns=("action_type",)).call().params


def test_request__filtering_goes_out_as_it_was_set() -> None:
    """The user's own filter reaches Meta unchanged."""
    rule = {"field": "ad.impressions", "operator": "GREATER_THAN", "value": 0}

    assert request_for(filtering=(rule,)).call().params["filtering"] == [rule]


def test_request__a_run_is_the_same_request_posted_to_the_node() -> None:
    """A campaign's own edge is asked with the very parameters of the account's."""
    request = replace(request_for(), node="c7")

    call = request.call("POST")

    assert (call.method, call.path, call.account_id) == ("POST", "c7/insights", "1")
    assert call.params == request_for().call().params
    assert str(request) == "ad_insights, account 1, 2026-11-01..2026-11-03"
