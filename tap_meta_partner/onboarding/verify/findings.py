"""What a verification finds: amounts side by side, and the reasons for what differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from decimal import Decimal
    from typing import Any

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.onboarding.verify.reasons import Reason

EQUAL, EXPLAINED, NOT_EXPLAINED = "equal", "explained", "not explained"
FINE, DIFFERS, COULD_NOT_VERIFY = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One metric of one account.

    Attributes:
        told: Meta's total.
        held: what each stream's table holds; None where it has no such column.
    """

    metric: str
    told: Decimal | None
    held: Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why one account's amounts differ, over some days.

    Attributes:
        streams: those whose tables differ in the same way.
        amounts: by metric, how much more the target holds.
        besides: words of the status table, or of Meta, on top.
    """

    reason: Reason
    streams: tuple[str, ...] = ()
    days: tuple[dt.date, ...] = ()
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    besides: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFindings:
    """One account."""

    account_id: str
    name: str
    window: DateWindow
    lines: Sequence[Line] = ()
    findings: Sequence[Finding] = ()

    @property
    def verdict(self) -> str:
        """Equal, explained, or not explained."""
        if not self.findings:
            return EQUAL
        explained = all(each.reason.value.explains for each in self.findings)
        return EXPLAINED if explained else NOT_EXPLAINED


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """All of it.

    Attributes:
        target: the database's address, without its password.
        streams: those compared, the account level first.
    """

    target: str
    streams: Sequence[str]
    accounts: Sequence[AccountFindings]
    calls: int
    seconds: float

    @property
    def exit_code(self) -> int:
        """0 equal or explained, 1 not."""
        odd = any(account.verdict == NOT_EXPLAINED for account in self.accounts)
        return DIFFERS if odd else FINE

    @property
    def verdict(self) -> str:
        """Count the accounts by what was found."""
        counts = {
            word: sum(account.verdict == word for account in self.accounts)
            for word in (EQUAL, EXPLAINED, NOT_EXPLAINED)
        }
        said = [f"{count} {word}" for word, count in counts.items() if count]
        return ", ".join(said) or "no account to compare"

    def as_json(self) -> dict[str, Any]:
        """Return all of it as one document; amounts are texts, with all their digits."""
        return {
            "exit_code": self.exit_code,
            "verdict": self.verdict,
            "target": self.target,
            "streams": list(self.streams),
            "accounts": [_account(account) for account in self.accounts],
            "calls": self.calls,
            "seconds": self.seconds,
        }


def _account(account: AccountFindings) -> dict[str, Any]:
    return {
        "account_id": account.account_id,
        "name": account.name,
        "since": str(account.window.since),
        "until": str(account.window.until),
        "verdict": account.verdict,
        "amounts": {
            line.metric: {
                "meta": _text(line.told),
                **{stream: _text(held) for stream, held in line.held.items()},
            }
            for line in account.lines
        },
        "reasons": [
            {
                "reason": each.reason.name.lower(),
                "explains": each.reason.value.explains,
                "streams": list(each.streams),
                "days": [str(day) for day in each.days],
                "differences": {metric: _text(value) for metric, value in each.amounts.items()},
                "what": each.reason.value.what,
                "besides": each.besides,
                "advice": each.reason.value.advice,
            }
            for each in account.findings
        ],
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else shown(value)


def shown(value: Decimal) -> str:
    """Write an amount without what binary fractions leave behind."""
    text = f"{round(value, 6):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
