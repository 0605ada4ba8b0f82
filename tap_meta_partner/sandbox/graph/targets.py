"""Which object and edge a path means, and whether its version is alive."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.graph.edges import has_edge
from tap_meta_partner.sandbox.protocol import errors as graph_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tap_meta_partner.sandbox.insights.report_runs import ReportRun
    from tap_meta_partner.sandbox.world.advertising import AdAccount, Node
    from tap_meta_partner.sandbox.world.world import World

_VERSION = re.compile(r"v\d+\.\d+")
_OLDEST_UNBORN = 28
_ME_EDGES = {
    "adaccounts": "ad_accounts",
    "assigned_ad_accounts": "ad_accounts",
    "permissions": "permissions",
}
_BUSINESS_EDGES = frozenset({"client_ad_accounts", "owned_ad_accounts"})
UNKNOWN_EDGE = "?"
EXCHANGE_EDGE = "oauth/access_token"


@dataclass(frozen=True, slots=True)
class Target:
    """What a call is about: its kind and edge, and the object found under its path."""

    kind: str
    edge: str = ""
    account: AdAccount | None = None
    node: Node | None = None
    run: ReportRun | None = None

    @property
    def account_id(self) -> str | None:
        """The account it is about, if it is about one."""
        return None if self.account is None else self.account.id


def split_version(path: str) -> tuple[str | None, list[str]]:
    """Return the version a path begins with (None = unversioned), and its other parts."""
    parts = [part for part in path.split("/") if part]
    if parts and _VERSION.fullmatch(parts[0]):
        return parts[0], parts[1:]
    return None, parts


def check_version(version: str | None, living: Collection[str]) -> None:
    """Raise what Meta says of a version that is not among the living, or never was one."""
    if version is None or version in living:
        return
    if version.endswith(".0") and int(version[1:-2]) < _OLDEST_UNBORN:
        raise graph_errors.deprecated_version(version)
    raise graph_errors.unknown_path(f"/{version}")


def find_target(
    method: str, parts: list[str], world: World, run_of: Callable[[str], ReportRun | None]
) -> Target:
    """Return what the parts of a path mean."""
    head, edge, *below = [*parts, "", ""]
    if any(below):  # the Graph API has nodes and their edges, nothing further down
        return Target("other", UNKNOWN_EDGE)
    fixed = _fixed_target(method, head, edge)
    if fixed is not None:
        return fixed
    if head == world.business.id and edge in _BUSINESS_EDGES:
        return Target("business_accounts", edge)
    run = run_of(head)
    if run is not None:
        return _run_target(run, method, edge)
    node = world.node(head)
    return Target("other", edge) if node is None else _node_target(node, method, edge)


def _fixed_target(method: str, head: str, edge: str) -> Target | None:
    """Return what a path means that names no object of the world."""
    if not head:
        return Target("batch" if method == "POST" else "other", "batch")
    if head == "me":
        return Target(_ME_EDGES.get(edge, "other") if edge else "me", edge)
    if (head, edge) == ("oauth", "access_token"):
        return Target("other", EXCHANGE_EDGE)
    return Target("debug_token") if head == "debug_token" else None


def _run_target(run: ReportRun, method: str, edge: str) -> Target:
    kind = "run_result" if edge == "insights" else "other" if method == "DELETE" else "poll"
    return Target(kind, account=run.query.node.account, run=run)


def _node_target(node: Node, method: str, edge: str) -> Target:
    if node.kind == "creative" and edge:
        return Target("other", UNKNOWN_EDGE)
    if has_edge(node, edge):
        return Target(edge, edge, account=node.account, node=node)
    if edge == "insights":
        by_get = "insights" if node.kind == "account" else "campaign_insights"
        kind = "run_create" if method == "POST" else by_get
    else:
        kind = "other" if edge else "account" if node.kind == "account" else "object"
    return Target(kind, edge, account=node.account, node=node)
