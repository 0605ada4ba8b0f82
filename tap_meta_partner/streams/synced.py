"""A stream that is read account by account: one of them leads, all keep bookmarks by account."""

from __future__ import annotations

import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tap_meta_partner.settings import SettingsError
from tap_meta_partner.streams.leading import Leader
from tap_meta_partner.streams.partner import PartnerStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import metrics
    from singer_sdk.helpers import types

BookmarkT = TypeVar("BookmarkT")


class SyncedStream(PartnerStream, Generic[BookmarkT]):
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

    @override
    def get_record_counter(self, **kwargs: Any) -> metrics.Counter:
        """Count the records that the leading stream wrote, for itself or for this one."""
        self.counter = super().get_record_counter(**kwargs)
        if self._tap.has_run:
            self.counter.increment(self._tap.run.rows[self.name])
        return self.counter

    # Bookmarks.

    @staticmethod
    @abstractmethod
    def read_partition(partition: Mapping[str, Any]) -> BookmarkT:
        """Read a bookmark out of a partition of the state.

        Raises:
            ValueError: a value in it cannot be understood (the text says which).
        """

    @abstractmethod
    def keep(self, account_id: str, bookmark: BookmarkT) -> None:
        """Write an account's bookmark into the state (STATE is sent later)."""

    def bookmarks(self) -> dict[str, BookmarkT]:
        """Read the bookmarks of all accounts out of the state.

        Raises:
            SettingsError: the state cannot be understood.
        """
        partitions = self.partitions_by_account()
        if not partitions and self.stream_state.get("replication_key_value"):
            self.logger.warning(
                "%s: the state's bookmark is one for all ad accounts, as other taps write it; it "
                "is not used, every account starts anew",
                self.name,
            )
        return {
            account_id: self._read_bookmark(account_id, partition)
            for account_id, partition in partitions.items()
        }

    def _read_bookmark(self, account_id: str, partition: Mapping[str, Any]) -> BookmarkT:
        try:
            return self.read_partition(partition)
        except ValueError as error:
            raise SettingsError(
                f"the state of {self.name}, account {account_id}, cannot be read ({error}): "
                "correct it, or remove this partition to read the account anew"
            ) from None

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
