"""One object by its id, and whether an error is about an object."""

from __future__ import annotations

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
    Rule,
    TooMuchData,
)
from tap_meta_partner.graph.steps import ask
from tap_meta_partner.graph.surviving import surviving

if TYPE_CHECKING:
    import datetime as dt
    from typing import Any

    from tap_meta_partner.dimensions.request import DimensionReading, DimensionRequest
    from tap_meta_partner.graph.steps import Steps

INVALID_PARAMETER = 100


#: This many failures in a row are no longer single objects: something else is wrong.
MOST_IN_A_ROW = 25


_NONE_READABLE = Rule(
    family=KeptFailing,
    what=f"Meta gives none of {MOST_IN_A_ROW} objects in a row",
    advice="The tap tries again with the next run; if it lasts, select fewer of the columns.",
)


class Objects:
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
        jitter = self._reading.jitter
        if "fields" in call.params:
            return ask(call, jitter)

        def read(fields: tuple[str, ...]) -> Steps[dict[str, Any]]:
            return ask(replace(call, params={**call.params, "fields": ",".join(fields)}), jitter)

        return surviving(
            fields_to_ask(self._request.dimension, self._request.columns),
            read,
            self._reading.unavailable.fields[self._request.dimension.name],
            self._request.account_id,
            needed=("id",),
        )

    def by_id(self, object_id: str) -> Steps[dict[str, Any] | None]:
        """Read one object by its own id; None where that object, and not more, is the trouble."""
        call = Call(path=object_id, account_id=self._request.account_id)
        try:
            found = yield from self.ask(call)
        except (AccountUnreadable, KeptFailing, RequestRefused, TooMuchData) as error:
            if not is_about_an_object(error):
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


def is_about_an_object(error: MetaError) -> bool:
    """Tell whether an error can be that of one object, rather than of everything that is asked.

    Not: no answer at all, rights to the account (10, 200 …), a version, the app, the address.
    """
    if isinstance(error, AccountUnreadable):
        # No such object: on an object's own address that is said of the object.
        return error.rule.about_object
    if isinstance(error, RequestRefused):
        return error.rule.about_object or error.fault.code == INVALID_PARAMETER
    return error.rule is not NETWORK


def none_readable(error: MetaError) -> MetaError:
    """Make one object's error that of the stream, when it is every object's.

    What is said of objects is the account's own trouble: it must not close the stream for others.
    """
    is_request = isinstance(error, RequestRefused) and not error.rule.about_object
    family = RequestRefused if is_request else KeptFailing
    return family(error.fault, _NONE_READABLE)
