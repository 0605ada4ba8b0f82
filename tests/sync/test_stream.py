"""One stream of one ad account: its windows, its bookmark, its fields and keys."""

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
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.planning.holes import Hole
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.planning.withheld import Withheld
from tap_meta_partner.sync.account import sync_account
from tap_meta_partner.sync.events import BookmarkMoved, Outcome, Rows, StreamResult
from tests.support.fakes import (
    CURSOR_LOST,
    NO_ACCESS,
    RUN_TOO_LARGE,
    TOO_MANY_POINTS,
    TOO_MUCH,
    WRONG_FIELD,
    Drive,
    Graph,
    ad_row,
    fault,
)
from tests.support.one_account import (
    NEW,
    NOTHING,
    NOW,
    QUARTER,
    TODAY,
    YESTERDAY,
    asked,
    bookmarks_of,
    closed,
    covered,
    day,
    every_day,
    last_bookmark,
    outcomes,
    plan,
    records,
    results,
    shared_with,
    sync,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


ENDS = ("since", "until")


def holes_of(drive: Drive) -> tuple[Hole, ...]:
    """Return what is told as missing at the end."""
    return last_bookmark(drive, "account_insights").holes


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


@pytest.mark.parametrize("days", [1, 2])
def test_history__that_ends_a_day_later_at_meta_costs_that_day_only(days: int) -> None:
    """Whoever's today Meta counts 37 months from: what it has is read, from the first day on."""
    oldest = day("09-01") + dt.timedelta(days=days)

    def hook(call: Call) -> Reply | None:
        since = call.params.get("time_range", {}).get("since", "9999")
        return fault(3018, None, "(#3018) beyond 37 months") if since < str(oldest) else None

    drive = sync(Graph(QUARTER, hook=hook), [plan("ad", "09-01")])

    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}
    assert min(row["date_start"] for row in records(drive, "ad_insights")) == str(oldest)
    assert last_bookmark(drive, "ad_insights").since == oldest
    assert len([call for call in drive.calls if call.params.get("level") == "ad"]) == days + 3


def test_history__that_never_answers_fails_after_two_days() -> None:
    """The same error for ever is no matter of a day."""
    drive = sync(lambda _: fault(3018, None, "(#3018) beyond 37 months"), [plan("ad", "09-01")])

    assert outcomes(drive) == {"ad_insights": Outcome.FAILED}
    assert len([call for call in drive.calls if call.params.get("level") == "ad"]) == 3


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
    # The wall is tried again in vain once more in this run, and then after a week.
    pace = last_bookmark(drive, "ad_insights").pace
    assert (pace.days, pace.by_object, pace.met) == (1, True, TODAY)


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
    assert last_bookmark(drive, "ad_insights").pace == Pace(report_run=True, easy=1, met=TODAY)
    assert len(records(drive, "ad_insights")) == 60


def test_too_much__an_account_level_day_of_which_nothing_fits_is_a_hole() -> None:
    """There is nothing smaller than one field of one day: it is told, kept, and not waited for."""
    drive = sync(lambda _: fault(*TOO_MUCH), [plan("account", "11-24")], mode="sync")

    result = results(drive)["account_insights"]
    assert (result.result, result.new_holes) == (Outcome.INCOMPLETE, 2)
    assert result.reason.startswith("all but this was delivered: 2026-11-24: everything; ")
    assert "code 2/1504038" in result.reason
    assert closed(drive, "account_insights")[-1] == YESTERDAY
    holes = last_bookmark(drive, "account_insights").holes
    assert [(str(hole.window), hole.found) for hole in holes] == [
        ("2026-11-24..2026-11-24", TODAY),
        ("2026-11-25..2026-11-25", TODAY),
    ]


def test_days__of_which_nothing_fits_are_three_where_the_newest_is_no_better() -> None:
    """All of 90 days is too much, however little is asked: three are tried, and then the newest."""
    drive = sync(lambda _: fault(*TOO_MUCH), [plan("account", "08-28")], mode="sync")

    result = results(drive)["account_insights"]
    assert result.result is Outcome.FAILED
    assert result.reason.startswith("nothing can be read of day after day, however little is asked")
    assert closed(drive, "account_insights") == [day("08-28"), day("08-29"), day("08-30")]
    assert asked(drive)[-1] == ("account", "11-25", "11-25")
    assert len(drive.calls) < 40


def test_days__of_which_nothing_fits_stop_nobody_whose_newest_one_is_read() -> None:
    """A week in the middle cannot be had: each of its days is a hole, and all others are there."""
    lost = {str(day("10-01") + dt.timedelta(days=number)) for number in range(7)}
    graph = Graph(QUARTER)

    def heavy(call: Call) -> Reply:
        if "time_range" not in call.params:
            return graph(call)
        asked_for = DateWindow(*(day(call.params["time_range"][end][5:]) for end in ENDS))
        return fault(*TOO_MUCH) if lost & set(map(str, asked_for.each_day())) else graph(call)

    drive = sync(heavy, [plan("account", "08-28")], mode="sync")

    assert results(drive)["account_insights"].result is Outcome.INCOMPLETE
    assert {str(hole.window.since) for hole in holes_of(drive)} == lost
    assert len(records(drive, "account_insights")) == 90 - 7
    assert last_bookmark(drive, "account_insights").last_day == YESTERDAY


def test_days__of_which_nothing_fits_are_thirty_a_run() -> None:
    """A newest day that is read does not let a run spend its night on years that cannot be had."""
    graph = Graph(QUARTER)

    def heavy(call: Call) -> Reply:
        if "time_range" not in call.params:
            return graph(call)
        newest = call.params["time_range"]["since"] >= "2026-11-20"
        return graph(call) if newest else fault(*TOO_MUCH)

    first = sync(heavy, [plan("account", "08-28")], mode="sync")

    assert results(first)["account_insights"].result is Outcome.FAILED
    assert len(holes_of(first)) == 30

    kept = {"account_insights": last_bookmark(first, "account_insights")}
    second = sync(heavy, [plan("account", "08-28")], mode="sync", bookmarks=kept)

    assert len(holes_of(second)) == 60


def test_holes__are_tried_again_and_new_ones_only_fail_the_run() -> None:
    """The next night asks for them once more: still missing is no news, and read is forgotten."""
    day_plan = [plan("account", "11-24")]
    first = sync(lambda _: fault(*TOO_MUCH), day_plan, mode="sync")
    kept = {"account_insights": last_bookmark(first, "account_insights")}
    tomorrow = TODAY + dt.timedelta(days=1)

    second = sync(
        lambda _: fault(*TOO_MUCH),
        day_plan,
        mode="sync",
        bookmarks=kept,
        today=tomorrow,
        end_date=TODAY,
    )
    assert (results(second)["account_insights"].result, second.calls[0].params["level"]) == (
        Outcome.INCOMPLETE,
        "account",
    )
    assert results(second)["account_insights"].new_holes == 0
    # Each day once, as it is, and the plain question behind it.
    assert len(second.calls) == 4

    third = sync(Graph(QUARTER), day_plan, bookmarks=kept, today=tomorrow)
    assert outcomes(third) == {"account_insights": Outcome.DELIVERED}
    assert last_bookmark(third, "account_insights").holes == ()


def test_holes__of_days_before_the_lookback_are_tried_again_too() -> None:
    """A hole of a long history is asked for as many nights as the lookback has."""
    hole = Hole(
        window=DateWindow(day("01-05"), day("01-05")), what="ad a1", why="x", found=day("11-20")
    )
    bookmark = Bookmark(day=YESTERDAY, since=day("01-01"), holes=(hole,))

    drive = sync(Graph(QUARTER), [plan("ad")], bookmarks={"ad_insights": bookmark})

    assert asked(drive) == [("ad", "10-27", "11-25"), ("ad", "01-05", "01-05")]
    left = last_bookmark(drive, "ad_insights")
    assert (left.day, left.since, left.holes) == (YESTERDAY, day("01-01"), ())

    late = replace(bookmark, holes=(replace(hole, found=day("10-20")),))
    drive = sync(Graph(QUARTER), [plan("ad")], bookmarks={"ad_insights": late})
    assert asked(drive) == [("ad", "10-27", "11-25")]
    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}


def test_holes__of_the_account_level_close_no_other_streams_day() -> None:
    """A day without rows is idle; a day that could not be had is not."""

    def hook(call: Call) -> Reply | None:
        heavy = call.params["level"] == "account" and "cpc" in call.params["fields"]
        return fault(*TOO_MUCH) if heavy else None

    plans = [plan("account", "11-24", fields=("cpc",)), plan("ad", "11-24")]
    drive = sync(Graph(QUARTER, hook=hook), plans, mode="sync")

    assert len(records(drive, "ad_insights")) == 2


@pytest.mark.parametrize("how", [(2, None), (1, None)], ids=["unavailable", "unknown"])
def test_unanswered__asks_for_less_in_the_end(how: tuple[int, int | None]) -> None:
    """A window that stays unanswered is taken as too much; a smaller one may be answered."""

    def hook(call: Call) -> Reply | None:
        return fault(*how) if call.method == "POST" or heavy_over(5)(call) else None

    drive = sync(Graph(QUARTER, hook=hook), [plan("ad", "11-16")], mode="sync")

    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}
    assert len(records(drive, "ad_insights")) == 10


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


# Keys that come twice.


def test_keys__two_rows_with_one_key_are_a_hole_that_names_it() -> None:
    """Nothing is merged silently: the window is read twice more, then all but that key counts."""
    row = ad_row("2026-11-20", "a1", "1.25")

    def hook(call: Call) -> Reply | None:
        late = call.params["time_range"]["since"] > "2026-10-26"
        return {"data": [row, {**row, "spend": "9"}, {**row, "ad_id": "a2"}]} if late else None

    drive = sync(Graph(QUARTER, hook=hook), [plan("ad", "09-27")])

    result = results(drive)["ad_insights"]
    assert (result.result, result.new_holes) == (Outcome.INCOMPLETE, 1)
    assert "the row with the key account_id=1, date_start=2026-11-20, ad_id=a1" in result.reason
    assert "two rows with one key differ" in result.reason
    assert closed(drive, "ad_insights") == [day("10-26"), YESTERDAY]
    assert result.rows == 31
    assert asked(drive).count(("ad", "10-27", "11-25")) == 3


def test_keys__that_agree_when_they_are_read_again_are_delivered() -> None:
    """A row that shifted between two pages is no contradiction."""
    row = ad_row("2026-11-20", "a1", "1.25")
    first = iter([True])

    def hook(_call: Call) -> Reply:
        shifted = [{**row, "spend": "9"}] if next(first, False) else []
        return {"data": [row, *shifted]}

    drive = sync(hook, [plan("ad", "11-20")])

    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}
    assert [record["spend"] for record in records(drive, "ad_insights")][-1] == Decimal("1.25")


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
    assert [hole.window for hole in last_bookmark(drive, "ad_insights").holes] == [
        DateWindow(YESTERDAY, YESTERDAY)
    ]


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

    hours = [call for call in drive.calls if "breakdowns" in call.params]
    assert [call.params["time_range"]["since"] for call in hours] == ["2026-11-10", "2026-11-12"]
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
        ({"1": {"cpp"}}, [[True, False], [True], [True]]),
        ({"1": {"cpp"}, "2": {"cpp"}}, [[True, False], [True, False], [True]]),
    ],
)
def test_refused_fields__of_two_accounts_are_asked_of_the_third(
    refused: dict[str, set[str]], asked_with_it: list[list[bool]]
) -> None:
    """What Meta refuses to some accounts may be there for the next one: values are at stake."""
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
    """A refusal that names no field, and is one of the key alone too, is one of the request."""
    graph = Graph({"1": []}, hook=lambda _: fault(100, None, "(#100) since is not valid"))

    drive = sync(graph, [plan("ad", "11-01")])

    assert [call.params["fields"] for call in drive.calls[1:]] == ["account_id,date_start,ad_id"]
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


def test_refused_fields__of_one_report_are_asked_in_another() -> None:
    """A breakdown under which a field is refused costs nothing where there is none."""

    def hook(call: Call) -> Reply | None:
        refused = "breakdowns" in call.params and "reach" in call.params["fields"]
        return fault(100, None, "(#100) reach is not valid for fields param") if refused else None

    plans = [
        plan("ad", "11-01", name="by_age", breakdowns=("age",), fields=("reach", "spend")),
        plan("ad", "11-01", fields=("reach", "spend")),
    ]
    rows = [row | {"reach": "7"} for row in every_day("11-01", 3)]
    graph = Graph({"1": every_day("11-01", 3)}, hook=hook)

    def meta(call: Call) -> Reply:
        reply = graph(call)
        wanted = call.params["level"] == "ad" and isinstance(reply, dict)
        return {"data": rows} if wanted and "reach" in call.params["fields"] else reply

    drive = sync(meta, plans)

    assert [record["reach"] for record in records(drive, "by_age")] == [None] * 3
    assert [record["reach"] for record in records(drive, "ad_insights")] == [7] * 3


def test_refused_fields__that_are_not_named_are_found(caplog: pytest.LogCaptureFixture) -> None:
    """Missing permission for one field: its column is empty, and nothing else."""
    fields = ("spend", "cpp", "ctr", "impressions", "clicks")

    def hook(call: Call) -> Reply | None:
        unwilling = "ctr" in call.params.get("fields", "").split(",")
        return fault(100, None, "(#100) Missing Permission") if unwilling else None

    drive = sync(
        Graph({"1": every_day("11-01", 3)}, hook=hook), [plan("ad", "11-01", fields=fields)]
    )

    assert outcomes(drive) == {"ad_insights": Outcome.DELIVERED}
    assert len(records(drive, "ad_insights")) == 3
    assert "refuses the field ctr to account 1" in caplog.text
    # Besides the two readings, the key alone and its halves.
    assert len(drive.calls) <= 2 + 2 * 3 + 2


# What days were delivered with.


class Target:
    """Upserts what a stream delivers, night after night, with the bookmark that comes with it.

    Attributes:
        refused: the fields that Meta refuses at present.
        calls: those of the last night.
    """

    def __init__(self, start: str = "11-01", **definition: Any) -> None:  # noqa: ANN401
        self.plan = plan(
            "ad", start, **{"fields": ("spend", "reach"), "lookback_days": 5, **definition}
        )
        self.rows: dict[str, dict[str, Any]] = {}
        self.bookmark = NEW
        self.refused: set[str] = set()
        self.calls: list[Call] = []
        self.restated = "1"

    def night(self, today: dt.date, **run: Any) -> Outcome:  # noqa: ANN401
        """Run once."""
        drive = sync(
            self._meta, [self.plan], bookmarks={"ad_insights": self.bookmark}, today=today, **run
        )
        for record in records(drive, "ad_insights"):
            self.rows[record["date_start"]] = record
        self.bookmark = [self.bookmark, *bookmarks_of(drive, "ad_insights")][-1]
        self.calls = drive.calls
        return outcomes(drive)["ad_insights"]

    def _meta(self, call: Call) -> Reply:
        asked = call.params["fields"].split(",")
        named = sorted(self.refused & set(asked))
        if named:
            return fault(100, None, f"(#100) {named[0]} is not valid for fields param")
        window = call.params["time_range"]
        start, end = (dt.date.fromisoformat(window[name]) for name in ("since", "until"))
        return {
            "data": [
                {
                    "account_id": "1",
                    "ad_id": "a1",
                    "date_start": str(each),
                    "date_stop": str(each),
                    **{name: self.restated for name in asked if name in ("spend", "reach", "cpp")},
                }
                for each in DateWindow(start, end).each_day()
            ]
        }

    def with_reach(self) -> set[str]:
        """Return the days that have a reach."""
        return {each[5:] for each, row in self.rows.items() if row["reach"] is not None}


def days(first: str, last: str) -> set[str]:
    return {str(each)[5:] for each in DateWindow(day(first), day(last)).each_day()}


def test_without__known_values_stay_and_new_days_come_without() -> None:
    """Two nights of a refusal take no value away, and lose no day."""
    target = Target()
    target.night(day("11-20"))
    assert target.with_reach() == days("11-01", "11-20")

    target.refused = {"reach"}
    for night in ("11-21", "11-22"):
        assert target.night(day(night)) == Outcome.DELIVERED
    # 20 November was under way: its numbers were not whole, with whatever fields.
    assert target.with_reach() == days("11-01", "11-19")
    assert set(target.rows) == {f"2026-{each}" for each in days("11-01", "11-22")}
    assert target.bookmark.day == day("11-21")
    withheld = target.bookmark.withheld
    assert {name: list(map(str, found)) for name, found in withheld.without.items()} == {
        "reach": ["2026-11-20..2026-11-22"]
    }
    assert list(map(str, withheld.unread)) == ["2026-11-14..2026-11-19"]
    # One refused question a night.
    assert len(target.calls) == 2


@pytest.mark.parametrize("nights_refused", [1, 3, 12])
def test_without__a_calm_night_makes_all_whole_again(nights_refused: int) -> None:
    """What came without the field is read again, also beyond the lookback, and what was spared."""
    target = Target()
    target.night(day("11-10"))
    target.refused = {"reach"}
    for night in range(nights_refused):
        target.night(day("11-11") + dt.timedelta(days=night))
    target.refused, target.restated = set(), "2"
    today = day("11-11") + dt.timedelta(days=nights_refused)

    target.night(today)

    assert target.with_reach() == days("11-01", str(today)[5:])
    assert target.bookmark.withheld == Withheld()
    # The lookback of each refused night, and all since, are of today's reading.
    reread = {each[5:] for each, row in target.rows.items() if row["spend"] == 2}
    assert reread == days("11-04", str(today)[5:])

    target.night(today + dt.timedelta(days=1))
    assert len(target.calls) == 1


def test_without__a_field_refused_for_ever_costs_its_column_and_one_question_a_night() -> None:
    """Weeks later the lookback is whole again, since none of its days ever had the field."""
    target = Target()
    target.night(day("11-01"))
    target.refused = {"reach"}
    for night in range(2, 25):
        target.night(day("11-01") + dt.timedelta(days=night - 1))
    target.restated = "3"

    target.night(day("11-25"))

    assert len(target.calls) == 2
    assert {each[5:] for each, row in target.rows.items() if row["spend"] == 3} == days(
        "11-18", "11-25"
    )


def test_without__a_field_that_is_new_spares_no_day() -> None:
    """Days that never had it have nothing to lose; their restatements are read as always."""
    target = Target(fields=("spend",))
    target.night(day("11-20"))
    target.plan = Target(fields=("spend", "reach")).plan
    target.refused, target.restated = {"reach"}, "2"

    target.night(day("11-21"))

    assert {each[5:] for each, row in target.rows.items() if row["spend"] == 2} == days(
        "11-14", "11-21"
    )


def test_without__a_field_no_longer_wanted_is_forgotten() -> None:
    """What nobody asks for needs not be read again."""
    target = Target()
    target.night(day("11-20"))
    target.refused = {"reach"}
    target.night(day("11-21"))
    target.plan = Target(fields=("spend",)).plan

    target.night(day("11-22"))

    assert "reach" not in target.bookmark.withheld.without


def test_without__weeks_under_way_are_read_again() -> None:
    """A bucket is spared as a whole or not at all, and never cut."""
    target = Target("10-05", time_increment=7, lookback_days=20)
    target.night(day("11-20"))
    target.refused = {"reach"}

    target.night(day("11-21"))

    (unread,) = target.bookmark.withheld.unread
    assert (unread.since.weekday(), unread.until.weekday()) == (0, 6)
    assert unread.until == day("11-15")
    assert target.calls[-1].params["time_range"]["since"] == "2026-11-16"


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
