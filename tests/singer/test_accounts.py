"""The streams of ad accounts and of their results."""

from __future__ import annotations

from tap_meta_partner.singer import AccountSyncStatusStream
from tests.support.taps import tap_with


def test_status__stream_has_one_row_a_run() -> None:
    """Account, stream and the run's start identify a result."""
    stream = tap_with().streams["account_sync_status"]

    assert isinstance(stream, AccountSyncStatusStream)
    assert list(stream.primary_keys) == ["account_id", "stream", "run_started_at"]
