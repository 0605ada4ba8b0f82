from __future__ import annotations

import gc
import gzip
import json
import logging
import socket
import struct
import threading
import weakref
from dataclasses import dataclass, field, replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests.adapters import BaseAdapter

from tap_meta_partner.graph.bounds import (
    ODD_PATH,
    ODDLY_COMPRESSED,
    TOO_LONG,
    TOO_MANY_VALUES,
)
from tap_meta_partner.graph.calls import APP, Answer, Call
from tap_meta_partner.graph.client import GraphClient, appsecret_proof
from tap_meta_partner.graph.error_codes import GARBLED, NOT_GRAPH
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    MetaError,
    Retriable,
    Throttled,
    TooMuchData,
)
from tap_meta_partner.graph.refused_fields import refused_fields
from tap_meta_partner.graph.usage import Usage
from tap_meta_partner.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOKEN = "EAAtokenZZ"
APP_SECRET = "hunter2secret"
# printf %s EAAtokenZZ | openssl dgst -sha256 -hmac hunter2secret
PROOF = "1dc58655eb702f7913b46dbbb7bbf060914d49fea2b1e2cd74b35b913de24963"
# printf %s "42|hunter2secret" | openssl dgst -sha256 -hmac hunter2secret
PROOF_OF_APP = "5fd1ada27dac30b3cc8d9161295d958766e9491b5b54abf606cda7cde6128512"
INSIGHTS = Call(path="act_1/insights", params={"fields": "spend"}, account_id="1")


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: str
    port: int

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters in the address."""
        return parse_qs(urlsplit(self.target).query)


@dataclass
class Server:
    """A server on a free port that answers every request the same way.

    Attributes:
        answer: writes the answer.
        ended: set at the end of the test; an answer that never comes waits for it.
        seen: what arrived.
    """

    answer: Callable[[BaseHTTPRequestHandler], None]
    ended: threading.Event
    seen: list[Seen] = field(default_factory=list)
    url: str = ""


def body(
    content: object, status: int = 200, **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with this text, or with this as JSON."""
    data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    return raw_body(data, status, **headers)


def raw_body(
    data: bytes, status: int = 200, **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """Start servers; all are stopped at the end of the test."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    ended = threading.Event()
    running: list[ThreadingHTTPServer] = []

    def begin(answer: Callable[[BaseHTTPRequestHandler], None]) -> Server:
        server = Server(answer=answer, ended=ended)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                server.seen.append(
                    Seen(
                        method=self.command,
                        target=self.path,
                        headers=dict(self.headers),
                        body=self.rfile.read(length).decode(),
                        port=self.client_address[1],
                    )
                )
                server.answer(self)

            do_GET = answer  # noqa: N815  (http.server's name)
            do_POST = answer  # noqa: N815  (http.server's name)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.url = f"http://127.0.0.1:{listener.server_port}"
        running.append(listener)
        threading.Thread(
            target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return server

    yield begin
    ended.set()
    for listener in running:
        listener.shutdown()
        listener.server_close()


def settings(server: Server, **more: Any) -> Settings:  # noqa: ANN401  (any setting)
    return Settings(
        **{"access_token": TOKEN, "api_url": server.url, "request_timeout": 10.0, **more}
    )


def send(server: Server, call: Call = INSIGHTS, **more: Any) -> Answer:  # noqa: ANN401
    with GraphClient(settings(server, **more)) as client:
        return client.send(call)


def error_of(answer: Answer) -> MetaError:
    assert isinstance(answer.body, MetaError)
    return answer.body


# What goes out.


def test_token__travels_in_the_header_alone(start: Callable[..., Server]) -> None:
    """The token is in the Authorization header and nowhere else in the request."""
    server = start(body({"data": []}))

    assert send(server).body == {"data": []}
    (seen,) = server.seen
    assert (seen.method, urlsplit(seen.target).path) == ("GET", "/v26.0/act_1/insights")
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen.query == {"fields": ["spend"]}
    others = {name: value for name, value in seen.headers.items() if name != "Authorization"}
    assert TOKEN not in f"{others}{seen.target}{seen.body}"


def test_request__names_tap_and_version(start: Callable[..., Server]) -> None:
    """User agent, version and a path below api_url are those of the settings."""
    server = start(body({}))
    server_url = server.url
    server.url = f"{server_url}/meta"
    send(server, user_agent="agency/1.0", api_version="v27.0")

    assert server.seen[0].headers["User-Agent"] == "agency/1.0"
    assert server.seen[0].target.startswith("/meta/v27.0/act_1/insights?")


def test_proof__is_sent_with_every_call_when_there_is_a_secret(
    start: Callable[..., Server],
) -> None:
    """With an app secret GET and POST carry its proof, the secret itself does not travel."""
    server = start(body({}))
    send(server, app_secret=APP_SECRET)
    send(server, Call(path="act_1/insights", method="POST"), app_secret=APP_SECRET)
    send(server)

    assert server.seen[0].query["appsecret_proof"] == [PROOF]
    assert parse_qs(server.seen[1].body)["appsecret_proof"] == [PROOF]
    assert "appsecret_proof" not in server.seen[2].query
    assert APP_SECRET not in repr(server.seen)


def test_app__calls_with_its_own_token_and_the_proof_of_it(start: Callable[..., Server]) -> None:
    """A call as the app carries "id|secret" in the header, and no token of the settings."""
    server = start(body({}))
    send(server, Call(path="debug_token", token=APP), app_id="42", app_secret=APP_SECRET)

    (seen,) = server.seen
    assert seen.headers["Authorization"] == f"Bearer 42|{APP_SECRET}"
    assert seen.query == {"appsecret_proof": [PROOF_OF_APP]}


@pytest.mark.parametrize(
    ("token", "secret", "proof"),
    [
        (TOKEN, APP_SECRET, PROOF),
        # The textbook vector of HMAC-SHA256.
        (
            "The quick brown fox jumps over the lazy dog",
            "key",
            "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8",
        ),
    ],
)
def test_proof__is_the_hmac_of_the_token(token: str, secret: str, proof: str) -> None:
    """The proof is the hexadecimal HMAC-SHA256 of the token, keyed with the app secret."""
    assert appsecret_proof(token, secret) == proof


def test_post__sends_a_form(start: Callable[..., Server]) -> None:
    """A POST has its parameters in a form body and none in the address."""
    server = start(body({"report_run_id": "6023920149050"}))
    send(server, Call(path="act_1/insights", params={"level": "ad"}, method="POST"))

    (seen,) = server.seen
    assert seen.method == "POST"
    assert seen.target == "/v26.0/act_1/insights"
    assert seen.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(seen.body) == {"level": ["ad"]}
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"


def test_parameters__are_sent_as_json_but_texts_as_they_are(start: Callable[..., Server]) -> None:
    """Lists and objects go out as JSON, numbers as digits, texts unquoted, umlauts whole."""
    server = start(body({}))
    params = {
        "time_range": {"since": "2026-11-01", "until": "2026-11-30"},
        "breakdowns": ["age", "gender"],
        "limit": 500,
        "default_summary": True,
        "level": "ad",
        "filtering": [
            {"field": "campaign.name", "operator": "CONTAIN", "value": "Frühling & 日本"}
        ],
    }
    send(server, Call(path="act_1/insights", params=params))

    assert {name: value for name, (value,) in server.seen[0].query.items()} == {
        "time_range": '{"since":"2026-11-01","until":"2026-11-30"}',
        "breakdowns": '["age","gender"]',
        "limit": "500",
        "default_summary": "true",
        "level": "ad",
        "filtering": '[{"field":"campaign.name","operator":"CONTAIN","value":"Frühling & 日本"}]',
    }


def test_netrc__does_not_replace_the_header(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A .netrc entry for the host does not take the token's place."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    server = start(body({}))
    send(server)

    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_connection__is_kept_for_the_next_call(start: Callable[..., Server]) -> None:
    """Two calls of one thread travel over one connection."""
    server = start(body({"data": []}))
    with GraphClient(settings(server)) as client:
        client.send(INSIGHTS)
        client.send(INSIGHTS)

    assert len({seen.port for seen in server.seen}) == 1


def test_threads__have_sessions_of_their_own(start: Callable[..., Server]) -> None:
    """Two threads may use one client; each has a connection of its own."""
    server = start(body({"data": []}))
    answers: list[Answer] = []
    with GraphClient(settings(server)) as client:
        threads = [
            threading.Thread(target=lambda: answers.append(client.send(INSIGHTS))) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)

    assert [answer.body for answer in answers] == [{"data": []}] * 2
    assert len({seen.port for seen in server.seen}) == 2


def test_client__can_be_left_without_a_call() -> None:
    """A client that sent nothing closes."""
    client = GraphClient(Settings(access_token=TOKEN))
    with client as entered:
        assert entered is client


# The end.


@dataclass
class Meanwhile:
    """An entry of Python's list of finalizers; something happens while Python goes through it."""

    happens: Callable[[], None]

    @property
    def atexit(self) -> bool:
        """Whether there is anything to do at exit."""
        self.happens()
        return False


def exit_while(happens: Callable[[], None]) -> None:
    """Go through the finalizers as Python does when it exits, while something happens."""
    registry: dict[object, object] = weakref.finalize._registry  # type: ignore[attr-defined]
    key = object()
    gc.collect()
    gc.disable()  # as Python does
    registry[key] = Meanwhile(happens)
    try:
        weakref.finalize._select_for_exit()  # type: ignore[attr-defined]
    finally:
        del registry[key]
        gc.enable()


@dataclass
class Worker:
    """A thread that sends a call, and another thing to do before it ends."""

    client: GraphClient
    is_to_send: threading.Event = field(default_factory=threading.Event)
    has_sent: threading.Event = field(default_factory=threading.Event)
    is_to_end: threading.Event = field(default_factory=threading.Event)
    answers: list[Answer] = field(default_factory=list)
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        assert self.is_to_send.wait(10)
        self.answers.append(self.client.send(INSIGHTS))
        self.has_sent.set()
        assert self.is_to_end.wait(10)

    def end(self) -> None:
        """Let it send, if it has not, and end."""
        self.is_to_send.set()
        self.is_to_end.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


def test_exit__is_not_disturbed_by_a_thread_that_ends(start: Callable[..., Server]) -> None:
    """A thread that ends while Python exits takes no connections with it: they are closed."""
    server = start(body({"data": []}))
    with GraphClient(settings(server)) as client:
        worker = Worker(client)
        worker.is_to_send.set()
        assert worker.has_sent.wait(10)
    del client

    exit_while(worker.end)

    assert [answer.body for answer in worker.answers] == [{"data": []}]


def test_exit__is_not_disturbed_by_a_call_that_hung(start: Callable[..., Server]) -> None:
    """A call that is answered at last, while Python exits, frees nothing either."""
    arrived, answered = threading.Event(), threading.Event()

    def late(handler: BaseHTTPRequestHandler) -> None:
        arrived.set()
        assert answered.wait(10)
        body({"data": []})(handler)

    def answer_and_end() -> None:
        answered.set()
        worker.end()

    server = start(late)
    with GraphClient(settings(server)) as client:
        worker = Worker(client)
        worker.is_to_send.set()
        assert arrived.wait(10)
    del client

    exit_while(answer_and_end)

    assert [answer.body for answer in worker.answers] == [{"data": []}]


def test_exit__is_not_disturbed_by_a_call_that_comes_too_late(start: Callable[..., Server]) -> None:
    """A call that a thread begins after the client was closed is not sent."""
    server = start(body({"data": []}))
    with GraphClient(settings(server)) as client:
        worker = Worker(client)
    del client

    exit_while(worker.end)

    assert "closed before the call was sent" in str(error_of(worker.answers[0]))
    assert server.seen == []


def test_exit__is_not_disturbed_by_a_call_about_to_connect(start: Callable[..., Server]) -> None:
    """Between a call's beginning and its connection the client may be closed: no pool is made."""
    server = start(body({"data": []}))
    client = GraphClient(settings(server))

    def connect() -> None:
        with pytest.raises(requests.RequestException):
            session.get(server.url)

    with client._session() as session:
        client.close()
        exit_while(connect)

    assert server.seen == []


def test_close__ends_the_connections_of_all_threads(start: Callable[..., Server]) -> None:
    """Whoever closes the client closes what its threads have opened, at once."""
    gone = threading.Event()

    def last(handler: BaseHTTPRequestHandler) -> None:
        body({"data": []})(handler)
        handler.wfile.flush()
        handler.close_connection = not handler.connection.recv(1)
        gone.set()

    server = start(last)
    client = GraphClient(settings(server))
    worker = Worker(client)
    worker.is_to_send.set()
    assert worker.has_sent.wait(10)
    assert not gone.wait(0.05)

    client.close()

    assert gone.wait(10)
    worker.end()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirect__is_not_followed(start: Callable[..., Server], status: int, method: str) -> None:
    """A redirect is no answer: neither the call nor the token reaches the other host."""
    other = start(body({"data": ["stolen"]}))
    elsewhere = other.url.replace("127.0.0.1", "localhost")
    server = start(body({}, status, Location=f"{elsewhere}/v26.0/act_1/insights"))

    error = error_of(send(server, Call(path="act_1/insights", method=method)))

    assert error.rule is NOT_GRAPH
    assert "api_url" in error.rule.advice
    assert len(server.seen) == 1
    assert other.seen == []


# What comes back.


def test_numbers__arrive_exactly(start: Callable[..., Server]) -> None:
    """JSON numbers keep their digits: fractions as Decimal, whole numbers of any size as int."""
    text = '{"spend":12.340000,"small":1e-7,"id":23846784938030398123456789,"n":[0.1,-0.0,7]}'
    server = start(body(text))
    answer = send(server).body

    assert isinstance(answer, dict)
    assert str(answer["spend"]) == "12.340000"
    assert answer["id"] == 23846784938030398123456789
    assert answer["small"] == Decimal("0.0000001")
    assert [type(number) for number in answer["n"]] == [Decimal, Decimal, int]
    assert answer["n"][0] == Decimal("0.1")


@pytest.mark.parametrize(
    ("status", "said", "straight"),
    [
        (200, {"data": [1]}, True),
        (200, {"data": ["not this"]}, False),
        (200, {"data": ["\0"]}, False),
        (500, {"error": {"code": 1, "message": "no"}}, False),
        (404, {"data": [1]}, False),
    ],
    ids=["as it wants", "that it leaves", "with a NUL", "that is an error", "not found"],
)
def test_answer__is_read_by_its_call_where_that_can(
    start: Callable[..., Server], status: int, said: dict[str, Any], *, straight: bool
) -> None:
    """Who knows what comes reads it at less cost; errors and what is marred never come to it."""

    def decode(content: bytes | bytearray) -> dict[str, Any] | None:
        assert b"error" not in content
        assert b"u0000" not in content
        return {"data": "read"} if content == b'{"data": [1]}' else None

    server = start(body(said, status))
    plain, own = send(server), send(server, replace(INSIGHTS, decode=decode))

    if straight:
        assert own.body == {"data": "read"}
    elif isinstance(plain.body, MetaError):
        assert str(own.body) == str(plain.body)
    else:
        assert own.body == plain.body


def test_nul__is_left_out_and_said_once(
    start: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """NUL characters vanish from texts and names, all else stays; one warning names the columns."""
    answer = {
        "data": [
            {"ad_name": "a\0b", "spend": "1", "actions": [{"action_type": "\0like", "x\0\n": 1}]},
            {"ad_name": "\0", "other": "\\u0000 in letters"},
        ]
    }

    server = start(body(answer))
    with GraphClient(settings(server)) as client:
        read = [client.send(INSIGHTS).body for _ in range(3)]

    assert read == 3 * [
        {
            "data": [
                {"ad_name": "ab", "spend": "1", "actions": [{"action_type": "like", "x\n": 1}]},
                {"ad_name": "", "other": "\\u0000 in letters"},
            ]
        }
    ]
    (said,) = [entry.getMessage() for entry in caplog.records if "NUL" in entry.getMessage()]
    assert said.startswith("act_1/insights: ")
    assert said.endswith("mended in action_type, ad_name, x\\n")


def test_nul__in_letters_is_no_nul(
    start: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """A text that spells out a backslash, u and zeros is left alone and nobody is warned."""
    assert send(start(body({"data": [{"ad_name": "\\u0000"}]}))).body == {
        "data": [{"ad_name": "\\u0000"}]
    }
    assert "NUL" not in caplog.text


def test_answer__is_read_whole_however_it_is_sent(start: Callable[..., Server]) -> None:
    """A long answer arrives whole: plain, compressed and in chunks."""
    content = {"data": [{"n": number, "text": "naïve — 日本" * 20} for number in range(1000)]}
    data = json.dumps(content).encode()

    def chunks(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for start_at in range(0, len(data), 7001):
            piece = data[start_at : start_at + 7001]
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    for answer in (
        raw_body(data),
        raw_body(gzip.compress(data), Content_Encoding="gzip"),
        chunks,
    ):
        assert send(start(answer)).body == content


def test_usage__is_read_from_answers_and_errors(start: Callable[..., Server]) -> None:
    """The usage headers count with data and with errors, for the account that was asked."""
    usage = '{"1":[{"type":"ads_insights","call_count":97}],"2":[{"call_count":99}]}'
    for answer in (
        body({"data": []}, X_Business_Use_Case_Usage=usage),
        body({"error": {"code": 100}}, 400, X_Business_Use_Case_Usage=usage),
        body("<html>", 502, X_Business_Use_Case_Usage=usage),
    ):
        assert send(start(answer)).usage == Usage(account_percent=97.0)


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_error__is_judged_by_its_code_not_by_the_status(
    start: Callable[..., Server], status: int
) -> None:
    """A throttle is one whatever HTTP status it comes with, 200 included."""
    server = start(body({"error": {"message": "m", "code": 80000}}, status))
    error = error_of(send(server))

    assert isinstance(error, Throttled)
    assert error.fault.status == status


def test_error__without_an_object_is_quoted(start: Callable[..., Server]) -> None:
    """An `error` that is a text only, as a proxy may send it, is an error with that text."""
    error = error_of(send(start(body({"error": "quota exceeded"}, 400))))

    assert isinstance(error, Retriable)
    assert "quota exceeded" in str(error)


PAGE = "<html><body><h1>Please log in</h1></body></html>"


@pytest.mark.parametrize(
    ("text", "status", "family"),
    [
        (PAGE, 200, Retriable),
        (PAGE, 502, Retriable),
        (PAGE, 404, Retriable),
        ("", 200, Retriable),
        ("", 500, Retriable),
        ('{"data":[{"spend":"1.0"},{"sp', 200, Retriable),
        ("[1,2]", 200, Retriable),
        ("null", 200, Retriable),
        ('{"message":"no such route"}', 404, Retriable),
        ("{}", 503, Retriable),
        ("{}", 200, Retriable),
        ("slow down", 429, Throttled),
    ],
)
def test_answer__that_is_no_graph_answer_is_an_error(
    start: Callable[..., Server], text: str, status: int, family: type[MetaError]
) -> None:
    """Pages, nothing, half an answer and an empty one are tried again, whatever the status."""
    error = error_of(send(start(body(text, status))))

    assert type(error) is family
    assert error.fault.status == status
    assert "log in" not in str(error)


@pytest.mark.parametrize(
    ("first", "status"),
    [({"data": []}, 200), ({"error": {"message": "(#100) no", "code": 100}}, 400)],
    ids=["data", "an error of the Graph API"],
)
def test_address__is_not_to_blame_once_it_has_answered(
    start: Callable[..., Server], first: object, status: int
) -> None:
    """A page with 404 speaks of `api_url` only until a Graph API has answered there."""
    server = start(body(PAGE, 404))
    with GraphClient(settings(server)) as client:
        before = error_of(client.send(INSIGHTS))
        server.answer = body(first, status)
        client.send(INSIGHTS)
        server.answer = body(PAGE, 404)
        after = error_of(client.send(INSIGHTS))

    assert before.rule is NOT_GRAPH
    assert after.rule is GARBLED


def test_failed_run__is_told_without_secrets(start: Callable[..., Server]) -> None:
    """Why a report run failed stands in the data, in several fields; none may quote the token."""
    names = ("error_message", "error_user_title", "error_user_msg")
    for name in names:
        answer = send(start(body({"id": "5", name: f"bad {TOKEN}"}))).body

        assert answer == {"id": "5", name: "bad ***"}


# Too much.


def test_bomb__fails_its_call_and_the_next_one_is_answered(start: Callable[..., Server]) -> None:
    """Layers of compression are not opened; the client goes on over a new connection."""
    server = start(raw_body(gzip.compress(b"{}"), Content_Encoding="gzip, gzip"))
    with GraphClient(settings(server)) as client:
        error = error_of(client.send(INSIGHTS))
        server.answer = body({"data": []})
        after = client.send(INSIGHTS).body

    assert error.rule is ODDLY_COMPRESSED
    assert after == {"data": []}


def test_answer__that_is_too_long_is_asked_for_in_less(start: Callable[..., Server]) -> None:
    """What unpacks to more than 32 MiB is too much data."""
    data = gzip.compress(b" " * (33 << 20))

    error = error_of(send(start(raw_body(data, Content_Encoding="gzip"))))

    assert isinstance(error, TooMuchData)
    assert error.rule is TOO_LONG


@pytest.mark.parametrize("filler", [b"[],", b'{"a":0},', b"0,"])
def test_answer__of_too_many_values_is_asked_for_in_less(
    start: Callable[..., Server], filler: bytes
) -> None:
    """Small values take ten times as much memory as they have bytes: they are counted first."""
    data = b'{"data":[' + filler * 1_000_000 + b"0]}"

    error = error_of(send(start(raw_body(data))))

    assert isinstance(error, TooMuchData)
    assert error.rule is TOO_MANY_VALUES


@pytest.mark.parametrize(
    "path",
    [
        "../me",
        "act_1/../me",
        "act_1/insights?access_token=x",
        "1 HTTP/1.1\r\nX: y",
        "None",
        "1" * 41,
        "१२",
        "",
        "//evil.example/1",
        "1#",
        "act_",
        "a%2e",
    ],
)
def test_path__of_anything_but_ids_and_words_is_not_asked(
    start: Callable[..., Server], path: str
) -> None:
    """An id of Meta's that is none does not become an address."""
    server = start(body({"data": []}))

    error = error_of(send(server, Call(path=path)))

    assert error.rule is ODD_PATH
    assert server.seen == []


@pytest.mark.parametrize(
    "path",
    ["me", "me/adaccounts", "act_1/insights", "23846784938030398/insights", "oauth/access_token"],
)
def test_path__of_ids_and_words_is_asked(start: Callable[..., Server], path: str) -> None:
    """What the tap asks for is asked."""
    assert send(start(body({"data": []})), Call(path=path)).body == {"data": []}


def test_message__of_megabytes_is_quoted_in_short(start: Callable[..., Server]) -> None:
    """Neither the error nor looking for fields in it takes longer for a longer text."""
    text = "(#100) " + "a" * 5_000_000 + " is not valid for fields param"
    error = error_of(send(start(body({"error": {"code": 100, "message": text}}, 400))))

    assert len(str(error)) < 1100
    assert refused_fields(error, ["spend"]) == ()


@pytest.mark.parametrize(
    "number", ["1e999999999", "9" * 4000, "-1e-999999999", '"' + "9" * 10**6 + '"']
)
def test_number__of_any_size_is_no_code(start: Callable[..., Server], number: str) -> None:
    """A code beyond all numbers is none, and is not worked out."""
    text = f'{{"error":{{"code":{number},"error_subcode":{number},"message":"m"}}}}'

    assert error_of(send(start(body(text, 400)))).fault.code == 0


# Characters that are none.


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"a\nb", "a\nb"),
        (b"a\tb\x1bc", "a\tb\x1bc"),
        (b"caf\xe9", "caf\ufffd"),
        (b"cut \xf0\x9f\x98", "cut \ufffd"),
        (b"cut \\ud83d", "cut \ufffd"),
        (b"\\ude00 cut", "\ufffd cut"),
        (b"whole \\ud83d\\ude00, cut \\ud83d.", "whole \U0001f600, cut \ufffd."),
        (b"\xed\xa0\xbd", "\ufffd"),
        (b"a\x00b\\ud83d", "ab\ufffd"),
    ],
)
def test_text__that_is_marred_is_mended_and_said(
    start: Callable[..., Server], caplog: pytest.LogCaptureFixture, sent: bytes, read: str
) -> None:
    """Raw control characters stay, bytes that are no text become U+FFFD; a warning names where."""
    answer = b'{"data":[{"ad_name":"' + sent + b'","spend":1.10,"other":"\xc3\xa9"}]}'

    got = send(start(raw_body(answer))).body

    assert got == {"data": [{"ad_name": read, "spend": Decimal("1.10"), "other": "é"}]}
    (said,) = [entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"]
    assert said.startswith("act_1/insights: ")
    assert said.endswith("mended in ad_name")


def test_text__that_is_marred_is_said_once_for_each_column(
    start: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """The same column is not warned of again, another one is."""
    server = start(raw_body(b'{"data":[{"a\xff":"\xff"}]}'))
    with GraphClient(settings(server)) as client:
        for _ in range(2):
            client.send(INSIGHTS)
        server.answer = raw_body(b'{"data":[{"name":"\xff"}]}')
        client.send(INSIGHTS)

    said = [entry.getMessage().rpartition(" in ")[2] for entry in caplog.records]
    assert said == ["a\\ufffd", "name"]


def test_text__of_an_error_is_mended_too(start: Callable[..., Server]) -> None:
    """Meta quotes names in its errors: a cut one there does not hide the code."""
    error = error_of(send(start(raw_body(b'{"error":{"code":190,"message":"\\ud83d"}}', 400))))

    assert error.fault.code == 190
    assert error.fault.message == "\ufffd"


@pytest.mark.parametrize(
    "answer",
    [
        b'{"data":["\xff"',
        b'{"data":[NaN],"x":"\xff"}',
        b'{"data":[{"x":"\xff","y":' + b"9" * 5000 + b"}]}",
        b"\xff\xfe{\x00}\x00",
        b"\x01{}",
        b'{"data":' + b"[" * 100_000 + b'"\xff"',
        b'{"data":' + b"[" * 900 + b'"\xff"' + b"]" * 900 + b"}",
    ],
    ids=["cut", "NaN", "a long number", "UTF-16", "outside", "deep", "deep but whole"],
)
def test_text__that_cannot_be_mended_is_garbled(
    start: Callable[..., Server], answer: bytes
) -> None:
    """What is wrong in more than its texts is an answer that could not be read, and comes again."""
    error = error_of(send(start(raw_body(answer))))

    assert isinstance(error, Retriable)
    assert error.rule is GARBLED


# No answer at all.


def half(handler: BaseHTTPRequestHandler) -> None:
    """Promise a hundred bytes, send ten and hang up."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"data":[]')
    handler.close_connection = True


def half_a_chunk(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"64\r\n{")
    handler.close_connection = True


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Send ten bytes of a hundred, then a TCP reset."""
    half(handler)
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


@pytest.mark.parametrize("answer", [half, half_a_chunk, reset, hang_up])
def test_connection__that_breaks_is_tried_again(
    start: Callable[..., Server], answer: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    """An answer broken off, in the middle or before it began, is no answer, not half of one."""
    error = error_of(send(start(answer), app_secret=APP_SECRET))

    assert isinstance(error, Retriable)
    assert error.rule.tries == 5
    assert "connection" in str(error)
    assert PROOF not in str(error)


def test_compression__that_is_broken_is_tried_again(start: Callable[..., Server]) -> None:
    """An answer that cannot be unpacked is no answer."""
    error = error_of(send(start(raw_body(b"no gzip at all", Content_Encoding="gzip"))))

    assert isinstance(error, Retriable)
    assert str(error).startswith("the answer's compression was broken (127.0.0.1:")


def test_refused_connection__is_said_with_the_host(start: Callable[..., Server]) -> None:
    """Where nobody listens, the error names the host and no parameter of the call."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    server = start(body({}))
    server.url = f"http://{address}"

    error = error_of(send(server, app_secret=APP_SECRET))

    assert str(error) == f"the connection was refused, reset or not found ({address})"
    assert error.__cause__ is None


def test_proxy__that_refuses_is_said(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the proxy of the environment cannot be reached, the error says it is the proxy."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{unused.getsockname()[1]}"
    server = start(body({}))
    server.url = "https://graph.invalid"
    through_proxy(monkeypatch, proxy)

    assert str(error_of(send(server))) == "the proxy refused the connection (graph.invalid)"
    assert server.seen == []


def through_proxy(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_proxy__is_not_shown_what_stays_on_this_machine(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Plain http to loopback would bring the token to the proxy in clear."""
    proxy, server = start(body({})), start(body({"data": [1]}))
    server.url = server.url.replace("127.0.0.1", host)
    through_proxy(monkeypatch, proxy.url)

    assert send(server).body == {"data": [1]}
    assert proxy.seen == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates__of_the_environment_are_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """A company's own authority, told by the name that most programs know or by requests' own."""
    authority = tmp_path / "authority.pem"
    authority.write_text("")
    for each in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, str(authority))
    trusted: list[object] = []

    class Adapter(BaseAdapter):
        def send(self, _request: object, *, verify: object = None, **_more: object) -> Any:  # type: ignore[override]  # noqa: ANN401
            trusted.append(verify)
            raise requests.ConnectionError

        def close(self) -> None:
            pass

    with GraphClient(Settings(access_token=TOKEN), adapter=Adapter()) as client:
        client.send(INSIGHTS)

    assert trusted == [str(authority)]


def test_https__to_a_plain_server_is_an_error(start: Callable[..., Server]) -> None:
    """Where no certificate comes, no request is sent."""
    server = start(body({}))
    server.url = server.url.replace("http://", "https://")

    error = error_of(send(server))

    assert isinstance(error, Retriable)
    assert server.seen == []


def test_trouble__of_any_other_kind_is_an_error_too(start: Callable[..., Server]) -> None:
    """What requests refuses to send is an error like a failed connection, and tells no secret."""
    error = error_of(send(start(body({})), user_agent=" no agent\n"))

    assert str(error).startswith("the connection failed (127.0.0.1:")


def silence(server: Server) -> Callable[[BaseHTTPRequestHandler], None]:
    """Say nothing until the test has ended."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        server.ended.wait(10)
        handler.close_connection = True

    return answer


def test_time_out__before_the_answer_is_said(start: Callable[..., Server]) -> None:
    """A server that says nothing is given the time-out and no longer."""
    server = start(body({}))
    server.answer = silence(server)

    error = error_of(send(server, request_timeout=0.05, app_secret=APP_SECRET))

    assert isinstance(error, Retriable)
    assert str(error).startswith("the answer took too long (127.0.0.1:")


def drip(server: Server) -> Callable[[BaseHTTPRequestHandler], None]:
    """Send one byte of a hundred, and the others never."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.wfile.flush()
        server.ended.wait(10)
        handler.close_connection = True

    return answer


def test_time_out__in_the_middle_of_the_answer_is_said(start: Callable[..., Server]) -> None:
    """A server that stops in the middle is given the time-out and no longer."""
    server = start(body({}))
    server.answer = drip(server)

    error = error_of(send(server, request_timeout=0.05))

    assert str(error).startswith("the answer took too long (127.0.0.1:")


def test_time_out__counts_for_the_whole_answer(start: Callable[..., Server]) -> None:
    """A server that drips is cut off once the time-out is over, however often a byte comes."""
    server = start(body({}))
    server.answer = drip(server)
    clock = iter([100.0, 110.5])
    with GraphClient(
        settings(server, request_timeout=10.0), monotonic=lambda: next(clock)
    ) as client:
        error = error_of(client.send(INSIGHTS))

    assert str(error).startswith("the answer took too long (127.0.0.1:")
    assert list(clock) == []


# Secrets.


@pytest.mark.parametrize("name", ["message", "error_user_title", "error_user_msg"])
def test_message__that_quotes_a_secret_is_scrubbed(start: Callable[..., Server], name: str) -> None:
    """Where Meta's answer repeats the token, the secret or the proof, the error does not."""
    envelope = {"code": 100, "error_subcode": 33, name: f"({TOKEN}) [{APP_SECRET}] <{PROOF}>"}
    error = error_of(send(start(body({"error": envelope}, 400)), app_secret=APP_SECRET))

    assert isinstance(error, AccountUnreadable)
    assert "(***) [***] <***>" in str(error)
    text = f"{error} {error.reason} {error!r} {error.fault!r}"
    assert not any(secret in text for secret in (TOKEN, APP_SECRET, PROOF))


@pytest.mark.parametrize("said", [f"({TOKEN})", "a b", "x" * 65, {"a": 1}, "\n", 7])
def test_trace_id__is_a_short_word_or_nothing(start: Callable[..., Server], said: object) -> None:
    """What a proxy puts in its place does not reach the log."""
    error = error_of(send(start(body({"error": {"code": 100, "fbtrace_id": said}}, 400))))

    assert error.fault.fbtrace_id is None


def test_message__of_a_bare_text_is_scrubbed_too(start: Callable[..., Server]) -> None:
    """An `error` that is a text only is scrubbed as well."""
    error = error_of(send(start(body({"error": f"bad token {TOKEN}"}, 400))))

    assert "bad token ***" in str(error)


def test_log__shows_addresses_without_their_secrets(
    start: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG urllib3 tells of every call; the proof in its address is hidden, the rest is not."""
    caplog.set_level(logging.DEBUG)
    send(start(body({"data": []})), app_secret=APP_SECRET)

    assert "GET /v26.0/act_1/insights?fields=" in caplog.text
    assert "appsecret_proof=*** HTTP/1.1" in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        body({"data": []}),
        body({"error": {"message": TOKEN, "code": 190}}, 400),
        body(PAGE, 502),
        half,
        hang_up,
    ],
    ids=["data", "error", "page", "half", "nothing"],
)
def test_log__holds_no_secret_at_any_level(
    start: Callable[..., Server],
    caplog: pytest.LogCaptureFixture,
    answer: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    """With every logger at DEBUG neither token, secret nor proof is logged, whatever comes back."""
    caplog.set_level(logging.DEBUG)
    server = start(answer)
    with GraphClient(settings(server, app_secret=APP_SECRET)) as client:
        got = client.send(INSIGHTS)
        posted = client.send(Call(path="act_1/insights", method="POST"))
        text = f"{caplog.text} {got!r} {posted!r} {client!r} {INSIGHTS!r}"
    assert len(server.seen) == 2
    assert not any(secret in text for secret in (TOKEN, APP_SECRET, PROOF))
