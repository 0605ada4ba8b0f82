"""What the database adds up: rows by account, day and reading, and each stream's last status."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa

from tap_meta_partner.graph.values import maybe, number_of, text_of
from tap_meta_partner.onboarding.verify.amounts import ACTIONS, NOTHING, Held, HeldStream, Status
from tap_meta_partner.onboarding.verify.questions import action_amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.settings.model import ReportDefinition

_KEYS = ("account_id", "date_start")
_BESIDES = ("read_at", "timezone_name", "attribution_setting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A table and its columns."""

    table: sa.FromClause
    columns: Mapping[str, Any]


def columns_of_metrics(columns: frozenset[str], metrics: Sequence[str]) -> frozenset[str]:
    """Return the metrics that a table with these columns can tell."""
    return frozenset(
        metric
        for metric in metrics
        if metric in columns or (metric.startswith(ACTIONS) and "actions" in columns)
    )


def streams_in(
    connection: sa.Connection,
    definition: ReportDefinition,
    found: Found,
    window: DateWindow,
    metrics: Sequence[str],
) -> Iterator[tuple[str, HeldStream]]:
    """Yield what a table holds of each account; only the metrics it has a column for."""
    there = columns_of_metrics(frozenset(found.columns), metrics)
    days = _days(connection, found, window, [m for m in metrics if m in there])
    for account_id, (first_day, last_read) in _extents(connection, found).items():
        yield (
            account_id,
            HeldStream(
                stream=definition.name,
                level=definition.level,
                metrics=there,
                days=days.get(account_id, {}),
                first_day=first_day,
                start=definition.start_date,
                last_read=last_read,
            ),
        )


def _extents(
    connection: sa.Connection, found: Found
) -> dict[str, tuple[dt.date | None, dt.datetime | None]]:
    """Return the first day and the last reading of each account."""
    columns = found.table.c
    last = sa.func.max(columns.read_at) if "read_at" in found.columns else sa.null()
    statement = sa.select(columns.account_id, sa.func.min(columns.date_start), last).group_by(
        columns.account_id
    )
    return {
        str(account_id): (_day(first), _instant(read_at))
        for account_id, first, read_at in connection.execute(statement)
    }


def _days(
    connection: sa.Connection, found: Found, window: DateWindow, metrics: Sequence[str]
) -> dict[str, dict[dt.date, list[Held]]]:
    """Add up rows by account, day and reading."""
    columns = found.table.c
    besides = [name for name in _BESIDES if name in found.columns]
    groups = [columns[name] for name in (*_KEYS, *besides)]
    plain = [metric for metric in metrics if metric in found.columns]
    sums = [sa.func.sum(columns[name]) for name in plain]
    counts = [sa.func.count(columns[name]) for name in plain]
    statement = (
        sa.select(*groups, sa.func.count(), *sums, *counts)
        .where(columns.date_start.between(*_ends(found, window)))
        .group_by(*groups)
    )
    actions = _actions(connection, found, window, [m for m in metrics if m not in plain])
    read: defaultdict[str, dict[dt.date, list[Held]]] = defaultdict(dict)
    for row in connection.execute(statement):
        values = list(row)
        account_id, day = str(values.pop(0)), _day(values.pop(0))
        if day is None:
            continue
        about = {name: values.pop(0) for name in besides}
        rows = int(values.pop(0))
        given = dict(zip(plain, values[: len(plain)], strict=True))
        filled = dict(zip(plain, values[len(plain) :], strict=True))
        read_at = _instant(about.get("read_at"))
        setting = about.get("attribution_setting")
        listed = actions.get((account_id, day, read_at, setting), {})
        held = Held(
            day=day,
            read_at=read_at,
            rows=rows,
            sums={**{name: _amount(value) for name, value in given.items()}, **listed},
            empty={name: rows - int(count) for name, count in filled.items()},
            timezone_name=maybe(text_of, about.get("timezone_name")),
            attribution=frozenset([setting] if isinstance(setting, str) else []),
        )
        read[account_id].setdefault(day, []).append(held)
    return dict(read)


def _actions(
    connection: sa.Connection, found: Found, window: DateWindow, metrics: Sequence[str]
) -> dict[tuple[str, dt.date | None, dt.datetime | None, Any], dict[str, Decimal]]:
    """Add up action lists, which databases keep in ways of their own, row by row."""
    if not metrics:
        return {}
    columns = found.table.c
    names = [name for name in ("read_at", "attribution_setting") if name in found.columns]
    statement = sa.select(
        columns.account_id, columns.date_start, columns.actions, *(columns[name] for name in names)
    ).where(columns.date_start.between(*_ends(found, window)))
    sums: dict[tuple[str, dt.date | None, dt.datetime | None, Any], dict[str, Decimal]] = {}
    for account_id, date, entries, *about in connection.execute(statement):
        known = dict(zip(names, about, strict=True))
        key = (
            str(account_id),
            _day(date),
            _instant(known.get("read_at")),
            known.get("attribution_setting"),
        )
        amounts = sums.setdefault(key, dict.fromkeys(metrics, NOTHING))
        for metric in metrics:
            amount = action_amount(_listed(entries), metric.removeprefix(ACTIONS))
            amounts[metric] += amount or NOTHING
    return sums


def statuses_in(connection: sa.Connection, found: Found) -> dict[tuple[str, str], Status]:
    """Return the last status of each account and stream."""
    columns = found.table.c
    names = ("account_id", "stream", "result", "run_started_at", "reason")
    if not set(names) <= set(found.columns):
        return {}
    statement = sa.select(*(columns[name] for name in names)).order_by(columns.run_started_at)
    return {
        (str(account_id), str(stream)): Status(
            result=str(result), reason=maybe(text_of, reason), run_started_at=_instant(started)
        )
        for account_id, stream, result, started, reason in connection.execute(statement)
    }


def _ends(found: Found, window: DateWindow) -> tuple[Any, Any]:
    """Return both ends as the column has them: some loaders keep days as texts."""
    if isinstance(found.columns["date_start"], sa.Date):
        return window.since, window.until
    if isinstance(found.columns["date_start"], sa.DateTime):
        return (
            dt.datetime.combine(window.since, dt.time.min),
            dt.datetime.combine(window.until, dt.time.max),
        )
    return window.since.isoformat(), window.until.isoformat()


def _day(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _instant(value: object) -> dt.datetime | None:
    """Read an instant; loaders that drop the zone keep UTC, as the tap writes it."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
    if not isinstance(value, dt.datetime):
        return None
    return value.replace(tzinfo=dt.timezone.utc) if value.tzinfo is None else value


def _amount(value: object) -> Decimal:
    """Take an amount as it came: exactly, where the database keeps it so."""
    return maybe(number_of, str(value)) or NOTHING


def _listed(value: object) -> object:
    """Return an action list, which some databases hand out as JSON text, and some as objects."""
    if isinstance(value, (str, bytes)):
        try:
            value = json.loads(value, parse_float=Decimal)
        except ValueError:
            return None
    if isinstance(value, list):
        return [_with_decimal(entry) for entry in value]
    return value


def _with_decimal(entry: object) -> object:
    if isinstance(entry, dict) and isinstance(entry.get("value"), float):
        return {**entry, "value": str(entry["value"])}
    return entry
