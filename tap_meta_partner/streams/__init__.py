"""The Singer shell: records, bookmarks and messages, in the SDK's terms.

The SDK reads one stream after another. This tap reads all streams of an ad account together, so the
first selected one of them *leads* (`leading.py`): its `get_records` drives the whole run and writes
for the others, whose own `get_records` return nothing. What of the SDK this rests on is in
`PartnerStream` and held by a test.
"""

from tap_meta_partner.streams.accounts import AccountSyncStatusStream, AdAccountsStream
from tap_meta_partner.streams.dimensions import DimensionStream
from tap_meta_partner.streams.insights import ActionRowsStream, InsightsStream, plans_of
from tap_meta_partner.streams.partner import PartnerStream
from tap_meta_partner.streams.synced import SyncedStream

__all__ = [
    "AccountSyncStatusStream",
    "ActionRowsStream",
    "AdAccountsStream",
    "DimensionStream",
    "InsightsStream",
    "PartnerStream",
    "SyncedStream",
    "plans_of",
]
