"""Asking without the fields that Meta refuses, rather than losing everything over one of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    MetaError,
    RequestRefused,
    TooMuchData,
)
from tap_meta_partner.graph.refused_fields import refused_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import Any

    from tap_meta_partner.graph.refused_fields import RefusedFields
    from tap_meta_partner.graph.steps import Steps

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Under these Meta refuses single fields without naming them: "Application does not have permission
#: for this action", "Missing Permission", "… must be whitelisted", "Invalid parameter".
_SAID_OF_FIELDS = (3, 10, 12, 100)

#: "Object does not exist, or cannot be loaded due to missing permissions": not of a field.
_NO_SUCH_OBJECT = 33


def surviving(  # noqa: PLR0913  (what to ask, of whom, and what cannot be left out)
    fields: Collection[str],
    read: Callable[[tuple[str, ...]], Steps[T]],
    refused: RefusedFields,
    account_id: str,
    *,
    needed: Collection[str] = (),
    probe: Callable[[tuple[str, ...]], Steps[Any]] | None = None,
    on_refused: Callable[[], None] = lambda: None,
) -> Steps[T]:
    """Read with as many of the fields as Meta gives, again after each refusal.

    Args:
        fields: all that is wanted, in the order asked.
        read: reads with what is left of them, from the beginning each time.
        refused: what Meta refused before; takes note of what it refuses now.
        account_id: the ad account that is asked.
        needed: fields without which there is no row.
        probe: asks the same with other fields and hands nothing on; with it a refused field that
            Meta does not name is looked for. None where nothing can be asked apart.
        on_refused: is called after a refusal was noted, before anything is asked again; may raise.

    Returns:
        What `read` returns.

    Raises:
        MetaError: it is about no field, about one that is needed, or about all that are left.
    """
    while True:
        asked = refused.left(fields, account_id) or tuple(fields)
        try:
            return (yield from read(asked))
        except MetaError as error:
            names: Collection[str] = refused_fields(error, asked)
            if not names and probe is not None and _may_be_about_a_field(error):
                names = yield from _looked_for(asked, needed, probe, refused, account_id)
            left = set(refused.left(fields, account_id))
            if not names or left <= set(names) or not set(names).isdisjoint(needed):
                raise
            refused.note(account_id, names, error)
        on_refused()


def _may_be_about_a_field(error: MetaError) -> bool:
    fault = error.fault
    return (
        isinstance(error, (AccountUnreadable, RequestRefused))
        and fault.code in _SAID_OF_FIELDS
        and fault.subcode != _NO_SUCH_OBJECT
    )


def _looked_for(
    asked: Sequence[str],
    needed: Collection[str],
    probe: Callable[[tuple[str, ...]], Steps[Any]],
    refused: RefusedFields,
    account_id: str,
) -> Steps[list[str]]:
    """Find the fields that Meta refuses without naming them; none if fields are not the reason.

    Once an account, in at most 2·log₂(n) + 2 questions; those not cleared by then are left out.
    """
    key = tuple(name for name in asked if name in needed)
    others = [name for name in asked if name not in needed]
    if not key or not others or not refused.begin_search(account_id):
        return []
    if not (yield from _is_answered(key, probe)):
        return []
    questions = 2 * (len(others) - 1).bit_length() + 1
    logger.info("Meta refuses a field to account %s without naming it: looking for it", account_id)
    return (yield from _halved(others, key, probe, questions))


def _halved(
    suspects: list[str],
    key: tuple[str, ...],
    probe: Callable[[tuple[str, ...]], Steps[Any]],
    questions: int,
) -> Steps[list[str]]:
    """Divide the suspects until the refused ones stand alone, or no question is left."""
    blamed: list[str] = []
    # Groups to look at, and whether Meta has refused them as they are.
    groups = [(suspects, True)]
    while groups:
        group, is_refused = groups.pop()
        if not is_refused and questions:
            questions -= 1
            is_refused = not (yield from _is_answered((*key, *group), probe))
            if not is_refused:
                continue
        if len(group) == 1 or not questions:
            blamed += group
            continue
        half = len(group) // 2
        groups += [(group[half:], False), (group[:half], False)]
    return [name for name in suspects if name in blamed]


def _is_answered(
    fields: tuple[str, ...], probe: Callable[[tuple[str, ...]], Steps[Any]]
) -> Steps[bool]:
    """Tell whether Meta answers a request with these fields.

    Raises:
        MetaError: it is not for the fields that it does not.
    """
    try:
        yield from probe(fields)
    except MetaError as error:
        if isinstance(error, (AccountUnreadable, RequestRefused)):
            return False
        if not isinstance(error, TooMuchData):
            raise
    # What is too much has been understood.
    return True
