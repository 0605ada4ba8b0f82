"""The Singer shell: records, bookmarks and messages, in the SDK's terms.

The SDK reads one stream after another. This tap reads all streams of an ad account together, so the
first selected one of them *leads* (`by_account.py`): its `get_records` drives the whole run and
writes for the others, whose own `get_records` return nothing. What of the SDK this rests on is in
`PartnerStream` and held by a test.
"""

from __future__ import annotations

from tap_meta_partner.singer.accounts import AccountSyncStatusStream, AdAccountsStream
from tap_meta_partner.singer.by_account import ByAccountStream, plans_for
from tap_meta_partner.singer.dimensions import DimensionStream, HistoryStream
from tap_meta_partner.singer.insights import ActionRowsStream, InsightsStream
from tap_meta_partner.singer.stream import PartnerStream

__all__ = [
    "AccountSyncStatusStream",
    "ActionRowsStream",
    "AdAccountsStream",
    "ByAccountStream",
    "DimensionStream",
    "HistoryStream",
    "InsightsStream",
    "PartnerStream",
    "plans_for",
]
