"""A token and an app secret that would be noticed, and how bytes are searched for them.

In every writing that a process may give them: as they are, percent-encoded once or twice, in JSON,
in base64, and as the proofs that are made of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from pathlib import Path

# With characters that every encoding writes in another way.
TOKEN = "EAAB-very/secret+token=0123456789"
APP_SECRET = "very/secret-app+secret"
APP_ID = "1234567890123456"


def proof_of(token: str) -> str:
    return hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()


SECRETS = (TOKEN, APP_SECRET, proof_of(TOKEN), proof_of(f"{APP_ID}|{APP_SECRET}"))


def writings(secret: str) -> set[str]:
    """Return how a secret can stand in a text."""
    once = quote(secret, safe="")
    return {
        secret,
        once,
        once.lower(),
        quote(secret),
        quote_plus(secret),
        quote(once, safe=""),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode().rstrip("=")[:-1],
        base64.urlsafe_b64encode(secret.encode()).decode().rstrip("=")[:-1],
        base64.b64encode(f"{APP_ID}|{secret}".encode()).decode().rstrip("=")[-24:-1],
    }


def assert_no_secret(*texts: str | bytes) -> None:
    for text in texts:
        plain = text.encode() if isinstance(text, str) else text
        for secret in SECRETS:
            for writing in writings(secret):
                place = plain.find(writing.encode())
                assert place < 0, plain[max(place - 200, 0) : place + 200]


def assert_no_secret_in_files(folder: Path, *besides: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in besides:
            assert_no_secret(path.read_bytes())


#: A log configuration of the user's own, of everything, as JSON.
OWN_LOGS = """
version: 1
disable_existing_loggers: false
formatters:
  json:
    (): singer_sdk.logging.StructuredFormatter
handlers:
  file:
    class: logging.FileHandler
    filename: {folder}/own.log
    formatter: json
root:
  level: DEBUG
  handlers: [file]
loggers:
  urllib3.connection:
    level: DEBUG
  urllib3.connectionpool:
    level: DEBUG
"""
