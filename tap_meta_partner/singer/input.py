"""Is a state or a catalog, as a file or Meltano hands it over, of the shape the SDK can work with?

The SDK walks into both without looking: a mistake in one would be a traceback in the middle of a
run, or, worse, everything read anew. Here each is looked at first, and what is wrong said in words.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sys

import click

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def _shown(name: object) -> str:
    """Write a name that came from outside on one line."""
    return ascii(name).strip("'")[:80]


def _is_writable(value: object) -> bool:
    """Tell whether what was read can be written again; half an emoji, for example, cannot."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except ValueError:
        return False
    return True


def trouble_with_state(state: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the shape of a state, or None."""
    bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
    # A whole STATE message, whose value is the state, must not make everything begin anew.
    if not isinstance(bookmarks, dict) or (state and "bookmarks" not in state):
        return "it is not an object with bookmarks"
    if not _is_writable(state):
        return "it holds characters that cannot be written"
    for stream, value in bookmarks.items():
        trouble = _trouble_with_bookmark(_shown(stream), value)
        if trouble:
            return trouble
    return None


def _trouble_with_bookmark(stream: str, value: Any) -> str | None:  # noqa: ANN401  (a JSON value)
    if not isinstance(value, dict):
        return f"the bookmark of {stream} is not an object"
    partitions = value.get("partitions", [])
    if not isinstance(partitions, list):
        return f"the partitions of {stream} are not a list"
    for partition in partitions:
        context = partition.get("context") if isinstance(partition, dict) else None
        if not isinstance(context, dict) or "account_id" not in context:
            return f"a partition of {stream} has no account_id in its context"
        account_id = context["account_id"]
        is_id = isinstance(account_id, (str, int)) and not isinstance(account_id, bool)
        if not is_id or not re.fullmatch(r"\d+", str(account_id), re.ASCII):
            return f"{_shown(account_id)}, in a partition of {stream}, is no ad account's id"
    if not all(isinstance(item.get(_MARKERS, {}), dict) for item in (value, *partitions)):
        return f"the {_MARKERS} of {stream} are not an object"
    return None


#: The SDK's own, of a run that was broken off; it clears them.
_MARKERS = "progress_markers"


def trouble_with_catalog(catalog: Any) -> str | None:  # noqa: ANN401  (a JSON value)
    """Say what is wrong with the shape of a catalog, or None."""
    entries = catalog.get("streams", []) if isinstance(catalog, dict) else None
    if not isinstance(entries, list):
        return "it is not an object with a list of streams"
    if not _is_writable(catalog):
        return "it holds characters that cannot be written"
    for entry in entries:
        trouble = _trouble_with_entry(entry)
        if trouble:
            return trouble
    return None


def _trouble_with_entry(entry: Any) -> str | None:  # noqa: ANN401  (a JSON value)
    if not isinstance(entry, dict) or not isinstance(entry.get("tap_stream_id"), str):
        return "a stream has no tap_stream_id"
    stream = _shown(entry["tap_stream_id"])
    if not isinstance(entry.get("stream"), (str, type(None))):
        return f"the name of {stream} is not a string"
    if not _is_schema(entry.get("schema", {})):
        return f"the schema of {stream} is not a JSON Schema"
    if not _is_metadata(entry.get("metadata", [])):
        return f"the metadata of {stream} are not a list of breadcrumb and metadata"
    return None


def _is_schema(value: Any) -> bool:  # noqa: ANN401  (a JSON value)
    """Tell whether the SDK can walk through a schema."""
    if not isinstance(value, dict):
        return False
    types = value.get("type", "object")
    properties = value.get("properties", {})
    if not isinstance(properties, dict) or not all(map(_is_schema, properties.values())):
        return False
    if "items" in value and not _is_schema(value["items"]):
        return False
    return isinstance(types, str) or (isinstance(types, list) and all(map(_is_text, types)))


def _is_metadata(value: Any) -> bool:  # noqa: ANN401  (a JSON value)
    return isinstance(value, list) and all(
        isinstance(item, dict)
        and isinstance(item.get("metadata"), dict)
        and isinstance(item.get("breadcrumb"), list)
        and all(map(_is_text, item["breadcrumb"]))
        for item in value
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


class ReadOnce(io.StringIO):
    """A text that is let go of when it is read: that of thousands of accounts' state is large."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    @override
    def read(self, size: int | None = -1, /) -> str:
        """Return all of it the first time, and nothing more."""
        text, self._text = self._text, ""
        return text


class Complaint(click.ClickException):
    """A mistake of the user's or a refusal of Meta's: one line in the log, exit code 1."""

    @override
    def show(self, file: Any = None) -> None:
        logging.getLogger("tap-meta-partner").error("%s", self.message)


def read_object(option: str, read: Callable[[], str]) -> str:
    """Read a file and refuse in one line what holds no JSON object; the SDK would not."""
    try:
        text = read()
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Complaint(f"the file given as --{option} is not JSON ({error}): correct it") from None
    if not isinstance(content, dict) and (content is not None or option == "config"):
        raise Complaint(f"the file given as --{option} does not hold a JSON object: correct it")
    return text
