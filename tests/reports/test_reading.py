"""One window of a report: directly, or as a report run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.graph.errors import TooMuchData
from tap_meta_partner.planning.pace import Pace
from tests.support.fakes import Drive, fault
from tests.support.one_report import DONE, Sink, pages, posts, read, request_for, run_answers

if TYPE_CHECKING:
    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


def test_auto__what_is_too_much_is_asked_as_a_run() -> None:
    """After a direct answer that is too much comes a run, and the next window begins with one."""
    sink = Sink()

    drive, pace = read(run_answers(DONE), sink=sink)

    assert [(call.method, call.path) for call in drive.calls] == [
        ("GET", "act_1/insights"),
        ("POST", "act_1/insights"),
        ("GET", "501"),
        ("GET", "501/insights"),
    ]
    assert drive.calls[1].params == request_for().call().params
    assert sink.values() == [1, 2]
    assert pace == Pace(report_run=True)


def test_auto__what_is_not_ready_yet_is_read_again() -> None:
    """Meta says it of direct answers too, and a moment later gives them."""
    said = iter([fault(100, None, "(#100) Cannot include spend in summary param because …")])

    drive, pace = read(lambda call: next(said, None) or pages([1], [2])(call))

    assert [call.method for call in drive.calls] == ["GET", "GET", "GET"]
    assert pace == Pace()


def test_auto__rows_of_the_direct_way_are_forgotten_when_a_run_takes_over() -> None:
    """Pages read before the direct way broke down are not counted beside the run's."""

    def answer(call: Call) -> Reply:
        if call.path == "act_1/insights" and call.method == "GET" and "after" not in call.params:
            return pages([8], [9])(call)
        return run_answers(DONE)(call)

    sink = Sink()
    read(answer, sink=sink)

    assert sink.values() == [1, 2]


def test_auto__a_window_of_more_than_ten_pages_makes_the_next_one_a_run() -> None:
    """Eleven pages are many: the next window is asked for as a run; ten are not."""
    _, eleven = read(pages(*[[n] for n in range(11)]))
    _, ten = read(pages(*[[n] for n in range(10)]))

    assert eleven == Pace(report_run=True)
    assert ten == Pace()


def test_auto__a_pace_with_runs_asks_for_a_run_at_once() -> None:
    """What was learnt saves the direct call."""
    drive, pace = read(run_answers(DONE), pace=Pace(days=7, report_run=True))

    assert drive.calls[0].method == "POST"
    assert pace == Pace(days=7, report_run=True, easy=1)


def test_sync__never_makes_a_run() -> None:
    """`report_mode: sync` hands too much back to be halved, whatever the pace remembers."""
    drive = Drive(run_answers(DONE))

    with pytest.raises(TooMuchData):
        read(drive.answer, mode="sync", pace=Pace(report_run=True), drive=drive)

    assert posts(drive) == 0


def test_sync__many_pages_do_not_lead_to_runs() -> None:
    """With `report_mode: sync` a long window leaves the pace as it was."""
    _, pace = read(pages(*[[n] for n in range(11)]), mode="sync")

    assert pace == Pace()


def test_async__asks_for_a_run_at_once() -> None:
    """`report_mode: async` never asks directly."""
    drive, _ = read(run_answers(DONE), mode="async")

    assert [call.method for call in drive.calls] == ["POST", "GET", "GET"]
