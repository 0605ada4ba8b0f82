"""The last resort for a single day: object by object, the smallest in parts."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.graph.errors import AccountUnreadable, KeptFailing, RequestRefused
from tap_meta_partner.graph.refused_fields import RefusedFields
from tap_meta_partner.reports.by_object import Pieces, read_by_object
from tap_meta_partner.reports.request import Reporting
from tests.support.fakes import CURSOR_LOST, TOO_MUCH, Drive, Graph, ad_row, fault
from tests.support.one_report import Sink, request_for

if TYPE_CHECKING:
    from collections.abc import Callable

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


def by_campaign(  # noqa: PLR0913  (one switch for each circumstance)
    graph: Callable[[Call], Reply],
    sink: Sink,
    mode: str = "auto",
    *,
    pieces: Pieces | None = None,
    replaces: bool = False,
    fields: tuple[str, ...] = ("ad_id", "spend"),
    **definition: Any,  # noqa: ANN401  (of a report's definition)
) -> Drive:
    drive = Drive(graph)
    reporting = Reporting(mode=mode, jitter=lambda: 0.0, monotonic=drive.clock)
    drive(
        read_by_object(
            request_for(ONE_DAY, fields, **definition),
            sink,
            reporting,
            pieces if pieces is not None else Pieces(),
            RefusedFields("ads, its objects"),
            replaces=replaces,
        )
    )
    return drive


def test_by_object__each_is_read_at_its_own_edge(caplog: pytest.LogCaptureFixture) -> None:
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


def test_by_object__the_overview_has_no_breakdowns() -> None:
    """The list of campaigns is asked plainly, their parts as the report is defined."""
    drive = by_campaign(
        Graph(CAMPAIGNS), Sink(), breakdowns=("age",), action_breakdowns=("action_type",)
    )

    assert ["breakdowns" in call.params for call in drive.calls] == [False, True, True]
    assert "action_breakdowns" not in drive.calls[0].params


def test_by_object__spend_that_differs_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """A campaign whose ads add up to less than itself is named with both amounts."""

    def hook(call: Call) -> Reply | None:
        if call.params["level"] == "campaign":
            return {"data": [{"campaign_id": "c1", "spend": "5.00"}]}
        return None

    by_campaign(Graph(CAMPAIGNS, hook=hook), Sink())

    assert "campaign c1 spent 5.00, but its rows add up to 3.75" in caplog.text


def test_by_object__without_spend_nothing_is_compared(caplog: pytest.LogCaptureFixture) -> None:
    """Where spend is not among the fields there is nothing to compare."""

    def hook(call: Call) -> Reply | None:
        if call.params["level"] == "campaign":
            return {"data": [{"campaign_id": "c1", "spend": "5.00"}]}
        return {"data": [{"ad_id": "a1"}]}

    by_campaign(Graph(CAMPAIGNS, hook=hook), Sink(), fields=("ad_id",))

    assert "add up" not in caplog.text


def test_by_object__a_restart_forgets_only_that_campaign(
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


def test_by_object__one_that_is_too_much_is_asked_as_a_run() -> None:
    """A single heavy campaign becomes a run at its own edge."""

    def hook(call: Call) -> Reply | None:
        heavy = call.path == "c1/insights" and call.method == "GET"
        return fault(*TOO_MUCH) if heavy else None

    sink = Sink()
    drive = by_campaign(Graph(CAMPAIGNS, hook=hook), sink)

    assert ("POST", "c1/insights") in [(call.method, call.path) for call in drive.calls]
    assert [row["ad_id"] for row in sink.rows] == ["a1", "a2", "a3"]
    assert drive.runs_held == 0


def test_by_object__sync_makes_no_run() -> None:
    """`report_mode: sync` holds here too: what is too much directly is a hole."""

    def hook(call: Call) -> Reply | None:
        return fault(*TOO_MUCH) if call.path == "c1/insights" else None

    graph, pieces = Graph(CAMPAIGNS, hook=hook), Pieces()
    by_campaign(graph, Sink(), mode="sync", pieces=pieces)

    assert not any(call.method == "POST" for call in graph.calls)
    assert [hole.what for hole in pieces.holes] == ["campaign c1"]


def test_by_object__async_asks_only_by_runs() -> None:
    """`report_mode: async` holds here too."""
    drive = by_campaign(Graph(CAMPAIGNS), Sink(), mode="async")

    created = [call.path for call in drive.calls if call.method == "POST"]
    assert created == ["act_1/insights", "c1/insights", "c2/insights"]
    assert not any(call.method == "GET" and call.path in created for call in drive.calls)


# Down to where it fits.


TREE = {
    "1": [
        {**ad_row("2026-11-01", ad, spend, campaign), "adset_id": adset, "clicks": "3"}
        for campaign, adset, ad, spend in (
            ("c1", "s1", "a1", "1.00"),
            ("c1", "s1", "a2", "2.00"),
            ("c1", "s2", "a3", "4.00"),
            ("c2", "s3", "a4", "8.00"),
        )
    ]
}


def too_much_at(*nodes: str, fields: int = 99) -> Callable[[Call], Reply | None]:
    """Refuse the rows of these nodes' ads, directly and as runs, but not the lists of objects."""

    def hook(call: Call) -> Reply | None:
        node, _, edge = call.path.partition("/")
        if not edge or call.params.get("level") != "ad" or "impressions" in call.params["fields"]:
            return None
        heavy = node in nodes or call.params["fields"].count(",") >= fields
        return fault(*TOO_MUCH) if heavy else None

    return hook


def test_by_object__a_campaign_that_is_too_much_is_read_by_its_ad_sets() -> None:
    """The heavy campaign by its ad sets, the heavy one of these by its ads, the others as a whole.

    What was too much is kept for the next night, which asks nothing in vain.
    """
    sink, pieces = Sink(), Pieces()
    by_campaign(Graph(TREE, hook=too_much_at("c1", "s1")), sink, mode="sync", pieces=pieces)

    assert [row["ad_id"] for row in sink.rows] == ["a1", "a2", "a3", "a4"]
    assert (pieces.heavy, pieces.holes) == ({"c1", "s1"}, [])

    again = by_campaign(Graph(TREE, hook=too_much_at("c1", "s1")), sink, mode="sync", pieces=pieces)

    assert [(call.path, call.params["level"]) for call in again.calls] == [
        ("act_1/insights", "campaign"),
        ("c1/insights", "adset"),
        ("s1/insights", "ad"),
        ("a1/insights", "ad"),
        ("a2/insights", "ad"),
        ("s2/insights", "ad"),
        ("c2/insights", "ad"),
    ]


def test_by_object__nothing_that_fits_is_a_hole_and_costs_one_question_the_next_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One ad is missing with what it spent; the others are there, and no total is complained of."""
    heavy = too_much_at("c1", "s1", "a2")
    sink, pieces = Sink(), Pieces()
    by_campaign(Graph(TREE, hook=heavy), sink, mode="sync", pieces=pieces)

    assert [row["ad_id"] for row in sink.rows] == ["a1", "a3", "a4"]
    (hole,) = pieces.holes
    assert (hole.what, hole.spend, hole.window) == ("ad a2", Decimal("2.00"), ONE_DAY)
    assert "code 2/1504038" in hole.why
    assert "add up" not in caplog.text

    pieces.holes.clear()
    again = by_campaign(Graph(TREE, hook=heavy), sink, mode="sync", pieces=pieces)

    assert [call.path for call in again.calls].count("a2/insights") == 1
    assert [hole.what for hole in pieces.holes] == ["ad a2"]

    pieces.holes.clear()
    by_campaign(Graph(TREE), sink, mode="sync", pieces=pieces)

    assert [row["ad_id"] for row in sink.rows] == ["a1", "a2", "a3", "a4"]
    assert (pieces.holes, pieces.hopeless) == ([], set())


def test_by_object__of_very_many_that_fail_the_others_are_one_hole() -> None:
    """After 25 in a row nobody waits for the other thousand: their spend is told."""
    ads = [ad_row("2026-11-01", f"a{number}", "1.00", f"c{number}") for number in range(1000)]
    lost = [f"{kind}{number}" for kind in ("c", "sc", "a") for number in range(1, 1000)]
    sink, pieces = Sink(), Pieces()

    graph = Graph({"1": ads}, hook=too_much_at(*lost))
    drive = by_campaign(graph, sink, mode="sync", pieces=pieces)

    assert [row["ad_id"] for row in sink.rows] == ["a0"]
    assert len(drive.calls) < 25 * 6 + 10
    assert len(pieces.holes) == 26
    assert pieces.holes[-1].what == "974 more campaigns, not asked for"
    assert sum(hole.spend or 0 for hole in pieces.holes) == Decimal(999)


def answer_in_parts(most: int, *never: str) -> Callable[[Call], Reply]:
    """Answer an account's day with at most so many fields beside the key, some never."""

    def answer(call: Call) -> Reply:
        names = call.params["fields"].split(",")
        metrics = [name for name in names if name not in ("account_id", "date_start")]
        if "impressions" not in names and (len(metrics) > most or set(metrics) & set(never)):
            return fault(*TOO_MUCH)
        day = {"account_id": "1", "date_start": "2026-11-01"}
        return {"data": [day | dict.fromkeys(metrics, "1")]}

    return answer


METRICS = ("spend", "clicks", "reach", "cpc", "ctr")


def test_by_object__an_accounts_own_row_is_joined_from_parts_of_its_fields() -> None:
    """There is nothing below it: halves, and halves of these, become one row again."""
    sink, pieces = Sink(), Pieces()
    asked = {"level": "account", "fields": ("account_id", "date_start", *METRICS)}
    by_campaign(answer_in_parts(2), sink, mode="sync", pieces=pieces, **asked)

    assert sink.rows == [
        {"account_id": "1", "date_start": "2026-11-01", **dict.fromkeys(METRICS, "1")}
    ]
    assert (pieces.parts, pieces.holes) == (3, [])

    again = by_campaign(answer_in_parts(2), sink, mode="sync", pieces=pieces, **asked)

    assert len(again.calls) == 3
    assert len(sink.rows) == 1


def test_by_object__an_ad_that_is_joined_from_parts_adds_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was read of it in parts is what it spent: nothing is said to be missing."""
    sink, pieces = Sink(), Pieces()

    def hook(call: Call) -> Reply | None:
        wide = {"reach", "ctr"} <= set(call.params.get("fields", "").split(","))
        return fault(*TOO_MUCH) if wide else None

    fields = ("ad_id", "date_start", *METRICS)
    by_campaign(Graph(CAMPAIGNS, hook=hook), sink, mode="sync", pieces=pieces, fields=fields)

    assert {(row["ad_id"], row["spend"]) for row in sink.rows} == {
        ("a1", "1.50"),
        ("a2", "2.25"),
        ("a3", "4.00"),
    }
    assert pieces.holes == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("replaces", [False, True])
def test_by_object__a_field_that_never_fits_is_a_hole(*, replaces: bool) -> None:
    """The row comes without it; where it would replace a whole one, that one stays."""
    sink, pieces = Sink(), Pieces()
    by_campaign(
        answer_in_parts(3, "reach"),
        sink,
        mode="sync",
        pieces=pieces,
        replaces=replaces,
        level="account",
        fields=("account_id", "date_start", *METRICS),
    )

    (hole,) = pieces.holes
    assert hole.what.startswith("reach of 1")
    assert ("stay as they were" in hole.what) == replaces
    assert [sorted(row) for row in sink.rows] == (
        [] if replaces else [sorted({"account_id", "date_start", *METRICS} - {"reach"})]
    )


# Not about size.


@pytest.mark.parametrize("said", [(100, 33), (200, None), (10, None), (100, None)])
def test_by_object__one_that_is_refused_is_a_hole_of_its_own(
    said: tuple[int, int | None],
) -> None:
    """The account has just been read: what one campaign is refused for costs that campaign."""
    sink, pieces = Sink(), Pieces()
    by_campaign(
        Graph(CAMPAIGNS, hook=lambda call: fault(*said) if call.path == "c1/insights" else None),
        sink,
        pieces=pieces,
    )

    assert [row["ad_id"] for row in sink.rows] == ["a3"]
    assert [(hole.what, hole.spend) for hole in pieces.holes] == [("campaign c1", Decimal("3.75"))]


def test_by_object__where_none_answers_the_account_is_asked_plainly() -> None:
    """A share that is withdrawn between two calls is the account's, and makes no holes."""

    def hook(call: Call) -> Reply | None:
        return None if call.params.get("level") == "campaign" else fault(200)

    with pytest.raises(AccountUnreadable):
        by_campaign(Graph(CAMPAIGNS, hook=hook), Sink())


def test_by_object__an_outage_makes_no_holes() -> None:
    """What is only unanswered is no hole while the account itself does not answer."""

    def hook(call: Call) -> Reply | None:
        return None if call.params.get("level") == "campaign" else fault(2)

    with pytest.raises(KeptFailing):
        by_campaign(Graph(CAMPAIGNS, hook=hook), Sink())


def test_by_object__what_passes_and_meets_all_of_a_day_is_no_hole() -> None:
    """The account answers a plain question, but nothing of the day came: asked again tomorrow."""
    pieces = Pieces()

    def hook(call: Call) -> Reply | None:
        return None if call.path.startswith("act_1/") else fault(2)

    with pytest.raises(KeptFailing):
        by_campaign(Graph(CAMPAIGNS, hook=hook), Sink(), pieces=pieces)


def test_by_object__a_field_that_meta_names_is_for_the_caller() -> None:
    """It is refused for every object, so nobody loses an object for it."""

    def hook(call: Call) -> Reply | None:
        refused = fault(100, None, "(#100) spend is not valid for fields param")
        return refused if call.path == "c1/insights" else None

    with pytest.raises(RequestRefused):
        by_campaign(Graph(CAMPAIGNS, hook=hook), Sink())
