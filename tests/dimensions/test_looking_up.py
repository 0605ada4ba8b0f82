"""Objects that rows name and Meta no longer lists, by their own ids."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from tap_meta_partner.dimensions.looking_up import LookedUp
from tap_meta_partner.graph.errors import AccountUnreadable, MetaError, TokenRefused
from tests.support.dimension_lists import (
    DAY,
    NOON,
    Meta,
    Nights,
    Reader,
    account,
    an_object,
    gone,
    objects,
    request_for,
)
from tests.support.fakes import NO_ACCESS, TOKEN_DEAD, fault


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
