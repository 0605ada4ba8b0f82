"""What a target holds, read with SQLAlchemy: of each table one question, added up by the database.

Nothing is written. Columns are taken as they are found: a deselected one is simply not there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from tap_meta_partner.onboarding.database import CannotRead, Database
from tap_meta_partner.onboarding.verify.amounts import HeldStream
from tap_meta_partner.onboarding.verify.sums import (
    Found,
    columns_of_metrics,
    statuses_in,
    streams_in,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.onboarding.verify.amounts import Status
    from tap_meta_partner.settings.model import ReportDefinition

_STATUS = "account_sync_status"
#: Views that hold a stream under other names (docs/downstream): the view's, and its columns'.
_VIEWS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "ad_insights": ("basic_ad", {"date": "date_start", "_fivetran_synced": "read_at"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a target holds.

    Attributes:
        empty: for each table, a stream without rows: what it has columns for.
        held: by account and stream.
        statuses: by account and stream, the last word on it.
    """

    empty: Sequence[HeldStream]
    held: Mapping[str, Mapping[str, HeldStream]]
    statuses: Mapping[tuple[str, str], Status]

    def of(self, account_id: str) -> list[HeldStream]:
        """Return all streams of an account, those without a row of it too."""
        held = self.held.get(account_id, {})
        return [
            replace(
                held.get(each.stream, each), status=self.statuses.get((account_id, each.stream))
            )
            for each in self.empty
        ]


class Target:
    """The tables of a target.

    Args:
        address: of the database, as SQLAlchemy writes it.
        schema: where the tables are; empty for the database's own default.

    Raises:
        CannotRead: the address is none, or a package for it is missing.
    """

    def __init__(self, address: str, schema: str) -> None:
        self._database = Database(address)
        self._schema = schema or None

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __str__(self) -> str:
        return str(self._database)

    def read(
        self, definitions: Sequence[ReportDefinition], window: DateWindow, metrics: Sequence[str]
    ) -> Holdings:
        """Read all streams that have a table.

        Args:
            definitions: those to be compared; one without a table is left out.
            window: the days.
            metrics: what is compared.

        Raises:
            CannotRead: no table is there, or the database refuses.
        """
        with self._database.connection() as connection:
            inspector = sa.inspect(connection)
            there = {
                definition.name: table
                for definition in definitions
                if (table := self._table_or_view(inspector, definition.name)) is not None
            }
            if not there:
                raise CannotRead(
                    f"none of the tables {', '.join(each.name for each in definitions)} is in "
                    f"{self._schema or 'the default schema'} of {self}: name theirs with --schema"
                )
            statuses = {}
            if inspector.has_table(_STATUS, schema=self._schema):
                statuses = statuses_in(connection, self._found(inspector, _STATUS))
            empty = []
            held: defaultdict[str, dict[str, HeldStream]] = defaultdict(dict)
            for definition in definitions:
                if definition.name not in there:
                    continue
                table = there[definition.name]
                empty.append(
                    HeldStream(
                        stream=definition.name,
                        level=definition.level,
                        metrics=columns_of_metrics(frozenset(table.columns), metrics),
                    )
                )
                found = streams_in(connection, definition, table, window, metrics)
                for account_id, stream in found:
                    held[account_id][stream.stream] = stream
        return Holdings(empty=empty, held=held, statuses=statuses)

    def _table_or_view(self, inspector: sa.Inspector, stream: str) -> Found | None:
        if inspector.has_table(stream, schema=self._schema):
            return self._found(inspector, stream)
        view, renamed = _VIEWS.get(stream, ("", {}))
        if not view or not inspector.has_table(view, schema=self._schema):
            return None
        found = self._found(inspector, view)
        columns = {renamed.get(name, name): kind for name, kind in found.columns.items()}
        if not {"account_id", "date_start"} <= set(columns):
            return None
        labelled = [each.label(renamed.get(each.key, each.key)) for each in found.table.c]
        return Found(table=sa.select(*labelled).subquery(view), columns=columns)

    def _found(self, inspector: sa.Inspector, name: str) -> Found:
        columns = {
            each["name"]: each["type"] for each in inspector.get_columns(name, schema=self._schema)
        }
        table = sa.table(name, *map(sa.column, columns), schema=self._schema)
        return Found(table=table, columns=columns)
