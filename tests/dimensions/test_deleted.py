"""In which way deleted objects are asked for: what was refused to whom, and what works."""

from __future__ import annotations

import pytest

from tap_meta_partner.dimensions.deleted import DeletedListing, Way
from tap_meta_partner.dimensions.tables import DIMENSIONS

ALL = [Way.PARAMETER, Way.FILTER, Way.LIVING_ONLY]


def test_ways__are_all_tried_at_first() -> None:
    """Before anything was seen both ways are tried, then the one that always works."""
    assert DeletedListing().ways("ads", "1") == ALL


def test_ways__what_one_account_was_refused_is_its_own() -> None:
    """The account is not asked in that way again in this run; the others are."""
    seen = DeletedListing()

    assert seen.note_refused("ads", Way.PARAMETER, "1", "no")

    assert seen.ways("ads", "1") == ALL[1:]
    assert seen.ways("ads", "2") == ALL
    assert seen.ways("campaigns", "1") == ALL


@pytest.mark.parametrize(
    ("words", "ways"), [(("no", "no", "no"), ALL[1:]), (("no", "no", "never"), ALL)]
)
def test_ways__three_accounts_with_one_word_close_one(
    words: tuple[str, ...], ways: list[Way]
) -> None:
    """Three accounts that were told the same are evidence; three different words are not."""
    seen = DeletedListing()
    for account_id, word in zip("123", words, strict=True):
        seen.note_refused("ads", Way.PARAMETER, account_id, word)

    assert seen.ways("ads", "4") == ways


def test_ways__what_worked_for_somebody_stays_open() -> None:
    """Once a list was given in a way it is not closed for anybody who was not refused it."""
    seen = DeletedListing()
    seen.note_answered("ads", Way.PARAMETER)
    for account_id in "123":
        seen.note_refused("ads", Way.PARAMETER, account_id, "no")

    assert seen.ways("ads", "4") == ALL


def test_params__of_each_way() -> None:
    """Statuses go into a parameter or a filter; without deleted ones into the parameter."""
    statuses = ("ACTIVE", "DELETED")

    asked = {way: way.params(DIMENSIONS["adsets"], statuses) for way in Way}

    assert asked == {
        Way.PARAMETER: {"effective_status": ["ACTIVE", "DELETED"]},
        Way.FILTER: {
            "filtering": [
                {
                    "field": "adset.effective_status",
                    "operator": "IN",
                    "value": ["ACTIVE", "DELETED"],
                }
            ]
        },
        Way.LIVING_ONLY: {"effective_status": ["ACTIVE"]},
    }
    assert all(way.params(DIMENSIONS["adcreatives"], ()) == {} for way in Way)
