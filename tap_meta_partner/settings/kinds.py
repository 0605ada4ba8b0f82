"""The kinds of value a setting can have, and how each is read."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tap_meta_partner.settings.model import AccessToken, SettingsError
from tap_meta_partner.settings.words import (
    ATTRIBUTION_WINDOWS,
    DEAD_ATTRIBUTION_WINDOWS,
    DEFAULT_API_URL,
    DEFAULT_API_VERSION,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any
    from urllib.parse import SplitResult

_LONGEST_LABEL = 100


def _shown(value: object) -> str:
    # json writes \n, but leaves the line ends of Unicode as they are.
    return " ".join(json.dumps(value, ensure_ascii=False, default=str).splitlines())


def _wrong(name: str, value: object, allowed: str) -> SettingsError:
    shown = _shown(value)
    if len(shown) > 80:  # noqa: PLR2004  (one line of a log)
        shown = shown[:77] + "..."
    return SettingsError(f"{name} is {shown}: it must be {allowed}")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "a string")
    return value


def _secret(name: str, value: object) -> str:
    # The value is never shown, whatever its type.
    if not isinstance(value, str):
        raise SettingsError(f"{name} must be a string (its value is not shown)")
    if value != value.strip() or any(character.isspace() for character in value):
        raise SettingsError(f"{name} contains white space: it was probably not copied whole")
    if not value.isascii() or not value.isprintable():
        raise SettingsError(f"{name} contains characters that no token has: copy it again")
    return value


def _digits(name: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\d+", value, re.ASCII):
        raise _wrong(name, value, "an id of digits, as a string")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def _whole(low: int, high: int | None = None) -> Callable[[str, object], int]:
    allowed = f"a whole number from {low} to {high}" if high else f"a whole number, {low} or more"

    def parse(name: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong(name, value, allowed)
        if value < low or (high is not None and value > high):
            raise _wrong(name, value, allowed)
        return value

    return parse


#: Sockets refuse to wait for longer than about this many seconds.
_MOST = 1_000_000_000


def _positive(name: str, value: object) -> float:
    # The SDK reads fractions in a file as Decimal, and leaves those of the environment as text.
    if isinstance(value, str) and re.fullmatch(r"\d{1,12}(\.\d{1,12})?", value, re.ASCII):
        value = float(value)
    if (
        isinstance(value, (int, float, Decimal))
        and not isinstance(value, bool)
        and 0 < value <= _MOST
    ):
        return float(value)
    raise _wrong(name, value, f"a number above 0, at most {_MOST}")


def _date(name: str, value: object) -> dt.date:
    """Take a date, or a date-time's date."""
    if isinstance(value, str):
        head = value[:10]
        try:
            day = dt.datetime.strptime(head, "%Y-%m-%d").date()  # noqa: DTZ007  (a day has no zone)
            if len(value) > len(head):
                dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            pass
        else:
            return day
    raise _wrong(name, value, "a date such as 2026-01-31, or a date-time")


def _one_of(allowed: Iterable[str]) -> Callable[[str, object], str]:
    names = tuple(allowed)

    def parse(name: str, value: object) -> str:
        if value not in names:
            raise _wrong(name, value, f"one of {', '.join(names)}")
        return str(value)

    return parse


def _list_of(parse_item: Callable[[str, object], str]) -> Callable[[str, object], tuple[str, ...]]:
    def parse(name: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, (list, tuple)):
            raise _wrong(name, value, 'a list, for example ["…"]')
        # Twice the same is once; the order is the user's.
        return tuple(dict.fromkeys(parse_item(name, item) for item in value))

    return parse


def _account_id(name: str, value: object) -> str:
    if isinstance(value, str):
        digits = value.strip().removeprefix("act_")
        if re.fullmatch(r"\d+", digits, re.ASCII):
            return digits
    raise _wrong(name, value, "an ad account's id as a string, with or without act_")


def _name(name: str, value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.:-]+", value):
        return value
    raise _wrong(name, value, "a name as Meta writes it (letters, digits, underscores)")


def _status(name: str, value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Z_]+", value, re.ASCII):
        return value
    raise _wrong(name, value, "a status as Meta writes it, such as ACTIVE, PAUSED or ARCHIVED")


def _attribution_window(name: str, value: object) -> str:
    if isinstance(value, str) and value in DEAD_ATTRIBUTION_WINDOWS:
        raise SettingsError(
            f'{name} contains "{value}": Meta returns nothing for it since 12 January 2026; '
            "use 1d_view, 1d_click, 7d_click or 28d_click"
        )
    return _one_of(ATTRIBUTION_WINDOWS)(name, value)


def _api_version(name: str, value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"v\d{1,3}\.\d", value):
        return value
    raise _wrong(name, value, f"a version such as {DEFAULT_API_VERSION}")


def _api_url(name: str, value: object) -> str:
    """Take an https address, or plain http on this machine only: the token travels to it."""
    if isinstance(value, str) and any(character in value for character in "@?#"):
        raise SettingsError(f"{name} may hold a host and a path only: no user, query or fragment")
    parts = _address(value)
    if parts is None:
        raise _wrong(name, value, f"an address such as {DEFAULT_API_URL}")
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise SettingsError(
            f"{name} is plain http to {parts.hostname}: use https, so that nobody reads the token "
            "on the way (http is allowed to this machine only)"
        )
    return str(value).rstrip("/")


def _address(value: object) -> SplitResult | None:
    """Split an http or https address; None for anything else."""
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        # Brackets that do not close, a port that is no number.
        return None
    return parts if sound else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _header(name: str, value: object) -> str:
    text = _text(name, value)
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise _wrong(name, value, "plain text on one line")
    return text


def _tokens(name: str, value: object) -> tuple[AccessToken, ...]:
    """Take the list of tokens; nothing of it is ever shown."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, dict) for item in value):
        raise SettingsError(
            f'{name} must be a list of {{"access_token": …, "label": …, "account_ids": […]}} '
            "(its value is not shown)"
        )
    tokens = tuple(_token(f"{name}[{index}]", item, index) for index, item in enumerate(value))
    labels = [token.label for token in tokens]
    for label in labels:
        if labels.count(label) > 1:
            raise SettingsError(f"{name} has two tokens with the label {label}: rename one")
    return tokens


def _token(place: str, item: Mapping[str, Any], index: int) -> AccessToken:
    given = {key: value for key, value in item.items() if value is not None and value != ""}
    if set(given) - {"access_token", "label", "account_ids"}:
        raise SettingsError(f"{place} may have the keys access_token, label and account_ids only")
    if "access_token" not in given:
        raise SettingsError(f"{place} has no access_token")
    label = given.get("label", f"token {index + 1}")
    if not isinstance(label, str) or not label.isprintable() or len(label) > _LONGEST_LABEL:
        raise SettingsError(f"{place}.label must be a short text on one line")
    secret = _secret(f"{place}.access_token", given["access_token"])
    if secret in label:
        raise SettingsError(f"{place}.label contains the token: labels are shown in the log")
    return AccessToken(
        label=label,
        access_token=secret,
        account_ids=_list_of(_account_id)(f"{place}.account_ids", given.get("account_ids", [])),
    )
