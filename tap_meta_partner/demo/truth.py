"""What is in PostgreSQL beside what is true in the sandbox."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from tap_meta_partner.sandbox.world.truth import LEVELS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    import psycopg
    from typing_extensions import LiteralString

    from tap_meta_partner.sandbox import ReceivedCall, World

#: Where meltano.yml lets the tables land.
SCHEMA = "tap_meta_partner"


_BEFORE = "before_second_run"


_LEVEL_KEY = {"account": (), "campaign": ("campaign_id",), "adset": ("adset_id",), "ad": ("ad_id",)}


#: Different in every run, whether Meta changed a number or not.
_OF_THE_RUN = [
    "read_at",
    "is_final",
    *(
        f"_sdc_{name}"
        for name in (
            "extracted_at",
            "received_at",
            "batched_at",
            "deleted_at",
            "sequence",
            "table_version",
            "sync_started_at",
        )
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The days compared: from one day on, up to each account's own today."""

    since: dt.date
    until: Mapping[str, dt.date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """One client's spend: in PostgreSQL by level, and in truth."""

    client: str
    currency: str
    loaded: Mapping[str, Decimal]
    truth: Decimal

    @property
    def agrees(self) -> bool:
        """Whether every level adds up to the truth, to the last digit."""
        return all(amount == self.truth for amount in self.loaded.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """A table's rows, and how many the sandbox has."""

    stream: str
    loaded: int
    truth: int

    @property
    def agrees(self) -> bool:
        """Whether no row is missing and none too many."""
        return self.loaded == self.truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What the second run did to a table."""

    stream: str
    before: int
    changed: int
    new: int
    gone: int
    duplicate_keys: int


def period(world: World, since: dt.date) -> Period:
    """Fix the days now: midnight may come to an account while a run is under way."""
    now = world.now()
    return Period(since=since, until={each.id: each.today(now) for each in world.accounts})


def compare(
    connection: psycopg.Connection, world: World, days: Period
) -> tuple[list[RowCount], list[Spend]]:
    """Hold what arrived against what is true: rows by stream, spend by client."""
    truth = {
        account.id: world.truth.totals(account.id, days.since, days.until[account.id])
        for account in world.readable()
    }
    loaded = {
        (level, account_id): _loaded(connection, level, account_id, days.until[account_id])
        for level in LEVELS
        for account_id in truth
    }
    counts = [
        RowCount(
            stream="ad_accounts",
            loaded=_count(connection, "select count(*) from {}", _table("ad_accounts")),
            truth=len(world.accounts),
        )
    ]
    counts += [
        RowCount(
            stream=f"{level}_insights",
            loaded=sum(loaded[level, account_id].rows for account_id in truth),
            truth=sum(totals.rows_by_level[level] for totals in truth.values()),
        )
        for level in LEVELS
    ]
    spends = [
        Spend(
            client=account.name,
            currency=account.currency,
            loaded={level: loaded[level, account.id].spend for level in LEVELS},
            truth=truth[account.id].spend,
        )
        for account in world.readable()
    ]
    return counts, spends


def agree(counts: Iterable[RowCount], spends: Iterable[Spend]) -> bool:
    """Tell whether nothing differs from the truth."""
    return all(each.agrees for each in counts) and all(each.agrees for each in spends)


def remember(connection: psycopg.Connection) -> None:
    """Keep a copy of the insights tables, to see what the next run changes."""
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(_BEFORE)))
    for level in LEVELS:
        connection.execute(
            sql.SQL("create table {} as table {}").format(
                sql.Identifier(_BEFORE, f"{level}_insights"), _table(f"{level}_insights")
            )
        )


def changes(connection: psycopg.Connection) -> list[Changes]:
    """Hold the insights tables against the copies, and drop the copies."""
    found = [_changes(connection, level) for level in LEVELS]
    connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(_BEFORE)))
    return found


def rows_so_far(connection: psycopg.Connection) -> int:
    """Count the insights rows that are in the database now; the tables may not be there yet."""
    tables = [_table(f"{level}_insights") for level in LEVELS]
    there = [
        table
        for table in tables
        if _count(connection, "select count(to_regclass(%s))", values=(table.as_string(),))
    ]
    return sum(_count(connection, "select count(*) from {}", table) for table in there)


def not_read(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """Name the clients that were not read in the last run, and why, as the tap itself recorded."""
    query = sql.SQL(
        "select distinct account_name, reason from {0} where result <> 'delivered' "
        "and run_started_at = (select max(run_started_at) from {0}) order by account_name"
    ).format(_table("account_sync_status"))
    return [(str(name), str(reason)) for name, reason in connection.execute(query)]


def days_asked(calls: Iterable[ReceivedCall]) -> tuple[str, str] | None:
    """Tell the first and the last day that insights were asked for, if any were."""
    ranges = [
        json.loads(call.params["time_range"]) for call in calls if "time_range" in call.params
    ]
    if not ranges:
        return None
    return min(each["since"] for each in ranges), max(each["until"] for each in ranges)


def _changes(connection: psycopg.Connection, level: str) -> Changes:
    stream = f"{level}_insights"
    now, before = _table(stream), sql.Identifier(_BEFORE, stream)
    key = sql.SQL(", ").join(
        sql.Identifier(name) for name in ("account_id", "date_start", *_LEVEL_KEY[level])
    )
    both = "select count(*) from {} now join {} before using ({}) where "
    differs = "to_jsonb(now) - %s::text[] is distinct from to_jsonb(before) - %s::text[]"
    only = "select count(*) from (select {2} from {0} except select {2} from {1}) as only_there"
    return Changes(
        stream=stream,
        before=_count(connection, "select count(*) from {}", before),
        changed=_count(
            connection, both + differs, now, before, key, values=(_OF_THE_RUN, _OF_THE_RUN)
        ),
        new=_count(connection, only, now, before, key),
        gone=_count(connection, only, before, now, key),
        duplicate_keys=_count(
            connection,
            "select count(*) from (select {1} from {0} group by {1} having count(*) > 1) as twice",
            now,
            key,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Loaded:
    rows: int
    spend: Decimal


def _loaded(connection: psycopg.Connection, level: str, account_id: str, until: dt.date) -> _Loaded:
    query = sql.SQL(
        "select count(*), coalesce(sum(spend), 0) from {} "
        "where account_id = %s and date_start <= %s"
    ).format(_table(f"{level}_insights"))
    ((rows, spend),) = connection.execute(query, (account_id, until)).fetchall()
    return _Loaded(rows, spend)


def _count(
    connection: psycopg.Connection,
    query: LiteralString,
    *names: sql.Composable,
    values: tuple[object, ...] = (),
) -> int:
    ((count,),) = connection.execute(sql.SQL(query).format(*names), values).fetchall()
    return int(count)


def _table(stream: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, stream)
