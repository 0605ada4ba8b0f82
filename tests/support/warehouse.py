"""A warehouse in a file of DuckDB's, filled with what a run of the tap wrote.

The types are those of target-duckdb: amounts are binary fractions, instants have no zone.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.tap_process import Output

SCHEMA = "tap_meta_partner"


def fill(file: Path, output: Output) -> str:
    """Write a run's tables into the file, anew, and return its address for SQLAlchemy."""
    with duckdb.connect(file) as database:
        database.execute(f"create schema if not exists {SCHEMA}")
        for stream, rows in output.tables.items():
            properties: Mapping[str, Any] = output.schemas[stream]["schema"]["properties"]
            columns = ", ".join(f'"{name}" {_type(each)}' for name, each in properties.items())
            database.execute(f'create or replace table {SCHEMA}."{stream}" ({columns})')
            marks = ", ".join("?" for _ in properties)
            values = [[_value(row.get(name)) for name in properties] for row in rows.values()]
            if values:
                database.executemany(f'insert into {SCHEMA}."{stream}" values ({marks})', values)  # noqa: S608
    return f"duckdb:///{file}"


def execute(file: Path, statement: str) -> None:
    """Change what the warehouse holds."""
    with duckdb.connect(file) as database:
        database.execute(statement)


def _type(schema: Mapping[str, Any]) -> str:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "array" in kinds or "object" in kinds:
        return "json"
    if "number" in kinds:
        return "double"
    if "integer" in kinds:
        return "bigint"
    if "boolean" in kinds:
        return "boolean"
    return {"date": "date", "date-time": "timestamp"}.get(schema.get("format", ""), "varchar")


def _value(value: object) -> object:
    if isinstance(value, (list, dict)):
        return json.dumps(value, default=str)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, str) and "T" in value and value.endswith("+00:00"):
        return dt.datetime.fromisoformat(value).replace(tzinfo=None)
    return value
