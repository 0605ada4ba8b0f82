"""What happens while ad accounts are read, for whoever writes rows and state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal
    from typing import Any

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
    from tap_meta_partner.planning.bookmarks import Bookmark


class Outcome(str, Enum):
    """What became of one account in one stream; the best first.

    Attributes:
        DELIVERED: all that was due.
        INCOMPLETE: all but what cannot be had.
        UNFINISHED: the run ended before it.
        NOT_TRIED: not asked for, as the stream was refused to others.
        SKIPPED: Meta does not let us read it.
        LOST: no longer among the accounts of the token.
        FAILED: anything else.
    """

    DELIVERED = "delivered"
    INCOMPLETE = "incomplete"
    UNFINISHED = "unfinished"
    NOT_TRIED = "not tried"
    SKIPPED = "skipped"
    LOST = "lost"
    FAILED = "failed"

    def __str__(self) -> str:
        # Of a `str` that is an `Enum`, Python 3.10 and 3.12 print two different things.
        return self.value


@dataclass(frozen=True, slots=True)
class Rows:
    """Records to be written."""

    account_id: str
    stream: str
    records: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BookmarkMoved:
    """All that a bookmark stands for has been handed on: it may be kept.

    It also moves, on the spot, when the account gets into trouble with the stream or out of it.
    """

    account_id: str
    stream: str
    bookmark: Bookmark | DimensionBookmark


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResult:
    """How one account fared in one stream.

    Attributes:
        reason: for a person; empty when delivered.
        code: Meta's error code, where one was the reason.
        covered: the days delivered in this run.
        rows: how many rows its closed windows have.
        unchanged: how many of those the target had already, and were not written.
        calls: how many calls it took (the first stream's include the look for activity).
        new_holes: how much was found in this run that cannot be had.
    """

    account_id: str
    account_name: str
    stream: str
    result: Outcome
    reason: str = ""
    code: int | None = None
    covered: DateWindow | None = None
    rows: int = 0
    unchanged: int = 0
    calls: int = 0
    new_holes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """An account's own spend and that of its ads, over the same days, do not agree.

    Attributes:
        since, until: the first and the last day that differ.
        account_spend, ad_spend: in the account's currency, major units.
    """

    account_id: str
    account_name: str
    since: dt.date
    until: dt.date
    account_spend: Decimal
    ad_spend: Decimal


@dataclass(frozen=True, slots=True)
class RunEnding:
    """The run ends early: what follows only says what it did not come to."""


#: What happens while one ad account is read, or all of them.
Event: TypeAlias = Rows | BookmarkMoved | StreamResult | Discrepancy | RunEnding
