"""The calls of dimensions: pages, statuses above ads, and months of activities."""

from __future__ import annotations

import pytest

from tap_meta_partner.onboarding.check.dimensions import object_calls

MANY = {"account": 1, "campaign": 20, "adset": 501, "ad": 1001}


@pytest.mark.parametrize(
    ("streams", "first", "nightly"),
    [
        ((), 0, 0),
        (("campaigns",), 1, 1),
        (("adsets",), 6, 6),
        (("adsets", "adsets_history"), 6, 6),
        (("adsets_history",), 6, 6),
        # Eleven pages of ads; one of campaigns' statuses and two of ad sets'.
        (("ads",), 11 + 3, 1 + 3),
        (("campaigns", "adsets", "ads"), 1 + 6 + 11, 1 + 6 + 1),
        (("adcreatives",), 11, 11),
        (("pixels", "images"), 2, 2),
        (("activities",), 12, 1),
    ],
    ids=str,
)
def test_calls__of_a_large_account(streams: tuple[str, ...], first: int, nightly: int) -> None:
    """A page has a hundred objects, five hundred statuses, or a month."""
    assert object_calls(streams, MANY, days=365, nightly=False) == first
    assert object_calls(streams, MANY, days=365, nightly=True) == nightly


def test_calls__of_an_account_of_which_nothing_is_known() -> None:
    """A list that is empty is asked for, too."""
    assert object_calls(("campaigns", "activities"), {}, days=None, nightly=False) == 2
    assert object_calls(("activities",), {}, days=0, nightly=False) == 1
    assert object_calls(("activities",), {}, days=30, nightly=False) == 1
    assert object_calls(("activities",), {}, days=31, nightly=False) == 2
