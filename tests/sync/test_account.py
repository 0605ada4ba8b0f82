"""One ad account through a run: its windows, its bookmark, its idle days, and what goes wrong."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.dimensions.request import DimensionPlan
from tap_meta_partner.dimensions.tables import DIMENSIONS, selected_columns
from tap_meta_partner.graph.error_codes import from_envelope
from tap_meta_partner.graph.errors import TokenRefused
from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.request import SIGNS_OF_LIFE, Reporting
from tap_meta_partner.settings.model import ReportDefinition, Settings
from tap_meta_partner.sync.account import sync_account
from tap_meta_partner.sync.events import (
    BookmarkMoved,
    Discrepancy,
    Outcome,
    Rows,
    StreamResult,
)
from tap_meta_partner.sync.shared import RefusedStreams, Shared
from tests.support.fakes import (
    CURSOR_LOST,
    NO_ACCESS,
    RUN_TOO_LARGE,
    TOKEN_DEAD,
    TOO_MANY_POINTS,
    TOO_MUCH,
    WRONG_FIELD,
    Drive,
    Graph,
    ad_row,
    fault,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply

TODAY = dt.date(2026, 11, 25)
YESTERDAY = dt.date(2026, 11, 24)
NOW = dt.datetime(2026, 11, 25, 3, 0, tzinfo=dt.timezone.utc)
ACCOUNT = AdAccount(account_id="1", name="Client One", timezone_name="Europe/Berlin")
NEW = Bookmark()


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


def plan(
    level: str,
    start: str | None = None,
    **definition: Any,  # noqa: ANN401  (of a report's definition)
) -> InsightsPlan:
    wanted = {
        "name": f"{level}_insights",
        "level": level,
        "fields": ("impressions", "spend"),
        "start_date": day(start) if start else None,
        **definition,
    }
    report = ReportDefinition(**wanted)
    return InsightsPlan(definition=report, columns=columns_of(report), rows_to=report.name)


def shared_with(
    drive: Drive,
    *,
    mode: str = "auto",
    refused: RefusedStreams | None = None,
    may_begin: Callable[[], bool] = lambda: True,
    utc_now: Callable[[], dt.datetime] = lambda: NOW,
    **settings: Any,  # noqa: ANN401
) -> Shared:
    return Shared(
        settings=Settings(access_token="T", report_mode=mode, **settings),
        reporting=Reporting(mode=mode, jitter=lambda: 0.0, monotonic=drive.clock),
        utc_now=utc_now,
        may_begin=may_begin,
        refused=refused or RefusedStreams(),
    )


def sync(  # noqa: PLR0913
    graph: Callable[[Call], Reply],
    plans: Sequence[InsightsPlan | DimensionPlan],
    *,
    bookmarks: Mapping[str, Any] | None = None,
    account: AdAccount = ACCOUNT,
    today: dt.date = TODAY,
    drive: Drive | None = None,
    **run: Any,  # noqa: ANN401
) -> Drive:
    drive = drive or Drive(graph)
    known = {item.name: NEW for item in plans} if bookmarks is None else bookmarks
    drive(sync_account(account, today, plans, known, shared_with(drive, **run)))
    assert drive.runs_held == 0
    return drive


def asked(drive: Drive) -> list[tuple[str, str, str]]:
    """Return level, first and last day of what was asked directly, without the year."""
    return [
        (
            call.params["level"],
            call.params["time_range"]["since"][5:],
            call.params["time_range"]["until"][5:],
        )
        for call in drive.calls
        if "time_range" in call.params and call.method == "GET" and "after" not in call.params
    ]


def bookmarks_of(drive: Drive, stream: str) -> list[Bookmark]:
    """Return where a stream's bookmark stood behind each window."""
    return [
        event.bookmark
        for event in drive.events
        if isinstance(event, BookmarkMoved)
        and event.stream == stream
        and isinstance(event.bookmark, Bookmark)
    ]


def closed(drive: Drive, stream: str) -> list[dt.date | None]:
    """Return the day up to which a stream was delivered, behind each window."""
    return [bookmark.day for bookmark in bookmarks_of(drive, stream)]


def covered(drive: Drive, stream: str) -> str:
    """Return the days delivered in a stream, without the year."""
    return str(results(drive)[stream].covered).replace("2026-", "")


def last_bookmark(drive: Drive, stream: str) -> Bookmark:
    return bookmarks_of(drive, stream)[-1]


def results(drive: Drive) -> dict[str, StreamResult]:
    found = [event for event in drive.events if isinstance(event, StreamResult)]
    by_stream = {result.stream: result for result in found}
    assert len(by_stream) == len(found), "a stream has two results"
    return by_stream


def outcomes(drive: Drive) -> dict[str, Outcome]:
    return {name: result.result for name, result in results(drive).items()}


def records(drive: Drive, stream: str) -> list[dict[str, Any]]:
    return [
        record
        for event in drive.events
        if isinstance(event, Rows) and event.stream == stream
        for record in event.records
    ]


def every_day(first: str, days: int, spend: str = "1.25") -> list[dict[str, Any]]:
    """Return one ad's rows, one a day."""
    start = day(first)
    return [ad_row(str(start + dt.timedelta(days=n)), "a1", spend) for n in range(days)]


NOTHING: dict[str, list[dict[str, Any]]] = {"1": []}
#: 28 August to 25 November: 90 days.
QUARTER = {"1": every_day("08-28", 90)}

# Windows.


def test_windows__ninety_days_are_three_calls() -> None:
    """A new account is read from its start to its today in windows of thirty days."""
    drive = sync(Graph(QUARTER), [plan("ad", "08-28")])

    assert asked(drive) == [
        ("ad", "08-28", "09-26"),
        ("ad", "09-27", "10-26"),
        ("ad", "10-27", "11-25"),
    ]
    assert closed(drive, "ad_insights") == [day("09-26"), day("10-26"), YESTERDAY]
    assert sum(record["spend"] for record in records(drive, "ad_insights")) == Decimal("112.50")
    assert results(drive)["ad_insights"] == StreamResult(
        account_id="1",
        account_name="Client One",
        stream="ad_insights",
        result=Outcome.DELIVERED,
        covered=DateWindow(day("08-28"), TODAY),
        rows=90,
    )


def test_windows__are_closed_only_after_all_their_rows() -> None:
    """Rows of a window, page after page, then its end, then the next window: never otherwise."""
    drive = sync(Graph(QUARTER, most_rows_per_page=11), [plan("ad", "08-28")])

    order: list[str] = []
    so_far = 0
    for event in drive.events:
        if isinstance(event, Rows):
            so_far += len(event.records)
            assert so_far <= 30 * (len(order) + 1), "rows of a window not begun yet"
        elif isinstance(event, BookmarkMoved):
            assert isinstance(event.bookmark, Bookmark)
            order.append(f"{event.bookmark.day} after {so_far}")
    assert order == ["2026-09-26 after 30", "2026-10-26 after 60", "2026-11-24 after 90"]


def test_windows__a_nightly_run_is_one_call() -> None:
    """28 days of lookback after a night that failed are 31 open days: one call, not two."""
    bookmark = Bookmark(day=day("11-23"), since=day("01-01"))

    drive = sync(Graph(QUARTER), [plan("ad")], bookmarks={"ad_insights": bookmark})

    assert asked(drive) == [("ad", "10-26", "11-25")]
    assert closed(drive, "ad_insights") == [YESTERDAY]


def test_windows__one_without_rows_is_closed_too() -> None:
    """An account without delivery moves its bookmark all the same."""
    drive = sync(Graph(NOTHING), [plan("ad", "11-20")])

    assert closed(drive, "ad_insights") == [YESTERDAY]
    assert covered(drive, "ad_insights") == "11-20..11-25"
    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}


def test_windows__today_is_delivered_but_not_promised() -> None:
    """A run over today alone hands rows on and leaves the bookmark where it was: nowhere."""
    drive = sync(Graph(QUARTER), [plan("ad", "11-25")])

    assert len(records(drive, "ad_insights")) == 1
    assert closed(drive, "ad_insights") == [None]
    assert covered(drive, "ad_insights") == "11-25..11-25"


def test_windows__end_where_the_settings_say() -> None:
    """With `end_date` nothing later is asked, and the bookmark stops there."""
    drive = sync(Graph(QUARTER), [plan("ad", "11-01")], end_date=day("11-10"))

    assert asked(drive) == [("ad", "11-01", "11-10")]
    assert closed(drive, "ad_insights") == [day("11-10")]


def test_windows__nothing_to_ask_is_delivered() -> None:
    """A stream whose days all lie behind makes no call and is no failure."""
    drive = sync(Graph(QUARTER), [plan("ad", "11-20")], end_date=day("11-10"))

    assert drive.calls == []
    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}


def test_gap__is_read_after_the_present_and_newest_first() -> None:
    """A start moved earlier fetches the missing days from their newest on, moving `since`."""
    bookmark = Bookmark(day=YESTERDAY, since=day("11-01"))

    drive = sync(Graph(QUARTER), [plan("ad", "09-01")], bookmarks={"ad_insights": bookmark})

    assert asked(drive) == [
        ("ad", "11-01", "11-25"),
        ("ad", "10-02", "10-31"),
        ("ad", "09-01", "10-01"),
    ]
    moves = bookmarks_of(drive, "ad_insights")
    assert [(move.since, move.day) for move in moves] == [
        (day("11-01"), YESTERDAY),
        (day("10-02"), YESTERDAY),
        (day("09-01"), YESTERDAY),
    ]


def test_preset__is_read_in_full_and_moves_no_bookmark() -> None:
    """With `date_preset` the bookmark is neither read nor moved."""
    bookmark = Bookmark(day=YESTERDAY, since=day("01-01"))

    drive = sync(
        Graph(QUARTER),
        [plan("ad", date_preset="last_90d")],
        bookmarks={"ad_insights": bookmark},
    )

    assert asked(drive) == [
        ("ad", "08-27", "09-25"),
        ("ad", "09-26", "10-25"),
        ("ad", "10-26", "11-24"),
    ]
    assert closed(drive, "ad_insights") == []
    assert len(records(drive, "ad_insights")) == 89
    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}


def test_read_at__is_one_instant_a_window() -> None:
    """All pages of a window carry the same `read_at`; the next window has its own."""
    ticks = (NOW + dt.timedelta(minutes=n) for n in range(100))
    drive = sync(
        Graph(QUARTER, most_rows_per_page=7), [plan("ad", "08-28")], utc_now=lambda: next(ticks)
    )

    instants = [record["read_at"] for record in records(drive, "ad_insights")]
    assert instants == [
        *["2026-11-25T03:00:00+00:00"] * 30,
        *["2026-11-25T03:01:00+00:00"] * 30,
        *["2026-11-25T03:02:00+00:00"] * 30,
    ]


def test_records__say_whose_they_are_and_whether_final() -> None:
    """Each record carries account, zone and whether its day is older than 28 days."""
    drive = sync(Graph(QUARTER), [plan("ad", "10-27")])

    first, second = records(drive, "ad_insights")[:2]
    assert first["account_id"] == "1"
    assert first["timezone_name"] == "Europe/Berlin"
    assert (first["date_start"], first["is_final"]) == ("2026-10-27", True)
    assert (second["date_start"], second["is_final"]) == ("2026-10-28", False)


# Too much.


def heavy_over(days: int) -> Callable[[Call], Reply | None]:
    """Refuse ad-level windows of the account of more than so many days."""

    def hook(call: Call) -> Reply | None:
        span = call.params.get("time_range")
        if span is None or call.params["level"] != "ad" or call.path != "act_1/insights":
            return None
        length = dt.date.fromisoformat(span["until"]) - dt.date.fromisoformat(span["since"])
        return fault(*TOO_MUCH) if length.days + 1 > days else None

    return hook


def test_too_much__halves_the_window_to_a_day_and_then_reads_campaigns() -> None:
    """Four days that are too much become two, one, and at last each campaign of the day."""
    truth = {"1": [*every_day("11-22", 4), ad_row("2026-11-23", "a2", "7.00", "c2")]}

    drive = sync(Graph(truth, hook=heavy_over(0)), [plan("ad", "11-22")], mode="sync")

    assert asked(drive)[:5] == [
        ("ad", "11-22", "11-25"),
        ("ad", "11-22", "11-23"),
        ("ad", "11-22", "11-22"),
        ("campaign", "11-22", "11-22"),
        ("ad", "11-22", "11-22"),
    ]
    assert [call.path for call in drive.calls[:5]] == ["act_1/insights"] * 4 + ["c1/insights"]
    assert closed(drive, "ad_insights") == [
        day("11-22"),
        day("11-23"),
        YESTERDAY,
        YESTERDAY,  # the fourth window is today
    ]
    assert covered(drive, "ad_insights") == "11-22..11-25"
    assert sorted(str(record["spend"]) for record in records(drive, "ad_insights")) == [
        "1.25",
        "1.25",
        "1.25",
        "1.25",
        "7.00",
    ]
    # Three days read by campaign went well: the next one is tried as a whole again.
    assert last_bookmark(drive, "ad_insights").pace == Pace(days=1, report_run=True)


def test_too_much__a_run_is_tried_before_fewer_days() -> None:
    """In auto mode a window that is too large as a run as well is halved."""
    code, subcode = RUN_TOO_LARGE
    failed = {"async_status": "Job Failed", "error_code": code, "error_subcode": subcode}

    def hook(call: Call) -> Reply | None:
        if call.method == "GET" and call.path.startswith("70"):
            return failed
        return None if call.method == "POST" else heavy_over(2)(call)

    drive = sync(Graph(QUARTER, hook=hook), [plan("ad", "11-22")])

    assert [(call.method, call.path) for call in drive.calls] == [
        ("GET", "act_1/insights"),
        ("POST", "act_1/insights"),
        ("GET", "7000"),
        ("GET", "act_1/insights"),
        ("GET", "act_1/insights"),
    ]
    assert asked(drive)[1:] == [("ad", "11-22", "11-23"), ("ad", "11-24", "11-25")]
    assert closed(drive, "ad_insights") == [day("11-23"), YESTERDAY]


def test_too_much__what_worked_as_a_run_is_remembered() -> None:
    """The next window, and the bookmark for the next night, begin with a run."""

    def hook(call: Call) -> Reply | None:
        return None if call.method == "POST" else heavy_over(0)(call)

    drive = sync(Graph(QUARTER, hook=hook), [plan("ad", "09-27")])

    assert [call.method for call in drive.calls] == [
        "GET",
        "POST",
        "GET",
        "GET",
        "POST",
        "GET",
        "GET",
    ]
    assert last_bookmark(drive, "ad_insights").pace == Pace(report_run=True, easy=1)
    assert len(records(drive, "ad_insights")) == 60


def test_too_much__an_account_level_day_fails() -> None:
    """There is nothing smaller than one day of one account: the account has failed."""
    drive = sync(lambda _: fault(*TOO_MUCH), [plan("account", "11-24")], mode="sync")

    result = results(drive)["account_insights"]
    assert (result.result, result.code) == (Outcome.FAILED, 2)
    assert closed(drive, "account_insights") == []


def test_pace__of_the_last_night_is_where_this_one_begins_and_grows() -> None:
    """Windows of five days become ten after three that went well; the bookmark keeps it."""
    bookmark = Bookmark(day=day("11-23"), since=day("01-01"), pace=Pace(days=5))

    drive = sync(Graph(QUARTER), [plan("ad")], bookmarks={"ad_insights": bookmark})

    assert asked(drive) == [
        ("ad", "10-26", "10-30"),
        ("ad", "10-31", "11-04"),
        ("ad", "11-05", "11-09"),
        ("ad", "11-10", "11-19"),
        ("ad", "11-20", "11-25"),
    ]
    assert len(closed(drive, "ad_insights")) == 5
    assert last_bookmark(drive, "ad_insights").pace == Pace(days=10, easy=2)


# Idle accounts.


def test_idle__empty_account_rows_close_the_other_levels_without_a_call() -> None:
    """With `account_insights` selected and empty, one call serves four streams."""
    plans = [plan(level, "11-01") for level in ("account", "campaign", "adset", "ad")]

    drive = sync(Graph(NOTHING), plans)

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
    drive = sync(Graph(NOTHING), [plan("campaign", "11-01"), plan("ad", "11-20")])

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

    drive = sync(Graph(NOTHING), plans)

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

    drive = sync(Graph(NOTHING), [plan("account", "11-01"), wide])

    assert asked(drive) == [("account", "11-01", "11-25")]
    assert drive.calls[0].params["action_attribution_windows"] == ["28d_click"]


def test_idle__rows_with_all_attribution_windows_tell() -> None:
    """Where the account stream has every window that others ask, its rows are enough."""
    windows = {"action_attribution_windows": ("1d_view", "28d_click")}
    plans = [plan("account", "11-01", **windows), plan("ad", "11-01", **windows)]

    drive = sync(Graph(NOTHING), plans)

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

    assert asked(drive) == [("account", "11-01", "11-25"), ("account", "09-01", "10-31")]
    assert last_bookmark(drive, "ad_insights").since == day("09-01")


@pytest.mark.parametrize(
    "reply",
    [fault(*WRONG_FIELD), {"data": ["not a row"]}, {"no": "data"}],
    ids=["refused", "not a row", "no data"],
)
def test_idle__a_failing_call_is_only_a_lost_shortcut(reply: Reply) -> None:
    """Without knowledge of the activity each stream asks for itself and is delivered."""
    graph = Graph(NOTHING, hook=lambda call: reply if call.params["level"] == "account" else None)

    drive = sync(graph, [plan("campaign", "11-01"), plan("ad", "11-01")])

    assert [level for level, _, _ in asked(drive)] == ["account", "campaign", "ad"]
    assert outcomes(drive) == {
        "campaign_insights": Outcome.DELIVERED,
        "ad_insights": Outcome.DELIVERED,
    }


# What goes wrong.


def test_unreadable__account_is_asked_once_and_skipped_in_all_streams() -> None:
    """An account without rights costs one call; every stream says why, and keeps its bookmark."""
    plans = [plan(level, "11-01") for level in ("account", "campaign", "ad")]
    drive = sync(lambda _: fault(*NO_ACCESS, "(#200) NOT grant ads_read"), plans)

    assert len(drive.calls) == 1
    assert outcomes(drive) == {
        "account_insights": Outcome.SKIPPED,
        "campaign_insights": Outcome.SKIPPED,
        "ad_insights": Outcome.SKIPPED,
    }
    for result in results(drive).values():
        assert result.code == 200
        assert "(#200) NOT grant ads_read" in result.reason
        assert "share the ad account" in result.reason
        assert (result.covered, result.rows) == (None, 0)
    assert not any(isinstance(event, BookmarkMoved) for event in drive.events)


def test_unreadable__found_out_by_the_activity_call() -> None:
    """The activity call's refusal is the account's: no stream is asked."""
    drive = sync(lambda _: fault(*NO_ACCESS), [plan("campaign", "11-01"), plan("ad", "11-01")])

    assert len(drive.calls) == 1
    assert set(outcomes(drive).values()) == {Outcome.SKIPPED}
    assert {result.account_name for result in results(drive).values()} == {"Client One"}


def test_unreadable__in_the_middle_keeps_what_was_delivered() -> None:
    """Access lost between two streams leaves the first delivered and skips the rest."""
    graph = Graph(
        QUARTER, hook=lambda call: fault(*NO_ACCESS) if call.params["level"] != "account" else None
    )

    drive = sync(graph, [plan(level, "11-01") for level in ("account", "campaign", "ad")])

    assert outcomes(drive) == {
        "account_insights": Outcome.DELIVERED,
        "campaign_insights": Outcome.SKIPPED,
        "ad_insights": Outcome.SKIPPED,
    }
    assert [level for level, _, _ in asked(drive)] == ["account", "campaign"]
    assert results(drive)["ad_insights"].rows == 0


def test_refused__by_two_accounts_ends_that_stream_for_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same refusal twice is a matter of settings: no third account is asked, others go on."""
    truth = {name: every_day("11-01", 5) for name in "123"}
    graph = Graph(
        truth, hook=lambda call: fault(*WRONG_FIELD) if call.params["level"] == "ad" else None
    )
    refused = RefusedStreams()
    plans = [plan("account", "11-01"), plan("ad", "11-01")]

    drives = [
        sync(graph, plans, account=AdAccount(account_id=name), refused=refused) for name in "123"
    ]

    assert [sum(level == "ad" for level, _, _ in asked(drive)) for drive in drives] == [1, 1, 0]
    for drive in drives:
        assert outcomes(drive) == {
            "account_insights": Outcome.DELIVERED,
            "ad_insights": Outcome.FAILED,
        }
    assert "made up" in results(drives[2])["ad_insights"].reason
    assert caplog.text.count("ad_insights is not read any further") == 1


def test_refused__for_different_reasons_closes_nothing() -> None:
    """Two accounts with different errors do not make a wrong setting."""
    truth = {name: every_day("11-01", 5) for name in "123"}
    codes = {"1": (100, None), "2": (3018, None)}
    graph = Graph(
        truth,
        hook=lambda call: fault(*codes[call.account_id]) if call.account_id in codes else None,
    )
    refused = RefusedStreams()

    drives = [
        sync(graph, [plan("ad", "11-01")], account=AdAccount(account_id=name), refused=refused)
        for name in "123"
    ]

    assert [outcomes(drive)["ad_insights"] for drive in drives] == [
        Outcome.FAILED,
        Outcome.FAILED,
        Outcome.DELIVERED,
    ]


def test_refused__in_the_middle_closes_a_stream_under_way() -> None:
    """A stream closed by others stops at its next window."""
    refused = RefusedStreams()

    def hook(_call: Call) -> Reply | None:
        refused.closed["ad_insights"] = "others were refused"
        return None

    drive = sync(Graph(QUARTER, hook=hook), [plan("ad", "08-28")], refused=refused)

    assert len(drive.calls) == 1
    result = results(drive)["ad_insights"]
    assert (result.result, result.reason) == (Outcome.FAILED, "others were refused")
    assert result.covered == DateWindow(day("08-28"), day("09-26"))


def test_keys__two_rows_with_one_key_fail_and_name_it() -> None:
    """Nothing is merged silently: the key is named, and the bookmark stays."""
    row = ad_row("2026-11-20", "a1", "1.25")

    def hook(call: Call) -> Reply | None:
        late = call.params["time_range"]["since"] > "2026-10-26"
        return {"data": [row, {**row, "spend": "9"}]} if late else None

    drive = sync(Graph(QUARTER, hook=hook), [plan("ad", "09-27")])

    result = results(drive)["ad_insights"]
    assert result.result == Outcome.FAILED
    assert "two rows with one key (account_id=1, date_start=2026-11-20, ad_id=a1)" in result.reason
    assert closed(drive, "ad_insights") == [day("10-26")]
    assert result.covered == DateWindow(day("09-27"), day("10-26"))
    assert result.rows == len(records(drive, "ad_insights")) == 30


def test_keys__breakdown_values_tell_rows_apart() -> None:
    """Rows that differ in a breakdown are two rows; one that Meta leaves out has a stand-in."""
    row = ad_row("2026-11-20", "a1", "1.25")
    rows = [{**row, "age": "18-24"}, {**row, "age": "25-34"}, row]

    drive = sync(lambda _: {"data": rows}, [plan("ad", "11-20", breakdowns=("age",))])

    assert [record["age"] for record in records(drive, "ad_insights")] == [
        "18-24",
        "25-34",
        "(none)",
    ]
    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}


def test_keys__a_row_without_its_key_fails() -> None:
    """A row whose ad is not named cannot be told from another."""
    row = ad_row("2026-11-20", "a1", "1.25")
    del row["ad_id"]

    drive = sync(lambda _: {"data": [row]}, [plan("ad", "11-20")])

    assert "a row without a whole key" in results(drive)["ad_insights"].reason
    assert closed(drive, "ad_insights") == []


def test_keys__are_compared_across_campaigns_too() -> None:
    """An ad that two campaigns both report on one day is two rows with one key."""
    rows = [ad_row("2026-11-24", "a1", "1.25", name) for name in ("c1", "c2", "c3")]
    rows[2]["ad_id"] = "a9"

    def hook(call: Call) -> Reply | None:
        return {"data": [rows[0]]} if call.path == "c2/insights" else heavy_over(0)(call)

    drive = sync(
        Graph({"1": rows}, hook=hook), [plan("ad", "11-24")], mode="sync", end_date=YESTERDAY
    )

    assert "two rows with one key" in results(drive)["ad_insights"].reason
    assert closed(drive, "ad_insights") == []


def test_keys__a_campaign_read_again_is_no_second_row() -> None:
    """A restart within one campaign forgets that campaign's rows, and only those."""
    rows = [
        ad_row("2026-11-24", ad_id, "1.25", name)
        for name, ad_id in (("c1", "a1"), ("c2", "a2"), ("c2", "a3"))
    ]
    lost = iter([True])

    def hook(call: Call) -> Reply | None:
        if call.path == "c2/insights" and "after" in call.params and next(lost, False):
            return fault(*CURSOR_LOST)
        return heavy_over(0)(call)

    graph = Graph({"1": rows}, hook=hook, most_rows_per_page=1)
    drive = sync(graph, [plan("ad", "11-24")], mode="sync", end_date=YESTERDAY)

    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}
    assert [record["ad_id"] for record in records(drive, "ad_insights")] == ["a1", "a2", "a2", "a3"]


@pytest.mark.parametrize("levels", [("ad",), ("campaign", "ad")], ids=["stream", "activity"])
def test_token__that_is_dead_ends_everything(levels: tuple[str, ...]) -> None:
    """No account can be read without a token: the error is nobody's result."""
    drive = Drive(lambda _: fault(*TOKEN_DEAD))

    with pytest.raises(TokenRefused):
        sync(drive.answer, [plan(level, "11-01") for level in levels], drive=drive)

    assert len(drive.calls) == 1
    assert drive.events == []


def test_failing__account_is_named_with_its_code() -> None:
    """Retries that came to their end make the stream failed; the next stream is still asked."""
    graph = Graph(
        QUARTER, hook=lambda call: fault(2) if call.params["level"] == "campaign" else None
    )

    drive = sync(graph, [plan(level, "11-01") for level in ("account", "campaign", "ad")])

    assert outcomes(drive) == {
        "account_insights": Outcome.DELIVERED,
        "campaign_insights": Outcome.FAILED,
        "ad_insights": Outcome.DELIVERED,
    }
    assert results(drive)["campaign_insights"].code == 2
    assert sum(level == "campaign" for level, _, _ in asked(drive)) == 5


def test_surprise__costs_one_stream_of_one_account() -> None:
    """An answer nobody foresaw is a failure of that stream; the other one is delivered."""
    graph = Graph(
        QUARTER, hook=lambda call: {"data": [17]} if call.params["level"] == "campaign" else None
    )

    drive = sync(graph, [plan(level, "11-01") for level in ("account", "campaign", "ad")])

    assert outcomes(drive)["campaign_insights"] == Outcome.FAILED
    assert outcomes(drive)["ad_insights"] == Outcome.DELIVERED
    reason = results(drive)["campaign_insights"].reason
    assert reason.startswith("Meta's answer could not be read")


def test_surprise__while_planning_costs_one_stream() -> None:
    """A stream that cannot even be planned is a failure, not the end of the run."""
    drive = sync(
        Graph(QUARTER),
        [plan("account", "11-01"), plan("ad", "11-01")],
        bookmarks={"account_insights": NEW},
    )

    assert outcomes(drive) == {"account_insights": Outcome.DELIVERED, "ad_insights": Outcome.FAILED}


def test_changed__report_fails_and_the_others_go_on() -> None:
    """Rows under other keys are not mixed into the table: that stream says what to do."""
    before = Bookmark(day=YESTERDAY, since=day("01-01"), report="ad|1|age|default")
    plans = [plan("account", "11-01"), plan("ad", "11-01")]

    drive = sync(Graph(QUARTER), plans, bookmarks={"account_insights": NEW, "ad_insights": before})

    assert outcomes(drive) == {"account_insights": Outcome.DELIVERED, "ad_insights": Outcome.FAILED}
    assert "another name" in results(drive)["ad_insights"].reason
    assert [level for level, _, _ in asked(drive)] == ["account"]


def test_time__that_is_over_leaves_the_rest_unfinished() -> None:
    """When no new window may be begun, what was closed counts and the rest says so."""
    allowed = iter([True, True, False])

    drive = sync(Graph(QUARTER), [plan("ad", "08-28")], may_begin=lambda: next(allowed))

    result = results(drive)["ad_insights"]
    assert result.result == Outcome.UNFINISHED
    assert result.covered == DateWindow(day("08-28"), day("10-26"))
    assert closed(drive, "ad_insights") == [day("09-26"), day("10-26")]


def test_time__that_is_over_at_once_makes_no_call() -> None:
    """An account whose turn comes too late is unfinished in all streams, without a call."""
    drive = sync(
        Graph(QUARTER),
        [plan("campaign", "11-01"), plan("ad", "11-01")],
        may_begin=lambda: False,
    )

    assert drive.calls == []
    assert set(outcomes(drive).values()) == {Outcome.UNFINISHED}


# Any weather.


def _stormy(chance: random.Random) -> Callable[[Call], Reply | None]:
    """Let one call in four fail, in any way that an account survives."""
    faults = (TOO_MUCH, TOO_MANY_POINTS, CURSOR_LOST, WRONG_FIELD, NO_ACCESS, (2, None), (1, None))

    def hook(_call: Call) -> Reply | None:
        return fault(*chance.choice(faults)) if chance.random() < 0.25 else None

    return hook


_KEY = {
    "account_insights": ("date_start",),
    "campaign_insights": ("date_start", "campaign_id"),
    "ad_insights": ("date_start", "ad_id"),
}


def _expected(rows: Iterable[dict[str, Any]], stream: str) -> dict[tuple[str, ...], Decimal]:
    """Add the truth up in the test's own way."""
    total: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        total[tuple(row[name] for name in _KEY[stream])] += Decimal(row["spend"])
    return total


def _between(
    table: dict[tuple[str, ...], Decimal], since: str, until: str
) -> dict[tuple[str, ...], Decimal]:
    return {key: spend for key, spend in table.items() if since <= key[0] <= until}


@pytest.mark.parametrize("seed", range(25))
def test_bookmark__never_runs_ahead_of_the_rows(seed: int) -> None:
    """In any weather, all days from `since` to the bookmark are in the table, to the cent."""
    chance = random.Random(seed)  # noqa: S311  (weather)
    rows = [
        ad_row(str(day("09-01") + dt.timedelta(days=n)), ad_id, f"{chance.randint(1, 999)}.5", name)
        for n in range(90)
        for ad_id, name in (("a1", "c1"), ("a2", "c1"), ("a3", "c2"))
        if chance.random() < (0.3 if n < 40 else 0.05)
    ]
    levels = ("account", "campaign", "ad")[seed % 3 :]
    bookmarks = {f"{level}_insights": NEW for level in levels}
    tables: dict[str, dict[tuple[str, ...], Decimal]] = defaultdict(dict)
    graph = Graph({"1": rows}, hook=_stormy(chance), most_rows_per_page=9)
    moves = 0
    for night in range(8):
        today = day("11-18") + dt.timedelta(days=night)
        # From the fifth night on, an earlier start: the gap is filled backwards.
        plans = [plan(level, "10-01" if night < 4 else "09-01") for level in levels]
        drive = sync(graph, plans, bookmarks=bookmarks, today=today)
        for event in drive.events:
            if isinstance(event, Rows) and event.stream:
                ids = _KEY[event.stream]
                tables[event.stream] |= {
                    tuple(record[name] for name in ids): record["spend"] for record in event.records
                }
            elif isinstance(event, BookmarkMoved) and event.bookmark.day:
                moves += 1
                bookmarks = {**bookmarks, event.stream: event.bookmark}
                since, until = str(event.bookmark.since), str(event.bookmark.day)
                assert until < str(today)
                assert _between(tables[event.stream], since, until) == _between(
                    _expected(rows, event.stream), since, until
                )
    assert moves > 0


# What Meta keeps of breakdowns.


def fields_by_window(drive: Drive) -> dict[str, set[str]]:
    return {
        f"{call.params['time_range']['since']}..{call.params['time_range']['until']}": set(
            call.params["fields"].split(",")
        )
        for call in drive.calls
    }


def test_people__with_breakdowns_are_asked_of_thirteen_months_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A window ends where Meta's reach with breakdowns begins, and is asked without it before."""
    caplog.set_level("INFO")
    by_age = plan(
        "ad", breakdowns=("age",), fields=("reach", "spend"), start_date=dt.date(2025, 10, 1)
    )

    drive = sync(Graph(NOTHING), [by_age])

    # Thirteen months before 25 November 2026, and a day inside.
    asked_fields = fields_by_window(drive)
    assert "reach" not in asked_fields["2025-10-01..2025-10-25"]
    assert "reach" in asked_fields["2025-10-26..2025-11-24"]
    assert all("spend" in fields for fields in asked_fields.values())
    assert caplog.text.count("ad_insights: reach stay empty before 2025-10-26") == 1
    assert last_bookmark(drive, "ad_insights").day == YESTERDAY


def test_people__of_a_gap_are_divided_at_the_same_day() -> None:
    """Newest days first, too: the window with reach is the later one."""
    by_age = plan(
        "ad", breakdowns=("age",), fields=("reach", "spend"), start_date=dt.date(2025, 10, 20)
    )
    bookmark = Bookmark(day=YESTERDAY, since=dt.date(2025, 11, 5))

    drive = sync(Graph(NOTHING), [by_age], bookmarks={"ad_insights": bookmark})

    assert {
        window: "reach" in fields
        for window, fields in fields_by_window(drive).items()
        if window < "2025-11-05"
    } == {"2025-10-26..2025-11-04": True, "2025-10-20..2025-10-25": False}
    assert last_bookmark(drive, "ad_insights").since == dt.date(2025, 10, 20)


def test_people__without_breakdowns_are_asked_of_all_history() -> None:
    """Totals keep their reach for 37 months."""
    drive = sync(Graph(NOTHING), [plan("ad", fields=("reach",), start_date=dt.date(2024, 1, 1))])

    assert all("reach" in fields for fields in fields_by_window(drive).values())


def test_hours__are_asked_a_day_at_a_time_and_of_thirteen_months() -> None:
    """An hourly report has 24 rows for each row of others, and no rows at all before."""
    hourly = plan(
        "ad",
        breakdowns=("hourly_stats_aggregated_by_advertiser_time_zone",),
        start_date=dt.date(2025, 1, 1),
    )

    drive = sync(Graph(NOTHING), [hourly])

    windows = list(fields_by_window(drive))
    assert windows[0] == "2025-10-26..2025-10-26"
    assert len(windows) == (TODAY - dt.date(2025, 10, 26)).days + 1


def test_hours__of_idle_days_are_not_asked() -> None:
    """The account-level rows tell on which days there is anything to ask by the hour."""
    hourly = plan(
        "campaign",
        "11-01",
        breakdowns=("hourly_stats_aggregated_by_advertiser_time_zone",),
    )
    active = [ad_row("2026-11-10", "a1", "1"), ad_row("2026-11-12", "a1", "1")]

    def hook(call: Call) -> Reply | None:
        return {"data": []} if call.params["level"] == "campaign" else None

    drive = sync(Graph({"1": active}, hook=hook), [plan("account", "11-01"), hourly])

    assert [item for item in asked(drive) if item[0] == "campaign"] == [
        ("campaign", "11-10", "11-10"),
        ("campaign", "11-12", "11-12"),
    ]
    assert last_bookmark(drive, "campaign_insights").day == YESTERDAY


def test_mmm__is_asked_for_as_a_report_run_at_once() -> None:
    """Meta answers that breakdown in report runs only."""
    drive = sync(Graph(NOTHING), [plan("account", "11-01", breakdowns=("mmm",))])

    assert drive.calls[0].method == "POST"


# Fields that Meta refuses.


def refusing(names: dict[str, set[str]]) -> Callable[[Call], Reply | None]:
    """Refuse fields by account, one at a time, as Meta does."""

    def hook(call: Call) -> Reply | None:
        wanted = set(call.params.get("fields", "").split(","))
        found = sorted(wanted & (names.get("*", set()) | names.get(call.account_id or "", set())))
        return (
            fault(100, None, f"(#100) {found[0]} is not valid for fields param") if found else None
        )

    return hook


def test_refused_fields__cost_a_column_and_not_the_report(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each field that Meta names is left out for this run; rows, bookmark and the others go on."""
    graph = Graph({"1": every_day("11-01", 20)}, hook=refusing({"*": {"cpp", "ctr"}}))

    drive = sync(graph, [plan("ad", "11-01", fields=("spend", "cpp", "ctr", "impressions"))])

    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}
    assert len(drive.calls) == 3
    assert len(records(drive, "ad_insights")) == 20
    assert records(drive, "ad_insights")[0]["cpp"] is None
    assert caplog.text.count("Meta refuses the field cpp to account 1") == 1


@pytest.mark.parametrize(
    ("refused", "asked_with_it"),
    [
        # What Meta refuses to one account may be there for the next ones.
        ({"1": {"cpp"}}, [[True, False], [True], [True]]),
        # User errors lower the quota: a field that is gone is not tried a thousand times.
        ({"*": {"cpp"}}, [[True, False], [True, False], [False]]),
    ],
)
def test_refused_fields__of_two_accounts_are_asked_of_no_third(
    refused: dict[str, set[str]], asked_with_it: list[list[bool]]
) -> None:
    """One account's refusal is its own; that of two holds for the run."""
    graph = Graph({name: [] for name in "123"}, hook=refusing(refused))
    run = shared_with(Drive(graph))
    calls = []
    for name in "123":
        drive = Drive(graph)
        plans = [plan("ad", "11-01", fields=("spend", "cpp"))]
        account = AdAccount(account_id=name)
        drive(sync_account(account, TODAY, plans, {"ad_insights": NEW}, run))
        calls.append(["cpp" in call.params["fields"] for call in drive.calls])

    assert calls == asked_with_it


def test_refused_fields__that_are_keys_fail_the_report() -> None:
    """Without its key a row is none: then the refusal stands."""
    graph = Graph({"1": []}, hook=refusing({"*": {"ad_id"}}))

    drive = sync(graph, [plan("ad", "11-01")])

    assert outcomes(drive) == {"ad_insights": Outcome.FAILED}
    assert "ad_id is not valid" in results(drive)["ad_insights"].reason


def test_refused_fields__do_not_hide_another_refusal() -> None:
    """A refusal that names no field asked is one of the request."""
    graph = Graph({"1": []}, hook=lambda _: fault(100, None, "(#100) since is not valid"))

    drive = sync(graph, [plan("ad", "11-01")])

    assert len(drive.calls) == 1
    assert outcomes(drive) == {"ad_insights": Outcome.FAILED}


def test_refused_fields__of_the_look_for_activity_are_left_out_too() -> None:
    """One sign of life less is still a look."""
    graph = Graph({"1": every_day("11-01", 5)}, hook=refusing({"*": {"conversions"}}))

    drive = sync(graph, [plan("campaign", "11-01"), plan("ad", "11-01")])

    assert [item[0] for item in asked(drive)] == ["account", "account", "campaign", "ad"]


def test_refused_fields__of_the_list_of_campaigns_are_left_out_too() -> None:
    """A day read campaign by campaign survives a refused sign of life that no report asked for."""
    too_much, no_conversions = heavy_over(0), refusing({"*": {"conversions"}})
    graph = Graph(
        {"1": every_day("11-24", 2)}, hook=lambda call: too_much(call) or no_conversions(call)
    )

    drive = sync(graph, [plan("ad", "11-24")], mode="sync")

    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}
    assert len(records(drive, "ad_insights")) == 2
    refused = [call for call in drive.calls if "conversions" in call.params["fields"]]
    assert len(refused) == 1


def test_refused_fields__that_are_all_there_is_end_the_asking() -> None:
    """Where others have met a refusal of each field, a call is made once more, and not for ever."""
    names = set(SIGNS_OF_LIFE)
    graph = Graph({"1": every_day("11-01", 5)}, hook=refusing({"*": names}))
    drive = Drive(graph)
    run = shared_with(drive)
    error = from_envelope({"code": 100, "message": "(#100) x is not valid"}, status=400)
    for account_id in "23":
        run.refused_fields.note(account_id, names, error)
    plans = [plan(level, "11-01", fields=("clicks",)) for level in ("campaign", "ad")]

    streams = [each.name for each in plans]

    drive(sync_account(ACCOUNT, TODAY, plans, dict.fromkeys(streams, NEW), run))

    assert [call.params["level"] for call in drive.calls] == ["account", "campaign", "ad"]
    assert outcomes(drive) == dict.fromkeys(streams, Outcome.DELIVERED)


def test_gone_fields__are_not_asked_of_the_version_without_them() -> None:
    """What the API's version no longer has is known beforehand, and costs no error."""
    gone = "marketing_messages_website_purchase"

    def fields(version: str) -> str:
        drive = sync(
            Graph({"1": []}), [plan("ad", "11-01", fields=("spend", gone))], api_version=version
        )
        return str(drive.calls[0].params["fields"])

    assert gone not in fields("v26.0")
    assert gone in fields("v25.0")


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
    delivered = [each.stream for each in drive.events if isinstance(each, BookmarkMoved)]
    assert delivered == ["adcreatives"]


def test_dimensions__a_lost_account_is_asked_once() -> None:
    """After the first refusal of rights the account's other dimensions are skipped unasked."""
    drive = sync_dimensions(
        CAMPAIGNS,
        ADSETS,
        CREATIVES,
        hook=lambda _call: fault(*NO_ACCESS),
    )

    assert len(drive.calls) == 1
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


def test_dimensions__refused_to_two_accounts_are_closed() -> None:
    """A status that Meta does not know is refused to two accounts and then asked of no other."""
    refused = RefusedStreams()
    asked_of = []
    for account_id in ("1", "2", "3"):
        drive = sync_dimensions(
            CAMPAIGNS,
            CREATIVES,
            hook=lambda call: fault(100) if call.path.endswith("/campaigns") else None,
            account=replace(ACCOUNT, account_id=account_id),
            refused=refused,
            effective_status=("NONSENSE",),
        )
        asked_of.append(len(drive.calls))
        assert [result for _, result, _ in rows_of(drive)] == [Outcome.FAILED, Outcome.DELIVERED]

    assert asked_of[2] == 1
    assert list(refused.closed) == ["campaigns"]
