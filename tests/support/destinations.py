"""Where the loaders of meltano.yml write to, and how what they wrote is read back with SQL."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import duckdb
import psycopg
from uv import find_uv_bin

from tap_meta_partner.demo.postgres import embedded_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: An S3 on loopback, run from a throw-away environment of its own.
S3_SERVER = "moto[server]>=5,<6"
_START_SECONDS = 60
Query = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a loader writes to.

    Attributes:
        settings: the environment variables that lead the loader there.
        query: answers SQL.
        table: what to write after `from` for a stream.
    """

    settings: Mapping[str, str]
    query: Query
    table: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Loader:
    """A loader of meltano.yml.

    Attributes:
        destination: starts what it writes to, if anything, given the project's folder and a file
            for a server's log.
        upserts: it replaces a row whose key is there already; else rows are only added.
        types: the types SQL sees: of a day, an amount, a count, an action list, an instant.
        newest_python: the newest Python that what it pins has wheels for.
    """

    name: str
    destination: Callable[[Path, Path], AbstractContextManager[Destination]]
    upserts: bool
    types: tuple[str, str, str, str, str]
    newest_python: tuple[int, int] = (3, 99)


@contextlib.contextmanager
def postgres(_project: Path, _log: Path) -> Iterator[Destination]:
    """A PostgreSQL server."""
    with (
        embedded_postgres() as server,
        psycopg.connect(server.uri, autocommit=True) as connection,
    ):
        yield Destination(
            {"TARGET_POSTGRES_SQLALCHEMY_URL": server.loader_uri},
            lambda sql: connection.execute(sql).fetchall(),
            lambda stream: f"tap_meta_partner.{stream}",
        )


@contextlib.contextmanager
def duckdb_file(project: Path, _log: Path) -> Iterator[Destination]:
    """The file of DuckDB's that meltano.yml names."""

    def query(sql: str) -> list[tuple[Any, ...]]:
        # Not kept open: the loader must be able to write to it.
        with duckdb.connect(project / "meta_ads.duckdb", read_only=True) as database:
            return database.execute(sql).fetchall()

    yield Destination({}, query, lambda stream: f"tap_meta_partner.{stream}")


@contextlib.contextmanager
def json_lines(project: Path, _log: Path) -> Iterator[Destination]:
    """Files of JSON Lines in the folder that meltano.yml names."""
    yield Destination({}, _query, lambda stream: f"read_json('{project}/output/{stream}-*.jsonl')")


@contextlib.contextmanager
def csv_files(project: Path, _log: Path) -> Iterator[Destination]:
    """CSV files in the same folder, all columns read as text: an id is no number."""
    yield Destination(
        {},
        _query,
        lambda stream: f"read_csv('{project}/output/{stream}-*.csv', all_varchar=true)",
    )


@contextlib.contextmanager
def parquet_on_s3(project: Path, log: Path) -> Iterator[Destination]:
    """A bucket; its objects are copied into a folder before each look."""
    with _s3_server(log) as url:
        bucket, copy = f"{url}/ads", project / "copy"
        _request("PUT", bucket)

        def query(sql: str) -> list[tuple[Any, ...]]:
            _copy(bucket, copy)
            return _query(sql)

        yield Destination(
            {
                "TARGET_S3_CLOUD_PROVIDER_AWS_AWS_BUCKET": "ads",
                "TARGET_S3_CLOUD_PROVIDER_AWS_AWS_REGION": "us-east-1",
                "TARGET_S3_CLOUD_PROVIDER_AWS_AWS_ACCESS_KEY_ID": "made-up",
                "TARGET_S3_CLOUD_PROVIDER_AWS_AWS_SECRET_ACCESS_KEY": "made-up",
                "TARGET_S3_CLOUD_PROVIDER_AWS_AWS_ENDPOINT_OVERRIDE": url,
            },
            query,
            lambda stream: f"read_parquet('{copy}/tap_meta_partner/{stream}/**/*.parquet')",
        )


def _query(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as database:
        return database.execute(sql).fetchall()


@contextlib.contextmanager
def _s3_server(log_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [find_uv_bin(), "tool", "run", "--python", sys.executable, "--from", S3_SERVER]
    command += ["moto_server", "--host", "127.0.0.1", "--port", str(port)]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_for(url, process, log_path)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


def _wait_for(url: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            _request("GET", url)
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the S3 server does not answer: {log_path.read_text()[-2000:]}")


def _copy(bucket: str, folder: Path) -> None:
    listing = ET.fromstring(_request("GET", f"{bucket}?list-type=2"))  # noqa: S314  (our own server)
    for element in listing.iterfind("{*}Contents/{*}Key"):
        path = folder / str(element.text)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_request("GET", f"{bucket}/{urllib.parse.quote(str(element.text))}"))


def _request(method: str, url: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:  # noqa: S310  (loopback)
        return bytes(answer.read())


#: Every loader in meltano.yml.
ALL_LOADERS = (
    Loader(
        "target-postgres",
        postgres,
        upserts=True,
        types=("date", "numeric", "bigint", "jsonb", "timestamp without time zone"),
    ),
    Loader(
        "target-duckdb",
        duckdb_file,
        upserts=True,
        types=("VARCHAR", "DOUBLE", "HUGEINT", "JSON", "TIMESTAMP"),
        newest_python=(3, 13),
    ),
    Loader(
        "target-jsonl",
        json_lines,
        upserts=False,
        types=(
            "DATE",
            "DOUBLE",
            "BIGINT",
            'STRUCT(action_type VARCHAR, "value" BIGINT)[]',
            "TIMESTAMP WITH TIME ZONE",
        ),
    ),
    Loader("target-csv", csv_files, upserts=False, types=("VARCHAR",) * 5),
    Loader(
        "target-s3",
        parquet_on_s3,
        upserts=False,
        types=("DATE", "DOUBLE", "BIGINT", "VARCHAR", "TIMESTAMP WITH TIME ZONE"),
        newest_python=(3, 12),
    ),
)
#: Those that can be installed for the Python this runs with.
LOADERS = [loader for loader in ALL_LOADERS if sys.version_info[:2] <= loader.newest_python]
