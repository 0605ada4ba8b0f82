"""One run over all ad accounts: what happens, on whose days, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.graph.errors import RequestRefused, TokenRefused
from tap_meta_partner.insights.columns import columns_of
from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.lanes.threads import ThreadTransport
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.settings.model import ReportDefinition, Settings
from tap_meta_partner.sync.events import BookmarkMoved, Outcome, Rows, RunEnding, StreamResult
from tap_meta_partner.sync.run import Interrupted, SyncRun
from tests.support.fakes import NO_ACCESS, TOKEN_DEAD, ad_row, fault
from tests.support.sync_night import AD, THREE, YESTERDAY, Night, account, day, plan

if TYPE_CHECKING:
    from tap_meta_partner.sync.events import Event
    from tests.support.fakes import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply

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


def test_activity__that_is_refused_is_not_asked_of_everybody() -> None:
    """After some accounts had the same word, each stream asks for itself at once."""
    accounts = [account(str(number), name=f"Client {number}") for number in range(1, 81)]

    def is_activity(call: Call) -> bool:
        return call.params.get("level") == "account" and call.params.get("limit") != 1

    night = Night(
        accounts,
        hook=lambda call: fault(100, message="(#100) made up") if is_activity(call) else None,
        settings={"max_concurrency": 4},
    )

    list(night.events(plan("campaign"), AD))

    asked = [call for call in night.graph.calls if is_activity(call)]
    assert 3 <= len(asked) <= 30
    assert set(night.outcomes().values()) == {Outcome.DELIVERED}


def dies_at(account_id: str) -> Callable[[Call], Reply | None]:
    """Return a hook: from the first call about an account on, the token is dead."""
    died: list[Call] = []

    def hook(call: Call) -> Reply | None:
        if died or call.account_id == account_id:
            died.append(call)
            return fault(*TOKEN_DEAD)
        return None

    return hook


def test_ends__a_dead_token_comes_out_after_everybody_is_told() -> None:
    """A token that dies on the way ends the run, with a result for each account and stream."""
    night = Night(THREE, hook=dies_at("2"), settings={"max_concurrency": 1})
    seen: list[Event] = []

    with pytest.raises(TokenRefused):
        seen.extend(night.events(plan("account"), AD))

    # Nothing happened to the first account, which the level below confirms.
    assert night.asked()[1:] == ["act_1/insights", "act_1/insights", "act_2/insights", "me"]
    assert night.outcomes() == {
        ("1", "account_insights"): Outcome.DELIVERED,
        ("1", "ad_insights"): Outcome.DELIVERED,
        ("2", "account_insights"): Outcome.FAILED,
        ("2", "ad_insights"): Outcome.FAILED,
        ("3", "account_insights"): Outcome.UNFINISHED,
        ("3", "ad_insights"): Outcome.UNFINISHED,
    }
    reason = night.run.results.of_streams[-1].reason
    assert reason.startswith("the run ended before it: the access token has expired")
    assert seen.index(RunEnding()) == len(seen) - 3
    assert all(transport.closed for transport in night.transports)


def test_ends__an_account_under_way_keeps_what_it_closed() -> None:
    """What was covered before the end is told, so that rows of other days are left alone."""
    night = Night(THREE[:2], hook=dies_at("2"), settings={"max_concurrency": 2})
    long_ago = ReportDefinition(
        name="ad_insights", level="ad", fields=("spend",), start_date=day("09-01")
    )
    wide = InsightsPlan(definition=long_ago, columns=columns_of(long_ago), rows_to="ad_insights")
    night.latency = lambda call: 9.0 if call.account_id == "2" else 1.0

    with pytest.raises(TokenRefused):
        list(night.events(wide))

    (one,) = [each for each in night.run.results.of_streams if each.account_id == "1"]
    assert one.covered is not None
    assert one.covered.since == day("09-01")


def test_ends__without_a_list_those_known_are_told() -> None:
    """Where not even the accounts can be listed, those with a bookmark are told of it."""
    night = Night(THREE, hook=lambda _: fault(*TOKEN_DEAD))

    with pytest.raises(TokenRefused):
        list(night.events(bookmarks={"ad_insights": {"1": Bookmark(day=YESTERDAY)}}))

    assert night.outcomes() == {("1", "ad_insights"): Outcome.UNFINISHED}
    assert night.asked() == ["me/adaccounts"]


def test_ends__a_signal_tells_of_everybody_without_a_call() -> None:
    """After `stop` each account still has its result, and no call goes out for it."""
    night = Night(THREE, settings={"max_concurrency": 1})
    events = night.events()

    next(events)
    night.run.stop()
    sent = len(night.graph.calls)
    with pytest.raises(Interrupted):
        list(events)

    assert len(night.graph.calls) == sent
    assert list(night.outcomes().values()) == [
        Outcome.DELIVERED,
        Outcome.UNFINISHED,
        Outcome.UNFINISHED,
    ]
    assert "stopped by a signal" in night.run.results.of_streams[-1].reason


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


def test_discovery__what_meta_withheld_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A business whose accounts cannot be listed is warned of, once a run."""
    edges: dict[str, Reply] = {
        "9/owned_ad_accounts": fault(*NO_ACCESS),
        "9/client_ad_accounts": {"data": []},
    }
    night = Night(THREE, hook=lambda call: edges.get(call.path), settings={"business_id": "9"})

    list(night.events())

    (line,) = [text for text in caplog.messages if text.startswith("business_id: ")]
    assert "9/owned_ad_accounts cannot be listed" in line


def test_insights__without_a_transport_of_the_tests_uses_threads() -> None:
    """A run as users start it sends its calls on as many threads as requests are allowed."""
    run = SyncRun(settings=Settings(access_token="T", max_concurrency=5))

    transport = run._new_transport()

    assert isinstance(transport, ThreadTransport)
    assert transport.threads == 5


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
