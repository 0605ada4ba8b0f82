from __future__ import annotations

import json
from typing import Any

import pytest
from singer_sdk import typing as th

from tap_meta_partner.settings.credentials import Secret
from tap_meta_partner.settings.kinds import DIGITS, Day, Flag, ListOf, OneOf, Positive, Whole
from tap_meta_partner.settings.reports import Filtering, Increment
from tap_meta_partner.settings.setting import Setting, object_schema, properties_of

WORDS = ("up", "down")

#: A setting of ours, and the same one in the SDK's own words.
PAIRS: list[tuple[Setting, th.Property[Any]]] = [
    (Setting("a", DIGITS), th.Property("a", th.StringType)),
    (
        Setting("a", Secret(), title="A", description="It is a.", secret=True),
        th.Property("a", th.StringType, title="A", description="It is a.", secret=True),
    ),
    (Setting("a", Day(), required=True), th.Property("a", th.StringType, required=True)),
    (
        Setting("a", OneOf(WORDS), title="A", description="It is a.", default="up"),
        th.Property(
            "a",
            th.StringType,
            title="A",
            description="It is a.",
            default="up",
            allowed_values=list(WORDS),
        ),
    ),
    (Setting("a", Whole(0), default=0), th.Property("a", th.IntegerType, default=0)),
    (Setting("a", Positive(), default=1.5), th.Property("a", th.NumberType, default=1.5)),
    (Setting("a", Flag(), default=False), th.Property("a", th.BooleanType, default=False)),
    (
        Setting("a", ListOf(DIGITS), title="A", description="It is a."),
        th.Property("a", th.ArrayType(th.StringType), title="A", description="It is a."),
    ),
    (
        Setting("a", ListOf(OneOf(WORDS))),
        th.Property("a", th.ArrayType(th.StringType(allowed_values=list(WORDS)))),
    ),
    (Setting("a", Filtering()), th.Property("a", th.ArrayType(th.ObjectType()))),
    (
        Setting("a", Increment(), description="It is a."),
        th.Property("a", th.AnyType, description="It is a."),
    ),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_schema__is_what_the_sdk_writes(ours: Setting, theirs: th.Property[Any]) -> None:
    """The same keys in the same order: `--about` reads alike for ours and the SDK's settings."""
    assert json.dumps(properties_of([ours])) == json.dumps(theirs.to_dict())


@pytest.mark.parametrize("others", [True, False])
def test_object__is_what_the_sdk_writes(others: bool) -> None:  # noqa: FBT001  (a case, not a dial)
    """An object with a key that must be there, one that may, and others or none besides."""
    ours = object_schema([Setting("a", DIGITS, required=True), Setting("b", Flag())], others=others)
    theirs = th.ObjectType(
        th.Property("a", th.StringType, required=True),
        th.Property("b", th.BooleanType),
        additional_properties=others,
    )

    assert json.dumps(ours) == json.dumps(theirs.to_dict())
