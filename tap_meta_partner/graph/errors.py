"""What can go wrong at Meta, as classes that say what to do about it.

The tree; each branch is one thing a caller can do::

    MetaError                  carries code, subcode, fbtrace_id and what to do; never a secret
    ├─ Retriable               ask the same again, a limited number of times
    ├─ Throttled               wait, then ask the same again (for the account, or for all)
    ├─ TooMuchData             ask for less: another mode, fewer days, a smaller page
    ├─ CursorExpired           begin the window again
    ├─ RunNotReady             read the report run's result again
    ├─ AccountUnreadable       give this account up for this run, keep its bookmark
    ├─ RequestRefused          the request itself is wrong: our user must change a setting
    ├─ TokenRefused            stop the run: the token or the app secret does not work
    ├─ KeptFailing             retries came to their end: this account failed, the others go on
    ├─ ThrottledTooLong        hours of nothing but throttle errors: leave the account for this run
    └─ NobodyAnswers           whoever asks: nothing more is asked in this run

A class is what Meta's word suggests. Whether an `AccountUnreadable` really is the account's, or a
`TokenRefused` the token's, is for those to say who know what else has worked.

Errors are told apart by code and subcode; by their text only where Meta has no code for what it
says (one table in `error_codes.py`): Meta rewords texts, and uses the type `OAuthException` for
transient faults too. Source: "Ads Insights API Error Codes", "Error Codes" and "Rate limiting" in
Meta's Marketing API documentation (September 2026).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: What differs between two accounts that are told the same: quoted names, and all with a digit.
_OF_ONE_ACCOUNT = re.compile(r"""(?<!\w)(?:'[^']*'|"[^"]*")(?!\w)|\S*\d\S*""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What Meta, or the way to it, said: enough to act on and to quote to Meta's support.

    Attributes:
        message: what happened, for developers; often no more than "Invalid parameter".
        title: what happened, for people (`error_user_title`).
        user_message: the same at length (`error_user_msg`); often names what is at fault.
        is_transient: whether Meta says that it passes; None where it does not say.
    """

    message: str
    code: int | None = None
    subcode: int | None = None
    status: int | None = None
    fbtrace_id: str | None = None
    title: str | None = None
    user_message: str | None = None
    is_transient: bool | None = None

    @property
    def said(self) -> str:
        """All that Meta said, in its words for developers and for people."""
        for_people = ": ".join(text for text in (self.title, self.user_message) if text)
        return ". ".join(text for text in (self.message, for_people) if text)

    def __str__(self) -> str:
        parts = [] if self.code is None else [f"code {self.code}"]
        if self.subcode is not None:
            parts[-1:] = [f"code {self.code}/{self.subcode}"]
        if self.code is None and self.status is not None:
            parts.append(f"HTTP {self.status}")
        if self.fbtrace_id:
            parts.append(f"fbtrace_id {self.fbtrace_id}")
        return f"{self.said} ({', '.join(parts)})" if parts else self.said


class MetaError(Exception):
    """A call that was not answered with data.

    Attributes:
        fault: what was said, with code, subcode and trace id.
        rule: the line of the table that applies: what it means and what to do.
    """

    def __init__(self, fault: Fault, rule: Rule) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.rule = rule

    @property
    def reason(self) -> str:
        """One line for a person: what happened, then what to do."""
        return f"{self.rule.what}: {self.fault}. {self.rule.advice}"

    @property
    def word(self) -> str:
        """Meta's words without what differs from account to account: ids, names, numbers."""
        return word_of(self.fault.said)


class Retriable(MetaError):
    """The same request may work in a moment."""

    def exhausted(self) -> MetaError:
        """Return the error it becomes after `rule.tries` tries."""
        family = TooMuchData if self.rule.then_less else KeptFailing
        return family(self.fault, self.rule)


class Throttled(MetaError):
    """A rate limit was met; `rule.app_wide` tells whether it holds for every account."""


class TooMuchData(MetaError):
    """The request is too heavy as it is."""


class CursorExpired(MetaError):
    """The place in the pages was lost: the window must be read from its first page."""


class RunNotReady(MetaError):
    """A report run says it is complete but cannot be read yet."""


class AccountUnreadable(MetaError):
    """What was asked about (mostly an ad account) cannot be read with this token at present."""


class RequestRefused(MetaError):
    """Meta will never answer this request: a field, breakdown, version or right is wrong."""


class TokenRefused(MetaError):
    """No request can succeed with these credentials."""


class KeptFailing(MetaError):
    """Every allowed try failed."""


class ThrottledTooLong(MetaError):
    """An account got nothing but throttle errors for hours."""


class NobodyAnswers(MetaError):
    """No call is answered any more, neither about an account nor about anything else.

    It says nothing about the request: asking for less, or for something else, does not help.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the table.

    Attributes:
        family: the class of error.
        what: what happened, for a person, without a final stop.
        advice: what to do, a sentence or two.
        tries: how often the request is sent in all (only for `Retriable`).
        then_less: after the last try ask for less, rather than give up.
        app_wide: the limit holds for all accounts (only for `Throttled`).
        smaller_page_helps: a lower `limit` is worth trying (only for `TooMuchData`).
        least_seconds: wait at least so long, whatever the headers say (only for `Throttled`).
        about_object: said of one object: the one whose address was asked, or one in a list.
    """

    family: type[MetaError]
    what: str
    advice: str
    tries: int = 1
    then_less: bool = False
    app_wide: bool = False
    smaller_page_helps: bool = True
    least_seconds: float = 0.0
    about_object: bool = False


def word_of(text: str) -> str:
    """Return a text in lower case, without quoted names and anything that holds a digit."""
    return " ".join(_OF_ONE_ACCOUNT.sub(" ", text.lower()).split())
