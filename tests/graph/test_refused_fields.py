"""Refused fields: which of those asked Meta means, and what is no refusal of any."""

from __future__ import annotations

import time

import pytest

from tap_meta_partner.graph.refused_fields import refused_fields
from tests.support.fakes import fault

ASKED = ("id", "name", "instagram_story_id", "video_p95", "age", "gender", "creative{id}")
NOT_VALID = (
    "(#100) video_p95 is not valid for fields param. please check "
    "https://developers.facebook.com/docs/marketing-api/reference/ads-insights/ "
    "for all valid values"
)
NOT_EXISTING = (
    "(#100) Tried accessing nonexisting field (instagram_story_id) on node type (AdCreative)"
)


@pytest.mark.parametrize(
    ("code", "message", "refused"),
    [
        (100, NOT_VALID, ("video_p95",)),
        (100, "(#100) age, gender are not valid for fields param", ("age", "gender")),
        (100, NOT_EXISTING, ("instagram_story_id",)),
        (
            100,
            "(#100) Tried accessing nonexisting field (creative) on node type (Ad)",
            ("creative{id}",),
        ),
        (
            12,
            "(#12) instagram_story_id field is deprecated for versions v22.0 and higher",
            ("instagram_story_id",),
        ),
        (100, "Invalid parameter. age is not valid for fields param", ("age",)),
    ],
)
def test_refused__as_meta_says_it(code: int, message: str, refused: tuple[str, ...]) -> None:
    """Each of Meta's ways to refuse a field names the entries to leave out."""
    assert refused_fields(fault(code, None, message), ASKED) == refused


@pytest.mark.parametrize(
    ("code", "message"),
    [
        # Names of fields, but none refused.
        (100, "(#100) Invalid value for age: the name is too long"),
        (100, "(#100) Tried accessing nonexisting field (insights) on node type (Ad)"),
        (100, "(#100) unknown_thing is not valid for fields param"),
        (1, "age is not valid for fields param"),
        (190, "nonexisting field (age)"),
    ],
)
def test_refused__none(code: int, message: str) -> None:
    """A text that only holds a field's name, a field not asked, or another code refuses nothing."""
    assert refused_fields(fault(code, None, message), ASKED) == ()


def test_refused__part_of_a_name() -> None:
    """A field whose name is part of the refused one's stays."""
    error = fault(100, None, "(#100) age_targeting is not valid for fields param")

    assert refused_fields(error, ["age", "age_targeting"]) == ("age_targeting",)


@pytest.mark.parametrize("text", ["a" * 900, "a," * 450, "a, " * 300, "nonexisting field (" * 50])
def test_refused__a_long_text_takes_no_long_time(text: str) -> None:
    """A text that only begins like a list of names is read in a moment."""
    error = fault(100, None, f"(#100) {text}! is not valid for fields param")

    began = time.process_time()
    assert refused_fields(error, ASKED) == ()
    assert time.process_time() - began < 1
