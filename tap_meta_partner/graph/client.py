"""The only door to the Graph API: one call in, its JSON or an error out.

The token travels in the Authorization header, never in an address; no address, header or exception
text of a call is ever raised, since the appsecret_proof is a parameter by Meta's rules. What others
log of a call is scrubbed (`outputs.log_records`).
Nothing is retried here and nobody sleeps here: that is for those who know what the call is worth.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import re
import threading
import time
import zlib
from typing import TYPE_CHECKING

import requests
import urllib3

from tap_meta_partner.graph import error_codes
from tap_meta_partner.graph.bounds import ODD_PATH, beyond
from tap_meta_partner.graph.calls import APP, Answer
from tap_meta_partner.graph.connections import Bearer, Closed, OneConnection
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.graph.reading import Reading
from tap_meta_partner.graph.unpacking import ASKED_FOR, Unpacking
from tap_meta_partner.graph.usage import Usage, read_usage
from tap_meta_partner.outputs.log_records import guard_logs
from tap_meta_partner.outputs.secrecy import hide
from tap_meta_partner.settings.addresses import stays_here
from tap_meta_partner.settings.certificates import certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from requests.adapters import BaseAdapter
    from typing_extensions import Self

    from tap_meta_partner.graph.calls import Call, Credential, Exchanged
    from tap_meta_partner.settings.model import Settings

logger = logging.getLogger(__name__)


_CONNECT_SECONDS = 20.0

_CHUNK_BYTES = 1 << 16


#: Whatever Meta calls an id: a path is made of nothing but digits and of words of ours.
_PATH = re.compile(r"(?:(?:act_)?[0-9]{1,40}|[a-z]+(?:_[a-z]+)*)(?:/[a-z_]+)?")


#: Sessions whose call hung when their client was closed, kept so that nothing of them is freed.
_LEFT_BEHIND: list[requests.Session] = []


class GraphClient:
    """Sends calls; may be used from several threads at once.

    Each thread has a session, and all sessions are the client's: `close` closes them. A session
    that died with its thread, while Python exits, would take its pool of connections out of the
    list of finalizers (`weakref.finalize`, which urllib3 uses) that Python is going through: "Set
    or dictionary changed size during iteration". So once a client is closed no thread of its own
    makes or frees a pool: idle sessions are closed by whoever closes the client, those with a call
    under way are kept until the process is gone, and no new ones are made.

    A call that carries `APP` takes settings with an `app_token`.

    Args:
        settings: address, version, credentials, time-out.
        monotonic: seconds that only go forward, for the time-out of a whole answer.
        adapter: where requests go instead of the network.

    Raises:
        SettingsError: a variable names certificates that are not there.
        exchanged: is given each call with status, headers and bytes of its answer, on the thread
            that sent it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        adapter: BaseAdapter | None = None,
        exchanged: Exchanged | None = None,
    ) -> None:
        self._base = f"{settings.api_url}/{settings.api_version}"
        self._timeout = settings.request_timeout
        self._user_agent = settings.user_agent
        tokens: dict[Credential, str] = {
            place: token.access_token for place, token in enumerate(settings.tokens)
        }
        if settings.app_token:
            tokens[APP] = settings.app_token
        secret = settings.app_secret
        # All tokens belong to the one app, whose secret proves each of them, its own included.
        self._proofs = {
            name: appsecret_proof(token, secret) if secret else None
            for name, token in tokens.items()
        }
        self._auths = {name: Bearer(token) for name, token in tokens.items()}
        hide(*tokens.values(), secret, *self._proofs.values())
        # urllib3 logs whole addresses: at DEBUG, and with every malformed header at WARNING.
        guard_logs()
        self._own_certificates = certificates()
        self._stays_here = stays_here(self._base)
        self._reading = Reading()
        self._monotonic = monotonic
        self._adapter = adapter
        self._exchanged = exchanged
        self._threads = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[requests.Session] = []
        #: By the thread that calls.
        self._calling: dict[int, requests.Session] = {}
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all idle connections; from now on no call is sent.

        Calls under way are not waited for: one that hangs must not keep a run from ending.
        """
        with self._lock:
            self._is_closed = True
            calling = set(self._calling.values())
            idle = [session for session in self._sessions if session not in calling]
            _LEFT_BEHIND.extend(calling)
            self._sessions.clear()
        for session in idle:
            session.close()

    def cut(self, thread: int) -> None:
        """Cut the connection of the call that a thread is waiting for, if there is one.

        Time-outs of sockets begin anew with every byte: who is sent a header line every minute, or
        one "100 Continue" after another, would wait for ever.

        Args:
            thread: its `threading.get_ident`.
        """
        with self._lock:
            session = self._calling.get(thread)
        for adapter in [] if session is None else session.adapters.values():
            if isinstance(adapter, OneConnection):
                adapter.cut()

    def send(self, call: Call) -> Answer:
        """Send one call and wait for its answer; errors are returned, not raised."""
        if not _PATH.fullmatch(call.path):
            return Answer(beyond(ODD_PATH, f"path {call.path[:100]!a}"), Usage())
        try:
            with self._session() as session:
                status, headers, body = self._exchange(session, call)
        except requests.RequestException as error:
            # The exception's own text holds the address and with it the proof.
            return Answer(error_codes.no_answer(self._trouble(error)), Usage())
        except MetaError as error:
            # Errors are kept for a while, and their frames would keep what was read of the answer.
            return Answer(error.with_traceback(None), Usage())
        if self._exchanged is not None:
            self._exchanged(call, status, headers, body)
        usage = read_usage(headers, call.account_id)
        content = self._reading.read(status, body, call)
        return Answer(
            content,
            usage,
            date=headers.get("Date"),
            version=headers.get("facebook-api-version"),
            warning=headers.get("X-Ad-Api-Version-Warning"),
        )

    def _exchange(
        self, session: requests.Session, call: Call
    ) -> tuple[int, Mapping[str, str], bytearray]:
        params = {name: _parameter(value) for name, value in call.params.items()}
        proof = self._proofs[call.token]
        if proof:
            params["appsecret_proof"] = proof
        ends = self._monotonic() + self._timeout
        response = session.request(
            call.method,
            f"{self._base}/{call.path}",
            params=params if call.method == "GET" else None,
            data=params if call.method == "POST" else None,
            auth=self._auths[call.token],
            timeout=(min(_CONNECT_SECONDS, self._timeout), self._timeout),
            # A redirect would take the token to another host.
            allow_redirects=False,
            stream=True,
        )
        with response:
            # Not the response itself, which holds on to the pool it came from.
            return response.status_code, response.headers, self._body(response, ends)

    def _body(self, response: requests.Response, ends: float) -> bytearray:
        """Read the whole answer; the time-out is for all of it, however slowly it drips in."""
        unpacking = Unpacking(response.headers.get("Content-Encoding", ""))
        try:
            # read1 gives what has come; iter_content would wait until a whole chunk is full.
            while piece := response.raw.read1(_CHUNK_BYTES, decode_content=False):
                unpacking.take(piece)
                if self._monotonic() > ends:
                    raise requests.ReadTimeout
            return unpacking.end()
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.ReadTimeout from error
        except zlib.error as error:
            raise requests.exceptions.ContentDecodingError from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.ChunkedEncodingError from error

    @contextlib.contextmanager
    def _session(self) -> Iterator[requests.Session]:
        """Give this thread's session for one call: kept alive between calls, shared with nobody."""
        session: requests.Session | None = getattr(self._threads, "session", None)
        with self._open_only():
            if session is None:
                session = self._threads.session = self._new_session()
                self._sessions.append(session)
            self._calling[threading.get_ident()] = session
        try:
            yield session
        finally:
            with self._lock:
                del self._calling[threading.get_ident()]

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.headers["User-Agent"] = self._user_agent
        session.headers["Accept-Encoding"] = ASKED_FOR
        session.verify = self._own_certificates or True
        # What stays on this machine goes through no proxy, which would be shown the token.
        session.trust_env = not self._stays_here
        adapter = self._adapter or OneConnection(self._open_only)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    @contextlib.contextmanager
    def _open_only(self) -> Iterator[None]:
        """Keep `close` waiting for a moment.

        Raises:
            Closed: the client is closed.
        """
        with self._lock:
            if self._is_closed:
                raise Closed
            yield

    def _trouble(self, error: requests.RequestException) -> str:
        host = self._base.split("/")[2]
        for kind, words in _TROUBLES:
            if isinstance(error, kind):
                return f"{words} ({host})"
        return f"the connection failed ({host})"


#: More exact classes first.
_TROUBLES: tuple[tuple[type[requests.RequestException], str], ...] = (
    (Closed, "the client was closed before the call was sent"),
    (requests.exceptions.ProxyError, "the proxy refused the connection"),
    (requests.exceptions.SSLError, "the certificate could not be verified"),
    (requests.exceptions.ConnectTimeout, "connecting took too long"),
    (requests.exceptions.ReadTimeout, "the answer took too long"),
    (requests.exceptions.ChunkedEncodingError, "the connection broke in the middle of the answer"),
    (requests.exceptions.ContentDecodingError, "the answer's compression was broken"),
    (requests.exceptions.ConnectionError, "the connection was refused, reset or not found"),
)


def appsecret_proof(access_token: str, app_secret: str) -> str:
    """Return the proof that the caller knows the app secret: hex HMAC-SHA256 of the token.

    Meta also documents a form with a time (of `token|unix time`, sent with `appsecret_time`, good
    for five minutes: "Secure Graph API Requests"). This one is what Meta's own SDK sends. It is
    kept since it does not fail with the clock of the machine, can be taken out of every text by its
    value, and is worth nothing to whoever finds it without the token, which is in no address.
    """
    return hmac.new(app_secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()


def _parameter(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
