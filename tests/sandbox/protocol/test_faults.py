from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import requests

from tap_meta_partner.sandbox import Fault

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Client


def fails_as_json(answer: requests.Response) -> bool:
    try:
        answer.json()
    except requests.exceptions.JSONDecodeError:
        return True
    return False


@pytest.mark.parametrize(
    ("effect", "status"),
    [("html_500", 500), ("html_502", 502), ("html_503", 503), ("html_200", 200)],
)
def test_html(client: Client, effect: str, status: int) -> None:
    """An answer can be a web page instead of JSON, also with status 200."""
    client.sandbox.fault(Fault(effect=effect))
    answer = client.get("me")

    assert (status, "text/html; charset=utf-8") == (
        answer.status_code,
        answer.headers["Content-Type"],
    )
    assert fails_as_json(answer)
    assert client.get("me").json()["id"]
    assert [call.status for call in client.sandbox.calls] == [status, 200]
    assert [call.effect for call in client.sandbox.calls] == [effect, None]


@pytest.mark.parametrize("effect", ["truncated_json", "invalid_json", "empty_200"])
def test_broken_json(client: Client, effect: str) -> None:
    """Status 200 with a body that is no JSON."""
    client.sandbox.fault(Fault(kind="me", effect=effect))
    answer = client.get("me")

    assert answer.status_code == 200
    assert fails_as_json(answer)


@pytest.mark.parametrize("effect", ["reset", "reset_mid_body"])
def test_reset(client: Client, effect: str) -> None:
    """The connection can be reset before the answer or in its middle, and the next one works."""
    client.sandbox.fault(Fault(kind="me", effect=effect))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.get("me")

    assert client.get("me").json()["id"]


@pytest.mark.parametrize("effect", ["delay", "drip"])
def test_slow(client: Client, effect: str) -> None:
    """An answer can come late, or in small pieces; it is whole in the end."""
    client.sandbox.fault(Fault(kind="me", effect=effect, seconds=0.2))
    began = time.monotonic()

    assert client.get("me").json()["id"]
    assert time.monotonic() - began >= 0.19


def test_redirect(client: Client) -> None:
    """An answer can point to another host."""
    client.sandbox.fault(Fault(kind="me", effect="redirect"))
    answer = client.session.get(client.url("me"), allow_redirects=False, timeout=10)

    assert answer.status_code == 302
    assert "elsewhere.invalid" in answer.headers["Location"]


def test_null_item(client: Client) -> None:
    """An item of a batch can come back as null."""
    client.sandbox.fault(Fault(kind="me", effect="null_item"))
    batch = '[{"method":"GET","relative_url":"v26.0/me"},{"method":"GET","relative_url":"me"}]'
    first, second = client.post("", batch=batch).json()

    assert first is None
    assert second["code"] == 200


def test_error__code_and_status(client: Client) -> None:
    """Any code, subcode and status can be asked for."""
    client.sandbox.fault(
        Fault(kind="me", code=1, subcode=99, status=500, message="boo", is_transient=True)
    )
    answer = client.get("me")
    error = answer.json()["error"]

    assert answer.status_code == 500
    assert error.pop("fbtrace_id")
    assert error == {
        "message": "boo",
        "type": "OAuthException",
        "code": 1,
        "error_subcode": 99,
        "is_transient": True,
    }
    assert client.sandbox.calls[-1].error_code == 1


def test_times_and_after(client: Client) -> None:
    """A fault lets some calls pass, spoils some, and is over; None times never ends."""
    client.sandbox.fault(Fault(kind="me", code=2, after=1, times=2))
    assert [client.get("me").status_code for _ in range(4)] == [200, 400, 400, 200]

    client.sandbox.fault(Fault(kind="*", code=2, times=None))
    assert [client.get("me").status_code for _ in range(4)] == [400] * 4
    client.sandbox.clear_faults()
    assert client.get("me").status_code == 200


def test_account_and_page(client: Client, world: World) -> None:
    """A fault can be for one account and one page of its chain."""
    one, other = world.readable()[:2]
    client.sandbox.fault(Fault(kind="insights", account_id=one.id, page=2, code=2642))
    ask = {"level": "ad", "time_increment": 1, "limit": 20}
    pages = client.pages(f"act_{other.id}/insights", **ask)
    first = client.get(f"act_{one.id}/insights", **ask).json()
    after = first["paging"]["cursors"]["after"]

    assert len(pages) > 2
    assert client.error(f"act_{one.id}/insights", after=after, **ask) == (2642, None)


@pytest.mark.parametrize("wrong", [{}, {"effect": "explode"}, {"fate": "sunny"}])
def test_fault__wrong(wrong: dict[str, str]) -> None:
    """A fault that says nothing, or something unknown, is refused when it is made."""
    with pytest.raises(ValueError, match=r"fault needs|is not one of"):
        Fault(**wrong)


def test_body__is_sent_as_it_is(client: Client) -> None:
    """Whatever was asked: a page of a proxy's, or an answer that makes no sense."""
    client.sandbox.fault(Fault(body="<p>Sorry \udcff</p>", status=403))
    answer = client.get("me")

    assert (answer.status_code, answer.content) == (403, b"<p>Sorry \xff</p>")
