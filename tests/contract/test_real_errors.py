"""Errors as Meta really sent them, and what is to be done about each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.graph.error_codes import from_envelope
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    MetaError,
    RequestRefused,
    Retriable,
    RunNotReady,
    Throttled,
    TokenRefused,
    TooMuchData,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES = sorted((Path(__file__).parent / "real").glob("error_*.json"))
#: What a file expects, in the words of whoever met the error, as classes of what to do.
EXPECTED: Mapping[str, tuple[type[MetaError], ...]] = {
    "AccountUnreadable": (AccountUnreadable,),
    "RequestRefused": (RequestRefused,),
    "Retriable": (Retriable,),
    "Retriable then less": (Retriable,),
    "RunNotReady": (RunNotReady,),
    "Throttled": (Throttled,),
    "TokenRefused": (TokenRefused,),
    "TokenRefused or RequestRefused, not an account": (TokenRefused, RequestRefused),
    # Of one object in a list: asked for in smaller pages, it is left out.
    "split": (RequestRefused,),
    "not the whole run": (AccountUnreadable,),
    # A field is left out by those who know which were asked; here it passes.
    "retry or field left out": (Retriable,),
}


def recorded(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def error_of(path: Path) -> MetaError:
    told = recorded(path)
    return from_envelope(told["body"]["error"], status=told["status"])


def test_files__are_there() -> None:
    """A table over no file would hold."""
    assert len(FILES) == 15


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_error__is_taken_as_what_helped(path: Path) -> None:
    """Each error becomes the class of what helped the person who reported it."""
    assert type(error_of(path)) in EXPECTED[recorded(path)["expect"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_error__tells_people_what_meta_tells_them(path: Path) -> None:
    """Meta's title and words for people stand in the one line that a person reads."""
    envelope = recorded(path)["body"]["error"]
    reason = error_of(path).reason

    assert len(reason.splitlines()) == 1
    for name in ("error_user_title", "error_user_msg"):
        assert str(envelope.get(name, "")).rstrip(".") in reason


def test_unknown_99__asks_for_less_in_the_end() -> None:
    """Code 1/99 is mostly a request that is too heavy."""
    (path,) = (path for path in FILES if path.stem == "error_99")
    error = error_of(path)

    assert isinstance(error, Retriable)
    assert type(error.exhausted()) is TooMuchData


@pytest.mark.parametrize(
    "name", ["error_creative_incomplete", "error_page_permission_190"], ids=str
)
def test_object__is_what_some_errors_are_about(name: str) -> None:
    """A broken creative and a page's missing right are said of one object."""
    (path,) = (path for path in FILES if path.stem == name)

    assert error_of(path).rule.about_object
