from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.settings.model import ReportDefinition, Settings, SettingsError
from tap_meta_partner.settings.reading import parse_settings, unknown_settings
from tap_meta_partner.settings.table import SETTING_NAMES
from tap_meta_partner.settings.words import BUILT_IN_REPORTS

D = dt.date.fromisoformat
NOW = dt.datetime(2026, 11, 25, 9, 0, tzinfo=dt.timezone.utc)
TOKEN = "EAAtokenZZ"
SECRET = "hunter2hunter2"
THOROUGHLY = settings(derandomize=True, deadline=None, max_examples=100)


def parse(**config: Any) -> Settings:  # noqa: ANN401  (anything a user may write)
    return parse_settings({"access_token": TOKEN, **config}, now=NOW)


def mistake(**config: Any) -> str:  # noqa: ANN401  (anything a user may write)
    """Return the text of the error, which is one line."""
    with pytest.raises(SettingsError) as caught:
        parse(**config)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text


def outcome(**config: Any) -> str:  # noqa: ANN401  (anything a user may write)
    """Return the error's text, empty where there is none."""
    try:
        parse(**config)
    except SettingsError as error:
        return str(error)
    return ""


def test_defaults__are_those_of_the_contract() -> None:
    """With a token alone every setting has the default that the README names."""
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


VALID: list[tuple[str, Any, Any]] = [
    ("access_token", "EAA", "EAA"),
    ("app_id", "123", "123"),
    ("app_secret", SECRET, SECRET),
    ("business_id", "987", "987"),
    ("account_ids", ["act_1", "2"], ("1", "2")),
    ("account_ids", [" act_1 ", "1", "act_1"], ("1",)),
    ("account_ids", [], ()),
    ("exclude_account_ids", ["act_9"], ("9",)),
    ("account_statuses", ["ACTIVE", "CLOSED"], ("ACTIVE", "CLOSED")),
    ("start_date", "2026-01-31", D("2026-01-31")),
    ("start_date", "2026-01-31T23:59:59Z", D("2026-01-31")),
    ("start_date", "2026-01-31T23:59:59.123+02:00", D("2026-01-31")),
    ("end_date", "2026-11-20 00:00:00", D("2026-11-20")),
    ("end_date", "2030-01-01", D("2030-01-01")),
    ("date_preset", "last_7d", "last_7d"),
    ("lookback_days", 0, 0),
    ("lookback_days", 400, 400),
    ("fields", ["spend", "actions:offsite_conversion.fb_pixel_purchase"], None),
    ("action_attribution_windows", ["1d_view", "28d_click"], ("1d_view", "28d_click")),
    ("effective_status", ["ARCHIVED", "WITH_ISSUES"], ("ARCHIVED", "WITH_ISSUES")),
    ("report_mode", "async", "async"),
    ("max_concurrency", 1, 1),
    ("max_concurrency", 64, 64),
    ("shard_count", 4, 4),
    ("fail_on_skipped_accounts", True, True),
    ("backfill_on_change", True, True),
    ("max_run_minutes", 0.5, 0.5),
    ("max_run_minutes", Decimal("1.5"), 1.5),
    ("user_agent", "agency/1.0 (ops@example.com)", "agency/1.0 (ops@example.com)"),
    ("api_version", "v27.0", "v27.0"),
    ("api_url", "https://graph.facebook.com/", "https://graph.facebook.com"),
    ("api_url", "https://proxy.example.com:8443/meta", "https://proxy.example.com:8443/meta"),
    ("api_url", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("api_url", "http://localhost:8080", "http://localhost:8080"),
    ("api_url", "http://[::1]:8080", "http://[::1]:8080"),
    ("request_timeout", 10, 10.0),
    ("request_timeout", "12.5", 12.5),
]


@pytest.mark.parametrize(("name", "value", "parsed"), VALID)
def test_setting__is_taken(name: str, value: object, parsed: object) -> None:
    """A value the contract allows is taken, in the form the tap works with."""
    expected = parsed if parsed is not None else tuple(value)  # type: ignore[arg-type]

    assert getattr(parse(**{name: value}), name) == expected


ALLOWED = {
    "app_id": "an id of digits, as a string",
    "business_id": "an id of digits, as a string",
    "account_ids": "with or without act_",
    "exclude_account_ids": "with or without act_",
    "account_statuses": (
        "one of ACTIVE, DISABLED, UNSETTLED, PENDING_RISK_REVIEW, PENDING_SETTLEMENT, "
        "IN_GRACE_PERIOD, PENDING_CLOSURE, CLOSED"
    ),
    "start_date": "a date such as 2026-01-31",
    "end_date": "a date such as 2026-01-31",
    "date_preset": "one of today, yesterday, last_3d, last_7d",
    "lookback_days": "a whole number, 0 or more",
    "fields": "a name as Meta writes it",
    "action_attribution_windows": "one of 1d_click, 7d_click, 28d_click, 1d_view, 1d_ev, default",
    "effective_status": "a status as Meta writes it, such as ACTIVE, PAUSED or ARCHIVED",
    "report_mode": "one of auto, sync, async",
    "max_concurrency": "a whole number from 1 to 64",
    "shard_index": "a whole number, 0 or more",
    "shard_count": "a whole number, 1 or more",
    "fail_on_skipped_accounts": "true or false",
    "backfill_on_change": "true or false",
    "max_run_minutes": "a number above 0",
    "user_agent": "plain text on one line",
    "api_version": "a version such as v26.0",
    "api_url": "an address such as https://graph.facebook.com",
    "request_timeout": "a number above 0",
}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("app_id", 123, "123"),
        ("app_id", "12a", '"12a"'),
        ("app_id", "١٢", '"١٢"'),
        ("business_id", ["1"], '["1"]'),
        ("account_ids", ["1", "act_"], '"act_"'),
        ("account_ids", [123], "123"),
        ("exclude_account_ids", ["x1"], '"x1"'),
        ("account_statuses", ["active"], '"active"'),
        ("account_statuses", [1], "1"),
        ("account_statuses", ["ANY_ACTIVE"], '"ANY_ACTIVE"'),
        ("start_date", "31.01.2026", '"31.01.2026"'),
        ("start_date", "2026-02-30", '"2026-02-30"'),
        ("start_date", "2026-01-31T25:00:00", '"2026-01-31T25:00:00"'),
        ("start_date", 20260131, "20260131"),
        ("end_date", "today", '"today"'),
        ("date_preset", "lifetime", '"lifetime"'),
        ("lookback_days", -1, "-1"),
        ("lookback_days", 7.5, "7.5"),
        ("lookback_days", "28", '"28"'),
        ("lookback_days", True, "true"),
        ("fields", ["spend, clicks"], '"spend, clicks"'),
        ("fields", [None], "null"),
        ("action_attribution_windows", ["2d_click"], '"2d_click"'),
        ("action_attribution_windows", [["7d_view"]], '["7d_view"]'),
        ("effective_status", ["paused"], '"paused"'),
        ("report_mode", "AUTO", '"AUTO"'),
        ("max_concurrency", 0, "0"),
        ("max_concurrency", 65, "65"),
        ("shard_index", -1, "-1"),
        ("shard_count", 0, "0"),
        ("fail_on_skipped_accounts", "yes", '"yes"'),
        ("fail_on_skipped_accounts", 1, "1"),
        ("backfill_on_change", "true", '"true"'),
        ("max_run_minutes", 0, "0"),
        ("max_run_minutes", -5, "-5"),
        ("max_run_minutes", True, "true"),
        ("user_agent", "two\nlines", '"two\\nlines"'),
        ("user_agent", " padded", '" padded"'),
        ("api_version", "26.0", '"26.0"'),
        ("api_version", "v26", '"v26"'),
        ("api_url", "graph.facebook.com", '"graph.facebook.com"'),
        ("api_url", "ftp://graph.facebook.com", '"ftp://graph.facebook.com"'),
        ("api_url", "https://", '"https://"'),
        ("api_url", "https://[::1", '"https://[::1"'),
        ("api_url", "https://graph.facebook.com:https", '"https://graph.facebook.com:https"'),
        ("api_url", "https://graph.facebook.com:0", '"https://graph.facebook.com:0"'),
        ("api_url", "https://graph.facebook.com\n", '"https://graph.facebook.com\\n"'),
        ("api_url", "https://graph.face book.com", '"https://graph.face book.com"'),
        ("request_timeout", 0, "0"),
        ("request_timeout", "300 s", '"300 s"'),
        ("request_timeout", float("inf"), "Infinity"),
        ("request_timeout", float("nan"), "NaN"),
        ("request_timeout", 10**400, "1" + "0" * 76 + "..."),
    ],
)
def test_setting__wrong_is_named_with_value_and_what_is_allowed(
    name: str, value: object, shown: str
) -> None:
    """A wrong value ends in one line with the setting, the value and the allowed ones."""
    text = mistake(**{name: value})

    assert text.startswith(f"{name} is {shown}: it must be ")
    assert ALLOWED[name] in text


@pytest.mark.parametrize(
    "name",
    ["account_ids", "exclude_account_ids", "account_statuses", "fields"],
)
@pytest.mark.parametrize(("value", "shown"), [("1,2", '"1,2"'), (5, "5"), ({"a": 1}, '{"a": 1}')])
def test_list__must_be_one(name: str, value: object, shown: str) -> None:
    """A list given as a string or anything else is refused with an example of a list."""
    assert mistake(**{name: value}) == f'{name} is {shown}: it must be a list, for example ["…"]'


def test_settings__are_all_checked_here() -> None:
    """Every setting has valid and wrong values above, or a test of its own below."""
    own_tests = {"access_token", "app_secret", "access_tokens", "reports", "shard_index"}

    assert {name for name, _, _ in VALID} | own_tests == SETTING_NAMES
    assert set(ALLOWED) | own_tests == SETTING_NAMES


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


@pytest.mark.parametrize("name", ["access_token", "app_secret"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([SECRET], "must be a string"),
        ({"token": SECRET}, "must be a string"),
        (20261125, "must be a string"),
        (SECRET + " ", "white space"),
        (SECRET + "\n" + SECRET, "white space"),
        (SECRET + "…", "characters that no token has"),
        (SECRET + "\x00", "characters that no token has"),
    ],
)
def test_secret__is_not_shown_when_it_is_wrong(name: str, value: object, why: str) -> None:
    """A wrong secret is named with what is wrong about it, and never shown."""
    text = mistake(**{name: value})

    assert text.startswith(name)
    assert why in text
    assert SECRET not in text
    assert "20261125" not in text


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{SECRET}@graph.facebook.com",
        f"https://user:{SECRET}@graph.facebook.com:bad",
        f"graph.facebook.com?access_token={SECRET}",
        f"https://graph.facebook.com/?access_token={SECRET}",
        f"https://graph.facebook.com/#{SECRET}",
    ],
)
def test_api_url__with_a_password_is_refused_without_showing_it(url: str) -> None:
    """An address with a user, query or fragment is refused and not repeated."""
    text = mistake(api_url=url)

    assert text == "api_url may hold a host and a path only: no user, query or fragment"


@pytest.mark.parametrize(
    "host",
    [
        "graph.facebook.com",
        "10.0.0.1",
        "0.0.0.0",  # noqa: S104  (that it is refused is the claim)
        "127.0.0.1.example.com",
        "localhost.example.com",
    ],
)
def test_api_url__plain_http_is_for_this_machine(host: str) -> None:
    """Plain http to another machine, by which anybody could read the token, is refused."""
    text = mistake(api_url=f"http://{host}:80")

    assert text.startswith(f"api_url is plain http to {host}: use https")


@pytest.mark.parametrize(
    "window",
    [
        "7d_view",
        "28d_view",
        "7d_view_first_conversion",
        "28d_view_all_conversions",
    ],
)
def test_attribution_window__that_meta_ended_is_refused_with_the_reason(window: str) -> None:
    """A window for which Meta returns nothing since January 2026 says so and names others."""
    for config in (
        {"action_attribution_windows": ["1d_click", window]},
        {"reports": [{"name": "r", "action_attribution_windows": [window]}]},
    ):
        text = mistake(**config)
        assert f'action_attribution_windows contains "{window}"' in text
        assert "nothing for it since 12 January 2026" in text
        assert "1d_view, 1d_click, 7d_click or 28d_click" in text


def test_access_tokens__are_parsed_and_never_shown() -> None:
    """Each token has a label (its place where none is given) and its own accounts."""
    settings = parse_settings(
        {
            "access_tokens": [
                {"access_token": SECRET, "label": "Client A", "account_ids": ["act_1"]},
                {"access_token": f"{SECRET}2"},
            ]
        },
        now=NOW,
    )

    assert [(token.label, token.account_ids) for token in settings.tokens] == [
        ("Client A", ("1",)),
        ("token 2", ()),
    ]
    assert [token.access_token for token in settings.tokens] == [SECRET, f"{SECRET}2"]
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    "tokens",
    [
        SECRET,
        [SECRET],
        [{"access_token": [SECRET]}],
        [{"token": SECRET}],
        [{"label": "a"}],
        [{"access_token": SECRET, "label": SECRET}],
        [{"access_token": SECRET, "label": "a"}, {"access_token": "other", "label": "a"}],
        [{"access_token": SECRET, "account_ids": ["nonsense"]}],
        [{"access_token": f"{SECRET} with a blank"}],
    ],
)
def test_access_tokens__mistakes_are_one_line_without_the_token(tokens: object) -> None:
    """What is wrong with the list is said; no token is."""
    with pytest.raises(SettingsError) as caught:
        parse_settings({"access_tokens": tokens}, now=NOW)

    assert "access_tokens" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


# Settings that do not go together.


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


# Reports.


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
        ({"name": "r", "breakdowns": "age"}, 'reports[0].breakdowns is "age": it must be a list'),
        ({"name": "r", "breakdowns": ["a b"]}, 'reports[0].breakdowns is "a b": it must be a name'),
        ({"name": "r", "lookback_days": -1}, "reports[0].lookback_days is -1: it must be a whole"),
        ({"name": "r", "start_date": "x"}, 'reports[0].start_date is "x": it must be a date'),
        ({"name": "r", "filtering": {}}, "reports[0].filtering is {}: it must be a list of"),
        ({"name": "r", "filtering": [{"field": "x"}]}, "it must be a list of"),
        ({"name": "r", "time_increment": 0}, "reports[0].time_increment is 0: it must be a number"),
        ({"name": "r", "time_increment": 91}, "a number of days from 1 to 90, monthly or all_days"),
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
    increments = [1, "7", 90, "monthly"]
    settings = parse(reports=[{"name": f"r{n}", "time_increment": n} for n in increments])
    fixed = parse(
        start_date="2026-01-01",
        end_date="2026-03-31",
        reports=[{"name": "r", "time_increment": "all_days"}],
    )

    assert [report.time_increment for report in settings.reports] == [1, 7, 90, "monthly"]
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


# Unknown settings, secrets.


def test_unknown_settings__say_which_was_meant() -> None:
    """A key that is no setting is named, with the setting it resembles."""
    config = {"acess_token": SECRET, "startdate": "2026-01-01", "zzz": 1, "fields": []}

    assert unknown_settings(config, SETTING_NAMES) == [
        "acess_token is not a setting and is ignored: did you mean access_token?",
        "startdate is not a setting and is ignored: did you mean start_date?",
        "zzz is not a setting and is ignored",
    ]


def test_repr__hides_secrets() -> None:
    """Neither the token nor the app secret is in the text of the settings."""
    parsed = parse(app_id="1", app_secret=SECRET)

    assert "app_id='1'" in repr(parsed)
    assert SECRET not in repr(parsed) + str(parsed)
    assert TOKEN not in repr(parsed) + str(parsed)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["2026-11-01", "https://[", "7d_view", "act_1", "name", "v26.0", SECRET]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "level", "fields", "x\ny"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("name", sorted(SETTING_NAMES))
@THOROUGHLY
@given(value=JSON_VALUES)
def test_setting__of_any_kind_is_taken_or_refused_in_one_line(name: str, value: object) -> None:
    """Whatever JSON a setting holds, it is taken or refused in one line that names it."""
    text = outcome(**{name: value})

    assert not text or name in text
    assert len(text.splitlines()) <= 1
    assert name not in {"access_token", "app_secret", "access_tokens"} or SECRET not in text


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


def test_end_date__alone_and_long_ago_is_refused() -> None:
    """An end before the default start would deliver nothing and say nothing."""
    with pytest.raises(SettingsError, match="end_date 2020-01-01 lies before the default start"):
        parse_settings({"access_token": "T", "end_date": "2020-01-01"}, now=NOW)

    config = {"access_token": "T", "end_date": "2026-01-01", "start_date": "2025-12-01"}
    assert parse_settings(config, now=NOW).end_date == dt.date(2026, 1, 1)
