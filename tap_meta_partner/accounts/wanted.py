"""Which ad accounts this process reads: filters and shards."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.settings.model import Settings


def is_wanted(account: AdAccount, settings: Settings) -> bool:
    """Apply the settings' filters to one account."""
    return (
        (not settings.account_ids or account.account_id in settings.account_ids)
        and account.account_id not in settings.exclude_account_ids
        and (not settings.account_statuses or account.status_name in settings.account_statuses)
        and in_shard(account.account_id, settings)
    )


def unfiltered(settings: Settings) -> Settings:
    """Return settings that want every account."""
    return replace(
        settings,
        account_ids=(),
        exclude_account_ids=(),
        account_statuses=(),
        shard_index=0,
        shard_count=1,
    )


def in_shard(account_id: str, settings: Settings) -> bool:
    """Tell whether an account falls to this process."""
    return shard_of(account_id, settings.shard_count) == settings.shard_index


def shard_of(account_id: str, shard_count: int) -> int:
    """Return the shard of an account: the first 8 bytes of SHA-256 of its digits, modulo the count.

    This never changes between versions: each shard keeps its own state.
    """
    digest = hashlib.sha256(account_id.encode("ascii")).digest()
    return int.from_bytes(digest[:8], "big") % shard_count
