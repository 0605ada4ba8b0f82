"""What is submitted to Meltano Hub is what the tap is, and what the Hub accepts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from tap_meta_partner.settings.table import SETTING_NAMES
from tap_meta_partner.tap import TapMetaPartner
from tests.support import hub_definition
from tests.support.hub_definition import KEPT, MELTANO_YML, definition, group_of, hub_setting

if TYPE_CHECKING:
    from pathlib import Path

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}

#: The Hub's rules for one setting (its base_setting schema, August 2026).
SETTING_RULES: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": TEXT,
        "aliases": TEXTS,
        "label": TEXT,
        "value": {},
        "placeholder": TEXT,
        "kind": {
            "enum": [
                *("oauth", "hidden", "password", "date_iso8601", "file", "email", "integer"),
                *("options", "object", "array", "boolean", "string", "decimal"),
            ]
        },
        "description": TEXT,
        "tooltip": TEXT,
        "documentation": TEXT,
        "env": TEXT,
        "value_processor": {"enum": ["upcase_string", "nest_object", "stringify"]},
        "value_post_processor": {"enum": ["upcase_string", "nest_object", "stringify"]},
        "oauth": {"type": "object", "required": ["provider"]},
        "options": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["label", "value"],
                "additionalProperties": False,
                "properties": {"label": TEXT, "value": TEXT},
            },
        },
        "docs": TEXT,
        "hidden": {"type": "boolean"},
        "sensitive": {"type": "boolean"},
    },
}

#: The Hub's rules for an extractor: no key but these, and its enumerations.
EXTRACTOR_RULES: dict[str, Any] = {
    "type": "object",
    "required": ["name", "namespace", "variant", "quality"],
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(
            (
                *("name", "pip_url", "variant", "namespace", "label", "description"),
                *("executable", "docs", "repo", "logo_url", "python", "domain_url"),
                *("definition", "next_steps", "settings_preamble", "usage", "prereq"),
                "log_parser",
            ),
            TEXT,
        ),
        "settings": {"type": "array", "items": SETTING_RULES},
        "hidden": {"type": "boolean"},
        "settings_group_validation": {"type": "array", "items": TEXTS},
        "commands": {"type": "object"},
        "capabilities": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "enum": [
                    *("properties", "catalog", "discover", "state", "about", "stream-maps"),
                    *("schema-flattening", "activate-version", "batch", "test", "log-based"),
                    "structured-logging",
                ]
            },
        },
        "metadata": {"type": "object"},
        "schema": {"type": "object"},
        "select": TEXTS,
        "maintenance_status": {"enum": ["active", "beta", "development", "inactive", "unknown"]},
        "quality": {"enum": ["gold", "silver", "bronze", "unknown"]},
        "keywords": TEXTS,
        "requires": {"type": "object"},
        "supported_python_versions": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^3\.\d+$"},
        },
    },
}


def complaints(plugin: object) -> list[str]:
    found = Draft202012Validator(EXTRACTOR_RULES).iter_errors(plugin)
    return [f"{error.json_path}: {error.message}" for error in found]


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    """The definition in the repository."""
    return dict(yaml.safe_load(KEPT.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def settings(kept: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Its settings by name."""
    return {each["name"]: each for each in kept["settings"]}


@pytest.fixture(scope="module")
def about() -> dict[str, Any]:
    """What the tap says of itself."""
    result = CliRunner().invoke(TapMetaPartner.cli, ["--about", "--format", "json"])
    return dict(json.loads(result.stdout))


@pytest.fixture(scope="module")
def declared() -> dict[str, dict[str, Any]]:
    """The tap's settings in meltano.yml, by name."""
    project = yaml.safe_load(MELTANO_YML.read_text(encoding="utf-8"))
    (extractor,) = project["plugins"]["extractors"]
    return {each["name"]: each for each in extractor["settings"]}


def test_kept__is_what_the_tap_says_now(tmp_path: Path) -> None:
    """After a change of the settings: `uv run python -m tests.support.hub_definition`."""
    made = tmp_path / "made.yml"

    result = CliRunner().invoke(hub_definition.main, ["--output", str(made)])

    assert result.exit_code == 0
    assert made.read_text(encoding="utf-8") == KEPT.read_text(encoding="utf-8")


def test_kept__keeps_the_hubs_rules(kept: dict[str, Any]) -> None:
    """Only the Hub's keys, kinds, capabilities and ratings."""
    assert complaints(kept) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("author", "us"),
        ("quality", "platinum"),
        ("capabilities", ["catalog", "teleport"]),
        ("settings", [{"name": "a", "kind": "number"}]),
        ("settings", [{"name": "a", "secret": True}]),
        ("settings", [{"kind": "string"}]),
        ("supported_python_versions", [3.1]),
    ],
)
def test_rules__refuse_what_the_hub_refuses(kept: dict[str, Any], key: str, value: object) -> None:
    """An unknown key or word is found, in the plugin and in a setting."""
    assert complaints({**kept, key: value})


def test_keys__are_sorted_at_every_depth() -> None:
    """The Hub's linter refuses a file whose keys are not in order."""

    def in_order(node: yaml.Node) -> bool:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            return keys == sorted(keys) and all(in_order(value) for _, value in node.value)
        return all(map(in_order, node.value)) if isinstance(node, yaml.SequenceNode) else True

    assert in_order(yaml.compose(KEPT.read_text(encoding="utf-8")))


def test_settings__are_all_there_once(kept: dict[str, Any], about: dict[str, Any]) -> None:
    """Every setting of the tap, and every built-in, whole or in parts with a dot."""
    names = [each["name"] for each in kept["settings"]]

    assert len(names) == len(set(names))
    assert set(names) >= SETTING_NAMES
    assert {name.partition(".")[0] for name in names} == set(about["settings"]["properties"])


def test_settings__of_the_sdk_have_dots(settings: dict[str, Any]) -> None:
    """Parts of an object are settings of their own, as elsewhere on the Hub; a map stays whole."""
    assert {"faker_config.seed", "faker_config.locale", "stream_maps"} <= set(settings)
    assert "faker_config" not in settings
    assert settings["stream_maps"]["kind"] == "object"
    assert settings["faker_config.locale"]["kind"] == "array"


def test_secrets__are_marked_all_of_them(settings: dict[str, Any], about: dict[str, Any]) -> None:
    """Meltano hides a sensitive setting; a single secret is a password, a list of them a list."""
    properties = about["settings"]["properties"]
    secrets = {name for name, item in properties.items() if item.get("secret")}

    assert secrets >= {"access_token", "access_tokens", "app_secret"}
    assert {name for name, each in settings.items() if each.get("sensitive")} == secrets
    assert {settings[name]["kind"] for name in secrets - {"access_tokens"}} == {"password"}
    assert settings["access_tokens"]["kind"] == "array"


def test_kinds__are_those_of_meltano_yml(
    settings: dict[str, Any], declared: dict[str, dict[str, Any]]
) -> None:
    """In this repository and from the Hub a setting is the same: kind, default and options."""
    both = set(settings) & set(declared)
    assert both >= SETTING_NAMES

    for name in both:
        ours, theirs = settings[name], declared[name]
        assert ours["kind"] == theirs.get("kind", "string"), name
        assert ours.get("value") == theirs.get("value"), name
        assert [each["value"] for each in ours.get("options", [])] == [
            each["value"] for each in theirs.get("options", [])
        ], name


def test_texts__are_what_the_tap_can_judge_better_than_meltano(settings: dict[str, Any]) -> None:
    """Meltano makes 9 January of 01.09.2026, and a traceback of `4 weeks`."""
    names = ("start_date", "end_date", "date_preset", "lookback_days", "account_ids", "fields")

    assert {settings[name]["kind"] for name in names} == {"string"}


def test_words__are_told_where_only_some_are_allowed(settings: dict[str, Any]) -> None:
    """A form has no list to choose from then: the description names them."""
    assert "Of: today, yesterday, last_3d, " in settings["date_preset"]["description"]


def test_one_of_two_tokens__is_enough(kept: dict[str, Any]) -> None:
    """Either setting makes the configuration complete."""
    assert kept["settings_group_validation"] == [["access_token"], ["access_tokens"]]


def test_capabilities__are_the_taps(kept: dict[str, Any], about: dict[str, Any]) -> None:
    """Nothing is promised that the tap does not report, and nothing it reports is kept back."""
    assert kept["capabilities"] == sorted(about["capabilities"])


def test_settings__come_in_groups(kept: dict[str, Any]) -> None:
    """Access first, the SDK's own last, each group in one piece and under a heading."""
    groups = list(dict.fromkeys(group_of(each["name"]) for each in kept["settings"]))
    in_turn = [group_of(each["name"]) for each in kept["settings"]]
    headings = re.findall(r"^# (.*)\.$", KEPT.read_text(encoding="utf-8"), re.MULTILINE)

    assert kept["settings"][0]["name"] == "access_token"
    assert in_turn == sorted(in_turn, key=groups.index)
    assert headings == groups
    assert groups[-1] == group_of("stream_maps")


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("refresh_token", "access_token"),
        ("max_pages", "max_concurrency"),
        ("account_labels", "account_ids"),
        ("lookback_hours", "lookback_days"),
        ("currency_column", "fields"),
        ("colour", "user_agent"),
    ],
)
def test_new_settings__find_a_group_by_themselves(
    monkeypatch: pytest.MonkeyPatch, name: str, like: str
) -> None:
    """A setting nobody thought of here stands among its like, or at the end of the tap's own."""
    monkeypatch.setattr(hub_definition, "SETTING_NAMES", SETTING_NAMES | {name})

    assert group_of(name) == group_of(like)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"type": ["number", "null"], "default": 2.0}, {"kind": "integer", "value": 2}),
        ({"type": ["boolean", "null"], "default": False}, {"kind": "boolean", "value": False}),
        ({"type": ["string"], "format": "date-time"}, {"kind": "date_iso8601"}),
        ({"type": ["string"], "secret": True}, {"kind": "password", "sensitive": True}),
        (
            {"type": ["string", "null"], "enum": ["a_b", None]},
            {
                "kind": "options",
                "description": "What it is. Of: a_b.",
                "options": [{"label": "A b", "value": "a_b"}],
            },
        ),
        ({"oneOf": [{"type": "number"}, {"type": "string"}]}, {"kind": "string"}),
    ],
)
def test_setting__becomes_what_the_hub_calls_it(
    item: dict[str, Any], expected: dict[str, Any]
) -> None:
    """JSON Schema's types and formats to the Hub's kinds."""
    made = hub_setting("thing", {"title": "Thing", "description": "What it is.", **item})

    assert made == {"name": "thing", "label": "Thing", "description": "What it is.", **expected}


def test_published__variant_and_addresses_are_the_owners() -> None:
    """With the repository's address the definition can be submitted as it is."""
    made = definition("https://github.com/Some-Agency/tap-meta-partner/")

    assert complaints(made) == []
    assert made["variant"] == "some-agency"
    assert made["repo"] == "https://github.com/Some-Agency/tap-meta-partner"
    assert made["docs"] == "https://github.com/Some-Agency/tap-meta-partner#readme"
    assert made["pip_url"] == "git+https://github.com/Some-Agency/tap-meta-partner.git"


def test_logo__is_a_drawing_of_our_own(kept: dict[str, Any]) -> None:
    """The file named is there: square, and made of shapes alone."""
    logo = KEPT.parent / kept["logo_url"].rsplit("/", 1)[-1]
    drawing = ET.fromstring(logo.read_text(encoding="utf-8"))  # noqa: S314 (our own file)
    _, _, width, height = drawing.attrib["viewBox"].split()

    assert width == height
    assert not [each for each in drawing.iter() if each.tag.endswith(("image", "script"))]
