from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.sandbox_client import read

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Client, Row

WHOLE = {"time_increment": "all_days"}


def by_type(row: Row, field: str = "actions") -> Counter[str]:
    """The sum of each action type's entries."""
    found: Counter[str] = Counter()
    for entry in row[field]:
        found[entry["action_type"]] += int(entry["value"])
    return found


@pytest.mark.parametrize(
    ("name", "concerned"),
    [
        ("action_device", "link_click"),
        ("action_destination", "link_click"),
        ("action_target_id", "post_engagement"),
        ("action_reaction", "post_reaction"),
        ("action_carousel_card_id", "link_click"),
        ("action_carousel_card_name", "link_click"),
        ("action_canvas_component_name", "link_click"),
        ("action_video_type", "video_view"),
        ("action_video_sound", "video_view"),
        ("conversion_destination", "purchase"),
        ("standard_event_content_type", "purchase"),
    ],
)
def test_parts__add_up_exactly(
    client: Client, world: World, span: dict[str, str], name: str, concerned: str
) -> None:
    """Every type's entries add up to its count; the types it concerns carry the key."""
    account = world.readable()[0]
    (plain,) = read(client, account, span, "account", "actions", **WHOLE)
    names = f"action_type,{name}"
    (split,) = read(client, account, span, "account", "actions", action_breakdowns=names, **WHOLE)
    keys = [(entry["action_type"], entry.get(name)) for entry in split["actions"]]

    assert by_type(split) == by_type(plain)
    assert len(set(keys)) == len(keys)
    assert all((type_, None) not in keys for type_ in (concerned,))
    assert len([type_ for type_, _ in keys if type_ == concerned]) > 1


@pytest.mark.parametrize(
    "name", ["action_device", "action_destination", "action_target_id", "action_carousel_card_id"]
)
def test_type_2__off_meta_actions_lose_the_value(
    client: Client, world: World, span: dict[str, str], name: str
) -> None:
    """What happened on a website stands there without device, destination or card."""
    account = world.readable()[0]
    names = f"action_type,{name}"
    (row,) = read(client, account, span, "account", "actions", action_breakdowns=names, **WHOLE)
    purchases = [e for e in row["actions"] if e["action_type"] == "omni_purchase"]

    assert [set(entry) for entry in purchases] == [{"action_type", "value"}]


def test_cards__keep_their_names(client: Client, world: World, span: dict[str, str]) -> None:
    """Asked for both, a card's id always stands beside the same name."""
    names = "action_type,action_carousel_card_name,action_carousel_card_id"
    rows = read(client, world.readable()[0], span, "ad", "actions", action_breakdowns=names)
    pairs = {
        (entry["action_carousel_card_id"], entry["action_carousel_card_name"])
        for row in rows
        for entry in row.get("actions", ())
        if "action_carousel_card_id" in entry
    }

    assert len(pairs) == len({card for card, _ in pairs}) == 3


def test_types__left_out_give_one_entry_per_key(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """Without action_type each reaction is one entry, and together they are all reactions."""
    account = world.readable()[0]
    (plain,) = read(client, account, span, "account", "actions", **WHOLE)
    options = {"action_breakdowns": "action_reaction", **WHOLE}
    (row,) = read(client, account, span, "account", "actions", **options)

    assert {frozenset(entry) for entry in row["actions"]} == {
        frozenset({"action_reaction", "value"})
    }
    assert len({entry["action_reaction"] for entry in row["actions"]}) == len(row["actions"])
    assert by_type(plain)["post_reaction"] == sum(int(e["value"]) for e in row["actions"])


def test_costs__are_split_like_the_actions(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """A cost stands beside every entry of the actions, with the same keys."""
    account = world.readable()[0]
    options = {"action_breakdowns": "action_type,action_device", **WHOLE}
    fields = "actions,cost_per_action_type,spend"
    (row,) = read(client, account, span, "account", fields, **options)
    keys = [
        [(entry["action_type"], entry.get("action_device")) for entry in row[name]]
        for name in ("actions", "cost_per_action_type")
    ]
    first, cost = row["actions"][0], row["cost_per_action_type"][0]

    assert keys[0] == keys[1]
    assert float(cost["value"]) == pytest.approx(
        float(row["spend"]) / int(first["value"]), abs=1e-6
    )


def test_no_action_breakdown__is_one_amount(
    client: Client, world: World, span: dict[str, str]
) -> None:
    """An empty list leaves the action type out; without the parameter Meta adds it by itself."""
    account = world.readable()[0]
    (plain,) = read(client, account, span, "account", "actions", **WHOLE)
    (whole,) = read(client, account, span, "account", "actions", action_breakdowns="[]", **WHOLE)

    assert whole["actions"] == [{"value": str(sum(by_type(plain).values()))}]
