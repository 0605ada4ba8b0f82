"""One report request, from asking to the last page of rows: directly, or as a report run.

The order in which Meta itself advises to try: a direct GET; when that is too much, the same request
as a report run (POST, poll, read); when that is too much as well, fewer days (the caller's part);
and on a single day each object at its own edge (`by_object.py`). Everything here yields calls and
pauses (see `graph/steps.py`) and never sends or sleeps.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_meta_partner.graph.error_codes import GARBLED
from tap_meta_partner.graph.errors import (
    CursorExpired,
    KeptFailing,
    MetaError,
    Retriable,
    RunNotReady,
    TooMuchData,
)
from tap_meta_partner.graph.steps import Pause, backoff_seconds
from tap_meta_partner.reports.report_runs import read_report_run
from tap_meta_partner.reports.request import MANY_PAGES, pages_of

if TYPE_CHECKING:
    from tap_meta_partner.graph.pages import RowSink
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.planning.pace import Pace
    from tap_meta_partner.reports.request import Reporting, ReportRequest

logger = logging.getLogger(__name__)

_SERVER_ERROR = 500
_UNREADY_TRIES = 4


def read_report(
    request: ReportRequest, sink: RowSink, pace: Pace, reporting: Reporting
) -> Steps[Pace]:
    """Read every row of a report.

    Returns:
        The pace for the next window: what worked here.

    Raises:
        TooMuchData: it must be asked for in smaller windows.
        MetaError: as `steps.ask`.
    """
    # What an earlier night remembered does not overrule the setting.
    if reporting.mode == "sync" or (reporting.mode == "auto" and not pace.report_run):
        try:
            pages = yield from _directly(request, sink, reporting)
        except TooMuchData as error:
            if reporting.mode == "sync":
                raise
            logger.info("%s: asking for a report run, as %s", request, error.rule.what)
        else:
            heavy = pages > MANY_PAGES and reporting.mode == "auto"
            return pace.with_report_run() if heavy else pace.eased()
    # One that stood still before is not waited for twice.
    yield from read_report_run(request, sink, reporting, patient=not pace.stood_still)
    return pace.eased() if pace.report_run else pace.with_report_run()


def _directly(request: ReportRequest, sink: RowSink, reporting: Reporting) -> Steps[int]:
    """Read a report by direct answers; what stays unanswered is taken as too much.

    Meta has a code for a report that is too heavy, and does not always come to send it: the call
    times out, a gateway answers 502 or 504, the place in the pages is lost again and again. Then a
    plain question tells whether it is the report, or the account that is not answered at all.

    Raises:
        TooMuchData: it is too much, or nothing that helps came at every try.
        KeptFailing: nor is the plain question answered: asking for less would not help.
        MetaError: as `steps.ask`.
    """
    tried = 0
    while True:
        try:
            return (yield from pages_of(request.call(), sink, reporting))
        except RunNotReady as error:
            # Seen of direct answers as well ("Cannot include … in summary param"): it passes.
            tried += 1
            if tried == _UNREADY_TRIES:
                raise TooMuchData(error.fault, error.rule) from error
            yield Pause(backoff_seconds(tried, reporting.jitter), error.rule.what)
        except (KeptFailing, TooMuchData) as error:
            if isinstance(error, KeptFailing) and not may_be_heavy(error):
                raise
            if issubclass(error.rule.family, Retriable) and request.node is None:
                yield from _ask_plainly(request, error)
            raise TooMuchData(error.fault, error.rule) from error


def _ask_plainly(request: ReportRequest, error: MetaError) -> Steps[None]:
    """Raise what was met as `KeptFailing` where the account does not answer a plain question."""
    try:
        yield request.plain_call()
    except Retriable:
        raise KeptFailing(error.fault, error.rule) from error
    except MetaError:
        # Refused, or throttled: an answer.
        return


def may_be_heavy(error: KeptFailing) -> bool:
    """Tell whether a smaller request might be answered after this one failed every time.

    Not where an answer came that makes no sense: that has nothing to do with its size.
    """
    if error.rule.what == GARBLED.what:
        return (error.fault.status or 0) >= _SERVER_ERROR
    return issubclass(error.rule.family, (Retriable, CursorExpired))
