"""What is asked about a dimension, and what all accounts of a run share in asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.dimensions.bookmarks import LONGEST_WINDOW
from tap_meta_partner.dimensions.deleted import DeletedListing
from tap_meta_partner.dimensions.tables import DIMENSIONS, history_of
from tap_meta_partner.graph.refused_fields import RefusedFields

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable
    from typing import Any

    from tap_meta_partner.dimensions.columns import DimensionColumn
    from tap_meta_partner.dimensions.dimension import Dimension
    from tap_meta_partner.graph.steps import Jitter


@dataclass(slots=True)
class Unavailable:
    """What Meta refuses about dimensions; it is not asked again in this run.

    Attributes:
        fields: entries of `fields`, by stream: Meta withdraws some from single accounts.
        deleted: in which ways deleted objects are not listed.
        searched: streams and accounts whose fields were searched for one that spoils the answer.
    """

    fields: dict[str, RefusedFields] = field(
        default_factory=lambda: {name: RefusedFields(name) for name in DIMENSIONS}
    )
    deleted: DeletedListing = field(default_factory=DeletedListing)
    searched: set[tuple[str, str]] = field(default_factory=set)


@dataclass(slots=True)
class StatusesAbove:
    """What this run has read of one ad account's dimensions, for those that are read after them.

    Attributes:
        by_stream: the statuses of campaigns and ad sets, as far as read in full, so that ads need
            not ask for what has just been read.
        in_full: the streams of which every object was asked for: their rows name all there is to
            be named.
    """

    by_stream: dict[str, dict[str, str]] = field(default_factory=dict)
    in_full: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionRequest:
    """What we want: one dimension of one ad account.

    Attributes:
        columns: those selected, key included.
        currency: the account's.
        statuses: `effective_status` wanted; all where empty.
        start: where what happened is read from, of which nothing has been read; UTC.
        rest: where this run goes on with what happened, of which it has read some; UTC.
        longest: how much of what happened Meta gives at a time.
    """

    dimension: Dimension
    columns: tuple[DimensionColumn, ...]
    account_id: str
    currency: str | None = None
    statuses: tuple[str, ...] = ()
    start: dt.datetime | None = None
    rest: dt.datetime | None = None
    longest: dt.timedelta = LONGEST_WINDOW

    def __str__(self) -> str:
        return f"{self.dimension.name}, account {self.account_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionReading:
    """How dimensions are read in this run.

    Attributes:
        jitter: returns a number from 0 to 1.
        utc_now: the present moment, for `read_at`.
        on_page: takes a dimension's name and a page of its records; what it returns is yielded to
            whoever drives the steps.
        unavailable: what is not asked for (again) in this run.
    """

    jitter: Jitter
    utc_now: Callable[[], dt.datetime]
    on_page: Callable[[str, list[dict[str, Any]]], Iterable[object]]
    unavailable: Unavailable = field(default_factory=Unavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionPlan:
    """One dimension as this run wants it.

    Attributes:
        columns: those read, keys included.
        rows: the columns of the dimension's own rows; all where None, no rows where empty.
        history: the columns of the rows of its history; none where empty.
    """

    dimension: Dimension
    columns: tuple[DimensionColumn, ...]
    rows: frozenset[str] | None = None
    history: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The stream whose bookmark it moves: the history's where only that is wanted."""
        only_history = self.rows is not None and not self.rows
        return history_of(self.dimension.name) if only_history else self.dimension.name

    @property
    def turn(self) -> tuple[int, int]:
        """When it is read: after all insights, whose rows name objects.

        Campaigns and ad sets come before the ads whose statuses they decide.
        """
        return 1, tuple(DIMENSIONS).index(self.dimension.name)

    @property
    def keeps_bookmark(self) -> bool:
        """Whether its bookmark tells how old its rows are."""
        return True

    @property
    def why_empty(self) -> str | None:
        """Why it may bring no row despite delivery: nothing explains it."""
        return None
