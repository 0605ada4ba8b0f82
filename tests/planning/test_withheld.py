"""What days were delivered without, and which are owed for it."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.withheld import Withheld, read_withheld
from tests.support.windows_read import THOROUGHLY


def days(first: int, last: int) -> DateWindow:
    return DateWindow(dt.date(2026, 11, first), dt.date(2026, 11, last))


def test_read__notes_days_without_and_forgets_them_once_they_came_with() -> None:
    """Field by field, day by day."""
    withheld = Withheld().read(days(1, 9), asked=("a", "b"), refused={"a"})
    assert withheld.without == {"a": (days(1, 9),)}

    withheld = withheld.read(days(4, 6), asked=("a", "b"), refused={"b"})

    assert withheld.without == {"a": (days(1, 3), days(7, 9)), "b": (days(4, 6),)}
    assert withheld.owed(("a",)) == [days(1, 3), days(7, 9)]
    assert withheld.owed(("a", "b")) == [days(1, 9)]
    assert withheld.owed(()) == []
    assert withheld.having("a", days(1, 9)) == [days(4, 6)]
    assert withheld.having("c", days(1, 9)) == [days(1, 9)]


def test_spared__are_owed_until_they_are_read() -> None:
    """Whatever is asked for: their restatements were not read."""
    withheld = Withheld().spared([days(1, 5)])
    assert withheld.owed(()) == [days(1, 5)]

    assert withheld.read(days(1, 3), asked=("a",), refused=()).unread == (days(4, 5),)


def test_bounded__joins_the_nearest_and_owes_a_few_days_more() -> None:
    """A field that comes and goes each night does not swell the state."""
    withheld = Withheld()
    for number in range(1, 30, 2):
        withheld = withheld.read(days(number, number), asked=("a",), refused={"a"})

    assert len(withheld.without["a"]) == 8
    owed = {day for window in withheld.owed(("a",)) for day in window.each_day()}
    assert {dt.date(2026, 11, number) for number in range(1, 30, 2)} <= owed


def test_state__that_makes_no_sense_is_left_out() -> None:
    """What cannot be read is not known; it never ends a run."""
    assert read_withheld({"without": {"a": ["x", "2026-11-01..2026-11-02"], "b": 3}}) == Withheld(
        {"a": (days(1, 2),)}
    )
    assert read_withheld({"without": ["a"], "unread": {"a": 1}}) == Withheld()


@THOROUGHLY
@given(
    st.lists(
        st.tuples(st.integers(1, 28), st.integers(1, 28), st.sets(st.sampled_from("abc"))),
        max_size=12,
    )
)
def test_history__knows_of_each_day_whether_it_has_a_field(
    nights: list[tuple[int, int, set[str]]],
) -> None:
    """Never less is owed than is lacking; a day said to have a field has it."""
    withheld = Withheld()
    truth: dict[tuple[str, dt.date], bool] = {}
    for one, other, refused in nights:
        window = days(min(one, other), max(one, other))
        withheld = withheld.read(window, asked="abc", refused=refused)
        truth |= {(name, day): name in refused for name in "abc" for day in window.each_day()}

    for name in "abc":
        owed = {day for window in withheld.owed((name,)) for day in window.each_day()}
        having = {day for window in withheld.having(name, days(1, 28)) for day in window.each_day()}
        assert {day for (named, day), lacks in truth.items() if named == name and lacks} <= owed
        assert owed.isdisjoint(having)
