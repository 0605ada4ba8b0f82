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
    """What became of one account in one stream."""

    DELIVERED = "delivered"
    INCOMPLETE = "incomplete"
    UNFINISHED = "unfinished"
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
    """All that a bookmark stands for has been handed on: it may be kept."""

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
        calls: how many calls it took (the first stream's include the look for activity).
    """

    account_id: str
    account_name: str
    stream: str
    result: Outcome
    reason: str = ""
    code: int | None = None
    covered: DateWindow | None = None
    rows: int = 0
    calls: int = 0


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


#: What happens while one ad account is read, or all of them.
Event: TypeAlias = Rows | BookmarkMoved | StreamResult | Discrepancy
