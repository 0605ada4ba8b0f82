"""The table of settings: everything about a setting is said here, once.

Parsing, the JSON Schema of `--about`, the reading of variables, and what `meltano.yml`, Meltano Hub
and the documentation show are made from it. A new setting is one row here and one field of
`model.Settings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.days.presets import DATE_PRESETS
from tap_meta_partner.settings.access_tokens import AccessTokens
from tap_meta_partner.settings.addresses import API_VERSION, ApiUrl
from tap_meta_partner.settings.credentials import Secret
from tap_meta_partner.settings.kinds import (
    DIGITS,
    STATUS,
    AccountId,
    AttributionWindow,
    Day,
    Flag,
    Line,
    ListOf,
    OneOf,
    Positive,
    Whole,
)
from tap_meta_partner.settings.reports import FIELD, Reports
from tap_meta_partner.settings.setting import Setting, properties_of
from tap_meta_partner.settings.words import (
    ACCOUNT_STATUSES,
    DEFAULT_API_URL,
    DEFAULT_API_VERSION,
    DEFAULT_CONCURRENCY,
    DEFAULT_FIELDS,
    DEFAULT_LOOKBACK_DAYS,
    DEFAULT_TIMEOUT_SECONDS,
    DEFAULT_USER_AGENT,
    REPORT_MODES,
    REREAD,
    UNCHANGED_DAYS,
)

if TYPE_CHECKING:
    from typing import Any

TABLE = (
    Setting(
        "access_token",
        Secret(),
        title="Access token",
        description="System User token (or a long-lived user token) with ads_read. Required, "
        "unless access_tokens is set.",
        secret=True,
    ),
    Setting(
        "app_id",
        DIGITS,
        title="App ID",
        description="The app the token was made for; with app_secret it allows token checks.",
    ),
    Setting(
        "app_secret",
        Secret(),
        title="App secret",
        description="When set, every call carries an appsecret_proof.",
        secret=True,
    ),
    Setting(
        "business_id",
        DIGITS,
        title="Business Manager ID",
        description="Ours: names the accounts shared with us that nobody assigned to the "
        "system user yet. Needs business_management.",
    ),
    Setting(
        "account_ids",
        ListOf(AccountId()),
        title="Ad accounts",
        description="Only these, with or without act_. Empty: all the token can read.",
    ),
    Setting(
        "exclude_account_ids",
        ListOf(AccountId()),
        title="Excluded ad accounts",
        description="Never these.",
    ),
    Setting(
        "account_statuses",
        ListOf(OneOf(tuple(ACCOUNT_STATUSES.values()))),
        title="Account statuses",
        description="Only accounts with one of these statuses. Empty: all; disabled and closed "
        "accounts still have their history.",
    ),
    Setting(
        "start_date",
        Day(),
        title="Start date",
        description="First day wanted, where an account has no bookmark yet; a date, or a "
        "date-time whose date counts. Default: 30 days ago. At most 37 months back. Moved "
        "earlier later on, only the missing days are fetched.",
    ),
    Setting(
        "end_date",
        Day(),
        title="End date",
        description="Last day wanted, included. Default: today in each account's time zone.",
    ),
    Setting(
        "date_preset",
        OneOf(tuple(DATE_PRESETS)),
        title="Date preset",
        description="Pull this window in full on every run, without bookmarks; not together "
        "with start_date or end_date.",
    ),
    Setting(
        "lookback_days",
        Whole(0),
        title="Lookback days",
        default=DEFAULT_LOOKBACK_DAYS,
        description="Days before the bookmark that are read again: Meta corrects its numbers "
        "for 28 days.",
    ),
    Setting(
        "fields",
        ListOf(FIELD),
        title="Fields",
        description="Columns of the four insights streams; one action type is written "
        "actions:TYPE. Default: " + ", ".join(DEFAULT_FIELDS) + ".",
    ),
    Setting(
        "action_attribution_windows",
        ListOf(AttributionWindow()),
        title="Attribution windows",
        description="Extra windows inside action values, for example 1d_click, 7d_click, "
        "1d_view. 7d_view and 28d_view are refused: Meta returns nothing for them any more.",
    ),
    Setting(
        "reports",
        Reports(),
        title="Reports",
        description="Further insights streams, each with its own level, fields and breakdowns.",
    ),
    Setting(
        "effective_status",
        ListOf(STATUS),
        title="Statuses of dimensions",
        description="Only campaigns, ad sets and ads with one of these statuses, for example "
        "ACTIVE, PAUSED, ARCHIVED. Empty: all, deleted ones too as far as Meta lists them. "
        "Insights are not narrowed by it.",
    ),
    Setting(
        "report_mode",
        OneOf(REPORT_MODES),
        title="Report mode",
        default="auto",
        description="auto asks directly and falls back to report runs; sync and async force one.",
    ),
    Setting(
        "max_concurrency",
        Whole(1, 64),
        title="Requests at once",
        default=DEFAULT_CONCURRENCY,
        description="1 to 64.",
    ),
    Setting(
        "shard_index",
        Whole(0),
        title="Shard",
        default=0,
        description="This process takes the accounts of this shard, counted from 0.",
    ),
    Setting(
        "shard_count",
        Whole(1),
        title="Shards",
        default=1,
        description="How many processes share the accounts.",
    ),
    Setting(
        "fail_on_skipped_accounts",
        Flag(),
        title="Fail on skipped accounts",
        default=False,
        description="End with exit code 1 when an account could not be read.",
    ),
    Setting(
        "backfill_on_change",
        Flag(),
        title="Backfill on change",
        default=False,
        description="Read everything again when fields are added.",
    ),
    Setting(
        "unchanged_days",
        OneOf(UNCHANGED_DAYS),
        title="Unchanged days",
        default=UNCHANGED_DAYS[0],
        description="Days of the lookback whose rows are as they were: skip leaves them as the "
        "target has them, write writes every row again on every run.",
    ),
    Setting(
        "reread",
        OneOf(REREAD),
        title="Days read again",
        default=REREAD[0],
        description="Which days of the lookback are asked for again: all, or changed, those on "
        "which the account as a whole has changed, the last three, and every seventh night all. "
        "For accounts of thousands of ads.",
    ),
    Setting(
        "max_run_minutes",
        Positive(),
        title="Longest run",
        description="Minutes after which no new window is begun; the rest comes next time.",
    ),
    Setting(
        "access_tokens",
        AccessTokens(),
        title="Access tokens",
        description="One token per client (the OAuth model): a list of access_token, and if "
        "wanted label (for the log) and account_ids (only these with this token). An account "
        "that several tokens can read is read once.",
        secret=True,
    ),
    Setting(
        "user_agent",
        Line(),
        title="User agent",
        default=DEFAULT_USER_AGENT,
        description="Sent with every request.",
    ),
    Setting(
        "api_version",
        API_VERSION,
        title="API version",
        default=DEFAULT_API_VERSION,
        description="The newest one whose fields are known to this version of the tap.",
    ),
    Setting(
        "api_url",
        ApiUrl(),
        title="API address",
        default=DEFAULT_API_URL,
        description="Change it to use the sandbox.",
    ),
    Setting(
        "request_timeout",
        Positive(),
        title="Request time-out",
        default=DEFAULT_TIMEOUT_SECONDS,
        description="Seconds to wait for a whole answer.",
    ),
    Setting(
        "record_to",
        Line(),
        title="Record to",
        description="A file that keeps every exchange of a run with Meta, to attach to an issue. "
        "Scrubbed as it is written: no token, and ids, names, texts and addresses replaced. "
        "`meta-partner sandbox --replay` answers with it.",
    ),
    Setting(
        "record_scaled",
        Flag(),
        title="Record scaled",
        default=False,
        description="Multiply all amounts in the recording by one secret number.",
    ),
)

SETTING_NAMES = frozenset(setting.name for setting in TABLE)

#: What `--about` tells, and the SDK holds a configuration against.
CONFIG_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": properties_of(TABLE),
    "$schema": "https://json-schema.org/draft/2020-12/schema",
}
