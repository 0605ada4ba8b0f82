"""`meta-partner verify` over what the real loader wrote into a real PostgreSQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.demo.postgres import embedded_postgres
from tap_meta_partner.sandbox import Sandbox, World
from tests.support.pipeline import load
from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_meta_partner.demo.postgres import Postgres

SCHEMA = "ads"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with embedded_postgres() as postgres:
        yield postgres


def test_verify__agrees_with_what_target_postgres_wrote_and_sees_the_next_correction(
    server: Postgres, tmp_path: Path
) -> None:
    """Two nights; between them every reason is a correction, after the second all is equal."""
    world = World.demo(seed=7)
    with Sandbox(world) as sandbox:
        config = {"access_token": sandbox.token, "api_url": sandbox.url}

        def verify() -> dict[str, Any]:
            command = ["verify", "--config", str(tmp_path / "config.json"), "--json"]
            command += ["--database", server.loader_uri, "--schema", SCHEMA, "--action", "purchase"]
            found: dict[str, Any] = json.loads(CliRunner().invoke(cli.main, command).stdout)
            return found

        def night(state: dict[str, Any] | None) -> dict[str, Any]:
            ran = run_tap(tmp_path, config, state=state)
            load(ran.raw.encode(), server, tmp_path, schema=SCHEMA, timeout=120)
            return ran.state

        state = night(None)
        first = verify()
        world.restate(0.3)
        between = verify()
        night(state)
        second = verify()

    assert first["exit_code"] == 0
    assert {each["verdict"] for each in first["accounts"]} == {"equal"}
    assert len(first["accounts"]) == len(world.readable())
    reasons = {each["reason"] for account in between["accounts"] for each in account["reasons"]}
    assert (between["exit_code"], reasons) == (0, {"restated"})
    assert {each["verdict"] for each in second["accounts"]} == {"equal"}
