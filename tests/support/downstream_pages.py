"""What docs/downstream shows: `uv run python -m tests.support.downstream_pages`.

It takes two minutes: a sandbox, two runs of Meltano and a PostgreSQL server.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.support.downstream_chart import Panel, drawn
from tests.support.downstream_nights import DASHBOARD, FOLDER, two_nights

if TYPE_CHECKING:
    import psycopg

CHART = FOLDER / "spend.svg"
_ANSWERED = re.compile(
    r"(```sql\n(?P<query>.*?)```\n\n<!-- result -->\n)(?P<shown>.*?)(<!-- /result -->)", re.DOTALL
)
_DAYS = 56
_SPEND = """
select account_id, account_name, account_currency, date_start, spend, is_final
from tap_meta_partner.account_insights
where date_start > %s and date_start <= %s
order by account_id, date_start
"""


def queries(page: str) -> list[tuple[str, str]]:
    """Return the queries of a page, each with the answer it shows."""
    return [(match["query"], match["shown"]) for match in _ANSWERED.finditer(page)]


def answer(connection: psycopg.Connection, query: str) -> str:
    """Ask the database; return the rows as a table for a page."""
    cursor = connection.execute(query.encode())
    rows = cursor.fetchall()
    names = [column.name for column in cursor.description or ()]
    numbers = [
        any(isinstance(row[position], (int, Decimal)) for row in rows)
        for position in range(len(names))
    ]
    lines = [
        names,
        ["---:" if number else "---" for number in numbers],
        *([_shown(value) for value in row] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def chart(connection: psycopg.Connection) -> str:
    """Draw what each client spent on each day."""
    ((newest,),) = connection.execute(
        "select max(date_start) from tap_meta_partner.account_insights"
    ).fetchall()
    since = newest - dt.timedelta(days=_DAYS)
    panels: dict[str, Panel] = {}
    # Today is not over yet.
    until = newest - dt.timedelta(days=1)
    for account_id, name, currency, day, spend, is_final in connection.execute(
        _SPEND, (since - dt.timedelta(days=1), until)
    ):
        panel = panels.setdefault(account_id, Panel(name, currency, since, until))
        panel.spend[day] = spend
        if not is_final:
            panel.open_days.add(day)
    return drawn(list(panels.values()))


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (int, Decimal)):
        return f"{value:,}"
    return str(value)


def main() -> None:
    """Write every answer and the chart anew."""
    page = DASHBOARD.read_text(encoding="utf-8")
    with two_nights() as nights:
        page = _ANSWERED.sub(
            lambda match: match[1] + answer(nights.connection, match["query"]) + match[4], page
        )
        CHART.write_text(chart(nights.connection), encoding="utf-8")
    DASHBOARD.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
