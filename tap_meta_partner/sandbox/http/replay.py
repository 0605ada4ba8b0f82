"""A Graph API that answers with a recording: what was asked then is answered as it was then.

The same request again (a report run that is polled) is given the next answer, and the last one
from then on. A request that is not in the recording is told so, with what comes closest to it.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
from werkzeug.wrappers import Request

from tap_meta_partner.sandbox.graph.targets import split_version
from tap_meta_partner.sandbox.http.connections import PersistentHandler, PersistentServer
from tap_meta_partner.sandbox.http.spoiling import response
from tap_meta_partner.sandbox.protocol.calls import SECRET_PARAMETERS, Answer
from tap_meta_partner.sandbox.protocol.errors import ErrorBody

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from typing_extensions import Self

_NO_JSON = b"<!DOCTYPE html><html><body>an answer that was no JSON</body></html>"
#: Secrets, which a recording lacks; the proof is a parameter of every call.
_NOT_COMPARED = SECRET_PARAMETERS
_HTML = {"Content-Type": "text/html"}

#: A request: its method, its path, and its parameters in one form.
Asked = tuple[str, str, tuple[tuple[str, str], ...]]


class _Line(msgspec.Struct):
    """One exchange; the body stays as it is written, with every digit."""

    method: str
    path: str
    parameters: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: msgspec.Raw

    @property
    def answer(self) -> Answer:
        """What was answered."""
        if bytes(self.body) == b"null":
            return Answer(self.status, _NO_JSON, _HTML)
        return Answer(self.status, bytes(self.body), self.headers)


class NoRecording(ValueError):
    """The file is none; one line."""


class Recording:
    """What was asked and answered.

    Args:
        file: As the tap's setting `record_to` writes it.

    Raises:
        NoRecording: It is not one.
    """

    def __init__(self, file: Path) -> None:
        self.title, lines = _read(file)
        self.unknown: list[str] = []
        self._answers: defaultdict[Asked, list[Answer]] = defaultdict(list)
        self._given: defaultdict[Asked, int] = defaultdict(int)
        self._lock = threading.Lock()
        for line in lines:
            asked = _asked(line.method, line.path, line.parameters)
            self._answers[asked].append(line.answer)

    def answer(self, method: str, path: str, params: Mapping[str, str]) -> Answer:
        """Return the next answer to a request."""
        asked = _asked(method, path, params)
        with self._lock:
            answers = self._answers.get(asked)
            if answers is None:
                return self._no_answer(asked)
            number = min(self._given[asked], len(answers) - 1)
            self._given[asked] += 1
            return answers[number]

    def _no_answer(self, asked: Asked) -> Answer:
        method, path, _ = asked
        message = f"(#100) This recording has no answer to {method} {path}: {self._nearest(asked)}"
        self.unknown.append(message)
        return Answer.of(ErrorBody(100, message).envelope("REPLAY"), status=400)

    def _nearest(self, asked: Asked) -> str:
        """Say in what the request that comes closest differs."""
        method, path, params = asked
        alike = [known for known in self._answers if known[:2] == (method, path)]
        if not alike:
            return "nothing was asked there"
        wanted = dict(params)
        nearest = min(alike, key=lambda known: len(set(known[2]) ^ set(params)))
        others = {name: text for name, text in nearest[2] if wanted.get(name) != text}
        more = sorted(wanted.keys() - dict(nearest[2]).keys())
        parts = [f"{name} was {text}, not {wanted.get(name)}" for name, text in others.items()]
        parts += [f"{name} was not given" for name in more]
        return "the closest request differs: " + "; ".join(parts)


class ReplayServer:
    """A recording on a loopback port, as a context manager.

    Args:
        recording: What it answers with.
        port: 0 takes a free one.
    """

    def __init__(self, recording: Recording, *, port: int = 0) -> None:
        self.recording = recording
        self._server = PersistentServer(
            "127.0.0.1", port, self._application, handler=PersistentHandler
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.hang_up()

    @property
    def config(self) -> dict[str, Any]:
        """What the tap has to be configured with to ask what was asked."""
        title = self.recording.title
        wanted = ("api_version", "account_ids", "exclude_account_ids", "business_id")
        return {
            "api_url": self.url,
            "access_token": "REPLAY",
            **{name: title[name] for name in wanted if title.get(name)},
        }

    def _application(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        request = Request(environ)
        request.get_data()  # read to its end, or the next request would begin inside it
        _, parts = split_version(request.path)
        params = {**request.args.to_dict(), **request.form.to_dict()}
        answer = self.recording.answer(request.method, "/".join(parts), params)
        return response(answer, environ["werkzeug.socket"])(environ, start_response)


def _read(file: Path) -> tuple[dict[str, Any], list[_Line]]:
    """Return a recording's title and its exchanges."""
    try:
        first, *others = file.read_bytes().splitlines() or [b""]
        title = msgspec.json.decode(first, type=dict[str, Any])
        lines = [msgspec.json.decode(line, type=_Line) for line in others]
    except OSError as error:
        raise NoRecording(f"{file} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoRecording(f"{file} is no recording: {error}") from None
    if "recording" not in title:
        raise NoRecording(f"{file} is no recording: its first line does not say so")
    return title, lines


def _asked(method: str, path: str, params: Mapping[str, Any]) -> Asked:
    """Return a request in one form, however its parameters were sent."""
    kept = {name: _one_form(value) for name, value in params.items() if name not in _NOT_COMPARED}
    return method, path.strip("/"), tuple(sorted(kept.items()))


def _one_form(value: Any) -> str:  # noqa: ANN401  (a text, or what JSON knows)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return json.dumps(value, sort_keys=True)
