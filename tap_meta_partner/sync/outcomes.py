"""What became of a stream: from an error to one result."""

from __future__ import annotations


class StreamClosed(Exception):
    """The stream's request was refused for two accounts; the text says why."""
