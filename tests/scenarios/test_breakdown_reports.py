"""Every breakdown Meta documents, through Meltano into PostgreSQL, before and after a correction.

All reports are read by one `meltano run`, and by a second one after the sandbox has corrected its
numbers. What is right comes from the sandbox's truth; keys are typed in (`breakdown_reports.py`).
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from tap_meta_partner.sandbox import World
from tests.support import breakdown_reports as reports
from tests.support.breakdown_reports import REPORTS, Report
from tests.support.pipeline import pipeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DAYS = 10
SCHEMA = "tap_meta_partner"
#: What rows lack by the hour and by region (Meta: "Restrictions for off-Meta action metrics").
OFF_META = {
    *("landing_page_view", "add_to_cart", "initiate_checkout", "lead", "purchase", "omni_purchase"),
    *("offsite_conversion.fb_pixel_purchase", "offsite_conversion.fb_pixel_lead"),
}
WITHOUT_OFF_META = {"region", reports.ADVERTISER_HOURS, reports.AUDIENCE_HOURS}

#: By account, day and breakdown values: how many rows, and what they add up to by field.
Sums = dict[tuple[str, ...], tuple[Any, ...]]
#: By account, day and action type.
Actions = dict[tuple[str, str, str], Decimal]

every_report = pytest.mark.parametrize("report", REPORTS, ids=lambda each: each.name)


@dataclass(frozen=True, slots=True)
class Span:
    """Days that are over in every account's time zone, and that no run goes beyond."""

    since: dt.date
    until: dt.date

    def __iter__(self) -> Iterator[dt.date]:
        return (self.since + dt.timedelta(days=number) for number in range(DAYS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one `meltano run` left in PostgreSQL, and what was true then; by report."""

    sums: dict[str, Sums]
    true_sums: dict[str, Sums]
    actions: dict[str, Actions]
    true_actions: Actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """Two runs, the second after a correction, and the database as it is then."""

    runs: tuple[Run, Run]
    connection: psycopg.Connection
    world: World
    span: Span
    calls: list[dict[str, str]]


@pytest.fixture(scope="module")
def night() -> Iterator[Night]:
    world = World.agency(seed=11, accounts=2, idle=0, days=DAYS + 4)
    until = world.now().date() - dt.timedelta(days=2)
    span = Span(until - dt.timedelta(days=DAYS - 1), until)
    settings = {
        "TAP_META_PARTNER_START_DATE": str(span.since),
        "TAP_META_PARTNER_END_DATE": str(span.until),
        "TAP_META_PARTNER_REPORTS": json.dumps([each.setting for each in REPORTS]),
        "TAP_META_PARTNER__SELECT": json.dumps([f"{each.name}.*" for each in REPORTS]),
    }
    with pipeline(world, settings) as started:
        connection = started.connection
        started.project.run()
        first = look(world, span, connection)
        world.restate()
        started.project.run()
        yield Night(
            runs=(first, look(world, span, connection)),
            connection=connection,
            world=world,
            span=span,
            calls=[call.params for call in started.sandbox.calls if "breakdowns" in call.params],
        )


def look(world: World, span: Span, connection: psycopg.Connection) -> Run:
    return Run(
        sums={each.name: sums(connection, each) for each in REPORTS},
        true_sums={each.name: true_sums(world, span, each) for each in REPORTS},
        actions={each.name: actions(connection, each) for each in reports.WITH_ACTIONS},
        true_actions=true_actions(world, span),
    )


def table(report: Report) -> sql.Identifier:
    return sql.Identifier(SCHEMA, report.name)


def names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def latest(report: Report) -> sql.Composed:
    """Leave out what Meta has withdrawn: rows not among the latest reading of their day."""
    return sql.SQL(
        "(select * from (select *, max(read_at) over (partition by account_id, date_start)"
        " as last_read from {}) every_row where read_at = last_read) as latest"
    ).format(table(report))


def sums(connection: psycopg.Connection, report: Report) -> Sums:
    """What SQL adds up, by account, day and breakdown values."""
    by = ("account_id", "date_start", *report.values)
    counted = [name for name in report.fields if name in reports.COUNTED]
    wanted = sql.SQL("").join(sql.SQL(", sum({})").format(sql.Identifier(name)) for name in counted)
    query = sql.SQL("select {by}, count(*){wanted} from {latest} group by {by}")
    found = connection.execute(query.format(by=names(by), wanted=wanted, latest=latest(report)))
    return {tuple(map(str, row[: len(by)])): tuple(row[len(by) :]) for row in found}


def true_sums(world: World, span: Span, report: Report) -> Sums:
    counted = [name for name in report.fields if name in reports.COUNTED]
    return {
        (account.id, str(day), *(value or "(none)" for value in values)): (
            totals.rows_by_level[report.level],
            *(getattr(totals, name) for name in counted),
        )
        for account in world.readable()
        for day, by_value in world.truth.breakdown_day_totals(
            account.id, span.since, span.until, report.breakdowns
        ).items()
        for values, totals in by_value.items()
    }


def actions(connection: psycopg.Connection, report: Report) -> Actions:
    query = sql.SQL(
        "select account_id, date_start, entry ->> 'action_type', sum((entry -> 'value')::numeric)"
        " from {}, jsonb_array_elements(nullif(actions, 'null')) as entry group by 1, 2, 3"
    )
    found = connection.execute(query.format(latest(report)))
    return {(account, str(day), kind): count for account, day, kind, count in found}


def true_actions(world: World, span: Span) -> Actions:
    return {
        (account.id, str(day), kind): Decimal(count)
        for account in world.readable()
        for day, kinds in world.truth.action_totals(account.id, span.since, span.until).items()
        for kind, count in kinds.items()
    }


@every_report
def test_totals__are_true_by_value_and_day_after_both_runs(night: Night, report: Report) -> None:
    """Rows, spend, impressions and clicks of every breakdown value are those of the sandbox."""
    for run in night.runs:
        assert run.true_sums[report.name]
        assert run.sums[report.name] == run.true_sums[report.name]
    assert {account_id for account_id, *_ in night.runs[0].sums[report.name]} == {
        account.id for account in night.world.readable()
    }


def test_correction__changes_the_totals(night: Night) -> None:
    """The second run had something to correct in all that is counted."""
    first, second = night.runs
    for report in REPORTS:
        if set(report.fields) & set(reports.COUNTED):
            assert first.true_sums[report.name] != second.true_sums[report.name]


@every_report
def test_primary_key__has_exactly_the_columns_that_tell_rows_apart(
    night: Night, report: Report
) -> None:
    """Account, day, the level's object and every breakdown: no column more, none less."""
    query = (
        "select columns.column_name from information_schema.table_constraints"
        " join information_schema.key_column_usage as columns"
        " using (constraint_schema, constraint_name, table_name)"
        " where constraint_type = 'PRIMARY KEY' and table_name = %s and constraint_schema = %s"
    )
    found = night.connection.execute(query, (report.name, SCHEMA)).fetchall()

    assert sorted(name for (name,) in found) == sorted(report.key)


@every_report
def test_keys__are_unique_and_whole(night: Night, report: Report) -> None:
    """No key comes twice, and none has a hole."""
    twice = sql.SQL("select {key} from {table} group by {key} having count(*) > 1")
    holes = sql.SQL("select count(*) from {table} where num_nulls({key}) > 0")
    spans = {"key": names(report.key), "table": table(report)}

    assert night.connection.execute(twice.format(**spans)).fetchall() == []
    assert night.connection.execute(holes.format(**spans)).fetchall() == [(0,)]


def test_missing_value__is_told_as_none_in_brackets(night: Night) -> None:
    """What happened on a website has no product (a "type 2" breakdown): such rows are kept."""
    query = f"select count(*), sum(impressions) from {SCHEMA}.by_product_id where product_id = %s"  # noqa: S608
    ((rows, impressions),) = night.connection.execute(query, ("(none)",)).fetchall()

    assert rows > 0
    assert impressions == 0


@pytest.mark.parametrize(
    "report", [each for each in REPORTS if each.objects], ids=lambda each: each.name
)
def test_object__is_kept_beside_its_id(night: Night, report: Report) -> None:
    """The id is in the key; the object, with what makes the id readable, is a column beside it."""
    (name,) = report.objects
    query = sql.SQL("select distinct {id}, {name} from {table}").format(
        id=sql.Identifier(f"{name}_id"), name=sql.Identifier(name), table=table(report)
    )
    found = night.connection.execute(query).fetchall()

    assert len(found) > 1
    for own_id, value in found:
        assert value["id"] == own_id
        assert len(value) > 1


def test_format__is_a_word_or_an_objects_id(night: Night) -> None:
    """`ad_format_asset` is keyed by its own column, also where Meta sends an object."""
    query = f"select distinct ad_format_asset from {SCHEMA}.by_ad_format_asset"  # noqa: S608

    found = {value for (value,) in night.connection.execute(query)}

    assert found == {"6160000000000", "6160000000001"}


@pytest.mark.parametrize("name", ["by_age", "by_frequency_value", "by_platform"])
def test_reach__is_that_of_each_row(night: Night, name: str) -> None:
    """Reach does not add up: it is held against the truth of every single row."""
    (report,) = [each for each in REPORTS if each.name == name]
    query = sql.SQL("select {key}, reach from {latest}")
    found = night.connection.execute(query.format(key=names(report.key), latest=latest(report)))
    loaded = {tuple(map(str, key)): reach for *key, reach in found}

    true = {}
    for account in night.world.readable():
        for day in night.span:
            totals = night.world.truth.period_totals(
                account.id, day, day, report.level, report.breakdowns
            )
            for (object_id, *values), total in totals.items():
                own = [] if report.level == "account" else [str(object_id)]
                true[(account.id, str(day), *own, *map(str, values))] = total.reach
    assert loaded == true
    assert len(set(true.values())) > 10


def test_postbacks__are_the_purchases_and_leads(night: Night) -> None:
    """SKAdNetwork's postbacks add up to the conversions of each account and day."""
    query = (
        "select account_id, date_start, sum(total_postbacks)"  # noqa: S608
        f" from {latest(postbacks()).as_string()} group by 1, 2"
    )
    loaded = {(account, str(day)): count for account, day, count in night.connection.execute(query)}

    true: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for (account_id, day, kind), count in night.runs[1].true_actions.items():
        if kind in {"purchase", "lead"}:
            true[account_id, day] += count
    assert loaded == true


def postbacks() -> Report:
    (report,) = [each for each in REPORTS if "skan_conversion_id" in each.breakdowns]
    return report


@pytest.mark.parametrize("report", reports.WITH_ACTIONS, ids=lambda each: each.name)
def test_actions__add_up_by_type_after_both_runs(night: Night, report: Report) -> None:
    """However they are split, the actions of a type add up to those of the account's day."""
    for run in night.runs:
        true = run.true_actions
        if WITHOUT_OFF_META.intersection(report.breakdowns):
            true = {key: count for key, count in true.items() if key[2] not in OFF_META}
        assert run.actions[report.name] == true


@pytest.mark.parametrize("report", [*reports.JOINS, *reports.SPLITTING], ids=lambda each: each.name)
def test_actions__are_split_inside_the_lists(night: Night, report: Report) -> None:
    """Action breakdowns name parts of a row's actions, and are no part of its key."""
    for name in report.action_breakdowns:
        query = sql.SQL(
            "select count(distinct entry ->> {}) "
            "from {}, jsonb_array_elements(nullif(actions, 'null')) as entry"
        )
        query_of_name = query.format(sql.Literal(name), table(report))
        ((different,),) = night.connection.execute(query_of_name).fetchall()
        assert different > 1


def test_calls__ask_for_the_breakdowns_as_they_were_named(night: Night) -> None:
    """Each combination was asked of Meta in the report's own order."""
    asked = {params["breakdowns"] for params in night.calls}

    assert asked == {",".join(each.breakdowns) for each in REPORTS if each.breakdowns}
