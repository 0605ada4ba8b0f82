"""Asking without the fields that Meta refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import MetaError, RequestRefused
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
) -> list[str]:
    """Read `ad_id,reach,spend` of a Meta that refuses some fields; return what was asked."""
    refused = refused or RefusedFields()

    def meta(call: Call) -> Reply:
        unknown = [name for name in call.params["fields"].split(",") if name in gone]
        if unknown:
            return fault(100, None, f"(#100) {unknown[0]} is not valid for fields param.")
        return {"data": []}

    def steps(fields: tuple[str, ...]) -> Steps[object]:
        return ask(Call(path="act_1", params={"fields": ",".join(fields)}), lambda: 0.0)

    drive = Drive(meta)
    wanted = ("ad_id", "reach", "spend")
    drive(surviving(wanted, steps, refused, "1", needed=needed))
    return [call.params["fields"] for call in drive.calls]


def test_surviving__leaves_out_one_refused_field_after_another() -> None:
    """Meta names one field at a time: each costs a call, and only the first time."""
    refused = RefusedFields()

    assert read("reach", "spend", refused=refused) == ["ad_id,reach,spend", "ad_id,spend", "ad_id"]
    assert read("reach", "spend", refused=refused) == ["ad_id"]


@pytest.mark.parametrize("gone", [("ad_id",), ("ad_id", "reach", "spend")], ids=["key", "all"])
def test_surviving__ends_without_what_is_needed(gone: tuple[str, ...]) -> None:
    """Rows without their key are none, and nobody is asked for no field at all."""
    with pytest.raises(RequestRefused):
        read(*gone, needed=["ad_id"])


def test_surviving__of_nothing_but_refused_fields_ends() -> None:
    """Without a key too: the last field left is asked for, and its refusal is the answer."""
    with pytest.raises(RequestRefused, match="spend"):
        read("ad_id", "reach", "spend")


def test_surviving__another_account_is_asked_for_all() -> None:
    """What is refused to one client says nothing of the next one."""
    refused = RefusedFields()
    error = fault(100, None, "(#100) reach is not valid for fields param")
    for account_id in ("2", "3"):
        refused.note(account_id, ["reach"], error)

    assert read(refused=refused) == ["ad_id,reach,spend"]


def test_surviving__what_is_refused_is_told_before_anything_is_asked_again() -> None:
    """Whoever reads may stop there: rows without the field would replace those that have it."""

    def stop() -> None:
        raise InterruptedError

    asked: list[tuple[str, ...]] = []

    def refusing(fields: tuple[str, ...]) -> Steps[None]:
        asked.append(fields)
        yield from ()
        raise fault(100, None, "(#100) reach is not valid for fields param")

    with pytest.raises(InterruptedError):
        Drive(dict)(surviving(("ad_id", "reach"), refusing, RefusedFields(), "1", on_refused=stop))

    assert asked == [("ad_id", "reach")]


# Meta does not say which.


MANY = tuple(f"f{number}" for number in range(15))


@dataclass(slots=True)
class Whistler:
    """A Meta that refuses a request with certain fields, without naming one.

    Attributes:
        gone: the fields.
        said: code, subcode and message.
        together: refuse only where all of them are asked.
        read: what was asked for real.
        probed: what was asked to find out.
    """

    gone: frozenset[str]
    said: tuple[int, int | None, str] = (100, None, "(#100) Missing Permission")
    together: bool = False
    read: list[tuple[str, ...]] = field(default_factory=list)
    probed: list[tuple[str, ...]] = field(default_factory=list)

    def survive(self, refused: RefusedFields, account_id: str = "1") -> tuple[str, ...]:
        """Read, and return the fields that the rows came with."""
        steps = surviving(
            ("ad_id", *MANY),
            lambda fields: self._answer(self.read, fields),
            refused,
            account_id,
            needed=("ad_id",),
            probe=lambda fields: self._answer(self.probed, fields),
        )
        return tuple(Drive(dict)(steps))

    def _answer(
        self, log: list[tuple[str, ...]], fields: tuple[str, ...]
    ) -> Steps[tuple[str, ...]]:
        yield from ()
        log.append(fields)
        found = self.gone & set(fields)
        if found == self.gone if self.together else found:
            raise fault(*self.said)
        return fields


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize(
    "said",
    [
        (100, None, "(#100) Missing Permission"),
        (10, None, "(#10) To use field bid_info, your account must be whitelisted"),
        (100, 1815001, "Invalid parameter"),
    ],
    ids=["permission", "whitelist", "parameter"],
)
def test_search__finds_the_one_field_that_meta_does_not_name(
    name: str, said: tuple[int, int | None, str]
) -> None:
    """By halves: at most 2·log2(n) + 2 questions, and every other field is there."""
    meta = Whistler(frozenset({name}), said)
    refused = RefusedFields()

    assert meta.survive(refused) == ("ad_id", *(each for each in MANY if each != name))
    assert meta.probed[0] == ("ad_id",)
    assert len(meta.probed) <= 2 * 4 + 2
    assert len(meta.read) == 2
    assert refused.of("1") == {name}
    assert refused.of("2") == set()


def test_search__of_many_refused_fields_is_bounded() -> None:
    """What is not cleared when the questions are used up is left out; what is cleared is there."""
    meta = Whistler(frozenset(MANY[::3]))

    found = meta.survive(RefusedFields())

    assert len(meta.probed) <= 2 * 4 + 2
    assert len(meta.read) == 2
    assert set(found) > {"ad_id"}
    assert not set(found) & meta.gone


def test_search__is_made_once_an_account_and_report() -> None:
    """What was not found the first time is not looked for again in this run."""
    meta = Whistler(frozenset({"ad_id"}))
    refused = RefusedFields()

    for _ in range(2):
        with pytest.raises(MetaError):
            meta.survive(refused)

    assert meta.probed == [("ad_id",)]


def test_search__blames_no_field_where_only_all_together_are_refused() -> None:
    """A field that is answered by itself is not the one: then the refusal stands as it is."""
    meta = Whistler(frozenset(MANY), together=True)
    refused = RefusedFields()

    with pytest.raises(MetaError, match="Missing Permission"):
        meta.survive(refused)

    assert refused.of("1") == set()


@pytest.mark.parametrize(
    "said", [(100, 33, "no such object"), (200, None, "no"), (190, None, "no")]
)
def test_search__is_not_made_for_what_no_field_can_cause(said: tuple[int, int | None, str]) -> None:
    """An account that is gone, a share or a token that is withdrawn: that is nobody's field."""
    meta = Whistler(frozenset({"f1"}), said)

    with pytest.raises(MetaError):
        meta.survive(RefusedFields())

    assert meta.probed == []
