from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest

from tap_meta_partner.sandbox.insights.periods import Span, buckets, months_before, preset

TUESDAY = dt.date(2026, 11, 24)


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("today", "2026-11-24", "2026-11-24"),
        ("yesterday", "2026-11-23", "2026-11-23"),
        ("last_3d", "2026-11-21", "2026-11-23"),
        ("last_7d", "2026-11-17", "2026-11-23"),
        ("last_14d", "2026-11-10", "2026-11-23"),
        ("last_28d", "2026-10-27", "2026-11-23"),
        ("last_30d", "2026-10-25", "2026-11-23"),
        ("last_90d", "2026-08-26", "2026-11-23"),
        ("this_month", "2026-11-01", "2026-11-24"),
        ("last_month", "2026-10-01", "2026-10-31"),
        ("this_quarter", "2026-10-01", "2026-11-24"),
        ("last_quarter", "2026-07-01", "2026-09-30"),
        ("this_year", "2026-01-01", "2026-11-24"),
        ("last_year", "2025-01-01", "2025-12-31"),
        ("this_week_mon_today", "2026-11-23", "2026-11-24"),
        ("this_week_sun_today", "2026-11-22", "2026-11-24"),
        ("last_week_mon_sun", "2026-11-16", "2026-11-22"),
        ("last_week_sun_sat", "2026-11-15", "2026-11-21"),
        ("maximum", "2023-10-24", "2026-11-24"),
        ("data_maximum", "2023-10-24", "2026-11-24"),
    ],
)
def test_preset__means_days(name: str, since: str, until: str) -> None:
    """Every preset of Meta's is a span of the account's days."""
    assert preset(name, TUESDAY) == Span(dt.date.fromisoformat(since), dt.date.fromisoformat(until))


def test_preset__unknown() -> None:
    """`lifetime` went with v10."""
    assert preset("lifetime", TUESDAY) is None


def test_months_before__ends_with_the_month() -> None:
    """A day the earlier month does not have becomes its last."""
    assert months_before(dt.date(2026, 3, 31), 37) == dt.date(2023, 2, 28)
    assert months_before(dt.date(2024, 3, 31), 1) == dt.date(2024, 2, 29)


@pytest.mark.parametrize("increment", [1, 7, 30, 89, "monthly", "all_days"])
def test_buckets__cover_the_span_once(increment: int | str) -> None:
    """Periods follow each other without gap or overlap, from the first day to the last."""
    span = Span(dt.date(2026, 1, 17), dt.date(2026, 11, 24))
    found = list(buckets(span, increment))

    assert (found[0].since, found[-1].until) == span
    assert all((b.since - a.until).days == 1 for a, b in pairwise(found))
