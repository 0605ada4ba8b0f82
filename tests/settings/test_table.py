from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tap_meta_partner.settings.model import Settings
from tap_meta_partner.settings.setting import properties_of
from tap_meta_partner.settings.table import SETTING_NAMES, TABLE

if TYPE_CHECKING:
    from tap_meta_partner.settings.setting import Setting

ROOT = Path(__file__).parents[2]
FIELDS = {each.name: each for each in dataclasses.fields(Settings)}


def test_table__has_a_row_for_each_field_of_the_settings() -> None:
    """Neither a setting that goes nowhere nor a field that nobody can set."""
    assert len(TABLE) == len(SETTING_NAMES)
    assert set(FIELDS) == SETTING_NAMES


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_row__says_what_people_are_told(row: Setting) -> None:
    """Each has a title, and a description that is a sentence or more."""
    assert row.title
    assert row.description.endswith(".")


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.default is not None], ids=lambda row: row.name
)
def test_default__is_the_one_in_force(row: Setting) -> None:
    """What `--about` tells as the default is what holds without the setting."""
    assert row.default == FIELDS[row.name].default
    assert row.kind.parse(row.name, row.default) == row.default


def test_secrets__are_left_out_of_the_settings_repr() -> None:
    """A row that is secret has a field without a repr; tokens leave out theirs themselves."""
    hidden = {name for name, field in FIELDS.items() if not field.repr}

    assert hidden | {"access_tokens"} == {row.name for row in TABLE if row.secret}


def test_schema__is_one_that_takes_the_defaults() -> None:
    """It is sound JSON Schema, takes each default, and refuses text where a number belongs."""
    # CONFIG_SCHEMA itself gets the SDK's own settings as soon as a tap is made.
    made = {"type": "object", "properties": properties_of(TABLE)}
    Draft202012Validator.check_schema(made)
    schema = Draft202012Validator(made)

    assert schema.is_valid({row.name: row.default for row in TABLE if row.default is not None})
    assert not schema.is_valid({"max_concurrency": "8"})


# A new setting.

ROW = """
    Setting(
        "colour_of_rows",
        OneOf(("red", "green")),
        title="Colour",
        description="What colour rows have.",
        default="red",
    ),
)

SETTING_NAMES"""

#: Prints where the new setting is seen.
LOOK = """
import json
from pathlib import Path
from tap_meta_partner.settings.sources import read_settings
from tests.support.hub_definition import about, definition
from tests.support.meltano_yml import settings_block
from tests.support.settings_table import settings_table
print(json.dumps({
    "settings": read_settings(None, token_needed=False).colour_of_rows,
    "about": about()["settings"]["properties"]["colour_of_rows"],
    "meltano": settings_block(),
    "hub": definition()["settings"],
    "docs": settings_table(),
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a copy of the tap shows, once one row and one field have been added to it."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in ("tap_meta_partner", "tests/support"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    shutil.copy(ROOT / "meltano.yml", copy)
    put(copy / "tap_meta_partner/settings/table.py", ")\n\nSETTING_NAMES", ROW.lstrip("\n"))
    put(
        copy / "tap_meta_partner/settings/model.py",
        "    access_tokens: tuple[AccessToken, ...] = ()\n",
        '    access_tokens: tuple[AccessToken, ...] = ()\n    colour_of_rows: str = "red"\n',
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "TAP_META_PARTNER_COLOUR_OF_ROWS": "green",
    }
    shown = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert shown.returncode == 0, shown.stderr
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


def put(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_new_setting__is_read_from_the_environment(seen: dict[str, Any]) -> None:
    """One row and one field are enough for the tap to take it."""
    assert seen["settings"] == "green"


def test_new_setting__is_told_by_about(seen: dict[str, Any]) -> None:
    """`--about` has its type, words and default."""
    assert seen["about"] == {
        "type": ["string", "null"],
        "title": "Colour",
        "default": "red",
        "description": "What colour rows have.",
        "enum": ["red", "green"],
    }


def test_new_setting__is_in_what_meltano_and_the_hub_are_told(seen: dict[str, Any]) -> None:
    """Both have it among its like, as a text: the tap itself says what is wrong with one."""
    assert {
        "name": "colour_of_rows",
        "label": "Colour",
        "kind": "string",
        "description": "What colour rows have. Of: red, green.",
        "value": "red",
    } in seen["hub"]
    assert (
        "    - name: colour_of_rows\n"
        "      label: Colour\n"
        "      value: red\n"
        "      description: 'What colour rows have. Of: red, green.'\n"
    ) in seen["meltano"]


def test_new_setting__is_in_the_documentation(seen: dict[str, Any]) -> None:
    """The table of settings has a line for it."""
    line = "| `colour_of_rows` | string | `red` | What colour rows have. One of `red`, `green`. |\n"

    assert line in seen["docs"]
