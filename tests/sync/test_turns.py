"""Who is read in which order, and who is not."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.dimensions.request import DimensionPlan
from tap_meta_partner.dimensions.tables import DIMENSIONS, selected_columns
from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.settings.model import AccessToken, ReportDefinition
from tap_meta_partner.sync.events import Outcome
from tests.support.fakes import TOKEN_DEAD, fault
from tests.support.sync_night import (
    AD,
    BOOKMARK,
    START,
    THREE,
    YESTERDAY,
    Night,
    account,
    day,
    plan,
)

if TYPE_CHECKING:
    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply


# In which order.


def test_order__the_account_whose_data_is_oldest_goes_first() -> None:
    """New accounts first, then the one furthest behind: nobody starves night after night."""
    night = Night([account(str(n)) for n in range(1, 5)], settings={"max_concurrency": 1})
    known = {
        "1": Bookmark(day=day("11-24")),
        "2": Bookmark(day=day("11-10")),
        "4": Bookmark(day=day("11-20")),
    }

    list(night.events(bookmarks={"ad_insights": known}))

    assert night.asked()[1:] == [f"act_{n}/insights" for n in (3, 2, 4, 1)]


def test_order__the_stream_furthest_behind_counts() -> None:
    """An account is as old as its oldest stream."""
    night = Night(THREE[:2], settings={"max_concurrency": 1})
    bookmarks = {
        "account_insights": {"1": Bookmark(day=day("11-24")), "2": Bookmark(day=day("11-23"))},
        "ad_insights": {"1": Bookmark(day=day("11-01")), "2": Bookmark(day=day("11-22"))},
    }

    list(night.events(plan("account"), AD, bookmarks=bookmarks))

    assert night.asked()[1] == "act_1/insights"


def test_order__an_account_whose_ads_did_not_change_was_read_last_night() -> None:
    """Ads read by what changed count from that reading: those read in full are not always last."""
    night = Night(THREE[:2], settings={"max_concurrency": 1})
    ads = DimensionPlan(dimension=DIMENSIONS["ads"], columns=selected_columns("ads", ()))
    in_full = START - dt.timedelta(days=5)
    known = {
        "1": DimensionBookmark(full_at=in_full, read_at=START - dt.timedelta(days=1)),
        "2": DimensionBookmark(full_at=in_full, read_at=START - dt.timedelta(days=2)),
        "9": DimensionBookmark(full_at=in_full, read_at=START - dt.timedelta(days=1)),
    }
    night.hook = lambda call: {"data": []} if call.path.startswith("act_") else None

    list(night.run.events([ads], {"ads": known}))

    assert night.asked()[1] == "act_2/campaigns"
    assert "its last day is 2026-11-24" in night.run.results.of_streams[0].reason


def test_order__dimensions_come_after_insights_and_parents_first() -> None:
    """Insights come first, then campaigns and ad sets, whose statuses ads need, then creatives."""
    night = Night(THREE[:1])
    plans = [
        DimensionPlan(dimension=DIMENSIONS[name], columns=selected_columns(name, ()))
        for name in ("adcreatives", "ads", "adsets", "campaigns")
    ]
    night.hook = lambda call: {"data": []} if call.path.startswith("act_") else None

    list(night.run.events([*plans, AD], {plan.name: {} for plan in (*plans, AD)}))

    assert night.asked()[1:] == [
        "act_1/insights",
        "act_1/campaigns",
        "act_1/adsets",
        "act_1/ads",
        "act_1/adcreatives",
    ]


def test_order__a_report_that_is_read_in_full_changes_nothing() -> None:
    """It has no bookmark: the account whose data is oldest still goes first."""
    definition = ReportDefinition(name="week", level="ad", fields=("spend",), date_preset="last_7d")
    week = InsightsPlan(definition=definition, columns=columns_of(definition), rows_to="week")
    days = {"1": YESTERDAY, "2": day("11-22"), "3": day("11-10")}
    bookmarks = {name: Bookmark(day=known, since=day("11-01")) for name, known in days.items()}
    night = Night(THREE, settings={"max_concurrency": 1})

    list(night.events(AD, week, bookmarks={"ad_insights": bookmarks}))

    asked = [call.account_id for call in night.graph.calls if call.account_id]
    assert list(dict.fromkeys(asked)) == ["3", "2", "1"]


def test_order__the_widest_level_is_read_first() -> None:
    """Whatever order the streams come in, account rows come first: they tell who lay idle."""
    night = Night(THREE[:1])

    list(night.events(AD, plan("campaign"), plan("account")))

    first, confirming = night.graph.calls[1:]
    assert first.params["level"] == "account"
    assert confirming.params["time_increment"] == "all_days"
    assert [item.stream for item in night.run.results.of_streams] == [
        "account_insights",
        "campaign_insights",
        "ad_insights",
    ]


# Who is not read.


def test_lost__accounts_are_named_with_their_last_day() -> None:
    """A bookmark whose account no longer shows up is lost: said with its last day, not asked."""
    night = Night(THREE[:1])

    list(night.events(bookmarks={"ad_insights": {"1": BOOKMARK, "9": BOOKMARK}}))

    lost = [item for item in night.run.results.of_streams if item.account_id == "9"]
    assert [item.result for item in lost] == [Outcome.LOST]
    assert "its last day is 2026-11-24" in lost[0].reason
    assert "ask the client to share it again" in lost[0].reason
    assert not any("act_9" in path for path in night.asked())
    assert night.run.results.failed() is False


def test_lost__one_that_was_never_read_has_no_last_day() -> None:
    """An account named in `account_ids` that the token cannot see is lost in every stream."""
    night = Night(THREE[:1], settings={"account_ids": ("1", "8")})

    list(night.events(AD, plan("campaign")))

    lost = [item for item in night.run.results.of_streams if item.account_id == "8"]
    assert [(item.stream, item.result) for item in lost] == [
        ("ad_insights", Outcome.LOST),
        ("campaign_insights", Outcome.LOST),
    ]
    assert "last day" not in lost[0].reason


@pytest.mark.parametrize(
    ("listed", "settings"),
    [
        ("1", {"exclude_account_ids": ("2",)}),
        ("1", {"account_ids": ("1",)}),
        ("2", {"account_statuses": ("DISABLED",)}),
        # SHA-256 of "2" begins d4735e3a265e16ee: even, so it falls to shard 0 of 2.
        ("1", {"shard_count": 2, "shard_index": 1}),
    ],
    ids=["excluded", "not named", "other status", "other shard"],
)
def test_lost__accounts_that_are_not_wanted_are_not(listed: str, settings: dict[str, Any]) -> None:
    """An account that the settings leave out is neither lost nor read, bookmark or not."""
    night = Night([account(listed)], settings=settings)

    list(night.events(bookmarks={"ad_insights": {"2": BOOKMARK}}))

    assert "2" not in {item.account_id for item in night.run.results.of_streams}
    assert "act_2/insights" not in night.asked()


def test_unassigned__accounts_are_skipped_with_what_to_do() -> None:
    """An account the business knows but nobody assigned is named in each stream and not asked."""

    def hook(call: Call) -> Reply | None:
        if call.path == "77/client_ad_accounts":
            return {"data": [account("5", name="Five")]}
        return {"data": []} if call.path == "77/owned_ad_accounts" else None

    night = Night(THREE[:1], hook=hook, settings={"business_id": "77"})

    list(night.events())

    assert night.outcomes()["5", "ad_insights"] == Outcome.SKIPPED
    (five,) = [item for item in night.run.results.of_streams if item.account_id == "5"]
    assert five.account_name == "Five"
    assert "Assign assets" in five.reason
    assert "act_5/insights" not in night.asked()


# Who failed the last time.


def test_order__whoever_failed_the_last_time_goes_last() -> None:
    """The oldest data goes first, but for those in trouble: of them who has waited longest."""
    night = Night([account(str(n)) for n in range(1, 6)], settings={"max_concurrency": 1})
    known = {
        "1": Bookmark(day=day("11-24")),
        "2": Bookmark(day=day("11-01"), trouble=START - dt.timedelta(days=1)),
        "3": Bookmark(trouble=START - dt.timedelta(days=2)),
        "4": Bookmark(day=day("11-23")),
    }

    list(night.events(bookmarks={"ad_insights": known}))

    assert night.asked()[1:] == [f"act_{n}/insights" for n in (5, 4, 1, 3, 2)]


def test_order__trouble_in_one_stream_counts_for_the_account() -> None:
    """An account has one turn for all its streams."""
    night = Night(THREE[:2], settings={"max_concurrency": 1})
    bookmarks = {
        "account_insights": {"1": BOOKMARK, "2": BOOKMARK},
        "ad_insights": {"1": Bookmark(day=day("11-01"), trouble=START)},
    }

    list(night.events(plan("account"), AD, bookmarks=bookmarks))

    assert night.asked()[1] == "act_2/insights"


def test_lost__not_where_nothing_was_ever_delivered() -> None:
    """An account that only ever had trouble, and is gone, is nobody's loss."""
    night = Night(THREE[:1])

    list(night.events(bookmarks={"ad_insights": {"9": Bookmark(trouble=START)}}))

    assert {item.account_id for item in night.run.results.of_streams} == {"1"}


TOKENS = (
    AccessToken(label="Client A", access_token="A"),
    AccessToken(label="Client B", access_token="B", account_ids=("8",)),
)


def test_unlisted__accounts_are_the_tokens_matter() -> None:
    """Where a token cannot list its accounts, those not seen are no withdrawn share."""
    night = Night(
        THREE[:1],
        hook=lambda call: fault(*TOKEN_DEAD) if call.token == 1 else None,
        settings={"access_token": "", "access_tokens": TOKENS},
    )

    list(night.events(bookmarks={"ad_insights": {"8": BOOKMARK, "9": BOOKMARK}}))

    found = {item.account_id: item for item in night.run.results.of_streams}
    assert found["8"].result == Outcome.SKIPPED
    assert "Client B: the access token has expired" in found["8"].reason
    assert "share" not in found["8"].reason
    # The other token has an account list of its own, in which 9 is missing.
    assert found["9"].result == Outcome.LOST
