"""What goes wrong, and what it costs: a stream, the account, or the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.settings.model import AccessToken
from tap_meta_partner.sync.events import BookmarkMoved, Outcome
from tap_meta_partner.sync.evidence import Evidence
from tests.support.fakes import (
    NO_ACCESS,
    NOT_THERE,
    TOKEN_DEAD,
    TOO_MUCH,
    WRONG_FIELD,
    Drive,
    Graph,
    fault,
)
from tests.support.one_account import (
    NEW,
    NOW,
    QUARTER,
    YESTERDAY,
    asked,
    closed,
    day,
    every_day,
    outcomes,
    plan,
    results,
    sync,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.graph.calls import Call
    from tap_meta_partner.graph.errors import MetaError
    from tests.support.fakes import Reply


CONTROL = {"level": "account", "fields": "impressions"}
PAGE = "(#190) A page's token is needed for this"


def is_control(call: Call) -> bool:
    return CONTROL.items() <= call.params.items()


def refusing(error: MetaError, *levels: str) -> Callable[[Call], Reply | None]:
    """Return a hook: reports of these levels are refused, control questions are not."""

    def hook(call: Call) -> Reply | None:
        is_meant = not levels or call.params.get("level") in levels
        return error if is_meant and not is_control(call) else None

    return hook


def troubles(drive: Drive) -> dict[str, Any]:
    """Return the last trouble kept, by stream."""
    return {
        event.stream: event.bookmark.trouble
        for event in drive.events
        if isinstance(event, BookmarkMoved)
    }


# The account.


@pytest.mark.parametrize("levels", [("ad",), ("campaign", "ad")], ids=["stream", "activity"])
def test_unreadable__account_is_asked_one_control_question(levels: tuple[str, ...]) -> None:
    """Where the plainest question is refused too, no other stream is asked; each says why."""
    plans = [plan(level, "11-01") for level in levels]
    drive = sync(lambda _: fault(*NO_ACCESS, "(#200) NOT grant ads_read"), plans)

    first, control = drive.calls
    assert not is_control(first)
    assert is_control(control)
    assert "breakdowns" not in control.params
    assert control.params["time_range"] == {"since": "2026-11-23", "until": "2026-11-23"}
    assert set(outcomes(drive)) == {f"{level}_insights" for level in levels}
    for result in results(drive).values():
        assert (result.result, result.code) == (Outcome.SKIPPED, 200)
        assert result.account_name == "Client One"
        assert "(#200) NOT grant ads_read" in result.reason
        assert "share the ad account" in result.reason
        assert (result.covered, result.rows) == (None, 0)
    assert closed(drive, "ad_insights") == []


def test_unreadable__is_one_stream_where_the_control_question_is_answered() -> None:
    """A report refused for its breakdown is not the share: the other streams are read."""
    graph = Graph(QUARTER, hook=refusing(fault(*NO_ACCESS), "campaign"))

    drive = sync(graph, [plan("campaign", "11-01"), plan("ad", "11-01")])

    assert outcomes(drive) == {
        "campaign_insights": Outcome.SKIPPED,
        "ad_insights": Outcome.DELIVERED,
    }
    reason = results(drive)["campaign_insights"].reason
    assert "the share is not the matter" in reason
    assert "share the ad account" not in reason


def test_unreadable__needs_no_control_where_something_worked() -> None:
    """What was read before proves that the account can be read: each stream is its own matter."""
    graph = Graph(QUARTER, hook=refusing(fault(*NO_ACCESS), "campaign"))

    drive = sync(graph, [plan(level, "11-01") for level in ("account", "campaign", "ad")])

    assert outcomes(drive) == {
        "account_insights": Outcome.DELIVERED,
        "campaign_insights": Outcome.SKIPPED,
        "ad_insights": Outcome.DELIVERED,
    }
    assert not any(map(is_control, drive.calls))


def test_unreadable__control_that_has_no_answer_proves_nothing() -> None:
    """Neither an answer nor a refusal: only what was asked is skipped, the next one is asked."""

    def answer(call: Call) -> Reply:
        return fault(2) if is_control(call) else fault(*NO_ACCESS)

    drive = sync(answer, [plan("account", "11-01"), plan("account", "11-01", name="again")])

    assert outcomes(drive) == {"account_insights": Outcome.SKIPPED, "again": Outcome.SKIPPED}
    assert sum(not is_control(call) for call in drive.calls) == 2


def test_unreadable__object_is_not_the_account() -> None:
    """A campaign that is refused while campaigns are read one by one costs nothing but itself."""

    def hook(call: Call) -> Reply | None:
        if call.path == "c1/insights":
            return fault(*NOT_THERE)
        if call.params.get("level") == "ad" and call.path.startswith("act_"):
            return fault(*TOO_MUCH)
        return None

    drive = sync(
        Graph({"1": every_day("11-24", 1)}, hook=hook),
        [plan("ad", "11-24"), plan("campaign", "11-24")],
        today=day("11-25"),
    )

    assert outcomes(drive) == {
        "ad_insights": Outcome.INCOMPLETE,
        "campaign_insights": Outcome.DELIVERED,
    }
    assert "2026-11-24: campaign c1 (spend 1.25)" in results(drive)["ad_insights"].reason


def test_unreadable__report_run_is_the_accounts_own() -> None:
    """A report run that may not be looked at is refused like the report it was made for."""
    graph = Graph(QUARTER, hook=lambda call: fault(*NO_ACCESS) if call.path == "7000" else None)

    drive = sync(graph, [plan("ad", "11-24")], mode="async")

    assert outcomes(drive) == {"ad_insights": Outcome.SKIPPED}


# The stream.


def test_refused__to_three_accounts_in_the_same_words_closes_a_stream() -> None:
    """What has worked for nobody is not asked of the others, and they are told without names."""
    truth = {name: every_day("11-01", 5) for name in "1234"}
    graph = Graph(truth)
    graph.hook = lambda call: (
        fault(100, None, f"(#100) No 'Spring {call.account_id}' of 77{call.account_id}")
        if call.params["level"] == "ad"
        else None
    )
    evidence = Evidence(accounts=4)
    plans = [plan("account", "11-01"), plan("ad", "11-01")]

    drives = [
        sync(graph, plans, account=AdAccount(account_id=name), evidence=evidence) for name in "1234"
    ]

    # Each is asked for the key alone too, as a field may be to blame that Meta does not name.
    assert [sum(level == "ad" for level, _, _ in asked(drive)) for drive in drives] == [2, 2, 2, 0]
    assert [outcomes(drive)["ad_insights"] for drive in drives] == [
        *[Outcome.FAILED] * 3,
        Outcome.NOT_TRIED,
    ]
    assert {outcomes(drive)["account_insights"] for drive in drives} == {Outcome.DELIVERED}
    reason = results(drives[3])["ad_insights"].reason
    assert "refused ad_insights to 3 other ad accounts" in reason
    assert "Spring" not in reason
    assert results(drives[3])["ad_insights"].code is None


def test_refused__access_closes_a_stream_too() -> None:
    """A report that nobody may read, of accounts that can be read, is not asked of everybody."""
    graph = Graph({name: [] for name in "1234"}, hook=refusing(fault(*NO_ACCESS), "ad"))
    evidence = Evidence(accounts=4)

    drives = [
        sync(graph, [plan("ad", "11-01")], account=AdAccount(account_id=name), evidence=evidence)
        for name in "1234"
    ]

    assert [outcomes(drive)["ad_insights"] for drive in drives] == [
        *[Outcome.SKIPPED] * 3,
        Outcome.NOT_TRIED,
    ]


def test_refused__activity_question_is_asked_of_no_other() -> None:
    """The look for activity is judged like a stream: without it each stream asks for itself."""
    graph = Graph({name: [] for name in "1234"}, hook=refusing(fault(*WRONG_FIELD), "account"))
    evidence = Evidence(accounts=4)
    plans = [plan("campaign", "11-01"), plan("ad", "11-01")]

    drives = [
        sync(graph, plans, account=AdAccount(account_id=name), evidence=evidence) for name in "1234"
    ]

    levels = [[level for level, _, _ in asked(drive)] for drive in drives]
    assert levels == [*[["account", "campaign", "ad"]] * 3, ["campaign", "ad"]]
    for drive in drives:
        assert set(outcomes(drive).values()) == {Outcome.DELIVERED}


# The token.


@pytest.mark.parametrize("levels", [("ad",), ("campaign", "ad")], ids=["stream", "activity"])
def test_token__that_is_dead_is_asked_for_itself(levels: tuple[str, ...]) -> None:
    """It is dead where even `me` is refused; then nothing else is asked with it."""
    evidence = Evidence()

    drive = sync(
        lambda _: fault(*TOKEN_DEAD),
        [plan(level, "11-01") for level in levels],
        evidence=evidence,
    )

    assert [call.path for call in drive.calls] == ["act_1/insights", "me"]
    assert list(evidence.dead_tokens) == [0]
    assert set(outcomes(drive).values()) == {Outcome.FAILED}


def test_token__that_works_is_not_to_blame() -> None:
    """A page's permission under 190 is about the account: nobody else's end."""

    def answer(call: Call) -> Reply:
        return {"id": "1"} if call.path == "me" else fault(190, None, PAGE)

    evidence = Evidence()
    drive = sync(answer, [plan("account", "11-01"), plan("ad", "11-01")], evidence=evidence)

    assert [call.path for call in drive.calls] == ["act_1/insights", "me", "act_1/insights"]
    assert evidence.dead_tokens == {}
    assert set(outcomes(drive).values()) == {Outcome.SKIPPED}
    assert "The token itself works" in results(drive)["ad_insights"].reason
    assert "Make a new token" not in results(drive)["ad_insights"].reason


def test_token__without_an_answer_about_it_fails_what_was_asked() -> None:
    """Where `me` has neither answer nor refusal, the token is not given up."""

    def hook(call: Call) -> Reply | None:
        if call.path == "me":
            return fault(2)
        return fault(*TOKEN_DEAD) if call.params["level"] == "campaign" else None

    evidence = Evidence()
    drive = sync(
        Graph(QUARTER, hook=hook),
        [plan(level, "11-01") for level in ("account", "campaign", "ad")],
        evidence=evidence,
    )

    assert evidence.dead_tokens == {}
    assert list(outcomes(drive).values()) == [
        Outcome.DELIVERED,
        Outcome.FAILED,
        Outcome.DELIVERED,
    ]


TWO_TOKENS = tuple(AccessToken(label=f"Client {name}", access_token=name) for name in "AB")
OF_BOTH = AdAccount(account_id="1", token=0, other_tokens=(1,))


def with_two_tokens(graph: Callable[[Call], Reply], *levels: str, **more: Any) -> Drive:  # noqa: ANN401
    return sync(
        graph,
        [plan(level, "09-01") for level in levels],
        **{"account": OF_BOTH, "access_token": "", "access_tokens": TWO_TOKENS, **more},
    )


@pytest.mark.parametrize("error", [fault(*NO_ACCESS), fault(*TOKEN_DEAD)], ids=["access", "dead"])
def test_tokens__account_is_tried_with_the_other_one(error: MetaError) -> None:
    """An account that two tokens list and the first cannot read is read whole with the second."""
    graph = Graph(QUARTER, hook=lambda call: error if call.token == 0 else None)

    drive = with_two_tokens(graph, "account", "ad")

    assert set(outcomes(drive).values()) == {Outcome.DELIVERED}
    assert [call.token for call in drive.calls].count(0) == 2
    assert closed(drive, "ad_insights")[-1] == YESTERDAY


def test_tokens__call_that_is_asked_again_stays_the_same_one() -> None:
    """Whoever drives counts how often a call has failed: with another token it is no new one."""
    drive = with_two_tokens(lambda _: fault(2), "ad", account=AdAccount(account_id="1", token=1))

    first, *again = [call for call in drive.calls if call.params.get("level") == "ad"]
    assert len(again) == 4
    assert all(call is first for call in again)
    assert first.token == 1


def test_tokens__account_that_neither_can_read_is_skipped_once() -> None:
    """The second refusal is the account's: its other streams are not asked."""
    drive = with_two_tokens(lambda _: fault(*NO_ACCESS), "account", "ad")

    assert [call.token for call in drive.calls] == [0, 0, 1, 1]
    assert set(outcomes(drive).values()) == {Outcome.SKIPPED}


def test_tokens__dead_one_is_told_by_its_label_and_asked_no_more() -> None:
    """An account of a dead token is skipped as the token's matter, not as a withdrawn share."""
    evidence = Evidence()
    alone = AdAccount(account_id="1", token=1)

    first, second = (
        with_two_tokens(lambda _: fault(*TOKEN_DEAD), "ad", account=alone, evidence=evidence)
        for _ in range(2)
    )

    assert len(first.calls) == 2
    assert second.calls == []
    for drive in (first, second):
        result = results(drive)["ad_insights"]
        assert result.result == Outcome.SKIPPED
        assert result.reason.startswith("Client B: the access token has expired")


# What is kept of it.


def test_trouble__is_kept_with_the_bookmark_until_the_stream_is_delivered() -> None:
    """Who fails is remembered, delivered before or not; whoever is delivered is forgotten."""
    plans = [plan("account", "11-01"), plan("ad", "11-01")]
    before = Bookmark(day=day("11-10"), since=day("11-01"))
    bookmarks = {"account_insights": replace(before, trouble=NOW), "ad_insights": NEW}
    graph = Graph(QUARTER, hook=refusing(fault(*WRONG_FIELD), "ad"))

    drive = sync(graph, plans, bookmarks=bookmarks)

    assert troubles(drive) == {"account_insights": None, "ad_insights": NOW}


def test_trouble__is_forgotten_of_whom_the_run_does_not_come_to() -> None:
    """It has waited behind the others: the next time its turn is by the age of its data."""
    troubled = {"ad_insights": Bookmark(day=day("11-10"), trouble=NOW)}

    drive = sync(Graph(QUARTER), [plan("ad", "11-01")], bookmarks=troubled, may_begin=lambda: False)

    assert drive.calls == []
    assert troubles(drive) == {"ad_insights": None}


# Whatever else goes wrong.


def test_failing__account_is_named_with_its_code() -> None:
    """Retries that came to their end make the stream failed; the next stream is still asked."""
    graph = Graph(
        QUARTER, hook=lambda call: fault(2) if call.params["level"] == "campaign" else None
    )

    drive = sync(graph, [plan(level, "11-01") for level in ("account", "campaign", "ad")])

    assert outcomes(drive) == {
        "account_insights": Outcome.DELIVERED,
        "campaign_insights": Outcome.FAILED,
        "ad_insights": Outcome.DELIVERED,
    }
    assert results(drive)["campaign_insights"].code == 2
    assert sum(level == "campaign" for level, _, _ in asked(drive)) == 5


def test_surprise__costs_one_stream_of_one_account() -> None:
    """An answer nobody foresaw is a failure of that stream; the other one is delivered."""
    graph = Graph(
        QUARTER, hook=lambda call: {"data": [17]} if call.params["level"] == "campaign" else None
    )

    drive = sync(graph, [plan(level, "11-01") for level in ("account", "campaign", "ad")])

    assert outcomes(drive)["campaign_insights"] == Outcome.FAILED
    assert outcomes(drive)["ad_insights"] == Outcome.DELIVERED
    reason = results(drive)["campaign_insights"].reason
    assert reason.startswith("Meta's answer could not be read")


def test_surprise__while_planning_costs_one_stream() -> None:
    """A stream that cannot even be planned is a failure, not the end of the run."""
    drive = sync(
        Graph(QUARTER),
        [plan("account", "11-01"), plan("ad", "11-01")],
        bookmarks={"account_insights": NEW},
    )

    assert outcomes(drive) == {"account_insights": Outcome.DELIVERED, "ad_insights": Outcome.FAILED}


def test_changed__report_fails_and_the_others_go_on() -> None:
    """Rows under other keys are not mixed into the table: that stream says what to do."""
    before = Bookmark(day=YESTERDAY, since=day("01-01"), report="ad|1|age|default")
    plans = [plan("account", "11-01"), plan("ad", "11-01")]

    drive = sync(Graph(QUARTER), plans, bookmarks={"account_insights": NEW, "ad_insights": before})

    assert outcomes(drive) == {"account_insights": Outcome.DELIVERED, "ad_insights": Outcome.FAILED}
    assert "another name" in results(drive)["ad_insights"].reason
    assert [level for level, _, _ in asked(drive)] == ["account"]


def test_time__that_is_over_leaves_the_rest_unfinished() -> None:
    """When no new window may be begun, what was closed counts and the rest says so."""
    allowed = iter([True, True, False])

    drive = sync(Graph(QUARTER), [plan("ad", "08-28")], may_begin=lambda: next(allowed))

    result = results(drive)["ad_insights"]
    assert result.result == Outcome.UNFINISHED
    assert result.covered == DateWindow(day("08-28"), day("10-26"))
    assert closed(drive, "ad_insights") == [day("09-26"), day("10-26")]


def test_time__that_is_over_at_once_makes_no_call() -> None:
    """An account whose turn comes too late is unfinished in all streams, without a call."""
    drive = sync(
        Graph(QUARTER),
        [plan("campaign", "11-01"), plan("ad", "11-01")],
        may_begin=lambda: False,
    )

    assert drive.calls == []
    assert set(outcomes(drive).values()) == {Outcome.UNFINISHED}
