from __future__ import annotations

import pytest

from tap_meta_partner.settings.addresses import is_loopback, parts_of, stays_here


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback__is_this_machine(host: str) -> None:
    """All of 127/8, the one address of IPv6, and the name."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "graph.facebook.com", "10.0.0.1", "localhost.evil.example"])
def test_loopback__is_no_other(host: str) -> None:
    """Not a private network, nor a name that only begins alike."""
    assert not is_loopback(host)


@pytest.mark.parametrize("value", [None, 1, "", "ftp://a", "http://", "http://[", "http://a b"])
def test_address__that_is_none(value: object) -> None:
    """Only http and https, with a host."""
    assert parts_of(value) is None


def test_address__that_stays_on_this_machine() -> None:
    """Whatever the port and the path; in brackets as well."""
    assert stays_here("http://127.0.0.1:8123/v26.0")
    assert stays_here("https://[::1]/v26.0")
    assert not stays_here("https://graph.facebook.com/v26.0")
