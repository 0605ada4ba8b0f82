"""Addresses and versions of a Graph API: what counts as one, and what is this machine's own."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tap_meta_partner.settings.kinds import Kind, shown, wrong
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.words import DEFAULT_API_URL, DEFAULT_API_VERSION

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


@dataclass(frozen=True, slots=True)
class ApiUrl(Kind[str]):
    """The address of a Graph API: the token travels to it."""

    def parse(self, name: str, value: object) -> str:
        """Take an https address, or plain http on this machine only; no slash at its end."""
        if isinstance(value, str) and any(character in value for character in "@?#"):
            raise SettingsError(
                f"{name} may hold a host and a path only: no user, query or fragment"
            )
        parts = parts_of(value)
        if parts is None:
            raise wrong(name, value, f"an address such as {DEFAULT_API_URL}")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            host = parts.hostname if shown(parts.hostname) else "another machine"
            raise SettingsError(
                f"{name} is plain http to {host}: use https, so that nobody reads the "
                "token on the way (http is allowed to this machine only)"
            )
        # The version has a setting of its own, and would stand there twice.
        return re.sub(r"/v\d{1,3}\.\d$", "", str(value).rstrip("/")).rstrip("/")


@dataclass(frozen=True, slots=True)
class Version(Kind[str]):
    """A version of Meta's API."""

    def parse(self, name: str, value: object) -> str:
        """Take v26.0, and what means the same: 26.0, 26, v26."""
        said = str(value) if isinstance(value, (str, int, float, Decimal)) else ""
        found = re.fullmatch(r"[vV]?(\d{1,3})(?:\.(\d))?", said.strip(), re.ASCII)
        if found is None or isinstance(value, bool):
            raise wrong(name, value, f"a version such as {DEFAULT_API_VERSION}")
        return f"v{found[1]}.{found[2] or 0}"


API_VERSION = Version()
