"""One insights stream, as a run reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.insights import breakdowns
from tap_meta_partner.settings.words import LEVELS

if TYPE_CHECKING:
    from tap_meta_partner.insights.columns import Column
    from tap_meta_partner.settings.model import ReportDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightsPlan:
    """One insights stream, as this run reads it.

    Attributes:
        columns: those read, keys included.
        hidden: those of them that the report's own rows do not show.
        name: the stream whose bookmark it moves: the report's, or that of its action rows where
            only these are wanted.
        rows_to: the stream its rows go to, or None.
        actions_to: the stream its action rows go to, or None.
        action_columns: those selected of the action rows.
        mapped: what the user lets become of the rows on their way to the target, as a text.
    """

    definition: ReportDefinition
    columns: tuple[Column, ...]
    hidden: frozenset[str] = frozenset()
    rows_to: str | None
    actions_to: str | None = None
    action_columns: frozenset[str] = frozenset()
    mapped: str = ""

    @property
    def makes_rows(self) -> tuple[object, ...]:
        """What of the plan decides how an answer becomes rows, as plain values."""
        return (
            [(column.name, column.kind.value) for column in self.columns],
            sorted(self.hidden),
            self.rows_to,
            self.actions_to,
            sorted(self.action_columns),
            self.mapped,
        )

    @property
    def name(self) -> str:
        """The stream whose bookmark the plan moves."""
        return self.rows_to or self.actions_to or self.definition.name

    @property
    def turn(self) -> tuple[int, int]:
        """When it is read: the account level first, as it tells which days are idle."""
        return 0, LEVELS.index(self.definition.level)

    @property
    def keeps_bookmark(self) -> bool:
        """Whether its bookmark tells how old its rows are; a report read in full has none."""
        return not self.definition.reads_in_full

    @property
    def why_empty(self) -> str | None:
        """Why it may bring no row despite delivery; None when nothing explains it."""
        return breakdowns.why_empty(self.definition)
