from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.rows import RowReader
from tap_meta_partner.settings.model import ReportDefinition
from tests.support.examples import examples

ROWS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "contract" / "real_insights_rows.json").read_text(encoding="utf-8")
)
ABOUT = ROWS.pop("about")

READ_AT = dt.datetime(2026, 11, 25, 3, 4, 5, 678901, tzinfo=dt.timezone.utc)
ACCOUNT = "212551616838260"
THOROUGHLY = settings(derandomize=True, deadline=None)

COUNTS = {
    *("clicks", "estimated_ad_recallers", "impressions", "reach"),
    "instant_experience_clicks_to_open",
}
NUMBERS = {
    *("cost_per_estimated_ad_recallers", "cpm", "cpp", "ctr", "frequency"),
    *("social_spend", "spend"),
}


def reader(*fields: str, today: str = "2026-11-25", **definition: Any) -> RowReader:  # noqa: ANN401
    report = ReportDefinition(name="r", level="ad", fields=fields, **definition)
    made = RowReader(
        stream="r",
        columns=columns_of(report),
        account_id=ACCOUNT,
        timezone_name="America/Los_Angeles",
    )
    made.begin_window(read_at=READ_AT, today=dt.date.fromisoformat(today))
    return made


def read(row: dict[str, Any], *fields: str, **definition: Any) -> dict[str, Any]:  # noqa: ANN401
    """Read the wanted columns of a row of an ad on a day."""
    whole = {"ad_id": "1", "date_start": "2026-11-01", "date_stop": "2026-11-01", **row}
    return reader(*fields, **definition).record(whole)


def types_of(value: Any) -> Any:  # noqa: ANN401  (a record, or a part of one)
    """Return what a value is made of."""
    if isinstance(value, dict):
        return {name: types_of(each) for name, each in value.items()}
    return [types_of(each) for each in value] if isinstance(value, list) else type(value)


# Real rows.


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("spend", ["12", "12.50", "1e3"])
def test_restored__record_is_what_it_was_before_it_lay_in_json(name: str, spend: str) -> None:
    """JSON knows integers only where a number has no fraction; the records' numbers come back."""
    row = {**ROWS[name], "spend": spend, "results": [{"values": [{"value": 2}]}]}
    histogram = {"action_type": "video_view", "value": ["3", "2.5", "1"]}
    row["video_play_curve_actions"] = [histogram]
    made = reader(*row, breakdowns=("age",))
    before = [made.record(row), made.record({**row, "cpm": "7", "clicks": "3.5"})]
    encoded = msgspec.json.Encoder(decimal_format="number").encode(before)

    after = made.restored(msgspec.json.Decoder(float_hook=Decimal).decode(encoded))

    assert after == before
    assert types_of(after) == types_of(before)


def test_real_row__arrives_whole() -> None:
    """A row as a real account answered arrives complete: ids text, counts whole, digits as sent."""
    row = ROWS["ad, no breakdown"]

    record = reader(*row).record(row)

    assert record == {
        "account_id": "212551616838260",
        "date_start": "2021-02-21",
        "ad_id": "23846784938030398",
        "date_stop": "2021-02-21",
        "account_currency": "USD",
        "account_name": "Airbyte",
        "ad_name": "Stock photo ad 2",
        "adset_id": "23846765228280398",
        "adset_name": "Vanilla awareness ad set",
        "buying_type": "AUCTION",
        "campaign_id": "23846765228240398",
        "campaign_name": "Airbyte Awareness Campaign 1 (sherif)",
        "clicks": 0,
        "conversion_rate_ranking": "UNKNOWN",
        "cost_per_estimated_ad_recallers": Decimal("0.010556"),
        "cpm": Decimal("1.310345"),
        "cpp": Decimal("1.370851"),
        "created_time": "2021-02-11",
        "ctr": Decimal(0),
        "engagement_rate_ranking": "UNKNOWN",
        "estimated_ad_recallers": 90,
        "frequency": Decimal("1.046176"),
        "impressions": 725,
        "objective": "BRAND_AWARENESS",
        "optimization_goal": "AD_RECALL_LIFT",
        "quality_ranking": "UNKNOWN",
        "reach": 693,
        "social_spend": Decimal(0),
        "spend": Decimal("0.95"),
        "updated_time": "2021-08-27",
        "video_play_curve_actions": [{"action_type": "video_view"}],
        "timezone_name": "America/Los_Angeles",
        "read_at": "2026-11-25T03:04:05.678901+00:00",
        "is_final": True,
    }


@pytest.mark.parametrize("name", sorted(ROWS))
def test_real_row__keeps_every_value(name: str) -> None:
    """Each value of each real row arrives in its type, with the digits Meta sent."""
    row = ROWS[name]
    breakdowns = () if "no breakdown" in name else tuple(name.removesuffix(", unknown").split(", "))
    made = reader(*row, breakdowns=breakdowns)

    record = made.record(row)

    assert not made.unreadable
    assert set(record) >= set(row)
    for key, value in row.items():
        read_value = record[key]
        if key in COUNTS:
            assert type(read_value) is int
            assert str(read_value) == value
        elif key in NUMBERS:
            assert type(read_value) is Decimal
            assert str(read_value) == value
        else:
            assert read_value == value


def test_real_row__unknown_gender_is_a_value() -> None:
    """Meta's own word for a breakdown it does not know is kept, not replaced."""
    record = reader("spend", breakdowns=("gender",)).record(ROWS["gender, unknown"])

    assert record["gender"] == "unknown"


def test_metric__that_meta_leaves_out_is_null() -> None:
    """A metric absent from the row is null, not 0, and nobody is warned."""
    made = reader("impressions", "spend", "ad_name", "actions", "results", "post_engagement")
    record = made.record({"ad_id": "1", "date_start": "2026-11-01", "date_stop": "2026-11-01"})

    absent = ("impressions", "spend", "ad_name", "actions", "results", "post_engagement")
    assert [record[name] for name in absent] == [None] * 6
    assert not made.unreadable


# Numbers.


@THOROUGHLY
@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_number__keeps_its_digits(number: Decimal) -> None:
    """A number arrives with exactly the digits of its string, trailing zeros among them."""
    assert str(read({"spend": str(number)}, "spend")["spend"]) == str(number)


@pytest.mark.parametrize(
    "text", ["12.340000", "519.544921", "0.1", "12345678901234567890.123456789012345678901"]
)
def test_number__is_never_rounded(text: str) -> None:
    """Neither many digits nor trailing zeros are lost."""
    value = read({"spend": text}, "spend")["spend"]

    assert value == Decimal(text)
    assert str(value) == text


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("725", 725),
        (725, 725),
        ("725.0", 725),
        (Decimal("725.00"), 725),
        ("0", 0),
        ("-3", -3),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775807", -(2**63) + 1),
    ],
    ids=repr,
)
def test_count__is_a_whole_number_however_it_is_written(value: object, count: int) -> None:
    """A count arrives as an int, as a string, a JSON number or with a fraction of zero."""
    read_value = read({"impressions": value}, "impressions")["impressions"]

    assert type(read_value) is int
    assert read_value == count


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-inf", "n/a", "", "1,5", True, []])
@pytest.mark.parametrize("field", ["spend", "impressions"])
def test_number__that_is_none_becomes_null(
    field: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    """A value that is no finite number is null, with one warning however many rows hold it."""
    made = reader(field)
    records = [
        made.record({"ad_id": "1", "date_start": f"2026-11-0{day}", field: value})
        for day in range(1, 6)
    ]

    assert [record[field] for record in records] == [None] * 5
    warnings = [entry for entry in caplog.records if f" {field} is " in entry.getMessage()]
    assert len(warnings) == 1
    assert warnings[0].levelno == logging.WARNING
    assert warnings[0].getMessage().startswith(f"r, account {ACCOUNT}, '2026-11-01': {field} is ")
    assert made.unreadable[field] == 5


def test_count__with_a_fraction_is_not_rounded() -> None:
    """Half an impression is no count: it is null rather than rounded."""
    assert read({"impressions": "1.5"}, "impressions")["impressions"] is None


@pytest.mark.parametrize(
    "value", ["9223372036854775808", 10**30, "12345678901234567890", "1e400", "1e999999999"]
)
def test_count__beyond_64_bits_is_null_and_said(value: object) -> None:
    """A count that no integer column holds would fail the whole load: it is null, and counted."""
    made = reader("impressions")

    assert made.record({"date_start": "2026-11-01", "impressions": value})["impressions"] is None
    assert made.unreadable["impressions"] == 1


@pytest.mark.parametrize("value", ["1e300", "-1e999999", "1e-5000", "9" * 301])
def test_number__beyond_all_bounds_is_null_and_said(value: str) -> None:
    """A number of a thousand digits is none that a column holds: null in a column, and counted."""
    made = reader("spend", "actions")
    row = {"date_start": "2026-11-01", "spend": value, "actions": [{"value": Decimal(value)}]}
    record = made.record(row)

    assert record["spend"] is None
    assert made.unreadable["spend"] == 1
    assert record["actions"] == [{"value": None}]


# Texts, days, breakdowns.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("23846784938030398", "23846784938030398"),
        (23846784938030398, "23846784938030398"),
        (Decimal("1.0"), "1.0"),
        (True, "true"),
        (False, "false"),
        ("", ""),
        ("naïve — 日本", "naïve — 日本"),
        ({"id": "1"}, None),
        ([], None),
    ],
    ids=repr,
)
def test_text__is_a_string_however_it_came(value: object, text: str | None) -> None:
    """Ids that come as JSON numbers are the same digits; what is no scalar is null."""
    assert read({"ad_name": value}, "ad_name")["ad_name"] == text


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-11-01", "2026-11-01"),
        ("2026-11-01T00:00:00+0000", "2026-11-01"),
        pytest.param(
            "20261101",
            "2026-11-01",
            marks=pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 refuses it"),
        ),
        ("2026-02-30", None),
        ("yesterday", None),
        (20261101, None),
        ({}, None),
        ([], None),
    ],
)
def test_day__is_a_date(value: object, day: str | None) -> None:
    """A day is the first ten characters of what came, if they are a date."""
    assert read({"created_time": value}, "created_time")["created_time"] == day


def test_account__is_the_one_asked() -> None:
    """Account and time zone are on every row, also where Meta leaves them out."""
    record = read({}, "spend")

    assert record["account_id"] == ACCOUNT
    assert record["timezone_name"] == "America/Los_Angeles"


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ({"country": "US"}, "US"),
        ({}, "(none)"),
        ({"country": None}, "(none)"),
        ({"country": ""}, "(none)"),
        ({"country": 7}, "7"),
        ({"country": False}, "false"),
        ({"country": ["US"]}, "(none)"),
    ],
)
def test_breakdown__is_never_null(row: dict[str, Any], value: str) -> None:
    """A missing breakdown value is "(none)", so that the key holds no null."""
    assert read(row, "spend", breakdowns=("country",))["country"] == value


@pytest.mark.parametrize(
    ("asset", "asset_id"),
    [
        ({"id": "77", "text": "Buy now"}, "77"),
        ({"id": 77}, "77"),
        ({"text": "no id"}, "(none)"),
        (None, "(none)"),
    ],
)
def test_asset_breakdown__keeps_its_object_and_its_id(asset: object, asset_id: str) -> None:
    """An asset stays as the object Meta sent, and its id is in the key."""
    record = read({"title_asset": asset}, "spend", breakdowns=("title_asset",))

    assert record["title_asset"] == asset
    assert record["title_asset_id"] == asset_id


def test_creative_automation_asset__is_an_object_under_the_name_of_an_id() -> None:
    """The id stays in the key under Meta's name; what else the object tells has its own column."""
    breakdown = "creative_automation_asset_id"
    asset = {"id": "77", "asset_name": "a video", "url": "https://example.com/v"}

    record = read({breakdown: asset}, "spend", breakdowns=(breakdown,))
    assert (record[breakdown], record["creative_automation_asset"]) == ("77", asset)

    bare = read({breakdown: "77"}, "spend", breakdowns=(breakdown,))
    assert (bare[breakdown], bare["creative_automation_asset"]) == ("77", None)


# Action lists.


def test_actions__have_numbers_for_amounts_and_text_for_labels() -> None:
    """In an action list every amount is a number, every name stays as it came."""
    actions = [
        {
            "action_type": "link_click",
            "action_target_id": "120",
            "action_device": "iphone",
            "value": "12",
            "1d_click": "11.50",
            "28d_click_first_conversion": "3",
        },
        {"action_type": "lead", "conversion_destination": "7", "value": 4, "later": None},
    ]

    assert read({"actions": actions}, "actions")["actions"] == [
        {
            "action_type": "link_click",
            "action_target_id": "120",
            "action_device": "iphone",
            "value": Decimal(12),
            "1d_click": Decimal("11.50"),
            "28d_click_first_conversion": Decimal(3),
        },
        {"action_type": "lead", "conversion_destination": "7", "value": Decimal(4), "later": None},
    ]
    assert str(read({"actions": actions}, "actions")["actions"][0]["1d_click"]) == "11.50"


def test_histogram__has_a_list_of_numbers() -> None:
    """A curve's value is a list of numbers, whichever way each is written; shares among them."""
    curve = [{"action_type": "video_view", "value": [100, "50", "0.91", 0]}]

    record = read({"video_play_curve_actions": curve}, "video_play_curve_actions")

    value = [Decimal(100), Decimal(50), Decimal("0.91"), Decimal(0)]
    assert record["video_play_curve_actions"] == [{"action_type": "video_view", "value": value}]


def test_actions__keep_what_is_no_amount() -> None:
    """A value inside an action entry that is no number is kept rather than lost."""
    actions = [{"action_type": "x", "value": "some", "extra": {"a": 1}, "flag": True}]

    assert read({"actions": actions}, "actions")["actions"] == actions


@pytest.mark.parametrize("value", [["lead"], [5], [None], 5, {"lead": 1}, "lead", [[]]])
@pytest.mark.parametrize("field", ["actions", "post_engagement", "video_play_curve_actions"])
def test_actions__of_another_shape_are_null(field: str, value: object) -> None:
    """An action list that holds no objects is null and counted, and the row goes on."""
    source = "actions" if field == "post_engagement" else field
    made = reader(field, "spend")
    record = made.record({"ad_id": "1", "date_start": "2026-11-01", source: value, "spend": "1.5"})

    assert record[field] is None
    assert record["spend"] == Decimal("1.5")
    assert made.unreadable[field] == 1


def test_objects__stay_as_they_came() -> None:
    """Lists whose shape Meta does not publish, and unknown fields, are passed on untouched."""
    results = [{"indicator": "x", "values": [{"value": "1", "attribution_windows": ["default"]}]}]
    record = read({"results": results, "new_field": {"a": ["1"]}}, "results", "new_field")

    assert record["results"] == results
    assert record["new_field"] == {"a": ["1"]}


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ("0.85", [{"values": [{"value": "0.85"}]}]),
        (0, [{"values": [{"value": 0}]}]),
        ({"indicator": "x"}, [{"indicator": "x"}]),
        (["3", None], [{"values": [{"value": "3"}]}, None]),
        ([], []),
        (None, None),
    ],
)
def test_results__are_a_list_of_objects_whatever_came(answered: object, expected: object) -> None:
    """A bare amount stands where the objects have theirs, so that one query finds both."""
    made = reader("cost_per_result")
    record = made.record({"date_start": "2026-11-01", "cost_per_result": answered})

    assert record["cost_per_result"] == expected
    assert not made.unreadable


def test_objective_results__come_as_results() -> None:
    """What Meta answers `objective_results` with is found, unless `results` was asked for too."""
    row = {"results": [{"indicator": "x"}]}

    assert read(row, "objective_results")["objective_results"] == row["results"]
    both = read(row, "objective_results", "results")
    assert (both["objective_results"], both["results"]) == (None, row["results"])
    own = {**row, "objective_results": [{"indicator": "y"}]}
    assert read(own, "objective_results")["objective_results"] == own["objective_results"]


ACTIONS = [
    {"action_type": "link_click", "value": "30"},
    {"action_type": "post_engagement", "value": "40"},
    {"action_type": "page_engagement", "value": "45"},
    {"action_type": "offsite_conversion.fb_pixel_purchase", "value": "2.50"},
]


def test_post_engagement__is_that_action_type_and_no_sum() -> None:
    """page_engagement contains post_engagement, which contains clicks: each is taken alone."""
    record = read({"actions": ACTIONS}, "post_engagement", "page_engagement")

    assert record["post_engagement"] == 40
    assert record["page_engagement"] == 45
    assert type(record["post_engagement"]) is int


def test_post_engagement__adds_up_over_other_breakdowns_of_the_actions() -> None:
    """Entries of one type that differ by device are parts of one count."""
    actions = [
        {"action_type": "post_engagement", "action_device": "iphone", "value": "7"},
        {"action_type": "post_engagement", "action_device": "desktop", "value": "5"},
        {"action_type": "post_engagement", "action_device": "ipad"},
        {"action_type": "page_engagement", "action_device": "iphone", "value": "9"},
    ]

    assert read({"actions": actions}, "post_engagement")["post_engagement"] == 12


def test_action_column__holds_its_type_with_its_digits() -> None:
    """`actions:TYPE` is the value of that type, and null where the day has none of it."""
    purchase = "actions:offsite_conversion.fb_pixel_purchase"
    record = read({"actions": ACTIONS}, purchase, "actions:lead", "action_values:lead")

    assert str(record["actions_offsite_conversion_fb_pixel_purchase"]) == "2.50"
    assert record["actions_lead"] is None
    assert record["action_values_lead"] is None


# What a window's rows share.


def test_read_at__is_one_instant_for_a_window() -> None:
    """All rows of a window say the instant it was asked for; the next window has its own."""
    made = reader("spend")
    row = {"ad_id": "1", "date_start": "2026-11-01"}
    first = [made.record(row)["read_at"] for _ in range(2)]
    made.begin_window(read_at=READ_AT + dt.timedelta(minutes=1), today=dt.date(2026, 11, 25))

    assert first == ["2026-11-25T03:04:05.678901+00:00"] * 2
    assert made.record(row)["read_at"] == "2026-11-25T03:05:05.678901+00:00"


@pytest.mark.parametrize(
    ("day", "final"), [("2026-10-27", True), ("2026-10-28", False), ("2026-11-25", False)]
)
def test_is_final__after_28_days(day: str, *, final: bool) -> None:
    """A row is final when its day was more than 28 days ago in the account's time."""
    assert reader("spend").record({"ad_id": "1", "date_start": day})["is_final"] is final


def test_is_final__is_known_of_a_day_with_a_time() -> None:
    """A day that comes with a time is final or not as the day alone would be: never null."""
    row = {"ad_id": "1", "date_start": "2026-10-27T00:00:00+0000"}

    assert reader("spend").record(row)["is_final"] is True


def test_is_final__is_judged_anew_for_each_window() -> None:
    """A day that was not final becomes so once the account's today has moved on."""
    made = reader("spend", today="2026-11-25")
    row = {"ad_id": "1", "date_start": "2026-10-28"}
    before = made.record(row)["is_final"]
    made.begin_window(read_at=READ_AT, today=dt.date(2026, 11, 26))

    assert (before, made.record(row)["is_final"]) == (False, True)


# Anything at all.

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.text(max_size=12)
    | st.sampled_from(["2026-11-01", "1.50", "NaN", "post_engagement", "-0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["action_type", "value", "1d_click", "id", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
EVERY_KIND = (
    *("ad_name", "created_time", "impressions", "spend", "actions", "video_play_curve_actions"),
    *("results", "new_field", "post_engagement", "action_values:lead"),
)
KEYS = [
    *("account_id", "ad_id", "date_start", "date_stop", "action_values", "country"),
    *("image_asset", "image_asset_id", *EVERY_KIND),
]


@settings(derandomize=True, deadline=None, max_examples=examples(300))
@given(st.dictionaries(st.sampled_from(KEYS), JSON_VALUES))
def test_row__of_anything_becomes_a_record(row: dict[str, Any]) -> None:
    """Whatever JSON the values are, the row is a record with all columns and a key of strings."""
    breakdowns = ("country", "image_asset")
    report = ReportDefinition(name="r", level="ad", fields=EVERY_KIND, breakdowns=breakdowns)

    record = reader(*EVERY_KIND, breakdowns=breakdowns).record(row)

    assert list(record) == [column.name for column in columns_of(report)]
    assert record["account_id"] == ACCOUNT
    assert isinstance(record["country"], str)
    assert isinstance(record["image_asset_id"], str)
    assert record["country"]
    assert record["image_asset_id"]
    assert isinstance(record["impressions"], (int, type(None)))
    assert isinstance(record["spend"], (Decimal, type(None)))
    assert isinstance(record["actions"], (list, type(None)))


def test_actions__amount_that_is_no_number_is_null_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An amount such as NaN inside an action list becomes null, with a warning."""
    row = {"date_start": "2026-11-01", "actions": [{"action_type": "lead", "value": "NaN"}]}

    record = reader("actions").record(row)

    assert record["actions"] == [{"action_type": "lead", "value": None}]
    assert "NaN" in caplog.text
