"""Every dimension and history through Meltano into PostgreSQL and DuckDB: each object once."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.demo.meltano import new_project
from tap_meta_partner.demo.postgres import short_folder
from tap_meta_partner.dimensions.tables import DIMENSIONS, HISTORY_KEY, WITH_HISTORY, history_of
from tap_meta_partner.sandbox import Sandbox, World
from tap_meta_partner.sandbox.world import activities, assets, creatives
from tests.support.destinations import ALL_LOADERS, Destination, Loader

if TYPE_CHECKING:
    from collections.abc import Iterator

LOADERS = [each for each in ALL_LOADERS if each.name in {"target-postgres", "target-duckdb"}]
SECOND_LEVEL = {"campaigns": "campaign", "adsets": "adset", "ads": "ad"}
STREAMS = (*DIMENSIONS, *map(history_of, WITH_HISTORY))
KEYS = {
    **{name: each.key for name, each in DIMENSIONS.items()},
    **{history_of(name): HISTORY_KEY for name in WITH_HISTORY},
}
#: By these an activity can be found in the world: it has no id there.
_ACTIVITY = ("event_type", "object_id", "actor_id", "extra_data")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Two runs into one database."""

    world: World
    destination: Destination

    def rows(self, query: str, stream: str) -> list[tuple[Any, ...]]:
        """What a query brings, with the table of a stream in the place of `{}`."""
        return self.destination.query(query.format(self.destination.table(stream)))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            each,
            marks=pytest.mark.skipif(
                sys.version_info[:2] > each.newest_python,
                reason="what it pins has no wheels for this Python",
            ),
        )
        for each in LOADERS
    ],
    ids=lambda each: each.name,
)
def loaded(request: pytest.FixtureRequest) -> Iterator[Loaded]:
    loader: Loader = request.param
    world = World.demo(seed=7, days=30)
    with (
        Sandbox(world) as sandbox,
        short_folder() as folder,
        loader.destination(folder / "project", folder / "server.log") as destination,
    ):
        settings = {
            "TAP_META_PARTNER_API_URL": sandbox.url,
            "TAP_META_PARTNER_ACCESS_TOKEN": sandbox.token,
            "TAP_META_PARTNER__SELECT": json.dumps([f"{stream}.*" for stream in STREAMS]),
            **destination.settings,
        }
        project = new_project(folder / "project", settings, loader=loader.name)
        project.run()
        project.run()
        yield Loaded(world, destination)


def true_ids(world: World, stream: str) -> set[tuple[str, str]]:
    """Return account and id of every object there is, without going through HTTP."""
    edge = DIMENSIONS[stream].edge or stream
    found = set()
    for account in world.readable():
        if stream in SECOND_LEVEL:
            ids = [each.id for each in account.objects(SECOND_LEVEL[stream])]
        elif stream == "adcreatives":
            ids = [creatives.id_of(ad) for ad in account.ads]
        else:
            ids = [str(each["id"]) for each in assets.listed(world, account, edge)]
        found |= {(account.id, each) for each in ids}
    return found


@pytest.mark.parametrize("stream", STREAMS)
def test_keys__are_unique(loaded: Loaded, stream: str) -> None:
    """The second run wrote over the first one."""
    key = ", ".join(KEYS[stream])
    query = f"select count(*), count(distinct ({key})) from {{}}"  # noqa: S608  (our own names)
    ((rows, keys),) = loaded.rows(query, stream)

    assert rows == keys > 0


@pytest.mark.parametrize("stream", [name for name in DIMENSIONS if name != "activities"])
def test_objects__are_those_of_the_world(loaded: Loaded, stream: str) -> None:
    """None is missing and none too many, each of its account."""
    assert {*loaded.rows("select account_id, id from {}", stream)} == true_ids(loaded.world, stream)


@pytest.mark.parametrize("dimension", WITH_HISTORY)
def test_histories__have_each_object(loaded: Loaded, dimension: str) -> None:
    """A history begins with every object as it is."""
    rows = loaded.rows("select distinct account_id, id from {}", history_of(dimension))

    assert {*rows} == true_ids(loaded.world, dimension)


def test_activities__are_those_of_the_world(loaded: Loaded) -> None:
    """Those of the last 30 days, and all of them."""
    names = ", ".join(_ACTIVITY)
    rows = loaded.rows(f"select account_id, {names} from {{}}", "activities")  # noqa: S608
    ((first,),) = loaded.rows("select min(event_time) from {}", "activities")
    true = [
        (account.id, *(each.get(name) for name in _ACTIVITY))
        for account in loaded.world.readable()
        for moment, each in activities.happened(loaded.world, account)
        if moment.replace(tzinfo=None) >= first
    ]

    assert sorted(rows, key=str) == sorted(true, key=str)
    assert {None} != {row[-1] for row in rows}
