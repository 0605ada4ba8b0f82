from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.bookmarks import Bookmark, read_partition, write_partition
from tap_meta_partner.planning.fingerprints import ReportChanged, added_fields, fingerprint
from tap_meta_partner.planning.open_days import OpenDays, close_window, open_days
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.settings.model import ReportDefinition

D = dt.date.fromisoformat
TODAY = D("2026-11-25")
AD = ReportDefinition(name="ad_insights", level="ad")
THOROUGHLY = settings(derandomize=True, deadline=None, max_examples=100)


def window(since: str, until: str) -> DateWindow:
    return DateWindow(D(since), D(until))


def delivered(day: str, since: str | None = None, report: str | None = "ad|1||default") -> Bookmark:
    return Bookmark(day=D(day), since=D(since) if since else None, report=report)


def read_all(bookmark: Bookmark, plan: OpenDays, today: dt.date = TODAY, days: int = 7) -> Bookmark:
    """Close every open window, forward from the oldest day, then the gap from its newest."""
    rest = plan.forward
    while rest:
        closed, rest = rest.first(days)
        bookmark = close_window(bookmark, closed, plan, today=today)
    rest = plan.gap
    while rest:
        closed, rest = rest.last(days)
        bookmark = close_window(bookmark, closed, plan, today=today)
    return bookmark


# Which days are open.


def test_first_run__begins_30_days_ago() -> None:
    """Without a start date a new account begins 30 days ago and ends today."""
    plan = open_days(Bookmark(), AD, today=TODAY)

    assert plan.forward == window("2026-10-26", "2026-11-25")
    assert plan.gap is None


def test_first_run__begins_at_start_date() -> None:
    """With a start date a new account begins there."""
    plan = open_days(Bookmark(), replace(AD, start_date=D("2026-01-01")), today=TODAY)

    assert plan.span == window("2026-01-01", "2026-11-25")


def test_first_run__is_clamped_to_what_meta_keeps() -> None:
    """A start date before Meta's 37 months is taken as the oldest day Meta keeps."""
    plan = open_days(Bookmark(), replace(AD, start_date=D("2015-01-01")), today=TODAY)

    assert plan.forward == window("2023-10-26", "2026-11-25")


def test_first_run__with_a_start_tomorrow_has_nothing_to_do() -> None:
    """Where the start date has not come yet in the account's zone, no day is open."""
    plan = open_days(Bookmark(), replace(AD, start_date=D("2026-11-26")), today=TODAY)

    assert plan.forward is plan.gap is plan.span is None


def test_next_run__reads_the_lookback_again() -> None:
    """The next run begins 28 days before the bookmark, that day included."""
    plan = open_days(delivered("2026-11-23", "2026-01-01"), AD, today=TODAY)

    assert plan.forward == window("2026-10-26", "2026-11-25")
    assert plan.gap is None


def test_lookback__of_none_reads_the_last_day_again() -> None:
    """With a lookback of 0 the next run begins at the bookmark itself."""
    definition = replace(AD, lookback_days=0)
    plan = open_days(delivered("2026-11-23", "2026-01-01"), definition, today=TODAY)

    assert plan.forward == window("2026-11-23", "2026-11-25")


def test_lookback__does_not_reach_before_the_first_day_delivered() -> None:
    """Days before `since` were never wanted: the lookback ends there."""
    plan = open_days(delivered("2026-11-23", "2026-11-10"), AD, today=TODAY)

    assert plan.forward == window("2026-11-10", "2026-11-25")


def test_lookback__does_not_reach_before_a_start_date() -> None:
    """An explicit start date ends the lookback, as long as days are delivered up to it."""
    definition = replace(AD, start_date=D("2026-11-15"))
    plan = open_days(delivered("2026-11-23", "2026-01-01"), definition, today=TODAY)

    assert plan.forward == window("2026-11-15", "2026-11-25")
    assert not plan.starts_anew


@pytest.mark.parametrize("days", [5000, 10**6, 10**12])
def test_lookback__may_be_longer_than_the_calendar(days: int) -> None:
    """A huge lookback reads again all that was delivered and Meta still keeps."""
    definition = replace(AD, lookback_days=days)
    plan = open_days(delivered("2026-11-23", "2020-01-01"), definition, today=TODAY)

    assert plan.forward == window("2023-10-26", "2026-11-25")


def test_start__moved_earlier_opens_only_the_missing_days() -> None:
    """An earlier start date opens the days before the first one delivered, beside the lookback."""
    definition = replace(AD, start_date=D("2026-08-01"))
    plan = open_days(delivered("2026-11-23", "2026-10-01"), definition, today=TODAY)

    assert plan.forward == window("2026-10-26", "2026-11-25")
    assert plan.gap == window("2026-08-01", "2026-09-30")
    assert plan.span == window("2026-08-01", "2026-11-25")


def test_gap__moves_since_from_its_newest_day() -> None:
    """Each window closed in the gap moves `since`, so that the next run asks only for the rest."""
    definition = replace(AD, start_date=D("2026-08-01"))
    bookmark = delivered("2026-11-23", "2026-10-01")
    plan = open_days(bookmark, definition, today=TODAY)

    moved = close_window(bookmark, window("2026-09-15", "2026-09-30"), plan, today=TODAY)

    assert moved == replace(bookmark, since=D("2026-09-15"))
    assert open_days(moved, definition, today=TODAY).gap == window("2026-08-01", "2026-09-14")
    assert open_days(read_all(bookmark, plan), definition, today=TODAY).gap is None


def test_start__moved_before_the_history_opens_what_meta_keeps() -> None:
    """The gap is clamped to 37 months, and there is none where `since` is older."""
    definition = replace(AD, start_date=D("2015-01-01"))

    recent = open_days(delivered("2026-11-23", "2023-11-01"), definition, today=TODAY)
    old = open_days(delivered("2026-11-23", "0001-01-01"), definition, today=TODAY)

    assert recent.gap == window("2023-10-26", "2023-10-31")
    assert old.gap is None


def test_gap__needs_a_known_first_day() -> None:
    """State that does not tell its first day, as other versions wrote it, opens no gap."""
    definition = replace(AD, start_date=D("2026-01-01"))
    plan = open_days(delivered("2026-11-23"), definition, today=TODAY)

    assert plan.gap is None
    assert read_all(delivered("2026-11-23"), plan).since == D("2026-10-26")


def test_start__moved_later_than_the_bookmark_starts_anew() -> None:
    """A start date after the bookmark leaves the days between out, and `since` says so."""
    bookmark = delivered("2026-06-30", "2026-01-01")
    plan = open_days(bookmark, replace(AD, start_date=D("2026-10-01")), today=TODAY)

    assert plan.starts_anew
    assert plan.forward == window("2026-10-01", "2026-11-25")
    first = close_window(bookmark, window("2026-10-01", "2026-10-30"), plan, today=TODAY)
    assert (first.since, first.day) == (D("2026-10-01"), D("2026-10-30"))
    assert read_all(bookmark, plan) == replace(first, day=D("2026-11-24"))


def test_start__on_the_day_after_the_bookmark_joins_it() -> None:
    """A start date that leaves no day out does not start anew."""
    bookmark = delivered("2026-09-30", "2026-01-01")
    plan = open_days(bookmark, replace(AD, start_date=D("2026-10-01")), today=TODAY)

    assert not plan.starts_anew
    assert read_all(bookmark, plan).since == D("2026-01-01")


def test_dormant_account__is_clamped_and_starts_anew() -> None:
    """A bookmark older than 37 months begins at the oldest day Meta keeps, not at an error."""
    bookmark = delivered("2022-05-31", "2022-01-01")
    plan = open_days(bookmark, AD, today=TODAY)

    assert plan.forward == window("2023-10-26", "2026-11-25")
    assert plan.starts_anew
    assert read_all(bookmark, plan).since == D("2023-10-26")


def test_end_date__is_the_last_day_open() -> None:
    """With an end date the last open day is that one, at most today."""
    past = open_days(Bookmark(), AD, today=TODAY, end_date=D("2026-11-10"))
    future = open_days(Bookmark(), AD, today=TODAY, end_date=D("2027-01-01"))

    assert past.forward == window("2026-10-26", "2026-11-10")
    assert future.forward == window("2026-10-26", "2026-11-25")


def test_end_date__before_the_lookback_opens_nothing() -> None:
    """Where all days up to the end date are delivered and final, nothing is open."""
    plan = open_days(
        delivered("2026-11-23", "2026-01-01"), AD, today=TODAY, end_date=D("2026-06-30")
    )

    assert plan.forward is None
    assert plan.gap is None


def test_end_date__does_not_move_the_bookmark_back() -> None:
    """A window before the bookmark, read again, leaves the bookmark where it was."""
    bookmark = delivered("2026-11-23", "2026-01-01")
    plan = open_days(bookmark, AD, today=TODAY, end_date=D("2026-11-10"))

    assert plan.forward == window("2026-10-26", "2026-11-10")
    assert read_all(bookmark, plan) == bookmark


def test_future_bookmark__is_believed_up_to_yesterday() -> None:
    """A bookmark beyond yesterday cannot be true: the lookback counts from yesterday."""
    bookmark = delivered("2027-06-01", "2026-01-01")
    plan = open_days(bookmark, AD, today=TODAY)

    assert plan.forward == window("2026-10-27", "2026-11-25")
    assert read_all(bookmark, plan).day == D("2026-11-24")


@pytest.mark.parametrize(
    ("since", "day"), [("2036-10-26", "2036-11-24"), ("2026-11-20", "2026-11-10")]
)
def test_bookmark__without_a_day_in_it_is_no_bookmark(since: str, day: str) -> None:
    """Where `since` lies after the last day, nothing counts as delivered: it is a first run."""
    bookmark = delivered(day, since)
    plan = open_days(bookmark, AD, today=TODAY)

    assert plan.forward == window("2026-10-26", "2026-11-25")
    moved = read_all(bookmark, plan)
    assert (moved.since, moved.day) == (D("2026-10-26"), D("2026-11-24"))


# Closing windows.


def test_today__is_never_promised() -> None:
    """Today's rows are delivered but provisional: the bookmark stops at yesterday."""
    plan = open_days(Bookmark(), AD, today=TODAY)
    bookmark = close_window(Bookmark(), window("2026-10-26", "2026-11-25"), plan, today=TODAY)

    assert bookmark == delivered("2026-11-24", "2026-10-26")


def test_today__alone_moves_nothing() -> None:
    """A window of today alone leaves even a first bookmark unset."""
    plan = open_days(Bookmark(), replace(AD, start_date=TODAY), today=TODAY)

    assert plan.forward == DateWindow(TODAY, TODAY)
    assert close_window(Bookmark(), plan.forward, plan, today=TODAY) == Bookmark()


def test_bookmark__moves_window_by_window() -> None:
    """Each closed window moves the bookmark to its last day; the first one sets `since`."""
    plan = open_days(Bookmark(), AD, today=TODAY)
    first = close_window(Bookmark(), window("2026-10-26", "2026-11-01"), plan, today=TODAY)
    second = close_window(first, window("2026-11-02", "2026-11-08"), plan, today=TODAY)

    assert first == delivered("2026-11-01", "2026-10-26")
    assert second == delivered("2026-11-08", "2026-10-26")


def test_lookback_window__leaves_the_bookmark() -> None:
    """A lookback window that ends before the bookmark does not pull it back."""
    bookmark = delivered("2026-11-23", "2026-01-01")
    plan = open_days(bookmark, AD, today=TODAY)

    assert close_window(bookmark, window("2026-10-26", "2026-11-01"), plan, today=TODAY) == bookmark


# What the rows are.


def test_fingerprint__is_the_default_list_as_a_word() -> None:
    """The tap's own default list is one word, however long it grows; an empty list is the same."""
    assert fingerprint(AD) == "ad|1||default"
    assert fingerprint(replace(AD, fields=())) == "ad|1||default"
    assert (
        fingerprint(replace(AD, fields=("spend", "clicks"), breakdowns=("gender", "age")))
        == "ad|1|age,gender|clicks,spend"
    )


@pytest.mark.parametrize(
    "definition",
    [
        ReportDefinition(name="by_age", level="campaign", breakdowns=("age",)),
        ReportDefinition(name="by_age", level="ad", breakdowns=("age", "gender")),
        ReportDefinition(name="by_age", level="ad"),
        ReportDefinition(name="by_age", level="ad", breakdowns=("age",), time_increment=7),
        ReportDefinition(name="by_age", level="ad", breakdowns=("age",), time_increment="monthly"),
    ],
)
def test_changed_keys__are_refused(definition: ReportDefinition) -> None:
    """Another level, other breakdowns or another increment stop the stream, with what to do."""
    bookmark = delivered("2026-11-23", "2026-01-01", "ad|1|age|default")

    with pytest.raises(ReportChanged) as caught:
        open_days(bookmark, definition, today=TODAY)

    text = str(caught.value)
    assert text.startswith("by_age now has level ")
    assert "have level ad, breakdowns [age] and time_increment 1" in text
    assert "give the report another name, or remove this stream from the state" in text


def test_changed_keys__of_action_rows_are_refused() -> None:
    """Action breakdowns are part of the key of action rows, and of nothing else."""
    plain = replace(AD, action_rows=True)
    by_device = replace(plain, action_breakdowns=("action_type", "action_device"))
    kept = delivered("2026-11-23", "2026-01-01", fingerprint(plain))

    with pytest.raises(ReportChanged, match="part of the key of its action rows"):
        open_days(kept, by_device, today=TODAY)

    without = replace(by_device, action_rows=False)
    lists = delivered("2026-11-23", "2026-01-01", fingerprint(AD))
    assert open_days(lists, without, today=TODAY).forward
    assert open_days(kept, replace(plain, action_breakdowns=("action_type",)), today=TODAY).forward


def test_changed_keys__order_of_breakdowns_is_no_change() -> None:
    """The same breakdowns in another order are the same keys."""
    bookmark = delivered("2026-11-23", "2026-01-01", "ad|1|age,gender|default")
    definition = replace(AD, breakdowns=("gender", "age"))

    assert open_days(bookmark, definition, today=TODAY).forward


@pytest.mark.parametrize("report", [None, "", "whatever another tool wrote"])
def test_changed_keys__unknown_fingerprint_is_no_change(report: str | None) -> None:
    """A fingerprint that is missing or not ours does not stop the stream."""
    bookmark = delivered("2026-11-23", "2026-01-01", report)

    assert open_days(bookmark, AD, today=TODAY).report == "ad|1||default"


@pytest.mark.parametrize("report", [None, "", "spend", "a|b", "ad|1||spend|more"])
def test_added_fields__unknown_fingerprint_tells_of_none(report: str | None) -> None:
    """What is no fingerprint of ours does not make every field a new one, to be read again."""
    definition = replace(AD, fields=("spend", "clicks"))
    plan = open_days(
        delivered("2026-11-23", "2026-01-01", report),
        definition,
        today=TODAY,
        backfill_on_change=True,
    )

    assert added_fields(report, definition) == []
    assert plan.forward == window("2026-10-26", "2026-11-25")


def test_added_fields__are_noted_and_not_read_again() -> None:
    """New fields are named once: the next window closed notes them, the past stays as it is."""
    definition = replace(AD, fields=("clicks", "spend", "reach"))
    bookmark = delivered("2026-11-23", "2026-01-01", "ad|1||clicks,spend")
    plan = open_days(bookmark, definition, today=TODAY)

    assert added_fields(bookmark.report, definition) == ["reach"]
    assert plan.forward == window("2026-10-26", "2026-11-25")
    assert added_fields(read_all(bookmark, plan).report, definition) == []


@pytest.mark.parametrize(
    "how", [{"date_preset": "last_7d"}, {"time_increment": "all_days"}], ids=str
)
def test_added_fields__are_none_where_every_run_reads_in_full(how: dict[str, str]) -> None:
    """What an old bookmark asked says nothing of rows that every run reads anew."""
    definition = replace(AD, fields=("spend", "reach"), **how)

    assert added_fields("ad|1||spend", definition) == []


def test_added_fields__with_backfill_are_read_from_since() -> None:
    """`backfill_on_change` opens every day from the first one delivered."""
    definition = replace(AD, fields=("clicks", "spend", "reach"))
    bookmark = delivered("2026-11-23", "2026-01-01", "ad|1||clicks,spend")
    plan = open_days(bookmark, definition, today=TODAY, backfill_on_change=True)

    assert plan.forward == window("2026-01-01", "2026-11-25")


def test_backfill__replaces_bookmark_and_fingerprint_together() -> None:
    """The first closed window takes the bookmark back and notes the new fields in one step."""
    definition = replace(AD, fields=("clicks", "spend", "reach"))
    bookmark = delivered("2026-11-23", "2026-01-01", "ad|1||clicks,spend")
    plan = open_days(bookmark, definition, today=TODAY, backfill_on_change=True)

    first = close_window(bookmark, window("2026-01-01", "2026-01-30"), plan, today=TODAY)

    assert first == delivered("2026-01-30", "2026-01-01", "ad|1||clicks,reach,spend")
    assert read_all(bookmark, plan) == replace(first, day=D("2026-11-24"))


def test_backfill__broken_off_goes_on_where_it_was() -> None:
    """After a crash between two windows the next run reads on to today, no day is left out."""
    definition = replace(AD, fields=("clicks", "spend", "reach"))
    bookmark = delivered("2026-11-23", "2026-01-01", "ad|1||clicks,spend")
    plan = open_days(bookmark, definition, today=TODAY, backfill_on_change=True)
    first = close_window(bookmark, window("2026-01-01", "2026-01-30"), plan, today=TODAY)

    again = open_days(first, definition, today=TODAY, backfill_on_change=True)

    assert again.forward == window("2026-01-02", "2026-11-25")
    assert read_all(first, again) == replace(first, day=D("2026-11-24"))


def test_backfill__broken_off_before_its_first_window_begins_again() -> None:
    """Until a window is closed, the old bookmark and fingerprint stay, and so does the plan."""
    definition = replace(AD, fields=("reach",))
    bookmark = delivered("2026-11-23", "2026-01-01", "ad|1||clicks")
    plans = [
        open_days(bookmark, definition, today=TODAY, backfill_on_change=True) for _ in range(2)
    ]

    assert plans[0] == plans[1]
    assert plans[0].forward == window("2026-01-01", "2026-11-25")


@pytest.mark.parametrize(
    "definition", [replace(AD, fields=("clicks",)), replace(AD, fields=("spend", "clicks"))]
)
def test_backfill__fewer_fields_are_no_change(definition: ReportDefinition) -> None:
    """A field taken out, or the same ones in another order, open nothing more."""
    bookmark = delivered("2026-11-23", "2026-01-01", "ad|1||clicks,spend")
    plan = open_days(bookmark, definition, today=TODAY, backfill_on_change=True)

    assert plan.forward == window("2026-10-26", "2026-11-25")


def test_backfill__growing_default_list_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A longer default list in a later version of the tap re-reads nothing."""
    bookmark = delivered("2026-11-23", "2026-01-01")
    monkeypatch.setattr(
        "tap_meta_partner.planning.fingerprints.DEFAULT_FIELDS", ("impressions", "brand_new_field")
    )
    plan = open_days(bookmark, AD, today=TODAY, backfill_on_change=True)

    assert plan.forward == window("2026-10-26", "2026-11-25")


def test_backfill__from_the_default_list_counts_what_is_not_in_it() -> None:
    """A list of one's own in place of the default adds what the default does not hold."""
    definition = replace(AD, fields=("spend", "purchase_roas"))

    assert added_fields("ad|1||default", definition) == ["purchase_roas"]
    assert added_fields(None, definition) == []


# Pace.


def test_pace__narrowed_grows_after_three_easy_windows() -> None:
    """A halved window doubles after three that went well, up to 30 days."""
    pace = Pace().narrowed(8)
    days = []
    for _ in range(9):
        pace = pace.eased()
        days.append(pace.days)

    assert days == [8, 8, 16, 16, 16, 30, 30, 30, 30]
    assert pace == Pace()


def test_pace__asks_directly_again_once_it_is_wide() -> None:
    """Report runs are given up last: the window grows first, then direct answers are tried."""
    pace = Pace(days=15, report_run=True)
    seen = []
    for _ in range(6):
        pace = pace.eased()
        seen.append((pace.days, pace.report_run))

    assert seen == [(15, True), (15, True), (30, True), (30, True), (30, True), (30, False)]


def test_pace__trouble_counts_easy_windows_anew() -> None:
    """A window that had to be halved or run makes the three easy ones start over."""
    pace = Pace(days=10, easy=2)

    assert pace.narrowed(5) == Pace(days=5)
    assert pace.with_report_run() == Pace(days=10, report_run=True)


@pytest.mark.parametrize(("asked", "days"), [(0, 1), (1, 1), (7, 7), (90, 10)])
def test_pace__is_at_least_a_day_and_never_wider_than_before(asked: int, days: int) -> None:
    """Narrowing ends at a day and never widens."""
    assert Pace(days=10).narrowed(asked).days == days


# State.


def test_partition__is_the_sdks_own_shape() -> None:
    """The bookmark is written as the SDK writes it, the tap's own keys beside it."""
    partition: dict[str, Any] = {"context": {"account_id": "1"}}
    bookmark = replace(
        delivered("2026-11-23", "2026-10-26"), pace=Pace(days=15, report_run=True, easy=1)
    )

    write_partition(bookmark, partition)

    assert partition == {
        "context": {"account_id": "1"},
        "replication_key": "date_start",
        "replication_key_value": "2026-11-23",
        "since": "2026-10-26",
        "report": "ad|1||default",
        "pace": {"days": 15, "mode": "async", "easy": 1},
    }


def test_partition__without_a_bookmark_holds_its_context_only() -> None:
    """Nothing delivered writes no key and removes those of before; strange keys stay."""
    partition: dict[str, Any] = {"context": {}, "starting_replication_value": "x"}
    write_partition(delivered("2026-11-23", "2026-10-26"), partition)
    write_partition(Bookmark(), partition)

    assert partition == {"context": {}, "starting_replication_value": "x"}


@pytest.mark.parametrize(
    "value", ["2026-11-23", "2026-11-23T00:00:00+00:00", "2026-11-23T00:00:00Z"]
)
def test_partition__takes_a_date_time_for_its_date(value: str) -> None:
    """A bookmark that another version wrote as a date-time counts with its date."""
    assert read_partition({"replication_key_value": value}).day == D("2026-11-23")


@pytest.mark.parametrize("key", ["replication_key_value", "since"])
@pytest.mark.parametrize("value", ["", "yesterday", 20, ["2026-11-23"], {}, "2026-13-01"])
def test_partition__with_a_wrong_date_is_named(key: str, value: object) -> None:
    """A date that is none is an error that names key and value, not a silent full read."""
    with pytest.raises(ValueError, match=f"^{key} is .*, which is not a date$"):
        read_partition({key: value})


@pytest.mark.parametrize(
    "pace",
    [
        "fast",
        [],
        {"days": 0},
        {"days": 31},
        {"days": "7"},
        {"days": 7, "easy": "1"},
        {"days": None},
    ],
)
def test_partition__with_a_wrong_pace_loses_a_hint(pace: object) -> None:
    """A pace that makes no sense is the usual pace, and no error."""
    assert read_partition({"pace": pace, "report": 5}) == Bookmark()


@pytest.mark.parametrize("mode", [None, "fast", 5, [], {}, ["async"]], ids=repr)
def test_partition__with_a_wrong_mode_asks_directly(mode: object) -> None:
    """A mode this version does not know is the direct one."""
    assert read_partition({"pace": {"days": 7, "mode": mode}}).pace == Pace(days=7)


def test_partition__negative_easy_windows_are_none() -> None:
    """A count of easy windows below 0 is 0."""
    assert read_partition({"pace": {"days": 7, "easy": -4}}).pace == Pace(days=7)


DATES = st.dates(min_value=dt.date(2024, 1, 1), max_value=dt.date(2026, 12, 31))
PACES = st.builds(
    Pace, days=st.integers(1, 30), report_run=st.booleans(), easy=st.integers(0, 2)
) | st.integers(0, 2).map(lambda easy: Pace(days=1, report_run=True, by_campaign=True, easy=easy))
BOOKMARKS = st.builds(
    Bookmark,
    day=st.none() | DATES,
    since=st.none() | DATES,
    report=st.none() | st.text(min_size=1),
    pace=PACES,
)


@THOROUGHLY
@given(BOOKMARKS, BOOKMARKS)
def test_partition__reads_back_what_was_written(before: Bookmark, bookmark: Bookmark) -> None:
    """A bookmark written over another one reads back equal."""
    partition: dict[str, Any] = {"context": {"account_id": "1"}}
    write_partition(before, partition)
    write_partition(bookmark, partition)

    assert read_partition(partition) == bookmark


# Whole histories: nights with other settings, broken off anywhere.

NIGHTS = st.lists(
    st.tuples(
        st.integers(0, 60),  # days since the run before
        st.none() | st.integers(0, 500),  # start_date: days before today
        st.none() | st.integers(0, 60),  # end_date: days before today
        st.integers(0, 40),  # lookback_days
        st.sampled_from([None, ("spend",), ("spend", "clicks")]),  # fields
        st.booleans(),  # backfill_on_change
        st.lists(st.integers(1, 30), max_size=40),  # windows until the run breaks off
    ),
    min_size=1,
    max_size=8,
)


def windows_of(plan: OpenDays, sizes: list[int]) -> list[DateWindow]:
    """Cut what is open into windows of these sizes, until there is nothing left of either."""
    found, forward, gap = [], plan.forward, plan.gap
    for days in sizes:
        if forward:
            closed, forward = forward.first(days)
        elif gap:
            closed, gap = gap.last(days)
        else:
            break
        found.append(closed)
    return found


@settings(derandomize=True, deadline=None, max_examples=300)
@given(NIGHTS)
def test_history__bookmark_never_claims_a_day_not_delivered(nights: list[tuple[Any, ...]]) -> None:
    """Whatever the settings did and wherever runs broke off, every day claimed was delivered."""
    today, bookmark = D("2025-06-15"), Bookmark()
    delivered_days: set[dt.date] = set()
    for later, start, end, lookback, fields, backfill, sizes in nights:
        today += dt.timedelta(days=later)
        definition = replace(
            AD,
            fields=fields,
            lookback_days=lookback,
            start_date=None if start is None else today - dt.timedelta(days=start),
        )
        plan = open_days(
            bookmark,
            definition,
            today=today,
            end_date=None if end is None else today - dt.timedelta(days=end),
            backfill_on_change=backfill,
        )
        for closed in windows_of(plan, sizes):
            moved = close_window(bookmark, closed, plan, today=today)
            delivered_days.update(
                closed.since + dt.timedelta(days=number) for number in range(closed.days)
            )
            first = moved.day is not None and (plan.starts_anew or bookmark.day is None)
            assert first or bookmark.day is None or (moved.day or dt.date.min) >= bookmark.day
            bookmark = moved
            if bookmark.day is None:
                continue
            assert bookmark.since is not None
            assert bookmark.since <= bookmark.day < today
            claimed = DateWindow(bookmark.since, bookmark.day)
            assert all(
                claimed.since + dt.timedelta(days=number) in delivered_days
                for number in range(claimed.days)
            )


@settings(derandomize=True, deadline=None, max_examples=200)
@given(NIGHTS, st.lists(st.integers(1, 30), min_size=1))
def test_history__ends_with_the_wanted_days(
    nights: list[tuple[Any, ...]], sizes: list[int]
) -> None:
    """After any history one whole run brings the bookmark to the last day wanted before today."""
    today, bookmark = D("2025-06-15"), Bookmark()
    for later, start, end, lookback, fields, backfill, cuts in nights:
        today += dt.timedelta(days=later)
        definition = replace(
            AD,
            fields=fields,
            lookback_days=lookback,
            start_date=None if start is None else today - dt.timedelta(days=start),
        )
        plan = open_days(
            bookmark,
            definition,
            today=today,
            end_date=None if end is None else today - dt.timedelta(days=end),
            backfill_on_change=backfill,
        )
        for closed in windows_of(plan, cuts):
            bookmark = close_window(bookmark, closed, plan, today=today)
    plan = open_days(bookmark, AD, today=today)
    for closed in windows_of(plan, sizes * 1200):
        bookmark = close_window(bookmark, closed, plan, today=today)

    assert bookmark.day == today - dt.timedelta(days=1)


@THOROUGHLY
@given(DATES, st.integers(0, 200), st.integers(0, 60), st.none() | st.integers(0, 400))
def test_open_days__cover_the_lookback(
    day: dt.date, history: int, lookback: int, start: int | None
) -> None:
    """The open days cover the lookback, as far as days were delivered and are still wanted."""
    today = D("2027-01-01")
    bookmark = Bookmark(day=day, since=day - dt.timedelta(days=history))
    start_date = None if start is None else today - dt.timedelta(days=start)
    plan = open_days(
        bookmark, replace(AD, lookback_days=lookback, start_date=start_date), today=today
    )

    begins = max(
        day - dt.timedelta(days=min(lookback, history)),
        D("2023-12-02"),
        start_date or dt.date.min,
    )
    assert plan.forward == DateWindow(begins, today)


@THOROUGHLY
@given(st.integers(0, 400), st.integers(0, 400), st.lists(st.integers(1, 30), min_size=1))
def test_closing__in_order_ends_at_the_last_day_but_never_today(
    start: int, length: int, sizes: list[int]
) -> None:
    """Windows closed in order leave the bookmark at the last day wanted, yesterday at most."""
    since = TODAY - dt.timedelta(days=start)
    until = min(since + dt.timedelta(days=length), TODAY)
    plan = open_days(Bookmark(), replace(AD, start_date=since), today=TODAY, end_date=until)
    bookmark = Bookmark()
    for closed in windows_of(plan, sizes * 500):
        bookmark = close_window(bookmark, closed, plan, today=TODAY)

    if since == TODAY:
        assert bookmark == Bookmark()
    else:
        assert bookmark.since == since
        assert bookmark.day == min(until, D("2026-11-24"))


def test_pace__by_campaign_is_kept_and_given_up_after_three_days() -> None:
    """A day that was too much is read by campaign the next time too, until three went well."""
    pace = Pace(days=2, report_run=True).with_campaigns()
    partition: dict[str, Any] = {"context": {"account_id": "1"}}
    write_partition(Bookmark(day=dt.date(2026, 11, 1), pace=pace), partition)

    assert pace == Pace(days=1, report_run=True, by_campaign=True)
    assert partition["pace"] == {"days": 1, "mode": "campaign", "easy": 0}
    assert read_partition(partition).pace == pace
    assert pace.eased().eased().eased() == Pace(days=1, report_run=True)
