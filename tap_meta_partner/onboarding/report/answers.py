"""The five questions of the first dashboard, answered from rows; no database, no page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from tap_meta_partner.onboarding.report.held import NOTHING, Extent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_meta_partner.onboarding.report.held import (
        Campaign,
        Client,
        Held,
        LastNight,
        Placement,
        Week,
    )

Cell = str | int | Decimal | dt.date | None
_DAY = dt.timedelta(days=1)
_WEEK, _MONTH = 7, 28
_CENTS, _TENTHS, _WHOLE = Decimal("0.01"), Decimal("0.1"), Decimal(1)
_MOST_CAMPAIGNS = 10
_HUNDRED, _THOUSAND = 100, 1000
_DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question and its answer.

    Attributes:
        columns: names of what is in each row.
        rows: the answer; None where the table for it is not there, and then `needs` says which.
    """

    question: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]] | None
    needs: str


def answers(held: Held) -> list[Answer]:
    """Answer all five."""
    clients = held.clients.values()
    return [
        Answer(
            question="What did each client spend, and is that more than before?",
            note="The last 7 and 28 full days, beside as many before them.",
            columns=(
                *("client", "currency", "up to", "spend 7", "change % 7"),
                *("spend 28", "change % 28"),
            ),
            rows=spends(clients, held.newest),
            needs="account_insights",
        ),
        Answer(
            question="What does a purchase cost, and what comes back?",
            note="By campaign, the last 28 days; every purchase once, wherever it happened. ROAS "
            "(return on ad spend) is what they are worth by what was spent.",
            columns=(
                *("client", "campaign", "currency", "spend", "purchases"),
                *("cost each", "ROAS"),
            ),
            rows=None if held.campaigns is None else purchases(held.campaigns),
            needs="campaign_insights with the fields actions and action_values",
        ),
        Answer(
            question="How many people saw the ads each week, and how often?",
            note="People are counted once a week. The week under way has fewer days.",
            columns=("client", "Monday", "days", "impressions", "reach", "frequency"),
            rows=None if held.weeks is None else reached(held.weeks),
            needs="the report weekly_reach",
        ),
        Answer(
            question="Where do the ads run, and what does it cost there?",
            note="The last 28 days. Amounts of several currencies are never added up.",
            columns=("currency", "platform", "position", "spend", "percent", "CPM", "CTR %"),
            rows=None if held.placements is None else placed(held.placements),
            needs="the report by_placement",
        ),
        Answer(
            question="Who was not delivered last night, and what may still change?",
            note="Meta corrects its numbers for 28 days.",
            columns=(
                *("client", "result", "data up to", "days not final"),
                *("spend not final", "reason"),
            ),
            rows=None
            if held.last_night is None
            else delivered(held.last_night, {each.account_id: each for each in clients}),
            needs="account_sync_status",
        ),
    ]


def spends(clients: Iterable[Client], newest: dt.date) -> list[tuple[Cell, ...]]:
    """Compare 7 and 28 days with those before them, where all of those were read."""
    rows = []
    for client in clients:
        extent = client.extent or Extent(since=min(client.spend), up_to=newest - _DAY)
        week, month = _sum(client, extent, 0, _WEEK), _sum(client, extent, 0, _MONTH)
        row = (
            client.name,
            client.currency,
            extent.up_to,
            _rounded(week, _CENTS),
            _change(week, _before(client, extent, _WEEK)),
            _rounded(month, _CENTS),
            _change(month, _before(client, extent, _MONTH)),
        )
        rows.append(((client.currency, -month, client.name), row))
    return [row for _, row in sorted(rows, key=lambda each: each[0])]


def purchases(campaigns: Iterable[Campaign]) -> list[tuple[Cell, ...]]:
    """Name the ten campaigns that give most back."""
    found = []
    for each in campaigns:
        if not each.purchases:
            continue
        back = each.worth / each.spend if each.worth is not None and each.spend else None
        row = (
            each.client,
            each.name,
            each.currency,
            _rounded(each.spend, _CENTS),
            _rounded(each.purchases, _WHOLE),
            _rounded(each.spend / each.purchases, _CENTS),
            None if back is None else _rounded(back, _CENTS),
        )
        found.append((back is None, -(back or NOTHING), row))
    found.sort(key=lambda each: each[:2])
    return [row for *_, row in found[:_MOST_CAMPAIGNS]]


def reached(weeks: Iterable[Week]) -> list[tuple[Cell, ...]]:
    """List the weeks of each account, oldest first."""
    return [
        (
            week.client,
            week.monday,
            week.days,
            week.impressions,
            week.reach,
            _rounded(week.frequency, _CENTS),
        )
        for week in weeks
    ]


def placed(placements: Iterable[Placement]) -> list[tuple[Cell, ...]]:
    """Share out each currency's spend by place, most expensive first."""
    ordered = sorted(placements, key=lambda each: (each.currency, -each.spend))
    sums: dict[str, Decimal] = {}
    for each in ordered:
        sums[each.currency] = sums.get(each.currency, NOTHING) + each.spend
    return [
        (
            each.currency,
            each.platform,
            each.position,
            _rounded(each.spend, _CENTS),
            _ratio(_HUNDRED * each.spend, sums[each.currency], _TENTHS),
            _ratio(_THOUSAND * each.spend, each.impressions, _CENTS),
            _ratio(Decimal(_HUNDRED * each.clicks), each.impressions, _CENTS),
        )
        for each in ordered
    ]


def delivered(nights: Iterable[LastNight], clients: dict[str, Client]) -> list[tuple[Cell, ...]]:
    """Say what became of each account, those in trouble first."""
    rows: list[tuple[Cell, ...]] = []
    for night in sorted(nights, key=lambda each: (each.result == _DELIVERED, each.account_id)):
        client = clients.get(night.account_id)
        days = sorted(client.spend) if client else []
        open_days = client.open_days if client else set()
        spend = sum((client.spend[day] for day in open_days), NOTHING) if client else NOTHING
        rows.append(
            (
                client.name if client else night.client,
                night.result,
                days[-1] if days else None,
                len(open_days) if days else None,
                _rounded(spend, _CENTS) if days else None,
                night.reason.partition(":")[0],
            )
        )
    return rows


def _sum(client: Client, extent: Extent, skipped: int, days: int) -> Decimal:
    """Add up so many days, the last of them `skipped` days before the last full one."""
    until = extent.up_to - skipped * _DAY
    since = until - (days - 1) * _DAY
    return sum((each for day, each in client.spend.items() if since <= day <= until), NOTHING)


def _before(client: Client, extent: Extent, days: int) -> Decimal | None:
    if extent.since > extent.up_to - (2 * days - 1) * _DAY:
        return None
    return _sum(client, extent, days, days)


def _change(now: Decimal, before: Decimal | None) -> Decimal | None:
    return _rounded(_HUNDRED * (now / before - 1), _WHOLE) if before else None


def _ratio(amount: Decimal, of: Decimal | int, unit: Decimal) -> Decimal | None:
    return _rounded(amount / of, unit) if of else None


def _rounded(amount: Decimal, unit: Decimal) -> Decimal:
    """Round as databases do, halves away from zero."""
    return amount.quantize(unit, ROUND_HALF_UP)
