"""Fields that Meta refuses: left out for the rest of the run.

Fields vanish with a version of the API, and between versions; one that is gone fails the whole
call. One report should not be lost for one column. Meta has no code for it and no part of the
answer that names the field (`error_data` blames parameters, and a refused field is in none), so
this is read from the text. The patterns are strict ones: a text that only happens to hold a field's
name is no refusal of it. Seen in the wild::

    (#100) a is not valid for fields param. please check https://… for all valid values
    (#100) a, b are not valid for fields param. please check …
    (#100) Tried accessing nonexisting field (a) on node type (AdCreative)
    (#12) a field is deprecated for versions v22.0 and higher
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_meta_partner.graph.errors import MetaError

logger = logging.getLogger(__name__)


_CODES = (100, 12)


#: Begins where a word does: from every letter of a long one it would take its square in time.
_NAMES = r"(?<!\w)(\w+(?:\s*,\s*\w+)*)"


_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_NAMES} (?:is|are) not valid for fields param",
        rf"nonexisting field \({_NAMES}\)",
        rf"\(#12\) {_NAMES} fields? (?:is|are) deprecated",
    )
)


def refused_fields(error: MetaError, asked: Iterable[str]) -> tuple[str, ...]:
    """Name the asked fields that Meta refuses, in the order asked.

    Args:
        error: what Meta answered.
        asked: entries of `fields`; `creative{id}` is known to Meta as `creative`.

    Returns:
        The entries to leave out before asking again; empty where the error is about anything else.
    """
    if error.fault.code not in _CODES:
        return ()
    named: set[str] = set()
    for pattern in _PATTERNS:
        for match in pattern.finditer(error.fault.said):
            named |= {name.strip() for name in match[1].split(",")}
    return tuple(entry for entry in asked if entry.partition("{")[0] in named)


@dataclass(slots=True)
class RefusedFields:
    """Which fields of one kind of request Meta refused each ad account in this run.

    Never to the others, and never in another report or dimension: a field can be refused for one
    account's rights, or for a breakdown. Each account is asked for all of them anew in each run.

    Args:
        stream: whose fields, for the log; empty where nothing more is to be said.
        said: the fields that a warning has named, of whatever stream; it names each once.
    """

    stream: str = ""
    said: set[str] = field(default_factory=set)
    _by_account: dict[str, set[str]] = field(default_factory=dict)
    _searched: set[str] = field(default_factory=set)

    def note(self, account_id: str, names: Iterable[str], error: MetaError) -> None:
        """Note that Meta refused an account some fields; warn of each once."""
        for name in names:
            logger.log(
                logging.INFO if name in self.said else logging.WARNING,
                "%sMeta refuses the field %s to account %s: it is left out, and asked for again in "
                "the next run; days delivered with it keep it (%s)",
                f"{self.stream}: " if self.stream else "",
                name,
                account_id,
                error.fault,
            )
            self.said.add(name)
            self._by_account.setdefault(account_id, set()).add(name)

    def of(self, account_id: str) -> frozenset[str]:
        """Return the fields not to ask an account for."""
        return frozenset(self._by_account.get(account_id, ()))

    def left(self, fields: Iterable[str], account_id: str) -> tuple[str, ...]:
        """Return those of the fields that an account may be asked for, in their order."""
        refused = self.of(account_id)
        return tuple(name for name in fields if name not in refused)

    def begin_search(self, account_id: str) -> bool:
        """Tell whether to look for a refused field that Meta does not name: once per account."""
        begins = account_id not in self._searched
        self._searched.add(account_id)
        return begins
