"""Where the pages of a window go: records, action rows, ids that rows name, what was spent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.insights.action_rows import action_columns
from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.insights.schema import actions_schema
from tap_meta_partner.settings.model import ReportDefinition
from tap_meta_partner.sync.events import Rows
from tap_meta_partner.sync.record_sink import DuplicateKey, RecordSink

NOW = dt.datetime(2026, 11, 25, 3, 0, tzinfo=dt.timezone.utc)
ACCOUNT = AdAccount(account_id="1", name="One", timezone_name="Europe/Berlin")
REPORT = ReportDefinition(name="r", level="ad", fields=("spend", "actions"), action_rows=True)


def row(day: int, ad_id: str = "a1", spend: str = "1.25", **more: object) -> dict[str, Any]:
    date = f"2026-11-{day:02}"
    return {"date_start": date, "date_stop": date, "ad_id": ad_id, "spend": spend, **more}


def actions(**counts: str) -> list[dict[str, str]]:
    return [{"action_type": name, "value": value} for name, value in counts.items()]


def plan(
    *, rows: bool = True, action_rows: bool = False, shown: set[str] | None = None
) -> InsightsPlan:
    columns = columns_of(REPORT)
    if shown is not None:
        needed = shown | (action_columns(REPORT) if action_rows else set())
        columns = tuple(column for column in columns if column.name in needed)
    return InsightsPlan(
        definition=REPORT,
        columns=columns,
        hidden=frozenset(
            column.name for column in columns if shown is not None and column.name not in shown
        ),
        rows_to="r" if rows else None,
        actions_to="r_actions" if action_rows else None,
        action_columns=frozenset(actions_schema(REPORT)["properties"])
        if action_rows
        else frozenset(),
    )


def sink(wanted: InsightsPlan, named: dict[str, set[str]] | None = None) -> RecordSink:
    made = RecordSink(
        wanted, ACCOUNT, utc_now=lambda: NOW, today=dt.date(2026, 11, 25), named=named
    )
    made.begin()
    return made


def written(
    made: RecordSink, *rows: dict[str, Any], typed: list[dict[str, Any]] | None = None
) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for event in made.page(list(rows) if typed is None else typed):
        assert isinstance(event, Rows)
        found.setdefault(event.stream, []).extend(event.records)
    return found


def test_page__gives_rows_and_action_rows_of_the_same_instant() -> None:
    """Both streams come from one reading, so `read_at` joins them too."""
    found = written(
        sink(plan(action_rows=True)), row(20, actions=actions(like="2", purchase="1")), row(21)
    )

    assert [record["spend"] for record in found["r"]] == [Decimal("1.25"), Decimal("1.25")]
    assert [(item["action_type"], item["value"]) for item in found["r_actions"]] == [
        ("like", Decimal(2)),
        ("purchase", Decimal(1)),
    ]
    assert {item["read_at"] for items in found.values() for item in items} == {NOW.isoformat()}


@pytest.mark.parametrize("shown", [None, {"account_id", "date_start", "ad_id", "spend"}])
def test_page__that_was_read_straight_gives_the_same(shown: set[str] | None) -> None:
    """Typed out of an answer's bytes or out of its rows: the same records, in the same order."""
    rows = [
        row(day, f"a{ad}", f"{day}.{ad}", account_id="act_1", actions=actions(like=str(ad)))
        for day in (20, 21)
        for ad in range(70)
    ]
    wanted = plan(action_rows=True, shown=shown)
    made = sink(wanted)
    answer = made.decode(msgspec.json.encode({"data": rows}))
    assert answer is not None

    assert written(made, typed=answer["data"]) == written(sink(wanted), *rows)


def test_page__gives_action_rows_alone_where_only_these_are_wanted() -> None:
    """The report's own stream may be deselected."""
    found = written(sink(plan(rows=False, action_rows=True)), row(20, actions=actions(like="2")))

    assert set(found) == {"r_actions"}


def test_page__shows_no_column_that_only_action_rows_need() -> None:
    """What was read for the one stream does not turn up in the other."""
    shown = {"account_id", "date_start", "ad_id", "spend"}

    found = written(sink(plan(action_rows=True, shown=shown)), row(20, actions=actions(like="2")))

    assert set(found["r"][0]) == shown
    assert found["r_actions"][0]["value"] == Decimal(2)


def test_page__hands_many_action_rows_on_in_portions() -> None:
    """Memory is bounded: a page of 500 rows is not one list of all its actions."""
    rows = [row(20, ad_id=f"a{n}", actions=actions(like="1")) for n in range(120)]

    portions = [
        len(event.records)
        for event in sink(plan(action_rows=True)).page(rows)
        if event.stream == "r_actions"
    ]

    assert sum(portions) == 120
    assert max(portions) <= 50


def test_action_rows__with_one_key_twice_are_added_up() -> None:
    """Entries that differ in nothing that was asked for are one amount."""
    made = sink(plan(action_rows=True))
    twice = [*actions(like="1"), *actions(like="2")]

    found = written(made, row(20, actions=twice))

    assert [item["value"] for item in found["r_actions"]] == [Decimal(3)]


# Keys that come twice.


def settled(made: RecordSink) -> list[tuple[str, Decimal]]:
    return [
        (record["ad_id"], record["spend"]) for event in made.settle() for record in event.records
    ]


def test_keys__equal_rows_are_one() -> None:
    """A row that moved from one page to the next while they were read comes twice."""
    made = sink(plan())

    first = written(made, row(20, "a1"), row(20, "a2"))
    second = written(made, row(20, "a2"), row(20, "a3"))

    assert [record["ad_id"] for record in first["r"] + second["r"]] == ["a1", "a2", "a3"]
    assert (made.contradictions, made.row_count) == ([], 3)
    assert made.spend == {"2026-11-20": Decimal("3.75")}


def test_keys__rows_that_differ_contradict_each_other() -> None:
    """The key is named with its day; the other rows are handed on."""
    made = sink(plan())

    written(made, row(20, "a1"), row(20, "a2"))
    written(made, row(20, "a1", "9"))

    assert made.contradictions == [("2026-11-20", "account_id=1, date_start=2026-11-20, ad_id=a1")]


def test_keys__a_contradiction_that_is_gone_when_read_again_costs_nothing() -> None:
    """What was held back until it was sure comes at the end."""
    made = sink(plan())
    written(made, row(20, "a1"), row(20, "a1", "9"))
    made.begin()

    found = written(made, row(20, "a1", "9"), row(20, "a2"))

    assert [record["ad_id"] for record in found["r"]] == ["a2"]
    assert settled(made) == [("a1", Decimal(9))]
    assert (made.contradictions, made.row_count) == ([], 2)


def test_keys__that_go_on_contradicting_each_other_are_left_out() -> None:
    """The rows of that key, and no others."""
    made = sink(plan())
    for _ in range(3):
        made.begin()
        found = written(made, row(20, "a1"), row(20, "a2"), row(20, "a1", "9"))

    assert [record["ad_id"] for record in found["r"]] == ["a2"]
    assert settled(made) == []
    assert (len(made.contradictions), made.row_count) == (1, 1)


def test_keys__in_two_parts_of_a_window_contradict_each_other_too() -> None:
    """An object that two campaigns report: which of them is right is not ours to say."""
    made = sink(plan())
    for part, spend in (("c1", "1"), ("c2", "2")):
        made.begin(part)
        written(made, row(20, "a1", spend))

    assert len(made.contradictions) == 1


def test_keys__that_are_not_whole_are_refused() -> None:
    """A row whose ad is not named cannot be told from another."""
    made = sink(plan())
    nameless = row(20)
    del nameless["ad_id"]

    with pytest.raises(DuplicateKey, match="a row without a whole key"):
        written(made, nameless)


def test_named__are_the_ids_in_rows() -> None:
    """Dimensions have to have whatever rows name; a column that is not there names nothing."""
    named: dict[str, set[str]] = {"ad_id": set(), "campaign_id": set()}

    written(sink(plan(), named), row(20, "a1"), row(21, "a2"), row(22, "a1"))

    assert named == {"ad_id": {"a1", "a2"}, "campaign_id": set()}


def test_spend__is_summed_by_day_and_forgotten_when_begun_again() -> None:
    """A window read anew does not count twice."""
    made = sink(plan())
    written(made, row(20, "a1", "1"), row(20, "a2", "2"), row(21, "a1", "4"))
    assert made.spend == {"2026-11-20": Decimal(3), "2026-11-21": Decimal(4)}

    made.begin()
    written(made, row(20, "a1", "1"))

    assert made.spend == {"2026-11-20": Decimal(1)}
    assert made.row_count == 1


def test_spend__of_a_part_that_is_begun_again_counts_once() -> None:
    """A campaign read anew, after a lost cursor say, replaces its own part and no other."""
    made = sink(plan())
    for part, ad_id, spend in (("c1", "a1", "1"), ("c2", "a2", "2"), ("c2", "a2", "2")):
        made.begin(part)
        written(made, row(20, ad_id, spend))

    assert made.spend == {"2026-11-20": Decimal(3)}
    assert made.row_count == 2
