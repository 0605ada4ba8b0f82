"""The README tells the truth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_meta_partner.graph.error_codes import rule_for
from tap_meta_partner.insights.combinations import impossible
from tap_meta_partner.insights.doubts import collisions, doubts, sums_of_rates
from tap_meta_partner.settings.reading import parse_settings
from tap_meta_partner.tap import TapMetaPartner
from tests.support.readme_blocks import (
    README,
    run_block,
    shown_commands,
    shown_table,
    without_what_varies,
)
from tests.support.readme_recipes import (
    MELTANO_YML,
    NOW,
    block_of,
    commented_config,
    recipes,
    run_recipes,
    shown_definition,
    shown_recipes,
)
from tests.support.settings_table import settings_table

if TYPE_CHECKING:
    from tests.support.tap_process import Output

SHOWN_RECIPES = shown_recipes(README.read_text(encoding="utf-8"))


def test_readme__settings_table_is_what_about_says() -> None:
    """The table is the one made from `--about` (`uv run python -m tests.readme_blocks`)."""
    assert shown_table(README.read_text(encoding="utf-8")) == settings_table()


def test_readme__names_every_stream_with_its_key() -> None:
    """Each stream has a line in the table of streams, with its key in order."""
    readme = README.read_text(encoding="utf-8")
    tap = TapMetaPartner(config={"access_token": "T"})
    for stream in tap.streams.values():
        keys = ", ".join(f"`{key}`" for key in stream.primary_keys)
        line = re.search(rf"^\| `{stream.name}` \|.*\| (.*) \|$", readme, re.MULTILINE)
        assert line, stream.name
        assert line.group(1) == keys


def test_readme__both_commands_are_there() -> None:
    """The two commands that a newcomer copies stand alone on a line each."""
    lines = README.read_text(encoding="utf-8").splitlines()

    assert lines.count("python3 -m pip install uv && uv run meta-partner demo") == 1
    assert lines.count("python3 -m pip install uv && uv run pytest") == 1


def test_readme__links_within_the_page_lead_somewhere() -> None:
    """Every `#anchor` is a heading."""
    readme = README.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", readme, re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]*)\)", readme)) <= headings


@pytest.mark.parametrize(("command", "shown"), shown_commands(README.read_text(encoding="utf-8")))
def test_readme__commands_print_what_is_shown(command: str, shown: str) -> None:
    """Each command runs as the README shows it, apart from days, durations and addresses."""
    assert without_what_varies(shown) == without_what_varies(run_block(command))


def test_readme__shows_some_commands() -> None:
    """`check` and `invite` are shown with their output."""
    shown = [command for command, _ in shown_commands(README.read_text(encoding="utf-8"))]

    assert any(command.startswith("meta-partner check") for command in shown)
    assert any(command.startswith("meta-partner invite") for command in shown)


@pytest.mark.parametrize(
    ("code", "subcode"), [(200, None), (100, 33), (17, None), (190, None), (190, 463), (104, None)]
)
def test_readme__troubleshooting_uses_the_taps_own_words(code: int, subcode: int | None) -> None:
    """What the log says of the common troubles can be found in the README."""
    assert rule_for(code, subcode).what in README.read_text(encoding="utf-8")


# Recipes.


@pytest.fixture(scope="module")
def recipes_run() -> Output:
    """One run of the tap with all recipes."""
    return run_recipes(recipes())


@pytest.mark.parametrize("name", SHOWN_RECIPES)
def test_recipe__shows_the_rows_that_a_run_brings(name: str, recipes_run: Output) -> None:
    """Report and rows are those of a run at a fixed time (`python -m tests.readme_blocks`)."""
    (recipe,) = [recipe for recipe in recipes() if recipe.name == name]

    assert SHOWN_RECIPES[name] == block_of(recipe, recipes_run)
    assert len(re.findall(r"^\| 20\d\d-", SHOWN_RECIPES[name], re.MULTILINE)) == 3


def test_recipes__run_without_a_complaint(recipes_run: Output) -> None:
    """The run with all of them succeeds, and its log has no warning."""
    assert recipes_run.code == 0
    assert recipes_run.complaints == []


@pytest.mark.parametrize("name", SHOWN_RECIPES)
def test_recipe__is_a_valid_report_that_meta_answers(name: str) -> None:
    """What stands in the README is accepted, and nothing in it is known to be refused or empty."""
    written = yaml.safe_load(shown_definition(SHOWN_RECIPES[name]))
    settings = parse_settings({"access_token": "T", "reports": written}, now=NOW)
    (report,) = settings.reports

    assert report.name == name
    assert impossible(report) == []
    assert doubts(report, api_version=settings.api_version) == []
    assert collisions(report) == sums_of_rates(report) == []


def test_recipes__are_those_in_the_comments_of_meltano_yml() -> None:
    """With the "#" taken off, meltano.yml is valid and has the README's reports, in its order."""
    config = commented_config()
    text = MELTANO_YML.read_text(encoding="utf-8")
    commented = "".join(f"    # {line}\n" for line in config.splitlines())
    switched_on = text.replace(commented, "".join(f"    {line}\n" for line in config.splitlines()))
    (tap,) = yaml.safe_load(switched_on)["plugins"]["extractors"]
    written = [yaml.safe_load(shown_definition(block)) for block in SHOWN_RECIPES.values()]

    assert "config" not in yaml.safe_load(text)["plugins"]["extractors"][0]
    assert tap["config"]["reports"] == [report for reports in written for report in reports]
    parse_settings({"access_token": "T", **tap["config"]}, now=NOW)


def test_recipes__example_of_where_they_go_is_one_of_them() -> None:
    """The plugin shown above the recipes has one of them, and selects it."""
    readme = README.read_text(encoding="utf-8")
    examples = [
        yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    ]
    (tap,) = [
        plugin
        for example in examples
        if isinstance(example, dict)
        for plugin in example["plugins"]["extractors"]
    ]
    (report,) = tap["config"]["reports"]

    assert report in [recipe.definition for recipe in recipes()]
    assert f"{report['name']}.*" in tap["select"]


def test_report_keys__are_all_in_the_table() -> None:
    """The table of a report's keys names each key that a report may have, and no other."""
    readme = README.read_text(encoding="utf-8")
    _, _, after = readme.partition("| Key of a report |")
    table, _, _ = after.partition("\n\n")
    keys = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    about: dict[str, Any] = TapMetaPartner.config_jsonschema["properties"]["reports"]["items"]

    named = [key for cell in keys for key in re.findall(r"`(\w+)`", cell)]

    assert sorted(named) == sorted(about["properties"])
