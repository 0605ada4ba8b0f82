"""Each reason is given where the rows prove it, and only there."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.onboarding.verify.amounts import Held, HeldStream, Status, Told
from tap_meta_partner.onboarding.verify.comparison import Compared
from tap_meta_partner.onboarding.verify.reasons import Reason

BERLIN = "Europe/Berlin"
TODAY = dt.date(2026, 11, 25)
DAY = dt.date(2026, 11, 10)
MORNING_AFTER = dt.datetime(2026, 11, 11, 3, tzinfo=dt.timezone.utc)
NOVEMBER_8 = dt.datetime(2026, 11, 8, tzinfo=dt.timezone.utc)
ON_THE_DAY = dt.datetime(2026, 11, 10, 8, tzinfo=dt.timezone.utc)
THIS_MORNING = dt.datetime(2026, 11, 25, 3, tzinfo=dt.timezone.utc)
SPEND = frozenset({"spend"})


def held(spend: str | None, read_at: dt.datetime | None = THIS_MORNING, **more: object) -> Held:
    values: dict[str, object] = {
        "day": DAY,
        "read_at": read_at,
        "sums": {"spend": Decimal(spend or 0)},
        "empty": {"spend": int(spend is None)},
        "timezone_name": BERLIN,
        **more,
    }
    return Held(**values)  # type: ignore[arg-type]


def stream(*readings: Held, level: str = "account", **more: object) -> HeldStream:
    values: dict[str, object] = {
        "stream": f"{level}_insights",
        "level": level,
        "metrics": SPEND,
        "days": {DAY: readings} if readings else {},
        "first_day": dt.date(2026, 10, 1),
        "last_read": THIS_MORNING,
        **more,
    }
    return HeldStream(**values)  # type: ignore[arg-type]


def told(spend: str | None) -> Told:
    amounts = {} if spend is None else {"spend": Decimal(spend)}
    return Told(total=amounts, days={DAY: amounts} if amounts else {})


def compared(*streams: HeldStream, meta: Told | None = None, **more: object) -> Compared:
    values: dict[str, object] = {
        "window": DateWindow(DAY, DAY),
        "zone": ZoneInfo(BERLIN),
        "timezone_name": BERLIN,
        "told": meta or told("10"),
        "streams": streams,
        "metrics": ("spend",),
        "lookback_days": 28,
        "today": TODAY,
        **more,
    }
    return Compared(**values)  # type: ignore[arg-type]


def reason(each: Compared) -> Reason | None:
    found = [difference.reason for difference in each.differences()]
    assert len(found) <= 1
    return found[0] if found else None


def test_equal__is_no_difference_though_binary_fractions_are_off() -> None:
    """0.1 + 0.2 in a column of doubles is 0.3; a cent more is not."""
    assert reason(compared(stream(held(str(0.1 + 0.2))), meta=told("0.3"))) is None
    assert reason(compared(stream(held("0.31")), meta=told("0.3"))) is not None


def test_withdrawn__is_what_the_latest_reading_alone_makes_equal() -> None:
    """An older row is too much; where the latest reading is wrong too, that is not the reason."""
    older = held("3", MORNING_AFTER)

    assert reason(compared(stream(older, held("10")))) is Reason.WITHDRAWN
    assert reason(compared(stream(older, held("9")))) is Reason.RESTATED


def test_restated__is_a_day_read_while_meta_was_correcting_it() -> None:
    """Within 28 days of the reading; a day that was final when it was read is not explained."""
    long_after = dt.datetime(2026, 12, 20, 3, tzinfo=dt.timezone.utc)

    assert reason(compared(stream(held("9", MORNING_AFTER)))) is Reason.RESTATED
    assert reason(compared(stream(held("9", long_after)))) is Reason.UNKNOWN
    assert reason(compared(stream(held("9", None)))) is Reason.UNKNOWN


def test_restated__beyond_the_lookback_is_said_apart() -> None:
    """No run reads the day again: with lookback_days 7 it stays wrong."""
    each = compared(stream(held("9", MORNING_AFTER)), lookback_days=7)

    assert reason(each) is Reason.RESTATED_TOO_LONG_AGO


def test_restated__is_not_said_below_an_account_that_is_right() -> None:
    """The account's row, read before, is what Meta says: nothing was corrected since."""
    account = stream(held("10", MORNING_AFTER))
    ads = stream(held("9", MORNING_AFTER), level="ad")

    assert reason(compared(account, ads)) is Reason.UNKNOWN
    read_later = stream(held("10", THIS_MORNING))
    assert reason(compared(read_later, ads)) is Reason.RESTATED


def test_not_over__is_a_day_read_while_it_lasted() -> None:
    """By the account's own clock: 22:30 UTC is 23:30 in Berlin, an hour later the day is over."""
    late = dt.datetime(2026, 11, 10, 22, 30, tzinfo=dt.timezone.utc)

    assert reason(compared(stream(held("9", late)))) is Reason.NOT_OVER
    assert reason(compared(stream(held("9", late + dt.timedelta(hours=1))))) is Reason.RESTATED


@pytest.mark.parametrize(
    ("first_day", "last_read", "expected"),
    [
        (None, None, Reason.NEVER_READ),
        (dt.date(2026, 11, 11), THIS_MORNING, Reason.BEFORE_START),
        (
            dt.date(2026, 10, 1),
            dt.datetime(2026, 11, 8, tzinfo=dt.timezone.utc),
            Reason.NOT_READ_SINCE,
        ),
        (
            dt.date(2026, 10, 1),
            dt.datetime(2026, 11, 10, 8, tzinfo=dt.timezone.utc),
            Reason.NOT_OVER,
        ),
        (dt.date(2026, 10, 1), THIS_MORNING, Reason.UNKNOWN),
    ],
)
def test_absent__day_is_explained_by_what_was_ever_read(
    first_day: dt.date | None, last_read: dt.datetime | None, expected: Reason
) -> None:
    """Never, not yet, no more, not to its end; a day missing in the middle is not explained."""
    assert reason(compared(stream(first_day=first_day, last_read=last_read))) is expected


def test_before_start__is_not_said_where_another_table_began_earlier() -> None:
    """Two streams that were to begin on one day; one with a start of its own may begin later."""
    account = stream(held("10"))
    ads = stream(level="ad", first_day=dt.date(2026, 11, 11))
    own = replace(ads, start=dt.date(2026, 11, 11))

    assert reason(compared(account, ads)) is Reason.UNKNOWN
    assert reason(compared(account, own)) is Reason.BEFORE_START


def test_hole__is_what_the_status_table_admits() -> None:
    """A missing day is explained where the last run said that it could not have everything."""
    status = Status(result="incomplete", reason="…", run_started_at=THIS_MORNING)
    delivered = replace(status, result="delivered")

    assert reason(compared(stream(status=status))) is Reason.HOLE
    assert reason(compared(stream(status=delivered))) is Reason.UNKNOWN


def test_field__is_empty_in_all_rows() -> None:
    """Null everywhere is a field that was not had; null in some rows is not."""
    one = held(None, MORNING_AFTER)

    assert reason(compared(stream(one))) is Reason.FIELD_EMPTY
    assert reason(compared(stream(replace(one, rows=2)))) is Reason.RESTATED


def test_time_zone__is_another_than_the_rows_say() -> None:
    """Meta's name for the account's zone is not the rows' any more."""
    each = stream(held("9", MORNING_AFTER, timezone_name="America/New_York"))

    assert reason(compared(each)) is Reason.TIME_ZONE


def test_attribution__is_another_setting_at_account_level() -> None:
    """Only for actions: what was spent does not depend on it."""
    sums = {"spend": Decimal(10), "actions:purchase": Decimal(1)}
    setting = frozenset({"7d_click"})
    each = stream(
        held(None, sums=sums, empty={}, attribution=setting),
        metrics=frozenset({"actions:purchase"}),
    )
    amounts = {"actions:purchase": Decimal(2)}
    now = Told(total=amounts, days={DAY: amounts}, attribution=frozenset({"1d_click"}))
    same = replace(now, attribution=setting)

    assert reason(compared(each, meta=now, metrics=("actions:purchase",))) is Reason.ATTRIBUTION
    assert reason(compared(each, meta=same, metrics=("actions:purchase",))) is Reason.RESTATED


def test_deleted__is_what_meta_does_not_list_below_the_account_either() -> None:
    """Meta's own ads add up to the table's, and not to the account's."""
    account, ads = stream(held("10")), stream(held("9"), level="ad")

    assert reason(compared(account, ads, by_level={"ad": told("9")})) is Reason.DELETED
    assert reason(compared(account, ads, by_level={"ad": told("10")})) is Reason.UNKNOWN


def test_meta__days_that_do_not_add_up_to_its_total_are_noticed() -> None:
    """Its total over all days is another than the sum of its days."""
    askew = Told(total={"spend": Decimal(11)}, days={DAY: {"spend": Decimal(10)}})

    assert compared(stream(held("10")), meta=askew).is_askew("spend")
    assert not compared(stream(held("10"))).is_askew("spend")


def test_column__that_the_table_lacks_is_not_compared() -> None:
    """A deselected column is no difference."""
    each = stream(held("9"), metrics=frozenset())

    assert reason(compared(each)) is None
    assert compared(each).held(each, "spend") is None
