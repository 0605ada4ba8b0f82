"""What each column of each stream is, in a sentence: `descriptions.csv`, for schemas and pages.

The table has four columns: the *scope* (a stream, or `insights`, `actions` and `dimensions` for all
of a kind), the column, whether it adds up, and the sentence. What a metric counts is said in our
own words after Meta's Ads Insights reference and the field lists of its Python SDK for v26.0; where
those name a field and say no more, so does the sentence.
"""

from __future__ import annotations

import csv
import functools
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_ADDS_UP: Mapping[str, str] = {
    "": "",
    "sum": " Adds up over days and objects.",
    "list": " Each type adds up by itself.",
    "people": " Does not add up: the same person can be on several days, ads and breakdowns.",
    "no": " Does not add up.",
}
_UNKNOWN = "Not known to this version of the tap: see Meta's reference."


def described(
    schema: Mapping[str, Any],
    scopes: Sequence[str],
    further: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return a stream's schema with a description of each column.

    Args:
        schema: JSON Schema of its records.
        scopes: where its columns are looked for, the nearest first.
        further: sentences about columns that no table can have, by name.
    """
    properties = {}
    for name, content in schema["properties"].items():
        said = (table().get((scope, name)) for scope in scopes)
        sentence = further.get(name) or next(filter(None, said), _UNKNOWN)
        properties[name] = {**content, "description": sentence}
    return {**schema, "properties": properties}


@functools.cache
def table() -> Mapping[tuple[str, str], str]:
    """Return all sentences, by scope and column."""
    file = resources.files(__package__).joinpath("descriptions.csv")
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(lines, delimiter="|", quoting=csv.QUOTE_NONE)
    return {
        (row["scope"], row["column"]): row["what_it_is"] + _ADDS_UP[row["adds_up"]] for row in rows
    }
