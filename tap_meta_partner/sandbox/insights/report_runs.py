"""Asynchronous report runs: submitted, polled through their states, then read."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.protocol.errors import (
    account_throttled,
    report_not_ready,
    unknown_object,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_meta_partner.sandbox.insights.query import InsightsQuery
    from tap_meta_partner.sandbox.protocol.faults import Fault

COMPLETED = "Job Completed"
# The states a run goes through. 100 % is not yet done: the run is "Running" at 100 % for a while.
_COURSE = (
    ("Job Not Started", 0),
    ("Job Started", 0),
    ("Job Running", 40),
    ("Job Running", 100),
    (COMPLETED, 100),
)
_LAST = len(_COURSE) - 1
# What becomes of a run instead, from which step on.
_STRAYS = {
    "stuck_0": (2, ("Job Running", 0)),
    "stuck_99": (3, ("Job Running", 99)),
    "100_but_running": (3, ("Job Running", 100)),
    "skipped": (2, ("Job Skipped", 0)),
    "failed": (_LAST, ("Job Failed", 40)),
}
_EXPIRES_AT = 2
_TOO_LARGE = (-3, 1504045, "The report is too large to be created.")
_FAILED = (-2, 2490547, "The report could not be created.")


@dataclass(slots=True)
class ReportRun:
    """One run; `revision` is the state of the numbers when it was submitted.

    `error` is (code, subcode, message) of a run that is going to fail, `bad_reads` how often a
    completed run still refuses to be read.
    """

    id: str
    query: InsightsQuery
    params: dict[str, str]
    revision: int
    submitted: float
    time_ref: int
    fate: str | None
    error: tuple[int, int | None, str]
    bad_reads: int
    polls: int = 0
    deleted: bool = False


class ReportRuns:
    """All runs of a sandbox.

    With `job_seconds` 0 a run moves one state per poll, else it takes that many seconds.
    """

    def __init__(
        self,
        *,
        job_seconds: float,
        max_per_account: int | None,
        monotonic: Callable[[], float],
        unix_now: Callable[[], float],
    ) -> None:
        self._job_seconds = job_seconds
        self._max_per_account = max_per_account
        self._monotonic = monotonic
        self._unix_now = unix_now
        self._runs: dict[str, ReportRun] = {}
        self._lock = Lock()

    def get(self, run_id: str) -> ReportRun | None:
        """Return the run with that id, a deleted one too."""
        return self._runs.get(run_id)

    def submit(
        self,
        query: InsightsQuery,
        params: Mapping[str, str],
        *,
        revision: int,
        too_large: bool,
        fault: Fault | None,
    ) -> ReportRun:
        """Start a run whose end is decided already."""
        fate = fault.fate if fault is not None else None
        error: tuple[int, int | None, str] = _FAILED
        if too_large and fate is None:
            fate, error = "failed", _TOO_LARGE
        elif fault is not None and fault.code is not None:
            error = (fault.code, fault.subcode, fault.message)
        with self._lock:
            if self._max_per_account is not None:
                self._check_room(query.node.account.id)
            run = ReportRun(
                id=str(6_023_920_149_050 + 7 * len(self._runs)),
                query=query,
                params=dict(params),
                revision=revision,
                submitted=self._monotonic(),
                time_ref=int(self._unix_now()),
                fate=fate,
                error=error,
                bad_reads=fault.reads if fault is not None and fate == "unreadable" else 0,
            )
            self._runs[run.id] = run
        return run

    def poll(self, run: ReportRun) -> dict[str, object]:
        """Return the AdReportRun object; without a clock, looking at it is what moves a run."""
        with self._lock:
            run.polls += 1
        return self._object(run)

    def check_readable(self, run: ReportRun) -> None:
        """Raise a refusal while the rows of the run cannot be read."""
        status, _ = self._state(run)
        with self._lock:
            if status == COMPLETED and run.bad_reads:
                run.bad_reads -= 1
                raise report_not_ready()
        if status != COMPLETED:
            raise report_not_ready()

    def delete(self, run: ReportRun) -> None:
        """Forget the run."""
        run.deleted = True

    def _check_room(self, account_id: str) -> None:
        running = sum(
            run.query.node.account.id == account_id and self._step(run) < _LAST and not run.deleted
            for run in self._runs.values()
        )
        if self._max_per_account is not None and running >= self._max_per_account:
            raise account_throttled()

    def _step(self, run: ReportRun) -> int:
        if not self._job_seconds:
            return min(max(run.polls - 1, 0), _LAST)
        elapsed = self._monotonic() - run.submitted
        return min(int(elapsed / self._job_seconds * _LAST), _LAST)

    def _state(self, run: ReportRun) -> tuple[str, int]:
        step = self._step(run)
        if run.deleted or (run.fate == "expired" and step >= _EXPIRES_AT):
            raise unknown_object(run.id)
        stray = _STRAYS.get(run.fate or "")
        if stray is not None and step >= stray[0]:
            return stray[1]
        return _COURSE[step]

    def _object(self, run: ReportRun) -> dict[str, object]:
        status, percent = self._state(run)
        query = run.query
        body: dict[str, object] = {
            "id": run.id,
            "account_id": query.node.account.id,
            "time_ref": run.time_ref,
            "async_status": status,
            "async_percent_completion": percent,
            "is_running": status == "Job Running",
            "date_start": query.span.since.isoformat(),
            "date_stop": query.span.until.isoformat(),
        }
        if status == COMPLETED:
            body["time_completed"] = int(self._unix_now())
        if status == "Job Failed":
            # Since v25 a failed run says why without being asked.
            code, subcode, message = run.error
            body |= {"error_code": code, "error_message": message}
            body |= {} if subcode is None else {"error_subcode": subcode}
            body |= {"error_user_title": "Report failed", "error_user_msg": message}
        return body
