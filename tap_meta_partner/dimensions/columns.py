"""The columns of dimensions: what each holds, where it stands in Meta's object, what brings it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ACCOUNT_ID, READ_AT = "account_id", "read_at"


class Holds(Enum):
    """What a column holds."""

    TEXT = "text"
    TEXTS = "list of texts"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "yes or no"
    INSTANT = "time"
    UNIX = "time in seconds since 1970"
    MINOR = "amount in the currency's smallest unit"
    MAJOR = "amount in whole currency units"
    OBJECT = "object"
    OBJECTS = "list of objects"
    OWN = "the tap's own"


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionColumn:
    """One column of a dimension.

    Attributes:
        name: the column's name.
        holds: how its value is read.
        paths: where it stands in Meta's object, dots between the steps; the first that is there
            counts. Empty for what the tap knows by itself.
        asks: the entries of `fields` that bring it.
    """

    name: str
    holds: Holds
    paths: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()


def plain(holds: Holds, names: str) -> list[DimensionColumn]:
    """Make the columns that are called as Meta calls the field."""
    return [
        DimensionColumn(name=name, holds=holds, paths=(name,), asks=(name,))
        for name in names.split()
    ]


def money(names: str, holds: Holds = Holds.MINOR) -> list[DimensionColumn]:
    """Make two columns of each amount: as Meta gives it, and in whole units."""
    columns = []
    for column in plain(holds, names):
        major = f"{column.name}_major"
        columns += [
            column,
            DimensionColumn(name=major, holds=Holds.MAJOR, paths=column.paths, asks=column.asks),
        ]
    return columns


def inside(name: str, holds: Holds, *paths: str) -> DimensionColumn:
    """Make a column of something inside an object (or of the first of several places)."""
    asks = tuple(dict.fromkeys(path.partition(".")[0] for path in paths))
    return DimensionColumn(name=name, holds=holds, paths=paths, asks=asks)


#: The key, and whose it is.
FIRST = [*plain(Holds.TEXT, "id"), DimensionColumn(name=ACCOUNT_ID, holds=Holds.OWN)]
LAST = [DimensionColumn(name=READ_AT, holds=Holds.OWN)]
