from __future__ import annotations

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.accounts.wanted import is_wanted, unfiltered
from tap_meta_partner.settings.model import Settings


def test_unfiltered__wants_what_each_filter_leaves_out() -> None:
    """Whatever a filter, a status or a shard leaves out is wanted without them."""
    account = AdAccount(account_id="1", status=1)
    for narrow in (
        Settings(account_ids=("2",)),
        Settings(exclude_account_ids=("1",)),
        Settings(account_statuses=("DISABLED",)),
        *(Settings(shard_index=index, shard_count=2) for index in range(2)),
    ):
        assert is_wanted(account, unfiltered(narrow))
    assert not is_wanted(account, Settings(account_statuses=("DISABLED",)))
