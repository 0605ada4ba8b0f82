"""What an answer's bytes say: data, an error of Meta's, or nothing intelligible."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from tap_meta_partner.graph import error_codes
from tap_meta_partner.graph.bounds import MOST_VALUES, TOO_MANY_VALUES, beyond
from tap_meta_partner.graph.marred import clean, mended
from tap_meta_partner.outputs.secrecy import redacted

if TYPE_CHECKING:
    from typing import Any

    from tap_meta_partner.graph.calls import Call
    from tap_meta_partner.graph.errors import MetaError

logger = logging.getLogger(__name__)


#: How JSON writes the one character that no text column of PostgreSQL takes.
_NUL = b"\\u0000"


#: Of columns in one line of the log.
_MOST_NAMES = 20
_LONGEST_NAME = 100


#: Much more than is ever shown of a text: half a secret, at the cut, is cut off again.
_LONGEST_TEXT = 20_000


#: There are at least as many of these as values (those within texts are counted with them).
_OPENING = (b",", b"[", b"{")


_DECODE = msgspec.json.Decoder(float_hook=Decimal).decode


class Reading:
    """Reads answers; may be used from several threads at once."""

    def __init__(self) -> None:
        #: Whether the address has answered as a Graph API: from then on it is not to blame.
        self._is_graph = False
        #: The columns of which was said that they held characters that are none.
        self._said_marred: set[str] = set()

    def read(self, status: int, body: bytes | bytearray, call: Call) -> dict[str, Any] | MetaError:
        """Return an answer's data, or the error that it is.

        Args:
            status: the HTTP status.
            body: all of it, decompressed.
            call: what was asked; named in the log.
        """
        if sum(map(body.count, _OPENING)) > MOST_VALUES:
            return beyond(TOO_MANY_VALUES, "the answer holds too much")
        content = _straight(status, body, call)
        if content is not None:
            self._is_graph = True
            return content
        content = self._decoded(body, call)
        envelope = content.get("error") if content else None
        if isinstance(envelope, dict):
            self._is_graph = True
            return error_codes.from_envelope(_without_secrets(envelope), status=status)
        if envelope is not None:
            quoted = _without_secrets({"message": str(envelope)})
            return error_codes.from_envelope(quoted, status=status)
        # Redirects and errors can come with JSON, but have no envelope then.
        if not content or status >= 300:  # noqa: PLR2004
            return error_codes.from_status(status, is_graph=self._is_graph)
        self._is_graph = True
        # A failed report run tells why in the data itself.
        failed = any(name.startswith("error_") for name in content)
        return _without_secrets(content) if failed else content

    def _decoded(self, body: bytes | bytearray, call: Call) -> dict[str, Any] | None:
        """Return an answer's JSON object, mended if possible; None if it is not an object."""
        try:
            content, is_marred = _DECODE(body), False
        except (msgspec.DecodeError, ArithmeticError, UnicodeDecodeError, RecursionError):
            content, is_marred = mended(body), True
        if not isinstance(content, dict):
            return None
        if not is_marred and _NUL not in body:
            return content
        try:
            return self._cleaned(content, call, raw=is_marred)
        except RecursionError:
            return None

    def _cleaned(self, content: dict[str, Any], call: Call, *, raw: bool) -> dict[str, Any]:
        """Take out what no database takes: one such character would fail a whole load."""
        found: set[str] = set()
        cleaned: dict[str, Any] = clean(content, found, raw=raw)
        new = sorted(found - self._said_marred)
        if new:
            self._said_marred |= found
            logger.warning(
                "%s: Meta's answer holds characters that are none (NUL, halves of others, raw line "
                "breaks); they are left out or mended in %s",
                call.path,
                ", ".join(ascii(name[:_LONGEST_NAME])[1:-1] for name in new[:_MOST_NAMES]),
            )
        return cleaned


def _straight(status: int, body: bytes | bytearray, call: Call) -> dict[str, Any] | None:
    """Return what the call's own decoder makes of an answer, if it has one and can."""
    if call.decode is None or status != 200 or _NUL in body:  # noqa: PLR2004
        return None
    return call.decode(body)


def _without_secrets(envelope: dict[str, Any]) -> dict[str, Any]:
    """Meta's messages can quote the request."""
    return {
        name: redacted(value[:_LONGEST_TEXT]) if isinstance(value, str) else value
        for name, value in envelope.items()
    }
