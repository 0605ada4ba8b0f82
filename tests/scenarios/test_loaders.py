"""Every loader of meltano.yml, as users run it: twice, Meta's corrections in between."""

from __future__ import annotations

import datetime as dt
import json
import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_meta_partner.demo import truth
from tap_meta_partner.demo.meltano import new_project
from tap_meta_partner.demo.postgres import short_folder
from tap_meta_partner.sandbox import ReceivedCall, Sandbox, World
from tap_meta_partner.sandbox.world.truth import LEVELS
from tests.support.destinations import ALL_LOADERS, LOADERS, Destination, Loader
from tests.support.page_blocks import ROOT, page_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal


#: A little more than is read again: the oldest days must outlive the second run untouched.
DAYS = 32
#: Prices of three, two and no decimals, names in other scripts.
CLIENTS = 3
LEVEL_KEY = {"account": (), "campaign": ("campaign_id",), "adset": ("adset_id",), "ad": ("ad_id",)}


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums of one level, account and day."""

    rows: int
    spend: Decimal
    impressions: int


Sums = dict[tuple[str, str, dt.date], Figures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one `meltano run` did: what the destination and the sandbox held afterwards."""

    loaded: Sums
    true: Sums
    calls: list[ReceivedCall]
    today: dict[str, dt.date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Two runs with one loader."""

    loader: Loader
    destination: Destination
    world: World
    account_ids: list[str]
    first: Run
    second: Run


@pytest.fixture(scope="module")
def load() -> Iterator[Callable[[Loader], Loaded]]:
    """Run a loader twice; asked for the same one again, the same two runs are meant."""
    done: dict[str, Loaded] = {}
    with ExitStack() as stack:

        def twice(loader: Loader) -> Loaded:
            if loader.name not in done:
                done[loader.name] = stack.enter_context(two_runs(loader))
            return done[loader.name]

        yield twice


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.name)
def loaded(request: pytest.FixtureRequest, load: Callable[[Loader], Loaded]) -> Loaded:
    return load(request.param)


@contextmanager
def two_runs(loader: Loader) -> Iterator[Loaded]:
    world = World.demo(seed=7, days=DAYS)
    account_ids = [account.id for account in world.readable()[:CLIENTS]]
    since = world.now().date() - dt.timedelta(days=DAYS)
    with (
        Sandbox(world) as sandbox,
        short_folder() as folder,
        loader.destination(folder / "project", folder / "server.log") as destination,
    ):
        settings = {
            "TAP_META_PARTNER_API_URL": sandbox.url,
            "TAP_META_PARTNER_ACCESS_TOKEN": sandbox.token,
            "TAP_META_PARTNER_ACCOUNT_IDS": json.dumps(account_ids),
            "TAP_META_PARTNER_START_DATE": since.isoformat(),
            **destination.settings,
        }
        project = new_project(folder / "project", settings, loader=loader.name)

        def run() -> Run:
            calls_before = len(sandbox.calls)
            days = truth.period(world, since)
            project.run()
            return Run(
                loaded=sums(loader, destination, days),
                true=true(world, account_ids, days),
                calls=sandbox.calls[calls_before:],
                today=dict(days.until),
            )

        first = run()
        world.restate()
        yield Loaded(
            loader=loader,
            destination=destination,
            world=world,
            account_ids=account_ids,
            first=first,
            second=run(),
        )


def sums(loader: Loader, destination: Destination, days: truth.Period) -> Sums:
    """What SQL adds up; a day that began after the run did is left out."""
    found = {}
    for level in LEVELS:
        query = (
            "select account_id, cast(date_start as date), count(*), "  # noqa: S608  (our own words)
            "sum(cast(spend as decimal(20, 6))), sum(cast(impressions as bigint)) "
            f"from ({current_rows(loader, destination, level)}) as rows group by 1, 2"
        )
        for account_id, day, rows, spend, impressions in destination.query(query):
            if day <= days.until[account_id]:
                found[level, account_id, day] = Figures(rows, spend, int(impressions))
    return found


def current_rows(loader: Loader, destination: Destination, level: str) -> str:
    """The rows that count: all where rows are replaced, else the latest of each key."""
    rows = f"select * from {destination.table(f'{level}_insights')}"  # noqa: S608
    if loader.upserts:
        return rows
    return f"{rows} qualify row_number() over (partition by {key(level)} order by read_at desc) = 1"


def key(level: str) -> str:
    return ", ".join(("account_id", "date_start", *LEVEL_KEY[level]))


def true(world: World, account_ids: list[str], days: truth.Period) -> Sums:
    return {
        (level, account_id, day): Figures(
            totals.rows_by_level[level], totals.spend, totals.impressions
        )
        for account_id in account_ids
        for day, totals in world.truth.day_totals(
            account_id, days.since, days.until[account_id]
        ).items()
        for level in LEVELS
    }


def test_first_run__every_sum_is_true(loaded: Loaded) -> None:
    """Rows, spend and impressions of every level, account and day are those of the sandbox."""
    assert loaded.first.loaded == loaded.first.true
    assert len(loaded.first.true) > CLIENTS * DAYS


def test_second_run__every_corrected_sum_is_true(loaded: Loaded) -> None:
    """After Meta corrected its numbers, and late rows came, the current rows are right again."""
    assert loaded.second.true != loaded.first.true
    assert loaded.second.loaded == loaded.second.true


def test_second_run__replaces_rows_or_adds_to_them(loaded: Loaded) -> None:
    """A key is there once with a loader that replaces, at most once a run with one that adds."""
    for level in LEVELS:
        times = {
            count
            for (count,) in loaded.destination.query(
                f"select count(*) from {loaded.destination.table(f'{level}_insights')} "  # noqa: S608
                f"group by {key(level)}"
            )
        }
        assert times == ({1} if loaded.loader.upserts else {1, 2})


def test_second_run__asks_for_the_lookback_only(loaded: Loaded) -> None:
    """The state that the loader handed back is the tap's: only 28 days are read again."""
    for account_id in loaded.account_ids:
        asked = [
            json.loads(call.params["time_range"])["since"]
            for call in loaded.second.calls
            if call.account_id == account_id and "time_range" in call.params
        ]
        assert min(asked) == str(loaded.second.today[account_id] - dt.timedelta(days=1 + 28))


def test_accounts__have_their_names(loaded: Loaded) -> None:
    """Every account is in `ad_accounts`, its name in whatever script it is written."""
    found = loaded.destination.query(
        f"select distinct account_id, name from {loaded.destination.table('ad_accounts')}"  # noqa: S608
    )

    assert dict(found) == {
        account_id: loaded.world.account(account_id).name for account_id in loaded.account_ids
    }


def test_sync_status__has_both_runs(loaded: Loaded) -> None:
    """What each run delivered is there for each account and stream, once."""
    found = loaded.destination.query(
        "select account_id, stream, run_started_at, result "  # noqa: S608
        f"from {loaded.destination.table('account_sync_status')}"
    )

    assert {result for *_, result in found} == {"delivered"}
    assert len({started for _, _, started, _ in found}) == 2
    assert sorted((account_id, stream) for account_id, stream, _, _ in found) == sorted(
        (account_id, f"{level}_insights")
        for account_id in loaded.account_ids
        for level in LEVELS
        for _ in range(2)
    )


def test_action_lists__are_lists_of_numbers(loaded: Loaded) -> None:
    """Whether as JSON, text or an array: each entry has its type, and a number for its value."""
    found = loaded.destination.query(
        "select actions, action_values, cast(post_engagement as bigint) "  # noqa: S608
        f"from {loaded.destination.table('ad_insights')} where post_engagement is not null"
    )

    assert len(found) > 100
    for actions, values, post_engagement in found:
        by_type = {each["action_type"]: each["value"] for each in entries(actions)}
        assert by_type["post_engagement"] == post_engagement
        assert all(isinstance(each["value"], (int, float)) for each in entries(values))


def entries(column: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return json.loads(column) if isinstance(column, str) else column or []


def test_columns__have_the_types_that_the_page_says(loaded: Loaded) -> None:
    """How a day, an amount, a count, an action list and an instant arrive."""
    type_of = "pg_typeof({})::text" if loaded.loader.name == "target-postgres" else "typeof({})"
    columns = ("date_start", "spend", "impressions", "actions", "read_at")
    kinds = ", ".join(type_of.format(column) for column in columns)
    (found,) = loaded.destination.query(
        f"select {kinds} from {loaded.destination.table('ad_insights')} "  # noqa: S608
        "where actions is not null limit 1"
    )

    assert found == loaded.loader.types


# meltano.yml and docs/targets.md


def test_meltano_yml__has_these_loaders_and_no_others() -> None:
    """No loader is shipped that was not run here."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))

    assert [each["name"] for each in project["plugins"]["loaders"]] == [
        loader.name for loader in ALL_LOADERS
    ]


@pytest.mark.parametrize("loader", ALL_LOADERS, ids=lambda loader: loader.name)
def test_page__says_of_a_loader_whether_it_replaces_rows(loader: Loader) -> None:
    """Each has a line in the table of targets: upsert or append."""
    (line,) = re.findall(rf"^\| `{loader.name}`[^|]*\|.*$", page_text("targets"), re.MULTILINE)

    assert line.split(" | ")[2] == ("upsert" if loader.upserts else "append")
