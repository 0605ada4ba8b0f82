"""A bounded memory of lists that are dear to make and soon wanted again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Sized

K = TypeVar("K", bound="Hashable")
V = TypeVar("V", bound="Sized")


class RecentlyUsed(Generic[K, V]):
    """The most recently used lists, as many as hold `limit` entries together.

    `functools.lru_cache` counts lists; one here may hold a single entry or ten thousand.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._lists: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return the list kept under `key`, if it still is."""
        with self._lock:
            if key in self._lists:
                self._lists.move_to_end(key)
            return self._lists.get(key)

    def put(self, key: K, entries: V) -> None:
        """Keep `entries`, and drop what has gone unused longest when there are too many."""
        with self._lock:
            if key in self._lists:
                return
            self._lists[key] = entries
            self._held += len(entries) + 1
            while self._held > self._limit and len(self._lists) > 1:
                _, dropped = self._lists.popitem(last=False)
                self._held -= len(dropped) + 1
