"""What a report's delivered rows were, and what a changed report does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tap_meta_partner.planning.fingerprints import (
    ReportChanged,
    added_fields,
    fields_before,
    fingerprint,
)
from tap_meta_partner.planning.open_days import close_window, open_days
from tap_meta_partner.settings.model import ReportDefinition
from tests.support.windows_read import AD, TODAY, D, delivered, read_all, window


def test_fingerprint__is_the_default_list_as_a_word() -> None:
    """The tap's own default list is one word, however long it grows; an empty list is the same."""
    assert fingerprint(AD) == "ad|1||default|"
    assert fingerprint(replace(AD, fields=())) == "ad|1||default|"
    assert (
        fingerprint(replace(AD, fields=("spend", "clicks"), breakdowns=("gender", "age")))
        == "ad|1|age,gender|clicks,spend|"
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

    assert open_days(bookmark, AD, today=TODAY).report == "ad|1||default|"


@pytest.mark.parametrize("report", [None, "", "spend", "a|b", "ad|1||spend|more|words"])
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

    new = delivered("2026-01-30", "2026-01-01", "ad|1||clicks,reach,spend|")
    assert first == replace(new, read_on=TODAY)
    assert read_all(bookmark, plan) == replace(new, day=D("2026-11-24"))


def test_backfill__broken_off_goes_on_where_it_was() -> None:
    """After a crash between two windows the next run reads on to today, no day is left out."""
    definition = replace(AD, fields=("clicks", "spend", "reach"))
    bookmark = delivered("2026-11-23", "2026-01-01", "ad|1||clicks,spend")
    plan = open_days(bookmark, definition, today=TODAY, backfill_on_change=True)
    first = close_window(bookmark, window("2026-01-01", "2026-01-30"), plan, today=TODAY)

    again = open_days(first, definition, today=TODAY, backfill_on_change=True)

    assert again.forward == window("2026-01-31", "2026-11-25")
    assert read_all(first, again) == replace(first, day=D("2026-11-24"), read_on=None)


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

    assert added_fields("ad|1||default|", definition) == ["purchase_roas"]
    assert added_fields(None, definition) == []


# What the rows count.


ONE_VIEW = replace(AD, action_attribution_windows=("1d_view",))
SPENDING = replace(AD, filtering=({"field": "spend", "operator": "GREATER_THAN", "value": 0},))
OTHERS = replace(AD, filtering=({"field": "spend", "operator": "GREATER_THAN", "value": 5},))


@pytest.mark.parametrize(
    ("before", "now", "added"),
    [
        (AD, ONE_VIEW, ["1d_view"]),
        (ONE_VIEW, replace(AD, action_attribution_windows=("7d_click", "1d_view")), ["7d_click"]),
        (ONE_VIEW, AD, []),
        (AD, SPENDING, ["filtering"]),
        (SPENDING, OTHERS, ["filtering"]),
        (SPENDING, AD, ["filtering"]),
        (SPENDING, SPENDING, []),
        (
            AD,
            replace(SPENDING, fields=("video_play_actions",)),
            ["video_play_actions", "filtering"],
        ),
    ],
)
def test_added__windows_and_another_filtering_are_changes(
    before: ReportDefinition, now: ReportDefinition, added: list[str]
) -> None:
    """They are said as new fields are, and read again from `since` with `backfill_on_change`."""
    bookmark = delivered("2026-11-23", "2026-01-01", fingerprint(before))

    assert added_fields(bookmark.report, now) == added
    for backfill, since in ((False, "2026-10-26"), (True, "2026-01-01" if added else "2026-10-26")):
        opened = open_days(bookmark, now, today=TODAY, backfill_on_change=backfill)
        assert opened.forward == window(since, "2026-11-25")
        assert added_fields(read_all(bookmark, opened).report, now) == []


@pytest.mark.parametrize("definition", [ONE_VIEW, SPENDING])
def test_added__is_nothing_where_an_older_state_does_not_tell(definition: ReportDefinition) -> None:
    """A fingerprint without that part makes no change of what was always so."""
    assert added_fields("ad|1||default", definition) == []


@pytest.mark.parametrize("report", ["ad|1||clicks,spend", "ad|1||clicks,spend|1d_view"])
def test_fields_before__are_those_that_rows_were_asked_with(report: str) -> None:
    """With or without the part that tells what they count; of anything else nothing is known."""
    assert fields_before(report) == {"clicks", "spend"}
    assert fields_before("whatever") is None
    assert fields_before(None) is None
