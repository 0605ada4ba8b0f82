"""Singer messages to stdout, a page of records at a time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.singerlib import Message

_WRITTEN_AT_ONCE = 1 << 18


class PageWriter(MsgSpecWriter):
    """The SDK's fast writer, with one write and one flush for a page, not for every record."""

    def write_page(self, messages: Iterable[Message]) -> None:
        """Write messages; when this returns, all of them have left the process."""
        pending = bytearray()
        out = sys.stdout.buffer
        for message in messages:
            pending += self.format_message(message)
            if len(pending) >= _WRITTEN_AT_ONCE:
                out.write(pending)
                pending.clear()
        out.write(pending)
        out.flush()
