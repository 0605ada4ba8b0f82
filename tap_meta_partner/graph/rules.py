"""The rules that several of Meta's codes share, and the advice that several rules give."""

from __future__ import annotations

from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    RequestRefused,
    Retriable,
    Rule,
    RunNotReady,
    Throttled,
    TokenRefused,
    TooMuchData,
)

LONG_BLOCK_SECONDS = 300.0

WAIT = "The tap waits and goes on by itself; if it comes back every night, lower max_concurrency."

LATER = "The tap tries again; if it lasts, see Meta's status page and run again later."

SHARE = (
    "Ask the client to share the ad account with your Business Manager again (permission: view "
    "performance), and assign it to the system user in Business settings > System users."
)

TOKEN = (
    "Make a new token for the system user (Business settings > System users > Generate token, "  # noqa: S105  (advice)
    "permission ads_read) and set access_token."
)

SECRET = "Check that app_secret belongs to the app that the token was made for."  # noqa: S105

PERSON = (
    "The person whose token it is must log in at www.facebook.com and do what it asks for; a new "
    "token does not help, a system user's token is not asked for it."
)

OBJECT = "Look at it in Ads Manager: it may have been deleted, or need a right of its own."

SETTING = "Change the report's fields or breakdowns in the settings; Meta's message names which."

LESS = "The tap asks for less at a time."

TRANSIENT = Rule(
    family=Retriable, what="Meta could not answer for the moment", advice=LATER, tries=5
)

HEAVY_MAYBE = Rule(
    family=Retriable,
    what="Meta could not answer, probably because the report is heavy",
    advice=LESS,
    tries=2,
    then_less=True,
)

UNKNOWN_FAULT = Rule(
    family=Retriable,
    what="Meta reports an unknown error",
    advice=LATER,
    tries=3,
    then_less=True,
)

TOO_MUCH = Rule(family=TooMuchData, what="the report is too large for one request", advice=LESS)

ACCOUNT_LIMIT = Rule(
    family=Throttled, what="the rate limit of this ad account is reached", advice=WAIT
)

APP_LIMIT = Rule(
    family=Throttled, what="the rate limit of the app is reached", advice=WAIT, app_wide=True
)

NO_ACCESS = Rule(
    family=AccountUnreadable, what="no permission to read this ad account", advice=SHARE
)

PERSON_HAS_TO_ACT = Rule(
    family=AccountUnreadable,
    what="Meta wants the person whose token it is to do something first",
    advice=PERSON,
)

NO_SUCH_OBJECT = Rule(
    family=AccountUnreadable,
    what="what was asked for does not exist or is not assigned to the system user",
    advice=SHARE,
    about_object=True,
)

BROKEN_CREATIVE = Rule(
    family=RequestRefused,
    what="Meta itself objects to a creative",
    advice="Look at the creative in Ads Manager: what it shows may have been deleted.",
    about_object=True,
)

PAGE_RIGHT = Rule(
    family=AccountUnreadable,
    what="the token lacks a right to the page that an object belongs to",
    advice="Grant the token's user the page, or leave out the column that needs it.",
    about_object=True,
)

CHECKPOINT = Rule(
    family=TokenRefused,
    what="Facebook has stopped the token's user at a security check",
    advice=PERSON,
)

WRONG_SECRET = Rule(
    family=TokenRefused, what="the appsecret_proof is missing or wrong", advice=SECRET
)

NOT_READY = Rule(family=RunNotReady, what="a finished report cannot be read yet", advice=LATER)

TOKEN_DEAD = Rule(family=TokenRefused, what="Meta does not accept the access token", advice=TOKEN)

REFUSED = Rule(family=RequestRefused, what="Meta refuses the request", advice=SETTING)
