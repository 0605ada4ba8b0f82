"""The README tells the truth."""

from __future__ import annotations

import re

import pytest

from tap_meta_partner.errors import rule_for
from tap_meta_partner.tap import TapMetaPartner
from tests.readme_blocks import (
    README,
    run_block,
    settings_table,
    shown_commands,
    shown_table,
    without_what_varies,
)


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
