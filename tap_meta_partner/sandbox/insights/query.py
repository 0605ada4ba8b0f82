"""What an insights call asks for: its parameters read and judged as Meta would."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.insights import breakdowns as breakdown_rules
from tap_meta_partner.sandbox.insights import periods
from tap_meta_partner.sandbox.insights.periods import Span
from tap_meta_partner.sandbox.protocol.errors import (
    beyond_history,
    invalid_parameter,
    unknown_field,
    wrong_level,
)
from tap_meta_partner.sandbox.protocol.vocabulary import (
    ACTION_BREAKDOWNS,
    ATTRIBUTION_WINDOWS,
    INSIGHT_FIELDS,
)
from tap_meta_partner.sandbox.world import splitting
from tap_meta_partner.sandbox.world.truth import LEVELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from tap_meta_partner.sandbox.world.advertising import Node

_DEPTH = {level: depth for depth, level in enumerate(LEVELS)}
# Meta's page says 90, and Meta refuses it.
_LONGEST_INCREMENT = 89
# The level from which on a field has a meaning; others are known at every level.
_FIELD_LEVELS = {
    "campaign_id": "campaign",
    "campaign_name": "campaign",
    "objective": "account",
    "adset_id": "adset",
    "adset_name": "adset",
    "ad_id": "ad",
    "ad_name": "ad",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `filtering`; a single value is a tuple of one."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InsightsQuery:
    """One insights report: a node, a level, a span of days and what to tell of them.

    `withheld` are fields Meta leaves out of it without an error; an `empty` one has no row at all,
    since it begins before the history of its breakdown, or its account has not opted in.
    """

    node: Node
    level: str
    fields: tuple[str, ...]
    span: Span
    increment: int | str
    breakdowns: tuple[str, ...]
    action_breakdowns: tuple[str, ...]
    windows: tuple[str, ...]
    conditions: tuple[Condition, ...]
    withheld: frozenset[str]
    empty: bool


def read_query(
    params: Mapping[str, str],
    node: Node,
    today: dt.date,
    opted_in: Collection[str] = splitting.FEATURES,
    *,
    history_limits: bool = True,
) -> InsightsQuery:
    """Return the query `params` put to `node`; raise what Meta answers to a wrong one.

    `today` is the account's own, since presets and the edge of history follow it; `opted_in` are
    the features its advertiser has switched on; without `history_limits` breakdowns reach back as
    far as totals do.
    """
    level = _level(params, node)
    fields = _fields(params.get("fields"), level)
    breakdowns = name_list(params.get("breakdowns"))
    # An empty list is an answer too: then Meta adds no action type.
    action_breakdowns = name_list(params.get("action_breakdowns") or "action_type")
    _all_known(action_breakdowns, ACTION_BREAKDOWNS, "action_breakdowns")
    breakdown_rules.check(breakdowns, action_breakdowns, level, fields)
    windows = name_list(params.get("action_attribution_windows"))
    _all_known(windows, ATTRIBUTION_WINDOWS, "action_attribution_windows")
    span = _span(params, today)
    oldest = span.since if history_limits else today
    return InsightsQuery(
        node=node,
        level=level,
        fields=fields,
        span=span,
        increment=_increment(params.get("time_increment")),
        breakdowns=breakdowns,
        action_breakdowns=action_breakdowns,
        windows=windows,
        conditions=conditions(params.get("filtering")),
        withheld=breakdown_rules.withheld(breakdowns, oldest, today),
        empty=not breakdown_rules.is_opted_in(breakdowns, opted_in)
        or breakdown_rules.is_too_old(breakdowns, oldest, today),
    )


def name_list(text: str | None) -> tuple[str, ...]:
    """Return the names in a comma-separated or a JSON list: Meta takes both."""
    if not text:
        return ()
    if not text.lstrip().startswith("["):
        return tuple(name.strip() for name in text.split(",") if name.strip())
    return tuple(str(name) for name in _json(text, "list"))


def _level(params: Mapping[str, str], node: Node) -> str:
    # The marketing mix is told of ad sets only, which is then the default.
    usual = "adset" if params.get("breakdowns") == "mmm" else node.kind
    level = params.get("level") or usual
    if level not in _DEPTH:
        raise invalid_parameter(f"level must be one of the following values: {', '.join(LEVELS)}")
    if _DEPTH[level] < _DEPTH[node.kind]:
        raise wrong_level(level, node.kind)
    return level


def _fields(text: str | None, level: str) -> tuple[str, ...]:
    fields = name_list(text)
    if not fields:
        ids = tuple(f"{known}_id" for known in LEVELS[: _DEPTH[level] + 1])
        return (*ids, "impressions", "spend")
    for name in fields:
        if name not in INSIGHT_FIELDS:
            raise unknown_field(name)
        if _DEPTH[_FIELD_LEVELS.get(name, "account")] > _DEPTH[level]:
            raise unknown_field(name, where=f" at level {level}")
    return tuple(dict.fromkeys(fields))


def _all_known(names: tuple[str, ...], known: frozenset[str], parameter: str) -> None:
    for name in names:
        if name not in known:
            raise invalid_parameter(
                f"{parameter}[0] must be one of the following values: {', '.join(sorted(known))}"
            )


def _span(params: Mapping[str, str], today: dt.date) -> Span:
    if params.get("time_ranges"):
        # Meta takes it; better refused here than answered with other days than those asked for.
        raise invalid_parameter("time_ranges is not served by this sandbox: ask with time_range")
    if params.get("time_range"):
        span = _time_range(params["time_range"])
    else:
        name = params.get("date_preset") or "last_30d"
        found = periods.preset(name, today)
        if found is None:
            raise invalid_parameter(f"date_preset must be one of the following values, not {name}")
        span = found
    if span.since < periods.months_before(today, periods.HISTORY_MONTHS):
        raise beyond_history()
    return span


def _time_range(text: str) -> Span:
    value = _json(text, "time_range")
    try:
        span = Span(dt.date.fromisoformat(value["since"]), dt.date.fromisoformat(value["until"]))
    except (KeyError, TypeError, ValueError):
        raise invalid_parameter(
            "time_range must be an object with since and until as YYYY-MM-DD"
        ) from None
    if span.since > span.until:
        raise invalid_parameter("since must be earlier than or equal to until in time_range")
    return span


def _increment(text: str | None) -> int | str:
    if not text or text == "all_days":
        return "all_days"
    if text == "monthly":
        return "monthly"
    if text.isdecimal() and 1 <= int(text) <= _LONGEST_INCREMENT:
        return int(text)
    raise invalid_parameter("time_increment must be an integer from 1 to 89, monthly or all_days")


def conditions(text: str | None) -> tuple[Condition, ...]:
    """Return the conditions of a `filtering` parameter."""
    if not text:
        return ()
    entries = _json(text, "filtering")
    try:
        return tuple(
            Condition(str(entry["field"]), str(entry["operator"]).upper(), _texts(entry["value"]))
            for entry in entries
        )
    except (KeyError, TypeError):
        raise invalid_parameter(
            "filtering must be a list of objects with field, operator and value"
        ) from None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _json(text: str, parameter: str) -> Any:  # noqa: ANN401  (anything a caller may send)
    try:
        return json.loads(text)
    except ValueError:
        raise invalid_parameter(f"{parameter} is not valid JSON: {text}") from None
