"""A plain client that pages through a sandbox, and a clock that stands still."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import requests

    from tap_meta_partner.sandbox import Sandbox
    from tap_meta_partner.sandbox.world.advertising import AdAccount

Row = dict[str, Any]
Refusal = tuple[int | None, int | None]

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.timezone.utc)


class Clock:
    """A wall clock and a stop watch that only move when told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> dt.datetime:
        """Return the time of day, in UTC."""
        return NOON + dt.timedelta(seconds=self.seconds - 1_000.0)

    def monotonic(self) -> float:
        """Return the seconds since some moment."""
        return self.seconds


@dataclass(frozen=True)
class Client:
    """Plain HTTP with the token in the header, as the tap calls."""

    sandbox: Sandbox
    session: requests.Session

    def url(self, path: str) -> str:
        """Return the address of a node or edge."""
        return f"{self.sandbox.url}/v26.0/{path}"

    def get(self, path: str, **params: str | int) -> requests.Response:
        """Read once."""
        return self.session.get(self.url(path), params=params, timeout=10)

    def post(self, path: str, **params: str | int) -> requests.Response:
        """Send one form."""
        return self.session.post(self.url(path), data=params, timeout=10)

    def error(self, path: str, **params: str | int) -> Refusal:
        """Return code and subcode of the refusal."""
        answer = self.get(path, **params)
        error = answer.json()["error"]
        assert answer.status_code >= 400
        assert error["fbtrace_id"]
        return error["code"], error.get("error_subcode")

    def pages(self, path: str, **params: str | int) -> list[Row]:
        """Return all pages, the next one always by `cursors.after` while there is a `next`."""
        found = []
        while True:
            body = self.get(path, **params).json()
            assert "data" in body, body
            found.append(body)
            if "next" not in body.get("paging", {}):
                return found
            params["after"] = body["paging"]["cursors"]["after"]

    def rows(self, path: str, **params: str | int) -> list[Row]:
        """Return the rows of all pages."""
        return [row for page in self.pages(path, **params) for row in page["data"]]


class Start(Protocol):
    """Starts a sandbox with some of its dials set, and gives a client to it."""

    def __call__(self, **dials: Any) -> Client:  # noqa: ANN401  (whatever Sandbox takes)
        """Return the client."""


def read(
    client: Client,
    account: AdAccount,
    span: dict[str, str],
    level: str = "ad",
    fields: str = "spend,impressions,clicks",
    **params: str | int,
) -> list[Row]:
    """Return all rows of a daily report over `span`, page by page."""
    params = {"time_increment": 1, "limit": 100, **params}
    return client.rows(
        f"act_{account.id}/insights",
        level=level,
        fields=fields,
        time_range=json.dumps(span),
        **params,
    )


def spent(rows: list[Row]) -> Decimal:
    """Return the spend of all rows."""
    return sum(Decimal(row["spend"]) for row in rows)
