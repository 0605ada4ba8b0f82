"""One check: asks Meta about tokens, version and ad accounts, and says what it found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_meta_partner.accounts import tokens as auth
from tap_meta_partner.accounts.ad_account import UNASSIGNED, account_zone
from tap_meta_partner.accounts.discovery import Discovery, discover
from tap_meta_partner.accounts.wanted import is_wanted
from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.graph.steps import ask
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.onboarding.asking import Asking, overheard
from tap_meta_partner.onboarding.check import judgement
from tap_meta_partner.onboarding.check.estimate import ACTIVE_DAYS, AccountSize, Measured, estimate
from tap_meta_partner.onboarding.check.findings import (
    ERROR,
    AccountFacts,
    ApiFacts,
    Findings,
    Problem,
    TokenFacts,
)
from tap_meta_partner.onboarding.check.identities import (
    Identity,
    identify,
    is_alive,
    refuse_to_guess,
)
from tap_meta_partner.onboarding.check.readings import Reading, count_objects, read_spending
from tap_meta_partner.onboarding.check.versions import NEWEST, life_of
from tap_meta_partner.reports.request import Reporting
from tap_meta_partner.settings.words import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.settings.model import AccessToken, Settings

_DAY = dt.timedelta(days=1)


_PAGE = 200


_KINDS: Mapping[str, str] = {
    "SYSTEM_USER": "system user",
    "USER": "user",
    "PAGE": "page",
    "APP": "app",
}


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
        identities = self._identify()
        proof = self._proof(identities)
        found.tokens = [
            self._token_facts(token, identity, proof)
            for token, identity in zip(self.settings.tokens, identities, strict=True)
        ]
        found.api = self._api(alive=is_alive(identities))
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

    def _identify(self) -> list[Identity]:
        lanes = [
            Lane(
                name=token.label,
                account_id=None,
                steps=identify(self.settings, place, self.clock.jitter),
            )
            for place, token in enumerate(self.settings.tokens)
        ]
        self.asking.drive(lanes)
        found = [lane.result or Identity() for lane in lanes]
        refuse_to_guess(found)
        return found

    def _proof(self, identities: Sequence[Identity]) -> str:
        """Find out whether the app requires the appsecret_proof, and say it as problems too."""
        with_secret = self.settings.app_secret is not None
        refused = [identity.refused for identity in identities if identity.lacks_proof]
        if refused:
            what = (
                "it is wrong" if with_secret else "the app requires it, and app_secret is not set"
            )
            self.findings.problems.append(
                Problem(
                    severity=ERROR,
                    about="appsecret_proof",
                    what=f"{what}: {refused[0] and refused[0].fault}",
                    advice="Set app_secret to the secret of the app that the token was made for "
                    "(App settings > Basic).",
                )
            )
            return "wrong" if with_secret else "required, but app_secret is not set"
        working = [index for index, each in enumerate(identities) if each.owner]
        if not with_secret:
            return "not sent (no app_secret), and not required" if working else "not sent"
        if not working:
            return "sent"
        bare = replace(self.settings, app_secret=None)
        try:
            self.asking.one(auth.owner(working[0], self.clock.jitter), bare)
        except MetaError as error:
            if error.fault.code in auth.PROOF_CODES:
                return "required, sent and accepted"
            return "sent and accepted"
        return "sent and accepted; the app does not require it"

    def _token_facts(self, token: AccessToken, identity: Identity, proof: str) -> TokenFacts:
        business = self.settings.business_id is not None
        details = identity.details or auth.TokenDetails()
        now = self.findings.checked_at
        # Of a token that Meta does not accept the app is told nothing that could be judged.
        scopes = identity.scopes if details.valid else None
        self._say_refusal(token, identity)
        return TokenFacts(
            label=token.label,
            works=identity.owner is not None,
            kind=_KINDS.get(details.kind, details.kind.lower()) or None,
            user_id=identity.owner.id if identity.owner else details.user_id,
            user_name=identity.owner.name if identity.owner else None,
            app_id=details.app_id,
            app_name=details.app_name,
            scopes=scopes,
            missing_scopes=judgement.missing_scopes(scopes, business=business)
            if scopes is not None
            else (),
            unneeded_scopes=judgement.unneeded_scopes(scopes, business=business)
            if scopes is not None
            else (),
            seen_by_app=identity.details is not None,
            expires_at=details.expires_at,
            expires_in_days=judgement.days_until(details.expires_at, now),
            data_access_expires_at=details.data_access_expires_at,
            data_access_expires_in_days=judgement.days_until(details.data_access_expires_at, now),
            proof=proof,
        )

    def _say_refusal(self, token: AccessToken, identity: Identity) -> None:
        problems = self.findings.problems
        if identity.refused and not identity.lacks_proof:
            about = "api_version" if identity.has_dead_version else token.label
            problems.append(judgement.problem_of(identity.refused, about))
        elif identity.details and identity.details.trouble:
            what = identity.details.trouble
            problems.append(
                Problem(severity=ERROR, about=token.label, what=what, advice="Make a new token.")
            )
        if identity.details_refused:
            problems.append(
                Problem(
                    severity=ERROR,
                    about="app_id, app_secret",
                    what="Meta does not tell the app about the token: "
                    f"{identity.details_refused.fault}",
                    advice="Check that both belong to the app that the token was made for.",
                )
            )

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
        )

    # Accounts.

    def _look_at_accounts(self) -> None:
        found = self.findings
        everything = replace(
            self.settings,
            account_ids=(),
            exclude_account_ids=(),
            account_statuses=(),
            shard_index=0,
            shard_count=1,
        )
        jitter = self.clock.jitter
        listing = Lane(
            name="list",
            account_id=None,
            steps=_or_error(discover(everything, further=False, jitter=jitter)),
        )
        tasks = [
            Lane(name="tasks", account_id=None, steps=_or_error(self._tasks(index)))
            for index, token in enumerate(found.tokens)
            if token.works
        ]
        with overheard("tap_meta_partner.accounts", self._overheard):
            self.asking.drive([listing, *tasks])
        if not isinstance(listing.result, Discovery):
            self._say_no_list(listing.result)
            return
        self.is_listed = True
        self.seen = {account.account_id: account for account in listing.result.accounts}
        wanted = [account for account in self.seen.values() if is_wanted(account, self.settings)]
        found.not_wanted = len(self.seen) - len(wanted)
        known_tasks: dict[str, tuple[str, ...]] = {}
        for lane in tasks:
            known_tasks.update(lane.result if isinstance(lane.result, dict) else {})
        if wanted and not known_tasks:
            found.not_seen.append(_NO_TASKS)
        self._read(wanted, known_tasks)
        self._say_missing(listing.result)

    def _overheard(self, text: str) -> None:
        """Take what the listing warns of; a dead token has been said already."""
        if "business_id:" not in text:
            return
        what, _, advice = text.partition(". This needs")
        self.findings.problems.append(
            Problem(
                severity=ERROR,
                about="business_id",
                what=what.removeprefix("business_id: "),
                advice=f"This needs{advice} Check the id too (Business settings > Business info).",
            )
        )

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

    def _tasks(self, token: int) -> Steps[dict[str, tuple[str, ...]]]:
        """Read what the token's user may do in each account."""
        found: dict[str, tuple[str, ...]] = {}
        params: dict[str, Any] = {"fields": "account_id,user_tasks", "limit": _PAGE}
        while True:
            call = Call(path="me/adaccounts", params=dict(params), token=token)
            answer = yield from ask(call, self.clock.jitter)
            for raw in answer.get("data") or ():
                if isinstance(raw.get("user_tasks"), list):
                    found[str(raw.get("account_id"))] = tuple(map(str, raw["user_tasks"]))
            paging = answer.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            if not paging.get("next") or not after:
                return found
            params["after"] = after

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
            facts = self._account_facts(account, reading, tasks.get(account.account_id))
            self.findings.accounts.append(facts)
            if isinstance(reading, Reading) and reading.refused:
                self.findings.problems.append(judgement.problem_of(reading.refused, str(account)))
        self.findings.problems += judgement.about_accounts(self.findings.accounts)

    @property
    def _reporting(self) -> Reporting:
        return Reporting(mode="sync", jitter=self.clock.jitter, monotonic=self.clock.monotonic)

    # What the runs will take.

    def estimate(self) -> None:
        """Add what the tap's runs will take to what was found; asks each active account once."""
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
        self.findings.estimate = estimate(self.settings, sizes, measured)
        self.findings.calls = self.asking.calls
        self.findings.seconds = round(self.clock.monotonic() - self._begun, 1)

    def _is_active(self, account: AdAccount, facts: AccountFacts) -> bool:
        day = facts.last_day_with_spend
        return day is not None and (self.today_of(account) - day).days < ACTIVE_DAYS

    def today_of(self, account: AdAccount) -> dt.date:
        """Return an account's own today."""
        zone = account_zone(account.timezone_name, account.timezone_offset_hours)
        return self.findings.checked_at.astimezone(zone).date()

    def _account_facts(
        self, account: AdAccount, reading: Reading | None, tasks: tuple[str, ...] | None
    ) -> AccountFacts:
        readable, reason = None, None
        if account.access == UNASSIGNED:
            readable, reason = False, judgement.UNASSIGNED
        elif reading is not None:
            readable = reading.refused is None
            reason = reading.refused.reason if reading.refused else None
        tokens = self.settings.tokens
        return AccountFacts(
            account_id=account.account_id,
            name=account.name,
            status=account.status_name,
            currency=account.currency,
            timezone_name=account.timezone_name,
            access=account.access,
            tasks=tasks,
            readable=readable,
            reason=reason,
            last_day_with_spend=reading.last_day if reading else None,
            token=None if account.access == UNASSIGNED else tokens[account.token].label,
        )


def _or_error(steps: Steps[Any]) -> Steps[Any]:
    """Return what the steps return, or the error they end with."""
    try:
        return (yield from steps)
    except MetaError as error:
        return error
