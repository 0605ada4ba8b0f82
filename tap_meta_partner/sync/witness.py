"""One ad account's calls in this run: with which token they go out, and what was answered."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.error_codes import NETWORK
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    MetaError,
    RequestRefused,
    Retriable,
    Rule,
    TokenRefused,
)
from tap_meta_partner.graph.steps import Ahead, OutOfTime, Pause, ask
from tap_meta_partner.sync.events import BookmarkMoved, Rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.sync.shared import Shared

#: For so long one account's calls may end without an answer in a run: a report that times out,
#: asked day by day and object by object, would take a night and a day.
MOST_UNANSWERED_SECONDS = 3600.0

#: So many of them may use up `request_timeout`, where that is shorter than two minutes.
MOST_TIMEOUTS = 30

#: So long the waits between one account's calls may add up to while no row comes: report runs that
#: are made, and never read, would be waited for all night.
MOST_PAUSED_SECONDS = 5400.0

NEVER_ANSWERED = Rule(
    family=KeptFailing,
    what="an hour, or thirty time-outs, were spent on this ad account in vain",
    advice="The tap tries again with the next run; if it lasts, ask for fewer fields.",
)

#: Days back from now: over for every ad account, wherever it is.
_CONTROL_DAY = dt.timedelta(days=2)


class Witness:
    """Takes an account's steps with the token that reads it, and sees what is answered.

    Attributes:
        tokens: those that list the account and are still worth trying, the one in use first.
        account_works: something of the account was answered, with this token.
        stream_works: something of the stream arrived that Meta was asked for.
        moved: the last bookmark that the stream moved, None before the first.
        impatient: a stream has used up all its tries in vain. Until the account is answered again,
            each call of the following streams has half as many.
        unanswered_seconds: how long its calls have waited for answers that never came.
    """

    def __init__(self, account: AdAccount, shared: Shared) -> None:
        self._account = account
        self._shared = shared
        self.tokens = list(account.tokens)
        self.account_works = False
        self.stream_works = False
        self.moved: Bookmark | DimensionBookmark | None = None
        self.impatient = False
        self.unanswered_seconds = 0.0
        self._timeouts = 0
        #: How long was waited between calls since rows came last, and the last error that was met.
        self._paused_seconds = 0.0
        self._error: MetaError | None = None
        #: The error for which a stream was left.
        self._last: MetaError | None = None
        self._answered = False
        self._asked: Call | None = None
        self._last_call: Call | None = None
        #: Heads of paths that are about the account itself: its own, and those of its report runs.
        self._own = {f"act_{account.account_id}"}

    def take(self, stream: str, steps: Steps[None]) -> Steps[None]:
        """Take the steps of a stream to their end.

        Raises:
            KeptFailing: too much time was spent on calls without an answer.
            Exception: what they raise.
        """
        self.stream_works = self._answered = False
        self._last = None
        try:
            yield from self._taken(stream, steps)
            self._note_works(stream)
        except OutOfTime:
            if self._last is None:
                raise
            raise KeptFailing(self._last.fault, NEVER_ANSWERED) from None
        finally:
            steps.close()

    def _taken(self, stream: str, steps: Steps[None]) -> Steps[None]:
        step = next(steps, None)
        while step is not None:
            step = self._handed_on(stream, step)
            began = self._shared.reporting.monotonic()
            try:
                answer = yield step
                if isinstance(step, Pause):
                    self._note_pause(step)
            except Exception as error:  # noqa: BLE001  (handed on)
                step = _next(steps.throw, self._as_met(error, began))
            else:
                if isinstance(step, Call):
                    self._hear(step, answer)
                step = _next(steps.send, answer)

    def _handed_on(self, stream: str, step: object) -> object:
        """Return a step as the driver is to have it: a call with the token that reads for it."""
        match step:
            case Call():
                return self._with_token(step)
            case Ahead():
                return Ahead(self._with_token(step.call))
            case Rows():
                self._paused_seconds = 0.0
                self._note_works(stream)
            case BookmarkMoved():
                self.moved = step.bookmark
                self._note_works(stream)
            case _:
                pass
        return step

    def _note_pause(self, pause: Pause) -> None:
        self._paused_seconds += pause.seconds
        if self._paused_seconds > MOST_PAUSED_SECONDS and self._error is not None:
            self._last = self._error
            raise OutOfTime

    def _as_met(self, error: Exception, began: float) -> Exception:
        """Return an error as the steps are to meet it.

        With fewer tries, if those are in vain; as the end of their time, if too much was spent.
        """
        if isinstance(error, MetaError):
            self._error = error
        if not isinstance(error, Retriable):
            return error
        waited = self._shared.reporting.monotonic() - began
        # What is longer, others have made it wait for: a limit, an outage.
        timeout = self._shared.settings.request_timeout
        self.unanswered_seconds += min(waited, timeout)
        # Of an answer that did come, only the wait for its turn can have been so long.
        self._timeouts += error.rule is NETWORK and waited >= 0.9 * timeout
        if self.unanswered_seconds > MOST_UNANSWERED_SECONDS or self._timeouts > MOST_TIMEOUTS:
            self._last = error
            return OutOfTime()
        if self.impatient:
            fewer = max(1, error.rule.tries // 2)
            return type(error)(error.fault, replace(error.rule, tries=fewer))
        return error

    def _with_token(self, call: Call) -> Call:
        """Return a call with the token in use: the same one each time where it is asked again."""
        token = self.tokens[0]
        if call is not self._asked or self._last_call is None or self._last_call.token != token:
            self._asked = call
            self._last_call = call if call.token == token else replace(call, token=token)
        return self._last_call

    def _hear(self, call: Call, answer: dict[str, Any]) -> None:
        self.account_works = self._answered = True
        self.impatient = False
        if call.method == "POST":
            self._own.add(str(answer.get("report_run_id")))

    def _note_works(self, stream: str) -> None:
        # Idle days are closed without a call, which proves nothing.
        if self._answered and not self.stream_works:
            self.stream_works = True
            self._shared.evidence.note_worked(stream)

    @property
    def asked_an_object(self) -> bool:
        """Whether the last call was about one of the account's objects, not about itself."""
        call = self._last_call
        return call is not None and call.path.partition("/")[0] not in self._own

    def account_answers(self) -> Steps[bool | None]:
        """Ask the plainest question about the account: one day, one number, no breakdowns.

        Returns:
            Whether Meta answers it; None where it neither did nor refused to.
        """
        day = str((self._shared.utc_now() - _CONTROL_DAY).date())
        params = {
            "level": "account",
            "fields": "impressions",
            "time_range": {"since": day, "until": day},
            "limit": 1,
        }
        answers = yield from self._is_answered(f"act_{self._account.account_id}/insights", params)
        self.account_works = bool(answers)
        return answers

    def token_answers(self) -> Steps[bool | None]:
        """Ask what needs nothing but a token that works; return as `account_answers`."""
        return (yield from self._is_answered("me", {"fields": "id"}))

    def _is_answered(self, path: str, params: dict[str, object]) -> Steps[bool | None]:
        account_id = self._account.account_id
        call = Call(path=path, params=params, account_id=account_id, token=self.tokens[0])
        try:
            yield from ask(call, self._shared.reporting.jitter)
        except (AccountUnreadable, RequestRefused, TokenRefused):
            return False
        except MetaError:
            return None
        return True

    def next_token(self) -> None:
        """Go on to the next token that lists the account, of those not known to be dead."""
        dead = self._shared.evidence.dead_tokens
        self.tokens = [token for token in self.tokens[1:] if token not in dead]
        self.account_works = False


def _next(resume: Callable[[Any], Any], value: object) -> Any:  # noqa: ANN401  (a step)
    """Resume steps; return the next one, None at their end."""
    try:
        return resume(value)
    except StopIteration:
        return None
