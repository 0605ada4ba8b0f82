from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.insights.action_rows import ActionRowReader, action_metrics, actions_key
from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.doubts import complaint
from tap_meta_partner.insights.rows import RowReader
from tap_meta_partner.insights.schema import actions_schema, schema_of
from tap_meta_partner.sandbox import World
from tap_meta_partner.sandbox.insights.metrics import METRICS, Presentation
from tap_meta_partner.settings.model import ReportDefinition

THOROUGHLY = settings(derandomize=True, deadline=None)
READ_AT = dt.datetime(2026, 11, 25, 3, 4, 5, tzinfo=dt.timezone.utc)
REAL_ROWS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "contract" / "real_insights_rows.json").read_text(encoding="utf-8")
)
AD_DAY = {"account_id": "7", "ad_id": "1", "date_start": "2026-11-01", "date_stop": "2026-11-01"}


def report(*fields: str, **given: Any) -> ReportDefinition:  # noqa: ANN401
    return ReportDefinition(name="r", level="ad", fields=fields or None, **given)


def typed(row: dict[str, Any], definition: ReportDefinition) -> dict[str, Any]:
    """Read a row as the report's own stream does."""
    reader = RowReader(
        stream="r", columns=columns_of(definition), account_id="7", timezone_name="Asia/Tokyo"
    )
    reader.begin_window(read_at=READ_AT, today=dt.date(2026, 11, 25))
    return reader.record({**AD_DAY, **row})


def long(
    row: dict[str, Any], definition: ReportDefinition, columns: tuple[str, ...] | None = None
) -> list[dict[str, Any]]:
    """Read the action rows of one row as Meta sends it."""
    if columns is None:
        columns = tuple(actions_schema(definition)["properties"])
    return ActionRowReader(definition, columns).records(typed(row, definition))


def short(found: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in found]


# Rows.

ONE_ROW = {
    "spend": "12.50",
    "actions": [
        {"action_type": "link_click", "value": "14", "1d_click": "12", "7d_click": "14"},
        {"action_type": "purchase", "value": "3", "7d_click": "2", "1d_view": "1"},
    ],
    "action_values": [{"action_type": "purchase", "value": "129.970", "7d_click": "80.00"}],
    "purchase_roas": [{"action_type": "omni_purchase", "value": "10.397600"}],
}


def test_row__becomes_one_row_for_each_amount() -> None:
    """Every amount of every list is a row of its own: whose, what, in which window, how much."""
    found = long(ONE_ROW, report("spend", "actions", "action_values", "purchase_roas"))

    assert short(found, "metric", "action_type", "attribution_window", "value") == [
        ("actions", "link_click", "default", 14),
        ("actions", "link_click", "1d_click", 12),
        ("actions", "link_click", "7d_click", 14),
        ("actions", "purchase", "default", 3),
        ("actions", "purchase", "7d_click", 2),
        ("actions", "purchase", "1d_view", 1),
        ("action_values", "purchase", "default", Decimal("129.97")),
        ("action_values", "purchase", "7d_click", 80),
        ("purchase_roas", "omni_purchase", "default", Decimal("10.3976")),
    ]
    assert found[0] == {
        "account_id": "7",
        "date_start": "2026-11-01",
        "ad_id": "1",
        "metric": "actions",
        "action_type": "link_click",
        "attribution_window": "default",
        "value": Decimal(14),
        "date_stop": "2026-11-01",
        "timezone_name": "Asia/Tokyo",
        "read_at": "2026-11-25T03:04:05+00:00",
        "is_final": False,
    }


def test_value__keeps_its_digits() -> None:
    """An amount has exactly the digits that Meta sent."""
    found = long(ONE_ROW, report("action_values", "purchase_roas"))

    assert [str(row["value"]) for row in found] == ["129.970", "80.00", "10.397600"]


def test_row__without_action_lists_has_none() -> None:
    """Where Meta leaves all lists out, or sends empty ones, there is no row."""
    definition = report("actions", "conversions")

    assert long({}, definition) == []
    assert long({"actions": [], "conversions": None}, definition) == []
    assert long({"actions": [{"action_type": "like"}]}, definition) == []


def test_action_breakdowns__are_columns() -> None:
    """Each action breakdown asked is a column and part of the key, `(none)` where it is missing."""
    definition = report("actions", action_breakdowns=("action_type", "action_device"))
    found = long(
        {
            "actions": [
                {"action_type": "like", "action_device": "iphone", "value": "1"},
                {"action_type": "like", "action_device": "desktop", "value": "2"},
                {"action_type": "like", "value": "3"},
                {"action_type": "like", "action_device": "", "1d_view": "4"},
            ]
        },
        definition,
    )

    assert short(found, "action_type", "action_device", "attribution_window", "value") == [
        ("like", "iphone", "default", 1),
        ("like", "desktop", "default", 2),
        ("like", "(none)", "default", 3),
        ("like", "(none)", "1d_view", 4),
    ]


def test_action_type__is_a_column_though_only_others_are_asked() -> None:
    """Entries that have an action type unasked are told apart by it; others have none."""
    definition = report("actions", action_breakdowns=("action_reaction",))
    found = long(
        {
            "actions": [
                {"action_type": "post_reaction", "action_reaction": "love", "value": "1"},
                {"action_type": "comment", "action_reaction": "love", "value": "2"},
                {"action_reaction": "wow", "value": "3"},
            ]
        },
        definition,
    )

    assert short(found, "action_type", "action_reaction", "value") == [
        ("post_reaction", "love", 1),
        ("comment", "love", 2),
        ("(none)", "wow", 3),
    ]


@pytest.mark.parametrize(
    ("label", "text"),
    [(True, "true"), (False, "false"), (Decimal(12), "12"), (None, "(none)"), ({}, "(none)")],
)
def test_label__is_a_text(label: Any, text: str) -> None:  # noqa: ANN401
    """A label that comes as something else is written as text, since it is part of the key."""
    definition = report("actions", action_breakdowns=("is_business_ai_assisted",))
    (row,) = long({"actions": [{"is_business_ai_assisted": label, "value": "1"}]}, definition)

    assert row["is_business_ai_assisted"] == text


def test_breakdowns__of_the_report_are_repeated() -> None:
    """The report's own breakdowns are part of the key, the id of object-valued ones too."""
    definition = report("actions", breakdowns=("country", "image_asset"))
    asset = {"id": "55", "url": "https://example.com/a.png"}
    (row,) = long(
        {"country": "NZ", "image_asset": asset, "actions": [{"action_type": "a", "value": "1"}]},
        definition,
    )

    assert (row["country"], row["image_asset_id"]) == ("NZ", "55")
    assert "image_asset" not in row


def test_default_window__is_written_once() -> None:
    """Where the ad set's own setting is asked by name, its amount comes twice and is one row."""
    definition = report("actions", action_attribution_windows=("default", "7d_click"))
    both = {"action_type": "a", "default": "5", "7d_click": "4", "value": "5"}
    named = {"action_type": "b", "default": "6"}
    found = long({"actions": [both, named]}, definition)

    assert sorted(short(found, "action_type", "attribution_window", "value")) == [
        ("a", "7d_click", 4),
        ("a", "default", 5),
        ("b", "default", 6),
    ]


@pytest.mark.parametrize("leftover", ["n/a", "NaN", "1e999", None, True, ["1", "2"], {"a": "1"}])
def test_amount__that_is_no_number_is_null(leftover: Any) -> None:  # noqa: ANN401
    """What cannot be a number is null and stops nothing."""
    entries = [{"action_type": "a", "value": leftover, "1d_click": "3"}]
    found = long({"actions": entries}, report("actions"))

    assert short(found, "attribution_window", "value") == [("default", None), ("1d_click", 3)]


def test_whole_number__is_taken() -> None:
    """An amount that is an integer already is a number like any other."""
    definition = report("actions")
    record = {**AD_DAY, "actions": [{"action_type": "a", "value": 3}]}
    (row,) = ActionRowReader(definition, ("value",)).records(record)

    assert row["value"] == Decimal(3)
    assert type(row["value"]) is Decimal


def test_two_entries__with_one_key_are_added_up() -> None:
    """They differ in what was not asked for: the amount is theirs together, as in a column."""
    entries = [
        {"action_type": "like", "value": "1"},
        {"action_type": "purchase", "value": "1", "1d_view": "1"},
        {"action_type": "purchase", "1d_view": "2"},
        {"action_type": "purchase", "1d_view": "0.5"},
    ]

    rows = long({"actions": entries}, report("actions"))

    assert [(row["action_type"], row["attribution_window"], row["value"]) for row in rows] == [
        ("like", "default", Decimal(1)),
        ("purchase", "default", Decimal(1)),
        ("purchase", "1d_view", Decimal("3.5")),
    ]


def test_two_entries__that_differ_in_window_or_list_are_none() -> None:
    """One action type in two lists, or with other windows, is several keys."""
    entries = [{"action_type": "a", "value": "1"}, {"action_type": "a", "1d_view": "2"}]
    row = {"actions": entries, "action_values": [{"action_type": "a", "value": "3"}]}

    assert len(long(row, report("actions", "action_values"))) == 3


# Which lists.


def test_metrics__are_the_action_lists_among_the_fields() -> None:
    """Histograms, lists of results and columns drawn out of a list have no long form."""
    definition = report(
        *("spend", "actions", "results", "video_play_curve_actions", "action_values:purchase"),
        *("post_engagement", "cost_per_action_type", "actions"),
    )

    assert action_metrics(definition) == ("actions", "cost_per_action_type")
    assert complaint(definition) is None


def test_metrics__of_the_default_fields() -> None:
    """A report that names no fields has the default action lists."""
    assert action_metrics(report()) == (
        *("actions", "action_values", "cost_per_action_type", "conversions"),
    )


def test_other_lists__make_no_rows() -> None:
    """Histograms and lists of results beside an action list are left to the report's stream."""
    row = {
        "actions": [{"action_type": "video_view", "value": "9"}],
        "video_play_curve_actions": [{"action_type": "video_view", "value": ["100", "90"]}],
        "results": [{"indicator": "actions:lead", "values": [{"value": "3"}]}],
    }

    assert len(long(row, report(*row))) == 1


@pytest.mark.parametrize(
    "fields", [("spend",), ("actions:purchase",), ("post_engagement",), ("results",)]
)
def test_complaint__about_a_report_without_action_lists(fields: tuple[str, ...]) -> None:
    """A report that asks for no action list as such has nothing to make long."""
    text = complaint(report(*fields))

    assert text == "action_rows needs at least one action list among fields, such as actions"


@pytest.mark.parametrize(
    ("breakdowns", "action_breakdowns", "twice"),
    [
        (["signal_source_bucket"], ["action_type", "signal_source_bucket"], "signal_source_bucket"),
        (["value"], [], "value"),
        (["metric", "country"], [], "metric"),
        ([], ["attribution_window"], "attribution_window"),
    ],
)
def test_complaint__about_a_column_that_comes_twice(
    breakdowns: list[str], action_breakdowns: list[str], twice: str
) -> None:
    """A name in two roles would make one column of two different things."""
    definition = report(
        "actions", breakdowns=tuple(breakdowns), action_breakdowns=tuple(action_breakdowns)
    )

    assert (complaint(definition) or "").startswith(f"action_rows cannot have the column {twice} ")


# Key and schema.


@pytest.mark.parametrize(
    ("level", "breakdowns", "action_breakdowns", "key"),
    [
        ("account", [], [], "account_id date_start metric action_type attribution_window"),
        (
            "ad",
            ["age", "body_asset"],
            [],
            "account_id date_start ad_id age body_asset_id metric action_type attribution_window",
        ),
        (
            "campaign",
            [],
            ["action_device", "action_type"],
            "account_id date_start campaign_id metric action_type action_device attribution_window",
        ),
        (
            "adset",
            [],
            ["action_reaction"],
            "account_id date_start adset_id metric action_type action_reaction attribution_window",
        ),
    ],
)
def test_key__is_the_reports_and_what_tells_amounts_apart(
    level: str, breakdowns: list[str], action_breakdowns: list[str], key: str
) -> None:
    """The report's key, the list, the action type, other action breakdowns and the window."""
    definition = ReportDefinition(
        name="r",
        level=level,
        breakdowns=tuple(breakdowns),
        action_breakdowns=tuple(action_breakdowns),
    )

    assert actions_key(definition) == tuple(key.split())
    assert actions_schema(definition)["required"] == key.split()


def test_schema__declares_keys_value_and_when_it_was_read() -> None:
    """Keys are never null; value may be; what the report's row says of itself is as it is there."""
    definition = report("actions", breakdowns=("country",))
    schema = actions_schema(definition)
    of_report = schema_of(definition)["properties"]

    assert schema["type"] == "object"
    assert {name: declared["type"] for name, declared in schema["properties"].items()} == {
        "account_id": "string",
        "date_start": "string",
        "ad_id": "string",
        "country": "string",
        "metric": "string",
        "action_type": "string",
        "attribution_window": "string",
        "value": ["number", "null"],
        "date_stop": ["string", "null"],
        "timezone_name": ["string", "null"],
        "read_at": "string",
        "is_final": "boolean",
    }
    for name in ("account_id", "date_start", "country", "date_stop", "read_at", "is_final"):
        assert schema["properties"][name] == of_report[name]


def test_columns__that_were_not_asked_for_stay_out() -> None:
    """A row has the key and the columns wanted, no more."""
    definition = report("actions")
    (row,) = long({"actions": [{"action_type": "a", "value": "1"}]}, definition, ("read_at",))

    assert set(row) == {*actions_key(definition), "read_at"}


def test_columns__that_the_report_has_not_stay_out() -> None:
    """What is not among the report's own selected columns cannot be repeated."""
    record = {**AD_DAY, "actions": [{"action_type": "a", "value": Decimal(1)}]}
    definition = report("actions")
    columns = tuple(actions_schema(definition)["properties"])
    (row,) = ActionRowReader(definition, columns).records(record)

    assert set(row) == {*actions_key(definition), "value", "date_stop"}


# Many rows.

TYPES = st.sampled_from(["like", "purchase", "omni_purchase", "post_reaction", ""])
DEVICES = st.sampled_from(["iphone", "desktop", ""])
WINDOWS = ("value", "1d_click", "7d_click", "28d_click_first_conversion", "skan_view", "dda")
AMOUNTS = st.dictionaries(
    st.sampled_from(WINDOWS), st.decimals(0, 10**9, places=6).map(str), max_size=len(WINDOWS)
)
ENTRIES = st.dictionaries(st.tuples(TYPES, DEVICES), AMOUNTS, max_size=8)


@THOROUGHLY
@given(st.dictionaries(st.sampled_from(["actions", "action_values", "conversions"]), ENTRIES))
def test_rows__are_as_many_as_amounts_and_add_up(
    lists: dict[str, dict[tuple[str, str], dict[str, str]]],
) -> None:
    """No amount is lost, doubled or changed, and no two rows have one key."""
    definition = report(
        *("actions", "action_values", "conversions"),
        action_breakdowns=("action_type", "action_device"),
    )
    row = {
        metric: [
            {"action_type": kind, "action_device": device, **amounts}
            for (kind, device), amounts in entries.items()
        ]
        for metric, entries in lists.items()
    }
    found = long(row, definition)

    sent = Counter(
        (metric, kind or "(none)", device or "(none)", window.replace("value", "default"), amount)
        for metric, entries in lists.items()
        for (kind, device), amounts in entries.items()
        for window, amount in amounts.items()
    )
    names = ("metric", "action_type", "action_device", "attribution_window")
    assert (
        Counter(
            (*key, str(row["value"])) for row, key in zip(found, short(found, *names), strict=True)
        )
        == sent
    )
    assert len(set(short(found, *actions_key(definition)))) == len(found)


@pytest.mark.parametrize("windows", [(), ("1d_click", "7d_click", "1d_view")])
def test_sandbox__totals_are_the_same_in_the_long_form(windows: tuple[str, ...]) -> None:
    """Made-up accounts' days add up in the long form to what is known of them without it."""
    world = World.demo(now=lambda: READ_AT)
    account = world.readable()[0]
    how = Presentation(
        spend_digits=account.spend_digits,
        value_digits=2,
        windows=windows,
        action_breakdowns=("action_type",),
    )
    fields = ("actions", "action_values", "cost_per_action_type", "conversions")
    definition = report(*fields, action_attribution_windows=windows)
    last = account.today(READ_AT)
    days = [last - dt.timedelta(days=number) for number in range(10)]
    facts = [
        (ad.id, day, found) for day in days for ad, found in world.delivered.ad_days(account, day)
    ]

    amounts = 0
    totals: Counter[tuple[str, ...]] = Counter()
    for ad_id, day, found in facts:
        lists = {name: METRICS[name](found, how) for name in fields}
        whole = {"ad_id": ad_id, "date_start": str(day), "date_stop": str(day), **lists}
        sent = json.loads(json.dumps(whole))
        amounts += sum(len(entry) - 1 for name in fields for entry in sent[name] or ())
        for row in long(sent, definition):
            totals[row["metric"], row["action_type"], row["attribution_window"]] += row["value"]
            amounts -= 1

    assert facts
    assert amounts == 0
    truth = {
        ("actions", "link_click"): sum(found.link_clicks for *_, found in facts),
        ("actions", "purchase"): sum(found.purchases for *_, found in facts),
        ("conversions", "contact_total"): sum(found.contacts for *_, found in facts),
    }
    assert truth["actions", "link_click"]
    for (metric, kind), total in truth.items():
        assert totals[metric, kind, "default"] == total
    value = sum(found.value for *_, found in facts)
    assert totals["action_values", "purchase", "default"] == Decimal(value).scaleb(-2)
    assert {window for *_, window in totals} == {"default", *windows}


@pytest.mark.parametrize("name", sorted(set(REAL_ROWS) - {"about"}))
def test_real_row__gives_a_row_for_each_amount_in_its_lists(name: str) -> None:
    """Of a row as a real account answered, as many rows as its action lists have amounts."""
    row = REAL_ROWS[name]
    # The rows at hand have no action list but a histogram without amounts: two lists are put in.
    actions = ONE_ROW["actions"]
    breakdowns = () if "no breakdown" in name else tuple(name.removesuffix(", unknown").split(", "))
    definition = report(*row, "actions", breakdowns=breakdowns)

    assert long(row, definition) == []
    found = long({**row, "actions": actions}, definition)
    assert len(found) == 6
    key = ["account_id", "ad_id", "date_start", *breakdowns]
    assert {tuple(line[part] for part in key) for line in found} == {
        ("7", *(row[part] for part in key[1:]))
    }
