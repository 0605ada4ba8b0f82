"""Asking without the fields that Meta refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import RequestRefused
from tap_meta_partner.graph.refused_fields import RefusedFields
from tap_meta_partner.graph.steps import ask
from tap_meta_partner.graph.surviving import surviving
from tests.support.fakes import Drive, fault

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_meta_partner.graph.steps import Steps
    from tests.support.fakes import Reply


def read(
    *gone: str,
    refused: RefusedFields | None = None,
    needed: Collection[str] = (),
    besides: Collection[str] = (),
) -> list[str]:
    """Read `ad_id,reach,spend` of a Meta that refuses some fields; return what was asked."""
    refused = refused or RefusedFields()

    def meta(call: Call) -> Reply:
        unknown = [name for name in call.params["fields"].split(",") if name in gone]
        if unknown:
            return fault(100, None, f"(#100) {unknown[0]} is not valid for fields param.")
        return {"data": []}

    def steps(fields: tuple[str, ...]) -> Steps[object]:
        more = refused.left(besides, "1")
        return ask(Call(path="act_1", params={"fields": ",".join((*fields, *more))}), lambda: 0.0)

    drive = Drive(meta)
    wanted = ("ad_id", "reach", "spend")
    drive(surviving(wanted, steps, refused, "1", needed=needed, besides=besides))
    return [call.params["fields"] for call in drive.calls]


def test_surviving__leaves_out_one_refused_field_after_another() -> None:
    """Meta names one field at a time: each costs a call, and only the first time."""
    refused = RefusedFields()

    assert read("reach", "spend", refused=refused) == ["ad_id,reach,spend", "ad_id,spend", "ad_id"]
    assert read("reach", "spend", refused=refused) == ["ad_id"]


def test_surviving__fields_asked_on_the_way_are_left_out_too() -> None:
    """What reading asks of its own accord may be gone as well."""
    assert read("clicks", besides=["clicks"]) == ["ad_id,reach,spend,clicks", "ad_id,reach,spend"]


@pytest.mark.parametrize("gone", [("ad_id",), ("ad_id", "reach", "spend")], ids=["key", "all"])
def test_surviving__ends_without_what_is_needed(gone: tuple[str, ...]) -> None:
    """Rows without their key are none, and nobody is asked for no field at all."""
    with pytest.raises(RequestRefused):
        read(*gone, needed=["ad_id"])


def test_surviving__of_nothing_but_refused_fields_ends() -> None:
    """Without a key too: the last field left is asked for, and its refusal is the answer."""
    with pytest.raises(RequestRefused, match="spend"):
        read("ad_id", "reach", "spend")
