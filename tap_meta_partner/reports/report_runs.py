"""A report run at Meta: submit it, wait for it, read it."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.error_codes import RULES, from_envelope
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    CursorExpired,
    Fault,
    KeptFailing,
    RequestRefused,
    Retriable,
    Rule,
    RunNotReady,
    Throttled,
    ThrottledTooLong,
    TooMuchData,
)
from tap_meta_partner.graph.steps import (
    Pause,
    ReportRunSlot,
    ask,
    ask_for_sense,
    backoff_seconds,
)
from tap_meta_partner.graph.values import id_of, maybe
from tap_meta_partner.lanes.governor import GIVE_UP_SECONDS, PARK_SECONDS
from tap_meta_partner.reports.request import pages_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.graph.errors import MetaError
    from tap_meta_partner.graph.pages import RowSink
    from tap_meta_partner.graph.steps import Jitter, Steps
    from tap_meta_partner.reports.request import Reporting, ReportRequest

logger = logging.getLogger(__name__)

_SUBMISSIONS = 3


#: A run that failed is asked for once more; after that its request is too heavy as it is.
_FAILURES = 2


_FIRST_POLL_SECONDS = 0.5


_POLL_GROWTH = 1.5


_LONGEST_POLL_SECONDS = 30.0


#: A run whose status and percentage have stood still this long is given up (stuck runs are known
#: to stay at 0 % or 99 % for ever).
STALLED_SECONDS = 20 * 60.0


_UNREADABLE_TRIES = 6

#: A run that stands still: submitted again once, and then a smaller one is tried.
STANDS_STILL = Rule(
    family=TooMuchData,
    what="a report run at Meta comes to no end",
    advice="The tap asks for less at a time; no run of this size is tried again for four weeks.",
)


class _ReportRunLost(Exception):
    """The run will give nothing any more; the same request may."""

    def __init__(self, why: str, *, failed: bool = False, rule: Rule | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.failed = failed
        self.rule = rule or _REPORT_RUN_TOO_MUCH


def read_report_run(
    request: ReportRequest, sink: RowSink, reporting: Reporting, *, patient: bool = True
) -> Steps[None]:
    """Create a report run, wait for it and read it; create it again if it failed.

    Args:
        request: the window.
        sink: where its rows go.
        reporting: how to ask.
        patient: create it a second time where the first one stood still.

    Raises:
        TooMuchData: it is too large, or never comes to its end (then the rule is `STANDS_STILL`).
        MetaError: as `steps.ask`.
    """
    yield ReportRunSlot(take=True)
    try:
        yield from _try_report_runs(request, sink, reporting, patient=patient)
    except Exception:
        # Whatever went wrong (the sink may object to a row): a slot that is kept is missed by all.
        yield ReportRunSlot(take=False)
        raise
    yield ReportRunSlot(take=False)


def _try_report_runs(
    request: ReportRequest, sink: RowSink, reporting: Reporting, *, patient: bool
) -> Steps[None]:
    submissions = failures = 0
    limited = _Limited(reporting)
    while True:
        answer = yield from ask_for_sense(
            request.call("POST"),
            partial(ask, jitter=reporting.jitter),
            lambda answer: None if _id_of(answer) else "a report run without an id",
            reporting.jitter,
        )
        run_id = _id_of(answer)
        try:
            yield from _await_report_run(run_id, request, reporting)
            yield from _read_result(run_id, request, sink, reporting)
        except Throttled as error:
            logger.info("%s: report run %s: it failed (%s)", request, run_id, error.fault)
            yield from limited.wait(error)
        except _ReportRunLost as lost:
            logger.info("%s: report run %s: %s", request, run_id, lost.why)
            submissions += 1
            failures += lost.failed
            in_vain = lost.rule is STANDS_STILL and not patient
            if failures == _FAILURES or submissions == _SUBMISSIONS or in_vain:
                raise TooMuchData(Fault(message=f"report runs: {lost.why}"), lost.rule) from None
        else:
            return


class _Limited:
    """Waits between report runs that fail for a rate limit, which is no reason to ask for less."""

    def __init__(self, reporting: Reporting) -> None:
        self._monotonic = reporting.monotonic
        self._since: float | None = None
        self._times = 0

    def wait(self, error: Throttled) -> Steps[None]:
        """Wait longer and longer, as for a call that is refused, and hold no slot meanwhile.

        Raises:
            ThrottledTooLong: it has been so for hours.
        """
        now = self._monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since > GIVE_UP_SECONDS:
            raise ThrottledTooLong(error.fault, error.rule)
        wait = PARK_SECONDS[min(self._times, len(PARK_SECONDS) - 1)]
        self._times += 1
        yield ReportRunSlot(take=False)
        yield Pause(max(wait, error.rule.least_seconds), error.rule.what)
        yield ReportRunSlot(take=True)


def _id_of(answer: Mapping[str, Any]) -> str:
    """Return the id of the run just created; empty where there is none."""
    return maybe(id_of, answer.get("report_run_id") or answer.get("id")) or ""


_REPORT_RUN_TOO_MUCH = RULES[-3, 1504045]


def _await_report_run(run_id: str, request: ReportRequest, reporting: Reporting) -> Steps[None]:
    """Poll until "Job Completed"; 100 % alone is not the end, it can still be running."""
    interval = _FIRST_POLL_SECONDS
    call = Call(
        path=run_id,
        params={
            "fields": "id,async_status,async_percent_completion,error_code,error_subcode,"
            "error_message,error_user_title,error_user_msg"
        },
        account_id=request.account_id,
    )
    progress: tuple[object, object] = (None, None)
    moved_at = reporting.monotonic()
    unknown = 0
    while True:
        yield Pause(interval, "a report run")
        interval = min(interval * _POLL_GROWTH, _LONGEST_POLL_SECONDS)
        run = yield from _poll(call, reporting.jitter)
        if run is None:
            unknown += 1
            if unknown > _UNREADABLE_TRIES:
                raise _ReportRunLost("Meta does not know it")
            continue
        status = run.get("async_status")
        if _is_complete(run):
            return
        if (status, run.get("async_percent_completion")) != progress:
            progress = (status, run.get("async_percent_completion"))
            moved_at = reporting.monotonic()
        elif reporting.monotonic() - moved_at > STALLED_SECONDS:
            raise _ReportRunLost(
                f"it stands still at {progress[1]} %", failed=True, rule=STANDS_STILL
            )


def _poll(call: Call, jitter: Jitter) -> Steps[dict[str, Any] | None]:
    """Look at a run once; None where Meta does not know it, or not yet."""
    try:
        return (yield from ask_for_sense(call, partial(ask, jitter=jitter), _lack, jitter))
    except TooMuchData as error:
        # A poll is no heavy request: whatever Meta means, the run is not to be had.
        raise _ReportRunLost(f"it cannot be polled ({error.fault})") from error
    except (AccountUnreadable, RunNotReady) as error:
        # On a run just created that is a race inside Meta, not a lost account.
        if not _is_about_the_report_run(error):
            raise
        return None


def _lack(answer: Mapping[str, Any]) -> str | None:
    """Say what a poll's answer lacks; unchecked, it would look like a run that stands still."""
    return None if isinstance(answer.get("async_status"), str) else "a report run without a status"


def _is_about_the_report_run(error: MetaError) -> bool:
    """Tell whether an error of a run's call is about that run, not about rights (10, 200 …).

    100/33 and 803, no such object, are said of accounts as well as of runs.
    """
    return isinstance(error, RunNotReady) or error.rule.about_object


def _is_complete(run: Mapping[str, Any]) -> bool:
    """Tell whether a run can be read; raise where it never will."""
    status = run.get("async_status")
    if status == "Job Skipped":
        raise _ReportRunLost("it expired before it was run")
    if status == "Job Failed":
        raise _failure(run)
    return status == "Job Completed"


def _failure(run: Mapping[str, Any]) -> Exception:
    """Say what a failed run means: too large, wrong, or worth another try."""
    envelope = {
        "code": run.get("error_code"),
        "error_subcode": run.get("error_subcode"),
        "message": run.get("error_message"),
        "error_user_title": run.get("error_user_title"),
        "error_user_msg": run.get("error_user_msg"),
    }
    error = from_envelope(envelope, status=None)
    if isinstance(error, (TooMuchData, RequestRefused, Throttled)):
        return error
    return _ReportRunLost(f"it failed ({error.fault})", failed=True)


def _read_result(
    run_id: str, request: ReportRequest, sink: RowSink, reporting: Reporting
) -> Steps[None]:
    call = Call(path=f"{run_id}/insights", account_id=request.account_id)
    for tried in range(1, _UNREADABLE_TRIES + 1):
        try:
            yield from pages_of(call, sink, reporting)
        except RunNotReady as error:
            # "Loading Async Ads Report Failed" can follow "Job Completed": read again.
            yield Pause(backoff_seconds(tried + 1, reporting.jitter), error.rule.what)
        except AccountUnreadable as error:
            if not _is_about_the_report_run(error):
                raise
            raise _ReportRunLost("its result has expired") from None
        except KeptFailing as error:
            if not issubclass(error.rule.family, (Retriable, CursorExpired)):
                raise
            raise _ReportRunLost("its result cannot be read to its end", failed=True) from None
        else:
            return
    raise _ReportRunLost("it is complete but cannot be read")
