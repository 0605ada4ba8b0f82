"""Fields that Meta refuses, though the tap or its user believes in them: left out for this run.

Meta drops fields with a version of its API, now and then without one, and refuses the whole request
for a single such field. One report should not be lost for one column.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_meta_partner.errors import MetaError

logger = logging.getLogger(__name__)

#: "Invalid parameter", of which an unknown field is one kind.
_INVALID = 100


def refused_field(error: MetaError, asked: Collection[str]) -> str | None:
    """Return the field asked that a refusal names, or None."""
    if error.fault.code != _INVALID:
        return None
    named = [name for name in re.findall(r"\w+", error.fault.message) if name in asked]
    return named[0] if named else None


@dataclass(slots=True)
class RefusedFields:
    """What Meta refused in this run: for one ad account, or, after the second, for all of them."""

    _by_account: dict[str, set[str]] = field(default_factory=dict)
    _everywhere: set[str] = field(default_factory=set)

    def note(self, account_id: str, name: str, error: MetaError) -> None:
        """Take note that Meta refused a field to an account; the first time it is said."""
        accounts = [known for known, names in self._by_account.items() if name in names]
        if not accounts:
            logger.warning(
                "Meta refuses the field %s to account %s: it is left out, its column stays empty "
                "in this run (%s)",
                name,
                account_id,
                error.fault,
            )
        elif account_id not in accounts and name not in self._everywhere:
            self._everywhere.add(name)
            logger.warning(
                "Meta refuses the field %s to other accounts too: to none is it asked", name
            )
        self._by_account.setdefault(account_id, set()).add(name)

    def of(self, account_id: str) -> frozenset[str]:
        """Return the fields that are not to be asked of an account."""
        return frozenset(self._everywhere | self._by_account.get(account_id, set()))
