from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_meta_partner.settings.model import ReportDefinition, SettingsError
from tap_meta_partner.settings.reading import parse_settings
from tests.support.configurations import JSON_VALUES, NOW, THOROUGHLY, mistake, outcome, parse

D = dt.date.fromisoformat


def test_report__with_a_name_alone_takes_the_rest_from_the_tap() -> None:
    """A report needs a name only: it is daily, at ad level, with the tap's own settings."""
    parsed = parse(
        reports=[{"name": "mine"}], lookback_days=7, fields=["spend"], start_date="2026-01-01"
    )

    assert parsed.reports == (
        ReportDefinition(
            name="mine",
            level="ad",
            fields=("spend",),
            lookback_days=7,
            start_date=D("2026-01-01"),
        ),
    )
    assert parsed.definitions[-1] == parsed.reports[0]


def test_report__says_everything_itself() -> None:
    """Every key of a report is taken, null is left out, and daily rows may be asked for."""
    filtering = [{"field": "ad.impressions", "operator": "GREATER_THAN", "value": 0}]
    parsed = parse(
        lookback_days=7,
        reports=[
            {
                "name": "by_country",
                "level": "campaign",
                "fields": ["impressions"],
                "breakdowns": ["country", "country"],
                "action_breakdowns": ["action_type", "action_device"],
                "action_attribution_windows": ["1d_ev"],
                "filtering": filtering,
                "lookback_days": 1,
                "start_date": "2026-06-01",
                "time_increment": 1,
                "action_rows": False,
                "date_preset": None,
            }
        ],
    )

    assert parsed.reports == (
        ReportDefinition(
            name="by_country",
            level="campaign",
            fields=("impressions",),
            breakdowns=("country",),
            action_breakdowns=("action_type", "action_device"),
            action_attribution_windows=("1d_ev",),
            filtering=tuple(filtering),
            lookback_days=1,
            start_date=D("2026-06-01"),
        ),
    )


@pytest.mark.parametrize(
    ("report", "text"),
    [
        ("by_age", 'reports[0] is "by_age": it must be an object'),
        ({}, "reports[0] has no name"),
        ({"name": "a b"}, 'reports[0].name is "a b": it must be a stream name'),
        ({"name": "1st"}, 'reports[0].name is "1st": it must be a stream name'),
        ({"name": "ads"}, 'reports[0].name is "ads": a stream of the tap has that name already'),
        ({"name": "ad_insights"}, "a stream of the tap has that name already"),
        ({"name": "account_sync_status"}, "a stream of the tap has that name already"),
        ({"name": "r", "level": "adgroup"}, "one of account, campaign, adset, ad"),
        ({"name": "r", "breakdowns": 1.5}, "reports[0].breakdowns is 1.5: it must be a list"),
        ({"name": "r", "breakdowns": ["a b"]}, 'reports[0].breakdowns is "a b": it must be a name'),
        ({"name": "r", "lookback_days": -1}, "reports[0].lookback_days is -1: it must be a whole"),
        ({"name": "r", "start_date": "x"}, 'reports[0].start_date is "x": it must be a date'),
        ({"name": "r", "filtering": {}}, "reports[0].filtering is {}: it must be a list of"),
        ({"name": "r", "filtering": [{"field": "x"}]}, "it must be a list of"),
        ({"name": "r", "time_increment": 0}, "reports[0].time_increment is 0: it must be a number"),
        ({"name": "r", "time_increment": 90}, "a number of days from 1 to 89, monthly or all_days"),
        ({"name": "r", "time_increment": True}, "reports[0].time_increment is true: it must be"),
        ({"name": "r", "time_increment": "weekly"}, 'reports[0].time_increment is "weekly": it'),
        ({"name": "r", "time_increment": "all_days"}, "set the report's date_preset too, or fixed"),
        ({"name": "r", "date_preset": "ever"}, 'reports[0].date_preset is "ever": it must be one'),
        (
            {"name": "r", "date_preset": "today", "start_date": "2026-01-01"},
            "reports[0] has both date_preset and start_date: leave one of them out",
        ),
        ({"name": "r", "action_rows": "yes"}, 'reports[0].action_rows is "yes": it must be true'),
        (
            {"name": "r", "action_breakdowns": ["action_device"]},
            "reports[0]: the column post_engagement needs action_type among action_breakdowns",
        ),
        (
            {"name": "r", "action_breakdowns": ["action_device"], "fields": ["actions:lead"]},
            "reports[0]: the column actions:lead needs action_type",
        ),
    ],
)
def test_report__wrong_is_named_with_its_place(report: object, text: str) -> None:
    """A mistake in a report names the report, the key and what is allowed."""
    assert text in mistake(reports=[report])


def test_report__without_action_columns_needs_no_action_type() -> None:
    """Action breakdowns without action_type are taken where no column is drawn from them."""
    report = {"name": "r", "fields": ["actions"], "action_breakdowns": ["action_device"]}

    assert parse(reports=[report]).reports[0].action_breakdowns == ("action_device",)


def test_report__may_ask_for_no_action_breakdown_at_all() -> None:
    """An empty list is not the same as none: Meta adds the action type to none by itself."""
    empty, unset = parse(
        reports=[
            {"name": "a", "fields": ["actions"], "action_breakdowns": []},
            {"name": "b", "fields": ["actions"]},
        ]
    ).reports

    assert empty.action_breakdowns == ()
    assert unset.action_breakdowns == ("action_type",)
    assert "needs action_type" in mistake(reports=[{"name": "a", "action_breakdowns": []}])


@pytest.mark.parametrize("key", ["breakdown", "levels", "two\nlines", "time_ranges"])
def test_report__unknown_key_is_an_error(key: str) -> None:
    """A key a report does not have is refused with those it has."""
    text = mistake(reports=[{"name": "a"}, {"name": "b", key: 1}])

    assert text.startswith("reports[1] has an unknown key ")
    assert "allowed are name, level, fields, breakdowns, action_breakdowns" in text


def test_reports__have_names_of_their_own() -> None:
    """Two streams of one name are refused, and so is anything but a list."""
    assert 'two streams named "a"' in mistake(reports=[{"name": "a"}, {"name": "A"}])
    assert 'two streams named "a_actions"' in mistake(
        reports=[{"name": "a", "action_rows": True}, {"name": "a_actions"}]
    )
    assert 'reports is {"name": "a"}: it must be a list of reports' in mistake(
        reports={"name": "a"}
    )


def test_report__takes_every_increment() -> None:
    """Days as a number or as its digits, months, and one row for a fixed window."""
    increments = [1, "7", 89, "monthly"]
    settings = parse(reports=[{"name": f"r{n}", "time_increment": n} for n in increments])
    fixed = parse(
        start_date="2026-01-01",
        end_date="2026-03-31",
        reports=[{"name": "r", "time_increment": "all_days"}],
    )

    assert [report.time_increment for report in settings.reports] == [1, 7, 89, "monthly"]
    assert [report.reads_in_full for report in settings.reports] == [False] * 4
    assert [report.reads_in_full for report in fixed.reports] == [True]


def test_report__has_a_preset_of_its_own() -> None:
    """A report's own preset stands beside the tap's start; without one, the tap's holds for it."""
    reports = [{"name": "own", "date_preset": "last_7d"}, {"name": "none"}]

    with_start = parse(start_date="2026-01-01", reports=reports).reports
    with_preset = parse(date_preset="yesterday", reports=reports).reports

    assert [(report.date_preset, str(report.start_date)) for report in with_start] == [
        ("last_7d", "None"),
        (None, "2026-01-01"),
    ]
    assert [report.date_preset for report in with_preset] == ["last_7d", "yesterday"]


@THOROUGHLY
@given(
    report=st.dictionaries(
        st.sampled_from(
            [
                "name",
                "level",
                "fields",
                "breakdowns",
                "action_breakdowns",
                "action_attribution_windows",
                "filtering",
                "lookback_days",
                "start_date",
                "time_increment",
                "date_preset",
                "action_rows",
            ]
        ),
        JSON_VALUES | st.sampled_from(["by_age", "ad"]),
    )
)
def test_report__of_any_kind_is_taken_or_refused_in_one_line(report: dict[str, Any]) -> None:
    """Whatever JSON a report holds, it is taken or refused in one line that names its place."""
    text = outcome(reports=[report])

    assert not text or text.startswith("reports[0]")
    assert len(text.splitlines()) <= 1


def test_report__start_is_held_against_the_same_rules() -> None:
    """A report's own start in the future is refused, and the report is named."""
    config = {"access_token": "T", "reports": [{"name": "mine", "start_date": "2999-01-01"}]}

    with pytest.raises(SettingsError, match="report mine: start_date 2999-01-01 lies in the"):
        parse_settings(config, now=NOW)


@pytest.mark.parametrize("names", [("Mine", "mine"), ("AD_insights",)])
def test_report__names_that_differ_in_case_only_are_one_table(names: tuple[str, ...]) -> None:
    """Many databases fold case: such names would share a table."""
    config = {"access_token": "T", "reports": [{"name": name} for name in names]}

    with pytest.raises(SettingsError):
        parse_settings(config, now=NOW)
