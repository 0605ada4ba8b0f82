"""Dimensions: their columns, what is asked for them, and their schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adactivity import AdActivity
from facebook_business.adobjects.adcreative import AdCreative
from facebook_business.adobjects.adimage import AdImage
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.adspixel import AdsPixel
from facebook_business.adobjects.advideo import AdVideo
from facebook_business.adobjects.campaign import Campaign
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.adobjects.customconversion import CustomConversion
from jsonschema import Draft7Validator

from tap_meta_partner.dimensions.schema import dimension_schema
from tap_meta_partner.dimensions.tables import (
    DIMENSIONS,
    Holds,
    fields_to_ask,
    selected_columns,
    statuses_to_ask,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Meta's own SDK: what each object has, and of which type.
SDK: dict[str, Any] = {
    "campaigns": Campaign,
    "adsets": AdSet,
    "ads": Ad,
    "adcreatives": AdCreative,
    "custom_conversions": CustomConversion,
    "pixels": AdsPixel,
    "images": AdImage,
    "videos": AdVideo,
    "custom_audiences": CustomAudience,
    "activities": AdActivity,
}
#: The SDK's types, as far as they tell what comes.
TYPES = {
    "string": {Holds.TEXT, Holds.MINOR, Holds.MAJOR},
    "datetime": {Holds.INSTANT},
    "bool": {Holds.FLAG},
    "int": {Holds.WHOLE, Holds.MAJOR, Holds.UNIX},
    "unsigned int": {Holds.WHOLE, Holds.MAJOR, Holds.UNIX},
    "float": {Holds.NUMBER},
    "list<string>": {Holds.TEXTS},
}
#: What dbt's facebook_ads package reads, by this tap's names.
DBT = {
    "campaigns": "id account_id name created_time updated_time start_time stop_time status "
    "daily_budget lifetime_budget budget_remaining",
    "adsets": "id account_id campaign_id name start_time end_time bid_strategy daily_budget "
    "budget_remaining status optimization_goal updated_time",
    "ads": "id account_id campaign_id adset_id creative_id name conversion_domain updated_time",
    "adcreatives": "id account_id name page_link template_page_link url_tags "
    "asset_feed_spec_link_urls object_story_link_data_link object_story_link_data_caption "
    "object_story_link_data_description object_story_link_data_message "
    "object_story_link_data_child_attachments template_app_link_spec_ios "
    "template_app_link_spec_ipad template_app_link_spec_android template_app_link_spec_iphone",
}


def plain_columns() -> Iterator[tuple[str, str, Holds]]:
    for name, dimension in DIMENSIONS.items():
        for column in dimension.columns:
            if column.paths == column.asks and len(column.paths) == 1:
                yield name, column.paths[0], column.holds


def test_dimensions__are_edges_of_the_ad_account() -> None:
    """Parents come first; what Meta's edges call in one word has a readable name."""
    assert {name: each.edge or name for name, each in DIMENSIONS.items()} == {
        "campaigns": "campaigns",
        "adsets": "adsets",
        "ads": "ads",
        "adcreatives": "adcreatives",
        "custom_conversions": "customconversions",
        "pixels": "adspixels",
        "images": "adimages",
        "videos": "advideos",
        "custom_audiences": "customaudiences",
        "activities": "activities",
    }
    assert [*DIMENSIONS][:4] == ["campaigns", "adsets", "ads", "adcreatives"]


@pytest.mark.parametrize("name", DIMENSIONS)
def test_fields__meta_knows_each(name: str) -> None:
    """Every field that is asked is one of the object's in Meta's own SDK."""
    asked = fields_to_ask(DIMENSIONS[name], DIMENSIONS[name].columns)

    assert {entry.partition("{")[0] for entry in asked} <= set(SDK[name]._field_types)


def test_columns__hold_what_meta_sends() -> None:
    """A column's kind is one that its field has in Meta's own SDK."""
    columns = [*plain_columns()]
    wrong = {
        f"{name}.{field}": f"{known}, and the column holds {holds}"
        for name, field, holds in columns
        if holds not in kinds_of(SDK[name], known := SDK[name]._field_types[field])
    }

    assert len(columns) > 100
    assert wrong == {}


def kinds_of(sdk: Any, known: str) -> set[Holds]:  # noqa: ANN401  (a class of Meta's SDK)
    """Return what a column can hold whose field is of the SDK's type `known`."""
    if known.startswith("list<") and known != "list<string>":
        return {Holds.OBJECTS}
    if known in TYPES:
        return TYPES[known]
    if hasattr(sdk, known):
        return {Holds.TEXT}  # an enumeration, which comes as its name
    return {Holds.OBJECT, Holds.TEXT}


@pytest.mark.parametrize("name", ["campaigns", "adsets", "ads"])
def test_statuses__are_all_of_metas(name: str) -> None:
    """Every effective status of the kind is asked for, archived and deleted ones too."""
    known = {
        value
        for key, value in vars(SDK[name].EffectiveStatus).items()
        if not key.startswith("_") and isinstance(value, str)
    }

    assert set(statuses_to_ask(DIMENSIONS[name], ())) == known
    assert {"ARCHIVED", "DELETED"} <= known


def test_statuses__creatives_take_none() -> None:
    """The edge of creatives takes no status, whatever is wanted."""
    assert statuses_to_ask(DIMENSIONS["adcreatives"], ()) == ()


def test_statuses__those_a_kind_can_have() -> None:
    """A status that only other kinds have is not asked; one that none has is left to Meta."""
    wanted = ("ACTIVE", "CAMPAIGN_PAUSED", "DISAPPROVED", "BRAND_NEW")

    assert statuses_to_ask(DIMENSIONS["campaigns"], wanted) == ("ACTIVE", "BRAND_NEW")
    assert statuses_to_ask(DIMENSIONS["adsets"], wanted) == (
        "ACTIVE",
        "CAMPAIGN_PAUSED",
        "BRAND_NEW",
    )
    assert statuses_to_ask(DIMENSIONS["ads"], wanted) == wanted
    assert statuses_to_ask(DIMENSIONS["campaigns"], ("DISAPPROVED",)) == ()


@pytest.mark.parametrize("name", DBT)
def test_columns__dbt_finds_its_own(name: str) -> None:
    """Every column that dbt's facebook_ads package reads is there."""
    assert set(DBT[name].split()) <= {column.name for column in DIMENSIONS[name].columns}


@pytest.mark.parametrize("name", DIMENSIONS)
def test_columns__each_once_the_key_first(name: str) -> None:
    """No column comes twice; the key, the account and when it was read are always there."""
    names = [column.name for column in DIMENSIONS[name].columns]

    assert len(names) == len(set(names))
    assert (names[0], names[1], names[-1]) == ("id", "account_id", "read_at")


@pytest.mark.parametrize("name", DIMENSIONS)
def test_columns__whole_units_beside_each_amount(name: str) -> None:
    """Beside each amount in minor units there is one in whole units, of the same field."""
    columns = {column.name: column for column in DIMENSIONS[name].columns}
    amounts = [column for column in columns.values() if column.holds is Holds.MINOR]
    amounts += [columns[name] for name in ("bid_amount",) if name in columns]

    assert all(columns[f"{each.name}_major"].asks == each.asks for each in amounts)
    assert bool(amounts) is (name in {"campaigns", "adsets", "ads"})


def test_selected__narrows_what_is_asked() -> None:
    """A column that is not wanted is not asked for; the key and what bookmarks need are."""
    columns = selected_columns("ads", {"name", "creative_id", "no_such_column"})

    assert [column.name for column in columns] == ["id", "name", "creative_id"]
    assert fields_to_ask(DIMENSIONS["ads"], columns) == (
        "id",
        "effective_status",
        "updated_time",
        "name",
        "creative{id}",
    )


def test_asked__a_field_once_for_all_its_columns() -> None:
    """Columns out of one spec ask for that spec once, and an amount's two columns for its field."""
    links = selected_columns("adcreatives", {"page_link", "object_story_link_data_link"})
    budget = selected_columns("campaigns", {"daily_budget", "daily_budget_major"})

    assert fields_to_ask(DIMENSIONS["adcreatives"], links) == (
        "id",
        "object_story_spec",
        "link_url",
    )
    assert fields_to_ask(DIMENSIONS["campaigns"], budget)[3:] == ("daily_budget",)


def test_ads__do_not_ask_for_what_fails_whole_lists() -> None:
    """Where Meta cannot make a preview link it refuses every ad of the page: no column has it."""
    assert "preview_shareable_link" not in fields_to_ask(
        DIMENSIONS["ads"], DIMENSIONS["ads"].columns
    )


@pytest.mark.parametrize("name", DIMENSIONS)
def test_schema__is_json_schema(name: str) -> None:
    """A schema is a valid one, keyed by id, with nothing else that must not be null but ours."""
    schema = dimension_schema(name)
    Draft7Validator.check_schema(schema)
    never_null = {
        column for column, kind in schema["properties"].items() if "null" not in kind["type"]
    }

    shared = name in {"custom_conversions", "pixels", "custom_audiences", "activities"}
    assert schema["required"] == (["account_id", "id"] if shared else ["id"])
    assert never_null == {"id", "account_id", "read_at"}


def test_schema__types() -> None:
    """Times are date-times, amounts whole numbers and numbers, specs objects, lists arrays."""
    adset = dimension_schema("adsets")["properties"]
    creative = dimension_schema("adcreatives")["properties"]

    assert adset["start_time"] == {"type": ["string", "null"], "format": "date-time"}
    assert adset["daily_budget"]["type"] == ["integer", "null"]
    assert adset["daily_budget_major"]["type"] == ["number", "null"]
    assert adset["bid_amount"]["type"] == ["integer", "null"]
    assert adset["targeting"]["type"] == ["object", "null"]
    assert adset["is_dynamic_creative"]["type"] == ["boolean", "null"]
    assert creative["asset_feed_spec_link_urls"] == {"type": ["array", "null"]}


def test_named_by__is_the_column_that_names_the_objects() -> None:
    """Insights rows name campaigns, ad sets and ads by these columns, and ads their creatives."""
    assert {name: dimension.named_by for name, dimension in DIMENSIONS.items()} == {
        "campaigns": "campaign_id",
        "adsets": "adset_id",
        "ads": "ad_id",
        "adcreatives": "creative_id",
        **dict.fromkeys(("custom_conversions", "pixels", "images", "videos", "custom_audiences")),
        "activities": None,
    }
