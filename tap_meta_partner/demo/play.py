"""The demo itself: load, let Meta correct its numbers, load again, compare both times."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from tap_meta_partner.demo.meltano import COMMAND, new_project
from tap_meta_partner.demo.postgres import embedded_postgres, short_folder
from tap_meta_partner.demo.reports import all_streams
from tap_meta_partner.demo.show import (
    console,
    show_agreement,
    show_changes,
    show_rows,
    show_spend,
    step,
)
from tap_meta_partner.demo.signals import ending_orderly
from tap_meta_partner.demo.truth import (
    SCHEMA,
    agree,
    changes,
    compare,
    days_asked,
    not_read,
    period,
    remember,
    rows_so_far,
)
from tap_meta_partner.sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from tap_meta_partner.demo.meltano import Project
    from tap_meta_partner.demo.postgres import Postgres
    from tap_meta_partner.demo.truth import RowCount, Spend

#: Enough for the second run, which reads only the last 30 again, to be seen to ask for less.
DAYS = 90


_COMMAND = " ".join(COMMAND)


#: Its answer fits a screen: a row for each client.
QUERY = f"""\
select account_name as client, account_currency as currency,
       sum(spend) as spend, min(date_start) as since, max(date_start) as until
from {SCHEMA}.account_insights group by 1, 2 order by 1;"""  # noqa: S608  (a constant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """All that the demo has set up.

    Attributes:
        says_how_far: while Meltano runs; how often that is depends on the machine.
    """

    out: Console
    world: World
    sandbox: Sandbox
    postgres: Postgres
    connection: psycopg.Connection
    project: Project
    since: dt.date
    says_how_far: bool = True


def play(*, seed: int, keep: bool, report: Callable[[str, str], None] | None = None) -> bool:
    """Play the demo, and tell whether all that arrived is true.

    Args:
        seed: decides the clients' numbers.
        keep: load every stream, and leave PostgreSQL and the sandbox running until the user has
            looked around.
        report: told the database's address and the tables' schema once all is there; every stream
            is loaded for it.

    Raises:
        CannotRun: something that is needed is not here.
        RunFailed: a run of the pipeline failed.
    """
    with ending_orderly(), contextlib.ExitStack() as started:
        stage = _set_up(seed, started, keep=keep, in_full=keep or report is not None)
        agreed = [first_run(stage), second_run(stage)]
        if report:
            report(stage.postgres.loader_uri, SCHEMA)
        _say_what_next(stage.out, all_agrees=all(agreed), keep=keep)
        if keep:
            _wait(stage)
    return all(agreed)


def _set_up(seed: int, started: contextlib.ExitStack, *, keep: bool, in_full: bool) -> Stage:
    out = console()
    world = World.demo(seed, days=DAYS)
    since = world.now().date() - dt.timedelta(days=DAYS - 1)
    root = started.enter_context(short_folder()) / "project"
    with step(out, f"make {len(world.accounts)} clients and a Graph API that knows them"):
        sandbox = started.enter_context(Sandbox(world))
    with step(out, "start PostgreSQL"):
        postgres = started.enter_context(embedded_postgres(on_a_port=keep))
        connection = started.enter_context(psycopg.connect(postgres.uri, autocommit=True))
    settings = {
        "TAP_META_PARTNER_API_URL": sandbox.url,
        "TAP_META_PARTNER_ACCESS_TOKEN": sandbox.token,
        "TAP_META_PARTNER_BUSINESS_ID": world.business.id,
        "TAP_META_PARTNER_START_DATE": since.isoformat(),
        "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.loader_uri,
        **(all_streams() if in_full else {}),
    }
    return Stage(
        out=out,
        world=world,
        sandbox=sandbox,
        postgres=postgres,
        connection=connection,
        project=new_project(root, settings),
        since=since,
    )


def first_run(stage: Stage) -> bool:
    """Load everything, hold it against the truth, and tell whether the two agree."""
    counts, spends = _run_and_compare(stage, "first run")
    show_agreement(stage.out, counts, spends)
    agreed = agree(counts, spends)
    for client, reason in not_read(stage.connection):
        stage.out.print(f"not read: {client}, {reason}", markup=False)
    _verdict(stage.out, "first run", agreed=agreed)
    return agreed


def second_run(stage: Stage) -> bool:
    """Let Meta correct its numbers, load again, show what changed, and tell whether all is true."""
    remember(stage.connection)
    with step(stage.out, "Meta corrects the numbers of the last 28 days, some rows come late"):
        stage.world.restate()
    counts, spends = _run_and_compare(stage, "second run")
    show_rows(stage.out, counts)
    show_spend(stage.out, spends)
    done = changes(stage.connection)
    show_changes(stage.out, done)
    agreed = agree(counts, spends) and not any(each.duplicate_keys or each.gone for each in done)
    _verdict(stage.out, "second run", agreed=agreed)
    return agreed


def _run_and_compare(stage: Stage, name: str) -> tuple[list[RowCount], list[Spend]]:
    calls_before = len(stage.sandbox.calls)
    days = period(stage.world, stage.since)
    with step(stage.out, f"{name}: {_COMMAND}") as so_far:

        def meanwhile() -> None:
            if stage.says_how_far:
                so_far(_how_far(stage, calls_before))

        stage.project.run(meanwhile)
    calls = stage.sandbox.calls[calls_before:]
    asked = days_asked(calls)
    stage.out.print(
        f"  {len(calls)} API calls; Meta was asked for "
        + (f"{asked[0]} to {asked[1]}" if asked else "no day")
    )
    return compare(stage.connection, stage.world, days)


def _how_far(stage: Stage, calls_before: int) -> str:
    calls = stage.sandbox.calls[calls_before:]
    asked = {call.account_id for call in calls} - {None}
    rows = rows_so_far(stage.connection)
    return f"{len(calls)} calls for {len(asked)} accounts, {rows:,} rows in PostgreSQL"


def _verdict(out: Console, name: str, *, agreed: bool) -> None:
    text = "[green]totals agree[/]" if agreed else "[bold red]totals do not agree[/], a bug"
    out.print(f"{name}: {text}\n")


def _say_what_next(out: Console, *, all_agrees: bool, keep: bool) -> None:
    if not all_agrees:
        return
    out.print("With real data, in this checkout:")
    out.print("  1. cp .env.example .env, and put your System User token into it", markup=False)
    out.print("  2. put your database's address in it: TARGET_POSTGRES_SQLALCHEMY_URL")
    out.print(f"  3. uv run {_COMMAND}")
    if not keep:
        out.print(
            "`uv run meta-partner demo --keep` leaves the database running to look around.",
            markup=False,
        )


def _wait(stage: Stage) -> None:
    """Wait for Enter, Ctrl-C or SIGTERM; an input that is closed is not an Enter."""
    postgres, login = stage.postgres, stage.postgres.open_to
    stage.out.print(f"\nPostgreSQL: {login.uri if login else postgres.uri}", soft_wrap=True)
    if login:
        stage.out.print(
            f"            host {login.host}, port {login.port}, database {login.database}, "
            f"user {login.user}, password {login.password}",
            soft_wrap=True,
        )
    stage.out.print(f"sandbox:    {stage.sandbox.url}, token {stage.sandbox.token}", soft_wrap=True)
    stage.out.print(f"Every stream is there. Ask, for example:\n\n{QUERY}\n", markup=False)
    stage.out.print("Enter or Ctrl-C stops both.")
    with contextlib.suppress(KeyboardInterrupt):
        if not sys.stdin.readline():
            threading.Event().wait()
