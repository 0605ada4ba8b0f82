"""How much of Meta's rate limits is used, as every answer tells it: four headers, one `Usage`.

Four headers, each JSON, each of which may be missing (Meta: "Marketing API Rate Limiting")::

    X-App-Usage: {"call_count":28,"total_time":25,"total_cputime":25}
    X-Ad-Account-Usage: {"acc_id_util_pct":9.67,"reset_time_duration":100,"ads_api_access_tier":…}
    X-Business-Use-Case-Usage: {"<account id>":[{"type":"ads_insights","call_count":97,
        "total_cputime":23,"total_time":23,"estimated_time_to_regain_access":0, …}]}
    X-FB-Ads-Insights-Throttle: {"app_id_util_pct":100,"acc_id_util_pct":10, …}

Percentages run from 0 to over 100; `estimated_time_to_regain_access` is in minutes and stays 0
until one *is* throttled; `reset_time_duration` is in seconds.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DEVELOPMENT_TIER = "development_access"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one answer's headers say.

    Attributes:
        account_percent: of the ad account's own limits used, the highest named; None if none is.
        app_percent: of the app's limits used.
        regain_seconds: until access comes back, 0 while not throttled.
        tier: `standard_access` or `development_access`.
    """

    account_percent: float | None = None
    app_percent: float | None = None
    regain_seconds: float = 0.0
    tier: str | None = None


def read_usage(headers: Mapping[str, str], account_id: str | None = None) -> Usage:
    """Read the four headers of an answer (errors carry them too).

    Args:
        headers: the answer's headers, names in any case.
        account_id: the ad account asked, without `act_`; picks its entries of the business header.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    app = _object(lower.get("x-app-usage"))
    account = _object(lower.get("x-ad-account-usage"))
    throttle = _object(lower.get("x-fb-ads-insights-throttle"))
    entries = _business_entries(_object(lower.get("x-business-use-case-usage")), account_id)
    return Usage(
        account_percent=_highest(
            account.get("acc_id_util_pct"),
            throttle.get("acc_id_util_pct"),
            *(entry.get(key) for entry in entries for key in _LOADS),
        ),
        app_percent=_highest(throttle.get("app_id_util_pct"), *(app.get(key) for key in _LOADS)),
        regain_seconds=max(
            _highest(account.get("reset_time_duration")) or 0.0,
            *(60 * (_highest(entry.get(_REGAIN)) or 0.0) for entry in entries),
            0.0,
        ),
        tier=next(
            (
                str(found["ads_api_access_tier"])
                for found in (account, throttle, *entries)
                if found.get("ads_api_access_tier")
            ),
            None,
        ),
    )


_LOADS = ("call_count", "total_time", "total_cputime")


_REGAIN = "estimated_time_to_regain_access"


def _object(header: str | None) -> Mapping[str, Any]:
    try:
        value = json.loads(header, parse_int=float) if header else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _business_entries(header: Mapping[str, Any], account_id: str | None) -> list[Mapping[str, Any]]:
    """Pick the insights entries of one account, or of all where none is named.

    The outer key is documented as the business id; for ads types it is the ad account's id. A value
    is a list, as one object can have several use cases (ads_management among them).
    """
    lists = [header[account_id]] if account_id and account_id in header else list(header.values())
    entries: list[Mapping[str, Any]] = [
        entry
        for items in lists
        if isinstance(items, list)
        for entry in items
        if isinstance(entry, dict)
    ]
    return [entry for entry in entries if entry.get("type") == "ads_insights"] or entries


def _highest(*values: object) -> float | None:
    numbers = [value for value in values if isinstance(value, float) and math.isfinite(value)]
    return max(numbers, default=None)
