"""Asking without the fields that Meta refuses, rather than losing everything for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.graph.refused_fields import refused_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tap_meta_partner.graph.refused_fields import RefusedFields
    from tap_meta_partner.graph.steps import Steps

T = TypeVar("T")


def surviving(  # noqa: PLR0913  (what to ask, of whom, and what cannot be left out)
    fields: Collection[str],
    read: Callable[[tuple[str, ...]], Steps[T]],
    refused: RefusedFields,
    account_id: str,
    *,
    needed: Collection[str] = (),
    besides: Collection[str] = (),
) -> Steps[T]:
    """Read with as many of the fields as Meta knows, again after each refusal.

    Args:
        fields: all that is wanted, in the order asked.
        read: reads with what is left of them, from the beginning each time.
        refused: what Meta refused before; takes note of what it refuses now.
        account_id: the ad account that is asked.
        needed: fields without which there is no row.
        besides: fields that reading asks on the way, of its own accord.

    Returns:
        What `read` returns.

    Raises:
        MetaError: it is about no field, about one that is needed, or about all that are left.
    """
    while True:
        asked = refused.left(fields, account_id) or tuple(fields)
        others = refused.left(besides, account_id)
        try:
            return (yield from read(asked))
        except MetaError as error:
            names = refused_fields(error, dict.fromkeys((*asked, *others)))
            left = set(refused.left(fields, account_id))
            if not names or left <= set(names) or not set(names).isdisjoint(needed):
                raise
            refused.note(account_id, names, error)
