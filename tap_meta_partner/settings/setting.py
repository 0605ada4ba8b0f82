"""One row of a table of settings, and what JSON Schema says of it and of the whole table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tap_meta_partner.settings.kinds import Kind

#: The order of the SDK's own settings: `--about` reads alike throughout.
_ORDER = ("type", "items", "title", "default", "description", "enum", "secret", "writeOnly")


@dataclass(frozen=True, slots=True)
class Setting:
    """What one setting is called, what it takes, and what people are told of it.

    Attributes:
        name: as the user writes it.
        kind: what it takes.
        title: what a form calls it; a key inside a list has none.
        description: one or two sentences: what it does, and what holds without it.
        default: what a schema tells as the default; None for none.
        secret: whether its value must never be seen.
        required: whether it cannot be left out, nor be null.
    """

    name: str
    kind: Kind[Any]
    title: str = ""
    description: str = ""
    default: bool | float | str | None = None
    secret: bool = False
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """What JSON Schema says of it. `secret` is the SDK's word, beside the standard's."""
        made = self.kind.schema
        if "type" in made and not self.required:
            made["type"] = [*made["type"], "null"]
        if self.title:
            made["title"] = self.title
        if self.default is not None:
            made["default"] = self.default
        if self.description:
            made["description"] = self.description
        if self.secret:
            made["secret"] = made["writeOnly"] = True
        return {key: made[key] for key in _ORDER if key in made}


def properties_of(table: Iterable[Setting]) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each setting by its name, in the table's order."""
    return {setting.name: setting.schema for setting in table}


def object_schema(table: Iterable[Setting], *, others: bool) -> dict[str, Any]:
    """Return the JSON Schema of an object with these keys.

    Args:
        table: its keys.
        others: whether the schema lets other keys pass; what refuses them then is `parse`.
    """
    rows = tuple(table)
    return {
        "type": "object",
        "properties": properties_of(rows),
        "required": [row.name for row in rows if row.required],
        "additionalProperties": others,
    }
