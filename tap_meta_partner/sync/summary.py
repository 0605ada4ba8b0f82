"""How a run went: counted, told in a few lines, and turned into an exit code."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_meta_partner.sync.events import BookmarkMoved, Discrepancy, Outcome, Rows, StreamResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_meta_partner.lanes.governor import Governor
    from tap_meta_partner.lanes.lane import Lane, Standing
    from tap_meta_partner.settings.model import Settings
    from tap_meta_partner.sync.events import Event
    from tap_meta_partner.sync.shared import Plan

logger = logging.getLogger(__name__)

#: The best outcome first.
_KINDS = (
    *(Outcome.DELIVERED, Outcome.INCOMPLETE, Outcome.UNFINISHED),
    *(Outcome.SKIPPED, Outcome.LOST, Outcome.FAILED),
)

#: Told also where no account has it.
_SHOWN = (Outcome.DELIVERED, Outcome.SKIPPED, Outcome.FAILED)


@dataclass(slots=True)
class Results:
    """What a run has brought so far.

    Args:
        settings: say whether skipped accounts are a failure.
        governor: knows what was waited for.
        monotonic: seconds that only go forward.

    Attributes:
        of_streams: one for each account and stream.
        rows: how many, by stream.
        calls: how many were made.
        discrepancies: where the levels do not add up.
        hints: what an empty report may need.
        saw_none: the tokens can read no account at all.
    """

    settings: Settings
    governor: Governor
    monotonic: Callable[[], float]
    of_streams: list[StreamResult] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    discrepancies: list[Discrepancy] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    saw_none: bool = False
    _started: float = field(init=False)
    _counted_calls: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._started = self.monotonic()

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.of_streams) or self.saw_none

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return self.monotonic() - self._started

    def counted(self, lane: Lane, event: Event) -> Event:
        """Count rows, and the calls that a result took since the account's last one."""
        match event:
            case Rows():
                self.rows[event.stream] += len(event.records)
            case StreamResult():
                counted = self._counted_calls[lane.name]
                self._counted_calls[lane.name] = lane.calls
                event = replace(event, calls=lane.calls - counted)
                self.of_streams.append(event)
            case Discrepancy():
                self.discrepancies.append(event)
            case BookmarkMoved():
                pass
        return event

    def hint_on_empty(self, plans: Sequence[Plan]) -> None:
        """Note why reports may have brought nothing though there was delivery."""
        if any(self.rows.values()):
            self.hints += [
                f"{plan.name}: {plan.why_empty}"
                for plan in plans
                if plan.why_empty and not self.rows[plan.name]
            ]

    def say_standing(self, standing: Standing, total: int) -> None:
        """Log how far the run has come, of `total` accounts."""
        estimate = ""
        if standing.done and total > 1:
            left = self.seconds / standing.done * (total - standing.done)
            estimate = f"; about {_duration(left)} to go"
        elif standing.next_wake is not None:
            estimate = f"; goes on in {_duration(standing.next_wake)}"
        logger.info(
            "%d of %d accounts done, %d under way, %d waiting, %d to begin; %d rows, %d calls; "
            "%.0f %% of the app's limit used%s",
            standing.done,
            total,
            standing.under_way,
            standing.parked,
            standing.left,
            sum(self.rows.values()),
            self.calls + standing.calls,
            self.governor.app_percent,
            estimate,
        )

    def failed(self) -> bool:
        """Tell whether the run as a whole counts as failed."""
        kinds = Counter(result.result for result in self.of_streams)
        if kinds[Outcome.FAILED] or self.saw_none:
            return True
        if self.settings.fail_on_skipped_accounts and (
            kinds[Outcome.SKIPPED] or kinds[Outcome.LOST]
        ):
            return True
        good = (Outcome.DELIVERED, Outcome.INCOMPLETE, Outcome.UNFINISHED)
        return bool(kinds) and not any(kinds[kind] for kind in good)

    def summary(self) -> list[str]:
        """Say in a few lines how the run went; the accounts that need a person by name."""
        worst = _worst_by_account(self.of_streams)
        counts = Counter(result.result for result in worst.values())
        told = [kind for kind in _KINDS if counts[kind] or kind in _SHOWN]
        lines = [
            "ad accounts: "
            + ", ".join(f"{counts[kind]} {kind}" for kind in told)
            + f"; {sum(self.rows.values())} rows, {self.calls} calls, "
            f"{self.governor.throttle_errors} throttle errors, "
            f"{self.governor.parked_seconds / 60:.1f} account-minutes parked, "
            f"{_duration(self.seconds)}"
        ]
        lines += [
            f"{result.result}: {result.account_id}"
            f"{f' ({result.account_name})' if result.account_name else ''}, "
            f"{result.stream}: {result.reason}"
            for result in worst.values()
            if result.result != Outcome.DELIVERED
        ]
        return [*lines, *map(_difference, self.discrepancies), *self.hints]


def _worst_by_account(results: Sequence[StreamResult]) -> Mapping[str, StreamResult]:
    """Return each account's worst result, by account id."""
    worst: dict[str, StreamResult] = {}
    for result in results:
        known = worst.get(result.account_id)
        if known is None or _KINDS.index(result.result) > _KINDS.index(known.result):
            worst[result.account_id] = result
    return worst


def _difference(found: Discrepancy) -> str:
    """Say by how much an account and its ads differ."""
    missing = found.account_spend - found.ad_spend
    return (
        f"spend differs: {found.account_id} ({found.account_name}), {found.since} to "
        f"{found.until}: the account spent {found.account_spend.normalize():f}, its ads add up to "
        f"{found.ad_spend.normalize():f} ({missing.normalize():f} less). Levels need not add up "
        "where ads were deleted: take totals from account_insights"
    )


def _duration(seconds: float) -> str:
    """Say a time in seconds or minutes."""
    if seconds < 90:  # noqa: PLR2004  (seconds are shown up to a minute and a half)
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
