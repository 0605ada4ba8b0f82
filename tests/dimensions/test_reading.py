"""A dimension in full, or what changed of it; and against the sandbox."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.graph.error_codes import from_envelope
from tap_meta_partner.graph.errors import AccountUnreadable
from tap_meta_partner.sandbox import Dials, World
from tap_meta_partner.sandbox.graph.graph import Graph as SandboxGraph
from tap_meta_partner.sandbox.protocol.calls import GraphCall
from tests.support.dimension_lists import (
    DAY,
    INCOMPLETE,
    NOON,
    REDUCE,
    Meta,
    Nights,
    Reader,
    account,
    an_object,
    ids,
    objects,
    request_for,
)
from tests.support.fakes import NO_ACCESS, fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


LIVING = ("ACTIVE", "PAUSED")


# What comes.


def test_read__bookmark_of_a_full_reading() -> None:
    """The bookmark has the newest time of any object, and when the reading began."""
    found = [an_object(1, days_ago=9), an_object(2, days_ago=2), an_object(3, days_ago=5)]

    read = Reader(Meta({"campaigns": found})).read(request_for("campaigns"))

    assert read.bookmark == DimensionBookmark(
        updated_time=NOON - 2 * DAY, full_at=NOON, read_at=NOON
    )


# What changed only.


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
    """An account that cannot be read fails with what is said of its ads themselves."""
    reader = Reader(lambda _call: fault(*NO_ACCESS))

    with pytest.raises(AccountUnreadable):
        reader.read(request_for("ads"))
    assert reader.calls("act_1/ads")


def test_changes__the_look_is_refused() -> None:
    """Where campaigns may not be read the ads are, in full: the look is only a shortcut."""
    meta = account()
    meta.hook = lambda call: fault(*NO_ACCESS) if call.path == "act_1/campaigns" else None
    reader = Reader(meta)

    read = reader.read(request_for("ads"))

    assert (read.in_full, read.rows) == (True, 3)


def test_changes__of_what_is_above_itself() -> None:
    """Campaigns, ad sets and creatives are read in full every time."""
    for name in ("campaigns", "adsets", "adcreatives"):
        meta = Meta({name: objects(3)})
        first = Reader(meta).read(request_for(name))
        second = Reader(meta, now=NOON + DAY)

        assert second.read(request_for(name), first.bookmark).in_full
        assert second.delivered == ids(3)


# Against the sandbox.


def sandbox(world: World) -> Callable[[Call], Reply]:
    """Answer as the sandbox does, without HTTP between."""
    graph = SandboxGraph(world, Dials(token="T"))

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
