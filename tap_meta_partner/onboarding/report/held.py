"""What the page is made of: rows of a target's tables, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The days of an account that are there in full: `since` to `up_to`, both included."""

    since: dt.date
    up_to: dt.date


@dataclass(slots=True, kw_only=True)
class Client:
    """An ad account by day; a day without an ad has no amount.

    Attributes:
        spend: by day, in `currency`.
        open_days: those that Meta may still correct.
        extent: what was read; None where `account_sync_status` does not tell.
    """

    account_id: str
    name: str
    currency: str
    spend: dict[dt.date, Decimal] = field(default_factory=dict)
    open_days: set[dt.date] = field(default_factory=set)
    extent: Extent | None = None


@dataclass(slots=True, kw_only=True)
class Campaign:
    """A campaign of the last 28 days, added up; None where none of its rows says anything."""

    client: str
    name: str
    currency: str
    spend: Decimal = NOTHING
    purchases: Decimal | None = None
    worth: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """An account's week: people counted once."""

    account_id: str
    client: str
    monday: dt.date
    days: int
    impressions: int
    reach: int
    frequency: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where ads ran in the last 28 days, of all accounts of a currency together."""

    currency: str
    platform: str
    position: str
    spend: Decimal
    impressions: int
    clicks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastNight:
    """What became of an account in the last run: the worst of its streams."""

    account_id: str
    client: str
    result: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """All of it; None for a table that is not there.

    Attributes:
        clients: by account id.
        newest: the newest day of any account, which is not over.
    """

    clients: Mapping[str, Client]
    newest: dt.date
    campaigns: Sequence[Campaign] | None
    weeks: Sequence[Week] | None
    placements: Sequence[Placement] | None
    last_night: Sequence[LastNight] | None
