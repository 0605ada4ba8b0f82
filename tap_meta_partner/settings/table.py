"""The tap's settings as a JSON Schema: what `--about` tells, and Meltano and the README show."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from singer_sdk import typing as th

from tap_meta_partner.days.presets import DATE_PRESETS
from tap_meta_partner.settings.kinds import (
    _account_id,
    _api_url,
    _api_version,
    _attribution_window,
    _date,
    _digits,
    _flag,
    _header,
    _list_of,
    _name,
    _one_of,
    _positive,
    _secret,
    _status,
    _tokens,
    _whole,
)
from tap_meta_partner.settings.model import Settings
from tap_meta_partner.settings.words import (
    ACCOUNT_STATUSES,
    DEFAULT_API_URL,
    DEFAULT_API_VERSION,
    DEFAULT_CONCURRENCY,
    DEFAULT_FIELDS,
    DEFAULT_LOOKBACK_DAYS,
    DEFAULT_TIMEOUT_SECONDS,
    DEFAULT_USER_AGENT,
    LEVELS,
    REPORT_MODES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_strings = th.ArrayType(th.StringType)


_REPORT = th.ObjectType(
    th.Property("name", th.StringType, required=True, description="Stream and table name."),
    th.Property("level", th.StringType, allowed_values=list(LEVELS), description="Default ad."),
    th.Property("fields", _strings, description="Default: the setting `fields`."),
    th.Property("breakdowns", _strings, description="Each becomes part of the key."),
    th.Property("action_breakdowns", _strings, description="Stay inside the action lists."),
    th.Property("action_attribution_windows", _strings, description="Extra windows."),
    th.Property("filtering", th.ArrayType(th.ObjectType()), description="As Meta takes it."),
    th.Property("lookback_days", th.IntegerType, description="Default: the setting."),
    th.Property("start_date", th.StringType, description="Default: the setting."),
    th.Property(
        "time_increment",
        th.AnyType,
        description="Days that a row covers: 1 to 90, monthly, or all_days. Default 1.",
    ),
    th.Property(
        "date_preset",
        th.StringType,
        allowed_values=list(DATE_PRESETS),
        description="Read this window in full on every run.",
    ),
    th.Property(
        "action_rows",
        th.BooleanType,
        description="Also write the action lists row by row, as the stream {name}_actions.",
    ),
    additional_properties=False,
)


CONFIG_SCHEMA: dict[str, Any] = th.PropertiesList(
    th.Property(
        "access_token",
        th.StringType,
        secret=True,
        title="Access token",
        description="System User token (or a long-lived user token) with ads_read. Required, "
        "unless access_tokens is set.",
    ),
    th.Property(
        "app_id",
        th.StringType,
        title="App ID",
        description="The app the token was made for; with app_secret it allows token checks.",
    ),
    th.Property(
        "app_secret",
        th.StringType,
        secret=True,
        title="App secret",
        description="When set, every call carries an appsecret_proof.",
    ),
    th.Property(
        "business_id",
        th.StringType,
        title="Business Manager ID",
        description="Ours: names the accounts shared with us that nobody assigned to the "
        "system user yet. Needs business_management.",
    ),
    th.Property(
        "account_ids",
        _strings,
        title="Ad accounts",
        description="Only these, with or without act_. Empty: all the token can read.",
    ),
    th.Property(
        "exclude_account_ids",
        _strings,
        title="Excluded ad accounts",
        description="Never these.",
    ),
    th.Property(
        "account_statuses",
        th.ArrayType(th.StringType(allowed_values=list(ACCOUNT_STATUSES.values()))),
        title="Account statuses",
        description="Only accounts with one of these statuses. Empty: all; disabled and closed "
        "accounts still have their history.",
    ),
    th.Property(
        "start_date",
        th.StringType,
        title="Start date",
        description="First day wanted, where an account has no bookmark yet; a date, or a "
        "date-time whose date counts. Default: 30 days ago. At most 37 months back. Moved "
        "earlier later on, only the missing days are fetched.",
    ),
    th.Property(
        "end_date",
        th.StringType,
        title="End date",
        description="Last day wanted, included. Default: today in each account's time zone.",
    ),
    th.Property(
        "date_preset",
        th.StringType,
        allowed_values=list(DATE_PRESETS),
        title="Date preset",
        description="Pull this window in full on every run, without bookmarks; not together "
        "with start_date or end_date.",
    ),
    th.Property(
        "lookback_days",
        th.IntegerType,
        default=DEFAULT_LOOKBACK_DAYS,
        title="Lookback days",
        description="Days before the bookmark that are read again: Meta corrects its numbers "
        "for 28 days.",
    ),
    th.Property(
        "fields",
        _strings,
        title="Fields",
        description="Columns of the four insights streams; one action type is written "
        "actions:TYPE. Default: " + ", ".join(DEFAULT_FIELDS) + ".",
    ),
    th.Property(
        "action_attribution_windows",
        _strings,
        title="Attribution windows",
        description="Extra windows inside action values, for example 1d_click, 7d_click, "
        "1d_view. 7d_view and 28d_view are refused: Meta returns nothing for them any more.",
    ),
    th.Property(
        "reports",
        th.ArrayType(_REPORT),
        title="Reports",
        description="Further insights streams, each with its own level, fields and breakdowns.",
    ),
    th.Property(
        "effective_status",
        _strings,
        title="Statuses of dimensions",
        description="Only campaigns, ad sets and ads with one of these statuses, for example "
        "ACTIVE, PAUSED, ARCHIVED. Empty: all, deleted ones too as far as Meta lists them. "
        "Insights are not narrowed by it.",
    ),
    th.Property(
        "report_mode",
        th.StringType,
        allowed_values=list(REPORT_MODES),
        default="auto",
        title="Report mode",
        description="auto asks directly and falls back to report runs; sync and async force one.",
    ),
    th.Property(
        "max_concurrency",
        th.IntegerType,
        default=DEFAULT_CONCURRENCY,
        title="Requests at once",
        description="1 to 64.",
    ),
    th.Property(
        "shard_index",
        th.IntegerType,
        default=0,
        title="Shard",
        description="This process takes the accounts of this shard, counted from 0.",
    ),
    th.Property(
        "shard_count",
        th.IntegerType,
        default=1,
        title="Shards",
        description="How many processes share the accounts.",
    ),
    th.Property(
        "fail_on_skipped_accounts",
        th.BooleanType,
        default=False,
        title="Fail on skipped accounts",
        description="End with exit code 1 when an account could not be read.",
    ),
    th.Property(
        "backfill_on_change",
        th.BooleanType,
        default=False,
        title="Backfill on change",
        description="Read everything again when fields are added.",
    ),
    th.Property(
        "max_run_minutes",
        th.NumberType,
        title="Longest run",
        description="Minutes after which no new window is begun; the rest comes next time.",
    ),
    th.Property(
        "access_tokens",
        th.ArrayType(
            th.ObjectType(
                th.Property("access_token", th.StringType, secret=True, required=True),
                th.Property("account_ids", _strings),
                th.Property("label", th.StringType),
            )
        ),
        secret=True,
        title="Access tokens",
        description="One token per client (the OAuth model): a list of access_token, and if "
        "wanted label (for the log) and account_ids (only these with this token). An account "
        "that several tokens can read is read once.",
    ),
    th.Property(
        "user_agent",
        th.StringType,
        default=DEFAULT_USER_AGENT,
        title="User agent",
        description="Sent with every request.",
    ),
    th.Property(
        "api_version",
        th.StringType,
        default=DEFAULT_API_VERSION,
        title="API version",
        description="The newest one whose fields are known to this version of the tap.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        default=DEFAULT_API_URL,
        title="API address",
        description="Change it to use the sandbox.",
    ),
    th.Property(
        "request_timeout",
        th.NumberType,
        default=DEFAULT_TIMEOUT_SECONDS,
        title="Request time-out",
        description="Seconds to wait for a whole answer.",
    ),
).to_dict()


PARSERS: Mapping[str, Callable[[str, object], Any]] = {
    "access_token": _secret,
    "access_tokens": _tokens,
    "app_id": _digits,
    "app_secret": _secret,
    "business_id": _digits,
    "account_ids": _list_of(_account_id),
    "exclude_account_ids": _list_of(_account_id),
    "account_statuses": _list_of(_one_of(ACCOUNT_STATUSES.values())),
    "start_date": _date,
    "end_date": _date,
    "date_preset": _one_of(DATE_PRESETS),
    "lookback_days": _whole(0),
    "fields": _list_of(_name),
    "action_attribution_windows": _list_of(_attribution_window),
    "effective_status": _list_of(_status),
    "report_mode": _one_of(REPORT_MODES),
    "max_concurrency": _whole(1, 64),
    "shard_index": _whole(0),
    "shard_count": _whole(1),
    "fail_on_skipped_accounts": _flag,
    "backfill_on_change": _flag,
    "max_run_minutes": _positive,
    "user_agent": _header,
    "api_version": _api_version,
    "api_url": _api_url,
    "request_timeout": _positive,
}


SETTING_NAMES = frozenset(item.name for item in fields(Settings))
