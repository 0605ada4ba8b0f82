"""How a run went: counted, told in a few lines, and turned into an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.sync.events import (
    Outcome,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_meta_partner.sync.events import Discrepancy, StreamResult

NONE_AT_ALL = (
    "the token can read no ad account at all: assign ad accounts to the system user in Business "
    "settings > System users > Assign assets, or check whose token it is"
)


KINDS = (Outcome.DELIVERED, Outcome.UNFINISHED, Outcome.SKIPPED, Outcome.LOST, Outcome.FAILED)


SHOWN = (Outcome.DELIVERED, Outcome.SKIPPED, Outcome.FAILED)


def worst_by_account(results: Sequence[StreamResult]) -> Mapping[str, StreamResult]:
    """Return each account's worst result, by account id."""
    worst: dict[str, StreamResult] = {}
    for result in results:
        known = worst.get(result.account_id)
        if known is None or KINDS.index(result.result) > KINDS.index(known.result):
            worst[result.account_id] = result
    return worst


def difference(found: Discrepancy) -> str:
    """Say by how much an account and its ads differ."""
    missing = found.account_spend - found.ad_spend
    return (
        f"spend differs: {found.account_id} ({found.account_name}), {found.since} to "
        f"{found.until}: the account spent {found.account_spend.normalize():f}, its ads add up to "
        f"{found.ad_spend.normalize():f} ({missing.normalize():f} less). Levels need not add up "
        "where ads were deleted: take totals from account_insights"
    )


def duration(seconds: float) -> str:
    """Say a time in seconds or minutes."""
    if seconds < 90:  # noqa: PLR2004  (seconds are shown up to a minute and a half)
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
