"""Meta's rules about breakdowns: which go together, what they leave out, how far back they reach.

Data and plain functions over a `ReportDefinition`. Nothing here stops a report: what Meta's pages
do not mention (`device_platform`, `comscore_market` …) is left to Meta, and the rest is said so
that a person learns it before the API answers with an error, or with an empty column.

Sources: Meta's "Insights API Breakdowns" and "Ad Insights" pages (v25.0, read in 2026), its notes
on limits of 2025-06-10 and 2026-01-12, and its out-of-cycle changes of 2026-06-22 and 2026-08-06.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_meta_partner.insights.breakdowns import (
    BY_ADVERTISER,
    BY_AUDIENCE,
    asks_day_by_day,
    listed,
)
from tap_meta_partner.insights.columns import columns_of, fields_to_ask
from tap_meta_partner.insights.fields import Kind, kind_of
from tap_meta_partner.settings.words import DEFAULT_ACTION_BREAKDOWNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_meta_partner.settings.model import ReportDefinition


def _sets(lines: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split(",")) for line in lines.split())


# "Combining Breakdowns". Names that begin with `action_` belong into `action_breakdowns`; the id of
# a carousel's card stands for its name too.
#: Rows with an asterisk: they go with `_JOINERS` as well.
_STARRED = _sets(
    """
    age gender age,gender country region product_id
    publisher_platform publisher_platform,platform_position publisher_platform,impression_device
    publisher_platform,platform_position,impression_device
    hourly_stats_aggregated_by_advertiser_time_zone hourly_stats_aggregated_by_audience_time_zone
    action_device impression_device,action_device publisher_platform,action_device
    publisher_platform,impression_device,action_device
    publisher_platform,platform_position,action_device
    publisher_platform,platform_position,impression_device,action_device
    """
)


_UNSTARRED = _sets(
    """
    app_id,skan_conversion_id action_reaction action_converted_product_id
    action_carousel_card_id impression_device,action_carousel_card_id
    country,action_carousel_card_id age,action_carousel_card_id gender,action_carousel_card_id
    age,gender,action_carousel_card_id
    """
)


_JOINERS = frozenset(("action_target_id", "action_destination"))


_IN_THE_TABLE = {name for row in (*_STARRED, *_UNSTARRED) for name in row} | _JOINERS


#: Postbacks of Apple's SKAdNetwork. Several kinds in one report are no mistake: each has its own
#: breakdowns.
_POSTBACKS = frozenset(
    ("total_postbacks", "total_postbacks_detailed", "total_postbacks_detailed_v4")
)


#: Breakdowns that few metrics support, these metrics, and what else may stand beside them
#: ("Generic Breakdowns" and the notes there; "Ad Insights" for SKAdNetwork 4).
_WITH_FEW_METRICS: tuple[tuple[tuple[str, ...], tuple[str, ...], frozenset[str]], ...] = (
    (("frequency_value",), ("reach",), frozenset()),
    # "Marketing Mix Modeling Breakdown on Insights API".
    (("mmm",), ("impressions", "spend"), frozenset()),
    (
        (
            *("ad_format_asset", "body_asset", "call_to_action_asset", "description_asset"),
            *("image_asset", "link_url_asset", "title_asset", "video_asset"),
        ),
        ("impressions", "clicks", "spend", "reach", "actions", "action_values"),
        # The page about asset feeds adds what is made of these, and names ctr.
        frozenset(("ctr",)),
    ),
    (("app_id", "skan_conversion_id"), ("total_postbacks",), _POSTBACKS),
    (
        ("is_conversion_id_modeled", "skan_campaign_id"),
        ("total_postbacks_detailed",),
        _POSTBACKS,
    ),
    (
        (
            *("coarse_conversion_value", "fidelity_type", "hsid", "postback_sequence_index"),
            "redownload",
        ),
        ("total_postbacks_detailed_v4",),
        _POSTBACKS,
    ),
)


#: Places; and assets, at least those of dynamic creative.
_NOT_FOR_ACCOUNTS = ("image_asset", "place_page_id", "video_asset")


#: "Unavailable fields": with any breakdown.
_WITHOUT_BREAKDOWNS = frozenset(
    (
        *("app_store_clicks", "newsfeed_avg_position", "newsfeed_clicks", "newsfeed_impressions"),
        "relevance_score",
    )
)


#: Breakdowns that `filtering` cannot name.
_NOT_FILTERED = frozenset(("app_id", "skan_conversion_id"))


# "Restrictions for off-Meta action metrics", for days since 2021-04-27.
_TYPE_1 = ("region", BY_AUDIENCE, BY_ADVERTISER)


_TYPE_2 = (
    *("action_device", "action_destination", "action_target_id", "product_id"),
    *("action_carousel_card_id", "action_carousel_card_name", "action_canvas_component_name"),
)


#: Fields in which actions outside of Meta's apps are counted, or what these cost or bring.
_OFF_META = re.compile(
    r"(unique_)?actions|action_values|cost_per_(unique_)?action_type|converted_.*|.*_roas"
    r"|(cost_per_)?(unique_)?conversions?(_values)?|average_purchases_conversion_value"
    r"|catalog_segment_(actions|value)|(cost_per_)?mmp_credited_install"
)


#: Action types that happen on Meta itself; columns of those alone lose nothing.
_ON_META = re.compile(
    "comment|like|link_click|onsite_conversion.*|page_engagement|photo_view|post|post_engagement"
    "|post_reaction|video_view"
)


_REFUSED_BY_HOUR = re.compile("video_|(cost_per_)?unique_")


_ZERO_BY_HOUR = frozenset(("reach", "frequency"))


_REFUSED_BY_REGION = re.compile(r"video_(p(25|50|75|95|100)|avg_time)_watched_actions")


def impossible(definition: ReportDefinition) -> list[str]:
    """Say what of a report Meta is known to refuse or to leave empty, and what to use instead.

    One line each, without the report's name; most matter only where breakdowns are asked.
    """
    return [line for rule in _RULES for line in rule(definition)]


def _no_dma(definition: ReportDefinition) -> Iterable[str]:
    if "dma" in definition.breakdowns:
        yield "Meta refuses the breakdown dma since 22 June 2026: use comscore_market"


def _no_permutation(definition: ReportDefinition) -> Iterable[str]:
    asked = [
        "action_carousel_card_id" if name == "action_carousel_card_name" else name
        for name in (*definition.breakdowns, *definition.action_breakdowns)
        if name not in DEFAULT_ACTION_BREAKDOWNS
    ]
    if not _IN_THE_TABLE.issuperset(asked) or _is_documented(frozenset(asked)):
        return
    together = f"{listed(asked)} {'together' if len(asked) > 1 else 'alone'}"
    parts = [",".join(part) for part in _instead_of(frozenset(asked))]
    instead = f"{' or '.join(parts)}, each in a report of its own" if len(parts) > 1 else parts[0]
    yield (
        f"Meta does not document {together}, and refuses what it does not know (error 2, subcode "
        f"1504041): ask for {instead}"
    )


def _is_documented(asked: frozenset[str]) -> bool:
    core = asked - _JOINERS
    rows = _STARRED if core != asked else (*_STARRED, *_UNSTARRED)
    return not core or any(core == set(row) for row in rows)


def _instead_of(asked: frozenset[str]) -> list[tuple[str, ...]]:
    """Find the largest documented parts; a name that never stands alone with what it needs."""
    rows = [*_STARRED, *_UNSTARRED, *((name,) for name in sorted(_JOINERS))]
    parts = [row for row in rows if asked.issuperset(row)]
    parts = [row for row in parts if not any(set(row) < set(other) for other in parts)]
    for name in sorted(asked.difference(*parts)):
        # Breakdowns of the same kind first: they need no action lists.
        wider = [row for row in rows if name in row]
        parts.append(min(wider, key=lambda row: (any("action_" in item for item in row), len(row))))
    return list(dict.fromkeys(parts))


def _not_for_accounts(definition: ReportDefinition) -> Iterable[str]:
    found = [name for name in _NOT_FOR_ACCOUNTS if name in definition.breakdowns]
    if found and definition.level == "account":
        yield f"Meta has no {listed(found)} at account level: use campaign, adset or ad"


def _marketing_mix(definition: ReportDefinition) -> Iterable[str]:
    asked = definition.breakdowns
    if "mmm" in asked and definition.level != "adset":
        yield "Meta has mmm at adset level only: use adset"
    further = definition.action_breakdowns != DEFAULT_ACTION_BREAKDOWNS
    if "mmm" in asked and (len(asked) > 1 or further):
        yield "Meta has mmm alone only: leave out all other breakdowns and action_breakdowns"


def _with_few_metrics(definition: ReportDefinition) -> Iterable[str]:
    metrics = _metrics(definition)
    for breakdowns, supported, beside in _WITH_FEW_METRICS:
        asked = [name for name in definition.breakdowns if name in breakdowns]
        others = [name for name in metrics if name not in supported and name not in beside]
        missing = not any(name in metrics for name in supported)
        if asked and (others or missing):
            ask = f"ask for {' or '.join(supported)} in fields" if missing else ""
            leave = f"leave out {listed(others)}" if others else ""
            yield (
                f"Meta has only {listed(supported)} by {listed(asked)}: "
                f"{' and '.join(filter(None, (ask, leave)))}"
            )


def _never_with_breakdowns(definition: ReportDefinition) -> Iterable[str]:
    found = [name for name in definition.fields or () if name in _WITHOUT_BREAKDOWNS]
    if found and definition.breakdowns:
        yield (
            f"Meta refuses {listed(found)} together with any breakdown: ask for that in a report "
            "without breakdowns"
        )


def _refused_by_hour(definition: ReportDefinition) -> Iterable[str]:
    if not asks_day_by_day(definition):
        return
    refused = [name for name in _metrics(definition) if _REFUSED_BY_HOUR.match(name)]
    zero = [name for name in _metrics(definition) if name in _ZERO_BY_HOUR]
    if refused:
        yield f"Meta does not support {listed(refused)} by the hour: leave that out of fields"
    if zero:
        yield (
            f"Meta sends 0 for {listed(zero)} by the hour: leave that out of fields, and read it "
            "from a report without hours"
        )


def _refused_by_region(definition: ReportDefinition) -> Iterable[str]:
    refused = [name for name in _metrics(definition) if _REFUSED_BY_REGION.fullmatch(name)]
    if refused and "region" in definition.breakdowns:
        yield f"Meta does not support {listed(refused)} by region: leave that out of fields"


def _off_meta(definition: ReportDefinition) -> Iterable[str]:
    columns = columns_of(definition)
    fields = dict.fromkeys(
        column.source
        for column in columns
        if column.source
        and _OFF_META.fullmatch(column.source)
        and not _ON_META.fullmatch(column.action_type or "")
    )
    asked = (*definition.breakdowns, *definition.action_breakdowns)
    hidden = [name for name in _TYPE_1 if name in asked]
    blurred = [name for name in _TYPE_2 if name in asked]
    where = listed(name for name in fields if name)
    if where and hidden:
        yield (
            f"by {listed(hidden)}, Meta leaves actions off Meta (a website's purchases, an app's "
            f"installs …) out of {where}: read those from a report without that breakdown"
        )
    if where and blurred:
        yield (
            f"by {listed(blurred)}, Meta sends a website's actions without that value and an "
            f"app's not at all in {where}: read those from a report without that breakdown"
        )


def _without_actions(definition: ReportDefinition) -> Iterable[str]:
    # The parameter's description in "Ad Insights" asks for that.
    asked = [name for name in definition.action_breakdowns if name not in DEFAULT_ACTION_BREAKDOWNS]
    if asked and "actions" not in _metrics(definition):
        yield f"action_breakdowns ({listed(asked)}) need actions among fields: add that"


def _not_filtered(definition: ReportDefinition) -> Iterable[str]:
    found = [name for item in definition.filtering if (name := item.get("field")) in _NOT_FILTERED]
    if found:
        yield f"Meta cannot filter by {listed(found)}: leave that out of filtering"


_RULES: tuple[Callable[[ReportDefinition], Iterable[str]], ...] = (
    _no_dma,
    _no_permutation,
    _not_for_accounts,
    _marketing_mix,
    _with_few_metrics,
    _never_with_breakdowns,
    _refused_by_hour,
    _refused_by_region,
    _off_meta,
    _without_actions,
    _not_filtered,
)


def _metrics(definition: ReportDefinition) -> tuple[str, ...]:
    """Return what the report asks to be counted: neither ids and labels, nor what nobody knows."""
    return tuple(
        name
        for name in fields_to_ask(columns_of(definition))
        if kind_of(name) not in {Kind.TEXT, Kind.DATE, Kind.UNKNOWN}
    )
