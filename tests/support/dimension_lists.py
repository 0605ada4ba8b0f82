"""Lists of objects in memory, some of them broken, and whoever reads them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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
from tap_meta_partner.graph.error_codes import NETWORK
from tap_meta_partner.graph.errors import Fault, MetaError, Retriable
from tests.support.fakes import NOT_THERE, Drive, fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)


#: What Meta says of statuses it does not know ("Run Status not valid").
WRONG_STATUS = (100, 1487561)


#: "Ad Creative Is Incomplete": the post of a creative was deleted.
INCOMPLETE = (100, 2446289)


#: "object_story_spec is invalid", as Meta's own validation finds today.
BAD_STORY = (100, 2446211)


#: What Meta lists where no status is asked for.
LISTED_UNASKED = ("ACTIVE", "PAUSED")


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
        filters_deleted: takes DELETED in `filtering`.
        hook: asked first; a reply of its own takes precedence.
    """

    objects: dict[str, list[dict[str, Any]]]
    broken: dict[str, Callable[[], MetaError]] = field(default_factory=dict)
    most: int = 1000
    gone: frozenset[str] = frozenset()
    lists_deleted: bool = True
    filters_deleted: bool = False
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
        for condition in call.params.get("filtering", ()):
            assert condition["field"] == f"{edge[:-1]}.effective_status"
            assert condition["operator"] == "IN"
            statuses = condition["value"]
            if "DELETED" in statuses and not self.filters_deleted:
                return fault(*WRONG_STATUS)
        wanted = [
            each
            for each in self.objects.get(edge, [])
            if edge == "adcreatives" or each["effective_status"] in (statuses or LISTED_UNASKED)
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

    def _page(self, stream: str, records: list[dict[str, Any]]) -> Iterable[object]:
        self.streams.add(stream)
        return [records]

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


def gone() -> tuple[Meta, Reader, ReadDimension]:
    """Read an account with two ads that Meta does not list, and their ids work."""
    meta = account()
    reader = Reader(meta)
    read = reader.read(request_for("ads"))
    meta.objects["elsewhere"] = [an_object(77, "DELETED"), an_object(88, "DELETED")]
    return meta, Reader(meta), read
