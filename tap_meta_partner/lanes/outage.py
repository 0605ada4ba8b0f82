"""When Meta fails everybody: one question at a time, until an answer is good.

One account whose calls fail is that account's trouble. Several that fail, with nobody answered in
between, may be an outage: a thousand accounts would spend all their tries on it. So all of them
wait, spending none, and one call goes out after another, ever further apart:

1. a *plain question* (`me?fields=id`), which needs nothing but the host and the token. While it
   fails too, it is asked again, and nobody else asks;
2. once it is answered, one account's call at a time, of those that have not failed first.

Any good answer, whosever it is, ends it. Whoever failed while others were answered is no evidence
from then on; nor is, for the rest of the run, who has failed and been answered again and again.
Where the host answers, others of the run have been, and only a few are left that fail, they fail
by themselves: each has its own tries again.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.error_codes import NETWORK
from tap_meta_partner.graph.errors import MetaError, NobodyAnswers, Retriable
from tap_meta_partner.lanes.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tap_meta_partner.graph.steps import Steps

#: So many accounts have to fail, with nobody answered in between, for it to be an outage.
ACCOUNTS_THAT_FAIL = 2

#: After this the run ends: Meta has failed everybody.
OUTAGE_SECONDS = 30 * 60.0

#: After this a few accounts that are left fail by themselves, if others of the run were answered.
FEW_LEFT_SECONDS = 15 * 60.0

#: So many are a few.
FEW_LEFT = 5

#: Where not even the plain question has any answer, the run ends after this: a dead line.
SILENT_SECONDS = 60.0

#: From one question of an outage to the next.
QUESTION_SECONDS = (5.0, 10.0, 20.0, 30.0)

#: The same, while the plain question is answered and there are accounts that have not failed yet.
FRESH_SECONDS = (1.0, 2.0, 3.0, 5.0)

#: For so long an answer to the plain question holds.
KNOWN_SECONDS = 60.0

#: Needs nothing but the host and a token.
PLAIN_QUESTION = "me"

#: Whose calls have failed, been answered and failed again so often fails by itself: some of what it
#: asks is answered and some is not, and that is no outage.
MOST_RELAPSES = 2

_PASSING_CODES = (None, 1, 2)


class _Phase(Enum):
    """Where an outage stands."""

    NONE = "none"
    #: The plain question has not been answered yet.
    PLAIN = "plain"
    #: It has: accounts' calls go out one at a time.
    ONE_BY_ONE = "one by one"


def is_failing(body: dict[str, Any] | MetaError) -> bool:
    """Tell whether an answer is of the kind that comes when Meta, or the way to it, is down.

    No answer at all, a page of HTML, the codes 1 and 2. With a subcode that says "heavy" it is
    about the request.
    """
    if not isinstance(body, Retriable) or body.fault.code not in _PASSING_CODES:
        return False
    return body.fault.subcode is None or not body.rule.then_less


@dataclass(slots=True)
class Outage:
    """Whether Meta fails everybody, and who may ask while it does.

    Args:
        answered_at: when the run began, in monotonic seconds.
        most_seconds: how long it is borne.

    Attributes:
        answered_at: when the host last answered, with an error or not.
        plain: asks the plain question.
        began: when the outage did, or None.
        shown_by: the lane that showed it; the plain questions count as its calls.
        over: the error for everybody, once it has lasted too long.
    """

    answered_at: float
    most_seconds: float = OUTAGE_SECONDS
    plain: Lane = field(default_factory=lambda: Lane("is anybody there", None, _no_steps()))
    began: float | None = None
    shown_by: Lane | None = None
    over: NobodyAnswers | None = None
    _phase: _Phase = _Phase.NONE
    _failing: set[str] = field(default_factory=set)
    #: Failed while others were answered, and have not been answered since.
    _alone: set[str] = field(default_factory=set)
    #: How often each began to fail, having been answered before.
    _relapses: Counter[str] = field(default_factory=Counter)
    _asking: Lane | None = None
    #: An account has been answered in this run.
    _some_answered: bool = False
    _asked_again: int = 0
    _asked_at: float = 0.0
    _plain_at: float = -math.inf

    def heard(self, lane: Lane, body: dict[str, Any] | MetaError, now: float) -> None:
        """Take note of an answer."""
        asked = self._asking is lane
        if asked:
            self._asking = None
        if not _is_silence(body):
            self.answered_at = now
        if lane is self.plain:
            self._heard_plain(body, now)
        elif not is_failing(body):
            self._some_answered = self._some_answered or not lane.for_all
            self._good(lane)
        else:
            self._failed(lane, body, now)
            if asked and self.is_on:
                self._in_vain(body, now)

    @property
    def is_on(self) -> bool:
        """Whether one question is asked at a time."""
        return self._phase is not _Phase.NONE

    @property
    def asked_in_vain(self) -> bool:
        """Whether a question of this outage has been asked, and has failed like the others."""
        return self._asked_again > 0

    def asks_next_at(self, *, fresh: bool) -> float | None:
        """Return from when on one question may go out; None while one is under way, or all may ask.

        Args:
            fresh: there is an account that has not failed yet.
        """
        if not self.is_on or self._asking is not None:
            return None
        if not self._asked_again:
            return self._asked_at
        is_plain = self._phase is _Phase.PLAIN
        waits = FRESH_SECONDS if fresh and not is_plain else QUESTION_SECONDS
        return self._asked_at + waits[min(self._asked_again, len(waits)) - 1]

    def next_to_ask(self, queued: Iterable[Lane]) -> Lane | None:
        """Return whose call is to be the one question, of those that have one to send.

        Who has not failed yet comes first.
        """
        if self._phase is _Phase.PLAIN:
            self.plain.ask(Call(path=PLAIN_QUESTION, params={"fields": "id"}))
            return self.plain
        return min(queued, key=self.has_failed, default=None)

    def has_failed(self, lane: Lane) -> bool:
        """Tell whether a lane is known to fail."""
        return lane.name in self._failing or lane.name in self._alone

    def asks(self, lane: Lane) -> None:
        """Take note that the one question is under way, and whose it is."""
        self._asking = lane

    def _failed(self, lane: Lane, body: dict[str, Any] | MetaError, now: float) -> None:
        if not self.has_failed(lane):
            self._relapses[lane.name] += 1
        if self._relapses[lane.name] > MOST_RELAPSES:
            self._alone.add(lane.name)
        if lane.name not in self._alone:
            self._failing.add(lane.name)
        if not self.is_on and self._is_evidence(lane, body, now):
            self._phase, self.began, self._asked_at = _Phase.PLAIN, now, now
            self.shown_by = lane
            # A call of an account says itself which token it carries.
            last = lane.asked
            own = lane.token if last is None else last.token
            self.plain.token = own if isinstance(own, int) else None
            self.plain.for_all = lane.for_all

    def _is_evidence(self, lane: Lane, body: dict[str, Any] | MetaError, now: float) -> bool:
        if lane.for_all:
            # Where nothing answers it at all, its own tries say soonest that the address is wrong.
            known = now - self._plain_at < KNOWN_SECONDS
            return not known and not _is_silence(body)
        return len(self._failing) >= ACCOUNTS_THAT_FAIL

    def _good(self, lane: Lane) -> None:
        self._failing.discard(lane.name)
        self._alone.discard(lane.name)
        self._end()

    def _end(self) -> None:
        """Let all ask again; whoever fails from now on fails alone."""
        self._alone |= self._failing
        self._failing.clear()
        self._phase, self.began, self._asked_again = _Phase.NONE, None, 0

    def _are_a_few(self, now: float) -> bool:
        """Tell whether few are left that fail, while the host answers and others were answered."""
        if self._phase is not _Phase.ONE_BY_ONE or self.began is None:
            return False
        few = self._some_answered and len(self._failing) <= FEW_LEFT
        return few and now - self.began >= FEW_LEFT_SECONDS

    def _heard_plain(self, body: dict[str, Any] | MetaError, now: float) -> None:
        if self._phase is not _Phase.PLAIN:
            # Meanwhile somebody was answered.
            return
        if is_failing(body):
            self._in_vain(body, now)
            return
        self._plain_at = now
        if self.plain.for_all:
            # There is nobody else to be asked: whoever fails has its own tries.
            self._good(self.plain)
        else:
            self._phase, self._asked_at, self._asked_again = _Phase.ONE_BY_ONE, now, 0

    def _in_vain(self, body: Any, now: float) -> None:  # noqa: ANN401  (a MetaError)
        self._asked_at = now
        self._asked_again += 1
        dead = self._phase is _Phase.PLAIN and _is_silence(body)
        if self._are_a_few(now):
            self._end()
            return
        silent = dead and now - self.answered_at >= SILENT_SECONDS
        if silent or (self.began is not None and now - self.began >= self.most_seconds):
            self.over = NobodyAnswers(body.fault, body.rule)


def _is_silence(body: dict[str, Any] | MetaError) -> bool:
    return isinstance(body, MetaError) and body.rule is NETWORK


def _no_steps() -> Steps[None]:
    """Return steps that are never taken: only the lane's call is sent."""
    yield from ()
