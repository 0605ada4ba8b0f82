"""An ad account's time zone: known, guessed at, or said to be neither."""

from __future__ import annotations

from tap_meta_partner.accounts.ad_account import AdAccount, without_zone


def test_zone__that_nobody_knows_is_said() -> None:
    """Without an offset its days are counted in UTC; with one, or in UTC, there is no guess."""
    known = [
        AdAccount(account_id="1", timezone_name="Europe/Berlin"),
        AdAccount(account_id="2", timezone_name="UTC"),
        AdAccount(account_id="3", timezone_name="Mars/Olympus", timezone_offset_hours=5.5),
        AdAccount(account_id="4"),
    ]
    lost = [
        AdAccount(account_id=str(number), timezone_name="Mars/Olympus") for number in range(5, 12)
    ]

    assert without_zone(known) is None
    said = without_zone([*known, *lost]) or ""
    assert "5 (Mars/Olympus), 6 (Mars/Olympus)" in said
    assert "and 2 more. Days are counted in UTC" in said
