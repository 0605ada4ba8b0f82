"""Whether the loader will find its database: the four ways in which it does not, a line each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.demo.postgres import embedded_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_meta_partner.sandbox import Sandbox

VARIABLE = "TARGET_POSTGRES_SQLALCHEMY_URL"


@pytest.fixture(scope="module")
def postgres() -> Iterator[sa.URL]:
    with embedded_postgres() as server:
        yield sa.make_url(server.loader_uri)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path


def facts(config: dict[str, Any], *arguments: str) -> dict[str, Any]:
    with open("config.json", "w", encoding="utf-8") as file:  # noqa: PTH123  (in the test's folder)
        json.dump(config, file)
    result = CliRunner().invoke(
        cli.main, ["check", "--config", "config.json", "--json", *arguments]
    )
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def about_database(document: dict[str, Any]) -> str:
    (problem,) = [each for each in document["problems"] if "database" in each["about"]]
    assert document["exit_code"] == 1
    assert "\n" not in problem["what"]
    assert VARIABLE in problem["advice"]
    return str(problem["what"])


def test_database__that_answers(config: dict[str, Any], postgres: sa.URL) -> None:
    """Who is let in, and that tables may be made there."""
    address = postgres.render_as_string(hide_password=False)
    document = facts(config, "--database", address)

    assert document["database"].endswith("may make tables there")


def test_database__of_the_loaders_variable(
    config: dict[str, Any], postgres: sa.URL, folder: Path
) -> None:
    """Without an address it is looked for where target-postgres does, `.env` included."""
    address = postgres.render_as_string(hide_password=False)
    (folder / ".env").write_text(f"{VARIABLE}={address}\n", encoding="utf-8")

    assert facts(config, "--database")["database"]


def test_database__that_nobody_named(config: dict[str, Any]) -> None:
    """Neither an address, nor a variable."""
    assert about_database(facts(config, "--database")) == "no address is set"


def test_database__that_is_not_there(config: dict[str, Any], postgres: sa.URL) -> None:
    """The server answers, and has no such database."""
    address = postgres.set(database="adz").render_as_string(hide_password=False)

    assert 'database "adz" does not exist' in about_database(facts(config, "--database", address))


def test_database__that_is_down(config: dict[str, Any]) -> None:
    """Nobody listens; the password is not shown."""
    address = "postgresql+psycopg://u:pass-word-1@127.0.0.1:9/ads"
    said = about_database(facts(config, "--database", address))

    assert "refused" in said
    assert "pass-word-1" not in said


@pytest.mark.parametrize("name", ["postgres", "postgres+psycopg"])
def test_database__with_the_name_of_other_tools(config: dict[str, Any], name: str) -> None:
    """`postgres://` is what hosting companies write; SQLAlchemy does not read it."""
    said = about_database(facts(config, "--database", f"{name}://u:p@host/ads"))

    assert "has to begin with postgresql+psycopg://" in said


def test_database__where_no_table_may_be_made(config: dict[str, Any], postgres: sa.URL) -> None:
    """A user that may only read is told what to grant."""
    engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("create role reader login"))
    engine.dispose()
    address = postgres.set(username="reader").render_as_string(hide_password=False)

    assert "grant create on database" in about_database(facts(config, "--database", address))


def test_database__in_a_file(config: dict[str, Any], folder: Path) -> None:
    """A file that is not there is not made."""
    said = about_database(facts(config, "--database", f"duckdb:///{folder}/none.duckdb"))

    assert said.startswith("there is no file")
    assert not list(folder.glob("*.duckdb"))


def test_database__is_not_tried_unasked(sandbox: Sandbox, config: dict[str, Any]) -> None:
    """Nothing of it is said."""
    assert sandbox
    assert facts(config)["database"] is None
