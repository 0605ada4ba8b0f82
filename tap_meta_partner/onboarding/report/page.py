"""The page itself: one file, for a screen, the dark and paper; nothing is loaded from elsewhere."""

from __future__ import annotations

import datetime as dt
import html
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from tap_meta_partner.onboarding.report import charts
from tap_meta_partner.onboarding.report.answers import answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_meta_partner.onboarding.report.answers import Answer, Cell
    from tap_meta_partner.onboarding.report.held import Client, Held

#: Of a thousand clients nobody reads a thousand charts: those that spend most in their currency.
MOST_CHARTS = 24
MOST_ROWS = 200
_DAY = dt.timedelta(days=1)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root {{ color-scheme: light dark; --ink: #1c2b33; --paper: #fff; --faint: #d5dbe0; --soft: #5b6770;
--day: #8fa3b3; --mean: #1558b0; }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ --ink: #e4e6eb; --paper: #18191a;
--faint: #3a3d40; --soft: #a6acb2; --day: #7d8c98; --mean: #6cb0ff; }} }}
body {{ font: 1rem/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
max-width: 60rem; margin: 3rem auto; padding: 0 1.25rem }}
h1 {{ font-size: 1.7rem; margin: 0 }} h2 {{ font-size: 1.25rem; margin: 2.5rem 0 .25rem }}
p {{ color: var(--soft); margin: .25rem 0 .75rem }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--faint);
vertical-align: top }}
th {{ font-weight: 600; white-space: nowrap }} .number {{ text-align: right; white-space: nowrap }}
figure {{ margin: 1rem 0; break-inside: avoid }} svg {{ max-width: 100%; height: auto }}
tr, h2 {{ break-inside: avoid; break-after: avoid-page }}
@media print {{ body {{ margin: 0; max-width: none; font-size: .8rem }}
.wide {{ overflow: visible }} }}
</style></head><body>
<h1>{title}</h1><p>{about}</p>
{parts}
</body></html>
"""


def page(held: Held) -> str:
    """Make the page of what a target holds."""
    first, *others = answers(held)
    parts = [_answer(first, _spend_charts(held))]
    parts += [_answer(each, _placement_charts(each)) for each in others]
    return _PAGE.format(
        title="Meta ads: spend, results and delivery",
        about=html.escape(
            f"{_count(len(held.clients))}, data up to {held.newest}. "
            "Each client's amounts are in its own currency."
        ),
        parts="\n".join(parts),
    )


def _count(accounts: int) -> str:
    return "1 ad account" if accounts == 1 else f"{accounts:,} ad accounts"


def _answer(answer: Answer, drawn: Sequence[str]) -> str:
    head = f"<h2>{html.escape(answer.question)}</h2>"
    if answer.rows is None:
        return f"{head}<p>Not there: {html.escape(answer.needs)} was not loaded.</p>"
    if not answer.rows:
        return f"{head}<p>{html.escape(answer.note)} There is nothing to show.</p>"
    figures = "".join(f"<figure>{each}</figure>" for each in drawn)
    return f"{head}<p>{html.escape(answer.note)}</p>{_table(answer)}{figures}"


def _table(answer: Answer) -> str:
    rows = list(answer.rows or ())
    numbers = [
        any(isinstance(row[place], (int, Decimal)) for row in rows)
        for place in range(len(answer.columns))
    ]
    head = "".join(
        f"<th{_class(number=number)}>{html.escape(name)}</th>"
        for name, number in zip(answer.columns, numbers, strict=True)
    )
    lines = [
        "<tr>"
        + "".join(
            f"<td{_class(number=number)}>{html.escape(shown(value))}</td>"
            for value, number in zip(row, numbers, strict=True)
        )
        + "</tr>"
        for row in rows[:MOST_ROWS]
    ]
    more = len(rows) - MOST_ROWS
    rest = f"<p>… and {more:,} more: name the accounts with --account.</p>" if more > 0 else ""
    body = "\n".join(lines)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>{rest}"
    )


def _class(*, number: bool) -> str:
    return ' class="number"' if number else ""


def shown(value: Cell) -> str:
    """Write a value as a reader expects it."""
    if value is None:
        return ""
    if isinstance(value, (int, Decimal)):
        return f"{value:,}"
    return str(value)


def _spend_charts(held: Held) -> list[str]:
    since, until = min(min(each.spend) for each in held.clients.values()), held.newest - _DAY
    chosen = sorted(_by_spend(list(held.clients.values())))[:MOST_CHARTS]
    return [
        charts.spend_by_day(client, number, since, until)
        for number, (_, _, client) in enumerate(sorted(chosen, key=lambda each: each[1]))
    ]


def _by_spend(clients: Sequence[Client]) -> Iterator[tuple[int, int, Client]]:
    """Yield each with spend: its rank in its currency, its place on the page, and itself."""
    ordered = sorted(
        clients, key=lambda each: (each.currency, -sum(each.spend.values()), each.account_id)
    )
    place = 0
    for _, same in groupby(ordered, key=lambda each: each.currency):
        for rank, client in enumerate(same):
            if any(client.spend.values()):
                yield rank, place, client
                place += 1


def _placement_charts(answer: Answer) -> list[str]:
    if "platform" not in answer.columns or not answer.rows:
        return []
    found = []
    for number, (currency, rows) in enumerate(groupby(answer.rows, key=lambda row: row[0])):
        shares = [
            (f"{row[1]}, {row[2]}", row[4] if isinstance(row[4], Decimal) else None) for row in rows
        ]
        found.append(charts.share_by_placement(str(currency), shares, number))
    return found
