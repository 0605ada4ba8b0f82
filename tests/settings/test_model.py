from __future__ import annotations

import datetime as dt

import pytest

from tap_meta_partner.settings.model import ReportDefinition, Settings
from tap_meta_partner.settings.words import BUILT_IN_REPORTS
from tests.support.configurations import SECRET, TOKEN, parse

D = dt.date.fromisoformat


def test_built_in_streams__take_the_taps_settings() -> None:
    """The four built-in streams ask what the settings say, each at its level."""
    parsed = parse(
        fields=["spend"],
        action_attribution_windows=["1d_click"],
        lookback_days=7,
        start_date="2026-01-01",
    )

    assert BUILT_IN_REPORTS == {
        "account_insights": "account",
        "campaign_insights": "campaign",
        "adset_insights": "adset",
        "ad_insights": "ad",
    }
    assert parsed.definitions == tuple(
        ReportDefinition(
            name=name,
            level=level,
            fields=("spend",),
            action_attribution_windows=("1d_click",),
            lookback_days=7,
            start_date=D("2026-01-01"),
        )
        for name, level in BUILT_IN_REPORTS.items()
    )


def test_repr__hides_secrets() -> None:
    """Neither the token nor the app secret is in the text of the settings."""
    parsed = parse(app_id="1", app_secret=SECRET)

    assert "app_id='1'" in repr(parsed)
    assert SECRET not in repr(parsed) + str(parsed)
    assert TOKEN not in repr(parsed) + str(parsed)


def test_app_token__is_id_and_secret() -> None:
    """The app's own token is its id and its secret with a bar between."""
    assert Settings(app_id="42", app_secret="s3cret").app_token == "42|s3cret"


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(app_id="42"), Settings(app_secret="s3cret")]
)
def test_app_token__takes_both(settings: Settings) -> None:
    """Where the app's id or its secret is not set nobody can call as the app."""
    assert settings.app_token is None
