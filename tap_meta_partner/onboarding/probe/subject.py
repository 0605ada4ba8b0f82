"""The ad account that a probe asks, and what it has been answered: no question is put twice."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.graph.steps import ask
from tap_meta_partner.graph.values import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.graph.steps import Jitter, Steps
    from tap_meta_partner.settings.model import Settings

_DAY = dt.timedelta(days=1)
#: Enough to have days with and without delivery, and one page.
_LOOK_BACK_DAYS = 30
_MOST_PAGES = 6


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and its answer as it came."""

    call: Call
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Heard:
    """The exchanges of a probe, which asks one thing after another."""

    exchanges: list[Exchange] = field(default_factory=list)

    def __call__(
        self, call: Call, status: int, headers: Mapping[str, str], body: bytes | bytearray
    ) -> None:
        """Take one more."""
        lower = {name.lower(): value for name, value in headers.items()}
        self.exchanges.append(Exchange(call, status, lower, bytes(body)))


@dataclass(slots=True, kw_only=True)
class Subject:
    """Who is asked.

    Args:
        account: the ad account that the user named.
        now: the present moment.
        today: the account's own.
        settings: the tap's.
        jitter: see `steps.ask`.
        heard: what was exchanged.
        unassigned: an account that nobody assigned to the system user, where the user named one.
        later: one that was assigned after the token was made, where the user named one.
        used: the exchanges of the question at hand.
        done: ids of report runs that have come to their end.
    """

    account: AdAccount
    now: dt.datetime
    today: dt.date
    settings: Settings
    jitter: Jitter
    heard: Heard
    unassigned: str | None = None
    later: str | None = None
    used: list[Exchange] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    _known: dict[str, tuple[dict[str, Any] | MetaError, Exchange | None]] = field(
        default_factory=dict
    )

    @property
    def node(self) -> str:
        """The account's path."""
        return f"act_{self.account.account_id}"

    @property
    def days(self) -> dict[str, str]:
        """Thirty days up to yesterday, as a `time_range`."""
        return self.span(_LOOK_BACK_DAYS)

    def span(self, days: int) -> dict[str, str]:
        """Return so many days up to yesterday, as a `time_range`."""
        return {"since": str(self.today - days * _DAY), "until": str(self.today - _DAY)}

    def get(
        self, path: str, params: Mapping[str, Any], *, method: str = "GET", again: bool = False
    ) -> Steps[dict[str, Any]]:
        """Ask something, or remember what was answered.

        Args:
            path: below the version.
            params: as of `Call`.
            method: POST to create a report run.
            again: ask even if it was asked before, as one does of a report run.

        Raises:
            MetaError: Meta refuses, as it did the first time.
        """
        key = json.dumps([method, path, params], sort_keys=True)
        if again or key not in self._known:
            call = Call(path=path, params=params, method=method, account_id=self.account.account_id)
            outcome: dict[str, Any] | MetaError
            try:
                outcome = yield from ask(call, self.jitter)
            except MetaError as error:
                outcome = error
            last = self.heard.exchanges[-1] if self.heard.exchanges else None
            self._known[key] = outcome, last
        outcome, exchange = self._known[key]
        if exchange is not None and exchange not in self.used:
            self.used.append(exchange)
        if isinstance(outcome, MetaError):
            raise outcome
        return outcome

    def insights(self, node: str | None = None, **params: Any) -> Steps[list[dict[str, Any]]]:  # noqa: ANN401
        """Read the rows of a report, of a few pages at most; an empty page ends it too."""
        path = f"{node or self.node}/insights"
        rows: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            page = yield from self.get(path, {"limit": 500, **params, **after})
            found = rows_of(page)
            rows += found
            cursor = next_cursor(page)
            if not found or cursor is None:
                return rows
            after = {"after": cursor}
        return rows

    def by_day(self) -> Steps[list[dict[str, Any]]]:
        """Read the account's days, as many questions need them."""
        return (
            yield from self.insights(
                level="account",
                fields="spend,impressions,actions",
                time_range=self.days,
                time_increment="1",
            )
        )


def next_cursor(page: Mapping[str, Any]) -> str | None:
    """Return where the next page begins; None where there is no `next`."""
    paging = page.get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return None
    cursors = paging.get("cursors")
    return str(cursors.get("after")) if isinstance(cursors, dict) else None
