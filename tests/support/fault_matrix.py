"""Every fault at every place, how often, and to how many accounts at once, three nights in a row.

`uv run python -m tests.support.fault_matrix` plays all of it and prints the table; with `--write`
it goes into docs/fault-matrix.md. The suite plays a selection in which every pair of fault, place,
how often and how many occurs.

A cell is four nights of twelve accounts: on three of them the guilty accounts meet the fault, on
the fourth nobody does. Beside it stand the same four nights without any fault. The innocent
accounts have to be equal to those row for row, value for value and bookmark for bookmark on each
night; the guilty ones are told what is expected here by hand (from Meta's documentation of its
errors and from what people report of them, never from the tap's own table), and are whole again
after the fourth night.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import multiprocessing
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_meta_partner.sandbox import Fault, World
from tap_meta_partner.sandbox.world import cast
from tests.support.nights import Night, Nights
from tests.support.simulated import Time, graph_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DOCUMENT = Path(__file__).parents[2] / "docs" / "fault-matrix.md"
ACCOUNTS = 12
FAULTY_NIGHTS = 3
#: An account that is throttled for three hours is given up; nothing else takes longer.
LONGEST_NIGHT_SECONDS = 3.5 * 3600
TIMES: Mapping[str, int | None] = {"once": 1, "three times": 3, "for ever": None}
CROWDS = (1, 2, 5)
OUTCOMES = {
    "D": "delivered",
    "I": "incomplete",
    "S": "skipped",
    "F": "failed",
    "X": "stopped",
}
_STREAMS = ("account_insights", "ad_insights")
_CONFIG: Mapping[str, Any] = {
    "start_date": "2026-11-05",
    "lookback_days": 7,
    "fields": ["campaign_id", "adset_id", "ad_id", "impressions", "spend", "actions"],
}


@dataclass(frozen=True, slots=True)
class Place:
    """A call of the tap's: its kind, its page, and the mode in which it is made."""

    name: str
    kind: str
    page: int | None = None
    mode: str = "auto"

    @property
    def is_listing(self) -> bool:
        """Whether it comes before any account, and so is about all of them."""
        return self.kind == "ad_accounts"


PLACES = {
    place.name: place
    for place in (
        Place("account list", "ad_accounts", 1),
        Place("its page 2", "ad_accounts", 2),
        Place("insights", "insights", 1),
        Place("their page 2", "insights", 2),
        Place("run creation", "run_create", mode="async"),
        Place("poll", "poll", mode="async"),
        Place("run result", "run_result", 1, mode="async"),
        Place("result's page 2", "run_result", 2, mode="async"),
    )
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault, and what becomes of an account that meets it.

    Attributes:
        fault: as the sandbox takes it.
        once: the outcomes allowed where it comes once a night, by letter.
        ever: the outcomes allowed where it comes for ever.
        says: part of what the account's reason says then, in any case of letters.
        of_list: outcomes allowed where the list of accounts meets it for ever.
    """

    fault: Mapping[str, Any]
    once: str = "D"
    ever: str = "F"
    says: str = ""
    of_list: str = "X"


def _passing(says: str = "", **fault: Any) -> Kind:  # noqa: ANN401
    return Kind(fault, once="D", ever="FID", says=says)


def _refusing(ever: str, says: str, **fault: Any) -> Kind:  # noqa: ANN401
    return Kind(fault, once=f"D{ever}", ever=f"DI{ever}", says=says)


def _unready(**fault: Any) -> Kind:  # noqa: ANN401
    # Said where a report run is made, it is not asked again that night.
    return Kind(fault, once="DF", ever="FID")


def _page(status: int) -> dict[str, Any]:
    return {"body": "<!DOCTYPE html><html><body>Sorry</body></html>", "status": status}


def _json(text: str, status: int = 200) -> dict[str, Any]:
    return {"body": text, "status": status}


_SHARE = "share"
_GONE = {"100/33", "803"}
KINDS: Mapping[str, Kind] = {
    "HTTP 500, HTML": _passing(effect="html_500"),
    "HTTP 502, HTML": _passing(effect="html_502"),
    "HTTP 503, HTML": _passing(effect="html_503"),
    "HTTP 403, HTML": _passing(**_page(403)),
    "HTTP 404, HTML": _passing(**_page(404)),
    "HTTP 408, HTML": _passing(**_page(408)),
    "200, HTML": _passing(effect="html_200"),
    "200, truncated JSON": _passing(effect="truncated_json"),
    "200, invalid JSON": _passing(effect="invalid_json"),
    "200, nothing": _passing(effect="empty_200"),
    "200, {}": _passing(**_json("{}")),
    "200, data null": _passing(**_json('{"data": null}')),
    "200, rows that are none": _passing(**_json('{"data": ["oops"]}')),
    "200, a list": _passing(**_json("[]")),
    "reset": _passing(effect="reset"),
    "reset in mid-body": _passing(effect="reset_mid_body"),
    "read time-out": _passing(effect="delay", seconds=400.0),
    "redirect": _passing(effect="redirect"),
    "1": _passing(code=1, status=500),
    "1, not transient": _passing(code=1, status=500, is_transient=False),
    "1, reduce the data": _passing(
        code=1,
        status=500,
        message="Please reduce the amount of data you're asking for, then retry your request",
    ),
    "1/99": _passing(code=1, subcode=99, status=500, message="An unknown error occurred"),
    "1/2853001": _refusing("S", "", code=1, subcode=2853001, status=500, is_transient=False),
    "2": _passing(code=2, is_transient=True),
    "4": Kind({"code": 4, "subcode": 1504022}, ever="F"),
    "10": _refusing("S", _SHARE, code=10, message="(#10) Not enough viewer permissions"),
    "17": Kind({"code": 17, "subcode": 2446079}, says="limit"),
    "32": Kind({"code": 32}, says="limit"),
    "100": _refusing("F", "settings", code=100, message="(#100) Invalid parameter"),
    "100, missing perms": _refusing(
        "S", _SHARE, code=100, message="(#100) Missing perms", status=403
    ),
    "100, unsupported request": _passing(
        code=100, message="Unsupported request - method type: get"
    ),
    "100, summary param": _unready(
        code=100,
        message="(#100) Cannot include spend in summary param because they weren't there while "
        "creating the report run",
    ),
    "100/33": _refusing("S", _SHARE, code=100, subcode=33),
    "100/1487534": _passing(code=100, subcode=1487534),
    "100/1504018": _passing(code=100, subcode=1504018),
    "102": _refusing("S", "", code=102),
    "104": _refusing("S", "", code=104),
    "190": _refusing("S", "", code=190),
    "190/459": _refusing("S", "security check", code=190, subcode=459),
    "190/463": _refusing("S", "", code=190, subcode=463),
    "190, page permission": _refusing(
        "SF",
        "",
        code=190,
        status=403,
        message="Any of the pages_read_engagement, pages_show_list permission(s) must be granted "
        "before impersonating a user's page.",
    ),
    "200": _refusing("S", _SHARE, code=200),
    "273": _refusing("S", _SHARE, code=273),
    "294": _refusing("SF", "", code=294),
    "341": Kind({"code": 341}, ever="F"),
    "368": Kind({"code": 368}),
    "415/1404120": _refusing(
        "S",
        "two factor",
        code=415,
        subcode=1404120,
        is_transient=False,
        message="Two factor authentication required.",
    ),
    "613": Kind({"code": 613}, says="limit"),
    "803": _refusing("S", "", code=803),
    "960": Kind({"code": 960}, once="D", ever="FID"),
    "2500": _refusing("F", "", code=2500, message='Syntax error "Expected end of string"'),
    "2601/1815107": Kind(
        {"code": 2601, "subcode": 1815107, "is_transient": True}, once="DF", ever="FID"
    ),
    "2635": _refusing("F", "version", code=2635),
    "2642": Kind({"code": 2642}, once="DF", ever="FID"),
    "3018": _refusing("F", "", code=3018),
    "80000": Kind({"code": 80000, "subcode": 2446079}, says="limit"),
    "80004": Kind({"code": 80004, "subcode": 2446079}, says="limit"),
    "999999, unknown": _passing(code=999999),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix."""

    kind: str
    place: str
    times: str
    crowd: int

    def __str__(self) -> str:
        return f"{self.kind} at {self.place}, {self.times}, {self.crowd} at once"

    def allowed(self) -> str:
        """Return the letters that may become of a guilty account on a night with the fault."""
        kind = KINDS[self.kind]
        ever = TIMES[self.times] is None
        if PLACES[self.place].kind in {"poll", "run_result"} and self.kind in _GONE:
            # Report runs that Meta never knows can be read of no day.
            kind = replace(kind, ever=kind.ever + "F")
        if PLACES[self.place].is_listing:
            return f"{kind.of_list}D" if ever else "DX"
        return (
            kind.ever
            if ever
            else "".join({*kind.once, *(kind.ever if self.times != "once" else "")})
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """A cell as it was played.

    Attributes:
        outcomes: of the guilty accounts, a letter for each night with the fault.
        problems: what is not as it has to be; empty where all is.
    """

    cell: Cell
    outcomes: str
    problems: tuple[str, ...]


def all_cells() -> Iterator[Cell]:
    """Return every cell; the list of accounts has no crowd."""
    for kind in KINDS:
        for place in PLACES.values():
            for times in TIMES:
                for crowd in CROWDS[:1] if place.is_listing else CROWDS:
                    yield Cell(kind, place.name, times, crowd)


def selected_cells() -> Iterator[Cell]:
    """Return cells in which every pair of kind, place, how often and how many occurs."""
    for row, kind in enumerate(KINDS):
        for column, place in enumerate(PLACES.values()):
            times = list(TIMES)[(row + column) % len(TIMES)]
            crowd = CROWDS[(row + 2 * column) % len(CROWDS)]
            yield Cell(kind, place.name, times, CROWDS[0] if place.is_listing else crowd)


# Playing.


def _nights(mode: str) -> Nights:
    time = Time(dt.datetime(2026, 11, 24, 3, tzinfo=dt.timezone.utc))
    shape = cast.Shape(campaigns=1, adsets=1, ads_per_adset=2, always=True)
    began = time.utc_now().date() - dt.timedelta(days=60)
    accounts = [
        cast.cast_account(
            cast.Client(f"Client {number}", "USD", "Europe/Berlin", cast.AGENCY),
            number,
            7,
            lambda _: shape,
            cast.Delivers(began, None),
        )
        for number in range(ACCOUNTS)
    ]
    world = World(accounts, seed=7, now=time.utc_now)
    graph = graph_of(world, time, max_page_rows=12, max_page_accounts=8)
    return Nights(time, graph, streams=_STREAMS, config={**_CONFIG, "report_mode": mode})


@functools.cache
def _calm(mode: str) -> tuple[Mapping[str, Any], ...]:
    """Play the nights without any fault; return all accounts' rows and bookmarks after each."""
    nights = _nights(mode)
    seen = []
    for _ in range(FAULTY_NIGHTS + 1):
        nights.night()
        seen.append(_delivered(nights))
        nights.next_night()
    return tuple(seen)


def _delivered(nights: Nights) -> dict[str, Any]:
    return {
        account.id: (nights.rows_of(account.id), nights.bookmarks_of(account.id))
        for account in nights.graph.world.accounts
    }


def play(cell: Cell) -> Measured:
    """Play the four nights of a cell."""
    place = PLACES[cell.place]
    nights, calm = _nights(place.mode), _calm(place.mode)
    accounts = [account.id for account in nights.graph.world.accounts]
    # The oldest data goes first, and so, on a first night, does the lowest id: the guilty come
    # first, as they do after nights on which they were the ones to fail.
    guilty = set(accounts) if place.is_listing else set(sorted(accounts)[: cell.crowd])
    problems: list[str] = []
    letters = ""
    for number in range(FAULTY_NIGHTS):
        for fault in _faults(cell, guilty):
            nights.graph.faults.add(fault)
        night = nights.night()
        nights.graph.faults.clear()
        seen = _letters(night, guilty)
        letters += "".join(sorted(seen))
        problems += _judged(cell, night, seen, number)
        if not place.is_listing:
            problems += _differing(
                nights, calm[number], set(accounts) - guilty, f"innocent, night {number + 1}"
            )
        nights.next_night()
    night = nights.night()
    if set(_letters(night, set(accounts))) != {"D"}:
        problems.append(f"after the fault: {_letters(night, set(accounts))}")
    problems += _differing(nights, calm[FAULTY_NIGHTS], set(accounts), "after the fault")
    return Measured(cell, letters, tuple(problems))


def second_window_fails(kind: str) -> tuple[str, str | None]:
    """Meet a fault for ever from the second window on; return the last day read and promised."""
    nights = _nights("sync")
    nights.config = {**nights.config, "start_date": "2026-10-01"}
    nights.streams = _STREAMS[1:]
    guilty = nights.graph.world.accounts[0].id
    nights.graph.faults.add(
        Fault(
            kind="insights",
            account_id=guilty,
            page=1,
            times=None,
            after=1,
            **KINDS[kind].fault,
        )
    )
    nights.night()
    rows = nights.tables["ad_insights"].values()
    delivered = [str(row["date_start"]) for row in rows if row["account_id"] == guilty]
    return max(delivered), nights.bookmarks_of(guilty).get("ad_insights")


def _faults(cell: Cell, guilty: set[str]) -> Iterator[Fault]:
    place = PLACES[cell.place]
    for account_id in [None] if place.is_listing else sorted(guilty):
        yield Fault(
            kind=place.kind,
            page=place.page,
            account_id=account_id,
            times=TIMES[cell.times],
            **KINDS[cell.kind].fault,
        )


def _letters(night: Night, account_ids: Iterable[str]) -> set[str]:
    """Return what became of these accounts: each one's worst, as letters."""
    if night.stopped:
        return {"X"}
    names = {name: letter for letter, name in OUTCOMES.items()}
    worst = "DISF"
    found = set()
    for account_id in account_ids:
        kinds = [names.get(name, "?") for name in night.outcomes(account_id).values()] or ["?"]
        found.add(max(kinds, key=lambda letter: worst.find(letter) % 9))
    return found


def _judged(cell: Cell, night: Night, seen: set[str], number: int) -> Iterator[str]:
    """Tell what is wrong with how a night with the fault went for the guilty, and was told."""
    where = f"night {number + 1}"
    if night.seconds > LONGEST_NIGHT_SECONDS:
        yield f"{where}: it took {night.seconds / 3600:.1f} hours"
    if not seen <= set(cell.allowed()):
        reasons = Counter(result.reason for result in night.results if result.reason)
        said = night.stopped or reasons
        yield f"{where}: guilty {sorted(seen)}, allowed {cell.allowed()}: {said}"
    for line in (*night.log, *night.summary, night.stopped or ""):
        if "unexpected" in line or "Traceback" in line:
            yield f"{where}: {line[:200]}"
    says = KINDS[cell.kind].says.lower()
    if PLACES[cell.place].kind in {"poll", "run_result"} and cell.kind in _GONE:
        # There it is said of the report run, which Meta does not know, or not yet.
        says = ""
    ended = [result.reason.lower() for result in night.results if result.reason]
    if says and ended and not any(says in reason for reason in ended):
        yield f"{where}: no reason says {says!r}: {ended[0]}"


def _differing(
    nights: Nights, calm: Mapping[str, Any], account_ids: set[str], who: str
) -> Iterator[str]:
    """Tell which of these accounts have other rows, or bookmarks, than without any fault."""
    for account_id in sorted(account_ids):
        rows, bookmarks = nights.rows_of(account_id), nights.bookmarks_of(account_id)
        calm_rows, calm_bookmarks = calm[account_id]
        if bookmarks != calm_bookmarks:
            yield f"{who}: {account_id} has bookmarks {bookmarks}, not {calm_bookmarks}"
        for stream, table in calm_rows.items():
            mine = rows.get(stream, {})
            if mine != table:
                missing, more = len(table.keys() - mine.keys()), len(mine.keys() - table.keys())
                values = sum(mine[key] != table[key] for key in table.keys() & mine.keys())
                yield (
                    f"{who}: {account_id}, {stream}: {missing} rows missing, {more} too many, "
                    f"{values} with other values"
                )


# Telling.

_HEAD = """\
# What becomes of a run when something goes wrong

Made by `uv run python -m tests.support.fault_matrix --write`. The test suite plays a selection in
which every pair of fault, place, how often and how many accounts occurs. Faults, refused fields,
corrections, withdrawn shares and kills together, night after night, are drawn from a seed by
`uv run python -m tests.support.drawn_nights`: sixty nights of thirty accounts.

Each fault below is made by the sandbox at each kind of call that a run consists of: once, three
times and for ever; for one, two and five of twelve ad accounts at once; on three nights in a row.
On the fourth night nothing goes wrong. Numbers are Meta's error codes, with their subcodes.

- **delivered**: every row of the guilty account arrives, and its bookmark moves.
- **incomplete**: the account goes on, but for what is told as missing and tried again each night.
- **skipped**: the account, or one stream of it, cannot be read. It is named, its bookmark stays.
- **failed**: the account is named, its bookmark stays behind the last complete day, exit code 1.
- **stopped**: nothing can be read. The run ends with one line and exit code 1; the state is kept.

In every cell besides, all innocent accounts are on each night, row for row, value for value and
bookmark for bookmark, what they are without any fault; and after the fourth night so are the guilty
ones.

One word stands for all three; where the outcome changes, it is said from when on. Where there are
two words, it depends on the night: what was learnt on one is asked another way on the next.

"""


def document(letters: Mapping[tuple[str, str, str], str]) -> str:
    """Return docs/fault-matrix.md.

    Args:
        letters: what became of the guilty accounts, by kind, place and how often.
    """
    lines = [["fault", *PLACES], ["---"] * (len(PLACES) + 1)]
    for kind in KINDS:
        cells = [_in_words([letters[kind, place, times] for times in TIMES]) for place in PLACES]
        lines.append([kind.replace("|", "\\|"), *cells])
    return _HEAD + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _in_words(by_times: list[str]) -> str:
    """Return outcomes for once, three times and for ever in words; equal ones once."""
    parts: list[str] = []
    before = ""
    for times, letters in zip(TIMES, by_times, strict=True):
        if letters != before:
            words = " or ".join(OUTCOMES[letter] for letter in OUTCOMES if letter in letters)
            parts.append(words if times == "once" else f"{times}: {words}")
        before = letters
    return ", ".join(parts)


def documented() -> dict[tuple[str, str, str], str]:
    """Read the outcomes back out of docs/fault-matrix.md, as letters."""
    names = {name: letter for letter, name in OUTCOMES.items()}
    found: dict[tuple[str, str, str], str] = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if cells[0] not in KINDS:
            continue
        for place, cell in zip(PLACES, cells[1:], strict=True):
            said = dict(
                part.split(": ", 1) if ": " in part else ("once", part) for part in cell.split(", ")
            )
            words = ""
            for times in TIMES:
                words = said.get(times, words)
                letters = "".join(names[word] for word in words.split(" or "))
                found[cells[0], place, times] = letters
    return found


def main() -> None:
    """Play cells and print what is not as it has to be; exit 1 where there is any."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--selected", action="store_true", help="only what the suite plays")
    parser.add_argument("--kind", help="only this kind of fault")
    parser.add_argument("--place", help="only this place")
    parser.add_argument("--crowd", type=int, help="only so many accounts at once")
    parser.add_argument("--write", action="store_true", help=f"write docs/{DOCUMENT.name}")
    parser.add_argument("--processes", type=int, default=1, help="how many cells at once")
    arguments = parser.parse_args()
    cells = [
        cell
        for cell in (selected_cells() if arguments.selected else all_cells())
        if arguments.kind in {None, cell.kind}
        and arguments.place in {None, cell.place}
        and (arguments.crowd in {None, cell.crowd} or PLACES[cell.place].is_listing)
    ]
    wrong = 0
    letters: dict[tuple[str, str, str], set[str]] = {}
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for measured in pool.imap(play, cells, chunksize=8):
            cell = measured.cell
            seen = letters.setdefault((cell.kind, cell.place, cell.times), set())
            seen |= set(measured.outcomes)
            if measured.problems:
                wrong += 1
                sys.stdout.write(f"{cell}: {measured.outcomes}\n")
                sys.stdout.writelines(f"    {problem}\n" for problem in measured.problems[:6])
                sys.stdout.flush()
    sys.stdout.write(f"{wrong} of {len(cells)} cells are not as they have to be\n")
    if arguments.write:
        DOCUMENT.write_text(
            document({cell: "".join(sorted(seen)) for cell, seen in letters.items()}),
            encoding="utf-8",
        )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
