"""One run over all ad accounts: who is read in which order, who is not, and what is said."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.dimensions.request import DimensionPlan
from tap_meta_partner.dimensions.tables import DIMENSIONS, selected_columns
from tap_meta_partner.graph.errors import RequestRefused, TokenRefused
from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.lanes.threads import ThreadTransport
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.settings.model import ReportDefinition, Settings
from tap_meta_partner.sync.events import (
    BookmarkMoved,
    Outcome,
    Rows,
    StreamResult,
)
from tap_meta_partner.sync.run import Interrupted, SyncRun
from tests.support.fakes import (
    ACCOUNT_LIMIT,
    NO_ACCESS,
    TOKEN_DEAD,
    FakeTransport,
    Graph,
    ad_row,
    fault,
)
from tests.support.fakes import Clock as Seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply

#: 03:00 in London, 04:00 in Berlin, 16:00 in Auckland, and 19:00 the day before in Los Angeles.
START = dt.datetime(2026, 11, 25, 3, 0, tzinfo=dt.timezone.utc)
TODAY = dt.date(2026, 11, 25)
YESTERDAY = dt.date(2026, 11, 24)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


def plan(level: str) -> InsightsPlan:
    report = ReportDefinition(
        name=f"{level}_insights", level=level, fields=("spend",), start_date=day("11-20")
    )
    return InsightsPlan(definition=report, columns=columns_of(report), rows_to=report.name)


AD = plan("ad")
BOOKMARK = Bookmark(day=YESTERDAY, since=day("11-01"))


@dataclass(slots=True)
class Night:
    """A run whose Meta, clock and transport are made up.

    Args:
        accounts: what `/me/adaccounts` lists.
        truth: rows of ads by account id; nobody has any where left out.
        hook: asked first about every call but the list.
        latency: seconds a call takes.
        settings: of the run.
    """

    accounts: list[dict[str, Any]]
    truth: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    hook: Callable[[Call], Reply | None] = lambda _call: None
    latency: Callable[[Call], float] = lambda _call: 1.0
    settings: dict[str, Any] = field(default_factory=dict)
    seconds: Seconds = field(default_factory=Seconds)
    transports: list[FakeTransport] = field(default_factory=list)
    graph: Graph = field(init=False)
    run: SyncRun = field(init=False)

    def __post_init__(self) -> None:
        truth = {str(item["account_id"]): [] for item in self.accounts}
        self.graph = Graph({**truth, **self.truth}, hook=self._answer)
        begun = self.seconds.now
        self.run = SyncRun(
            settings=Settings(access_token="T", **self.settings),
            clock=Clock(
                utc_now=lambda: START + dt.timedelta(seconds=self.seconds.now - begun),
                monotonic=self.seconds,
                jitter=lambda: 0.0,
            ),
            further=False,
            make_transport=self._transport,
        )

    def _transport(self) -> FakeTransport:
        self.transports.append(FakeTransport(self.graph, self.seconds, self.latency))
        return self.transports[-1]

    def _answer(self, call: Call) -> Reply | None:
        reply = self.hook(call)
        if reply is None and call.path == "me/adaccounts":
            return {"data": self.accounts}
        return reply

    def events(
        self, *plans: InsightsPlan, bookmarks: dict[str, dict[str, Bookmark]] | None = None
    ) -> Iterator[Any]:
        """Read all accounts in these streams."""
        wanted = plans or (AD,)
        return self.run.events(wanted, {item.name: {} for item in wanted} | (bookmarks or {}))

    def outcomes(self) -> dict[tuple[str, str], str]:
        """Return each account's result in each stream."""
        return {(item.account_id, item.stream): item.result for item in self.run.results.of_streams}

    def asked(self) -> list[str]:
        """Return the paths asked, in order."""
        return [call.path for call in self.graph.calls]


def account(account_id: str, **more: object) -> dict[str, Any]:
    return {"account_id": account_id, "account_status": 1, "timezone_name": "UTC", **more}


THREE = [account("1", name="One"), account("2", name="Two"), account("3", name="Three")]


# What happens.


def test_insights__rows_then_bookmarks_then_results() -> None:
    """Rows come out before their bookmark moves, with its account, and a result closes each one."""
    night = Night(THREE[:1], {"1": [ad_row("2026-11-21", "a1", "1.50")]})

    rows, end, result = night.events()

    assert isinstance(rows, Rows)
    assert [(row["ad_id"], str(row["spend"])) for row in rows.records] == [("a1", "1.50")]
    assert isinstance(end, BookmarkMoved)
    assert isinstance(end.bookmark, Bookmark)
    assert (end.account_id, end.bookmark.day) == ("1", YESTERDAY)
    assert isinstance(result, StreamResult)
    assert (result.account_name, result.result, result.rows) == ("One", Outcome.DELIVERED, 1)
    assert night.run.results.rows == {"ad_insights": 1}
    assert night.run.results.calls == 2
    assert night.run.results.of_streams == [result]


def test_discovery__asks_once_a_run() -> None:
    """However often the accounts are wanted, Meta lists them once."""
    night = Night(THREE)

    first = night.run.discovery()
    list(night.events())

    assert night.run.discovery() is first
    assert night.asked().count("me/adaccounts") == 1
    assert [item.account_id for item in first.readable] == ["1", "2", "3"]


def test_discovery__that_is_refused_ends_the_run() -> None:
    """Without a list of accounts there is nothing to do: the error comes out."""
    night = Night(THREE, hook=lambda _: fault(*NO_ACCESS))

    with pytest.raises(RequestRefused, match="made up"):
        night.run.discovery()

    assert night.run.results.calls == 1
    assert night.transports[0].closed


def test_insights__a_dead_token_comes_out() -> None:
    """A token that dies on the way ends all lanes and lets the transport go."""
    night = Night(
        THREE, hook=lambda call: fault(*TOKEN_DEAD) if call.path.startswith("act_") else None
    )

    with pytest.raises(TokenRefused):
        list(night.events())

    assert all(transport.closed for transport in night.transports)


def test_insights__one_account_without_rights_costs_the_others_nothing() -> None:
    """A client who withdrew is skipped; everybody else is delivered."""
    night = Night(THREE, hook=lambda call: fault(*NO_ACCESS) if call.account_id == "2" else None)

    list(night.events())

    assert night.outcomes() == {
        ("1", "ad_insights"): Outcome.DELIVERED,
        ("2", "ad_insights"): Outcome.SKIPPED,
        ("3", "ad_insights"): Outcome.DELIVERED,
    }
    assert night.run.results.failed() is False


def test_insights__each_drive_has_a_transport_of_its_own() -> None:
    """The list and the insights have one each, closed at its end: late answers reach nobody."""
    night = Night(THREE)

    list(night.events())

    assert len(night.transports) == 2
    assert all(transport.closed for transport in night.transports)


def test_insights__abandoned_half_way_lets_the_transport_go() -> None:
    """Whoever stops listening (as `--test` does) leaves nothing running, and calls are counted."""
    night = Night(THREE)
    events = night.events()

    next(events)
    events.close()

    assert night.transports[-1].closed
    assert night.run.results.calls == len(night.graph.calls) + night.transports[-1].under_way


def test_insights__without_a_transport_of_the_tests_uses_threads() -> None:
    """A run as users start it sends its calls on as many threads as requests are allowed."""
    run = SyncRun(settings=Settings(access_token="T", max_concurrency=5))

    transport = run._new_transport()

    assert isinstance(transport, ThreadTransport)
    assert transport.threads == 5


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

    assert [call.params["level"] for call in night.graph.calls[1:]] == ["account"]
    assert [item.stream for item in night.run.results.of_streams] == [
        "account_insights",
        "campaign_insights",
        "ad_insights",
    ]


# Days.


@pytest.mark.parametrize(
    ("zone", "offset", "today"),
    [
        ("Europe/Berlin", None, "2026-11-25"),
        ("America/Los_Angeles", None, "2026-11-24"),
        ("Pacific/Kiritimati", None, "2026-11-25"),
        (None, -4.0, "2026-11-24"),
        (None, None, "2026-11-25"),
    ],
)
def test_today__is_the_accounts_own(zone: str | None, offset: float | None, today: str) -> None:
    """Days are days of the ad account's time zone, or of its offset where the zone is unknown."""
    night = Night(THREE)
    one = AdAccount(account_id="1", timezone_name=zone, timezone_offset_hours=offset)

    assert str(night.run.today_of(one)) == today


def test_today__stays_the_same_through_the_night() -> None:
    """A run that passes an account's midnight goes on asking up to the day it began on."""
    west = [account(str(n), timezone_name="America/Los_Angeles") for n in range(1, 4)]
    night = Night(west, latency=lambda _: 4 * 3600.0, settings={"max_concurrency": 1})

    list(night.events())

    untils = [call.params["time_range"]["until"] for call in night.graph.calls[1:]]
    assert untils == ["2026-11-24"] * 3


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


# Ends.


def test_time__after_it_no_window_is_begun() -> None:
    """`max_run_minutes` lets what is under way end; the rest is unfinished, no failure."""
    night = Night(
        THREE,
        latency=lambda _: 60.0,
        settings={"max_concurrency": 1, "max_run_minutes": 2.5},
    )

    list(night.events())

    # A minute for the list, one for each account: the third would begin after three.
    assert list(night.outcomes().values()) == [
        Outcome.DELIVERED,
        Outcome.DELIVERED,
        Outcome.UNFINISHED,
    ]
    assert night.asked() == ["me/adaccounts", "act_1/insights", "act_2/insights"]
    assert night.run.results.failed() is False


def test_stop__interrupts_and_wakes() -> None:
    """After `stop` no further call goes out, and what was handed on stays counted."""
    night = Night(THREE, settings={"max_concurrency": 1})
    events = night.events()

    seen = [next(events)]
    night.run.stop()
    sent = len(night.graph.calls)
    with pytest.raises(Interrupted):
        seen += list(events)

    assert night.transports[-1].woken
    assert night.transports[-1].closed
    assert len(night.graph.calls) == sent
    assert night.run.results.calls == 2


def test_stop__before_anything_began_makes_no_call() -> None:
    """A signal that comes first ends the run before the list of accounts."""
    night = Night(THREE)

    night.run.stop()

    with pytest.raises(Interrupted):
        list(night.events())
    assert night.graph.calls == []


def test_stop__is_seen_by_an_account_under_way() -> None:
    """An account between two windows begins no further one."""
    night = Night(THREE[:1])

    night.run.stopping = True

    assert night.run._may_begin() is False


# What is said.


def result(account_id: str, kind: str, stream: str = "ad_insights", **more: Any) -> StreamResult:  # noqa: ANN401
    return StreamResult(
        **{"account_id": account_id, "account_name": "", "stream": stream, "result": kind, **more}
    )


@pytest.mark.parametrize(
    ("kinds", "strict", "failed"),
    [
        ([], False, False),
        ([Outcome.DELIVERED], False, False),
        ([Outcome.DELIVERED], True, False),
        ([Outcome.DELIVERED, Outcome.SKIPPED], False, False),
        ([Outcome.DELIVERED, Outcome.LOST], False, False),
        ([Outcome.DELIVERED, Outcome.SKIPPED], True, True),
        ([Outcome.DELIVERED, Outcome.LOST], True, True),
        ([Outcome.DELIVERED, Outcome.FAILED], False, True),
        ([Outcome.DELIVERED, Outcome.UNFINISHED], False, False),
        ([Outcome.UNFINISHED], False, False),
        ([Outcome.UNFINISHED, Outcome.SKIPPED], False, False),
        ([Outcome.UNFINISHED, Outcome.SKIPPED], True, True),
        ([Outcome.SKIPPED], False, True),
        ([Outcome.SKIPPED, Outcome.LOST], False, True),
        ([Outcome.FAILED], False, True),
    ],
)
def test_failed__tells_whether_a_person_is_needed(
    kinds: list[str],
    strict: bool,  # noqa: FBT001  (a case)
    failed: bool,  # noqa: FBT001
) -> None:
    """Lost access alone is no failure, unless the settings say so or nobody was delivered."""
    run = SyncRun(settings=Settings(access_token="T", fail_on_skipped_accounts=strict))
    run.results.of_streams = [result(str(number), kind) for number, kind in enumerate(kinds)]

    assert run.results.failed() is failed


def test_summary__counts_accounts_and_names_those_with_trouble() -> None:
    """One line of figures, then each account that needs a person, with its worst result."""
    night = Night(
        [account(str(n), name=f"Client {n}") for n in range(1, 4)],
        {"1": [ad_row("2026-11-21", "a1", "1.50"), ad_row("2026-11-22", "a1", "2.50")]},
        hook=lambda call: fault(*NO_ACCESS) if call.account_id == "2" else None,
        settings={"max_concurrency": 1},
    )

    list(night.events(bookmarks={"ad_insights": {"9": BOOKMARK}}))
    figures, *troubles = night.run.results.summary()

    assert figures == (
        "ad accounts: 2 delivered, 1 skipped, 1 lost, 0 failed; 2 rows, 4 calls, "
        "0 throttle errors, 0.0 account-minutes parked, 4 s"
    )
    assert [line.partition(":")[0] for line in troubles] == ["lost", "skipped"]
    assert troubles[0].startswith("lost: 9, ad_insights: no longer among the accounts")
    assert troubles[1].startswith("skipped: 2 (Client 2), ad_insights: no permission")


def test_summary__tells_of_limits_and_unfinished_accounts() -> None:
    """Throttling and unfinished accounts are figures of the first line."""
    limits = iter([fault(*ACCOUNT_LIMIT)])
    night = Night(
        THREE,
        hook=lambda call: next(limits, None) if call.path.startswith("act_") else None,
        settings={"max_concurrency": 1, "max_run_minutes": 0.05},
    )

    list(night.events())

    assert night.run.results.summary()[0] == (
        # The parked account is not waited for: it is unfinished, and so is what comes after 3 s.
        "ad accounts: 1 delivered, 2 unfinished, 0 skipped, 0 failed; 0 rows, 3 calls, "
        "1 throttle errors, 1.0 account-minutes parked, 3 s"
    )


def test_summary__an_account_counts_by_its_worst_stream() -> None:
    """An account delivered in one stream and failed in another is a failed account."""
    run = SyncRun(settings=Settings(access_token="T"))
    run.results.of_streams = [
        result("1", Outcome.DELIVERED, "account_insights"),
        result("1", Outcome.FAILED, "campaign_insights", reason="first"),
        result("1", Outcome.SKIPPED, "ad_insights"),
        result("1", Outcome.FAILED, "ad_insights", reason="second"),
    ]

    figures, *troubles = run.results.summary()

    assert figures.startswith("ad accounts: 0 delivered, 0 skipped, 1 failed; ")
    assert troubles == ["failed: 1, campaign_insights: first"]


def test_summary__tells_where_the_levels_do_not_add_up() -> None:
    """The account, the days, both numbers, and that this alone is no failure."""

    def hook(call: Call) -> Reply | None:
        return {"data": []} if call.params.get("level") == "ad" else None

    night = Night(THREE, {"2": [ad_row("2026-11-21", "a1", "12.50")]}, hook)

    list(night.events(plan("account"), AD))

    (line,) = [line for line in night.run.results.summary() if "spend differs" in line]
    assert line.startswith(
        "spend differs: 2 (Two), 2026-11-21 to 2026-11-21: the account spent 12.5, its ads add up "
        "to 0 (12.5 less)"
    )
    assert "take totals from account_insights" in line
    assert not night.run.results.failed()


@pytest.mark.parametrize(("has_rows", "hinted"), [(False, True), (True, False)])
def test_summary__says_what_an_empty_report_may_need(*, has_rows: bool, hinted: bool) -> None:
    """A breakdown that an account has to opt in to, empty although there was delivery."""
    definition = ReportDefinition(
        name="by_device",
        level="account",
        fields=("spend",),
        breakdowns=("impression_device",),
        start_date=day("11-20"),
    )
    by_device = InsightsPlan(
        definition=definition, columns=columns_of(definition), rows_to="by_device"
    )

    def hook(call: Call) -> Reply | None:
        if "breakdowns" not in call.params:
            return None
        row = {"date_start": "2026-11-21", "date_stop": "2026-11-21", "spend": "1"}
        return {"data": [{**row, "impression_device": "iphone"}] if has_rows else []}

    night = Night(THREE, {"2": [ad_row("2026-11-21", "a1", "12.50")]}, hook)

    list(night.events(AD, by_device))

    hints = [
        line for line in night.run.results.summary() if line.startswith("by_device: no row came")
    ]
    assert bool(hints) is hinted


def test_progress__is_logged_with_an_estimate(caplog: pytest.LogCaptureFixture) -> None:
    """During a long night a line says how far it is and how long it may still take."""
    caplog.set_level(logging.INFO)
    night = Night(THREE, latency=lambda _: 60.0, settings={"max_concurrency": 1})

    list(night.events())

    lines = [record.getMessage() for record in caplog.records if "accounts done" in record.message]
    # After the list (60 s) and the first account (60 s): two more at as much each.
    assert (
        "1 of 3 accounts done, 1 under way, 0 waiting, 1 to begin; 0 rows, 3 calls; "
        "0 % of the app's limit used; about 4 min to go" in lines
    )


def test_progress__says_when_parked_accounts_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """With everybody parked, the line says when it goes on."""
    caplog.set_level(logging.INFO)
    limits = iter([fault(*ACCOUNT_LIMIT)])
    night = Night(
        THREE[:1], hook=lambda call: next(limits, None) if call.path.startswith("act_") else None
    )

    list(night.events())

    assert "0 of 1 accounts done, 0 under way, 1 waiting" in caplog.text
    assert "; goes on in 5" in caplog.text
