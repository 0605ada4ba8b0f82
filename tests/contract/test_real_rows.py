"""Rows as a real ad account answered: each reaches PostgreSQL complete, typed and exact."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import sysconfig
import threading
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import set_json_loads
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tap_meta_partner.demo.postgres import embedded_postgres
from tap_meta_partner.insights.fields import BREAKDOWNS
from tests.support.tap_process import catalog_selecting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ROWS_FILE = Path(__file__).with_name("real_insights_rows.json")
ROWS: dict[str, dict[str, Any]] = {
    breakdowns: row
    for breakdowns, row in json.loads(ROWS_FILE.read_text(encoding="utf-8")).items()
    if breakdowns != "about"
}
ACCOUNT = {
    "id": "act_212551616838260",
    "account_id": "212551616838260",
    "name": "A real account",
    "account_status": 1,
    "currency": "USD",
    "timezone_name": "America/Los_Angeles",
    "timezone_offset_hours_utc": -8,
}
SCHEMA = "real_rows"


def breakdowns_of(title: str) -> list[str]:
    """`gender, unknown` is about the breakdown gender; `ad, no breakdown` about none."""
    return [name for name in title.split(", ") if name in BREAKDOWNS]


def report_of(number: int, title: str) -> dict[str, Any]:
    breakdowns = breakdowns_of(title)
    return {
        "name": f"report_{number}",
        "level": "ad",
        "breakdowns": breakdowns,
        "fields": [name for name in ROWS[title] if name not in breakdowns],
    }


REPORTS = {title: report_of(number, title) for number, title in enumerate(ROWS)}


@Request.application
def graph(request: Request) -> Response:
    """A Graph API with one account; each report gets its real row, whatever days it asks for."""
    if request.path.endswith("/adaccounts"):
        return answer([ACCOUNT])
    if not request.path.endswith("/insights"):
        message = {"message": "Unknown path", "code": 2500, "fbtrace_id": "made-up"}
        return Response(json.dumps({"error": message}), 400, mimetype="application/json")
    if request.args["level"] == "account":
        # The tap asks first on which days there was anything: on all of them.
        return answer(list(active_days(json.loads(request.args["time_range"]))))
    asked = set(request.args.get("breakdowns", "").split(",")) - {""}
    fields = set(request.args["fields"].split(","))
    (row,) = [
        row
        for title, row in ROWS.items()
        if set(breakdowns_of(title)) == asked and set(row) - asked <= fields
    ]
    return answer([row])


def answer(data: list[dict[str, Any]]) -> Response:
    return Response(json.dumps({"data": data}), mimetype="application/json")


def active_days(time_range: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    day = dt.date.fromisoformat(time_range["since"])
    while day <= dt.date.fromisoformat(time_range["until"]):
        yield {
            "account_id": ACCOUNT["account_id"],
            "date_start": str(day),
            "date_stop": str(day),
            "impressions": "1",
            "spend": "0.01",
        }
        day += dt.timedelta(days=1)


@pytest.fixture(scope="module")
def graph_url() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, graph, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def loaded(
    graph_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection]:
    """A database into which the loader wrote what the tap read."""
    folder = tmp_path_factory.mktemp("real")
    config = {
        "access_token": "made-up",
        "api_url": graph_url,
        "reports": list(REPORTS.values()),
    }
    catalog = catalog_selecting(config, *(report["name"] for report in REPORTS.values()))
    with embedded_postgres() as postgres:
        loader = {
            "sqlalchemy_url": postgres.loader_uri,
            "default_target_schema": SCHEMA,
            "use_copy": True,
            "validate_records": False,
        }
        write = partial(written, folder)
        pipe(
            [
                sys.executable,
                "-m",
                "tap_meta_partner",
                *("--config", write("tap", config), "--catalog", write("catalog", catalog)),
            ],
            [
                str(Path(sysconfig.get_path("scripts")) / "target-postgres"),
                *("--config", write("target", loader)),
            ],
            folder,
        )
        with psycopg.connect(postgres.uri) as connection:
            set_json_loads(partial(json.loads, parse_float=Decimal), connection)
            yield connection


def written(folder: Path, name: str, content: object) -> str:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def pipe(tap: list[str], target: list[str], folder: Path) -> None:
    tap_log, target_log = folder / "tap.log", folder / "target.log"
    with (
        tap_log.open("wb") as tap_errors,
        target_log.open("wb") as target_errors,
        subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=tap_errors) as reading,
    ):
        loading = subprocess.run(
            target,
            stdin=reading.stdout,
            stdout=subprocess.DEVNULL,
            stderr=target_errors,
            check=False,
            timeout=60,
        )
        assert reading.wait(timeout=10) == 0, tap_log.read_text(encoding="utf-8")
    assert loading.returncode == 0, target_log.read_text(encoding="utf-8")


def stored(connection: psycopg.Connection, table: str) -> list[dict[str, Any]]:
    query = sql.SQL("select * from {}").format(sql.Identifier(SCHEMA, table))
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(query).fetchall()


def types(connection: psycopg.Connection, table: str) -> dict[str, str]:
    query = (
        "select column_name, udt_name from information_schema.columns "
        "where table_schema = %s and table_name = %s"
    )
    return dict(connection.execute(query, (SCHEMA, table)).fetchall())


def as_numbers(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An action list as it should arrive: labels as they came, amounts as numbers."""
    return [
        {
            key: item if key.startswith("action_") or isinstance(item, list) else Decimal(item)
            for key, item in entry.items()
        }
        for entry in entries
    ]


#: What a value of Meta's must equal in SQL, by the column's type.
EXPECTED: dict[str, Callable[[Any], Any]] = {
    "numeric": Decimal,
    "int8": int,
    "date": dt.date.fromisoformat,
    "text": str,
    "jsonb": as_numbers,
}


@pytest.mark.parametrize("title", ROWS)
def test_real_row__arrives_complete_and_exact(loaded: psycopg.Connection, title: str) -> None:
    """Every value Meta gave is in the table, typed, equal to the last digit; nothing is doubled."""
    table = REPORTS[title]["name"]
    kinds = types(loaded, table)
    (row,) = stored(loaded, table)

    expected = {name: EXPECTED[kinds[name]](value) for name, value in ROWS[title].items()}

    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("title", ROWS)
def test_real_row__has_the_types_sql_needs(loaded: psycopg.Connection, title: str) -> None:
    """Money and rates are numeric, counts bigint, days date, ids and names text."""
    kinds = types(loaded, REPORTS[title]["name"])
    expected = {
        "spend": "numeric",
        "cpm": "numeric",
        "frequency": "numeric",
        "impressions": "int8",
        "reach": "int8",
        "date_start": "date",
        "created_time": "date",
        "account_id": "text",
        "ad_id": "text",
        "video_play_curve_actions": "jsonb",
        **dict.fromkeys(breakdowns_of(title), "text"),
    }

    assert {name: kinds[name] for name in expected if name in ROWS[title]} == {
        name: kind for name, kind in expected.items() if name in ROWS[title]
    }


@pytest.mark.parametrize("title", ROWS)
def test_real_row__is_keyed_by_its_breakdowns(loaded: psycopg.Connection, title: str) -> None:
    """Account, day, ad and every breakdown are the table's primary key, so nothing is doubled."""
    table = f"{SCHEMA}.{REPORTS[title]['name']}"
    query = (
        "select attname from pg_index join pg_attribute "
        "on attrelid = indrelid and attnum = any(indkey) "
        "where indrelid = %s::regclass and indisprimary"
    )

    found = {name for (name,) in loaded.execute(query, (table,))}

    assert found == {"account_id", "date_start", "ad_id", *breakdowns_of(title)}
