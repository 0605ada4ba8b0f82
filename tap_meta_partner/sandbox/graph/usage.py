"""Budgets of calls: the usage headers on every answer, and throttling above 100 %.

Meta weighs calls by their cost and does not publish how; here every call counts one.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict, deque
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.protocol.errors import account_throttled, app_throttled

if TYPE_CHECKING:
    from collections.abc import Callable

# Calls that count against an account's `ads_insights` budget; other calls about an account count
# as `ads_management`, which is not limited here.
INSIGHTS_KINDS = frozenset({"insights", "campaign_insights", "run_create", "poll", "run_result"})
_NOTIONAL_BUDGET = 190_000  # the full tier's hourly ads_insights budget, when none is set


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many calls fit into a sliding window; None = no limit.

    A call too many blocks for at least `block_seconds`, and until enough calls have left the
    window; calling while blocked prolongs it. `stuck_at` is a percentage the account's headers
    show at least, although calls succeed (seen at Meta). `minute` is how many seconds of the clock
    stand for a minute in the headers, for tests in a compressed hour.
    """

    account_calls: int | None = None
    app_calls: int | None = None
    window_seconds: float = 3600.0
    block_seconds: float = 60.0
    tier: str = "standard_access"
    stuck_at: float | None = None
    minute: float = 60.0


@dataclass(slots=True)
class _Meter:
    """The calls of one account, or of the whole app, that are still in the window."""

    limit: int | None
    calls: deque[float] = field(default_factory=deque)
    blocked_until: float = 0.0

    def slide(self, edge: float) -> None:
        while self.calls and self.calls[0] <= edge:
            self.calls.popleft()

    def percent(self) -> float:
        return 100.0 * len(self.calls) / (self.limit or _NOTIONAL_BUDGET)


class UsageMeters:
    """Counts calls per account and for the app."""

    def __init__(self, budget: Budget | None, monotonic: Callable[[], float]) -> None:
        self._budget = budget or Budget()
        self._monotonic = monotonic
        self._accounts: defaultdict[str, _Meter] = defaultdict(
            lambda: _Meter(self._budget.account_calls)
        )
        self._app = _Meter(self._budget.app_calls)
        self._lock = Lock()

    def charge(self, account_id: str | None, kind: str) -> None:
        """Count a call; raise the throttling error when it is one too many."""
        if kind == "batch":
            return  # each of its items is charged instead
        now = self._monotonic()
        with self._lock:
            if self._is_refused(self._app, now):
                raise app_throttled()
            if account_id is not None and kind in INSIGHTS_KINDS:
                if self._is_refused(self._accounts[account_id], now):
                    raise account_throttled()
                self._accounts[account_id].calls.append(now)
            self._app.calls.append(now)

    def headers(self, account_id: str | None, kind: str) -> dict[str, str]:
        """Return the usage headers as of now; those about an account only when there is one."""
        now = self._monotonic()
        with self._lock:
            app = self._percent(self._app, now)
            throttle: dict[str, object] = {"app_id_util_pct": round(app, 2)}
            whole = math.floor(app)
            found: dict[str, object] = {
                "X-App-Usage": {"call_count": whole, "total_cputime": whole, "total_time": whole}
            }
            if account_id is not None:
                meter = self._accounts[account_id]
                percent = max(self._percent(meter, now), self._budget.stuck_at or 0.0)
                throttle["acc_id_util_pct"] = round(percent, 2)
                found |= self._account_headers(account_id, kind, percent, self._wait(meter, now))
            throttle["ads_api_access_tier"] = self._budget.tier
            found["X-FB-Ads-Insights-Throttle"] = throttle
        return {name: json.dumps(value) for name, value in found.items()}

    def _is_refused(self, meter: _Meter, now: float) -> bool:
        meter.slide(now - self._budget.window_seconds)
        if meter.limit is None:
            return False
        if now < meter.blocked_until:
            # Going on calling prolongs the block (Meta, "Rate limiting").
            meter.blocked_until = max(meter.blocked_until, now + self._budget.block_seconds)
            return True
        if len(meter.calls) < meter.limit:
            return False
        room = meter.calls[0] + self._budget.window_seconds if meter.calls else now
        meter.blocked_until = max(room, now + self._budget.block_seconds)
        return True

    def _percent(self, meter: _Meter, now: float) -> float:
        meter.slide(now - self._budget.window_seconds)
        blocked = now < meter.blocked_until
        return max(meter.percent(), 100.0) if blocked else meter.percent()

    def _wait(self, meter: _Meter, now: float) -> float:
        """Return how long the block still lasts, in minutes; 0 unless throttled."""
        return max(0.0, meter.blocked_until - now) / self._budget.minute

    def _account_headers(
        self, account_id: str, kind: str, percent: float, minutes: float
    ) -> dict[str, object]:
        types = ["ads_insights"] if kind in INSIGHTS_KINDS else ["ads_management", "ads_insights"]
        entries = [
            {
                "type": each,
                "call_count": math.floor(percent) if each == "ads_insights" else 1,
                "total_cputime": math.floor(percent * 0.6) if each == "ads_insights" else 1,
                "total_time": math.floor(percent * 0.5) if each == "ads_insights" else 1,
                # Whole minutes, and 0 until the account is throttled.
                "estimated_time_to_regain_access": (
                    math.ceil(minutes) if each == "ads_insights" else 0
                ),
                "ads_api_access_tier": self._budget.tier,
            }
            for each in types
        ]
        return {
            # The documentation says the key is the business; in practice it is the ad account.
            "X-Business-Use-Case-Usage": {account_id: entries},
            "X-Ad-Account-Usage": {
                "acc_id_util_pct": round(percent, 2),
                "reset_time_duration": math.ceil(minutes * 60),
                "ads_api_access_tier": self._budget.tier,
            },
        }
