"""One object by its id, and whether an error is about an object."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.records import ObjectReader
from tap_meta_partner.dimensions.tables import fields_to_ask
from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.error_codes import NETWORK
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    MetaError,
    RequestRefused,
    Retriable,
    Rule,
    TooMuchData,
)
from tap_meta_partner.graph.spoiling import spoiling_fields
from tap_meta_partner.graph.steps import Pause, ask, backoff_seconds
from tap_meta_partner.graph.surviving import surviving

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable
    from typing import Any

    from tap_meta_partner.dimensions.request import DimensionReading, DimensionRequest
    from tap_meta_partner.graph.steps import Steps

logger = logging.getLogger(__name__)

INVALID_PARAMETER = 100


_TOKEN = 190


#: This many failures in a row are no longer single objects: something else is wrong.
MOST_IN_A_ROW = 25


_NONE_READABLE = Rule(
    family=KeptFailing,
    what="Meta gives none of the objects it lists",
    advice="The tap tries again with the next run; if it lasts, select fewer of the columns.",
)


class Objects:
    """How objects of one dimension and ad account are asked for and handed on."""

    def __init__(
        self, request: DimensionRequest, reading: DimensionReading, began: dt.datetime
    ) -> None:
        self._request = request
        self._reading = reading
        self._refused = reading.unavailable.fields[request.dimension.name]
        self._reader = ObjectReader(
            stream=request.dimension.name,
            columns=request.columns,
            account_id=request.account_id,
            currency=request.currency,
            read_at=began,
        )
        #: The ids of objects that Meta did not give, with what it said.
        self.unreadable: dict[str, MetaError] = {}
        #: The ids of those that it gave without what it rejects in them.
        self.stripped: dict[str, MetaError] = {}
        self.failures_in_a_row = 0

    def ask(self, call: Call) -> Steps[dict[str, Any]]:
        """Ask for a page with all fields that Meta gives, unless the call says which."""
        if "fields" in call.params:
            return (yield from ask(call, self._reading.jitter))
        while True:
            try:
                return (yield from self._surviving(call))
            except (AccountUnreadable, RequestRefused) as error:
                # "… must be whitelisted", "Missing Permission": of the account, or of a field.
                if not _is_about_rights(error):
                    raise
                if not (yield from self.leave_out_what_spoils(_of_any_status(call), error)):
                    raise

    def _surviving(self, call: Call) -> Steps[dict[str, Any]]:
        return surviving(
            self._fields,
            lambda fields: ask(_with_fields(call, fields), self._reading.jitter),
            self._refused,
            self._request.account_id,
            needed=self._request.dimension.needed,
        )

    @property
    def _fields(self) -> tuple[str, ...]:
        return fields_to_ask(self._request.dimension, self._request.columns)

    def leave_out_what_spoils(self, call: Call, error: MetaError) -> Steps[bool]:
        """Find the fields that keep Meta from answering, and stop asking for them.

        Once for an account and dimension: what could not be found is not looked for again.

        Args:
            call: what was asked for in vain.
            error: what Meta said, without naming a field.

        Returns:
            Whether any was found.
        """
        account_id = self._request.account_id
        searched = self._reading.unavailable.searched
        if (self._request.dimension.name, account_id) in searched:
            return False
        searched.add((self._request.dimension.name, account_id))
        needed = self._request.dimension.needed
        suspects = [
            name for name in self._refused.left(self._fields, account_id) if name not in needed
        ]
        spoiling = yield from spoiling_fields(
            suspects, lambda fields: self._is_answered(_with_fields(call, (*needed, *fields)))
        )
        if spoiling:
            self._refused.note(account_id, spoiling, error)
        return bool(spoiling)

    def _is_answered(self, call: Call) -> Steps[bool]:
        """Ask, and a second time where that may help: a passing fault must not cost a column."""
        try:
            yield call
        except Retriable as error:
            yield Pause(backoff_seconds(1, self._reading.jitter), error.rule.what)
        except (AccountUnreadable, RequestRefused, TooMuchData):
            return False
        else:
            return True
        try:
            yield call
        except (Retriable, AccountUnreadable, RequestRefused, TooMuchData):
            return False
        return True

    def call_for(self, object_id: str) -> Call:
        """Return the call for one object by its own id."""
        return Call(path=object_id, account_id=self._request.account_id)

    def by_id(self, object_id: str) -> Steps[dict[str, Any] | None]:
        """Read one object by its own id; None when only that object is the problem.

        It comes without what it may be refused for, rather than not at all.
        """
        try:
            found = yield from self._read_alone(object_id)
        except (AccountUnreadable, KeptFailing, RequestRefused, TooMuchData) as error:
            if not is_about_this_object(error):
                raise
            self.failures_in_a_row += 1
            self.unreadable[object_id] = error
            return None
        self.failures_in_a_row = 0
        return found

    def _read_alone(self, object_id: str) -> Steps[dict[str, Any]]:
        call = self.call_for(object_id)
        try:
            return (yield from self._surviving(call))
        except RequestRefused as error:
            asked = self._refused.left(self._fields, self._request.account_id)
            rest = tuple(name for name in asked if name not in self._request.dimension.rejected_for)
            if rest == asked or not is_about_an_object(error):
                raise
            found = yield from self.ask(_with_fields(call, rest))
            self.stripped[object_id] = error
            return found

    def forget(self, ids: Collection[str]) -> None:
        """Forget that these objects could not be read: they are asked for again."""
        for object_id in ids:
            self.unreadable.pop(object_id, None)
        self.failures_in_a_row = 0

    def hand_on(self, found: list[dict[str, Any]]) -> Iterable[object]:
        """Hand a page on as records; what is returned are events."""
        records = [self._reader.record(each) for each in found]
        return self._reading.on_page(self._request.dimension.name, records)


def _of_any_status(call: Call) -> Call:
    """Return the call without its statuses, which Meta may refuse for reasons of its own.

    What is wrong with a field is so whatever is listed.
    """
    about_statuses = ("effective_status", "filtering")
    params = {name: value for name, value in call.params.items() if name not in about_statuses}
    return replace(call, params=params)


def _with_fields(call: Call, fields: tuple[str, ...]) -> Call:
    return replace(call, params={**call.params, "fields": ",".join(fields)})


#: "Application does not have the capability", "… permission for this action".
_RIGHTS = (3, 10)


def _is_about_rights(error: MetaError) -> bool:
    """Tell whether an error can be about the right to a field that it does not name."""
    if isinstance(error, AccountUnreadable):
        return not error.rule.about_object
    return error.fault.code in _RIGHTS


def may_be_about_a_field(error: MetaError) -> bool:
    """Tell whether the error of an object can be about one of the fields asked for."""
    if error.fault.code != INVALID_PARAMETER:
        return _is_about_rights(error)
    return not error.rule.about_object


def is_about_an_object(error: MetaError) -> bool:
    """Tell whether an error can be that of one object, rather than of everything that is asked.

    Not: no answer at all, rights to the account (10, 200 …), a version, the app, the address.
    """
    if isinstance(error, AccountUnreadable):
        # A right to the page that an object belongs to, which Meta says under a token's code.
        return error.fault.code == _TOKEN
    if isinstance(error, RequestRefused):
        return error.rule.about_object or error.fault.code == INVALID_PARAMETER
    return error.rule is not NETWORK


def is_about_this_object(error: MetaError) -> bool:
    """Tell whether an error on an object's own address is that of the object.

    The ad account's list has just been read: "no such object" and "no permission" are said of the
    object alone (of an ad, say, whose page is not shared).
    """
    return isinstance(error, AccountUnreadable) or is_about_an_object(error)


def none_readable(errors: Collection[MetaError]) -> MetaError:
    """Turn the errors of objects into one of the stream, when every object has failed.

    Whatever Meta said: it is said of this account's objects, and says nothing of others'.
    """
    last = [*errors][-1]
    what = f"Meta gives none of {len(errors)} objects that it lists"
    return KeptFailing(last.fault, replace(_NONE_READABLE, what=what))
