"""A Graph API in memory and a transport with a clock of its own: no sockets, no sleeping."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_meta_partner.graph.calls import Answer, Call
from tap_meta_partner.graph.error_codes import from_envelope
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.graph.steps import Ahead, Pause, ReportRunSlot
from tap_meta_partner.graph.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_meta_partner.lanes.lane import Lane

#: What a call is answered with.
Reply: TypeAlias = "dict[str, Any] | MetaError | Answer"


def fault(code: int, subcode: int | None = None, message: str = "made up") -> MetaError:
    """Return the error that Meta's envelope with this code becomes."""
    envelope: dict[str, Any] = {"code": code, "message": message}
    if subcode is not None:
        envelope["error_subcode"] = subcode
    return from_envelope(envelope, status=400)


# Errors by what they ask of the caller; the codes are those of Meta's own tables.
TOO_MUCH = (2, 1504038)
TOO_MANY_POINTS = (100, 1487534)
RUN_TOO_LARGE = (-3, 1504045)
CURSOR_LOST = (2642, None)
NOT_READY = (2601, 1815107)
NOT_THERE = (100, 33)
NO_ACCESS = (200, None)
WRONG_FIELD = (100, None)
TOKEN_DEAD = (190, 463)
ACCOUNT_LIMIT = (80000, 2446079)
APP_LIMIT = (4, 1504022)


@dataclass(slots=True)
class Clock:
    """Seconds that go forward only when told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Return the present second."""
        return self.now


@dataclass(slots=True)
class Drive:
    """Drives one account's steps to their end, as lanes would, and keeps what it saw.

    Args:
        answer: what Meta says to a call.
        clock: goes forward by the pauses.
    """

    answer: Callable[[Call], Reply]
    clock: Clock = field(default_factory=Clock)
    calls: list[Call] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    #: Calls sent before their answer was asked for, each with how many events there were then.
    aheads: list[tuple[Call, int]] = field(default_factory=list)
    runs_held: int = 0
    most_runs_held: int = 0

    def __call__(self, steps: Any) -> Any:  # noqa: ANN401  (Steps of anything)
        """Return what the steps return."""
        outcome: Any = None
        while True:
            try:
                if isinstance(outcome, MetaError):
                    step = steps.throw(outcome)
                else:
                    step = steps.send(outcome)
            except StopIteration as end:
                return end.value
            outcome = self._take(step)

    def _take(self, step: Any) -> Any:  # noqa: ANN401
        if isinstance(step, Call):
            self.calls.append(step)
            assert len(self.calls) < 10_000, "the steps do not come to an end"
            reply = self.answer(step)
            return reply.body if isinstance(reply, Answer) else reply
        if isinstance(step, Pause):
            self.pauses.append(step.seconds)
            self.clock.now += step.seconds
        elif isinstance(step, Ahead):
            self.aheads.append((step.call, len(self.events)))
        elif isinstance(step, ReportRunSlot):
            self.runs_held += 1 if step.take else -1
            self.most_runs_held = max(self.most_runs_held, self.runs_held)
        else:
            self.events.append(step)
        return None


@dataclass(slots=True)
class Graph:
    """The insights of some ad accounts, from rows of ads; knows edges, levels, pages and runs.

    Args:
        truth: rows of ads by account id: date_start, campaign_id, adset_id, ad_id, spend …
        hook: asked first about every call; a reply of its own takes precedence.
        most_rows_per_page: caps `limit`.
    """

    truth: dict[str, list[dict[str, Any]]]
    hook: Callable[[Call], Reply | None] = lambda _call: None
    most_rows_per_page: int = 500
    calls: list[Call] = field(default_factory=list)
    _runs: dict[str, Call] = field(default_factory=dict)

    def __call__(self, call: Call) -> Reply:
        """Answer a call."""
        self.calls.append(call)
        reply = self.hook(call)
        if reply is not None:
            return reply
        if call.path == "me/adaccounts":
            return {"data": [{"account_id": account_id} for account_id in self.truth]}
        if call.method == "POST":
            run_id = str(7000 + len(self._runs))
            self._runs[run_id] = call
            return {"report_run_id": run_id}
        if call.path in self._runs:
            return {"async_status": "Job Completed", "async_percent_completion": 100}
        node, _, edge = call.path.partition("/")
        assert edge == "insights", call.path
        asked = self._runs.get(node, call)
        return self._page(self._rows(asked), call.params)

    def _rows(self, call: Call) -> list[dict[str, Any]]:
        node = call.path.partition("/")[0]
        account_id = call.account_id or ""
        days = call.params["time_range"]
        wanted = [
            row
            for row in self.truth[account_id]
            if days["since"] <= row["date_start"] <= days["until"]
            and node in {f"act_{account_id}", row["campaign_id"], row["adset_id"], row["ad_id"]}
        ]
        return _at_level(wanted, call.params["level"], account_id)

    def _page(self, rows: list[dict[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
        start = int(params.get("after", "0"))
        end = start + min(int(params["limit"]), self.most_rows_per_page)
        answer: dict[str, Any] = {"data": rows[start:end]}
        if rows:
            # Meta gives a cursor on the last page too.
            answer["paging"] = {"cursors": {"after": str(end)}}
            if end < len(rows):
                answer["paging"]["next"] = "https://graph.example/never-followed"
        return answer


_IDS = {
    "account": (),
    "campaign": ("campaign_id",),
    "adset": ("campaign_id", "adset_id"),
    "ad": ("campaign_id", "adset_id", "ad_id"),
}


def _at_level(rows: Iterable[dict[str, Any]], level: str, account_id: str) -> list[dict[str, Any]]:
    """Add spend up per day and object: the independent model of what Meta would send."""
    spend: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        key = (row["date_start"], *(row[name] for name in _IDS[level]))
        spend[key] += Decimal(row["spend"])
    return [
        {
            "account_id": account_id,
            "date_start": day,
            "date_stop": day,
            **dict(zip(_IDS[level], ids, strict=True)),
            "spend": str(amount),
        }
        for (day, *ids), amount in spend.items()
    ]


def ad_row(day: str, ad_id: str, spend: str, campaign_id: str = "c1") -> dict[str, Any]:
    """Return one row of an ad's truth."""
    return {
        "date_start": day,
        "campaign_id": campaign_id,
        "adset_id": f"s{campaign_id}",
        "ad_id": ad_id,
        "spend": spend,
    }


@dataclass(slots=True)
class FakeTransport:
    """Completes calls after a made-up latency; waiting moves the clock and takes no time.

    Args:
        answer: what Meta says to a call.
        clock: moved by `wait`.
        latency: how many seconds a call takes.
        sent: when what was sent, by lane name.
    """

    answer: Callable[[Call], Reply]
    clock: Clock
    latency: Callable[[Call], float] = lambda _call: 1.0
    sent: list[tuple[float, str, Call]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    woken: bool = False
    closed: bool = False
    _due: list[tuple[float, int, Lane, Call]] = field(default_factory=list)
    _order: Any = field(default_factory=itertools.count)
    _waits: int = 0

    def submit(self, lane: Lane, call: Call) -> None:
        """Take a call."""
        assert not self.closed
        self.sent.append((self.clock.now, lane.name, call))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        at = self.clock.now + self.latency(call)
        heapq.heappush(self._due, (at, next(self._order), lane, call))

    def wait(self, seconds: float | None) -> tuple[Lane, Answer] | None:
        """Return the next answer, moving the clock to it or to the end of the wait."""
        self._waits += 1
        assert self._waits < 100_000, "the lanes do not come to an end"
        if self.woken:
            self.woken = False
            return None
        if self._due and (seconds is None or self._due[0][0] <= self.clock.now + seconds):
            at, _, lane, call = heapq.heappop(self._due)
            self.clock.now = max(self.clock.now, at)
            self.under_way -= 1
            reply = self.answer(call)
            return lane, reply if isinstance(reply, Answer) else Answer(reply, Usage())
        assert seconds is not None, "nothing will ever come"
        self.clock.now += seconds
        return None

    def wake(self) -> None:
        """Make the next wait return at once."""
        self.woken = True

    def close(self) -> None:
        """Send nothing more."""
        self.closed = True

    def sent_by(self, name: str) -> list[float]:
        """Return when a lane's calls went out."""
        return [at for at, lane, _ in self.sent if lane == name]
