"""What is secret, and what is left of a text once secrets are taken out.

A process that holds a secret says so once (`hide`); from then on `redacted` finds it in any text,
in whatever way it is written there. What nobody said is found by its form and by its name.

Every record of every logger, every line of a command and every message of Meta's goes through here
as finished text: what is scrubbed piece by piece comes together again behind the scrubbing.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

HIDDEN = "***"

#: What is shorter is no secret of Meta's, and would take half of every text with it.
_SHORTEST = 8

#: The secrets of this process, each with what is in every text, decoded, that holds it.
_KNOWN: dict[str, tuple[str, ...]] = {}

#: A token as Meta makes them; an app's own token, whose second half is the app secret.
_FORMS = re.compile(r"\bEAA[A-Za-z0-9]{16,}|\b(?P<app>\d{5,}(?:\||%7C))[\w-]{8,}", re.IGNORECASE)

#: A parameter, a key of JSON or a header that holds a secret, up to its value.
_NAMES = re.compile(
    r"""(?P<before>
    (?:access_token|input_token|fb_exchange_token|id_token|client_secret|app_secret
      |appsecret_proof|code_verifier|[?&]code)
    (?:=|%3D|["']\s*:\s*["'])
    # Not Meta's own words: "Invalid OAuth access token", "OAuth 2.0 token".
    |\b(?:Bearer|OAuth)[ ](?!(?:access|token)\b))
    (?P<value>[^\s&"'\\,;)\]}>*]{4,})""",
    re.VERBOSE | re.IGNORECASE,
)

#: Long strings of the characters that tokens are made of.
_RUN = re.compile(r"[A-Za-z0-9_|~+=-]{16,}")
_LONG = 20
#: One that people write: an id, or words with underscores between them (Meta's names).
_WORD = r"(?:[A-Za-z]{0,16}|\d{0,4}[a-z]?)"
_ORDINARY = re.compile(rf"\d+|{_WORD}(?:_{_WORD})*")
_SUSPICIOUS = re.compile(
    r"\bEAA[A-Za-z0-9]{5}|\b(?=\d*[a-f])[0-9a-f]{32}|\d{5,}\||[\"'](?:access_token|\w*secret|password)\b",
    re.IGNORECASE,
)


def hide(*secrets: object) -> None:
    """Treat these strings as secret from now on in this process; ignore anything too short."""
    found = {secret.strip() for secret in secrets if isinstance(secret, str)} - _KNOWN.keys()
    for secret in found:
        if len(secret) >= _SHORTEST:
            _KNOWN[secret] = (secret, *_base64(secret))


def forget() -> None:
    """Forget all secrets."""
    _KNOWN.clear()


def redacted(text: str) -> str:
    """Return a text without secrets: those told to `hide`, and what looks or is named like one."""
    if _KNOWN:
        plain = _decoded(text)
        # Another thread may tell of a secret meanwhile.
        known = list(_KNOWN.items())
        found = [secret for secret, pieces in known if any(piece in plain for piece in pieces)]
        # The longest first: one may be the beginning of another.
        for secret in sorted(found, key=len, reverse=True):
            text = _pattern(secret).sub(HIDDEN, text)
    text = _NAMES.sub(lambda found: found["before"] + HIDDEN, text)
    return _FORMS.sub(lambda found: (found["app"] or "") + HIDDEN, text)


def may_be_shown(text: str) -> bool:
    """Decide whether a complaint may quote what a user wrote: it could be a secret, misplaced.

    It is stricter than `redacted`: nothing is lost when a value is not quoted.
    """
    if redacted(text) != text or _SUSPICIOUS.search(text):
        return False
    return not any(len(run) >= _LONG and not _ORDINARY.fullmatch(run) for run in _RUN.findall(text))


def _decoded(text: str) -> str:
    """Return a text beside what it says without the encodings of addresses, forms and JSON."""
    readings = [text]
    for _ in range(2):
        readings.append(unquote_plus(readings[-1]))
    if "\\" in text:
        readings.append(_ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), text))
    return "\n".join(readings)


#: As JSON and Python write a character that they do not write as it is.
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")


@lru_cache(maxsize=64)
def _pattern(secret: str) -> re.Pattern[str]:
    """Return what finds a secret as it is, percent-encoded (twice as well), escaped, in base64."""
    characters = "".join(
        rf"(?:{re.escape(each)}|%(?:25)?(?i:{ord(each):02x})|\\(?:u00|x)(?i:{ord(each):02x}))"
        for each in secret
    )
    return re.compile("|".join((characters, *map(re.escape, _base64(secret)))))


def _base64(secret: str) -> Iterator[str]:
    """Give what base64 makes of a secret, wherever in a text it stands: both alphabets.

    The characters at both ends depend on the neighbours and are left out.
    """
    plain = secret.encode(errors="surrogatepass")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + plain).decode()
        ends = len(encoded.rstrip("=")) - ((before + len(plain)) % 3 > 0)
        piece = encoded[(0, 2, 3)[before] : ends]
        yield piece
        if "+" in piece or "/" in piece:
            yield piece.translate(str.maketrans("+/", "-_"))
