"""All that can be set about a sandbox before it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from tap_meta_partner.sandbox.graph.tokens import TokenInfo
    from tap_meta_partner.sandbox.graph.usage import Budget
    from tap_meta_partner.sandbox.protocol.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Dials:
    """What a sandbox accepts, how much it bears, and what goes wrong in it.

    Attributes:
        versions: The living ones; an app may call none that is older than itself.
        latency: Seconds every answer takes at least.
        token: The System User token that is accepted.
        tokens: Further tokens.
        app_secret: When set, calls need the `appsecret_proof` made with it.
        budgets: How many calls are let through; None = all.
        max_sync_rows: Above it a synchronous report is refused as too much data; None = never.
        slow_sync_rows: Above it a synchronous report times out; None = never.
        max_async_rows: Above it a report run fails as too large; None = never.
        max_cells: Above it a report is too large, at once and as a run: its rows times the fields
            that are neither ids nor signs of life (see `LIGHT_FIELDS`); None = never.
        unservable: Ids of objects whose own rows are always too large. Lists that ask nothing but
            `LIGHT_FIELDS` of them are not.
        max_running_runs: How many report runs of one account may be under way; None = any number.
        max_page_rows: How many rows of a report a page may hold, whatever its `limit`; None = any.
        max_page_accounts: The same for lists of ad accounts.
        history_limits: Whether reports with breakdowns that begin 13 months ago (6 for
            frequencies) lack people, or rows, as at Meta.
        job_seconds: How long a report run takes; 0 = one state per poll.
        faults: What is to go wrong from the start.
        deleted_listed: Whether `effective_status` of an edge may name DELETED; else it is refused.
        deleted_filtered: Whether its `filtering` may.
        refused_fields: Fields Meta no longer knows, by account id ("*" = any account).
        differs: In what it is other than documented; names of `differing.DIFFERENCES`.
        monotonic: The clock of budgets and report runs, in seconds.
    """

    versions: frozenset[str] = frozenset({"v25.0", "v26.0", "v27.0"})
    latency: float = 0.0
    token: str = "SANDBOX-TOKEN"  # noqa: S105  (made up, and meant to be known)
    tokens: Mapping[str, TokenInfo] = field(default_factory=dict)
    app_secret: str | None = None
    budgets: Budget | None = None
    max_sync_rows: int | None = None
    slow_sync_rows: int | None = None
    max_async_rows: int | None = None
    max_cells: int | None = None
    unservable: Collection[str] = ()
    max_running_runs: int | None = None
    max_page_rows: int | None = None
    max_page_accounts: int | None = None
    history_limits: bool = True
    job_seconds: float = 0.0
    faults: Iterable[Fault] = ()
    deleted_listed: bool = False
    deleted_filtered: bool = False
    refused_fields: Mapping[str, Collection[str]] | None = None
    differs: frozenset[str] = frozenset()
    monotonic: Callable[[], float] = time.monotonic

    @property
    def deleted_by(self) -> frozenset[str]:
        """The parameters of an edge that may name DELETED."""
        dials = {"effective_status": self.deleted_listed, "filtering": self.deleted_filtered}
        return frozenset(name for name, may in dials.items() if may)
