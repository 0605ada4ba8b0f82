"""`meltano.yml` declares the tap's settings as the tap has them."""

from __future__ import annotations

from tests.support.hub_definition import MELTANO_YML
from tests.support.meltano_yml import settings_block, shown_block


def test_settings__are_what_the_tap_says_now() -> None:
    """After a change of the settings: `uv run python -m tests.support.meltano_yml`."""
    shown = shown_block(MELTANO_YML.read_text(encoding="utf-8"))

    assert "- name: access_token\n" in shown
    assert shown == settings_block()
