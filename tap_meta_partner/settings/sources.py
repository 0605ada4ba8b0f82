"""The tap's own settings, for the other commands: from a file, the environment and `.env`."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.reading import parse_settings
from tap_meta_partner.settings.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tap_meta_partner.settings.model import Settings
    from tap_meta_partner.settings.setting import Setting

PREFIX = "TAP_META_PARTNER_"


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
        setting.name: _value(setting, text)
        for setting in TABLE
        if (text := variables.get(PREFIX + setting.name.upper()))
    }
    return {**config, **(_file(file) if file else {})}


def env_variables(text: str) -> dict[str, str]:
    """Return the variables that a `.env` file's text sets, as Meltano reads them."""
    values = dotenv_values(stream=io.StringIO(text))
    return {name: value for name, value in values.items() if value is not None}


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return env_variables(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env cannot be read ({type(error).__name__})") from None


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


def _value(setting: Setting, text: str) -> object:
    """Turn a variable's text into what the setting takes, or leave it for the check to refuse."""
    try:
        return setting.kind.from_text(text)
    except ValueError:
        return text
