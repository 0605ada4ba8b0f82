"""Singer messages to stdout, a page of records at a time."""

from __future__ import annotations

import logging
import os
import sys

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping
    from typing import Any

    from singer_sdk.singerlib import Message

logger = logging.getLogger(__name__)


_WRITTEN_AT_ONCE = 1 << 18


class TargetGone(SystemExit):
    """Nobody reads what is written any more: the run ends; it has been logged."""


class PageWriter(MsgSpecWriter):
    """The SDK's fast writer, with one write and one flush for a page, not for every record."""

    @override
    def write_message(self, message: Message) -> None:
        _write_whole(self.format_message(message))

    def write_records(
        self, stream: str, records: Iterable[Mapping[str, Any]], extracted: dt.datetime
    ) -> None:
        """Write a RECORD message for each; when this returns, all of them have left the process.

        Args:
            stream: as it is called outside.
            records: the page.
            extracted: when it was read, UTC.
        """
        # What all messages of a page share is encoded once: to make them one by one costs thrice.
        before = b'{"type":"RECORD","stream":' + encoder.encode(stream) + b',"record":'
        after = b',"time_extracted":' + encoder.encode(extracted) + b"}\n"
        pending = bytearray()
        for record in records:
            pending += before
            encoder.encode_into(record, pending, len(pending))
            pending += after
            if len(pending) >= _WRITTEN_AT_ONCE:
                _write_whole(pending)
                pending.clear()
        _write_whole(pending)


def _write_whole(lines: bytearray) -> None:
    """Write and flush; return when all is written, signals or not."""
    out, written = sys.stdout.buffer, 0
    try:
        while written < len(lines):
            # With PYTHONUNBUFFERED this is a bare write(2), which a signal can cut short.
            written += out.write(memoryview(lines)[written:])
        out.flush()
    except OSError as error:
        what = "the target stopped reading, its log says why"
        if not isinstance(error, BrokenPipeError):
            what = f"messages cannot be written: {error.strerror}"
        logger.error("%s; the next run goes on from the last state the target confirmed", what)  # noqa: TRY400
        # What is still buffered would be written, and fail again, when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise TargetGone(1) from None
