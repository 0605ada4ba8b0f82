"""Measure the tap, and print a table: `uv run python -m tests.benchmarks`.

Some are chosen by name: a, b, many, c, kinds, d, check, kill, changed, year, loaders.

Beside each run stands a bare loop over the very same HTTP answers (JSON in, typed row, JSON out,
nothing else) in the same session, since machines differ and are noisy: ratios are what counts.
"""

from __future__ import annotations

import os
import platform
import random
import re
import signal
import sys
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from tap_meta_partner.lanes.governor import (
    GIVE_UP_SECONDS,
    MOST_APP_REST_SECONDS,
    MOST_REST_SECONDS,
)
from tap_meta_partner.settings.words import DEFAULT_CONCURRENCY
from tests.benchmarks.checking import bench_check
from tests.benchmarks.loaders import bench_loaders
from tests.benchmarks.measure import (
    Measured,
    bare_loop,
    calls_by_account,
    run,
    throttle_errors,
)
from tests.benchmarks.only_changed import bench_only_changed
from tests.benchmarks.serving import calls, forget_calls, served
from tests.benchmarks.workloads import WORKLOADS, Workload
from tests.support.simulated_year import Year

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

_MEGABYTE = 1 << 20
#: What a nightly run reads: yesterday's bookmark, less 28 days of lookback.
_NIGHTLY_DAYS = 29
console = Console(width=150)


class Results:
    """What was measured, and what was promised of it."""

    def __init__(self) -> None:
        self.table = Table(
            title=f"{platform.machine()}, {os.cpu_count()} cores, "
            f"Python {platform.python_version()}"
        )
        for name in (
            "workload", "rows", "calls", "wall s", "CPU s", "bare CPU s", "CPU ratio", "peak MB",
            "STATE kB", "throttle errors", "exact",
        ):  # fmt: skip
            self.table.add_column(name, justify="left" if name == "workload" else "right")
        self.promises: list[tuple[str, str, bool]] = []

    def promise(self, what: str, got: str, *, kept: bool) -> None:
        """Note whether something promised holds."""
        self.promises.append((what, got, kept))

    def show(self) -> int:
        """Print everything; return the exit code."""
        if self.table.rows:
            console.print(self.table)
        for what, got, kept in self.promises:
            console.print(f"{'holds ' if kept else 'BROKEN'}  {what}: {got}", highlight=False)
        return 0 if all(kept for _, _, kept in self.promises) else 1


def true_spend(
    workload: Workload, *, days_back: int | None = None
) -> dict[tuple[str, str], Decimal]:
    """Return the truth, made without HTTP in this process; of the last days if said."""
    world = workload.make_world()
    truth = {}
    for account in world.readable():
        today = world.now().astimezone(ZoneInfo(account.timezone_name)).date()
        since = workload.start_date() if days_back is None else today - timedelta(days=days_back)
        for day, total in world.truth.day_totals(account.id, since, today).items():
            truth[account.id, str(day)] = total.spend
    return truth


def true_levels(
    workload: Workload, levels: set[str], *, days_back: int | None = None
) -> dict[str, int]:
    """Return how many rows each of these levels truly has."""
    world = workload.make_world()
    rows: Counter[str] = Counter()
    for account in world.readable():
        today = world.now().astimezone(ZoneInfo(account.timezone_name)).date()
        since = workload.start_date() if days_back is None else today - timedelta(days=days_back)
        for total in world.truth.day_totals(account.id, since, today).values():
            rows.update({level: total.rows_by_level[level] for level in levels})
    return dict(rows)


def _levels(measured: Measured) -> dict[str, int]:
    return {level: len(keys) for level, keys in measured.keys.items()}


def measure(key: str, results: Results) -> tuple[Measured, list[dict[str, object]], Measured]:
    """Measure one workload: the tap, its calls, the bare loop."""
    workload = WORKLOADS[key]
    with tempfile.TemporaryDirectory() as name, served(key) as url:
        folder = Path(name)
        state = None
        if workload.warm:
            state = run(workload, url, folder).state
            forget_calls(url)
        measured = run(workload, url, folder, state=state)
        seen = calls(url)
        answered = [call for call in seen if call["method"] == "GET" and call["status"] == 200]
        if workload.budget:
            # Its limits would answer the bare loop too: the same calls to the same world without.
            with served(key, calm=True) as calm_url:
                bare = bare_loop(calm_url, answered, folder)
        else:
            by_amount = any(report.get("action_rows") for report in workload.reports)
            bare = bare_loop(url, answered, folder, by_amount=by_amount)
    results.promise(
        f"{key}: the bare loop reads the same rows",
        f"{bare.rows:,} of {measured.rows:,}",
        kept=bare.rows == measured.rows,
    )
    # What the sandbox has of reports of one's own, the bare loop tells.
    exact = bare.rows == measured.rows if workload.reports else _is_exact(workload, measured)
    results.promise(
        f"{key}: every row, exit 0", f"exit {measured.code}", kept=_good(measured, exact)
    )
    results.table.add_row(
        workload.name,
        f"{measured.rows:,}",
        f"{len(seen):,}",
        f"{measured.wall:.1f}",
        f"{measured.cpu:.2f}",
        f"{bare.cpu:.2f}",
        f"{measured.cpu / bare.cpu:.2f}",
        f"{measured.peak / _MEGABYTE:.0f}",
        f"{measured.state_bytes / 1000:.0f}",
        str(throttle_errors(seen)),
        "yes" if exact else "NO",
    )
    return measured, seen, bare


def _is_exact(workload: Workload, measured: Measured) -> bool:
    days_back = _NIGHTLY_DAYS if workload.warm else None
    return measured.spend == true_spend(workload, days_back=days_back) and _levels(
        measured
    ) == true_levels(workload, set(measured.keys), days_back=days_back)


def _good(measured: Measured, exact: bool) -> bool:  # noqa: FBT001
    if measured.code != 0 or not exact:
        console.print(measured.log[-3000:], highlight=False)
    return measured.code == 0 and exact


#: What the log says of waits: those that Meta's errors ask for, and those of high utilisation.
_WAIT = re.compile(r"(?:waits|rests) (\d+) s")
_REST = re.compile(r"account (.*) rests (\d+) s")


def bench_a(results: Results) -> None:
    """Few calls, and a wall time near what they take."""
    measured, seen, bare = measure("a", results)
    results.promise("a: at most 150 calls", str(len(seen)), kept=len(seen) <= 150)
    ideal = len(seen) * WORKLOADS["a"].latency / DEFAULT_CONCURRENCY + bare.cpu
    ratio = measured.wall / ideal
    results.promise(
        "a: wall within 3 times the ideal (calls x latency / concurrency + bare CPU)",
        f"{measured.wall:.2f} s / {ideal:.2f} s = {ratio:.2f}",
        kept=ratio <= 3,
    )


def bench_b(results: Results) -> None:
    """Idle accounts cost next to nothing, memory and state stay small, cost grows evenly."""
    quarter, _, _ = measure("b250", results)
    whole, seen, _ = measure("b", results)
    by_account = calls_by_account(seen)
    active = {account for account, _ in whole.spend}
    idle = [count for account, count in by_account.items() if account not in active]
    each = sum(idle) / len(idle)
    results.promise(
        f"b: at most 1.3 calls per idle account ({len(idle)} of them)",
        f"{each:.2f}",
        kept=each <= 1.3,
    )
    peak = whole.peak / _MEGABYTE
    results.promise("b: peak memory under 250 MB", f"{peak:.0f} MB", kept=peak < 250)
    state = whole.state_bytes / 1e6
    results.promise("b: STATE under 20 MB in all", f"{state:.2f} MB", kept=state < 20)
    for name, ratio in (("CPU", whole.cpu / quarter.cpu), ("wall", whole.wall / quarter.wall)):
        results.promise(
            f"b: {name} from 250 to 1,000 accounts at most 4.4 times",
            f"{ratio:.2f}",
            kept=ratio <= 4.4,
        )


def bench_many(results: Results) -> None:
    """Thousands of accounts, most of them idle: a call each, little memory, a state in bounds."""
    for key in ("many4000", "many10000"):
        measured, seen, _ = measure(key, results)
        by_account = calls_by_account(seen)
        active = {account for account, _ in measured.spend}
        idle = [count for account, count in by_account.items() if account not in active]
        each = sum(idle) / len(idle)
        results.promise(
            f"{key}: at most 1.3 calls per idle account ({len(idle)} of them)",
            f"{each:.2f}",
            kept=each <= 1.3,
        )
        peak = measured.peak / _MEGABYTE
        results.promise(f"{key}: at most 150 MB", f"{peak:.0f} MB", kept=peak <= 150)
        state = measured.state_bytes / 1e6
        results.promise(f"{key}: STATE under 64 MB in all", f"{state:.2f} MB", kept=state < 64)


def bench_c(results: Results) -> None:
    """One huge account: little work per row, flat memory."""
    small, _, _ = measure("c30", results)
    large, _, bare = measure("c", results)
    ratio = large.cpu / bare.cpu
    results.promise("c: CPU at most 1.25 times the bare loop's", f"{ratio:.2f}", kept=ratio <= 1.25)
    more = (large.peak - small.peak) / _MEGABYTE
    results.promise(
        "c: 300,000 rows peak at most 50 MB above 30,000", f"{more:.0f} MB", kept=more <= 50
    )


def bench_kinds(results: Results) -> None:
    """Rows by breakdowns, and action lists row by row, take little work as well."""
    for key in ("breakdowns", "action_rows"):
        measured, _, bare = measure(key, results)
        ratio = measured.cpu / bare.cpu
        results.promise(
            f"{key}: CPU at most 1.5 times the bare loop's", f"{ratio:.2f}", kept=ratio <= 1.5
        )


def bench_d(results: Results) -> None:
    """Under limits everything arrives, and hardly a call is refused."""
    measured, seen, _ = measure("d", results)
    share = 100 * throttle_errors(seen) / len(seen)
    results.promise(
        "d: fewer than 2 % of the calls answered by a throttle error",
        f"{share:.1f} %",
        kept=share < 2,
    )
    waits = [float(seconds) for seconds in _WAIT.findall(measured.log)]
    longest = max(waits, default=0.0)
    results.promise(
        f"d: no wait longer than {GIVE_UP_SECONDS / 3600:.0f} hours",
        f"{longest / 60:.1f} min",
        kept=longest <= GIVE_UP_SECONDS,
    )
    rests: Counter[str] = Counter()
    for who, seconds in _REST.findall(measured.log):
        rests[who] += int(seconds)
    most = max(rests.values(), default=0)
    bound = MOST_REST_SECONDS + MOST_APP_REST_SECONDS
    results.promise(
        f"d: no account rests longer than {bound / 60:.0f} minutes while nothing is refused",
        f"{most / 60:.1f} min",
        kept=most <= bound,
    )


def bench_kill(results: Results, times: int = 2) -> None:
    """Killed at any moment and run again, the totals are the truth."""
    for key in ("a", "b", "c", "d"):
        outcome: Counter[str] = Counter()
        for attempt in range(times):
            outcome[_killed_and_run_again(key, random.Random(f"{key}{attempt}"))] += 1  # noqa: S311
        results.promise(
            f"{key}: killed at {times} random moments, run again: exact",
            ", ".join(f"{count} {what}" for what, count in outcome.items()),
            kept=set(outcome) == {"exact"},
        )


def _killed_and_run_again(key: str, chance: random.Random) -> str:
    workload = WORKLOADS[key]
    keyed: dict[tuple[str, ...], Decimal] = {}
    state = None
    with tempfile.TemporaryDirectory() as name, served(key) as url:
        folder = Path(name)
        for number in (signal.SIGTERM, signal.SIGKILL, None):
            kill = (chance.uniform(0.3, workload.lasts), number) if number else None
            measured = run(workload, url, folder, state=state, kill=kill)
            keyed |= measured.keyed
            state = measured.state or state
    if measured.code != 0:
        return f"exit {measured.code}"
    return "exact" if Measured(keyed=keyed).spend == true_spend(workload) else "WRONG"


def bench_year(results: Results) -> None:
    """A simulated year: no night is long, and nobody falls behind."""
    year = Year()
    year.play()
    results.promise("a simulated year", year.told(), kept=not year.problems)


BENCHMARKS: dict[str, Callable[[Results], None]] = {
    "a": bench_a,
    "b": bench_b,
    "many": bench_many,
    "c": bench_c,
    "kinds": bench_kinds,
    "d": bench_d,
    "check": bench_check,
    "kill": bench_kill,
    "changed": bench_only_changed,
    "year": bench_year,
    "loaders": lambda results: bench_loaders(results, console),
}


def main(wanted: list[str]) -> int:
    """Run the benchmarks named, all where none is."""
    results = Results()
    for name in wanted or BENCHMARKS:
        console.print(f"{name} …")
        BENCHMARKS[name](results)
    return results.show()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
