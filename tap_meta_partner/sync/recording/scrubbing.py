"""What is kept of an exchange with Meta: its shape and its numbers, and nothing personal.

An allow list, not a deny list (`allowed.py`): ids, names, texts, addresses and all that is unknown
are replaced, the same by the same, so that what belonged together still does. Replacements are made
with a secret that is kept nowhere (HMAC), so nothing leads back, not even by trying.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_meta_partner.sync.recording.allowed import (
    FIELD_NAMES,
    HEADERS,
    IDS,
    NUMBERS,
    SECRET_PARAMETERS,
    SENTENCES,
    VOCABULARY,
    WORDS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d([+-]\d\d:?\d\d|Z)?)?")
_HOURS = re.compile(r"\d\d:\d\d:\d\d - \d\d:\d\d:\d\d")
_WORD = re.compile(r"[A-Za-z0-9_.:+/-]{1,80}|Job [A-Z][a-z]+( [A-Z][a-z]+)?")
_NAMES = re.compile(r"[a-z0-9_,.:{} ]*")
_ID = re.compile(r"(act_)?(\d+)(_\d+)?")
_KEY = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,79}")
_LONG_DIGITS = re.compile(r"\d{6,}")
_PIECES = re.compile(r"[A-Za-z0-9_.-]+|[^A-Za-z0-9_.-]+")
_VERSION = re.compile(r"v\d{1,3}\.\d")
_ADDRESS = re.compile(r"[a-z]+://", re.IGNORECASE)
_PLAIN_HEADER = re.compile(r"[A-Za-z0-9 ,:;=/.+-]{0,100}")
#: Ids have 15 digits and more here; what is shorter than 13 may be a count.
_FEWEST_ID_DIGITS, _MOST_COUNT_DIGITS, _LONGEST_CODE = 15, 12, 5
#: Unix seconds.
_TIMES = frozenset({"time_ref", "time_completed", "issued_at", "expires_at"})
#: Do not change when everything else is multiplied.
_RATES = frozenset(("ctr", "frequency", "inline_link_click_ctr", "unique_ctr", "website_ctr"))
#: What `filtering` compares with numbers or with words; anything else with ids and names.
_COMPARED = frozenset({"updated_time", "created_time", "effective_status", "delivery_info"})
#: Keys that only an error has beside its message.
_OF_ERRORS = frozenset({"code", "error_code", "fbtrace_id"})
#: Lists of names, as parameters.
_LISTS_OF_NAMES = frozenset({"fields", "breakdowns", "action_breakdowns"})


class Replacements:
    """What stands for what: consistently, and with no way back.

    Args:
        secret: random, of one recording alone.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def mark(self, text: str) -> str:
        """Return twelve letters and digits for a text."""
        return base64.b32encode(self._digest(text))[:12].decode().lower()

    def digits(self, text: str) -> str:
        """Return a number of at least fifteen digits for one, as long where it is longer."""
        length = max(len(text), _FEWEST_ID_DIGITS)
        lowest = 10 ** (length - 1)
        return str(lowest + int.from_bytes(self._digest(text), "big") % (9 * lowest))

    def id(self, text: str) -> str:
        """Return an id of the same kind."""
        match = _ID.fullmatch(text)
        if match is None:
            return f"id-{self.mark(text)}"
        second = f"_{self.digits(match[3][1:])}" if match[3] else ""
        return f"{match[1] or ''}{self.digits(match[2])}{second}"

    def text(self, text: str) -> str:
        """Return a text, an address or an e-mail for one."""
        mark = self.mark(text)
        if _ADDRESS.match(text):
            return f"https://example.com/{mark}"
        return f"{mark}@example.com" if "@" in text else f"text-{mark}"

    def _digest(self, text: str) -> bytes:
        encoded = text.encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, encoded, hashlib.sha256).digest()


class Scrubber:
    """Replaces what belongs to somebody.

    Args:
        secret: random, of this recording alone.
        factor: what amounts are multiplied by; None leaves them as they are.
    """

    def __init__(self, secret: bytes, *, factor: Decimal | None = None) -> None:
        self._instead = Replacements(secret)
        self._factor = factor

    def path(self, path: str) -> str:
        """Scrub a call's path, without its version."""
        return "/".join(self._key(part) for part in path.split("/"))

    def parameters(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Scrub parameters; secrets are left out."""
        return {
            self._key(name): value if name == "limit" else self._nested(value, name)
            for name, value in params.items()
            if name not in SECRET_PARAMETERS
        }

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Scrub headers; only those that are known are kept."""
        found = {}
        for name, text in headers.items():
            lower = name.lower()
            nested = parsed(text)
            if lower not in HEADERS:
                continue
            if nested is not None:
                found[lower] = json.dumps(self.value(nested), default=str)
            elif lower in SENTENCES:
                found[lower] = self._sentence(text)
            elif _PLAIN_HEADER.fullmatch(text):
                found[lower] = text
        return found

    def value(self, value: Any, name: str = "") -> Any:  # noqa: ANN401  (a JSON value)
        """Scrub a JSON value; `name` is that of the field that holds it."""
        if isinstance(value, dict):
            return {self._key(key): self._member(key, item, value) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, name) for item in value]
        if isinstance(value, str):
            return self._text(value, name)
        if isinstance(value, bool) or value is None:
            return value
        return self._number(value, name)

    def _member(self, key: str, item: Any, within: Mapping[str, Any]) -> Any:  # noqa: ANN401
        if key == "value" and {"field", "operator"} <= within.keys():
            return self.value(item, _compared_as(str(within["field"])))
        if key in SENTENCES and isinstance(item, str) and not _OF_ERRORS.isdisjoint(within):
            return self._sentence(item)
        if key == "error_data":
            return self._nested(item, key)
        return self.value(item, key)

    def _nested(self, value: Any, name: str) -> Any:  # noqa: ANN401  (as above)
        """Scrub what may be JSON inside a text."""
        inside = parsed(value) if isinstance(value, str) else None
        if inside is None:
            return self.value(value, name)
        return json.dumps(self.value(inside, name), default=str)

    # Texts.

    def _text(self, text: str, name: str) -> str:
        if not text or _DATE.fullmatch(text):
            return text
        if _is_count_of(name, text):
            return self._scaled(text, name)
        if _is_word_of(name, text):
            return self._word(text, name)
        return (
            self._instead.id(text)
            if is_id_name(name) or _ID.fullmatch(text)
            else self._instead.text(text)
        )

    def _word(self, text: str, name: str) -> str:
        """Keep a word of Meta's; advertisers name custom conversions and events themselves."""
        if name in ("action_type", "indicator"):
            kind, custom, own = text.partition("custom")
            if own.strip("."):
                return f"{kind}{custom}.{self._instead.mark(own)}"
        return _LONG_DIGITS.sub(lambda found: self._instead.digits(found[0]), text)

    def _sentence(self, text: str) -> str:
        """Keep the words that Meta's messages are made of."""
        return "".join(self._piece(piece) for piece in _PIECES.findall(text))

    def _piece(self, piece: str) -> str:
        word = piece.strip(".-")
        if not word or not piece[0].isalnum():
            return piece if piece.isascii() else "…"
        if word.casefold() in VOCABULARY or word in FIELD_NAMES or _VERSION.fullmatch(word):
            return piece
        if word.isdecimal() and len(word) <= _LONGEST_CODE:
            return piece
        return piece.replace(word, self._instead.id(word)) if _ID.fullmatch(word) else "…"

    def _key(self, key: str) -> str:
        """Scrub the name of a field: Meta's are of small letters; ids are keys at times."""
        if _ID.fullmatch(key):
            return self._instead.id(key)
        return (
            key if _KEY.fullmatch(key) and not _LONG_DIGITS.search(key) else self._instead.mark(key)
        )

    # Numbers.

    def _number(self, value: Any, name: str) -> Any:  # noqa: ANN401  (an int or a Decimal)
        whole = isinstance(value, int)
        if whole and name not in _TIMES and (is_id_name(name) or _is_too_long(str(value))):
            return int(self._instead.digits(str(abs(value))))
        scaled = self._scaled(str(value), name)
        return int(scaled) if whole else Decimal(scaled)

    def _scaled(self, text: str, name: str) -> str:
        if self._factor is None or name not in NUMBERS or name in _RATES:
            return text
        number = Decimal(text)
        exponent = number.as_tuple().exponent
        digits = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        return f"{round(number * self._factor, digits):f}"


def parsed(text: str) -> Any:  # noqa: ANN401  (a JSON value)
    """Return the object or list that a text holds; None where it holds none."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return None


def is_id_name(name: str) -> bool:
    """Tell whether an id stands under a name."""
    return name in IDS or name.endswith("_id")


def _is_count_of(name: str, text: str) -> bool:
    return name in NUMBERS and _NUMBER.fullmatch(text) is not None and not _is_too_long(text)


def _is_word_of(name: str, text: str) -> bool:
    if name in _LISTS_OF_NAMES and _NAMES.fullmatch(text):
        return True
    return name in WORDS and bool(_WORD.fullmatch(text) or _HOURS.fullmatch(text))


def _is_too_long(number: str) -> bool:
    return len(number.lstrip("-").partition(".")[0]) > _MOST_COUNT_DIGITS


def _compared_as(field: str) -> str:
    """Return what a filter's value is to be taken for: a word, a number, an id or a text."""
    name = field.rpartition(".")[2]
    if name in _COMPARED:
        return "status"
    return name if name in NUMBERS or is_id_name(name) else ""
