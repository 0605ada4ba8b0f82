"""Many accounts at once: who is next, who is parked, and that nobody waits for another."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.graph.calls import Answer, Call
from tap_meta_partner.graph.errors import (
    ThrottledTooLong,
    TokenRefused,
)
from tap_meta_partner.graph.steps import OutOfTime, Pause, ask_meanwhile
from tap_meta_partner.graph.usage import DEVELOPMENT_TIER, Usage
from tap_meta_partner.lanes.driver import Lanes
from tap_meta_partner.lanes.governor import Governor
from tap_meta_partner.lanes.lane import Lane, Standing
from tests.support.fakes import (
    ACCOUNT_LIMIT,
    APP_LIMIT,
    NO_ACCESS,
    TOKEN_DEAD,
    FakeTransport,
    fault,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator


from tests.support.stage import START, Stage, asking, data, path_of

HOUR = 3600.0


# Who is next.


def test_lanes__no_more_calls_are_under_way_than_allowed() -> None:
    """Twenty accounts with three calls each never have more than four under way, and no fewer."""
    stage = Stage(most=4)

    stage.run(*[asking(str(n), calls=3) for n in range(20)])

    assert stage.transport.most_under_way == 4
    assert len(stage.transport.sent) == stage.driver.calls == 60
    # 60 calls of a second each, four at a time.
    assert stage.clock.now - START == 15.0


def test_lanes__begin_in_the_order_given() -> None:
    """The first lane begins first: whoever sorts them decides who must not starve."""
    stage = Stage(most=2)

    stage.run(*[asking(name) for name in ("old", "middle", "new")])

    assert [name for _, name, _ in stage.transport.sent] == ["old", "middle", "new"]


def test_lanes__calls_of_one_account_go_out_one_after_the_other() -> None:
    """An account's next call waits for the answer to its last one."""
    stage = Stage(most=8, latency=lambda call: 5.0 if call.path == "a/0" else 1.0)

    lane = asking("a", calls=3)
    stage.run(lane)

    assert [call.path for _, _, call in stage.transport.sent] == ["a/0", "a/1", "a/2"]
    assert stage.sent("a") == [0.0, 5.0, 6.0]
    assert lane.calls == 3
    assert lane.result == [{"data": []}] * 3


def reading_ahead(name: str, pages: int = 3) -> Lane:
    """Return a lane that hands on each answer while the next one is made; an event an answer."""

    def one(number: int) -> Generator[Any, Any, Any]:
        return (yield Call(path=f"{name}/{number}", account_id=name))

    def steps() -> Generator[Any, Any, list[Any]]:
        answers = [(yield from one(0))]
        for number in range(1, pages):
            events = [f"page {number - 1}"]
            answers.append((yield from ask_meanwhile(one(number), lambda: iter(events))))  # noqa: B023
        return answers

    return Lane(name=name, account_id=name, steps=steps())


def test_ahead__a_call_is_under_way_while_events_are_dealt_with() -> None:
    """What takes long to write costs no waiting for Meta: three pages of ten seconds take 30."""
    stage = Stage(latency=lambda _: 10.0)
    lane = reading_ahead("a", pages=3)

    for _ in stage.driver.run([lane]):
        assert stage.transport.under_way == 1
        stage.clock.now += 10.0

    assert stage.sent("a") == [0.0, 10.0, 20.0]
    assert stage.clock.now - START == 30.0
    assert lane.result == [{"data": []}] * 3
    assert lane.calls == 3


def test_ahead__never_more_calls_than_allowed_nor_two_of_an_account() -> None:
    """Reading ahead has no place of its own: others are served in their turn."""
    stage = Stage(most=2)
    lanes = [reading_ahead(str(n), pages=4) for n in range(6)]

    events = stage.run(*lanes)

    assert stage.transport.most_under_way == 2
    assert len(stage.transport.sent) == 24
    for lane in lanes:
        assert [event for name, event in events if name == lane.name] == [
            "page 0",
            "page 1",
            "page 2",
        ]
        sent = stage.sent(lane.name)
        assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(sent))


@pytest.mark.parametrize("code", [ACCOUNT_LIMIT, APP_LIMIT])
def test_ahead__a_limit_is_waited_for_as_ever(code: tuple[int, int]) -> None:
    """A call that was sent ahead and is throttled goes out again once its limit is over."""
    refused = iter([True])

    def answer(call: Call) -> Any:  # noqa: ANN401  (a reply)
        return fault(*code) if call.path == "a/1" and next(refused, False) else data(call)

    stage = Stage(answer=answer)
    lane = reading_ahead("a")

    stage.run(lane)

    assert lane.result == [{"data": []}] * 3
    assert [call.path for _, _, call in stage.transport.sent] == ["a/0", "a/1", "a/1", "a/2"]


def test_ahead__the_end_of_everything_reaches_the_lane() -> None:
    """Where nothing can be asked any more, what was read is handed on, and the lane ends."""
    stage = Stage(answer=lambda call: data(call) if call.path == "a/0" else fault(*TOKEN_DEAD))
    lane = reading_ahead("a")

    with pytest.raises(TokenRefused):
        stage.run(lane)


def test_ahead__what_goes_wrong_with_an_event_is_the_lanes() -> None:
    """An error of the lane's own, raised while its call is under way, leaves no call behind."""

    def one(number: int) -> Generator[Any, Any, Any]:
        return (yield Call(path=f"a/{number}", account_id="a"))

    def failing() -> Iterator[object]:
        yield "begun"
        raise ValueError

    def steps() -> Generator[Any, Any, Any]:
        with suppress(ValueError):
            yield from ask_meanwhile(one(0), failing)
        return (yield from one(1))

    stage = Stage(answer=lambda call: {"data": [call.path]})
    lane = Lane(name="a", account_id="a", steps=steps())

    assert stage.run(lane) == [("a", "begun")]
    assert lane.result == {"data": ["a/1"]}
    assert stage.transport.under_way == 0


def test_lanes__a_slow_account_delays_no_other() -> None:
    """While one call takes an hour, the other place serves everybody else."""
    stage = Stage(most=2, latency=lambda call: HOUR if path_of(call) == "slow" else 1.0)

    stage.run(asking("slow"), *[asking(f"quick{n}", calls=2) for n in range(10)])

    assert max(stage.sent(f"quick{n}")[-1] for n in range(10)) == 19.0


def test_lanes__an_error_reaches_the_lane_that_asked() -> None:
    """An error is raised where the call was made, and nowhere else."""
    stage = Stage(answer=lambda call: fault(*NO_ACCESS) if path_of(call) == "a" else data(call))
    mine, other = asking("a"), asking("b")

    stage.run(mine, other)

    assert [error.fault.code for error in mine.result] == [200]
    assert other.result == [{"data": []}]


def test_lanes__an_error_that_no_lane_takes_ends_the_run() -> None:
    """A dead token comes out of the loop, and no further call is made."""

    def steps() -> Generator[Any, Any, None]:
        yield Call(path="a", account_id="a")

    stage = Stage(answer=lambda _: fault(*TOKEN_DEAD), most=1)
    with pytest.raises(TokenRefused):
        stage.run(Lane(name="a", account_id="a", steps=steps()), asking("b"))

    assert stage.sent("b") == []


# Waiting.


def test_pause__holds_no_place() -> None:
    """A lane that waits for a report run lets another one ask, even with a single place."""

    def polling() -> Generator[Any, Any, None]:
        yield Call(path="p/0", account_id="p")
        yield Pause(30.0, "a report run")
        yield Call(path="p/1", account_id="p")

    stage = Stage(most=1)
    stage.run(Lane(name="p", account_id="p", steps=polling()), asking("other", calls=5))

    assert stage.sent("other") == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert stage.sent("p") == [0.0, 31.0]


def test_pause__of_no_time_is_none() -> None:
    """A pause of zero seconds goes on at once."""

    def steps() -> Generator[Any, Any, str]:
        yield Pause(0.0, "")
        return "done"

    lane = Lane(name="a", account_id="a", steps=steps())
    stage = Stage()
    stage.run(lane)

    assert (lane.result, stage.clock.now) == ("done", START)


def test_throttle__keeps_the_call_and_sends_it_again() -> None:
    """A throttled call is not lost: it goes out again a minute later, and the lane sees data."""
    replies = iter([fault(*ACCOUNT_LIMIT)])
    stage = Stage(answer=lambda call: next(replies, None) or data(call))
    lane = asking("a", calls=2)

    stage.run(lane)

    assert [call.path for _, _, call in stage.transport.sent] == ["a/0", "a/0", "a/1"]
    assert stage.sent("a") == [0.0, 61.0, 62.0]
    assert lane.result == [{"data": []}] * 2


def test_throttle__of_one_account_delays_no_other() -> None:
    """A parked account holds no place: with one place, the others ask in the meantime."""
    limits = iter([fault(*ACCOUNT_LIMIT)])
    stage = Stage(
        answer=lambda call: (path_of(call) == "a" and next(limits, None)) or data(call), most=1
    )

    stage.run(asking("a"), *[asking(f"b{n}", calls=2) for n in range(5)])

    assert [at for n in range(5) for at in stage.sent(f"b{n}")] == [float(n) for n in range(1, 11)]
    assert stage.sent("a") == [0.0, 61.0]


def test_throttle__waits_as_long_as_the_headers_say() -> None:
    """Ten minutes to regain access are ten minutes, not the usual one."""
    answers = iter([Answer(fault(*ACCOUNT_LIMIT), Usage(regain_seconds=600.0))])
    stage = Stage(answer=lambda call: next(answers, None) or data(call))

    stage.run(asking("a"))

    assert stage.sent("a") == [0.0, 601.0]


def test_throttle__of_three_hours_fails_that_lane_only() -> None:
    """An account that gets nothing but throttle errors for three hours has failed; others go on."""
    stage = Stage(answer=lambda call: fault(*ACCOUNT_LIMIT) if path_of(call) == "a" else data(call))
    throttled, other = asking("a"), asking("b", calls=3)

    stage.run(throttled, other)

    assert [type(error) for error in throttled.result] == [ThrottledTooLong]
    assert throttled.result[0].fault.code == 80000
    assert 3 * HOUR < stage.sent("a")[-1] < 3.2 * HOUR
    assert stage.sent("b") == [0.0, 1.0, 2.0]


def test_throttle__of_the_app_parks_all_accounts() -> None:
    """An app-wide limit that one account meets holds the next calls of all for a minute."""
    limits = iter([fault(*APP_LIMIT)])
    stage = Stage(answer=lambda call: next(limits, None) or data(call), most=3)

    stage.run(*[asking(name, calls=2) for name in "abc"])

    assert [stage.sent(name)[0] for name in "abc"] == [0.0, 0.0, 0.0]
    assert min(at for name in "abc" for at in stage.sent(name)[1:]) == 61.0


def test_throttle__of_the_app_lets_one_call_through_first() -> None:
    """Of three throttled calls one goes out after the minute; the others wait for its answer."""
    limits = iter([fault(*APP_LIMIT)] * 3)
    stage = Stage(
        answer=lambda call: next(limits, None) or data(call), most=3, latency=lambda _: 10.0
    )

    stage.run(*[asking(name) for name in "abc"])

    again = sorted(at for name in "abc" for at in stage.sent(name)[1:])
    # A second later than the minute: whoever met the limit does not go first again.
    assert again[0] == 71.0
    assert again[1] >= 81.0
    assert len(again) == 3


def test_limits__an_account_near_its_limit_rests() -> None:
    """From 90 % on an account's next call waits a minute, and only that account's."""
    busy = Usage(account_percent=95.0)
    stage = Stage(
        answer=lambda call: Answer({"data": []}, busy if path_of(call) == "a" else Usage())
    )

    stage.run(asking("a", calls=2), asking("b", calls=2))

    assert stage.sent("a") == [0.0, 61.0]
    assert stage.sent("b") == [0.0, 1.0]


def test_limits__from_three_quarters_of_the_apps_half_the_calls_are_under_way() -> None:
    """At 80 % of the app's limit eight places become four."""
    stage = Stage(answer=lambda _: Answer({"data": []}, Usage(app_percent=80.0)), most=8)

    stage.run(*[asking(str(n)) for n in range(24)])

    at = Counter(moment for moment, _, _ in stage.transport.sent)
    assert at[START] == 8
    assert max(count for moment, count in at.items() if moment > START) == 4


def test_limits__the_development_tier_has_two_calls_under_way() -> None:
    """An app with development access asks two at a time as soon as a header says so."""
    stage = Stage(answer=lambda _: Answer({"data": []}, Usage(tier=DEVELOPMENT_TIER)), most=8)

    stage.run(*[asking(str(n)) for n in range(24)])

    at = Counter(moment for moment, _, _ in stage.transport.sent)
    assert max(count for moment, count in at.items() if moment > START) == 2


def test_limits__errors_count_too() -> None:
    """The headers of an error that is no throttle are read as well."""
    stage = Stage(
        answer=lambda _: Answer(fault(*NO_ACCESS), Usage(app_percent=80.0)),
        most=8,
    )

    stage.run(*[asking(str(n)) for n in range(24)])

    at = Counter(moment for moment, _, _ in stage.transport.sent)
    assert max(count for moment, count in at.items() if moment > START) == 4


# Events, ends, and what is said.


def test_events__are_dealt_with_before_their_lane_goes_on() -> None:
    """What is yielded is written before the lane moves: state is never ahead of rows."""
    log: list[str] = []

    def steps() -> Generator[Any, Any, None]:
        yield Call(path="a", account_id="a")
        yield "rows"
        log.append("goes on after rows")
        yield "closed"
        log.append("goes on after closed")

    stage = Stage()
    for lane, event in stage.driver.run([Lane(name="a", account_id="a", steps=steps())]):
        log.append(f"{lane.name} writes {event}")

    assert log == [
        "a writes rows",
        "goes on after rows",
        "a writes closed",
        "goes on after closed",
    ]


def test_events__no_answer_waits_beside_the_one_being_written() -> None:
    """An answer is handed to its lane before the next is taken: memory is bounded by the places."""

    @dataclass(slots=True)
    class Counting(FakeTransport):
        received: int = 0
        most_waiting: int = 0

        def wait(self, seconds: float | None) -> tuple[Lane, Answer] | None:
            self.most_waiting = max(self.most_waiting, self.received - len(handed))
            got = FakeTransport.wait(self, seconds)
            self.received += got is not None
            return got

    handed: list[str] = []

    def steps(name: str) -> Generator[Any, Any, None]:
        for number in range(5):
            yield Call(path=f"{name}/{number}", account_id=name)
            handed.append(name)
            yield "rows"

    stage = Stage(most=4)
    transport = Counting(data, stage.clock, lambda _: 0.0)
    driver = Lanes(
        transport=transport,
        governor=Governor(jitter=lambda: 0.0),
        monotonic=stage.clock,
        most_at_once=4,
    )
    lanes = [Lane(name=str(n), account_id=str(n), steps=steps(str(n))) for n in range(10)]

    events = list(driver.run(lanes))

    assert len(events) == transport.received == 50
    assert transport.most_under_way == 4
    assert transport.most_waiting == 0


def test_stopping__ends_at_once_without_another_call() -> None:
    """Once the run is asked to end, nothing further is sent or awaited."""
    stage = Stage(most=2, stopping=lambda: len(stage.transport.sent) >= 5)
    lanes = [asking(str(n), calls=3) for n in range(10)]

    stage.run(*lanes)

    assert len(stage.transport.sent) == 5
    assert all(lane.result is None for lane in lanes[2:])


def test_stopping__before_the_start_sends_nothing() -> None:
    """A run that is asked to end before it began makes no call."""
    stage = Stage(stopping=lambda: True)

    stage.run(asking("a"))

    assert stage.transport.sent == []


def test_waking__looks_at_once_whether_to_stop() -> None:
    """A wake during a long call makes the loop look up, though nothing was answered."""
    stop = threading.Event()
    stage = Stage(latency=lambda _: 5 * HOUR, stopping=stop.is_set)
    waited: list[float | None] = []
    original = stage.transport.wait

    def wait(seconds: float | None) -> tuple[Lane, Answer] | None:
        waited.append(seconds)
        stop.set()
        stage.transport.wake()
        return original(seconds)

    stage.driver._sending.transport = _Waiting(stage.transport, wait)
    stage.run(asking("a"))

    assert len(waited) == 1
    assert stage.clock.now == START


@dataclass(slots=True)
class _Waiting:
    """A transport whose `wait` is another function."""

    inner: FakeTransport
    wait: Callable[[float | None], tuple[Lane, Answer] | None]

    def submit(self, lane: Lane, call: Call) -> None:
        """Send a call."""
        self.inner.submit(lane, call)


def test_standing__is_told_every_ten_seconds() -> None:
    """During a long call the standing is told every ten seconds, with its figures."""
    stage = Stage(most=1, latency=lambda call: 35.0 if path_of(call) == "b" else 1.0)

    stage.run(asking("a"), asking("b"), asking("c"))

    assert [moment for moment, _ in stage.standings] == [11.0, 21.0, 31.0]
    assert stage.standings[0][1] == Standing(
        under_way=1, parked=0, left=1, done=1, calls=2, next_wake=None
    )


def test_standing__tells_when_a_parked_lane_goes_on() -> None:
    """With everybody parked, the standing says in how many seconds the first goes on."""
    replies = iter([fault(*ACCOUNT_LIMIT)])
    stage = Stage(answer=lambda call: next(replies, None) or data(call))

    stage.run(asking("a"))

    moment, standing = stage.standings[0]
    assert (standing.parked, standing.under_way, standing.left) == (1, 0, 0)
    assert standing.next_wake == 61.0 - moment


# Threads.


def test_throttle__of_the_app_for_hours_ends_every_account() -> None:
    """When the whole app is blocked for three hours, each account is told so, and no more asked."""
    stage = Stage(answer=lambda _: fault(*APP_LIMIT))
    lanes = [asking(str(number), calls=3) for number in range(100)]

    stage.run(*lanes)

    assert 3 * HOUR < stage.clock.now - START < 3.2 * HOUR
    assert all(type(error) is ThrottledTooLong for lane in lanes for error in lane.result)
    assert len({id(error) for lane in lanes for error in lane.result}) == 300
    assert stage.driver.calls < 100


def test_throttle__beyond_hours_is_not_sat_out() -> None:
    """An account that is told to wait ten hours has failed for this run, at once."""
    waits = Usage(regain_seconds=36_000.0)
    limited = Answer(fault(*ACCOUNT_LIMIT), waits)
    stage = Stage(answer=lambda call: limited if path_of(call) == "a" else data(call))
    throttled, other = asking("a"), asking("b")

    stage.run(throttled, other)

    assert [type(error) for error in throttled.result] == [ThrottledTooLong]
    assert stage.clock.now - START < HOUR


def test_overtime__ends_those_that_wait_and_lets_the_others_finish() -> None:
    """When time is over, parked lanes are told so at once; one that reads goes on to its end."""

    def waiting() -> Generator[Any, Any, str]:
        try:
            yield Pause(3600.0, "a report run")
        except OutOfTime:
            return "told"
        return "waited"

    stage = Stage(minutes=1.0, latency=lambda _: 10.0)
    parked = Lane(name="parked", account_id="parked", steps=waiting())
    reading = asking("reading", calls=12)

    stage.run(parked, reading)

    assert parked.result == "told"
    assert len(reading.result) == 12
    assert stage.clock.now - START == 120.0


def test_throttle__of_the_app_rotates_who_is_let_through() -> None:
    """An account that alone meets the app's limit keeps others waiting once, and itself fails."""
    stage = Stage(
        answer=lambda call: fault(*APP_LIMIT) if path_of(call) == "a" else data(call), most=1
    )
    blocked, other = asking("a"), asking("b", calls=200)

    stage.run(blocked, other)

    assert [type(error) for error in blocked.result] == [ThrottledTooLong]
    assert other.result == [{"data": []}] * 200
    assert stage.sent("b")[0] < 2 * 60
    assert stage.sent("b")[-1] - stage.sent("b")[0] < 210.0


def test_throttle__of_the_app_met_by_two_alone_is_theirs() -> None:
    """Two of twelve that are told of the app's limit for ever fail; ten wait for a few minutes."""
    guilty = {"0", "1"}
    stage = Stage(answer=lambda call: fault(*APP_LIMIT) if path_of(call) in guilty else data(call))
    lanes = [asking(str(number), calls=50) for number in range(12)]

    stage.run(*lanes)

    told = [[type(error) for error in lane.result] for lane in lanes[:2]]
    assert all(kinds[0] is ThrottledTooLong for kinds in told)
    assert all(lane.result == [{"data": []}] * 50 for lane in lanes[2:])
    assert max(stage.sent(lane.name)[-1] for lane in lanes[2:]) < 50 * 10 / 4 + 5 * 60


def test_throttle__of_the_app_met_by_one_now_and_then_is_its_own() -> None:
    """An account told of the app's limit at each second call keeps others waiting three times."""
    turns = iter(range(1000))
    stage = Stage(
        answer=lambda call: (
            fault(*APP_LIMIT) if path_of(call) == "a" and next(turns) % 2 == 0 else data(call)
        ),
        most=2,
    )

    lanes = [asking("a", calls=20), asking("b", calls=500)]
    stage.run(*lanes)

    assert lanes[0].result == [{"data": []}] * 20
    assert stage.sent("b")[-1] < 500 + 5 * 60
