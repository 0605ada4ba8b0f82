"""Rows that Meta takes back in a correction: what the SQL in docs/state.md makes of them.

The sandbox never takes a row back, so what it finds is thinned out here. Everything after that is
the real thing: the tap as a process, target-postgres, PostgreSQL.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import psycopg
import pytest
from psycopg import sql

from tap_meta_partner.demo.postgres import embedded_postgres
from tap_meta_partner.sandbox import Dials, Fault, Sandbox, World
from tap_meta_partner.sandbox.insights.rows import Insights
from tests.support.page_blocks import page_text, shown_sql
from tests.support.pipeline import load
from tests.support.recipes import recipes
from tests.support.tap_process import catalog_selecting, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import LiteralString

    from tap_meta_partner.demo.postgres import Postgres
    from tap_meta_partner.sandbox.insights.periods import Span
    from tap_meta_partner.sandbox.insights.query import InsightsQuery
    from tap_meta_partner.sandbox.insights.rows import Group
    from tests.support.tap_process import Output

REPORT = "campaigns_by_age_and_gender"
ACTIONS = f"{REPORT}_actions"
STATUS = "account_sync_status"
WINDOW_REPORT = f"{REPORT}_last_7d"
SCHEMA, OVERWRITTEN = "tap_meta_partner", "overwritten"
#: Noon in UTC, when both accounts (in Los Angeles and Berlin) have the same day.
FIRST_NIGHT = dt.datetime(2026, 11, 25, 12, tzinfo=dt.timezone.utc)
SECOND_NIGHT = FIRST_NIGHT + dt.timedelta(days=1)
#: A share is withdrawn between two pages, and then a run is killed in the middle of one.
THIRD_NIGHT, FOURTH_NIGHT = (SECOND_NIGHT + dt.timedelta(days=n) for n in (1, 2))
#: The second run begins 7 days (`lookback_days`) before the bookmark, which is the 24th.
START, READ_AGAIN = dt.date(2026, 11, 8), dt.date(2026, 11, 17)
#: What the correction takes back of one account, and the day of which it leaves nothing to another.
VALUES = ("25-34", "female")
TAKEN_FROM, GONE = dt.date(2026, 11, 22), dt.date(2026, 11, 23)
#: Spend by account, day, age and gender.
Spend = dict[tuple[str, dt.date, str, str], Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """Two nights, with a correction in between that took rows back.

    Attributes:
        before: the true spend of the first night.
        after: that of the second, as if no row had been taken back.
        one: the account that lost `VALUES` from `TAKEN_FROM` on.
        other: the account that lost all of the day `GONE`.
        first: what the first run wrote.
        second: what the second run wrote.
        third: what the run wrote that lost the share of `one` between two pages.
        fourth: what the run wrote that was killed.
        connection: where the first two runs were loaded, the table of `WINDOW_REPORT` being emptied
            before the second, and where the page's view is.
    """

    before: Spend
    after: Spend
    one: str
    other: str
    first: Output
    second: Output
    third: Output
    fourth: bytes
    connection: psycopg.Connection

    def is_withdrawn(self, account_id: str, day: dt.date, *values: str) -> bool:
        """Whether the second night has no such row."""
        if account_id == self.other:
            return day == GONE
        return values == VALUES and day >= TAKEN_FROM


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with embedded_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def nights(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    folder = tmp_path_factory.mktemp("nights")
    now = FIRST_NIGHT
    world = World.agency(seed=7, accounts=2, idle=0, days=30, now=lambda: now)
    one, other = (account.id for account in world.accounts)
    with Sandbox(world, Dials(max_page_rows=40)) as sandbox, pytest.MonkeyPatch.context() as patch:
        (definition,) = [recipe.definition for recipe in recipes() if recipe.name == REPORT]
        config = {
            "access_token": sandbox.token,
            "api_url": sandbox.url,
            "start_date": str(START),
            "lookback_days": 7,
            "reports": [
                {**definition, "fields": [*definition["fields"], "actions"], "action_rows": True},
                {**definition, "name": WINDOW_REPORT, "date_preset": "last_7d"},
            ],
        }

        def run(state: dict[str, object] | None) -> Output:
            output = run_tap(
                folder,
                config,
                state=state,
                catalog=catalog_selecting(config, REPORT, ACTIONS, WINDOW_REPORT, STATUS),
                arguments=("--now", now.isoformat()),
                minute=60,
            )
            assert output.code == 0, output.log
            return output

        before = true_spend(world)
        first = run(None)
        now = SECOND_NIGHT
        world.restate()
        after = true_spend(world)
        take_back(patch, one, other)
        second = run(first.state)
        now = THIRD_NIGHT
        lost = Fault(kind="insights", account_id=one, page=2, code=200, status=403, times=None)
        sandbox.fault(lost)
        third = run(second.state)
        sandbox.clear_faults()
        now = FOURTH_NIGHT
        whole = run(second.state).raw.encode()
        fourth = whole[: whole.index(b"\n", whole.index(b'"RECORD"') + len(whole) // 3) + 1]
    with psycopg.connect(postgres.uri, autocommit=True) as connection:
        load(first.raw.encode(), postgres, folder, schema=SCHEMA, timeout=60)
        window = sql.Identifier(SCHEMA, WINDOW_REPORT)
        connection.execute(sql.SQL("truncate {}").format(window))
        load(second.raw.encode(), postgres, folder, schema=SCHEMA, timeout=60)
        connection.execute(shown("latest"))
        yield Nights(
            before=before,
            after=after,
            one=one,
            other=other,
            first=first,
            second=second,
            third=third,
            fourth=fourth,
            connection=connection,
        )


def shown(name: str) -> LiteralString:
    """Return SQL as it stands on the page."""
    return cast("LiteralString", shown_sql(page_text("state"))[name])


def true_spend(world: World) -> Spend:
    """What the sandbox says by itself, apart from its rows."""
    return {
        (account.id, day, str(values[0]), str(values[1])): totals.spend
        for account in world.accounts
        for day, by_values in world.truth.breakdown_day_totals(
            account.id, START, account.today(world.now()), ("age", "gender")
        ).items()
        for values, totals in by_values.items()
    }


def take_back(patch: pytest.MonkeyPatch, one: str, other: str) -> None:
    """Let the sandbox find no such rows any more."""
    found = Insights._grouped

    def left(self: Insights, query: InsightsQuery, span: Span, revision: int) -> Iterator[Group]:
        account_id = query.node.account.id
        for ad, values, facts in found(self, query, span, revision):
            taken = account_id == one and span.since >= TAKEN_FROM and values == VALUES
            if not taken and (account_id, span.since) != (other, GONE):
                yield ad, values, facts

    patch.setattr(Insights, "_grouped", left)


def stored(nights: Nights, table: str, schema: str = SCHEMA) -> Spend:
    """Add up in SQL; a campaign has one row for each value."""
    query = sql.SQL(
        "select account_id, date_start, age, gender, sum(spend) from {} group by 1,2,3,4"
    )
    rows = nights.connection.execute(query.format(sql.Identifier(schema, table)))
    return {(account_id, day, *values): spend for account_id, day, *values, spend in rows}


def test_upserted_table__keeps_what_meta_withdrew(nights: Nights) -> None:
    """Withdrawn rows stay with what they had the first night, and sums are too high by them."""
    table = stored(nights, REPORT)
    kept = {key: nights.before[key] for key in nights.before if nights.is_withdrawn(*key)}
    of_one = {key: spend for key, spend in kept.items() if key[0] == nights.one}

    assert {day for _, day, *_ in of_one} == {
        TAKEN_FROM + n * dt.timedelta(days=1) for n in range(4)
    }
    assert sum(of_one.values()) > 0
    assert {key: table[key] for key in kept} == kept


def latest(nights: Nights) -> Spend:
    """What Meta says now of the days read again, and all earlier days as they were read.

    Only the day of which nothing is left is as it was, as the page says.
    """
    early = {key: spend for key, spend in nights.before.items() if key[1] < READ_AGAIN}
    late = {
        key: spend
        for key, spend in nights.after.items()
        if key[1] >= READ_AGAIN and not nights.is_withdrawn(*key)
    }
    gone = {key: nights.before[key] for key in nights.before if key[:2] == (nights.other, GONE)}
    assert early
    assert late
    assert gone
    return early | late | gone


def test_view__has_the_latest_reading_of_each_account_and_day(nights: Nights) -> None:
    """The page's view has no row that was withdrawn, and every other one."""
    assert stored(nights, f"{REPORT}_latest") == latest(nights)


def test_delete__leaves_the_latest_reading_of_each_account_and_day(nights: Nights) -> None:
    """The page's statement takes withdrawn rows out of the table, and no other one."""
    with nights.connection.transaction(force_rollback=True):
        nights.connection.execute(shown("delete"))

        assert stored(nights, REPORT) == latest(nights)


@pytest.mark.parametrize("night", ["a share withdrawn between two pages", "a run that was killed"])
def test_delete__takes_no_row_for_a_reading_that_was_cut_off(
    nights: Nights, postgres: Postgres, tmp_path: Path, night: str
) -> None:
    """Half a window that was read again proves nothing: every good row stays, in view and table."""
    cut_off = nights.third.raw.encode() if "share" in night else nights.fourth
    schema = night.rpartition(" ")[2]
    nightly = (nights.first.raw.encode(), nights.second.raw.encode(), cut_off)
    load(b"".join(nightly), postgres, tmp_path, schema=schema, timeout=60)
    both = {table: dates(nights, table, schema) for table in (REPORT, ACTIONS)}
    assert len(both[REPORT]) > 100
    for table in (REPORT, ACTIONS):
        kept = nights.connection.execute(moved(shown("latest"), schema, table))
        nights.connection.execute(moved(shown("delete"), schema, table))
        left = dates(nights, table, schema)

        assert kept.rowcount
        assert dates(nights, f"{table}_latest", schema) == left
        assert {key for key in both[table] if not nights.is_withdrawn(*key[:4])} <= left
        gone = both[table] - left
        assert gone
        assert all(nights.is_withdrawn(*key[:4]) for key in gone)


def moved(statement: str, schema: str, table: str) -> LiteralString:
    """Return the page's statement for another schema, and for the action rows as the page says."""
    of_stream = f"'{REPORT}'"
    statement = statement.replace(of_stream, "'…'").replace(REPORT, table)
    statement = statement.replace("'…'", of_stream).replace(f"{SCHEMA}.", f'"{schema}".')
    return cast("LiteralString", statement)


def dates(nights: Nights, table: str, schema: str) -> set[tuple[Any, ...]]:
    """Return what tells rows apart: account, day, age, gender and campaign."""
    query = sql.SQL("select distinct account_id, date_start, age, gender, campaign_id from {}")
    return set(nights.connection.execute(query.format(sql.Identifier(schema, table))))


def test_read_at__is_one_instant_for_all_rows_of_an_account_and_day(nights: Nights) -> None:
    """However many rows a day has, the run that reads it gives them all the same instant."""
    instants = defaultdict(set)
    for record in nights.second.tables[REPORT].values():
        instants[record["account_id"], record["date_start"]].add(record["read_at"])

    assert len(instants) > 10
    assert {len(found) for found in instants.values()} == {1}


def test_emptied_table__has_the_window_as_it_is_now(nights: Nights) -> None:
    """With `date_preset` and a table emptied before the run, nothing that was withdrawn is left."""
    first, last = dt.date(2026, 11, 19), dt.date(2026, 11, 25)

    assert stored(nights, WINDOW_REPORT) == {
        key: spend
        for key, spend in nights.after.items()
        if first <= key[1] <= last and not nights.is_withdrawn(*key)
    }


def test_overwrite__replaces_no_table(nights: Nights, postgres: Postgres, tmp_path: Path) -> None:
    """The loader takes `load_method: overwrite` and updates in place, so the page says truncate.

    The first night's window begins a day before the second's.
    """
    for output in (nights.first, nights.second):
        load(
            output.raw.encode(),
            postgres,
            tmp_path,
            schema=OVERWRITTEN,
            timeout=60,
            load_method="overwrite",
        )
    days = {day for _, day, *_ in stored(nights, WINDOW_REPORT, schema=OVERWRITTEN)}

    assert days == {dt.date(2026, 11, day) for day in range(18, 26)}
