from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from tap_meta_partner.outputs.secrecy import redacted
from tap_meta_partner.settings.table import SETTING_NAMES
from tests.support.configurations import JSON_VALUES, SECRET, THOROUGHLY, mistake, outcome, parse

D = dt.date.fromisoformat


VALID: list[tuple[str, Any, Any]] = [
    ("access_token", "EAA", "EAA"),
    ("app_id", "123", "123"),
    ("app_secret", SECRET, SECRET),
    ("business_id", "987", "987"),
    ("business_id", 98, "98"),
    ("account_ids", 123, ("123",)),
    ("account_ids", "act_1, 2", ("1", "2")),
    ("account_ids", '["1", "2"]', ("1", "2")),
    ("account_ids", "['3', 'act_4']", ("3", "4")),
    ("account_ids", [1, "act_2"], ("1", "2")),
    ("lookback_days", "28", 28),
    ("api_version", 25.0, "v25.0"),
    ("api_version", "26.0", "v26.0"),
    ("api_version", "v26", "v26.0"),
    ("api_url", "https://graph.facebook.com/v26.0/", "https://graph.facebook.com"),
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
    ("fields", ["actions:offsite_conversion.fb_pixel_custom.Käufe (neu) [2]"], None),
    ("action_attribution_windows", ["1d_view", "28d_click"], ("1d_view", "28d_click")),
    # Not known here: warned of, and left to Meta.
    ("action_attribution_windows", ["2d_click"], ("2d_click",)),
    ("effective_status", ["ARCHIVED", "WITH_ISSUES"], ("ARCHIVED", "WITH_ISSUES")),
    ("report_mode", "async", "async"),
    ("max_concurrency", 1, 1),
    ("max_concurrency", 64, 64),
    ("shard_count", 4, 4),
    ("fail_on_skipped_accounts", True, True),
    ("backfill_on_change", True, True),
    ("unchanged_days", "write", "write"),
    ("reread", "changed", "changed"),
    ("max_run_minutes", 0.5, 0.5),
    ("max_run_minutes", Decimal("1.5"), 1.5),
    ("user_agent", "agency/1.0 (ops@example.com)", "agency/1.0 (ops@example.com)"),
    ("record_to", "night.jsonl", "night.jsonl"),
    ("record_scaled", True, True),
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
    "app_id": "an id of digits",
    "business_id": "an id of digits",
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
    "action_attribution_windows": "an attribution window as Meta writes it, such as 1d_view",
    "effective_status": "a status as Meta writes it, such as ACTIVE, PAUSED or ARCHIVED",
    "report_mode": "one of auto, sync, async",
    "max_concurrency": "a whole number from 1 to 64",
    "shard_index": "a whole number, 0 or more",
    "shard_count": "a whole number, 1 or more",
    "fail_on_skipped_accounts": "true or false",
    "backfill_on_change": "true or false",
    "unchanged_days": "one of skip, write",
    "reread": "one of all, changed",
    "max_run_minutes": "a number above 0",
    "user_agent": "plain text on one line",
    "record_to": "plain text on one line",
    "record_scaled": "true or false",
    "api_version": "a version such as v26.0",
    "api_url": "an address such as https://graph.facebook.com",
    "request_timeout": "a number above 0",
}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("app_id", 1.5, "1.5"),
        ("app_id", "12a", '"12a"'),
        ("app_id", "١٢", '"١٢"'),
        ("business_id", ["1"], '["1"]'),
        ("account_ids", ["1", "act_"], '"act_"'),
        ("account_ids", [1.5], "1.5"),
        ("account_ids", "one", '"one"'),
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
        ("lookback_days", "4 weeks", '"4 weeks"'),
        ("lookback_days", True, "true"),
        ("fields", ["spend, clicks"], '"spend, clicks"'),
        ("fields", [None], "null"),
        ("fields", ["actions:a,b"], '"actions:a,b"'),
        ("fields", ["actions:a|b"], '"actions:a|b"'),
        ("fields", ["actions: lead"], '"actions: lead"'),
        ("fields", ["actions:le\nad"], '"actions:le\\nad"'),
        ("action_attribution_windows", ["1d click"], '"1d click"'),
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
        ("unchanged_days", "SKIP", '"SKIP"'),
        ("reread", "some", '"some"'),
        ("max_run_minutes", 0, "0"),
        ("max_run_minutes", -5, "-5"),
        ("max_run_minutes", True, "true"),
        ("user_agent", "two\nlines", '"two\\nlines"'),
        ("user_agent", " padded", '" padded"'),
        ("record_to", " night", '" night"'),
        ("record_scaled", "yes", '"yes"'),
        ("api_version", "latest", '"latest"'),
        ("api_version", "v26.00", '"v26.00"'),
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
@pytest.mark.parametrize(("value", "shown"), [("[1", '"[1"'), (1.5, "1.5"), ({"a": 1}, '{"a": 1}')])
def test_list__must_be_one(name: str, value: object, shown: str) -> None:
    """What is neither a list nor can be read as one is refused with an example."""
    assert mistake(**{name: value}) == f'{name} is {shown}: it must be a list, for example ["…"]'


def test_settings__are_all_checked_here() -> None:
    """Every setting has valid and wrong values above, or a test of its own below."""
    own_tests = {"access_token", "app_secret", "access_tokens", "reports", "shard_index"}

    assert {name for name, _, _ in VALID} | own_tests == SETTING_NAMES
    assert set(ALLOWED) | own_tests == SETTING_NAMES


@pytest.mark.parametrize(
    "copied", [f"{SECRET}\n", f" {SECRET} ", f'"{SECRET}"', f"Bearer {SECRET}", f"\ufeff{SECRET}"]
)
def test_secret__is_taken_as_it_was_copied(copied: str) -> None:
    """A line end, quotes, a byte order mark or `Bearer` come along with the clipboard."""
    assert parse(access_token=copied).access_token == SECRET
    assert SECRET not in redacted(f"a log line with {SECRET}")


@pytest.mark.parametrize("name", ["access_token", "app_secret"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([SECRET], "must be a string"),
        ({"token": SECRET}, "must be a string"),
        (20261125, "must be a string"),
        (SECRET + " " + SECRET, "white space"),
        (f"${{{SECRET}}}", "placeholder"),
        ("<your token>", "placeholder"),
        ("EAAB…", "placeholder"),
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


@pytest.mark.parametrize("name", sorted(SETTING_NAMES))
@THOROUGHLY
@given(value=JSON_VALUES)
def test_setting__of_any_kind_is_taken_or_refused_in_one_line(name: str, value: object) -> None:
    """Whatever JSON a setting holds, it is taken or refused in one line that names it."""
    text = outcome(**{name: value})

    assert not text or name in text
    assert len(text.splitlines()) <= 1
    assert name not in {"access_token", "app_secret", "access_tokens"} or SECRET not in text
