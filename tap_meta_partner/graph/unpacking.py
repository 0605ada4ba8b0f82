"""The bytes of an answer, decompressed no further than the bound allows.

A few hundred bytes can stand for a gigabyte. So what comes is unpacked piece by piece, by this
module rather than by the HTTP library, which unpacks whatever comes as often as a header says.
"""

from __future__ import annotations

import zlib

from tap_meta_partner.graph.bounds import MOST_BYTES, ODDLY_COMPRESSED, TOO_LONG, beyond

#: What `Accept-Encoding` asks for.
ASKED_FOR = "gzip"
_GZIP = 16 + zlib.MAX_WBITS

#: Unpacked at once: what follows may be beyond the bound.
_STEP_BYTES = 1 << 20


class Unpacking:
    """Takes the pieces of one answer.

    Args:
        encoding: its `Content-Encoding`; empty where it has none.

    Attributes:
        body: all that has come so far, unpacked.

    Raises:
        MetaError: the encoding is another one, or several.
    """

    def __init__(self, encoding: str) -> None:
        kind = encoding.strip().lower()
        if kind not in {"", "identity", ASKED_FOR}:
            raise beyond(ODDLY_COMPRESSED, f"Content-Encoding {encoding[:40]!a}")
        self.body = bytearray()
        self._packed = 0
        self._zlib = zlib.decompressobj(_GZIP) if kind == ASKED_FOR else None

    def take(self, piece: bytes) -> None:
        """Take one more piece.

        Raises:
            MetaError: the answer is too long.
            zlib.error: it is not what its header says.
        """
        self._packed += len(piece)
        if self._zlib is None:
            self._add(piece)
            return
        while piece:
            self._add(self._zlib.decompress(piece, _STEP_BYTES))
            piece = self._zlib.unconsumed_tail
            if self._zlib.unused_data:
                raise zlib.error("more than one stream")

    def _add(self, piece: bytes) -> None:
        self.body += piece
        if len(self.body) > MOST_BYTES or self._packed > MOST_BYTES:
            self.body.clear()
            raise beyond(TOO_LONG, "the answer is too long")

    def end(self) -> bytearray:
        """Return the whole body.

        Raises:
            zlib.error: its end is missing.
        """
        if self._zlib is not None and self._packed and not self._zlib.eof:
            raise zlib.error("the end is missing")
        return self.body
