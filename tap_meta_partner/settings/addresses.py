"""Addresses of a Graph API: what counts as one, and which are this machine's own."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult


def parts_of(value: object) -> SplitResult | None:
    """Split an http or https address; None for anything else."""
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        # Brackets that do not close, a port that is no number.
        return None
    return parts if sound else None


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def stays_here(address: str) -> bool:
    """Tell whether what is sent to an address stays on this machine."""
    return is_loopback(urlsplit(address).hostname or "")
