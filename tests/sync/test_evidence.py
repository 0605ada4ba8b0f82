"""How many have to be told the same before a stream is to blame, and who counts."""

from __future__ import annotations

import logging

import pytest

from tap_meta_partner.sync.evidence import Evidence
from tests.support.fakes import fault

AD = "ad_insights"


def refused(evidence: Evidence, *account_ids: str, message: str = "no", stream: str = AD) -> bool:
    """Tell whether the stream is closed after refusals to these accounts."""
    for account_id in account_ids:
        evidence.note_refused(stream, account_id, fault(100, None, message))
    return stream in evidence.closed


@pytest.mark.parametrize(
    ("accounts", "enough"), [(1, 3), (2, 3), (6, 3), (7, 3), (8, 4), (49, 24), (50, 25), (1000, 25)]
)
def test_enough__is_half_of_all_within_bounds(accounts: int, enough: int) -> None:
    """Two are never enough; of many, twenty-five are."""
    evidence = Evidence(accounts=accounts)
    names = [f"a{number}" for number in range(enough)]

    assert not refused(evidence, *names[:-1])
    assert refused(evidence, names[-1])


def test_closed__not_by_one_account_again_and_again() -> None:
    """Accounts count, not refusals."""
    assert not refused(Evidence(accounts=6), *["a"] * 9)


def test_closed__not_by_different_words() -> None:
    """Three accounts with three reasons do not make a wrong setting."""
    evidence = Evidence(accounts=6)

    for number in range(9):
        closed = refused(evidence, f"a{number}", message=f"reason {'abc'[number % 3] * 2}")
        assert closed is (number >= 6)


def test_closed__by_the_same_words_about_different_things() -> None:
    """Ids, names in quotation marks and numbers do not make it another word."""
    evidence = Evidence(accounts=6)

    refused(evidence, "a", message="(#100) No 'Spring sale' in act_11")
    refused(evidence, "b", message="(#100) No 'It's \\'summer\\'' in act_22".replace("\\", ""))
    refused(evidence, "c", message='(#100) No "Spring" in act_33')
    assert refused(evidence, "d", message="(#100) no 'x' in act_4")


def test_closed__not_where_it_has_worked_for_somebody() -> None:
    """One answer proves that the request can be right."""
    evidence = Evidence(accounts=6)

    evidence.note_worked(AD)

    assert not refused(evidence, *"abcdef")


def test_closed__stream_is_opened_again_by_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """An account that was under way is answered after all: the others are asked again."""
    evidence = Evidence(accounts=6)
    refused(evidence, *"abc")

    evidence.note_worked(AD)

    assert evidence.closed == {}
    assert "ad_insights is read on" in caplog.text


def test_closed__is_that_stream_only_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Other streams are asked; the log has one line of it."""
    caplog.set_level(logging.INFO)
    evidence = Evidence(accounts=6)

    refused(evidence, *"abcdef")

    assert list(evidence.closed) == [AD]
    assert caplog.text.count("ad_insights is not asked for any further") == 1


def test_troubled__accounts_count_for_themselves_alone() -> None:
    """Those that failed the last time prove nothing new of a stream."""
    evidence = Evidence(accounts=200, troubled={AD: {f"a{n}" for n in range(40)}})

    assert not refused(evidence, *(f"a{n}" for n in range(40)))
    assert not refused(evidence, *(f"b{n}" for n in range(24)))
    assert refused(evidence, "b24")


def test_troubled__accounts_count_where_there_are_hardly_any_others() -> None:
    """A report that is wrong for everybody is not asked of everybody for ever."""
    evidence = Evidence(accounts=6, troubled={AD: set("abcd")})

    assert refused(evidence, *"abc")


def test_troubled__in_another_stream_is_no_trouble() -> None:
    """An account that failed elsewhere is a witness here like any other."""
    evidence = Evidence(accounts=6, troubled={"campaign_insights": set("abcdef")})

    assert refused(evidence, *"abc")
