"""What the account spent and what its ads add up to: which days are compared, and how closely."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tap_meta_partner.accounts.ad_account import AdAccount
from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.settings.model import ReportDefinition
from tap_meta_partner.sync.events import Discrepancy
from tap_meta_partner.sync.reconciliation import Spend, adds_up

ACCOUNT = AdAccount(account_id="1", name="One")
TODAY = dt.date(2026, 11, 25)
DAYS = DateWindow(dt.date(2026, 11, 20), dt.date(2026, 11, 25))


def spent(**by_day: str) -> dict[str, Decimal]:
    return {f"2026-11-{day[1:]}": Decimal(value) for day, value in by_day.items()}


def compared(
    account: dict[str, Decimal], ads: dict[str, Decimal], ad_days: DateWindow = DAYS
) -> Discrepancy | None:
    spend = Spend()
    spend.note("account", DAYS, account)
    spend.note("ad", ad_days, ads)
    return spend.discrepancy(ACCOUNT, today=TODAY)


def test_equal__is_no_discrepancy() -> None:
    """Days without a row spent nothing at either level."""
    assert compared(spent(d21="10", d23="5.5"), spent(d21="10", d23="5.5")) is None


@pytest.mark.parametrize(
    ("ads", "told"),
    [
        # A thousandth of the day's amount, and a hundredth, may be rounding.
        ("998.99", False),
        ("998.98", True),
        ("1001.01", False),
        ("1001.02", True),
    ],
)
def test_small__differences_are_rounding(ads: str, *, told: bool) -> None:
    """Less than a thousandth of a day's amount, and a hundredth, is not told."""
    found = compared(spent(d21="1000"), spent(d21=ads))

    assert (found is not None) is told


@pytest.mark.parametrize(
    "ads",
    [
        # One small day is lost beside large ones.
        spent(d20="9000", d22="9000"),
        # Two days set each other off.
        spent(d20="9000", d21="18", d22="8991"),
    ],
)
def test_discrepancy__is_of_single_days_of_either_sign(ads: dict[str, Decimal]) -> None:
    """What is small beside the whole, or levelled out by another day, is told all the same."""
    assert compared(spent(d20="9000", d21="9", d22="9000"), ads) is not None


def test_discrepancy__tells_the_days_that_differ_and_their_sums() -> None:
    """From the first to the last of them, without the days that agree."""
    account = spent(d20="100", d21="10", d22="70", d23="5")
    ads = spent(d20="100", d21="4", d22="70", d23="1")

    assert compared(account, ads) == Discrepancy(
        account_id="1",
        account_name="One",
        since=dt.date(2026, 11, 21),
        until=dt.date(2026, 11, 23),
        account_spend=Decimal(15),
        ad_spend=Decimal(5),
    )


def test_compared__are_only_days_read_at_both_levels() -> None:
    """A day that one level has not read yet says nothing, and today's numbers still grow."""
    short = DateWindow(dt.date(2026, 11, 23), dt.date(2026, 11, 25))

    assert compared(spent(d21="10", d25="7"), {}, ad_days=short) is None


def test_read_again__a_window_replaces_what_it_said() -> None:
    """A window that is begun again, or read by two streams, counts once."""
    spend = Spend()
    for _ in range(2):
        spend.note("account", DAYS, spent(d21="10"))
        spend.note("ad", DAYS, spent(d21="10"))

    assert spend.discrepancy(ACCOUNT, today=TODAY) is None


@pytest.mark.parametrize(
    ("definition", "counts"),
    [
        ({"level": "account"}, True),
        ({"level": "ad"}, True),
        ({"level": "campaign"}, False),
        ({"level": "ad", "breakdowns": ("age",)}, False),
        ({"level": "ad", "filtering": ({"field": "ad.id"},)}, False),
        ({"level": "ad", "time_increment": 7}, False),
        ({"level": "ad", "action_breakdowns": ("action_type", "action_device")}, True),
    ],
)
def test_adds_up__is_a_report_of_all_spend_by_day(
    definition: dict[str, object], *, counts: bool
) -> None:
    """Neither a part of the rows nor rows over several days can be compared."""
    assert adds_up(ReportDefinition(name="r", **definition)) is counts  # type: ignore[arg-type]
