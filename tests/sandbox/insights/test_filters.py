from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Client

ASK = {"level": "ad", "fields": "ad_id,ad_name,campaign_id,spend,impressions", "limit": 500}


def filtered(client: Client, world: World, field: str, operator: str, value: object) -> set[str]:
    """The ids of the ads a single condition leaves."""
    condition = [{"field": field, "operator": operator, "value": value}]
    rows = client.rows(
        f"act_{world.readable()[0].id}/insights", filtering=json.dumps(condition), **ASK
    )
    return {row["ad_id"] for row in rows}


@pytest.fixture
def living(client: Client, world: World) -> dict[str, dict[str, str]]:
    """All rows that any filter may leave: archived objects are hidden by every one."""
    account = world.readable()[0]
    rows = client.rows(f"act_{account.id}/insights", **ASK)
    gone = {campaign.id for campaign in account.campaigns if campaign.effective_status != "ACTIVE"}
    return {row["ad_id"]: row for row in rows if row["campaign_id"] not in gone}


@pytest.mark.parametrize("operator", ["IN", "NOT_IN", "EQUAL", "NOT_EQUAL"])
def test_ids(
    client: Client, world: World, living: dict[str, dict[str, str]], operator: str
) -> None:
    """Objects are taken or left by id, singly or by a list."""
    one = min(living)
    value = [one] if operator.endswith("IN") else one
    wanted = set(living) - {one} if operator.startswith("NOT") else {one}

    assert filtered(client, world, "ad.id", operator, value) == wanted


@pytest.mark.parametrize("operator", ["CONTAIN", "NOT_CONTAIN", "STARTS_WITH"])
def test_names(
    client: Client, world: World, living: dict[str, dict[str, str]], operator: str
) -> None:
    """Names are searched whatever their case, and compared at their start."""
    word = living[min(living)]["ad_name"].split("#")[0].strip()
    having = {ad_id for ad_id, row in living.items() if row["ad_name"].startswith(word)}
    wanted = set(living) - having if operator == "NOT_CONTAIN" else having

    assert filtered(client, world, "ad.name", operator, word) == wanted


@pytest.mark.parametrize(
    ("operator", "kept"),
    [("GREATER_THAN", 1), ("LESS_THAN", -1), ("GREATER_THAN_OR_EQUAL", 2), ("EQUAL", 0)],
)
def test_metrics(
    client: Client, world: World, living: dict[str, dict[str, str]], operator: str, kept: int
) -> None:
    """Rows are kept by the size of a number; money is compared in the account's unit."""
    middle = sorted(float(row["spend"]) for row in living.values())[len(living) // 2]
    tests = {1: middle.__lt__, -1: middle.__gt__, 2: middle.__le__, 0: middle.__eq__}
    wanted = {ad_id for ad_id, row in living.items() if tests[kept](float(row["spend"]))}

    assert filtered(client, world, "ad.spend", operator, middle) == wanted


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [("ad.id", "RHYMES_WITH", "1"), ("spend", "RHYMES_WITH", 1), ("spend", "EQUAL", "much")],
)
def test_wrong(client: Client, world: World, field: str, operator: str, value: object) -> None:
    """An operator or number that makes no sense is code 100."""
    condition = [{"field": field, "operator": operator, "value": value}]
    refusal = client.error(
        f"act_{world.readable()[0].id}/insights", filtering=json.dumps(condition)
    )

    assert refusal == (100, None)
