"""How a run went: what is counted, said, and whether a person is needed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.settings.model import ReportDefinition, Settings
from tap_meta_partner.sync.events import Outcome
from tap_meta_partner.sync.run import SyncRun
from tests.support.fakes import ACCOUNT_LIMIT, NO_ACCESS, ad_row, fault
from tests.support.sync_night import AD, BOOKMARK, THREE, Night, account, day, plan, result

if TYPE_CHECKING:
    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


@pytest.mark.parametrize(
    ("kinds", "strict", "failed"),
    [
        ([], False, False),
        ([Outcome.DELIVERED], False, False),
        ([Outcome.DELIVERED], True, False),
        ([Outcome.DELIVERED, Outcome.SKIPPED], False, False),
        ([Outcome.DELIVERED, Outcome.LOST], False, False),
        ([Outcome.DELIVERED, Outcome.SKIPPED], True, True),
        ([Outcome.DELIVERED, Outcome.LOST], True, True),
        ([Outcome.DELIVERED, Outcome.FAILED], False, True),
        ([Outcome.DELIVERED, Outcome.UNFINISHED], False, False),
        ([Outcome.UNFINISHED], False, True),
        ([Outcome.UNFINISHED, Outcome.SKIPPED], False, True),
        ([Outcome.UNFINISHED, Outcome.SKIPPED], True, True),
        ([Outcome.INCOMPLETE], False, False),
        ([Outcome.DELIVERED, Outcome.NOT_TRIED], True, False),
        ([Outcome.NOT_TRIED], False, True),
        ([Outcome.SKIPPED], False, True),
        ([Outcome.SKIPPED, Outcome.LOST], False, True),
        ([Outcome.FAILED], False, True),
    ],
)
def test_failed__tells_whether_a_person_is_needed(
    kinds: list[str],
    strict: bool,  # noqa: FBT001  (a case)
    failed: bool,  # noqa: FBT001
) -> None:
    """Lost access alone is no failure, unless the settings say so or nobody was delivered."""
    run = SyncRun(settings=Settings(access_token="T", fail_on_skipped_accounts=strict))
    run.results.of_streams = [result(str(number), kind) for number, kind in enumerate(kinds)]

    assert run.results.failed() is failed


def test_failed__not_where_some_days_reached_somebody() -> None:
    """A first night that was too short for every account is no failure: its windows count."""
    run = SyncRun(settings=Settings(access_token="T"))
    days = DateWindow(day("11-01"), day("11-05"))
    run.results.of_streams = [result("1", Outcome.UNFINISHED, covered=days)]

    assert not run.results.failed()


def test_summary__counts_accounts_and_names_those_with_trouble() -> None:
    """One line of figures, then each account that needs a person, with its worst result."""
    night = Night(
        [account(str(n), name=f"Client {n}") for n in range(1, 4)],
        {"1": [ad_row("2026-11-21", "a1", "1.50"), ad_row("2026-11-22", "a1", "2.50")]},
        hook=lambda call: fault(*NO_ACCESS) if call.account_id == "2" else None,
        settings={"max_concurrency": 1},
    )

    list(night.events(bookmarks={"ad_insights": {"9": BOOKMARK}}))
    figures, *troubles = night.run.results.summary()

    assert figures == (
        "ad accounts: 2 delivered, 1 skipped, 1 lost, 0 failed; their streams: 2 delivered, "
        "1 skipped, 1 lost; 2 rows, 5 calls, 0 throttle errors, 0.0 account-minutes parked, 5 s"
    )
    assert [line.partition(":")[0] for line in troubles] == ["lost", "skipped"]
    assert troubles[0].startswith("lost: 9; ad_insights: no longer among the accounts")
    assert troubles[1].startswith("skipped: 2 (Client 2); ad_insights: no permission")


def test_summary__tells_of_limits_and_unfinished_accounts() -> None:
    """Throttling and unfinished accounts are figures of the first line."""
    limits = iter([fault(*ACCOUNT_LIMIT)])
    night = Night(
        THREE,
        hook=lambda call: next(limits, None) if call.path.startswith("act_") else None,
        settings={"max_concurrency": 1, "max_run_minutes": 0.05},
    )

    list(night.events())

    assert night.run.results.summary()[0] == (
        # The parked account is not waited for: it is unfinished, and so is what comes after 3 s.
        "ad accounts: 1 delivered, 2 unfinished, 0 skipped, 0 failed; "
        "their streams: 1 delivered, 2 unfinished; 0 rows, 3 calls, "
        "1 throttle errors, 1.0 account-minutes parked, 3 s"
    )


def test_summary__tells_accounts_and_streams() -> None:
    """An account that got some of its streams is neither delivered nor failed: both are told."""
    run = SyncRun(settings=Settings(access_token="T"))
    run.results.of_streams = [
        result("1", Outcome.DELIVERED, "account_insights"),
        result("1", Outcome.FAILED, "campaign_insights", reason="first"),
        result("1", Outcome.SKIPPED, "ad_insights"),
        result("1", Outcome.FAILED, "ad_insights", reason="second"),
    ]

    figures, *troubles = run.results.summary()

    assert figures.startswith(
        "ad accounts: 0 delivered, 1 delivered in part, 0 skipped, 0 failed; "
        "their streams: 1 delivered, 1 skipped, 2 failed; "
    )
    assert troubles == [
        "failed: 1; campaign_insights: first",
        "failed: 1; ad_insights: second",
        "skipped: 1; ad_insights: ",
    ]


def test_summary__says_a_cause_once_with_the_accounts_it_met() -> None:
    """One line per cause, however many it met: the first few by name, the others as a number."""
    run = SyncRun(settings=Settings(access_token="T"))
    said = "no permission: (#200) NOT grant to act_{} (code 200, fbtrace_id A{}z). Ask for it."
    run.results.of_streams = [
        result(str(n), Outcome.SKIPPED, stream, code=200, reason=said.format(n, n))
        for n in range(1, 13)
        for stream in ("account_insights", "ad_insights")
    ]

    _, *troubles = run.results.summary()

    (line,) = troubles
    assert line == (
        "skipped: 1, 2, 3, 4, 5 and 7 more ad accounts; account_insights, ad_insights: "
        f"{said.format(1, 1)} (said of 1)"
    )


def test_summary__tells_where_the_levels_do_not_add_up() -> None:
    """The account, the days, both numbers, and that this alone is no failure."""

    def hook(call: Call) -> Reply | None:
        return {"data": []} if call.params.get("level") == "ad" else None

    night = Night(THREE, {"2": [ad_row("2026-11-21", "a1", "12.50")]}, hook)

    list(night.events(plan("account"), AD))

    (line,) = [line for line in night.run.results.summary() if "spend differs" in line]
    assert line.startswith(
        "spend differs: 2 (Two), 2026-11-21 to 2026-11-21: the account spent 12.5, its ads add up "
        "to 0 (12.5 less)"
    )
    assert "take totals from account_insights" in line
    assert not night.run.results.failed()


@pytest.mark.parametrize(("has_rows", "hinted"), [(False, True), (True, False)])
def test_summary__says_what_an_empty_report_may_need(*, has_rows: bool, hinted: bool) -> None:
    """A breakdown that an account has to opt in to, empty although there was delivery."""
    definition = ReportDefinition(
        name="by_device",
        level="account",
        fields=("spend",),
        breakdowns=("impression_device",),
        start_date=day("11-20"),
    )
    by_device = InsightsPlan(
        definition=definition, columns=columns_of(definition), rows_to="by_device"
    )

    def hook(call: Call) -> Reply | None:
        if "breakdowns" not in call.params:
            return None
        row = {"date_start": "2026-11-21", "date_stop": "2026-11-21", "spend": "1"}
        return {"data": [{**row, "impression_device": "iphone"}] if has_rows else []}

    night = Night(THREE, {"2": [ad_row("2026-11-21", "a1", "12.50")]}, hook)

    list(night.events(AD, by_device))

    hints = [
        line for line in night.run.results.summary() if line.startswith("by_device: no row came")
    ]
    assert bool(hints) is hinted


def test_progress__is_logged_with_an_estimate(caplog: pytest.LogCaptureFixture) -> None:
    """During a long night a line says how far it is and how long it may still take."""
    caplog.set_level(logging.INFO)
    night = Night(THREE, latency=lambda _: 60.0, settings={"max_concurrency": 1})

    list(night.events())

    lines = [record.getMessage() for record in caplog.records if "accounts done" in record.message]
    # After the list (60 s) and the first account (60 s): two more at as much each.
    assert (
        "1 of 3 accounts done, 1 under way, 0 waiting, 1 to begin; 0 rows, 3 calls; "
        "0 % of the app's limit used; about 4 min to go" in lines
    )


def test_progress__says_when_parked_accounts_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """With everybody parked, the line says when it goes on."""
    caplog.set_level(logging.INFO)
    limits = iter([fault(*ACCOUNT_LIMIT)])
    night = Night(
        THREE[:1], hook=lambda call: next(limits, None) if call.path.startswith("act_") else None
    )

    list(night.events())

    assert "0 of 1 accounts done, 0 under way, 1 waiting" in caplog.text
    assert "; goes on in 5" in caplog.text
