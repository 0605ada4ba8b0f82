"""What is said of a report's definition before Meta is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tap_meta_partner.insights.columns import columns_of, fields_to_ask
from tap_meta_partner.insights.doubts import (
    collisions,
    doubts,
    mistakes,
    not_lists,
    sums_of_rates,
)
from tap_meta_partner.settings.model import ReportDefinition

AD = ReportDefinition(name="r", level="ad")


def test_default_list__raises_no_doubts() -> None:
    """The default list is dropped down to the level in silence: nobody asked for it."""
    assert [doubts(ReportDefinition(name="r", level=level)) for level in ("account", "ad")] == [
        [],
        [],
    ]


def test_doubts__name_what_this_version_does_not_know() -> None:
    """Unknown fields and breakdowns are said and left to Meta; known ones are not said."""
    definition = replace(
        AD,
        fields=("spend", "new_field", "age", "post_engagement", "actions:lead", "odd:lead"),
        breakdowns=("age", "user_segment_key", "breakdown_of_2027", "dma"),
        action_attribution_windows=("1d_click", "7d_click_odd"),
    )

    assert doubts(definition) == [
        "r: new_field is not a field this version knows: Meta decides",
        "r: age is a breakdown and comes by itself: it is not asked as a field",
        "r: odd:lead is not a field this version knows: Meta decides",
        "r: breakdown_of_2027 is not a breakdown this version knows: Meta decides",
        "r: 7d_click_odd is not an attribution window this version knows: Meta decides",
    ]
    assert "new_field" in fields_to_ask(columns_of(definition))


def test_collisions__name_entries_of_one_column() -> None:
    """Two entries that would fill one column are named together; the same twice is no collision."""
    definition = replace(
        AD, fields=("actions:a.b", "spend", "actions:a_b", "spend", "actions:lead")
    )

    assert collisions(definition) == [
        (
            "r: actions:a.b and actions:a_b would both become the column actions_a_b: take one of "
            "them into a report of its own"
        )
    ]
    assert len(collisions(replace(AD, fields=("actions:Lead", "actions:lead")))) == 1
    assert collisions(AD) == []


@pytest.mark.parametrize("name", ["cost_per_action_type:lead", "purchase_roas:omni_purchase"])
def test_columns__rates_are_not_added_up(name: str) -> None:
    """A cost per action over several devices is no sum: such a column is refused."""
    definition = ReportDefinition(
        name="x", fields=(name,), action_breakdowns=("action_type", "action_device")
    )

    assert len(sums_of_rates(definition)) == 1
    assert sums_of_rates(replace(definition, action_breakdowns=("action_type",))) == []
    assert sums_of_rates(replace(definition, fields=("actions:lead",))) == []


@pytest.mark.parametrize("name", ["spend:purchase", "video_play_curve_actions:video_view"])
def test_columns__of_a_type_are_of_lists_of_actions(name: str) -> None:
    """A column that would always be empty is refused; of a field nobody knows, Meta decides."""
    definition = replace(AD, fields=(name, "actions:purchase", "new_actions:purchase"))
    field = name.partition(":")[0]

    assert not_lists(definition) == [
        f"r: {name} cannot be a column, as {field} is no list of actions: ask for {field} as it is"
    ]
    assert list(mistakes(definition)) == not_lists(definition)


def test_doubts__say_what_was_probably_meant() -> None:
    """A letter too many is the commonest reason why a name is unknown."""
    definition = replace(AD, fields=("spendd", "qqqq"), breakdowns=("gendr",))

    assert doubts(definition) == [
        "r: spendd is not a field this version knows: did you mean spend? Meta decides",
        "r: qqqq is not a field this version knows: Meta decides",
        "r: gendr is not a breakdown this version knows: did you mean gender? Meta decides",
    ]
