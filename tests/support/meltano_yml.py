"""The tap's `settings:` in `meltano.yml`: `uv run python -m tests.support.meltano_yml`.

Made from what the tap says of itself, in the groups and with the kinds that Meltano Hub has. The
settings that the SDK adds to every tap stand below them and are kept by hand.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any

import yaml

from tap_meta_partner.settings.table import SETTING_NAMES
from tests.support.hub_definition import (
    GROUPS,
    MELTANO_YML,
    OF_THE_SDK,
    about,
    flat,
    group_of,
    hub_setting,
    in_groups,
)

#: What stands above the settings, and the first line below them.
_BEGIN = "    # Made by `uv run python -m tests.support.meltano_yml`"
_END = f"    # {OF_THE_SDK}."
_HEAD = f"""\
{_BEGIN} from what the tap says of itself.
    # Lists are JSON in the environment: TAP_META_PARTNER_ACCOUNT_IDS='["123"]'. No kind is decimal:
    # Meltano cannot hand on a decimal that it read from the environment.
"""
_BLOCK = re.compile(rf"^{re.escape(_BEGIN)}.*?(?=^{re.escape(_END)}$)", re.DOTALL | re.MULTILINE)


#: A text that is longer stands folded on lines of its own, where it needs no quotes.
_LONGEST_LINE = 80


class _Option(dict[str, str]):
    """One allowed value; written on one line."""


class _Dumper(yaml.SafeDumper):
    """Options on one line each, everything else in blocks."""


def _write_option(dumper: yaml.SafeDumper, option: _Option) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", option, flow_style=True)


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = ">" if len(text) > _LONGEST_LINE else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(_Option, _write_option)
_Dumper.add_representer(str, _write_text)


def settings_block() -> str:
    """Return the tap's settings as lines of `meltano.yml`, each group under its heading."""
    items = in_groups(
        (name, item) for name, item in flat(about()["settings"]) if name in SETTING_NAMES
    )
    parts = [_HEAD]
    for group in GROUPS:
        entries = [_entry(name, item) for name, item in items if group_of(name) == group]
        if entries:
            parts.append(textwrap.indent(f"# {group}.\n{_yaml(entries)}", " " * 4))
    return "".join(parts)


def _entry(name: str, item: dict[str, Any]) -> dict[str, Any]:
    made = hub_setting(name, item)
    order = ("name", "label", "kind", "sensitive", "value", "description", "options")
    entry = {key: made[key] for key in order if key in made}
    if entry["kind"] == "string":
        del entry["kind"]  # what Meltano takes a setting for anyway
    if "options" in entry:
        entry["options"] = [_Option(each) for each in entry["options"]]
    return entry


def _yaml(content: object) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=82)


def shown_block(project: str) -> str:
    """Return the settings that a `meltano.yml` has, from the line above them on."""
    match = _BLOCK.search(project)
    return match.group() if match else ""


def main() -> None:
    """Write the settings into `meltano.yml`."""
    project = MELTANO_YML.read_text(encoding="utf-8")
    project = _BLOCK.sub(lambda _: settings_block(), project)
    MELTANO_YML.write_text(project, encoding="utf-8")


if __name__ == "__main__":
    main()
