from __future__ import annotations

import pytest

from tap_meta_partner.graph.error_codes import no_answer
from tap_meta_partner.graph.errors import KeptFailing
from tests.support.stage import START, Stage, asking, data


def test_silence__ends_the_run_when_nothing_answers_any_more() -> None:
    """A dead line ends the run after a minute, not after every account has spent its tries."""
    stage = Stage(answer=lambda _: no_answer("nobody there"), latency=lambda _: 5.0)

    with pytest.raises(KeptFailing, match="nobody there"):
        stage.run(*[asking(str(number)) for number in range(200)])

    assert stage.clock.now - START < 5 * 60


def test_silence__is_over_with_any_answer() -> None:
    """Single calls without an answer end nothing, however many there are in a run."""
    turns = iter(range(10_000))
    stage = Stage(
        answer=lambda call: data(call) if next(turns) % 5 == 0 else no_answer("a gap"),
        latency=lambda _: 5.0,
    )

    stage.run(*[asking(str(number)) for number in range(60)])
