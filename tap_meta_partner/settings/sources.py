"""Where settings come from: a file, the environment, `.env`; the same for the tap and its commands.

What stands nearer to the command counts: `--config FILE`, then `TAP_META_PARTNER_…` in the
environment, then the same in `.env` of the current folder, and of no other one. (The tap looks at
the last two only when told to with `--config ENV`: under Meltano it is told all by a file.)
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from tap_meta_partner.outputs.printable import printable
from tap_meta_partner.settings.kinds import Flag
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.reading import did_you_mean, parse_settings
from tap_meta_partner.settings.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from tap_meta_partner.settings.model import Settings

PREFIX = "TAP_META_PARTNER_"


def read_settings(
    file: Path | None, *, token_needed: bool = True, token_elsewhere: bool = False
) -> Settings:
    """Read and check the settings.

    Args:
        file: the tap's `config.json`, or None. What it says counts before the environment's
            `TAP_META_PARTNER_…`, and that before `.env` in the current folder.
        token_needed: false where Meta is not asked.
        token_elsewhere: whether a token will be used that comes from none of the three.

    Raises:
        SettingsError: what is wrong, in one line.
    """
    found = read_configuration(file, os.environ, Path(".env"), token_elsewhere=token_elsewhere)
    return parse_settings(found, now=dt.datetime.now(dt.timezone.utc), token_needed=token_needed)


def read_configuration(
    file: Path | None,
    environment: Mapping[str, str],
    dotenv: Path,
    *,
    token_elsewhere: bool = False,
) -> dict[str, Any]:
    """Put the three sources together; unchecked.

    Raises:
        SettingsError: one of them cannot be read, or `.env` would have secrets sent elsewhere.
    """
    return combined(
        _file(file) if file else {}, environment, dotenv, token_elsewhere=token_elsewhere
    )


def combined(
    given: Mapping[str, Any],
    environment: Mapping[str, str],
    dotenv: Path,
    *,
    further: Mapping[str, Mapping[str, Any]] | None = None,
    token_elsewhere: bool = False,
) -> dict[str, Any]:
    """Return a configuration with what it does not say from the environment, then from `.env`.

    Args:
        given: what counts first.
        environment: holds `TAP_META_PARTNER_…`.
        dotenv: holds the same; it may not be there.
        further: settings that are not in the table, each with its JSON Schema.
        token_elsewhere: see `read_settings`.

    Raises:
        SettingsError: `.env` cannot be read, or would have secrets sent elsewhere.
    """
    nearer = {**_from_variables(environment, further or {}), **given}
    farther = _from_variables(_dotenv(dotenv), further or {})
    _check_address(farther, nearer, token_elsewhere=token_elsewhere)
    return {**farther, **nearer}


#: Variables of the SDK's that begin as settings do: the level of logs.
_OF_THE_SDK = ("loglevel",)


def unknown_variables(environment: Mapping[str, str], known: Collection[str]) -> list[str]:
    """Say which variables look like settings and are none, with what was probably meant.

    Args:
        environment: all of it; values are not looked at.
        known: the settings there are.
    """
    variables = {PREFIX + name.upper() for name in (*known, *_OF_THE_SDK)}
    return [
        f"{printable(name)} is no setting's variable and is ignored{did_you_mean(name, variables)}"
        for name in sorted(environment)
        # Two underscores: Meltano's own.
        if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}_") and name not in variables
    ]


def env_variables(text: str, *, interpolate: bool = False) -> dict[str, str]:
    """Return the variables that a `.env` file's text sets.

    Args:
        text: of the file.
        interpolate: whether `${NAME}` is replaced, as Meltano does. Here it never is: a foreign
            `.env` could have any variable of the environment sent out in a harmless setting.
    """
    values = dotenv_values(stream=io.StringIO(text), interpolate=interpolate)
    return {name: value for name, value in values.items() if value is not None}


def _check_address(
    farther: Mapping[str, Any], nearer: Mapping[str, Any], *, token_elsewhere: bool
) -> None:
    """Refuse an address in `.env` for secrets from elsewhere.

    Whoever runs a command in a folder of somebody else's would send them wherever its `.env` says.
    """
    if not farther.get("api_url") or nearer.get("api_url"):
        return
    from_elsewhere = [row.name for row in TABLE if row.secret and nearer.get(row.name)]
    if from_elsewhere or token_elsewhere:
        what = from_elsewhere[0] if from_elsewhere else "the token"
        raise SettingsError(
            f"api_url is set in .env, and {what} is not: it is not sent there. Set both in the "
            "same place, or remove api_url from .env"
        )


def _from_variables(
    variables: Mapping[str, str], further: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    kinds = {row.name: row.kind.from_text for row in TABLE}
    for name, schema in further.items():
        kinds.setdefault(name, partial(_by_schema, schema))
    return {
        name: _value(from_text, text)
        for name, from_text in kinds.items()
        if (text := variables.get(PREFIX + name.upper()))
    }


def _by_schema(schema: Mapping[str, Any], text: str) -> object:
    """Read text as what a schema's first type says."""
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "string":
        return text
    return Flag().from_text(text) if kind == "boolean" else json.loads(text)


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
    except RecursionError:
        raise SettingsError(f"{path} is not JSON that can be read: it is too deep") from None
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from None
    if not isinstance(config, dict):
        raise SettingsError(f'{path} must hold an object, for example {{"access_token": "…"}}')
    return config


def _value(from_text: Callable[[str], object], text: str) -> object:
    """Turn a variable's text into what the setting takes, or leave it for the check to refuse."""
    try:
        return from_text(text)
    except (ValueError, RecursionError):
        return text
