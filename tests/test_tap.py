"""The SDK's own standard suite, and what the command line promises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from singer_sdk.testing import get_tap_test_class

from tap_meta_partner.sandbox import Fault, Sandbox, World
from tap_meta_partner.settings.table import SETTING_NAMES
from tap_meta_partner.singer.input import Complaint
from tap_meta_partner.tap import TapMetaPartner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Where Meta is, and its token, come in with the sandbox: collecting tests starts nothing.
_CONFIG: dict[str, Any] = {
    "access_token": "T",
    "reports": [
        {
            "name": "by_age",
            "level": "campaign",
            "breakdowns": ["age", "gender"],
            "action_rows": True,
        },
    ],
}


@pytest.fixture(scope="module", autouse=True)
def _standard_sandbox() -> Iterator[None]:
    with Sandbox(World.demo(seed=7), port=0) as sandbox:
        # One client has withdrawn its share, so that there are codes to look at.
        gone = sandbox.world.readable()[-1].id
        sandbox.fault(Fault(kind="insights", account_id=gone, times=None, code=200))
        _CONFIG.update(access_token=sandbox.token, api_url=sandbox.url)
        yield


def _everything_selected() -> dict[str, Any]:
    """Return the catalog with the streams that are off by default on as well."""
    catalog: dict[str, Any] = TapMetaPartner(config=_CONFIG).catalog_dict
    for stream in catalog["streams"]:
        for item in stream["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = True
    return catalog


# Some columns of dimensions are empty for every client of the sandbox, as they mostly are.
TestTapMetaPartner = pytest.mark.filterwarnings("ignore:No records were available to test")(
    get_tap_test_class(TapMetaPartner, config=_CONFIG, catalog=_everything_selected())
)


def test_settings__schema_and_parser_agree() -> None:
    """Every setting that is documented is parsed, and every one that is parsed is documented."""
    assert set(TapMetaPartner.config_jsonschema["properties"]) >= SETTING_NAMES


def test_about__documents_every_setting() -> None:
    """`--about` has a description for each setting and marks the secrets."""
    result = CliRunner().invoke(TapMetaPartner.cli, ["--about", "--format", "json"])
    about = json.loads(result.stdout)
    properties: dict[str, Any] = about["settings"]["properties"]

    assert [name for name in SETTING_NAMES if not properties[name].get("description")] == []
    assert {name for name in SETTING_NAMES if properties[name].get("secret")} == {
        "access_token",
        "access_tokens",
        "app_secret",
    }


def test_about__does_not_promise_batches() -> None:
    """Batches would pass the bookmarks by, so the capability is not announced."""
    result = CliRunner().invoke(TapMetaPartner.cli, ["--about", "--format", "json"])

    assert "batch" not in json.loads(result.stdout)["capabilities"]


def test_discover__needs_no_token_and_makes_no_call(tmp_path: Path) -> None:
    """The catalog is there before any access is."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"api_url": "http://127.0.0.1:9"}))

    result = CliRunner().invoke(TapMetaPartner.cli, ["--config", str(config), "--discover"])
    streams = {stream["tap_stream_id"] for stream in json.loads(result.stdout)["streams"]}

    assert result.exit_code == 0
    assert streams == {
        "account_insights",
        "account_sync_status",
        "ad_accounts",
        "ad_insights",
        "adset_insights",
        "campaign_insights",
        "campaigns",
        "adsets",
        "ads",
        "adcreatives",
        "custom_conversions",
        "pixels",
        "images",
        "videos",
        "custom_audiences",
        "activities",
        "campaigns_history",
        "adsets_history",
        "ads_history",
    }


def test_discover__dimensions_are_off_until_selected() -> None:
    """A run without a catalog reads accounts and insights; whoever joins them selects more."""
    tap = TapMetaPartner(config={"access_token": "T"})

    assert {name for name, stream in tap.streams.items() if not stream.selected} == {
        "campaigns",
        "adsets",
        "ads",
        "adcreatives",
        "custom_conversions",
        "pixels",
        "images",
        "videos",
        "custom_audiences",
        "activities",
        "campaigns_history",
        "adsets_history",
        "ads_history",
    }


def test_report__null_keys_count_as_left_out() -> None:
    """A report's key that is null, as Meltano passes what is not set, is no mistake."""
    report = {"name": "r", "level": None, "fields": None}

    tap = TapMetaPartner(config={"access_token": "T", "reports": [report]})

    assert "r" in tap.streams


@pytest.mark.parametrize("value", [3, "x", ["a\nb"]])
def test_sdk_setting__of_another_kind_is_one_line(value: object) -> None:
    """What the SDK itself refuses is a line as well, not a list of errors or a traceback."""
    with pytest.raises(Complaint, match="stream_maps") as caught:
        TapMetaPartner(config={"access_token": "T", "stream_maps": value})

    assert "\n" not in caught.value.message
