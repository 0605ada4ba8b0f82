"""What the demo loads beside the usual streams when one is to look around: what the pages read."""

from __future__ import annotations

import json
from typing import Any

#: Each is defined on a page of docs/ as it is here; so every query shown there has its tables.
REPORTS: tuple[dict[str, Any], ...] = (
    {
        "name": "weekly_reach",
        "level": "account",
        "time_increment": 7,
        "fields": ["account_name", "impressions", "reach", "frequency"],
    },
    {
        "name": "by_placement",
        "level": "account",
        "breakdowns": ["publisher_platform", "platform_position"],
        "fields": ["account_name", "account_currency", "impressions", "clicks", "spend"],
    },
    {
        "name": "campaigns_by_age_and_gender",
        "level": "campaign",
        "breakdowns": ["age", "gender"],
        "fields": ["campaign_id", "campaign_name", "impressions", "clicks", "spend"],
    },
    {
        "name": "ad_conversions",
        "level": "ad",
        "fields": ["actions", "action_values"],
        "action_attribution_windows": ["1d_view", "7d_click"],
        "action_rows": True,
    },
)


def all_streams() -> dict[str, str]:
    """Return the variables with which Meltano selects every stream, and defines these reports."""
    return {
        "TAP_META_PARTNER_REPORTS": json.dumps(REPORTS),
        "TAP_META_PARTNER__SELECT": json.dumps(["*.*"]),
    }
