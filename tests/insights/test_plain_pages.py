"""Pages typed as a whole hold what their rows hold when they are read column by column."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plain_pages import PlainPages
from tap_meta_partner.insights.rows import RowReader
from tap_meta_partner.settings.model import ReportDefinition
from tests.support.examples import examples
from tests.support.real_answers import RealFile, real_files

INSIGHTS = real_files("insights")
REPORT = ReportDefinition(
    name="r",
    level="ad",
    fields=(
        *("ad_name", "created_time", "impressions", "spend", "ctr", "actions", "action_values"),
        *("video_play_curve_actions", "results", "objective_results", "new_field"),
        *("post_engagement", "action_values:lead"),
    ),
    breakdowns=("country", "image_asset"),
    action_breakdowns=("action_type", "action_device", "unheard_of"),
)
#: Each kind of value as Meta writes it, and as it never did.
NUMBERS = st.one_of(
    st.integers(0, 10**6).map(str),
    st.decimals(0, 10**6, places=6).map(str),
    st.sampled_from(
        [
            *("-0", "-0.00", "0012", "1_0", " 5 ", "+5", "١٢", "1e3", "1.", "7d", "0x10", ""),
            *("1E+400", "1E-400", "0E+400", "NaN", "sNaN", "Infinity", "-inf", "null"),
            *("9" * 30, "9007199254740993.0"),
        ]
    ),
    st.sampled_from([None, True, 5, 2**70, Decimal("1.50"), Decimal("1E+400"), [], {}, "unknown"]),
)
TEXTS = st.text(max_size=4) | st.sampled_from(["null", "true", "1", None, 5, False, [], {}])
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"action_type": st.sampled_from(["lead", "post_engagement"]) | TEXTS, "value": NUMBERS},
        optional={
            "1d_click": NUMBERS,
            "default": NUMBERS,
            "action_device": TEXTS,
            "action_reaction": TEXTS,
            "unheard_of": NUMBERS,
        },
    )
    | NUMBERS,
    max_size=3,
)
LISTS = ENTRIES | TEXTS
ROWS = st.fixed_dictionaries(
    {"date_start": st.just("2026-11-01")},
    optional={
        **dict.fromkeys(("ad_id", "ad_name", "country", "image_asset", "unasked"), TEXTS),
        **dict.fromkeys(("date_stop", "created_time"), st.just("2026-11-02") | TEXTS),
        **dict.fromkeys(("impressions", "spend", "ctr", "new_field"), NUMBERS),
        **dict.fromkeys(("actions", "action_values", "results", "objective_results"), LISTS),
        "video_play_curve_actions": LISTS,
    },
)


def reader(report: ReportDefinition) -> RowReader:
    made = RowReader(
        stream="r",
        columns=columns_of(report),
        account_id="1",
        timezone_name="America/Los_Angeles",
        action_breakdowns=report.action_breakdowns,
    )
    made.begin_window(
        read_at=dt.datetime(2026, 11, 25, tzinfo=dt.timezone.utc), today=dt.date(2026, 11, 25)
    )
    return made


def typed(report: ReportDefinition, *rows: dict[str, Any]) -> list[dict[str, Any]] | None:
    return PlainPages(columns_of(report), report.action_breakdowns).read(rows)


def lines(records: list[dict[str, Any]]) -> list[bytes]:
    """Records as they are written: every digit counts, and the order of the columns."""
    encode = msgspec.json.Encoder(decimal_format="number").encode
    return [encode(record) for record in records]


@settings(derandomize=True, deadline=None, max_examples=examples(1000))
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_page__of_anything_is_its_rows(rows: list[dict[str, Any]]) -> None:
    """Whatever is on a page, its records, and what could not be read, are those of its rows."""
    whole, one_by_one = reader(REPORT), reader(REPORT)

    records = whole.records(rows)

    assert lines(records) == lines([one_by_one.record(row) for row in rows])
    assert whole.unreadable == one_by_one.unreadable


def as_json(rows: list[Any], **further: Any) -> bytes:  # noqa: ANN401  (JSON values)
    """An answer's bytes, as Meta writes them: without spaces."""
    return msgspec.json.Encoder(decimal_format="number").encode({"data": rows, **further})


@settings(derandomize=True, deadline=None, max_examples=examples(1000))
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_answer__that_is_read_straight_has_the_same_rows(rows: list[dict[str, Any]]) -> None:
    """Where an answer's bytes are typed at once, records are those of the rows, one by one."""
    body = as_json(rows, paging={"cursors": {"after": "x"}})
    straight, one_by_one = reader(REPORT), reader(REPORT)
    answer = straight.decode(body)
    if answer is None:
        return
    as_usual = msgspec.json.Decoder(float_hook=Decimal).decode(body)

    records = straight.records(answer["data"])

    assert answer["paging"] == as_usual["paging"]
    assert lines(records) == lines([one_by_one.record(row) for row in as_usual["data"]])
    assert straight.unreadable == one_by_one.unreadable


PLAIN = {
    "date_start": "2026-11-01",
    "ad_id": "1",
    "spend": "1.50",
    "actions": [{"action_type": "lead", "value": "2"}],
    "results": [{"indicator": "actions:lead", "values": [{"value": "2"}]}],
}


def test_answer__of_plain_rows_is_read_straight() -> None:
    """The rows are typed, and the paging is there to be followed."""
    answer = reader(REPORT).decode(as_json([PLAIN], paging={"next": "x", "cursors": {}}))

    assert answer is not None
    (row,) = answer["data"]
    assert (row["spend"], row["actions"][0]["value"]) == (Decimal("1.50"), Decimal(2))
    assert answer["paging"] == {"next": "x", "cursors": {}}


@pytest.mark.parametrize(
    "body",
    [
        as_json([{**PLAIN, "unasked": "5"}]),
        as_json([{**PLAIN, "actions": [{"action_type": "lead", "unheard_of": "2"}]}]),
        as_json([PLAIN], summary={"spend": "1.50"}),
        as_json([PLAIN], error={"code": 1}),
        as_json([PLAIN], paging=None),
        as_json([{**PLAIN, "ad_name": 'says "no": 5'}]),
        as_json([PLAIN]).replace(b'":', b'" : '),
        as_json([{**PLAIN, "unasked": "5"}]).replace(b'"unasked"', b'"unasked"  '),
        as_json([{**PLAIN, "unasked": "5"}]).replace(b'"unasked"', b'"unasked"\n'),
        as_json([PLAIN]).replace(b'"ad_id":"1"', b'"ad_id":"1","ad_id":"2"'),
        as_json([{**PLAIN, "spend": 5, "ad_name": 5}]),
        as_json([{**PLAIN, "new_field": [0]}]).replace(b"[0]", b"[" * 10**5 + b"]" * 10**5),
        as_json([PLAIN])[:-1],
        b"[]",
        b"\xff",
        b"",
    ],
    ids=[
        *("a column more", "a key more in a list", "more than rows", "an error", "no paging"),
        *(
            "a name in a text",
            "spaces",
            "two in one place",
            "a line break",
            "a column twice",
            "a number as a name",
            "a deep hole",
        ),
        *("cut short", "no object", "no text", "nothing"),
    ],
)
def test_answer__that_is_anything_else_is_read_as_usual(body: bytes) -> None:
    """What the types have no place for would be left out: it is not read with them."""
    assert reader(REPORT).decode(body) is None


@pytest.mark.parametrize("number", ["1E+400", "0E+400", "1E-400", "NaN", "-Infinity", "9" * 400])
def test_number__that_no_database_holds_is_not_read_straight(number: str) -> None:
    """Neither as a column nor in a list: the column becomes null where rows are read as usual."""
    as_column = {**PLAIN, "spend": number}
    in_a_list = {**PLAIN, "actions": [{"action_type": "lead", "value": number}]}

    for odd in (as_column, in_a_list):
        assert reader(REPORT).decode(as_json([PLAIN, odd])) is None
    assert reader(REPORT).records([PLAIN, as_column])[1]["spend"] is None


@pytest.mark.parametrize("file", INSIGHTS, ids=lambda file: file.name)
def test_real_answer__is_plain_and_its_rows(file: RealFile) -> None:
    """What Meta really answered is typed as a whole, and equals its rows column by column."""
    asked = file.report
    report = ReportDefinition(
        name="r",
        level=asked["level"],
        fields=tuple(asked["fields"]),
        breakdowns=tuple(asked["breakdowns"]),
        action_breakdowns=tuple(asked.get("action_breakdowns") or ()),
    )
    rows = [dict(row) for row in file.rows]

    assert lines(reader(report).records(rows)) == lines([*map(reader(report).record, rows)])
    assert typed(report, *rows) is not None
    straight = reader(report)
    answer = straight.decode(as_json(rows))
    assert answer is not None
    assert lines(straight.records(answer["data"])) == lines([*map(reader(report).record, rows)])


@pytest.mark.parametrize(
    "row",
    [
        {"spend": "NaN"},
        {"spend": "Infinity"},
        {"spend": "1E+400"},
        {"spend": "1E-400"},
        {"spend": "much"},
        {"ad_name": 5},
        {"actions": [{"action_type": "lead", "value": "NaN"}]},
        {"actions": [{"action_type": "lead", "value": ["1", "2"]}]},
        {"actions": [{"action_type": "lead", "value": "1", "unheard_of": "2"}]},
        {"actions": "none"},
    ],
)
def test_odd_value__leaves_its_page_to_the_reader_of_rows(row: dict[str, Any]) -> None:
    """A number no database holds, a text that is none, a key nobody knows: not a plain page."""
    plain = {"ad_name": "a", "spend": "1.50", "actions": [{"action_type": "lead", "value": "2"}]}

    assert typed(REPORT, plain) == [
        {
            "ad_name": "a",
            "spend": Decimal("1.50"),
            "actions": [{"action_type": "lead", "value": Decimal(2)}],
        }
    ]
    assert typed(REPORT, plain, plain | row) is None
