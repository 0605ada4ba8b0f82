"""One window of one stream: read without the fields that Meta refuses, in the way that works.

Read again where its rows contradict each other; object by object where it is too much and cannot be
smaller.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import is_one_bucket
from tap_meta_partner.days.windows import window_of
from tap_meta_partner.graph.errors import TooMuchData
from tap_meta_partner.insights import breakdowns
from tap_meta_partner.planning.holes import Hole
from tap_meta_partner.reports.by_object import Pieces, read_by_object
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.report_runs import STANDS_STILL
from tap_meta_partner.reports.surviving import surviving_report

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.planning.pace import Pace
    from tap_meta_partner.reports.request import ReportRequest
    from tap_meta_partner.sync.record_sink import RecordSink
    from tap_meta_partner.sync.shared import Shared

logger = logging.getLogger(__name__)

#: A row can shift between two pages: a window whose rows contradict each other is read again.
_READ_AGAIN = 2


class Spared(Exception):
    """A field was refused, and days of the window were delivered with it: they stay as they are."""


class WindowReading:
    """One window on its way.

    Attributes:
        holes: what could not be had of it.
    """

    def __init__(  # noqa: PLR0913  (what is read, for whom, and what it may replace)
        self,
        request: ReportRequest,
        sink: RecordSink,
        shared: Shared,
        *,
        today: dt.date,
        on_refused: Callable[[], None],
        replaces: bool,
    ) -> None:
        """Prepare to read.

        Args:
            request: the window.
            sink: where its rows go.
            shared: what holds for all accounts.
            today: the account's own today.
            on_refused: is called when Meta refuses a field; may raise `Spared`.
            replaces: the window was delivered before, whole.
        """
        self.request = request
        self.sink = sink
        self.holes: list[Hole] = []
        self._shared = shared
        self._today = today
        self._on_refused = on_refused
        self._replaces = replaces
        self._refused = shared.refused_of(request.definition.name)

    def read(self, pace: Pace, known: Pace) -> Steps[Pace]:
        """Read the window, and again where two rows have one key; return the pace for the next.

        Args:
            pace: what to try.
            known: what worked before.

        Raises:
            Spared: a refused field would be taken away from days that have it.
            TooMuchData: it must be asked for in smaller windows.
            MetaError: as `steps.ask`.
        """
        try:
            worked = yield from self._settled(pace, known)
            yield from self.sink.release()
        finally:
            self.sink.held.close()
        return worked

    def _settled(self, pace: Pace, known: Pace) -> Steps[Pace]:
        tried = 0
        while True:
            worked = yield from self._read(pace, known)
            yield from self.sink.settle()
            if not self.sink.contradictions or tried == _READ_AGAIN:
                break
            tried += 1
            logger.info("%s: rows with one key differ; reading the window again", self.request)
        for day, key in self.sink.contradictions:
            logger.warning("%s: Meta sends different rows with one key (%s)", self.request, key)
            self.holes.append(
                Hole(
                    window=window_of(day),
                    what=f"the row with the key {key}",
                    why="two rows with one key differ, each time they are read",
                )
            )
        return worked

    def _read(self, pace: Pace, known: Pace) -> Steps[Pace]:
        """Read the window in the way that worked before; the smallest one by object, if need be."""
        definition = self.request.definition
        smallest = is_one_bucket(self.request.window, definition.time_increment)
        if smallest and pace.by_object:
            return (yield from self._by_object(pace))
        if breakdowns.needs_report_run(definition):
            pace = replace(pace, report_run=True)
        try:
            worked = yield from surviving_report(
                self.request,
                lambda asked: read_report(asked, self.sink, pace, self._shared.reporting),
                self._refused,
                self._shared.reporting.jitter,
                on_refused=self._on_refused,
            )
        except TooMuchData as error:
            if not smallest:
                raise
            logger.info("%s: %s; asking for its objects", self.request, error.rule.what)
            met = (known if pace != known else pace).met_wall(
                self._today, in_vain=pace != known, stood_still=error.rule is STANDS_STILL
            )
            # What an earlier night knew of the objects is found out anew.
            anew = replace(met, report_run=False, heavy=(), hopeless=(), parts=1)
            return (yield from self._by_object(anew))
        if worked.report_run and not pace.report_run:
            worked = worked.met_wall(self._today, in_vain=pace != known)
        return worked

    def _by_object(self, pace: Pace) -> Steps[Pace]:
        """Read the window object by object; a call with other fields lists them."""
        reporting = self._shared.reporting
        if pace.stood_still and reporting.mode == "auto":
            # A run for each object would stand still as well.
            reporting = replace(reporting, mode="sync")
        listed = self._shared.refused_of(f"{self.request.definition.name}, its objects")
        pieces = Pieces()

        def read(asked: ReportRequest) -> Steps[None]:
            # Begun anew, what was found out is found out anew.
            pieces.heavy, pieces.hopeless = set(pace.heavy), set(pace.hopeless)
            pieces.parts, pieces.holes = pace.parts, []
            return read_by_object(
                asked,
                self.sink,
                reporting,
                pieces,
                listed,
                replaces=self._replaces,
            )

        yield from surviving_report(
            self.request, read, self._refused, reporting.jitter, on_refused=self._on_refused
        )
        self.holes = pieces.holes
        return pace.with_objects(pieces.heavy, pieces.hopeless, pieces.parts)
