"""The job as users run it: Meltano, the repository's meltano.yml, target-postgres, PostgreSQL."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.rows import dict_row

from tap_meta_partner.demo import truth
from tap_meta_partner.demo.meltano import new_project
from tap_meta_partner.demo.postgres import embedded_postgres, short_folder
from tap_meta_partner.sandbox import Dials, ReceivedCall, Sandbox, World
from tap_meta_partner.sandbox.world.truth import LEVELS
from tap_meta_partner.settings.table import SETTING_NAMES
from tap_meta_partner.tap import TapMetaPartner
from tests.support.page_blocks import DOCS, README, shown_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import LiteralString

    from tap_meta_partner.demo.meltano import Project
    from tap_meta_partner.demo.postgres import Postgres

MELTANO_YML = Path(__file__).parents[2] / "meltano.yml"
TOKEN = "EAAB-very-secret-token-0123456789"
APP_SECRET = "very-secret-app-secret"
PROOF = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
DAYS = 80
#: Spend by level, account and day.
Spend = dict[tuple[str, str, dt.date], Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one `meltano run` did: what PostgreSQL and the sandbox held afterwards."""

    loaded: Spend
    true: Spend
    calls: list[ReceivedCall]
    log: str
    today: Mapping[str, dt.date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """Two runs, the second after Meta corrected its numbers."""

    first: Run
    second: Run
    changes: list[truth.Changes]
    connection: psycopg.Connection
    project: Project
    world: World
    days: truth.Period


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with embedded_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    world = World.demo(seed=7, days=90)
    with Sandbox(world, Dials(token=TOKEN, app_secret=APP_SECRET)) as served:
        yield served


@pytest.fixture(scope="module")
def settings(sandbox: Sandbox, postgres: Postgres) -> dict[str, str]:
    return {
        "TAP_META_PARTNER_API_URL": sandbox.url,
        "TAP_META_PARTNER_ACCESS_TOKEN": TOKEN,
        "TAP_META_PARTNER_APP_SECRET": APP_SECRET,
        "TAP_META_PARTNER_BUSINESS_ID": sandbox.world.business.id,
        "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.loader_uri,
    }


@pytest.fixture(scope="module")
def night(sandbox: Sandbox, postgres: Postgres, settings: dict[str, str]) -> Iterator[Night]:
    world = sandbox.world
    since = world.now().date() - dt.timedelta(days=DAYS)
    settings = {**settings, "TAP_META_PARTNER_START_DATE": since.isoformat()}
    with (
        short_folder() as folder,
        psycopg.connect(postgres.uri, autocommit=True) as connection,
    ):
        project = new_project(folder / "project", settings)
        first = run(project, sandbox, connection, since)
        truth.remember(connection)
        world.restate()
        days = truth.period(world, since)
        second = run(project, sandbox, connection, since)
        yield Night(
            first=first,
            second=second,
            changes=truth.changes(connection),
            connection=connection,
            project=project,
            world=world,
            days=days,
        )


def run(project: Project, sandbox: Sandbox, connection: psycopg.Connection, since: dt.date) -> Run:
    calls_before = len(sandbox.calls)
    days = truth.period(sandbox.world, since)
    project.run()
    return Run(
        loaded=loaded(connection, days),
        true=true(sandbox.world, days),
        calls=sandbox.calls[calls_before:],
        log=project.log.read_text(encoding="utf-8"),
        today=days.until,
    )


def loaded(connection: psycopg.Connection, days: truth.Period) -> Spend:
    """What SQL adds up; a day that began after the run did is left out."""
    found = {}
    for level in LEVELS:
        query = sql.SQL("select account_id, date_start, sum(spend) from {} group by 1, 2")
        table = sql.Identifier(truth.SCHEMA, f"{level}_insights")
        for account_id, day, spend in connection.execute(query.format(table)):
            if day <= days.until[account_id]:
                found[level, account_id, day] = spend
    return found


def true(world: World, days: truth.Period) -> Spend:
    return {
        (level, account.id, day): totals.spend
        for account in world.readable()
        for day, totals in world.truth.day_totals(
            account.id, days.since, days.until[account.id]
        ).items()
        for level in LEVELS
    }


def asked(run: Run, account_id: str) -> list[tuple[dt.date, dt.date]]:
    ranges = [
        json.loads(call.params["time_range"])
        for call in run.calls
        if call.account_id == account_id and "time_range" in call.params
    ]
    return [
        (dt.date.fromisoformat(each["since"]), dt.date.fromisoformat(each["until"]))
        for each in ranges
    ]


def test_first_run__spend_is_true_for_every_level_account_and_day(night: Night) -> None:
    """What SQL adds up is what the sandbox knows, to the last digit, no day more or less."""
    assert night.first.loaded == night.first.true
    assert len({account_id for _, account_id, _ in night.first.true}) >= 6


@pytest.mark.parametrize("page", [README, DOCS / "troubleshooting.md"], ids=lambda page: page.name)
def test_page__its_query_names_the_client_that_was_not_read(night: Night, page: Path) -> None:
    """Of all clients one is shared but not assigned: it is named with what to do, and no other."""
    query = cast("LiteralString", shown_sql(page.read_text(encoding="utf-8"))["not_well"])
    found = night.connection.cursor(row_factory=dict_row).execute(query).fetchall()

    assert {row["account_name"] for row in found} == {"Nordlicht Sonnenbrillen"}
    assert {row["result"] for row in found} == {"skipped"}
    assert all("system user" in row["reason"] for row in found)


def test_second_run__corrected_spend_is_true_again(night: Night) -> None:
    """After Meta corrected its numbers, and late rows came, every sum is right again."""
    assert night.second.true != night.first.true
    assert night.second.loaded == night.second.true


def test_second_run__changes_rows_in_place(night: Night) -> None:
    """Corrections replace rows, late rows are added, none is doubled and none is lost."""
    for each in night.changes:
        assert each.changed > 0
        assert each.gone == 0
        assert each.duplicate_keys == 0
    assert sum(each.new for each in night.changes) > 0


def test_second_run__asks_for_the_lookback_only(night: Night) -> None:
    """A bookmark is yesterday; 28 days before it are read again, and nothing older."""
    for account in night.world.readable():
        today = night.second.today[account.id]
        ranges = asked(night.second, account.id)
        assert min(since for since, _ in ranges) == today - dt.timedelta(days=1 + 28)
        assert max(until for _, until in ranges) == today


def test_second_run__takes_fewer_calls(night: Night) -> None:
    """Less than half of the calls are needed where less than half of the days are."""
    assert len(night.second.calls) < len(night.first.calls) / 2


def test_state__has_every_account_at_its_own_yesterday(night: Night) -> None:
    """Meltano's database keeps a bookmark per account and stream: its time zone's yesterday."""
    with closing(sqlite3.connect(night.project.root / ".meltano" / "meltano.db")) as database:
        ((state,),) = database.execute("select completed_state from state").fetchall()
    bookmarks = json.loads(state)["singer_state"]["bookmarks"]

    expected = {
        account.id: str(night.second.today[account.id] - dt.timedelta(days=1))
        for account in night.world.readable()
    }
    for level in LEVELS:
        partitions = bookmarks[f"{level}_insights"]["partitions"]
        assert {
            each["context"]["account_id"]: each["replication_key_value"] for each in partitions
        } == expected


def test_runs__leave_meltano_yml_as_it_is(night: Night) -> None:
    """Meltano writes nothing into the file, which would cost its comments and show up in git."""
    assert (night.project.root / "meltano.yml").read_bytes() == MELTANO_YML.read_bytes()


def secrets_in(project: Project) -> list[tuple[str, str]]:
    files = [path for path in project.root.rglob("*") if path.is_file()]
    assert len(files) > 5
    return [
        (path.name, secret)
        for path in files
        for secret in (TOKEN, APP_SECRET, PROOF)
        if secret.encode() in path.read_bytes()
    ]


def test_secrets__are_nowhere_in_the_project(night: Night) -> None:
    """No log, state, catalog or other file that Meltano leaves behind holds a secret."""
    assert not secrets_in(night.project)
    for secret in (TOKEN, APP_SECRET, PROOF):
        assert secret not in night.first.log


def test_secrets__are_not_told_at_debug_either(sandbox: Sandbox, settings: dict[str, str]) -> None:
    """With `--log-level=debug` on, which turns on that of tap and target, it stays like that.

    One account and few days: at DEBUG the loader logs all rows of a batch again for each of them.
    """
    account = sandbox.world.readable()[0]
    start = account.today(sandbox.world.now()) - dt.timedelta(days=2)
    little = {
        "TAP_META_PARTNER_ACCOUNT_IDS": json.dumps([account.id]),
        "TAP_META_PARTNER_START_DATE": start.isoformat(),
        # Tables of its own.
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "at_debug",
    }
    with short_folder() as folder:
        project = new_project(folder / "project", settings | little, "--log-level=debug")
        project.run()

        log = project.log.read_text(encoding="utf-8")
        assert re.search(r"debug .*tap-meta-partner", log)
        assert not secrets_in(project)


@pytest.mark.parametrize(
    ("table", "column", "kind"),
    [
        ("ad_insights", "ad_id", "text"),
        ("ad_insights", "date_start", "date"),
        ("ad_insights", "spend", "numeric"),
        ("ad_insights", "ctr", "numeric"),
        ("ad_insights", "impressions", "int8"),
        ("ad_insights", "post_engagement", "int8"),
        ("ad_insights", "actions", "jsonb"),
        ("ad_insights", "is_final", "bool"),
        # The loader knows no time zones: instants are in UTC.
        ("ad_insights", "read_at", "timestamp"),
        ("ad_accounts", "amount_spent_major", "numeric"),
        ("account_sync_status", "covered_to", "date"),
    ],
)
def test_column__has_the_type_sql_needs(night: Night, table: str, column: str, kind: str) -> None:
    """Money adds up exactly, days compare as days, counts are whole."""
    query = (
        "select udt_name from information_schema.columns "
        "where table_schema = %s and table_name = %s and column_name = %s"
    )
    found = night.connection.execute(query, (truth.SCHEMA, table, column)).fetchall()

    assert found == [(kind,)]


def test_action_values__are_numbers(night: Night) -> None:
    """Inside the action lists amounts are JSON numbers, so SQL can add them up."""
    query = (
        "select jsonb_typeof(action -> 'value'), count(*) "
        "from tap_meta_partner.ad_insights, "
        "jsonb_array_elements(nullif(actions, 'null')) as action group by 1"
    )
    ((kind, count),) = night.connection.execute(query).fetchall()

    assert kind == "number"
    assert count > 1000


def test_instants__are_utc(night: Night) -> None:
    """Though the columns have no time zone, what is in them is UTC, so it can be compared."""
    (reading,) = night.connection.execute(
        "select max(read_at) from tap_meta_partner.ad_insights"
    ).fetchall()
    created: dict[str, dt.datetime | None] = dict(
        night.connection.execute(
            "select account_id, created_time from tap_meta_partner.ad_accounts"
        )
    )

    age = dt.datetime.now(dt.timezone.utc).replace(tzinfo=None) - reading[0]
    assert dt.timedelta(0) < age < dt.timedelta(minutes=10)
    assert created == {
        account.id: account.created.astimezone(dt.timezone.utc).replace(tzinfo=None)
        if account.assigned  # of the others only little is asked
        else None
        for account in night.world.accounts
    }


def test_comparison__notices_a_lost_row_and_a_changed_digit(night: Night) -> None:
    """What the demo calls agreement fails for one row too few, and for a millionth of a unit."""
    counts, spends = truth.compare(night.connection, night.world, night.days)
    assert all(each.agrees for each in counts)
    assert all(each.agrees for each in spends)
    where = "where ctid = (select min(ctid) from tap_meta_partner.ad_insights where spend > 0)"

    with night.connection.transaction(force_rollback=True):
        night.connection.execute(f"delete from tap_meta_partner.ad_insights {where}")  # noqa: S608
        counts, spends = truth.compare(night.connection, night.world, night.days)
        assert [each.stream for each in counts if not each.agrees] == ["ad_insights"]
        assert sum(not each.agrees for each in spends) == 1
    with night.connection.transaction(force_rollback=True):
        night.connection.execute(
            f"update tap_meta_partner.ad_insights set spend = spend + 0.000001 {where}"  # noqa: S608
        )
        counts, spends = truth.compare(night.connection, night.world, night.days)
        assert all(each.agrees for each in counts)
        assert sum(not each.agrees for each in spends) == 1


# meltano.yml itself


@pytest.fixture(scope="module")
def extractor() -> dict[str, Any]:
    project = yaml.safe_load(MELTANO_YML.read_text(encoding="utf-8"))
    (found,) = project["plugins"]["extractors"]
    return dict(found)


@pytest.fixture(scope="module")
def declared(extractor: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings in meltano.yml by name."""
    return {each["name"]: each for each in extractor["settings"]}


OWN = TapMetaPartner.config_jsonschema["properties"]


def test_meltano_yml__declares_every_setting(declared: dict[str, Any]) -> None:
    """Meltano passes on only what is declared: a setting forgotten there could not be set."""
    with_built_in = {"properties": dict(OWN)}
    TapMetaPartner.append_builtin_config(with_built_in)

    assert set(OWN) <= set(declared)
    assert set(declared) <= set(with_built_in["properties"])


@pytest.mark.parametrize("name", sorted(OWN))
def test_meltano_yml__says_of_a_setting_what_the_tap_says(
    declared: dict[str, Any], name: str
) -> None:
    """Kind, default and allowed values are the same in both, and secrets are marked as such.

    What can be written as a text is one for Meltano, which would guess at it; lists of objects and
    flags are not.
    """
    ours, theirs = OWN[name], declared[name]
    of_objects = "object" in ours.get("items", {}).get("type", ())
    kind = "boolean" if "boolean" in ours["type"] else "array" if of_objects else "string"
    if name not in SETTING_NAMES:
        # The SDK's own are judged by the SDK.
        kind = next(each for each in ours["type"] if each != "null")
    if ours.get("secret"):
        assert theirs.get("sensitive") is True
        kind = "array" if of_objects else "password"
    assert theirs.get("kind", "string") == kind
    allowed = [value for value in ours.get("enum", ()) if value is not None]
    assert all(value in theirs["description"] for value in allowed)
    assert theirs.get("value") == ours.get("default")


def test_meltano_yml__asks_nobody_for_its_plugins() -> None:
    """Every plugin is defined in full, so that no look-up is needed; nothing is sent home."""
    project = yaml.safe_load(MELTANO_YML.read_text(encoding="utf-8"))

    for plugin in [*project["plugins"]["extractors"], *project["plugins"]["loaders"]]:
        assert {"namespace", "executable", "capabilities", "settings"} <= set(plugin)
    assert project["send_anonymous_usage_stats"] is False
    assert project["default_environment"] in [each["name"] for each in project["environments"]]
