"""The whole way of the rows: a sandbox, a Meltano project, a PostgreSQL of its own; and its end."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from tap_meta_partner.demo.meltano import new_project
from tap_meta_partner.demo.postgres import embedded_postgres, short_folder
from tap_meta_partner.sandbox import Dials, Sandbox

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from tap_meta_partner.demo.meltano import Project
    from tap_meta_partner.demo.postgres import Postgres
    from tap_meta_partner.sandbox import World

_REPOSITORY = Path(__file__).parents[2]
_TAP = """\
#!/bin/sh
PYTHONPATH='{repository}' exec '{python}' -m tests.support.fast_time 60 --now '{now}' "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A project that loads what a sandbox serves into a database; nothing has run yet."""

    sandbox: Sandbox
    postgres: Postgres
    project: Project
    connection: psycopg.Connection


@contextlib.contextmanager
def pipeline(
    world: World,
    settings: Mapping[str, str],
    **dials: Any,  # noqa: ANN401  (of the sandbox)
) -> Iterator[Pipeline]:
    """Start a sandbox and a database, make a project between them, and stop them in the end.

    Args:
        world: what the sandbox serves.
        settings: of the tap and the loader, as Meltano's environment, beside the two addresses and
            the token.
        dials: of the sandbox.
    """
    with (
        Sandbox(world, Dials(**dials)) as sandbox,
        embedded_postgres() as postgres,
        short_folder() as folder,
        psycopg.connect(postgres.uri, autocommit=True) as connection,
    ):
        project = new_project(
            folder / "project",
            {
                "TAP_META_PARTNER_API_URL": sandbox.url,
                "TAP_META_PARTNER_ACCESS_TOKEN": sandbox.token,
                "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.loader_uri,
                **settings,
            },
        )
        yield Pipeline(sandbox=sandbox, postgres=postgres, project=project, connection=connection)


def set_clock(project: Project, now: dt.datetime) -> None:
    """Let the project's tap believe that its next run begins at this instant."""
    tap, settings = project.root / "tap", project.root / "meltano.yml"
    script = _TAP.format(repository=_REPOSITORY, python=sys.executable, now=now.isoformat())
    tap.write_text(script, encoding="utf-8")
    tap.chmod(0o755)
    # With a slash it is looked for in the project.
    own = settings.read_text(encoding="utf-8").replace(
        "executable: tap-meta-partner\n", "executable: ./tap\n"
    )
    settings.write_text(own, encoding="utf-8")


def load(  # noqa: PLR0913
    messages: bytes,
    postgres: Postgres,
    folder: Path,
    *,
    schema: str,
    timeout: float,
    load_method: str = "upsert",
    environment: Mapping[str, str] | None = None,
) -> None:
    """Let the real loader read Singer messages into a schema, within so many seconds."""
    settings = {
        "sqlalchemy_url": postgres.loader_uri,
        "default_target_schema": schema,
        "load_method": load_method,
        "use_copy": True,
        "validate_records": False,
    }
    config = folder / "target.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    loading = subprocess.run(
        [Path(sysconfig.get_path("scripts")) / "target-postgres", "--config", config],
        input=messages,
        capture_output=True,
        check=False,
        timeout=timeout,
        env=environment,
    )
    assert loading.returncode == 0, loading.stderr.decode(errors="replace")[-2000:]
