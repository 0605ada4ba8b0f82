"""One ad account through a run, driven by hand: what is asked, closed and delivered."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.reports.request import Reporting
from tap_meta_partner.settings.model import ReportDefinition, Settings
from tap_meta_partner.sync.account import sync_account
from tap_meta_partner.sync.events import BookmarkMoved, Outcome, Rows, StreamResult
from tap_meta_partner.sync.evidence import Evidence
from tap_meta_partner.sync.shared import Shared
from tests.support.fakes import Drive, ad_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_meta_partner.dimensions.request import DimensionPlan
    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


TODAY = dt.date(2026, 11, 25)
YESTERDAY = dt.date(2026, 11, 24)
NOW = dt.datetime(2026, 11, 25, 3, 0, tzinfo=dt.timezone.utc)
ACCOUNT = AdAccount(account_id="1", name="Client One", timezone_name="Europe/Berlin")
NEW = Bookmark()


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


def plan(
    level: str,
    start: str | None = None,
    **definition: Any,  # noqa: ANN401  (of a report's definition)
) -> InsightsPlan:
    wanted = {
        "name": f"{level}_insights",
        "level": level,
        "fields": ("impressions", "spend"),
        "start_date": day(start) if start else None,
        **definition,
    }
    report = ReportDefinition(**wanted)
    return InsightsPlan(definition=report, columns=columns_of(report), rows_to=report.name)


def shared_with(
    drive: Drive,
    *,
    mode: str = "auto",
    evidence: Evidence | None = None,
    may_begin: Callable[[], bool] = lambda: True,
    utc_now: Callable[[], dt.datetime] = lambda: NOW,
    **settings: Any,  # noqa: ANN401
) -> Shared:
    return Shared(
        settings=Settings(**{"access_token": "T", "report_mode": mode, **settings}),
        reporting=Reporting(mode=mode, jitter=lambda: 0.0, monotonic=drive.clock),
        utc_now=utc_now,
        may_begin=may_begin,
        evidence=evidence or Evidence(),
    )


def sync(  # noqa: PLR0913
    graph: Callable[[Call], Reply],
    plans: Sequence[InsightsPlan | DimensionPlan],
    *,
    bookmarks: Mapping[str, Any] | None = None,
    account: AdAccount = ACCOUNT,
    today: dt.date = TODAY,
    drive: Drive | None = None,
    **run: Any,  # noqa: ANN401
) -> Drive:
    drive = drive or Drive(graph)
    known = {item.name: NEW for item in plans} if bookmarks is None else bookmarks
    drive(sync_account(account, today, plans, known, shared_with(drive, **run)))
    assert drive.runs_held == 0
    return drive


def asked(drive: Drive) -> list[tuple[str, str, str]]:
    """Return level, first and last day of what was asked directly, without the year."""
    return [
        (
            call.params["level"],
            call.params["time_range"]["since"][5:],
            call.params["time_range"]["until"][5:],
        )
        for call in drive.calls
        if "time_range" in call.params and call.method == "GET" and "after" not in call.params
    ]


def bookmarks_of(drive: Drive, stream: str) -> list[Bookmark]:
    """Return where a stream's bookmark stood behind each window; not that it met with trouble."""
    return [
        event.bookmark
        for event in drive.events
        if isinstance(event, BookmarkMoved)
        and event.stream == stream
        and isinstance(event.bookmark, Bookmark)
        and event.bookmark.trouble is None
    ]


def closed(drive: Drive, stream: str) -> list[dt.date | None]:
    """Return the day up to which a stream was delivered, behind each window."""
    return [bookmark.day for bookmark in bookmarks_of(drive, stream)]


def covered(drive: Drive, stream: str) -> str:
    """Return the days delivered in a stream, without the year."""
    return str(results(drive)[stream].covered).replace("2026-", "")


def last_bookmark(drive: Drive, stream: str) -> Bookmark:
    return bookmarks_of(drive, stream)[-1]


def results(drive: Drive) -> dict[str, StreamResult]:
    found = [event for event in drive.events if isinstance(event, StreamResult)]
    by_stream = {result.stream: result for result in found}
    assert len(by_stream) == len(found), "a stream has two results"
    return by_stream


def outcomes(drive: Drive) -> dict[str, Outcome]:
    return {name: result.result for name, result in results(drive).items()}


def records(drive: Drive, stream: str) -> list[dict[str, Any]]:
    return [
        record
        for event in drive.events
        if isinstance(event, Rows) and event.stream == stream
        for record in event.records
    ]


def every_day(first: str, days: int, spend: str = "1.25") -> list[dict[str, Any]]:
    """Return one ad's rows, one a day."""
    start = day(first)
    return [ad_row(str(start + dt.timedelta(days=n)), "a1", spend) for n in range(days)]


NOTHING: dict[str, list[dict[str, Any]]] = {"1": []}


#: 28 August to 25 November: 90 days.
QUARTER = {"1": every_day("08-28", 90)}
