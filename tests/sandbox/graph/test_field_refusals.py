from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.sandbox_client import read

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Client, Start


def refusal(client: Client, path: str, **params: str) -> dict[str, object]:
    """The error object of a refused call, which is code 100 with HTTP 400."""
    answer = client.get(path, **params)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, 100)
    return error


def test_invalid__names_one_field_at_a_time(start: Start, world: World) -> None:
    """A call is refused for one field, the first in the order asked; the rest is learnt later."""
    client = start(refused_fields={"*": {"cpp", "frequency"}})
    node = f"act_{world.readable()[0].id}/insights"
    both = refusal(client, node, fields="spend,frequency,cpp")
    then = refusal(client, node, fields="spend,cpp")

    assert str(both["message"]).startswith("(#100) frequency is not valid for fields param")
    assert str(then["message"]).startswith("(#100) cpp is not valid for fields param")
    assert json.loads(str(both["error_data"])) == {"blame_field_specs": [["fields"]]}
    assert client.get(node, fields="spend").status_code == 200


def test_nonexisting__in_other_words(client: Client, world: World) -> None:
    """The same may be said of a node type; and the field may come back."""
    account = world.readable()[0]
    client.sandbox.refused_fields.refuse("cpp", wording="nonexisting")
    said = refusal(client, f"act_{account.id}/insights", fields="cpp")

    assert said["message"] == (
        "(#100) Tried accessing nonexisting field (cpp) on node type (AdsInsights)"
    )
    client.sandbox.refused_fields.accept("cpp")
    assert client.get(f"act_{account.id}/insights", fields="cpp").status_code == 200


def test_unnamed__says_no_field(client: Client, world: World) -> None:
    """A field may be refused without being named, under the code of a missing right."""
    account = world.readable()[0]
    client.sandbox.refused_fields.refuse("adset.targeting", account.id, wording="unnamed")
    answer = client.get(f"act_{account.id}/adsets", fields="name,targeting")

    assert answer.json()["error"]["code"] == 10
    assert "targeting" not in answer.text
    assert client.get(f"act_{account.id}/adsets", fields="name").status_code == 200


def test_account__only_one(start: Start, world: World, span: dict[str, str]) -> None:
    """A field may be gone for one account alone, also at its campaigns."""
    poor, rich = world.readable()[:2]
    client = start(refused_fields={poor.id: {"frequency"}})

    assert refusal(client, f"act_{poor.id}/insights", fields="frequency")
    assert refusal(client, f"{poor.campaigns[0].id}/insights", fields="frequency")
    assert all("frequency" in row for row in read(client, rich, span, "account", "frequency"))


def test_runs__are_refused_when_submitted(client: Client, world: World) -> None:
    """An asynchronous run is refused at once; one submitted before is read to its end."""
    node = f"act_{world.readable()[0].id}/insights"
    run = client.post(node, fields="spend,cpp").json()["report_run_id"]
    client.sandbox.refused_fields.refuse("cpp")
    for _ in range(5):
        client.get(run)

    assert client.post(node, fields="spend,cpp").json()["error"]["code"] == 100
    assert "cpp" in client.rows(f"{run}/insights")[0]


@pytest.mark.parametrize(
    ("name", "path", "node_type"),
    [
        ("account.spend_cap", "me/adaccounts", "AdAccount"),
        ("account.spend_cap", "act_{account}", "AdAccount"),
        ("campaign.spend_cap", "act_{account}/campaigns", "Campaign"),
        ("creative.url_tags", "act_{account}/adcreatives", "AdCreative"),
    ],
)
def test_objects__lose_fields_too(
    client: Client, world: World, name: str, path: str, node_type: str
) -> None:
    """With the kind before the name, a field of objects is gone, and of them alone."""
    account = world.readable()[0]
    client.sandbox.refused_fields.refuse(name, wording="nonexisting")
    field = name.partition(".")[2]
    said = refusal(client, path.format(account=account.id), fields=f"name,{field}")

    assert f"({field}) on node type ({node_type})" in str(said["message"])
    assert client.get(account.campaigns[0].id, fields="name").status_code == 200


def test_wording__unknown(client: Client) -> None:
    """A wording that Meta does not use is an error of the test."""
    with pytest.raises(ValueError, match="shouting"):
        client.sandbox.refused_fields.refuse("cpp", wording="shouting")
