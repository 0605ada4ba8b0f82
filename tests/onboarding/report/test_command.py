"""`meta-partner report` over a warehouse that a run of the tap has filled; seen in Chromium."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.demo.reports import REPORTS
from tap_meta_partner.sandbox import Sandbox, World
from tests.support.browser import document, needs_chromium, picture
from tests.support.tap_process import run_tap
from tests.support.warehouse import execute, fill

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

PASSWORD = "correct-horse"
TABLES = (
    *("account_insights", "campaign_insights", "weekly_reach", "by_placement"),
    "account_sync_status",
)
ONE = "210007000001016"


@dataclass(frozen=True, slots=True)
class Filled:
    """A warehouse as a run left it, and what it was filled with."""

    file: Path
    world: World

    def report(self, out: Path, *arguments: str, database: str | None = None) -> Result:
        """Write the page."""
        command = ["report", "--database", database or f"duckdb:///{self.file}", "--out", str(out)]
        return CliRunner().invoke(cli.main, [*command, *arguments])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """All that the page can show, in a file of DuckDB's."""
    folder = tmp_path_factory.mktemp("report")
    world = World.demo(seed=7, days=40)
    with Sandbox(world) as sandbox:
        output = run_tap(
            folder,
            {
                "api_url": sandbox.url,
                "access_token": sandbox.token,
                "business_id": world.business.id,
                "reports": list(REPORTS),
            },
        )
    assert output.code == 0, output.stderr
    shown = {name: rows for name, rows in output.tables.items() if name in TABLES}
    fill(folder / "warehouse.duckdb", replace(output, tables=shown))
    return Filled(folder / "warehouse.duckdb", world)


@pytest.fixture(scope="module")
def written(filled: Filled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("written") / "report.html"
    result = filled.report(out)
    assert result.exit_code == 0, result.output
    assert result.output == f"Report: {out}\n"
    return out


def test_report__answers_all_five_questions(filled: Filled, written: Path) -> None:
    """Nothing is missing where everything was loaded; each client that spends has a row."""
    text = written.read_text(encoding="utf-8")

    assert text.count("<h2>") == 5
    assert text.count("<table>") == 5
    assert "was not loaded" not in text
    for account in filled.world.readable():
        assert account.name.replace("&", "&amp;") in text


def test_report__of_one_account_names_no_other(filled: Filled, tmp_path: Path) -> None:
    """What one client is sent does not name another."""
    out = tmp_path / "one.html"
    assert filled.report(out, "--account", f"act_{ONE}").exit_code == 0
    text = out.read_text(encoding="utf-8")

    assert "<p>1 ad account, data up to" in text
    assert "Nordlicht Optik" in text
    for account in filled.world.accounts:
        if account.id != ONE:
            assert account.name.replace("&", "&amp;") not in text


def test_report__names_what_was_not_loaded(filled: Filled, tmp_path: Path) -> None:
    """Without the reports and the status the rest is shown."""
    copy = tmp_path / "less.duckdb"
    copy.write_bytes(filled.file.read_bytes())
    for table in ("weekly_reach", "by_placement", "account_sync_status"):
        execute(copy, f"drop table tap_meta_partner.{table}")
    out = tmp_path / "less.html"

    assert filled.report(out, database=f"duckdb:///{copy}").exit_code == 0
    assert out.read_text(encoding="utf-8").count("was not loaded") == 3


@pytest.mark.parametrize(
    ("database", "arguments", "says"),
    [
        ("duckdb:////nowhere/x.duckdb", [], "there is no file /nowhere/x.duckdb"),
        (f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:1/db", [], "127.0.0.1"),
        (None, ["--schema", "elsewhere"], "account_insights is not in elsewhere"),
        (None, ["--account", "1"], "is empty"),
        (None, ["--out", "/nowhere/report.html"], "/nowhere/report.html cannot be written"),
    ],
)
def test_report__that_cannot_be_written_is_one_line(
    filled: Filled, tmp_path: Path, database: str | None, arguments: list[str], says: str
) -> None:
    """What is wrong and no password, exit code 2, and no half of a page."""
    out = tmp_path / "report.html"
    result = filled.report(out, *arguments, database=database)

    assert result.exit_code == 2
    assert says in result.output
    assert len(result.output.splitlines()) == 1
    assert PASSWORD not in result.output
    assert not out.exists()


# In a browser


@needs_chromium
def test_page__is_whole_in_a_browser(written: Path, tmp_path: Path) -> None:
    """Chromium reads it to its end: five tables, and every chart within its figure."""
    shown = document(written.as_uri(), tmp_path)

    assert shown.count("<table>") == 5
    assert len(re.findall(r"<figure><svg", shown)) == len(
        re.findall(r"<figure><svg", written.read_text(encoding="utf-8"))
    )
    assert shown.rstrip().endswith("</html>")


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page__is_legible_in_light_and_dark(written: Path, tmp_path: Path, scheme: str) -> None:
    """The script of a test reads the colours that text and paper have in the end.

    4.5 to 1 is what WCAG 2 asks of text (success criterion 1.4.3).
    """
    probe = tmp_path / "probe.html"
    # The copy may run what the page itself may not.
    text = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", written.read_text())
    probe.write_text(text.replace("</body>", f"<script>{COLOURS}</script></body>"))
    shown = document(probe.as_uri(), tmp_path, *SCHEMES[scheme])
    found = re.findall(r"<title>(.*?)</title>", shown)[0]  # charts have titles, too
    paper, *inks = [tuple(map(int, re.findall(r"\d+", each)[:3])) for each in found.split("|")]

    assert len(inks) >= 4
    assert (sum(paper) > 600) == (scheme == "light")
    assert min(contrast(paper, ink) for ink in inks) >= 4.5


@needs_chromium
def test_page__can_be_pictured(written: Path, tmp_path: Path) -> None:
    """A picture of it is not blank."""
    assert picture(written.as_uri(), tmp_path).stat().st_size > 20_000


SCHEMES = {
    "light": ["--blink-settings=preferredColorScheme=1"],
    "dark": ["--blink-settings=preferredColorScheme=0"],
}
COLOURS = """
const colour = (name, what) => getComputedStyle(document.querySelector(name))[what];
document.title = [colour("body", "backgroundColor"), colour("h2", "color"), colour("td", "color"),
  colour("p", "color"), colour("svg .title", "fill"), colour("svg .axis text", "fill")].join("|");
"""


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """WCAG 2's contrast ratio of two colours."""

    def luminance(colour: tuple[int, ...]) -> float:
        parts = [each / 255 for each in colour]
        red, green, blue = [
            each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
        ]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    brighter, darker = sorted([luminance(one), luminance(other)], reverse=True)
    return (brighter + 0.05) / (darker + 0.05)
