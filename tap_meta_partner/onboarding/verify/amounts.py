"""What is compared: amounts of days, as a target holds them and as Meta says them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from tap_meta_partner.graph.errors import MetaError

#: By metric: `spend`, `impressions`, `clicks`, or `actions:TYPE`.
Amounts: TypeAlias = "Mapping[str, Decimal]"

#: What is always compared: adds up over days and over objects.
METRICS = ("spend", "impressions", "clicks")
ACTIONS = "actions:"

NOTHING = Decimal(0)
#: Some targets keep amounts as binary fractions, whose sums are off by so little.
_DUST, _DUST_SHARE = Decimal("0.000001"), Decimal("1e-12")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The rows of one day that were read at one instant, added up.

    Attributes:
        read_at: when the tap asked for them, UTC; None where the table does not tell.
        rows: how many.
        sums: by metric.
        empty: how many of the rows have no value, by metric.
        timezone_name: whose day it was, as the rows say.
        attribution: the attribution settings that the rows name.
    """

    day: dt.date
    read_at: dt.datetime | None = None
    rows: int = 1
    sums: Amounts = field(default_factory=dict)
    empty: Mapping[str, int] = field(default_factory=dict)
    timezone_name: str | None = None
    attribution: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What `account_sync_status` says of the last run that had something to say.

    Attributes:
        result: delivered, incomplete, skipped, lost, failed, unfinished …
        reason: in the tap's own words, where it is not delivered.
    """

    result: str
    reason: str | None
    run_started_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStream:
    """What a target holds of one account in one stream.

    Attributes:
        metrics: those that the table has a column for.
        first_day: the oldest day of which there is a row at all, inside or outside the days asked.
        start: the first day that the settings want, where they say.
        last_read: the latest `read_at` of all its rows.
        status: the last word of the status table, where there is one.
    """

    stream: str
    level: str
    metrics: frozenset[str]
    days: Mapping[dt.date, Sequence[Held]] = field(default_factory=dict)
    first_day: dt.date | None = None
    start: dt.date | None = None
    last_read: dt.datetime | None = None
    status: Status | None = None

    def held(self, day: dt.date, metric: str) -> Decimal:
        """Return what all rows of a day add up to."""
        return total(self.days.get(day, ()), metric)

    def latest(self, day: dt.date) -> Sequence[Held]:
        """Return what the last reading of a day found: Meta has withdrawn the rest since."""
        readings = self.days.get(day, ())
        instants = [each.read_at for each in readings if each.read_at is not None]
        return [each for each in readings if not instants or each.read_at == max(instants)]

    def read_on(self, day: dt.date) -> dt.datetime | None:
        """Return when a day was read the last time."""
        return next((each.read_at for each in self.latest(day)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What Meta says of one account.

    Attributes:
        total: without increment.
        days: by day; a day without delivery is not there.
        attribution: the attribution settings it names.
        refused: why it says nothing.
    """

    total: Amounts = field(default_factory=dict)
    days: Mapping[dt.date, Amounts] = field(default_factory=dict)
    attribution: frozenset[str] = frozenset()
    refused: MetaError | None = None

    def on(self, day: dt.date, metric: str) -> Decimal:
        """Return the amount of a day; nothing where there was no delivery."""
        return self.days.get(day, {}).get(metric, NOTHING)


def total(readings: Iterable[Held], metric: str) -> Decimal:
    """Add up one metric."""
    return sum((each.sums.get(metric, NOTHING) for each in readings), NOTHING)


def are_equal(held: Decimal, told: Decimal) -> bool:
    """Tell whether two amounts are the same, but for what binary fractions lose."""
    return abs(held - told) <= _DUST + _DUST_SHARE * abs(told)
