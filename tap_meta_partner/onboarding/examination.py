"""One check: asks Meta about tokens, version and ad accounts, and says what it found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_meta_partner import auth
from tap_meta_partner.accounts import UNASSIGNED, AdAccount, Discovery, discover, is_wanted
from tap_meta_partner.bookmarks import Pace
from tap_meta_partner.client import Call
from tap_meta_partner.errors import (
    GARBLED,
    NETWORK,
    NOT_GRAPH,
    MetaError,
    TooMuchData,
)
from tap_meta_partner.lanes import Lane
from tap_meta_partner.onboarding import judgement
from tap_meta_partner.onboarding.asking import Asking, overheard
from tap_meta_partner.onboarding.estimate import ACTIVE_DAYS, AccountSize, Measured, estimate
from tap_meta_partner.onboarding.findings import (
    ERROR,
    AccountFacts,
    ApiFacts,
    Findings,
    Problem,
    TokenFacts,
)
from tap_meta_partner.onboarding.versions import NEWEST, life_of
from tap_meta_partner.reports import Reporting, ReportRequest, read_report
from tap_meta_partner.retries import ask
from tap_meta_partner.run import Clock
from tap_meta_partner.settings import LEVELS, AccessToken, ReportDefinition
from tap_meta_partner.windows import DateWindow, account_zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_meta_partner.retries import Steps
    from tap_meta_partner.settings import Settings

LOOKED_BACK_DAYS = 90
#: A very large account is asked for fewer days rather than not at all.
_LOOK_BACK = (LOOKED_BACK_DAYS, 7, 1)
_PAGE = 200
_DEAD_VERSION, _UNKNOWN_PATH = 2635, 2500
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


class CannotCheck(Exception):
    """Nothing can be said: no answer, or not from a Graph API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the first questions about one token brought."""

    owner: auth.TokenOwner | None = None
    refused: MetaError | None = None
    details: auth.TokenDetails | None = None
    details_refused: MetaError | None = None
    scopes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reading one account's insights brought."""

    last_day: dt.date | None = None
    refused: MetaError | None = None


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
        found.api = self._api(alive=_is_alive(identities))
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
            found.not_seen.append("the ad accounts: no token works")
        found.calls = self.asking.calls
        found.seconds = round(self.clock.monotonic() - self._begun, 1)
        return found

    # Tokens.

    def _identify(self) -> list[Identity]:
        settings = self.settings
        tokens = settings.tokens
        asked_with = None
        extended = settings
        if settings.app_id and settings.app_secret:
            asked_with = len(tokens)
            app = AccessToken(
                label="app", access_token=auth.app_token(settings.app_id, settings.app_secret)
            )
            extended = replace(settings, access_tokens=(*settings.access_tokens, app))
        lanes = [
            Lane(
                name=token.label,
                account_id=None,
                steps=self._identity(index, token, asked_with),
            )
            for index, token in enumerate(tokens)
        ]
        self.asking.drive(lanes, extended)
        found = [lane.result or Identity() for lane in lanes]
        self._refuse_to_guess(found)
        return found

    def _identity(self, index: int, token: AccessToken, asked_with: int | None) -> Steps[Identity]:
        jitter = self.clock.jitter
        found = Identity()
        try:
            owner = yield from auth.owner(index, jitter)
            found = replace(found, owner=owner)
        except MetaError as error:
            found = replace(found, refused=error)
            if error.rule in (NETWORK, NOT_GRAPH, GARBLED):
                return found
        if asked_with is not None:
            try:
                details = yield from auth.token_details(
                    token.access_token, asked_with=asked_with, jitter=jitter
                )
                return replace(found, details=details, scopes=details.scopes)
            except MetaError as error:
                found = replace(found, details_refused=error)
        if found.owner is not None:
            try:
                scopes = yield from auth.granted_scopes(index, jitter)
                found = replace(found, scopes=scopes)
            except MetaError:
                pass  # a page's token has no permissions of its own to list
        return found

    def _refuse_to_guess(self, identities: Sequence[Identity]) -> None:
        for identity in identities:
            if identity.refused and identity.refused.rule in (NETWORK, NOT_GRAPH, GARBLED):
                raise CannotCheck(identity.refused.reason)
        if not any(identity.owner or identity.refused for identity in identities):
            raise CannotCheck("no answer about any token before the time was over")

    def _proof(self, identities: Sequence[Identity]) -> str:
        """Find out whether the app requires the appsecret_proof, and say it as problems too."""
        with_secret = self.settings.app_secret is not None
        refused = [
            identity.refused
            for identity in identities
            if identity.refused and identity.refused.fault.code in auth.PROOF_CODES
        ]
        if refused:
            what = (
                "it is wrong" if with_secret else "the app requires it, and app_secret is not set"
            )
            self.findings.problems.append(
                Problem(
                    severity=ERROR,
                    about="appsecret_proof",
                    what=f"{what}: {refused[0].fault}",
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
        scopes = identity.scopes
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
            missing_scopes=judgement.missing_scopes(scopes, business=business) if scopes else (),
            unneeded_scopes=judgement.unneeded_scopes(scopes, business=business) if scopes else (),
            seen_by_app=identity.details is not None,
            expires_at=details.expires_at,
            expires_in_days=judgement.days_until(details.expires_at, now),
            data_access_expires_at=details.data_access_expires_at,
            data_access_expires_in_days=judgement.days_until(details.data_access_expires_at, now),
            proof=proof,
        )

    def _say_refusal(self, token: AccessToken, identity: Identity) -> None:
        problems = self.findings.problems
        if identity.refused and identity.refused.fault.code not in auth.PROOF_CODES:
            problems.append(judgement.problem_of(identity.refused, token.label))
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
                steps=self._reading(account),
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

    def _reading(self, account: AdAccount) -> Steps[Reading]:
        """Ask on which days an account spent; that is what the tap will ask, in little."""
        today = self.today_of(account)
        refused: MetaError | None = None
        for days in _LOOK_BACK:
            window = DateWindow(today - dt.timedelta(days=days - 1), today)
            request = _request(account, "account", ("spend",), window)
            spending = _Spending()
            try:
                yield from read_report(request, spending, Pace(), self._reporting)
            except TooMuchData as error:
                refused = error
            except MetaError as error:
                return Reading(refused=error)
            else:
                return Reading(last_day=spending.last_day)
        return Reading(refused=refused)

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
                steps=self._counting(account, facts.last_day_with_spend),
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

    def _counting(self, account: AdAccount, last_day: dt.date) -> Steps[dict[str, int] | None]:
        """Count how many objects of each level had a row on the last full day with spend."""
        day = min(last_day, self.today_of(account) - dt.timedelta(days=1))
        ids = tuple(f"{level}_id" for level in LEVELS)
        objects = _Objects(ids)
        request = _request(account, "ad", ids, DateWindow(day, day))
        try:
            yield from read_report(request, objects, Pace(), self._reporting)
        except MetaError:
            return None
        return {
            level: max(1, len(found)) for level, found in zip(LEVELS, objects.found, strict=True)
        }

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


class _Spending:
    """A sink that keeps the last day with spend."""

    def __init__(self) -> None:
        self.last_day: dt.date | None = None

    def begin(self, part: str = "") -> None:  # noqa: ARG002
        self.last_day = None

    def page(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if not _is_above_zero(row.get("spend")):
                continue
            day = dt.date.fromisoformat(str(row.get("date_start")))
            if self.last_day is None or day > self.last_day:
                self.last_day = day


class _Objects:
    """A sink that keeps which objects there are, by column."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self.found: tuple[set[str], ...] = ()
        self.begin()

    def begin(self, part: str = "") -> None:  # noqa: ARG002
        self.found = tuple(set() for _ in self._columns)

    def page(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            for column, ids in zip(self._columns, self.found, strict=True):
                ids.add(str(row.get(column)))


def _request(
    account: AdAccount, level: str, fields: tuple[str, ...], window: DateWindow
) -> ReportRequest:
    return ReportRequest(
        definition=ReportDefinition(name="check", level=level),
        fields=fields,
        account_id=account.account_id,
        window=window,
    )


def _is_above_zero(amount: object) -> bool:
    try:
        return Decimal(str(amount)) > 0
    except ArithmeticError:
        return False


def _is_alive(identities: Sequence[Identity]) -> bool:
    """Tell whether the version answers; a refused token is an answer too."""
    codes = [identity.refused.fault.code for identity in identities if identity.refused]
    return not any(code in (_DEAD_VERSION, _UNKNOWN_PATH) for code in codes)


def _or_error(steps: Steps[Any]) -> Steps[Any]:
    """Return what the steps return, or the error they end with."""
    try:
        return (yield from steps)
    except MetaError as error:
        return error
