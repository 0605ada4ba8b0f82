"""What has been done to campaigns, ad sets and ads since the world was made.

Their effective status follows from their own status and those above them. A parent that is paused
or archived changes the effective status of everything below without moving its `updated_time`.
"""

from __future__ import annotations

import datetime as dt
from hashlib import blake2b
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.protocol.vocabulary import EFFECTIVE_STATUSES
from tap_meta_partner.sandbox.world.advertising import AdAccount

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.sandbox.world.advertising import Ad, AdSet, Campaign, Node

#: Statuses an advertiser can set; the others are Meta's own findings.
CONFIGURED = frozenset({"ACTIVE", "PAUSED", "ARCHIVED", "DELETED"})
# How many days before its account's first delivery an object was made, at least: parents first.
_MADE_BEFORE = {"campaign": 120, "adset": 60, "ad": 5}
_SPREAD_SECONDS = 50 * 86_400


class Statuses:
    """The statuses and times of every object of a world; `changes` counts what was done."""

    def __init__(
        self, seed: int, now: Callable[[], dt.datetime], node: Callable[[str], Node | None]
    ) -> None:
        self.changes = 0
        self._seed = seed
        self._now = now
        self.begun = now()
        #: What was set: of which object, when, and what it was before.
        self.log: list[tuple[str, dt.datetime, str, str]] = []
        self._node = node
        self._configured: dict[str, str] = {}
        self._found: dict[str, str] = {}
        self._touched: dict[str, dt.datetime] = {}

    def set(self, object_id: str, status: str) -> None:
        """Give a campaign, ad set or ad another status, which moves its `updated_time`.

        Everything below follows in its effective status, without moving. A status of Meta's own
        leaves the configured one.
        """
        kind = self._known(object_id).kind
        if status not in EFFECTIVE_STATUSES[kind] or status.endswith("_PAUSED"):
            raise ValueError(f"{status!r} is not a status of its own for a {kind}")
        if status in CONFIGURED:
            self.log.append((object_id, self._now(), self._told(object_id), status))
            self._configured[object_id] = status
            self._found.pop(object_id, None)
        else:
            self._found[object_id] = status
        self.touch(object_id)

    def delete(self, object_id: str) -> None:
        """Delete a campaign, ad set or ad with all below.

        Its rows leave reports at its own level unless they are filtered by its status or asked of
        its own id; its parents' totals keep them.
        """
        self.set(object_id, "DELETED")

    def touch(self, object_id: str) -> None:
        """Move `updated_time` of one object to now, as an edit of any other field does."""
        self._known(object_id)
        self._touched[object_id] = self._now()
        self.changes += 1

    def configured(self, each: Campaign | AdSet | Ad) -> str:
        """Return the status its advertiser gave it."""
        given = self._configured.get(each.id)
        if given is not None:
            return given
        return "ARCHIVED" if each.effective_status == "ARCHIVED" else "ACTIVE"

    def effective(self, each: Campaign | AdSet | Ad) -> str:
        """Return what it comes to, given the objects above it."""
        if not self.changes:
            return each.effective_status
        own = self.configured(each)
        above = {kind: self.configured(parent) for kind, parent in self._above(each).items()}
        for gone in ("DELETED", "ARCHIVED"):
            if gone == own or gone in above.values():
                return gone
        if own == "PAUSED":
            return own
        for kind in ("campaign", "adset"):
            if above.get(kind) == "PAUSED":
                return f"{kind.upper()}_PAUSED"
        return self._found.get(each.id, "ACTIVE")

    def deleted(self, account: AdAccount, kind: str) -> frozenset[str]:
        """Return the ids of the account's deleted objects of a kind, also those whose parent is."""
        if "DELETED" not in self._configured.values():
            return frozenset()
        return frozenset(
            each.id for each in account.objects(kind) if self.effective(each) == "DELETED"
        )

    def created(self, each: Campaign | AdSet | Ad) -> dt.datetime:
        """Return when it was made, some time before its account's first delivery."""
        node = self._known(each.id)
        first = node.account.first_day or node.account.created.date() + dt.timedelta(days=400)
        start = dt.datetime.combine(first, dt.time(), tzinfo=dt.timezone.utc)
        days = dt.timedelta(days=_MADE_BEFORE[node.kind])
        return start - days - dt.timedelta(seconds=self._draw(each.id, "created", _SPREAD_SECONDS))

    def updated(self, each: Campaign | AdSet | Ad) -> dt.datetime:
        """Return when it was last changed itself: between its making and the world's, or since."""
        touched = self._touched.get(each.id)
        if touched is not None:
            return touched
        created = self.created(each)
        lived = max(1, int((self.begun - created).total_seconds()))
        return created + dt.timedelta(seconds=self._draw(each.id, "updated", lived))

    def _above(self, each: Campaign | AdSet | Ad) -> dict[str, Campaign | AdSet | Ad]:
        ids = {kind: getattr(each, f"{kind}_id", None) for kind in ("campaign", "adset")}
        return {kind: self._object(above) for kind, above in ids.items() if above is not None}

    def _object(self, object_id: str) -> Campaign | AdSet | Ad:
        found = self._known(object_id).object
        if isinstance(found, AdAccount):
            raise KeyError(object_id)
        return found

    def _known(self, object_id: str) -> Node:
        node = self._node(object_id)
        if node is None or node.kind not in EFFECTIVE_STATUSES:
            raise KeyError(object_id)
        return node

    def _told(self, object_id: str) -> str:
        return self.configured(self._object(object_id))

    def _draw(self, object_id: str, what: str, below: int) -> int:
        key = f"{self._seed}/{what}/{object_id}".encode()
        return int.from_bytes(blake2b(key, digest_size=8).digest(), "big") % below
