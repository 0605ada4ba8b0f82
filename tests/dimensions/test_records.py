"""Objects as Meta sends them become records as the schema promises."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from tap_meta_partner.dimensions.records import ObjectReader
from tap_meta_partner.dimensions.schema import dimension_schema
from tap_meta_partner.dimensions.tables import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

READ_AT = dt.datetime(2026, 11, 24, 3, tzinfo=dt.timezone.utc)

CAMPAIGN = {
    "id": "23843",
    "account_id": "1",
    "name": "Brand",
    "objective": "OUTCOME_SALES",
    "effective_status": "ACTIVE",
    "daily_budget": "12345",
    "lifetime_budget": "0",
    "created_time": "2026-02-11T01:00:00-0800",
    "special_ad_categories": [],
    "promoted_object": [],
    "can_use_spend_cap": True,
    "issues_info": [{"level": "CAMPAIGN", "error_code": 1}],
}
CREATIVE = {
    "id": 9,
    "title": "New",
    "object_story_spec": {
        "page_id": "7",
        "link_data": {
            "link": "https://shop.example/a",
            "message": "Look",
            "caption": "shop.example",
            "description": "All of it",
            "name": "Headline",
            "child_attachments": [
                {"link": "https://shop.example/1"},
                {"link": "https://x.example"},
            ],
            "app_link_spec": {"ios": [{"app_name": "Shop"}]},
        },
        "template_data": {
            "link": "https://shop.example/{{product.url}}",
            "app_link_spec": {"android": [{"package": "example.shop"}]},
        },
    },
    "asset_feed_spec": {
        "link_urls": [{"website_url": "https://shop.example/b"}],
        "ratio": Decimal("1.5"),
    },
}


def record_of(name: str, found: Mapping[str, Any], currency: str | None = "EUR") -> dict[str, Any]:
    reader = ObjectReader(
        stream=name,
        columns=DIMENSIONS[name].columns,
        account_id="1",
        currency=currency,
        read_at=READ_AT,
    )
    record = reader.record(found)
    Draft7Validator(dimension_schema(name)).validate(record)
    return record


def test_record__has_every_column() -> None:
    """What Meta leaves out is null; every column is there, ours filled."""
    record = record_of("ads", {"id": "5"})

    assert list(record) == list(dimension_schema("ads")["properties"])
    assert {name: value for name, value in record.items() if value is not None} == {
        "id": "5",
        "account_id": "1",
        "read_at": "2026-11-24T03:00:00+00:00",
    }


def test_record__values() -> None:
    """Texts, flags and lists come as Meta sent them."""
    record = record_of("campaigns", CAMPAIGN)

    assert record["objective"] == "OUTCOME_SALES"
    assert record["can_use_spend_cap"] is True
    assert record["special_ad_categories"] == []
    assert record["issues_info"] == [{"level": "CAMPAIGN", "error_code": 1}]


def test_record__an_empty_object() -> None:
    """An object without anything, which Meta writes as an empty list, is an object."""
    assert record_of("campaigns", CAMPAIGN)["promoted_object"] == {}


@pytest.mark.parametrize(
    ("currency", "whole"), [("EUR", "123.45"), ("JPY", "12345"), ("KWD", "123.45"), (None, None)]
)
def test_record__amounts(currency: str | None, whole: str | None) -> None:
    """An amount is a whole number as it came, with whole units of the currency beside it."""
    record = record_of("campaigns", CAMPAIGN, currency)

    assert record["daily_budget"] == 12345
    assert record["daily_budget_major"] == (whole and Decimal(whole))
    assert record["lifetime_budget"] == 0


def test_record__bids() -> None:
    """A bid, which Meta sends as a number, is a whole number and has whole units beside it."""
    record = record_of("adsets", {"id": "5", "bid_amount": 250, "lifetime_imps": "0"})

    assert (record["bid_amount"], record["bid_amount_major"]) == (250, Decimal("2.5"))
    assert record["lifetime_imps"] == 0


def test_record__times_are_utc() -> None:
    """Meta's times, in the account's own offset, become UTC in the form RFC 3339 asks for."""
    assert record_of("campaigns", CAMPAIGN)["created_time"] == "2026-02-11T09:00:00+00:00"


def test_record__an_ads_creative() -> None:
    """The id of an ad's creative stands in a column of its own."""
    assert record_of("ads", {"id": "5", "creative": {"id": "9"}})["creative_id"] == "9"


def test_record__what_is_inside_a_creative() -> None:
    """Links and texts inside the specs have columns of their own; the specs stay whole."""
    record = record_of("adcreatives", CREATIVE)

    assert record["id"] == "9"
    assert record["page_link"] == "https://shop.example/a"
    assert record["template_page_link"] == "https://shop.example/{{product.url}}"
    assert [
        record[f"object_story_link_data_{name}"]
        for name in ("link", "message", "caption", "description", "name")
    ] == ["https://shop.example/a", "Look", "shop.example", "All of it", "Headline"]
    assert [each["link"] for each in record["object_story_link_data_child_attachments"]] == [
        "https://shop.example/1",
        "https://x.example",
    ]
    assert record["object_story_link_data_app_link_spec_ios"] == [{"app_name": "Shop"}]
    assert record["template_app_link_spec_android"] == [{"package": "example.shop"}]
    assert record["template_app_link_spec_ios"] is None
    assert record["asset_feed_spec_link_urls"] == [{"website_url": "https://shop.example/b"}]
    assert record["object_story_spec"] == CREATIVE["object_story_spec"]


@pytest.mark.parametrize(
    ("creative", "link"),
    [
        (
            {
                "object_story_spec": {
                    "video_data": {"call_to_action": {"value": {"link": "https://v.example"}}}
                },
                "link_url": "https://l.example",
            },
            "https://v.example",
        ),
        (
            {"object_story_spec": {"page_id": "7"}, "link_url": "https://l.example"},
            "https://l.example",
        ),
        ({"object_story_spec": {"link_data": None}}, None),
        ({"object_story_spec": "odd"}, None),
    ],
)
def test_record__where_a_click_leads(creative: dict[str, Any], link: str | None) -> None:
    """A creative without a link post leads where its video's button or its link_url does."""
    reader = ObjectReader(
        stream="adcreatives",
        columns=[each for each in DIMENSIONS["adcreatives"].columns if each.name == "page_link"],
        account_id="1",
        currency=None,
        read_at=READ_AT,
    )

    assert reader.record({"id": "9", **creative}) == {"page_link": link}


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("campaigns", "start_time", "yesterday"),
        ("campaigns", "start_time", "0001-01-01T00:00:00+0100"),
        ("campaigns", "name", {"odd": 1}),
        ("campaigns", "daily_budget", ["1"]),
        ("campaigns", "daily_budget_major", "NaN"),
        ("campaigns", "can_use_spend_cap", "perhaps"),
        ("campaigns", "special_ad_categories", "NONE"),
        ("campaigns", "special_ad_categories", [{}]),
        ("adsets", "bid_amount", "2.5"),
        ("adsets", "bid_amount", True),
        ("adsets", "lifetime_imps", 2**63),
        ("adsets", "targeting", "everyone"),
        ("adsets", "attribution_spec", {"event_type": "CLICK"}),
        ("adsets", "attribution_spec", ["CLICK"]),
    ],
)
def test_record__what_cannot_be_read(name: str, column: str, value: object) -> None:
    """A value that is not what its column holds is null, and the record is still good."""
    field = column.removesuffix("_major")

    assert record_of(name, {"id": "5", field: value})[column] is None


@pytest.mark.parametrize(("value", "flag"), [(1, True), (0, False), (False, False)])
def test_record__flags(value: object, flag: object) -> None:
    """Flags that come as 0 and 1 are flags."""
    assert record_of("ads", {"id": "5"})["bid_amount"] is None
    assert (
        record_of("adsets", {"id": "5", "is_dynamic_creative": value})["is_dynamic_creative"]
        is flag
    )


def test_record__says_once_what_it_cannot_read(caplog: pytest.LogCaptureFixture) -> None:
    """One warning names stream, account, object, column and value, however many follow."""
    reader = ObjectReader(
        stream="ads",
        columns=DIMENSIONS["ads"].columns,
        account_id="1",
        currency="EUR",
        read_at=READ_AT,
    )
    for ad in ("5", "6"):
        reader.record({"id": ad, "updated_time": "soon"})

    assert [record.getMessage() for record in caplog.records] == [
        "ads, account 1, '5': updated_time is 'soon', which is not a time; it is written as null"
    ]
