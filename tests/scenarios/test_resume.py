"""Runs killed at any moment, and the runs after them: PostgreSQL holds the truth all the same."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from tap_meta_partner.demo.postgres import embedded_postgres
from tap_meta_partner.sandbox import Dials, Sandbox, World
from tests.support.pipeline import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tap_meta_partner.demo.postgres import Postgres

CHAINS, NIGHTS = 6, 10  # a kill each night
LEVELS = {"account": (), "campaign": ("campaign_id",), "adset": ("adset_id",), "ad": ("ad_id",)}
FIELDS = ["campaign_id", "adset_id", "ad_id", "impressions", "spend"]
FIRST_NIGHT = dt.datetime(2026, 10, 20, 10, 30, tzinfo=dt.timezone.utc)
DAYS_AT_FIRST, DAYS_LATER = 40, 85
_DAY = dt.timedelta(days=1)

#: Spend and rows by account and day.
Days = dict[tuple[str, dt.date], tuple[Decimal, int]]
#: First and last day promised, by level and account.
Bookmarks = dict[tuple[str, str], tuple[dt.date, dt.date]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a process is killed: after some seconds, or once so many bytes or STATEs came."""

    seconds: float = 60
    bytes: float = float("inf")
    states: float = float("inf")


@dataclass(slots=True)
class Delivered:
    """What a target that upserts holds after the messages so far."""

    rows: dict[tuple[str, str], dict[tuple[str, ...], tuple[dt.date, Decimal]]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def take(self, message: Mapping[str, Any]) -> None:
        """Take a RECORD."""
        level = message["stream"].removesuffix("_insights")
        if message["type"] == "RECORD" and level in LEVELS:
            record = message["record"]
            key = (record["date_start"], *(record[name] for name in LEVELS[level]))
            day = dt.date.fromisoformat(record["date_start"])
            self.rows[level, record["account_id"]][key] = (day, record["spend"])

    def days(self, level: str, account_id: str, since: dt.date, until: dt.date) -> Days:
        """Add up the days of an account."""
        found: dict[tuple[str, dt.date], list[Decimal]] = defaultdict(list)
        for day, spend in self.rows[level, account_id].values():
            if since <= day <= until:
                found[account_id, day].append(spend)
        return {key: (sum(spends, Decimal(0)), len(spends)) for key, spends in found.items()}


#: How often a moment of a run is tried for, and how often any.
_TRIES_AT_MOMENT, _MOST_TRIES = 3, 20


class Chain:
    """Nights of one pipeline: in each a run is killed, and the next one reads to the end."""

    def __init__(self, number: int, folder: Path) -> None:
        self.chance = Random(f"kills/{number}")  # noqa: S311  (repeatable, not secret)
        self.folder = folder
        self.now = FIRST_NIGHT
        self.world = World.agency(seed=number, accounts=5, idle=0.4, days=95, now=lambda: self.now)
        self.since = FIRST_NIGHT.date() - DAYS_AT_FIRST * _DAY
        self.delivered = Delivered()
        self.state: dict[str, Any] = {}
        #: All that came from the tap and was a whole line.
        self.lines: list[bytes] = []
        #: How far the killed runs had come.
        self.killed: Counter[str] = Counter()
        #: How long the last whole run took, and what it wrote.
        self.seconds, self.bytes, self.states = 1.0, 400_000, 5

    def truth(self, level: str, account_id: str, since: dt.date, until: dt.date) -> Days:
        """Say what an account's days are in the world."""
        return {
            (account_id, day): (totals.spend, totals.rows_by_level[level])
            for day, totals in self.world.truth.day_totals(account_id, since, until).items()
        }

    def whole_truth(self, level: str) -> Days:
        """Say what all days wanted are, up to each account's own today."""
        found: Days = {}
        for account in self.world.readable():
            found |= self.truth(level, account.id, self.since, account.today(self.now))
        return found

    def night(self, number: int, sandbox: Sandbox) -> None:
        """Kill a run, let the next one finish, and hold what was delivered against the truth."""
        self.now = FIRST_NIGHT + number * _DAY
        if number == NIGHTS // 2:
            # A start moved earlier: now the gap before the days delivered is to be read as well.
            self.since = FIRST_NIGHT.date() - DAYS_LATER * _DAY
        if number % 3 == 1:
            self.world.restate()
        before = bookmarks(self.state)
        code, tries, written = 0, 0, self.bytes
        while code != -signal.SIGKILL:  # a run can end before its moment comes
            tries += 1
            assert tries < _MOST_TRIES, "no moment of a run can be met"
            # A run can end with a single STATE, or before its second: then half its bytes tell.
            by_bytes = Moment(bytes=self.chance.random() * written / 2)
            moment = self.moment(number) if tries <= _TRIES_AT_MOMENT else by_bytes
            code, lines = self.run(sandbox, moment)
            written = sum(map(len, lines))
            self.deliver(lines, before)
        self.killed[self.stage(lines, before)] += 1
        if number % 3 == 2:
            self.world.restate()
        self.finish(sandbox, before)

    def finish(self, sandbox: Sandbox, before: Bookmarks) -> None:
        """Run to the end, from the last state that came, and compare all of it."""
        begun = time.monotonic()
        code, lines = self.run(sandbox, Moment())
        self.seconds = time.monotonic() - begun
        assert code == 0, (self.folder / "log.txt").read_text(encoding="utf-8")
        self.bytes = sum(map(len, lines))
        self.states = sum(line.startswith(b'{"type":"STATE"') for line in lines)
        self.deliver(lines, before)
        for level in LEVELS:
            found: Days = {}
            for account in self.world.accounts:
                found |= self.delivered.days(level, account.id, dt.date.min, dt.date.max)
            assert found == self.whole_truth(level)

    def moment(self, number: int) -> Moment:
        """Draw when to kill: the whole life of the process is covered in the course of nights."""
        share = (number // 3 + self.chance.random()) / 4
        if number % 3 == 0:
            return Moment(seconds=share * self.seconds)
        if number % 3 == 1:
            # First what comes before and with the accounts, then the first rows, then any.
            return Moment(bytes=share * (30_000, 300_000, self.bytes)[number // 3])
        # The run that also reads the gap writes more of them.
        states = self.states * (3 if number == NIGHTS // 2 else 1)
        return Moment(states=1 + share * states)

    def run(self, sandbox: Sandbox, moment: Moment) -> tuple[int, list[bytes]]:
        """Run the tap to its end, or kill it; return the whole lines it wrote."""
        config = {
            "access_token": sandbox.token,
            "api_url": sandbox.url,
            "start_date": str(self.since),
            "fields": FIELDS,
        }
        # STATE goes out every 30 s: here that is a hundredth of a second.
        command = [
            sys.executable,
            "-m",
            "tests.support.fast_time",
            "0.02",
            "--now",
            self.now.isoformat(),
        ]
        for name, content in (("config", config), ("state", self.state)):
            path = self.folder / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            command += [f"--{name}", str(path)]
        with (
            (self.folder / "log.txt").open("wb") as log,
            # It cannot run far ahead of who reads it, and so not end before it is killed.
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, pipesize=4096) as process,
        ):
            raw = read(process, moment)
            code = process.wait(timeout=60)
        *whole, _torn = raw.split(b"\n")
        return code, whole

    def deliver(self, lines: list[bytes], before: Bookmarks) -> None:
        """Take messages as a target does, and check every state on the way."""
        for line in lines:
            message = json.loads(line, parse_float=Decimal)
            if message["type"] == "STATE":
                self.check(message["value"], before)
                self.state = message["value"]
            else:
                self.delivered.take(message)
        self.lines += lines

    def check(self, state: dict[str, Any], before: Bookmarks) -> None:
        """Hold that no bookmark moves back, and that what it newly promises has been delivered."""
        earlier, promised = bookmarks(self.state), bookmarks(state)
        assert set(earlier) <= set(promised)
        for (level, account_id), (since, day) in promised.items():
            since_before, day_before = earlier.get((level, account_id), (since, day))
            assert since <= since_before
            assert day >= day_before
            if (since, day) not in (
                before.get((level, account_id)),
                earlier.get((level, account_id)),
            ):
                assert day < self.world.account(account_id).today(self.now)
                assert self.delivered.days(level, account_id, since, day) == self.truth(
                    level, account_id, since, day
                )

    def stage(self, lines: list[bytes], before: Bookmarks) -> str:
        """Tell how far a killed run had come."""
        kinds = {json.loads(line)["type"] for line in lines}
        promised = bookmarks(self.state)
        moved = sum(promised[place] != before.get(place) for place in promised)
        if moved:
            return "some bookmarks" if moved < len(LEVELS) * 5 else "all bookmarks"
        return "rows" if "RECORD" in kinds else "schemas" if "SCHEMA" in kinds else "nothing"


def bookmarks(state: Mapping[str, Any]) -> Bookmarks:
    """Read the bookmarks out of a state."""
    return {
        (stream.removesuffix("_insights"), partition["context"]["account_id"]): (
            dt.date.fromisoformat(partition["since"]),
            dt.date.fromisoformat(partition["replication_key_value"]),
        )
        for stream, value in state.get("bookmarks", {}).items()
        for partition in value.get("partitions", [])
    }


def read(process: subprocess.Popen[bytes], moment: Moment) -> bytes:
    """Read all that a process writes until it ends, or is killed at its moment."""
    assert process.stdout
    timer = threading.Timer(moment.seconds, process.kill)
    timer.start()
    raw = bytearray()
    try:
        while chunk := os.read(process.stdout.fileno(), 1 << 16):
            raw += chunk
            if len(raw) >= moment.bytes or raw.count(b'{"type":"STATE"') >= moment.states:
                process.kill()
    finally:
        timer.cancel()
    return bytes(raw)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with embedded_postgres() as server:
        yield server


def stored(connection: psycopg.Connection, schema: str, level: str) -> Days:
    """Add up in SQL, where no key may be there twice."""
    table = sql.Identifier(schema, f"{level}_insights")
    key = sql.SQL(", ").join(map(sql.Identifier, ("account_id", "date_start", *LEVELS[level])))
    twice = sql.SQL("select {1} from {0} group by {1} having count(*) > 1").format(table, key)
    assert connection.execute(twice).fetchall() == []
    query = sql.SQL("select account_id, date_start, sum(spend), count(*) from {} group by 1, 2")
    return {
        (account_id, day): (spend, rows)
        for account_id, day, spend, rows in connection.execute(query.format(table))
    }


@pytest.mark.parametrize("number", range(CHAINS))
def test_ten_kills__leave_postgres_with_the_truth(
    number: int, postgres: Postgres, tmp_path: Path
) -> None:
    """SIGKILL in ten nights costs nothing: totals are exact, no key is doubled.

    On the way no bookmark moves back, and none ever promises a day that has not been delivered, in
    its latest numbers. Meta restates before some of the kills, and between some of them and the run
    that follows.
    """
    chain = Chain(number, tmp_path)
    with Sandbox(chain.world, Dials(latency=0.02)) as sandbox:
        for night in range(NIGHTS):
            chain.night(night, sandbox)
    messages = b"".join(line + b"\n" for line in chain.lines)
    load(messages, postgres, tmp_path, schema=f"chain_{number}", timeout=120)

    assert chain.killed.total() == NIGHTS
    assert {"nothing", "some bookmarks"} <= set(chain.killed), "kills are to be spread"
    with psycopg.connect(postgres.uri) as connection:
        for level in LEVELS:
            assert stored(connection, f"chain_{number}", level) == chain.whole_truth(level)
