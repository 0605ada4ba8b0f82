"""Fields that Meta refuses: for all accounts or one, in both wordings, directly and in runs.

Each run is held against one in the same world in which nothing was refused: every other column is
the same, row by row. Meta names one field a call, and knows no code for it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import World
from tests.support.noon import noon, run_at_noon
from tests.support.tap_process import catalog_selecting, run_here

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox
    from tests.support.tap_process import Output

DAYS = 12
STREAMS = ("account_insights", "campaign_insights", "ad_insights")
LEVELS = dict(zip(STREAMS, ("account", "campaign", "ad"), strict=True))
#: What differs between two runs by itself.
VARYING = {"read_at"}
Row = dict[str, Any]


@dataclass(slots=True)
class Client:
    """A world of three accounts, and runs in it with and without refusals."""

    sandbox: Sandbox
    streams: tuple[str, ...] = STREAMS
    settings: dict[str, Any] = field(default_factory=dict)

    def run(self, state: Mapping[str, Any] | None = None) -> Output:
        """Run once, with one account after the other."""
        return run_here(
            self.sandbox.world.now,
            self.config,
            state=state,
            catalog=catalog_selecting(self.config, *self.streams),
            minute=0.1,
        )

    @property
    def config(self) -> dict[str, Any]:
        """The configuration."""
        access = {"access_token": self.sandbox.token, "api_url": self.sandbox.url}
        start = self.sandbox.world.now().date() - dt.timedelta(days=DAYS)
        # One after the other, so that it is known which call comes before which.
        return {**access, "start_date": str(start), "max_concurrency": 1, **self.settings}

    @property
    def account_ids(self) -> list[str]:
        """All accounts."""
        return [account.id for account in self.sandbox.world.accounts]

    def refusals(self, since: int = 0) -> list[tuple[str | None, str]]:
        """Tell which calls were refused: the account and the level."""
        return [
            (call.account_id, call.params["level"])
            for call in self.sandbox.calls[since:]
            if call.status == 400
        ]


@pytest.fixture
def client(start_sandbox: Callable[..., Sandbox]) -> Client:
    return Client(start_sandbox(World.agency(seed=7, accounts=3, idle=0, days=DAYS)))


def assert_only_null(
    output: Output, whole: Output, columns: set[str], account_ids: list[str]
) -> None:
    """Hold rows against those of a run without refusals: these columns null, all others equal."""
    assert set(output.tables) == set(whole.tables)
    for stream, rows in whole.tables.items():
        assert set(output.tables[stream]) == set(rows)
        for key, row in rows.items():
            empty = columns if row["account_id"] in account_ids else set()
            found = output.tables[stream][key]
            assert {name: found[name] for name in found if name not in VARYING} == {
                name: None if name in empty else value
                for name, value in row.items()
                if name not in VARYING
            }
    assert sum(map(len, whole.tables.values())) > 100


@pytest.mark.parametrize("wording", ["invalid", "nonexisting"])
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", ["cpp", "spend", "inline_link_clicks", "conversions"])
def test_field__refused_to_all_leaves_its_column_empty(
    client: Client, name: str, mode: str, wording: str
) -> None:
    """Each account finds out in each stream, with one call; one line says it. Exit 0."""
    client.settings["report_mode"] = mode
    whole = client.run()
    client.sandbox.refused_fields.refuse(name, wording=wording)
    before = len(client.sandbox.calls)

    output = client.run()

    assert output.code == 0
    assert_only_null(output, whole, {name}, client.account_ids)
    (said,) = output.complaints
    assert f"Meta refuses the field {name} to account" in said
    assert "asked for again in the next run; days delivered with it keep it" in said
    refusals = client.refusals(before)
    assert len(set(refusals)) == len(refusals) == len(STREAMS) * len(client.account_ids)


def test_field__refused_to_one_account_is_null_there_only(client: Client) -> None:
    """The other accounts keep the column; one line says it, each stream asks once too often."""
    whole = client.run()
    poor = client.account_ids[1]
    client.sandbox.refused_fields.refuse("frequency", poor)
    before = len(client.sandbox.calls)

    output = client.run()

    assert output.code == 0
    assert_only_null(output, whole, {"frequency"}, [poor])
    (said,) = output.complaints
    assert f"Meta refuses the field frequency to account {poor}" in said
    assert sorted(client.refusals(before)) == sorted((poor, level) for level in LEVELS.values())
    assert {row["result"] for row in output.tables["account_sync_status"].values()} <= {"delivered"}


def test_fields__refused_one_after_the_other_are_all_left_out(client: Client) -> None:
    """Meta names one field at a time; each costs a call a stream, and each is said once."""
    whole = client.run()
    names = ["cpp", "frequency", "ctr", "action_values", "attribution_setting"]
    poor = client.account_ids[0]
    for name in names:
        client.sandbox.refused_fields.refuse(name, poor)
    before = len(client.sandbox.calls)

    output = client.run()

    assert output.code == 0
    assert_only_null(output, whole, set(names), [poor])
    assert len(output.complaints) == len(names)
    assert len(client.refusals(before)) == len(names) * len(STREAMS)


def test_actions__refused_leave_their_columns_and_rows_out(client: Client) -> None:
    """What is made of a list goes with it: columns of single types, and the long rows of it."""
    client.streams = ("r", "r_actions")
    fields = ["spend", "actions", "action_values", "actions:purchase", "post_engagement"]
    client.settings["reports"] = [{"name": "r", "fields": fields, "action_rows": True}]
    whole = client.run()
    client.sandbox.refused_fields.refuse("actions")

    output = client.run()

    assert output.code == 0
    gone = {"actions", "actions_purchase", "post_engagement"}
    long, whole_long = output.tables.pop("r_actions"), whole.tables.pop("r_actions")
    assert_only_null(output, whole, gone, client.account_ids)
    assert long.keys() == {
        key for key, row in whole_long.items() if row["metric"] == "action_values"
    }
    assert 0 < len(long) < len(whole_long)


def test_field__with_breakdowns_is_left_out_too(client: Client) -> None:
    """A report by age loses the one column, and none of its rows."""
    client.streams = ("r",)
    fields = ["spend", "impressions", "reach"]
    client.settings["reports"] = [{"name": "r", "fields": fields, "breakdowns": ["age"]}]
    whole = client.run()
    client.sandbox.refused_fields.refuse("reach")

    output = client.run()

    assert output.code == 0
    assert_only_null(output, whole, {"reach"}, client.account_ids)


def test_field__that_is_known_again_comes_back_by_itself(client: Client) -> None:
    """What is refused is remembered for the run only: the next lookback fills the column again."""
    client.sandbox.refused_fields.refuse("cpp")
    first = client.run()
    client.sandbox.refused_fields.accept("cpp")

    second = client.run(state=first.state)

    assert second.complaints == []
    assert {row["cpp"] for row in first.tables["ad_insights"].values()} == {None}
    assert any(row["cpp"] for row in second.tables["ad_insights"].values())
    assert set(second.tables["ad_insights"]) == set(first.tables["ad_insights"])


def test_field__refused_for_good_is_no_change_of_the_report(client: Client) -> None:
    """Night after night it is said anew, once; bookmarks go on, nothing is read again."""
    client.sandbox.refused_fields.refuse("cpp")
    client.settings["backfill_on_change"] = True
    first = client.run()
    before = len(client.sandbox.calls)

    second = client.run(state=first.state)

    assert [len(output.complaints) for output in (first, second)] == [1, 1]
    assert all("Meta refuses the field cpp" in line for line in second.complaints)
    assert second.state["bookmarks"] == first.state["bookmarks"]
    assert len(client.sandbox.calls) - before == before


def test_activity__is_known_without_a_field_of_it(client: Client) -> None:
    """Whether anything happened is found out from what is left, also where no stream asks it."""
    client.settings["fields"] = ["spend", "clicks"]
    client.streams = ("campaign_insights", "ad_insights")
    whole = client.run()
    client.sandbox.refused_fields.refuse("conversions")
    client.sandbox.refused_fields.refuse("action_values")

    output = client.run()

    assert output.code == 0
    assert_only_null(output, whole, set(), [])


def test_large_account__read_by_campaign_survives_too(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """A day too large for one answer is read by campaign, without a field its report never asked.

    Which campaigns there are is found out from signs of life, of which one is refused here.
    """
    world = World.single(seed=7, ads=60, days=4, now=noon)
    sandbox = start_sandbox(world, max_sync_rows=40, max_async_rows=50)
    sandbox.refused_fields.refuse("conversions")
    sandbox.refused_fields.refuse("cpp")
    config = {
        "access_token": sandbox.token,
        "api_url": sandbox.url,
        "fields": ["spend", "cpp"],
        "start_date": str(world.now().date() - dt.timedelta(days=3)),
    }

    output = run_at_noon(
        tmp_path, config, catalog=catalog_selecting(config, "ad_insights"), minute=0.1
    )

    assert output.code == 0, output.log
    (account,) = world.accounts
    today = account.today(world.now())
    days = world.truth.day_totals(account.id, today - dt.timedelta(days=5), today)
    assert output.spend("ad_insights") == {
        (account.id, str(day)): totals.spend
        for day, totals in days.items()
        if str(day) >= config["start_date"]
    }
    assert {row["cpp"] for row in output.tables["ad_insights"].values()} == {None}
    assert "campaign_insights" in {call.kind for call in sandbox.calls}
    assert len(output.complaints) == 2


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("campaign_id", ["campaign_insights"]),
        ("ad_id", ["ad_insights"]),
        ("account_id", list(STREAMS)),
    ],
)
def test_key__refused_to_all_ends_its_streams_with_what_to_do(
    client: Client, name: str, lost: list[str]
) -> None:
    """Without its key a row is none: that stream ends, after three accounts; the others arrive."""
    whole = client.run()
    client.sandbox.refused_fields.refuse(name)

    output = client.run()

    assert output.code == 1
    for stream in lost:
        (said,) = [line for line in output.complaints if "failed: " in line and stream in line]
        assert f"(#100) {name} is not valid for fields param" in said
        assert "Change the report's fields or breakdowns in the settings" in said
        assert output.counts[stream] == 0
        assert all(output.bookmark(stream, each) is None for each in client.account_ids)
    for stream in set(STREAMS) - set(lost):
        assert output.spend(stream) == whole.spend(stream)
    assert "Traceback" not in output.log
    refused = [level for _, level in client.refusals()]
    # The third account is not asked for a stream that ended; a column it asks for itself.
    assert all(refused.count(LEVELS[stream]) <= (4 if stream in lost else 3) for stream in STREAMS)


def test_key__refused_to_one_account_fails_that_account_only(client: Client) -> None:
    """The others are delivered; the summary names the one, and the exit code is 1."""
    whole = client.run()
    poor = client.account_ids[1]
    client.sandbox.refused_fields.refuse("campaign_id", poor)

    output = client.run()

    assert output.code == 1
    assert output.spend("campaign_insights") == {
        key: spend for key, spend in whole.spend("campaign_insights").items() if key[0] != poor
    }
    assert any(
        f"failed: {poor}" in line and "campaign_insights" in line for line in output.complaints
    )
    assert output.bookmark("campaign_insights", poor) is None
    assert output.spend("ad_insights") == whole.spend("ad_insights")
    assert {
        row["campaign_id"]
        for row in output.tables["ad_insights"].values()
        if row["account_id"] == poor
    } == {None}


def test_only_field__refused_is_no_reason_to_ask_for_everything(client: Client) -> None:
    """With nothing left to ask for the report ends as one that Meta refuses, and says so."""
    client.streams = ("r",)
    client.settings["reports"] = [{"name": "r", "level": "account", "fields": ["cpp"]}]
    for name in ("cpp", "account_id", "date_start", "date_stop"):
        client.sandbox.refused_fields.refuse(name)

    output = client.run()

    assert output.code == 1
    assert any("failed: " in line and " r: " in line for line in output.complaints)
    assert all(
        call.params.get("fields") for call in client.sandbox.calls if call.kind == "insights"
    )
