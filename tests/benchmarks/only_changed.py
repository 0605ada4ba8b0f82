"""What a night costs the database, with every row written again and with only what changed.

The tap as a process, its output into target-postgres as a process, PostgreSQL: two nights, a day
apart, in each way. On the second some three of 31 days have changed: the new one, the one that was
under way, and the one that became final.
"""

from __future__ import annotations

import datetime as dt
import os
import resource
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from tap_meta_partner.demo.postgres import embedded_postgres
from tap_meta_partner.sandbox import Dials, Sandbox, World
from tap_meta_partner.sandbox.world import cast
from tests.benchmarks.measure import compiled
from tests.support.pipeline import load
from tests.support.tap_process import catalog_selecting, run_tap

if TYPE_CHECKING:
    from tests.benchmarks.__main__ import Results

ACCOUNTS, ADS = 20, 200
_STREAMS = ("account_insights", "campaign_insights", "adset_insights", "ad_insights")
_FIRST = dt.datetime(2026, 11, 24, 12, tzinfo=dt.timezone.utc)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What the second night took: seconds of CPU, rows, and what the database did."""

    tap_cpu: float
    loader_cpu: float
    database_cpu: float
    rows: int
    wal_bytes: int
    updated: int

    @property
    def cpu(self) -> float:
        """All of it."""
        return self.tap_cpu + self.loader_cpu + self.database_cpu


def bench_only_changed(results: Results) -> None:
    """A night that writes what changed, beside one that writes every row again."""
    write, skip = _second_night("write"), _second_night("skip")
    for name, night in (("every row", write), ("only what changed", skip)):
        results.promise(
            f"a night, {name}",
            f"{night.rows} rows written, CPU {night.cpu:.1f} s (tap {night.tap_cpu:.1f}, loader "
            f"{night.loader_cpu:.1f}, database {night.database_cpu:.1f}), WAL "
            f"{night.wal_bytes / 1e6:.1f} MB, {night.updated} rows updated",
            kept=True,
        )
    results.promise(
        "only what changed: CPU of tap, loader and database at most 0.4 of a plain night's",
        f"{skip.cpu / write.cpu:.2f}",
        kept=skip.cpu <= 0.4 * write.cpu,
    )


def _second_night(unchanged_days: str) -> Night:
    now = _FIRST
    shape = cast.Shape(campaigns=3, adsets=2, ads_per_adset=ADS // 6, always=True)
    began = now.date() - dt.timedelta(days=60)
    accounts = [
        cast.cast_account(
            cast.Client(f"Client {number}", "USD", "Europe/Berlin", cast.AGENCY),
            number,
            7,
            lambda _: shape,
            cast.Delivers(began, None),
        )
        for number in range(ACCOUNTS)
    ]
    world = World(accounts, seed=7, now=lambda: now)
    with (
        Sandbox(world, Dials()) as sandbox,
        embedded_postgres() as postgres,
        tempfile.TemporaryDirectory() as name,
        psycopg.connect(postgres.uri, autocommit=True) as connection,
    ):
        folder = Path(name)
        config = {
            "access_token": sandbox.token,
            "api_url": sandbox.url,
            "start_date": "2026-10-25",
            "unchanged_days": unchanged_days,
        }
        catalog = catalog_selecting(config, *_STREAMS)

        def night(state: dict[str, Any] | None) -> tuple[Any, float, float]:
            before = _children()
            output = run_tap(
                folder,
                config,
                state=state,
                catalog=catalog,
                arguments=("--now", now.isoformat()),
                environment=compiled(),
                minute=60,
            )
            if output.code:
                raise RuntimeError(output.log)
            between = _children()
            load(
                output.raw.encode(),
                postgres,
                folder,
                schema="bench",
                timeout=600,
                environment=compiled(),
            )
            return output, between - before, _children() - between

        first, _, _ = night(None)
        now = _FIRST + dt.timedelta(days=1)
        connection.execute("checkpoint")
        wal, updated, database = _wal(connection), _updated(connection), _cpu_of(connection)
        second, tap_cpu, loader_cpu = night(first.state)
        return Night(
            tap_cpu=tap_cpu,
            loader_cpu=loader_cpu,
            database_cpu=_cpu_of(connection) - database,
            rows=sum(second.counts.values()),
            wal_bytes=_wal(connection) - wal,
            updated=_updated(connection) - updated,
        )


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wal(connection: psycopg.Connection) -> int:
    (found,) = connection.execute("select pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone() or (0,)
    return int(found)


def _updated(connection: psycopg.Connection) -> int:
    connection.execute("select pg_stat_force_next_flush()")
    query = "select coalesce(sum(n_tup_upd), 0) from pg_stat_user_tables"
    (found,) = connection.execute(query).fetchone() or (0,)
    return int(found)


def _cpu_of(connection: psycopg.Connection) -> float:
    """Add up what the server's processes have used, those that have ended too."""
    server = _stat(connection.info.backend_pid)[1]
    total = 0.0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = _stat(int(folder.name))
            except OSError:
                continue
            if int(folder.name) == server:
                total += sum(fields[11:15])
            elif fields[1] == server:
                total += sum(fields[11:13])
    return total / _TICKS


def _stat(pid: int) -> list[int]:
    """Return the numbers of /proc/PID/stat behind the name; the first, a letter, as 0."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return [0, *map(int, text.rpartition(")")[2].split()[1:])]
