from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_meta_partner.settings.model import Settings, SettingsError
from tap_meta_partner.settings.reading import (
    early_starts,
    for_catalog,
    idle_settings,
    parse_settings,
    unknown_settings,
)
from tap_meta_partner.settings.table import SETTING_NAMES
from tests.support.configurations import JSON_VALUES, NOW, SECRET, THOROUGHLY, TOKEN, mistake, parse

D = dt.date.fromisoformat


def test_defaults__are_those_of_the_contract() -> None:
    """With a token alone every setting has the default that docs/settings.md names."""
    assert parse() == Settings(
        access_token=TOKEN,
        lookback_days=28,
        report_mode="auto",
        max_concurrency=8,
        shard_index=0,
        shard_count=1,
        fail_on_skipped_accounts=False,
        backfill_on_change=False,
        max_run_minutes=None,
        api_version="v26.0",
        api_url="https://graph.facebook.com",
        request_timeout=300.0,
    )


@pytest.mark.parametrize("name", sorted(SETTING_NAMES - {"access_token"}))
@pytest.mark.parametrize("value", ["", None])
def test_setting__empty_is_unset(name: str, value: object) -> None:
    """An empty string, as an unset environment variable gives it, and null are the default."""
    assert parse(**{name: value}) == parse()


@pytest.mark.parametrize("config", [{}, {"access_token": ""}, {"access_token": None}])
def test_token__missing_is_said_with_where_to_put_it(config: dict[str, Any]) -> None:
    """Without a token the error names the setting and the variable that sets it."""
    with pytest.raises(SettingsError, match=r"^access_token is missing: .*TAP_META_PARTNER_"):
        parse_settings(config, now=NOW)

    assert parse_settings(config, now=NOW, token_needed=False).access_token == ""


def test_start_date__in_the_future_is_refused() -> None:
    """A start is in the future once the day has begun nowhere on Earth."""
    assert parse(start_date="2026-11-25").start_date == D("2026-11-25")
    assert mistake(start_date="2026-11-26") == (
        "start_date 2026-11-26 lies in the future: set it to 2026-11-25 or earlier"
    )


def test_start_date__may_have_begun_at_utc_plus_14() -> None:
    """At 10:00 UTC it is tomorrow in Kiritimati: that day is a start."""
    later = dt.datetime(2026, 11, 25, 10, 0, tzinfo=dt.timezone.utc)
    config = {"access_token": TOKEN, "start_date": "2026-11-26"}

    assert parse_settings(config, now=later).start_date == D("2026-11-26")


def test_end_date__before_the_start_is_refused() -> None:
    """The last day may be the first one, and not lie before it."""
    assert parse(start_date="2026-11-01", end_date="2026-11-01").end_date == D("2026-11-01")
    assert "end_date 2026-10-31 lies before start_date 2026-11-01" in mistake(
        start_date="2026-11-01", end_date="2026-10-31"
    )


@pytest.mark.parametrize("other", ["start_date", "end_date"])
def test_date_preset__goes_with_no_dates(other: str) -> None:
    """A preset together with a date is refused."""
    assert "date_preset cannot be used together with start_date or end_date" in mistake(
        date_preset="today", **{other: "2026-11-01"}
    )


def test_shard_index__counts_from_0_below_the_count() -> None:
    """With three shards the indexes are 0, 1 and 2."""
    assert parse(shard_count=3, shard_index=2).shard_index == 2
    assert "shard_index 3 is not below shard_count 3" in mistake(shard_count=3, shard_index=3)
    assert "shard_index 1 is not below shard_count 1" in mistake(shard_index=1)


def test_account__cannot_be_wanted_and_excluded() -> None:
    """An account in both lists, in whichever spelling, is refused by its id."""
    assert "both name 2, 3: remove it" in mistake(
        account_ids=["1", "2", "3"], exclude_account_ids=["act_3", "act_2"]
    )


def test_unknown_settings__say_which_was_meant() -> None:
    """A key that is no setting is named, with the setting it resembles."""
    config = {"acess_token": SECRET, "startdate": "2026-01-01", "zzz": 1, "fields": []}

    assert unknown_settings(config, SETTING_NAMES) == [
        "acess_token is not a setting and is ignored: did you mean access_token?",
        "startdate is not a setting and is ignored: did you mean start_date?",
        "zzz is not a setting and is ignored",
    ]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"date_preset": "last_7d"}, []),
        ({"lookback_days": 3, "end_date": "2026-11-20", "start_date": "2026-11-01"}, []),
        (
            {"date_preset": "last_7d", "lookback_days": 3, "backfill_on_change": True},
            [
                "lookback_days does nothing beside date_preset, which is read in full",
                "backfill_on_change does nothing beside date_preset, which is read in full",
            ],
        ),
        (
            {
                "start_date": "2026-11-01",
                "end_date": "2026-11-20",
                "reports": [
                    {"name": "weeks", "date_preset": "last_90d", "lookback_days": 7},
                    {"name": "days", "lookback_days": 7},
                ],
            },
            [
                (
                    "weeks: its lookback_days and end_date do nothing for it, as date_preset "
                    "last_90d is read in full on every run"
                )
            ],
        ),
    ],
)
def test_idle_settings__are_said(config: dict[str, Any], said: list[str]) -> None:
    """What a preset makes useless is named, with the report it is useless for."""
    parsed = parse_settings({"access_token": SECRET, **config}, now=NOW)

    assert idle_settings(parsed) == said


def test_early_starts__are_said_with_the_day_that_there_is() -> None:
    """Years that Meta has no more are no mistake, but nobody waits for them."""
    config = {"start_date": "2020-01-01", "reports": [{"name": "r", "start_date": "2019-05-05"}]}
    told = "lies before the 37 months that Meta keeps: days are read from 2023-10-26 on"
    parsed = parse_settings({"access_token": SECRET, **config}, now=NOW)

    assert early_starts(parsed, now=NOW) == [
        f"start_date 2020-01-01 {told}",
        f"r: start_date 2019-05-05 {told}",
    ]
    assert early_starts(parse_settings({"access_token": SECRET}, now=NOW), now=NOW) == []


def test_catalog__is_made_whatever_else_is_wrong() -> None:
    """Discovery comes first and would say it, too; what shapes the catalog is refused there."""
    wrong = {"lookback_days": "4 weeks", "start_date": "01.09.2026", "account_ids": "one"}
    sound = {"fields": ["spend"], "max_concurrency": 4}

    assert for_catalog({**wrong, **sound}, now=NOW) == sound
    together = {"start_date": "2026-11-20", "end_date": "2026-11-01"}
    assert for_catalog({**together, **sound}, now=NOW) == {"fields": ["spend"]}
    with pytest.raises(SettingsError, match="fields is"):
        parse_settings(for_catalog({"fields": {"a": 1}}, now=NOW), now=NOW)


@THOROUGHLY
@given(config=st.dictionaries(st.sampled_from(sorted(SETTING_NAMES)), JSON_VALUES))
def test_secrets__are_in_no_error_about_other_settings(config: dict[str, Any]) -> None:
    """Whatever else is wrong, no error shows the token or the app secret."""
    secrets = {"access_token": "EAAsecretEAA", "app_secret": "5ecret5ecret"}
    try:
        parsed = repr(parse(**{**config, **secrets}))
    except SettingsError as error:
        parsed = str(error)

    assert "EAAsecretEAA" not in parsed
    assert "5ecret5ecret" not in parsed


def test_end_date__alone_and_long_ago_is_refused() -> None:
    """An end before the default start would deliver nothing and say nothing."""
    with pytest.raises(SettingsError, match="end_date 2020-01-01 lies before the default start"):
        parse_settings({"access_token": "T", "end_date": "2020-01-01"}, now=NOW)

    config = {"access_token": "T", "end_date": "2026-01-01", "start_date": "2025-12-01"}
    assert parse_settings(config, now=NOW).end_date == dt.date(2026, 1, 1)
