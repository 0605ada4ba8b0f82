"""The last resort for a single day: campaign by campaign."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.graph.errors import TooMuchData
from tap_meta_partner.reports.by_campaign import read_by_campaign
from tap_meta_partner.reports.request import Reporting
from tests.support.fakes import CURSOR_LOST, TOO_MUCH, Drive, Graph, ad_row, fault
from tests.support.one_report import Sink, request_for

if TYPE_CHECKING:
    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


ONE_DAY = DateWindow(dt.date(2026, 11, 1), dt.date(2026, 11, 1))


CAMPAIGNS = {
    "1": [
        ad_row("2026-11-01", "a1", "1.50", "c1"),
        ad_row("2026-11-01", "a2", "2.25", "c1"),
        ad_row("2026-11-01", "a3", "4.00", "c2"),
        ad_row("2026-11-02", "a3", "8.00", "c2"),
    ]
}


def by_campaign(
    graph: Graph,
    sink: Sink,
    mode: str = "auto",
    **definition: Any,  # noqa: ANN401  (of a report's definition)
) -> Drive:
    drive = Drive(graph)
    reporting = Reporting(mode=mode, jitter=lambda: 0.0, monotonic=drive.clock)
    drive(read_by_campaign(request_for(ONE_DAY, **definition), sink, reporting))
    return drive


def test_by_campaign__each_is_read_at_its_own_edge(caplog: pytest.LogCaptureFixture) -> None:
    """The campaigns of the day are listed by their own rows, then each edge gives its ads."""
    sink = Sink()

    drive = by_campaign(Graph(CAMPAIGNS), sink)

    assert [(call.path, call.params["level"]) for call in drive.calls] == [
        ("act_1/insights", "campaign"),
        ("c1/insights", "ad"),
        ("c2/insights", "ad"),
    ]
    assert drive.calls[0].params["fields"] == (
        "campaign_id,impressions,spend,actions,action_values,conversions"
    )
    assert not any("filtering" in call.params for call in drive.calls)
    assert [(row["ad_id"], row["spend"]) for row in sink.rows] == [
        ("a1", "1.50"),
        ("a2", "2.25"),
        ("a3", "4.00"),
    ]
    assert "spent" not in caplog.text


def test_by_campaign__the_overview_has_no_breakdowns() -> None:
    """The list of campaigns is asked plainly, their parts as the report is defined."""
    drive = by_campaign(
        Graph(CAMPAIGNS), Sink(), breakdowns=("age",), action_breakdowns=("action_type",)
    )

    assert ["breakdowns" in call.params for call in drive.calls] == [False, True, True]
    assert "action_breakdowns" not in drive.calls[0].params


def test_by_campaign__spend_that_differs_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """A campaign whose ads add up to less than itself is named with both amounts."""

    def hook(call: Call) -> Reply | None:
        if call.params["level"] == "campaign":
            return {"data": [{"campaign_id": "c1", "spend": "5.00"}]}
        return None

    by_campaign(Graph(CAMPAIGNS, hook=hook), Sink())

    assert "campaign c1 spent 5.00, but its rows add up to 3.75" in caplog.text


def test_by_campaign__without_spend_nothing_is_compared(caplog: pytest.LogCaptureFixture) -> None:
    """Where spend is not among the fields there is nothing to compare."""

    def hook(call: Call) -> Reply | None:
        if call.params["level"] == "campaign":
            return {"data": [{"campaign_id": "c1", "spend": "5.00"}]}
        return {"data": [{"ad_id": "a1"}]}

    by_campaign(Graph(CAMPAIGNS, hook=hook), Sink(), fields=("ad_id",))

    assert "add up" not in caplog.text


def test_by_campaign__a_restart_forgets_only_that_campaign(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A cursor lost in one campaign reads that one again; its spend is not counted twice."""
    lost = iter([True])

    def hook(call: Call) -> Reply | None:
        if call.path == "c1/insights" and "after" in call.params and next(lost, False):
            return fault(*CURSOR_LOST)
        return None

    sink = Sink()
    by_campaign(Graph(CAMPAIGNS, hook=hook, most_rows_per_page=1), sink)

    assert sink.begun == ["", "c1", "c1", "c2"]
    assert [row["ad_id"] for row in sink.rows] == ["a1", "a2", "a3"]
    assert "add up" not in caplog.text


def test_by_campaign__one_that_is_too_much_is_asked_as_a_run() -> None:
    """A single heavy campaign becomes a run at its own edge."""

    def hook(call: Call) -> Reply | None:
        heavy = call.path == "c1/insights" and call.method == "GET"
        return fault(*TOO_MUCH) if heavy else None

    sink = Sink()
    drive = by_campaign(Graph(CAMPAIGNS, hook=hook), sink)

    assert ("POST", "c1/insights") in [(call.method, call.path) for call in drive.calls]
    assert [row["ad_id"] for row in sink.rows] == ["a1", "a2", "a3"]
    assert drive.runs_held == 0


def test_by_campaign__sync_makes_no_run() -> None:
    """`report_mode: sync` holds here too: the day fails instead."""

    def hook(call: Call) -> Reply | None:
        return fault(*TOO_MUCH) if call.path == "c1/insights" else None

    graph = Graph(CAMPAIGNS, hook=hook)
    with pytest.raises(TooMuchData):
        by_campaign(graph, Sink(), mode="sync")

    assert not any(call.method == "POST" for call in graph.calls)


def test_by_campaign__async_asks_only_by_runs() -> None:
    """`report_mode: async` holds here too."""
    drive = by_campaign(Graph(CAMPAIGNS), Sink(), mode="async")

    created = [call.path for call in drive.calls if call.method == "POST"]
    assert created == ["act_1/insights", "c1/insights", "c2/insights"]
    assert not any(call.method == "GET" and call.path in created for call in drive.calls)
