"""What the calls of one account show, and what they may cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.graph.error_codes import no_answer
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.sync.events import Outcome
from tap_meta_partner.sync.witness import MOST_TIMEOUTS, MOST_UNANSWERED_SECONDS
from tests.support.fakes import Drive, Graph, fault
from tests.support.one_account import QUARTER, outcomes, plan, results, sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply

TIME_OUT = 300.0
IN_VAIN = "an hour, or thirty time-outs, were spent on this ad account in vain"


def silent_but_for(
    drives: list[Drive], spared: Callable[[Call], bool], seconds: float = TIME_OUT
) -> Callable[[Call], Reply]:
    """Answer some calls only; the others wait for their whole time-out."""
    graph = Graph(QUARTER)

    def answer(call: Call) -> Reply:
        if spared(call):
            return graph(call)
        drives[0].clock.now += seconds
        return no_answer("the answer took too long")

    return answer


def is_plain(call: Call) -> bool:
    return call.params.get("fields") == "impressions"


def brings_no_rows(call: Call) -> bool:
    return is_plain(call) or call.method == "POST" or not call.path.endswith("/insights")


@pytest.mark.parametrize("mode", ["auto", "sync", "async"])
def test_unanswered__calls_of_an_account_take_an_hour_of_a_run(mode: str) -> None:
    """No rows come, though report runs are made and a plain question is answered."""
    drives: list[Drive] = []
    drives.append(Drive(silent_but_for(drives, brings_no_rows)))
    began = drives[0].clock.now

    levels = [plan(level, "08-28") for level in ("account", "campaign", "ad")]
    drive = sync(drives[0].answer, levels, mode=mode, drive=drives[0])

    assert set(outcomes(drive).values()) == {Outcome.FAILED}
    assert any(result.reason.startswith(IN_VAIN) for result in results(drive).values())
    # The first stream uses the hour up, the others have one call each.
    assert drive.clock.now - began < MOST_UNANSWERED_SECONDS + 4 * TIME_OUT + 120.0


@pytest.mark.parametrize("mode", ["auto", "sync", "async"])
def test_unanswered__short_time_outs_are_counted(mode: str) -> None:
    """With a `request_timeout` of ten seconds an hour would be 360 calls."""
    drives: list[Drive] = []
    drives.append(Drive(silent_but_for(drives, brings_no_rows, 10.0)))
    levels = [plan(level, "08-28") for level in ("account", "campaign", "ad")]

    drive = sync(drives[0].answer, levels, mode=mode, drive=drives[0], request_timeout=10.0)

    assert set(outcomes(drive).values()) == {Outcome.FAILED}
    unanswered = [call for call in drive.calls if not brings_no_rows(call)]
    assert len(unanswered) <= MOST_TIMEOUTS + 4


def test_unanswered__a_quick_error_behind_a_long_wait_is_no_time_out() -> None:
    """A limit makes calls wait for their turn; Meta's error comes at once, and passes."""
    graph = Graph(QUARTER)
    drives: list[Drive] = []
    tried: list[Call] = []

    def answer(call: Call) -> Reply:
        if is_plain(call):
            return graph(call)
        tried.append(call)
        drives[0].clock.now += 60.0
        return fault(2) if len(tried) % 5 else graph(call)

    drives.append(Drive(answer))
    ads = plan("ad", "08-28")
    day_by_day = {ads.name: Bookmark(pace=Pace(days=1))}
    drive = sync(
        answer, [ads], bookmarks=day_by_day, drive=drives[0], mode="sync", request_timeout=10.0
    )

    # Four tries in five met an error.
    assert len(tried) > 1.25 * MOST_TIMEOUTS
    assert outcomes(drive) == {ads.name: Outcome.DELIVERED}


def test_impatience__ends_with_the_first_answer() -> None:
    """After a stream in vain the next has half the tries, until the account answers again."""
    graph = Graph(QUARTER)

    def answer(call: Call) -> Reply:
        return graph(call) if call.params.get("level") == "ad" else fault(2)

    drive = sync(answer, [plan(level, "11-20") for level in ("account", "campaign", "ad")])

    assert list(outcomes(drive).values()) == [Outcome.FAILED, Outcome.FAILED, Outcome.DELIVERED]
    asked = [call.params.get("level") for call in drive.calls if not is_plain(call)]
    assert (asked.count("account"), asked.count("campaign")) == (5, 2)
