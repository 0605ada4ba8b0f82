"""One run over a few ad accounts, against a Graph API in memory."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.settings.model import ReportDefinition, Settings
from tap_meta_partner.sync.events import StreamResult
from tap_meta_partner.sync.run import SyncRun
from tests.support.fakes import Clock as Seconds
from tests.support.fakes import FakeTransport, Graph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


#: 03:00 in London, 04:00 in Berlin, 16:00 in Auckland, and 19:00 the day before in Los Angeles.
START = dt.datetime(2026, 11, 25, 3, 0, tzinfo=dt.timezone.utc)


YESTERDAY = dt.date(2026, 11, 24)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


def plan(level: str) -> InsightsPlan:
    report = ReportDefinition(
        name=f"{level}_insights", level=level, fields=("spend",), start_date=day("11-20")
    )
    return InsightsPlan(definition=report, columns=columns_of(report), rows_to=report.name)


AD = plan("ad")
BOOKMARK = Bookmark(day=YESTERDAY, since=day("11-01"))


@dataclass(slots=True)
class Night:
    """A run whose Meta, clock and transport are made up.

    Args:
        accounts: what `/me/adaccounts` lists.
        truth: rows of ads by account id; nobody has any where left out.
        hook: asked first about every call but the list.
        latency: seconds a call takes.
        settings: of the run.
    """

    accounts: list[dict[str, Any]]
    truth: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    hook: Callable[[Call], Reply | None] = lambda _call: None
    latency: Callable[[Call], float] = lambda _call: 1.0
    settings: dict[str, Any] = field(default_factory=dict)
    seconds: Seconds = field(default_factory=Seconds)
    transports: list[FakeTransport] = field(default_factory=list)
    graph: Graph = field(init=False)
    run: SyncRun = field(init=False)

    def __post_init__(self) -> None:
        truth = {str(item["account_id"]): [] for item in self.accounts}
        self.graph = Graph({**truth, **self.truth}, hook=self._answer)
        begun = self.seconds.now
        self.run = SyncRun(
            settings=Settings(**{"access_token": "T", **self.settings}),
            clock=Clock(
                utc_now=lambda: START + dt.timedelta(seconds=self.seconds.now - begun),
                monotonic=self.seconds,
                jitter=lambda: 0.0,
            ),
            further=False,
            make_transport=self._transport,
        )

    def _transport(self) -> FakeTransport:
        self.transports.append(FakeTransport(self.graph, self.seconds, self.latency))
        return self.transports[-1]

    def _answer(self, call: Call) -> Reply | None:
        reply = self.hook(call)
        if reply is None and call.path == "me/adaccounts":
            return {"data": self.accounts}
        return reply

    def events(
        self, *plans: InsightsPlan, bookmarks: dict[str, dict[str, Bookmark]] | None = None
    ) -> Iterator[Any]:
        """Read all accounts in these streams."""
        wanted = plans or (AD,)
        return self.run.events(wanted, {item.name: {} for item in wanted} | (bookmarks or {}))

    def outcomes(self) -> dict[tuple[str, str], str]:
        """Return each account's result in each stream."""
        return {(item.account_id, item.stream): item.result for item in self.run.results.of_streams}

    def asked(self) -> list[str]:
        """Return the paths asked, in order."""
        return [call.path for call in self.graph.calls]


def account(account_id: str, **more: object) -> dict[str, Any]:
    return {"account_id": account_id, "account_status": 1, "timezone_name": "UTC", **more}


THREE = [account("1", name="One"), account("2", name="Two"), account("3", name="Three")]


def result(account_id: str, kind: str, stream: str = "ad_insights", **more: Any) -> StreamResult:  # noqa: ANN401
    return StreamResult(
        **{"account_id": account_id, "account_name": "", "stream": stream, "result": kind, **more}
    )
