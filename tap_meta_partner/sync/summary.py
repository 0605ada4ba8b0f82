"""How a run went: counted, summed up in a few lines, and turned into an exit code."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import word_of
from tap_meta_partner.sync.events import (
    BookmarkMoved,
    Discrepancy,
    Outcome,
    Rows,
    RunEnding,
    StreamResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from tap_meta_partner.lanes.governor import Governor
    from tap_meta_partner.lanes.lane import Lane, Standing
    from tap_meta_partner.settings.model import Settings
    from tap_meta_partner.sync.events import Event
    from tap_meta_partner.sync.shared import Plan

logger = logging.getLogger(__name__)

#: The best outcome first.
_KINDS = tuple(Outcome)

#: Told also where no account has it.
_SHOWN = (Outcome.DELIVERED, Outcome.SKIPPED, Outcome.FAILED)

_WHOLE = (Outcome.DELIVERED, Outcome.INCOMPLETE)

#: Accounts that are named in a line of the summary; the others are in `account_sync_status`.
_NAMED = 5


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
            case BookmarkMoved() | RunEnding():
                pass
        return event

    def hint_on_empty(self, plans: Sequence[Plan]) -> None:
        """Note why reports may have brought nothing despite delivery."""
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
        """Tell whether the run as a whole counts as failed, as it does when nobody got anything."""
        kinds = {result.result for result in self.of_streams}
        if Outcome.FAILED in kinds or self.saw_none:
            return True
        if any(result.new_holes for result in self.of_streams):
            return True
        if self.settings.fail_on_skipped_accounts and kinds & {Outcome.SKIPPED, Outcome.LOST}:
            return True
        return bool(kinds) and not any(
            result.result in _WHOLE or result.covered or result.rows for result in self.of_streams
        )

    def summary(self) -> list[str]:
        """Say in a few lines how the run went: figures, then each cause with whom it met."""
        as_before = sum(result.unchanged for result in self.of_streams)
        unchanged = f" written and {as_before} unchanged" if as_before else ""
        figures = (
            f"ad accounts: {_counted(_by_account(self.of_streams), shown=_SHOWN)}; their streams: "
            f"{_counted(Counter(result.result for result in self.of_streams))}; "
            f"{sum(self.rows.values())} rows{unchanged}, {self.calls} calls, "
            f"{self.governor.throttle_errors} throttle errors, "
            f"{self.governor.parked_seconds / 60:.1f} account-minutes parked, "
            f"{_duration(self.seconds)}"
        )
        causes = map(_cause, _by_cause(self.of_streams))
        return [figures, *causes, *map(_difference, self.discrepancies), *self.hints]


_IN_PART = "delivered in part"


def _by_account(results: Iterable[StreamResult]) -> Counter[str]:
    """Count accounts by what became of all their streams; some got only a part."""
    kinds: dict[str, set[Outcome]] = {}
    for result in results:
        kinds.setdefault(result.account_id, set()).add(result.result)
    return Counter(
        _IN_PART if len(found) > 1 and found & {*_WHOLE} else max(found, key=_KINDS.index)
        for found in kinds.values()
    )


def _counted(counts: Counter[str], *, shown: Collection[str] = ()) -> str:
    order = (Outcome.DELIVERED, _IN_PART, *_KINDS[1:])
    return ", ".join(f"{counts[kind]} {kind}" for kind in order if counts[kind] or kind in shown)


def _by_cause(results: Iterable[StreamResult]) -> list[list[StreamResult]]:
    """Put together what happened for the same cause, the worst first."""
    causes: dict[tuple[object, ...], list[StreamResult]] = {}
    for result in results:
        if result.result != Outcome.DELIVERED:
            cause = (result.result, result.code, word_of(result.reason))
            causes.setdefault(cause, []).append(result)
    return sorted(causes.values(), key=lambda met: -_KINDS.index(met[0].result))


def _cause(met: Sequence[StreamResult]) -> str:
    """Say in one line what happened, and to which accounts and streams."""
    first = met[0]
    accounts = {
        result.account_id: f"{result.account_id} ({result.account_name})"
        if result.account_name
        else result.account_id
        for result in met
    }
    named = ", ".join([*accounts.values()][:_NAMED])
    if len(accounts) > _NAMED:
        named += f" and {len(accounts) - _NAMED} more ad accounts"
    streams = ", ".join(dict.fromkeys(result.stream for result in met))
    of_first = f" (said of {first.account_id})" if len(accounts) > 1 else ""
    return f"{first.result}: {named}; {streams}: {first.reason}{of_first}"


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
