"""The target's tables, read with SQLAlchemy, whatever database they are in; nothing is written.

Days may come as dates, instants or texts, amounts as decimals, floats or texts, lists as JSON text
or objects: each loader has its own way.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tap_meta_partner.onboarding.database import CannotRead, Database
from tap_meta_partner.onboarding.report.held import (
    NOTHING,
    Campaign,
    Client,
    Extent,
    Held,
    LastNight,
    Placement,
    Week,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DAY = dt.timedelta(days=1)
#: Days that a comparison of 28 with 28 before them looks back, today and a slow account included.
DAYS = 63
_MONTH_DAYS, _WEEKS_DAYS = 28, 14
#: Every purchase once, wherever it happened; the others are among it.
_PURCHASE = "omni_purchase"
_DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Where to look, and for whom; no account is all of them."""

    address: str
    schema: str
    account_ids: tuple[str, ...] = ()


def held_in(question: Question) -> Held:
    """Read all that the page shows.

    Raises:
        CannotRead: the database cannot be read, or has no insights of these accounts.
    """
    database = Database(question.address)
    try:
        with database.connection() as connection:
            return _Tables(connection, question).held(str(database))
    finally:
        database.close()


class _Tables:
    """One connection, and what is there in its schema."""

    def __init__(self, connection: sa.Connection, question: Question) -> None:
        self._connection = connection
        self._schema = question.schema or None
        self._account_ids = question.account_ids
        self._inspector = sa.inspect(connection)

    def held(self, where: str) -> Held:
        newest = self._newest(where)
        clients = self._clients(newest)
        if not clients:
            raise CannotRead(
                f"{where} has no row of these accounts since {newest - DAYS * _DAY}: name others "
                "with --account"
            )
        runs = self._table("account_sync_status")
        if runs is not None:
            self._extend(clients, runs)
        return Held(
            clients=clients,
            newest=newest,
            campaigns=self._campaigns(),
            weeks=self._weeks(),
            placements=self._placements(),
            last_night=None if runs is None else self._last_night(runs),
        )

    def _newest(self, where: str) -> dt.date:
        days = self._table("account_insights")
        if days is None:
            raise CannotRead(
                f"the table account_insights is not in {self._schema or 'the default schema'} of "
                f"{where}: name its schema with --schema"
            )
        newest = self._newest_of(days)
        if newest is None:
            raise CannotRead(f"the table account_insights of {where} is empty: run the tap first")
        return newest

    def _clients(self, newest: dt.date) -> dict[str, Client]:
        days = self._table("account_insights")
        assert days is not None  # noqa: S101  (looked for just before)
        names = ("account_id", "account_name", "account_currency", "date_start", "spend")
        clients: dict[str, Client] = {}
        for account_id, name, currency, date, spend, is_final in self._rows(
            days, (*names, "is_final"), since=newest - DAYS * _DAY
        ):
            client = clients.setdefault(
                str(account_id),
                Client(account_id=str(account_id), name=_text(name), currency=_text(currency)),
            )
            day = _day(date)
            client.spend[day] = client.spend.get(day, NOTHING) + _amount(spend)
            if is_final is not None and not is_final:
                client.open_days.add(day)
        return clients

    def _extend(self, clients: dict[str, Client], runs: sa.TableClause) -> None:
        """Say of each client which days were read."""
        c = runs.c
        statement = (
            sa.select(c.account_id, sa.func.min(c.covered_from), sa.func.max(c.covered_to))
            .where(c.stream == "account_insights")
            .group_by(c.account_id)
        )
        for account_id, since, until in self._connection.execute(statement):
            client = clients.get(str(account_id))
            if client is not None and since is not None and until is not None:
                # The last day that was read was not over.
                client.extent = Extent(since=_day(since), up_to=_day(until) - _DAY)

    def _campaigns(self) -> list[Campaign] | None:
        table = self._table("campaign_insights")
        newest = None if table is None else self._newest_of(table)
        if table is None or newest is None:
            return None
        names = ("account_name", "campaign_name", "account_currency", "campaign_id")
        found: dict[tuple[str, ...], Campaign] = {}
        for row in self._rows(
            table,
            (*names, "spend", "actions", "action_values"),
            since=newest - (_MONTH_DAYS - 1) * _DAY,
        ):
            client, name, currency, campaign_id = map(_text, row[:4])
            campaign = found.setdefault(
                (client, name, currency, campaign_id),
                Campaign(client=client, name=name, currency=currency),
            )
            campaign.spend += _amount(row[4])
            campaign.purchases = _plus(campaign.purchases, _bought(row[5]))
            campaign.worth = _plus(campaign.worth, _bought(row[6]))
        return list(found.values())

    def _weeks(self) -> list[Week] | None:
        table = self._table("weekly_reach")
        newest = None if table is None else self._newest_of(table)
        if table is None or newest is None:
            return None
        names = ("account_id", "account_name", "date_start", "date_stop")
        numbers = ("impressions", "reach", "frequency")
        weeks = [
            Week(
                account_id=_text(account_id),
                client=_text(name),
                monday=_day(start),
                days=(_day(stop) - _day(start)).days + 1,
                impressions=int(_amount(impressions)),
                reach=int(_amount(reach)),
                frequency=_amount(frequency),
            )
            for account_id, name, start, stop, impressions, reach, frequency in self._rows(
                table, (*names, *numbers), since=newest - _WEEKS_DAYS * _DAY
            )
        ]
        return sorted(weeks, key=lambda week: (week.account_id, week.monday))

    def _placements(self) -> list[Placement] | None:
        table = self._table("by_placement")
        newest = None if table is None else self._newest_of(table)
        if table is None or newest is None:
            return None
        c = table.c
        groups = [c.account_currency, c.publisher_platform, c.platform_position]
        sums = [sa.func.sum(each) for each in (c.spend, c.impressions, c.clicks)]
        since = newest - (_MONTH_DAYS - 1) * _DAY
        statement = self._narrowed(sa.select(*groups, *sums), table, since).group_by(*groups)
        return [
            Placement(
                currency=_text(currency),
                platform=_text(platform),
                position=_text(position),
                spend=_amount(spend),
                impressions=int(_amount(impressions)),
                clicks=int(_amount(clicks)),
            )
            for currency, platform, position, spend, impressions, clicks in (
                self._connection.execute(statement)
            )
        ]

    def _last_night(self, runs: sa.TableClause) -> list[LastNight]:
        c = runs.c
        last = sa.select(sa.func.max(c.run_started_at)).scalar_subquery()
        statement = sa.select(c.account_id, c.account_name, c.result, c.reason).where(
            c.run_started_at == last
        )
        if self._account_ids:
            statement = statement.where(c.account_id.in_(self._account_ids))
        found: dict[str, LastNight] = {}
        for account_id, name, result, reason in self._connection.execute(
            statement.order_by(c.account_id, c.stream)
        ):
            night = LastNight(
                account_id=str(account_id),
                client=_text(name) or str(account_id),
                result=_text(result),
                reason=_text(reason),
            )
            known = found.setdefault(night.account_id, night)
            if known.result == _DELIVERED != night.result:
                found[night.account_id] = night
        return list(found.values())

    def _table(self, name: str) -> sa.TableClause | None:
        if not self._inspector.has_table(name, schema=self._schema):
            return None
        columns = self._inspector.get_columns(name, schema=self._schema)
        return sa.table(
            name, *(sa.column(each["name"], each["type"]) for each in columns), schema=self._schema
        )

    def _newest_of(self, table: sa.TableClause) -> dt.date | None:
        statement = self._of_accounts(sa.select(sa.func.max(table.c.date_start)), table)
        value = self._connection.execute(statement).scalar()
        return None if value is None else _day(value)

    def _rows(
        self, table: sa.TableClause, names: Sequence[str], *, since: dt.date
    ) -> Iterator[Sequence[Any]]:
        """Yield rows from a day on; a column that was deselected is null."""
        columns = [table.c[name] if name in table.c else sa.null() for name in names]
        yield from self._connection.execute(self._narrowed(sa.select(*columns), table, since))

    def _narrowed(
        self, statement: sa.Select[Any], table: sa.TableClause, since: dt.date
    ) -> sa.Select[Any]:
        column = table.c.date_start
        first: Any = since if isinstance(column.type, sa.Date) else since.isoformat()
        if isinstance(column.type, sa.DateTime):
            first = dt.datetime.combine(since, dt.time.min)
        return self._of_accounts(statement.where(column >= first), table)

    def _of_accounts(self, statement: sa.Select[Any], table: sa.TableClause) -> sa.Select[Any]:
        if not self._account_ids:
            return statement
        return statement.where(table.c.account_id.in_(self._account_ids))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _day(value: object) -> dt.date:
    return dt.date.fromisoformat(str(value)[:10])


def _amount(value: object) -> Decimal:
    """Take an amount as it came: exactly, where the database keeps it so."""
    try:
        return NOTHING if value is None else Decimal(str(value))
    except InvalidOperation:
        return NOTHING


def _plus(known: Decimal | None, amount: Decimal | None) -> Decimal | None:
    return known if amount is None else (known or NOTHING) + amount


def _bought(actions: object) -> Decimal | None:
    """Return the purchases in an action list, None where it has none."""
    if isinstance(actions, (str, bytes)):
        try:
            actions = json.loads(actions, parse_float=Decimal)
        except ValueError:
            return None
    for each in actions if isinstance(actions, list) else ():
        if isinstance(each, dict) and each.get("action_type") == _PURCHASE:
            return _amount(each.get("value"))
    return None
