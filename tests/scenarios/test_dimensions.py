"""Campaigns, ad sets, ads and creatives, night after night, and what goes wrong with them."""

from __future__ import annotations

import datetime as dt
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_meta_partner.sandbox import Fault, World
from tests.support.dimension_nights import DAY, DIMENSIONS, Clock, Nights, partitions
from tests.support.tap_process import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.sandbox import Sandbox
    from tap_meta_partner.sandbox.world.advertising import AdAccount

JOINED = ("ad_insights", *DIMENSIONS)
NO_ORPHANS: dict[str, set[str]] = {name: set() for name in DIMENSIONS}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def nights(
    start_sandbox: Callable[..., Sandbox], clock: Clock, tmp_path: Path
) -> Callable[..., Nights]:
    """Prepare nights; takes the streams, `dials` of the sandbox, a `world` and settings."""

    def prepare(
        *streams: str,
        dials: dict[str, Any] | None = None,
        world: World | None = None,
        **settings: Any,  # noqa: ANN401
    ) -> Nights:
        world = world or World.demo(seed=7, days=40, now=clock)
        sandbox = start_sandbox(world, **(dials or {}))
        return Nights(sandbox, clock, tmp_path, *streams, **settings)

    return prepare


@pytest.fixture
def large(clock: Clock) -> World:
    """One account with 230 ads: three pages of them, and of their creatives."""
    return World.single(seed=7, ads=230, days=3, now=clock)


def widest(nights: Nights) -> AdAccount:
    """Return an account with at least two living campaigns."""
    return max(nights.sandbox.world.readable(), key=lambda each: len(each.campaigns))


# What changed.


def test_second_night__reads_only_ads_that_changed(nights: Callable[..., Nights]) -> None:
    """Campaigns, ad sets and creatives come in full; of the ads those changed and a day more."""
    run = nights()
    first = run.run()
    world = run.sandbox.world
    changed = [account.ads[0] for account in world.readable()[:3]]
    for ad in changed:
        world.statuses.touch(ad.id)

    second = run.run()

    assert (first.code, second.code) == (0, 0)
    for name in DIMENSIONS:
        edge = "ads" if name == "adcreatives" else name
        assert first.counts[name] == len([*run.objects(edge)])
    for name in ("campaigns", "adsets", "adcreatives"):
        assert second.counts[name] == first.counts[name]
    expected = {ad.id for ad in changed}
    for account in world.readable():
        times = {ad.id: world.statuses.updated(ad) for ad in account.ads}
        before = {ad.id: times[ad.id] for ad in account.ads if ad not in changed}
        known = partitions(first.state, "ads")[account.id]["replication_key_value"]
        since = dt.datetime.fromisoformat(known) - DAY
        expected |= {ad_id for ad_id, time in before.items() if time >= since}
    assert {row["id"] for row in second.tables["ads"].values()} == expected
    assert second.counts["ads"] == len(expected) < first.counts["ads"] / 4
    since_of = {call.account_id: call.params.get("updated_since") for call in run.calls("ads")}
    assert None not in since_of.values()
    assert len(since_of) == len(world.readable())


def test_paused_campaign__is_seen_in_all_its_ads_the_same_night(
    nights: Callable[..., Nights],
) -> None:
    """What is below a paused campaign is right at once, though no `updated_time` below moves."""
    run = nights()
    run.run()
    world = run.sandbox.world
    account = widest(run)
    campaign = next(each for each in account.campaigns if each.effective_status == "ACTIVE")
    times = {ad.id: world.statuses.updated(ad) for ad in account.ads}
    world.statuses.set(campaign.id, "PAUSED")

    run.run()

    below = [ad for ad in account.ads if ad.campaign_id == campaign.id]
    assert below
    for ad in below:
        assert world.statuses.updated(ad) == times[ad.id]
        assert run.tables["ads"][ad.id,]["effective_status"] == "CAMPAIGN_PAUSED"
    for stream in ("campaigns", "adsets", "ads"):
        assert run.statuses(stream) == run.true_statuses(stream)


def test_ads__are_read_in_full_after_seven_days(nights: Callable[..., Nights]) -> None:
    """In every seventh night all ads are read; a `read_at` a week before the run is of a gone one.

    An ad that was deleted, which Meta does not list, is the only one that falls so far behind.
    """
    run = nights()
    account = widest(run)
    gone = account.ads[0].id
    in_full, behind = {}, {}
    for night, days in ((0, 1), (1, 5), (6, 1), (7, 1), (8, 6), (14, 1)):
        a_week_before = run.clock.now - 7 * DAY
        output = run.run(days=days)
        assert output.code == 0
        in_full[night] = {"updated_since" not in call.params for call in run.calls("ads")}
        behind[night] = {
            row["id"]
            for row in run.tables["ads"].values()
            if dt.datetime.fromisoformat(row["read_at"]) < a_week_before
        }
        if night == 0:
            run.sandbox.world.statuses.delete(gone)

    assert in_full == {0: {True}, 1: {False}, 6: {False}, 7: {True}, 8: {False}, 14: {True}}
    assert behind == {0: set(), 1: set(), 6: set(), 7: set(), 8: {gone}, 14: {gone}}


def test_state__has_a_partition_for_each_account(
    nights: Callable[..., Nights], clock: Clock
) -> None:
    """Each dimension keeps, by account, when it was read in full; ads also the newest change."""
    run = nights()
    began = clock.now
    run.run()
    run.run()
    world = run.sandbox.world
    readable = {account.id for account in world.readable()}

    for name in DIMENSIONS:
        assert run.state["bookmarks"][name].keys() == {"partitions"}
        assert set(partitions(run.state, name)) == readable
    for account in world.readable():
        ads = partitions(run.state, "ads")[account.id]
        newest = max(map(world.statuses.updated, account.ads))
        assert ads["replication_key"] == "updated_time"
        assert ads["replication_key_value"] == newest.replace(microsecond=0).isoformat()
        assert began <= dt.datetime.fromisoformat(ads["full_at"]) < began + dt.timedelta(minutes=2)
        assert dt.datetime.fromisoformat(ads["read_at"]) >= began + DAY
        assert len(ads["basis"]) == 16
        creatives = partitions(run.state, "adcreatives")[account.id]
        assert creatives.keys() == {"context", "full_at", "looked_up_at"}
        assert dt.datetime.fromisoformat(creatives["full_at"]) >= began + DAY


def test_column__selected_later_is_filled_everywhere(nights: Callable[..., Nights]) -> None:
    """Ads that did not change have a new column's value the same night, too."""
    run = nights("ads")
    first = run.run(without=("effective_status", "name"))
    assert not {"effective_status", "name"} & set(first.schemas["ads"]["schema"]["properties"])
    asked = {call.params["fields"] for call in run.calls("ads")}
    assert not any("name" in fields for fields in asked)

    run.run()

    assert run.statuses("ads") == run.true_statuses("ads")


# Deleted and archived objects.


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
def test_deleted__insights_still_find_their_objects(
    nights: Callable[..., Nights], *, listed: bool
) -> None:
    """Whatever was deleted or archived after it delivered, each insights row finds its object.

    Where Meta lists deleted objects their status says so; else they have the `read_at` of an
    earlier night than all others of their account.
    """
    run = nights(*JOINED, dials={"deleted_listed": listed})
    run.run()
    world = run.sandbox.world
    account = widest(run)
    living = [each for each in account.campaigns if each.effective_status == "ACTIVE"]
    world.statuses.delete(living[0].id)
    world.statuses.delete(living[1].adsets[0].ads[0].id)
    world.statuses.set(living[1].adsets[1].id, "ARCHIVED")

    second = run.run()

    assert second.code == 0
    assert run.orphans() == NO_ORPHANS
    for stream in ("campaigns", "adsets", "ads"):
        truth = run.true_statuses(stream)
        gone = {object_id for object_id, status in truth.items() if status == "DELETED"}
        assert gone
        if listed:
            assert run.statuses(stream) == truth
        else:
            rows = [row for row in run.tables[stream].values() if row["account_id"] == account.id]
            newest = max(row["read_at"] for row in rows)
            assert {row["id"] for row in rows if row["read_at"] < newest} == gone
            assert {
                each: status for each, status in run.statuses(stream).items() if each not in gone
            } == {each: status for each, status in truth.items() if each not in gone}


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
def test_deleted__before_the_first_run_are_read_by_their_own_ids(
    nights: Callable[..., Nights], *, listed: bool
) -> None:
    """A report on deleted ads finds them, their ad sets, campaigns and creatives."""
    report = {
        "name": "gone",
        "level": "ad",
        "fields": ["campaign_id", "adset_id", "spend"],
        "filtering": [
            {"field": "ad.effective_status", "operator": "IN", "value": ["DELETED", "ACTIVE"]}
        ],
    }
    run = nights("gone", *DIMENSIONS, dials={"deleted_listed": listed}, reports=[report])
    world = run.sandbox.world
    account = widest(run)
    living = [each for each in account.campaigns if each.effective_status == "ACTIVE"]
    world.statuses.delete(living[0].id)
    world.statuses.delete(living[1].adsets[0].ads[0].id)

    output = run.run()

    assert output.code == 0
    assert not output.complaints
    named = {row["ad_id"] for row in run.tables["gone"].values()}
    assert {ad.id for ad in living[0].adsets[0].ads} & named
    statuses = run.statuses("ads")
    assert {statuses[ad_id] for ad_id in named} == {"ACTIVE", "DELETED"}
    for stream, column in (("campaigns", "campaign_id"), ("adsets", "adset_id")):
        ids = {row[column] for row in run.tables["gone"].values()}
        assert ids <= set(run.statuses(stream))
    rows = [row for row in run.tables["ads"].values() if row["account_id"] == account.id]
    assert len({row["read_at"] for row in rows}) == 1
    creatives = {row["id"] for row in run.tables["adcreatives"].values()}
    assert {row["creative_id"] for row in rows} <= creatives


# What is selected.


def test_status__narrows_dimensions_and_not_insights(nights: Callable[..., Nights]) -> None:
    """`effective_status` lets only such campaigns, ad sets and ads through, and all insights."""
    run = nights(*JOINED, "campaign_insights")
    all_of_it = run.run(days=0)
    run.state = {}
    run.tables.clear()
    output = run.run(settings={"effective_status": ["ACTIVE"]})

    assert output.code == 0
    for stream in ("campaigns", "adsets", "ads"):
        truth = {each: s for each, s in run.true_statuses(stream).items() if s == "ACTIVE"}
        assert run.statuses(stream) == truth
        assert output.counts[stream] < all_of_it.counts[stream]
    for stream in ("ad_insights", "campaign_insights", "adcreatives"):
        assert output.counts[stream] == all_of_it.counts[stream] > 0


@pytest.mark.parametrize("stream", DIMENSIONS)
def test_selected__one_alone(nights: Callable[..., Nights], stream: str) -> None:
    """Each works without the others and without insights."""
    run = nights(stream, "account_sync_status")

    output = run.run()

    assert output.code == 0
    edge = "ads" if stream == "adcreatives" else stream
    assert output.counts[stream] == len([*run.objects(edge)])
    assert set(output.schemas) == {stream, "account_sync_status"}
    status = output.tables["account_sync_status"].values()
    assert {row["result"] for row in status} == {"delivered"}
    assert sum(row["rows"] for row in status) == output.counts[stream]
    assert sum(row["calls"] for row in status) == len(run.calls())
    assert not [call for call in run.sandbox.calls if call.kind == "insights"]


def test_selected__a_test_run_writes_a_row_of_each(nights: Callable[..., Nights]) -> None:
    """`--test` asks each stream by itself, for a row."""
    run = nights()

    output = run.run(arguments=("--test",), minute=None)

    assert output.code == 0
    # Of all streams, selected or not: that is the SDK's way.
    assert {name: output.counts[name] for name in DIMENSIONS} == dict.fromkeys(DIMENSIONS, 1)


def test_selected__none_unless_asked_for(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """Neither a run without a catalog nor what meltano.yml selects reads them."""
    output = run_tap(tmp_path, config)
    project = yaml.safe_load((Path(__file__).parents[2] / "meltano.yml").read_text("utf-8"))
    (extractor,) = project["plugins"]["extractors"]

    assert output.code == 0
    assert not {call.kind for call in sandbox.calls} & {*DIMENSIONS, "object"}
    assert not set(output.schemas) & set(DIMENSIONS)
    assert not {each.partition(".")[0] for each in extractor["select"]} & set(DIMENSIONS)


# What goes wrong.


def test_broken__creatives_cost_their_rows_only(
    nights: Callable[..., Nights], large: World
) -> None:
    """One on the first page, two on the second, one on the last: named in one line, exit 0."""
    ads = large.readable()[0].ads
    broken = {str(int(ads[number].id) + 1) for number in (7, 130, 131, 229)}
    for creative_id in broken:
        large.break_creative(creative_id)
    run = nights("adcreatives", world=large)

    # Waits of a minute take a second: Meta's "unknown error" is worth some tries.
    output = run.run(minute=1)

    assert output.code == 0
    expected = {str(int(ad.id) + 1) for ad in ads} - broken
    assert {row["id"] for row in output.tables["adcreatives"].values()} == expected
    assert output.counts["adcreatives"] == 226
    (warning,) = output.complaints
    assert all(creative_id in warning for creative_id in broken)
    assert len(run.calls()) < 100


@pytest.mark.parametrize("wording", ["invalid", "nonexisting"])
def test_field__that_meta_refuses_costs_its_column_only(
    nights: Callable[..., Nights], wording: str
) -> None:
    """Refused to one account, a field is empty there; refused to all, everywhere: exit 0."""
    run = nights(*JOINED)
    account = widest(run)
    dial = run.sandbox.refused_fields
    dial.refuse("campaign.topline_id", account.id, wording=wording)
    dial.refuse("ad.conversion_domain", wording=wording)
    dial.refuse("creative.url_tags", wording=wording)

    output = run.run()

    assert output.code == 0
    for row in output.tables["campaigns"].values():
        assert row["topline_id"] == (None if row["account_id"] == account.id else "0")
        assert row["name"]
    assert {row["conversion_domain"] for row in output.tables["ads"].values()} == {None}
    assert {row["url_tags"] for row in output.tables["adcreatives"].values()} == {None}
    assert run.orphans() == NO_ORPHANS
    for name in ("topline_id", "conversion_domain", "url_tags"):
        assert len([line for line in output.complaints if f"the field {name} " in line]) == 1
    assert len(output.complaints) == 3


@pytest.mark.parametrize("wording", ["invalid", "nonexisting", "unnamed"])
def test_list_beneath__a_campaign_is_one_column(
    nights: Callable[..., Nights], wording: str
) -> None:
    """Studies come as a list of what was asked for, and cost only themselves where refused."""
    run = nights("campaigns")
    guilty = widest(run)
    run.sandbox.refused_fields.refuse("campaign.brand_lift_studies", guilty.id, wording=wording)

    output = run.run()

    assert output.code == 0
    studied = {
        campaign.id
        for account in run.sandbox.world.readable()
        if account is not guilty
        for campaign in account.campaigns
        if not int(campaign.id) % 4
    }
    told = {
        row["id"]: row["brand_lift_studies"]
        for row in output.tables["campaigns"].values()
        if row["brand_lift_studies"]
    }
    assert told.keys() == studied != set()
    for campaign_id, (study,) in told.items():
        assert set(study) == {"id", "name", "type", "start_time", "end_time"}
        assert study["id"] == f"7{campaign_id}"


@pytest.mark.parametrize(
    ("edge", "trouble"),
    [
        *((edge, {"effect": "html_500"}) for edge in DIMENSIONS),
        ("ads", {"code": 80004, "subcode": 2446079}),
        ("adcreatives", {"code": 1}),
    ],
    ids=[*DIMENSIONS, "ads throttled", "creatives unknown"],
)
def test_trouble__that_does_not_end_is_one_accounts(
    nights: Callable[..., Nights], edge: str, trouble: dict[str, Any]
) -> None:
    """An edge that fails for ever in one account costs that: exit 1, named, its insights there."""
    run = nights(*JOINED, "account_sync_status")
    account = widest(run)
    run.sandbox.fault(Fault(kind=edge, account_id=account.id, times=None, **trouble))

    output = run.run(minute=0.02)

    assert output.code == 1
    results = {
        (row["account_id"], row["stream"]): row["result"]
        for row in output.tables["account_sync_status"].values()
    }
    failed = {key for key, result in results.items() if result == "failed"}
    assert (account.id, edge) in failed
    assert {account_id for account_id, _ in failed} == {account.id}
    assert (account.id, "ad_insights") not in failed
    assert any(f"failed: {account.id}" in line for line in output.complaints)
    insights = {row["account_id"] for row in output.tables["ad_insights"].values()}
    assert account.id in insights
    # Where anything is kept of it, it is only that it had trouble.
    assert set(partitions(output.state, edge).get(account.id, ())) <= {"context", "trouble"}
    assert account.id in partitions(output.state, "ad_insights")
    carrier = "ads" if edge == "adcreatives" else edge
    others = {each.id for each in run.sandbox.world.readable()} - {account.id}
    for other in others:
        rows = [row for row in output.tables[edge].values() if row["account_id"] == other]
        assert len(rows) == len([*run.objects(carrier, run.sandbox.world.account(other))])


def test_lost_access__keeps_the_bookmarks(nights: Callable[..., Nights]) -> None:
    """An account whose share is withdrawn is lost or skipped, and goes on where it was."""
    run = nights(*JOINED, "account_sync_status")
    run.run()
    account = widest(run)
    kept = {name: partitions(run.state, name)[account.id] for name in DIMENSIONS}

    run.sandbox.world.revoke(account.id)
    lost = run.run()
    run.sandbox.world.restore(account.id)
    run.sandbox.fault(Fault(kind="campaigns", account_id=account.id, times=None, code=200))
    skipped = run.run()
    run.sandbox.clear_faults()

    everywhere = dict.fromkeys(DIMENSIONS, "lost")
    only_there = {**dict.fromkeys(DIMENSIONS, "delivered"), "campaigns": "skipped"}
    for output, results in ((lost, everywhere), (skipped, only_there)):
        rows = [
            row
            for row in output.tables["account_sync_status"].values()
            if row["account_id"] == account.id and row["stream"] in DIMENSIONS
        ]
        assert output.code == 0
        assert {row["stream"]: row["result"] for row in rows} == results
        for name in DIMENSIONS:
            if results[name] != "delivered":
                now = partitions(output.state, name)[account.id]
                assert {key: now[key] for key in now if key != "trouble"} == kept[name]
    told = [row for row in lost.tables["account_sync_status"].values() if row["result"] == "lost"]
    assert all(
        "its last day is 2026-11-25" in row["reason"] for row in told if row["stream"] in DIMENSIONS
    )
    again = run.run()
    assert again.code == 0
    assert {row["account_id"] for row in again.tables["campaigns"].values()} >= {account.id}


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("lines", [20, 130])
def test_killed__costs_only_repetition(
    nights: Callable[..., Nights], lines: int, signal_number: int
) -> None:
    """Rows written before a signal and those of the next run are together all there are."""
    run = nights()
    run.sandbox.fault(Fault(kind="ads", times=None, effect="delay", seconds=0.3))
    first = run.run(kill_after_lines=lines, signal_number=signal_number)
    run.sandbox.clear_faults()
    second = run.run()

    by_hand = signal_number == signal.SIGTERM
    assert first.code == (128 + signal_number if by_hand else -signal_number)
    assert second.code == 0
    for stream in ("campaigns", "adsets", "ads"):
        assert run.statuses(stream) == run.true_statuses(stream)
    assert {row["id"] for row in run.tables["adcreatives"].values()} == {
        str(int(ad.id) + 1) for _, ad in run.objects("ads")
    }


def test_longest_run__leaves_the_rest_for_the_next(nights: Callable[..., Nights]) -> None:
    """After `max_run_minutes` nothing is begun; exit 0, and the next run reads what is missing."""
    run = nights("account_sync_status", *DIMENSIONS, max_run_minutes=0.02, max_concurrency=1)
    run.sandbox.fault(Fault(kind="adsets", times=None, effect="delay", seconds=0.5))
    first = run.run()
    run.sandbox.clear_faults()
    results = [row["result"] for row in first.tables["account_sync_status"].values()]
    assert first.code == 0
    assert {"delivered", "unfinished"} <= set(results)
    assert set(results) <= {"delivered", "unfinished"}

    second = run.run(settings={"max_run_minutes": 5})

    assert second.code == 0
    for stream in ("campaigns", "adsets", "ads"):
        assert run.statuses(stream) == run.true_statuses(stream)


# What it costs.


def test_calls__four_an_account_and_night(nights: Callable[..., Nights], clock: Clock) -> None:
    """Of small accounts each dimension is one call a night, idle ones too; ads alone are three."""
    world = World.agency(seed=7, accounts=40, days=30, now=clock)
    run = nights(world=world, dials={"deleted_listed": True})
    accounts = len(world.readable())

    in_full = (run.run(), len(run.calls()))
    quiet = (run.run(), len(run.calls()))
    ads = (run.run("ads"), len(run.calls()))

    for output, calls in (in_full, quiet):
        assert (output.code, calls) == (0, 4 * accounts)
    assert ads[1] == 3 * accounts


def test_calls__asking_for_deleted_ones_is_not_repeated(nights: Callable[..., Nights]) -> None:
    """Where Meta does not list them, a run asks three accounts in vain, in both ways."""
    run = nights("campaigns", max_concurrency=1)

    run.run()

    refused = [call for call in run.calls() if call.status == 400]
    assert len(run.sandbox.world.readable()) > 3
    assert [call.account_id for call in refused[::2]] == [call.account_id for call in refused[1::2]]
    assert len({call.account_id for call in refused}) == 3
    for parameter, each in (("effective_status", refused[::2]), ("filtering", refused[1::2])):
        assert all("DELETED" in call.params[parameter] for call in each)
