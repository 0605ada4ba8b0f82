from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import requests

from tap_meta_partner.sandbox import Sandbox
from tap_meta_partner.sandbox.__main__ import make_world

if TYPE_CHECKING:
    import datetime as dt

    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Client, Start


def test_connection__is_kept_alive(client: Client) -> None:
    """Many calls go over one connection, also after errors and forms."""
    connection = http.client.HTTPConnection(client.sandbox.url.removeprefix("http://"))
    ports = set()
    for method, body in (("GET", None), ("POST", "fields=id"), ("GET", None)):
        headers = {"Authorization": f"Bearer {client.sandbox.token}"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, "/v26.0/me", body=body, headers=headers)
        ports.add(connection.sock.getsockname()[1])
        answer = connection.getresponse()
        assert answer.version == 11
        assert len(answer.read()) == int(answer.headers["Content-Length"])
    connection.close()

    assert len(ports) == 1


def test_stop__ends_kept_connections(world: World) -> None:
    """A stopped sandbox answers nobody any more."""
    with Sandbox(world) as sandbox:
        session = requests.Session()
        session.get(f"{sandbox.url}/me", timeout=10)
    with session, pytest.raises(requests.ConnectionError):
        session.get(f"{sandbox.url}/me", timeout=10)


def test_latency__is_taken_by_every_answer(start: Start) -> None:
    """Answers take at least the latency."""
    client = start(latency=0.05)
    began = time.monotonic()
    client.get("me")

    assert time.monotonic() - began >= 0.05


def test_truth__over_http(
    client: Client, world: World, span: dict[str, str], days: tuple[dt.date, dt.date]
) -> None:
    """The truth can be asked from another process, without a token."""
    account = world.readable()[0]
    url = f"{client.sandbox.url}/sandbox/truth"
    one = requests.get(url, params={"account_id": account.id, **span}, timeout=10).json()["data"]
    every = requests.get(url, params=span, timeout=10).json()["data"]
    totals = world.truth.day_totals(account.id, *days)

    assert {day.isoformat(): str(t.spend) for day, t in totals.items()} == {
        day: t["spend"] for day, t in one[account.id].items()
    }
    assert {a.id for a in world.readable()} == set(every)
    assert every[account.id] == one[account.id]


def test_controls__restate_revoke_faults_and_calls(client: Client, world: World) -> None:
    """All that a test does to a sandbox can be done over HTTP."""
    url = f"{client.sandbox.url}/sandbox"
    account = world.readable()[0].id

    assert requests.post(f"{url}/restate", json={"share": 0.5}, timeout=10).json() == {
        "revision": 1
    }
    requests.post(f"{url}/revoke", json={"account_id": account}, timeout=10)
    assert world.is_revoked(account)
    requests.post(f"{url}/restore", params={"account_id": account}, timeout=10)
    assert not world.is_revoked(account)
    requests.post(f"{url}/faults", json={"kind": "me", "code": 2}, timeout=10)
    assert client.error("me") == (2, None)
    requests.post(f"{url}/faults", json={"kind": "me", "code": 2, "times": None}, timeout=10)
    requests.delete(f"{url}/faults", timeout=10)
    assert client.get("me").status_code == 200
    calls = requests.get(f"{url}/calls", timeout=10).json()["data"]
    assert [(call["kind"], call["error_code"]) for call in calls] == [("me", 2), ("me", None)]
    requests.delete(f"{url}/calls", timeout=10)
    assert client.sandbox.calls == []


def test_truth__of_breakdowns_over_http(
    client: Client, world: World, span: dict[str, str], days: tuple[dt.date, dt.date]
) -> None:
    """With breakdowns a day's truth is a list, one entry for each value."""
    account = world.readable()[0]
    url = f"{client.sandbox.url}/sandbox/truth"
    ask = {"account_id": account.id, "breakdowns": "age,gender", **span}
    told = requests.get(url, params=ask, timeout=10).json()["data"][account.id]
    truth = world.truth.breakdown_day_totals(account.id, *days, ("age", "gender"))

    assert {
        day.isoformat(): {values: str(totals.spend) for values, totals in by_value.items()}
        for day, by_value in truth.items()
    } == {day: {tuple(e["values"]): e["spend"] for e in each} for day, each in told.items()}


def test_controls__objects_features_and_fields(client: Client, world: World) -> None:
    """Objects change, features are missing and fields vanish over HTTP as well."""
    url = f"{client.sandbox.url}/sandbox"
    account = world.readable()[0]
    ad = account.ads[0]
    node = f"act_{account.id}/insights"
    creative = client.get(ad.id, fields="creative").json()["creative"]["id"]

    requests.post(f"{url}/status", json={"id": ad.id, "status": "PAUSED"}, timeout=10)
    assert client.get(ad.id, fields="status").json()["status"] == "PAUSED"
    requests.post(f"{url}/break-creative", json={"id": creative}, timeout=10)
    assert client.error(creative, fields="name") == (1, None)
    requests.delete(f"{url}/opt-in", json={"feature": "comscore"}, timeout=10)
    assert client.rows(node, breakdowns="comscore_market") == []
    requests.post(f"{url}/opt-in", json={"feature": "comscore"}, timeout=10)
    assert client.rows(node, breakdowns="comscore_market")
    refused = {"name": "cpp", "account_id": account.id}
    requests.post(f"{url}/refused-fields", json=refused, timeout=10)
    assert client.error(node, fields="cpp") == (100, None)
    requests.delete(f"{url}/refused-fields", json=refused, timeout=10)
    assert client.get(node, fields="cpp").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("faults", {"kind": "me"}, 400),
        ("faults", {"shoe": 1}, 400),
        ("revoke", {"account_id": "1"}, 400),
        ("status", {"id": "1", "status": "PAUSED"}, 400),
        ("touch", {}, 400),
        ("break-creative", {"id": "1"}, 400),
        ("opt-in", {"feature": "shoes"}, 400),
        ("refused-fields", {"shoe": "cpp"}, 400),
        ("shoes", {}, 404),
    ],
)
def test_controls__wrong(client: Client, path: str, body: dict[str, str], status: int) -> None:
    """A wrong control says what is wrong with it."""
    answer = requests.post(f"{client.sandbox.url}/sandbox/{path}", json=body, timeout=10)

    assert (status, True) == (answer.status_code, bool(answer.json()["error"]))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command__prints_its_url_and_ends_on_a_signal(number: signal.Signals) -> None:
    """The command prints one line, serves, and ends with 0 when told to."""
    command = [sys.executable, "-m", "tap_meta_partner.sandbox", "--world", "agency"]
    process = subprocess.Popen(
        [*command, "--accounts", "3", "--scenario", "revoked", "--seed", "5"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    with process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        headers = {"Authorization": "Bearer SANDBOX-TOKEN"}
        listed = requests.get(f"{url}/v26.0/me/adaccounts", headers=headers, timeout=10).json()
        process.send_signal(number)
        rest = process.stdout.read()

    assert len(listed["data"]) == 2
    assert (process.returncode, rest) == (0, "")


def test_body__json_parameters_are_taken(client: Client, world: World) -> None:
    """Parameters may come as a JSON body too."""
    url = client.url(f"act_{world.readable()[0].id}/insights")
    body = {"level": "account", "time_range": {"since": "2026-11-03", "until": "2026-11-04"}}

    assert client.session.post(
        url, data=json.dumps(body), timeout=10, headers={"Content-Type": "application/json"}
    ).json()["report_run_id"]


def test_command__knows_its_worlds() -> None:
    """The worlds of the command line are those of `World`, in the size asked."""
    agency = make_world("agency", accounts=4, ads=None, seed=1, days=10)
    single = make_world("single", accounts=None, ads=12, seed=1, days=10)
    demo = make_world("demo", accounts=None, ads=None, seed=1, days=10)

    assert [len(world.accounts) for world in (agency, single, demo)] == [4, 1, 8]
    assert len(single.accounts[0].ads) == 12
