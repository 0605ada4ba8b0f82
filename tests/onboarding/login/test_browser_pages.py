from __future__ import annotations

from tap_meta_partner.onboarding.login.browser_pages import connected, not_connected, page


def test_connected__names_the_client_and_what_was_granted() -> None:
    """Who logged in, with which permissions, for which ad accounts."""
    shown = connected("Ada Client", ["ads_read", "business_management"], ["Nordlicht", "Kōbō"])

    assert "<h1>Connected</h1><p>You can close this window.</p>" in shown
    assert "<dd>Ada Client</dd>" in shown
    assert "<dd>ads_read<br>business_management</dd>" in shown
    assert "<dt>Ad accounts that can be read: 2</dt><dd>Nordlicht<br>Kōbō</dd>" in shown


def test_connected__leaves_out_what_meta_did_not_say() -> None:
    """No empty heading where the token's owner or its accounts could not be asked."""
    shown = connected("", ["ads_read"], None)

    assert "Logged in as" not in shown
    assert "Ad accounts" not in shown


def test_connected__names_ten_accounts_of_a_thousand() -> None:
    """The page has a bound; it says how many more there are."""
    shown = connected("Ada", ["ads_read"], [f"account {number}" for number in range(1000)])

    assert "account 9<br>… and 990 more" in shown
    assert "account 10" not in shown


def test_page__runs_nothing_that_a_name_holds() -> None:
    """A client may be called anything."""
    shown = connected("<script>alert(1)</script>", ["ads_read"], ['"><img src=x>'])

    assert "<script" not in shown
    assert "<img" not in shown


def test_not_connected__says_why_and_what_to_do() -> None:
    """The words of the terminal, as a sentence."""
    assert "<p>Consent was denied. Try again. You can close this window.</p>" in not_connected(
        "consent was denied. Try again."
    )
    assert "<p>It was used (code 100). You can close this window.</p>" in not_connected(
        "it was used (code 100)"
    )


def test_page__reads_well_in_the_dark_and_loads_nothing() -> None:
    """Both colour schemes, one file."""
    shown = page("A", "b")

    assert "prefers-color-scheme: dark" in shown
    assert "http" not in shown
