"""The kinds of value a setting can have: how each is checked, told in JSON Schema, read as text."""

from __future__ import annotations

import ast
import datetime as dt
import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from tap_meta_partner.outputs.printable import printable
from tap_meta_partner.outputs.secrecy import may_be_shown
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.words import (
    DEAD_ATTRIBUTION_WINDOWS,
)

if TYPE_CHECKING:
    from typing import Any

T_co = TypeVar("T_co", covariant=True)

#: Sockets refuse to wait for longer than about this many seconds.
_MOST = 1_000_000_000

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


#: One line of a log.
_LONGEST_SHOWN = 80


def shown(value: object) -> str | None:
    """Write a value as JSON, on one line and cut short; None where it may be a secret, misplaced.

    In Meta's dashboard the app secret stands beside the app's id, and is pasted in its place.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return None
    if not may_be_shown(text):
        return None
    # json writes \n, but leaves the line ends of Unicode, and its direction marks, as they are.
    text = printable(text)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def wrong(name: str, value: object, allowed: str) -> SettingsError:
    """Return the error that names a setting, its value where it may be shown, and what is right."""
    text = shown(value)
    if text is None:
        return SettingsError(f"{name} has a value that is not shown here: it must be {allowed}")
    return SettingsError(f"{name} is {text}: it must be {allowed}")


def as_written(kind: Kind[Any], value: object) -> object:
    """Return what people write for a list or a number in the form in which JSON has it.

    Meltano hands on as a text what somebody typed, and so does the environment. What cannot be read
    is returned as it is, for the check to refuse.
    """
    if isinstance(value, str) and kind.reads_text:
        try:
            return kind.from_text(value)
        except (ValueError, RecursionError):
            return value
    return value


class Kind(ABC, Generic[T_co]):
    """A kind of value; one that says nothing else is a string in JSON."""

    __slots__ = ()

    #: Whether a text is read where JSON would have held something else: see `as_written`.
    reads_text: ClassVar[bool] = False

    @abstractmethod
    def parse(self, name: str, value: object) -> T_co:
        """Check what JSON held for the setting `name`, and return what the tap works with.

        Raises:
            SettingsError: names the setting, the value (never a secret's) and what is allowed.
        """

    @property
    def schema(self) -> dict[str, Any]:
        """What JSON Schema says of it; that it may be null is the setting's to add."""
        return {"type": ["string"]}

    def from_text(self, text: str) -> object:
        """Turn a variable's text into what JSON would have held, unchecked.

        Raises:
            ValueError: it cannot be one.
        """
        return text


@dataclass(frozen=True, slots=True)
class Text(Kind[str]):
    """A string of one form.

    Attributes:
        form: a regular expression for the whole of it.
        allowed: the form in words.
    """

    form: str
    allowed: str

    def parse(self, name: str, value: object) -> str:
        """Take a string of the form."""
        if isinstance(value, str) and re.fullmatch(self.form, value, re.ASCII):
            return value
        raise wrong(name, value, self.allowed)


@dataclass(frozen=True, slots=True)
class Digits(Kind[str]):
    """The id of a business or an app."""

    def parse(self, name: str, value: object) -> str:
        """Take digits, as a text or as a number."""
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            digits = str(value).strip()
            if re.fullmatch(r"\d+", digits, re.ASCII):
                return digits
        raise wrong(name, value, "an id of digits")


DIGITS = Digits()
META_NAME = Text(r"[A-Za-z0-9_.:-]+", "a name as Meta writes it (letters, digits, underscores)")
_WINDOW = Text(
    r"[a-z0-9_]+", "an attribution window as Meta writes it, such as 1d_view, 1d_click or 7d_click"
)
STATUS = Text(r"[A-Z_]+", "a status as Meta writes it, such as ACTIVE, PAUSED or ARCHIVED")


@dataclass(frozen=True, slots=True)
class Line(Kind[str]):
    """Plain text that fits a header of HTTP."""

    def parse(self, name: str, value: object) -> str:
        """Take ASCII on one line, without surrounding blanks."""
        if not isinstance(value, str):
            raise wrong(name, value, "a string")
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise wrong(name, value, "plain text on one line")
        return value


@dataclass(frozen=True, slots=True)
class Flag(Kind[bool]):
    """True or false."""

    def parse(self, name: str, value: object) -> bool:
        """Take true or false, not a word for it."""
        if not isinstance(value, bool):
            raise wrong(name, value, "true or false")
        return value

    @property
    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": ["boolean"]}

    def from_text(self, text: str) -> bool:
        """Take the words that Meltano takes, in any case."""
        word = text.strip().lower()
        if word not in _TRUE + _FALSE:
            raise ValueError(word)
        return word in _TRUE


@dataclass(frozen=True, slots=True)
class Whole(Kind[int]):
    """A whole number.

    Attributes:
        low: the least allowed.
        high: the most allowed, or None.
    """

    low: int
    high: int | None = None
    reads_text: ClassVar[bool] = True

    def parse(self, name: str, value: object) -> int:
        """Take a whole number within the bounds; true is not one."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= self.low:
            if self.high is None:
                return value
            if value <= self.high:
                return value
        bounds = (
            f", {self.low} or more" if self.high is None else f" from {self.low} to {self.high}"
        )
        raise wrong(name, value, f"a whole number{bounds}")

    @property
    def schema(self) -> dict[str, Any]:
        """An integer; the bounds are told in words."""
        return {"type": ["integer"]}

    def from_text(self, text: str) -> int:
        """Read digits."""
        return int(text)


@dataclass(frozen=True, slots=True)
class Positive(Kind[float]):
    """A number above 0, of minutes or seconds."""

    def parse(self, name: str, value: object) -> float:
        """Take a number, also one written as text."""
        # The SDK reads fractions in a file as Decimal, and leaves those of the environment as text.
        if isinstance(value, str) and re.fullmatch(r"\d{1,12}(\.\d{1,12})?", value, re.ASCII):
            value = float(value)
        if (
            isinstance(value, (int, float, Decimal))
            and not isinstance(value, bool)
            and 0 < value <= _MOST
        ):
            return float(value)
        raise wrong(name, value, f"a number above 0, at most {_MOST}")

    @property
    def schema(self) -> dict[str, Any]:
        """A number; the bounds are told in words."""
        return {"type": ["number"]}

    def from_text(self, text: str) -> float:
        """Read a number."""
        return float(text)


@dataclass(frozen=True, slots=True)
class Day(Kind[dt.date]):
    """A calendar day."""

    def parse(self, name: str, value: object) -> dt.date:
        """Take a date, or a date-time's date."""
        if isinstance(value, str):
            head = value[:10]
            try:
                day = dt.datetime.strptime(head, "%Y-%m-%d").date()  # noqa: DTZ007  (has no zone)
                if len(value) > len(head):
                    dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
            except ValueError:
                pass
            else:
                return day
        raise wrong(name, value, "a date such as 2026-01-31, or a date-time")


@dataclass(frozen=True, slots=True)
class OneOf(Kind[str]):
    """One of a few words.

    Attributes:
        words: all of them, in the order in which they are shown.
    """

    words: tuple[str, ...]

    def parse(self, name: str, value: object) -> str:
        """Take one of the words as it is written."""
        if value not in self.words:
            raise wrong(name, value, f"one of {', '.join(self.words)}")
        return str(value)

    @property
    def schema(self) -> dict[str, Any]:
        """A string, and the words."""
        return {"type": ["string"], "enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class AccountId(Kind[str]):
    """An ad account's id."""

    def parse(self, name: str, value: object) -> str:
        """Take the id with or without act_; return its digits."""
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            digits = str(value).strip().removeprefix("act_")
            if re.fullmatch(r"\d+", digits, re.ASCII):
                return digits
        raise wrong(name, value, "an ad account's id, with or without act_")


@dataclass(frozen=True, slots=True)
class AttributionWindow(Kind[str]):
    """A window of Meta's inside action values."""

    def parse(self, name: str, value: object) -> str:
        """Take any window except those for which Meta returns nothing; warn of an unknown one."""
        if isinstance(value, str) and value in DEAD_ATTRIBUTION_WINDOWS:
            raise SettingsError(
                f'{name} contains "{value}": Meta returns nothing for it since 12 January 2026; '
                "use 1d_view, 1d_click, 7d_click or 28d_click"
            )
        return _WINDOW.parse(name, value)


@dataclass(frozen=True, slots=True)
class ListOf(Kind[tuple[str, ...]]):
    """Several strings of one kind.

    Attributes:
        item: the kind of each.
    """

    item: Kind[str]
    reads_text: ClassVar[bool] = True

    def parse(self, name: str, value: object) -> tuple[str, ...]:
        """Take a list, or its only item; duplicates are dropped, and the user's order is kept."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = [value]
        if not isinstance(value, (list, tuple)):
            raise wrong(name, value, 'a list, for example ["…"]')
        return tuple(dict.fromkeys(self.item.parse(name, item) for item in value))

    @property
    def schema(self) -> dict[str, Any]:
        """An array of such strings."""
        return {"type": ["array"], "items": self.item.schema}

    def from_text(self, text: str) -> object:
        """Read JSON, or words with commas between them."""
        if text.lstrip().startswith("["):
            try:
                return json.loads(text)
            except json.JSONDecodeError:
                # Meltano puts a list of meltano.yml into the environment as Python writes it.
                return _python_list(text)
        return [part.strip() for part in text.split(",") if part.strip()]


def _python_list(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, MemoryError) as error:
        raise ValueError(text[:_LONGEST_SHOWN]) from error
