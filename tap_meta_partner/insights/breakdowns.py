"""Breakdowns: how far back each is kept, how it is asked, and why it may bring nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_meta_partner.days.history import history_edge
from tap_meta_partner.insights.columns import columns_of, fields_to_ask

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from tap_meta_partner.settings.model import ReportDefinition

#: Reach with breakdowns (since 2025-06-10), unique counts and hours (since 2026-01-12).
PEOPLE_MONTHS = HOURLY_MONTHS = 13


#: `frequency_value`, since 2026-01-12.
FREQUENCY_MONTHS = 6


BY_ADVERTISER = "hourly_stats_aggregated_by_advertiser_time_zone"


BY_AUDIENCE = "hourly_stats_aggregated_by_audience_time_zone"


_HOURLY = frozenset((BY_ADVERTISER, BY_AUDIENCE))


#: Counts of people, and what is made of them.
_PEOPLE = re.compile(r"(reach|frequency|cpp)$|.*unique_")


#: Breakdowns that bring nothing until the ad account has switched a feature on ("Insights Feature
#: Settings"): breakdown -> the feature's name there.
_FEATURES: Mapping[str, str] = {
    "impression_device": "impression_device",
    "frequency_value": "frequency_value",
    BY_AUDIENCE: "time_of_day_viewer_tz",
    "comscore_market": "comscore",
    "comscore_market_code": "comscore",
}


def oldest_row(definition: ReportDefinition, *, today: dt.date) -> dt.date | None:
    """Return the first day for which Meta has rows of this report, one day inside.

    None for reports that reach back as far as any (`history.history_edge`). Before it Meta answers
    with no rows rather than with an error.
    """
    months = []
    if asks_day_by_day(definition):
        months.append(HOURLY_MONTHS)
    if "frequency_value" in definition.breakdowns:
        months.append(FREQUENCY_MONTHS)
    return history_edge(today, months=min(months)) if months else None


def people_fields(definition: ReportDefinition) -> frozenset[str]:
    """Return the fields asked that Meta leaves out of windows that start too long ago.

    It does so silently, for breakdowns only, where the window's *first* day lies before
    `oldest_people`: a window across that day has them on none of its days. (Ten report runs a day
    and ad account are excepted: too few to build upon.)
    """
    if not definition.breakdowns:
        return frozenset()
    return frozenset(filter(_PEOPLE.match, fields_to_ask(columns_of(definition))))


def oldest_people(definition: ReportDefinition, *, today: dt.date) -> dt.date | None:
    """Return the first day from which on windows may ask for `people_fields`, one day inside.

    None where the report asks for no such field.
    """
    return history_edge(today, months=PEOPLE_MONTHS) if people_fields(definition) else None


def asks_day_by_day(definition: ReportDefinition) -> bool:
    """Tell whether a day is enough for one call: 24 rows for each row of other reports."""
    return not _HOURLY.isdisjoint(definition.breakdowns)


def needs_report_run(definition: ReportDefinition) -> bool:
    """Tell whether only report runs can answer: `mmm` is asynchronous only, since 2026-01-12."""
    return "mmm" in definition.breakdowns


def why_empty(definition: ReportDefinition) -> str | None:
    """Explain, for a log, why a report may bring no row though the account had delivery.

    One line that names what a person has to switch on; None where nothing has to be.
    """
    asked = [name for name in definition.breakdowns if name in _FEATURES]
    if not asked:
        return None
    features = dict.fromkeys(_FEATURES[name] for name in asked)
    return (
        f"no row came although the account had delivery: Meta sends rows by {listed(asked)} only "
        f"once the feature {listed(features)} is on for the ad account (Insights Feature Settings "
        "API, POST act_<id>/insights/feature-settings; accounts with sales support at Meta have it "
        "without). Switching it on cannot be undone, takes up to 24 hours, and may bring data from "
        "that day on only"
    )


def listed(names: Iterable[str]) -> str:
    """Join names as a message shows them."""
    return ", ".join(names)
