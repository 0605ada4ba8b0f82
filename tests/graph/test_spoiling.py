"""Fields that spoil a request without being named: found by halving, within a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.spoiling import spoiling_fields
from tests.support.fakes import Drive

if TYPE_CHECKING:
    from tap_meta_partner.graph.steps import Steps

FIELDS = [f"f{number}" for number in range(45)]


def found(guilty: set[str], fields: list[str] = FIELDS) -> tuple[tuple[str, ...], list[set[str]]]:
    """Return what is found, and what each question asked for."""

    def is_answered(asked: tuple[str, ...]) -> Steps[bool]:
        answer = yield Call(path="act_1/ads", params={"fields": asked})
        return bool(answer["ok"])

    drive = Drive(lambda call: {"ok": not guilty & set(call.params["fields"])})
    names = drive(spoiling_fields(fields, is_answered))
    return names, [set(call.params["fields"]) for call in drive.calls]


@pytest.mark.parametrize("place", range(0, 45, 4))
def test_one__is_found(place: int) -> None:
    """One field among 45 is found, and no other left out, in at most 2·log₂(45) + 2 calls."""
    names, asked = found({FIELDS[place]})

    assert names == (FIELDS[place],)
    assert len(asked) <= 2 * 6 + 2


@pytest.mark.parametrize("places", [(0, 1), (3, 40), (22, 23)])
def test_two__are_left_out(places: tuple[int, int]) -> None:
    """Two that spoil are among what is left out; what the bound does not allow goes with them."""
    guilty = {FIELDS[place] for place in places}

    names, asked = found(guilty)

    assert guilty <= set(names)
    assert len(names) < len(FIELDS) / 2
    assert len(asked) <= 2 * 6 + 2


def test_one_of_one__is_that_one() -> None:
    """A single suspect is guilty where the rest is answered."""
    assert found({"f0"}, ["f0"]) == (("f0",), [set()])


def test_none__where_it_is_not_for_a_field() -> None:
    """Where not even the rest is answered no field is blamed, after one question."""
    drive = Drive(lambda _call: {"ok": False})

    def is_answered(asked: tuple[str, ...]) -> Steps[bool]:
        answer = yield Call(path="act_1/ads", params={"fields": asked})
        return bool(answer["ok"])

    assert drive(spoiling_fields(FIELDS, is_answered)) == ()
    assert len(drive.calls) == 1
