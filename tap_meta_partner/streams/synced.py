"""A stream that is read account by account: one of them leads, all keep bookmarks by account."""

from __future__ import annotations

import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from tap_meta_partner.streams.leading import Leader
from tap_meta_partner.streams.partner import PartnerStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk import metrics
    from singer_sdk.helpers import types


class SyncedStream(PartnerStream):
    """A stream whose rows come with those of the others, ad account by ad account."""

    counter: metrics.Counter | None = None
    _by_account: dict[str, dict[str, Any]] | None = None

    @override
    def get_records(self, context: types.Context | None) -> Iterable[dict[str, Any]]:
        if self.is_dry_run:
            return Leader(self, [self], None).records()
        streams = self._tap.selected_synced
        if streams[0] is not self:
            # The leader has written this stream's rows already.
            return ()
        return Leader(self, streams, self._tap.selected_status).records()

    @abstractmethod
    def bookmarks(self) -> dict[str, Any]:
        """Read the bookmarks of all accounts out of the state.

        Raises:
            SettingsError: the state cannot be understood.
        """

    @abstractmethod
    def keep(self, account_id: str, bookmark: Any) -> None:  # noqa: ANN401  (each has its own kind)
        """Write an account's bookmark into the state (STATE is sent later)."""

    @override
    def get_record_counter(self, **kwargs: Any) -> metrics.Counter:
        """Count the records that the leading stream wrote, for itself or for this one."""
        self.counter = super().get_record_counter(**kwargs)
        if self._tap.has_run:
            self.counter.increment(self._tap.run.rows[self.name])
        return self.counter

    @property
    def partition_count(self) -> int:
        """How many accounts have a bookmark."""
        return len(self.partitions_by_account())

    def partition_of(self, account_id: str) -> dict[str, Any]:
        """Return an account's partition of the state, made where there is none yet."""
        known = self.partitions_by_account()
        if account_id not in known:
            known[account_id] = {"context": {"account_id": account_id}}
            self.stream_state.setdefault("partitions", []).append(known[account_id])
        return known[account_id]

    def partitions_by_account(self) -> dict[str, dict[str, Any]]:
        """Index the state's partitions by account: the SDK's own look-up searches a list."""
        if self._by_account is None:
            self._by_account = {}
            for partition in self.stream_state.get("partitions") or []:
                self._by_account[str(partition["context"]["account_id"])] = partition
        return self._by_account
