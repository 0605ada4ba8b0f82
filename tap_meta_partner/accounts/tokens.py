"""Access tokens: whose they are, what they may do and until when.

Two views: what the app that made a token knows of it (`/debug_token`, which takes an app token:
app id and app secret), and what the token itself is told (`/me`, `/me/permissions`), which is less
but needs nothing else. Written as steps (`graph/steps.py`).
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.graph.calls import APP, Call
from tap_meta_partner.graph.error_codes import rule_for
from tap_meta_partner.graph.errors import MetaError, Retriable
from tap_meta_partner.graph.steps import Pause, ask
from tap_meta_partner.graph.values import (
    count_of,
    maybe,
    object_of,
    rows_of,
    text_of,
    texts_of,
    unix_instant_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.graph.steps import Jitter, Steps
    from tap_meta_partner.settings.model import Settings

logger = logging.getLogger(__name__)


#: From here on a token's end is worth a warning, every night.
SOON_DAYS = 14


READ_ADS, MANAGE_ADS, MANAGE_BUSINESS = "ads_read", "ads_management", "business_management"


#: At `/me?fields=id,name`, which every token may ask, these mean the appsecret_proof and nothing
#: else.
PROOF_CODES = frozenset({100, 104})


_WRONG_APP_SECRET = 101


_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOwner:
    """The (system) user, or the page, that a token speaks for."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDetails:
    """What the app knows of a token.

    Attributes:
        kind: as Meta writes it: SYSTEM_USER, USER, PAGE, APP …
        valid: whether Meta accepts it at present.
        trouble: why it is not valid, in the words of the table of errors.
        expires_at: None where it never expires.
        data_access_expires_at: when the user has to confirm again that the app may read, or None.
    """

    kind: str = ""
    valid: bool = True
    trouble: str | None = None
    app_id: str | None = None
    app_name: str | None = None
    user_id: str | None = None
    scopes: tuple[str, ...] = ()
    expires_at: dt.datetime | None = None
    data_access_expires_at: dt.datetime | None = None


def warn_of_ends(settings: Settings, *, now: dt.datetime, jitter: Jitter) -> Steps[None]:
    """Log which tokens end within a fortnight; an end that Meta does not tell is no problem.

    Only the app is told: the settings are to have its id and secret.
    """
    for token in settings.tokens:
        try:
            details = yield from token_details(token.access_token, jitter=jitter)
        except MetaError as error:
            logger.info("when %s ends is not known: %s", token.label, error.fault)
            continue
        for ends, what in (
            (details.expires_at, "ends"),
            (details.data_access_expires_at, "may no longer read data"),
        ):
            if ends is not None and ends - now < dt.timedelta(days=SOON_DAYS):
                logger.warning(
                    "%s %s on %s, in %d days: renew it (meta-partner refresh, or a new one in "
                    "Business settings > System users)",
                    token.label,
                    what,
                    ends.date(),
                    max(0, (ends - now).days),
                )


def owner(token: int, jitter: Jitter) -> Steps[TokenOwner]:
    """Ask whose a token is: the cheapest way to see whether it works.

    Somebody waits for this answer, so it is tried for seconds only.

    Args:
        token: which of the settings' tokens, counted from 0.
        jitter: see `retries.ask`.

    Raises:
        MetaError: it does not work, or nothing answers.
    """
    call = Call(path="me", params={"fields": "id,name"}, token=token)
    for tried in range(1, _TRIES + 1):
        try:
            answer = yield call
        except Retriable as error:
            if tried == _TRIES:
                raise error.exhausted() from None
            yield Pause(0.5 + 0.5 * jitter(), error.rule.what)
        else:
            return TokenOwner(id=str(answer.get("id", "")), name=str(answer.get("name", "")))
    raise AssertionError("the last try returns or raises")


def granted_scopes(token: int, jitter: Jitter) -> Steps[tuple[str, ...]]:
    """Ask which permissions a token has been granted (not those declined or run out).

    Raises:
        MetaError: Meta does not tell.
    """
    answer = yield from ask(Call(path="me/permissions", token=token), jitter)
    return tuple(
        str(item.get("permission")) for item in rows_of(answer) if item.get("status") == "granted"
    )


def token_details(access_token: str, *, jitter: Jitter) -> Steps[TokenDetails]:
    """Ask the app, with its own token, about another one.

    Args:
        access_token: the token in question; a parameter of this one call, by Meta's rules.
        jitter: see `retries.ask`.

    Raises:
        MetaError: Meta does not tell; with a wrong app secret at once.
    """
    call = Call(path="debug_token", params={"input_token": access_token}, token=APP)
    try:
        answer = yield call
    except Retriable as error:
        if error.fault.code == _WRONG_APP_SECRET:
            raise error.exhausted() from None
        answer = yield from ask(call, jitter)
    return read_details(maybe(object_of, answer.get("data")) or {})


def read_details(data: Mapping[str, Any]) -> TokenDetails:
    """Read what `/debug_token` answers; its own texts are left aside, as they can quote tokens."""
    error = data.get("error")
    trouble = None
    if isinstance(error, dict):
        trouble = rule_for(
            maybe(count_of, error.get("code")) or 0, maybe(count_of, error.get("subcode"))
        ).what
    return TokenDetails(
        kind=str(data.get("type") or ""),
        valid=bool(data.get("is_valid")),
        trouble=trouble,
        app_id=maybe(text_of, data.get("app_id")),
        app_name=maybe(text_of, data.get("application")),
        user_id=maybe(text_of, data.get("user_id")),
        scopes=tuple(filter(None, maybe(texts_of, data.get("scopes")) or ())),
        expires_at=maybe(unix_instant_of, data.get("expires_at")),
        data_access_expires_at=maybe(unix_instant_of, data.get("data_access_expires_at")),
    )
