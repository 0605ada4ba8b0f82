from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.sources import read_configuration, unknown_variables
from tap_meta_partner.settings.table import SETTING_NAMES
from tap_meta_partner.tap import TapMetaPartner


def read(folder: Path, file: str | None = None, dotenv: str = "", **variables: str) -> Any:  # noqa: ANN401
    (folder / ".env").write_text(dotenv, encoding="utf-8")
    path = None
    if file is not None:
        path = folder / "config.json"
        path.write_text(file, encoding="utf-8")
    environment = {f"TAP_META_PARTNER_{name}": value for name, value in variables.items()}
    return read_configuration(path, environment, folder / ".env")


#: A variable's text that each type of JSON can be read from, and what it becomes.
EXAMPLES = {
    "array": ('["1"]', list),
    "integer": ("4", int),
    "number": ("1.5", float),
    "boolean": ("true", bool),
    "string": ("4", str),
}


@pytest.mark.parametrize("name", sorted(SETTING_NAMES))
def test_types__are_those_of_the_tap(tmp_path: Path, name: str) -> None:
    """A variable becomes what the tap's own schema says."""
    text, kind = EXAMPLES[TapMetaPartner.config_jsonschema["properties"][name]["type"][0]]

    assert type(read(tmp_path, **{name.upper(): text})[name]) is kind


def test_sources__file_before_environment_before_dotenv(tmp_path: Path) -> None:
    """What stands nearer to the command counts."""
    dotenv = (
        "TAP_META_PARTNER_APP_ID=1\nTAP_META_PARTNER_BUSINESS_ID=1\nTAP_META_PARTNER_FIELDS=a\n"
    )

    found = read(tmp_path, '{"app_id": "3"}', dotenv, APP_ID="2", BUSINESS_ID="2")

    assert found == {"app_id": "3", "business_id": "2", "fields": ["a"]}


def test_variables__become_what_settings_take(tmp_path: Path) -> None:
    """Numbers, flags, lists (JSON, or with commas) and objects."""
    found = read(
        tmp_path,
        MAX_CONCURRENCY="4",
        REQUEST_TIMEOUT="1.5",
        FAIL_ON_SKIPPED_ACCOUNTS="true",
        BACKFILL_ON_CHANGE="No",
        ACCOUNT_IDS='["1", "2"]',
        FIELDS="spend, clicks",
        REPORTS='[{"name": "r"}]',
        USER_AGENT="12",
        EXCLUDE_ACCOUNT_IDS="",
    )

    assert found == {
        "max_concurrency": 4,
        "request_timeout": 1.5,
        "fail_on_skipped_accounts": True,
        "backfill_on_change": False,
        "account_ids": ["1", "2"],
        "fields": ["spend", "clicks"],
        "reports": [{"name": "r"}],
        "user_agent": "12",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_CONCURRENCY", "many"), ("BACKFILL_ON_CHANGE", "perhaps"), ("REPORTS", "[{")],
)
def test_variables__that_make_no_sense_are_left_to_the_check(
    tmp_path: Path, name: str, value: str
) -> None:
    """The settings' own check names the variable's setting and what is allowed."""
    assert read(tmp_path, **{name: value}) == {name.lower(): value}


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ('{"access_token": "T-secret"', "is not JSON"),
        ('["T-secret"]', "must hold an object"),
        ('"T-secret"', "must hold an object"),
    ],
)
def test_file__that_is_no_configuration(tmp_path: Path, file: str, words: str) -> None:
    """One line that does not quote the file: it holds the token."""
    with pytest.raises(SettingsError, match=words) as caught:
        read(tmp_path, file)
    assert "T-secret" not in str(caught.value)


def test_file__that_is_not_there_or_no_text(tmp_path: Path) -> None:
    """Said with its name."""
    with pytest.raises(SettingsError, match=r"none\.json cannot be read"):
        read_configuration(tmp_path / "none.json", {}, tmp_path / ".env")
    (tmp_path / "odd.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        read_configuration(tmp_path / "odd.json", {}, tmp_path / ".env")


def test_file__with_a_byte_order_mark(tmp_path: Path) -> None:
    """Windows editors write one."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"app_id": "1"}), encoding="utf-8-sig")

    assert read_configuration(path, {}, tmp_path / ".env") == {"app_id": "1"}


def test_dotenv__that_is_not_there(tmp_path: Path) -> None:
    """Nobody needs one."""
    assert read_configuration(None, {}, tmp_path / ".env") == {}


def test_dotenv__that_cannot_be_read(tmp_path: Path) -> None:
    """A .env that is no text is one line as well."""
    (tmp_path / ".env").write_bytes(b"A=\xff\n")

    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        read_configuration(None, {}, tmp_path / ".env")


def test_dotenv__puts_no_variable_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign .env could have any secret of the environment sent out as the user agent."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret")
    text = "${AWS_SECRET_ACCESS_KEY}"

    assert read(tmp_path, dotenv=f'TAP_META_PARTNER_USER_AGENT="{text}"\n') == {"user_agent": text}


ADDRESS = "TAP_META_PARTNER_API_URL=https://thief.example\n"


@pytest.mark.parametrize(
    ("file", "variables", "dotenv"),
    [
        ('{"access_token": "T-secret"}', {}, ""),
        (None, {"ACCESS_TOKEN": "T-secret"}, ""),
        (None, {"ACCESS_TOKENS": '[{"access_token": "T-secret"}]'}, ""),
        (None, {"APP_SECRET": "T-secret"}, "TAP_META_PARTNER_ACCESS_TOKEN=theirs\n"),
        (None, {"ACCESS_TOKEN": "T-secret"}, "TAP_META_PARTNER_ACCESS_TOKEN=theirs\n"),
    ],
)
def test_dotenv__does_not_say_where_a_secret_from_elsewhere_goes(
    tmp_path: Path, file: str | None, variables: dict[str, str], dotenv: str
) -> None:
    """Whoever runs a command in somebody else's folder would send the token to them."""
    with pytest.raises(SettingsError, match=r"api_url is set in \.env, and \w+ is not") as caught:
        read(tmp_path, file, ADDRESS + dotenv, **variables)
    assert "T-secret" not in str(caught.value)


def test_dotenv__does_not_say_where_a_stored_token_goes(tmp_path: Path) -> None:
    """One from the keyring, say."""
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"{ADDRESS}TAP_META_PARTNER_APP_SECRET=theirs\n")

    with pytest.raises(SettingsError, match="the token is not"):
        read_configuration(None, {}, dotenv, token_elsewhere=True)


@pytest.mark.parametrize(
    ("variables", "dotenv"),
    [
        ({}, "TAP_META_PARTNER_ACCESS_TOKEN=ours\nTAP_META_PARTNER_APP_SECRET=ours\n"),
        ({"BUSINESS_ID": "1"}, ""),
        ({"ACCESS_TOKEN": "ours", "API_URL": "https://ours.example"}, ""),
    ],
)
def test_dotenv__says_where_its_own_secrets_go(
    tmp_path: Path, variables: dict[str, str], dotenv: str
) -> None:
    """All in one file, no secret at all, or an address that goes before."""
    assert read(tmp_path, None, ADDRESS + dotenv, **variables)["api_url"].startswith("https://")


def test_file__that_is_too_deep(tmp_path: Path) -> None:
    """One line."""
    with pytest.raises(SettingsError, match="too deep"):
        read(tmp_path, "[" * 100_000)


def test_tap__reads_what_the_commands_read_in_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File, environment, .env of this folder and no other; the environment stays as it is."""
    folder = tmp_path / "below"
    folder.mkdir()
    (tmp_path / ".env").write_text("TAP_META_PARTNER_APP_ID=9\n")
    (folder / ".env").write_text(
        "TAP_META_PARTNER_BUSINESS_ID=3\nTAP_META_PARTNER_LOOKBACK_DAYS=3\n"
        "TAP_META_PARTNER_USER_AGENT=${HOME}\nTAP_META_PARTNER_MAX_CONCURRENCY=3\n"
        'TAP_META_PARTNER_FLATTENING_ENABLED=false\nTAP_META_PARTNER_STREAM_MAPS={"a": null}\n'
    )
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TAP_META_PARTNER_LOOKBACK_DAYS", "2")
    monkeypatch.setenv("TAP_META_PARTNER_MAX_CONCURRENCY", "2")
    before = dict(os.environ)
    file = {"access_token": "T", "max_concurrency": 1}

    tap = TapMetaPartner(config=dict(file), parse_env_config=True)
    (folder / "config.json").write_text(json.dumps(file))
    commands = read_configuration(folder / "config.json", os.environ, Path(".env"))

    assert commands == {
        "access_token": "T",
        "max_concurrency": 1,
        "lookback_days": 2,
        "business_id": "3",
        "user_agent": "${HOME}",
    }
    assert {name: tap.config[name] for name in commands} == commands
    assert "app_id" not in tap.config
    assert tap.config["flattening_enabled"] is False
    assert tap.config["stream_maps"] == {"a": None}
    assert dict(os.environ) == before


def test_variable__misspelt_is_said_with_what_was_meant() -> None:
    """One that is ignored without a word is missed for months; its value is not looked at."""
    environment = {
        "TAP_META_PARTNER_LOOKBACK_DAY": "secret",
        "TAP_META_PARTNER_LOOKBACK_DAYS": "7",
        "TAP_META_PARTNER__CATALOG": "x",
        "LOOKBACK_DAY": "7",
    }

    (said,) = unknown_variables(environment, SETTING_NAMES)
    assert said.startswith("TAP_META_PARTNER_LOOKBACK_DAY is no setting's variable and is ignored")
    assert said.endswith("did you mean TAP_META_PARTNER_LOOKBACK_DAYS?")
