from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

import pytest
import requests

from tap_meta_partner.sandbox import TokenInfo

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Client, Clock, Refusal, Start


def proof(secret: str, token: str) -> str:
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def code_of(answer: requests.Response) -> Refusal:
    error = answer.json()["error"]
    assert answer.status_code == 400
    return error["code"], error.get("error_subcode")


@pytest.mark.parametrize("scheme", ["Bearer", "OAuth"])
def test_token__in_the_header(client: Client, scheme: str) -> None:
    """Both forms of the header are taken."""
    headers = {"Authorization": f"{scheme} {client.sandbox.token}"}

    assert requests.get(client.url("me"), headers=headers, timeout=10).json()["id"]


def test_token__as_a_parameter(client: Client) -> None:
    """The token may come in the query or in the form body, and is not remembered."""
    token = {"access_token": client.sandbox.token}
    url = client.url("me")

    assert requests.get(url, params=token, timeout=10).json()["id"]
    assert requests.post(url, data=token, timeout=10).json()["id"]
    assert client.sandbox.token not in repr(client.sandbox.calls)


@pytest.mark.parametrize("token", ["", "wrong"])
def test_token__missing_or_wrong(client: Client, token: str) -> None:
    """Without a good token: code 190."""
    params = {"access_token": token} if token else {}

    assert code_of(requests.get(client.url("me"), params=params, timeout=10)) == (190, None)


def test_token__expired(start: Start, clock: Clock) -> None:
    """An expired token: 190/463."""
    expiry = int(clock.now().timestamp()) + 10
    client = start(tokens={"T60": TokenInfo(expires_at=expiry)})
    client.session.headers["Authorization"] = "Bearer T60"

    assert client.get("me").status_code == 200
    clock.seconds += 10
    assert client.error("me") == (190, 463)


def test_scopes__needed(start: Start, world: World) -> None:
    """Without ads_read nothing is read; without business_management no business is."""
    client = start(tokens={"READER": TokenInfo(scopes=("ads_read",)), "NONE": TokenInfo(scopes=())})
    business = world.business.id
    client.session.headers["Authorization"] = "Bearer READER"
    assert client.get("me/adaccounts", fields="name").status_code == 200
    assert client.error("me/adaccounts", fields="name,business") == (200, None)
    assert client.error(f"{business}/client_ad_accounts") == (200, None)
    client.session.headers["Authorization"] = "Bearer NONE"
    assert client.error("me/adaccounts") == (200, None)
    assert client.error(f"act_{world.readable()[0].id}/insights") == (200, None)


def test_appsecret_proof(start: Start) -> None:
    """With an app secret set, the proof must come and fit the token."""
    client = start(app_secret="s3cret")

    assert client.error("me") == (100, None)
    assert client.error("me", appsecret_proof="0" * 64) == (100, None)
    good = proof("s3cret", client.sandbox.token)
    assert client.get("me", appsecret_proof=good).status_code == 200
    assert good not in repr(client.sandbox.calls)


def test_appsecret_proof__with_a_time_is_good_for_five_minutes(start: Start, clock: Clock) -> None:
    """The form that Meta documents: the token and a Unix time are proven together."""
    client = start(app_secret="s3cret")
    now = int(clock.now().timestamp())
    made = {
        "appsecret_proof": proof("s3cret", f"{client.sandbox.token}|{now}"),
        "appsecret_time": str(now),
    }

    assert client.get("me", **made).status_code == 200
    assert client.error("me", **{**made, "appsecret_time": str(now + 1)}) == (100, None)
    clock.seconds += 301
    assert client.error("me", **made) == (100, None)


@pytest.mark.parametrize(
    ("version", "code"), [("v19.0", 2635), ("v24.0", 2635), ("v99.0", 2500), ("v26.7", 2500)]
)
def test_version__dead_or_nonsense(client: Client, version: str, code: int) -> None:
    """A version past its life says so; one that never was is a path error."""
    answer = client.session.get(f"{client.sandbox.url}/{version}/me", timeout=10)

    assert (code, None) == code_of(answer)


@pytest.mark.parametrize("prefix", ["", "/v25.0", "/v26.0", "/v27.0"])
def test_version__alive_or_none(client: Client, prefix: str) -> None:
    """Living versions answer, and so does the unversioned path."""
    answer = client.session.get(f"{client.sandbox.url}{prefix}/me", timeout=10)

    assert answer.json()["id"]


def test_accounts__listed_with_their_fields(client: Client, world: World) -> None:
    """Meta's field types: codes are numbers, minor-unit money and ids are text."""
    fields = (
        "id,account_id,name,account_status,disable_reason,currency,timezone_id,timezone_name,"
        "timezone_offset_hours_utc,created_time,age,amount_spent,balance,spend_cap,"
        "business{id,name},business_name,business_country_code,owner,user_tasks"
    )
    rows = client.rows("me/adaccounts", fields=fields)

    assert {a.name for a in world.readable()} == {row["name"] for row in rows}
    for row in rows:
        assert row["id"] == f"act_{row['account_id']}"
        assert isinstance(row["account_status"], int)
        assert row["amount_spent"].isdecimal()
        assert set(row["business"]) == {"id", "name"}
        assert row["created_time"].endswith("+0000")
        assert row["user_tasks"] == ["ANALYZE"]
    assert {2} == {r["account_status"] for r in rows if r["name"] == "Old Harbour Books"}
    assert {-8.0} == {
        r["timezone_offset_hours_utc"] for r in rows if r["timezone_name"] == "America/Los_Angeles"
    }


def test_accounts__default_fields(client: Client) -> None:
    """Without `fields` an account is its two ids."""
    assert {"id", "account_id"} == set(client.rows("me/adaccounts")[0])


def test_accounts__one_forbidden_field_fails_the_call(client: Client, world: World) -> None:
    """A field that needs the MANAGE task fails the whole list; an unknown one is code 100."""
    assert client.error("me/adaccounts", fields="name,funding_source_details") == (200, None)
    assert client.error(f"act_{world.readable()[0].id}", fields="shoe_size") == (100, None)


def test_accounts__of_the_business(client: Client, world: World) -> None:
    """The business knows what it owns and what clients share, assigned or not."""
    business = world.business.id
    owned = client.rows(f"{business}/owned_ad_accounts", fields="name")
    shared = client.rows(f"{business}/client_ad_accounts", fields="name")

    assert {"Gemini House Ads"} == {row["name"] for row in owned}
    assert "Nordlicht Sonnenbrillen" in {row["name"] for row in shared}
    assert len(owned) + len(shared) == len(world.accounts)


def test_accounts__unassigned_cannot_be_read(client: Client, world: World) -> None:
    """An account shared but not assigned: code 200; one that is not there: 100/33."""
    unassigned = next(a for a in world.accounts if not a.assigned)

    assert client.error(f"act_{unassigned.id}/insights") == (200, None)
    assert client.error("act_1/insights") == (100, 33)
    assert client.error("4242") == (100, 33)


def test_accounts__revoked(client: Client, world: World) -> None:
    """A withdrawn share is unlisted and unreadable, also through its campaigns."""
    account = world.readable()[0]
    world.revoke(account.id)

    assert f"act_{account.id}" not in {row["id"] for row in client.rows("me/adaccounts")}
    assert client.error(f"act_{account.id}/insights") == (200, None)
    assert client.error(f"{account.campaigns[0].id}/insights") == (200, None)


@pytest.mark.parametrize("edge", ["campaigns", "adsets", "ads"])
def test_edges__list_living_objects(client: Client, world: World, edge: str) -> None:
    """Dimension edges list what is not archived; archived objects come on request."""
    account = next(a for a in world.readable() if len(a.campaigns) > 2)
    fields = "id,name,status,effective_status,updated_time"
    living = client.rows(f"act_{account.id}/{edge}", fields=fields)
    gone = client.rows(f"act_{account.id}/{edge}", fields=fields, effective_status='["ARCHIVED"]')

    assert {"ACTIVE"} == {row["effective_status"] for row in living}
    assert {"ARCHIVED"} == {row["effective_status"] for row in gone}


def test_objects__by_their_own_id(client: Client, world: World) -> None:
    """A campaign can be read by its id, archived or not."""
    for campaign in world.readable()[0].campaigns:
        assert campaign.name == client.get(campaign.id, fields="name").json()["name"]


def test_paths__that_do_not_exist(client: Client, world: World) -> None:
    """Unknown edges are path errors."""
    assert client.error(f"act_{world.readable()[0].id}/shoes") == (2500, None)
    assert client.error("a/b/c") == (2500, None)


def test_me__permissions_and_debug_token(start: Start) -> None:
    """The token's kind, scopes and expiry can be asked; an unknown token is not valid."""
    client = start(tokens={"LOGIN": TokenInfo(type="USER", scopes=("ads_read",), expires_at=1)})
    token = client.sandbox.token
    app_token = f"{client.sandbox.app_id}|secret"
    granted = [row["permission"] for row in client.get("me/permissions").json()["data"]]
    mine = client.get("debug_token", input_token=token).json()["data"]
    ask = {"access_token": app_token}
    old = requests.get(
        client.url("debug_token"), params={"input_token": "LOGIN", **ask}, timeout=10
    ).json()["data"]
    unknown = client.get("debug_token", input_token="x").json()["data"]

    assert granted == ["ads_read", "business_management"] == mine["scopes"]
    assert (mine["type"], mine["is_valid"], mine["expires_at"]) == ("SYSTEM_USER", True, 0)
    assert (old["is_valid"], old["error"]["subcode"]) == (False, 463)
    assert unknown["is_valid"] is False


def test_batch(client: Client, world: World) -> None:
    """A batch answers each item in order, with usage headers inside each."""
    account = world.readable()[0]
    items = [
        {"method": "GET", "relative_url": f"v26.0/act_{account.id}/insights?level=account"},
        {"method": "GET", "relative_url": "act_1/insights"},
        {"method": "POST", "relative_url": f"act_{account.id}/insights", "body": "level=ad"},
    ]
    good, bad, run = client.post("", batch=json.dumps(items)).json()
    usage = {h["name"]: h["value"] for h in good["headers"]}["X-Business-Use-Case-Usage"]

    assert [each["code"] for each in (good, bad, run)] == [200, 400, 200]
    assert json.loads(good["body"])["data"]
    assert json.loads(bad["body"])["error"]["code"] == 100
    assert json.loads(run["body"])["report_run_id"]
    assert account.id in json.loads(usage)
    assert [c.kind for c in client.sandbox.calls] == ["insights", "other", "run_create", "batch"]


def test_batch__too_many(client: Client) -> None:
    """Fifty items are the most, and the parameter must be a list."""
    items = [{"method": "GET", "relative_url": "me"}] * 51

    assert code_of(client.post("", batch=json.dumps(items))) == (100, None)
    assert code_of(client.post("", batch="{}x")) == (100, None)


def test_calls__say_what_they_were_for(client: Client, world: World) -> None:
    """Each call is remembered with its kind, account, answer and parameters."""
    account = world.readable()[0]
    client.get("me/adaccounts", limit=5)
    client.get(f"act_{account.id}", fields="name")
    client.get(f"act_{account.id}/insights", fields="nonsense")
    client.get(f"{world.business.id}/client_ad_accounts")
    calls = client.sandbox.calls

    assert [c.kind for c in calls] == ["ad_accounts", "account", "insights", "business_accounts"]
    assert [None, account.id, account.id, None] == [c.account_id for c in calls]
    assert [c.status for c in calls] == [200, 200, 400, 200]
    assert [c.error_code for c in calls] == [None, None, 100, None]
    assert calls[0].params == {"limit": "5"}


def test_exchange__a_token_for_a_longer_one(start: Start, clock: Clock) -> None:
    """A living token is extended by 60 days; with a wrong secret, or expired, it is not."""
    soon = int(clock.now().timestamp()) + 60
    client = start(tokens={"SHORT": TokenInfo(type="USER", expires_at=soon)}, app_secret="s3cret")
    ask = {
        "grant_type": "fb_exchange_token",
        "client_id": client.sandbox.app_id,
        "client_secret": "s3cret",
        "fb_exchange_token": "SHORT",
    }
    url = client.url("oauth/access_token")
    given = requests.get(url, params=ask, timeout=10).json()
    fresh = given["access_token"]
    client.session.headers["Authorization"] = f"Bearer {fresh}"

    assert given["expires_in"] == 5_184_000
    assert client.get("me", appsecret_proof=proof("s3cret", fresh)).status_code == 200
    wrong = requests.get(url, params={**ask, "client_secret": "guess"}, timeout=10)
    assert code_of(wrong) == (1, None)
    clock.seconds += 61
    assert code_of(requests.get(url, params=ask, timeout=10)) == (190, 463)
    assert "s3cret" not in repr(client.sandbox.calls)


def test_exchange__a_login_code_for_a_token(client: Client) -> None:
    """The code of a login gives a user token of short life; another code does not."""
    url = client.url("oauth/access_token")
    ask = {"client_id": client.sandbox.app_id, "client_secret": "any", "redirect_uri": "http://x"}
    given = requests.get(url, params={**ask, "code": "SANDBOX-CODE"}, timeout=10).json()
    client.session.headers["Authorization"] = f"Bearer {given['access_token']}"

    assert client.rows("me/adaccounts")
    assert code_of(requests.get(url, params={**ask, "code": "x"}, timeout=10)) == (100, None)
