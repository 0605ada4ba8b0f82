"""What became of a stream: from an error to what is to be done, and to one result.

The only place where that is decided. Steps raise what happened to them; here it is told apart
whether the stream has failed, the account cannot be read, or no account can.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    MetaError,
    NobodyAnswers,
    RequestRefused,
    ThrottledTooLong,
    TokenRefused,
)
from tap_meta_partner.graph.steps import OutOfTime
from tap_meta_partner.planning.fingerprints import ReportChanged
from tap_meta_partner.sync.events import Outcome, StreamResult
from tap_meta_partner.sync.record_sink import DuplicateKey

if TYPE_CHECKING:
    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.sync.shared import Shared

logger = logging.getLogger(__name__)


class StreamClosed(Exception):
    """The stream's request was refused for two accounts; the text says why."""


def ensure_may_begin(stream: str, shared: Shared) -> None:
    """Raise where no more is to be asked for.

    Raises:
        OutOfTime: the run's time is over.
        StreamClosed: Meta refuses the stream's request, whatever the account.
    """
    if not shared.may_begin():
        raise OutOfTime
    closed = shared.refused.closed.get(stream)
    if closed:
        raise StreamClosed(closed)


class Outcomes:
    """What becomes of one ad account's streams, one after the other.

    Attributes:
        gone: the result for which the account is not asked any more in this run (its token is dead,
            it cannot be read, it is throttled for hours), or None.
    """

    def __init__(self, account: AdAccount, shared: Shared) -> None:
        self._account = account
        self._shared = shared
        self.gone = self._dead_token()

    def of(self, stream: str, steps: Steps[None]) -> Steps[StreamResult]:
        """Take the steps of a stream, and say how it went; none where the account is gone.

        Raises:
            TokenRefused: no account can be read.
        """
        if self.gone is not None:
            return replace(self.gone, stream=stream)
        try:
            yield from steps
        except Exception as error:  # noqa: BLE001  (one account's surprise must not cost the others)
            result = self.failure(stream, error)
            # What ends the run is said once, by whoever ended it.
            if not isinstance(error, (OutOfTime, TokenRefused, NobodyAnswers)):
                logger.warning(
                    "account %s, %s %s: %s", self._account, stream, result.result, result.reason
                )
            return result
        return self._result(stream, Outcome.DELIVERED, "")

    def of_shortcut(self, what: str, steps: Steps[None]) -> Steps[None]:
        """Take steps that only save others: without them each stream asks for itself.

        What ends the account ends it here too.

        Raises:
            TokenRefused: no account can be read.
        """
        try:
            yield from steps
        except OutOfTime:
            return
        except (AccountUnreadable, TokenRefused) as error:
            result = self.failure(what, error)
            if isinstance(error, AccountUnreadable):
                logger.warning("account %s skipped: %s", self._account, result.reason)
        except Exception as error:  # noqa: BLE001  (as in `of`)
            said = error.fault if isinstance(error, MetaError) else type(error).__name__
            logger.info("account %s: %s unknown (%s)", self._account, what, said)

    def failure(self, stream: str, error: Exception) -> StreamResult:
        """Say what became of a stream that ended with an error, and of its account.

        Raises:
            TokenRefused: no account can be read.
        """
        result = self._decided(stream, error)
        if result.result == Outcome.SKIPPED or isinstance(error, (ThrottledTooLong, NobodyAnswers)):
            self.gone = result
        return result

    def _decided(self, stream: str, error: Exception) -> StreamResult:
        if isinstance(error, OutOfTime):
            return self._result(stream, Outcome.UNFINISHED, "the time for this run was over")
        if isinstance(error, TokenRefused):
            return self._token_refused(stream, error)
        if isinstance(error, RequestRefused):
            self._shared.refused.note(stream, self._account.account_id, error)
        if isinstance(error, MetaError):
            kind = Outcome.SKIPPED if isinstance(error, AccountUnreadable) else Outcome.FAILED
            return self._result(stream, kind, error.reason, error.fault.code)
        if isinstance(error, (DuplicateKey, ReportChanged, StreamClosed)):
            return self._result(stream, Outcome.FAILED, str(error))
        logger.debug("account %s, %s", self._account, stream, exc_info=error)
        reason = f"unexpected {type(error).__name__}: please report it"
        return self._result(stream, Outcome.FAILED, reason)

    def _token_refused(self, stream: str, error: TokenRefused) -> StreamResult:
        """With several tokens, take a dead one as lost access to its accounts."""
        tokens = self._shared.settings.tokens
        if len(tokens) == 1:
            raise error
        label = tokens[self._account.token].label
        result = self._result(stream, Outcome.SKIPPED, f"{label}: {error.reason}", error.fault.code)
        if self._account.token not in self._shared.dead_tokens:
            logger.warning("its accounts cannot be read: %s", result.reason)
        self._shared.dead_tokens.setdefault(self._account.token, result)
        return result

    def _dead_token(self) -> StreamResult | None:
        """Return why this account's token no longer works, if another account has seen it fail."""
        known = self._shared.dead_tokens.get(self._account.token)
        return known and self._result(known.stream, Outcome.SKIPPED, known.reason, known.code)

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
