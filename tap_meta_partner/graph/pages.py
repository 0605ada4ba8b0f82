"""A list of Meta's, read page by page: by cursor, in smaller pages when one fails.

The `next` address of a page is never followed: it can carry the token.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tap_meta_partner.graph.bounds import (
    CIRCLE,
    ENDLESS,
    LONGEST_CURSOR,
    MOST_EMPTY_PAGES,
    MOST_PAGES,
    beyond,
)
from tap_meta_partner.graph.error_codes import GARBLED
from tap_meta_partner.graph.errors import CursorExpired, Fault, KeptFailing, TooMuchData
from tap_meta_partner.graph.steps import ask, ask_for_sense, ask_meanwhile
from tap_meta_partner.graph.values import maybe, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from tap_meta_partner.graph.calls import Call, Decode
    from tap_meta_partner.graph.steps import Jitter, Steps

_RESTARTS = 3

#: Asks for one page.
Answering: TypeAlias = "Callable[[Call], Steps[dict[str, Any]]]"


class RowSink(Protocol):
    """Where pages of rows go."""

    def begin(self, part: str = "") -> None:
        """Forget the rows so far: the list (or one part of it) is read anew."""

    def page(self, rows: list[dict[str, Any]]) -> Iterable[object] | None:
        """Take one page, and the list of its rows too, which may be emptied.

        What is returned is yielded, one by one, to whoever drives the steps.
        """


def decode_of(sink: RowSink) -> Decode | None:
    """Return how a sink wants the bytes of its pages read (`Call.decode`), if it does."""
    decode: Decode | None = getattr(sink, "decode", None)
    return decode


class Dropped:
    """A sink for rows that nobody needs: it was asked only whether they come."""

    def begin(self, part: str = "") -> None:
        """Forget the rows so far, which are forgotten already."""

    def page(self, rows: list[dict[str, Any]]) -> None:
        """Keep nothing."""


class Collected:
    """A sink that keeps the rows of a short list."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def begin(self, part: str = "") -> None:  # noqa: ARG002
        """Forget the rows so far."""
        self.rows.clear()

    def page(self, rows: list[dict[str, Any]]) -> None:
        """Keep one page."""
        self.rows += rows


def read_pages(  # noqa: PLR0913  (one call, and five choices of how)
    call: Call,
    sink: RowSink,
    jitter: Jitter,
    *,
    sizes: Sequence[int],
    shrink_first: bool = False,
    answer: Answering | None = None,
) -> Steps[int]:
    """Read all pages, from the first again when Meta loses the place.

    Args:
        call: without `limit` and `after`.
        sink: is told to begin, and takes the pages.
        jitter: see `steps.ask`.
        sizes: rows per page, the usual first; the others for a page that fails at its place.
        shrink_first: try a smaller first page as well (for insights that does not help: the whole
            report is made before its first page is cut off).
        answer: asks for a page in a way of its own, instead of `steps.ask`.

    Returns:
        How many pages there were.

    Raises:
        TooMuchData: the list is too heavy, or a page at its smallest.
        KeptFailing: the place was lost again and again, or no answer made sense.
        MetaError: as `steps.ask`.
    """
    call = replace(call, decode=decode_of(sink))
    ask_once: Answering = answer or partial(ask, jitter=jitter)
    # A page that is none, now and then, is a fault that passes like any other.
    ask_for: Answering = partial(ask_for_sense, ask_for=ask_once, lack=_lack, jitter=jitter)
    restarts = 0
    while True:
        sink.begin()
        try:
            return (yield from _chain(call, sink, ask_for, sizes, shrink_first=shrink_first))
        except CursorExpired as error:
            restarts += 1
            if restarts > _RESTARTS:
                raise KeptFailing(error.fault, error.rule) from None


def _chain(
    call: Call, sink: RowSink, ask_for: Answering, sizes: Sequence[int], *, shrink_first: bool
) -> Steps[int]:
    """Follow one chain of cursors, ending only when `paging.next` is missing.

    A page may be empty and still have a next one, and the last page has a cursor too.
    """
    smaller = iter(sizes)
    size = next(smaller)
    after: str | None = None
    pages = empty = 0
    seen: set[int] = set()
    rows: list[dict[str, Any]] = []
    while True:
        params = {**call.params, "limit": size, **({"after": after} if after else {})}
        asking = ask_for(replace(call, params=params))
        # The page before is handed on while Meta makes this one: two are in memory at most.
        held, rows = rows, []
        try:
            answer = yield from _asking_while_handing_on(asking, sink, held)
        except TooMuchData as error:
            following = next(smaller, None)
            at_start = after is None and not shrink_first
            if at_start or following is None or not error.rule.smaller_page_helps:
                raise
            size = following
            continue
        pages += 1
        rows, cursor = _read_page(answer)
        empty = 0 if rows else empty + 1
        if cursor is None:
            yield from (sink.page(rows) if rows else None) or ()
            return pages
        if pages >= MOST_PAGES or empty >= MOST_EMPTY_PAGES:
            raise beyond(ENDLESS, f"after {pages} pages there is a next one")
        if hash(cursor) in seen:
            raise CursorExpired(Fault(message="the same page came twice"), CIRCLE)
        seen.add(hash(cursor))
        after = cursor


def _asking_while_handing_on(
    asking: Steps[dict[str, Any]], sink: RowSink, rows: list[dict[str, Any]]
) -> Steps[dict[str, Any]]:
    if not rows:
        return asking
    return ask_meanwhile(asking, lambda: sink.page(rows) or ())


def _lack(answer: Mapping[str, Any]) -> str | None:
    """Say what is missing from an answer that should be a page."""
    rows, paging = answer.get("data"), answer.get("paging") or {}
    if not isinstance(rows, list):
        return "an answer without data"
    if not all(isinstance(row, dict) for row in rows) or not isinstance(paging, dict):
        return "an answer whose rows or paging are none"
    return None


def _read_page(answer: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page's rows and the cursor of the next page, None on the last one."""
    rows, paging = answer["data"], answer.get("paging") or {}
    if not paging.get("next"):
        return rows, None
    cursors = paging.get("cursors")
    cursor = maybe(text_of, cursors.get("after")) if isinstance(cursors, dict) else None
    if not cursor or len(cursor) > LONGEST_CURSOR:
        raise CursorExpired(Fault(message="a next page without a cursor"), GARBLED)
    return rows, cursor
