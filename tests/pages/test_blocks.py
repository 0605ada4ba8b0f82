"""README and docs tell the truth: what they show is what the code makes of it now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_meta_partner import cli
from tap_meta_partner.graph.error_codes import rule_for
from tap_meta_partner.insights.combinations import impossible
from tap_meta_partner.insights.doubts import collisions, doubts, sums_of_rates
from tap_meta_partner.settings.reading import parse_settings
from tap_meta_partner.tap import TapMetaPartner
from tests.support.columns import columns, shown_columns
from tests.support.page_blocks import (
    DOCS,
    README,
    all_text,
    named_repositories,
    page_text,
    repository,
    run_block,
    shown_commands,
    shown_some,
    shown_table,
    some_settings,
    without_what_varies,
)
from tests.support.recipes import (
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
    from pathlib import Path

    from tests.support.tap_process import Output

SHOWN_RECIPES = shown_recipes(page_text("recipes"))
SHOWN_COMMANDS = shown_commands(all_text())
COLUMNS = columns()


def test_readme__fits_a_few_screens_and_soon_says_how_to_run() -> None:
    """At most 270 lines; running it for real begins within the first 80."""
    lines = README.read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 270
    assert lines.index("## Try it") < lines.index("## Run it for real") < 60
    assert lines.index("uv run meltano run tap-meta-partner target-postgres") < 80


def test_settings__table_is_what_about_says() -> None:
    """The table is the one made of the settings (`uv run python -m tests.support.page_blocks`)."""
    assert shown_table(page_text("settings")) == settings_table()


def test_readme__shows_settings_of_that_table() -> None:
    """The eight settings in the README are lines of the whole table."""
    ((names, shown),) = shown_some(README.read_text(encoding="utf-8"))

    assert len(names.split()) == 8
    assert shown == some_settings(names)
    assert set(shown.splitlines()) <= set(settings_table().splitlines())


@pytest.mark.parametrize("name", COLUMNS)
def test_columns__are_those_of_the_schemas(name: str) -> None:
    """Each table of columns is the one made of the schemas, and no stream has none."""
    assert shown_columns(page_text("columns"))[name] == COLUMNS[name]


def test_columns__no_stream_is_without_a_table() -> None:
    """All streams that are there without a report of one's own, the four insights as one."""
    tap = TapMetaPartner(config={"access_token": "T"})
    others = {name for name in tap.streams if not name.endswith("_insights")}

    assert set(shown_columns(page_text("columns"))) == {*others, "insights", "fields", "breakdowns"}
    # A head of two lines, then a line for each.
    assert len(shown_columns(page_text("columns"))["fields"].splitlines()) == 2 + 238


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
    assert lines.count("python3 -m pip install uv && uv sync --group dev && uv run pytest") == 1


def test_pages__name_one_address_of_the_repository() -> None:
    """It is set in pyproject.toml alone, and stands where one clones and where one installs."""
    named = named_repositories()

    assert {"README.md", "targets.md", "meltano.yml"} <= set(named)
    assert set.union(*named.values()) == {repository()}


@pytest.mark.parametrize(("command", "shown"), SHOWN_COMMANDS)
def test_pages__commands_print_what_is_shown(command: str, shown: str) -> None:
    """Each command runs as its page shows it, apart from days, durations and addresses."""
    assert without_what_varies(shown) == without_what_varies(run_block(command))


def test_commands__each_is_shown_with_its_help_and_two_with_their_output() -> None:
    """Every command of `meta-partner` has its `--help`; `check` and `invite` are seen at work."""
    shown = [command for command, _ in shown_commands(page_text("commands"))]

    for name in cli.main.commands:
        assert f"meta-partner {name} --help" in shown
    assert any(command.startswith("meta-partner check --config") for command in shown)
    assert any(command.startswith("meta-partner invite --business-id") for command in shown)


@pytest.mark.parametrize(
    ("code", "subcode"), [(200, None), (100, 33), (17, None), (190, None), (190, 463), (104, None)]
)
def test_troubleshooting__uses_the_taps_own_words(code: int, subcode: int | None) -> None:
    """What the log says of the common troubles can be found on that page."""
    assert rule_for(code, subcode).what in page_text("troubleshooting")


# Recipes.


@pytest.fixture(scope="module")
def recipes_run() -> Output:
    """One run of the tap with all recipes."""
    return run_recipes(recipes())


@pytest.mark.parametrize("name", SHOWN_RECIPES)
def test_recipe__shows_the_rows_that_a_run_brings(name: str, recipes_run: Output) -> None:
    """Report and rows are those of a run at a fixed time."""
    (recipe,) = [recipe for recipe in recipes() if recipe.name == name]

    assert SHOWN_RECIPES[name] == block_of(recipe, recipes_run)
    assert len(re.findall(r"^\| 20\d\d-", SHOWN_RECIPES[name], re.MULTILINE)) == 3


def test_recipes__run_without_a_complaint(recipes_run: Output) -> None:
    """The run with all of them succeeds, and its log has no warning."""
    assert recipes_run.code == 0
    assert recipes_run.complaints == []


@pytest.mark.parametrize("name", SHOWN_RECIPES)
def test_recipe__is_a_valid_report_that_meta_answers(name: str) -> None:
    """What stands on the page is accepted, and nothing in it is known to be refused or empty."""
    written = yaml.safe_load(shown_definition(SHOWN_RECIPES[name]))
    settings = parse_settings({"access_token": "T", "reports": written}, now=NOW)
    (report,) = settings.reports

    assert report.name == name
    assert impossible(report) == []
    assert doubts(report, api_version=settings.api_version) == []
    assert collisions(report) == sums_of_rates(report) == []


def test_recipes__are_those_in_the_comments_of_meltano_yml() -> None:
    """With the "#" taken off, meltano.yml is valid and has the page's reports, in its order."""
    config = commented_config()
    text = MELTANO_YML.read_text(encoding="utf-8")
    commented = "".join(f"    # {line}\n" for line in config.splitlines())
    switched_on = text.replace(commented, "".join(f"    {line}\n" for line in config.splitlines()))
    (tap,) = yaml.safe_load(switched_on)["plugins"]["extractors"]
    written = [yaml.safe_load(shown_definition(block)) for block in SHOWN_RECIPES.values()]

    assert "config" not in yaml.safe_load(text)["plugins"]["extractors"][0]
    assert tap["config"]["reports"] == [report for reports in written for report in reports]
    parse_settings({"access_token": "T", **tap["config"]}, now=NOW)


@pytest.mark.parametrize("page", [README, DOCS / "recipes.md"], ids=lambda page: page.name)
def test_recipes__example_of_where_they_go_is_one_of_them(page: Path) -> None:
    """The plugin shown on README and page has one of them, and selects it."""
    text = page.read_text(encoding="utf-8")
    examples = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
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
    _, _, after = page_text("recipes").partition("| Key of a report |")
    table, _, _ = after.partition("\n\n")
    keys = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    about: dict[str, Any] = TapMetaPartner.config_jsonschema["properties"]["reports"]["items"]

    named = [key for cell in keys for key in re.findall(r"`(\w+)`", cell)]

    assert sorted(named) == sorted(about["properties"])
