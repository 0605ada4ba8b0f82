"""What became of a stream: from an error to what to do about it, and to one result.

The only place where that is decided. Steps raise what happened to them; here it is told apart
whether the object, the stream, the account or the token is to blame. A code alone never tells:
what the run has seen does (`sync/evidence.py`), and where it has seen too little, a control
question that cannot be wrong in itself (`sync/witness.py`).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    MetaError,
    NobodyAnswers,
    RequestRefused,
    ThrottledTooLong,
    TokenRefused,
    TooMuchData,
)
from tap_meta_partner.graph.rules import CHECKPOINT
from tap_meta_partner.graph.steps import OutOfTime
from tap_meta_partner.planning.fingerprints import ReportChanged
from tap_meta_partner.sync.events import Outcome, StreamResult
from tap_meta_partner.sync.record_sink import DuplicateKey
from tap_meta_partner.sync.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.sync.shared import Shared

logger = logging.getLogger(__name__)

_THIS_STREAM = (
    "Other data of this ad account was read in this run, so the share is not the matter: change "
    "the fields and breakdowns of this stream, or ask the client for what Meta's message names."
)
_THIS_OBJECT = (
    "This is about one object of the ad account, whose other data is read; the next run tries "
    "again."
)
_ASSIGN = (
    "The token itself works, so this is about the ad account: check in Business settings > System "
    "users that it is assigned to the token's user (permission: view performance)."
)


def ensure_may_begin(shared: Shared) -> None:
    """Raise if nothing more is to be asked.

    Raises:
        OutOfTime: the run's time is over.
    """
    if not shared.may_begin():
        raise OutOfTime


class Outcomes:
    """Decides what became of one ad account's streams, one after another.

    Attributes:
        witness: takes the account's steps, and sees what works.
        gone: the result for which the account is not asked any more in this run (its token is dead,
            it cannot be read, it is throttled for hours, nobody answers), or None.
    """

    def __init__(self, account: AdAccount, shared: Shared) -> None:
        self._account = account
        self._shared = shared
        self._evidence = shared.evidence
        self.witness = Witness(account, shared)
        self.gone: StreamResult | None = None

    def of(self, stream: str, read: Callable[[], Steps[None]]) -> Steps[StreamResult]:
        """Take the steps of a stream, and say how it went; take none if the account is gone.

        Args:
            stream: its name.
            read: makes the steps; called again where another token is tried.
        """
        was_gone = self.gone is not None
        result = yield from self._of(stream, read)
        if not was_gone:
            self._say(result)
        return result

    def of_shortcut(self, what: str, read: Callable[[], Steps[None]]) -> Steps[None]:
        """Take steps that only save calls: without them each stream asks for itself.

        What ends the account ends it here too.
        """
        result = yield from self._of(what, read)
        if self.gone is not None:
            self._say(result)
        elif result.result in (Outcome.FAILED, Outcome.SKIPPED):
            logger.info("account %s: %s unknown (%s)", self._account, what, result.reason)

    def failure(self, stream: str, error: Exception) -> StreamResult:
        """Say what became of a stream that ended with an error, whatever else was seen."""
        if isinstance(error, OutOfTime):
            return self._result(stream, Outcome.UNFINISHED, self._shared.why_over())
        if isinstance(error, MetaError):
            return self._result(stream, Outcome.FAILED, error.reason, error.fault.code)
        if isinstance(error, (DuplicateKey, ReportChanged)):
            return self._result(stream, Outcome.FAILED, str(error))
        logger.debug("account %s, %s", self._account, stream, exc_info=error)
        reason = f"unexpected {type(error).__name__}: please report it"
        return self._result(stream, Outcome.FAILED, reason)

    def _of(self, stream: str, read: Callable[[], Steps[None]]) -> Steps[StreamResult]:
        self.witness.moved = None
        while self.gone is None:
            if self._token_is_dead():
                if len(self._shared.settings.tokens) == 1:
                    # Another account has found out, and the run is at its end.
                    return self.failure(stream, OutOfTime())
                self._leave_token(stream)
                continue
            result = yield from self._tried(stream, read)
            if result is not None:
                return result
        return replace(self.gone, stream=stream)

    def _tried(self, stream: str, read: Callable[[], Steps[None]]) -> Steps[StreamResult | None]:
        """Take the steps once; None if they should be taken again, or the account is gone."""
        if stream in self._evidence.closed:
            return self._result(stream, Outcome.NOT_TRIED, self._evidence.closed[stream])
        try:
            yield from self.witness.take(stream, read())
        except Exception as error:  # noqa: BLE001  (one account's surprise must not cost the others)
            raised = error
        else:
            return self._result(stream, Outcome.DELIVERED, "")
        try:
            return (yield from self._judged(stream, raised))
        except OutOfTime as error:
            return self.failure(stream, error)

    # Whom an error is about.

    def _judged(self, stream: str, error: Exception) -> Steps[StreamResult | None]:
        """Find out whom an error is about: its stream, the account, or its token."""
        if isinstance(error, TokenRefused):
            return (yield from self._token_refused(stream, error))
        if isinstance(error, AccountUnreadable):
            return (yield from self._access_refused(stream, error, advice=_THIS_STREAM))
        if isinstance(error, RequestRefused):
            self._evidence.note_refused(stream, self._account.account_id, error)
        result = self.failure(stream, error)
        if isinstance(error, (KeptFailing, TooMuchData)) and not self.witness.stream_works:
            self.witness.impatient = True
        if isinstance(error, NobodyAnswers):
            self._evidence.nobody_answers = True
        if isinstance(error, (ThrottledTooLong, NobodyAnswers)):
            self.gone = result
        return result

    def _token_refused(self, stream: str, error: TokenRefused) -> Steps[StreamResult | None]:
        """Find out whether a token is dead, or only unfit for what was asked."""
        if not self._token_is_dead():
            works = yield from self.witness.token_answers()
            if works is None:
                return self.failure(stream, error)
            if works:
                # A security check is cleared by the token's user, whoever's account it shows at.
                advice = error.rule.advice if error.rule is CHECKPOINT else _ASSIGN
                told = TokenRefused(error.fault, replace(error.rule, advice=advice))
                return (yield from self._access_refused(stream, told, advice=advice))
            self._evidence.dead_tokens.setdefault(self.witness.tokens[0], error)
        began = self.witness.stream_works
        result = self._leave_token(stream)
        # Another token would begin this stream anew, so it goes on with the next one.
        return result if began else None

    def _access_refused(
        self, stream: str, error: MetaError, *, advice: str
    ) -> Steps[StreamResult | None]:
        """Find out whether an account may not be read, or only what was asked of it."""
        code = error.fault.code
        said = f"{error.rule.what}: {error.fault}."
        if self.witness.asked_an_object:
            return self._result(stream, Outcome.FAILED, f"{said} {_THIS_OBJECT}", code)
        works: bool | None = self.witness.account_works
        if not works:
            works = yield from self.witness.account_answers()
        if works:
            self._evidence.note_refused(stream, self._account.account_id, error)
            return self._result(stream, Outcome.SKIPPED, f"{said} {advice}", code)
        result = self._result(stream, Outcome.SKIPPED, error.reason, code)
        if works is None:
            return result
        self.witness.next_token()
        if not self.witness.tokens:
            self.gone = result
        return None

    # Tokens.

    def _token_is_dead(self) -> bool:
        return self.witness.tokens[0] in self._evidence.dead_tokens

    def _leave_token(self, stream: str) -> StreamResult:
        """Leave a dead token for the next one; without another the account is gone."""
        place = self.witness.tokens[0]
        error = self._evidence.dead_tokens[place]
        tokens = self._shared.settings.tokens
        if len(tokens) == 1:
            result = self._result(stream, Outcome.FAILED, error.reason, error.fault.code)
        else:
            reason = f"{tokens[place].label}: {error.reason}"
            result = self._result(stream, Outcome.SKIPPED, reason, error.fault.code)
        self.witness.next_token()
        if not self.witness.tokens:
            self.gone = result
        return result

    # What is said.

    def _say(self, result: StreamResult) -> None:
        """Log a result as it happens; the summary warns of each cause, with all whom it met."""
        if result.result in (Outcome.DELIVERED, Outcome.UNFINISHED, Outcome.NOT_TRIED):
            return
        logger.info(
            "account %s, %s %s: %s",
            self._account,
            result.stream,
            result.result,
            result.reason,
        )

    def _result(
        self, stream: str, result: Outcome, reason: str, code: int | None = None
    ) -> StreamResult:
        return StreamResult(
            account_id=self._account.account_id,
            account_name=self._account.name,
            stream=stream,
            result=result,
            reason=reason,
            code=code,
        )
