"""Who has to wait, and until when: decided by how much of Meta's rate limits is used."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.graph.usage import DEVELOPMENT_TIER

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.usage import Usage

logger = logging.getLogger(__name__)


#: From here on, app-wide: half as many requests at once.
SLOW_DOWN_PERCENT = 75.0


#: From here on: park, for the first of these waits, then the next, with one request between them.
PARK_PERCENT = 90.0


PARK_SECONDS = (60.0, 120.0, 240.0, 300.0)


#: A throttle error parks for at least this long.
BLOCK_SECONDS = 60.0


#: The waits of one account whose calls are refused again and again: Meta counts by the hour, and
#: every call that is refused counts.
REFUSED_SECONDS = (60.0, 120.0, 240.0, 480.0, 900.0)


DEVELOPMENT_BLOCK_SECONDS = 300.0


DEVELOPMENT_CONCURRENCY = 2


#: An account that has been throttled for this long has failed for this run.
GIVE_UP_SECONDS = 3 * 3600.0


#: High utilisation alone, while nothing is refused, makes one account wait this long in a run, and
#: all together because of the app's: it slows a run down, but not without end. Past that, what
#: Meta refuses tells when to wait.
MOST_REST_SECONDS = 20 * 60.0


MOST_APP_REST_SECONDS = 40 * 60.0


#: An app's limit that so few accounts are told of, so often, while others are answered, is theirs.
_ALONE_ACCOUNTS = 2


_ALONE_TIMES = 3


#: While one request tests whether the app may go on, the others look again after this.
_PROBE_SECONDS = 1.0


@dataclass(slots=True)
class _Gate:
    """Whether requests may pass: for one ad account, or (the app's) for all.

    Attributes:
        may_rest: for how many seconds more it may be closed by high utilisation alone.
    """

    may_rest: float = MOST_REST_SECONDS
    closed_until: float = 0.0
    times_closed: int = 0
    throttled_since: float | None = None
    probing: bool = False
    #: The percentage at which the gate last closed: one that stays there while requests are
    #: answered is stuck (seen: 100 with nothing running) and is not believed until it moves.
    closed_at_percent: float | None = None
    stuck_percent: float | None = None

    def level(self, now: float) -> int:
        """Return how often it was closed before, not counting a closing that still lasts.

        Several requests that were under way together close it once.
        """
        return self.times_closed - (1 if now < self.closed_until else 0)


@dataclass(slots=True)
class Governor:
    """Decides who may ask, and when; fed with every answer.

    Args:
        jitter: returns a number from 0 to 1; spreads the end of waits.

    Attributes:
        longest_wait: the longest that anybody was told to wait, in seconds.
    """

    jitter: Callable[[], float]
    app: _Gate = field(default_factory=lambda: _Gate(MOST_APP_REST_SECONDS))
    accounts: dict[str, _Gate] = field(default_factory=dict)
    app_percent: float = 0.0
    tier: str | None = None
    throttle_errors: int = 0
    parked_seconds: float = 0.0
    longest_wait: float = 0.0
    #: Accounts that were told of the app's limit, and nobody has been answered since.
    _told_of_app: set[str] = field(default_factory=set)
    #: Those that have been told of it at all.
    _ever_told: set[str] = field(default_factory=set)
    #: Accounts that were told of it when others were answered, and have not been answered since.
    _theirs: set[str] = field(default_factory=set)
    #: How often an account was among so few that were told of it.
    _alone: Counter[str] = field(default_factory=Counter)

    def concurrency(self, most: int) -> int:
        """Return how many requests may be under way, of at most `most`."""
        if self.tier == DEVELOPMENT_TIER:
            most = min(most, DEVELOPMENT_CONCURRENCY)
        return max(1, most // 2) if self.app_percent >= SLOW_DOWN_PERCENT else most

    def admitted_at(self, account_id: str | None, now: float) -> float:
        """Admit a request for this account now, or return when to ask again.

        Not later than `now` means: send it. After the app was parked, one request is let through to
        see; the others wait for what becomes of it.
        """
        gate = self.accounts.get(account_id) if account_id else None
        at = max(self.app.closed_until, gate.closed_until if gate else 0.0)
        if at <= now and self.app.times_closed:
            if self.app.probing:
                return now + _PROBE_SECONDS
            self.app.probing = True
        return at

    def answered(self, account_id: str | None, usage: Usage, now: float) -> float:
        """Take note of an answer with data; return for how many seconds its account is parked."""
        self._note(usage)
        parked = 0.0
        if account_id:
            gate = self.accounts.setdefault(account_id, _Gate())
            parked = self._after_success(gate, usage.account_percent, now)
        self._learn_whose(account_id, now)
        return max(parked, self._after_success(self.app, usage.app_percent, now))

    def failed(self, account_id: str | None, usage: Usage) -> None:
        """Take note of an answer with an error other than a throttle: the limit let it through."""
        self._note(usage)
        self.app.probing = False
        self.app.throttled_since = None
        if account_id in self.accounts:
            self.accounts[account_id].throttled_since = None

    def throttled(
        self,
        account_id: str | None,
        usage: Usage,
        now: float,
        *,
        app_wide: bool,
        least_seconds: float = 0.0,
    ) -> float:
        """Take note of a throttle error; return how long to wait, in seconds.

        Going on calling prolongs a block, so the wait is never below what the headers say, nor
        below the `least_seconds` of the error itself. It grows while nothing else comes: what the
        headers say (`reset_time_duration` above all) may be over before the block is.
        """
        self._note(usage)
        self.throttle_errors += 1
        # Whatever limit it met, the request that was let through to see has come back.
        self.app.probing = False
        everybody = self.is_for_all(account_id, app_wide=app_wide)
        if everybody and account_id:
            self._told_of_app.add(account_id)
            self._ever_told.add(account_id)
        gate = self.app if everybody else self.accounts.setdefault(str(account_id), _Gate())
        least = DEVELOPMENT_BLOCK_SECONDS if self.tier == DEVELOPMENT_TIER else BLOCK_SECONDS
        waits = PARK_SECONDS if everybody else REFUSED_SECONDS
        least = max(least, waits[min(gate.level(now), len(waits) - 1)])
        wait = max(usage.regain_seconds, least, least_seconds)
        wait += wait * 0.1 * self.jitter()
        if gate.throttled_since is None:
            gate.throttled_since = now
        self._close(gate, now, wait)
        return wait

    def is_for_all(self, account_id: str | None, *, app_wide: bool) -> bool:
        """Tell whether a throttle error met by this account holds for all accounts.

        An app's limit of which one account is told, again and again, while others are answered, is
        that account's alone.
        """
        if account_id is None:
            return True
        alone = account_id in self._theirs or self._alone[account_id] >= _ALONE_TIMES
        return app_wide and not alone

    def throttled_seconds(self, account_id: str | None, now: float) -> float:
        """Return for how long this account has got nothing but throttle errors."""
        gates = [self.app, *([self.accounts[account_id]] if account_id in self.accounts else [])]
        begun = [gate.throttled_since for gate in gates if gate.throttled_since is not None]
        return now - min(begun) if begun else 0.0

    def app_blocked_seconds(self, now: float) -> float:
        """Return for how long the whole app has got nothing but throttle errors."""
        since = self.app.throttled_since
        return 0.0 if since is None else now - since

    def _note(self, usage: Usage) -> None:
        if usage.app_percent is not None:
            self.app_percent = usage.app_percent
        if usage.tier == DEVELOPMENT_TIER and self.tier != DEVELOPMENT_TIER:
            logger.warning(
                "the app has Limited access (development_access) to the Marketing API: the tap "
                "asks %d things at a time; ask for Full access in App Review",
                DEVELOPMENT_CONCURRENCY,
            )
        self.tier = usage.tier or self.tier

    def _learn_whose(self, account_id: str | None, now: float) -> None:
        """Take an answer with data as evidence that the app's limit does not hold for all."""
        if account_id is None or now < self.app.closed_until:
            # Sent before the gate closed, perhaps.
            return
        self._told_of_app.discard(account_id)
        self._theirs.discard(account_id)
        if 2 * len(self._ever_told) > len(self.accounts.keys() | self._ever_told):
            # Most accounts are told of it: some other kind of call was answered, no more.
            self._theirs.clear()
            self._alone.clear()
        else:
            self._theirs |= self._told_of_app
            if len(self._told_of_app) <= _ALONE_ACCOUNTS:
                self._alone.update(self._told_of_app)
        self._told_of_app.clear()

    def _after_success(self, gate: _Gate, percent: float | None, now: float) -> float:
        if now < gate.closed_until:
            # Sent before the gate closed: only a request let through afterwards tells anything new.
            return 0.0
        gate.probing = False
        gate.throttled_since = None
        if percent is None or percent < PARK_PERCENT:
            gate.times_closed = 0
            gate.closed_at_percent = gate.stuck_percent = None
            return 0.0
        if percent == gate.stuck_percent:
            # A throttle error in between may have closed the gate: it is open again.
            gate.times_closed = 0
            return 0.0
        if percent == gate.closed_at_percent and gate.times_closed > 1:
            # Two requests were answered, minutes apart, and the header has not moved at all.
            gate.stuck_percent = percent
            gate.times_closed = 0
            return 0.0
        gate.closed_at_percent = percent
        wait = min(PARK_SECONDS[min(gate.times_closed, len(PARK_SECONDS) - 1)], gate.may_rest)
        if not wait:
            # It has waited enough for a figure: the gate is open until Meta refuses something.
            gate.times_closed = 0
            return 0.0
        gate.may_rest -= wait
        self._close(gate, now, wait)
        return wait

    def _close(self, gate: _Gate, now: float, wait: float) -> None:
        gate.probing = False
        gate.times_closed = gate.level(now) + 1
        # Of several answers to requests that were under way together, the longest wait counts.
        self.longest_wait = max(self.longest_wait, wait)
        self.parked_seconds += max(0.0, now + wait - max(gate.closed_until, now))
        gate.closed_until = max(gate.closed_until, now + wait)
