"""When nobody answers any more: the end of a run, rather than of a thousand accounts in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.graph.error_codes import NETWORK
from tap_meta_partner.graph.errors import KeptFailing, MetaError

if TYPE_CHECKING:
    from typing import Any

#: This many calls without any answer in a row, over this many seconds, end the run.
SILENT_CALLS = 15
SILENT_SECONDS = 60.0


@dataclass(slots=True)
class Silence:
    """How long nothing has answered, whoever asked.

    Attributes:
        since: when the last answer came, or the run began.
        calls: how many have not been answered since.
    """

    since: float
    calls: int = 0

    def listen(self, body: dict[str, Any] | MetaError, now: float) -> None:
        """Take note of what became of a call.

        Otherwise a thousand accounts would spend their tries on a dead line, one after another.

        Raises:
            KeptFailing: nothing has answered for too long.
        """
        if not (isinstance(body, MetaError) and body.rule is NETWORK):
            self.since, self.calls = now, 0
            return
        self.calls += 1
        if self.calls >= SILENT_CALLS and now - self.since >= SILENT_SECONDS:
            raise KeptFailing(body.fault, body.rule)
