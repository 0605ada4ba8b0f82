"""Whose a token is and what it may do: the first questions of a check, whose answers decide all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_meta_partner.accounts import tokens as auth
from tap_meta_partner.graph.error_codes import GARBLED, NETWORK, NOT_GRAPH
from tap_meta_partner.graph.errors import MetaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_meta_partner.graph.steps import Jitter, Steps
    from tap_meta_partner.settings.model import Settings

#: Meta's codes for a version that has ended, and for one that never was.
_VERSION_CODES = frozenset({2635, 2500})


_NO_ANSWER = (NETWORK, NOT_GRAPH, GARBLED)


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
