"""What Meta really answered goes through the tap and its loader, whole and unchanged.

Every row and object of tests/contract/real is read by the tap as a process, each record is held
against its SCHEMA message, and every value in PostgreSQL against the JSON as it came.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from jsonschema import Draft7Validator
from psycopg import sql
from psycopg.types.json import set_json_loads

from tap_meta_partner.demo.postgres import embedded_postgres
from tests.support.pipeline import load
from tests.support.real_answers import DIMENSIONS, RealFile, RealGraph, real_files, serving
from tests.support.tap_process import catalog_selecting, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.support.tap_process import Output

SCHEMA = "real"
DAY = "2026-11-01"
INSIGHTS = {each.name: each for each in real_files("insights")}
OBJECTS = {each.name: each for each in real_files("accounts", *DIMENSIONS)}
RESULT = {
    "indicator": "actions:lead",
    "values": [{"value": "3", "attribution_windows": ["default"]}],
}
LEVEL_ID = {"campaign": "campaign_id", "adset": "adset_id", "ad": "ad_id"}

#: Shapes of results that users report without publishing an answer: a bare amount, and results
#: under another name than the one asked.
REPORTED = RealFile(
    name="reported_results",
    kind="insights",
    account_id="459040454203206",
    rows=[
        {"date_start": DAY, "date_stop": DAY, "cost_per_result": "0.85", "results": [RESULT]},
    ],
    asked={
        "level": "account",
        "breakdowns": [],
        "action_breakdowns": [],
        "action_attribution_windows": [],
        "time_increment": 1,
        "fields": ["cost_per_result", "objective_results"],
    },
)

#: What Meta told of objects that the tap has no column for, by kind.
_ACCOUNTS_WITHOUT_COLUMN = """
    adtrust_dsl business_city business_street business_street2 can_create_brand_lift_study
    fb_entity funding_source funding_source_details
    has_extended_credit has_migrated_permissions is_attribution_spec_system_default
    is_direct_deals_enabled is_in_3ds_authorization_enabled_market is_notifications_enabled
    is_prepay_account is_tax_id_required
    offsite_pixels_tos_accepted owner_business tax_id_status tax_id_type tos_accepted
"""
WITHOUT_COLUMN = {
    "accounts": set(_ACCOUNTS_WITHOUT_COLUMN.split()),
    "ads": {
        *(
            "adset",
            "campaign",
            "preview_shareable_link",
            "source_ad",
        ),
    },
    "adcreatives": {
        *("effective_instagram_story_id", "instagram_actor_id", "run_status", "updated_time"),
    },
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the tap wrote in its two runs, and the database that the loader made of it."""

    runs: tuple[Output, ...]
    connection: psycopg.Connection

    def rows(self, table: str, where: str, values: set[str]) -> list[dict[str, Any]]:
        """Read the rows of a table in which a column has one of these values."""
        query = sql.SQL("select * from {} where {} = any(%s)").format(
            sql.Identifier(SCHEMA, table), sql.Identifier(where)
        )
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(query, (sorted(values),)).fetchall()

    def kinds(self, table: str) -> dict[str, str]:
        """Return the PostgreSQL type of each column."""
        query = (
            "select column_name, udt_name from information_schema.columns "
            "where table_schema = %s and table_name = %s"
        )
        return dict(self.connection.execute(query, (SCHEMA, table)).fetchall())


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Let the tap read all files in two runs at once, and load what both wrote."""
    folders = [tmp_path_factory.mktemp(name) for name in ("insights", "objects", "loader")]
    with (
        serving(RealGraph([*INSIGHTS.values(), *OBJECTS.values(), REPORTED])) as url,
        embedded_postgres() as postgres,
        ThreadPoolExecutor() as pool,
    ):
        config = {
            "access_token": "made-up",
            "api_url": url,
            "start_date": DAY,
            "end_date": DAY,
            "lookback_days": 0,
        }
        reports = {**config, "reports": [each.report for each in (*INSIGHTS.values(), REPORTED)]}
        runs = tuple(
            pool.map(
                _run,
                folders,
                (reports, config),
                ((*INSIGHTS, REPORTED.name), ("ad_accounts", *DIMENSIONS)),
            )
        )
        messages = "".join(run.raw for run in runs).encode()
        load(messages, postgres, folders[2], schema=SCHEMA, timeout=120)
        with psycopg.connect(postgres.uri) as connection:
            set_json_loads(partial(json.loads, parse_float=Decimal), connection)
            yield Loaded(runs, connection)


def _run(folder: Path, config: Mapping[str, Any], streams: tuple[str, ...]) -> Output:
    catalog = catalog_selecting(config, *streams)
    return run_tap(folder, config, catalog=catalog)


def test_runs__end_well_and_complain_of_no_value(loaded: Loaded) -> None:
    """Nothing that Meta really sent is unreadable: no value is written as null with a warning."""
    assert [run.code for run in loaded.runs] == [0, 0], loaded.runs[0].log[-3000:]
    said = [line for run in loaded.runs for line in run.complaints]
    assert [line for line in said if "is written as" in line] == []


def test_records__keep_to_their_schemas(loaded: Loaded) -> None:
    """Each record is what the SCHEMA message of its stream promises."""
    written = 0
    for run in loaded.runs:
        for stream, message in run.schemas.items():
            validator = Draft7Validator(message["schema"])
            for record in run.tables[stream].values():
                written += 1
                assert next(validator.iter_errors(record), None) is None, (stream, record)
    assert written >= sum(len(each.rows) for each in (*INSIGHTS.values(), *OBJECTS.values()))


@pytest.mark.parametrize("name", INSIGHTS)
def test_insights__reach_the_table_whole(loaded: Loaded, name: str) -> None:
    """Each row is there once, under its key, with every value Meta gave and no other."""
    file = INSIGHTS[name]
    kinds = loaded.kinds(name)
    keys = _key_columns(file)

    stored = {tuple(str(row[key]) for key in keys): row for row in _stored(loaded, file)}
    expected = {_key(file, row): _expected(file, row, kinds) for row in file.rows}

    assert len(expected) == len(file.rows)
    own = {"timezone_name", "read_at", "is_final"}
    assert {
        key: {
            name: value
            for name, value in row.items()
            if value is not None and name not in own and not name.startswith("_sdc_")
        }
        for key, row in stored.items()
    } == expected


def test_results__of_other_shapes_are_found_by_the_same_query(loaded: Loaded) -> None:
    """A bare amount stands where amounts of the usual shape do, and no column holds characters."""
    (row,) = loaded.connection.execute(
        sql.SQL(
            "select (cost_per_result->0->'values'->0->>'value')::numeric, "
            "(objective_results->0->'values'->0->>'value')::numeric from {}"
        ).format(sql.Identifier(SCHEMA, REPORTED.name))
    ).fetchall()

    assert row == (Decimal("0.85"), Decimal(3))


@pytest.mark.parametrize("name", OBJECTS)
def test_objects__reach_the_table_with_all_that_has_a_column(loaded: Loaded, name: str) -> None:
    """Each object is there, and what Meta told of it stands in the column of that name."""
    file = OBJECTS[name]
    table = "ad_accounts" if file.kind == "accounts" else file.kind
    kinds = loaded.kinds(table)
    stored = {row["id"]: row for row in loaded.rows(table, "id", {row["id"] for row in file.rows})}

    assert stored.keys() == {row["id"] for row in file.rows}
    for row in file.rows:
        told = _told(row)
        missing = {key for key in told if key not in kinds}
        assert missing - WITHOUT_COLUMN.get(file.kind, set()) == set()
        expected = {key: _as(kinds[key], told[key]) for key in told if key in kinds}
        assert {key: stored[row["id"]][key] for key in expected} == expected


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Meta told of an object, as the tap calls it."""
    told = dict(row)
    # Whose an object is, the tap knows better: two accounts stand in one file.
    told.pop("account_id", None)
    if "business" in told:
        business = told.pop("business")
        told |= {"business_id": business["id"], "business_manager_name": business["name"]}
    if "creative" in told:
        told["creative_id"] = told.pop("creative")["id"]
    return told


def _stored(loaded: Loaded, file: RealFile) -> list[dict[str, Any]]:
    return loaded.rows(file.name, "account_id", {file.account_id})


def _key_columns(file: RealFile) -> list[str]:
    level_id = LEVEL_ID.get(file.asked["level"])
    breakdowns = [
        f"{name}_id" if name.endswith("_asset") else name for name in file.asked["breakdowns"]
    ]
    return ["date_start", *([level_id] if level_id else []), *breakdowns]


def _key(file: RealFile, row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        row[key] if key in row else row[key.removesuffix("_id")]["id"] for key in _key_columns(file)
    )


def _expected(file: RealFile, row: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    """What a row must be in SQL, by the columns' types; what is not in it is null."""
    expected = {key: _as(kinds[key], value) for key, value in row.items() if value is not None}
    assets = {key: row[key]["id"] for key in file.asked["breakdowns"] if key.endswith("_asset")}
    expected |= {f"{key}_id": value for key, value in assets.items()}
    return {**expected, "account_id": file.account_id}


def _as(kind: str, value: Any) -> Any:  # noqa: ANN401  (JSON in, SQL out)
    return _READERS[kind](value)


def _entries(value: list[Any]) -> list[Any]:
    """Action lists hold numbers where Meta sent digits; other lists are as they came."""
    return [
        _entry(item) if isinstance(item, dict) and "action_type" in item else item for item in value
    ]


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: item if key.startswith("action_") or item is None else _amount(item)
        for key, item in entry.items()
    }


def _amount(value: Any) -> Any:  # noqa: ANN401  (JSON)
    return [Decimal(each) for each in value] if isinstance(value, list) else Decimal(value)


def _instant(value: str) -> dt.datetime:
    text = re.sub(r"(\d\d)(\d\d)$", r"\1:\2", value)
    return dt.datetime.fromisoformat(text).astimezone(dt.timezone.utc).replace(tzinfo=None)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "numeric": Decimal,
    "int8": int,
    "bool": bool,
    "date": lambda value: dt.date.fromisoformat(value[:10]),
    "timestamp": _instant,
    "text": str,
    "_text": list,
    "jsonb": lambda value: _entries(value) if isinstance(value, list) else value,
}
