"""Cursor paging as Meta does it: opaque cursors, and `next` only while there is more."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlencode

from tap_meta_partner.sandbox.protocol.calls import SECRET_PARAMETERS
from tap_meta_partner.sandbox.protocol.errors import invalid_cursor, invalid_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_meta_partner.sandbox.protocol.calls import GraphCall

# Graph's general default (no default is published for insights).
DEFAULT_LIMIT = 25
LARGEST_LIMIT = 5000


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list of results.

    `bucket` and `offset` say which row comes next (a list without periods has bucket 0 only);
    `page` is the 1-based number of that page in its chain.
    """

    bucket: int = 0
    offset: int = 0
    page: int = 1

    def cursor(self) -> str:
        """Return the position as the opaque text clients see."""
        text = f"Q{self.bucket}.{self.offset}.{self.page}"
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")


Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item_co]):
    """Some results in order: where they began, and where the next begin (None = no more)."""

    rows: Sequence[Item_co]
    start: Position
    end: Position
    more: bool


def position_after(params: Mapping[str, str]) -> Position:
    """Return where the page that `params` ask for begins."""
    cursor = params.get("after")
    if not cursor:
        return Position()
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        bucket, offset, page = map(int, text.removeprefix("Q").split("."))
    except ValueError:
        raise invalid_cursor() from None
    return Position(bucket, offset, page)


def limit_of(params: Mapping[str, str]) -> int:
    """Return the page size asked for."""
    text = params.get("limit") or str(DEFAULT_LIMIT)
    if not text.isdecimal() or int(text) == 0:
        raise invalid_parameter("limit must be a positive integer")
    return min(int(text), LARGEST_LIMIT)


def capped(params: Mapping[str, str], most: int | None) -> Mapping[str, str]:
    """Return the same parameters with a `limit` of at most `most`: some of Meta's edges cap it."""
    return params if most is None else {**params, "limit": str(min(limit_of(params), most))}


def page_of(items: Sequence[Item], params: Mapping[str, str]) -> Page[Item]:
    """Return the page of a plain list."""
    start = position_after(params)
    end = start.offset + limit_of(params)
    return Page(
        rows=items[start.offset : end],
        start=start,
        end=Position(0, min(end, len(items)), start.page + 1),
        more=end < len(items),
    )


def emptied(page: Page[object]) -> Page[object]:
    """Return an empty page with a `next` behind which the rows are, as Meta may answer."""
    again = Position(page.start.bucket, page.start.offset, page.start.page + 1)
    return Page([], page.start, again, more=True)


def listing(call: GraphCall, page: Page[object]) -> dict[str, object]:
    """Return a page in Meta's envelope: cursors also on the last page, `next` only before it."""
    body: dict[str, object] = {"data": page.rows}
    if not page.rows and not page.more:
        return body
    after = page.end.cursor()
    paging: dict[str, object] = {"cursors": {"before": page.start.cursor(), "after": after}}
    if page.more:
        paging["next"] = _next_url(call, after)
    body["paging"] = paging
    return body


def _next_url(call: GraphCall, after: str) -> str:
    """Return the whole URL of the next page, with the token when it came as a parameter."""
    params = {k: v for k, v in call.params.items() if k not in SECRET_PARAMETERS}
    if call.token_in_params and call.token is not None:
        params["access_token"] = call.token
    return f"{call.base_url.rstrip('/')}{call.path}?{urlencode({**params, 'after': after})}"
