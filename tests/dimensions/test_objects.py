"""One object that Meta cannot give, fields it refuses, and what more than an object is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.dimensions.request import Unavailable
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    KeptFailing,
    MetaError,
    RequestRefused,
    ThrottledTooLong,
    TokenRefused,
)
from tests.support.dimension_lists import (
    INCOMPLETE,
    REDUCE,
    Meta,
    Reader,
    ids,
    objects,
    request_for,
    unavailable_fault,
)
from tests.support.fakes import NO_ACCESS, NOT_THERE, TOKEN_DEAD, WRONG_FIELD, fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


# One object that Meta cannot give.


def test_broken__it_works_by_its_own_id() -> None:
    """An object that only spoils lists is delivered by its own id."""
    meta = Meta({"adcreatives": objects(8)})

    def hook(call: Call) -> Reply | None:
        is_list = "limit" in call.params and call.params["fields"] != "id"
        return fault(1, None, "unknown") if is_list and "after" not in call.params else None

    meta.hook = hook
    reader = Reader(meta)

    read = reader.read(request_for("adcreatives"))

    assert (read.rows, read.left_out, reader.delivered) == (8, (), ids(8))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (lambda: fault(*TOKEN_DEAD), TokenRefused),
        (lambda: fault(3), RequestRefused),
        (lambda: fault(2635), RequestRefused),
        (
            lambda: ThrottledTooLong(fault(17).fault, fault(17).rule),
            ThrottledTooLong,
        ),
        (unavailable_fault, KeptFailing),
    ],
    ids=["token", "app", "version", "throttled", "no answer"],
)
def test_broken__more_than_an_object(said: Callable[[], MetaError], kind: type[MetaError]) -> None:
    """What concerns the app, the token or the line is not taken for one object's trouble."""

    def hook(call: Call) -> Reply | None:
        return said() if call.path == "3" else None

    broken = {"3": lambda: fault(*INCOMPLETE)}
    reader = Reader(Meta({"adcreatives": objects(20)}, broken=broken, hook=hook))

    with pytest.raises(kind):
        reader.read(request_for("adcreatives"))


@pytest.mark.parametrize("said", [NO_ACCESS, (10, None), NOT_THERE])
def test_broken__no_right_to_one_object(said: tuple[int, int | None]) -> None:
    """The list has just been read: no right to one object of it is said of that object."""
    broken = {"3": lambda: fault(*INCOMPLETE)}
    meta = Meta({"adcreatives": objects(20)}, broken=broken)
    meta.hook = lambda call: fault(*said) if call.path == "3" else None
    reader = Reader(meta)

    read = reader.read(request_for("adcreatives"))

    assert (read.left_out, read.rows) == (("3",), 19)


# Said of objects, it is this account's own trouble: it must not close the stream for others.
@pytest.mark.parametrize("said", [WRONG_FIELD, NOT_THERE, REDUCE, INCOMPLETE])
def test_broken__each_and_every_one(said: tuple[Any, ...]) -> None:
    """When every object fails the stream fails, long before the last; of this account only."""
    broken = {each: lambda: fault(*said) for each in ids(1000)}
    meta = Meta({"adcreatives": objects(1000)}, broken=broken)
    if said == NOT_THERE:
        # Of a list this would be said of the account.
        meta.hook = lambda call: (
            fault(*INCOMPLETE) if "limit" in call.params and call.params["fields"] != "id" else None
        )
    reader = Reader(meta)

    with pytest.raises(KeptFailing, match=r"made up|reduce"):
        reader.read(request_for("adcreatives"))
    assert reader.delivered == []
    assert len({call.path for call in reader.drive.calls if "/" not in call.path}) == 25


def test_broken__all_there_are() -> None:
    """A handful of objects, none of which can be read, is no delivery of nothing."""
    broken = {each: lambda: fault(*REDUCE) for each in ids(4)}

    with pytest.raises(KeptFailing) as raised:
        Reader(Meta({"adcreatives": objects(4)}, broken=broken)).read(request_for("adcreatives"))
    assert raised.value.reason.startswith("Meta gives none of 4 objects that it lists: Please red")


@pytest.mark.parametrize("subcode", [2446211, 1443048, 2446289])
def test_story__that_meta_rejects_costs_its_columns(
    subcode: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A creative whose story Meta's own validation rejects comes without it, and is named."""
    meta = Meta({"adcreatives": objects(8)})

    def hook(call: Call) -> Reply | None:
        with_story = "object_story_spec" in call.params["fields"]
        return (
            fault(100, subcode) if with_story and call.path in {"act_1/adcreatives", "7"} else None
        )

    meta.hook = hook
    reader = Reader(meta)

    read = reader.read(request_for("adcreatives", ["name", "object_story_spec"]))

    assert sorted(reader.delivered) == ids(8)
    assert read.left_out == ()
    assert {record["id"]: record["name"] for record in reader.records}["7"] == "n7"
    (warning,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert "adcreatives, account 1: without object_story_spec, as Meta rejects it: 7 (" in warning


def test_broken__every_other_one() -> None:
    """However many are broken, as long as others between them are not, these are delivered."""
    odd = {str(number): lambda: fault(*INCOMPLETE) for number in range(1, 81, 2)}
    reader = Reader(Meta({"adcreatives": objects(80)}, broken=odd))

    read = reader.read(request_for("adcreatives"))

    assert (len(read.left_out), read.rows) == (40, 40)


# Refused fields.


RIGHTS = {
    "whitelisted": (10, None, "(#10) To use this field, your app must be whitelisted"),
    "permission": (200, None, "(#200) Requires business_management permission"),
    "invalid": (100, None, "(#100) Invalid parameter"),
}


@pytest.mark.parametrize("said", RIGHTS.values(), ids=RIGHTS)
def test_field__that_meta_does_not_name(said: tuple[int, int | None, str]) -> None:
    """A field that fails the call without being named is found by halving; the rest is read."""
    columns = "name bid_strategy billing_event dsa_payor targeting destination_type start_time"

    def hook(call: Call) -> Reply | None:
        return fault(*said) if "targeting" in call.params["fields"] else None

    reader = Reader(Meta({"adsets": objects(120)}, hook=hook))

    read = reader.read(request_for("adsets", columns.split()))

    assert (read.rows, read.left_out) == (120, ())
    assert reader.records[0]["name"] == "n1"
    assert reader.unavailable.fields["adsets"].of("1") == {"targeting"}
    assert reader.unavailable.fields["adsets"].of("2") == frozenset()
    # Two pages and what was asked for in vain, and at most 2·log₂(8) + 2 questions.
    assert len(reader.drive.calls) <= 2 + 8 + 8


def test_field__that_meta_does_not_name_where_it_lists_no_deleted_ones() -> None:
    """That Meta refuses a status as well does not keep the field from being found."""
    meta = Meta({"adsets": objects(3)}, lists_deleted=False)
    meta.hook = lambda call: fault(10) if "targeting" in call.params["fields"] else None
    reader = Reader(meta)

    reader.read(request_for("adsets", ["name", "targeting"]))

    assert [record["name"] for record in reader.records] == ["n1", "n2", "n3"]
    assert reader.unavailable.fields["adsets"].of("1") == {"targeting"}


def test_field__is_looked_for_once() -> None:
    """Where it is no field, an account is not asked for the parts of the list again and again."""
    meta = Meta({"adsets": objects(3)})
    meta.hook = lambda call: fault(*NO_ACCESS) if "name" in call.params["fields"] else None
    reader = Reader(meta)
    reader.unavailable.searched.add(("adsets", "1"))

    with pytest.raises(AccountUnreadable):
        reader.read(request_for("adsets"))
    assert len(reader.drive.calls) == 1


def test_field__a_passing_fault_in_the_search_costs_no_column() -> None:
    """A question of the search that Meta could not answer for the moment is asked again."""
    passing = [fault(2)]

    def hook(call: Call) -> Reply | None:
        if "targeting" in call.params["fields"]:
            return fault(200)
        return passing.pop() if "dsa_payor" not in call.params["fields"] and passing else None

    reader = Reader(Meta({"adsets": objects(3)}, hook=hook))

    reader.read(request_for("adsets", ["name", "dsa_payor", "targeting", "start_time"]))

    assert passing == []
    assert reader.unavailable.fields["adsets"].of("1") == {"targeting"}


def test_field__that_meta_no_longer_knows(caplog: pytest.LogCaptureFixture) -> None:
    """A field that is gone is left out for the run and its column is empty; that is said once."""
    meta = Meta({"ads": objects(3)}, gone=frozenset({"bid_type"}))
    reader = Reader(meta)
    other = Reader(meta, unavailable=reader.unavailable)
    request = request_for("ads", ["name", "bid_type", "creative_id"])

    reader.read(request)
    other.read(request)

    assert reader.records[0] == {"id": "1", "name": "n1", "bid_type": None, "creative_id": None}
    assert [call.params["fields"] for call in reader.calls("act_1/ads")] == [
        "id,effective_status,updated_time,name,bid_type,creative{id}",
        "id,effective_status,updated_time,name,creative{id}",
    ]
    assert len(other.calls("act_1/ads")) == 1
    (warning,) = [each.getMessage() for each in caplog.records]
    assert warning.startswith("ads: Meta refuses the field bid_type to account 1: it is left out")


def test_field__refused_to_one_account_only(caplog: pytest.LogCaptureFixture) -> None:
    """What one client's account is refused is asked of the others, whoever comes first."""
    gone = Meta({"ads": objects(1)}, gone=frozenset({"name"}))
    first = Reader(gone)
    second = Reader(Meta({"ads": objects(1)}), unavailable=first.unavailable)
    third = Reader(gone, unavailable=first.unavailable)
    fourth = Reader(gone, unavailable=first.unavailable)

    for number, reader in enumerate((first, second, third, fourth), start=1):
        reader.read(replace(request_for("ads"), account_id=str(number)))

    names = [reader.records[0]["name"] for reader in (first, second, third, fourth)]
    assert names == [None, "n1", None, None]
    asked = [len(reader.calls(f"act_{n}/ads")) for n, reader in ((1, first), (3, third))]
    assert (asked, len(fourth.calls("act_4/ads"))) == ([2, 2], 2)
    # The others are told of at a lower level: a field that is gone is gone for many.
    assert [each.getMessage()[:60] for each in caplog.records if each.levelname == "WARNING"] == [
        "ads: Meta refuses the field name to account 1: it is left ou",
    ]


def test_field__refused_on_an_objects_own_address() -> None:
    """A field that only objects' own addresses refuse does not cost the objects."""
    meta = Meta({"adcreatives": objects(3)}, broken={"2": lambda: fault(*INCOMPLETE)})

    def hook(call: Call) -> Reply | None:
        if call.path == "1" and "body" in call.params["fields"]:
            return fault(100, None, "(#100) Tried accessing nonexisting field (body) on node type")
        return None

    meta.hook = hook
    reader = Reader(meta)

    assert reader.read(request_for("adcreatives", ["body"])).left_out == ("2",)
    assert reader.delivered == ["1", "3"]


def test_field__the_id_is_never_left_out() -> None:
    """Meta cannot talk the tap out of asking for ids."""
    message = "(#100) id is not valid for fields param"
    reader = Reader(lambda _call: fault(100, None, message))

    with pytest.raises(RequestRefused):
        reader.read(request_for("adcreatives"))
    assert reader.unavailable == Unavailable()


def test_field__refused_to_two_accounts_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """What other accounts' calls have just found out is not said again."""
    meta = Meta({"ads": objects(3)}, gone=frozenset({"bid_type"}))
    reader = Reader(meta)

    def hook(call: Call) -> None:
        if call.path == "act_1/ads":
            refused = fault(100, None, "(#100) bid_type is not valid for fields param.")
            for account_id in "23":
                reader.unavailable.fields["ads"].note(account_id, ["bid_type"], refused)
            caplog.clear()

    meta.hook = hook
    reader.read(request_for("ads", ["bid_type"]))

    assert reader.delivered == ids(3)
    assert len(reader.calls("act_1/ads")) == 2
    assert caplog.records == []
