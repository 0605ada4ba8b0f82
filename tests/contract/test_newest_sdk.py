"""Our tables of Meta's words beside those of the newest `facebook_business` that there is."""

from __future__ import annotations

import json
import subprocess
from functools import cache

import pytest
from uv import find_uv_bin

from tap_meta_partner.insights.fields import BREAKDOWNS, known_fields
from tap_meta_partner.settings.versions import ENDS
from tap_meta_partner.settings.words import DEFAULT_API_VERSION

_SECONDS = 120
#: Breakdowns that only Meta's page lists, not its SDK.
_PRINT = """
import json
from facebook_business.adobjects.adsinsights import AdsInsights
from facebook_business.apiconfig import ads_api_config
words = lambda kind: sorted(value for name, value in vars(kind).items() if name[0] != "_")
print(json.dumps({
    "version": ads_api_config["API_VERSION"],
    "fields": sorted(AdsInsights._field_types),
    "breakdowns": words(AdsInsights.Breakdowns),
}))
"""


@cache
def newest() -> dict[str, list[str]]:
    """What the newest SDK lists; the test is skipped where no index answers."""
    command = [find_uv_bin(), "run", "--no-project", "--isolated", "--refresh-package"]
    command += ["facebook-business", "--with", "facebook-business", "python", "-c", _PRINT]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("no package index answers")
    if done.returncode:
        pytest.skip("no package index answers")
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def changes() -> list[str]:
    """Return what is another in the newest SDK, a line each."""
    found = newest()
    ours = {"field": set(known_fields()), "breakdown": set(BREAKDOWNS)}
    theirs = {"field": set(found["fields"]), "breakdown": set(found["breakdowns"])}
    lines = [f"new {kind}: {name}" for kind in ours for name in sorted(theirs[kind] - ours[kind])]
    lines += [f"gone field: {name}" for name in sorted(ours["field"] - theirs["field"])]
    version = str(found["version"])
    if version not in ENDS:
        lines.append(f"new version: {version}")
    if float(version[1:]) > float(DEFAULT_API_VERSION[1:]):
        lines.append(f"the SDK asks as {version}, the tap as {DEFAULT_API_VERSION}")
    return lines


def test_tables__are_those_of_the_newest_sdk() -> None:
    """One readable list of what Meta changed; nothing where the tables are up to date."""
    found = changes()

    assert not found, "\n".join(["Meta's SDK is newer than our tables:", *found])
