"""A report run at Meta: submitted, waited for, read, and lost."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    RequestRefused,
    ThrottledTooLong,
    TooMuchData,
)
from tap_meta_partner.reports.report_runs import STALLED_SECONDS
from tests.support.fakes import (
    CURSOR_LOST,
    NO_ACCESS,
    NOT_READY,
    NOT_THERE,
    RUN_TOO_LARGE,
    WRONG_FIELD,
    Drive,
    fault,
)
from tests.support.one_report import DONE, Sink, job, pages, posts, read, run_answers

if TYPE_CHECKING:
    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


@pytest.mark.parametrize(
    "created",
    [{"report_run_id": "501"}, {"report_run_id": 501}, {"id": "501"}],
    ids=["string", "number", "plain id"],
)
def test_run__its_id_may_be_text_or_a_number(created: dict[str, Any]) -> None:
    """Meta writes run ids both ways."""
    inner = run_answers(DONE)
    drive = Drive(lambda call: created if call.method == "POST" else inner(call))
    read(drive.answer, mode="async", drive=drive)

    assert [call.path for call in drive.calls[1:]] == ["501", "501/insights"]


@pytest.mark.parametrize("created", [{}, {"report_run_id": "../me"}, {"report_run_id": None}])
def test_run__without_a_usable_id_fails(created: dict[str, Any]) -> None:
    """An answer that names no run is asked for five times; nothing of it becomes a path."""
    drive = Drive(lambda _: created)

    with pytest.raises(KeptFailing, match="a report run without an id"):
        read(drive.answer, mode="async", drive=drive)

    assert [(call.method, call.path) for call in drive.calls] == [("POST", "act_1/insights")] * 5
    assert drive.runs_held == 0


def test_run__a_hundred_percent_is_not_done_while_running() -> None:
    """Only "Job Completed" ends the wait."""
    drive, _ = read(run_answers(job("Job Running", 100), job("Job Running", 100), DONE))

    assert [call.path for call in drive.calls[2:]] == ["501", "501", "501", "501/insights"]


def test_run__poll_intervals_grow_to_half_a_minute() -> None:
    """The first look comes within a second; later ones are ever further apart, up to 30 s."""
    running = [job("Job Running", percent) for percent in range(14)]
    drive, _ = read(run_answers(*running, DONE))

    assert drive.pauses[0] <= 1.0
    assert drive.pauses == sorted(drive.pauses)
    assert all(later / earlier <= 2 for earlier, later in pairwise(drive.pauses))
    assert drive.pauses[-2:] == [30.0, 30.0]


def test_run__skipped_is_submitted_again() -> None:
    """A run that Meta skipped is asked for anew, and the new one is polled."""
    drive, _ = read(run_answers(job("Job Skipped"), DONE))

    assert posts(drive) == 2
    assert drive.calls[-1].path == "502/insights"


def test_run__failed_is_submitted_again_and_at_last_too_much() -> None:
    """A run that fails without a reason is asked for once more; then less must be asked."""
    drive = Drive(run_answers(job("Job Failed", error_code=2, error_message="try later")))

    with pytest.raises(TooMuchData, match="report runs: it failed"):
        read(drive.answer, drive=drive)

    assert posts(drive) == 2
    assert (drive.runs_held, drive.most_runs_held) == (0, 1)


def test_run__failed_once_may_succeed() -> None:
    """A failed run without error fields is worth another try."""
    sink = Sink()

    drive, _ = read(run_answers(job("Job Failed"), DONE), sink=sink)

    assert posts(drive) == 2
    assert sink.values() == [1, 2]


def test_run__failed_as_too_large_is_too_much_at_once() -> None:
    """-3/1504045 says the report is too large: the same request is not tried again."""
    code, subcode = RUN_TOO_LARGE
    drive = Drive(run_answers(job("Job Failed", error_code=code, error_subcode=subcode)))

    with pytest.raises(TooMuchData):
        read(drive.answer, drive=drive)

    assert posts(drive) == 1
    assert drive.runs_held == 0


def test_run__failed_as_a_wrong_request_is_refused_at_once() -> None:
    """A run that failed over a wrong field is the user's to change, not ours to repeat."""
    drive = Drive(run_answers(job("Job Failed", error_code=WRONG_FIELD[0])))

    with pytest.raises(RequestRefused):
        read(drive.answer, drive=drive)

    assert posts(drive) == 1


def test_run__one_that_stands_still_is_submitted_again() -> None:
    """Twenty minutes without any progress give a run up; a moving one is left alone longer."""
    moving = [job("Job Running", percent) for percent in range(60)]
    drive = Drive(run_answers(*moving, *[job("Job Running", 99)] * 42, DONE))

    read(drive.answer, drive=drive)

    first_run = [call for call in drive.calls if call.path == "501"]
    assert sum(drive.pauses[:60]) > STALLED_SECONDS
    assert posts(drive) == 2
    # At 30 s apart, 41 looks after the last progress are more than 20 minutes.
    assert len(first_run) == 60 + 42


@pytest.mark.parametrize("trouble", [NOT_THERE, NOT_READY], ids=["unknown", "not ready"])
def test_run__unknown_just_after_creation_is_a_race(trouble: tuple[int, int | None]) -> None:
    """100/33 or 2601 on a fresh run is looked at again, and the account is not given up."""
    drive, _ = read(run_answers(fault(*trouble), fault(*trouble), DONE))

    assert posts(drive) == 1
    assert drive.calls[-1].path == "501/insights"


@pytest.mark.parametrize("code", [10, 200], ids=str)
def test_run__a_right_that_is_missing_is_no_race(code: int) -> None:
    """A refused right gives the account up at the first poll or reading, and is not asked again."""
    polled, read_back = (
        Drive(run_answers(fault(code))),
        Drive(run_answers(DONE, result=lambda _: fault(code))),
    )

    for drive in (polled, read_back):
        with pytest.raises(AccountUnreadable):
            read(drive.answer, mode="async", drive=drive)

    assert [call.path for call in polled.calls] == ["act_1/insights", "501"]
    assert [call.path for call in read_back.calls] == ["act_1/insights", "501", "501/insights"]


def test_run__unknown_for_good_is_submitted_again() -> None:
    """A run that Meta has not heard of after seven looks is asked for anew."""
    drive, _ = read(run_answers(*[fault(*NOT_THERE)] * 7, DONE))

    assert posts(drive) == 2
    assert sum(call.path == "501" for call in drive.calls) == 7


def test_run__an_account_that_is_lost_shows_when_the_run_is_created() -> None:
    """A refusal to create the run is about the account and is passed on."""
    drive = Drive(lambda _: fault(*NO_ACCESS))

    with pytest.raises(AccountUnreadable):
        read(drive.answer, mode="async", drive=drive)

    assert drive.runs_held == 0


def test_run__complete_but_unreadable_is_read_again() -> None:
    """2601/1815107 after "Job Completed" is waited out on the same run."""
    results = iter([fault(*NOT_READY), fault(*NOT_READY)])
    sink = Sink()

    drive, _ = read(
        run_answers(DONE, result=lambda call: next(results, None) or pages([1, 2])(call)), sink=sink
    )

    assert posts(drive) == 1
    assert [call.path for call in drive.calls[-3:]] == ["501/insights"] * 3
    assert drive.pauses[-2:] == [2.0, 4.0]
    assert sink.values() == [1, 2]


def test_run__unreadable_for_good_is_submitted_again() -> None:
    """After six readings in vain a new run is created."""

    def result(call: Call) -> Reply:
        return fault(*NOT_READY) if call.path.startswith("501") else pages([1])(call)

    drive, _ = read(run_answers(DONE, result=result))

    assert posts(drive) == 2
    assert sum(call.path == "501/insights" for call in drive.calls) == 6


@pytest.mark.parametrize("trouble", [NOT_THERE, CURSOR_LOST], ids=["expired", "cursor lost"])
def test_run__a_result_that_is_gone_is_submitted_again(trouble: tuple[int, int | None]) -> None:
    """A result that cannot be read to its end is made anew, not the account given up."""

    def result(call: Call) -> Reply:
        if call.path.startswith("501") and "after" in call.params:
            return fault(*trouble)
        return pages([1], [2])(call)

    sink = Sink()
    drive, _ = read(run_answers(DONE, result=result), sink=sink)

    assert posts(drive) == 2
    assert sink.values() == [1, 2]


def test_run__its_slot_is_taken_once_and_given_back() -> None:
    """However often it is submitted, a request holds one slot, and none at its end."""
    drive, _ = read(run_answers(job("Job Skipped"), DONE))

    assert (drive.runs_held, drive.most_runs_held) == (0, 1)


def test_run__its_slot_is_given_back_when_the_sink_objects() -> None:
    """An error that is not Meta's does not keep the slot either."""

    class Objecting(Sink):
        def page(self, rows: list[dict[str, Any]]) -> object:
            raise ValueError(f"{len(rows)} rows too many")

    drive = Drive(run_answers(DONE))
    with pytest.raises(ValueError, match="2 rows too many"):
        read(drive.answer, sink=Objecting(), drive=drive)

    assert (drive.runs_held, drive.most_runs_held) == (0, 1)


def test_run__failed_by_a_rate_limit_waits_a_minute_and_is_no_reason_to_ask_for_less() -> None:
    """A run that failed by a throttle code is asked for again after a minute, whole."""
    sink = Sink()

    drive, _ = read(run_answers(job("Job Failed", error_code=80000), DONE), sink=sink)

    assert posts(drive) == 2
    assert 60.0 in drive.pauses
    assert sink.values() == [1, 2]


def test_run__failed_by_a_rate_limit_for_hours_is_no_report_too_large() -> None:
    """80000 for three hours leaves the account for this run; waits grow, and no slot is held."""
    drive = Drive(run_answers(*[job("Job Failed", error_code=80000)] * 100))

    with pytest.raises(ThrottledTooLong):
        read(drive.answer, drive=drive)

    waits = [pause for pause in drive.pauses if pause >= 60.0]
    assert waits[:5] == [60.0, 120.0, 240.0, 300.0, 300.0]
    assert 3 * 3600 < sum(drive.pauses) < 3.2 * 3600
    assert posts(drive) == len(waits) + 1 < 40
    assert (drive.runs_held, drive.most_runs_held) == (0, 1)


def test_run__failed_by_a_rate_limit_is_not_one_of_its_tries() -> None:
    """Five rate limits, then a run that is skipped twice, then one that is read: not too much."""
    sink = Sink()
    limited = [job("Job Failed", error_code=80000)] * 5

    drive, _ = read(run_answers(*limited, *[job("Job Skipped")] * 2, DONE), sink=sink)

    assert posts(drive) == 8
    assert sink.values() == [1, 2]
