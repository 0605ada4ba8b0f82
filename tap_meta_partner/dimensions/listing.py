"""A list of an account's objects, some of which Meta may be unable to give."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.bookmarks import Since
from tap_meta_partner.dimensions.objects import (
    INVALID_PARAMETER,
    MOST_IN_A_ROW,
    Objects,
    is_about_an_object,
    none_readable,
)
from tap_meta_partner.dimensions.tables import DELETED, statuses_to_ask
from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import KeptFailing, MetaError, RequestRefused, TooMuchData
from tap_meta_partner.graph.pages import read_pages
from tap_meta_partner.graph.values import instant_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from tap_meta_partner.dimensions.bookmarks import Extent
    from tap_meta_partner.dimensions.request import DimensionReading, DimensionRequest
    from tap_meta_partner.dimensions.tables import Dimension
    from tap_meta_partner.graph.steps import Steps

logger = logging.getLogger(__name__)

#: Objects per page; the smaller ones after a page has failed. Creatives come 25 at a time where 200
#: are "too much data".
PAGE_SIZES = (100, 25, 5)


#: Pages in a row that have to go well before a larger one is tried again.
_EASY_PAGES_TO_GROW = 10


#: Ids and statuses alone are light.
LIGHT_PAGE_SIZES = (500, 100, 25)


#: The streams whose statuses decide that of an ad.
ABOVE_ADS = ("campaigns", "adsets")


#: How many ids a warning names.
_MOST_NAMED = 10


class Listed:
    """What a list has held so far: the sink of its pages, which hands each object on once."""

    def __init__(self, request: DimensionRequest, objects: Objects) -> None:
        self._request = request
        self._objects = objects
        self.ids: set[str] = set()
        #: Effective statuses by id, for what is above ads.
        self.statuses: dict[str, str] = {}
        self.newest: dt.datetime | None = None

    @property
    def left_out(self) -> dict[str, MetaError]:
        """The objects that Meta could not give, and what it said."""
        return self._objects.unreadable

    def begin(self, part: str = "") -> None:
        """Nothing is forgotten: pages may come again, but an object is delivered once."""

    def page(self, rows: list[dict[str, Any]]) -> Iterable[object]:
        """Hand on the objects that were not delivered before."""
        new = []
        for row in rows:
            object_id = str(row.get("id") or "")
            if object_id and object_id not in self.ids:
                self.ids.add(object_id)
                self._note(object_id, row)
                new.append(row)
        event = self._objects.hand_on(new) if new else None
        return () if event is None else (event,)

    def _note(self, object_id: str, row: Mapping[str, Any]) -> None:
        if self._request.dimension.name in ABOVE_ADS:
            self.statuses[object_id] = str(row.get("effective_status"))
        try:
            updated = instant_of(row["updated_time"])
        except (ArithmeticError, LookupError, ValueError):
            return
        self.newest = max(updated, self.newest or updated)

    def say_what_is_left_out(self) -> None:
        """Warn once, whatever the number."""
        if not self.left_out:
            return
        named = ", ".join(list(self.left_out)[:_MOST_NAMED])
        more = len(self.left_out) - _MOST_NAMED
        logger.warning(
            "%s: left out, as Meta cannot give them: %s%s (the last: %s)",
            self._request,
            named,
            f" and {more} more" if more > 0 else "",
            list(self.left_out.values())[-1].fault,
        )


def read_list(
    request: DimensionRequest,
    extent: Extent,
    reading: DimensionReading,
    *,
    began: dt.datetime,
    sizes: Sequence[int] = PAGE_SIZES,
) -> Steps[Listed]:
    """Read all pages of a list, the bad ones object by object.

    Args:
        request: whose objects.
        extent: all of them, or what changed.
        reading: how, and what to do with the records.
        began: when the reading began, the `read_at` of its rows.
        sizes: objects per page, the usual first; the others after a page has failed.

    Raises:
        MetaError: the list cannot be read, whatever the page size; as `steps.ask`.
    """
    objects = Objects(request, reading, began)
    listed = Listed(request, objects)
    asking = _Asking(request, extent, reading, objects, sizes)
    if request.statuses and request.dimension.statuses and not asking.statuses():
        logger.info("%s: none can have an effective_status that is wanted", request)
        return listed
    edge = f"act_{request.account_id}/{request.dimension.name}"
    call = Call(path=edge, account_id=request.account_id)
    yield from read_pages(call, listed, reading.jitter, sizes=sizes[:1], answer=asking.page)
    return listed


class _Asking:
    """How the pages of a list are asked for: the size that works, and what Meta lists at all."""

    def __init__(
        self,
        request: DimensionRequest,
        extent: Extent,
        reading: DimensionReading,
        objects: Objects,
        sizes: Sequence[int],
    ) -> None:
        self._request = request
        self._extent = extent
        self._reading = reading
        self._objects = objects
        self._sizes = sizes
        #: Which of the sizes is asked for now, and how many pages went well with it.
        self._step = 0
        self._easy = 0

    def page(self, call: Call) -> Steps[dict[str, Any]]:
        """Return a page as large as can be had, in the end one made of its objects.

        Raises:
            MetaError: not even the ids can be had; or it concerns more than an object.
        """
        while True:
            size = self._sizes[self._step]
            try:
                answer = yield from self._ask(call, size)
            except (KeptFailing, RequestRefused, TooMuchData) as error:
                if not is_about_an_object(error):
                    raise
                self._easy = 0
                if self._step + 1 == len(self._sizes):
                    answer = yield from self._one_by_one(call, size)
                    # It is this page that was bad: the next one may be as large as the first.
                    self._step = 0
                    return answer
                self._step += 1
                logger.info("%s: a smaller page, as %s", self._request, error.fault)
            else:
                self._ease()
                return answer

    def _ease(self) -> None:
        self._easy += 1
        if self._step and self._easy >= _EASY_PAGES_TO_GROW:
            self._step, self._easy = self._step - 1, 0

    def _ask(self, call: Call, size: int) -> Steps[dict[str, Any]]:
        """Ask for a page; without deleted objects, where Meta refuses to list those."""
        asked = self.statuses()
        try:
            return (yield from self._objects.ask(self._with(call, size, asked)))
        except RequestRefused as error:
            living = tuple(status for status in asked if status != DELETED)
            if living == asked or not _may_be_about_statuses(error) or "after" in call.params:
                raise
            # Where none but deleted ones are wanted, only to see whether that was the reason:
            # without any status Meta would list what is alive.
            others = living or _living(self._request.dimension)
            answer = yield from self._objects.ask(self._with(call, size, others))
            self._go_without_deleted(error)
            return answer if living else {"data": []}

    def _go_without_deleted(self, error: MetaError) -> None:
        name, known = self._request.dimension.name, self._reading.unavailable.deleted
        if name not in known:
            known.add(name)
            # Nothing that anyone could do about it, and it is so every night.
            logger.info(
                "%s: Meta does not list deleted ones (%s); those that insights rows name are read "
                "by their own ids",
                name,
                error.fault,
            )

    def statuses(self) -> tuple[str, ...]:
        """Return the effective statuses to ask for; none where all are wanted."""
        statuses = statuses_to_ask(self._request.dimension, self._request.statuses)
        if self._request.dimension.name in self._reading.unavailable.deleted:
            return tuple(status for status in statuses if status != DELETED)
        return statuses

    def _with(self, call: Call, size: int, statuses: tuple[str, ...]) -> Call:
        params: dict[str, Any] = {**call.params, "limit": size}
        if statuses:
            params["effective_status"] = list(statuses)
        if isinstance(self._extent, Since):
            params["updated_since"] = self._extent.unix
        return replace(call, params=params)

    def _one_by_one(self, call: Call, size: int) -> Steps[dict[str, Any]]:
        """Make a page of those of its objects that can be read by their own ids."""
        ids_only = replace(call, params={**call.params, "fields": "id"})
        answer = yield from self._ask(ids_only, size)
        objects = []
        for row in answer.get("data") or ():
            found = yield from self._objects.by_id(str(row.get("id")))
            if found is not None:
                objects.append(found)
            elif self._objects.failures_in_a_row == MOST_IN_A_ROW:
                raise none_readable(list(self._objects.unreadable.values())[-1])
        return {**answer, "data": objects}


def _living(dimension: Dimension) -> tuple[str, ...]:
    return tuple(status for status in dimension.statuses if status != DELETED)


def _may_be_about_statuses(error: MetaError) -> bool:
    return error.fault.code == INVALID_PARAMETER and not error.rule.about_object
