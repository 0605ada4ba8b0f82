"""The recipes in docs: reports out of `meltano.yml`, and the first rows that a run brings."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tap_meta_partner.insights.fields import BREAKDOWNS, Kind, kind_of
from tap_meta_partner.sandbox import Sandbox, World
from tests.support.tap_process import catalog_selecting, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.support.tap_process import Output

MELTANO_YML = Path(__file__).parents[2] / "meltano.yml"
#: When the run takes place, and the days it asks for; weeks begin on Mondays, as this one does.
NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.timezone.utc)
START_DATE = "2026-11-02"
#: A sandbox's account of whose rows the first are shown.
CLIENT = "Nordlicht Optik"
ROWS_SHOWN = 3

_BLOCK = re.compile(r"(<!-- recipe: (\w+) -->\n)(.*?)(<!-- /recipe -->)", re.DOTALL)
_YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
#: Where not all rows of a table are meant: the condition as SQL has it, and as Python does.
_WHERE: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], bool]]] = {
    "campaigns_by_platform": (
        "publisher_platform = 'instagram'",
        lambda row: row["publisher_platform"] == "instagram",
    ),
    "ads_reels": (
        "platform_position like '%reels'",
        lambda row: row["platform_position"].endswith("reels"),
    ),
    "account_funnel": ("actions_purchase > 0", lambda row: (row["actions_purchase"] or 0) > 0),
    "ads_purchases": ("actions_purchase > 0", lambda row: (row["actions_purchase"] or 0) > 0),
}
_ACTION_COLUMNS = ("date_start", "metric", "action_type", "attribution_window", "value")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One report that can be copied.

    Attributes:
        text: its lines in `meltano.yml`, without the "#" before them.
        definition: what they say.
    """

    text: str
    definition: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The report's name."""
        return str(self.definition["name"])


def commented_config() -> str:
    """Return what `meltano.yml` has under `# config:`, as if the "#" were taken off."""
    lines = MELTANO_YML.read_text(encoding="utf-8").splitlines()
    block = []
    for line in lines[lines.index("    # config:") :]:
        if not line.startswith("    # "):
            break
        block.append(line.removeprefix("    # "))
    return "\n".join(block) + "\n"


def recipes() -> list[Recipe]:
    """Return the reports in the comments of `meltano.yml`, in their order."""
    _, _, reports = commented_config().partition("  reports:\n")
    texts = re.split(r"^(?=  - )", reports, flags=re.MULTILINE)[1:]
    dedented = ["".join(line[2:] for line in text.splitlines(keepends=True)) for text in texts]
    return [Recipe(text, yaml.safe_load(text)[0]) for text in dedented]


def run_recipes(wanted: Iterable[Recipe]) -> Output:
    """Let the tap read all these reports of a sandbox, in one run and at a fixed time."""
    reports = [recipe.definition for recipe in wanted]
    world = World.demo(seed=7, days=200, now=lambda: NOW)
    (account_id,) = [account.id for account in world.accounts if account.name == CLIENT]
    with Sandbox(world) as sandbox, tempfile.TemporaryDirectory() as folder:
        config = {
            "access_token": sandbox.token,
            "api_url": sandbox.url,
            "account_ids": [account_id],
            "start_date": START_DATE,
            "reports": reports,
        }
        streams = [f"{item['name']}{end}" for item in reports for end in ("", "_actions")]
        return run_tap(
            Path(folder),
            config,
            catalog=catalog_selecting(config, *streams),
            arguments=("--now", NOW.isoformat()),
            minute=60,
        )


def block_of(recipe: Recipe, output: Output) -> str:
    """Return the recipe's block for the page: the report, and its first rows in a fold."""
    actions = recipe.definition.get("action_rows", False)
    stream = f"{recipe.name}_actions" if actions else recipe.name
    summary = f"First rows of <code>{stream}</code>"
    records = list(output.tables[stream].values())
    if recipe.name in _WHERE:
        condition, meant = _WHERE[recipe.name]
        summary += f" where <code>{html.escape(condition, quote=False)}</code>"
        records = [record for record in records if meant(record)]
    columns = _ACTION_COLUMNS if actions else _columns(recipe.definition)
    table = "\n".join(_markdown(records[:ROWS_SHOWN], columns))
    return (
        f"```yaml\n{recipe.text}```\n\n<details><summary>{summary}</summary>\n\n"
        f"{table}\n\n</details>\n"
    )


def _columns(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Choose what is shown: the days, names, breakdowns, and what is counted."""
    fields = [str(name).replace(":", "_") for name in definition["fields"]]
    names = [name for name in fields if kind_of(name) is Kind.TEXT and name not in BREAKDOWNS]
    days = ("date_start", "date_stop") if "time_increment" in definition else ("date_start",)
    counted = [name for name in fields if name not in names]
    return (*days, *names, *definition.get("breakdowns", ()), *counted)


def _markdown(records: Iterable[Mapping[str, Any]], columns: tuple[str, ...]) -> Iterable[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for record in records:
        yield "| " + " | ".join(_shown(record[name]) for name in columns) + " |"


def _shown(value: object) -> str:
    text = (
        json.dumps(value, ensure_ascii=False)
        if value is None or isinstance(value, dict)
        else str(value)
    )
    return text.replace("|", "\\|")


def shown_recipes(page: str) -> dict[str, str]:
    """Return the blocks that a page shows, by the recipe's name."""
    return {match.group(2): match.group(3) for match in _BLOCK.finditer(page)}


def shown_definition(block: str) -> str:
    """Return the YAML in a block of a page."""
    match = _YAML.search(block)
    return match.group(1) if match else ""


def with_recipes(page: str) -> str:
    """Return a page with the blocks of all recipes made anew."""
    if not _BLOCK.search(page):
        return page
    known = {recipe.name: recipe for recipe in recipes()}
    output = run_recipes(known.values())
    return _BLOCK.sub(
        lambda match: match.group(1) + block_of(known[match.group(2)], output) + match.group(4),
        page,
    )
