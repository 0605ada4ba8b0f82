"""Fields that keep Meta from answering, though it does not name them: found by halving."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_meta_partner.graph.steps import Steps


def spoiling_fields(
    fields: Sequence[str], is_answered: Callable[[tuple[str, ...]], Steps[bool]]
) -> Steps[tuple[str, ...]]:
    """Find the fields without which a failing request is answered.

    At most 2·log₂(n) + 2 questions are asked; what is not cleared by then counts as spoiling.

    Args:
        fields: what was asked for in vain, but for what cannot be left out.
        is_answered: asks for some of them, with what cannot be left out.

    Returns:
        Those to leave out, in their order; none where it is not for these fields.
    """
    if not fields or not (yield from is_answered(())):
        return ()
    left = 2 * (len(fields) - 1).bit_length() + 1
    spoiling: set[str] = set()
    # Each holds at least one that spoils.
    groups = [tuple(fields)]
    while groups:
        group = groups.pop()
        if len(group) == 1 or left < 2:  # noqa: PLR2004  (a group takes up to two questions)
            spoiling |= set(group)
            continue
        halves = group[: len(group) // 2], group[len(group) // 2 :]
        left -= 1
        if (yield from is_answered(halves[0])):
            groups.append(halves[1])
            continue
        groups.append(halves[0])
        left -= 1
        if not (yield from is_answered(halves[1])):
            groups.append(halves[1])
    return tuple(name for name in fields if name in spoiling)
