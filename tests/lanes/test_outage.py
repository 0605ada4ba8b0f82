"""Meta fails everybody, or one account alone: who is believed, who waits, and when it ends."""

from __future__ import annotations

from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.error_codes import from_status, no_answer
from tap_meta_partner.graph.errors import KeptFailing, MetaError, NobodyAnswers
from tap_meta_partner.graph.steps import OutOfTime, Pause, ReportRunSlot, ask
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.lanes.outage import OUTAGE_SECONDS, PLAIN_QUESTION, is_failing
from tests.support.fakes import ACCOUNT_LIMIT, fault
from tests.support.stage import START, Stage, asking, data, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.support.fakes import Reply


def unavailable(_call: Call) -> Reply:
    """Answer as a gateway does that reaches nobody."""
    return from_status(503, is_graph=True)


def code_1(_call: Call) -> Reply:
    """Answer with Meta's unknown error."""
    return fault(1)


def code_2(_call: Call) -> Reply:
    """Answer with Meta's passing error."""
    return fault(2)


def silent(_call: Call) -> Reply:
    """Do not answer."""
    return no_answer("nobody there")


def trying(name: str, streams: int = 1, *, for_all: bool = False) -> Lane:
    """Return a lane that asks once for each of its streams, and again where that may help."""

    def steps() -> Generator[Any, Any, list[Any]]:
        results: list[Any] = []
        for number in range(streams):
            call = Call(path=f"{name}/{number}", account_id=name)
            try:
                results.append((yield from ask(call, lambda: 0.0)))
            except MetaError as error:
                results.append(error)
        return results

    return Lane(name, None if for_all else name, steps(), for_all=for_all)


def until(seconds: float, answer: Callable[[Call], Reply], stage: list[Stage]) -> Any:  # noqa: ANN401
    """Return what answers in one way for so long, and then well."""
    return lambda call: answer(call) if stage[0].clock.now - START < seconds else data(call)


def failing_calls(stage: Stage, seconds: float) -> int:
    return sum(at - START < seconds for at, _, _ in stage.transport.sent)


@pytest.mark.parametrize("answer", [unavailable, code_1, code_2])
@pytest.mark.parametrize("spared", [(), (PLAIN_QUESTION,)])
def test_outage__of_two_minutes_costs_tens_of_calls_and_nobody_a_stream(
    answer: Callable[[Call], Reply], spared: tuple[str, ...]
) -> None:
    """200 clients meet 5xx for two minutes, with or without the plain question: all are whole."""
    made: list[Stage] = []
    fails = until(120.0, answer, made)
    made.append(
        Stage(
            answer=lambda call: data(call) if call.path in spared else fails(call),
            latency=lambda _: 0.3,
            most=8,
        )
    )
    lanes = [trying(str(number), streams=3) for number in range(200)]

    made[0].run(*lanes)

    assert all(lane.result == [{"data": []}] * 3 for lane in lanes)
    assert failing_calls(made[0], 120.0) < 40
    assert made[0].clock.now - START < 120.0 + 30.0 + 600 * 0.3 / 8 + 10.0


def test_outage__asks_one_thing_at_a_time_ever_further_apart() -> None:
    """While Meta fails everybody, one plain question goes out after 5, 10, 20, then each 30 s."""
    made: list[Stage] = []
    made.append(Stage(answer=until(200.0, unavailable, made), latency=lambda _: 0.0, most=8))

    made[0].run(*[trying(str(number)) for number in range(50)])

    plain = [at - START for at, _, call in made[0].transport.sent if call.path == PLAIN_QUESTION]
    assert plain[0] < 2.0
    gaps = [round(after - before) for before, after in pairwise(plain)]
    assert gaps == [5, 10, 20, 30, 30, 30, 30, 30, 30]


def test_outage__plain_question_carries_the_token_of_who_asked() -> None:
    """With several tokens it is asked with one that was in use, not with whatever is the first."""
    made: list[Stage] = []
    made.append(Stage(answer=until(20.0, unavailable, made), latency=lambda _: 0.3, most=8))

    def lane(name: str) -> Lane:
        call = Call(path=name, account_id=name, token=3)
        return Lane(name, name, ask(call, lambda: 0.0))

    made[0].run(*[lane(str(number)) for number in range(9)])

    plain = [call for _, _, call in made[0].transport.sent if call.path == PLAIN_QUESTION]
    assert {call.token for call in plain} == {3}


def test_outage__of_half_an_hour_ends_every_account_by_itself() -> None:
    """Nobody is answered for thirty minutes: each account is told, and nothing more is asked."""
    stage = Stage(answer=unavailable, latency=lambda _: 0.3, most=8)
    lanes = [trying(str(number), streams=3) for number in range(50)]

    stage.run(*lanes)

    assert all(type(error) is NobodyAnswers for lane in lanes for error in lane.result)
    assert all(len(lane.result) == 3 for lane in lanes)
    assert OUTAGE_SECONDS <= stage.clock.now - START < OUTAGE_SECONDS + 60.0
    assert stage.driver.calls < 100


def test_outage__of_the_accounts_calls_alone_ends_too() -> None:
    """The plain question is answered, no account's call is: that ends after thirty minutes."""
    stage = Stage(
        answer=lambda call: data(call) if call.path == PLAIN_QUESTION else unavailable(call),
        latency=lambda _: 0.3,
        most=8,
    )
    lanes = [trying(str(number), streams=3) for number in range(50)]

    stage.run(*lanes)

    assert all(type(error) is NobodyAnswers for lane in lanes for error in lane.result)
    assert stage.driver.calls < 150


@pytest.mark.parametrize("guilty", [1, 2, 5])
@pytest.mark.parametrize("answer", [unavailable, silent])
@pytest.mark.parametrize("most", [1, 2, 8])
def test_outage__of_some_accounts_is_none(
    answer: Callable[[Call], Reply], guilty: int, most: int
) -> None:
    """Accounts that fail for ever, first in line, fail alone: the others are answered at once."""
    theirs = {str(number) for number in range(guilty)}
    stage = Stage(
        answer=lambda call: answer(call) if path_of(call) in theirs else data(call), most=most
    )
    lanes = [trying(str(number), streams=3) for number in range(20)]

    stage.run(*lanes)

    assert all(type(error) is KeptFailing for lane in lanes[:guilty] for error in lane.result)
    assert all(lane.result == [{"data": []}] * 3 for lane in lanes[guilty:])
    assert max(at for lane in lanes[guilty:] for at in stage.sent(lane.name)) < 150.0


def test_outage__accounts_half_of_whose_calls_fail_are_none() -> None:
    """Five accounts whose every other call fails for ever are taken for an outage twice.

    After these ten minutes each, everybody has tries of its own, side by side.
    """

    def half(call: Call) -> Reply:
        return code_2(call) if call.path.endswith(("1", "3", "5", "7", "9")) else data(call)

    stage = Stage(answer=half, latency=lambda _: 0.3, most=8)
    lanes = [trying(str(number), streams=40) for number in range(5)]

    stage.run(*lanes)

    assert all(
        [isinstance(result, KeptFailing) for result in lane.result] == [False, True] * 20
        for lane in lanes
    )
    plain = [call for _, _, call in stage.transport.sent if call.path == PLAIN_QUESTION]
    assert len(plain) < 10
    alone = Stage(answer=half, latency=lambda _: 0.3, most=8)
    alone.run(trying("0", streams=40))
    assert stage.clock.now - alone.clock.now < 2 * 600.0


def test_outage__ten_that_hold_all_report_runs_do_not_hide_the_others() -> None:
    """Accounts that fail for ever as they create report runs leave these to those that do not."""

    def creating(name: str) -> Lane:
        def steps() -> Generator[Any, Any, Any]:
            yield ReportRunSlot(take=True)
            try:
                call = Call(path=f"{name}/insights", account_id=name, method="POST")
                return (yield from ask(call, lambda: 0.0))
            except MetaError as error:
                return error
            finally:
                yield ReportRunSlot(take=False)

        return Lane(name, name, steps())

    theirs = {str(number) for number in range(30)}
    stage = Stage(
        answer=lambda call: unavailable(call) if path_of(call) in theirs else data(call), most=8
    )
    lanes = [creating(str(number)) for number in range(32)]

    stage.run(*lanes)

    assert [type(lane.result) for lane in lanes[:30]] == [KeptFailing] * 30
    assert [lane.result for lane in lanes[30:]] == [{"data": []}] * 2
    assert stage.clock.now - START < 10 * 60.0


def test_outage__the_last_two_that_fail_end_by_their_own_tries() -> None:
    """When only accounts are left that fail, they come to their end, and not the whole run."""
    stage = Stage(
        answer=lambda call: unavailable(call) if path_of(call) in {"a", "b"} else data(call)
    )
    waiting = Lane("w", "w", _late())

    stage.run(trying("a", streams=4), trying("b", streams=4), waiting)

    assert waiting.result == {"data": []}
    assert stage.clock.now - START < 2 * 3600.0


@pytest.mark.parametrize("answer", [unavailable, silent])
def test_outage__the_last_few_are_asked_for_something_else(answer: Callable[[Call], Reply]) -> None:
    """What fails for a few accounts at the end is theirs, and not the end of the run."""
    stage = Stage(
        answer=lambda call: (
            answer(call) if path_of(call) in {"a", "b"} and call.path.endswith("/0") else data(call)
        )
    )
    lanes = [trying("calm"), *(trying(name, streams=2) for name in ("a", "b"))]
    stage.latency = lambda call: 1.0 if path_of(call) == "calm" else 30.0

    stage.run(*lanes)

    for lane in lanes[1:]:
        failed, delivered = lane.result
        assert isinstance(failed, KeptFailing)
        assert delivered == {"data": []}
    assert stage.clock.now - START < OUTAGE_SECONDS


def _late() -> Generator[Any, Any, Any]:
    """Ask once, an hour later."""
    yield Pause(3600.0, "something else")
    return (yield Call(path="w/0", account_id="w"))


def test_outage__an_account_out_of_tries_has_two_for_each_further_stream() -> None:
    """A client that failed by five tries does not spend five on each stream that follows."""
    stage = Stage(answer=lambda call: fault(2) if path_of(call) == "a" else data(call))
    lane = trying("a", streams=6)

    stage.run(lane, trying("b", streams=60))

    assert [type(error) for error in lane.result] == [KeptFailing] * 6
    assert lane.calls == 5 + 5 * 2


def test_outage__an_answer_gives_an_account_its_tries_back() -> None:
    """Once a call is answered with data, the next one that fails has all its tries again."""
    turns = count()
    stage = Stage(answer=lambda call: data(call) if next(turns) == 5 else fault(2))
    lane = trying("a", streams=3)

    stage.run(lane)

    assert [type(each) for each in lane.result] == [KeptFailing, dict, KeptFailing]
    assert lane.calls == 5 + 1 + 5


@pytest.mark.parametrize(
    ("body", "failing"),
    [
        (no_answer("reset"), True),
        (from_status(502, is_graph=True), True),
        (fault(1), True),
        (fault(2), True),
        (fault(1, 99), False),
        (fault(2, 1504044), False),
        (fault(2, 1504038), False),
        (fault(200), False),
        (fault(100), False),
        (fault(4), False),
        (fault(190), False),
        ({"data": []}, False),
    ],
)
def test_is_failing__is_what_comes_when_meta_is_down(
    body: dict[str, Any] | MetaError, *, failing: bool
) -> None:
    """5xx, codes 1 and 2 and silence may be an outage; what speaks of the request is none."""
    assert is_failing(body) is failing


# Nobody answers.


def test_silence__ends_the_run_when_nothing_answers_any_more() -> None:
    """A dead line ends the run after a minute, each account by itself and with few calls."""
    stage = Stage(answer=silent, latency=lambda _: 5.0)
    lanes = [asking(str(number), calls=2) for number in range(200)]

    stage.run(*lanes)

    assert 60.0 <= stage.clock.now - START < 3 * 60
    # Those under way at first were given their own errors, before it was known whose they are.
    assert sum(type(error) is NobodyAnswers for lane in lanes for error in lane.result) >= 390
    assert stage.driver.calls < 20


def test_silence__is_not_where_the_plain_question_is_answered() -> None:
    """Two clients time out for ever while all others are parked: they fail, nobody else does."""
    limits = iter([fault(*ACCOUNT_LIMIT)] * 10)

    def answer(call: Call) -> Reply:
        if call.path == PLAIN_QUESTION:
            return data(call)
        if path_of(call) in {"0", "1"}:
            return no_answer("timed out")
        return next(limits, None) or data(call)

    stage = Stage(answer=answer, latency=lambda call: 300.0 if call.path[0] in "01" else 1.0)
    lanes = [trying(str(number), streams=2) for number in range(12)]

    stage.run(*lanes)

    assert all(type(error) is KeptFailing for lane in lanes[:2] for error in lane.result)
    assert all(lane.result == [{"data": []}] * 2 for lane in lanes[2:])


def test_silence__of_one_client_while_the_others_are_parked_is_that_clients() -> None:
    """One client's time-outs over many minutes end nothing but that client."""
    limits = iter([fault(*ACCOUNT_LIMIT)] * 11)

    def answer(call: Call) -> Reply:
        if path_of(call) == "slow":
            return no_answer("timed out")
        return next(limits, None) or data(call)

    stage = Stage(answer=answer, latency=lambda call: 30.0 if path_of(call) == "slow" else 1.0)
    lanes = [trying("slow"), *[trying(f"b{number}") for number in range(11)]]

    stage.run(*lanes)

    assert [type(error) for error in lanes[0].result] == [KeptFailing]
    assert all(lane.result == [{"data": []}] for lane in lanes[1:])


def test_silence__is_over_with_any_answer() -> None:
    """Single calls without an answer end nothing, however many there are in a run."""
    turns = iter(range(10_000))
    stage = Stage(
        answer=lambda call: data(call) if next(turns) % 5 == 0 else no_answer("a gap"),
        latency=lambda _: 5.0,
    )
    lanes = [trying(str(number)) for number in range(60)]

    stage.run(*lanes)

    assert not any(type(lane.result[0]) is NobodyAnswers for lane in lanes)


def test_silence__before_any_account_is_said_by_the_calls_own_tries() -> None:
    """Where nothing answers the list of accounts, five tries say so: it may be the address."""
    stage = Stage(answer=silent, latency=lambda _: 0.0)
    lane = trying("list", for_all=True)

    stage.run(lane)

    assert [type(error) for error in lane.result] == [KeptFailing]
    assert stage.clock.now - START < 20.0


def test_outage__while_the_accounts_are_listed_is_waited_out() -> None:
    """Two minutes of 5xx at the very first call cost nobody the night."""
    made: list[Stage] = []
    made.append(Stage(answer=until(120.0, unavailable, made), latency=lambda _: 0.3))
    lane = trying("list", for_all=True)

    made[0].run(lane)

    assert lane.result == [{"data": []}]


def test_outage__a_call_for_all_that_fails_alone_has_its_own_tries() -> None:
    """The list fails for ever, the plain question does not: five tries, as without an outage."""
    stage = Stage(
        answer=lambda call: data(call) if call.path == PLAIN_QUESTION else unavailable(call)
    )
    lane = trying("list", streams=2, for_all=True)

    stage.run(lane)

    assert [type(error) for error in lane.result] == [KeptFailing] * 2
    # The plain question, and its tries.
    assert lane.calls == 1 + 5 + 2
    assert stage.clock.now - START < 60.0


def test_overtime__ends_an_outage_too() -> None:
    """When the run's time is over, those that wait for an outage to pass are told so."""

    def steps(name: str) -> Generator[Any, Any, str]:
        try:
            yield from ask(Call(path=name, account_id=name), lambda: 0.0)
        except OutOfTime:
            return "told"
        return "answered"

    stage = Stage(answer=unavailable, latency=lambda _: 0.3, minutes=2.0)
    lanes = [Lane(str(number), str(number), steps(str(number))) for number in range(20)]

    stage.run(*lanes)

    assert {lane.result for lane in lanes} == {"told"}
    assert 120.0 <= stage.clock.now - START < 150.0
