from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.settings.certificates import certificates
from tap_meta_partner.settings.model import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def test_certificates__the_first_name_that_is_set_counts(tmp_path: Path) -> None:
    """Those of requests go before OpenSSL's; an empty one is not set."""
    ours, openssl = tmp_path / "ours.pem", tmp_path / "openssl.pem"
    ours.touch()
    openssl.touch()

    assert certificates({}) is None
    assert certificates({"SSL_CERT_FILE": str(openssl)}) == str(openssl)
    both = {"SSL_CERT_FILE": str(openssl), "REQUESTS_CA_BUNDLE": str(ours), "CURL_CA_BUNDLE": ""}
    assert certificates(both) == str(ours)


def test_certificates__that_are_not_there_are_said() -> None:
    """Once and with the variable's name, rather than at every call."""
    with pytest.raises(SettingsError, match="SSL_CERT_FILE names /no/such"):
        certificates({"SSL_CERT_FILE": "/no/such.pem"})
