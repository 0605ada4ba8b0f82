"""What a check reads of one ad account's insights: enough to know that they can be read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.graph.errors import MetaError, TooMuchData
from tap_meta_partner.graph.values import spend_of
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.request import ReportRequest
from tap_meta_partner.settings.model import ReportDefinition
from tap_meta_partner.settings.words import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.graph.steps import Steps
from tap_meta_partner.reports.request import Reporting

#: A very large account is asked for fewer days rather than not at all.
_LOOK_BACK_DAYS = (90, 7, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reading brought: the last day with spend (None: none in 90 days), or an error."""

    last_day: dt.date | None = None
    refused: MetaError | None = None


def read_spending(account: AdAccount, today: dt.date, reporting: Reporting) -> Steps[Reading]:
    """Ask on which days an account spent: what the tap will ask, in little."""
    refused: MetaError | None = None
    for days in _LOOK_BACK_DAYS:
        window = DateWindow(today - dt.timedelta(days=days - 1), today)
        spending = _Spending()
        try:
            yield from read_report(
                _request(account, "account", ("spend",), window), spending, Pace(), reporting
            )
        except TooMuchData as error:
            refused = error
        except MetaError as error:
            return Reading(refused=error)
        else:
            return Reading(last_day=spending.last_day)
    return Reading(refused=refused)


def count_objects(
    account: AdAccount, day: dt.date, reporting: Reporting
) -> Steps[dict[str, int] | None]:
    """Count how many objects of each level had a row on a day; None where that fails."""
    ids = tuple(f"{level}_id" for level in LEVELS)
    objects = _Objects(ids)
    request = _request(account, "ad", ids, DateWindow(day, day))
    try:
        yield from read_report(request, objects, Pace(), reporting)
    except MetaError:
        return None
    return {level: max(1, len(found)) for level, found in zip(LEVELS, objects.found, strict=True)}


class _Spending:
    """A sink that keeps the last day with spend."""

    def __init__(self) -> None:
        self.last_day: dt.date | None = None

    def begin(self, part: str = "") -> None:  # noqa: ARG002
        self.last_day = None

    def page(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if spend_of(row.get("spend")) <= 0:
                continue
            day = dt.date.fromisoformat(str(row.get("date_start")))
            if self.last_day is None or day > self.last_day:
                self.last_day = day


class _Objects:
    """A sink that keeps which objects there are, by column."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self.found: tuple[set[str], ...] = ()
        self.begin()

    def begin(self, part: str = "") -> None:  # noqa: ARG002
        self.found = tuple(set() for _ in self._columns)

    def page(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            for column, ids in zip(self._columns, self.found, strict=True):
                ids.add(str(row.get(column)))


def _request(
    account: AdAccount, level: str, fields: tuple[str, ...], window: DateWindow
) -> ReportRequest:
    return ReportRequest(
        definition=ReportDefinition(name="check", level=level),
        fields=fields,
        account_id=account.account_id,
        window=window,
    )
