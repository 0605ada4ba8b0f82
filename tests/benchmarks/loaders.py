"""The loader's side: the tap's rows into each loader of meltano.yml, with the settings that matter.

The rows are recorded once and fed by `meltano invoke LOADER`, so that nothing but the loader is
waited for; with the settings of meltano.yml, the whole pipeline is run as well. A run without rows
is taken off: what remains is what grows with them. The CPU of a server written to is not counted.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from tap_meta_partner.demo.meltano import new_project
from tap_meta_partner.demo.postgres import short_folder
from tests.benchmarks.measure import run
from tests.benchmarks.serving import served
from tests.benchmarks.workloads import WORKLOADS
from tests.support.destinations import LOADERS, Loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import Console

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
    """Seconds: on the clock, and of CPU in all processes started."""

    wall: float
    cpu: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.cpu - other.cpu)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the tap wrote.

    Attributes:
        messages: all of it.
        schemas: the part without rows.
        keys: how many different rows there are.
    """

    messages: Path
    schemas: Path
    keys: int


@dataclass(frozen=True, slots=True)
class Loading:
    """One load of all rows.

    Attributes:
        rows: how many arrived, each key once.
        loader: what the loader alone took for them.
        pipeline: what `meltano run` took for them, where that was run.
    """

    rows: int
    loader: Cost
    pipeline: Cost | None


def record(url: str, folder: Path) -> Recorded:
    """Run the tap by itself."""
    measured = run(WORKLOADS[_WORKLOAD], url, folder)
    messages, schemas = folder / "output.jsonl", folder / "schemas.jsonl"
    with messages.open("rb") as lines:
        schemas.write_bytes(
            b"".join(line for line in lines if line.startswith(b'{"type":"SCHEMA"'))
        )
    return Recorded(messages, schemas, len(measured.keyed))


def measure(
    loader: Loader, url: str, recorded: Recorded, settings: Mapping[str, str], *, whole: bool
) -> Loading:
    """Load the rows into a new destination; if `whole`, through the whole pipeline after that."""
    prefix = loader.name.upper().replace("-", "_")
    with (
        short_folder() as folder,
        loader.destination(folder / "project", folder / "server.log") as destination,
    ):
        environment = {
            "TAP_META_PARTNER_API_URL": url,
            "TAP_META_PARTNER_ACCESS_TOKEN": "SANDBOX-TOKEN",
            "TAP_META_PARTNER__SELECT": '["ad_insights.*"]',
            "MELTANO_EXTRACT__LOAD_SCHEMA": "tap_meta_partner",  # `invoke` knows of no extractor
            **destination.settings,
            **{f"{prefix}_{name}": value for name, value in settings.items()},
        }
        project = new_project(folder / "project", environment, loader=loader.name)

        def load(messages: Path) -> None:
            _invoke(loader, project.root, environment, messages)

        def pipeline(preset: str) -> None:
            # A preset reads its days in full every time, whatever the state says.
            (project.root / ".env").write_text(f"TAP_META_PARTNER_DATE_PRESET={preset}\n")
            project.run()

        load(recorded.schemas)  # installs the loader
        alone = _cost(load, recorded.messages) - _cost(load, recorded.schemas)
        ((rows,),) = destination.query(
            "select count(*) from (select distinct account_id, date_start, ad_id "  # noqa: S608
            f"from {destination.table('ad_insights')}) as keys"
        )
        together = None
        if whole:
            together = _cost(pipeline, "last_90d") - _cost(pipeline, "yesterday")
    return Loading(rows, alone, together)


def _invoke(loader: Loader, root: Path, environment: Mapping[str, str], messages: Path) -> None:
    with messages.open("rb") as rows, (root / "invoke.log").open("wb") as log:
        subprocess.run(
            ["meltano", "invoke", loader.name],
            cwd=root,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                **environment,
            },
            stdin=rows,
            stdout=log,
            stderr=log,
            check=True,
        )


def _cost(work: Callable[..., None], argument: object) -> Cost:
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    work(argument)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.monotonic() - begun, cpu)


def bench_loaders(results: Results, console: Console, names: Iterable[str] = VARIANTS) -> None:
    """Measure every loader with each of its settings; nothing may be missing."""
    table = Table(
        title="wall, CPU: how many times less a row costs the loader than in its first line"
    )
    for name in ("loader", "settings", "rows", "s", "rows/s", "wall", "CPU", "meltano run: rows/s"):
        table.add_column(name, justify="left" if name in {"loader", "settings"} else "right")
    with served(_WORKLOAD) as url, tempfile.TemporaryDirectory() as folder:
        recorded = record(url, Path(folder))
        for loader in (each for each in LOADERS if each.name in names):
            first: Cost | None = None
            variants = VARIANTS[loader.name]
            shipped = _SHIPPED if _SHIPPED in variants else _DEFAULTS
            for label, settings in variants.items():
                loading = measure(loader, url, recorded, settings, whole=label == shipped)
                cost = loading.loader
                first = first or cost
                cells = (
                    loader.name,
                    label,
                    f"{loading.rows:,}",
                    f"{cost.wall:.1f}",
                    f"{loading.rows / cost.wall:,.0f}",
                    f"{first.wall / cost.wall:.1f}",
                    f"{first.cpu / cost.cpu:.1f}",
                    f"{loading.rows / loading.pipeline.wall:,.0f}" if loading.pipeline else "",
                )
                console.print("  ", *cells, highlight=False)
                table.add_row(*cells)
                results.promise(
                    f"{loader.name}, {label}: every row",
                    f"{loading.rows:,}",
                    kept=loading.rows == recorded.keys,
                )
            table.add_section()
    console.print(table)
