"""The tap as Meltano Hub describes it: `uv run python -m tests.support.hub_definition`.

Made from what the tap says of itself (`--about`) and from `meltano.yml` (commands, selection, which
settings go together), so a new setting needs no line here, only another run.
"""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml
from click.testing import CliRunner

from tap_meta_partner.settings.table import SETTING_NAMES
from tap_meta_partner.tap import TapMetaPartner

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ROOT = Path(__file__).parents[2]
KEPT = _ROOT / "docs" / "hub" / "tap-meta-partner.yml"
MELTANO_YML = _ROOT / "meltano.yml"

#: Those that the Hub knows; it refuses a definition with any other.
HUB_CAPABILITIES = frozenset(
    (
        *("properties", "catalog", "discover", "state", "about", "stream-maps"),
        *("schema-flattening", "activate-version", "batch", "test", "log-based"),
        "structured-logging",
    )
)

_ACCESS = "How the tap proves who it is"
_ACCOUNTS = "Which ad accounts"
_DAYS = "Which days"
_REPORTS = "Which columns and reports"
_PACE = "How much at once, how long, and what counts as a failure"
_SELDOM = "Seldom touched"
OF_THE_SDK = "What the Singer SDK adds to every tap"
GROUPS = (_ACCESS, _ACCOUNTS, _DAYS, _REPORTS, _PACE, _SELDOM, OF_THE_SDK)
#: A setting belongs to the first group that has one of its name's words, or else to _SELDOM.
_WORDS = {
    _PACE: {"fail", "max", "min", "backfill", "shard", "concurrency", "minutes"},
    _ACCESS: {"token", "tokens", "secret", "app", "business", "proof"},
    _ACCOUNTS: {"account", "accounts"},
    _DAYS: {"date", "dates", "day", "days", "lookback", "history", "timezone"},
    _REPORTS: {
        *("field", "fields", "column", "columns", "stream", "streams", "rows", "report"),
        *("reports", "action", "actions", "attribution", "breakdown", "breakdowns", "currency"),
    },
}

#: What people read on the Hub's page.
_TEXTS = {
    "description": (
        "Meta (Facebook, Instagram) ads insights of many clients' ad accounts, with one System "
        "User token."
    ),
    "definition": (
        "reads the ads insights of every ad account that clients share with your Business Manager"
    ),
    "prereq": (
        "A token with `ads_read` that can read the ad accounts: a System User's of your own "
        "Business Manager, or one of each client's. No other permission is needed."
    ),
    "settings_preamble": (
        "Set `access_token` (one token for all ad accounts) or `access_tokens` (one for each "
        "client). Everything else has a default. Lists are JSON in the environment: "
        '`TAP_META_PARTNER_ACCOUNT_IDS=\'["123", "456"]\'`.'
    ),
    "next_steps": (
        "1. Look at token, permissions and every ad account: `meltano invoke "
        "tap-meta-partner:check`\n"
        "1. Print what to send a client who is to share an ad account: `meltano invoke "
        "tap-meta-partner:invite`\n"
        "1. Run it now and every night, for example: `meltano run tap-meta-partner "
        "target-postgres`\n"
    ),
    "usage": (
        "## Keys\n\n"
        "Meta corrects its numbers for 28 days, so each run reads the last 28 days again. Use a "
        "loader that updates rows in place by their key.\n\n"
        "## Reports of your own\n\n"
        "Each of `reports` is a stream: add it to what is read, `meltano select tap-meta-partner "
        "NAME '*'`.\n\n"
        "## Alerts\n\n"
        "The table `account_sync_status` has a row for each ad account, stream and run: what was "
        "delivered, skipped, lost or failed, why, and what to do.\n"
    ),
}


def definition(repository: str | None = None) -> dict[str, Any]:
    """Return the definition, with the Hub's keys.

    Args:
        repository: where the code is published. The Hub's *variant* is the account that owns it;
            without it, or before it is known, the tap's own name stands for the variant.
    """
    said = about()
    ours = _extractor()
    made = {
        "name": said["name"],
        "variant": said["name"],
        "namespace": ours["namespace"],
        "executable": ours["executable"],
        "pip_url": said["name"],
        "label": ours["label"],
        "logo_url": "/assets/logos/extractors/meta-partner.svg",
        "domain_url": "https://developers.facebook.com/docs/marketing-api/insights",
        "keywords": ["meltano_sdk"],
        "maintenance_status": "beta",  # as the package's classifier says
        "quality": "silver",  # what the Hub gives a new tap that is built on the SDK
        "capabilities": sorted(HUB_CAPABILITIES.intersection(said["capabilities"])),
        "supported_python_versions": said["supported_python_versions"],
        "commands": ours["commands"],
        "select": ours["select"],
        "settings_group_validation": ours["settings_group_validation"],
        "settings": [hub_setting(*each) for each in in_groups(flat(said["settings"]))],
        **_TEXTS,
    }
    if repository:
        address = repository.rstrip("/")
        made["variant"] = address.split("/")[-2].lower()
        made["repo"] = address
        made["docs"] = f"{address}#readme"
        made["pip_url"] = f"git+{address}.git"
    return made


def about() -> dict[str, Any]:
    """Return what `--about` says."""
    output = CliRunner().invoke(TapMetaPartner.cli, ["--about", "--format", "json"]).stdout
    said: dict[str, Any] = json.loads(output)
    return said


def _extractor() -> dict[str, Any]:
    project = yaml.safe_load(MELTANO_YML.read_text(encoding="utf-8"))
    (found,) = project["plugins"]["extractors"]
    return dict(found)


def flat(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each setting with its name; an object's parts come one by one, with dots."""
    for name, item in schema["properties"].items():
        # An object that takes any keys of one form (stream maps) is a map, and stays whole.
        is_map = isinstance(item.get("additionalProperties"), dict)
        if _type(item) == "object" and item.get("properties") and not is_map:
            yield from flat(item, f"{prefix}{name}.")
        else:
            yield prefix + name, item


def _type(item: Mapping[str, Any]) -> str:
    """Name the type; of several the one that can hold the others: a list, else a string."""
    choices = [item, *item.get("oneOf", ()), *item.get("anyOf", ())]
    types: list[str] = []
    for each in choices:
        given = each.get("type", ())
        types += [given] if isinstance(given, str) else given
    named = [name for name in types if name != "null"]
    widest = next((name for name in ("array", "string") if name in named), None)
    return widest or next(iter(named), "string")


def in_groups(
    settings: Iterable[tuple[str, dict[str, Any]]],
) -> list[tuple[str, dict[str, Any]]]:
    """Sort settings by group; within one the tap's own order is kept."""
    return sorted(settings, key=lambda each: GROUPS.index(group_of(each[0])))


def group_of(name: str) -> str:
    """Name the group of a setting, also of one that nobody thought of here."""
    if name.partition(".")[0] not in SETTING_NAMES:
        return OF_THE_SDK
    words = set(name.split("_"))
    return next((group for group, known in _WORDS.items() if words & known), _SELDOM)


def hub_setting(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Say of one setting what the Hub wants to know."""
    made: dict[str, Any] = {
        "name": name,
        "label": item.get("title") or _label(name.replace(".", "_")),
        "kind": _kind(name, item),
        "description": _description(item),
    }
    if made["kind"] == "options":
        made["options"] = [{"label": _label(each), "value": each} for each in _allowed(item)]
    if item.get("secret"):
        made["sensitive"] = True
    default = item.get("default")
    if default is not None:
        is_whole = isinstance(default, float) and default.is_integer()
        made["value"] = int(default) if is_whole else default
    return made


def _kind(name: str, item: Mapping[str, Any]) -> str:
    kind = _type(item)
    if name in SETTING_NAMES and not item.get("secret") and _is_written_as_text(item):
        # Meltano guesses at dates (01.09.2026 becomes 9 January), and ends with a traceback where a
        # list, a number or one of several words is none: the tap says it in one line.
        return "string"
    if kind == "number":
        # Not decimal, which the Hub has too: Meltano (4.4) ends with a TypeError where such a
        # setting comes from the environment. The Hub's own tool writes integer as well.
        return "integer"
    if kind != "string":
        # A secret list too: as a password it would reach the tap as text.
        return kind
    if item.get("secret"):
        return "password"
    if _allowed(item):
        return "options"
    is_day = name.endswith("_date") or item.get("format") in {"date", "date-time"}
    return "date_iso8601" if is_day else "string"


def _is_written_as_text(item: Mapping[str, Any]) -> bool:
    kind = _type(item)
    if kind == "array":
        return _type(item.get("items", {})) == "string"
    return kind in {"string", "integer", "number"}


def _allowed(item: Mapping[str, Any]) -> list[str]:
    return [value for value in item.get("enum", ()) if value is not None]


def _description(item: Mapping[str, Any]) -> str:
    text = " ".join(str(item.get("description") or "").split())
    # The Hub has options for single values only, and Meltano a traceback for others.
    allowed = _allowed(item.get("items", {})) or _allowed(item)
    return f"{text} Of: {', '.join(allowed)}." if allowed else text


def _label(value: str) -> str:
    """`last_week_mon_sun` becomes *Last week Monday to Sunday*, `last_3d` *Last 3 days*."""
    words = re.sub(r"_(mon|sun)_(\w+)$", r"_\1_to_\2", value)
    words = re.sub(r"(\d+)d\b", r"\1_days", words).replace("_", " ")
    for short, day in (("mon", "Monday"), ("sun", "Sunday"), ("sat", "Saturday")):
        words = re.sub(rf"\b{short}\b", day, words)
    return words[:1].upper() + words[1:]


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as such, so that they can be read."""


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)


def as_text(made: Mapping[str, Any]) -> str:
    """Write a definition as the Hub's files are: keys sorted, at every depth.

    Settings stay in their groups, each with a heading.
    """
    text = _yaml(made)
    for group in GROUPS:
        first = next((each for each in made["settings"] if group_of(each["name"]) == group), None)
        if first:
            entry = _yaml([first])
            text = text.replace(f"\n{entry}", f"\n# {group}.\n{entry}", 1)
    return text


def _yaml(content: object) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=100)


def published_at() -> str | None:
    """Return the repository's address, once the package's metadata names one."""
    urls = metadata.metadata("tap-meta-partner").get_all("Project-URL") or []
    named = dict(line.split(", ", 1) for line in urls)
    return named.get("Repository")


@click.command(help=__doc__)
@click.option("--repository", metavar="URL", help="Where the code is published.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=KEPT,
    help="For example _data/meltano/extractors/tap-meta-partner/VARIANT.yml in the Hub.",
)
def main(repository: str | None, output: Path) -> None:
    """Write the definition."""
    made = definition(repository or published_at())
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(as_text(made), encoding="utf-8")


if __name__ == "__main__":
    main()
