"""A recording of a run: every exchange with Meta, one a line, scrubbed as it is written.

The first line tells of the recording, each other one of a call and its answer::

    {"recording": 1, "api_version": "v26.0", "begun": "2026-11-25T03:00:00+00:00", …}
    {"method": "GET", "path": "act_1/insights", "parameters": {…}, "status": 200, "headers": {…},
     "body": {…}}

A body that is no JSON is null. The token, its proof and the app secret are in none of what is
given here: they are put to a call later on.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.sync.recording.scrubbing import Scrubber

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.graph.calls import Call
    from tap_meta_partner.settings.model import Settings

logger = logging.getLogger(__name__)

#: Of the form of the file.
VERSION = 1

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_DECODE = msgspec.json.Decoder(float_hook=Decimal).decode


def new_scrubber(*, scaled: bool) -> Scrubber:
    """Return a scrubber with random secrets of its own, which are not kept.

    Args:
        scaled: multiply amounts by a number from 0.4 to 2.2.
    """
    factor = Decimal(secrets.randbelow(900) + 200) / 500 if scaled else None
    return Scrubber(secrets.token_bytes(32), factor=factor)


class Recorder:
    """Writes exchanges to a file that only its owner reads.

    Args:
        settings: where to, and whether amounts are scaled.
        begun: when the run began.

    Raises:
        SettingsError: the file cannot be written.
    """

    def __init__(self, settings: Settings, *, begun: dt.datetime) -> None:
        self._path = Path(settings.record_to or "")
        self._scrubber = new_scrubber(scaled=settings.record_scaled)
        self._lock = threading.Lock()
        self._failed = False
        try:
            self._path.unlink(missing_ok=True)
            self._append(self._title(settings, begun))
        except OSError as error:
            raise SettingsError(
                f"record_to: {self._path} cannot be written ({error.strerror or error})"
            ) from None

    def __call__(
        self, call: Call, status: int, headers: Mapping[str, str], body: bytes | bytearray
    ) -> None:
        """Keep one exchange; a full disk costs the recording, not the run."""
        line = self._told(call, status, headers, body)
        with self._lock:
            if self._failed:
                return
            try:
                self._append(line)
            except OSError as error:
                self._failed = True
                logger.warning(
                    "the recording ends here: %s cannot be written (%s)",
                    self._path,
                    error.strerror or error,
                )

    def _title(self, settings: Settings, begun: dt.datetime) -> dict[str, Any]:
        scrubber = self._scrubber
        return {
            "recording": VERSION,
            "api_version": settings.api_version,
            "begun": begun.isoformat(),
            "scaled": settings.record_scaled,
            # As they are called in the recording, for the configuration of a run that replays it.
            "account_ids": scrubber.value(list(settings.account_ids), "id"),
            "exclude_account_ids": scrubber.value(list(settings.exclude_account_ids), "id"),
            "business_id": scrubber.value(settings.business_id, "id"),
        }

    def _told(
        self, call: Call, status: int, headers: Mapping[str, str], body: bytes | bytearray
    ) -> dict[str, Any]:
        scrubber = self._scrubber
        try:
            content: Any = scrubber.value(_DECODE(bytes(body)))
        except (msgspec.DecodeError, UnicodeDecodeError):
            content = None
        return {
            "method": call.method,
            "path": scrubber.path(call.path),
            "parameters": scrubber.parameters(call.params),
            "status": status,
            "headers": scrubber.headers(headers),
            "body": content,
        }

    def _append(self, line: dict[str, Any]) -> None:
        """Write a line whole; the file is opened anew, so that nothing has to be closed."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self._path, flags, 0o600), "ab") as file:
            file.write(_ENCODE(line) + b"\n")
