"""The tap's own settings, for the other commands: from a file, the environment and `.env`."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.reading import parse_settings
from tap_meta_partner.settings.table import SETTING_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tap_meta_partner.settings.model import Settings

PREFIX = "TAP_META_PARTNER_"


_LISTS = frozenset(
    (
        "account_ids",
        "exclude_account_ids",
        "account_statuses",
        "fields",
        "action_attribution_windows",
        "effective_status",
    )
)


_JSON = frozenset(("reports", "access_tokens"))


_WHOLE_NUMBERS = frozenset(("lookback_days", "max_concurrency", "shard_index", "shard_count"))


_NUMBERS = frozenset(("max_run_minutes", "request_timeout"))


_FLAGS = frozenset(("fail_on_skipped_accounts", "backfill_on_change"))


_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def read_settings(file: Path | None, *, token_needed: bool = True) -> Settings:
    """Read and check the settings.

    Args:
        file: the tap's `config.json`, or None. What it says counts before the environment's
            `TAP_META_PARTNER_…`, and that before `.env` in the current folder.
        token_needed: false where Meta is not asked.

    Raises:
        SettingsError: what is wrong, in one line.
    """
    config = read_configuration(file, os.environ, Path(".env"))
    return parse_settings(config, now=dt.datetime.now(dt.timezone.utc), token_needed=token_needed)


def read_configuration(
    file: Path | None, environment: Mapping[str, str], dotenv: Path
) -> dict[str, Any]:
    """Put the three sources together; unchecked."""
    variables = {**_dotenv(dotenv), **environment}
    config = {
        name: _value(name, text)
        for name in sorted(SETTING_NAMES)
        if (text := variables.get(PREFIX + name.upper()))
    }
    return {**config, **(_file(file) if file else {})}


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        values = dotenv_values(path, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env cannot be read ({type(error).__name__})") from None
    return {name: value for name, value in values.items() if value is not None}


def _file(path: Path) -> dict[str, Any]:
    # Never the text itself: it holds the token.
    try:
        config = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from None
    if not isinstance(config, dict):
        raise SettingsError(f'{path} must hold an object, for example {{"access_token": "…"}}')
    return config


def _value(name: str, text: str) -> Any:  # noqa: ANN401  (what a setting may be)
    """Turn a variable's text into what the setting takes, or leave it for the check to refuse."""
    for names, parse in _TYPES:
        if name in names:
            try:
                return parse(text)
            except ValueError:
                return text
    return text


def _list(text: str) -> Any:  # noqa: ANN401  (as JSON says)
    if text.lstrip().startswith("["):
        return json.loads(text)
    return [part.strip() for part in text.split(",") if part.strip()]


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(word)
    return word in _TRUE


_TYPES: tuple[tuple[frozenset[str], Callable[[str], Any]], ...] = (
    (_LISTS, _list),
    (_JSON, json.loads),
    (_WHOLE_NUMBERS, int),
    (_NUMBERS, float),
    (_FLAGS, _flag),
)
