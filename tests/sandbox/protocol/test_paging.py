from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from tap_meta_partner.sandbox import Fault, TokenInfo

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Client, Start


def test_pages__hold_cursors_to_the_end(client: Client, world: World) -> None:
    """Cursors come on every page, `next` on all but the last; all rows come once."""
    pages = client.pages("me/adaccounts", limit=3)
    ids = [row["id"] for page in pages for row in page["data"]]

    assert [len(page["data"]) for page in pages] == [3, 3, 1]
    assert ["next" in page["paging"] for page in pages] == [True, True, False]
    assert all({"before", "after"} == set(page["paging"]["cursors"]) for page in pages)
    assert [f"act_{a.id}" for a in world.readable()] == ids


def test_pages__may_change_their_size(client: Client, world: World) -> None:
    """The limit may change from page to page on the same cursor chain."""
    account = world.readable()[0]
    ask = {"level": "ad", "fields": "ad_id", "time_increment": 1}
    whole = client.rows(f"act_{account.id}/insights", limit=5000, **ask)
    first = client.get(f"act_{account.id}/insights", limit=100, **ask).json()
    rest = client.rows(
        f"act_{account.id}/insights",
        limit=33,
        after=first["paging"]["cursors"]["after"],
        **ask,
    )

    assert whole == first["data"] + rest


def test_pages__can_be_capped(start: Start, world: World) -> None:
    """With a cap a larger limit is not granted: pages of rows and of accounts stay below it."""
    client = start(max_page_rows=40, max_page_accounts=2)
    account = world.readable()[0]
    ask = {"level": "ad", "fields": "ad_id", "time_increment": 1, "limit": 500}
    accounts = client.pages("me/adaccounts", limit=100)
    rows = client.pages(f"act_{account.id}/insights", **ask)
    smaller = client.get(f"act_{account.id}/insights", **{**ask, "limit": 7}).json()

    assert [len(page["data"]) for page in accounts] == [2, 2, 2, 1]
    assert {len(page["data"]) for page in rows[:-1]} == {40}
    assert len(smaller["data"]) == 7


def test_next__is_usable_and_repeats_the_token_only_when_it_came_as_a_parameter(
    client: Client,
) -> None:
    """`next` holds the token when it came as a parameter and not when it came in the header."""
    by_header = client.get("me/adaccounts", limit=3).json()["paging"]["next"]
    by_parameter = requests.get(
        client.url("me/adaccounts"),
        params={"limit": 3, "access_token": client.sandbox.token},
        timeout=10,
    ).json()["paging"]["next"]

    assert client.sandbox.token not in by_header
    assert client.sandbox.token in by_parameter
    assert len(requests.get(by_parameter, timeout=10).json()["data"]) == 3
    assert client.session.get(by_header, timeout=10).json()["data"]


def test_pages__default_size_is_25(client: Client, world: World) -> None:
    """Without a limit a page holds 25 rows."""
    account = world.readable()[0]
    page = client.get(f"act_{account.id}/insights", level="ad", time_increment=1).json()

    assert len(page["data"]) == 25


@pytest.mark.parametrize("page", [1, 2])
def test_empty_page__leads_on(client: Client, page: int) -> None:
    """A page may be empty and still have a `next`, behind which the rows are."""
    client.sandbox.fault(Fault(kind="ad_accounts", effect="empty_page", page=page))
    pages = client.pages("me/adaccounts", limit=3)

    assert pages[page - 1]["data"] == []
    assert sum(len(each["data"]) for each in pages) == 7


def test_a_token__sees_its_own_accounts(start: Start, world: World) -> None:
    """A token can be for a part of the accounts; the others do not exist for it."""
    mine, other = world.readable()[:2]
    client = start(tokens={"CLIENT": TokenInfo(type="USER", accounts=(mine.id,))})
    client.session.headers["Authorization"] = "OAuth CLIENT"

    assert [f"act_{mine.id}"] == [row["id"] for row in client.rows("me/adaccounts")]
    assert client.error(f"act_{other.id}/insights") == (100, 33)
