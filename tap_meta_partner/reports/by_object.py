"""The last resort for a single day: each object at its own address, the smallest in parts.

A day that is too much is read campaign by campaign; a campaign that is too much by its ad sets;
these by their ads; and the object of which a row is made by parts of its fields, joined on the key.
What is still too much, or is refused though its account answers, is a hole: one object is missing,
and everything else is there. With Meta's Advantage+ one campaign often is a whole account, so this
is a common case.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    MetaError,
    RequestRefused,
    Retriable,
    TooMuchData,
)
from tap_meta_partner.graph.pages import Collected, decode_of
from tap_meta_partner.graph.refused_fields import refused_fields
from tap_meta_partner.graph.steps import ask
from tap_meta_partner.graph.values import spend_of
from tap_meta_partner.planning.holes import WHOLE_DAY, Hole
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.in_parts import read_in_parts
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.request import SIGNS_OF_LIFE
from tap_meta_partner.reports.surviving import surviving_report
from tap_meta_partner.settings.words import DEFAULT_ACTION_BREAKDOWNS, LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from tap_meta_partner.graph.pages import RowSink
    from tap_meta_partner.graph.refused_fields import RefusedFields
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.reports.request import Reporting, ReportRequest

logger = logging.getLogger(__name__)

#: After so many objects in a row that cannot be read, the account itself is asked a plain question.
_DOUBTFUL = 3

#: After so many the others are not asked: with a time-out each, a day could take a week.
_IN_VAIN = 25


@dataclass(slots=True)
class Pieces:
    """What a stream of an account is known to be cut into, and what was found out about it.

    Attributes:
        heavy: ids of objects that are too much as a whole.
        hopeless: ids of those of which nothing could be had: asked once, as they are.
        parts: into how many parts the fields of a smallest object are cut.
        holes: what could not be had of the window.
    """

    heavy: set[str] = field(default_factory=set)
    hopeless: set[str] = field(default_factory=set)
    parts: int = 1
    holes: list[Hole] = field(default_factory=list)


def read_by_object(  # noqa: PLR0913  (what to ask, how, and what is known)
    request: ReportRequest,
    sink: RowSink,
    reporting: Reporting,
    pieces: Pieces,
    refused: RefusedFields,
    *,
    replaces: bool = False,
) -> Steps[None]:
    """Read a window that is too much as a whole, and cannot be smaller, object by object.

    Each at its own edge. The objects are those with rows in it; never a `filtering`, which by
    default hides archived and deleted objects. What each spent is compared with what was read of
    it.

    Args:
        request: the window.
        sink: where its rows go.
        reporting: how to ask.
        pieces: what is known of the objects; takes note of what is found out, and of holes.
        refused: fields of the lists of objects that Meta refuses; takes note of more.
        replaces: the window was delivered before, whole: rows without some fields do not replace
            it.

    Raises:
        MetaError: not one object is to blame: the account does not answer, or a field is refused.
    """
    reading = _ObjectReading(request, sink, reporting, pieces, refused)
    reading.replaces = replaces
    sink.begin()
    try:
        if request.definition.level == "account":
            yield from reading.whole_account()
        else:
            yield from reading.below(request, 0)
    except TooMuchData as error:
        yield from reading.control()
        pieces.holes.append(
            _hole(request, WHOLE_DAY, error, object_id=request.account_id, spend=None)
        )


class _ObjectReading:
    """One window on its way through the objects of an account.

    Attributes:
        replaces: the window was delivered before.
    """

    def __init__(
        self,
        request: ReportRequest,
        sink: RowSink,
        reporting: Reporting,
        pieces: Pieces,
        refused: RefusedFields,
    ) -> None:
        self._whole = request
        self._sink = sink
        self._reporting = reporting
        self._pieces = pieces
        self._refused = refused
        self._depth = LEVELS.index(request.definition.level)
        self._in_a_row = 0
        self._any_worked = False
        self._passing: KeptFailing | None = None
        self._last: MetaError | None = None
        self.replaces = False

    def whole_account(self) -> Steps[None]:
        """Read the account's own row, which has no objects to be read one by one."""
        node = self._whole.account_id
        self._pieces.heavy.add(node)
        try:
            yield from self._in_some_way(self._whole, 0, node)
        except TooMuchData:
            self._pieces.hopeless.add(node)
            raise

    def below(self, request: ReportRequest, depth: int) -> Steps[Decimal]:
        """Read all objects one level below, and return what they spent."""
        rows = yield from self._listed(request, depth + 1)
        kind = LEVELS[depth + 1]
        logger.info("%s: reading %d %ss one by one", request, len(rows), kind)
        total = Decimal(0)
        for number, row in enumerate(rows):
            if self._last is not None and self._in_a_row >= _IN_VAIN:
                total += self._not_asked(request, kind, rows[number:], self._last)
                break
            node, spend = str(row[f"{kind}_id"]), spend_of(row.get("spend"))
            read = yield from self._object(replace(request, node=node), depth + 1, spend)
            if "spend" in request.fields and read != spend:
                logger.warning(
                    "%s: %s %s spent %s, but its rows add up to %s (objects that were deleted can "
                    "be missing from closer levels)",
                    request,
                    kind,
                    node,
                    row.get("spend"),
                    read,
                )
            total += read
        if rows and depth == 0 and not self._any_worked:
            if self._passing is not None:
                # All of it met what usually passes: no hole, the next run asks again.
                raise self._passing
            yield from self.control()
        return total

    def _not_asked(
        self, request: ReportRequest, kind: str, rows: list[dict[str, Any]], why: MetaError
    ) -> Decimal:
        """Tell as one hole what is not asked any more, and return what it spent."""
        spend = _spend_of(rows)
        what = f"{len(rows)} more {kind}s, not asked for"
        logger.warning("%s: %s: %s", request, what, why.fault)
        self._pieces.holes.append(_hole(request, what, why, object_id=None, spend=spend))
        return spend

    def _listed(self, request: ReportRequest, depth: int) -> Steps[list[dict[str, Any]]]:
        """List the objects of a level that have rows in the window, with what each spent."""
        level = LEVELS[depth]
        definition = replace(
            request.definition,
            level=level,
            breakdowns=(),
            action_breakdowns=DEFAULT_ACTION_BREAKDOWNS,
            action_rows=False,
        )
        found = Collected()
        for signs in (SIGNS_OF_LIFE, ("impressions", "spend")):
            overview = replace(request, definition=definition, fields=(f"{level}_id", *signs))
            try:
                yield from surviving_report(
                    overview,
                    lambda asked: read_report(asked, found, Pace(), self._reporting),
                    self._refused,
                    self._reporting.jitter,
                )
            except TooMuchData:
                if signs is not SIGNS_OF_LIFE:
                    raise
            else:
                break
        return found.rows

    def _object(self, part: ReportRequest, depth: int, spend: Decimal) -> Steps[Decimal]:
        """Read one object, and return what it spent; what cannot be had of it becomes a hole."""
        node = str(part.node)
        try:
            read = yield from self._in_some_way(part, depth, node)
        except TooMuchData as error:
            self._pieces.hopeless.add(node)
            why: MetaError = error
        except (AccountUnreadable, KeptFailing, RequestRefused) as error:
            if refused_fields(error, part.fields):
                raise
            if isinstance(error, KeptFailing):
                self._passing = error
                yield from self.control()
            why = error
        else:
            return read
        self._sink.begin(node)
        self._last = why
        self._in_a_row += 1
        if self._in_a_row == _DOUBTFUL:
            yield from self.control()
        what = f"{LEVELS[depth]} {node}"
        logger.warning("%s: %s cannot be read: %s", part, what, why.fault)
        self._pieces.holes.append(_hole(part, what, why, object_id=node, spend=spend))
        # It is told what is missing: nothing more has to be said of the spend.
        return spend

    def _in_some_way(self, part: ReportRequest, depth: int, node: str) -> Steps[Decimal]:
        """Read an object as a whole, else by what is in it, else by parts of its fields."""
        if node in self._pieces.hopeless:
            # One question, whether it is still so.
            read = yield from self._as_it_is(part, node, self._directly)
            self._pieces.hopeless.discard(node)
            return read
        if node not in self._pieces.heavy:
            try:
                return (yield from self._as_it_is(part, node, self._reporting))
            except TooMuchData as error:
                logger.info("%s: %s %s: %s", part, LEVELS[depth], node, error.rule.what)
                self._pieces.heavy.add(node)
                # Pages of it may have come.
                self._sink.begin(node)
        if depth < self._depth:
            return (yield from self.below(part, depth))
        return (yield from self._in_parts(part, node))

    def _as_it_is(self, part: ReportRequest, node: str, reporting: Reporting) -> Steps[Decimal]:
        total = _Totalled(self._sink, node)
        yield from read_report(part, total, Pace(), reporting)
        self._in_a_row, self._any_worked = 0, True
        return total.spend

    @property
    def _directly(self) -> Reporting:
        """Ask directly for something small: a report run would cost seven calls and not help."""
        if self._reporting.mode == "async":
            return self._reporting
        return replace(self._reporting, mode="sync")

    def _in_parts(self, part: ReportRequest, node: str) -> Steps[Decimal]:
        """Read the object of which a row is made by parts of its fields.

        Raises:
            TooMuchData: nothing of it can be had.
        """
        found = yield from read_in_parts(part, self._pieces.parts, self._directly)
        self._in_a_row, self._any_worked = 0, True
        self._pieces.parts = max(self._pieces.parts, found.parts)
        kept = bool(found.missing) and self.replaces
        if found.why:
            what = f"{', '.join(found.missing)} of {node}"
            if kept:
                what += " (its rows stay as they were read before)"
            self._pieces.holes.append(_hole(part, what, found.why, object_id=None, spend=None))
        total = _Totalled(self._sink, node)
        total.begin()
        spend = _spend_of(found.rows)
        yield from total.page([] if kept else found.rows) or ()
        return spend

    def control(self) -> Steps[None]:
        """Ask the account a plain question: if that fails, no single object is to blame.

        That even this is too much is an answer too; that none came is not.

        Raises:
            MetaError: as `steps.ask`.
        """
        try:
            yield from ask(self._whole.plain_call(), self._reporting.jitter)
        except TooMuchData as error:
            if issubclass(error.rule.family, Retriable):
                raise KeptFailing(error.fault, error.rule) from error


class _Totalled:
    """A sink for one object's part of a window: passes pages on and adds their spend up."""

    def __init__(self, sink: RowSink, node: str) -> None:
        self._sink = sink
        self._node = node
        self.decode = decode_of(sink)
        self.spend = Decimal(0)

    def begin(self, part: str = "") -> None:
        self._sink.begin(part or self._node)
        self.spend = Decimal(0)

    def page(self, rows: list[dict[str, Any]]) -> Iterable[object] | None:
        self.spend += _spend_of(rows)
        return self._sink.page(rows)


def _spend_of(rows: Iterable[Mapping[str, Any]]) -> Decimal:
    return sum((spend_of(row.get("spend")) for row in rows), Decimal(0))


def _hole(
    request: ReportRequest,
    what: str,
    why: MetaError,
    *,
    object_id: str | None,
    spend: Decimal | None,
) -> Hole:
    fault = replace(why.fault, fbtrace_id=None)
    return Hole(window=request.window, what=what, why=str(fault), spend=spend, object_id=object_id)
