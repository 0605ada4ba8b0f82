"""The table of settings that the documentation shows."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner

from tap_meta_partner.settings.table import SETTING_NAMES
from tap_meta_partner.tap import TapMetaPartner


def settings_table() -> str:
    """Return the table of settings, as `--about` tells them; the SDK's own are left out."""
    result = CliRunner().invoke(TapMetaPartner.cli, ["--about", "--format", "json"])
    about: dict[str, Any] = json.loads(result.stdout)["settings"]
    rows = [
        f"| `{name}` | {_type(item)} | {_default(item)} | {_meaning(item)} |"
        for name, item in about["properties"].items()
        if name in SETTING_NAMES
    ]
    head = "| Setting | Type | Default | Meaning |\n|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def _type(item: dict[str, Any]) -> str:
    (kind,) = [name for name in item["type"] if name != "null"]
    return f"{kind}, secret" if item.get("secret") else str(kind)


def _default(item: dict[str, Any]) -> str:
    value = item.get("default")
    return "" if value is None else f"`{json.dumps(value)}`".replace('"', "")


def _meaning(item: dict[str, Any]) -> str:
    allowed = item.get("enum")
    options = f" One of {', '.join(f'`{name}`' for name in allowed)}." if allowed else ""
    return str(item["description"]) + options
