"""One report request, read with a list of answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.request import Reporting, ReportRequest
from tap_meta_partner.settings.model import ReportDefinition
from tests.support.fakes import TOO_MUCH, Drive, fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call
    from tap_meta_partner.graph.errors import MetaError
    from tests.support.fakes import Reply


WINDOW = DateWindow(dt.date(2026, 11, 1), dt.date(2026, 11, 3))


@dataclass(slots=True)
class Sink:
    """Keeps the rows by part, and forgets a part that is begun again."""

    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    current: str = ""

    def begin(self, part: str = "") -> None:
        """Forget a part, or all."""
        self.begun.append(part)
        if not part:
            self.parts.clear()
        self.current, self.parts[part] = part, []

    def page(self, rows: list[dict[str, Any]]) -> list[object]:
        """Keep a page, and empty it, as a sink may; what is returned are events."""
        count = len(rows)
        self.parts[self.current] += rows
        rows.clear()
        return [("page", count)]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows that count."""
        return [row for rows in self.parts.values() for row in rows]

    def values(self) -> list[int]:
        """The rows of `pages` as their numbers."""
        return [row["n"] for row in self.rows]


def request_for(
    window: DateWindow = WINDOW,
    fields: tuple[str, ...] = ("ad_id", "spend"),
    **definition: Any,  # noqa: ANN401  (of a report's definition)
) -> ReportRequest:
    return ReportRequest(
        definition=ReportDefinition(**{"name": "ad_insights", "level": "ad", **definition}),
        fields=fields,
        account_id="1",
        window=window,
    )


def read(  # noqa: PLR0913  (one switch for each circumstance)
    answer: Callable[[Call], Reply],
    *,
    sink: Sink | None = None,
    pace: Pace | None = None,
    mode: str = "auto",
    request: ReportRequest | None = None,
    drive: Drive | None = None,
) -> tuple[Drive, Pace]:
    drive = drive or Drive(answer)
    reporting = Reporting(mode=mode, jitter=lambda: 0.0, monotonic=drive.clock)
    steps = read_report(request or request_for(), sink or Sink(), pace or Pace(), reporting)
    return drive, drive(steps)


def pages(*contents: list[int]) -> Callable[[Call], Reply]:
    """Answer with these pages; the cursor of page n is `p<n>`."""

    def answer(call: Call) -> Reply:
        at = int(call.params.get("after", "p0")[1:])
        paging: dict[str, Any] = {"cursors": {"after": f"p{at + 1}"}}
        if at + 1 < len(contents):
            paging["next"] = "https://graph.example/v26.0/next?access_token=SECRET"
        return {"data": [{"n": n} for n in contents[at]], "paging": paging}

    return answer


TWO_ROWS = pages([1, 2])


def run_answers(
    *polls: dict[str, Any] | MetaError, result: Callable[[Call], Reply] = TWO_ROWS
) -> Callable[[Call], Reply]:
    """Refuse the direct way; create runs 501, 502 …; give these polls in turn, then the last."""
    state = {"runs": 500, "polls": 0}

    def answer(call: Call) -> Reply:
        if call.method == "POST":
            state["runs"] += 1
            return {"report_run_id": str(state["runs"])}
        if call.path.endswith("/insights") and call.path.startswith("5"):
            return result(call)
        if call.path.startswith("5"):
            reply = polls[min(state["polls"], len(polls) - 1)]
            state["polls"] += 1
            return reply
        return fault(*TOO_MUCH)

    return answer


def job(status: str, percent: int = 0, **more: object) -> dict[str, Any]:
    return {"async_status": status, "async_percent_completion": percent, **more}


DONE = job("Job Completed", 100)


def posts(drive: Drive) -> int:
    return sum(call.method == "POST" for call in drive.calls)
