"""The sandbox answers in every shape that Meta's real answers have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_meta_partner.sandbox.protocol import vocabulary
from tests.support.real_answers import DIMENSIONS, real_files
from tests.support.shapes import shapes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_meta_partner.sandbox import Sandbox

#: Meta no longer knows these names and refuses to be asked for them; and what of an ad account only
#: its owner is told, which no partner of the sandbox's is.
GONE = {
    "insights": {"relevance_score", "dma"},
    "accounts": {
        *("adtrust_dsl", "has_extended_credit"),
        *("funding_source_details", "is_prepay_account", "is_tax_id_required"),
    },
    # What a page had put into its own copy of the answer.
    "adsets": {"targeting.insight"},
    "adcreatives": {
        *("effective_instagram_story_id", "instagram_actor_id", "run_status", "updated_time"),
        "object_story_spec.instagram_actor_id",
    },
}
FIELDS = {
    "accounts": vocabulary.ACCOUNT_FIELDS,
    "campaigns": vocabulary.CAMPAIGN_FIELDS,
    "adsets": vocabulary.ADSET_FIELDS,
    "ads": vocabulary.AD_FIELDS,
    "adcreatives": vocabulary.CREATIVE_FIELDS,
}
#: Asked for, these would fail the whole call.
GONE_OR_HIDDEN = {
    *GONE["accounts"],
    *("expired_funding_source_details", "agency_client_declaration"),
}
WEEK = json.dumps({"since": "2026-11-01", "until": "2026-11-07"})
ASKED: list[dict[str, str]] = [
    {},
    {"action_attribution_windows": "1d_click,7d_click,28d_click,1d_view"},
    {
        "action_breakdowns": "action_type,action_reaction",
        "action_attribution_windows": "7d_click",
    },
    {"action_breakdowns": "action_type,action_target_id,action_destination"},
    *(
        {"breakdowns": breakdowns}
        for breakdowns in (
            *("age,gender", "country", "product_id", "body_asset", "device_platform"),
            "publisher_platform,platform_position,impression_device",
        )
    ),
]


def shapes(rows: Iterable[Any]) -> set[str]:
    """Return all shapes of these rows; a null is no shape of its own."""
    found = {shape for row in rows for shape in shapes_of(row)}
    return {shape for shape in found if not shape.endswith(": null")}


def known(kind: str) -> set[str]:
    """Return the shapes of a kind's real answers, without what Meta no longer answers."""
    gone = GONE.get(kind, set())
    found = shapes(row for file in real_files(kind) for row in file.rows)
    return {
        shape
        for shape in found
        if not any(shape.startswith((f"{name}:", f"{name}.", f"{name}[")) for name in gone)
    }


def read(sandbox: Sandbox, path: str, **params: str) -> Iterator[dict[str, Any]]:
    """Read all pages of an edge."""
    params |= {"access_token": sandbox.token, "limit": "500"}
    while True:
        body = requests.get(f"{sandbox.url}/v26.0/{path}", params=params, timeout=30).json()
        assert "data" in body, body
        yield from body["data"]
        if "next" not in body.get("paging", {}):
            return
        params["after"] = body["paging"]["cursors"]["after"]


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The demo world; its token sees what a business's own user sees."""
    return start_sandbox()


def test_insights__every_shape_can_occur(sandbox: Sandbox) -> None:
    """Each key of a real row, with its type and nesting, is in some row of the sandbox."""
    accounts = [row["id"] for row in read(sandbox, "me/adaccounts")]
    rows = [
        row
        for account in accounts
        for level in ("campaign", "ad")
        for asked in ASKED
        for row in read(
            sandbox, f"{account}/insights", level=level, time_range=WEEK, **_fields(level), **asked
        )
    ]

    assert sorted(known("insights") - shapes(rows)) == []


def _fields(level: str) -> dict[str, str]:
    below = (
        set()
        if level == "ad"
        else {"ad_id", "ad_name", "adset_id", "adset_name", "optimization_goal"}
    )
    return {"fields": ",".join(sorted(vocabulary.INSIGHT_FIELDS - below))}


@pytest.mark.parametrize("kind", ["accounts", *DIMENSIONS])
def test_objects__every_shape_can_occur(sandbox: Sandbox, kind: str) -> None:
    """Each key of a real object, with its type and nesting, is in some object of the sandbox."""
    accounts = [row["id"] for row in read(sandbox, "me/adaccounts")]
    paths = ["me/adaccounts"] if kind == "accounts" else [f"{each}/{kind}" for each in accounts]
    fields = ",".join(sorted(FIELDS[kind] - GONE_OR_HIDDEN))

    rows = [row for path in paths for row in read(sandbox, path, fields=fields)]

    assert sorted(known(kind) - shapes(rows)) == []
