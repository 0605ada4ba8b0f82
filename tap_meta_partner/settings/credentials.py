"""Tokens and app secrets as settings: taken as they were copied, and never shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tap_meta_partner.settings.kinds import Kind
from tap_meta_partner.settings.model import SettingsError

#: What stands in an example, where a token is to be: `${TOKEN}`, `<your token>`, `EAAB…`, `***`.
_PLACEHOLDER = re.compile(
    r"\$\{?\w+\}?|<[^>]*>|\{\{.*\}\}|\*+|\w{0,6}(\u2026|\.\.\.)|x{3,}|your[-_ ].*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Secret(Kind[str]):
    """A token or an app's secret. It is never shown, whatever its type."""

    def parse(self, name: str, value: object) -> str:
        """Take what can be a token, as it was copied; say what is wrong without quoting it."""
        if not isinstance(value, str):
            raise SettingsError(f"{name} must be a string (its value is not shown)")
        value = as_copied(value)
        if _PLACEHOLDER.fullmatch(value):
            raise SettingsError(f"{name} is a placeholder still: put the real one there")
        if any(character.isspace() for character in value):
            raise SettingsError(f"{name} contains white space: it was probably not copied whole")
        if not value.isascii() or not value.isprintable():
            raise SettingsError(f"{name} contains characters that no token has: copy it again")
        return value


def as_copied(secret: str) -> str:
    """Return a secret without what comes along when it is copied: blanks, quotes, `Bearer`."""
    bare = secret.strip().strip("\"'\u201c\u201d\ufeff").strip()
    return bare[len("Bearer ") :].strip() if bare.lower().startswith("bearer ") else bare
