"""What a run has seen so far that shows whom a refusal is about.

A code alone never tells. One account's refusal is that account's; the stream is to blame when it
has worked for nobody yet and many different accounts were told the same. Accounts that had trouble
with it the last time have proved nothing new, so they count for themselves alone, and they are not
the ones asked first (`sync/turns.py`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import TypeAlias

    from tap_meta_partner.graph.errors import MetaError, TokenRefused

logger = logging.getLogger(__name__)

#: So many accounts with the same answer close a stream: half of all, within these bounds. User
#: errors lower the quota, so a report that is wrong everywhere is not tried a thousand times.
_FEWEST, _MOST = 3, 25

#: Stream, code, subcode, and Meta's word.
_Refusal: TypeAlias = "tuple[str, int | None, int | None, str]"


@dataclass(slots=True)
class Evidence:
    """What the accounts of a run were answered.

    Args:
        accounts: how many are read.
        troubled: those that failed or could not be read the last time, by stream.

    Attributes:
        closed: streams that are not asked any more in this run, each with what to say of the
            accounts left out. It is of nobody in particular.
        dead_tokens: the errors of tokens that do not work, by place among the settings' tokens.
        nobody_answers: whoever asks, so what fails from now on is no account's trouble.
    """

    accounts: int = 1
    troubled: Mapping[str, Collection[str]] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    dead_tokens: dict[int, TokenRefused] = field(default_factory=dict)
    nobody_answers: bool = False
    _worked: set[str] = field(default_factory=set)
    _refused: dict[_Refusal, set[str]] = field(default_factory=dict)

    @property
    def enough(self) -> int:
        """How many accounts have to get the same answer before a stream is to blame."""
        return max(_FEWEST, min(self.accounts // 2, _MOST))

    def note_worked(self, stream: str) -> None:
        """Note that a stream was answered for somebody: it cannot be to blame."""
        self._worked.add(stream)
        if self.closed.pop(stream, None):
            logger.warning("%s is read on: it works for other ad accounts", stream)

    def note_refused(self, stream: str, account_id: str, error: MetaError) -> None:
        """Note that Meta refused an account a stream; close the stream when that is enough."""
        fault = error.fault
        refusal = (stream, fault.code, fault.subcode, error.word)
        accounts = self._refused.setdefault(refusal, set())
        accounts.add(account_id)
        if stream in self._worked or stream in self.closed:
            return
        troubled = set(self.troubled.get(stream, ()))
        # Where nearly all had trouble, there are no others to ask.
        counted = accounts - troubled if self.accounts - len(troubled) >= self.enough else accounts
        if len(counted) >= self.enough:
            self.closed[stream] = (
                f"not asked for in this run: Meta refused {stream} to {len(accounts)} other ad "
                "accounts in the same words, and has answered it for none. See their reasons, and "
                "change the report in the settings; the next run tries again"
            )
            # The summary names it with all whom it met.
            logger.info(
                "%s is not asked for any further in this run: Meta refused it to %d ad accounts in "
                "the same words, and has answered it for none: %s. %s",
                stream,
                len(accounts),
                error.rule.what,
                error.rule.advice,
            )
