from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tap_meta_partner.onboarding.check.estimate import AccountSize, Estimate, Measured, estimate
from tap_meta_partner.settings.model import ReportDefinition, Settings

TODAY = dt.date(2026, 11, 25)


def account(number: int = 1, *, ads: int = 10, active: bool = True) -> AccountSize:
    objects = {"account": 1, "campaign": 2, "adset": 4, "ad": ads}
    return AccountSize(account_id=str(number), name="", today=TODAY, active=active, objects=objects)


def estimated(
    *accounts: AccountSize,
    tier: str | None = "standard_access",
    **settings: Any,  # noqa: ANN401
) -> Estimate:
    measured = Measured(seconds_per_call=0.5, tier=tier)
    return estimate(Settings(access_token="T", **settings), accounts, measured)


def test_estimate__an_active_account_costs_a_call_per_stream() -> None:
    """A month fits into one window: four calls, and two for the list."""
    assert estimated(account()).nightly.calls == 4 + 2
    assert estimated(account()).first.calls == 4 + 2


def test_estimate__an_idle_account_costs_one_call() -> None:
    """Nothing happened, so that the other levels are not asked."""
    assert estimated(account(active=False)).nightly.calls == 1 + 2


def test_estimate__an_idle_account_costs_a_second_call_once() -> None:
    """The level below confirms that a new account was idle, for years in three calls."""
    long_ago = dt.date(2024, 1, 1)

    assert estimated(account(active=False)).first.calls == 2 + 2
    assert estimated(account(active=False), start_date=long_ago).first.calls == 3 + 2


def test_estimate__more_rows_than_a_page() -> None:
    """100 ads over 31 days are 3100 rows: seven pages at ad level."""
    assert estimated(account(ads=100)).nightly.calls == 3 + 7 + 2


def test_estimate__a_report_run_costs_more_calls() -> None:
    """More than ten pages are read as a run: it has to be created and asked about."""
    assert estimated(account(ads=1000)).nightly.calls == 3 + 62 + 4 + 2


def test_estimate__a_long_history_takes_windows() -> None:
    """A year is read in windows of 30 days; the nights after it are not."""
    found = estimated(account(), start_date=dt.date(2025, 11, 26))

    assert found.first.calls == 4 * 12 + 2
    assert found.nightly.calls == 4 + 2


def test_estimate__a_start_before_metas_history_is_clamped() -> None:
    """37 months at most, whatever start_date says."""
    assert estimated(account(), start_date=dt.date(2010, 1, 1)).first.calls < 4 * 40


def test_estimate__a_preset_is_read_in_full_each_night() -> None:
    """With date_preset every run is the first."""
    found = estimated(account(), date_preset="last_90d")

    assert found.first.calls == found.nightly.calls == 4 * 3 + 2


def test_estimate__breakdowns_multiply_rows() -> None:
    """Age and gender: 18 rows for each object and day."""
    report = ReportDefinition(name="r", level="ad", breakdowns=("age", "gender"))

    found = estimated(account(), reports=(report,))

    assert found.streams == 5
    assert found.nightly.calls == 4 + 12 + 4 + 2  # 5580 rows: 12 pages, as a run
    assert any("breakdowns" in text for text in found.assumed)


def test_estimate__filtered_reports_are_asked_of_idle_accounts_too() -> None:
    """What a filter shows is not known from the account's own activity."""
    report = ReportDefinition(name="r", filtering=({"field": "x", "operator": "IN", "value": []},))

    assert estimated(account(active=False), reports=(report,)).nightly.calls == 2 + 2


@pytest.mark.parametrize(
    ("tier", "limit", "word"),
    [
        ("standard_access", 190_000 + 4_000, "Full"),
        ("development_access", 600 + 4_000, "Limited"),
        (None, 600 + 4_000, "unknown, counted as Limited"),
    ],
)
def test_estimate__share_of_the_limit(tier: str | None, limit: int, word: str) -> None:
    """The busiest account's calls against its hour: a base by tier, and 400 for each active ad."""
    found = estimated(account(1), tier=tier)

    assert found.tier == word
    assert found.first.busiest_account_id == "1"
    assert found.first.busiest_account_limit == limit
    assert found.first.share_of_hourly_limit == pytest.approx(100 * 4 / limit, abs=0.001)


def test_estimate__names_the_account_nearest_to_its_limit() -> None:
    """An idle account takes few calls, but may have few: in the Limited tier it can be nearest."""
    found = estimated(account(1), account(2, active=False), tier="development_access")

    assert found.first.busiest_account_id == "2"
    assert found.first.busiest_account_limit == 600


def test_estimate__time_at_the_measured_speed() -> None:
    """As long as the check's own calls took, so many at once; two at once in the Limited tier."""
    accounts = [account(number, active=False) for number in range(7_200)]

    full = estimated(*accounts)
    limited = estimated(*accounts, tier="development_access")

    assert full.nightly.calls == 7_200 + 2 * 36
    assert full.nightly.hours == pytest.approx(7_272 * 0.5 / 8 / 3600, abs=0.001)
    assert limited.nightly.hours == pytest.approx(4 * full.nightly.hours, abs=0.001)


def test_estimate__a_limit_that_takes_hours() -> None:
    """Calls beyond an account's hour wait for the next one."""
    report = ReportDefinition(name="r", level="ad", breakdowns=("region", "age", "gender"))
    found = estimated(
        account(ads=2),
        tier="development_access",
        reports=(report,),
        start_date=dt.date(2023, 11, 1),
    )

    assert found.first.busiest_account_limit == 1_400
    assert found.first.hours < 1


def test_estimate__of_nothing() -> None:
    """Without a readable account there are the listing calls only."""
    assert estimated().first.calls == 2
