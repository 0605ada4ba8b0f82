"""Dimensions through Meltano into PostgreSQL: types, amounts, links, and joins without orphans."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from tap_meta_partner.demo import truth
from tap_meta_partner.sandbox import Sandbox, World
from tests.support.dimension_nights import DIMENSIONS
from tests.support.page_blocks import page_text
from tests.support.pipeline import pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_meta_partner.demo.meltano import Project

TOKEN = "EAAB-very-secret-token-0123456789"
LEVELS = ("campaign", "adset", "ad")
STREAMS = (*(f"{level}_insights" for level in LEVELS), *DIMENSIONS, "account_sync_status")
#: What PostgreSQL calls the types that SQL needs, by the end of a column's name or the whole. An
#: ad's `ad_active_time` is a number of seconds.
TIMES, AMOUNTS = r"(?<!active)(_time|_at)$", r"_major$"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Two runs: between them a campaign and an ad were deleted, and an ad set archived."""

    connection: psycopg.Connection
    sandbox: Sandbox
    project: Project
    gone: dict[str, set[str]]

    def rows(self, query: sql.Composed | str) -> list[tuple[Any, ...]]:
        """What a query brings."""
        return self.connection.execute(query).fetchall()  # type: ignore[arg-type]

    def column(self, table: str, name: str) -> dict[str, Any]:
        """A column by id."""
        query = sql.SQL("select id, {} from {}").format(
            sql.Identifier(name), sql.Identifier(truth.SCHEMA, table)
        )
        return dict(self.rows(query))


@pytest.fixture(scope="module", params=[True, False], ids=["deleted listed", "not listed"])
def loaded(request: pytest.FixtureRequest) -> Iterator[Loaded]:
    world = World.demo(seed=7, days=30)
    since = world.now().date() - dt.timedelta(days=14)
    settings = {
        "TAP_META_PARTNER_START_DATE": since.isoformat(),
        "TAP_META_PARTNER__SELECT": json.dumps([f"{stream}.*" for stream in STREAMS]),
    }
    with pipeline(world, settings, token=TOKEN, deleted_listed=request.param) as started:
        project = started.project
        project.run()
        account = max(world.readable(), key=lambda each: len(each.campaigns))
        first, second = [c for c in account.campaigns if c.effective_status == "ACTIVE"][:2]
        world.statuses.delete(first.id)
        world.statuses.delete(second.adsets[0].ads[0].id)
        world.statuses.set(second.adsets[1].id, "ARCHIVED")
        gone = {f"{level}s": set(world.statuses.deleted(account, level)) for level in LEVELS}
        project.run()
        yield Loaded(started.connection, started.sandbox, project, gone)


def test_join__finds_an_object_for_every_row(loaded: Loaded) -> None:
    """No insights row of any level, and no ad, is without its object, whatever became of that."""
    pairs = [(f"{level}_insights", f"{level}_id", f"{level}s") for level in LEVELS]
    pairs += [("ad_insights", f"{level}_id", f"{level}s") for level in ("campaign", "adset")]
    pairs += [("ads", "creative_id", "adcreatives"), ("ads", "adset_id", "adsets")]
    for table, name, dimension in pairs:
        query = sql.SQL(
            "select count(*), count(d.id) from {} t left join {} d "
            "on d.id = t.{} and d.account_id = t.account_id"
        ).format(
            sql.Identifier(truth.SCHEMA, table),
            sql.Identifier(truth.SCHEMA, dimension),
            sql.Identifier(name),
        )
        ((rows, found),) = loaded.rows(query)
        assert (table, name, rows) == (table, name, found)
        assert rows > 0


@pytest.mark.parametrize("table", DIMENSIONS)
def test_column__has_the_type_sql_needs(loaded: Loaded, table: str) -> None:
    """Times are times, amounts numbers, flags yes or no; objects can be looked into."""
    query = (
        "select column_name, udt_name from information_schema.columns "  # noqa: S608
        f"where table_schema = '{truth.SCHEMA}' and table_name = '{table}'"
    )
    types = {name: kind for name, kind in loaded.rows(query) if not name.startswith("_sdc_")}

    assert {name for name, kind in types.items() if kind == "timestamp"} == {
        name for name in types if re.search(TIMES, name)
    }
    assert {name for name, kind in types.items() if kind == "numeric"} == {
        name for name in types if re.search(AMOUNTS, name)
    }
    assert set(types.values()) <= {
        *("text", "timestamp", "numeric", "int8", "bool", "jsonb"),
        "_text",
    }
    of = {
        "campaigns": {"special_ad_categories": "_text", "promoted_object": "jsonb"},
        "adsets": {"targeting": "jsonb", "is_dynamic_creative": "bool", "bid_amount": "int8"},
        "ads": {"creative_id": "text", "tracking_specs": "jsonb"},
        "adcreatives": {"object_story_spec": "jsonb", "asset_feed_spec_link_urls": "jsonb"},
    }
    assert of[table].items() <= types.items()
    assert {types[name] for name in types if name == "id" or name.endswith("_id")} == {"text"}


def test_budget__is_in_whole_units_of_the_currency(loaded: Loaded) -> None:
    """Yen have no smaller unit; of all others a hundredth is Meta's."""
    currencies = {each.id: each.currency for each in loaded.sandbox.world.accounts}
    seen: set[str] = set()
    names = ("daily_budget", "lifetime_budget", "budget_remaining")
    for table, name in product(("campaigns", "adsets"), names):
        accounts = loaded.column(table, "account_id")
        major = loaded.column(table, f"{name}_major")
        for each, amount in loaded.column(table, name).items():
            if amount is None:
                assert major[each] is None
                continue
            currency = currencies[accounts[each]]
            assert major[each] == (Decimal(amount) if currency == "JPY" else Decimal(amount) / 100)
            if Decimal(amount):
                seen.add(currency)
    assert {"JPY", "EUR"} <= seen


def test_creative__links_and_tags_are_there(loaded: Loaded) -> None:
    """Each form of a creative brings its link, its cards, its feed; texts keep every letter."""
    forms = dict(
        loaded.rows(
            "select case when asset_feed_spec_link_urls <> 'null' then 'feed' "
            "when object_story_link_data_child_attachments <> 'null' then 'cards' "
            "when template_page_link is not null then 'catalogue' "
            "when video_id is not null then 'video' "
            "when object_story_link_data_link is not null then 'link' "
            "when object_story_spec ? 'photo_data' then 'photo' end, count(*) "
            "from tap_meta_partner.adcreatives group by 1"
        )
    )
    assert set(forms) == {"feed", "cards", "catalogue", "video", "link", "photo"}
    ((feed, cards, film, tags, titles),) = loaded.rows(
        "select count(asset_feed_spec -> 'link_urls' -> 0 ->> 'website_url'), "
        "count(object_story_link_data_child_attachments -> 2 ->> 'link'), "
        "count(*) filter (where video_id is not null and page_link like '%/film/%'), "
        "count(*) filter (where url_tags like 'utm_source=%{{ad.id}}'), "
        "count(*) filter (where title = '新商品が届きました') "
        "from tap_meta_partner.adcreatives"
    )
    assert (feed, cards, film) == (forms["feed"], forms["cards"], forms["video"])
    assert tags == forms["link"] + forms["cards"] + forms["feed"]
    assert titles > 0


def test_status__is_that_of_meta(loaded: Loaded) -> None:
    """What is not gone has its status of tonight, archived ones too; times are UTC."""
    world = loaded.sandbox.world
    listed = "DELETED" in loaded.column("ads", "effective_status").values()
    for level in LEVELS:
        statuses = loaded.column(f"{level}s", "effective_status")
        times = loaded.column(f"{level}s", "updated_time")
        for account in world.readable():
            for each in account.objects(level):
                if listed or each.id not in loaded.gone[f"{level}s"]:
                    assert statuses[each.id] == world.statuses.effective(each)
                    moment = world.statuses.updated(each).astimezone(dt.timezone.utc)
                    assert times[each.id] == moment.replace(microsecond=0, tzinfo=None)
    assert "ARCHIVED" in loaded.column("adsets", "effective_status").values()


def test_page__its_queries_tell_what_it_says(loaded: Loaded) -> None:
    """The join keeps all that was spent; the other query finds the deleted campaigns."""
    join, *_, gone = re.findall(r"```sql\n(.*?)```", page_text("dimensions"), re.DOTALL)
    ((spent,),) = loaded.rows("select sum(spend) from tap_meta_partner.ad_insights")

    joined = loaded.rows(join)

    assert sum(row[-1] for row in joined) == spent > 0
    assert all(row[1] and row[3] and row[4] for row in joined)
    assert {row[1] for row in loaded.rows(gone)} == loaded.gone["campaigns"]
    of_adsets = gone.replace("campaigns", "adsets")
    assert {row[1] for row in loaded.rows(of_adsets)} == loaded.gone["adsets"]
    of_creatives = gone.replace("campaigns", "adcreatives")
    of_creatives = of_creatives.replace("c.effective_status = 'DELETED'\n   or ", "")
    assert loaded.rows(of_creatives) == []
    of_ads = gone.replace("campaigns", "ads").replace(
        "max(r.run_started_at)", "max(r.run_started_at) - interval '7 days'"
    )
    statuses = loaded.column("ads", "effective_status").items()
    deleted = {each for each, status in statuses if status == "DELETED"}
    # The others are not behind by so much yet.
    assert {row[1] for row in loaded.rows(of_ads)} == deleted
