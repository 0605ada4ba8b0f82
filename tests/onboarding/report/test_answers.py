from __future__ import annotations

import datetime as dt
from decimal import Decimal

from tap_meta_partner.onboarding.report.answers import (
    delivered,
    placed,
    purchases,
    spends,
)
from tap_meta_partner.onboarding.report.held import (
    Campaign,
    Client,
    Extent,
    LastNight,
    Placement,
)

TODAY = dt.date(2026, 3, 10)
YESTERDAY = TODAY - dt.timedelta(days=1)


def a_client(days: int, amount: str = "10", *, since: dt.date | None = None) -> Client:
    """A client that spent the same on each of so many days up to yesterday."""
    spend = {YESTERDAY - dt.timedelta(days=each): Decimal(amount) for each in range(days)}
    extent = Extent(since=since, up_to=YESTERDAY) if since else None
    return Client(account_id="1", name="A", currency="EUR", spend=spend, extent=extent)


def test_spends__compares_with_as_many_days_before() -> None:
    """Equal weeks and months are a change of nothing."""
    assert spends([a_client(56)], TODAY) == [
        ("A", "EUR", YESTERDAY, Decimal("70.00"), 0, Decimal("280.00"), 0)
    ]


def test_spends__says_nothing_of_days_that_were_not_read() -> None:
    """With 30 days of history 28 days have nothing to be held against; 7 have."""
    ((_, _, _, _, week, _, month),) = spends([a_client(30)], TODAY)

    assert week == 0
    assert month is None


def test_spends__holds_an_idle_month_before_against_nothing() -> None:
    """Days that were read and had no ad are no reason for a percentage."""
    client = a_client(28, since=dt.date(2025, 1, 1))

    assert spends([client], TODAY)[0][-1] is None


def test_spends__leaves_today_out() -> None:
    """The day under way would look like a fall."""
    client = a_client(56)
    client.spend[TODAY] = Decimal(1000)

    assert spends([client], TODAY)[0][3] == Decimal("70.00")


def test_purchases__takes_ten_and_those_with_worth_first() -> None:
    """Without worth there is no return to order by; without purchases no row."""
    campaigns = [
        Campaign(
            client="A",
            name=str(number),
            currency="EUR",
            spend=Decimal(10),
            purchases=Decimal(number % 13),
            worth=None if number == 12 else Decimal(number),
        )
        for number in range(14)
    ]
    found = purchases(campaigns)

    assert len(found) == 10
    assert [row[1] for row in found][:2] == ["11", "10"]
    assert found[0][5:] == (Decimal("0.91"), Decimal("1.10"))


def test_purchases__of_a_campaign_that_cost_nothing_have_no_return() -> None:
    """Attributed later, on days without spend: nothing is divided by nothing."""
    free = Campaign(client="A", name="a", currency="EUR", purchases=Decimal(2), worth=Decimal(5))

    assert purchases([free])[0][5:] == (Decimal("0.00"), None)


def test_placed__never_adds_up_two_currencies() -> None:
    """Each currency's shares are a hundred percent."""
    rows = placed(
        Placement(
            currency=currency,
            platform="facebook",
            position=position,
            spend=Decimal(spend),
            impressions=0,
            clicks=0,
        )
        for currency, position, spend in [("JPY", "feed", 300), ("EUR", "feed", 1), ("EUR", "x", 3)]
    )

    assert [row[4] for row in rows] == [Decimal("75.0"), Decimal("25.0"), Decimal("100.0")]
    assert rows[0][5:] == (None, None)


def test_delivered__puts_trouble_first_and_names_who_has_no_data() -> None:
    """An account that was never read has a name all the same."""
    nights = [
        LastNight(account_id="1", client="A", result="delivered", reason=""),
        LastNight(account_id="2", client="B", result="skipped", reason="not assigned: assign it"),
    ]
    client = a_client(3)
    client.open_days.add(YESTERDAY)

    assert delivered(nights, {"1": client}) == [
        ("B", "skipped", None, None, None, "not assigned"),
        ("A", "delivered", YESTERDAY, 1, Decimal("10.00"), ""),
    ]
