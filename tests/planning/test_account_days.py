"""Days on which an account has not changed: which of them need not be read again."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.account_days import (
    AccountDays,
    days_of,
    may_be_spared,
    moving,
    spared_stretches,
)
from tap_meta_partner.planning.bookmarks import Bookmark, read_partition, write_partition
from tap_meta_partner.planning.digests import Digests
from tap_meta_partner.planning.holes import Hole
from tap_meta_partner.planning.withheld import Withheld
from tap_meta_partner.settings.model import ReportDefinition
from tests.support.windows_read import AD, TODAY, D, window

DAY = dt.timedelta(days=1)
OPEN = DateWindow(TODAY - 29 * DAY, TODAY)
#: What all days were like, and are.
SAME = dict.fromkeys(OPEN.each_day(), "AAAAAAAA")
KNOWN = Bookmark(
    day=TODAY - DAY,
    since=D("2026-01-01"),
    account_days=AccountDays(digests=Digests(of="x", days=SAME), whole=TODAY - DAY),
)


def spared(
    bookmark: Bookmark = KNOWN, now: dict[dt.date, str] | None = None, of: str = "x"
) -> list[DateWindow]:
    return spared_stretches(bookmark, now or SAME, of, OPEN, today=TODAY)


def changed(*days: str) -> dict[dt.date, str]:
    return {**SAME, **{D(day): "BBBBBBBB" for day in days}}


def test_spared__all_but_the_last_days_and_the_final_one() -> None:
    """Today, three days before it, and what becomes final (29 days ago) are read every night."""
    assert spared() == [DateWindow(TODAY - 28 * DAY, TODAY - 4 * DAY)]


def test_spared__around_what_changed() -> None:
    """A day that changed is read; two between others that changed are read along."""
    now = changed("2026-11-05", "2026-11-08", "2026-11-13")

    assert spared(now=now) == [
        window("2026-10-28", "2026-11-04"),
        window("2026-11-09", "2026-11-12"),
        window("2026-11-14", "2026-11-21"),
    ]


def test_spared__a_day_that_went_or_came() -> None:
    """A day that the account has no digest of, then or now, is read."""
    less = {day: text for day, text in SAME.items() if day != D("2026-11-10")}
    before = replace(
        KNOWN,
        account_days=replace(KNOWN.account_days, digests=Digests(of="x", days=less)),
    )

    for found in (spared(now=less), spared(before)):
        assert not any(D("2026-11-10") in set(stretch.each_day()) for stretch in found)
        assert len(found) == 2


@pytest.mark.parametrize(
    "bookmark",
    [
        Bookmark(),
        replace(KNOWN, day=None),
        replace(KNOWN, account_days=replace(KNOWN.account_days, whole=None)),
        replace(KNOWN, account_days=replace(KNOWN.account_days, whole=TODAY - 7 * DAY)),
        replace(KNOWN, account_days=replace(KNOWN.account_days, whole=TODAY + DAY)),
        replace(KNOWN, withheld=Withheld({"reach": (window("2026-11-01", "2026-11-02"),)})),
        replace(KNOWN, withheld=Withheld({}, (window("2026-11-01", "2026-11-02"),))),
    ],
    ids=["new", "lost", "never", "a week ago", "tomorrow", "withheld", "unread"],
)
def test_spared__nothing(bookmark: Bookmark) -> None:
    """Nothing is believed of what was not read whole within a week, or lacks a field."""
    assert spared(bookmark) == []


def test_spared__nothing_where_rows_are_made_otherwise() -> None:
    """Other columns, another question: what was kept says nothing."""
    assert spared(of="y") == []


def test_spared__not_what_has_a_hole() -> None:
    """A day of which something is missing is read again."""
    (stretch,) = spared()
    hole = Hole(window=window("2026-11-10", "2026-11-10"), what="ad 1", why="too much")

    found = spared(replace(KNOWN, holes=(hole,)))
    assert found == [
        DateWindow(stretch.since, D("2026-11-09")),
        DateWindow(D("2026-11-11"), stretch.until),
    ]


@pytest.mark.parametrize(
    ("definition", "may"),
    [
        (AD, True),
        (replace(AD, breakdowns=("age",)), True),
        (ReportDefinition(name="by_age", level="account", breakdowns=("age",)), True),
        (ReportDefinition(name="account_insights", level="account"), False),
        (replace(AD, time_increment=7), False),
        (replace(AD, date_preset="last_7d"), False),
        (replace(AD, filtering=({"field": "ad.id", "operator": "IN", "value": ["1"]},)), False),
        (replace(AD, fields=("total_postbacks",)), False),
    ],
    ids=["ads", "breakdown", "account's", "plain", "weeks", "preset", "filtered", "postbacks"],
)
def test_may_be__spared(definition: ReportDefinition, *, may: bool) -> None:
    """Reports by day that add up to what the account did."""
    assert may_be_spared(definition) is may


def test_moving__is_what_an_account_has_too() -> None:
    """Numbers and actions; neither names nor ids."""
    assert moving(["ad_id", "ad_name", "spend", "actions", "reach", "objective"]) == (
        "spend",
        "actions",
        "reach",
    )


def test_days__tell_any_metric_and_no_order() -> None:
    """A digest moves with each value, not with the order in which Meta lists actions."""
    actions = [{"action_type": "lead", "value": "1"}, {"action_type": "like", "value": "2"}]
    row: dict[str, Any] = {"date_start": "2026-11-01", "spend": "1.20", "actions": actions}
    days = window("2026-11-01", "2026-11-02")
    first = days_of([row], days)

    assert days_of([{**row, "actions": actions[::-1]}], days) == first
    assert days_of([{**row, "spend": "1.21"}], days) != first
    assert days_of([{**row, "actions": actions[:1]}], days) != first
    assert set(first) == {D("2026-11-01"), D("2026-11-02")}
    assert first[D("2026-11-02")] == days_of([], days)[D("2026-11-01")]


def test_partition__comes_back_as_written() -> None:
    """It stands beside the bookmark, and is believed only at that bookmark."""
    partition: dict[str, Any] = {}
    write_partition(KNOWN, partition)
    again = json.loads(json.dumps(partition))

    assert read_partition(again).account_days == KNOWN.account_days
    moved = {**again, "replication_key_value": "2026-11-20"}
    assert read_partition(moved).account_days.digests == Digests()
    for odd in ("words", [], {"days": 7}, {"whole": "soon", "of": 1}):
        assert read_partition({**again, "account_days": odd}).account_days.whole is None
