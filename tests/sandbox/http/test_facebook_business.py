"""Meta's own client against the sandbox: its shape is not only our belief."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

facebook_session = pytest.importorskip("facebook_business.session")

from facebook_business.adobjects.ad import Ad  # noqa: E402
from facebook_business.adobjects.adaccount import AdAccount  # noqa: E402
from facebook_business.adobjects.adcreative import AdCreative  # noqa: E402
from facebook_business.adobjects.adreportrun import AdReportRun  # noqa: E402
from facebook_business.adobjects.adset import AdSet  # noqa: E402
from facebook_business.adobjects.business import Business  # noqa: E402
from facebook_business.adobjects.campaign import Campaign  # noqa: E402
from facebook_business.adobjects.user import User  # noqa: E402
from facebook_business.api import FacebookAdsApi  # noqa: E402
from facebook_business.exceptions import FacebookRequestError  # noqa: E402

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Client, Start


SECRET = "app-secret"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def client(start: Start) -> Client:
    return start(app_secret=SECRET)


@pytest.fixture
def api(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[FacebookAdsApi]:
    """The SDK pointed at the sandbox: its base address is a class attribute of the session."""
    monkeypatch.setattr(facebook_session.FacebookSession, "GRAPH", client.sandbox.url)
    session = facebook_session.FacebookSession(
        app_id=client.sandbox.app_id, app_secret=SECRET, access_token=client.sandbox.token
    )
    yield FacebookAdsApi(session, api_version="v26.0")
    session.requests.close()


def test_accounts__listed_page_by_page(api: FacebookAdsApi, world: World) -> None:
    """The SDK's cursor walks all accounts."""
    found = list(User("me", api=api).get_ad_accounts(["name", "currency"], {"limit": 2}))

    assert [account["name"] for account in found] == [a.name for a in world.readable()]


def test_accounts__of_the_business(api: FacebookAdsApi, world: World) -> None:
    """The business edges answer the SDK."""
    found = Business(world.business.id, api=api).get_client_ad_accounts(["name"])

    assert len(list(found)) == len([a for a in world.accounts if not a.owned])


def test_insights__paged_by_its_cursor(
    api: FacebookAdsApi, world: World, span: dict[str, str], days: tuple[dt.date, dt.date]
) -> None:
    """The SDK reads all rows of a report, with the SDK's own encoding of parameters."""
    account = world.readable()[0]
    rows = list(
        AdAccount(f"act_{account.id}", api=api).get_insights(
            ["ad_id", "impressions", "actions"],
            {"level": "ad", "time_increment": 1, "time_range": span, "limit": 70},
        )
    )
    truth = world.truth.totals(account.id, *days)

    assert truth.rows_by_level["ad"] == len(rows) > 210
    assert truth.impressions == sum(int(row["impressions"]) for row in rows)
    assert any(row["actions"][0]["action_type"] == "link_click" for row in rows if "actions" in row)


def test_insights__asynchronously(api: FacebookAdsApi, world: World, span: dict[str, str]) -> None:
    """The SDK submits a run, polls it to completion and reads its rows."""
    account = world.readable()[1]
    run = AdAccount(f"act_{account.id}", api=api).get_insights_async(
        ["campaign_id", "spend"], {"level": "campaign", "time_range": span}
    )
    statuses = []
    while "Job Completed" not in statuses:
        statuses.append(run.api_get()[AdReportRun.Field.async_status])
        assert len(statuses) < 10
    rows = list(run.get_result())

    assert {campaign.id for campaign in account.campaigns} == {row["campaign_id"] for row in rows}


def test_errors__arrive_as_its_exception(api: FacebookAdsApi, world: World) -> None:
    """A refusal is a FacebookRequestError with Meta's code, subcode and status."""
    account = AdAccount(f"act_{world.readable()[0].id}", api=api)
    with pytest.raises(FacebookRequestError) as refusal:
        account.get_insights(["spend"], {"breakdowns": ["age", "country"]})

    assert refusal.value.api_error_code() == 2
    assert refusal.value.api_error_subcode() == 1504041
    assert refusal.value.http_status() == 400


def test_batch__answers_its_callbacks(api: FacebookAdsApi, world: World) -> None:
    """The SDK's batch finds each answer."""
    batch, answers = api.new_batch(), []
    for account in world.readable()[:3]:
        AdAccount(f"act_{account.id}", api=api).api_get(
            ["name"], batch=batch, success=lambda answer: answers.append(answer.json()["name"])
        )
    batch.execute()

    assert answers == [account.name for account in world.readable()[:3]]


def test_campaigns__listed(api: FacebookAdsApi, world: World) -> None:
    """Dimension edges answer the SDK."""
    account = world.readable()[1]
    found = AdAccount(f"act_{account.id}", api=api).get_campaigns([Campaign.Field.name])

    assert {c["name"] for c in found} <= {c.name for c in account.campaigns}


def test_objects__with_every_field_of_the_sdk(api: FacebookAdsApi, world: World) -> None:
    """Ads, ad sets and creatives can be asked for all fields the SDK has, page by page."""
    account = world.readable()[1]
    node = AdAccount(f"act_{account.id}", api=api)
    wanted = {"limit": 2, "effective_status": ["ACTIVE", "ARCHIVED"]}
    ads = list(node.get_ads(_fields(Ad), wanted))
    adsets = list(node.get_ad_sets(_fields(AdSet), wanted))
    creatives = {each["id"]: each for each in node.get_ad_creatives(_fields(AdCreative))}

    assert {ad["id"] for ad in ads} == {ad.id for ad in account.ads}
    assert all(adset["attribution_spec"][0]["window_days"] == 7 for adset in adsets)
    assert {ad["creative"]["id"] for ad in ads} == set(creatives)
    ad = ads[0].api_get([Ad.Field.name, Ad.Field.updated_time])
    assert ad["updated_time"] == ads[0]["updated_time"]


def _fields(kind: type[Ad | AdSet | AdCreative]) -> list[str]:
    """Every field of the SDK's enumeration."""
    return [name for key, name in vars(kind.Field).items() if not key.startswith("_")]
