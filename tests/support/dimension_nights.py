"""Nights on which dimensions are read: a clock that moves, and what a target would hold."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.support.tap_process import catalog_selecting, run_tap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox
    from tap_meta_partner.sandbox.protocol.calls import ReceivedCall
    from tap_meta_partner.sandbox.world.advertising import Ad, AdAccount, AdSet, Campaign
    from tests.support.tap_process import Output

DIMENSIONS = ("campaigns", "adsets", "ads", "adcreatives")
DAY = dt.timedelta(days=1)
#: By stream, the last record of each key.
Tables = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


class Clock:
    """What time it is in the sandbox, and in the tap."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 25, 3, tzinfo=dt.timezone.utc)

    def __call__(self) -> dt.datetime:
        """Tell it."""
        return self.now


class Nights:
    """Runs, one after another, into the tables of an upserting target.

    Args:
        sandbox: whose world tells the time by `clock`.
        clock: moves by a day after each run.
        folder: for the files a run is given.
        streams: those selected.
        settings: of the tap.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        clock: Clock,
        folder: Path,
        *streams: str,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self.folder = folder
        self.streams = streams or DIMENSIONS
        self.settings = settings
        self.state: dict[str, Any] = {}
        self.tables: Tables = defaultdict(dict)
        self._calls_before = 0

    def run(
        self,
        *streams: str,
        days: float = 1,
        settings: dict[str, Any] | None = None,
        without: Collection[str] = (),
        **more: Any,  # noqa: ANN401
    ) -> Output:
        """Run once, from the last state, without some columns; then it is `days` later."""
        self._calls_before = len(self.sandbox.calls)
        config = {"access_token": self.sandbox.token, "api_url": self.sandbox.url}
        config |= {**self.settings, **(settings or {})}
        catalog = catalog_selecting(config, *(streams or self.streams))
        for entry in catalog["streams"]:
            for item in entry["metadata"]:
                if item["breadcrumb"] and item["breadcrumb"][1] in without:
                    item["metadata"]["selected"] = False
        output = run_tap(
            self.folder,
            config,
            state=self.state,
            catalog=catalog,
            **{"arguments": ("--now", self.clock.now.isoformat()), "minute": 60, **more},
        )
        self.state = output.state or self.state
        for stream, table in output.tables.items():
            self.tables[stream] |= table
        self.clock.now += days * DAY
        return output

    def calls(self, kind: str | None = None) -> list[ReceivedCall]:
        """The calls of the last run that had to do with an account's objects."""
        wanted = {kind} if kind else {*DIMENSIONS, "object"}
        return [call for call in self.sandbox.calls[self._calls_before :] if call.kind in wanted]

    def objects(
        self, stream: str, account: AdAccount | None = None
    ) -> Iterator[tuple[AdAccount, Campaign | AdSet | Ad]]:
        """All objects there are of the accounts that can be read."""
        for each in [account] if account else self.sandbox.world.readable():
            for one in each.objects(stream.removesuffix("s")):
                yield each, one

    def true_statuses(self, stream: str) -> dict[str, str]:
        """The effective status that each object of the world has now."""
        statuses = self.sandbox.world.statuses
        return {each.id: statuses.effective(each) for _, each in self.objects(stream)}

    def statuses(self, stream: str) -> dict[str, str]:
        """What the table says of them."""
        return {row["id"]: row["effective_status"] for row in self.tables[stream].values()}

    def orphans(self) -> dict[str, set[str]]:
        """By level, and for creatives, the ids that other rows name and the dimension has not."""
        found = {}
        named = {f"{level}s": (f"{level}_id", "ad_insights") for level in ("campaign", "adset")}
        named |= {"ads": ("ad_id", "ad_insights"), "adcreatives": ("creative_id", "ads")}
        for dimension, (column, stream) in named.items():
            ids = {row[column] for row in self.tables[stream].values() if row[column]}
            assert ids
            found[dimension] = ids - {row["id"] for row in self.tables[dimension].values()}
        return found


def partitions(state: dict[str, Any], stream: str) -> dict[str, dict[str, Any]]:
    """Return a stream's partitions by account."""
    found = state["bookmarks"][stream]["partitions"]
    return {each["context"]["account_id"]: each for each in found}
