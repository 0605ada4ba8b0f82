"""Edges of campaigns, ad sets, ads and creatives: which of them are listed, and how.

Archived and deleted objects are listed only when `effective_status`, or a filter on it, names
them; creatives take no such parameter. Whether a deleted object may be listed at all is a dial,
since Meta's documents say no (it is readable by its own id only) while connectors in use ask so.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.graph import objects
from tap_meta_partner.sandbox.graph.accounts import FieldRequest, field_requests
from tap_meta_partner.sandbox.insights.query import conditions, name_list
from tap_meta_partner.sandbox.protocol.errors import invalid_parameter
from tap_meta_partner.sandbox.protocol.paging import Page, page_of
from tap_meta_partner.sandbox.protocol.vocabulary import EFFECTIVE_STATUSES
from tap_meta_partner.sandbox.world import activities, assets
from tap_meta_partner.sandbox.world.assets import ASSET_EDGES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_meta_partner.sandbox.graph.objects import Object
    from tap_meta_partner.sandbox.insights.query import Condition
    from tap_meta_partner.sandbox.world.advertising import Ad, AdSet, Campaign, Node
    from tap_meta_partner.sandbox.world.world import World

#: What each edge lists.
KINDS = {"campaigns": "campaign", "adsets": "adset", "ads": "ad", "adcreatives": "creative"}
_ACTIVITIES = "activities"
_EDGES = {
    "account": frozenset(KINDS) | ASSET_EDGES | {_ACTIVITIES},
    "campaign": frozenset({"adsets", "ads"}),
    "adset": frozenset({"ads"}),
    "ad": frozenset({"adcreatives"}),
}
_GONE = frozenset({"ARCHIVED", "DELETED"})
_LATER = {"GREATER_THAN": 1, "GREATER_THAN_OR_EQUAL": 0, "AFTER": 1, "ON_OR_AFTER": 0}


def has_edge(node: Node, edge: str) -> bool:
    """Tell whether the node lists objects there."""
    return edge in _EDGES.get(node.kind, frozenset())


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which objects a call lists; None = whatever. `updated_from` is a Unix time, included."""

    statuses: frozenset[str] | None
    updated_from: int | None
    ids: Mapping[str, frozenset[str]]


def page(
    world: World,
    node: Node,
    edge: str,
    params: Mapping[str, str],
    *,
    deleted_by: Collection[str],
) -> Page[Object]:
    """Return the page of objects `params` ask for; `deleted_by` are those that may name DELETED."""
    requests = field_requests(params.get("fields"))
    if edge == _ACTIVITIES:
        return _activities(world, node, requests, params)
    if edge in ASSET_EDGES:
        return _assets(world, node, edge, requests, params)
    kind = KINDS[edge]
    objects.check_fields(kind, requests)
    below = [each for each in node.account.objects(_carrier(kind)) if _is_below(each, node)]
    if kind != "creative":
        for status in name_list(params.get("effective_status")):
            _check_status(kind, status, deleted_listed="effective_status" in deleted_by)
        wanted = _wanted(kind, params, deleted_filtered="filtering" in deleted_by)
        below = [each for each in below if _is_listed(world, each, wanted)]
    found = page_of(below, params)
    rows = [objects.described(world, kind, node.account, each, requests) for each in found.rows]
    return Page(rows, found.start, found.end, found.more)


def _assets(
    world: World,
    node: Node,
    edge: str,
    requests: tuple[FieldRequest, ...],
    params: Mapping[str, str],
) -> Page[Object]:
    """Return a page of what an account holds besides its campaigns."""
    objects.check_fields(edge, requests)
    found = page_of(assets.listed(world, node.account, edge), params)
    names = {"id", *(name for name, _ in requests)}
    rows = [{name: each[name] for name in each if name in names} for each in found.rows]
    return Page(rows, found.start, found.end, found.more)


def _activities(
    world: World,
    node: Node,
    requests: tuple[FieldRequest, ...],
    params: Mapping[str, str],
) -> Page[Object]:
    """Return a page of what happened between two moments; in the last week if none is given."""
    objects.check_fields(_ACTIVITIES, requests)
    until = _moment(params, "until", world.now())
    since = _moment(params, "since", until - dt.timedelta(days=7))
    happened = activities.happened(world, node.account)
    found = page_of([each for moment, each in happened if since <= moment <= until], params)
    names = {name for name, _ in requests}
    rows = [{name: each[name] for name in each if name in names} for each in found.rows]
    return Page(rows, found.start, found.end, found.more)


def _moment(params: Mapping[str, str], name: str, default: dt.datetime) -> dt.datetime:
    given = params.get(name)
    if given is None:
        return default
    if not given.isdecimal():
        raise invalid_parameter(f"{name} must be a Unix time")
    return dt.datetime.fromtimestamp(int(given), tz=dt.timezone.utc)


def _carrier(kind: str) -> str:
    """Return the ad a creative stands for: there is one for each."""
    return "ad" if kind == "creative" else kind


def _is_below(each: Campaign | AdSet | Ad, node: Node) -> bool:
    if node.kind == "account" or each.id == node.id:
        return True
    return getattr(each, f"{node.kind}_id", None) == node.id


def _is_listed(world: World, each: Campaign | AdSet | Ad, wanted: _Wanted) -> bool:
    status = world.statuses.effective(each)
    if status in _GONE if wanted.statuses is None else status not in wanted.statuses:
        return False
    if any(str(getattr(each, column)) not in ids for column, ids in wanted.ids.items()):
        return False
    if wanted.updated_from is None:
        return True
    return int(world.statuses.updated(each).timestamp()) >= wanted.updated_from


def _wanted(kind: str, params: Mapping[str, str], *, deleted_filtered: bool) -> _Wanted:
    statuses = name_list(params.get("effective_status"))
    since = params.get("updated_since")
    if since is not None and not since.isdecimal():
        raise invalid_parameter("updated_since must be an integer")
    updated_from = int(since) if since and kind != "campaign" else None
    ids: dict[str, frozenset[str]] = {}
    for condition in conditions(params.get("filtering")):
        object_kind, _, name = condition.field.partition(".")
        if name == "updated_time" and object_kind == kind:
            updated_from = max(updated_from or 0, _later(condition))
        elif name == "effective_status" and object_kind == kind and condition.operator == "IN":
            for status in condition.values:
                _check_status(kind, status, deleted_listed=deleted_filtered)
            statuses += condition.values
        elif name == "id" and object_kind in EFFECTIVE_STATUSES and condition.operator == "IN":
            ids["id" if object_kind == kind else f"{object_kind}_id"] = frozenset(condition.values)
        else:
            raise invalid_parameter(f"Filtering field {condition.field} is not supported here")
    return _Wanted(frozenset(statuses) if statuses else None, updated_from, ids)


def _later(condition: Condition) -> int:
    value = condition.values[0] if condition.values else ""
    if condition.operator not in _LATER or not value.isdecimal():
        raise invalid_parameter(f"{condition.field} must be compared with a Unix time")
    return int(value) + _LATER[condition.operator]


def _check_status(kind: str, status: str, *, deleted_listed: bool) -> None:
    known = EFFECTIVE_STATUSES[kind]
    if status not in known:
        raise invalid_parameter(
            f"Param effective_status[0] must be one of {{{', '.join(sorted(known))}}}"
        )
    if status == "DELETED" and not deleted_listed:
        raise invalid_parameter("Deleted objects cannot be listed; read them by their own id")
