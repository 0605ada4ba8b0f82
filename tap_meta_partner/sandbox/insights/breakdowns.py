"""Splitting an ad-day by age, country, placement and so on, and what Meta then leaves out.

The parts of every count add up exactly to the whole. (At Meta they can differ a little; a sandbox
that is exact shows what a pipeline loses.) Which parts exist is fixed by (seed, ad, breakdown).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.insights import action_breakdowns as action_rules
from tap_meta_partner.sandbox.insights.periods import (
    FREQUENCY_MONTHS,
    WITH_BREAKDOWNS_MONTHS,
    months_before,
)
from tap_meta_partner.sandbox.protocol.errors import invalid_combination, invalid_parameter
from tap_meta_partner.sandbox.protocol.vocabulary import BREAKDOWNS, INSIGHT_FIELDS, LABEL_FIELDS
from tap_meta_partner.sandbox.world.segments import ASSETS, HOURLY, SEGMENTS, SKAN
from tap_meta_partner.sandbox.world.splitting import OPT_IN

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection

# Hourly rows carry reach and frequency as 0.
NO_REACH = HOURLY
# Not at account level (Meta, "Insights API Breakdowns"); the marketing mix only of ad sets.
_NOT_OF_ACCOUNTS = frozenset({"image_asset", "video_asset", "place_page_id"})
# Breakdowns that go with these metrics alone; Meta calls anything else an invalid combination.
_ONLY_WITH = {
    "frequency_value": frozenset({"reach"}),
    "mmm": frozenset({"impressions", "spend"}),
    **dict.fromkeys(SKAN, frozenset({"total_postbacks"})),
}
# Asset breakdowns leave all other metrics out, without an error.
_TOLD_OF_ASSETS = frozenset({"impressions", "clicks", "spend", "reach", "actions", "action_values"})
_WATCHED = frozenset(name for name in INSIGHT_FIELDS if name.startswith("video_"))
_UNIQUE = frozenset(
    name for name in INSIGHT_FIELDS if name.startswith(("unique_", "cost_per_unique_"))
)
_NOT_BY_REGION = frozenset(name for name in _WATCHED if name.startswith("video_p")) - {
    "video_play_actions",
    "video_play_curve_actions",
} | {"video_avg_time_watched_actions"}
#: What an ad account has to be opted in for, by the names of Meta's feature settings.
_PEOPLE = frozenset({"reach", "frequency", "cpp"})


def check(
    breakdowns: tuple[str, ...],
    action_breakdowns: tuple[str, ...],
    level: str,
    fields: tuple[str, ...],
) -> None:
    """Raise what Meta answers to breakdowns it does not know or cannot combine."""
    for name in breakdowns:
        if name == "dma":  # unsupported since 2026-06-22
            raise invalid_parameter(
                "The dma breakdown is no longer supported. Use comscore_market instead."
            )
        if name not in BREAKDOWNS:
            raise invalid_parameter(
                f"breakdowns[0] must be one of the following values, not {name}"
            )
    asked = frozenset(breakdowns)
    if (
        (breakdowns and asked not in SEGMENTS)
        or not action_rules.combine(action_breakdowns, asked)
        or (level == "account" and asked & _NOT_OF_ACCOUNTS)
        or (level != "adset" and "mmm" in asked)
    ):
        raise invalid_combination((*breakdowns, *action_breakdowns))
    for name in breakdowns:
        refused = frozenset(fields) - LABEL_FIELDS - _ONLY_WITH.get(name, INSIGHT_FIELDS)
        if refused:
            raise invalid_combination((*breakdowns, *sorted(refused)))


def left_out(breakdowns: tuple[str, ...]) -> frozenset[str]:
    """Return the fields that rows with these breakdowns lack, whatever was asked."""
    asked = frozenset(breakdowns)
    hidden = frozenset() if asked & frozenset(SKAN) else frozenset({"total_postbacks"})
    if asked & ASSETS:
        hidden |= INSIGHT_FIELDS - LABEL_FIELDS - _TOLD_OF_ASSETS
    if asked & HOURLY:
        hidden |= _UNIQUE | _WATCHED | {"cpp"}  # its base, reach, is 0
    if "region" in asked:
        hidden |= _NOT_BY_REGION
    return hidden


def withheld(breakdowns: tuple[str, ...], since: dt.date, today: dt.date) -> frozenset[str]:
    """Return the fields Meta silently leaves out of a report that begins too long ago.

    People reached, since 2025-06-10, and people who did something, since 2026-01-12; both only
    with breakdowns.
    """
    edge = months_before(today, WITH_BREAKDOWNS_MONTHS)
    return _PEOPLE | _UNIQUE if breakdowns and since < edge else frozenset()


def is_opted_in(breakdowns: tuple[str, ...], opted_in: Collection[str]) -> bool:
    """Tell whether all that is asked is switched on; else there are no rows, and no error.

    Some breakdowns need it since 2026-08-06.
    """
    return all(OPT_IN[name] in opted_in for name in breakdowns if name in OPT_IN)


def is_too_old(breakdowns: tuple[str, ...], since: dt.date, today: dt.date) -> bool:
    """Tell whether a report begins before the history of its breakdown: no rows then, and no error.

    It is 13 months for hours and 6 for frequencies, since 2026-01-12.
    """
    asked = frozenset(breakdowns)
    if asked & HOURLY:
        return since < months_before(today, WITH_BREAKDOWNS_MONTHS)
    return "frequency_value" in asked and since < months_before(today, FREQUENCY_MONTHS)
