"""No byte that a process writes holds the token, the app secret or a proof made of them.

Whatever comes back, at every level, and with a log configuration of the user's own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tap_meta_partner.sandbox import Fault, World
from tests.support.raw_server import RawServer, Request, bytes_of, with_a_line
from tests.support.secret_bytes import (
    APP_ID,
    APP_SECRET,
    OWN_LOGS,
    SECRETS,
    TOKEN,
    assert_no_secret,
    assert_no_secret_in_files,
)
from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_meta_partner.sandbox import Sandbox
    from tests.support.raw_server import Sent

VERBOSE = {"LOGLEVEL": "DEBUG", "TAP_META_PARTNER_LOGLEVEL": "DEBUG"}

_CHECKOUT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault(kind="insights", times=1, effect="html_500"),
        Fault(kind="insights", times=1, effect="reset"),
        Fault(kind="insights", times=1, effect="reset_mid_body"),
        Fault(kind="insights", times=1, effect="redirect"),
        Fault(kind="insights", times=1, effect="truncated_json"),
        Fault(kind="insights", times=None, code=200, message="(#200) no permission"),
        Fault(kind="insights", times=None, code=100, message=f"bad token {TOKEN} {SECRETS[2]}"),
        Fault(kind="ad_accounts", times=None, code=190, subcode=463, message=f"{TOKEN} expired"),
    ],
    ids=str,
)
def test_verbose_run__tells_no_secret(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path, fault: Fault | None
) -> None:
    """At DEBUG, in good weather and bad, neither stdout nor stderr nor state holds a secret."""
    sandbox = start_sandbox(
        World.demo(seed=7), token=TOKEN, app_secret=APP_SECRET, faults=[fault] if fault else []
    )
    config = {
        "access_token": TOKEN,
        "app_secret": APP_SECRET,
        "api_url": sandbox.url,
        "account_ids": [sandbox.world.readable()[0].id],
    }

    output = run_tap(tmp_path, config, environment=VERBOSE)

    assert "DEBUG" in output.log
    assert_no_secret(output.log, output.raw)
    assert "Traceback" not in output.log


def test_calls__carry_the_proof_and_no_token_in_the_address(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """With an app secret every call is proven, or the sandbox would have refused it."""
    sandbox = start_sandbox(World.demo(seed=7), token=TOKEN, app_secret=APP_SECRET)
    config = {"access_token": TOKEN, "app_secret": APP_SECRET, "api_url": sandbox.url}

    output = run_tap(tmp_path, config)

    assert output.code == 0
    assert sandbox.calls
    assert {call.error_code for call in sandbox.calls} == {None}


def test_secret_of_the_wrong_type__is_not_echoed(config: dict[str, Any], tmp_path: Path) -> None:
    """A token given as a number is refused without being shown."""
    output = run_tap(tmp_path, {**config, "access_token": 987654321987})

    assert output.code == 1
    assert "987654321987" not in output.log


# What a network, a proxy or Meta may send.


def echo(head: bytes) -> Sent:
    """Send all that came in back, as diagnostic pages of proxies do, behind a head."""

    def send(request: Request) -> Iterator[bytes]:
        yield head + b"\r\nConnection: close\r\n\r\n" + request.raw

    return send


def echo_as_error(request: Request) -> Iterator[bytes]:
    """Quote the request in an error of the Graph API."""
    text = f"bad request: {request.raw.decode('latin-1')}"
    error = {"message": text, "code": 2, "fbtrace_id": text, "error_user_msg": quote(text)}
    body = json.dumps({"error": error}).encode()
    yield b"HTTP/1.1 500 x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def echo_in_the_status_line(request: Request) -> Iterator[bytes]:
    """Begin with the request's own first line."""
    yield b"HTTP/1.1 500 " + request.raw.split(b"\r\n")[0] + b"\r\nConnection: close\r\n\r\n{}"


def echo_as_a_size(request: Request) -> Iterator[bytes]:
    """Say how long a piece is with the request's own first line."""
    yield b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield request.raw.split(b"\r\n")[0] + b"\r\n{}\r\n0\r\n\r\n"


def echo_as_an_address(request: Request) -> Iterator[bytes]:
    """Redirect to the same path elsewhere."""
    target = f"http://127.0.0.1:9{request.target}".encode()
    yield b"HTTP/1.1 302 x\r\nConnection: close\r\nContent-Length: 0\r\nLocation: " + target
    yield b"\r\n\r\n"


_OK = b"HTTP/1.1 200 OK\r\n"

SENT: dict[str, Sent] = {
    "header without a colon": with_a_line(b"a sloppy proxy was here"),
    "header after a blank": with_a_line(b" X-Folded: first"),
    "header with a name that is not ASCII": with_a_line("X-Ü-日: 1".encode()),
    "header with a blank in its name": with_a_line(b"X Proxy : 1"),
    "no HTTP": bytes_of(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "half a body": bytes_of(_OK + b'Content-Length: 900\r\n\r\n{"data":['),
    "a page with the request in it": echo(b"HTTP/1.1 500 x\r\nContent-Type: text/html"),
    "the request as a body that is no gzip": echo(_OK + b"Content-Encoding: gzip"),
    "the request in an error": echo_as_error,
    "the request in the status line": echo_in_the_status_line,
    "the request as a chunk's size": echo_as_a_size,
    "the request as a redirect": echo_as_an_address,
}

#: The first call of each: about the token, the list of accounts, a report.
WHERE = ("debug_token", "adaccounts", "/insights")


@pytest.fixture
def configuration(start_sandbox: Callable[..., Sandbox]) -> dict[str, Any]:
    sandbox = start_sandbox(World.demo(seed=7), token=TOKEN, app_secret=APP_SECRET)
    return {
        "access_token": TOKEN,
        "app_id": APP_ID,
        "app_secret": APP_SECRET,
        "api_url": sandbox.url,
        "account_ids": [sandbox.world.readable()[0].id],
    }


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tap_meta_partner.cli", *arguments],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")},
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", SENT)
def test_tap__tells_no_secret_whatever_is_sent(
    configuration: dict[str, Any], tmp_path: Path, name: str
) -> None:
    """At the usual level, and with the user's own logs of everything, as text and as JSON."""
    logs = tmp_path / "logs.yml"
    logs.write_text(OWN_LOGS.format(folder=tmp_path), encoding="utf-8")
    own = {"SINGER_SDK_LOG_CONFIG": str(logs), "LOGLEVEL": "DEBUG"}
    for environment in ({}, own):
        with RawServer(configuration["api_url"], SENT[name], WHERE) as server:
            configured = {**configuration, "api_url": server.url}
            output = run_tap(tmp_path, configured, environment=environment, minute=0.2)

        # An answer that ends the run is met once only.
        assert server.met
        assert_no_secret(output.log, output.raw)
        assert "Traceback" not in output.log
    assert "appsecret_proof=***" in (tmp_path / "own.log").read_text(encoding="utf-8")
    assert_no_secret_in_files(tmp_path, "config.json")


@pytest.mark.parametrize("name", SENT)
def test_check__tells_no_secret_whatever_is_sent(
    configuration: dict[str, Any], tmp_path: Path, name: str
) -> None:
    """Neither on the screen nor in the list that it keeps."""
    path = tmp_path / "config.json"
    with RawServer(configuration["api_url"], SENT[name], ("/me?", *WHERE)) as server:
        path.write_text(json.dumps({**configuration, "api_url": server.url}))
        ended = command(tmp_path, "check", "--config", str(path))

    assert server.met
    assert_no_secret(ended.stdout, ended.stderr)
    assert b"Traceback" not in ended.stderr
    assert_no_secret_in_files(tmp_path, "config.json")


@pytest.mark.parametrize("name", SENT)
def test_refresh__tells_no_secret_whatever_is_sent(
    configuration: dict[str, Any], tmp_path: Path, name: str
) -> None:
    """It sends the token and the app secret themselves, in an address and in a form."""
    path = tmp_path / "config.json"
    with RawServer(configuration["api_url"], SENT[name], ("debug_token", "oauth/")) as server:
        path.write_text(json.dumps({**configuration, "api_url": server.url}))
        path.chmod(0o600)
        ended = command(tmp_path, "refresh", "--config", str(path), "--store", str(path))

    assert server.met
    assert_no_secret(ended.stdout, ended.stderr)
    assert b"Traceback" not in ended.stderr
    assert_no_secret_in_files(tmp_path, "config.json")


def test_meltano__tells_no_secret(configuration: dict[str, Any], tmp_path: Path) -> None:
    """At DEBUG, with a sloppy proxy: neither its output nor what it leaves in its folder."""
    shutil.copy(_CHECKOUT / "meltano.yml", tmp_path)
    with RawServer(configuration["api_url"], SENT["header without a colon"], WHERE) as server:
        variables = {
            **{key: configuration[key] for key in ("access_token", "app_id", "app_secret")},
            "api_url": server.url,
            "account_ids": json.dumps(configuration["account_ids"]),
        }
        run = subprocess.run(
            ["meltano", "--log-level=debug", "run", "tap-meta-partner", "target-jsonl"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "LOGLEVEL": "DEBUG",
                **{f"TAP_META_PARTNER_{name.upper()}": text for name, text in variables.items()},
            },
            capture_output=True,
            timeout=300,
            check=False,
        )

    assert len(server.met) == len(WHERE)
    assert b"appsecret_proof=***" in run.stdout + run.stderr
    assert_no_secret(run.stdout, run.stderr)
    assert_no_secret_in_files(tmp_path)


#: A token or secret in the place of something else, as the mistake of a moment puts it there.
HEX = "0badc0de0badc0de0badc0de0badc0de"
OTHER = {"access_token": "x" * 20}
RIGHT = {"access_token": TOKEN, "app_secret": APP_SECRET, "api_url": "http://127.0.0.1:9"}
MISPLACED: list[dict[str, Any]] = [
    *({"app_id": secret} for secret in (HEX, APP_SECRET, TOKEN)),
    {"business_id": TOKEN},
    {"account_ids": [TOKEN]},
    {"exclude_account_ids": ["1", HEX]},
    {"api_url": TOKEN},
    {"api_url": f"http://{HEX}"},
    {"report_mode": TOKEN},
    {"start_date": HEX},
    {"fields": [f"{TOKEN} "]},
    {TOKEN: "access_token"},
    {HEX: 1},
    {
        "access_tokens": [
            {"access_token": TOKEN, "label": "a"},
            {"access_token": "x" * 20, "label": TOKEN},
        ]
    },
    {"access_tokens": [{"access_token": TOKEN, "label": APP_SECRET}]},
    {"reports": f'[{{"name": "{TOKEN}"'},
    {"reports": [{"name": "r", TOKEN: 1}]},
    {"reports": [{"name": TOKEN}]},
    {"stream_maps": f'{{"ad_insights": "{TOKEN}"'},
    {"stream_maps": {"ad_insights": {"x": f"{TOKEN} +"}}},
    {"stream_maps": {"ad_insights": HEX}},
    {"stream_map_config": TOKEN},
]


def name_of(mistake: dict[str, Any]) -> str:
    """Name a case by its setting, and a number that tells it from others of the same."""
    return f"{MISPLACED.index(mistake)} {next(iter(mistake))[:16]}"


@pytest.mark.parametrize("mistake", MISPLACED, ids=name_of)
def test_complaint__does_not_show_a_misplaced_secret(
    tmp_path: Path, mistake: dict[str, Any]
) -> None:
    """Settings of every kind, and the SDK's own: one line that names the setting at most."""
    output = run_tap(tmp_path, {**RIGHT, **mistake}, arguments=("--discover",))

    assert "Traceback" not in output.log
    assert HEX not in output.log
    assert_no_secret(output.log)


@pytest.mark.parametrize(
    "mistake", [each for each in MISPLACED if {"reports", "stream_maps"} & set(each)], ids=name_of
)
def test_complaint__about_a_variable_does_not_show_it(
    tmp_path: Path, mistake: dict[str, Any]
) -> None:
    """In the environment lists and objects are text, which can be broken JSON."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in {**RIGHT, **mistake}.items()
    }
    environment = {f"TAP_META_PARTNER_{name.upper()}": text for name, text in texts.items()}
    output = run_tap(
        tmp_path, {}, arguments=("--config=ENV", "--discover"), environment=environment
    )

    assert "Traceback" not in output.log
    assert HEX not in output.log
    assert_no_secret(output.log)
