"""Reading dimensions: pages, broken objects, refused fields and statuses, changes, look-ups."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.dimensions.looking_up import LookedUp, ReadDimension, look_up
from tap_meta_partner.dimensions.reading import read_dimension
from tap_meta_partner.dimensions.request import (
    DimensionReading,
    DimensionRequest,
    StatusesAbove,
    Unavailable,
)
from tap_meta_partner.dimensions.tables import DIMENSIONS, selected_columns
from tap_meta_partner.graph.error_codes import NETWORK, from_envelope
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    Fault,
    KeptFailing,
    MetaError,
    RequestRefused,
    Retriable,
    ThrottledTooLong,
    TokenRefused,
    TooMuchData,
)
from tap_meta_partner.sandbox import TokenInfo, World
from tap_meta_partner.sandbox.graph.graph import Graph as SandboxGraph
from tap_meta_partner.sandbox.protocol.calls import GraphCall
from tests.support.fakes import (
    CURSOR_LOST,
    NO_ACCESS,
    NOT_THERE,
    TOKEN_DEAD,
    WRONG_FIELD,
    Drive,
    fault,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
LIVING = ("ACTIVE", "PAUSED")
#: What Meta says of statuses it does not know ("Run Status not valid").
WRONG_STATUS = (100, 1487561)
#: "Ad Creative Is Incomplete": the post of a creative was deleted.
INCOMPLETE = (100, 2446289)
REDUCE = (1, None, "Please reduce the amount of data you're asking for, then retry your request")


@dataclass(slots=True)
class Meta:
    """The objects of one ad account, as Meta gives them.

    Args:
        objects: by edge; each with id, effective_status and updated_time.
        broken: ids of objects that cannot be given, with what is said instead.
        most: pages with more objects are too much.
        gone: fields that are no more.
        lists_deleted: takes DELETED among the statuses.
        hook: asked first; a reply of its own takes precedence.
    """

    objects: dict[str, list[dict[str, Any]]]
    broken: dict[str, Callable[[], MetaError]] = field(default_factory=dict)
    most: int = 1000
    gone: frozenset[str] = frozenset()
    lists_deleted: bool = True
    hook: Callable[[Call], Reply | None] = lambda _call: None

    def __call__(self, call: Call) -> Reply:
        """Answer a call."""
        reply = self.hook(call)
        if reply is not None:
            return reply
        for name in call.params["fields"].split(","):
            if name in self.gone:
                return fault(100, None, f"(#100) {name} is not valid for fields param.")
        node, _, edge = call.path.partition("/")
        return self._edge(edge, call) if edge else self._object(node, call)

    def _object(self, node: str, call: Call) -> Reply:
        if node in self.broken:
            return self.broken[node]()
        for each in (each for objects in self.objects.values() for each in objects):
            if each["id"] == node:
                return narrowed(each, call)
        return fault(*NOT_THERE)

    def _edge(self, edge: str, call: Call) -> Reply:
        statuses = call.params.get("effective_status")
        if "DELETED" in (statuses or ()) and not self.lists_deleted:
            return fault(*WRONG_STATUS)
        wanted = [
            each
            for each in self.objects.get(edge, [])
            if edge == "adcreatives" or each["effective_status"] in statuses
            if unix(each.get("updated_time")) >= call.params.get("updated_since", 0)
        ]
        start = int(call.params.get("after", 0))
        end = start + call.params["limit"]
        page = wanted[start:end]
        if len(page) > self.most and call.params["fields"] != "id":
            return fault(*REDUCE)
        for each in page:
            if each["id"] in self.broken and call.params["fields"] != "id":
                return self.broken[each["id"]]()
        paging: dict[str, Any] = {"cursors": {"after": str(end)}}
        if end < len(wanted):
            paging["next"] = "https://graph.example/never-followed"
        return {"data": [narrowed(each, call) for each in page], "paging": paging}


def narrowed(each: dict[str, Any], call: Call) -> dict[str, Any]:
    names = [entry.partition("{")[0] for entry in call.params["fields"].split(",")]
    return {name: each[name] for name in names if name in each}


def unix(time: str | None) -> float:
    return dt.datetime.strptime(time, "%Y-%m-%dT%H:%M:%S%z").timestamp() if time else 0.0


def an_object(number: int, status: str = "ACTIVE", days_ago: int = 30) -> dict[str, Any]:
    updated = (NOON - days_ago * DAY).strftime("%Y-%m-%dT%H:%M:%S+0000")
    return {
        "id": str(number),
        "name": f"n{number}",
        "effective_status": status,
        "updated_time": updated,
    }


def objects(count: int, start: int = 1) -> list[dict[str, Any]]:
    return [an_object(number) for number in range(start, start + count)]


def ids(count: int) -> list[str]:
    return [str(number) for number in range(1, count + 1)]


def request_for(name: str, columns: Iterable[str] = ("name",), **more: Any) -> DimensionRequest:  # noqa: ANN401
    return DimensionRequest(
        dimension=DIMENSIONS[name],
        columns=selected_columns(name, [*columns]),
        account_id="1",
        currency="EUR",
        **more,
    )


def unavailable_fault(message: str = "the answer took too long") -> MetaError:
    return Retriable(Fault(message=message), NETWORK)


@dataclass(slots=True)
class Reader:
    """Reads from one `Meta`, and keeps what was delivered."""

    meta: Callable[[Call], Reply]
    unavailable: Unavailable = field(default_factory=Unavailable)
    above: StatusesAbove = field(default_factory=StatusesAbove)
    now: dt.datetime = NOON
    drive: Drive = field(init=False)
    streams: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.drive = Drive(self.meta)

    @property
    def reading(self) -> DimensionReading:
        """How it is read."""
        return DimensionReading(
            jitter=lambda: 0.0,
            utc_now=lambda: self.now,
            on_page=self._page,
            unavailable=self.unavailable,
        )

    def _page(self, stream: str, records: list[dict[str, Any]]) -> object:
        self.streams.add(stream)
        return records

    def read(
        self, request: DimensionRequest, bookmark: DimensionBookmark | None = None
    ) -> ReadDimension:
        """Read a dimension to its end."""
        steps = read_dimension(request, bookmark or DimensionBookmark(), self.above, self.reading)
        found = self.drive(steps)
        assert isinstance(found, ReadDimension)
        return found

    def look_up(
        self, request: DimensionRequest, named: Iterable[str], read: ReadDimension, **more: int
    ) -> LookedUp:
        """Look objects up by their ids."""
        found = self.drive(look_up(request, [*named], read, self.reading, **more))
        assert isinstance(found, LookedUp)
        return found

    @property
    def records(self) -> list[dict[str, Any]]:
        """All records, in the order handed on."""
        return [record for page in self.drive.events for record in page]

    @property
    def delivered(self) -> list[str]:
        """The ids of all records."""
        return [record["id"] for record in self.records]

    def calls(self, path: str) -> list[Call]:
        """Return the calls to a path."""
        return [call for call in self.drive.calls if call.path == path]

    def sizes(self) -> list[int]:
        """The sizes of the pages asked for with more than ids."""
        return [
            call.params["limit"]
            for call in self.drive.calls
            if "limit" in call.params and call.params["fields"] != "id"
        ]


# What is asked.


def test_read__asks_what_is_wanted_of_every_status() -> None:
    """One call asks the account's edge for the selected fields, archived and deleted ones too."""
    reader = Reader(Meta({}))

    reader.read(request_for("campaigns", ["name", "daily_budget_major"]))

    (call,) = reader.drive.calls
    assert (call.method, call.path, call.account_id) == ("GET", "act_1/campaigns", "1")
    assert set(call.params["effective_status"]) == {
        "ACTIVE",
        "PAUSED",
        "ARCHIVED",
        "DELETED",
        "IN_PROCESS",
        "WITH_ISSUES",
    }
    assert {**call.params, "effective_status": None} == {
        "fields": "id,effective_status,updated_time,name,daily_budget",
        "limit": 100,
        "effective_status": None,
    }


def test_read__creatives_take_no_parameters() -> None:
    """The edge of creatives is asked for nothing but fields and pages."""
    reader = Reader(Meta({}))

    reader.read(request_for("adcreatives"))

    assert reader.drive.calls[0].params == {"fields": "id,name", "limit": 100}


def test_read__statuses_that_are_wanted() -> None:
    """Of the statuses wanted, those that the kind can have are asked."""
    reader = Reader(Meta({}))

    reader.read(request_for("campaigns", statuses=("ACTIVE", "DISAPPROVED")))

    assert reader.drive.calls[0].params["effective_status"] == ["ACTIVE"]


def test_read__none_can_have_a_wanted_status() -> None:
    """Where no object of the kind can have a wanted status, nothing is asked."""
    reader = Reader(Meta({"campaigns": objects(3)}))

    read = reader.read(request_for("campaigns", statuses=("DISAPPROVED",)))

    assert (read.rows, reader.drive.calls) == (0, [])


# What comes.


def test_read__all_pages() -> None:
    """Every page is read, each object is handed on as a record of its stream."""
    reader = Reader(Meta({"adsets": objects(230)}))

    read = reader.read(request_for("adsets", ["name", "account_id", "read_at"]))

    assert reader.delivered == ids(230)
    assert reader.records[0] == {
        "id": "1",
        "account_id": "1",
        "name": "n1",
        "read_at": "2026-11-24T12:00:00+00:00",
    }
    assert (read.rows, read.left_out, read.in_full) == (230, (), True)
    assert read.listed == set(ids(230))
    assert reader.streams == {"adsets"}
    assert len(reader.drive.calls) == 3


def test_read__bookmark_of_a_full_reading() -> None:
    """The bookmark has the newest time of any object, and when the reading began."""
    found = [an_object(1, days_ago=9), an_object(2, days_ago=2), an_object(3, days_ago=5)]

    read = Reader(Meta({"campaigns": found})).read(request_for("campaigns"))

    assert read.bookmark == DimensionBookmark(
        updated_time=NOON - 2 * DAY, full_at=NOON, read_at=NOON
    )


def test_read__a_lost_place() -> None:
    """When Meta loses the place the list is read anew, and no object is delivered twice."""
    lost = [fault(*CURSOR_LOST)]
    meta = Meta(
        {"ads": objects(250)},
        hook=lambda call: lost.pop() if call.params.get("after") == "200" and lost else None,
    )
    reader = Reader(meta)

    read = reader.read(request_for("ads"))

    assert reader.delivered == ids(250)
    assert read.rows == 250


def test_read__twice_on_two_pages() -> None:
    """An object that comes on two pages, as others were added meanwhile, is delivered once."""
    found = objects(150)
    reader = Reader(Meta({"ads": [*found[:100], found[99], *found[100:]]}))

    assert reader.read(request_for("ads")).rows == 150
    assert reader.delivered == ids(150)


def test_read__an_account_without_any() -> None:
    """An empty list is read in full."""
    read = Reader(Meta({})).read(request_for("ads"))

    assert (read.rows, read.in_full, read.bookmark.full_at) == (0, True, NOON)


# One object that Meta cannot give.


@pytest.mark.parametrize(
    "said",
    [(1, None, "An unknown error occurred"), REDUCE, INCOMPLETE, (2, None), (2, 1504044)],
    ids=["unknown", "reduce", "incomplete", "temporarily", "heavy"],
)
def test_broken__one_creative_costs_its_row_only(
    said: tuple[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """A creative that Meta cannot give is left out and named; all others are delivered."""
    reader = Reader(Meta({"adcreatives": objects(260)}, broken={"137": lambda: fault(*said)}))

    read = reader.read(request_for("adcreatives"))

    assert sorted(reader.delivered, key=int) == [each for each in ids(260) if each != "137"]
    assert (read.rows, read.left_out) == (259, ("137",))
    assert "137" not in read.listed
    warnings = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "adcreatives, account 1: left out, as Meta cannot give them: 137 (the last: "
    )


def test_broken__the_rest_goes_on_with_large_pages() -> None:
    """After a bad page, and only there, pages are small and objects asked one by one."""
    broken = {"3": lambda: fault(*INCOMPLETE)}
    reader = Reader(Meta({"adcreatives": objects(205)}, broken=broken))

    reader.read(request_for("adcreatives"))

    assert reader.sizes() == [100, 25, 5, 100, 100]
    single = [call.path for call in reader.drive.calls if "/" not in call.path]
    assert single == ["1", "2", "3", "4", "5"]


def test_broken__all_on_one_page(caplog: pytest.LogCaptureFixture) -> None:
    """Several broken ones make one warning, which names ten of them."""
    bad = {str(number): lambda: fault(*INCOMPLETE) for number in range(10, 22)}
    reader = Reader(Meta({"adcreatives": objects(100)}, broken=bad))

    read = reader.read(request_for("adcreatives"))

    assert set(read.left_out) == set(bad)
    (warning,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert "10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and 2 more (" in warning


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
        (lambda: fault(*NO_ACCESS), AccountUnreadable),
        (lambda: fault(10), AccountUnreadable),
        (lambda: fault(*TOKEN_DEAD), TokenRefused),
        (lambda: fault(3), RequestRefused),
        (lambda: fault(2635), RequestRefused),
        (
            lambda: ThrottledTooLong(fault(17).fault, fault(17).rule),
            ThrottledTooLong,
        ),
        (unavailable_fault, KeptFailing),
    ],
    ids=["rights", "permission", "token", "app", "version", "throttled", "no answer"],
)
def test_broken__more_than_an_object(said: Callable[[], MetaError], kind: type[MetaError]) -> None:
    """What concerns the account, the token or the line is not taken for one object's trouble."""

    def hook(call: Call) -> Reply | None:
        return said() if call.path == "3" else None

    broken = {"3": lambda: fault(*INCOMPLETE)}
    reader = Reader(Meta({"adcreatives": objects(20)}, broken=broken, hook=hook))

    with pytest.raises(kind):
        reader.read(request_for("adcreatives"))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (lambda: fault(*NO_ACCESS), AccountUnreadable),
        (lambda: fault(*NOT_THERE), AccountUnreadable),
        (lambda: fault(*TOKEN_DEAD), TokenRefused),
        (unavailable_fault, KeptFailing),
        (lambda: fault(2635), RequestRefused),
    ],
    ids=["rights", "not there", "token", "no answer", "version"],
)
def test_list__cannot_be_read_at_all(said: Callable[[], MetaError], kind: type[MetaError]) -> None:
    """An account, token or line that fails is not asked again in smaller pieces."""
    reader = Reader(lambda _call: said())

    with pytest.raises(kind):
        reader.read(request_for("adcreatives"))
    assert set(reader.sizes()) == {100}


def test_list__not_even_the_ids() -> None:
    """A page whose ids alone cannot be had fails the stream."""
    reader = Reader(lambda _call: fault(1, None, "unknown"))

    with pytest.raises(TooMuchData):
        reader.read(request_for("adcreatives"))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (WRONG_FIELD, RequestRefused),
        (NOT_THERE, KeptFailing),
        (REDUCE, KeptFailing),
        # Of two accounts with many such creatives the others must not lose theirs.
        (INCOMPLETE, KeptFailing),
    ],
)
def test_broken__each_and_every_one(said: tuple[Any, ...], kind: type[MetaError]) -> None:
    """When every object fails it is not the objects: the stream fails, long before the last."""
    broken = {each: lambda: fault(*said) for each in ids(1000)}
    meta = Meta({"adcreatives": objects(1000)}, broken=broken)
    if said == NOT_THERE:
        # Of a list this would be said of the account.
        meta.hook = lambda call: (
            fault(*INCOMPLETE) if "limit" in call.params and call.params["fields"] != "id" else None
        )
    reader = Reader(meta)

    with pytest.raises(kind, match=r"made up|reduce"):
        reader.read(request_for("adcreatives"))
    assert reader.delivered == []
    assert len([call for call in reader.drive.calls if "/" not in call.path]) == 25


def test_broken__every_other_one() -> None:
    """However many are broken, as long as others between them are not, these are delivered."""
    odd = {str(number): lambda: fault(*INCOMPLETE) for number in range(1, 81, 2)}
    reader = Reader(Meta({"adcreatives": objects(80)}, broken=odd))

    read = reader.read(request_for("adcreatives"))

    assert (len(read.left_out), read.rows) == (40, 40)


# Pages that are too heavy.


def test_heavy__the_size_that_works_stays() -> None:
    """Where 100 creatives are too much at a time, 25 are asked from then on."""
    reader = Reader(Meta({"adcreatives": objects(200)}, most=30))

    reader.read(request_for("adcreatives"))

    assert reader.delivered == ids(200)
    assert reader.sizes() == [100] + [25] * 8


def test_heavy__grows_again_after_ten() -> None:
    """After ten pages that went well a larger one is tried again."""
    heavy = [fault(*REDUCE)]
    meta = Meta({"adcreatives": objects(450)}, hook=lambda _call: heavy.pop() if heavy else None)
    reader = Reader(meta)

    reader.read(request_for("adcreatives"))

    assert reader.delivered == ids(450)
    assert reader.sizes() == [100] + [25] * 10 + [100, 100]


def test_heavy__counts_from_the_last_trouble() -> None:
    """The ten pages that have to go well are those since a page last failed."""
    meta = Meta({"adcreatives": objects(300)})
    asked = {1, 7}
    reader = Reader(meta)
    meta.hook = lambda _call: fault(*REDUCE) if len(reader.drive.calls) in asked else None

    reader.read(request_for("adcreatives"))

    assert reader.sizes() == [100, *[25] * 6, *[5] * 10, *[25] * 5]


# Deleted objects.


def test_deleted__are_listed_where_meta_does() -> None:
    """Deleted and archived objects are delivered where the edge lists them."""
    found = [an_object(1), an_object(2, "DELETED"), an_object(3, "ARCHIVED")]
    reader = Reader(Meta({"campaigns": found}))

    reader.read(request_for("campaigns"))

    assert reader.delivered == ids(3)


def test_deleted__refused(caplog: pytest.LogCaptureFixture) -> None:
    """Where DELETED is refused, all others are read; that is said once, and asked once."""
    caplog.set_level("INFO")
    meta = Meta({"campaigns": objects(3)}, lists_deleted=False)
    reader = Reader(meta)
    other = Reader(meta, unavailable=reader.unavailable)

    reader.read(request_for("campaigns"))
    other.read(replace(request_for("campaigns"), account_id="2"))

    assert (reader.delivered, other.delivered) == (ids(3), ids(3))
    assert [len(call.params["effective_status"]) for call in reader.drive.calls] == [6, 5]
    assert ["DELETED" in call.params["effective_status"] for call in other.drive.calls] == [False]
    (line,) = caplog.records
    assert line.levelname == "INFO"
    assert line.getMessage().startswith(
        "campaigns: Meta does not list deleted ones (made up (code 100/1487561"
    )


def test_deleted__was_not_the_reason() -> None:
    """Where leaving DELETED out does not help it was not the reason, and is asked further."""
    reader = Reader(Meta({"campaigns": objects(3)}, hook=lambda _call: fault(100, 1234)))

    with pytest.raises(RequestRefused):
        reader.read(request_for("campaigns"))
    assert reader.unavailable == Unavailable()


def test_deleted__a_broken_ad_is_not_the_reason() -> None:
    """An ad whose creative is incomplete says nothing about statuses."""
    broken = {"2": lambda: fault(*INCOMPLETE)}
    reader = Reader(Meta({"ads": [an_object(1), an_object(2, "DELETED")]}, broken=broken))

    assert reader.read(request_for("ads")).left_out == ("2",)
    assert reader.unavailable == Unavailable()


def test_deleted__a_later_page_does_not_tell() -> None:
    """Statuses are refused with the first page or not at all: a later one has a broken object."""
    found = [*objects(120), an_object(121, "DELETED")]
    reader = Reader(Meta({"ads": found}, broken={"121": lambda: fault(100, 1234)}))

    assert reader.read(request_for("ads")).left_out == ("121",)
    assert reader.unavailable == Unavailable()


def test_deleted__refused_and_nothing_else_is_wanted() -> None:
    """Who wants deleted ones only, which Meta does not list, is not given all that are alive."""
    meta = Meta({"ads": [*objects(3), an_object(4, "DELETED")]}, lists_deleted=False)
    first = Reader(meta)
    second = Reader(meta, unavailable=first.unavailable)
    request = request_for("ads", statuses=("DELETED",))

    for reader in (first, second):
        first_read = reader.read(request)
        reader.look_up(request, ["4"], first_read)
        assert reader.delivered == ["4"]
        assert first_read.listed == frozenset()


def test_deleted__refused_of_a_list_with_a_broken_ad() -> None:
    """The ids of a bad page are to be had where Meta does not list deleted ones, too."""
    broken = {"2": lambda: fault(1, None, "unknown")}
    reader = Reader(Meta({"ads": objects(3)}, broken=broken, lists_deleted=False))

    read = reader.read(request_for("ads"))

    assert (reader.delivered, read.left_out) == (["1", "3"], ("2",))


# Refused fields.


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
    assert (asked, len(fourth.calls("act_4/ads"))) == ([2, 2], 1)
    assert [each.getMessage()[:60] for each in caplog.records] == [
        "ads: Meta refuses the field name to account 1: it is left ou",
        "ads: Meta refuses the field name to other accounts too: no a",
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


# What changed only.


@dataclass(slots=True)
class Nights:
    """An account that is read night after night."""

    meta: Meta
    bookmark: DimensionBookmark = field(default_factory=DimensionBookmark)
    night: int = 0

    def read(self, days_later: int = 1, **request: Any) -> tuple[Reader, ReadDimension]:  # noqa: ANN401
        """Read its ads, some nights after the last time."""
        self.night += days_later
        reader = Reader(self.meta, now=NOON + self.night * DAY)
        read = reader.read(request_for("ads", **request), self.bookmark)
        self.bookmark = read.bookmark
        return reader, read


def account() -> Meta:
    return Meta(
        {
            "campaigns": [an_object(1001), an_object(1002, "PAUSED")],
            "adsets": [an_object(2001), an_object(2002, "CAMPAIGN_PAUSED")],
            "ads": [an_object(1, days_ago=3), an_object(2, days_ago=40), an_object(3, days_ago=9)],
        }
    )


def test_changes__a_quiet_night() -> None:
    """While nothing above changed, ads changed since a day before the newest one are asked for."""
    nights = Nights(account())
    nights.read(0)

    reader, read = nights.read()

    (call,) = reader.calls("act_1/ads")
    assert call.params["updated_since"] == (NOON - 4 * DAY).timestamp()
    assert (reader.delivered, read.in_full) == (["1"], False)
    assert read.bookmark.updated_time == NOON - 3 * DAY
    assert read.bookmark.full_at == NOON


def test_changes__the_look_is_cheap() -> None:
    """What is above is asked for in one light call each, when it is not read anyway."""
    reader = Reader(account())

    reader.read(request_for("ads"))

    assert [(call.path, call.params["fields"]) for call in reader.drive.calls[:2]] == [
        ("act_1/campaigns", "id,effective_status,updated_time"),
        ("act_1/adsets", "id,effective_status,updated_time"),
    ]
    assert [call.params["limit"] for call in reader.drive.calls] == [500, 500, 100]


def test_changes__what_was_read_anyway() -> None:
    """Campaigns and ad sets that were read in this run are not asked for again."""
    reader = Reader(account())
    for name in ("campaigns", "adsets", "ads"):
        read = reader.read(request_for(name))

    assert [call.path for call in reader.drive.calls] == [
        "act_1/campaigns",
        "act_1/adsets",
        "act_1/ads",
    ]
    assert read.bookmark.basis == Reader(account()).read(request_for("ads")).bookmark.basis


def test_changes__a_changed_and_a_new_ad() -> None:
    """An ad that changed, and one that is new, are delivered the next night."""
    nights = Nights(account())
    nights.read(0)
    nights.meta.objects["ads"][1] = an_object(2, "PAUSED", days_ago=0)
    nights.meta.objects["ads"].append(an_object(4, days_ago=0))

    reader, read = nights.read()

    assert sorted(reader.delivered) == ["1", "2", "4"]
    assert read.bookmark.updated_time == NOON


def test_changes__a_paused_campaign() -> None:
    """A paused campaign moves its ads' status and not their time: all are read again."""
    nights = Nights(account())
    nights.read(0, columns=["effective_status"])
    nights.meta.objects["campaigns"][0]["effective_status"] = "PAUSED"
    nights.meta.objects["ads"][1]["effective_status"] = "CAMPAIGN_PAUSED"

    reader, read = nights.read(columns=["effective_status"])
    after, _ = nights.read(columns=["effective_status"])

    assert {record["id"]: record["effective_status"] for record in reader.records} == {
        "1": "ACTIVE",
        "2": "CAMPAIGN_PAUSED",
        "3": "ACTIVE",
    }
    assert read.in_full
    assert "updated_since" in after.calls("act_1/ads")[0].params


@pytest.mark.parametrize(
    "then",
    [
        {"columns": ["name", "effective_status"]},
        {"statuses": ("ACTIVE", "PAUSED", "CAMPAIGN_PAUSED")},
        {"statuses": ()},
    ],
    ids=["a column more", "a status more", "all statuses"],
)
def test_changes__of_what_is_wanted(then: dict[str, Any]) -> None:
    """A column that is wanted from now on is filled of every ad, not of those that change."""
    before: dict[str, Any] = {"columns": ["name"], "statuses": ("PAUSED", "ACTIVE")}
    nights = Nights(account())
    nights.read(0, **before)
    assert not nights.read(**{**before, "statuses": ("ACTIVE", "PAUSED")})[1].in_full

    reader, read = nights.read(**before | then)

    assert (read.in_full, reader.delivered) == (True, ids(3))
    assert not nights.read(**before | then)[1].in_full


def test_changes__above_what_is_wanted() -> None:
    """Ads that a paused ad set pauses are wanted, though no paused ad set is."""
    request: dict[str, Any] = {"statuses": ("ADSET_PAUSED",), "columns": ["effective_status"]}
    nights = Nights(account())
    nights.meta.objects["ads"][0]["effective_status"] = "ADSET_PAUSED"
    nights.read(0, **request)
    nights.meta.objects["adsets"][0]["effective_status"] = "PAUSED"
    nights.meta.objects["ads"][1]["effective_status"] = "ADSET_PAUSED"

    reader, _ = nights.read(**request)

    assert reader.delivered == ["1", "2"]


def test_changes__above_what_is_wanted_of_streams() -> None:
    """Campaigns that were read, but not all of them, do not tell what is above ads."""
    reader = Reader(account())

    reader.read(request_for("campaigns", statuses=("WITH_ISSUES",)))
    reader.read(request_for("ads", statuses=("WITH_ISSUES",)))

    assert [len(call.params["effective_status"]) for call in reader.calls("act_1/campaigns")] == [
        1,
        6,
    ]


def test_changes__an_ad_set_that_vanished() -> None:
    """An ad set that is no longer listed takes its ads with it: all are read again."""
    nights = Nights(account())
    nights.read(0)
    nights.meta.objects["adsets"].pop()

    assert nights.read()[1].in_full


def test_changes__another_column() -> None:
    """A column that is new in the selection is filled for all ads at once."""
    nights = Nights(account())
    nights.read(0, columns=["name"])

    reader, read = nights.read(columns=["name", "effective_status"])

    assert (read.in_full, reader.delivered) == (True, ids(3))


def test_changes__one_that_is_left_out() -> None:
    """A changed ad that cannot be given tonight is asked for again tomorrow."""
    nights = Nights(account())
    nights.read(0)
    nights.meta.objects["ads"] += [an_object(4, days_ago=1), an_object(5, days_ago=-3)]
    nights.meta.broken["4"] = lambda: fault(*INCOMPLETE)
    _, first = nights.read(4)
    del nights.meta.broken["4"]

    second, read = nights.read()

    assert (first.left_out, first.in_full, read.in_full) == (("4",), False, False)
    assert "4" in second.delivered


def test_changes__in_full_after_seven_days() -> None:
    """At least every seven days everything is read, whatever the times say."""
    nights = Nights(account())
    nights.read(0)

    in_full = [nights.read()[1].in_full for _ in range(15)]

    assert in_full == [False] * 6 + [True] + [False] * 6 + [True, False]


def test_changes__unknown_what_is_above() -> None:
    """Where the look fails the ads are read in full."""
    nights = Nights(account())
    nights.read(0)
    nights.meta.hook = lambda call: fault(*REDUCE) if call.path == "act_1/adsets" else None

    reader, read = nights.read()

    assert (read.in_full, reader.delivered) == (True, ids(3))
    assert read.bookmark.basis is None


def test_changes__the_status_above_is_refused() -> None:
    """Without the statuses above nothing is known of them."""
    nights = Nights(account())
    nights.meta.gone = frozenset({"effective_status"})
    nights.read(0)

    assert nights.read()[1].in_full


@pytest.mark.parametrize("read_before", [True, False], ids=["streamed", "looked at"])
def test_changes__one_above_is_broken(read_before: object) -> None:
    """Where one campaign cannot be given it is not known whether its status changed."""
    meta = account()
    meta.broken["1002"] = lambda: fault(*INCOMPLETE)
    reader = Reader(meta)
    if read_before:
        reader.read(request_for("campaigns"))

    read = reader.read(request_for("ads"))

    assert (read.in_full, read.bookmark.basis) == (True, None)


def test_changes__one_that_could_not_be_given() -> None:
    """An ad that Meta could not give one night is delivered the next, though it did not change."""
    nights = Nights(account())
    nights.meta.broken["2"] = lambda: fault(*INCOMPLETE)
    _, read = nights.read(0)
    assert read.bookmark == DimensionBookmark(read_at=NOON)
    nights.meta.broken.clear()

    reader, _ = nights.read()

    assert reader.delivered == ids(3)
    assert not nights.read()[1].in_full


def test_changes__the_look_may_not_hide_a_lost_account() -> None:
    """An account that cannot be read is not asked for its ads."""
    reader = Reader(lambda _call: fault(*NO_ACCESS))

    with pytest.raises(AccountUnreadable):
        reader.read(request_for("ads"))
    assert len(reader.drive.calls) == 1


def test_changes__of_what_is_above_itself() -> None:
    """Campaigns, ad sets and creatives are read in full every time."""
    for name in ("campaigns", "adsets", "adcreatives"):
        meta = Meta({name: objects(3)})
        first = Reader(meta).read(request_for(name))
        second = Reader(meta, now=NOON + DAY)

        assert second.read(request_for(name), first.bookmark).in_full
        assert second.delivered == ids(3)


# By their own ids.


def gone() -> tuple[Meta, Reader, ReadDimension]:
    """Read an account with two ads that Meta does not list, and their ids work."""
    meta = account()
    reader = Reader(meta)
    read = reader.read(request_for("ads"))
    meta.objects["elsewhere"] = [an_object(77, "DELETED"), an_object(88, "DELETED")]
    return meta, Reader(meta), read


def test_look_up__what_insights_name_and_the_list_has_not() -> None:
    """Ads that rows name and Meta does not list are read by their own ids, the newest first."""
    _, reader, read = gone()

    looked_up = reader.look_up(request_for("ads"), ["1", "77", "88", "2"], read)

    assert reader.delivered == ["88", "77"]
    assert [call.path for call in reader.drive.calls] == ["88", "77"]
    assert looked_up == LookedUp(rows=2, bookmark=replace(read.bookmark, looked_up_at=NOON))


def test_look_up__is_of_the_same_instant_as_the_list() -> None:
    """What is looked up later has the `read_at` of the list: else what is listed looked deleted."""
    meta, reader, read = gone()
    later = Reader(meta, now=NOON + dt.timedelta(minutes=3))

    later.look_up(request_for("ads", ["read_at"]), ["77"], read)

    assert [record["read_at"] for record in later.records] == [NOON.isoformat()]
    assert reader.records == []


def test_look_up__the_newest_is_the_largest_number() -> None:
    """A longer id is a larger one."""
    _, reader, read = gone()

    reader.look_up(request_for("ads"), ["9", "88", "100"], read)

    assert [call.path for call in reader.drive.calls] == ["100", "88", "9"]


def test_look_up__at_most_so_many() -> None:
    """Each is a call: no more than the limit are asked for, and the rest is counted."""
    _, reader, read = gone()

    looked_up = reader.look_up(request_for("ads"), ["77", "88"], read, most=1)

    assert (reader.delivered, looked_up.not_asked) == (["88"], 1)


def test_look_up__one_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """An id that Meta does not give is counted without a warning; the others are delivered."""
    _, reader, read = gone()
    caplog.set_level("INFO")

    looked_up = reader.look_up(request_for("ads"), ["77", "999"], read)

    assert (reader.delivered, looked_up.rows, looked_up.unreadable) == (["77"], 1, 1)
    (line,) = caplog.records
    assert line.levelname == "INFO"
    assert line.getMessage() == (
        "ads, account 1: 1 that Meta does not list were read by their own ids; 1 could not be "
        "read, 0 were not asked for"
    )


def test_look_up__ends_where_none_is_given() -> None:
    """After 25 in a row that Meta does not give no more are asked for, and nothing fails."""
    _, reader, read = gone()

    looked_up = reader.look_up(request_for("ads"), [str(900 + n) for n in range(60)], read)

    assert (len(reader.drive.calls), looked_up.unreadable, looked_up.not_asked) == (25, 25, 35)


def test_look_up__once_in_seven_days() -> None:
    """Deleted objects do not change: they are not asked for again before seven days are over."""
    meta, reader, read = gone()
    bookmark = reader.look_up(request_for("ads"), ["77"], read).bookmark
    nights = {days: Reader(meta, now=NOON + days * DAY) for days in (1, 6, 7)}
    for night in nights.values():
        night.look_up(request_for("ads"), ["77"], replace(read, bookmark=bookmark))

    assert [night.delivered for night in nights.values()] == [[], [], ["77"]]


def test_look_up__not_after_changes_only() -> None:
    """A list of changes does not tell which ads are missing: nothing is looked up."""
    nights = Nights(account())
    nights.read(0)
    reader, read = nights.read()
    calls = len(reader.drive.calls)

    looked_up = reader.look_up(request_for("ads"), ["2", "77"], read)

    assert len(reader.drive.calls) == calls
    assert looked_up == LookedUp(bookmark=read.bookmark)


@pytest.mark.parametrize(("statuses", "asked"), [(("ACTIVE",), []), (("DELETED",), ["77"])])
def test_look_up__only_where_deleted_ones_are_wanted(
    statuses: tuple[str, ...], asked: list[str]
) -> None:
    """Who wants active ads only does not get deleted ones by the back door."""
    _, reader, read = gone()

    reader.look_up(request_for("ads", statuses=statuses), ["77"], read)

    assert reader.delivered == asked


def test_look_up__only_those_of_a_wanted_status() -> None:
    """An ad that is not listed as its status is not wanted is not delivered by its own id."""
    meta = account()
    meta.objects["elsewhere"] = [an_object(77, "PAUSED"), an_object(88, "DELETED")]
    request = request_for("ads", statuses=("ACTIVE", "DELETED"))
    reader = Reader(meta)
    read = Reader(meta).read(request)

    looked_up = reader.look_up(request, ["77", "88"], read)

    assert (reader.delivered, looked_up.rows) == (["88"], 1)


def test_look_up__creatives_have_no_such_status() -> None:
    """Creatives that ads name are looked up whatever statuses of ads are wanted."""
    meta = Meta({"adcreatives": objects(2), "elsewhere": [{"id": "77", "name": "n77"}]})
    request = request_for("adcreatives", statuses=("ACTIVE",))
    reader = Reader(meta)

    reader.look_up(request, ["1", "77"], Reader(meta).read(request))

    assert reader.records == [{"id": "77", "name": "n77"}]


def test_look_up__not_what_was_just_left_out() -> None:
    """An object that could not be read a moment ago is not asked for again."""
    _, reader, read = gone()

    reader.look_up(request_for("ads"), ["77"], replace(read, left_out=("77",)))

    assert reader.drive.calls == []


@pytest.mark.parametrize(
    ("said", "kind"), [(NO_ACCESS, AccountUnreadable), (TOKEN_DEAD, TokenRefused)]
)
def test_look_up__more_than_an_object(said: tuple[int, int | None], kind: type[MetaError]) -> None:
    """A lost account and a dead token are not taken for a deleted ad."""
    meta, reader, read = gone()
    meta.hook = lambda _call: fault(*said)

    with pytest.raises(kind):
        reader.look_up(request_for("ads"), ["77"], read)


# Against the sandbox.


def sandbox(world: World) -> Callable[[Call], Reply]:
    """Answer as the sandbox does, without HTTP between."""
    graph = SandboxGraph(world, tokens={"T": TokenInfo()})

    def answer(call: Call) -> Reply:
        params = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in call.params.items()
        }
        told = graph.answer(
            GraphCall(
                method=call.method,
                path=f"/v26.0/{call.path}",
                params=params,
                token="T",
                token_in_params=False,
                base_url="https://graph.example",
            )
        )
        body: dict[str, Any] = json.loads(told.body)
        if "error" in body:
            return from_envelope(body["error"], status=told.status)
        return body

    return answer


def test_sandbox__every_object_of_an_account() -> None:
    """Of a made-up client's account every campaign, ad set and ad arrives, archived ones too."""
    world = World.demo(days=3, now=lambda: NOON)
    account = next(each for each in world.accounts if each.assigned and len(each.ads) > 5)
    adsets = [adset for campaign in account.campaigns for adset in campaign.adsets]
    truth = {"campaigns": account.campaigns, "adsets": adsets, "ads": account.ads}
    reader = Reader(sandbox(world))

    for name, there in truth.items():
        request = replace(request_for(name), account_id=account.id)
        before = len(reader.records)
        read = reader.read(request)
        found = {record["id"]: record["name"] for record in reader.records[before:]}

        living = {each.id: each.name for each in there if each.effective_status != "DELETED"}
        assert living.items() <= found.items() <= {(each.id, each.name) for each in there}
        assert (read.rows, read.left_out) == (len(found), ())


def test_sandbox__an_ad_and_its_creative() -> None:
    """The creative that a living ad names is among the account's creatives."""
    world = World.demo(days=3, now=lambda: NOON)
    account = next(each for each in world.accounts if each.assigned and each.ads)
    reader = Reader(sandbox(world))

    reader.read(replace(request_for("adcreatives"), account_id=account.id))
    creatives = set(reader.delivered)
    living = replace(request_for("ads", ["creative_id"]), account_id=account.id, statuses=LIVING)
    reader.read(living)

    named = {record["creative_id"] for record in reader.records if "creative_id" in record}
    assert named
    assert named <= creatives


def test_sandbox__an_account_that_is_not_assigned() -> None:
    """An account that nobody assigned to the system user is the account's trouble."""
    world = World.demo(days=3, now=lambda: NOON)
    account = next(each for each in world.accounts if not each.assigned)

    with pytest.raises(AccountUnreadable):
        Reader(sandbox(world)).read(replace(request_for("adcreatives"), account_id=account.id))
