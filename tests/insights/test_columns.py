from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from tap_meta_partner.insights import fields
from tap_meta_partner.insights.columns import (
    OBJECT_BREAKDOWNS,
    Column,
    columns_of,
    fields_to_ask,
    key_of,
    tells_of_its_own_life,
)
from tap_meta_partner.insights.doubts import collisions, doubts
from tap_meta_partner.insights.fields import BREAKDOWNS, Kind, kind_of
from tap_meta_partner.insights.schema import schema_of
from tap_meta_partner.settings.model import ReportDefinition
from tap_meta_partner.settings.words import DEFAULT_FIELDS

AD = ReportDefinition(name="r", level="ad")


def names(definition: ReportDefinition) -> list[str]:
    return [column.name for column in columns_of(definition)]


# The table.


def test_table__holds_what_metas_sdk_lists() -> None:
    """The table has the 238 fields of v26.0, by kind, and 98 breakdowns; 7 are of a page."""
    kinds = Counter(fields._KINDS.values())

    assert len(fields._KINDS) == sum(kinds.values()) == 238
    # 36 texts and dates, 100 numbers as strings and the one integer.
    assert kinds[Kind.TEXT] + kinds[Kind.DATE] == 36
    assert kinds[Kind.COUNT] + kinds[Kind.NUMBER] == 101
    assert (kinds[Kind.ACTIONS], kinds[Kind.HISTOGRAM], kinds[Kind.OBJECTS]) == (86, 4, 11)
    assert len(BREAKDOWNS) == 98 + 7


def test_table__gives_each_name_one_kind() -> None:
    """No field stands in two of the lists, and no breakdown is a field."""
    lists = [
        fields._TEXT,
        fields._DATES,
        fields._COUNTS,
        fields._NUMBERS,
        fields._ACTION_LISTS,
        fields._HISTOGRAMS,
        fields._OBJECT_LISTS,
    ]

    assert sum(len(each) for each in lists) == len(frozenset().union(*lists))
    assert not BREAKDOWNS & set(fields._KINDS)


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("campaign_name", Kind.TEXT),
        ("ad_id", Kind.TEXT),
        ("attribution_setting", Kind.TEXT),
        ("date_start", Kind.DATE),
        ("updated_time", Kind.DATE),
        ("impressions", Kind.COUNT),
        ("reach", Kind.COUNT),
        ("inline_link_clicks", Kind.COUNT),
        ("msa_seller_budget", Kind.COUNT),
        # Documented as strings, whatever they sound like.
        ("product_views", Kind.NUMBER),
        ("shops_assisted_purchases", Kind.NUMBER),
        ("total_card_view", Kind.NUMBER),
        ("total_postbacks", Kind.NUMBER),
        ("spend", Kind.NUMBER),
        ("frequency", Kind.NUMBER),
        ("ctr", Kind.NUMBER),
        ("actions", Kind.ACTIONS),
        ("conversions", Kind.ACTIONS),
        ("cost_per_conversion", Kind.ACTIONS),
        ("video_play_actions", Kind.ACTIONS),
        ("purchase_roas", Kind.ACTIONS),
        ("video_play_curve_actions", Kind.HISTOGRAM),
        ("results", Kind.OBJECTS),
        # Not fields, whatever older guides say.
        ("post_engagement", Kind.UNKNOWN),
        ("page_engagement", Kind.UNKNOWN),
        ("a_field_of_2027", Kind.UNKNOWN),
    ],
)
def test_kind__is_what_metas_reference_says(field: str, kind: Kind) -> None:
    """A field holds what Meta's reference says of it."""
    assert kind_of(field) is kind


def test_default_fields__are_those_of_the_contract() -> None:
    """Without `fields` the streams ask the list of docs/columns.md, from the level down."""
    assert set(DEFAULT_FIELDS) == {
        *("account_id", "account_name", "account_currency", "campaign_id", "campaign_name"),
        *("adset_id", "adset_name", "ad_id", "ad_name", "objective", "impressions", "clicks"),
        *("reach", "frequency", "spend", "cpc", "cpm", "cpp", "ctr", "inline_link_clicks"),
        *("actions", "action_values", "cost_per_action_type", "conversions"),
        *("attribution_setting", "post_engagement", "page_engagement"),
    }
    assert len(DEFAULT_FIELDS) == 27


# Keys and columns.


@pytest.mark.parametrize(
    ("level", "key"),
    [
        ("account", ("account_id", "date_start")),
        ("campaign", ("account_id", "date_start", "campaign_id")),
        ("adset", ("account_id", "date_start", "adset_id")),
        ("ad", ("account_id", "date_start", "ad_id")),
    ],
)
def test_key__is_account_day_and_object(level: str, key: tuple[str, ...]) -> None:
    """A row is identified by its account, its day and the object of its level."""
    assert key_of(ReportDefinition(name="r", level=level)) == key


def test_key__holds_every_breakdown() -> None:
    """Each breakdown is in the key, an asset by its id; action breakdowns are not."""
    definition = replace(
        AD,
        breakdowns=("age", "image_asset", "unheard_of"),
        action_breakdowns=("action_type", "action_device"),
    )

    assert key_of(definition) == (
        *("account_id", "date_start", "ad_id"),
        *("age", "image_asset_id", "unheard_of"),
    )


def test_key__of_the_marketing_mix_is_its_columns() -> None:
    """`mmm` is no column: its rows are told apart by seven others, each a text that is never null.

    "Marketing Mix Modeling Breakdown on Insights API", Meta: rows as in the export of that name.
    """
    definition = replace(AD, level="adset", fields=("spend",), breakdowns=("mmm",))
    mix = {
        *("country", "region", "dma", "device_platform", "platform_position"),
        *("publisher_platform", "creative_media_type"),
    }

    assert set(key_of(definition)) == {"account_id", "date_start", "adset_id", *mix}
    properties = schema_of(definition)["properties"]
    assert [name for name in mix if properties[name] != {"type": "string"}] == []
    assert "mmm" not in properties
    assert mix.isdisjoint(fields_to_ask(columns_of(definition)))


COMMON = [
    *("impressions", "clicks", "reach", "frequency", "spend", "cpc", "cpm", "cpp", "ctr"),
    *("inline_link_clicks", "actions", "action_values", "cost_per_action_type", "conversions"),
    *("attribution_setting", "post_engagement", "page_engagement"),
    *("timezone_name", "read_at", "is_final"),
]


@pytest.mark.parametrize(
    ("level", "before"),
    [
        (
            "account",
            ["account_id", "date_start", "date_stop", "account_name", "account_currency"],
        ),
        (
            "campaign",
            [
                *("account_id", "date_start", "campaign_id", "date_stop"),
                *("account_name", "account_currency", "campaign_name", "objective"),
            ],
        ),
        (
            "adset",
            [
                *("account_id", "date_start", "adset_id", "date_stop"),
                *("account_name", "account_currency", "campaign_id", "campaign_name"),
                *("adset_name", "objective"),
            ],
        ),
        (
            "ad",
            [
                *("account_id", "date_start", "ad_id", "date_stop"),
                *("account_name", "account_currency", "campaign_id", "campaign_name"),
                *("adset_id", "adset_name", "ad_name", "objective"),
            ],
        ),
    ],
)
def test_columns__by_default_name_the_objects_down_to_the_level(
    level: str, before: list[str]
) -> None:
    """The default columns begin with the key and name no object below the level."""
    assert names(ReportDefinition(name="r", level=level)) == before + COMMON


def test_columns__of_a_wanted_list_hold_it_beside_what_is_always_there() -> None:
    """With `fields` the columns are those, the key, the days and the tap's own three."""
    definition = replace(AD, fields=("spend", "ad_id", "spend", "date_stop"))

    assert names(definition) == [
        *("account_id", "date_start", "ad_id", "date_stop"),
        *("spend", "timezone_name", "read_at", "is_final"),
    ]


def test_columns__with_an_empty_list_are_the_default_ones() -> None:
    """An empty `fields` is the default list."""
    assert names(replace(AD, fields=())) == names(AD)


@pytest.mark.parametrize(
    ("level", "dropped"),
    [
        ("account", ["campaign_id", "objective", "adset_name", "optimization_goal", "ad_id"]),
        ("campaign", ["adset_name", "optimization_goal", "ad_id"]),
        ("adset", ["ad_id"]),
        ("ad", []),
    ],
)
def test_columns__below_the_level_are_dropped_and_said(level: str, dropped: list[str]) -> None:
    """A field below the level, which Meta would refuse, is left out with a warning."""
    wanted = ("campaign_id", "objective", "adset_name", "optimization_goal", "ad_id", "spend")
    definition = ReportDefinition(name="r", level=level, fields=wanted)

    left_out = [name for name in wanted if name not in names(definition)]

    assert left_out == dropped
    assert [text.split()[1] for text in doubts(definition)] == dropped
    assert all(
        f"cannot be had at {level} level: it is left out" in text for text in doubts(definition)
    )


# Breakdowns.


def test_breakdowns__are_never_asked_as_fields() -> None:
    """Breakdowns are columns of their own and not among the fields asked, though named there."""
    definition = replace(AD, fields=("spend", "age", "gender"), breakdowns=("age", "gender"))
    asset = replace(AD, fields=("spend", "image_asset"), breakdowns=("image_asset",))

    assert fields_to_ask(columns_of(definition)) == (
        *("account_id", "date_start", "ad_id", "date_stop", "spend"),
    )
    assert "image_asset" not in fields_to_ask(columns_of(asset))


def test_breakdown__is_a_text_of_the_key() -> None:
    """A breakdown's column asks nothing of Meta and is part of the key."""
    columns = {column.name: column for column in columns_of(replace(AD, breakdowns=("country",)))}

    assert columns["country"] == Column(
        name="country", source=None, kind=Kind.TEXT, is_breakdown=True
    )


def test_asset_breakdowns__are_those_of_metas_page() -> None:
    """Meta answers seven breakdowns of dynamic creative and three others with objects."""
    assert set(OBJECT_BREAKDOWNS) == {
        *("body_asset", "call_to_action_asset", "description_asset", "image_asset"),
        *("link_url_asset", "title_asset", "video_asset"),
        *("media_asset", "rule_asset", "creative_automation_asset_id"),
    }
    assert set(OBJECT_BREAKDOWNS) <= BREAKDOWNS


@pytest.mark.parametrize(
    ("breakdown", "of_id", "of_object"),
    [
        ("title_asset", "title_asset_id", "title_asset"),
        ("media_asset", "media_asset_id", "media_asset"),
        (
            *("creative_automation_asset_id", "creative_automation_asset_id"),
            "creative_automation_asset",
        ),
    ],
)
def test_asset_breakdown__has_its_id_in_the_key_and_its_object_beside(
    breakdown: str, of_id: str, of_object: str
) -> None:
    """An asset breakdown is two columns: the id that identifies it and the object."""
    definition = replace(AD, fields=("spend",), breakdowns=(breakdown,))

    assert key_of(definition) == ("account_id", "date_start", "ad_id", of_id)
    properties = schema_of(definition)["properties"]
    assert properties[of_id] == {"type": "string"}
    assert properties[of_object] == {"type": ["object", "null"]}


def test_breakdown__named_as_a_field_is_a_breakdown_once() -> None:
    """A breakdown of the name of a field that is always there does not double the column."""
    assert names(replace(AD, breakdowns=("ad_id",))).count("ad_id") == 1


# Columns out of action lists.


def test_engagements__are_drawn_from_the_actions() -> None:
    """post_engagement and page_engagement ask `actions`, which is asked once."""
    definition = replace(AD, fields=("post_engagement", "page_engagement", "actions"))
    columns = {column.name: column for column in columns_of(definition)}

    for name in ("post_engagement", "page_engagement"):
        assert columns[name] == Column(
            name=name, source="actions", kind=Kind.COUNT, action_type=name
        )
    assert fields_to_ask(columns_of(definition)).count("actions") == 1


def test_action_column__takes_one_type_out_of_a_list() -> None:
    """`actions:TYPE` is a column actions_TYPE, dots as underscores, over the list it names."""
    definition = replace(
        AD, fields=("action_values:offsite_conversion.fb_pixel_purchase", "actions:lead")
    )
    columns = {column.name: column for column in columns_of(definition)}

    assert columns["actions_lead"] == Column(
        name="actions_lead", source="actions", kind=Kind.NUMBER, action_type="lead"
    )
    purchase = columns["action_values_offsite_conversion_fb_pixel_purchase"]
    assert (purchase.source, purchase.action_type) == (
        "action_values",
        "offsite_conversion.fb_pixel_purchase",
    )


@pytest.mark.parametrize(
    ("entry", "column"),
    [
        ("actions:offsite_conversion.custom.123", "actions_offsite_conversion_custom_123"),
        ("actions:app_custom_event.My Event (v2)", "actions_app_custom_event_My_Event__v2_"),
        ("conversions:schedule [total]", "conversions_schedule__total_"),
    ],
)
def test_action_column__is_named_for_a_database(entry: str, column: str) -> None:
    """What no database takes unquoted becomes an underscore."""
    (made,) = [each for each in columns_of(replace(AD, fields=(entry,))) if each.action_type]

    assert made.name == column
    assert f"{made.source}:{made.action_type}" == entry


@pytest.mark.parametrize(
    "events",
    [("Käufe", "Köufe"), ("購入", "登録"), (f"{'x' * 60}1", f"{'x' * 60}2")],
)
def test_action_column__that_would_lose_letters_stays_one_of_its_own(
    events: tuple[str, str],
) -> None:
    """Two events are two columns of plain, short names, whether or not the other is there."""
    entries = tuple(f"actions:offsite_conversion.fb_pixel_custom.{event}" for event in events)
    definition = replace(AD, fields=entries)

    found = [each.name for each in columns_of(definition) if each.action_type]

    assert len(set(found)) == len(events)
    assert all(re.fullmatch(r"[A-Za-z0-9_]{1,63}", name) for name in found)
    assert found[:1] == [
        each.name for each in columns_of(replace(AD, fields=entries[:1])) if each.action_type
    ]
    assert collisions(definition) == []


# Schema.


def test_schema__types_are_those_of_the_contract() -> None:
    """Counts are integers, rates and money numbers, days dates; all but the key may be null."""
    definition = replace(
        AD,
        fields=("impressions", "spend", "ad_name", "created_time", "results", "new_field"),
        breakdowns=("age",),
    )

    anything = {"type": ["string", "number", "boolean", "object", "array", "null"]}
    schema = schema_of(definition)
    properties = schema["properties"]
    assert schema["type"] == "object"
    assert schema["required"] == ["account_id", "date_start", "ad_id", "age"]
    assert properties["account_id"] == {"type": "string"}
    assert properties["date_start"] == {"type": "string", "format": "date"}
    assert properties["age"] == {"type": "string"}
    assert properties["date_stop"] == {"type": ["string", "null"], "format": "date"}
    assert properties["impressions"] == {"type": ["integer", "null"]}
    assert properties["spend"] == {"type": ["number", "null"]}
    assert properties["ad_name"] == {"type": ["string", "null"]}
    assert properties["created_time"] == {"type": ["string", "null"], "format": "date"}
    assert properties["results"] == {"type": ["array", "null"]}
    assert properties["new_field"] == anything
    assert properties["timezone_name"] == {"type": ["string", "null"]}
    assert properties["read_at"]["format"] == "date-time"
    assert properties["is_final"]["type"] == "boolean"
    assert list(properties) == names(definition)


@pytest.mark.parametrize("name", ["actions", "video_play_curve_actions", "results"])
def test_schema__of_lists_says_nothing_of_what_they_hold(name: str) -> None:
    """With `items`, target-postgres makes an array of jsonb, at twice the cost of jsonb."""
    definition = replace(
        AD, fields=(name,), action_attribution_windows=("1d_click",), action_breakdowns=()
    )

    assert schema_of(definition)["properties"][name] == {"type": ["array", "null"]}


def test_schema__is_made_anew_each_time() -> None:
    """Changing one stream's schema leaves the next one's as it was."""
    schema_of(AD)["properties"]["spend"]["type"] = "broken"
    schema_of(AD)["properties"]["read_at"]["type"] = "broken"
    schema_of(AD)["properties"]["actions"]["type"] = "broken"

    assert schema_of(AD)["properties"]["spend"]["type"] == ["number", "null"]
    assert schema_of(AD)["properties"]["read_at"]["type"] == "string"
    assert schema_of(AD)["properties"]["actions"]["type"] == ["array", "null"]


def test_fields__name_of_a_breakdown_is_never_asked() -> None:
    """A breakdown named among the fields is left out, with a word on where it belongs."""
    definition = ReportDefinition(name="x", level="ad", fields=("spend", "country"))

    assert "country" not in fields_to_ask(columns_of(definition))
    assert any("belongs in breakdowns" in doubt for doubt in doubts(definition))


def test_life__postbacks_are_told_by_themselves() -> None:
    """A report of postbacks can have rows on days without impressions, spend or actions."""
    assert tells_of_its_own_life(ReportDefinition(name="x", fields=("total_postbacks",)))
    assert tells_of_its_own_life(ReportDefinition(name="x", breakdowns=("skan_conversion_id",)))
    assert not tells_of_its_own_life(ReportDefinition(name="x"))
