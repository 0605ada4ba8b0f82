"""A list of an account's objects, some of which Meta may be unable to give."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.bookmarks import Between, Since
from tap_meta_partner.dimensions.deleted import Way
from tap_meta_partner.dimensions.objects import (
    INVALID_PARAMETER,
    MOST_IN_A_ROW,
    Objects,
    is_about_an_object,
    may_be_about_a_field,
    none_readable,
)
from tap_meta_partner.dimensions.tables import DELETED, statuses_to_ask
from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    MetaError,
    RequestRefused,
    TooMuchData,
)
from tap_meta_partner.graph.pages import read_pages
from tap_meta_partner.graph.values import instant_of, rows_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from tap_meta_partner.dimensions.bookmarks import Extent
    from tap_meta_partner.dimensions.request import DimensionReading, DimensionRequest
    from tap_meta_partner.graph.steps import Steps

logger = logging.getLogger(__name__)

#: Objects per page; the smaller ones after a page has failed. Creatives come 25 at a time where 200
#: are "too much data".
PAGE_SIZES = (100, 25, 5)


#: So many objects in a row that Meta does not give may have a field in common that spoils them.
_SUSPICIOUSLY_MANY = 3


#: Pages in a row that have to go well before a larger one is tried again.
_EASY_PAGES_TO_GROW = 10


#: Ids and statuses alone are light.
LIGHT_PAGE_SIZES = (500, 100, 25)


#: The streams whose statuses decide that of an ad.
ABOVE_ADS = ("campaigns", "adsets")


#: How many ids a warning names.
_MOST_NAMED = 10


class Listed:
    """What a list has held so far: a sink for its pages that hands each object on once."""

    def __init__(self, request: DimensionRequest, objects: Objects) -> None:
        self._request = request
        self._objects = objects
        self.ids: set[str] = set()
        #: Effective statuses by id, for what is above ads.
        self.statuses: dict[str, str] = {}
        self.newest: dt.datetime | None = None

    @property
    def left_out(self) -> Mapping[str, MetaError]:
        """The objects that Meta could not give, and what it said."""
        return self._objects.unreadable

    def begin(self, part: str = "") -> None:
        """Forget nothing: pages may come again, but each object is delivered once."""

    def page(self, rows: list[dict[str, Any]]) -> Iterable[object]:
        """Hand on the objects that were not delivered before."""
        new = []
        for each in rows:
            row = self._request.dimension.identified(each)
            object_id = str(row.get("id") or "")
            if object_id and object_id not in self.ids:
                self.ids.add(object_id)
                self._note(object_id, row)
                new.append(dict(row))
        return self._objects.hand_on(new) if new else ()

    def _note(self, object_id: str, row: Mapping[str, Any]) -> None:
        if self._request.dimension.name in ABOVE_ADS:
            self.statuses[object_id] = str(row.get("effective_status"))
        try:
            updated = instant_of(row["updated_time"])
        except (ArithmeticError, LookupError, ValueError):
            return
        self.newest = max(updated, self.newest or updated)

    @property
    def missing(self) -> str:
        """How many objects Meta did not give, which, and what it said; empty where it gave all."""
        if not self.left_out:
            return ""
        total = len(self.ids) + len(self.left_out)
        return f"Meta does not give {len(self.left_out)} of {total}: {_named(self.left_out)}"

    def say_what_is_left_out(self) -> None:
        """Say it once, however many there are; the summary says so too."""
        if self.missing:
            logger.info("%s: left out: %s", self._request, self.missing)
        if self._objects.stripped:
            logger.warning(
                "%s: without %s, as Meta rejects it: %s",
                self._request,
                ", ".join(self._request.dimension.rejected_for),
                _named(self._objects.stripped),
            )


def _named(errors: Mapping[str, MetaError]) -> str:
    """Name some objects, and say what Meta said of the last."""
    more = len(errors) - _MOST_NAMED
    named = ", ".join(list(errors)[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{named} (the last: {list(errors.values())[-1].fault})"


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
    if request.statuses and request.dimension.statuses and not asking.can_list_any():
        logger.info("%s: none can have an effective_status that is wanted", request)
        return listed
    edge = f"act_{request.account_id}/{request.dimension.edge or request.dimension.name}"
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
        self._statuses = statuses_to_ask(request.dimension, request.statuses)
        #: How the first page may be asked for, the best way first, and how the others are.
        self._ways = [Way.LIVING_ONLY]
        if DELETED in self._statuses:
            unavailable = reading.unavailable.deleted
            self._ways = unavailable.ways(request.dimension.name, request.account_id)
        self._way = self._ways[0]
        #: Which of the sizes is asked for now, and how many pages went well with it.
        self._step = 0
        self._easy = 0
        self._was_bad = False

    def page(self, call: Call) -> Steps[dict[str, Any]]:
        """Return a page as large as Meta gives it; at worst, one made of objects read one by one.

        Raises:
            MetaError: not even the ids can be had; or it concerns more than an object.
        """
        while True:
            size = self._sizes[self._step]
            try:
                answer = yield from self._ask(call, size)
            except (AccountUnreadable, KeptFailing, RequestRefused, TooMuchData) as error:
                if not is_about_an_object(error):
                    raise
                self._easy = 0
                is_smallest = self._step + 1 == len(self._sizes)
                if is_smallest and self._request.dimension.is_log:
                    if (yield from self._leave_out_of_page(call, size, error)):
                        continue
                    raise
                if is_smallest:
                    answer = yield from self._one_by_one(call, size)
                    # It is this page that was bad: the next one may be as large as the first. Of
                    # two in a row, others may follow.
                    self._step = self._step if self._was_bad else 0
                    self._was_bad = True
                    return answer
                self._step += 1
                logger.info("%s: a smaller page, as %s", self._request, error.fault)
            else:
                self._was_bad = False
                self._ease()
                return answer

    def _ease(self) -> None:
        self._easy += 1
        if self._step and self._easy >= _EASY_PAGES_TO_GROW:
            self._step, self._easy = self._step - 1, 0

    def _ask(self, call: Call, size: int) -> Steps[dict[str, Any]]:
        """Ask for a page; if Meta refuses, ask in another way or without deleted objects."""
        if "after" in call.params:
            return (yield from self._objects.ask(self._with(call, size, self._way)))
        refusals: list[tuple[Way, RequestRefused]] = []
        for way in self._ways:
            try:
                answer = yield from self._objects.ask(self._with(call, size, way))
            except RequestRefused as error:
                if not _may_be_about_statuses(error):
                    raise
                refusals.append((way, error))
            else:
                self._note(way, refusals)
                # Where none but deleted ones are wanted, what is alive was asked for only to see
                # whether that was the reason.
                return answer if self._is_wanted(way) else {"data": []}
        first = refusals[0][1]
        if all(error.word == first.word for _, error in refusals):
            # It is about something else.
            self._ways = self._ways[:1]
        raise first

    def _note(self, way: Way, refusals: Sequence[tuple[Way, MetaError]]) -> None:
        name, deleted = self._request.dimension.name, self._reading.unavailable.deleted
        self._way, self._ways = way, [way]
        deleted.note_answered(name, way)
        for refused, error in refusals:
            first = deleted.note_refused(name, refused, self._request.account_id, error.word)
            if first and way is Way.LIVING_ONLY and refused is Way.PARAMETER:
                # Nothing that anyone could do about it, and it is so every night.
                logger.info(
                    "%s: Meta does not list deleted ones (%s); those that insights rows name are "
                    "read by their own ids",
                    self._request,
                    error.fault,
                )

    def can_list_any(self) -> bool:
        """Tell whether any object can have a status that is wanted, in a way that Meta takes."""
        return any(way.statuses(self._statuses) for way in self._ways)

    def _is_wanted(self, way: Way) -> bool:
        return not self._statuses or bool(way.statuses(self._statuses))

    def _with(self, call: Call, size: int, way: Way) -> Call:
        # Without any status Meta would list what is alive.
        statuses = self._statuses if self._is_wanted(way) else self._request.dimension.statuses
        params = {**call.params, "limit": size, **way.params(self._request.dimension, statuses)}
        if isinstance(self._extent, Since):
            params["updated_since"] = self._extent.unix
        if isinstance(self._extent, Between):
            params |= {"since": self._extent.since, "until": self._extent.until}
        return replace(call, params=params)

    def _one_by_one(self, call: Call, size: int) -> Steps[dict[str, Any]]:
        """Make a page of those of its objects that can be read by their own ids.

        Where a field spoils them all it is left out, and the page asked for again as a whole.
        """
        ids_only = replace(call, params={**call.params, "fields": "id"})
        answer = yield from self._ask(ids_only, size)
        ids = [str(row.get("id")) for row in rows_of(answer)]
        objects = []
        for place, object_id in enumerate(ids, start=1):
            found = yield from self._objects.by_id(object_id)
            if found is not None:
                objects.append(found)
                continue
            is_last_of_none = place == len(ids) and not objects
            suspicious = self._objects.failures_in_a_row == _SUSPICIOUSLY_MANY or is_last_of_none
            if suspicious and (yield from self._leave_out_what_spoils(object_id)):
                self._objects.forget(ids)
                return (yield from self.page(call))
            if self._objects.failures_in_a_row == MOST_IN_A_ROW:
                raise none_readable([*self._objects.unreadable.values()])
        return {**answer, "data": objects}

    def _leave_out_of_page(self, call: Call, size: int, error: MetaError) -> Steps[bool]:
        # Where nothing has an id, only the page as a whole can show which field it is.
        if not may_be_about_a_field(error):
            return False
        page = self._with(call, size, self._way)
        return (yield from self._objects.leave_out_what_spoils(page, error))

    def _leave_out_what_spoils(self, object_id: str) -> Steps[bool]:
        error = self._objects.unreadable[object_id]
        if not may_be_about_a_field(error):
            return False
        alone = self._objects.call_for(object_id)
        return (yield from self._objects.leave_out_what_spoils(alone, error))


def _may_be_about_statuses(error: MetaError) -> bool:
    return error.fault.code == INVALID_PARAMETER and not error.rule.about_object
