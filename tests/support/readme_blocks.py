"""The parts of the README that are made by the code: `uv run python -m tests.readme_blocks`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.sandbox import Sandbox, World
from tests.support.readme_recipes import with_recipes
from tests.support.settings_table import settings_table

if TYPE_CHECKING:
    from collections.abc import Iterator

README = Path(__file__).parents[2] / "README.md"
_RUN = re.compile(r"(<!-- run: ([^>]*) -->\n)(.*?)(<!-- /run -->)", re.DOTALL)
#: What differs from run to run, and what stands for it in a comparison.
_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "DAY"),
    (re.compile(r"\d+ calls in [\d.]+ s"), "CALLS"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r" about [A-Z][a-z]+ \d{4}"), " MONTH"),
)
_SQL = re.compile(r"<!-- sql: (\w+) -->\n```sql\n(.*?)```\n<!-- /sql -->", re.DOTALL)
_BLOCK = re.compile(r"(<!-- settings: [^>]*-->\n)(.*?)(<!-- /settings -->)", re.DOTALL)


def shown_table(readme: str) -> str:
    """Return the table that the README shows."""
    match = _BLOCK.search(readme)
    return match.group(2) if match else ""


def shown_commands(readme: str) -> list[tuple[str, str]]:
    """Return the commands that the README shows, each with the output it shows."""
    return [(match.group(2), match.group(3)) for match in _RUN.finditer(readme)]


def shown_sql(readme: str) -> dict[str, str]:
    """Return the SQL that the README shows and a test runs, by its name in the comment above it."""
    return dict(_SQL.findall(readme))


def run_block(command: str) -> str:
    """Run a command of `meta-partner` against a sandbox; return the block for the README."""
    program, *arguments = shlex.split(command)
    if program != "meta-partner":
        raise ValueError(f"{program} is not run here")
    with Sandbox(World.demo(seed=7), port=0) as sandbox, _another_folder():
        config = {
            "access_token": sandbox.token,
            "api_url": sandbox.url,
            "business_id": sandbox.world.business.id,
        }
        Path("config.json").write_text(json.dumps(config), encoding="utf-8")
        output = CliRunner().invoke(cli.main, arguments).stdout
    return f"```console\n$ {command}\n{output.strip()}\n```\n"


@contextlib.contextmanager
def _another_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def without_what_varies(block: str) -> str:
    """Return a block with days, durations and addresses replaced by words."""
    lines = [line for line in block.splitlines() if "remembered" not in line]
    text = "\n".join(lines)
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text


def main() -> None:
    """Write the table, the commands' output and the recipes into the README."""
    readme = README.read_text(encoding="utf-8")
    readme = _BLOCK.sub(lambda match: match.group(1) + settings_table() + match.group(3), readme)
    readme = _RUN.sub(
        lambda match: match.group(1) + run_block(match.group(2)) + match.group(4), readme
    )
    readme = with_recipes(readme)
    README.write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main()
