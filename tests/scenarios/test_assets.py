"""Custom conversions, pixels, images, videos and audiences: all that accounts list, once each."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

from tap_meta_partner.demo import truth
from tap_meta_partner.sandbox import Fault, World
from tap_meta_partner.sandbox.world import assets
from tests.support.pipeline import pipeline
from tests.support.tap_process import catalog_selecting, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_meta_partner.sandbox import Sandbox
    from tests.support.pipeline import Pipeline
    from tests.support.tap_process import Output

DOWNSTREAM = Path(__file__).parents[2] / "docs" / "downstream"
EDGES = {
    "custom_conversions": "customconversions",
    "pixels": "adspixels",
    "images": "adimages",
    "videos": "advideos",
    "custom_audiences": "customaudiences",
}
#: Columns that are called as Meta calls the field, and come as Meta has them.
AS_THEY_ARE = {
    "custom_conversions": ("name", "rule", "custom_event_type", "is_archived", "retention_days"),
    "pixels": ("name", "automatic_matching_fields", "is_unavailable"),
    "images": ("hash", "permalink_url", "width", "creatives"),
    "videos": ("title", "views", "published"),
    "custom_audiences": ("name", "subtype", "approximate_count_lower_bound", "delivery_status"),
}


def read(sandbox: Sandbox, folder: Path, *streams: str) -> Output:
    config = {"access_token": sandbox.token, "api_url": sandbox.url}
    catalog = catalog_selecting(config, *streams, "account_sync_status")
    return run_tap(folder, config, catalog=catalog)


def listed(sandbox: Sandbox, stream: str) -> dict[str, dict[str, Any]]:
    """Return what the sandbox itself knows, by id, without going through HTTP."""
    return {
        str(each["id"]): {**each, "account_id": account.id}
        for account in sandbox.world.readable()
        for each in assets.listed(sandbox.world, account, EDGES[stream])
    }


@pytest.mark.parametrize("stream", EDGES)
def test_stream__brings_all_that_accounts_list(
    sandbox: Sandbox, tmp_path: Path, stream: str
) -> None:
    """Every object of every account once, value by value."""
    output = read(sandbox, tmp_path, stream)
    true = listed(sandbox, stream)
    rows = {row["id"]: row for row in output.tables[stream].values()}

    assert output.code == 0
    assert output.counts[stream] == len(true) > 0
    assert rows.keys() == true.keys()
    for object_id, row in rows.items():
        for name in ("account_id", *AS_THEY_ARE[stream]):
            assert row[name] == true[object_id].get(name), (object_id, name)


def test_values__inside_objects_and_of_other_kinds(sandbox: Sandbox, tmp_path: Path) -> None:
    """What stands inside Meta's objects, seconds since 1970, and lengths."""
    output = read(sandbox, tmp_path, *EDGES)
    pixels = {row["id"]: row for row in output.tables["pixels"].values()}

    for row in output.tables["custom_conversions"].values():
        assert pixels[row["pixel_id"]]["account_id"] == row["account_id"]
    for row in pixels.values():
        assert row["owner_ad_account_id"] == row["account_id"]
    assert {row["video_status"] for row in output.tables["videos"].values()} == {"ready"}
    assert all(isinstance(row["length"], Decimal) for row in output.tables["videos"].values())
    for row in output.tables["custom_audiences"].values():
        assert row["time_created"].endswith("+00:00")


@pytest.mark.parametrize("stream", EDGES)
def test_refusal__costs_one_stream_of_one_account(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path, stream: str
) -> None:
    """Some of these need more than ads_read: who refuses one of them gives all the others."""
    world = World.demo(seed=7)
    victim = world.readable()[0].id
    fault = Fault(kind=EDGES[stream], account_id=victim, times=None, code=200, message="(#200) no")
    sandbox = start_sandbox(world, faults=[fault])

    output = read(sandbox, tmp_path, *EDGES, "ad_insights")
    results = {
        (row["account_id"], row["stream"]): row["result"]
        for row in output.tables["account_sync_status"].values()
    }

    assert results.pop((victim, stream)) == "skipped"
    assert set(results.values()) == {"delivered"}
    assert output.code == 0


def test_shared__an_object_of_two_accounts_is_a_row_of_each(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pixel or an audience can be shared with several ad accounts."""
    monkeypatch.setattr(assets, "pixel_id_of", lambda _account: "700000000000001")

    output = read(sandbox, tmp_path, "pixels")

    accounts = {row["account_id"] for row in output.tables["pixels"].values()}
    assert len(accounts) == len(sandbox.world.readable()) == output.counts["pixels"]


def test_unselected__they_cost_no_call(sandbox: Sandbox, tmp_path: Path) -> None:
    """A run without a catalog never touches these edges."""
    run_tap(tmp_path, {"access_token": sandbox.token, "api_url": sandbox.url})

    assert not {call.kind for call in sandbox.calls} & {*EDGES.values()}


@pytest.fixture(scope="module")
def loaded() -> Iterator[Pipeline]:
    selected = [f"{stream}.*" for stream in (*EDGES, "adcreatives")]
    settings = {"TAP_META_PARTNER__SELECT": json.dumps(selected)}
    with pipeline(World.demo(seed=7), settings) as started:
        started.project.run()
        started.project.run()
        yield started


def test_postgres__has_each_object_once(loaded: Pipeline) -> None:
    """After two runs through Meltano, keys are unique and nothing is missing."""
    for stream in EDGES:
        query = sql.SQL("select count(*), count(distinct id) from {}").format(
            sql.Identifier(truth.SCHEMA, stream)
        )
        ((rows, ids),) = loaded.connection.execute(query).fetchall()
        assert rows == ids == len(listed(loaded.sandbox, stream))


def test_postgres__action_rows_find_the_names_of_their_conversions(loaded: Pipeline) -> None:
    """The view of the page joins `offsite_conversion.custom.ID` to what people called it."""
    conversions = listed(loaded.sandbox, "custom_conversions")
    (first, *_) = conversions
    connection = loaded.connection
    connection.execute(
        "create table tap_meta_partner.ad_conversions_actions as "
        "select %s as account_id, date '2026-11-01' as date_start, '1' as ad_id, "
        "unnest(%s::text[]) as action_type, 2.0 as value",
        (conversions[first]["account_id"], [f"offsite_conversion.custom.{first}", "purchase"]),
    )
    view = (DOWNSTREAM / "custom_conversions.sql").read_text(encoding="utf-8")
    connection.execute(view)  # type: ignore[arg-type]

    rows = connection.execute(
        "select custom_conversion, value from tap_meta_partner.custom_conversion_actions"
    ).fetchall()
    assert rows == [(conversions[first]["name"], 2)]


def test_postgres__creatives_find_their_images_and_videos(loaded: Pipeline) -> None:
    """An image by its hash, a video by its id, within the account."""
    for table, column, key in (("images", "image_hash", "hash"), ("videos", "video_id", "id")):
        query = sql.SQL(
            "select count(*), count(d.id) from {} c left join {} d "
            "on d.{} = c.{} and d.account_id = c.account_id where c.{} is not null"
        ).format(
            sql.Identifier(truth.SCHEMA, "adcreatives"),
            sql.Identifier(truth.SCHEMA, table),
            sql.Identifier(key),
            sql.Identifier(column),
            sql.Identifier(column),
        )
        ((creatives, found),) = loaded.connection.execute(query).fetchall()
        assert creatives == found > 0
