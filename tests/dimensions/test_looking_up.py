"""Objects that rows name and Meta no longer lists, by their own ids."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.dimensions.looking_up import LookedUp
from tap_meta_partner.graph.errors import TokenRefused
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
        "read, 0 were left for another time"
    )


def test_look_up__ends_where_none_is_given() -> None:
    """After 25 in a row that Meta does not give no more are asked for, and nothing fails."""
    _, reader, read = gone()

    looked_up = reader.look_up(request_for("ads"), [str(900 + n) for n in range(60)], read)

    assert (len(reader.drive.calls), looked_up.unreadable, looked_up.not_asked) == (25, 25, 35)


def nights_of_looking_up(meta: Meta, named: list[str], nights: int, **more: int) -> list[list[str]]:
    """Look the same ids up night after night; return those asked for, by night."""
    bookmark = DimensionBookmark()
    asked = []
    for night in range(nights):
        now = NOON + night * DAY
        reader = Reader(meta, now=now)
        read = replace(Reader(meta, now=now).read(request_for("ads")), bookmark=bookmark)
        bookmark = reader.look_up(request_for("ads"), named, read, **more).bookmark
        asked.append([call.path for call in reader.drive.calls])
    return asked


def test_look_up__goes_on_where_the_last_stopped() -> None:
    """What one night does not get to is asked for on the next ones, and all again in a week."""
    named = [str(number) for number in range(901, 908)]

    asked = nights_of_looking_up(account(), named, 8, most=3)

    newest_first = named[::-1]
    assert asked == [
        newest_first[:3],
        newest_first[3:6],
        newest_first[6:],
        *[[]] * 4,
        newest_first[:3],
    ]


def test_look_up__where_the_newest_cannot_be_read() -> None:
    """That none of the newest 25 is given costs a night, not all the others for ever."""
    meta = account()
    meta.objects["elsewhere"] = [an_object(number, "DELETED") for number in (911, 912)]

    asked = nights_of_looking_up(meta, [str(number) for number in range(911, 951)], 2)

    assert [len(night) for night in asked] == [25, 15]
    assert asked[1][-2:] == ["912", "911"]


def test_look_up__more_than_the_state_may_hold() -> None:
    """Of more ids than are kept the next list has those first that the last one had to drop."""
    numbers = range(10_000, 12_000)
    named = [str(number) for number in numbers]
    meta = account()
    meta.objects["elsewhere"] = [an_object(number, "DELETED") for number in numbers]

    asked = nights_of_looking_up(meta, named, 12, most=200)

    assert {object_id for night in asked for object_id in night} == set(named)


def test_look_up__what_a_night_leaves_need_not_be_named_again() -> None:
    """A backfill names what the nights after it do not: what it left is asked for all the same."""
    _, reader, read = gone()
    bookmark = reader.look_up(request_for("ads"), ["77", "88"], read, most=1).bookmark
    next_night = Reader(reader.meta, now=NOON + DAY)

    changes_only = replace(read, bookmark=bookmark, in_full=False)
    looked_up = next_night.look_up(request_for("ads"), [], changes_only)

    assert next_night.delivered == ["77"]
    assert looked_up.bookmark.to_look_up == ()


def test_look_up__not_what_is_listed_meanwhile() -> None:
    """An id that was left for later, and is listed by then, is not asked for by itself."""
    _, reader, read = gone()
    bookmark = replace(read.bookmark, to_look_up=("2", "77"), looked_up_at=NOON)

    reader.look_up(request_for("ads"), [], replace(read, bookmark=bookmark))

    assert reader.delivered == ["77"]


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
    reader.above.in_full.add("ads")

    reader.look_up(request, ["1", "77"], reader.read(request))

    assert reader.records[-1] == {"id": "77", "name": "n77"}
    assert reader.delivered == ["1", "2", "77"]


def test_look_up__creatives_meet_the_night_when_all_ads_are_read() -> None:
    """Only ads read in full name all creatives: the others' nights do not put that one off."""
    meta = Meta({"adcreatives": objects(2), "elsewhere": [{"id": "77", "name": "n77"}]})
    bookmark = DimensionBookmark()
    delivered = []
    for night in range(9):
        reader = Reader(meta, now=NOON + night * DAY)
        # Ads are read in full on the first night and on the eighth, as of which they name 77.
        if night in (0, 7):
            reader.above.in_full.add("ads")
        read = reader.read(request_for("adcreatives"), bookmark)
        named = ["77"] if night == 7 else ["1"]
        bookmark = reader.look_up(request_for("adcreatives"), named, read).bookmark
        delivered.append("77" in reader.delivered)

    assert delivered == [False] * 7 + [True, False]


def test_look_up__not_what_was_just_left_out() -> None:
    """An object that could not be read a moment ago is not asked for again."""
    _, reader, read = gone()

    reader.look_up(request_for("ads"), ["77"], replace(read, left_out=("77",)))

    assert reader.drive.calls == []


def test_look_up__more_than_an_object() -> None:
    """A dead token is not taken for a deleted ad."""
    meta, reader, read = gone()
    meta.hook = lambda _call: fault(*TOKEN_DEAD)

    with pytest.raises(TokenRefused):
        reader.look_up(request_for("ads"), ["77"], read)


def test_look_up__no_right_to_one_object() -> None:
    """The account was listed a moment ago: no right to an ad is said of that ad."""
    meta, reader, read = gone()
    meta.hook = lambda call: fault(*NO_ACCESS) if call.path == "88" else None

    looked_up = reader.look_up(request_for("ads"), ["77", "88"], read)

    assert (reader.delivered, looked_up.unreadable) == (["77"], 1)
