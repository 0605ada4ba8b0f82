"""One ad account's campaigns, ad sets, ads or creatives: from asking to records.

A list of Meta's is read page by page, and three things can be wrong with it that must not cost it
as a whole:

- One object that Meta cannot give (a creative whose reel was deleted is answered with 100/2446289,
  an unknown error, or "reduce the amount of data") spoils every page it is on. Such a page is asked
  for in smaller pieces, in the end as ids only and then each object by its own id; one that still
  fails is left out, and named.
- A field that Meta no longer knows fails every call. It is left out for the rest of the run.
- Meta's pages contradict each other on whether deleted objects are listed: "you cannot retrieve the
  deleted objects as a connection object" ("Manage your ad object's status"), while the parameter's
  values have DELETED. It is asked for; where that is refused, the rest is asked for without.

Deleted objects can always be read by their own ids, and insights rows name them: `look_up`.
Everything here yields calls and pauses (see `retries.py`) and never sends or sleeps.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from tap_meta_partner.accounts import instant
from tap_meta_partner.client import Call
from tap_meta_partner.dimension_bookmarks import (
    Full,
    Since,
    after_reading,
    fingerprint_of,
    is_recent,
    plan_reading,
)
from tap_meta_partner.dimension_records import ObjectReader
from tap_meta_partner.dimensions import DELETED, DIMENSIONS, fields_to_ask, statuses_to_ask
from tap_meta_partner.errors import (
    NETWORK,
    AccountUnreadable,
    KeptFailing,
    MetaError,
    RequestRefused,
    Rule,
    TooMuchData,
)
from tap_meta_partner.pages import read_pages
from tap_meta_partner.refused_fields import RefusedFields, refused_fields
from tap_meta_partner.retries import ask

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from tap_meta_partner.dimension_bookmarks import DimensionBookmark, Plan
    from tap_meta_partner.dimensions import Dimension, DimensionColumn
    from tap_meta_partner.retries import Jitter, Steps

logger = logging.getLogger(__name__)

#: Objects per page; the smaller ones after a page has failed. Creatives come 25 at a time where 200
#: are "too much data".
PAGE_SIZES = (100, 25, 5)
#: Pages in a row that have to go well before a larger one is tried again.
_EASY_PAGES_TO_GROW = 10
#: Ids and statuses alone are light.
_LIGHT_PAGE_SIZES = (500, 100, 25)
#: Objects read by their own ids, at most, per account, stream and run: each is a call.
MOST_LOOKED_UP = 200
#: The streams whose statuses decide that of an ad.
_ABOVE_ADS = ("campaigns", "adsets")
_INVALID_PARAMETER = 100
_NO_SUCH_OBJECT = 33
#: "Ad Creative Is Incomplete": about an object on the page, not about the parameters.
_INCOMPLETE = 2446289
#: This many failures in a row are no longer single objects: something else is wrong.
_MOST_IN_A_ROW = 25
_NONE_READABLE = Rule(
    family=KeptFailing,
    what=f"Meta gives none of {_MOST_IN_A_ROW} objects in a row",
    advice="The tap tries again with the next run; if it lasts, select fewer of the columns.",
)
#: How many ids a warning names.
_MOST_NAMED = 10


@dataclass(slots=True)
class Unavailable:
    """What Meta refuses of dimensions, and is not asked again in this run.

    Attributes:
        fields: entries of `fields`, by stream: Meta withdraws some from single accounts.
        deleted: streams whose edge does not list deleted objects, whatever the account.
    """

    fields: dict[str, RefusedFields] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def of(self, request: DimensionRequest) -> frozenset[str]:
        """Return the entries of `fields` that are not to be asked for."""
        refused = self.fields.get(request.dimension.name)
        return refused.of(request.account_id) if refused else frozenset()

    def note(self, request: DimensionRequest, refused: Iterable[str], error: MetaError) -> None:
        """Take note that Meta refused entries of `fields`."""
        stream = request.dimension.name
        known = self.fields.setdefault(stream, RefusedFields(stream))
        known.note(request.account_id, refused, error)


@dataclass(slots=True)
class StatusesAbove:
    """The statuses of one ad account's campaigns and ad sets, by stream, as far as read in full.

    One is kept per account and run, so that ads need not ask for what has just been read.
    """

    by_stream: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionRequest:
    """What we want: one dimension of one ad account.

    Attributes:
        columns: those selected, key included.
        currency: the account's.
        statuses: `effective_status` wanted; all where empty.
    """

    dimension: Dimension
    columns: tuple[DimensionColumn, ...]
    account_id: str
    currency: str | None = None
    statuses: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.dimension.name}, account {self.account_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionReading:
    """How dimensions are read in this run.

    Attributes:
        jitter: returns a number from 0 to 1.
        utc_now: the present moment, for `read_at`.
        on_page: takes a stream's name and a page of its records; what it returns, unless None, is
            yielded to whoever drives the steps.
        unavailable: what is not asked for (again) in this run.
    """

    jitter: Jitter
    utc_now: Callable[[], dt.datetime]
    on_page: Callable[[str, list[dict[str, Any]]], object]
    unavailable: Unavailable = field(default_factory=Unavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDimension:
    """What was read.

    Attributes:
        began: when the reading began, which is the `read_at` of its rows.
        rows: how many objects were delivered.
        left_out: the ids of those that Meta could not give.
        in_full: every object that Meta lists was asked for, not only what changed.
        listed: the ids of all objects that Meta listed.
        bookmark: what to keep for the next run.
    """

    began: dt.datetime
    rows: int
    left_out: tuple[str, ...]
    in_full: bool
    listed: frozenset[str]
    bookmark: DimensionBookmark


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What was read by ids of its own.

    Attributes:
        rows: how many objects were delivered.
        unreadable: how many Meta did not give.
        not_asked: how many were left for another time.
        bookmark: what to keep for the next run.
    """

    rows: int = 0
    unreadable: int = 0
    not_asked: int = 0
    bookmark: DimensionBookmark


def read_dimension(
    request: DimensionRequest,
    bookmark: DimensionBookmark,
    above: StatusesAbove,
    reading: DimensionReading,
) -> Steps[ReadDimension]:
    """Read one dimension of one ad account: in full, or what changed where that is enough.

    Args:
        request: what to read.
        bookmark: what has been read before.
        above: is asked for, and told of, the statuses of campaigns and ad sets.
        reading: how, and what to do with the records.

    Raises:
        MetaError: the list cannot be read, whatever the page size; as `retries.ask`.
    """
    began = reading.utc_now()
    name = request.dimension.name
    basis: str | None = None
    plan: Plan = Full()
    if name == "ads":
        basis = yield from _basis(request, above, reading)
        plan = plan_reading(bookmark, began, basis)
    listing = _Listing(request, plan, reading, began)
    yield from listing.read()
    listing.say_what_is_left_out()
    if name in _ABOVE_ADS and not listing.left_out and not request.statuses:
        above.by_stream[name] = listing.statuses
    if listing.left_out:
        # What could not be given now may be tomorrow, without a change to itself.
        after = replace(bookmark, read_at=began)
    else:
        after = after_reading(bookmark, plan, began=began, newest=listing.newest, basis=basis)
    return ReadDimension(
        began=began,
        rows=listing.rows,
        left_out=tuple(listing.left_out),
        in_full=plan == Full(),
        listed=frozenset(listing.listed),
        bookmark=after,
    )


def look_up(
    request: DimensionRequest,
    named: Collection[str],
    read: ReadDimension,
    reading: DimensionReading,
    *,
    most: int = MOST_LOOKED_UP,
) -> Steps[LookedUp]:
    """Read objects that insights rows name and Meta's list does not have, by their own ids.

    These were deleted, and change no more: once in seven days is enough, and only a reading in full
    tells which are missing.

    Args:
        request: what was read.
        named: the ids in this run's rows, of the column `named_by`.
        read: what the list had.
        reading: how, and what to do with the records.
        most: how many to ask for, the newest first.

    Raises:
        MetaError: what concerns the ad account or the token; as `retries.ask`.
    """
    now = reading.utc_now()
    statuses = request.statuses if request.dimension.statuses else ()
    unwanted = statuses and DELETED not in statuses
    if unwanted or not read.in_full or is_recent(read.bookmark.looked_up_at, now):
        return LookedUp(bookmark=read.bookmark)
    missing = sorted(
        set(named) - read.listed - set(read.left_out),
        # Ids are numbers that grow.
        key=lambda object_id: (len(object_id), object_id),
        reverse=True,
    )
    # Of the same instant as the list: or all that was listed would look older, and so deleted.
    objects = _Objects(request, reading, read.began)
    rows = asked = 0
    for object_id in missing[:most]:
        if objects.failures_in_a_row == _MOST_IN_A_ROW:
            break
        asked += 1
        found = yield from objects.by_id(object_id)
        # Where not all statuses are wanted it may be alive, and not listed for that.
        if found and (not statuses or found.get("effective_status") in statuses):
            rows += 1
            event = objects.hand_on([found])
            if event is not None:
                yield event
    looked_up = LookedUp(
        rows=rows,
        unreadable=len(objects.unreadable),
        not_asked=len(missing) - asked,
        bookmark=replace(read.bookmark, looked_up_at=now),
    )
    if missing:
        logger.info(
            "%s: %d that Meta does not list were read by their own ids; %d could not be read, "
            "%d were not asked for",
            request,
            looked_up.rows,
            looked_up.unreadable,
            looked_up.not_asked,
        )
    return looked_up


def _basis(
    request: DimensionRequest, above: StatusesAbove, reading: DimensionReading
) -> Steps[str | None]:
    """Return the fingerprint of what a list of changed ads rests on, None where unknown."""
    statuses: dict[str, str] = {}
    for name in _ABOVE_ADS:
        if name not in above.by_stream:
            yield from _look_at(name, request, above, reading)
        parent = replace(request, dimension=DIMENSIONS[name])
        if name not in above.by_stream or "effective_status" in reading.unavailable.of(parent):
            return None
        statuses |= above.by_stream[name]
    columns = [column.name for column in request.columns]
    return fingerprint_of(statuses, columns, request.statuses)


def _look_at(
    name: str, request: DimensionRequest, above: StatusesAbove, reading: DimensionReading
) -> Steps[None]:
    """Read the statuses of a stream that is not read in this run, or not all of it.

    All, whatever is wanted: an ad that becomes ADSET_PAUSED does so by an ad set that is PAUSED.
    """
    look = replace(request, dimension=DIMENSIONS[name], columns=(), statuses=())
    quietly = replace(reading, on_page=lambda _stream, _records: None)
    listing = _Listing(look, Full(), quietly, reading.utc_now(), _LIGHT_PAGE_SIZES)
    try:
        yield from listing.read()
    except (KeptFailing, RequestRefused, TooMuchData) as error:
        # Only a shortcut: without it the ads are read in full.
        logger.info("%s: statuses unknown (%s)", look, error.fault)
        return
    if not listing.left_out:
        above.by_stream[name] = listing.statuses


class _Objects:
    """How objects of one dimension and ad account are asked for and handed on."""

    def __init__(
        self, request: DimensionRequest, reading: DimensionReading, began: dt.datetime
    ) -> None:
        self._request = request
        self._reading = reading
        self._reader = ObjectReader(
            stream=request.dimension.name,
            columns=request.columns,
            account_id=request.account_id,
            currency=request.currency,
            read_at=began,
        )
        #: The ids of objects that Meta did not give, with what it said.
        self.unreadable: dict[str, MetaError] = {}
        self.failures_in_a_row = 0

    def ask(self, call: Call) -> Steps[dict[str, Any]]:
        """Ask with all fields that Meta knows, unless the call says which."""
        if "fields" in call.params:
            return (yield from ask(call, self._reading.jitter))
        unavailable = self._reading.unavailable
        while True:
            wanted = fields_to_ask(self._request.dimension, self._request.columns)
            refused_before = unavailable.of(self._request)
            fields = [entry for entry in wanted if entry not in refused_before]
            params = {**call.params, "fields": ",".join(fields)}
            try:
                return (yield from ask(replace(call, params=params), self._reading.jitter))
            except MetaError as error:
                refused = refused_fields(error, fields[1:])
                if not refused:
                    raise
                unavailable.note(self._request, refused, error)

    def by_id(self, object_id: str) -> Steps[dict[str, Any] | None]:
        """Read one object by its own id; None where that object, and not more, is the trouble."""
        call = Call(path=object_id, account_id=self._request.account_id)
        try:
            found = yield from self.ask(call)
        except (AccountUnreadable, KeptFailing, RequestRefused, TooMuchData) as error:
            if not _is_about_an_object(error):
                raise
            self.failures_in_a_row += 1
            self.unreadable[object_id] = error
            return None
        self.failures_in_a_row = 0
        return found

    def hand_on(self, found: list[dict[str, Any]]) -> object:
        """Hand a page on as records; what is returned, unless None, is an event."""
        records = [self._reader.record(each) for each in found]
        return self._reading.on_page(self._request.dimension.name, records)


class _Listing:
    """One list of objects: the sink of its own pages, and what became of each object."""

    def __init__(
        self,
        request: DimensionRequest,
        plan: Plan,
        reading: DimensionReading,
        began: dt.datetime,
        sizes: Sequence[int] = PAGE_SIZES,
    ) -> None:
        self._request = request
        self._plan = plan
        self._reading = reading
        self._objects = _Objects(request, reading, began)
        self._sizes = sizes
        #: Which of the sizes is asked for now, and how many pages went well with it.
        self._step = 0
        self._easy = 0
        self.listed: set[str] = set()
        #: Effective statuses by id, for what is above ads.
        self.statuses: dict[str, str] = {}
        self.newest: dt.datetime | None = None
        self.rows = 0

    @property
    def left_out(self) -> dict[str, MetaError]:
        """The objects that Meta could not give, and what it said."""
        return self._objects.unreadable

    def read(self) -> Steps[None]:
        """Read all pages, the bad ones object by object."""
        if self._request.statuses and self._request.dimension.statuses and not self._statuses():
            logger.info("%s: none can have an effective_status that is wanted", self._request)
            return
        edge = f"act_{self._request.account_id}/{self._request.dimension.name}"
        call = Call(path=edge, account_id=self._request.account_id)
        pages = read_pages(call, self, self._reading.jitter, sizes=self._sizes[:1])
        yield from _answered_by(self._answer, pages)

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

    # The sink.

    def begin(self, part: str = "") -> None:
        """Nothing is forgotten: pages may come again, but an object is delivered once."""

    def page(self, rows: list[dict[str, Any]]) -> Iterable[object]:
        """Hand on the objects that were not delivered before."""
        new = []
        for row in rows:
            object_id = str(row.get("id") or "")
            if object_id and object_id not in self.listed:
                self.listed.add(object_id)
                self._note(object_id, row)
                new.append(row)
        self.rows += len(new)
        event = self._objects.hand_on(new) if new else None
        return () if event is None else (event,)

    def _note(self, object_id: str, row: Mapping[str, Any]) -> None:
        if self._request.dimension.name in _ABOVE_ADS:
            self.statuses[object_id] = str(row.get("effective_status"))
        try:
            updated = instant(row["updated_time"])
        except (ArithmeticError, LookupError, ValueError):
            return
        self.newest = max(updated, self.newest or updated)

    # The pages.

    def _answer(self, call: Call) -> Steps[dict[str, Any]]:
        """Return a page as large as can be had, in the end one made of its objects.

        Raises:
            MetaError: not even the ids can be had; or it concerns more than an object.
        """
        while True:
            size = self._sizes[self._step]
            try:
                answer = yield from self._ask(call, size)
            except (KeptFailing, RequestRefused, TooMuchData) as error:
                if not _is_about_an_object(error):
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
        asked = self._statuses()
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

    def _statuses(self) -> tuple[str, ...]:
        statuses = statuses_to_ask(self._request.dimension, self._request.statuses)
        if self._request.dimension.name in self._reading.unavailable.deleted:
            return tuple(status for status in statuses if status != DELETED)
        return statuses

    def _with(self, call: Call, size: int, statuses: tuple[str, ...]) -> Call:
        params: dict[str, Any] = {**call.params, "limit": size}
        if statuses:
            params["effective_status"] = list(statuses)
        if isinstance(self._plan, Since):
            params["updated_since"] = self._plan.unix
        return replace(call, params=params)

    def _one_by_one(self, call: Call, size: int) -> Steps[dict[str, Any]]:
        """Make a page of those of its objects that can be read by their own ids."""
        ids_only = replace(call, params={**call.params, "fields": "id"})
        answer = yield from self._ask(ids_only, size)
        objects = []
        for row in answer.get("data") or ():
            found = yield from self._objects.by_id(str(row["id"]))
            if found is not None:
                objects.append(found)
            elif self._objects.failures_in_a_row == _MOST_IN_A_ROW:
                raise _none_readable(list(self.left_out.values())[-1])
        return {**answer, "data": objects}


T = TypeVar("T")


def _answered_by(answer: Callable[[Call], Steps[dict[str, Any]]], steps: Steps[T]) -> Steps[T]:
    """Drive steps whose calls are answered by steps of one's own; all else is passed on."""
    outcome: Any = None
    error: MetaError | None = None
    while True:
        try:
            step = steps.send(outcome) if error is None else steps.throw(error)
        except StopIteration as end:
            value: T = end.value
            return value
        outcome = error = None
        if isinstance(step, Call):
            try:
                outcome = yield from answer(step)
            except MetaError as caught:
                error = caught
        else:
            outcome = yield step


def _is_about_an_object(error: MetaError) -> bool:
    """Tell whether an error can be that of one object, rather than of everything that is asked.

    Not: no answer at all, rights to the account (10, 200 …), a version, the app, the address.
    """
    if isinstance(error, AccountUnreadable):
        # No such object: on an object's own address that is said of the object.
        return error.fault.subcode == _NO_SUCH_OBJECT
    if isinstance(error, RequestRefused):
        return error.fault.code == _INVALID_PARAMETER
    return error.rule is not NETWORK


def _none_readable(error: MetaError) -> MetaError:
    """Make one object's error that of the stream, when it is every object's.

    What is said of objects is the account's own trouble: it must not close the stream for others.
    """
    is_request = isinstance(error, RequestRefused) and error.fault.subcode != _INCOMPLETE
    family = RequestRefused if is_request else KeptFailing
    return family(error.fault, _NONE_READABLE)


def _living(dimension: Dimension) -> tuple[str, ...]:
    return tuple(status for status in dimension.statuses if status != DELETED)


def _may_be_about_statuses(error: MetaError) -> bool:
    return error.fault.code == _INVALID_PARAMETER and error.fault.subcode != _INCOMPLETE
