"""`meta-partner verify` over a warehouse that a run of the tap has filled, against the sandbox."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.sandbox import Fault, Sandbox, World
from tests.support.tap_process import run_tap
from tests.support.warehouse import execute, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

ACCOUNT = "210007000001016"
STREAMS = ["account_insights", "campaign_insights", "adset_insights", "ad_insights"]
PASSWORD = "correct-horse"


@dataclass(slots=True)
class Filled:
    """A warehouse as a run left it, the Graph API that it came from, and the run's own today."""

    sandbox: Sandbox
    file: Path
    config: Path
    today: dt.date

    def run(self, *arguments: str, database: str | None = None) -> Result:
        """Run the command for the one account."""
        command = ["verify", "--config", str(self.config), "--account", ACCOUNT]
        command += ["--database", database or f"duckdb:///{self.file}", *arguments]
        return CliRunner().invoke(cli.main, command)

    def document(self, *arguments: str) -> dict[str, Any]:
        """Return what --json says."""
        result = self.run("--json", *arguments)
        found: dict[str, Any] = json.loads(result.stdout)
        assert found["exit_code"] == result.exit_code
        return found

    def reasons(self, *arguments: str) -> dict[str, list[str]]:
        """Return the streams that differ, by reason; all that is found of the one account."""
        (account,) = self.document(*arguments)["accounts"]
        return {each["reason"]: each["streams"] for each in account["reasons"]}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("verify")
    with Sandbox(World.demo(seed=7)) as sandbox:
        config = {"access_token": sandbox.token, "api_url": sandbox.url, "account_ids": [ACCOUNT]}
        output = run_tap(folder, config)
        fill(folder / "kept.duckdb", output)
        today = max(dt.date.fromisoformat(day) for _, day in output.spend("account_insights"))
        yield Filled(sandbox, folder / "kept.duckdb", folder / "config.json", today)


@pytest.fixture
def filled(kept: Filled, tmp_path: Path) -> Filled:
    """A copy of one's own of the warehouse."""
    file = tmp_path / "ads.duckdb"
    shutil.copy(kept.file, file)
    kept.sandbox.clear_faults()
    return Filled(kept.sandbox, file, kept.config, kept.today)


def a_day(filled: Filled) -> dt.date:
    """A day of the account's, ten days back, on which it spent."""
    totals = filled.sandbox.world.truth.day_totals(
        ACCOUNT, filled.today - dt.timedelta(days=14), filled.today - dt.timedelta(days=10)
    )
    return next(day for day, total in totals.items() if total.spend > 0)


def test_verify__finds_equal_what_a_run_has_just_delivered(filled: Filled) -> None:
    """At each level the truth of the sandbox; two calls for the account, and one for the list."""
    world = filled.sandbox.world
    found = filled.document()
    (account,) = found["accounts"]
    since, until = (dt.date.fromisoformat(account[name]) for name in ("since", "until"))
    truth = world.truth.totals(ACCOUNT, since, until)
    spend = account["amounts"]["spend"]

    assert (found["exit_code"], found["verdict"]) == (0, "1 equal")
    assert found["streams"] == STREAMS
    assert (until - since).days == 29
    assert {*map(float, spend.values())} == {float(truth.spend)}
    assert account["amounts"]["impressions"]["meta"] == str(truth.impressions)
    assert found["calls"] == 3


def test_verify__compares_action_types_too(filled: Filled) -> None:
    """Taken out of the lists, whatever the database made of them."""
    (account,) = filled.document("--action", "purchase")["accounts"]
    since, until = (dt.date.fromisoformat(account[name]) for name in ("since", "until"))
    truth = filled.sandbox.world.truth.action_totals(ACCOUNT, since, until)
    purchases = account["amounts"]["actions:purchase"]

    count = sum(day.get("purchase", 0) for day in truth.values())

    assert {*purchases.values()} == {str(count)} != {"0"}
    assert account["verdict"] == "equal"


def test_verify__names_a_fault_that_nothing_explains(filled: Filled) -> None:
    """A row lost at ad level, under an account that is right: exit code 1, days and amount."""
    day = a_day(filled)
    table = "tap_meta_partner.ad_insights"
    execute(
        filled.file,
        f"delete from {table} where date_start = '{day}' and ad_id = "  # noqa: S608
        f"(select min(ad_id) from {table} where date_start = '{day}')",
    )
    found = filled.document()
    (reason,) = found["accounts"][0]["reasons"]

    assert found["exit_code"] == 1
    assert (reason["reason"], reason["streams"]) == ("unknown", ["ad_insights"])
    assert reason["days"] == [str(day)]
    assert float(reason["differences"]["spend"]) < 0


def test_verify__says_when_a_day_was_read_before_it_was_over(filled: Filled) -> None:
    """Today is there, as far as it had come: asked for later, the difference is explained."""
    execute(
        filled.file,
        "update tap_meta_partner.account_insights set impressions = impressions + 5 "  # noqa: S608
        f"where date_start = '{filled.today}'",
    )

    reasons = filled.reasons("--until", str(filled.today))
    assert reasons == {"not_over": ["account_insights"]}


def test_verify__tells_withdrawn_rows_by_their_reading(filled: Filled) -> None:
    """A row of an earlier reading is too much; what to do is said."""
    execute(
        filled.file,
        "insert into tap_meta_partner.ad_insights by name "  # noqa: S608
        "select * replace ('999' as ad_id, read_at - interval 1 day as read_at) from "
        f"tap_meta_partner.ad_insights where date_start = '{a_day(filled)}'",
    )

    assert filled.reasons() == {"withdrawn": ["ad_insights"]}
    assert "docs/state.md" in filled.run().stdout


def test_verify__says_since_when_an_account_was_not_read(filled: Filled) -> None:
    """Days after the last reading are missing at every level; the status table says why."""
    day = a_day(filled)
    for stream in STREAMS:
        table = f"tap_meta_partner.{stream}"
        execute(filled.file, f"delete from {table} where date_start > '{day}'")  # noqa: S608
        execute(filled.file, f"update {table} set read_at = '{day} 12:00:00'")  # noqa: S608
    execute(
        filled.file,
        "update tap_meta_partner.account_sync_status set result = 'skipped', reason = 'withdrawn'",
    )
    found = filled.document()
    (account,) = found["accounts"]
    reasons = {each["reason"]: each for each in account["reasons"]}

    assert found["exit_code"] == 0
    assert set(reasons) <= {"not_read_since", "not_over"}
    assert reasons["not_read_since"]["streams"] == STREAMS
    assert reasons["not_read_since"]["besides"] == "withdrawn"


def test_verify__explains_a_column_that_was_never_had(filled: Filled) -> None:
    """Clicks are null in all rows: the field was refused."""
    execute(filled.file, "update tap_meta_partner.ad_insights set clicks = null")

    assert filled.reasons() == {"field_empty": ["ad_insights"]}


def test_verify__leaves_out_columns_and_tables_that_are_not_there(filled: Filled) -> None:
    """A deselected column is shown as absent, a stream that was not loaded not at all."""
    execute(filled.file, "alter table tap_meta_partner.ad_insights drop column clicks")
    execute(filled.file, "drop table tap_meta_partner.adset_insights")
    execute(filled.file, "drop table tap_meta_partner.account_sync_status")
    found = filled.document()

    assert found["verdict"] == "1 equal"
    assert found["streams"] == ["account_insights", "campaign_insights", "ad_insights"]
    assert found["accounts"][0]["amounts"]["clicks"]["ad_insights"] is None


def test_verify__names_accounts_that_meta_no_longer_shows(filled: Filled) -> None:
    """They are in the tables and in no list: nothing to compare with, and nobody's fault."""
    world = filled.sandbox.world
    world.revoke(ACCOUNT)
    try:
        assert filled.reasons() == {"lost": []}
    finally:
        world.restore(ACCOUNT)


def test_verify__says_when_meta_does_not_answer(filled: Filled) -> None:
    """Not compared is not equal: exit code 1, with Meta's reason."""
    filled.sandbox.fault(Fault(kind="insights", account_id=ACCOUNT, code=200))
    result = filled.run()

    assert result.exit_code == 1
    assert "Meta did not answer" in result.stdout


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ("nonsense", "not one that SQLAlchemy reads"),
        (f"nodb://user:{PASSWORD}@host/x", "no dialect"),
        ("duckdb:////nowhere/x.duckdb", "no file"),
        (f"postgresql+psycopg://user:{PASSWORD}@127.0.0.1:1/x", "127.0.0.1"),
    ],
)
def test_verify__gives_up_in_a_line_without_the_password(
    filled: Filled, database: str, said: str
) -> None:
    """Exit code 2 and what to do; no traceback, no password."""
    result = filled.run(database=database)

    assert result.exit_code == 2
    assert said in result.stderr
    assert PASSWORD not in result.output
    assert "Traceback" not in result.output


def test_verify__names_the_tables_it_looked_for(filled: Filled) -> None:
    """A wrong schema is the usual mistake."""
    result = filled.run("--schema", "elsewhere")

    assert result.exit_code == 2
    assert "account_insights" in result.stderr
    assert "--schema" in result.stderr


def test_verify__wants_the_first_day_before_the_last(filled: Filled) -> None:
    """Said before anything is asked."""
    result = filled.run("--since", "2026-11-02", "--until", "2026-11-01")

    assert result.exit_code == 2
    assert "2026-11-02 is after" in result.stderr


def test_verify__shows_a_table_and_the_reasons(filled: Filled) -> None:
    """For a person: each level beside Meta's, the difference in brackets, and why."""
    execute(
        filled.file,
        "update tap_meta_partner.account_insights set impressions = impressions + 1234 "  # noqa: S608
        f"where date_start = '{a_day(filled)}'",
    )
    shown = filled.run().stdout

    assert "(+1,234)" in shown
    assert "explained: Meta has corrected the day since it was read" in shown
    assert "impressions +1,234" in shown
    assert "1 explained (exit code 0)" in shown
