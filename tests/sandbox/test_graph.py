from __future__ import annotations

import hashlib
import hmac
import json

import pytest
import requests

from tap_meta_partner.sandbox import TokenInfo


def proof(secret, token):
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def code_of(answer):
    error = answer.json()["error"]
    assert answer.status_code == 400
    return error["code"], error.get("error_subcode")


@pytest.mark.parametrize("scheme", ["Bearer", "OAuth"])
def test_token__in_the_header(client, scheme):
    """Both forms of the header are taken."""
    headers = {"Authorization": f"{scheme} {client.sandbox.token}"}

    assert requests.get(client.url("me"), headers=headers, timeout=10).json()["id"]


def test_token__as_a_parameter(client):
    """The token may come in the query or in the form body, and is not remembered."""
    token = {"access_token": client.sandbox.token}
    url = client.url("me")

    assert requests.get(url, params=token, timeout=10).json()["id"]
    assert requests.post(url, data=token, timeout=10).json()["id"]
    assert client.sandbox.token not in repr(client.sandbox.calls)


@pytest.mark.parametrize("token", ["", "wrong"])
def test_token__missing_or_wrong(client, token):
    """Without a good token: code 190."""
    params = {"access_token": token} if token else {}

    assert (190, None) == code_of(requests.get(client.url("me"), params=params, timeout=10))


def test_token__expired(start, clock):
    """An expired token: 190/463."""
    expiry = int(clock.now().timestamp()) + 10
    client = start(tokens={"T60": TokenInfo(expires_at=expiry)})
    client.session.headers["Authorization"] = "Bearer T60"

    assert client.get("me").status_code == 200
    clock.seconds += 10
    assert (190, 463) == client.error("me")


def test_scopes__needed(start, world):
    """Without ads_read nothing is read; without business_management no business is."""
    client = start(tokens={"READER": TokenInfo(scopes=("ads_read",)), "NONE": TokenInfo(scopes=())})
    business = world.business.id
    client.session.headers["Authorization"] = "Bearer READER"
    assert client.get("me/adaccounts", fields="name").status_code == 200
    assert (200, None) == client.error("me/adaccounts", fields="name,business")
    assert (200, None) == client.error(f"{business}/client_ad_accounts")
    client.session.headers["Authorization"] = "Bearer NONE"
    assert (200, None) == client.error("me/adaccounts")
    assert (200, None) == client.error(f"act_{world.readable()[0].id}/insights")


def test_appsecret_proof(start):
    """With an app secret set, the proof must come and fit the token."""
    client = start(app_secret="s3cret")

    assert (100, None) == client.error("me")
    assert (100, None) == client.error("me", appsecret_proof="0" * 64)
    good = proof("s3cret", client.sandbox.token)
    assert client.get("me", appsecret_proof=good).status_code == 200
    assert good not in repr(client.sandbox.calls)


@pytest.mark.parametrize(
    ("version", "code"), [("v19.0", 2635), ("v24.0", 2635), ("v99.0", 2500), ("v26.7", 2500)]
)
def test_version__dead_or_nonsense(client, version, code):
    """A version past its life says so; one that never was is a path error."""
    answer = client.session.get(f"{client.sandbox.url}/{version}/me", timeout=10)

    assert (code, None) == code_of(answer)


@pytest.mark.parametrize("prefix", ["", "/v25.0", "/v26.0", "/v27.0"])
def test_version__alive_or_none(client, prefix):
    """Living versions answer, and so does the unversioned path."""
    answer = client.session.get(f"{client.sandbox.url}{prefix}/me", timeout=10)

    assert answer.json()["id"]


def test_accounts__listed_with_their_fields(client, world):
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


def test_accounts__default_fields(client):
    """Without `fields` an account is its two ids."""
    assert {"id", "account_id"} == set(client.rows("me/adaccounts")[0])


def test_accounts__one_forbidden_field_fails_the_call(client, world):
    """A field that needs the MANAGE task fails the whole list; an unknown one is code 100."""
    assert (200, None) == client.error("me/adaccounts", fields="name,funding_source_details")
    assert (100, None) == client.error(f"act_{world.readable()[0].id}", fields="shoe_size")


def test_accounts__of_the_business(client, world):
    """The business knows what it owns and what clients share, assigned or not."""
    business = world.business.id
    owned = client.rows(f"{business}/owned_ad_accounts", fields="name")
    shared = client.rows(f"{business}/client_ad_accounts", fields="name")

    assert {"Gemini House Ads"} == {row["name"] for row in owned}
    assert "Nordlicht Sonnenbrillen" in {row["name"] for row in shared}
    assert len(owned) + len(shared) == len(world.accounts)


def test_accounts__unassigned_cannot_be_read(client, world):
    """An account shared but not assigned: code 200; one that is not there: 100/33."""
    unassigned = next(a for a in world.accounts if not a.assigned)

    assert (200, None) == client.error(f"act_{unassigned.id}/insights")
    assert (100, 33) == client.error("act_1/insights")
    assert (100, 33) == client.error("4242")


def test_accounts__revoked(client, world):
    """A withdrawn share is unlisted and unreadable, also through its campaigns."""
    account = world.readable()[0]
    world.revoke(account.id)

    assert f"act_{account.id}" not in {row["id"] for row in client.rows("me/adaccounts")}
    assert (200, None) == client.error(f"act_{account.id}/insights")
    assert (200, None) == client.error(f"{account.campaigns[0].id}/insights")


@pytest.mark.parametrize("edge", ["campaigns", "adsets", "ads", "adcreatives"])
def test_edges__list_living_objects(client, world, edge):
    """Dimension edges list what is not archived; archived objects come on request."""
    account = next(a for a in world.readable() if len(a.campaigns) > 2)
    fields = "id,name,status,effective_status,updated_time"
    living = client.rows(f"act_{account.id}/{edge}", fields=fields)
    gone = client.rows(f"act_{account.id}/{edge}", fields=fields, effective_status='["ARCHIVED"]')

    assert {"ACTIVE"} == {row["effective_status"] for row in living}
    assert {"ARCHIVED"} == {row["effective_status"] for row in gone}


def test_objects__by_their_own_id(client, world):
    """A campaign can be read by its id, archived or not."""
    for campaign in world.readable()[0].campaigns:
        assert campaign.name == client.get(campaign.id, fields="name").json()["name"]


def test_paths__that_do_not_exist(client, world):
    """Unknown edges are path errors."""
    assert (2500, None) == client.error(f"act_{world.readable()[0].id}/shoes")
    assert (2500, None) == client.error("a/b/c")


def test_me__permissions_and_debug_token(start):
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
    assert ("SYSTEM_USER", True, 0) == (mine["type"], mine["is_valid"], mine["expires_at"])
    assert (old["is_valid"], old["error"]["subcode"]) == (False, 463)
    assert unknown["is_valid"] is False


def test_batch(client, world):
    """A batch answers each item in order, with usage headers inside each."""
    account = world.readable()[0]
    items = [
        {"method": "GET", "relative_url": f"v26.0/act_{account.id}/insights?level=account"},
        {"method": "GET", "relative_url": "act_1/insights"},
        {"method": "POST", "relative_url": f"act_{account.id}/insights", "body": "level=ad"},
    ]
    good, bad, run = client.post("", batch=json.dumps(items)).json()
    usage = {h["name"]: h["value"] for h in good["headers"]}["X-Business-Use-Case-Usage"]

    assert [200, 400, 200] == [each["code"] for each in (good, bad, run)]
    assert json.loads(good["body"])["data"]
    assert json.loads(bad["body"])["error"]["code"] == 100
    assert json.loads(run["body"])["report_run_id"]
    assert account.id in json.loads(usage)
    assert ["insights", "other", "run_create", "batch"] == [c.kind for c in client.sandbox.calls]


def test_batch__too_many(client):
    """Fifty items are the most, and the parameter must be a list."""
    items = [{"method": "GET", "relative_url": "me"}] * 51

    assert code_of(client.post("", batch=json.dumps(items))) == (100, None)
    assert code_of(client.post("", batch="{}x")) == (100, None)


def test_calls__say_what_they_were_for(client, world):
    """Each call is remembered with its kind, account, answer and parameters."""
    account = world.readable()[0]
    client.get("me/adaccounts", limit=5)
    client.get(f"act_{account.id}", fields="name")
    client.get(f"act_{account.id}/insights", fields="nonsense")
    client.get(f"{world.business.id}/client_ad_accounts")
    calls = client.sandbox.calls

    assert ["ad_accounts", "account", "insights", "business_accounts"] == [c.kind for c in calls]
    assert [None, account.id, account.id, None] == [c.account_id for c in calls]
    assert [200, 200, 400, 200] == [c.status for c in calls]
    assert [None, None, 100, None] == [c.error_code for c in calls]
    assert calls[0].params == {"limit": "5"}
