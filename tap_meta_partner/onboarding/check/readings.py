"""What a check reads of ad accounts: who may do what, and whether their insights can be read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import UNASSIGNED
from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import MetaError, TooMuchData
from tap_meta_partner.graph.pages import Collected, read_pages
from tap_meta_partner.graph.values import spend_of
from tap_meta_partner.onboarding.check import judgement
from tap_meta_partner.onboarding.check.findings import AccountFacts
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.request import ReportRequest
from tap_meta_partner.settings.model import ReportDefinition
from tap_meta_partner.settings.words import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.graph.steps import Jitter, Steps
    from tap_meta_partner.reports.request import Reporting
    from tap_meta_partner.settings.model import AccessToken

#: A very large account is asked for fewer days rather than not at all.
_LOOK_BACK_DAYS = (90, 7, 1)


_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reading brought: the last day with spend (None: none in 90 days), or an error."""

    last_day: dt.date | None = None
    refused: MetaError | None = None


def read_tasks(token: int, jitter: Jitter) -> Steps[dict[str, tuple[str, ...]]]:
    """Ask what a token's user may do in each account; none where Meta does not tell.

    Args:
        token: which of the settings' tokens, counted from 0.
        jitter: see `steps.ask`.
    """
    call = Call(path="me/adaccounts", params={"fields": "account_id,user_tasks"}, token=token)
    found = Collected()
    try:
        yield from read_pages(call, found, jitter, sizes=(_PAGE,))
    except MetaError:
        return {}
    return {
        str(raw.get("account_id")): tuple(map(str, raw["user_tasks"]))
        for raw in found.rows
        if isinstance(raw.get("user_tasks"), list)
    }


def account_facts(
    account: AdAccount,
    reading: Reading | None,
    *,
    tasks: tuple[str, ...] | None,
    tokens: Sequence[AccessToken],
) -> AccountFacts:
    """Put together what is known of an account.

    Args:
        account: as it was listed.
        reading: what came of reading it; None where it was not read.
        tasks: what the token's user may do there, where Meta tells.
        tokens: the settings'.
    """
    unassigned = account.access == UNASSIGNED
    readable, reason = None, None
    if unassigned:
        readable, reason = False, judgement.UNASSIGNED
    elif reading is not None:
        readable = reading.refused is None
        reason = reading.refused.reason if reading.refused else None
    return AccountFacts(
        account_id=account.account_id,
        name=account.name,
        status=account.status_name,
        currency=account.currency,
        timezone_name=account.timezone_name,
        access=account.access,
        tasks=tasks,
        readable=readable,
        reason=reason,
        last_day_with_spend=reading.last_day if reading else None,
        token=None if unassigned else tokens[account.token].label,
    )


def read_spending(account: AdAccount, today: dt.date, reporting: Reporting) -> Steps[Reading]:
    """Ask on which days an account spent: on a small scale, what the tap will ask."""
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
