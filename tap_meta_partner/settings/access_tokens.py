"""Several tokens, each with its own ad accounts: the OAuth model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.outputs.secrecy import redacted
from tap_meta_partner.settings.credentials import Secret
from tap_meta_partner.settings.kinds import AccountId, Kind, ListOf
from tap_meta_partner.settings.model import AccessToken, SettingsError
from tap_meta_partner.settings.setting import Setting, object_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_LONGEST_LABEL = 100

_SECRET = Secret()
_ACCOUNT_IDS = ListOf(AccountId())


@dataclass(frozen=True, slots=True)
class Label(Kind[str]):
    """What the log calls a token."""

    def parse(self, name: str, value: object) -> str:
        """Take a short text. One that is wrong is not shown: it may be the token, misplaced."""
        if isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST_LABEL:
            return value
        raise SettingsError(f"{name} must be a short text on one line")


#: The keys of one token.
TOKEN_KEYS = (
    Setting("access_token", _SECRET, secret=True, required=True),
    Setting("account_ids", _ACCOUNT_IDS),
    Setting("label", Label()),
)


@dataclass(frozen=True, slots=True)
class AccessTokens(Kind[tuple[AccessToken, ...]]):
    """The list of tokens; nothing of it is ever shown."""

    def parse(self, name: str, value: object) -> tuple[AccessToken, ...]:
        """Take the list. Labels are the tokens' names, so no two are alike."""
        if not isinstance(value, (list, tuple)) or not all(
            isinstance(each, dict) for each in value
        ):
            raise SettingsError(
                f'{name} must be a list of {{"access_token": …, "label": …, "account_ids": […]}} '
                "(its value is not shown)"
            )
        tokens = tuple(_token(f"{name}[{index}]", item, index) for index, item in enumerate(value))
        labels = [token.label for token in tokens]
        for index, label in enumerate(labels):
            # Of another token perhaps, or of the app.
            if redacted(label) != label:
                raise SettingsError(
                    f"{name}[{index}].label contains a secret: labels are shown in the log"
                )
        for label in labels:
            if labels.count(label) > 1:
                raise SettingsError(f"{name} has two tokens with the label {label}: rename one")
        return tokens

    @property
    def schema(self) -> dict[str, Any]:
        """An array of objects."""
        return {"type": ["array"], "items": object_schema(TOKEN_KEYS, others=True)}

    def from_text(self, text: str) -> object:
        """Read JSON."""
        return json.loads(text)


def _token(place: str, item: Mapping[str, Any], index: int) -> AccessToken:
    given = {key: value for key, value in item.items() if value is not None and value != ""}
    if set(given) - {row.name for row in TOKEN_KEYS}:
        raise SettingsError(f"{place} may have the keys access_token, label and account_ids only")
    if "access_token" not in given:
        raise SettingsError(f"{place} has no access_token")
    label = Label().parse(f"{place}.label", given.get("label", f"token {index + 1}"))
    secret = _SECRET.parse(f"{place}.access_token", given["access_token"])
    if secret in label:
        raise SettingsError(f"{place}.label contains the token: labels are shown in the log")
    return AccessToken(
        label=label,
        access_token=secret,
        account_ids=_ACCOUNT_IDS.parse(f"{place}.account_ids", given.get("account_ids", [])),
    )
