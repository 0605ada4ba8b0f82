"""The loader's side: `meltano run` from a sandbox into each loader, with the settings that matter.

What is measured is what a user runs, Meltano and tap included. A small run is taken off: what
remains is the work that grows with the rows. The CPU of a server that is written to is not counted.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from rich.table import Table

from tap_meta_partner.demo.meltano import new_project
from tap_meta_partner.demo.postgres import short_folder
from tests.benchmarks.serving import served
from tests.benchmarks.workloads import DAYS, WORKLOADS
from tests.scenarios.destinations import LOADERS, Loader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from tap_meta_partner.demo.meltano import Project
    from tests.benchmarks.__main__ import Results

#: One account, 30,000 rows at ad level, with their action lists about 1.5 kB each.
_WORKLOAD = "c30"
#: What the loader does if it is told nothing; and what else is worth knowing.
_DEFAULTS = "the loader's own"
_SHIPPED = "as in meltano.yml"
VARIANTS: dict[str, dict[str, dict[str, str]]] = {
    "target-postgres": {
        _DEFAULTS: {"USE_COPY": "false", "VALIDATE_RECORDS": "true"},
        "use_copy": {"VALIDATE_RECORDS": "true"},
        "validate_records: false": {"USE_COPY": "false"},
        _SHIPPED: {},
        "… and batch_size_rows: 50000": {"BATCH_SIZE_ROWS": "50000"},
    },
    "target-duckdb": {
        _DEFAULTS: {"FLUSH_ALL_STREAMS": "false", "BATCH_SIZE_ROWS": "100000"},
        _SHIPPED: {},
        "… but batch_size_rows: 1000": {"BATCH_SIZE_ROWS": "1000"},
        "… but validate_records: true": {"VALIDATE_RECORDS": "true"},
    },
    "target-jsonl": {_DEFAULTS: {"DO_TIMESTAMP_FILE": "true"}},
    "target-csv": {
        _DEFAULTS: {
            "VALIDATE_RECORDS": "true",
            "FLATTENING_ENABLED": "false",
            "BATCH_SIZE_ROWS": "1000000000",
        },
        "validate_records: false": {"FLATTENING_ENABLED": "false", "BATCH_SIZE_ROWS": "1000000000"},
        _SHIPPED: {},
    },
    "target-s3": {
        _SHIPPED: {},
        "… and max_batch_size: 50000": {"MAX_BATCH_SIZE": "50000"},
    },
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: on the clock, and of CPU in Meltano, tap and loader together."""

    wall: float
    cpu: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.cpu - other.cpu)


@dataclass(frozen=True, slots=True)
class Loading:
    """One `meltano run` of all rows.

    Attributes:
        rows: how many arrived, each key once.
        whole: the run's cost.
        start: the cost of a run of one day.
    """

    rows: int
    whole: Cost
    start: Cost

    def each(self) -> Cost:
        """Cost of a row, beyond the start."""
        cost, rows = self.whole - self.start, self.rows - true_rows(days=1)
        return Cost(cost.wall / rows, cost.cpu / rows)


def measure(loader: Loader, url: str, settings: Mapping[str, str]) -> Loading:
    """Run once to install the loader, once for a day, once for all."""
    prefix = loader.name.upper().replace("-", "_")
    with (
        short_folder() as folder,
        loader.destination(folder / "project", folder / "server.log") as destination,
    ):
        environment = {
            "TAP_META_PARTNER_API_URL": url,
            "TAP_META_PARTNER_ACCESS_TOKEN": "SANDBOX-TOKEN",
            "TAP_META_PARTNER__SELECT": '["ad_insights.*"]',
            **destination.settings,
            **{f"{prefix}_{name}": value for name, value in settings.items()},
        }
        project = new_project(folder / "project", environment, loader=loader.name)
        _run(project, "yesterday")
        start, whole = _run(project, "yesterday"), _run(project, "last_90d")
        ((rows,),) = destination.query(
            "select count(*) from (select distinct account_id, date_start, ad_id "  # noqa: S608
            f"from {destination.table('ad_insights')}) as keys"
        )
    return Loading(rows, whole, start)


def _run(project: Project, preset: str) -> Cost:
    """Run with a preset, which reads its days in full every time, whatever the state says."""
    (project.root / ".env").write_text(f"TAP_META_PARTNER_DATE_PRESET={preset}\n")
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    project.run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.monotonic() - begun, cpu)


@cache
def true_rows(days: int = DAYS) -> int:
    """Return how many rows at ad level there truly are, up to yesterday."""
    world = WORKLOADS[_WORKLOAD].make_world()
    (account,) = world.readable()
    yesterday = account.today(world.now()) - timedelta(days=1)
    totals = world.totals(account.id, yesterday - timedelta(days=days - 1), yesterday)
    return totals.rows_by_level["ad"]


def bench_loaders(results: Results, console: Console, names: Iterable[str] = VARIANTS) -> None:
    """Measure every loader with each of its settings; nothing may be missing."""
    table = Table(
        title="meltano run tap-meta-partner LOADER; factors: how many times less a row costs"
    )
    for name in ("loader", "settings", "rows", "wall s", "start s", "rows/s", "wall", "CPU"):
        table.add_column(name, justify="left" if name in {"loader", "settings"} else "right")
    with served(_WORKLOAD) as url:
        for loader in (each for each in LOADERS if each.name in names):
            first: Cost | None = None
            for label, settings in VARIANTS[loader.name].items():
                loading = measure(loader, url, settings)
                each = loading.each()
                first = first or each
                cells = (
                    loader.name,
                    label,
                    f"{loading.rows:,}",
                    f"{loading.whole.wall:.1f}",
                    f"{loading.start.wall:.1f}",
                    f"{1 / each.wall:,.0f}",
                    f"{first.wall / each.wall:.1f}",
                    f"{first.cpu / each.cpu:.1f}",
                )
                console.print("  ", *cells, highlight=False)
                table.add_row(*cells)
                results.promise(
                    f"{loader.name}, {label}: every row",
                    f"{loading.rows:,}",
                    kept=loading.rows == true_rows(),
                )
            table.add_section()
    console.print(table)
