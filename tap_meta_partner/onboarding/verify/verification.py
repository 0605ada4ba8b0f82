"""One verification: reads the target, asks Meta, and holds one against the other."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import ASSIGNED, AdAccount, account_zone
from tap_meta_partner.accounts.discovery import discover
from tap_meta_partner.days.history import history_edge
from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.onboarding.asking import Asking
from tap_meta_partner.onboarding.verify.amounts import ACTIONS, METRICS, NOTHING, Told
from tap_meta_partner.onboarding.verify.comparison import Compared
from tap_meta_partner.onboarding.verify.findings import (
    AccountFindings,
    Finding,
    Line,
    Verification,
)
from tap_meta_partner.onboarding.verify.questions import ask_account, ask_level
from tap_meta_partner.onboarding.verify.reasons import Reason
from tap_meta_partner.reports.request import Reporting
from tap_meta_partner.settings.words import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.onboarding.verify.amounts import HeldStream
    from tap_meta_partner.onboarding.verify.comparison import Difference
    from tap_meta_partner.onboarding.verify.tables import Holdings, Target
    from tap_meta_partner.settings.model import ReportDefinition, Settings

_DAY = dt.timedelta(days=1)
_USUAL_DAYS = 30
#: Whose words of the status table are worth repeating.
_TOLD_BY_STATUS = (Reason.HOLE, Reason.NOT_READ_SINCE, Reason.NEVER_READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be compared.

    Attributes:
        since: the first day; None for 30 days.
        until: the last day; None for each account's own yesterday.
        account_ids: only these; empty for all.
        actions: action types, beside spend, impressions and clicks.
    """

    since: dt.date | None = None
    until: dt.date | None = None
    account_ids: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """All that is compared."""
        return (*METRICS, *(f"{ACTIONS}{name}" for name in self.actions))


def comparable(definition: ReportDefinition) -> bool:
    """Tell whether a report's rows of a day add up to the account's."""
    return (
        definition.time_increment == 1
        and not definition.breakdowns
        and not definition.filtering
        and definition.level in LEVELS
    )


@dataclass(slots=True)
class Verifying:
    """One verification, step by step.

    Args:
        settings: the tap's.
        target: where the rows went.
        wanted: what is to be compared.
        clock: time and chance.
        minutes: when to give up.
    """

    settings: Settings
    target: Target
    wanted: Wanted
    clock: Clock = field(default_factory=Clock)
    minutes: float = 5.0
    asking: Asking = field(init=False)
    _now: dt.datetime = field(init=False)

    def __post_init__(self) -> None:
        self.asking = Asking(self.settings, self.clock, self.minutes * 60)
        self._now = self.clock.utc_now()

    def run(self) -> Verification:
        """Read and ask all of it.

        Raises:
            CannotRead: the target cannot be read.
            MetaError: the ad accounts cannot be listed.
        """
        begun = self.clock.monotonic()
        by_level = sorted(
            filter(comparable, self.settings.definitions),
            key=lambda definition: LEVELS.index(definition.level),
        )
        holdings = self.target.read(by_level, self._widest(), self.wanted.metrics)
        accounts = self._accounts()
        ids = sorted({*accounts, *holdings.held})
        if self.wanted.account_ids:
            ids = [account_id for account_id in ids if account_id in self.wanted.account_ids]
        compared = self._compared(accounts, holdings)
        found = [
            self._findings(accounts[account_id], compared[account_id])
            if account_id in accounts
            else self._lost(account_id)
            for account_id in ids
        ]
        return Verification(
            target=str(self.target),
            streams=[each.stream for each in holdings.empty],
            accounts=found,
            calls=self.asking.calls,
            seconds=round(self.clock.monotonic() - begun, 1),
        )

    # What is asked.

    def _accounts(self) -> dict[str, AdAccount]:
        """List the accounts that can be read."""
        settings = replace(self.settings, business_id=None)
        if self.wanted.account_ids:
            settings = replace(settings, account_ids=self.wanted.account_ids)
        found = self.asking.one(discover(settings, further=False, jitter=self.clock.jitter))
        return {each.account_id: each for each in found.accounts if each.access == ASSIGNED}

    def _compared(
        self, accounts: Mapping[str, AdAccount], holdings: Holdings
    ) -> dict[str, Compared]:
        windows = tuple(self.settings.action_attribution_windows)
        lanes = {
            account_id: self._lane(
                account,
                ask_account(
                    account_id,
                    self._window(account),
                    self.wanted.metrics,
                    windows,
                    self._reporting,
                ),
            )
            for account_id, account in accounts.items()
        }
        self.asking.drive(list(lanes.values()))
        compared = {
            account_id: Compared(
                window=self._window(account),
                zone=_zone(account),
                timezone_name=account.timezone_name,
                told=lanes[account_id].result or Told(),
                streams=holdings.of(account_id),
                metrics=self.wanted.metrics,
                lookback_days=self.settings.lookback_days,
                today=self._today(account),
            )
            for account_id, account in accounts.items()
        }
        return self._looked_below(accounts, compared)

    def _looked_below(
        self, accounts: Mapping[str, AdAccount], compared: Mapping[str, Compared]
    ) -> dict[str, Compared]:
        """Ask Meta for a lower level too, where only that could explain a difference."""
        lanes: dict[tuple[str, str], Lane] = {}
        for account_id, each in compared.items():
            levels = {stream.stream: stream.level for stream in each.streams}
            unknown = {
                levels[difference.stream]
                for difference in each.differences()
                if difference.reason in (Reason.UNKNOWN, Reason.HOLE)
            }
            for level in unknown - {"account"}:
                steps = ask_level(
                    account_id, level, each.window, self.wanted.metrics, self._reporting
                )
                lanes[account_id, level] = self._lane(accounts[account_id], steps)
        self.asking.drive(list(lanes.values()))
        below: defaultdict[str, dict[str, Told]] = defaultdict(dict)
        for (account_id, level), lane in lanes.items():
            if isinstance(lane.result, Told) and lane.result.refused is None:
                below[account_id][level] = lane.result
        return {
            account_id: replace(each, by_level=below[account_id])
            for account_id, each in compared.items()
        }

    def _lane(self, account: AdAccount, steps: Steps[Told]) -> Lane:
        return Lane(
            name=str(account),
            account_id=account.account_id,
            token=account.token,
            steps=steps,
        )

    @property
    def _reporting(self) -> Reporting:
        return Reporting(
            mode=self.settings.report_mode,
            jitter=self.clock.jitter,
            monotonic=self.clock.monotonic,
        )

    # Days.

    def _today(self, account: AdAccount) -> dt.date:
        return self._now.astimezone(_zone(account)).date()

    def _window(self, account: AdAccount) -> DateWindow:
        """Return the days of an account: its own yesterday is the last one unless told."""
        today = self._today(account)
        until = min(self.wanted.until or today - _DAY, today)
        since = self.wanted.since or until - (_USUAL_DAYS - 1) * _DAY
        return DateWindow(min(max(since, history_edge(today)), until), until)

    def _widest(self) -> DateWindow:
        """Return days that hold those of every account, whatever its time zone."""
        until = self.wanted.until or self._now.date() + _DAY
        since = self.wanted.since or self._now.date() - (_USUAL_DAYS + 2) * _DAY
        return DateWindow(min(since, until), until)

    # What is found.

    def _lost(self, account_id: str) -> AccountFindings:
        return AccountFindings(
            account_id=account_id,
            name="",
            window=self._window(AdAccount(account_id=account_id)),
            findings=(Finding(reason=Reason.LOST),),
        )

    def _findings(self, account: AdAccount, compared: Compared) -> AccountFindings:
        told = compared.told
        findings: list[Finding] = []
        if told.refused is not None:
            findings.append(Finding(reason=Reason.REFUSED, besides=told.refused.reason))
        else:
            askew = [metric for metric in self.wanted.metrics if compared.is_askew(metric)]
            findings = (
                [Finding(reason=Reason.META_ITSELF, besides=", ".join(askew))] if askew else []
            )
            findings += _gathered(compared.differences(), compared.streams)
        lines = [
            Line(
                metric=metric,
                told=None if told.refused else told.total.get(metric, NOTHING),
                held={each.stream: compared.held(each, metric) for each in compared.streams},
            )
            for metric in self.wanted.metrics
        ]
        return AccountFindings(
            account_id=account.account_id,
            name=account.name,
            window=compared.window,
            lines=lines,
            findings=findings,
        )


def _gathered(differences: Iterable[Difference], streams: Sequence[HeldStream]) -> list[Finding]:
    """Put together what has one reason in one stream, and streams that differ alike."""
    statuses = {stream.stream: stream.status for stream in streams}
    groups: defaultdict[tuple[str, Reason], list[Difference]] = defaultdict(list)
    for difference in differences:
        groups[difference.stream, difference.reason].append(difference)
    found: list[Finding] = []
    for (stream, reason), group in groups.items():
        amounts: dict[str, Decimal] = {}
        for each in group:
            amounts[each.metric] = amounts.get(each.metric, NOTHING) + each.amount
        status = statuses.get(stream)
        finding = Finding(
            reason=reason,
            streams=(stream,),
            days=tuple(sorted({each.day for each in group})),
            amounts={metric: round(amount, 6) for metric, amount in amounts.items()},
            besides=status.reason if status and reason in _TOLD_BY_STATUS else None,
        )
        alike = [
            other for other in found if replace(other, streams=()) == replace(finding, streams=())
        ]
        for other in alike:
            found.remove(other)
            finding = replace(finding, streams=(*other.streams, stream))
        found.append(finding)
    return found


def _zone(account: AdAccount) -> dt.tzinfo:
    return account_zone(account.timezone_name, account.timezone_offset_hours)
