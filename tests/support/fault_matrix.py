"""Every fault at every place of a run, once, three times and for ever: what becomes of the run.

`uv run python -m tests.support.fault_matrix` measures all cells and prints the table; with
`--write` it goes into docs/fault-matrix.md. What is expected was written by hand from Meta's
documentation of its errors, and not from the tap's own table.

Many faults share one run, each with an ad account of its own: whatever happens to one account must
not show in any other. Faults that end the run, or hold for the whole app, have runs of their own;
since a Python process takes longer to start than such a run lasts, those are forked from one that
has the tap loaded already.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import hashlib
import hmac
import json
import os
import re
import runpy
import subprocess
import sys
import tempfile
import traceback
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tap_meta_partner.sandbox import Dials, Fault, Sandbox, World
from tests.support.tap_process import Output, _take, catalog_selecting, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from tap_meta_partner.sandbox import ReceivedCall

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = ROOT / "docs" / "fault-matrix.md"

OUTCOMES = {
    "D": "delivered",
    "S": "skipped",
    "F": "failed",
    "X": "stopped",
}
TIMES: Mapping[str, int | None] = {"once": 1, "three times": 3, "for ever": None}


@dataclass(frozen=True, slots=True)
class Place:
    """A call of the tap's: its kind, its page, the mode in which it is made, how often a window."""

    name: str
    kind: str
    page: int | None = None
    mode: str = "auto"
    per_window: int = 1

    @property
    def is_listing(self) -> bool:
        """Whether it comes before any account."""
        return self.kind == "ad_accounts"


PLACES = {
    place.name: place
    for place in (
        Place("account list", "ad_accounts", 1),
        Place("its page 2", "ad_accounts", 2),
        Place("insights", "insights", 1),
        Place("their page 2", "insights", 2),
        Place("run creation", "run_create", mode="async"),
        Place("poll", "poll", mode="async", per_window=5),
        Place("run result", "run_result", 1, mode="async"),
        Place("result's page 2", "run_result", 2, mode="async"),
    )
}

# The time-out of the runs with answers that come late, in seconds, and how late those are.
_SLOW_TIMEOUT = 1.0
_TOO_LATE = 1.4
_IN_TIME = 0.03

FAULTS: Mapping[str, Mapping[str, Any]] = {
    "HTTP 500, HTML": {"effect": "html_500"},
    "HTTP 502, HTML": {"effect": "html_502"},
    "HTTP 503, HTML": {"effect": "html_503"},
    "200, HTML": {"effect": "html_200"},
    "200, truncated JSON": {"effect": "truncated_json"},
    "200, invalid JSON": {"effect": "invalid_json"},
    "200, nothing": {"effect": "empty_200"},
    "connection refused": {},
    "reset": {"effect": "reset"},
    "reset in mid-body": {"effect": "reset_mid_body"},
    "read time-out": {"effect": "delay", "seconds": _TOO_LATE},
    "drip, too slow": {"effect": "drip", "seconds": _TOO_LATE},
    "drip, in time": {"effect": "drip", "seconds": _IN_TIME},
    "redirect": {"effect": "redirect"},
    "1": {"code": 1, "status": 500},
    "1, reduce the data": {
        "code": 1,
        "status": 500,
        "message": "Please reduce the amount of data you're asking for, then retry your request",
    },
    "2": {"code": 2, "is_transient": True},
    "4": {"code": 4, "subcode": 1504022},
    "10": {"code": 10},
    "17": {"code": 17, "subcode": 2446079},
    "32": {"code": 32},
    "100": {"code": 100},
    "100/33": {"code": 100, "subcode": 33},
    "100/1487534": {"code": 100, "subcode": 1487534},
    "100/1504018": {"code": 100, "subcode": 1504018},
    "102": {"code": 102},
    "104": {"code": 104},
    "190": {"code": 190},
    "190/458": {"code": 190, "subcode": 458},
    "190/460": {"code": 190, "subcode": 460},
    "190/463": {"code": 190, "subcode": 463},
    "190/467": {"code": 190, "subcode": 467},
    "200": {"code": 200},
    "341": {"code": 341},
    "368": {"code": 368},
    "613": {"code": 613},
    "960": {"code": 960},
    "2601/1815107": {"code": 2601, "subcode": 1815107, "is_transient": True},
    "2635": {"code": 2635},
    "2642": {"code": 2642},
    "3018": {"code": 3018},
    "80000": {"code": 80000, "subcode": 2446079},
    "80004": {"code": 80004, "subcode": 2446079},
    "80001": {"code": 80001},
    "80002": {"code": 80002},
    "80003": {"code": 80003},
    "80005": {"code": 80005},
    "80006": {"code": 80006},
    "80008": {"code": 80008},
    "80009": {"code": 80009},
    "80014": {"code": 80014},
    "999999, unknown": {"code": 999999},
}

# By hand. Columns: as PLACES; letters: once, three times in a row, for ever. D delivered exactly,
# S this account skipped, F this account failed, X the run stopped, . cannot happen there. The last
# column: how often the request that is refused for ever is sent at most (where the tap may ask for
# less, all the lesser requests count as well).
_EXPECTED = """
HTTP 500, HTML      | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
HTTP 502, HTML      | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
HTTP 503, HTML      | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
200, HTML           | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
200, truncated JSON | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
200, invalid JSON   | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
200, nothing        | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
connection refused  | ..X ... | ... ... | ... ... ... ... | 5
reset               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
reset in mid-body   | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
read time-out       | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
drip, too slow      | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
drip, in time       | DDD DDD | DDD DDD | DDD DDD DDD DDD | 20
redirect            | XXX XXX | FFF FFF | FFF FFF FFF FFF | 1
1                   | DDX DDX | DDD DDD | DDF DDF DDF DDD | 80
1, reduce the data  | DDX DDX | DDD DDD | DDF DDF DDF DDD | 40
2                   | DDX DDX | DDF DDF | DDF DDF DDF DDF | 5
4                   | DDX DDX | DDX DDX | DDX DDX DDX DDX | 60
10                  | XXX XXX | SSS SSS | SSS SSS SSS SSS | 1
17                  | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
32                  | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
100                 | XXX XXX | FFF FFF | FFF FFF FFF FFF | 1
100/33              | XXX XXX | SSS SSS | SSS DDF DDF DDD | 130
100/1487534         | XXX XXX | DDD DDD | DDF DDF DDF DDD | 40
100/1504018         | DDX DDX | DDD DDD | DDF DDF DDF DDD | 40
102                 | XXX XXX | XXX XXX | XXX XXX XXX XXX | 1
104                 | XXX XXX | XXX XXX | XXX XXX XXX XXX | 1
190                 | XXX XXX | XXX XXX | XXX XXX XXX XXX | 1
190/458             | XXX XXX | XXX XXX | XXX XXX XXX XXX | 1
190/460             | XXX XXX | XXX XXX | XXX XXX XXX XXX | 1
190/463             | XXX XXX | XXX XXX | XXX XXX XXX XXX | 1
190/467             | XXX XXX | XXX XXX | XXX XXX XXX XXX | 1
200                 | XXX XXX | SSS SSS | SSS SSS SSS SSS | 1
341                 | DDX DDX | DDX DDX | DDX DDX DDX DDX | 60
368                 | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
613                 | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
960                 | DXX DXX | DFF DFF | DFF DFF DFF DFF | 3
2601/1815107        | XXX XXX | FFF FFF | FFF DDF DDF DDD | 130
2635                | XXX XXX | FFF FFF | FFF FFF FFF FFF | 1
2642                | DDX DDX | DDF DDF | FFF FFF DDF DDD | 90
3018                | XXX XXX | FFF FFF | FFF FFF FFF FFF | 1
80000               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
80004               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
80001               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
80002               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
80003               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
80005               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
80006               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
80008               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
80009               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
80014               | DDX DDX | DDF DDF | DDF DDF DDF DDF | 45
999999, unknown     | DDX DDX | DDD DDD | DDF DDF DDF DDD | 80
"""

NOTHING = "."


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix."""

    fault: str
    place: str
    times: str

    @property
    def expected(self) -> str:
        """The letter of what is expected."""
        return EXPECTED[self.fault][self.place][self.times]

    def injected(self, account_id: str | None = None, *, windows: int = 0) -> Fault:
        """The fault as the sandbox takes it, after so many windows went well."""
        place = PLACES[self.place]
        return Fault(
            kind=place.kind,
            page=place.page,
            account_id=account_id,
            times=TIMES[self.times],
            after=windows * place.per_window,
            **FAULTS[self.fault],
        )

    def __str__(self) -> str:
        return f"{self.fault} at {self.place}, {self.times}"


def _expectations() -> tuple[dict[str, dict[str, dict[str, str]]], dict[str, int]]:
    letters: dict[str, dict[str, dict[str, str]]] = {}
    most: dict[str, int] = {}
    for line in _EXPECTED.strip().splitlines():
        name, *groups, bound = (part.strip() for part in line.split("|"))
        columns = " ".join(groups).split()
        letters[name] = {
            place: dict(zip(TIMES, column, strict=True))
            for place, column in zip(PLACES, columns, strict=True)
        }
        most[name] = int(bound)
    return letters, most


EXPECTED, SENT_AT_MOST = _expectations()

LATE = ("read time-out", "drip, too slow", "drip, in time")
OF_THE_RUN = tuple(
    name for name, places in EXPECTED.items() if places["insights"]["for ever"] == "X"
)
REFUSED = "connection refused"
OF_ONE_ACCOUNT = tuple(name for name in EXPECTED if name not in {*LATE, *OF_THE_RUN, REFUSED})


# Running.


TOKEN = "EAAB-secret-of-the-matrix-0123456789"
APP_SECRET = "app-secret-of-the-matrix"
_PROOF = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
VERBOSE = {"LOGLEVEL": "DEBUG", "TAP_META_PARTNER_LOGLEVEL": "DEBUG"}
STREAM = "ad_insights"
_ANSWER_SECONDS = 60.0
_NOBODY_LISTENS = "http://127.0.0.1:9"
_HISTORY_DAYS = 34
_DAY = dt.timedelta(days=1)


class ForkedTaps:
    """Starts the tap many times over, by forking a process that has it loaded already."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fault_matrix", "--fork"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **VERBOSE},
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def run(self, folder: Path, minute: float, files: Mapping[str, Any]) -> Output:
        """Run the tap with these files as its arguments."""
        arguments = [str(minute)]
        for name, content in files.items():
            path = folder / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            arguments += [f"--{name}", str(path)]
        out, log = folder / "out.txt", folder / "log.txt"
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise RuntimeError("the process was started without pipes")
        job = {"arguments": arguments, "out": str(out), "log": str(log)}
        requests.write(json.dumps(job) + "\n")
        requests.flush()
        code = int(answers.readline())
        raw = out.read_text(encoding="utf-8")
        output = Output(code=code, log=log.read_text(encoding="utf-8"), raw=raw)
        for line in raw.splitlines():
            _take(json.loads(line, parse_float=Decimal), output)
        return output


def fork_on_request() -> None:
    """Fork for each job that comes in, a line each; the child is the tap. Say its exit code."""
    # What a tap loads only when it is made is loaded once for all of them.
    catalog_selecting({"access_token": TOKEN}, STREAM)
    gc.freeze()
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            _become_tap(job)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become_tap(job: Mapping[str, Any]) -> NoReturn:
    for number, path in ((1, job["out"]), (2, job["log"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv[1:] = job["arguments"]
    code: Any = 1
    try:
        runpy.run_module("tests.support.fast_time", run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001  (shown as Python shows it: the verdict looks for it)
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking the interpreter down would cost more than most of these runs.
    os._exit(code or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a run is made.

    Attributes:
        mode: the tap's report mode.
        minute: how many seconds a minute of waiting lasts.
        concurrency: calls at once.
        timeout: of a call; None = longer than any answer takes.
        url: where no sandbox listens.
        forked: from the process that has the tap loaded, rather than as one of its own.
    """

    mode: str
    minute: float
    concurrency: int = 8
    timeout: float | None = None
    url: str | None = None
    forked: bool = True

    @classmethod
    def of(cls, cell: Cell, *, forked: bool = True, **more: Any) -> Self:  # noqa: ANN401
        """How the run of a cell, or of several that are alike, is made."""
        # Hours of throttling have to pass in a second or two; where nothing lasts, there is time.
        lasting = 0.004 if forked else 0.02
        minute = lasting if TIMES[cell.times] is None else 0.1
        if cell.fault in LATE:
            # A whole body then has 0.15 s, and five tries take three seconds of waiting.
            more, minute = {"timeout": _SLOW_TIMEOUT, **more}, 9.0
        return cls(mode=PLACES[cell.place].mode, minute=minute, forked=forked, **more)


@dataclass(frozen=True, slots=True)
class Finished:
    """One run of the tap, and the calls the sandbox got."""

    output: Output
    calls: Sequence[ReceivedCall]


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a cell.

    Attributes:
        outcome: its letter; several where accounts that should fare alike do not.
        refused: how many calls met the fault.
        problems: whatever else is not as it should be.
    """

    cell: Cell
    outcome: str
    refused: int
    problems: tuple[str, ...]

    @property
    def complaints(self) -> list[str]:
        """Everything wrong with the cell, a line each."""
        found = [*self.problems]
        if self.outcome != self.cell.expected:
            found.insert(0, f"expected {self.cell.expected}, measured {self.outcome}")
        most = SENT_AT_MOST[self.cell.fault]
        if not 1 <= self.refused <= most:
            found.append(f"met {self.refused} times, not 1 to {most}")
        return [f"{self.cell}: {text}" for text in found]


@dataclass(slots=True)
class Matrix:
    """Measures cells; keeps its sandboxes and the forking process from one to the next."""

    folder: Path
    #: The last day asked for: over everywhere on Earth.
    end: dt.date = field(default_factory=lambda: dt.datetime.now(dt.timezone.utc).date() - 2 * _DAY)
    _stack: ExitStack = field(default_factory=ExitStack)
    _sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    _taps: ForkedTaps | None = None
    _catalog: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    # The groups.

    def of_one_account(self, place: str, times: str, *, windows: int = 0) -> list[Measured]:
        """All faults that concern one account only, each with its own account, in one run.

        They come after so many of the account's two windows went well.
        """
        cells = [Cell(fault, place, times) for fault in OF_ONE_ACCOUNT]
        sandbox = self._sandbox("crowd", len(cells) + 2)
        return self._together(cells, sandbox, Way.of(cells[0], forked=False), windows=windows)

    def late(self, mode: str) -> list[Measured]:
        """Answers that come late or in pieces, at all places and times of a mode, in one run."""
        cells = [
            Cell(fault, place.name, times)
            # What lasts comes first: a run in which nothing is answered any more is given up.
            for times in reversed(TIMES)
            for place in PLACES.values()
            if place.mode == mode and not place.is_listing
            for fault in LATE
        ]
        sandbox = self._sandbox(f"late {mode}", len(cells) + 2)
        return self._together(cells, sandbox, Way.of(cells[0], forked=False, concurrency=64))

    def alone(self, faults: Iterable[str], place: str, times: str) -> list[Measured]:
        """Faults that each have a run to themselves, met by whichever account comes first.

        What is for ever is then for every account.
        """
        return [
            self._alone(cell)
            for fault in faults
            if (cell := Cell(fault, place, times)).expected != NOTHING
        ]

    def all_cells(self) -> Iterator[Measured]:
        """Measure the whole matrix."""
        for mode in ("auto", "async"):
            yield from self.late(mode)
        for place in PLACES.values():
            for times in TIMES:
                if place.is_listing:
                    yield from self.alone(EXPECTED, place.name, times)
                else:
                    yield from self.alone(OF_THE_RUN, place.name, times)
                    yield from self.of_one_account(place.name, times)

    # One run.

    def _together(
        self, cells: Sequence[Cell], sandbox: Sandbox, way: Way, *, windows: int = 0
    ) -> list[Measured]:
        ids = [account.id for account in sandbox.world.accounts]
        met = {
            account_id: (cell, cell.injected(account_id, windows=windows))
            for account_id, cell in zip(ids, cells, strict=False)
        }
        run = self._run(sandbox, [fault for _, fault in met.values()], way)
        kept = _first_window_end(self.end) if windows else _bookmark_before(self.end)
        verdict = Verdict(run, sandbox, self.end, kept)
        shared = [
            *verdict.of_the_run(),
            *(problem for id_ in ids if id_ not in met for problem in verdict.of_calm(id_)),
        ]
        measured = [
            Measured(
                cell=cell,
                outcome=verdict.letter(account_id),
                refused=_met(run.calls, fault, account_id),
                problems=tuple(verdict.of_account(account_id)),
            )
            for account_id, (cell, fault) in met.items()
        ]
        # What concerns all is said once.
        first = measured[0]
        measured[0] = replace(first, problems=(*first.problems, *shared))
        return measured

    def _alone(self, cell: Cell) -> Measured:
        sandbox = self._listed() if PLACES[cell.place].is_listing else self._few()
        if cell.fault == REFUSED:
            fault, url = None, _NOBODY_LISTENS
        else:
            fault, url = cell.injected(), None
        way = Way.of(cell, concurrency=1, url=url)
        run = self._run(sandbox, [fault] if fault else [], way)
        verdict = Verdict(run, sandbox, self.end)
        ids = [account.id for account in sandbox.world.accounts]
        problems = [problem for id_ in ids for problem in verdict.of_account(id_)]
        if verdict.is_stopped:
            outcome = "X"
            problems += verdict.of_stopped(fault)
        else:
            outcome = "".join(sorted({verdict.letter(id_) for id_ in ids}))
            problems += verdict.of_the_run()
        return Measured(
            cell=cell,
            outcome=outcome,
            refused=_met(run.calls, fault) if fault else 1,
            problems=tuple(problems),
        )

    def _run(self, sandbox: Sandbox, faults: Sequence[Fault], way: Way) -> Finished:
        sandbox.clear_faults()
        for fault in faults:
            sandbox.fault(fault)
        before = len(sandbox.calls)
        config = {
            "access_token": TOKEN,
            "app_secret": APP_SECRET,
            "api_url": way.url or sandbox.url,
            "report_mode": way.mode,
            "fields": ["spend"],
            "end_date": str(self.end),
            "max_concurrency": way.concurrency,
            # The time-out of a whole body runs in fast time.
            "request_timeout": way.timeout or _ANSWER_SECONDS * 60 / way.minute,
        }
        if not self._catalog:
            self._catalog = catalog_selecting(config, STREAM, "account_sync_status")
        state, catalog = self._state(sandbox), self._catalog
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            folder = Path(name)
            if way.forked:
                files = {"config": config, "state": state, "catalog": catalog}
                output = self._forking().run(folder, way.minute, files)
            else:
                output = run_tap(
                    folder,
                    config,
                    state=state,
                    catalog=catalog,
                    environment=VERBOSE,
                    minute=way.minute,
                )
        return Finished(output, sandbox.calls[before:])

    def _state(self, sandbox: Sandbox) -> dict[str, Any]:
        """A state in which all that was delivered are some days before there were any rows.

        So each account has two windows open, of which the first has rows on its later days only.
        """
        partitions = [
            {
                "context": {"account_id": account.id},
                "replication_key": "date_start",
                "replication_key_value": str(_bookmark_before(self.end)),
                "since": str(_first_day(self.end)),
            }
            for account in sandbox.world.accounts
        ]
        return {"bookmarks": {STREAM: {"partitions": partitions}}}

    def _forking(self) -> ForkedTaps:
        if self._taps is None:
            self._taps = self._stack.enter_context(ForkedTaps())
        return self._taps

    def _few(self) -> Sandbox:
        return self._sandbox("few", 3)

    def _listed(self) -> Sandbox:
        """Accounts of which only the list has a second page."""
        return self._sandbox("listed", 3, max_page_rows=None, max_page_accounts=2)

    def _sandbox(self, name: str, accounts: int, **dials: int | None) -> Sandbox:
        if name not in self._sandboxes:
            world = World.agency(seed=7, accounts=accounts, idle=0, days=_HISTORY_DAYS)
            dials = {"max_page_rows": 40, **dials}
            self._sandboxes[name] = self._stack.enter_context(
                Sandbox(world, Dials(token=TOKEN, app_secret=APP_SECRET, **dials))
            )
        return self._sandboxes[name]


def _first_day(end: dt.date) -> dt.date:
    return end - 50 * _DAY


def _first_window_end(end: dt.date) -> dt.date:
    return _first_day(end) + 29 * _DAY


def _bookmark_before(end: dt.date) -> dt.date:
    return end - 45 * _DAY


def _met(calls: Iterable[ReceivedCall], fault: Fault, account_id: str | None = None) -> int:
    """Count the calls that met a fault."""
    return sum(
        (call.effect, call.error_code, call.error_subcode)
        == (fault.effect, fault.code, fault.subcode)
        for call in calls
        if account_id in {None, call.account_id}
    )


# Judging.


@dataclass(slots=True)
class Verdict:
    """Holds a run against the sandbox's truth.

    Attributes:
        kept: the bookmark of accounts that were not delivered; None = anything before the end.
    """

    run: Finished
    sandbox: Sandbox
    end: dt.date
    kept: dt.date | None = None
    _spends: dict[str, dict[str, list[Decimal]]] = field(init=False)
    _results: dict[str, str] = field(init=False)
    _bookmarks: dict[str, tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._spends = defaultdict(lambda: defaultdict(list))
        tables = self.run.output.tables
        for row in tables[STREAM].values():
            self._spends[row["account_id"]][row["date_start"]].append(row["spend"] or Decimal(0))
        self._results = {
            row["account_id"]: row["result"] for row in tables["account_sync_status"].values()
        }
        state = self.run.output.state.get("bookmarks", {}).get(STREAM, {})
        self._bookmarks = {
            partition["context"]["account_id"]: (
                partition["since"],
                partition["replication_key_value"],
            )
            for partition in state.get("partitions", [])
        }

    @property
    def is_stopped(self) -> bool:
        """Whether the run ended early, without a summary."""
        return self.run.output.code == 1 and not self._summary

    def letter(self, account_id: str) -> str:
        """The outcome of an account, as account_sync_status tells it."""
        result = self._results.get(account_id)
        return next((letter for letter, name in OUTCOMES.items() if name == result), "?")

    def of_account(self, account_id: str) -> list[str]:
        """What is wrong with one account's rows and bookmark, given its outcome."""
        problems = []
        since, day = self._bookmarks.get(account_id, ("", ""))
        if self._results.get(account_id) == OUTCOMES["D"]:
            if self._found(account_id) != self._truth(account_id):
                problems.append(f"{account_id} was delivered, but its rows are not the truth")
            if day != str(self.end):
                problems.append(f"{account_id} was delivered, but its bookmark is {day!r}")
        elif day != str(self.kept) if self.kept else not self._is_open(day):
            problems.append(f"{account_id} was not delivered, but its bookmark is {day!r}")
        if self._found(account_id, since, day) != self._truth(account_id, since, day):
            problems.append(f"{account_id}: the state is ahead of the rows ({since} to {day})")
        return problems

    def _is_open(self, day: str) -> bool:
        return str(_bookmark_before(self.end)) <= day < str(self.end)

    def of_calm(self, account_id: str) -> list[str]:
        """What is wrong with an account that met no fault."""
        problems = self.of_account(account_id)
        if self.letter(account_id) != "D":
            problems.append(f"{account_id} met no fault and is {self.letter(account_id)}")
        return problems

    def of_the_run(self) -> list[str]:
        """What is wrong with a run that came to its end: exit code and summary."""
        output = self.run.output
        problems = self._of_every_run()
        if not self._summary:
            return [*problems, f"no summary; the log ends with {output.log[-600:]!r}"]
        counts = Counter(self._results.values())
        if output.code != (1 if counts["failed"] or not counts["delivered"] else 0):
            problems.append(f"exit code {output.code} with {dict(counts)}")
        told = {kind: int(number) for number, kind in re.findall(r"(\d+) (\w+)", self._summary)}
        for kind in ("delivered", "skipped", "failed"):
            if told.get(kind) != counts[kind]:
                problems.append(f"the summary tells of {told.get(kind)} {kind}, not {counts[kind]}")
        for account_id, result in self._results.items():
            if result != "delivered" and f"{result}: {account_id} (" not in output.log:
                problems.append(f"the summary does not name {account_id}")
        return problems

    def of_stopped(self, fault: Fault | None) -> list[str]:
        """What is wrong with a run that was stopped: one line, and no call after the last error."""
        output, calls = self.run.output, self.run.calls
        problems = self._of_every_run()
        errors = [line for line in output.log.splitlines() if "| ERROR" in line]
        if len(errors) != 1:
            problems.append(f"{len(errors)} lines of ERROR")
        if fault is not None and not _met(calls[-1:], fault):
            problems.append("the run goes on after the error that ends it")
        if output.tables[STREAM] and {call.kind for call in calls} == {"ad_accounts"}:
            problems.append("rows without accounts")
        return problems

    def _of_every_run(self) -> list[str]:
        output = self.run.output
        problems = []
        if "Traceback" in output.log:
            problems.append("a traceback in the log")
        if "| DEBUG" not in output.log:
            problems.append("the log is not verbose")
        problems += [
            f"{name} is in the output"
            for name, secret in (("token", TOKEN), ("secret", APP_SECRET), ("proof", _PROOF))
            if secret in output.log or secret in output.raw
        ]
        return problems

    @property
    def _summary(self) -> str:
        found = re.findall(r"ad accounts: ([^;]*);", self.run.output.log)
        return str(found[-1]) if found else ""

    def _found(
        self, account_id: str, since: str = "", until: str = "9"
    ) -> dict[str, tuple[Decimal, int]]:
        """Spend and number of rows by day, as they arrived; each key once."""
        return {
            day: (sum(spends, Decimal(0)), len(spends))
            for day, spends in self._spends[account_id].items()
            if since <= day <= until
        }

    def _truth(
        self, account_id: str, since: str = "", until: str = "9"
    ) -> dict[str, tuple[Decimal, int]]:
        days = self.sandbox.world.truth.day_totals(account_id, _first_day(self.end), self.end)
        return {
            str(day): (total.spend, total.rows_by_level["ad"])
            for day, total in days.items()
            if since <= str(day) <= until
        }


# Telling.


_HEAD = """\
# What becomes of a run when something goes wrong

Made by `uv run python -m tests.support.fault_matrix --write`; the test suite measures every cell.

Each fault below is made by the sandbox at each kind of call that a run consists of: once, three
times in a row, and for ever. Numbers are Meta's error codes, with their subcodes.

- **delivered**: every row of the account arrives, exactly, and its bookmark moves to the last day.
- **skipped**: the account cannot be read. It is named, its bookmark stays, and the exit code is 0
  as long as any other account is delivered.
- **failed**: the account is named, its bookmark stays behind the last day that is complete, and the
  exit code is 1 after all other accounts are delivered.
- **stopped**: nothing can be read. The run ends at once with one line and exit code 1, and the
  state is kept.

In every cell besides, all other accounts are delivered exactly, no bookmark is ahead of the rows,
`account_sync_status`, the summary and the exit code agree, there is no traceback, and neither the
token nor the app secret nor the proof is in the output, even at DEBUG.

One word stands for all three; where the outcome changes, it is said from when on. The last column
is how often a request that is refused for ever is sent at most, the lesser requests that take its
place included. The tap makes no batch calls, so a batch is no such place. A server that refuses
connections is nobody there at all: it is tried where a run begins; from then on the tap meets it as
it meets a connection reset.

"""
_TAIL = """
- 10 and 200 are about rights and are never asked again. 100/33, "no such object", is also what Meta
  says of a report run that it has only just created or has let expire: there the run is looked at
  again, and then made again.
- What is too much data, or may be, is asked for in less: as a report run, in fewer days, on a
  smaller page. Where windows become so short that they have no second page, a fault of the second
  page is met no more: such cells are delivered although the fault is there for ever.
- Throttled requests wait, longer and longer, for up to three hours; then the account has failed. A
  limit of the whole app (4, 341) keeps all accounts waiting, and after three hours stops the run.
- A refusal that a second account meets as well (100, 2635, 3018, a redirect) closes the stream for
  this run: no further account is asked.
- Meta says 2601 of finished report runs and 2642 of pages. Where it never says them they are not
  tried again.
"""


def document(letters: Mapping[str, Mapping[str, Mapping[str, str]]]) -> str:
    """Return docs/fault-matrix.md for these outcomes."""
    head = ["fault", *PLACES, "sent at most"]
    rows = [
        [fault, *map(in_words, places.values()), str(SENT_AT_MOST[fault])]
        for fault, places in letters.items()
    ]
    lines = [head, ["---"] * len(head), *rows]
    return _HEAD + "".join(f"| {' | '.join(line)} |\n" for line in lines) + _TAIL


def in_words(column: Mapping[str, str]) -> str:
    """Return the outcomes of a fault at a place; equal ones once."""
    parts: list[str] = []
    before = NOTHING
    for times, letters in column.items():
        if letters != before:
            word = "".join(OUTCOMES.get(letter, letter) for letter in letters)
            parts.append(word if times == "once" else f"{times}: {word}")
        before = letters
    return ", ".join(parts)


def main() -> None:
    """Measure everything and print the table; exit 1 when a cell is not as expected."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", action="store_true", help=f"write docs/{DOCUMENT.name}")
    arguments = parser.parse_args()
    letters = {
        fault: {place: dict.fromkeys(TIMES, NOTHING) for place in PLACES} for fault in EXPECTED
    }
    complaints: list[str] = []
    with tempfile.TemporaryDirectory() as folder, Matrix(Path(folder)) as matrix:
        for measured in matrix.all_cells():
            cell = measured.cell
            letters[cell.fault][cell.place][cell.times] = measured.outcome
            complaints += measured.complaints
    sys.stdout.write(document(letters))
    sys.stderr.writelines(f"{complaint}\n" for complaint in complaints)
    if arguments.write:
        DOCUMENT.write_text(document(letters), encoding="utf-8")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    if sys.argv[1:] == ["--fork"]:
        fork_on_request()
    else:
        main()
