"""Every column of every stream says what it is, in one table that everybody can read."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tap_meta_partner.insights.fields import BREAKDOWNS
from tap_meta_partner.sandbox.protocol.vocabulary import INSIGHT_FIELDS
from tap_meta_partner.settings.words import LEVELS
from tap_meta_partner.singer.descriptions import described, table
from tap_meta_partner.tap import TapMetaPartner

UNKNOWN = "Not known to this version of the tap"


def columns(config: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return what is said of each column, by stream and column."""
    tap = TapMetaPartner(config={"access_token": "T", **config}, setup_mapper=False)
    return {
        (name, column): content.get("description", "")
        for name, stream in tap.streams.items()
        for column, content in stream.schema["properties"].items()
    }


def report(name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  (of a report's definition)
    return {"name": name, "level": "ad", "action_rows": True, **more}


def test_columns__of_all_streams_have_a_sentence() -> None:
    """Whatever can be selected without a report of one's own."""
    for place, said in columns({}).items():
        assert said.endswith("."), place
        assert UNKNOWN not in said, place


def test_columns__of_every_field_of_metas_have_a_sentence() -> None:
    """All that the setting `fields` can name, and the action rows made of it."""
    fields = sorted(INSIGHT_FIELDS)
    for place, said in columns({"reports": [report("all", fields=fields)]}).items():
        assert said.endswith("."), place
        assert UNKNOWN not in said, place


@pytest.mark.parametrize("breakdown", sorted(BREAKDOWNS - {"mmm"}))
def test_columns__of_every_breakdown_have_a_sentence(breakdown: str) -> None:
    """Its value, or the id and the object of an asset."""
    definition = report("one", fields=["spend"], breakdowns=[breakdown], action_rows=False)
    for (stream, column), said in columns({"reports": [definition]}).items():
        if stream == "one":
            assert said.endswith("."), column
            assert UNKNOWN not in said, column


def test_columns__of_action_types_name_their_type() -> None:
    """A column that the user made is described by what it was made of."""
    said = columns({"fields": ["actions:link_click", "post_engagement"]})

    assert said["ad_insights", "actions_link_click"] == (
        "The action type link_click, taken out of actions."
    )
    assert said["ad_insights", "post_engagement"].startswith("Actions on the ad's post")


def test_columns__that_nobody_knows_say_so() -> None:
    """A field of a later version of Meta's is passed on, without a sentence of ours."""
    schema = {"type": "object", "properties": {"brand_new": {"type": "string"}}}

    found = described(schema, ["insights"])

    assert found["properties"]["brand_new"]["description"].startswith(UNKNOWN)
    assert schema["properties"] == {"brand_new": {"type": "string"}}


def test_table__says_of_metrics_whether_they_add_up() -> None:
    """Sums, people and rates: what is mistaken most."""
    said = {column: text for (scope, column), text in table().items() if scope == "insights"}

    assert "Adds up over days" in said["spend"]
    assert "the same person" in said["reach"]
    assert said["ctr"].endswith("Does not add up.")
    assert "by itself" in said["actions"]


def test_table__has_no_row_for_nothing() -> None:
    """Each row is a column of some stream, once, and its sentences are no copies of the name."""
    fields = sorted(INSIGHT_FIELDS)
    known = {name for _, name in columns({"reports": [report("all", fields=fields)]})}
    known |= BREAKDOWNS | {"post_engagement", "page_engagement", *(f"{x}_id" for x in LEVELS)}
    for scope, column in table():
        base = re.sub(r"_id$", "", column)
        assert {column, base, f"{base}_id"} & known or scope == "actions", (scope, column)
