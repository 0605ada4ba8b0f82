"""One campaign, ad set, ad or creative as Meta sends it → one record as the stream promises it.

As with insights rows: a value that cannot be read becomes null and is said once, since one odd
value must not cost a load.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.columns import ACCOUNT_ID, READ_AT, Holds
from tap_meta_partner.graph.values import (
    UnreadableValue,
    count_of,
    flag_of,
    instant_text_of,
    major_units,
    number_of,
    object_of,
    objects_of,
    text_of,
    texts_of,
    unix_instant_of,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from tap_meta_partner.dimensions.columns import DimensionColumn

logger = logging.getLogger(__name__)


class ObjectReader:
    """Turns the objects of one dimension and ad account into records.

    Args:
        stream: the stream's name, for warnings.
        columns: the columns wanted, in the order they go out.
        account_id: the ad account.
        currency: the account's, which decides what its smallest unit is.
        read_at: when Meta was asked, UTC: the same for a whole reading.
    """

    def __init__(
        self,
        *,
        stream: str,
        columns: Sequence[DimensionColumn],
        account_id: str,
        currency: str | None,
        read_at: dt.datetime,
    ) -> None:
        self._stream = stream
        self._columns = columns
        self._own = {ACCOUNT_ID: account_id, READ_AT: read_at.isoformat()}
        self._conversions: dict[Holds, Callable[[Any], Any]] = {
            **_CONVERSIONS,
            Holds.MAJOR: partial(major_units, currency=currency),
        }
        self._said: set[str] = set()

    def record(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Turn one object into a record."""
        record: dict[str, Any] = {}
        for column in self._columns:
            if column.holds is Holds.OWN:
                record[column.name] = self._own[column.name]
                continue
            value = _first_there(found, column.paths)
            try:
                record[column.name] = (
                    None if value is None else self._conversions[column.holds](value)
                )
            except UnreadableValue:
                record[column.name] = None
                self._warn(column, found, value)
        return record

    def _warn(self, column: DimensionColumn, found: Mapping[str, Any], value: object) -> None:
        if column.name in self._said:
            return
        self._said.add(column.name)
        logger.warning(
            "%s, account %s, %.30r: %s is %.80r, which is not a %s; it is written as null",
            self._stream,
            self._own[ACCOUNT_ID],
            found.get("id"),
            column.name,
            value,
            column.holds.value,
        )


def _first_there(found: Mapping[str, Any], paths: tuple[str, ...]) -> Any:  # noqa: ANN401  (JSON)
    for path in paths:
        value: Any = found
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def _unix_text_of(value: object) -> str | None:
    moment = unix_instant_of(value)
    return moment.isoformat() if moment else None


_CONVERSIONS: Mapping[Holds, Callable[[Any], Any]] = {
    Holds.TEXT: text_of,
    Holds.TEXTS: texts_of,
    Holds.WHOLE: count_of,
    Holds.FLAG: flag_of,
    Holds.INSTANT: instant_text_of,
    Holds.UNIX: _unix_text_of,
    Holds.NUMBER: number_of,
    Holds.MINOR: count_of,
    Holds.OBJECT: object_of,
    Holds.OBJECTS: objects_of,
}
