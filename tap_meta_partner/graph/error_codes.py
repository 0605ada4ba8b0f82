"""One table from Meta's code and subcode to what it means and what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    CursorExpired,
    Fault,
    RequestRefused,
    Retriable,
    Rule,
    RunNotReady,
    Throttled,
    TokenRefused,
    TooMuchData,
)
from tap_meta_partner.graph.values import count_of, maybe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.graph.errors import MetaError

_LONG_BLOCK_SECONDS = 300.0


_WAIT = "The tap waits and goes on by itself; if it comes back every night, lower max_concurrency."


_LATER = "The tap tries again; if it lasts, see Meta's status page and run again later."


_SHARE = (
    "Ask the client to share the ad account with your Business Manager again (permission: view "
    "performance), and assign it to the system user in Business settings > System users."
)


_TOKEN = (
    "Make a new token for the system user (Business settings > System users > Generate token, "  # noqa: S105  (advice)
    "permission ads_read) and set access_token."
)


_SECRET = "Check that app_secret belongs to the app that the token was made for."  # noqa: S105


_SETTING = "Change the report's fields or breakdowns in the settings; Meta's message names which."


_LESS = "The tap asks for less at a time."


_TRANSIENT = Rule(
    family=Retriable, what="Meta could not answer for the moment", advice=_LATER, tries=5
)


_HEAVY_MAYBE = Rule(
    family=Retriable,
    what="Meta could not answer, probably because the report is heavy",
    advice=_LESS,
    tries=2,
    then_less=True,
)


_UNKNOWN_FAULT = Rule(
    family=Retriable,
    what="Meta reports an unknown error",
    advice=_LATER,
    tries=3,
    then_less=True,
)


_TOO_MUCH = Rule(family=TooMuchData, what="the report is too large for one request", advice=_LESS)


_ACCOUNT_LIMIT = Rule(
    family=Throttled, what="the rate limit of this ad account is reached", advice=_WAIT
)


_APP_LIMIT = Rule(
    family=Throttled, what="the rate limit of the app is reached", advice=_WAIT, app_wide=True
)


_NO_ACCESS = Rule(
    family=AccountUnreadable, what="no permission to read this ad account", advice=_SHARE
)


_TOKEN_DEAD = Rule(family=TokenRefused, what="Meta does not accept the access token", advice=_TOKEN)


_REFUSED = Rule(family=RequestRefused, what="Meta refuses the request", advice=_SETTING)


NETWORK = Rule(
    family=Retriable,
    what="no answer from the Graph API",
    advice="Check api_url, the network and any proxy; the tap has tried several times.",
    tries=5,
)


NOT_GRAPH = Rule(
    family=RequestRefused,
    what="the answer does not come from a Graph API",
    advice="Check api_url: it must be https://graph.facebook.com or a sandbox's address.",
)


GARBLED = Rule(
    family=Retriable,
    what="Meta's answer could not be read",
    advice=_LATER,
    tries=5,
)


# (code, subcode or None for any) -> rule.
RULES: Mapping[tuple[int, int | None], Rule] = {
    (-3, 1504045): _TOO_MUCH,
    (-2, 2490547): _HEAVY_MAYBE,
    (1, None): _UNKNOWN_FAULT,
    (1, 99): _HEAVY_MAYBE,
    (2, None): _TRANSIENT,
    (2, 1504038): _TOO_MUCH,
    (2, 1504041): Rule(
        family=RequestRefused,
        what="Meta has no data for this combination of fields and breakdowns",
        advice=_SETTING,
    ),
    (2, 1504042): _REFUSED,
    (2, 1504043): _TRANSIENT,
    # Says is_transient false and "unknown", but a lighter request works.
    (2, 1504044): _HEAVY_MAYBE,
    (3, None): Rule(
        family=RequestRefused,
        what="the app may not make this call",
        advice="Check that the app has the Marketing API product and access to ads_read.",
    ),
    (4, None): _APP_LIMIT,
    (10, None): _NO_ACCESS,
    # "… is deprecated for versions … and higher": of an edge or a field.
    (12, None): _REFUSED,
    (17, None): _ACCOUNT_LIMIT,
    (32, None): _ACCOUNT_LIMIT,
    (100, None): _REFUSED,
    (100, 33): Rule(
        family=AccountUnreadable,
        what="the ad account does not exist or is not assigned to the system user",
        advice=_SHARE,
    ),
    # Rows or data points above an unpublished threshold: a smaller page does not help.
    (100, 1487534): Rule(
        family=TooMuchData,
        what="the report is too large for one request",
        advice=_LESS,
        smaller_page_helps=False,
    ),
    (100, 1504018): _TOO_MUCH,
    (100, 3191001): _NO_ACCESS,
    (102, None): _TOKEN_DEAD,
    (104, None): Rule(
        family=TokenRefused, what="the appsecret_proof is missing or wrong", advice=_SECRET
    ),
    (105, None): _TOO_MUCH,
    (190, None): _TOKEN_DEAD,
    (190, 458): Rule(
        family=TokenRefused,
        what="the app is no longer installed for the token's user",
        advice=_TOKEN,
    ),
    (190, 460): Rule(
        family=TokenRefused, what="the token ended when a password changed", advice=_TOKEN
    ),
    (190, 463): Rule(family=TokenRefused, what="the access token has expired", advice=_TOKEN),
    (190, 467): Rule(family=TokenRefused, what="the access token was revoked", advice=_TOKEN),
    (294, None): _REFUSED,
    (341, None): _APP_LIMIT,
    (368, None): Rule(
        family=Throttled,
        what="Meta has blocked these calls for a while as unusual",
        advice="Look in the app's dashboard for a notice; the tap waits before it goes on.",
        least_seconds=_LONG_BLOCK_SECONDS,
    ),
    (452, None): _TOKEN_DEAD,
    # Without a subcode: "abuse prevention", says Meta's support; it lasts longer.
    (613, None): replace(_ACCOUNT_LIMIT, least_seconds=_LONG_BLOCK_SECONDS),
    (613, 1487742): _ACCOUNT_LIMIT,
    (613, 1996): _ACCOUNT_LIMIT,
    (960, None): Rule(
        family=Retriable, what="a batch of calls timed out at Meta", advice=_LATER, tries=3
    ),
    (1150, None): _TRANSIENT,
    (2500, None): Rule(
        family=RequestRefused,
        what="Meta does not understand the request",
        advice="Check api_version (for example v26.0) and that access_token is set.",
    ),
    (2601, None): Rule(
        family=RunNotReady, what="a finished report cannot be read yet", advice=_LATER
    ),
    (2635, None): Rule(
        family=RequestRefused,
        what="this version of the Marketing API has ended",
        advice="Raise api_version, or upgrade the tap and leave api_version out.",
    ),
    (2637, None): Rule(
        family=RunNotReady, what="a finished report cannot be read yet", advice=_LATER
    ),
    (2642, None): Rule(
        family=CursorExpired,
        what="Meta lost the place in the pages",
        advice="The tap reads the window again.",
    ),
    (3001, None): _REFUSED,
    # Start before the 37 months Meta keeps. Ours is clamped a day inside, so this is unexpected.
    (3018, None): Rule(
        family=RequestRefused,
        what="the start lies before the 37 months of history that Meta keeps",
        advice="Set a later start_date.",
    ),
    (5000, None): _TRANSIENT,
    **{
        (code, None): _ACCOUNT_LIMIT
        for code in (80000, 80001, 80002, 80003, 80004, 80005, 80006, 80008, 80009, 80014)
    },
}


_PERMISSION_CODES = range(200, 300)


_HTTP_TOO_MANY = 429


_HTTP_SERVER_ERROR = 500


def rule_for(code: int, subcode: int | None) -> Rule:
    """Look an error up: the exact subcode first, then the code alone, then Meta's ranges."""
    rule = RULES.get((code, subcode)) or RULES.get((code, None))
    if rule is not None:
        return rule
    if code in _PERMISSION_CODES:
        return _NO_ACCESS
    return _UNKNOWN_FAULT


def from_envelope(envelope: Mapping[str, Any], *, status: int | None) -> MetaError:
    """Make the error of a Graph API error object (`{"error": …}`'s inner part).

    Args:
        envelope: message, code, error_subcode, fbtrace_id …, any of which may be missing.
        status: the HTTP status it came with (throttling usually comes as 400, so it decides
        nothing).
    """
    code = maybe(count_of, envelope.get("code")) or 0
    subcode = maybe(count_of, envelope.get("error_subcode"))
    # error_user_msg often names the field at fault when the message is only "Invalid parameter".
    texts = [envelope.get("message"), envelope.get("error_user_msg")]
    message = ". ".join(
        " ".join(text.split()).rstrip(".") for text in texts if isinstance(text, str) and text
    )
    fault = Fault(
        message=message or "no message",
        code=code,
        subcode=subcode,
        status=status,
        fbtrace_id=str(envelope["fbtrace_id"]) if envelope.get("fbtrace_id") else None,
    )
    rule = rule_for(code, subcode)
    if code == 1 and "reduce the amount of data" in message.lower():
        rule = _TOO_MUCH
    return rule.family(fault, rule)


def from_status(status: int) -> MetaError:
    """Make the error of an answer that is no Graph API answer at all (a proxy's page, say)."""
    fault = Fault(message="no JSON in the answer", status=status)
    if status == _HTTP_TOO_MANY:
        return Throttled(fault, _APP_LIMIT)
    rule = GARBLED if status < 300 or status >= _HTTP_SERVER_ERROR else NOT_GRAPH  # noqa: PLR2004
    return rule.family(fault, rule)


def no_answer(message: str) -> MetaError:
    """Make the error of a call that got no answer: refused, reset, timed out."""
    return Retriable(Fault(message=message), NETWORK)
