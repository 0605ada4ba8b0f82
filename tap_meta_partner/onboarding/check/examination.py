"""One check: asks Meta about tokens, version and ad accounts, and says what it found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import UNASSIGNED, account_zone
from tap_meta_partner.accounts.discovery import ABOUT_BUSINESS, Discovery, discover
from tap_meta_partner.accounts.wanted import is_wanted, unfiltered
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.onboarding.asking import Asking
from tap_meta_partner.onboarding.check import judgement
from tap_meta_partner.onboarding.check.dimensions import dimensions_of, try_dimensions
from tap_meta_partner.onboarding.check.estimate import ACTIVE_DAYS, AccountSize, Measured, estimate
from tap_meta_partner.onboarding.check.findings import (
    ERROR,
    AccountFacts,
    ApiFacts,
    DimensionFacts,
    Findings,
    Problem,
)
from tap_meta_partner.onboarding.check.identities import (
    about_proof,
    about_refusal,
    identify_all,
    is_alive,
    proof_of,
    token_facts,
)
from tap_meta_partner.onboarding.check.readings import (
    Reading,
    account_facts,
    count_objects,
    read_spending,
    read_tasks,
)
from tap_meta_partner.reports.request import Reporting
from tap_meta_partner.settings.versions import NEWEST, life_of
from tap_meta_partner.settings.words import LEVELS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.settings.model import Settings

_DAY = dt.timedelta(days=1)


_WITHOUT_APP = (
    "kind, app, expiry and data-access expiry of a token: set app_id and app_secret "
    "(only the app is told)"
)


_NO_TASKS = "tasks: Meta does not show them to this token"


_UNKNOWN_ACCOUNT = "named in account_ids, but not among the accounts the token can read"


@dataclass(slots=True)
class Examination:
    """One check, question by question: tokens first, then accounts, then their insights.

    Args:
        settings: the tap's.
        clock: time and chance.
        minutes: when to give up.
    """

    settings: Settings
    clock: Clock = field(default_factory=Clock)
    minutes: float = 5.0
    findings: Findings = field(init=False)
    asking: Asking = field(init=False)
    seen: dict[str, AdAccount] = field(default_factory=dict)
    is_listed: bool = False
    seconds_per_call: float = 0.0
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.clock.monotonic()
        self.asking = Asking(self.settings, self.clock, self.minutes * 60)
        self.findings = Findings(checked_at=self.clock.utc_now(), api=self._api(alive=None))

    def run(self) -> Findings:
        """Ask everything.

        Raises:
            CannotCheck: nothing answers, or no Graph API.
        """
        found = self.findings
        self._look_at_tokens()
        found.problems += judgement.about_version(found.api, found.checked_at.date())
        found.problems += judgement.about_clock(found.api.clock_skew_seconds)
        for token in found.tokens:
            found.problems += judgement.about_scopes(token)
            found.problems += judgement.about_expiry(token)
        if not any(token.seen_by_app for token in found.tokens):
            found.not_seen.append(_WITHOUT_APP)
        if any(token.works for token in found.tokens):
            self._look_at_accounts()
        else:
            found.not_seen.append("the ad accounts: no call was accepted")
        found.calls = self.asking.calls
        found.seconds = round(self.clock.monotonic() - self._begun, 1)
        return found

    # Tokens.

    def _look_at_tokens(self) -> None:
        found, settings = self.findings, self.settings
        identities = identify_all(self.asking)
        proof = proof_of(identities, self.asking)
        with_secret = settings.app_secret is not None
        found.problems += about_proof(identities, with_secret=with_secret)
        for token, identity in zip(settings.tokens, identities, strict=True):
            found.problems += about_refusal(token, identity)
            facts = token_facts(
                token,
                identity,
                proof=proof,
                business=settings.business_id is not None,
                now=found.checked_at,
            )
            found.tokens.append(facts)
        found.api = self._api(alive=is_alive(identities))

    def _api(self, *, alive: bool | None) -> ApiFacts:
        version = self.settings.api_version
        life = life_of(version)
        return ApiFacts(
            url=self.settings.api_url,
            version=version,
            alive=alive,
            ends=life.ends,
            life=life.words,
            newest_version_known=NEWEST,
            clock_skew_seconds=self.asking.ahead_seconds,
            answered_as=self.asking.answered_as,
        )

    # Accounts.

    def _look_at_accounts(self) -> None:
        found = self.findings
        jitter = self.clock.jitter
        listing = Lane(
            name="list",
            account_id=None,
            steps=_or_error(discover(unfiltered(self.settings), further=False, jitter=jitter)),
        )
        tasks = [
            Lane(name="tasks", account_id=None, steps=read_tasks(place, jitter))
            for place, token in enumerate(found.tokens)
            if token.works
        ]
        self.asking.drive([listing, *tasks])
        if not isinstance(listing.result, Discovery):
            self._say_no_list(listing.result)
            return
        found.problems += _about_business(listing.result)
        self.is_listed = True
        self.seen = {account.account_id: account for account in listing.result.accounts}
        wanted = [account for account in self.seen.values() if is_wanted(account, self.settings)]
        found.not_wanted = len(self.seen) - len(wanted)
        known_tasks: dict[str, tuple[str, ...]] = {}
        for lane in tasks:
            known_tasks.update(lane.result or {})
        if wanted and not known_tasks:
            found.not_seen.append(_NO_TASKS)
        self._read(wanted, known_tasks)
        self._say_missing(listing.result)

    def _say_no_list(self, result: object) -> None:
        if isinstance(result, MetaError):
            self.findings.problems.append(judgement.problem_of(result, "the list of ad accounts"))
        self.findings.not_seen.append("the ad accounts: their list could not be read")

    def _say_missing(self, listed: Discovery) -> None:
        named = [*self.settings.account_ids, *listed.missing]
        for account_id in dict.fromkeys(named):
            if account_id not in self.seen:
                self.findings.problems.append(
                    Problem(
                        severity=ERROR,
                        about=account_id,
                        what=_UNKNOWN_ACCOUNT,
                        advice="Check the id, and that the account is shared and assigned.",
                    )
                )

    def _read(self, wanted: Sequence[AdAccount], tasks: Mapping[str, tuple[str, ...]]) -> None:
        lanes = {
            account.account_id: Lane(
                name=str(account),
                account_id=account.account_id,
                token=account.token,
                steps=read_spending(account, self.today_of(account), self._reporting),
            )
            for account in wanted
            if account.access != UNASSIGNED
        }
        seconds = self.asking.drive(list(lanes.values()))
        at_once = min(len(lanes), self.settings.max_concurrency)
        self.seconds_per_call = seconds * at_once / len(lanes) if lanes else 0.0
        for account in wanted:
            lane = lanes.get(account.account_id)
            reading = lane.result if lane else None
            facts = account_facts(
                account,
                reading,
                tasks=tasks.get(account.account_id),
                tokens=self.settings.tokens,
            )
            self.findings.accounts.append(facts)
            if isinstance(reading, Reading) and reading.refused:
                self.findings.problems.append(judgement.problem_of(reading.refused, str(account)))
        self.findings.problems += judgement.about_accounts(self.findings.accounts)

    @property
    def _reporting(self) -> Reporting:
        return Reporting(mode="sync", jitter=self.clock.jitter, monotonic=self.clock.monotonic)

    # What the runs will take.

    def try_dimensions(self, selected: Collection[str]) -> None:
        """Add to the findings which dimensions can be read; one call for each and account."""
        found = self.findings
        lanes = {
            account_id: Lane(
                name=account_id,
                account_id=account_id,
                token=self.seen[account_id].token,
                steps=try_dimensions(account_id, selected, self.clock.jitter),
            )
            for account_id in [each.account_id for each in found.accounts if each.readable]
        }
        self.asking.drive(list(lanes.values()))
        answers = {key: lane.result for key, lane in lanes.items() if isinstance(lane.result, dict)}
        for name in dimensions_of(selected):
            refused = {key: said[name] for key, said in answers.items() if name in said}
            reasons = {key: error.reason for key, error in refused.items()}
            found.dimensions.append(DimensionFacts(name=name, asked=len(answers), refused=reasons))
            found.problems += judgement.about_dimension(name, refused, len(answers))

    def estimate(self, selected: Collection[str] = ()) -> None:
        """Add an estimate of the tap's runs to the findings; asks each active account once.

        Args:
            selected: the dimensions and histories to count along.
        """
        readable = [
            (self.seen[facts.account_id], facts)
            for facts in self.findings.accounts
            if facts.readable
        ]
        lanes = {
            account.account_id: Lane(
                name=str(account),
                account_id=account.account_id,
                token=account.token,
                steps=count_objects(
                    account,
                    min(facts.last_day_with_spend, self.today_of(account) - _DAY),
                    self._reporting,
                ),
            )
            for account, facts in readable
            if self._is_active(account, facts) and facts.last_day_with_spend
        }
        self.asking.drive(list(lanes.values()))
        sizes = []
        for account, facts in readable:
            lane = lanes.get(account.account_id)
            counted = lane.result if lane and lane.result else dict.fromkeys(LEVELS, 1)
            sizes.append(
                AccountSize(
                    account_id=account.account_id,
                    name=account.name,
                    today=self.today_of(account),
                    active=self._is_active(account, facts),
                    objects=counted,
                )
            )
        measured = Measured(seconds_per_call=self.seconds_per_call, tier=self.asking.governor.tier)
        self.findings.estimate = estimate(self.settings, sizes, measured, selected)
        self.findings.calls = self.asking.calls
        self.findings.seconds = round(self.clock.monotonic() - self._begun, 1)

    def _is_active(self, account: AdAccount, facts: AccountFacts) -> bool:
        day = facts.last_day_with_spend
        return day is not None and (self.today_of(account) - day).days < ACTIVE_DAYS

    def today_of(self, account: AdAccount) -> dt.date:
        """Return an account's own today."""
        zone = account_zone(account.timezone_name, account.timezone_offset_hours)
        return self.findings.checked_at.astimezone(zone).date()


def _about_business(listed: Discovery) -> Iterator[Problem]:
    """Say what of the Business Manager could not be listed; a dead token has been said already."""
    for withheld in listed.withheld:
        if withheld.about == ABOUT_BUSINESS:
            yield Problem(
                severity=ERROR,
                about=withheld.about,
                what=withheld.what,
                advice=f"{withheld.advice} Check the id too (Business settings > Business info).",
            )


def _or_error(steps: Steps[Any]) -> Steps[Any]:
    """Return what the steps return, or the error they end with."""
    try:
        return (yield from steps)
    except MetaError as error:
        return error
