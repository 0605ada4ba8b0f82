"""A recording is answered with again, as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import requests
from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.sandbox.http.replay import NoRecording, Recording, ReplayServer

if TYPE_CHECKING:
    from pathlib import Path

TITLE = {"recording": 1, "api_version": "v26.0", "begun": "2026-11-25T03:00:00+00:00"}


def exchange(path: str, body: str, *, status: int = 200, **parameters: Any) -> str:  # noqa: ANN401
    head = {"method": "GET", "path": path, "parameters": parameters, "status": status}
    headers = {"x-app-usage": '{"call_count": 9}'}
    return f'{json.dumps({**head, "headers": headers})[:-1]}, "body": {body}}}'


def recording(folder: Path, *exchanges: str, **title: Any) -> Path:  # noqa: ANN401
    file = folder / "night.jsonl"
    file.write_text("\n".join([json.dumps({**TITLE, **title}), *exchanges]), encoding="utf-8")
    return file


def test_answer__is_the_one_that_was_given_to_the_same_request(tmp_path: Path) -> None:
    """However the parameters are sent, whatever the version and the proof; digits as written."""
    file = recording(
        tmp_path,
        exchange("act_1/insights", '{"a": 1.50}', time_range={"since": "2026-11-01"}, limit=500),
        exchange("act_1/insights", '{"a": 2}', limit=500),
    )
    with ReplayServer(Recording(file)) as server:
        found = requests.get(
            f"{server.url}/v26.0/act_1/insights",
            params={
                "limit": "500",
                "time_range": '{"since":"2026-11-01"}',
                "appsecret_proof": "x",
            },
            timeout=5,
        )

    assert found.status_code == 200
    assert found.text == '{"a": 1.50}'
    assert found.headers["x-app-usage"] == '{"call_count": 9}'


def test_answers__to_a_request_that_is_repeated_come_in_their_order(tmp_path: Path) -> None:
    """A report run goes through its states, and stays done."""
    file = recording(tmp_path, exchange("7", '"running"'), exchange("7", '"done"'))
    replay = Recording(file)

    assert [replay.answer("GET", "7", {}).body for _ in range(3)] == [
        b'"running"',
        b'"done"',
        b'"done"',
    ]


def test_answer__that_was_no_json_is_none_again(tmp_path: Path) -> None:
    """With its status, as HTML."""
    file = recording(tmp_path, exchange("me", "null", status=502))
    with ReplayServer(Recording(file)) as server:
        found = requests.get(f"{server.url}/v26.0/me", timeout=5)

    assert found.status_code == 502
    assert found.headers["Content-Type"].startswith("text/html")


def test_unknown_request__is_refused_with_what_comes_closest(tmp_path: Path) -> None:
    """A Graph error, which names the parameters that differ."""
    file = recording(tmp_path, exchange("act_1/ads", "{}", fields="id", limit=25))
    replay = Recording(file)
    body = json.loads(replay.answer("GET", "act_1/ads", {"fields": "name", "after": "x"}).body)

    assert body["error"]["code"] == 100
    assert "fields was id, not name" in body["error"]["message"]
    assert "limit was 25, not None" in body["error"]["message"]
    assert "after was not given" in body["error"]["message"]


@pytest.mark.parametrize(
    "text", ["", "no JSON", '{"rows": []}', "[1]", f"{json.dumps(TITLE)}\n{{}}"]
)
def test_file__that_is_no_recording_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    """In a line, on the command line too."""
    file = tmp_path / "other.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(NoRecording, match="is no recording"):
        Recording(file)
    result = CliRunner().invoke(cli.main, ["sandbox", "--replay", str(file)])

    assert result.exit_code == 1
    assert "is no recording" in result.output


def test_command__prints_the_configuration_that_asks_what_was_asked(tmp_path: Path) -> None:
    """Address, a token that is none, and the ids as the recording calls them."""
    file = recording(tmp_path, account_ids=["123456789012345"], business_id=None)
    command = [sys.executable, "-m", "tap_meta_partner.cli", "sandbox", "--replay", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first, second = (process.stdout.readline() for _ in range(2))
        finally:
            process.terminate()
        assert process.wait(timeout=10) == 0
    config = json.loads(second.removeprefix("config:"))

    assert "2026-11-25T03:00:00" in first
    assert config["api_url"] in first
    assert config == {
        "api_url": config["api_url"],
        "access_token": "REPLAY",
        "api_version": "v26.0",
        "account_ids": ["123456789012345"],
    }
