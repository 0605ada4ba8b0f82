"""One ad account through a run: its idle days, its levels added up, and its dimensions."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.dimensions.request import DimensionPlan
from tap_meta_partner.dimensions.tables import DIMENSIONS, selected_columns
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.sync.events import BookmarkMoved, Discrepancy, Outcome, Rows, StreamResult
from tap_meta_partner.sync.evidence import Evidence
from tests.support.fakes import NO_ACCESS, WRONG_FIELD, Drive, Graph, ad_row, fault
from tests.support.one_account import (
    ACCOUNT,
    NEW,
    NOTHING,
    NOW,
    QUARTER,
    YESTERDAY,
    asked,
    closed,
    covered,
    day,
    every_day,
    last_bookmark,
    outcomes,
    plan,
    records,
    sync,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


# Idle accounts.


def read_before(plans: Sequence[InsightsPlan]) -> dict[str, Bookmark]:
    """Return bookmarks of an account that was read up to the day before yesterday."""
    return {item.name: Bookmark(day=day("11-23"), since=day("11-01")) for item in plans}


def test_idle__empty_account_rows_close_the_other_levels_without_a_call() -> None:
    """With `account_insights` selected and empty, one call serves four streams."""
    plans = [plan(level, "11-01") for level in ("account", "campaign", "adset", "ad")]

    drive = sync(Graph(NOTHING), plans, bookmarks=read_before(plans))

    assert asked(drive) == [("account", "11-01", "11-25")]
    for item in plans:
        assert closed(drive, item.name) == [YESTERDAY]
        assert covered(drive, item.name) == "11-01..11-25"
    assert set(outcomes(drive).values()) == {Outcome.DELIVERED}


def test_idle__account_rows_are_not_asked_twice() -> None:
    """An account that was active is asked once a stream: its own rows told."""
    drive = sync(Graph(QUARTER), [plan("account", "11-01"), plan("ad", "11-01")])

    assert asked(drive) == [("account", "11-01", "11-25"), ("ad", "11-01", "11-25")]


def test_idle__without_the_account_stream_one_call_tells() -> None:
    """With campaigns and ads only, one account-level call finds that nothing happened."""
    plans = [plan("campaign", "11-01"), plan("ad", "11-20")]

    drive = sync(Graph(NOTHING), plans, bookmarks=read_before(plans))

    assert asked(drive) == [("account", "11-01", "11-25")]
    call = drive.calls[0]
    assert call.params["fields"] == "impressions,spend,actions,action_values,conversions"
    assert call.params["time_increment"] == "1"
    assert "filtering" not in call.params
    assert closed(drive, "campaign_insights") == [YESTERDAY]
    assert covered(drive, "campaign_insights") == "11-01..11-25"
    assert closed(drive, "ad_insights") == [YESTERDAY]
    assert covered(drive, "ad_insights") == "11-20..11-25"


def test_idle__an_active_account_is_read_after_the_call() -> None:
    """Where something happened, each stream is asked as usual."""
    drive = sync(Graph(QUARTER), [plan("campaign", "11-01"), plan("ad", "11-01")])

    assert [level for level, _, _ in asked(drive)] == ["account", "campaign", "ad"]


def test_idle__a_single_stream_makes_no_extra_call() -> None:
    """Where only one stream is selected there is nothing to save."""
    drive = sync(Graph(NOTHING), [plan("ad", "11-01")])

    assert asked(drive) == [("ad", "11-01", "11-25")]


def test_idle__a_stream_with_filtering_asks_for_itself() -> None:
    """A filter can find what the plain rows do not show: such a report is never closed unread."""
    rule = {"field": "ad.effective_status", "operator": "IN", "value": ["ARCHIVED"]}
    plans = [plan("campaign", "11-01"), plan("ad", "11-01", filtering=(rule,))]

    drive = sync(Graph(NOTHING), plans, bookmarks=read_before(plans))

    assert [level for level, _, _ in asked(drive)] == ["account", "ad"]


def test_idle__a_day_with_conversions_only_is_life() -> None:
    """A conversion on a day without impressions leaves a row; the ad level is asked then."""

    def hook(call: Call) -> Reply | None:
        if call.params["level"] != "account":
            return None
        row = {"account_id": "1", "date_start": "2026-11-03", "date_stop": "2026-11-03"}
        return {"data": [{**row, "conversions": [{"action_type": "contact", "value": "1"}]}]}

    drive = sync(Graph(NOTHING, hook=hook), [plan("account", "11-01"), plan("ad", "11-01")])

    assert drive.calls[0].params["fields"].split(",")[-3:] == [
        "actions",
        "action_values",
        "conversions",
    ]
    assert [level for level, _, _ in asked(drive)] == ["account", "ad"]


def test_idle__windows_before_the_first_activity_are_closed_without_a_call() -> None:
    """An account that lay still for two months and then ran is asked for the last one only."""
    truth = {"1": [ad_row("2026-11-20", "a1", "1.25")]}

    drive = sync(Graph(truth), [plan("account", "08-28"), plan("ad", "08-28")])

    assert [item for item in asked(drive) if item[0] == "ad"] == [("ad", "10-27", "11-25")]
    assert closed(drive, "ad_insights") == [day("09-26"), day("10-26"), YESTERDAY]
    assert covered(drive, "ad_insights") == "08-28..11-25"


def test_idle__days_that_the_account_stream_did_not_reach_are_asked() -> None:
    """Only what Meta said counts: after a failure the later days are nobody's knowledge."""
    truth = {"1": [ad_row("2026-11-20", "a1", "1.25")]}

    def hook(call: Call) -> Reply | None:
        span = call.params["time_range"]
        broken = call.params["level"] == "account" and span["since"] > "2026-09-01"
        return fault(*WRONG_FIELD) if broken else None

    drive = sync(Graph(truth, hook=hook), [plan("account", "08-28"), plan("ad", "08-28")])

    assert outcomes(drive) == {"account_insights": Outcome.FAILED, "ad_insights": Outcome.DELIVERED}
    assert [item for item in asked(drive) if item[0] == "ad"] == [
        ("ad", "09-27", "10-26"),
        ("ad", "10-27", "11-25"),
    ]
    assert len(records(drive, "ad_insights")) == 1


def test_idle__stretches_of_two_account_streams_leave_the_days_between_unknown() -> None:
    """Days that lie between two stretches known are asked: they are not known."""
    truth = {"1": [ad_row("2026-10-05", "a1", "1.25")]}

    def hook(call: Call) -> Reply | None:
        broken = call.params["level"] == "account" and "2026-09-27" in str(call.params)
        return fault(*WRONG_FIELD) if broken else None

    plans = [
        plan("account", "08-28"),
        plan("account", "10-27", name="accounts_again"),
        plan("ad", "08-28"),
    ]
    drive = sync(Graph(truth, hook=hook), plans)

    assert [item for item in asked(drive) if item[0] == "ad"] == [("ad", "09-27", "10-26")]
    assert len(records(drive, "ad_insights")) == 1


def test_idle__another_attribution_window_needs_a_call_of_its_own() -> None:
    """Account rows without 28d_click cannot tell whether a report with it has rows."""
    wide = plan("ad", "11-01", action_attribution_windows=("28d_click",))

    plans = [plan("account", "11-01"), wide]
    drive = sync(Graph(NOTHING), plans, bookmarks=read_before(plans))

    assert asked(drive) == [("account", "11-01", "11-25")]
    assert drive.calls[0].params["action_attribution_windows"] == ["28d_click"]


def test_idle__rows_with_all_attribution_windows_tell() -> None:
    """Where the account stream has every window that others ask, its rows are enough."""
    windows = {"action_attribution_windows": ("1d_view", "28d_click")}
    plans = [plan("account", "11-01", **windows), plan("ad", "11-01", **windows)]

    drive = sync(Graph(NOTHING), plans, bookmarks=read_before(plans))

    assert len(drive.calls) == 1
    assert "impressions" in drive.calls[0].params["fields"]


def test_idle__rows_with_fewer_attribution_windows_do_not_tell_when_the_call_failed() -> None:
    """If the activity call fails, narrower account rows close nothing."""
    wide = plan("ad", "11-01", action_attribution_windows=("28d_click",))

    def hook(call: Call) -> Reply | None:
        probe = call.params["level"] == "account" and "action_attribution_windows" in call.params
        return fault(*WRONG_FIELD) if probe else None

    drive = sync(Graph(NOTHING, hook=hook), [plan("account", "11-01"), wide])

    assert [level for level, _, _ in asked(drive)] == ["account", "account", "ad"]


def test_idle__a_gap_is_looked_at_apart() -> None:
    """An earlier start asks for activity in the missing days only, not in all between."""
    known = Bookmark(day=YESTERDAY, since=day("11-01"))
    plans = [plan("campaign", "09-01"), plan("ad", "09-01")]

    drive = sync(Graph(NOTHING), plans, bookmarks={item.name: known for item in plans})

    assert asked(drive) == [
        ("account", "11-01", "11-25"),
        ("account", "09-01", "10-31"),
        # No night will ask about September again, so the level below confirms that it was idle.
        ("campaign", "09-01", "11-25"),
    ]
    assert last_bookmark(drive, "ad_insights").since == day("09-01")


def test_idle__weeks_and_presets_cost_no_further_call() -> None:
    """One question answers for days, weeks, a preset and one row for all days of three months."""
    plans = [
        plan("account", "11-01"),
        plan("ad", "11-01"),
        plan("campaign", "11-01", name="weekly", time_increment=7),
        plan("ad", name="quarter", date_preset="last_90d"),
        plan("campaign", name="sums", date_preset="last_30d", time_increment="all_days"),
    ]
    known = read_before(plans)
    known["weekly"] = replace(known["weekly"], since=day("10-26"))

    drive = sync(Graph(NOTHING), plans, bookmarks=known)

    assert asked(drive) == [("account", "08-27", "11-25")]
    assert set(outcomes(drive).values()) == {Outcome.DELIVERED}


def test_idle__one_row_for_years_is_asked_for_as_it_is() -> None:
    """Activity day by day over years would be more than the one call that it saves."""
    plans = [
        plan("campaign", "11-01"),
        plan("ad", "11-01"),
        plan("campaign", name="ever", date_preset="maximum", time_increment="all_days"),
    ]

    drive = sync(Graph(NOTHING), plans, bookmarks=read_before(plans))

    assert [level for level, _, _ in asked(drive)] == ["account", "campaign"]
    assert drive.calls[0].params["time_range"]["since"] == "2026-11-01"


def test_silence__of_a_new_account_is_confirmed_by_the_level_below() -> None:
    """Two calls read a year in which nothing happened; one alone would not be believed."""
    plans = [plan("campaign", "11-25", start_date=dt.date(2025, 11, 25)), plan("ad", "11-01")]

    drive = sync(Graph(NOTHING), plans)

    first, second = drive.calls
    assert (first.params["level"], first.params["time_increment"]) == ("account", "1")
    assert (second.params["level"], second.params["time_increment"]) == ("campaign", "all_days")
    assert first.params["time_range"] == second.params["time_range"]
    assert first.params["time_range"]["since"] == "2025-11-25"
    assert set(outcomes(drive).values()) == {Outcome.DELIVERED}


def test_silence__of_years_takes_three_calls_where_account_rows_are_read() -> None:
    """After a first month without rows, the rest is looked at as a whole."""
    start = dt.date(2024, 1, 1)
    plans = [plan(level, "01-01", start_date=start) for level in ("account", "campaign", "ad")]

    drive = sync(Graph(NOTHING), plans)

    assert [(level, since) for level, since, _ in asked(drive)] == [
        ("account", "01-01"),
        ("account", "01-31"),
        ("campaign", "01-01"),
    ]
    assert closed(drive, "ad_insights")[-1] == YESTERDAY


@pytest.mark.parametrize("levels", [("account", "ad"), ("campaign", "ad")])
def test_silence__that_was_a_mistake_of_metas_closes_nothing(levels: tuple[str, ...]) -> None:
    """A false empty answer about a new account, once: every row arrives all the same."""
    asked_before: list[Call] = []

    def hook(call: Call) -> Reply | None:
        if call.params["level"] != "account" or asked_before:
            return None
        asked_before.append(call)
        return {"data": []}

    graph = Graph({"1": every_day("11-01", 25)}, hook=hook)

    drive = sync(graph, [plan(level, "11-01") for level in levels])

    for level in levels:
        assert len(records(drive, f"{level}_insights")) == 25, level
    assert set(outcomes(drive).values()) == {Outcome.DELIVERED}


def test_silence__that_stays_a_mistake_costs_its_own_level_only() -> None:
    """If the account level has no rows for ever and campaigns do, campaigns and ads arrive."""
    graph = Graph(
        {"1": every_day("11-01", 25)},
        hook=lambda call: {"data": []} if call.params["level"] == "account" else None,
    )

    drive = sync(graph, [plan(level, "11-01") for level in ("account", "campaign", "ad")])

    counts = [len(records(drive, f"{level}_insights")) for level in ("account", "campaign", "ad")]
    assert counts == [0, 25, 25]
    assert len(drive.calls) <= 7


@pytest.mark.parametrize("reply", [fault(*WRONG_FIELD), fault(*NO_ACCESS)])
def test_silence__that_nobody_confirms_is_not_believed(reply: Reply) -> None:
    """Where the second question is refused, each stream asks for itself."""

    def hook(call: Call) -> Reply | None:
        return reply if call.params["time_increment"] == "all_days" else None

    drive = sync(Graph(NOTHING, hook=hook), [plan("campaign", "11-01"), plan("ad", "11-01")])

    assert [level for level, _, _ in asked(drive)] == ["account", "campaign", "campaign", "ad"]
    assert set(outcomes(drive).values()) == {Outcome.DELIVERED}


def test_silence__after_weeks_without_a_run_is_confirmed_too() -> None:
    """Days that were never delivered, and that no later lookback reaches, need a second word."""
    plans = [plan("campaign", "06-01"), plan("ad", "06-01")]
    long_ago = {item.name: Bookmark(day=day("08-01"), since=day("06-01")) for item in plans}

    drive = sync(Graph(NOTHING), plans, bookmarks=long_ago)

    assert [level for level, _, _ in asked(drive)] == ["account", "campaign"]


@pytest.mark.parametrize(
    ("reply", "tries"),
    [(fault(*WRONG_FIELD), 1), ({"data": ["not a row"]}, 5), ({"no": "data"}, 5)],
    ids=["refused", "not a row", "no data"],
)
def test_idle__a_failing_call_is_only_a_lost_shortcut(reply: Reply, tries: int) -> None:
    """Without knowledge of the activity each stream asks for itself and is delivered."""
    graph = Graph(NOTHING, hook=lambda call: reply if call.params["level"] == "account" else None)

    drive = sync(graph, [plan("campaign", "11-01"), plan("ad", "11-01")])

    assert [level for level, _, _ in asked(drive)] == [*["account"] * tries, "campaign", "ad"]
    assert outcomes(drive) == {
        "campaign_insights": Outcome.DELIVERED,
        "ad_insights": Outcome.DELIVERED,
    }


# Do the levels add up?


def found_discrepancies(drive: Drive) -> list[Discrepancy]:
    return [event for event in drive.events if isinstance(event, Discrepancy)]


def missing_an_ad(call: Call) -> Reply | None:
    """Leave an ad that was deleted out at the ad level, as Meta does."""
    if call.params["level"] != "ad":
        return None
    return {"data": [row for row in every_day("11-01", 25) if row["date_start"] != "2026-11-10"]}


@pytest.mark.parametrize("levels", [("account", "ad"), ("campaign", "ad")])
def test_spend__that_differs_between_account_and_ads_is_told(levels: tuple[str, ...]) -> None:
    """The numbers of the days that differ, from the account's rows or from the look for life."""
    graph = Graph({"1": every_day("11-01", 25)}, hook=missing_an_ad)

    drive = sync(graph, [plan(level, "11-01") for level in levels])

    assert found_discrepancies(drive) == [
        Discrepancy(
            account_id="1",
            account_name="Client One",
            since=day("11-10"),
            until=day("11-10"),
            account_spend=Decimal("1.25"),
            ad_spend=Decimal(0),
        )
    ]
    assert set(outcomes(drive).values()) == {Outcome.DELIVERED}


def test_spend__that_agrees_is_not_mentioned() -> None:
    """Also where whole windows were closed as idle."""
    graph = Graph({"1": every_day("11-20", 5)})

    drive = sync(graph, [plan("account", "08-28"), plan("ad", "08-28")])

    assert found_discrepancies(drive) == []


def test_spend__of_today_is_not_compared() -> None:
    """It grows from one call to the next."""

    def hook(call: Call) -> Reply | None:
        if call.params["level"] == "ad":
            return {"data": [ad_row("2026-11-25", "a1", "700")]}
        return None

    graph = Graph({"1": [ad_row("2026-11-25", "a1", "1")]}, hook=hook)

    drive = sync(graph, [plan("account", "11-01"), plan("ad", "11-01")])

    assert found_discrepancies(drive) == []


def test_spend__of_a_report_with_breakdowns_or_filtering_is_not_compared() -> None:
    """Such rows are not all there is, or not each once."""
    some = plan("ad", "11-01", filtering=({"field": "ad.name", "operator": "IN", "value": ["x"]},))
    by_age = plan("ad", "11-01", name="by_age", breakdowns=("age",))
    graph = Graph({"1": every_day("11-01", 25)}, hook=missing_an_ad)

    drive = sync(graph, [plan("account", "11-01"), some, by_age])

    assert found_discrepancies(drive) == []


# Dimensions.


def dimension(name: str, *columns: str) -> DimensionPlan:
    return DimensionPlan(
        dimension=DIMENSIONS[name], columns=selected_columns(name, ("account_id", *columns))
    )


CAMPAIGNS, ADSETS, ADS = (dimension(name, "name") for name in ("campaigns", "adsets", "ads"))
CREATIVES = dimension("adcreatives", "name")
ROWS = {"1": [ad_row("2026-11-24", "a1", "5"), ad_row("2026-11-24", "a9", "5")]}


def objects_of(listed: dict[str, list[str]], hook: Callable[[Call], Reply | None]) -> Graph:
    """Return a Graph API with the insights of two ads, and these objects by edge."""

    def answer(call: Call) -> Reply | None:
        reply = hook(call)
        node, _, edge = call.path.partition("/")
        if reply is not None or edge == "insights":
            return reply
        if not edge:
            return {"id": node, "effective_status": "DELETED", "creative": {"id": f"k{node}"}}
        return {"data": [{"id": each, "creative": {"id": f"k{each}"}} for each in listed[edge]]}

    return Graph(ROWS, hook=answer)


def sync_dimensions(
    *plans: InsightsPlan | DimensionPlan,
    hook: Callable[[Call], Reply | None] = lambda _call: None,
    listed: dict[str, list[str]] | None = None,
    **more: Any,  # noqa: ANN401
) -> Drive:
    edges = {"campaigns": ["c1"], "adsets": ["sc1"], "ads": ["a1"], "adcreatives": ["ka1"]}
    known = {each.name: NEW if isinstance(each, InsightsPlan) else KNOWN_NOT for each in plans}
    return sync(objects_of({**edges, **(listed or {})}, hook), plans, bookmarks=known, **more)


KNOWN_NOT = DimensionBookmark()


def rows_of(drive: Drive) -> list[tuple[str, str, int]]:
    return [
        (each.stream, each.result, each.rows)
        for each in drive.events
        if isinstance(each, StreamResult)
    ]


def test_dimensions__come_after_insights_and_bookmark_when_delivered() -> None:
    """Rows first, then the bookmark, then the result, which counts the rows."""
    drive = sync_dimensions(plan("ad", "11-24"), CAMPAIGNS, ADSETS)

    order = [(type(each).__name__, each.stream) for each in drive.events]
    assert order[-6:] == [
        ("Rows", "campaigns"),
        ("BookmarkMoved", "campaigns"),
        ("StreamResult", "campaigns"),
        ("Rows", "adsets"),
        ("BookmarkMoved", "adsets"),
        ("StreamResult", "adsets"),
    ]
    assert rows_of(drive) == [
        ("ad_insights", Outcome.DELIVERED, 2),
        ("campaigns", Outcome.DELIVERED, 1),
        ("adsets", Outcome.DELIVERED, 1),
    ]
    rows = [each.records for each in drive.events if isinstance(each, Rows)]
    assert rows[1] == [{"id": "c1", "account_id": "1", "name": None}]
    bookmark = drive.events[-2].bookmark
    assert (bookmark.full_at, bookmark.read_at, bookmark.looked_up_at) == (NOW, NOW, NOW)


def test_dimensions__what_insights_and_ads_name_is_looked_up() -> None:
    """An ad that only rows name is read by its own id, then its creative, which no list has."""
    ads = dimension("ads", "creative_id")
    drive = sync_dimensions(plan("ad", "11-24"), ads, CREATIVES)

    assert [call.path for call in drive.calls[1:]] == [
        "act_1/campaigns",
        "act_1/adsets",
        "act_1/ads",
        "a9",
        "act_1/adcreatives",
        "ka9",
    ]
    assert rows_of(drive)[1:] == [
        ("ads", Outcome.DELIVERED, 2),
        ("adcreatives", Outcome.DELIVERED, 2),
    ]


def test_dimensions__nothing_is_looked_up_without_names() -> None:
    """Without insights nothing tells of what Meta does not list."""
    drive = sync_dimensions(ADS, CREATIVES)

    assert all("/" in call.path for call in drive.calls)


def test_dimensions__statuses_of_the_settings_are_asked_for() -> None:
    """`effective_status` is what the lists of objects are asked with, and nothing else is."""
    drive = sync_dimensions(plan("ad", "11-24"), CAMPAIGNS, effective_status=("ACTIVE",))

    statuses = {call.path: call.params.get("effective_status") for call in drive.calls}
    assert statuses == {"act_1/insights": None, "act_1/campaigns": ["ACTIVE"]}


def test_dimensions__one_that_fails_costs_itself_only() -> None:
    """What fails in one stream has no bookmark, and the next stream is read all the same."""
    drive = sync_dimensions(
        CAMPAIGNS,
        CREATIVES,
        hook=lambda call: fault(1) if call.path == "act_1/campaigns" else None,
    )

    assert rows_of(drive) == [
        ("campaigns", Outcome.FAILED, 0),
        ("adcreatives", Outcome.DELIVERED, 1),
    ]
    moved = [each for each in drive.events if isinstance(each, BookmarkMoved)]
    assert [each.stream for each in moved] == ["campaigns", "adcreatives"]
    assert moved[0].bookmark == DimensionBookmark(trouble=NOW)


def test_dimensions__a_lost_account_is_asked_one_control_question() -> None:
    """Where that is refused too, the account's other dimensions are skipped unasked."""
    drive = sync_dimensions(
        CAMPAIGNS,
        ADSETS,
        CREATIVES,
        hook=lambda _call: fault(*NO_ACCESS),
    )

    # The list of campaigns, with all its fields and with the id alone; then the control question.
    assert [call.path for call in drive.calls] == [*["act_1/campaigns"] * 2, "act_1/insights"]
    assert {result for _, result, _ in rows_of(drive)} == {Outcome.SKIPPED}
    assert len(rows_of(drive)) == 3


def test_dimensions__time_that_is_over_leaves_them_unfinished() -> None:
    """After `max_run_minutes` no dimension is begun; what was delivered stays delivered."""
    begun: list[str] = []

    def hook(call: Call) -> None:
        begun.append(call.path)

    drive = sync_dimensions(
        CAMPAIGNS, ADSETS, hook=hook, may_begin=lambda: "act_1/campaigns" not in begun
    )

    assert rows_of(drive) == [
        ("campaigns", Outcome.DELIVERED, 1),
        ("adsets", Outcome.UNFINISHED, 0),
    ]


def test_dimensions__refused_to_three_accounts_are_closed() -> None:
    """A status that Meta does not know is refused to three accounts and then asked of no other."""
    evidence = Evidence(accounts=4)
    asked_of = []
    found = []
    for account_id in ("1", "2", "3", "4"):
        drive = sync_dimensions(
            CAMPAIGNS,
            CREATIVES,
            hook=lambda call: fault(100) if call.path.endswith("/campaigns") else None,
            account=replace(ACCOUNT, account_id=account_id),
            evidence=evidence,
            effective_status=("NONSENSE",),
        )
        asked_of.append(len(drive.calls))
        found.append([result for _, result, _ in rows_of(drive)])

    assert found == [
        *[[Outcome.FAILED, Outcome.DELIVERED]] * 3,
        [Outcome.NOT_TRIED, Outcome.DELIVERED],
    ]
    assert asked_of[3] == 1
    assert list(evidence.closed) == ["campaigns"]
