"""Which certificates are trusted besides those that come with Python's packages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tap_meta_partner.settings.model import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


def certificates(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the file or folder of certificates to trust that the environment names, or None.

    requests itself knows the first two names; the last one is OpenSSL's, which most programs know.

    Raises:
        SettingsError: it is not there; requests would fail at every call.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        path = environment.get(name)
        if path and not Path(path).exists():
            raise SettingsError(f"{name} names {path}, which is not there: correct or unset it")
        if path:
            return path
    return None
