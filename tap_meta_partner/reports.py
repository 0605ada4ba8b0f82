"""One report request, from asking to the last page of rows: directly, or as an asynchronous run.

The order in which Meta itself advises to try: a direct GET; when that is too much, the same request
as a report run (POST, poll, read); when that is too much as well, fewer days (the caller's part);
and on a single day each campaign at its own edge. Everything here yields calls and pauses (see
`retries.py`) and never sends or sleeps.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_meta_partner.bookmarks import Pace
from tap_meta_partner.client import Call
from tap_meta_partner.errors import (
    GARBLED,
    RULES,
    AccountUnreadable,
    CursorExpired,
    Fault,
    KeptFailing,
    MetaError,
    RequestRefused,
    RunNotReady,
    Throttled,
    TooMuchData,
    from_envelope,
)
from tap_meta_partner.pages import Collected, read_pages
from tap_meta_partner.retries import Pause, ask, backoff_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from tap_meta_partner.pages import RowSink
    from tap_meta_partner.retries import Jitter, Steps
    from tap_meta_partner.settings import ReportDefinition
    from tap_meta_partner.windows import DateWindow

logger = logging.getLogger(__name__)

#: Rows per page; the smaller ones only after a page has failed.
PAGE_SIZES = (500, 100, 50)
#: A window with more pages than this is asked for as a run the next time.
MANY_PAGES = 10
#: Anything that happens on a day leaves a trace in one of these; conversions come on days without
#: impressions too.
SIGNS_OF_LIFE = ("impressions", "spend", "actions", "action_values", "conversions")
_SUBMISSIONS = 3
#: A run that failed is asked for once more; after that its request is too heavy as it is.
_FAILURES = 2
#: A run that failed by a rate limit is asked for again after this.
_RATE_LIMITED_SECONDS = 60.0
_FIRST_POLL_SECONDS = 0.5
_POLL_GROWTH = 1.5
_LONGEST_POLL_SECONDS = 30.0
#: A run whose status and percentage have stood still this long is given up (stuck runs are known
#: to stay at 0 % or 99 % for ever).
STALLED_SECONDS = 20 * 60.0
_UNREADABLE_TRIES = 6
_NO_SUCH_OBJECT = 33


@dataclass(frozen=True, slots=True)
class RunSlot:
    """Wait for, or give back, the right to have a report run under way."""

    take: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """What we want: a report of one ad account over one window.

    Attributes:
        fields: the `fields` parameter (never names of breakdowns).
        node: whose insights edge is asked, the ad account's where None.
    """

    definition: ReportDefinition
    fields: tuple[str, ...]
    account_id: str
    window: DateWindow
    node: str | None = None

    def call(self, method: str = "GET") -> Call:
        """Return the call; every option is sent, so that Meta's changing defaults do not matter."""
        definition = self.definition
        params: dict[str, Any] = {
            "level": definition.level,
            "fields": ",".join(self.fields),
            "time_range": {"since": str(self.window.since), "until": str(self.window.until)},
            "time_increment": str(definition.time_increment),
        }
        if definition.breakdowns:
            params["breakdowns"] = ",".join(definition.breakdowns)
        if definition.action_breakdowns:
            params["action_breakdowns"] = ",".join(definition.action_breakdowns)
        if definition.action_attribution_windows:
            params["action_attribution_windows"] = list(definition.action_attribution_windows)
        if definition.filtering:
            params["filtering"] = list(definition.filtering)
        node = self.node or f"act_{self.account_id}"
        return Call(
            path=f"{node}/insights", params=params, method=method, account_id=self.account_id
        )

    def __str__(self) -> str:
        return f"{self.definition.name}, account {self.account_id}, {self.window}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """How reports are asked for in this run.

    Attributes:
        mode: `auto`, `sync` or `async`.
        jitter: returns a number from 0 to 1.
        monotonic: seconds that only go forward, for stalled runs.
    """

    mode: str
    jitter: Jitter
    monotonic: Callable[[], float]


def read_report(
    request: ReportRequest, sink: RowSink, pace: Pace, reporting: Reporting
) -> Steps[Pace]:
    """Read every row of a report.

    Returns:
        The pace for the next window: what worked here.

    Raises:
        TooMuchData: it must be asked for in smaller windows.
        MetaError: as `retries.ask`.
    """
    # What an earlier night remembered does not overrule the setting.
    if reporting.mode == "sync" or (reporting.mode == "auto" and not pace.run):
        try:
            pages = yield from _pages(request.call(), sink, reporting)
        except TooMuchData as error:
            if reporting.mode == "sync":
                raise
            logger.info("%s: asking for a report run, as %s", request, error.rule.what)
        else:
            heavy = pages > MANY_PAGES and reporting.mode == "auto"
            return pace.with_run() if heavy else pace.eased()
    yield from _read_run(request, sink, reporting)
    return pace.eased() if pace.run else pace.with_run()


def read_by_campaign(
    request: ReportRequest,
    sink: RowSink,
    reporting: Reporting,
    *,
    signs: Collection[str] = SIGNS_OF_LIFE,
) -> Steps[None]:
    """Read a window that is too much as a whole, and cannot be smaller, campaign by campaign.

    Each at its own edge. The campaigns are those with rows in it; never a `filtering`, which by
    default hides archived and deleted objects. Each campaign's spend is compared with what was read
    of it.

    Args:
        request: the window.
        sink: where its rows go.
        reporting: how to ask.
        signs: those of `SIGNS_OF_LIFE` that Meta does not refuse.
    """
    overview = replace(
        request,
        definition=replace(
            request.definition, level="campaign", breakdowns=(), action_breakdowns=()
        ),
        fields=("campaign_id", *signs),
    )
    campaigns = Collected()
    yield from read_report(overview, campaigns, Pace(), reporting)
    logger.info("%s: reading %d campaigns one by one", request, len(campaigns.rows))
    sink.begin()
    for row in campaigns.rows:
        part = replace(request, node=str(row["campaign_id"]))
        total = _Totalled(sink, str(row["campaign_id"]))
        yield from read_report(part, total, Pace(), reporting)
        if "spend" in request.fields and total.spend != Decimal(str(row.get("spend") or 0)):
            logger.warning(
                "%s: campaign %s spent %s, but its rows add up to %s (objects that were deleted "
                "can be missing from closer levels)",
                request,
                row["campaign_id"],
                row.get("spend"),
                total.spend,
            )


class _Totalled:
    """A sink for one campaign's part of a window: passes pages on and adds their spend up."""

    def __init__(self, sink: RowSink, campaign_id: str) -> None:
        self._sink = sink
        self._campaign_id = campaign_id
        self.spend = Decimal(0)

    def begin(self, part: str = "") -> None:
        self._sink.begin(part or self._campaign_id)
        self.spend = Decimal(0)

    def page(self, rows: list[dict[str, Any]]) -> Iterable[object] | None:
        self.spend += sum((Decimal(str(row.get("spend") or 0)) for row in rows), Decimal(0))
        return self._sink.page(rows)


def _pages(call: Call, sink: RowSink, reporting: Reporting) -> Steps[int]:
    return (yield from read_pages(call, sink, reporting.jitter, sizes=PAGE_SIZES))


# Asynchronous runs.


class _RunLost(Exception):
    """The run will give nothing any more; the same request may, after `wait` seconds."""

    def __init__(self, why: str, *, failed: bool = False, wait: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.failed = failed
        self.wait = wait


def _read_run(request: ReportRequest, sink: RowSink, reporting: Reporting) -> Steps[None]:
    """Create a report run, wait for it and read it; create it again where it came to nothing."""
    yield RunSlot(take=True)
    try:
        yield from _try_runs(request, sink, reporting)
    except Exception:
        # Whatever went wrong (the sink may object to a row): a slot that is kept is missed by all.
        yield RunSlot(take=False)
        raise
    yield RunSlot(take=False)


def _try_runs(request: ReportRequest, sink: RowSink, reporting: Reporting) -> Steps[None]:
    failures = 0
    for submission in range(1, _SUBMISSIONS + 1):
        answer = yield from ask(request.call("POST"), reporting.jitter)
        # A string in practice, a number in some of Meta's examples.
        run_id = str(answer.get("report_run_id") or answer.get("id") or "")
        if not run_id.isdecimal():
            raise KeptFailing(Fault(message="a report run without an id"), GARBLED)
        try:
            yield from _await_run(run_id, request, reporting)
            yield from _read_result(run_id, request, sink, reporting)
        except _RunLost as lost:
            logger.info("%s: report run %s: %s", request, run_id, lost.why)
            failures += lost.failed
            if failures == _FAILURES or submission == _SUBMISSIONS:
                raise TooMuchData(
                    Fault(message=f"report runs: {lost.why}"), _RUN_TOO_MUCH
                ) from None
            yield Pause(lost.wait, lost.why)
        else:
            return


_RUN_TOO_MUCH = RULES[-3, 1504045]


def _await_run(run_id: str, request: ReportRequest, reporting: Reporting) -> Steps[None]:
    """Poll until "Job Completed"; 100 % alone is not the end, it can still be running."""
    interval = _FIRST_POLL_SECONDS
    call = Call(
        path=run_id,
        params={
            "fields": "id,async_status,async_percent_completion,error_code,error_subcode,"
            "error_message"
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
                raise _RunLost("Meta does not know it")
            continue
        status = run.get("async_status")
        if _is_complete(run):
            return
        if (status, run.get("async_percent_completion")) != progress:
            progress = (status, run.get("async_percent_completion"))
            moved_at = reporting.monotonic()
        elif reporting.monotonic() - moved_at > STALLED_SECONDS:
            raise _RunLost(f"it stands still at {progress[1]} %")


def _poll(call: Call, jitter: Jitter) -> Steps[dict[str, Any] | None]:
    """Look at a run once; None where Meta does not know it, or not yet."""
    try:
        return (yield from ask(call, jitter))
    except TooMuchData as error:
        # A poll is no heavy request: whatever Meta means, the run is not to be had.
        raise _RunLost(f"it cannot be polled ({error.fault})") from error
    except (AccountUnreadable, RunNotReady) as error:
        # On a run just created that is a race inside Meta, not a lost account.
        if not _is_about_the_run(error):
            raise
        return None


def _is_about_the_run(error: MetaError) -> bool:
    """Tell whether an error of a run's call is about that run, not about rights (10, 200 …).

    100/33, no such object, is said of accounts as well as of runs.
    """
    return isinstance(error, RunNotReady) or error.fault.subcode == _NO_SUCH_OBJECT


def _is_complete(run: Mapping[str, Any]) -> bool:
    """Tell whether a run can be read; raise where it never will."""
    status = run.get("async_status")
    if status == "Job Skipped":
        raise _RunLost("it expired before it was run")
    if status == "Job Failed":
        raise _failure(run)
    return status == "Job Completed"


def _failure(run: Mapping[str, Any]) -> Exception:
    """Say what a failed run means: too large, wrong, or worth another try."""
    envelope = {
        "code": run.get("error_code"),
        "error_subcode": run.get("error_subcode"),
        "message": run.get("error_message"),
    }
    error = from_envelope(envelope, status=None)
    if isinstance(error, (TooMuchData, RequestRefused)):
        return error
    wait = _RATE_LIMITED_SECONDS if isinstance(error, Throttled) else 0.0
    return _RunLost(f"it failed ({error.fault})", failed=not wait, wait=wait)


def _read_result(
    run_id: str, request: ReportRequest, sink: RowSink, reporting: Reporting
) -> Steps[None]:
    call = Call(path=f"{run_id}/insights", account_id=request.account_id)
    for tried in range(1, _UNREADABLE_TRIES + 1):
        try:
            yield from _pages(call, sink, reporting)
        except RunNotReady as error:
            # "Loading Async Ads Report Failed" can follow "Job Completed": read again.
            yield Pause(backoff_seconds(tried + 1, reporting.jitter), error.rule.what)
        except AccountUnreadable as error:
            if not _is_about_the_run(error):
                raise
            raise _RunLost("its result has expired") from None
        except KeptFailing as error:
            if error.rule.family is not CursorExpired:
                raise
            raise _RunLost("its result cannot be read to its end") from None
        else:
            return
    raise _RunLost("it is complete but cannot be read")
