"""The OAuth model: a token for each client, in one run."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Fault, Sandbox, TokenInfo, World
from tests.support.noon import noon, run_at_noon

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal
    from pathlib import Path

    from tests.support.tap_process import Output

TOKENS = ("TOKEN-of-client-A", "TOKEN-of-client-B", "TOKEN-of-client-C")


@pytest.fixture
def clients(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Three tokens: the first reads accounts 0 and 1, the second 1 and 2, the third 3."""
    world = World.demo(seed=7, now=noon)
    ids = [account.id for account in world.readable()]
    sees = (ids[0:2], ids[1:3], ids[3:4])
    infos = {
        token: TokenInfo(type="USER", scopes=("ads_read",), accounts=frozenset(seen))
        for token, seen in zip(TOKENS, sees, strict=True)
    }
    return start_sandbox(world, tokens=infos)


def config(sandbox: Sandbox, *tokens: str) -> dict[str, Any]:
    return {
        "api_url": sandbox.url,
        "access_tokens": [
            {"access_token": token, "label": f"Client {letter}"}
            for letter, token in zip("ABC", tokens, strict=False)
        ],
    }


def truth(sandbox: Sandbox, *places: int) -> dict[tuple[str, str], Decimal]:
    found = {}
    accounts = sandbox.world.readable()
    for place in places:
        account = accounts[place]
        today = account.today(sandbox.world.now())
        days = sandbox.world.truth.day_totals(account.id, today - dt.timedelta(days=30), today)
        found |= {(account.id, str(day)): total.spend for day, total in days.items()}
    return found


def no_token_in(output: Output) -> bool:
    return not any(token in output.log + output.raw for token in TOKENS)


def test_many_tokens__each_account_is_read_once(clients: Sandbox, tmp_path: Path) -> None:
    """An account that two tokens can read is read with the first, and only once."""
    output = run_at_noon(tmp_path, config(clients, *TOKENS), environment={"LOGLEVEL": "DEBUG"})
    shared = clients.world.readable()[1].id
    asked = [call for call in clients.calls if call.account_id == shared]

    assert output.code == 0
    assert output.spend("ad_insights") == truth(clients, 0, 1, 2, 3)
    assert len(asked) == 4
    assert no_token_in(output)


def test_dead_token__at_the_start_costs_its_accounts_only(clients: Sandbox, tmp_path: Path) -> None:
    """A token that Meta does not accept is named by its label; the other clients complete."""
    first = run_at_noon(tmp_path, config(clients, *TOKENS))
    broken = config(clients, TOKENS[0], "TOKEN-that-is-dead", TOKENS[2])

    output = run_at_noon(tmp_path, broken, state=first.state)
    gone = clients.world.readable()[2].id

    assert output.code == 0
    assert output.spend("ad_insights").keys() <= truth(clients, 0, 1, 3).keys()
    assert any("Client B: its accounts cannot be read" in line for line in output.complaints)
    assert output.bookmark("ad_insights", gone) == first.bookmark("ad_insights", gone)
    (told,) = [line for line in output.complaints if gone in line]
    assert "skipped" in told
    assert "Client B: Meta does not accept the access token" in told
    assert "share" not in told


def test_dead_token__in_mid_run_is_asked_no_more(clients: Sandbox, tmp_path: Path) -> None:
    """A token that dies during a run costs the accounts that no other token reads."""
    victim = clients.world.readable()[0].id
    clients.fault(Fault(kind="insights", account_id=victim, times=None, code=190, subcode=463))
    clients.fault(Fault(kind="me", times=None, code=190, subcode=463))

    output = run_at_noon(tmp_path, {**config(clients, *TOKENS), "max_concurrency": 1})
    refused = [call for call in clients.calls if call.error_code == 190]

    assert output.code == 0
    assert output.spend("ad_insights") == truth(clients, 1, 2, 3)
    assert len(refused) == 2
    assert any("Client A" in line and "expired" in line for line in output.complaints)


def test_dead_tokens__all_of_them_end_the_run(clients: Sandbox, tmp_path: Path) -> None:
    """When no token works there is one line and exit code 1."""
    output = run_at_noon(tmp_path, config(clients, "dead-1", "dead-2"))

    assert output.code == 1
    assert "does not accept the access token" in output.complaints[-1]
    assert "Traceback" not in output.log


def test_token__own_account_ids_limit_what_is_read_with_it(
    clients: Sandbox, tmp_path: Path
) -> None:
    """`account_ids` of a token are the only accounts read with it; one it cannot see is lost."""
    ids = [account.id for account in clients.world.readable()]
    settings = config(clients, TOKENS[0])
    settings["access_tokens"][0]["account_ids"] = [ids[0], ids[3]]

    output = run_at_noon(tmp_path, settings)

    assert output.spend("ad_insights") == truth(clients, 0)
    assert any(ids[3] in line and "lost" in line for line in output.complaints)
