from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.sandbox import Fault

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World
    from tap_meta_partner.sandbox.world.advertising import AdAccount
    from tests.support.sandbox_client import Client, Clock, Start


ASK = {"level": "ad", "fields": "ad_id,spend", "time_increment": 1}


@pytest.fixture
def account(world: World) -> AdAccount:
    return world.readable()[0]


def submit(client: Client, account: AdAccount, span: dict[str, str], **params: str) -> str:
    body = client.post(
        f"act_{account.id}/insights", time_range=json.dumps(span), **ASK, **params
    ).json()
    return body["report_run_id"]


def states(client: Client, run_id: str, polls: int = 6) -> list[tuple[str, int]]:
    found = []
    for _ in range(polls):
        run = client.get(run_id).json()
        found.append((run["async_status"], run["async_percent_completion"]))
    return found


def test_run__goes_from_submission_to_rows(
    client: Client, account: AdAccount, span: dict[str, str]
) -> None:
    """A run is submitted, polled to the end and read page by page; its rows are the sync ones."""
    run_id = submit(client, account, span)
    seen = states(client, run_id, 5)
    rows = client.rows(f"{run_id}/insights", limit=50)
    sync = client.rows(f"act_{account.id}/insights", time_range=json.dumps(span), limit=500, **ASK)

    assert seen == [
        ("Job Not Started", 0),
        ("Job Started", 0),
        ("Job Running", 40),
        ("Job Running", 100),
        ("Job Completed", 100),
    ]
    assert sync == rows


def test_run__cannot_be_read_at_100_percent_while_running(
    client: Client, account: AdAccount, span: dict[str, str]
) -> None:
    """100 % with `Job Running` is not done: reading gives 2601/1815107."""
    run_id = submit(client, account, span)
    states(client, run_id, 4)

    assert client.error(f"{run_id}/insights") == (2601, 1815107)


def test_run__by_the_clock(
    start: Start, clock: Clock, account: AdAccount, span: dict[str, str]
) -> None:
    """With `job_seconds` a run takes that long, however often it is polled."""
    client = start(job_seconds=40.0)
    run_id = submit(client, account, span)

    assert states(client, run_id, 3) == [("Job Not Started", 0)] * 3
    clock.seconds += 39
    assert states(client, run_id, 1) == [("Job Running", 100)]
    clock.seconds += 1
    assert states(client, run_id, 1) == [("Job Completed", 100)]


def test_run__keeps_the_numbers_it_was_submitted_with(
    client: Client, world: World, account: AdAccount, span: dict[str, str]
) -> None:
    """A restatement after submission does not change a run's rows."""
    ask = {"time_range": json.dumps(span), "limit": 500, **ASK}
    before = client.rows(f"act_{account.id}/insights", **ask)
    run_id = submit(client, account, span)
    states(client, run_id)
    world.restate(1.0)

    assert before == client.rows(f"{run_id}/insights", limit=500)
    assert before != client.rows(f"act_{account.id}/insights", **ask)


def test_run__of_a_campaign(client: Client, account: AdAccount, span: dict[str, str]) -> None:
    """Campaigns, ad sets and ads can be reported on asynchronously too."""
    campaign = account.campaigns[0]
    body = client.post(f"{campaign.id}/insights", time_range=json.dumps(span), **ASK).json()
    run_id = body["report_run_id"]
    states(client, run_id)
    ids = {row["ad_id"] for row in client.rows(f"{run_id}/insights", limit=500)}

    assert {ad.id for adset in campaign.adsets for ad in adset.ads} == ids


def test_run__judges_its_parameters_at_once(client: Client, account: AdAccount) -> None:
    """A wrong parameter is refused at submission."""
    answer = client.post(f"act_{account.id}/insights", fields="no_such_field").json()

    assert answer["error"]["code"] == 100


def test_run__can_be_deleted(client: Client, account: AdAccount, span: dict[str, str]) -> None:
    """After DELETE the run does not exist."""
    run_id = submit(client, account, span)

    assert client.session.delete(client.url(run_id), timeout=10).json() == {"success": True}
    assert client.error(run_id) == (100, 33)


def test_run__too_large(start: Start, account: AdAccount, span: dict[str, str]) -> None:
    """A run above `max_async_rows` fails as too large, with the reason in the run."""
    client = start(max_async_rows=10)
    run_id = submit(client, account, span)
    last = [client.get(run_id).json() for _ in range(5)][-1]

    assert last["async_status"] == "Job Failed"
    assert (last["error_code"], last["error_subcode"]) == (-3, 1504045)


@pytest.mark.parametrize(
    ("fate", "end"),
    [
        ("failed", ("Job Failed", 40)),
        ("skipped", ("Job Skipped", 0)),
        ("stuck_0", ("Job Running", 0)),
        ("stuck_99", ("Job Running", 99)),
        ("100_but_running", ("Job Running", 100)),
        ("unreadable", ("Job Completed", 100)),
    ],
)
def test_fates(
    client: Client, account: AdAccount, span: dict[str, str], fate: str, end: tuple[str, int]
) -> None:
    """A run can be made to end otherwise; the next one is well again."""
    client.sandbox.fault(Fault(kind="run_create", fate=fate))
    doomed, well = submit(client, account, span), submit(client, account, span)

    assert states(client, doomed, 9)[-2:] == [end, end]
    assert client.error(f"{doomed}/insights") == (2601, 1815107)
    assert states(client, well)[-1] == ("Job Completed", 100)


def test_fates__failed_with_a_reason(
    client: Client, account: AdAccount, span: dict[str, str]
) -> None:
    """A failed run names the code asked for."""
    client.sandbox.fault(
        Fault(kind="run_create", fate="failed", code=2, subcode=1504044, message="Too heavy")
    )
    run_id = submit(client, account, span)
    states(client, run_id)
    run = client.get(run_id).json()

    assert (run["error_code"], run["error_subcode"]) == (2, 1504044)
    assert run["error_message"] == "Too heavy"


def test_fates__unreadable_for_a_while(
    client: Client, account: AdAccount, span: dict[str, str]
) -> None:
    """A completed run can refuse to be read a number of times."""
    client.sandbox.fault(Fault(kind="run_create", fate="unreadable", reads=3))
    run_id = submit(client, account, span)
    states(client, run_id)
    refused = [client.error(f"{run_id}/insights") for _ in range(3)]

    assert refused == [(2601, 1815107)] * 3
    assert client.rows(f"{run_id}/insights")


def test_fates__expired(client: Client, account: AdAccount, span: dict[str, str]) -> None:
    """An expired run does not exist any more."""
    client.sandbox.fault(Fault(kind="run_create", fate="expired"))
    run_id = submit(client, account, span)
    states(client, run_id, 2)

    assert client.error(run_id) == (100, 33)


def test_race__a_fresh_run_may_not_be_found_at_first(
    client: Client, account: AdAccount, span: dict[str, str]
) -> None:
    """The first poll of a fresh run can be made to say 100/33."""
    client.sandbox.fault(Fault(kind="poll", code=100, subcode=33))
    run_id = submit(client, account, span)

    assert client.error(run_id) == (100, 33)
    assert client.get(run_id).json()["async_status"] == "Job Not Started"


def test_runs__under_way_can_be_capped(
    start: Start, account: AdAccount, span: dict[str, str]
) -> None:
    """More runs of one account than allowed are throttled until one is done."""
    client = start(max_running_runs=1)
    run_id = submit(client, account, span)
    refused = client.post(f"act_{account.id}/insights", **ASK).json()
    states(client, run_id)

    assert refused["error"]["code"] == 80000
    assert submit(client, account, span)
