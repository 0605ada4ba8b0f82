"""What a check finds: facts, and the problems that follow from them."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from tap_meta_partner.onboarding.check.estimate import Estimate

ERROR, WARNING = "error", "warning"


FINE, NEEDS_A_PERSON, COULD_NOT_CHECK = 0, 1, 2


VERDICTS = ("all fine", "something needs a person", "could not check")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as it should be.

    Attributes:
        severity: `error` (something cannot be read) or `warning` (it will, or might, be so).
        about: what it is about: a token's label, an account, a setting …
        what: what is the matter, without a final stop.
        advice: what to do.
        needs_person: false for what may stay as it is; the exit code passes over it.
    """

    severity: str
    about: str
    what: str
    advice: str
    needs_person: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiFacts:
    """The Graph API that was asked.

    Attributes:
        alive: whether the version answers; None where no call came so far.
        answered_as: the version that Meta says it answers as, where it says so.
        clock_skew_seconds: how far this machine's clock is ahead of Meta's (behind: negative).
    """

    url: str
    version: str
    alive: bool | None
    ends: dt.date | None
    life: str
    newest_version_known: str
    clock_skew_seconds: int | None
    answered_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """One token, as far as it can be seen.

    Attributes:
        label: what the settings call it.
        kind: `system user`, `user`, `page` …; None where only the app could tell.
        seen_by_app: whether the app (app_id and app_secret) told about it.
        expires_in_days: whole days; None where it never ends, or is not known.
        proof: what became of the appsecret_proof, in words.
    """

    label: str
    works: bool
    kind: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    app_id: str | None = None
    app_name: str | None = None
    scopes: tuple[str, ...] | None = None
    missing_scopes: tuple[str, ...] = ()
    unneeded_scopes: tuple[str, ...] = ()
    seen_by_app: bool = False
    expires_at: dt.datetime | None = None
    expires_in_days: int | None = None
    data_access_expires_at: dt.datetime | None = None
    data_access_expires_in_days: int | None = None
    proof: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """One ad account.

    Attributes:
        tasks: what the token's user may do there; None where Meta does not tell.
        readable: whether its insights were read just now; None where time ran out before.
        reason: why not, in the tap's own words.
        last_day_with_spend: None where there was none in 90 days.
        token: the label of the token that reads it.
    """

    account_id: str
    name: str
    status: str | None
    currency: str | None
    timezone_name: str | None
    access: str
    tasks: tuple[str, ...] | None = None
    readable: bool | None = None
    reason: str | None = None
    last_day_with_spend: dt.date | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneAccount:
    """An account that was listed before and no longer is."""

    account_id: str
    name: str
    last_known: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionFacts:
    """Whether a dimension can be read.

    Attributes:
        asked: how many ad accounts were asked for one of its objects.
        refused: what those said that gave none, by account id.
    """

    name: str
    asked: int
    refused: dict[str, str]


@dataclass(slots=True, kw_only=True)
class Findings:
    """All of a check.

    Attributes:
        not_wanted: how many listed accounts the settings leave out.
        dimensions: those that were asked for by name.
        not_seen: what could not be looked at, and what it would take.
        remembered_in: the file that keeps the list of accounts for the next time.
        database: what the loader's database answers, where it was tried and does.
    """

    checked_at: dt.datetime
    api: ApiFacts
    tokens: list[TokenFacts] = field(default_factory=list)
    accounts: list[AccountFacts] = field(default_factory=list)
    not_wanted: int = 0
    gone: list[GoneAccount] = field(default_factory=list)
    dimensions: list[DimensionFacts] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    not_seen: list[str] = field(default_factory=list)
    remembered_in: str | None = None
    database: str | None = None
    estimate: Estimate | None = None
    calls: int = 0
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 all fine, 1 something needs a person."""
        needs = any(problem.needs_person for problem in self.problems)
        return NEEDS_A_PERSON if needs else FINE

    def as_json(self) -> dict[str, Any]:
        """Return all of it as one document."""
        code = self.exit_code
        return {"exit_code": code, "verdict": VERDICTS[code], **_plain(asdict(self))}


def _plain(value: Any) -> Any:  # noqa: ANN401  (anything that JSON knows, or a date)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value
