"""What the user configured, checked before any call: one line per mistake, and no secret echoed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import ALL_DAYS
from tap_meta_partner.settings.words import (
    BUILT_IN_REPORTS,
    DEFAULT_ACTION_BREAKDOWNS,
    DEFAULT_API_URL,
    DEFAULT_API_VERSION,
    DEFAULT_CONCURRENCY,
    DEFAULT_LOOKBACK_DAYS,
    DEFAULT_TIMEOUT_SECONDS,
    DEFAULT_USER_AGENT,
    REREAD,
    UNCHANGED_DAYS,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from typing import Any


class SettingsError(ValueError):
    """A setting is wrong; the text names it, the value (never a secret's) and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDefinition:
    """What one insights stream asks for.

    Attributes:
        name: the stream's name.
        level: account, campaign, adset or ad.
        fields: columns wanted, or None for the tap's own default list.
        breakdowns: each becomes part of the key.
        action_breakdowns: stay inside the action lists; none at all for whole amounts.
        action_attribution_windows: extra values inside the action lists, beside `value`.
        filtering: passed on to Meta as it is (field, operator, value).
        lookback_days: days before the bookmark that are read again.
        start_date: first day wanted, or None for the tap's `start_date`.
        time_increment: how many days a row covers (1 to 89), `monthly`, or `all_days`.
        date_preset: read this window in full on every run, without bookmarks.
        action_rows: also write the action lists row by row, as a stream `{name}_actions`.
    """

    name: str
    level: str = "ad"
    fields: tuple[str, ...] | None = None
    breakdowns: tuple[str, ...] = ()
    action_breakdowns: tuple[str, ...] = DEFAULT_ACTION_BREAKDOWNS
    action_attribution_windows: tuple[str, ...] = ()
    filtering: tuple[Mapping[str, Any], ...] = ()
    lookback_days: int = DEFAULT_LOOKBACK_DAYS
    start_date: dt.date | None = None
    time_increment: int | str = 1
    date_preset: str | None = None
    action_rows: bool = False

    @property
    def reads_in_full(self) -> bool:
        """Whether every run reads the same window in full, and no bookmark is kept."""
        return bool(self.date_preset) or self.time_increment == ALL_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """One of several tokens: a client's own, in the OAuth model.

    Attributes:
        label: for the log; never the token.
        account_ids: read only these with it; empty for all it can read.
    """

    label: str
    access_token: str = field(repr=False)
    account_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, parsed. Secrets are left out of its `repr`."""

    access_token: str = field(default="", repr=False)
    app_id: str | None = None
    app_secret: str | None = field(default=None, repr=False)
    business_id: str | None = None
    account_ids: tuple[str, ...] = ()
    exclude_account_ids: tuple[str, ...] = ()
    account_statuses: tuple[str, ...] = ()
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    date_preset: str | None = None
    lookback_days: int = DEFAULT_LOOKBACK_DAYS
    fields: tuple[str, ...] | None = None
    action_attribution_windows: tuple[str, ...] = ()
    reports: tuple[ReportDefinition, ...] = ()
    effective_status: tuple[str, ...] = ()
    report_mode: str = "auto"
    max_concurrency: int = DEFAULT_CONCURRENCY
    shard_index: int = 0
    shard_count: int = 1
    fail_on_skipped_accounts: bool = False
    backfill_on_change: bool = False
    unchanged_days: str = UNCHANGED_DAYS[0]
    reread: str = REREAD[0]
    max_run_minutes: float | None = None
    user_agent: str = DEFAULT_USER_AGENT
    api_version: str = DEFAULT_API_VERSION
    api_url: str = DEFAULT_API_URL
    request_timeout: float = DEFAULT_TIMEOUT_SECONDS
    record_to: str | None = None
    record_scaled: bool = False
    access_tokens: tuple[AccessToken, ...] = ()

    @property
    def tokens(self) -> tuple[AccessToken, ...]:
        """All tokens, the single one first; at least one, even if it is empty."""
        single = AccessToken(label="access_token", access_token=self.access_token)
        alone = (single,) if self.access_token or not self.access_tokens else ()
        return alone + self.access_tokens

    @property
    def app_token(self) -> str | None:
        """The app's own token; None where its id or its secret is not set."""
        return f"{self.app_id}|{self.app_secret}" if self.app_id and self.app_secret else None

    @property
    def definitions(self) -> tuple[ReportDefinition, ...]:
        """All insights streams: the four built-in ones, then the user's reports."""
        built_in = tuple(
            ReportDefinition(
                name=name,
                level=level,
                fields=self.fields,
                action_attribution_windows=self.action_attribution_windows,
                lookback_days=self.lookback_days,
                start_date=self.start_date,
                date_preset=self.date_preset,
            )
            for name, level in BUILT_IN_REPORTS.items()
        )
        return built_in + self.reports
