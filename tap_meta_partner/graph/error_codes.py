"""Error codes of Meta's: one table for what they mean and what to do, a second one for words.

Some things Meta says under codes that it also uses for anything else (100 above all): those are
told apart by their words, in `WORDS`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    CursorExpired,
    Fault,
    RequestRefused,
    Retriable,
    Rule,
    Throttled,
    TokenRefused,
    TooMuchData,
)
from tap_meta_partner.graph.rules import (
    ACCOUNT_LIMIT,
    APP_LIMIT,
    BROKEN_CREATIVE,
    CHECKPOINT,
    HEAVY_MAYBE,
    LATER,
    LESS,
    LONG_BLOCK_SECONDS,
    NO_ACCESS,
    NO_SUCH_OBJECT,
    NOT_READY,
    PAGE_RIGHT,
    PERSON_HAS_TO_ACT,
    REFUSED,
    SETTING,
    TOKEN,
    TOKEN_DEAD,
    TOO_MUCH,
    TRANSIENT,
    UNKNOWN_FAULT,
    WRONG_SECRET,
)
from tap_meta_partner.graph.values import count_of, maybe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.graph.errors import MetaError

NETWORK = Rule(
    family=Retriable,
    what="no answer from the Graph API",
    advice="Check api_url, the network and any proxy; the tap has tried several times.",
    tries=5,
)


#: Only where the address has never yet answered as a Graph API. Even then it may be a proxy's bad
#: moment, so it is asked again as after any answer that makes no sense.
NOT_GRAPH = Rule(
    family=Retriable,
    what="the answer does not come from a Graph API",
    advice="Check api_url (it must be https://graph.facebook.com or a sandbox's address) and any "
    "proxy; the tap has tried several times.",
    tries=5,
)


GARBLED = Rule(
    family=Retriable,
    what="Meta's answer could not be read",
    advice=LATER,
    tries=5,
)


# (code, subcode or None for any) -> rule.
RULES: Mapping[tuple[int, int | None], Rule] = {
    (-3, 1504045): TOO_MUCH,
    (-2, 2490547): HEAVY_MAYBE,
    (1, None): UNKNOWN_FAULT,
    (1, 99): HEAVY_MAYBE,
    # "profile is not linked to delegate page": said with "An unknown error occurred".
    (1, 2853001): Rule(
        family=AccountUnreadable,
        what="the token's profile is not linked to the page that it stands for",
        advice="Use a system user's token, or one of a person with the right profile.",
    ),
    (2, None): TRANSIENT,
    (2, 1504038): TOO_MUCH,
    (2, 1504041): Rule(
        family=RequestRefused,
        what="Meta has no data for this combination of fields and breakdowns",
        advice=SETTING,
    ),
    (2, 1504042): REFUSED,
    (2, 1504043): TRANSIENT,
    # Says is_transient false and "unknown", but a lighter request works.
    (2, 1504044): HEAVY_MAYBE,
    (3, None): Rule(
        family=RequestRefused,
        what="the app may not make this call",
        advice="Check that the app has the Marketing API product and access to ads_read.",
    ),
    (4, None): APP_LIMIT,
    (10, None): NO_ACCESS,
    # "Authorization and login needed", with the steps to take in Meta's words for people.
    (10, 2332002): PERSON_HAS_TO_ACT,
    # "… is deprecated for versions … and higher": of an edge or a field.
    (12, None): REFUSED,
    (17, None): ACCOUNT_LIMIT,
    (32, None): ACCOUNT_LIMIT,
    (100, None): REFUSED,
    (100, 33): NO_SUCH_OBJECT,
    # Rows or data points above an unpublished threshold: a smaller page does not help.
    (100, 1487534): Rule(
        family=TooMuchData,
        what="the report is too large for one request",
        advice=LESS,
        smaller_page_helps=False,
    ),
    (100, 1443048): BROKEN_CREATIVE,
    (100, 1504018): TOO_MUCH,
    (100, 2446211): BROKEN_CREATIVE,
    (100, 2446289): BROKEN_CREATIVE,
    (100, 3191001): NO_ACCESS,
    (102, None): TOKEN_DEAD,
    (104, None): WRONG_SECRET,
    (105, None): TOO_MUCH,
    (190, None): TOKEN_DEAD,
    (190, 458): Rule(
        family=TokenRefused,
        what="the app is no longer installed for the token's user",
        advice=TOKEN,
    ),
    (190, 459): CHECKPOINT,
    (190, 460): Rule(
        family=TokenRefused, what="the token ended when a password changed", advice=TOKEN
    ),
    (190, 463): Rule(family=TokenRefused, what="the access token has expired", advice=TOKEN),
    # "Unconfirmed user".
    (190, 464): CHECKPOINT,
    (190, 467): Rule(family=TokenRefused, what="the access token was revoked", advice=TOKEN),
    # "The user is enrolled in a blocking, logged-in checkpoint".
    (190, 490): CHECKPOINT,
    # Within 200 to 299, but nothing that a client could share.
    (294, None): Rule(
        family=RequestRefused,
        what="the token or its app may not read ads",
        advice="Make the token with the permission ads_read, in an app that has the Marketing API "
        "product.",
    ),
    (341, None): APP_LIMIT,
    (368, None): Rule(
        family=Throttled,
        what="Meta has blocked these calls for a while as unusual",
        advice="Look in the app's dashboard for a notice; the tap waits before it goes on.",
        least_seconds=LONG_BLOCK_SECONDS,
    ),
    # Two-factor authentication: the person's, whatever the account.
    (415, None): PERSON_HAS_TO_ACT,
    (452, None): TOKEN_DEAD,
    # Without a subcode: "abuse prevention", says Meta's support; it lasts longer.
    (613, None): replace(ACCOUNT_LIMIT, least_seconds=LONG_BLOCK_SECONDS),
    (613, 1487742): ACCOUNT_LIMIT,
    (613, 1996): ACCOUNT_LIMIT,
    # "Some of the aliases you requested do not exist".
    (803, None): NO_SUCH_OBJECT,
    (960, None): Rule(
        family=Retriable, what="a batch of calls timed out at Meta", advice=LATER, tries=3
    ),
    (1150, None): TRANSIENT,
    (2500, None): Rule(
        family=RequestRefused,
        what="Meta does not understand the request",
        advice="Check api_version (for example v26.0) and that access_token is set.",
    ),
    (2601, None): NOT_READY,
    (2635, None): Rule(
        family=RequestRefused,
        what="this version of the Marketing API has ended",
        advice="Raise api_version, or upgrade the tap and leave api_version out.",
    ),
    (2637, None): NOT_READY,
    (2642, None): Rule(
        family=CursorExpired,
        what="Meta lost the place in the pages",
        advice="The tap reads the window again.",
    ),
    (3001, None): REFUSED,
    # Start before the 37 months Meta keeps. Ours is clamped a day inside, so this is unexpected.
    (3018, None): Rule(
        family=RequestRefused,
        what="the start lies before the 37 months of history that Meta keeps",
        advice="Set a later start_date.",
    ),
    (5000, None): TRANSIENT,
    **{
        (code, None): ACCOUNT_LIMIT
        for code in (80000, 80001, 80002, 80003, 80004, 80005, 80006, 80008, 80009, 80014)
    },
}


#: (code, subcode as in `RULES`) -> what its words tell apart, the first that is found. Searched for
#: in all that Meta says, in lower case.
WORDS: Mapping[tuple[int, int | None], tuple[tuple[re.Pattern[str], Rule], ...]] = {
    key: tuple((re.compile(words), rule) for words, rule in told_apart)
    for key, told_apart in {
        (1, None): (("reduce the amount of data", TOO_MUCH),),
        (1, 99): (("reduce the amount of data", TOO_MUCH),),
        (100, None): (
            # Comes first: what names a field is about that field (`refused_fields.py`).
            ("not valid for fields param|nonexisting field", REFUSED),
            ("appsecret_proof", WRONG_SECRET),
            ("missing perm|do(?:es)? not have (?:sufficient )?permission", NO_ACCESS),
            # Hours later the same request works.
            ("unsupported request - method type", TRANSIENT),
            # Said while the result of a report run is read: it is not all there yet.
            ("cannot include .* in summary param", NOT_READY),
        ),
        (190, None): (
            (r"permission(?:s|\(s\))? must be granted before impersonating", PAGE_RIGHT),
        ),
        (200, None): (
            (
                "provide valid app id",
                Rule(
                    family=TokenRefused,
                    what="Meta does not know the app that the token was made for",
                    advice=TOKEN,
                ),
            ),
        ),
        (2500, None): (("syntax error", REFUSED),),
    }.items()
}


#: Longer texts are cut before anybody looks for anything in them.
_MOST_CHARACTERS = 1000


_TRACE_ID = re.compile(r"[\w/+=.-]{1,64}", re.ASCII)


_PERMISSION_CODES = range(200, 300)


_HTTP_REDIRECTION = 300


_HTTP_TOO_MANY = 429


_HTTP_SERVER_ERROR = 500


def rule_for(code: int, subcode: int | None) -> Rule:
    """Look an error up: the exact subcode first, then the code alone, then Meta's ranges."""
    rule = RULES.get((code, subcode)) or RULES.get((code, None))
    if rule is not None:
        return rule
    if code in _PERMISSION_CODES:
        return NO_ACCESS
    return UNKNOWN_FAULT


def from_envelope(envelope: Mapping[str, Any], *, status: int | None) -> MetaError:
    """Make the error of a Graph API error object (`{"error": …}`'s inner part).

    Args:
        envelope: message, code, error_subcode, fbtrace_id …, any of which may be missing.
        status: the HTTP status it came with (throttling usually comes as 400, so it decides
        nothing).
    """
    trace_id, is_transient = envelope.get("fbtrace_id"), envelope.get("is_transient")
    fault = Fault(
        message=_line(envelope.get("message")) or "no message",
        title=_line(envelope.get("error_user_title")),
        user_message=_line(envelope.get("error_user_msg")),
        code=maybe(count_of, envelope.get("code")) or 0,
        subcode=maybe(count_of, envelope.get("error_subcode")),
        status=status,
        fbtrace_id=trace_id if _is_trace_id(trace_id) else None,
        is_transient=is_transient if isinstance(is_transient, bool) else None,
    )
    rule = _by_words(fault)
    return rule.family(fault, rule)


def _line(text: object) -> str | None:
    """Return a text of Meta's as one line that is not too long; None where there is none."""
    if not isinstance(text, str):
        return None
    line = " ".join(text[:_MOST_CHARACTERS].split())
    return f"{line} …" if len(text) > _MOST_CHARACTERS else line.rstrip(".") or None


def _is_trace_id(value: object) -> bool:
    return isinstance(value, str) and _TRACE_ID.fullmatch(value) is not None


def _by_words(fault: Fault) -> Rule:
    """Look up what an error means, by its words where its code alone does not tell."""
    code = fault.code or 0
    key = (code, fault.subcode)
    if key not in RULES:
        key = (code, None)
    said = fault.said.lower()
    for words, rule in WORDS.get(key, ()):
        if words.search(said):
            return rule
    rule = rule_for(code, fault.subcode)
    if rule is UNKNOWN_FAULT and fault.is_transient is False:
        # Not hammered. Code 1 may still be a request that is too heavy; others say what they mean.
        return replace(rule, tries=2, then_less=code == 1)
    return rule


def from_status(status: int, *, is_graph: bool) -> MetaError:
    """Make the error for an answer that does not come from a Graph API (a proxy's page, say).

    Args:
        status: the HTTP status.
        is_graph: the address has answered as a Graph API before.
    """
    fault = Fault(message="no JSON in the answer", status=status)
    if status == _HTTP_TOO_MANY:
        return Throttled(fault, APP_LIMIT)
    # A page of an error under 5xx, or of anything under 2xx, blames no address.
    is_elsewhere = _HTTP_REDIRECTION <= status < _HTTP_SERVER_ERROR
    rule = NOT_GRAPH if is_elsewhere and not is_graph else GARBLED
    return rule.family(fault, rule)


def no_answer(message: str) -> MetaError:
    """Make the error of a call that got no answer: refused, reset, timed out."""
    return Retriable(Fault(message=message), NETWORK)
