from __future__ import annotations

import calendar
import datetime as dt
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.accounts.ad_account import account_zone
from tap_meta_partner.days.history import history_edge, is_final
from tap_meta_partner.days.presets import DATE_PRESETS, preset_window
from tap_meta_partner.days.windows import DateWindow, between, joined, left_of, shared_by, window_of

D = dt.date.fromisoformat
DAYS = st.dates(min_value=dt.date(2010, 1, 1), max_value=dt.date(2060, 12, 31))
THOROUGHLY = settings(derandomize=True, deadline=None)


def days_of(*windows: DateWindow | None) -> list[dt.date]:
    return [
        window.since + dt.timedelta(days=number)
        for window in windows
        if window
        for number in range(window.days)
    ]


@st.composite
def windows(draw: st.DrawFn, *, least: int = 1) -> DateWindow:
    since = draw(DAYS)
    return DateWindow(since, since + dt.timedelta(days=draw(st.integers(least - 1, 1500))))


def test_window__includes_both_ends() -> None:
    """A window from the 1st to the 30th has 30 days."""
    window = DateWindow(D("2026-11-01"), D("2026-11-30"))

    assert window.days == 30
    assert str(window) == "2026-11-01..2026-11-30"
    assert D("2026-11-01") in window
    assert D("2026-11-30") in window
    assert D("2026-10-31") not in window
    assert D("2026-12-01") not in window


def test_window__holds_windows() -> None:
    """A window contains one that sticks out at neither end, and nothing that is no day."""
    window = DateWindow(D("2026-11-10"), D("2026-11-20"))

    assert window in window  # noqa: PLR0124  (that is the claim)
    assert DateWindow(D("2026-11-11"), D("2026-11-19")) in window
    assert DateWindow(D("2026-11-09"), D("2026-11-19")) not in window
    assert DateWindow(D("2026-11-11"), D("2026-11-21")) not in window
    assert "2026-11-11" not in window


def test_window__cannot_end_before_it_starts() -> None:
    """A window that would hold no day is refused, or None where asked for so."""
    with pytest.raises(ValueError, match=r"cannot end \(2026-11-01\) before"):
        DateWindow(D("2026-11-02"), D("2026-11-01"))

    assert between(D("2026-11-02"), D("2026-11-01")) is None
    assert between(D("2026-11-02"), D("2026-11-02")) == DateWindow(D("2026-11-02"), D("2026-11-02"))


@THOROUGHLY
@given(windows(), st.integers(1, 2000))
def test_first__and_the_rest_hold_each_day_once(window: DateWindow, days: int) -> None:
    """The first days and what is left hold exactly the days of the window."""
    head, rest = window.first(days)

    assert days_of(head, rest) == days_of(window)
    assert head.days == min(days, window.days)


@THOROUGHLY
@given(windows(), st.integers(1, 2000))
def test_last__and_the_rest_hold_each_day_once(window: DateWindow, days: int) -> None:
    """The last days and what is left hold exactly the days of the window."""
    tail, rest = window.last(days)

    assert days_of(rest, tail) == days_of(window)
    assert tail.days == min(days, window.days)


@THOROUGHLY
@given(st.lists(windows(), max_size=8))
def test_joined__holds_the_same_days_in_fewer_windows(several: list[DateWindow]) -> None:
    """Joined windows hold the same days, each once, with a day at least between two of them."""
    few = joined(several)

    assert days_of(*few) == sorted(set(days_of(*several)))
    assert all(
        later.since - earlier.until > dt.timedelta(days=1)
        for earlier, later in itertools.pairwise(few)
    )


# The presets as the calendar has them: a Wednesday, a Sunday that begins a month, a leap day and a
# New Year's Day. last_Nd and the past weeks, months … leave today out.
EXPECTED_PRESETS = {
    # Wednesday.
    "2026-11-25": {
        "today": "2026-11-25 2026-11-25",
        "yesterday": "2026-11-24 2026-11-24",
        "last_3d": "2026-11-22 2026-11-24",
        "last_7d": "2026-11-18 2026-11-24",
        "last_14d": "2026-11-11 2026-11-24",
        "last_28d": "2026-10-28 2026-11-24",
        "last_30d": "2026-10-26 2026-11-24",
        "last_90d": "2026-08-27 2026-11-24",
        "last_week_mon_sun": "2026-11-16 2026-11-22",
        "last_week_sun_sat": "2026-11-15 2026-11-21",
        "this_week_mon_today": "2026-11-23 2026-11-25",
        "this_week_sun_today": "2026-11-22 2026-11-25",
        "this_month": "2026-11-01 2026-11-25",
        "last_month": "2026-10-01 2026-10-31",
        "this_quarter": "2026-10-01 2026-11-25",
        "last_quarter": "2026-07-01 2026-09-30",
        "this_year": "2026-01-01 2026-11-25",
        "last_year": "2025-01-01 2025-12-31",
        "maximum": "2023-10-26 2026-11-25",
        "data_maximum": "2023-10-26 2026-11-25",
    },
    # Sunday.
    "2026-03-01": {
        "today": "2026-03-01 2026-03-01",
        "yesterday": "2026-02-28 2026-02-28",
        "last_3d": "2026-02-26 2026-02-28",
        "last_7d": "2026-02-22 2026-02-28",
        "last_14d": "2026-02-15 2026-02-28",
        "last_28d": "2026-02-01 2026-02-28",
        "last_30d": "2026-01-30 2026-02-28",
        "last_90d": "2025-12-01 2026-02-28",
        "last_week_mon_sun": "2026-02-16 2026-02-22",
        "last_week_sun_sat": "2026-02-22 2026-02-28",
        "this_week_mon_today": "2026-02-23 2026-03-01",
        "this_week_sun_today": "2026-03-01 2026-03-01",
        "this_month": "2026-03-01 2026-03-01",
        "last_month": "2026-02-01 2026-02-28",
        "this_quarter": "2026-01-01 2026-03-01",
        "last_quarter": "2025-10-01 2025-12-31",
        "this_year": "2026-01-01 2026-03-01",
        "last_year": "2025-01-01 2025-12-31",
        "maximum": "2023-02-02 2026-03-01",
        "data_maximum": "2023-02-02 2026-03-01",
    },
    # Tuesday.
    "2028-02-29": {
        "today": "2028-02-29 2028-02-29",
        "yesterday": "2028-02-28 2028-02-28",
        "last_3d": "2028-02-26 2028-02-28",
        "last_7d": "2028-02-22 2028-02-28",
        "last_14d": "2028-02-15 2028-02-28",
        "last_28d": "2028-02-01 2028-02-28",
        "last_30d": "2028-01-30 2028-02-28",
        "last_90d": "2027-12-01 2028-02-28",
        "last_week_mon_sun": "2028-02-21 2028-02-27",
        "last_week_sun_sat": "2028-02-20 2028-02-26",
        "this_week_mon_today": "2028-02-28 2028-02-29",
        "this_week_sun_today": "2028-02-27 2028-02-29",
        "this_month": "2028-02-01 2028-02-29",
        "last_month": "2028-01-01 2028-01-31",
        "this_quarter": "2028-01-01 2028-02-29",
        "last_quarter": "2027-10-01 2027-12-31",
        "this_year": "2028-01-01 2028-02-29",
        "last_year": "2027-01-01 2027-12-31",
        "maximum": "2025-01-30 2028-02-29",
        "data_maximum": "2025-01-30 2028-02-29",
    },
    # Friday.
    "2027-01-01": {
        "today": "2027-01-01 2027-01-01",
        "yesterday": "2026-12-31 2026-12-31",
        "last_3d": "2026-12-29 2026-12-31",
        "last_7d": "2026-12-25 2026-12-31",
        "last_14d": "2026-12-18 2026-12-31",
        "last_28d": "2026-12-04 2026-12-31",
        "last_30d": "2026-12-02 2026-12-31",
        "last_90d": "2026-10-03 2026-12-31",
        "last_week_mon_sun": "2026-12-21 2026-12-27",
        "last_week_sun_sat": "2026-12-20 2026-12-26",
        "this_week_mon_today": "2026-12-28 2027-01-01",
        "this_week_sun_today": "2026-12-27 2027-01-01",
        "this_month": "2027-01-01 2027-01-01",
        "last_month": "2026-12-01 2026-12-31",
        "this_quarter": "2027-01-01 2027-01-01",
        "last_quarter": "2026-10-01 2026-12-31",
        "this_year": "2027-01-01 2027-01-01",
        "last_year": "2026-01-01 2026-12-31",
        "maximum": "2023-12-02 2027-01-01",
        "data_maximum": "2023-12-02 2027-01-01",
    },
}


@pytest.mark.parametrize(
    ("today", "preset", "days"),
    [
        (today, preset, days)
        for today, presets in EXPECTED_PRESETS.items()
        for preset, days in presets.items()
    ],
)
def test_preset__holds_the_days_of_the_calendar(today: str, preset: str, days: str) -> None:
    """Each preset covers the days Meta's page gives it, seen from this day."""
    since, until = days.split()

    assert preset_window(preset, today=D(today)) == DateWindow(D(since), D(until))


def test_presets__are_metas_twenty() -> None:
    """Every preset is checked above on each of the days, and there are twenty."""
    assert len(DATE_PRESETS) == 20
    assert all(set(presets) == set(DATE_PRESETS) for presets in EXPECTED_PRESETS.values())


def test_preset__lifetime_is_gone() -> None:
    """`lifetime`, which Meta dropped for `maximum`, is no preset."""
    with pytest.raises(KeyError):
        preset_window("lifetime", today=D("2026-11-25"))


@THOROUGHLY
@given(DAYS, st.sampled_from(sorted(DATE_PRESETS)))
def test_preset__stays_within_the_history(today: dt.date, preset: str) -> None:
    """No preset begins before the 37 months or ends after today."""
    window = preset_window(preset, today=today)

    assert window.since >= history_edge(today)
    assert window.until <= today


def months_back(today: dt.date, *, run_over: bool) -> dt.date:
    """Count 37 months back; a missing day is the month's last one, or runs over into the next."""
    year, month = divmod(today.year * 12 + today.month - 1 - 37, 12)
    last = calendar.monthrange(year, month + 1)[1]
    if today.day <= last or not run_over:
        return dt.date(year, month + 1, min(today.day, last))
    return dt.date(year, month + 1, last) + dt.timedelta(days=today.day - last)


@pytest.mark.parametrize(
    ("today", "edge"),
    [
        ("2026-11-25", "2023-10-26"),
        ("2026-03-01", "2023-02-02"),
        ("2026-02-28", "2023-01-29"),
        # 31 February does not exist: it is the 28th, or runs over to 3 March.
        ("2026-03-31", "2023-03-04"),
        ("2026-03-29", "2023-03-02"),
        ("2027-03-30", "2024-03-02"),
        ("2028-02-29", "2025-01-30"),
        ("2026-12-31", "2023-12-02"),
        ("2027-01-31", "2024-01-01"),
        ("2026-01-15", "2022-12-16"),
    ],
)
def test_history_edge__is_one_day_inside_37_months(today: str, edge: str) -> None:
    """The edge is the day after the same day 37 months before; missing days run over."""
    assert history_edge(D(today)) == D(edge)


@THOROUGHLY
@given(DAYS)
def test_history_edge__is_inside_whichever_way_meta_counts(today: dt.date) -> None:
    """The edge lies after 37 months back by both rules for month ends, and costs few days."""
    edge = history_edge(today)

    assert edge > months_back(today, run_over=True)
    assert edge > months_back(today, run_over=False)
    assert (edge - months_back(today, run_over=False)).days <= 4


def test_history_edge__moves_on_from_month_to_month() -> None:
    """From one day to the next the edge moves on, but for the days that run over a short month."""
    days = [D("2020-01-01") + dt.timedelta(days=number) for number in range(366 * 28)]
    edges = [history_edge(day) for day in days]
    backwards = {
        (day.month, day.day, (edge - before).days)
        for day, before, edge in zip(days[1:], edges, edges[1:], strict=False)
        if edge < before
    }

    assert backwards == {(4, 1, -1), (4, 1, -2)}


def test_account_zone__decides_which_day_it_is() -> None:
    """At one moment it is three different days between Pago Pago and Kiritimati."""
    now = dt.datetime(2026, 11, 25, 10, 30, tzinfo=dt.timezone.utc)
    todays = [
        now.astimezone(account_zone(name, None)).date()
        for name in ("Pacific/Pago_Pago", "Europe/Vienna", "Pacific/Kiritimati")
    ]

    assert todays == [D("2026-11-24"), D("2026-11-25"), D("2026-11-26")]


@pytest.mark.parametrize(
    ("moment", "today"),
    [
        # Summer time in New York ended on 1 November 2026: midnight moved from 04:00 to 05:00 UTC.
        ("2026-10-31T04:30:00+00:00", "2026-10-31"),
        ("2026-11-02T04:30:00+00:00", "2026-11-01"),
    ],
)
def test_account_zone__knows_daylight_saving(moment: str, today: str) -> None:
    """The name decides, not the offset Meta gave on another day of the year."""
    zone = account_zone("America/New_York", -4)

    assert dt.datetime.fromisoformat(moment).astimezone(zone).date() == D(today)


@pytest.mark.parametrize("name", [None, "", "Mars/Olympus_Mons", "America", "../etc/passwd"])
def test_account_zone__falls_back_to_the_offset(name: str | None) -> None:
    """Where the zone database does not know the name, today's offset serves."""
    moment = dt.datetime(2026, 11, 25, tzinfo=dt.timezone.utc)

    assert moment.astimezone(account_zone(name, 5.75)).utcoffset() == dt.timedelta(
        hours=5, minutes=45
    )


def test_account_zone__without_anything_is_utc() -> None:
    """An account of which neither name nor offset is known counts its days in UTC."""
    assert account_zone(None, None).utcoffset(None) == dt.timedelta(0)


@pytest.mark.parametrize(
    ("day", "final"),
    [("2026-10-27", True), ("2026-10-28", False), ("2026-11-25", False), ("2020-01-01", True)],
)
def test_is_final__after_28_days(day: str, *, final: bool) -> None:
    """A day 28 days ago can still change, one 29 days ago no longer."""
    assert is_final(D(day), today=D("2026-11-25")) is final


# Days in common, and days left.


@pytest.mark.parametrize(
    ("others", "shared", "left"),
    [
        ([], [], ["01..10"]),
        (["11..20"], [], ["01..10"]),
        (["01..10"], ["01..10"], []),
        (["03..04", "04..05"], ["03..05"], ["01..02", "06..10"]),
        (["08..20", "01..01"], ["01..01", "08..10"], ["02..07"]),
    ],
)
def test_days__of_a_window_are_shared_or_left(
    others: list[str], shared: list[str], left: list[str]
) -> None:
    """Every day is in one of the two lists, in as few windows as possible."""

    def made(text: str) -> DateWindow:
        since, _, until = text.partition("..")
        return DateWindow(dt.date(2026, 11, int(since)), dt.date(2026, 11, int(until)))

    found = [made(text) for text in others]

    assert shared_by(made("01..10"), found) == [made(text) for text in shared]
    assert left_of(made("01..10"), found) == [made(text) for text in left]


def test_days__to_the_ends_of_the_calendar_are_shared_and_left() -> None:
    """Neither end of what dates can be is passed."""
    ever = DateWindow(dt.date.min, dt.date.max)

    assert shared_by(ever, [ever]) == [ever]
    assert left_of(ever, [ever]) == []


def test_window__is_read_as_it_is_written() -> None:
    """A single day may stand for itself."""
    window = DateWindow(dt.date(2026, 11, 1), dt.date(2026, 11, 3))

    assert window_of(str(window)) == window
    assert window_of("2026-11-01") == DateWindow(window.since, window.since)
    with pytest.raises(ValueError, match="isoformat"):
        window_of("yesterday..today")
