"""Whose a token is and what it may do: the first questions of a check, whose answers decide all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_meta_partner.accounts import tokens as auth
from tap_meta_partner.graph.error_codes import GARBLED, NETWORK, NOT_GRAPH
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.onboarding.check import judgement
from tap_meta_partner.onboarding.check.findings import ERROR, Problem, TokenFacts

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from tap_meta_partner.graph.steps import Jitter, Steps
    from tap_meta_partner.onboarding.asking import Asking
    from tap_meta_partner.settings.model import AccessToken, Settings

#: Meta's codes for a version that has ended, and for one that never was.
_VERSION_CODES = frozenset({2635, 2500})


_NO_ANSWER = (NETWORK, NOT_GRAPH, GARBLED)


_KINDS: Mapping[str, str] = {
    "SYSTEM_USER": "system user",
    "USER": "user",
    "PAGE": "page",
    "APP": "app",
}


class CannotCheck(Exception):
    """Nothing can be said: no answer, or not from a Graph API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What Meta said of one token.

    Attributes:
        owner: whose it is, if Meta accepts it.
        refused: why it does not.
        details: what the app knows of it.
        details_refused: why the app is not told.
        scopes: what it may do, where anybody tells.
    """

    owner: auth.TokenOwner | None = None
    refused: MetaError | None = None
    details: auth.TokenDetails | None = None
    details_refused: MetaError | None = None
    scopes: tuple[str, ...] | None = None

    @property
    def lacks_proof(self) -> bool:
        """Whether it was refused for its appsecret_proof."""
        return self.refused is not None and self.refused.fault.code in auth.PROOF_CODES

    @property
    def has_dead_version(self) -> bool:
        """Whether it was refused for the version of the API."""
        return self.refused is not None and self.refused.fault.code in _VERSION_CODES


def identify(settings: Settings, place: int, jitter: Jitter) -> Steps[Identity]:
    """Ask about one token.

    Args:
        settings: the tokens; the app is asked where its id and secret are known.
        place: the token's among the settings' tokens.
        jitter: see `retries.ask`.
    """
    found = Identity()
    try:
        owner = yield from auth.owner(place, jitter)
        found = replace(found, owner=owner)
    except MetaError as error:
        found = replace(found, refused=error)
        if error.rule in _NO_ANSWER or found.has_dead_version:
            return found
    if settings.app_token:
        try:
            access_token = settings.tokens[place].access_token
            details = yield from auth.token_details(access_token, jitter=jitter)
        except MetaError as error:
            found = replace(found, details_refused=error)
        else:
            return replace(found, details=details, scopes=details.scopes)
    if found.owner is not None:
        try:
            scopes = yield from auth.granted_scopes(place, jitter)
            found = replace(found, scopes=scopes)
        except MetaError:
            pass  # a page's token has no permissions of its own to list
    return found


def identify_all(asking: Asking) -> list[Identity]:
    """Ask about all of the settings' tokens at once.

    Raises:
        CannotCheck: no answer, or not from a Graph API.
    """
    lanes = [
        Lane(
            name=token.label,
            account_id=None,
            steps=identify(asking.settings, place, asking.clock.jitter),
        )
        for place, token in enumerate(asking.settings.tokens)
    ]
    asking.drive(lanes)
    found = [lane.result or Identity() for lane in lanes]
    refuse_to_guess(found)
    return found


def refuse_to_guess(identities: Sequence[Identity]) -> None:
    """Stop where Meta was not reached.

    Raises:
        CannotCheck: no answer, or not from a Graph API.
    """
    for identity in identities:
        if identity.refused and identity.refused.rule in _NO_ANSWER:
            raise CannotCheck(identity.refused.reason)
    if not any(identity.owner or identity.refused for identity in identities):
        raise CannotCheck("no answer about any token before the time was over")


def is_alive(identities: Sequence[Identity]) -> bool:
    """Tell whether the version answers; a refused token is an answer too."""
    return not any(identity.has_dead_version for identity in identities)


def proof_of(identities: Sequence[Identity], asking: Asking) -> str:
    """Find out whether the app requires the appsecret_proof; say what becomes of it, in words."""
    with_secret = asking.settings.app_secret is not None
    if any(identity.lacks_proof for identity in identities):
        return "wrong" if with_secret else "required, but app_secret is not set"
    working = [place for place, identity in enumerate(identities) if identity.owner]
    if not with_secret:
        return "not sent (no app_secret), and not required" if working else "not sent"
    if not working:
        return "sent"
    bare = replace(asking.settings, app_secret=None)
    try:
        asking.one(auth.owner(working[0], asking.clock.jitter), bare)
    except MetaError as error:
        if error.fault.code in auth.PROOF_CODES:
            return "required, sent and accepted"
        return "sent and accepted"
    return "sent and accepted; the app does not require it"


def about_proof(identities: Sequence[Identity], *, with_secret: bool) -> Iterator[Problem]:
    """Say that a token was refused for its appsecret_proof; once, as all have the same app."""
    refused = [identity.refused for identity in identities if identity.lacks_proof]
    if refused:
        what = "it is wrong" if with_secret else "the app requires it, and app_secret is not set"
        yield Problem(
            severity=ERROR,
            about="appsecret_proof",
            what=f"{what}: {refused[0] and refused[0].fault}",
            advice="Set app_secret to the secret of the app that the token was made for "
            "(App settings > Basic).",
        )


def about_refusal(token: AccessToken, identity: Identity) -> Iterator[Problem]:
    """Say why a token does not work, or what the app is not told about it."""
    if identity.refused and not identity.lacks_proof:
        about = "api_version" if identity.has_dead_version else token.label
        yield judgement.problem_of(identity.refused, about)
    elif identity.details and identity.details.trouble:
        yield Problem(
            severity=ERROR,
            about=token.label,
            what=identity.details.trouble,
            advice="Make a new token.",
        )
    if identity.details_refused:
        yield Problem(
            severity=ERROR,
            about="app_id, app_secret",
            what=f"Meta does not tell the app about the token: {identity.details_refused.fault}",
            advice="Check that both belong to the app that the token was made for.",
        )


def token_facts(
    token: AccessToken, identity: Identity, *, proof: str, business: bool, now: dt.datetime
) -> TokenFacts:
    """Put together what is known of a token.

    Args:
        token: the token.
        identity: what Meta said of it.
        proof: what became of the appsecret_proof, in words.
        business: whether a Business Manager's accounts are to be listed, which takes more rights.
        now: from when on the days that are left are counted.
    """
    details = identity.details or auth.TokenDetails()
    # Of a token that Meta does not accept the app is told nothing that could be judged.
    scopes = identity.scopes if details.valid else None
    return TokenFacts(
        label=token.label,
        works=identity.owner is not None,
        kind=_KINDS.get(details.kind, details.kind.lower()) or None,
        user_id=identity.owner.id if identity.owner else details.user_id,
        user_name=identity.owner.name if identity.owner else None,
        app_id=details.app_id,
        app_name=details.app_name,
        scopes=scopes,
        missing_scopes=judgement.missing_scopes(scopes, business=business),
        unneeded_scopes=judgement.unneeded_scopes(scopes, business=business),
        seen_by_app=identity.details is not None,
        expires_at=details.expires_at,
        expires_in_days=judgement.days_until(details.expires_at, now),
        data_access_expires_at=details.data_access_expires_at,
        data_access_expires_in_days=judgement.days_until(details.data_access_expires_at, now),
        proof=proof,
    )
