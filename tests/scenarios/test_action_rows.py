"""Action lists row by row, through Meltano into PostgreSQL and from run to run.

What is right comes from the sandbox's truth of actions; that nothing is lost on the way from a list
to its rows is told by the lists themselves, which stand in the report's own table.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from tap_meta_partner.sandbox import Sandbox, World
from tests.support.pipeline import pipeline
from tests.support.tap_process import catalog_selecting, run_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tests.support.tap_process import Output

DAYS = 10
SCHEMA = "tap_meta_partner"
_DAY = dt.timedelta(days=1)
WINDOWS = ["1d_click", "7d_click", "1d_view"]
TYPES = {
    "actions_purchase": "purchase",
    "actions_link_click": "link_click",
    "actions_offsite_conversion_fb_pixel_purchase": "offsite_conversion.fb_pixel_purchase",
    "post_engagement": "post_engagement",
}
AD = {"level": "ad", "action_rows": True}
PLAIN = {**AD, "fields": ["spend", "actions", "action_values"]}
REPORTS: tuple[dict[str, Any], ...] = (
    {
        **AD,
        "name": "by_window",
        "fields": [
            *("spend", "actions", "action_values", "cost_per_action_type", "conversions"),
            *("actions:purchase", "actions:link_click", "post_engagement"),
            "actions:offsite_conversion.fb_pixel_purchase",
        ],
        "action_attribution_windows": WINDOWS,
    },
    {
        **AD,
        "name": "by_device",
        "level": "campaign",
        "fields": ["actions", "actions:link_click", "actions:purchase", "post_engagement"],
        "action_breakdowns": ["action_type", "action_device"],
    },
    {**PLAIN, "name": "by_age", "level": "account", "breakdowns": ["age"]},
    {**PLAIN, "name": "lists_only"},
    {**PLAIN, "name": "rows_only"},
    {**PLAIN, "name": "later", "action_rows": False, "lookback_days": 2},
)
KEYS = {
    "by_window": ["account_id", "date_start", "ad_id"],
    "by_device": ["account_id", "date_start", "campaign_id"],
    "by_age": ["account_id", "date_start", "age"],
    "later": ["account_id", "date_start", "ad_id"],
}
ACTION_BREAKDOWNS = {"by_device": ["action_type", "action_device"]}
SELECTED = [
    *("by_window.*", "by_window_actions.*", "by_device.*", "by_device_actions.*"),
    *("by_age.*", "by_age_actions.*", "lists_only.*", "rows_only_actions.*"),
    *("later.*", "later_actions.*"),
]
in_both = pytest.mark.parametrize("report", KEYS)
#: By account, day and action type.
Sums = dict[tuple[str, str, str], Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The database after two runs, of which the second had `later` with its actions as rows."""

    connection: psycopg.Connection
    world: World
    since: dt.date
    until: dt.date
    tables_before: set[str]
    log: str

    def query(self, text: str, **parts: str | sql.Composable) -> list[tuple[Any, ...]]:
        """Ask with parts in place of their names in braces; a text is a table."""
        filled = {
            name: sql.Identifier(SCHEMA, part) if isinstance(part, str) else part
            for name, part in parts.items()
        }
        return self.connection.execute(sql.SQL(text).format(**filled)).fetchall()

    def true_actions(self) -> Sums:
        """How often each type of action happened."""
        return {
            (account.id, str(day), kind): Decimal(count)
            for account in self.world.readable()
            for day, kinds in self.world.truth.action_totals(
                account.id, self.since, self.until
            ).items()
            for kind, count in kinds.items()
        }

    def true_values(self) -> Sums:
        """What the actions of each type were worth."""
        return {
            (account.id, str(day), kind): value
            for account in self.world.readable()
            for day, kinds in self.world.truth.action_value_totals(
                account.id, self.since, self.until
            ).items()
            for kind, value in kinds.items()
        }

    def sums(self, table: str, metric: str) -> Sums:
        """What SQL adds up of a metric by the ad set's own attribution setting."""
        found = self.query(
            "select account_id, date_start, action_type, sum(value) from {table}"
            " where metric = {metric} and attribution_window = 'default' group by 1, 2, 3",
            table=table,
            metric=sql.Literal(metric),
        )
        return {(account, str(day), kind): value for account, day, kind, value in found}


def listed(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


@pytest.fixture(scope="module")
def loaded() -> Iterator[Loaded]:
    world = World.agency(seed=11, accounts=2, idle=0, days=DAYS + 4)
    until = world.now().date() - 2 * _DAY
    since = until - (DAYS - 1) * _DAY
    settings = {
        "TAP_META_PARTNER_START_DATE": str(since),
        "TAP_META_PARTNER_END_DATE": str(until),
        "TAP_META_PARTNER_REPORTS": json.dumps(REPORTS),
        "TAP_META_PARTNER__SELECT": json.dumps(SELECTED),
    }
    with pipeline(world, settings) as started:
        project, connection = started.project, started.connection
        project.run()
        before = tables(connection)
        later = {
            "TAP_META_PARTNER_REPORTS": json.dumps(
                [{**each, "action_rows": True} for each in REPORTS]
            ),
            "TAP_META_PARTNER_BACKFILL_ON_CHANGE": "true",
        }
        project = replace(project, settings={**project.settings, **later})
        project.run()
        yield Loaded(
            connection=connection,
            world=world,
            since=since,
            until=until,
            tables_before=before,
            log=project.log.read_text(encoding="utf-8"),
        )


def tables(connection: psycopg.Connection) -> set[str]:
    found = connection.execute(
        "select table_name from information_schema.tables where table_schema = %s", (SCHEMA,)
    )
    return {name for (name,) in found}


@in_both
def test_rows__join_to_their_report_without_orphans(loaded: Loaded, report: str) -> None:
    """Each row finds one row of the report by its key; each report row with actions has some."""
    parts = {"own": report, "rows": f"{report}_actions", "key": listed(KEYS[report])}
    orphans = "select count(*) from {rows} as a left join {own} as r using ({key}) where r is null"
    childless = (
        "select count(*) from {own} as r left join {rows} as a using ({key})"
        " where jsonb_array_length(nullif(r.actions, 'null')) > 0 and a is null"
    )
    ((count,),) = loaded.query("select count(*) from {rows}", **parts)

    assert loaded.query(orphans, **parts) == [(0,)]
    assert loaded.query(childless, **parts) == [(0,)]
    joined = loaded.query("select count(*) from {rows} join {own} using ({key})", **parts)
    assert joined == [(count,)]
    assert count > 100


@in_both
def test_primary_key__is_the_reports_and_what_the_amount_is(loaded: Loaded, report: str) -> None:
    """The report's key, the list, the action breakdowns and the attribution window."""
    found = loaded.connection.execute(
        "select columns.column_name from information_schema.table_constraints"
        " join information_schema.key_column_usage as columns"
        " using (constraint_schema, constraint_name, table_name)"
        " where constraint_type = 'PRIMARY KEY' and constraint_schema = %s and table_name = %s",
        (SCHEMA, f"{report}_actions"),
    ).fetchall()

    own = ACTION_BREAKDOWNS.get(report, ["action_type"])
    expected = [*KEYS[report], "metric", *own, "attribution_window"]
    assert sorted(name for (name,) in found) == sorted(expected)


@pytest.mark.parametrize(
    "table",
    ["by_window_actions", "by_device_actions", "by_age_actions", "rows_only_actions"],
)
def test_actions__add_up_by_type(loaded: Loaded, table: str) -> None:
    """Added up by type over whatever splits them, they are the account's actions of the day."""
    assert len(loaded.true_actions()) > 100
    assert loaded.sums(table, "actions") == loaded.true_actions()


@pytest.mark.parametrize("table", ["by_window_actions", "by_age_actions", "rows_only_actions"])
def test_values__add_up_by_type(loaded: Loaded, table: str) -> None:
    """So does what they were worth, to the last digit."""
    assert len(loaded.true_values()) > 10
    assert loaded.sums(table, "action_values") == loaded.true_values()


@in_both
def test_rows__are_the_amounts_of_the_lists(loaded: Loaded, report: str) -> None:
    """Every amount in a list of the report is one row, and there are no others."""
    (definition,) = [each for each in REPORTS if each["name"] == report]
    lists = [name for name in definition["fields"] if name != "spend" and ":" not in name]
    lists = [name for name in lists if name != "post_engagement"]
    own = ACTION_BREAKDOWNS.get(report, ["action_type"])
    parts = {"own": report, "rows": f"{report}_actions", "key": listed(KEYS[report])}
    parts["entries"] = sql.SQL(" union all ").join(
        sql.SQL(
            "select {}, {} as metric, entry from {}, "
            "jsonb_array_elements(nullif({}, 'null')) as entry"
        ).format(
            parts["key"], sql.Literal(name), sql.Identifier(SCHEMA, report), sql.Identifier(name)
        )
        for name in lists
    )
    parts["labels"] = sql.SQL(", ").join(
        sql.SQL("coalesce(entry ->> {}, '(none)')").format(sql.Literal(name)) for name in own
    )
    parts["names"] = sql.SQL(", ").join(map(sql.Literal, own))
    amounts = loaded.query(
        "select {key}, metric, {labels}, case amount.key when 'value' then 'default'"
        " else amount.key end, amount.value::numeric from ({entries}) as lists,"
        " jsonb_each(entry) as amount where amount.key not in ({names})",
        **parts,
    )
    rows = loaded.query(
        "select {key}, metric, {own_labels}, attribution_window, value from {rows}",
        own_labels=listed(own),
        **parts,
    )

    assert sorted(rows) == sorted(amounts)
    assert {row[len(KEYS[report])] for row in rows} == set(lists)


def test_windows__are_those_asked_beside_the_own_setting(loaded: Loaded) -> None:
    """Each window is a row; what is attributed within a week holds what is within a day."""
    found = loaded.query(
        "select metric, attribution_window, sum(value) from {rows}"
        " where metric in ('actions', 'action_values') group by 1, 2",
        rows="by_window_actions",
    )
    by_metric: dict[str, dict[str, Decimal]] = {}
    for metric, window, value in found:
        by_metric.setdefault(metric, {})[window] = value

    for sums in by_metric.values():
        assert set(sums) == {"default", *WINDOWS}
        assert 0 < sums["1d_view"] < sums["1d_click"] < sums["7d_click"] <= sums["default"]
    assert set(by_metric) == {"actions", "action_values"}


def test_devices__split_what_happened_on_meta(loaded: Loaded) -> None:
    """Clicks have a device; what happened on a website has none, which is told in brackets."""
    found = loaded.query(
        "select action_type, array_agg(distinct action_device order by action_device) from {rows}"
        " group by 1",
        rows="by_device_actions",
    )
    devices = dict(found)

    assert devices["link_click"] == ["android_smartphone", "desktop", "iphone"]
    assert devices["purchase"] == ["(none)"]


@pytest.mark.parametrize(
    ("report", "column"),
    [
        *(("by_window", column) for column in TYPES),
        *(
            ("by_device", column)
            for column in ("actions_link_click", "actions_purchase", "post_engagement")
        ),
    ],
)
def test_column__of_a_type_is_what_its_rows_add_up_to(
    loaded: Loaded, report: str, column: str
) -> None:
    """`actions:TYPE` beside the rows tells the same, row by row; null where there is no row."""
    found = loaded.query(
        "select r.{column}, sum(a.value) from {own} as r left join"
        " (select * from {rows} where metric = 'actions' and attribution_window = 'default'"
        " and action_type = {type}) as a using ({key}) group by {key}, r.{column}",
        own=report,
        rows=f"{report}_actions",
        key=listed(KEYS[report]),
        column=sql.Identifier(column),
        type=sql.Literal(TYPES[column]),
    )

    assert [pair for pair in found if pair[0] != pair[1]] == []
    assert len([pair for pair in found if pair[0]]) > 10


def test_selection__decides_which_of_the_two_tables_there_is(loaded: Loaded) -> None:
    """Only the rows where only these are selected, only the report where only that is."""
    assert "rows_only_actions" in loaded.tables_before
    assert "rows_only" not in loaded.tables_before
    assert "lists_only" in loaded.tables_before
    assert "lists_only_actions" not in loaded.tables_before
    ((spend,),) = loaded.query("select sum(spend) from {table}", table="lists_only")
    assert spend == sum(
        loaded.world.truth.totals(account.id, loaded.since, loaded.until).spend
        for account in loaded.world.readable()
    )


def test_later__with_backfill_every_day_has_its_rows(loaded: Loaded) -> None:
    """Turned on for the second run, the rows of all days delivered before come with it."""
    assert "later_actions" not in loaded.tables_before
    assert loaded.sums("later_actions", "actions") == loaded.true_actions()
    assert "later: action_rows asked for since the last run; everything is read again" in loaded.log


# From run to run, without Meltano.


@dataclass(slots=True)
class Runs:
    """Runs of one report whose days are long over, with a lookback of two days."""

    sandbox: Sandbox
    config: dict[str, Any]
    since: dt.date
    until: dt.date

    def __call__(
        self,
        *streams: str,
        state: Mapping[str, Any] | None = None,
        backfill: bool = False,
        **definition: bool,
    ) -> Output:
        """Run with these streams selected."""
        report = {"name": "r", "level": "campaign", "fields": ["spend", "actions"], **definition}
        config = {**self.config, "reports": [report], "lookback_days": 2, "unchanged_days": "write"}
        config["backfill_on_change"] = backfill
        return run_here(
            self.sandbox.world.now,
            config,
            state=state,
            catalog=catalog_selecting(config, *streams),
        )

    @property
    def all_days(self) -> set[str]:
        """Every day there is."""
        return {str(self.since + number * _DAY) for number in range(DAYS)}

    @property
    def last_days(self) -> set[str]:
        """The days that a further run reads again: two before the bookmark, and its own."""
        return {str(self.until - number * _DAY) for number in range(3)}


@pytest.fixture
def runs(start_sandbox: Callable[..., Sandbox]) -> Runs:
    sandbox = start_sandbox(World.agency(seed=7, accounts=2, idle=0, days=DAYS + 4))
    until = sandbox.world.now().date() - 2 * _DAY
    since = until - (DAYS - 1) * _DAY
    config = {
        "access_token": sandbox.token,
        "api_url": sandbox.url,
        "start_date": str(since),
        "end_date": str(until),
    }
    return Runs(sandbox, config, since, until)


def days_of(output: Output, stream: str) -> set[str]:
    return {row["date_start"] for row in output.tables[stream].values()}


BOTH = ("r", "r_actions")


def test_turned_on_later__is_said_once_and_brings_the_lookback(runs: Runs) -> None:
    """Without `backfill_on_change` older days have no rows, which one line says, one time."""
    first = runs("r")
    second = runs(*BOTH, state=first.state, action_rows=True)
    third = runs(*BOTH, state=second.state, action_rows=True)

    assert (first.complaints, third.complaints) == ([], [])
    (said,) = second.complaints
    assert "r: action_rows asked for since the last run; days delivered before keep them" in said
    assert "backfill_on_change" in said
    assert days_of(first, "r") == runs.all_days
    for output in (second, third):
        assert days_of(output, "r_actions") == runs.last_days


def test_turned_on_later__with_backfill_brings_every_day(runs: Runs) -> None:
    """With it, all days are read once more, once."""
    first = runs("r")
    second = runs(*BOTH, state=first.state, action_rows=True, backfill=True)
    third = runs(*BOTH, state=second.state, action_rows=True, backfill=True)

    assert days_of(second, "r_actions") == days_of(second, "r") == runs.all_days
    assert days_of(third, "r_actions") == runs.last_days


def test_selected_later__is_the_same_as_turned_on_later(runs: Runs) -> None:
    """Rows that were configured and not selected are as new, when selected, as any others."""
    first = runs("r", action_rows=True)
    second = runs(*BOTH, state=first.state, action_rows=True)
    filled = runs(*BOTH, state=first.state, action_rows=True, backfill=True)

    assert first.complaints == []
    (said,) = second.complaints
    assert "r: action_rows asked for since the last run; days delivered before keep them" in said
    assert days_of(second, "r_actions") == runs.last_days
    assert days_of(filled, "r_actions") == runs.all_days


def test_deselected_and_turned_off__is_no_change(runs: Runs) -> None:
    """Without the rows the report goes on where it was; its own state and columns are the same."""
    first = runs(*BOTH, action_rows=True)
    deselected = runs("r", state=first.state, action_rows=True)
    turned_off = runs("r", state=first.state)

    for output in (deselected, turned_off):
        assert output.complaints == []
        assert days_of(output, "r") == runs.last_days
        assert "r_actions" not in output.schemas


def test_report_selected_later__is_read_from_the_start(runs: Runs) -> None:
    """Where only the rows were wanted, the report has no bookmark yet: all days come."""
    first = runs("r_actions", action_rows=True)
    second = runs(*BOTH, state=first.state, action_rows=True)

    assert days_of(first, "r_actions") == runs.all_days
    assert "r" not in first.schemas
    assert days_of(second, "r") == days_of(second, "r_actions") == runs.all_days
    assert second.complaints == []


def test_rows_alone__go_on_from_their_own_bookmark(runs: Runs) -> None:
    """Only the rows selected, night after night: the lookback is read, not everything."""
    first = runs("r_actions", action_rows=True)
    second = runs("r_actions", state=first.state, action_rows=True)

    assert days_of(second, "r_actions") == runs.last_days
    assert second.bookmark("r_actions", runs.sandbox.world.accounts[0].id) == str(runs.until)
