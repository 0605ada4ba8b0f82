"""What goes wrong, and what it costs: a stream, the account, or the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.graph.errors import TokenRefused
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.sync.events import BookmarkMoved, Outcome
from tap_meta_partner.sync.shared import RefusedStreams
from tests.support.fakes import NO_ACCESS, TOKEN_DEAD, WRONG_FIELD, Drive, Graph, fault
from tests.support.one_account import (
    NEW,
    QUARTER,
    YESTERDAY,
    asked,
    closed,
    day,
    every_day,
    outcomes,
    plan,
    results,
    sync,
)

if TYPE_CHECKING:
    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


def test_unreadable__account_is_asked_once_and_skipped_in_all_streams() -> None:
    """An account without rights costs one call; every stream says why, and keeps its bookmark."""
    plans = [plan(level, "11-01") for level in ("account", "campaign", "ad")]
    drive = sync(lambda _: fault(*NO_ACCESS, "(#200) NOT grant ads_read"), plans)

    assert len(drive.calls) == 1
    assert outcomes(drive) == {
        "account_insights": Outcome.SKIPPED,
        "campaign_insights": Outcome.SKIPPED,
        "ad_insights": Outcome.SKIPPED,
    }
    for result in results(drive).values():
        assert result.code == 200
        assert "(#200) NOT grant ads_read" in result.reason
        assert "share the ad account" in result.reason
        assert (result.covered, result.rows) == (None, 0)
    assert not any(isinstance(event, BookmarkMoved) for event in drive.events)


def test_unreadable__found_out_by_the_activity_call() -> None:
    """The activity call's refusal is the account's: no stream is asked."""
    drive = sync(lambda _: fault(*NO_ACCESS), [plan("campaign", "11-01"), plan("ad", "11-01")])

    assert len(drive.calls) == 1
    assert set(outcomes(drive).values()) == {Outcome.SKIPPED}
    assert {result.account_name for result in results(drive).values()} == {"Client One"}


def test_unreadable__in_the_middle_keeps_what_was_delivered() -> None:
    """Access lost between two streams leaves the first delivered and skips the rest."""
    graph = Graph(
        QUARTER, hook=lambda call: fault(*NO_ACCESS) if call.params["level"] != "account" else None
    )

    drive = sync(graph, [plan(level, "11-01") for level in ("account", "campaign", "ad")])

    assert outcomes(drive) == {
        "account_insights": Outcome.DELIVERED,
        "campaign_insights": Outcome.SKIPPED,
        "ad_insights": Outcome.SKIPPED,
    }
    assert [level for level, _, _ in asked(drive)] == ["account", "campaign"]
    assert results(drive)["ad_insights"].rows == 0


def test_refused__by_two_accounts_ends_that_stream_for_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same refusal twice is a matter of settings: no third account is asked, others go on."""
    truth = {name: every_day("11-01", 5) for name in "123"}
    graph = Graph(
        truth, hook=lambda call: fault(*WRONG_FIELD) if call.params["level"] == "ad" else None
    )
    refused = RefusedStreams()
    plans = [plan("account", "11-01"), plan("ad", "11-01")]

    drives = [
        sync(graph, plans, account=AdAccount(account_id=name), refused=refused) for name in "123"
    ]

    assert [sum(level == "ad" for level, _, _ in asked(drive)) for drive in drives] == [1, 1, 0]
    for drive in drives:
        assert outcomes(drive) == {
            "account_insights": Outcome.DELIVERED,
            "ad_insights": Outcome.FAILED,
        }
    assert "made up" in results(drives[2])["ad_insights"].reason
    assert caplog.text.count("ad_insights is not read any further") == 1


def test_refused__for_different_reasons_closes_nothing() -> None:
    """Two accounts with different errors do not make a wrong setting."""
    truth = {name: every_day("11-01", 5) for name in "123"}
    codes = {"1": (100, None), "2": (3018, None)}
    graph = Graph(
        truth,
        hook=lambda call: fault(*codes[call.account_id]) if call.account_id in codes else None,
    )
    refused = RefusedStreams()

    drives = [
        sync(graph, [plan("ad", "11-01")], account=AdAccount(account_id=name), refused=refused)
        for name in "123"
    ]

    assert [outcomes(drive)["ad_insights"] for drive in drives] == [
        Outcome.FAILED,
        Outcome.FAILED,
        Outcome.DELIVERED,
    ]


def test_refused__in_the_middle_closes_a_stream_under_way() -> None:
    """A stream closed by others stops at its next window."""
    refused = RefusedStreams()

    def hook(_call: Call) -> Reply | None:
        refused.closed["ad_insights"] = "others were refused"
        return None

    drive = sync(Graph(QUARTER, hook=hook), [plan("ad", "08-28")], refused=refused)

    assert len(drive.calls) == 1
    result = results(drive)["ad_insights"]
    assert (result.result, result.reason) == (Outcome.FAILED, "others were refused")
    assert result.covered == DateWindow(day("08-28"), day("09-26"))


@pytest.mark.parametrize("levels", [("ad",), ("campaign", "ad")], ids=["stream", "activity"])
def test_token__that_is_dead_ends_everything(levels: tuple[str, ...]) -> None:
    """No account can be read without a token: the error is nobody's result."""
    drive = Drive(lambda _: fault(*TOKEN_DEAD))

    with pytest.raises(TokenRefused):
        sync(drive.answer, [plan(level, "11-01") for level in levels], drive=drive)

    assert len(drive.calls) == 1
    assert drive.events == []


def test_failing__account_is_named_with_its_code() -> None:
    """Retries that came to their end make the stream failed; the next stream is still asked."""
    graph = Graph(
        QUARTER, hook=lambda call: fault(2) if call.params["level"] == "campaign" else None
    )

    drive = sync(graph, [plan(level, "11-01") for level in ("account", "campaign", "ad")])

    assert outcomes(drive) == {
        "account_insights": Outcome.DELIVERED,
        "campaign_insights": Outcome.FAILED,
        "ad_insights": Outcome.DELIVERED,
    }
    assert results(drive)["campaign_insights"].code == 2
    assert sum(level == "campaign" for level, _, _ in asked(drive)) == 5


def test_surprise__costs_one_stream_of_one_account() -> None:
    """An answer nobody foresaw is a failure of that stream; the other one is delivered."""
    graph = Graph(
        QUARTER, hook=lambda call: {"data": [17]} if call.params["level"] == "campaign" else None
    )

    drive = sync(graph, [plan(level, "11-01") for level in ("account", "campaign", "ad")])

    assert outcomes(drive)["campaign_insights"] == Outcome.FAILED
    assert outcomes(drive)["ad_insights"] == Outcome.DELIVERED
    reason = results(drive)["campaign_insights"].reason
    assert reason.startswith("Meta's answer could not be read")


def test_surprise__while_planning_costs_one_stream() -> None:
    """A stream that cannot even be planned is a failure, not the end of the run."""
    drive = sync(
        Graph(QUARTER),
        [plan("account", "11-01"), plan("ad", "11-01")],
        bookmarks={"account_insights": NEW},
    )

    assert outcomes(drive) == {"account_insights": Outcome.DELIVERED, "ad_insights": Outcome.FAILED}


def test_changed__report_fails_and_the_others_go_on() -> None:
    """Rows under other keys are not mixed into the table: that stream says what to do."""
    before = Bookmark(day=YESTERDAY, since=day("01-01"), report="ad|1|age|default")
    plans = [plan("account", "11-01"), plan("ad", "11-01")]

    drive = sync(Graph(QUARTER), plans, bookmarks={"account_insights": NEW, "ad_insights": before})

    assert outcomes(drive) == {"account_insights": Outcome.DELIVERED, "ad_insights": Outcome.FAILED}
    assert "another name" in results(drive)["ad_insights"].reason
    assert [level for level, _, _ in asked(drive)] == ["account"]


def test_time__that_is_over_leaves_the_rest_unfinished() -> None:
    """When no new window may be begun, what was closed counts and the rest says so."""
    allowed = iter([True, True, False])

    drive = sync(Graph(QUARTER), [plan("ad", "08-28")], may_begin=lambda: next(allowed))

    result = results(drive)["ad_insights"]
    assert result.result == Outcome.UNFINISHED
    assert result.covered == DateWindow(day("08-28"), day("10-26"))
    assert closed(drive, "ad_insights") == [day("09-26"), day("10-26")]


def test_time__that_is_over_at_once_makes_no_call() -> None:
    """An account whose turn comes too late is unfinished in all streams, without a call."""
    drive = sync(
        Graph(QUARTER),
        [plan("campaign", "11-01"), plan("ad", "11-01")],
        may_begin=lambda: False,
    )

    assert drive.calls == []
    assert set(outcomes(drive).values()) == {Outcome.UNFINISHED}
