"""The shape of JSON: which keys there are, where, and what kind of value stands under each."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def shapes_of(value: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401  (JSON)
    """Yield each place with the kind of its value: `actions[].value: text`."""
    if isinstance(value, dict):
        yield f"{path}: object"
        for key, inner in value.items():
            yield from shapes_of(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield f"{path}: list"
        for inner in value:
            yield from shapes_of(inner, f"{path}[]")
    else:
        yield f"{path}: {_kind(value)}"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "flag"
    if value is None:
        return "null"
    return "number" if isinstance(value, (int, float, Decimal)) else "text"
