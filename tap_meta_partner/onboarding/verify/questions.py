"""What `verify` asks Meta: an account's own totals, without increment and by day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import ALL_DAYS
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.graph.values import date_of, maybe, number_of
from tap_meta_partner.onboarding.verify.amounts import ACTIONS, NOTHING, Told
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.request import ReportRequest
from tap_meta_partner.settings.model import ReportDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal
    from typing import Any

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.onboarding.verify.amounts import Amounts
    from tap_meta_partner.reports.request import Reporting


def ask_account(
    account_id: str,
    window: DateWindow,
    metrics: Sequence[str],
    windows: tuple[str, ...],
    reporting: Reporting,
) -> Steps[Told]:
    """Ask for one account's totals, twice: over all days, and day by day.

    Args:
        account_id: digits.
        window: the days.
        metrics: what is compared.
        windows: the attribution windows of the settings, so that the same is asked.
        reporting: see `reports/request.py`.
    """
    days, whole = _Days(metrics), _Days(metrics)
    try:
        for increment, sink in ((ALL_DAYS, whole), (1, days)):
            request = _request(account_id, "account", window, metrics, windows, increment)
            yield from read_report(request, sink, Pace(), reporting)
    except MetaError as error:
        return Told(refused=error)
    return Told(total=whole.total, days=days.days, attribution=frozenset(days.attribution))


def ask_level(
    account_id: str,
    level: str,
    window: DateWindow,
    metrics: Sequence[str],
    reporting: Reporting,
) -> Steps[Told]:
    """Ask for the rows of a level below the account, added up by day."""
    days = _Days(metrics)
    request = _request(account_id, level, window, metrics, (), 1)
    try:
        yield from read_report(request, days, Pace(), reporting)
    except MetaError as error:
        return Told(refused=error)
    return Told(total=days.total, days=days.days)


def action_amount(entries: object, action_type: str) -> Decimal | None:
    """Return the `value` of an action type in a list of Meta's; None where it has none."""
    if not isinstance(entries, list):
        return None
    found = [
        maybe(number_of, entry.get("value"))
        for entry in entries
        if isinstance(entry, dict) and entry.get("action_type") == action_type
    ]
    values = [value for value in found if value is not None]
    return sum(values, NOTHING) if values else None


def _request(  # noqa: PLR0913, PLR0917  (what a report is asked with)
    account_id: str,
    level: str,
    window: DateWindow,
    metrics: Sequence[str],
    windows: tuple[str, ...],
    increment: int | str,
) -> ReportRequest:
    fields = [metric for metric in metrics if not metric.startswith(ACTIONS)]
    if len(fields) < len(metrics):
        fields += ["actions", "attribution_setting"]
    return ReportRequest(
        definition=ReportDefinition(
            name="verify", level=level, action_attribution_windows=windows, time_increment=increment
        ),
        fields=tuple(fields),
        account_id=account_id,
        window=window,
    )


class _Days:
    """A sink that adds rows up by day."""

    def __init__(self, metrics: Sequence[str]) -> None:
        self._metrics = metrics
        self.attribution: set[str] = set()
        self._days: defaultdict[dt.date, dict[str, Decimal]] = defaultdict(dict)

    @property
    def days(self) -> Mapping[dt.date, Amounts]:
        return dict(self._days)

    @property
    def total(self) -> Amounts:
        return {
            metric: sum((day.get(metric, NOTHING) for day in self._days.values()), NOTHING)
            for metric in self._metrics
        }

    def begin(self, part: str = "") -> None:  # noqa: ARG002
        self._days.clear()

    def page(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            date = maybe(date_of, row.get("date_start"))
            if date is None:
                continue
            day = self._days[dt.date.fromisoformat(date)]
            for metric in self._metrics:
                day[metric] = day.get(metric, NOTHING) + (_amount(row, metric) or NOTHING)
            if isinstance(row.get("attribution_setting"), str):
                self.attribution.add(row["attribution_setting"])


def _amount(row: Mapping[str, Any], metric: str) -> Decimal | None:
    if metric.startswith(ACTIONS):
        return action_amount(row.get("actions"), metric.removeprefix(ACTIONS))
    return maybe(number_of, row.get(metric))
