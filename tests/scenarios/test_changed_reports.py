"""Reports that change between two runs: what is read again, what is said, what stops."""

from __future__ import annotations

import copy
import datetime as dt
import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, World
from tests.support.noon import noon, run_at_noon
from tests.support.tap_process import catalog_selecting, spend_by_account_and_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from decimal import Decimal
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox
    from tests.support.tap_process import Output

DAYS = 50
_DAY = dt.timedelta(days=1)
REPORT = {"name": "report", "level": "campaign", "fields": ["spend"]}
WIDER = {**REPORT, "fields": ["spend", "clicks"]}


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Two accounts with fifty days of rows."""
    return start_sandbox(World.agency(seed=7, accounts=2, idle=0, days=DAYS, now=noon))


@pytest.fixture
def config(sandbox: Sandbox) -> dict[str, Any]:
    """Fifty days are wanted, a week of which each further run reads again."""
    return {
        "access_token": sandbox.token,
        "api_url": sandbox.url,
        "start_date": str(sandbox.world.now().date() - DAYS * _DAY),
        "lookback_days": 7,
        "unchanged_days": "write",
    }


@pytest.fixture
def run(config: dict[str, Any], tmp_path: Path) -> Callable[..., Output]:
    """Run the tap with these reports, and only these streams selected."""

    def start(
        *reports: Mapping[str, Any],
        state: Mapping[str, Any] | None = None,
        only: tuple[str, ...] = ("report",),
        catalog: Mapping[str, Any] | None = None,
        kill_after_lines: int | None = None,
        **change: object,
    ) -> Output:
        settings = {**config, "reports": list(reports), **change}
        return run_at_noon(
            tmp_path,
            settings,
            state=state,
            catalog=catalog or catalog_selecting(settings, *only),
            kill_after_lines=kill_after_lines,
            signal_number=signal.SIGKILL,
        )

    return start


def truth(sandbox: Sandbox) -> dict[tuple[str, str], Decimal]:
    """Return the true spend by account and day."""
    return {
        (account.id, str(day)): total.spend
        for account in sandbox.world.readable()
        for day, total in sandbox.world.truth.day_totals(
            account.id,
            sandbox.world.now().date() - (DAYS + 1) * _DAY,
            account.today(sandbox.world.now()),
        ).items()
    }


def days_asked(sandbox: Sandbox, since_call: int = 0) -> dict[str, list[tuple[str, str]]]:
    """Return the windows asked for, by account, in the order of the calls."""
    asked: dict[str, list[tuple[str, str]]] = {}
    for call in sandbox.calls[since_call:]:
        if call.kind == "insights":
            window = json.loads(call.params["time_range"])
            asked.setdefault(str(call.account_id), []).append((window["since"], window["until"]))
    return asked


def partitions(output: Output, stream: str = "report") -> Iterator[dict[str, Any]]:
    yield from output.state["bookmarks"][stream]["partitions"]


def todays(sandbox: Sandbox) -> dict[str, dt.date]:
    now = sandbox.world.now()
    return {account.id: account.today(now) for account in sandbox.world.readable()}


def merged(*outputs: Output) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return what an upserting target would hold after these runs."""
    held: dict[tuple[Any, ...], dict[str, Any]] = {}
    for output in outputs:
        held |= output.tables["report"]
    return held


def test_new_field__is_said_once_and_nothing_older_is_read(
    sandbox: Sandbox, run: Callable[..., Output]
) -> None:
    """The run after the change names the field and reads its lookback; the next is silent."""
    first = run(REPORT)
    before = len(sandbox.calls)
    second = run(WIDER, state=first.state)
    asked = days_asked(sandbox, before)
    third = run(WIDER, state=second.state)

    assert [first.code, second.code, third.code] == [0, 0, 0]
    assert len(second.complaints) == 1
    assert "report: clicks asked for since the last run" in second.complaints[0]
    assert "backfill_on_change" in second.complaints[0]
    assert third.complaints == []
    for account_id, today in todays(sandbox).items():
        assert asked[account_id] == [(str(today - 8 * _DAY), str(today))]
    assert all(record["clicks"] is not None for record in second.tables["report"].values())
    assert spend_by_account_and_day(merged(first, second).values()) == truth(sandbox)


def test_new_field__with_backfill_fills_the_column_of_every_row(
    sandbox: Sandbox, run: Callable[..., Output]
) -> None:
    """All days from the first delivered one are read again, once; every row has the new column."""
    first = run(REPORT)
    since = {each["context"]["account_id"]: each["since"] for each in partitions(first)}
    before = len(sandbox.calls)
    second = run(WIDER, state=first.state, backfill_on_change=True)
    asked = days_asked(sandbox, before)
    before = len(sandbox.calls)
    third = run(WIDER, state=second.state, backfill_on_change=True)

    assert [second.code, third.code] == [0, 0]
    assert "everything is read again" in second.complaints[0]
    assert third.complaints == []
    for account_id, windows in asked.items():
        assert min(windows)[0] == since[account_id]
    assert set(second.tables["report"]) >= set(first.tables["report"])
    assert all(record["clicks"] is not None for record in second.tables["report"].values())
    assert spend_by_account_and_day(second.tables["report"].values()) == truth(sandbox)
    assert max(len(windows) for windows in days_asked(sandbox, before).values()) == 1


def test_new_field__with_backfill_survives_a_hard_kill(
    sandbox: Sandbox, run: Callable[..., Output]
) -> None:
    """Killed in the middle of reading again, the next run ends with the column in every row."""
    first = run(REPORT)
    sandbox.fault(Fault(kind="insights", times=None, after=3, effect="delay", seconds=0.5))
    killed = run(WIDER, state=first.state, backfill_on_change=True, kill_after_lines=60)
    sandbox.clear_faults()
    # What a runner keeps: the last STATE it was given, or the one it had.
    last = run(WIDER, state=killed.state or first.state, backfill_on_change=True)

    assert killed.code == -signal.SIGKILL
    assert 0 < killed.counts["report"] < first.counts["report"]
    assert last.code == 0
    held = merged(first, killed, last)
    assert spend_by_account_and_day(held.values()) == truth(sandbox)
    assert [key for key, record in held.items() if record.get("clicks") is None] == []


def test_new_field__with_backfill_cut_short_goes_on_where_it_was(
    sandbox: Sandbox, run: Callable[..., Output]
) -> None:
    """With one window read again and the time over, the rest is read the next time, not skipped."""
    first = run(REPORT)
    sandbox.fault(Fault(kind="insights", times=None, effect="delay", seconds=1.0))
    short = run(
        WIDER,
        state=first.state,
        backfill_on_change=True,
        max_run_minutes=0.01,
        max_concurrency=1,
    )
    sandbox.clear_faults()
    last = run(WIDER, state=short.state, backfill_on_change=True)

    assert short.code == 0
    assert "unfinished" in short.log
    assert 0 < short.counts["report"] < first.counts["report"]
    assert last.code == 0
    held = merged(first, short, last)
    assert [key for key, record in held.items() if record.get("clicks") is None] == []


def test_removed_field__is_no_change(sandbox: Sandbox, run: Callable[..., Output]) -> None:
    """A field taken out costs no word and no day more; its column is gone from SCHEMA."""
    first = run(WIDER)
    before = len(sandbox.calls)
    second = run(REPORT, state=first.state, backfill_on_change=True)

    assert second.code == 0
    assert second.complaints == []
    assert "clicks" not in second.schemas["report"]["schema"]["properties"]
    for account_id, today in todays(sandbox).items():
        assert days_asked(sandbox, before)[account_id] == [(str(today - 8 * _DAY), str(today))]


@pytest.mark.parametrize(
    "change",
    [{"breakdowns": ["age"]}, {"level": "ad"}, {"level": "account", "breakdowns": ["country"]}],
    ids=str,
)
def test_changed_keys__stop_their_stream_only(
    sandbox: Sandbox, run: Callable[..., Output], change: dict[str, Any]
) -> None:
    """The stream stops with what to do, its state untouched; the other one is delivered; exit 1."""
    only = ("report", "ad_insights")
    first = run(REPORT, only=only)
    second = run({**REPORT, **change}, state=first.state, only=only)

    assert first.code == 0
    assert second.code == 1
    assert any("give the report another name" in line for line in second.complaints)
    assert "Traceback" not in second.log
    partitions = second.state["bookmarks"]["report"]["partitions"]
    # But for a note that it had trouble.
    kept = [{key: each[key] for key in each if key != "trouble"} for each in partitions]
    assert kept == first.state["bookmarks"]["report"]["partitions"]
    assert second.counts["report"] == 0
    assert second.spend("ad_insights") == {
        (account_id, day): spend
        for (account_id, day), spend in truth(sandbox).items()
        if day >= str(todays(sandbox)[account_id] - 8 * _DAY)
    }


def test_changed_keys__under_another_name_are_a_report_of_its_own(
    sandbox: Sandbox, run: Callable[..., Output]
) -> None:
    """As advised, the same definition under a new name delivers everything from the start."""
    first = run(REPORT)
    by_age = {**REPORT, "name": "by_age", "breakdowns": ["age"]}
    second = run(by_age, state=first.state, only=("by_age",))

    assert second.code == 0
    assert second.spend("by_age") == truth(sandbox)
    assert second.state["bookmarks"]["report"] == first.state["bookmarks"]["report"]


def test_earlier_start__brings_the_gap_newest_days_first(
    sandbox: Sandbox, run: Callable[..., Output]
) -> None:
    """Only the days before the old start and the lookback are asked; the gap ends at its start."""
    today = sandbox.world.now().date()
    late, early = today - 10 * _DAY, today - DAYS * _DAY
    first = run(REPORT, start_date=str(late))
    before = len(sandbox.calls)
    second = run(REPORT, start_date=str(early), state=first.state)

    assert second.code == 0
    for account_id, own_today in todays(sandbox).items():
        lookback, *gap = days_asked(sandbox, before)[account_id]
        assert lookback == (str(own_today - 8 * _DAY), str(own_today))
        assert gap[0][1] == str(late - _DAY)
        assert gap == sorted(gap, reverse=True)
        assert gap[-1][0] == str(early)
    assert {each["since"] for each in partitions(second)} == {str(early)}
    assert spend_by_account_and_day(merged(first, second).values()) == truth(sandbox)


def test_later_start__reads_no_day_before_it(sandbox: Sandbox, run: Callable[..., Output]) -> None:
    """The lookback ends at the new start; what was delivered stays known as delivered."""
    first = run(REPORT)
    start = sandbox.world.now().date() - 3 * _DAY
    before = len(sandbox.calls)
    second = run(REPORT, start_date=str(start), state=first.state)

    assert second.code == 0
    assert second.complaints == []
    for account_id, today in todays(sandbox).items():
        assert days_asked(sandbox, before)[account_id] == [(str(start), str(today))]
    assert list(partitions(second)) == list(partitions(first))


def test_default_fields__of_another_version_are_no_change(
    sandbox: Sandbox, run: Callable[..., Output]
) -> None:
    """Without `fields` the state holds no list, so a later version's longer one changes nothing."""
    plain = {"name": "report", "level": "campaign"}
    first = run(plain)
    before = len(sandbox.calls)
    second = run(plain, state=first.state, backfill_on_change=True)

    assert {each["report"] for each in partitions(first)} == {"campaign|1||default|"}
    assert second.code == 0
    assert second.complaints == []
    assert max(len(windows) for windows in days_asked(sandbox, before).values()) == 1


def test_deselection__is_no_change(
    sandbox: Sandbox, config: dict[str, Any], run: Callable[..., Output]
) -> None:
    """A column deselected and selected again is neither said nor a reason to read again."""
    catalog = catalog_selecting({**config, "reports": [WIDER]}, "report")
    without = copy.deepcopy(catalog)
    for entry in without["streams"]:
        for item in entry["metadata"]:
            if item["breadcrumb"] == ["properties", "clicks"]:
                item["metadata"]["selected"] = False
    first = run(WIDER, catalog=without)
    before = len(sandbox.calls)
    second = run(WIDER, catalog=catalog, state=first.state, backfill_on_change=True)

    assert [first.code, second.code] == [0, 0]
    assert second.complaints == []
    assert all("clicks" not in record for record in first.tables["report"].values())
    assert all("clicks" in record for record in second.tables["report"].values())
    assert max(len(windows) for windows in days_asked(sandbox, before).values()) == 1


def test_removed_report__keeps_its_state_and_goes_on_when_added_again(
    sandbox: Sandbox, run: Callable[..., Output]
) -> None:
    """While it is gone its bookmarks stay; added again it reads on from there, nothing else."""
    first = run(REPORT)
    without = run(state=first.state, only=("account_insights",))
    before = len(sandbox.calls)
    again = run(REPORT, state=without.state)

    assert [without.code, again.code] == [0, 0]
    assert without.complaints == again.complaints == []
    assert without.state["bookmarks"]["report"] == first.state["bookmarks"]["report"]
    for account_id, today in todays(sandbox).items():
        assert days_asked(sandbox, before)[account_id] == [(str(today - 8 * _DAY), str(today))]
    assert spend_by_account_and_day(merged(first, again).values()) == truth(sandbox)
