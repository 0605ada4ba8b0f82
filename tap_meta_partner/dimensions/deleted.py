"""How Meta lists deleted objects, if at all: each kind of object has its own answer.

Meta's pages contradict each other. "You cannot retrieve the deleted objects as a connection object"
("Manage your ad object's status"), while the values of the parameter `effective_status` have
DELETED, and other connectors ask for it in `filtering`. So both are tried, then the rest is asked
for without deleted ones.

What one ad account is refused holds for that account. Only after three of them were told the same,
and nobody has been listed anything in that way, the others are not asked in it in this run.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from tap_meta_partner.dimensions.tables import DELETED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_meta_partner.dimensions.dimension import Dimension

#: So many ad accounts have to be told the same before the others are not asked any more.
_ENOUGH_ACCOUNTS = 3


class Way(Enum):
    """How a list is asked for objects of certain statuses."""

    PARAMETER = "effective_status"
    FILTER = "filtering"
    LIVING_ONLY = "effective_status without DELETED"

    def params(self, dimension: Dimension, statuses: Sequence[str]) -> dict[str, Any]:
        """Return the parameters that ask for these statuses; none when all are selected."""
        if not statuses:
            return {}
        if self is Way.FILTER:
            kind = dimension.name.removesuffix("s")
            condition = {
                "field": f"{kind}.effective_status",
                "operator": "IN",
                "value": [*statuses],
            }
            return {"filtering": [condition]}
        return {"effective_status": self.statuses(statuses)}

    def statuses(self, statuses: Sequence[str]) -> list[str]:
        """Return those of the statuses that are asked for in this way."""
        return [each for each in statuses if self is not Way.LIVING_ONLY or each != DELETED]


@dataclass(slots=True)
class DeletedListing:
    """What this run has seen of how deleted objects are listed."""

    _refused: dict[tuple[str, Way], dict[str, str]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    _works: set[tuple[str, Way]] = field(default_factory=set)

    def ways(self, stream: str, account_id: str) -> list[Way]:
        """Return how to ask this account, the best way first; the last one is without deleted."""
        return [
            way
            for way in Way
            if way is Way.LIVING_ONLY
            or not (self._is_refused_to(account_id, stream, way) or self._is_closed(stream, way))
        ]

    def note_answered(self, stream: str, way: Way) -> None:
        """Take note that a list was given in this way."""
        self._works.add((stream, way))

    def note_refused(self, stream: str, way: Way, account_id: str, word: str) -> bool:
        """Take note that Meta refused it, though another way was answered.

        Returns:
            Whether this is the first account to which it was refused.
        """
        accounts = self._refused[stream, way]
        accounts[account_id] = word
        return len(accounts) == 1

    def _is_refused_to(self, account_id: str, stream: str, way: Way) -> bool:
        return account_id in self._refused.get((stream, way), ())

    def _is_closed(self, stream: str, way: Way) -> bool:
        if (stream, way) in self._works:
            return False
        words = [*self._refused.get((stream, way), {}).values()]
        return any(words.count(word) >= _ENOUGH_ACCOUNTS for word in set(words))
