"""`docs/comparison.md` says when it was written, and of this tap what was measured."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def page() -> str:
    return (DOCS / "comparison.md").read_text(encoding="utf-8")


def test_page__says_as_of_when_and_which_versions() -> None:
    """The month stands at the top, and each tool that was run has its version."""
    assert "As of **November 2026**" in page().split("\n## ")[0]
    for run in re.findall(r"^\| (.*) \| (.*) \| code read, and run", page(), re.MULTILINE):
        assert re.search(r"\d+\.\d+", run[1]), run


def test_figures_of_this_tap__are_those_measured() -> None:
    """Calls of 20 accounts x 90 days, and of the large account, are what was measured there."""
    measured = (DOCS / "scale.md").read_text(encoding="utf-8")
    fleet = re.search(r"(?m)^\| 20 accounts . 90 days[^|]*\|[^|]*\| ([\d,]+) \|", measured)
    large = re.search(r"(?m)^\| one account with 300,000 [^|]*\|[^|]*\| (\d+) \|", measured)
    link = "([measured](scale.md#speed))"

    assert fleet
    assert large
    assert f"| **tap-meta-partner** | {fleet.group(1)} {link}" in page()
    assert f"One account with 300,000 rows took {large.group(1)} {link}" in page()


def test_computed_calls__follow_from_what_a_step_takes() -> None:
    """Per account one call to find it; per account and day as many as the measured case took."""
    for tool, calls_a_step in (("Airbyte", 4), ("singer-io", 3), ("MeltanoLabs", 3), ("dlt", 3)):
        calls = 20 * (1 + 90 * calls_a_step)

        assert f"| {tool} | at least {calls:,} |" in page()


def test_links_within_the_page__lead_to_headings() -> None:
    """Every `#anchor` is a heading."""
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", page(), re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]*)\)", page())) <= headings


def test_tables__have_a_cell_in_each_column() -> None:
    """No row of a table is shorter or longer than its head."""
    for table in re.findall(r"(?:^\|.*\n)+", page(), re.MULTILINE):
        widths = {line.count("|") for line in table.splitlines()}

        assert len(widths) == 1, table
