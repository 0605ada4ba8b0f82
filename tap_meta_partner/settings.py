"""What the user configured, checked before any call: one line per mistake, and no secret echoed."""

from __future__ import annotations

import datetime as dt
import difflib
import ipaddress
import json
import re
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from tap_meta_partner.grid import ALL_DAYS, LONGEST_DAYS, MONTHLY
from tap_meta_partner.windows import DATE_PRESETS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

DEFAULT_API_URL = "https://graph.facebook.com"
DEFAULT_API_VERSION = "v26.0"
DEFAULT_HISTORY_DAYS = 30
DEFAULT_LOOKBACK_DAYS = 28
DEFAULT_CONCURRENCY = 8
DEFAULT_TIMEOUT_SECONDS = 300.0
DEFAULT_USER_AGENT = "tap-meta-partner"

_LONGEST_LABEL = 100

#: From the widest view to the closest; a field belongs to its own level and those below.
LEVELS = ("account", "campaign", "adset", "ad")
REPORT_MODES = ("auto", "sync", "async")

#: Ad account status codes (Ad Account reference, v25); 201 and 202 are filter values, not statuses.
ACCOUNT_STATUSES: Mapping[int, str] = {
    1: "ACTIVE",
    2: "DISABLED",
    3: "UNSETTLED",
    7: "PENDING_RISK_REVIEW",
    8: "PENDING_SETTLEMENT",
    9: "IN_GRACE_PERIOD",
    100: "PENDING_CLOSURE",
    101: "CLOSED",
}

#: Windows that Meta's enumeration still lists, but for which it returns nothing since 2026-01-12.
DEAD_ATTRIBUTION_WINDOWS = frozenset(
    f"{days}d_view{suffix}"
    for days in (7, 28)
    for suffix in ("", "_first_conversion", "_all_conversions")
)
ATTRIBUTION_WINDOWS = (
    "1d_click",
    "7d_click",
    "28d_click",
    "1d_view",
    "1d_ev",
    "default",
    "dda",
    "incrementality",
    "skan_click",
    "skan_view",
)

#: The four insights streams that are always there, by stream name.
BUILT_IN_REPORTS: Mapping[str, str] = {f"{level}_insights": level for level in LEVELS}
_RESERVED_STREAM_NAMES = frozenset(BUILT_IN_REPORTS) | {
    "ad_accounts",
    "account_sync_status",
    "campaigns",
    "adsets",
    "ads",
    "adcreatives",
}


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
        action_breakdowns: stay inside the action lists.
        action_attribution_windows: extra values inside the action lists, beside `value`.
        filtering: passed on to Meta as it is (field, operator, value).
        lookback_days: days before the bookmark that are read again.
        start_date: first day wanted, or None for the tap's `start_date`.
        time_increment: how many days a row covers (1 to 90), `monthly`, or `all_days`.
        date_preset: read this window in full on every run, without bookmarks.
        action_rows: also write the action lists row by row, as a stream `{name}_actions`.
    """

    name: str
    level: str = "ad"
    fields: tuple[str, ...] | None = None
    breakdowns: tuple[str, ...] = ()
    action_breakdowns: tuple[str, ...] = ()
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
    max_run_minutes: float | None = None
    user_agent: str = DEFAULT_USER_AGENT
    api_version: str = DEFAULT_API_VERSION
    api_url: str = DEFAULT_API_URL
    request_timeout: float = DEFAULT_TIMEOUT_SECONDS
    access_tokens: tuple[AccessToken, ...] = ()

    @property
    def tokens(self) -> tuple[AccessToken, ...]:
        """All tokens, the single one first; at least one, if only an empty one."""
        single = AccessToken(label="access_token", access_token=self.access_token)
        alone = (single,) if self.access_token or not self.access_tokens else ()
        return alone + self.access_tokens

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


def parse_settings(
    config: Mapping[str, Any], *, now: dt.datetime, token_needed: bool = True
) -> Settings:
    """Check a configuration and turn it into `Settings`.

    Args:
        config: the tap's configuration as Singer hands it over.
        now: the present moment, with a time zone; decides what lies in the future.
        token_needed: false where no call will be made (discovery of the catalog).

    Raises:
        SettingsError: the first mistake found, in one line.
    """
    given = {name: value for name, value in config.items() if value is not None and value != ""}
    values = {name: parse(name, given[name]) for name, parse in _PARSERS.items() if name in given}
    settings = Settings(**values)
    if token_needed and not any(token.access_token for token in settings.tokens):
        raise SettingsError(
            "access_token is missing: set it to your System User token "
            "(TAP_META_PARTNER_ACCESS_TOKEN in Meltano's .env)"
        )
    _check_together(settings, now)
    reports = _reports(given.get("reports", []), settings)
    for report in reports:
        if report.start_date and report.start_date != settings.start_date:
            _check_report_start(report, settings, now)
    return Settings(**{**values, "reports": reports})


def unknown_settings(config: Mapping[str, Any], known: Collection[str]) -> list[str]:
    """Say which keys of a configuration are not settings, with the name that was probably meant."""
    found = []
    for name in sorted(set(config) - set(known)):
        close = difflib.get_close_matches(name, known, n=1)
        hint = f": did you mean {close[0]}?" if close else ""
        found.append(f"{name} is not a setting and is ignored{hint}")
    return found


def _check_together(settings: Settings, now: dt.datetime) -> None:
    # The day has begun somewhere on Earth at UTC+14; accounts where it has not get no window yet.
    latest_today = (now + dt.timedelta(hours=14)).date()
    start, end = settings.start_date, settings.end_date
    if start and start > latest_today:
        raise SettingsError(
            f"start_date {start} lies in the future: set it to {latest_today} or earlier"
        )
    if start and end and end < start:
        raise SettingsError(f"end_date {end} lies before start_date {start}: exchange them")
    if end and not start:
        default_start = (now - dt.timedelta(hours=12, days=DEFAULT_HISTORY_DAYS)).date()
        if end < default_start:
            raise SettingsError(
                f"end_date {end} lies before the default start, {DEFAULT_HISTORY_DAYS} days ago: "
                "set start_date too"
            )
    if settings.date_preset and (start or end):
        raise SettingsError(
            "date_preset cannot be used together with start_date or end_date: leave one of them out"
        )
    if settings.shard_index >= settings.shard_count:
        raise SettingsError(
            f"shard_index {settings.shard_index} is not below shard_count {settings.shard_count}: "
            "shards are counted from 0"
        )
    both = set(settings.account_ids) & set(settings.exclude_account_ids)
    if both:
        raise SettingsError(
            f"account_ids and exclude_account_ids both name {', '.join(sorted(both))}: "
            "remove it from one of them"
        )


def _check_report_start(report: ReportDefinition, settings: Settings, now: dt.datetime) -> None:
    """Hold a report's own start against the same rules as the tap's, and name the report."""
    own = Settings(
        start_date=report.start_date,
        end_date=settings.end_date,
        date_preset=settings.date_preset,
    )
    try:
        _check_together(own, now)
    except SettingsError as error:
        raise SettingsError(f"report {report.name}: {error}") from None


# One parser per kind of setting: (name, value) -> parsed value, or SettingsError.


def _shown(value: object) -> str:
    # json writes \n, but leaves the line ends of Unicode as they are.
    return " ".join(json.dumps(value, ensure_ascii=False, default=str).splitlines())


def _wrong(name: str, value: object, allowed: str) -> SettingsError:
    shown = _shown(value)
    if len(shown) > 80:  # noqa: PLR2004  (one line of a log)
        shown = shown[:77] + "..."
    return SettingsError(f"{name} is {shown}: it must be {allowed}")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "a string")
    return value


def _secret(name: str, value: object) -> str:
    # The value is never shown, whatever its type.
    if not isinstance(value, str):
        raise SettingsError(f"{name} must be a string (its value is not shown)")
    if value != value.strip() or any(character.isspace() for character in value):
        raise SettingsError(f"{name} contains white space: it was probably not copied whole")
    if not value.isascii() or not value.isprintable():
        raise SettingsError(f"{name} contains characters that no token has: copy it again")
    return value


def _digits(name: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\d+", value, re.ASCII):
        raise _wrong(name, value, "an id of digits, as a string")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def _whole(low: int, high: int | None = None) -> Callable[[str, object], int]:
    allowed = f"a whole number from {low} to {high}" if high else f"a whole number, {low} or more"

    def parse(name: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong(name, value, allowed)
        if value < low or (high is not None and value > high):
            raise _wrong(name, value, allowed)
        return value

    return parse


#: Sockets refuse to wait for longer than about this many seconds.
_MOST = 1_000_000_000


def _positive(name: str, value: object) -> float:
    # The SDK reads fractions in a file as Decimal, and leaves those of the environment as text.
    if isinstance(value, str) and re.fullmatch(r"\d{1,12}(\.\d{1,12})?", value, re.ASCII):
        value = float(value)
    if (
        isinstance(value, (int, float, Decimal))
        and not isinstance(value, bool)
        and 0 < value <= _MOST
    ):
        return float(value)
    raise _wrong(name, value, f"a number above 0, at most {_MOST}")


def _date(name: str, value: object) -> dt.date:
    """Take a date, or a date-time's date."""
    if isinstance(value, str):
        head = value[:10]
        try:
            day = dt.datetime.strptime(head, "%Y-%m-%d").date()  # noqa: DTZ007  (a day has no zone)
            if len(value) > len(head):
                dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            pass
        else:
            return day
    raise _wrong(name, value, "a date such as 2026-01-31, or a date-time")


def _one_of(allowed: Iterable[str]) -> Callable[[str, object], str]:
    names = tuple(allowed)

    def parse(name: str, value: object) -> str:
        if value not in names:
            raise _wrong(name, value, f"one of {', '.join(names)}")
        return str(value)

    return parse


def _list_of(parse_item: Callable[[str, object], str]) -> Callable[[str, object], tuple[str, ...]]:
    def parse(name: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, (list, tuple)):
            raise _wrong(name, value, 'a list, for example ["…"]')
        # Twice the same is once; the order is the user's.
        return tuple(dict.fromkeys(parse_item(name, item) for item in value))

    return parse


def _account_id(name: str, value: object) -> str:
    if isinstance(value, str):
        digits = value.strip().removeprefix("act_")
        if re.fullmatch(r"\d+", digits, re.ASCII):
            return digits
    raise _wrong(name, value, "an ad account's id as a string, with or without act_")


def _name(name: str, value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.:-]+", value):
        return value
    raise _wrong(name, value, "a name as Meta writes it (letters, digits, underscores)")


def _status(name: str, value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Z_]+", value, re.ASCII):
        return value
    raise _wrong(name, value, "a status as Meta writes it, such as ACTIVE, PAUSED or ARCHIVED")


def _attribution_window(name: str, value: object) -> str:
    if isinstance(value, str) and value in DEAD_ATTRIBUTION_WINDOWS:
        raise SettingsError(
            f'{name} contains "{value}": Meta returns nothing for it since 12 January 2026; '
            "use 1d_view, 1d_click, 7d_click or 28d_click"
        )
    return _one_of(ATTRIBUTION_WINDOWS)(name, value)


def _api_version(name: str, value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"v\d{1,3}\.\d", value):
        return value
    raise _wrong(name, value, f"a version such as {DEFAULT_API_VERSION}")


def _api_url(name: str, value: object) -> str:
    """Take an https address, or plain http on this machine only: the token travels to it."""
    if isinstance(value, str) and any(character in value for character in "@?#"):
        raise SettingsError(f"{name} may hold a host and a path only: no user, query or fragment")
    parts = _address(value)
    if parts is None:
        raise _wrong(name, value, f"an address such as {DEFAULT_API_URL}")
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise SettingsError(
            f"{name} is plain http to {parts.hostname}: use https, so that nobody reads the token "
            "on the way (http is allowed to this machine only)"
        )
    return str(value).rstrip("/")


def _address(value: object) -> SplitResult | None:
    """Split an http or https address; None for anything else."""
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        # Brackets that do not close, a port that is no number.
        return None
    return parts if sound else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _header(name: str, value: object) -> str:
    text = _text(name, value)
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise _wrong(name, value, "plain text on one line")
    return text


def _tokens(name: str, value: object) -> tuple[AccessToken, ...]:
    """Take the list of tokens; nothing of it is ever shown."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, dict) for item in value):
        raise SettingsError(
            f'{name} must be a list of {{"access_token": …, "label": …, "account_ids": […]}} '
            "(its value is not shown)"
        )
    tokens = tuple(_token(f"{name}[{index}]", item, index) for index, item in enumerate(value))
    labels = [token.label for token in tokens]
    for label in labels:
        if labels.count(label) > 1:
            raise SettingsError(f"{name} has two tokens with the label {label}: rename one")
    return tokens


def _token(place: str, item: Mapping[str, Any], index: int) -> AccessToken:
    given = {key: value for key, value in item.items() if value is not None and value != ""}
    if set(given) - {"access_token", "label", "account_ids"}:
        raise SettingsError(f"{place} may have the keys access_token, label and account_ids only")
    if "access_token" not in given:
        raise SettingsError(f"{place} has no access_token")
    label = given.get("label", f"token {index + 1}")
    if not isinstance(label, str) or not label.isprintable() or len(label) > _LONGEST_LABEL:
        raise SettingsError(f"{place}.label must be a short text on one line")
    secret = _secret(f"{place}.access_token", given["access_token"])
    if secret in label:
        raise SettingsError(f"{place}.label contains the token: labels are shown in the log")
    return AccessToken(
        label=label,
        access_token=secret,
        account_ids=_list_of(_account_id)(f"{place}.account_ids", given.get("account_ids", [])),
    )


_PARSERS: Mapping[str, Callable[[str, object], Any]] = {
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

#: What a report may leave to the tap's own settings.
_INHERITED = (
    "fields",
    "action_attribution_windows",
    "lookback_days",
    "start_date",
    "date_preset",
)


def _stream_name(name: str, value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", value):
        if value.lower() in _RESERVED_STREAM_NAMES:
            raise SettingsError(f'{name} is "{value}": a stream of the tap has that name already')
        return value
    raise _wrong(name, value, "a stream name: a letter, then letters, digits and underscores")


def _filtering(name: str, value: object) -> tuple[Mapping[str, Any], ...]:
    if isinstance(value, (list, tuple)) and all(
        isinstance(item, dict) and set(item) == {"field", "operator", "value"} for item in value
    ):
        return tuple(value)
    raise _wrong(name, value, 'a list of {"field": …, "operator": …, "value": …}')


def _increment(name: str, value: object) -> int | str:
    if value in (MONTHLY, ALL_DAYS):
        return str(value)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST_DAYS:
        return value
    raise _wrong(name, value, f"a number of days from 1 to {LONGEST_DAYS}, {MONTHLY} or {ALL_DAYS}")


_REPORT_PARSERS: Mapping[str, Callable[[str, object], Any]] = {
    "name": _stream_name,
    "level": _one_of(LEVELS),
    "fields": _list_of(_name),
    "breakdowns": _list_of(_name),
    "action_breakdowns": _list_of(_name),
    "action_attribution_windows": _list_of(_attribution_window),
    "filtering": _filtering,
    "lookback_days": _whole(0),
    "start_date": _date,
    "time_increment": _increment,
    "date_preset": _one_of(DATE_PRESETS),
    "action_rows": _flag,
}


def _reports(value: object, settings: Settings) -> tuple[ReportDefinition, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong("reports", value, 'a list of reports, for example [{"name": "…"}]')
    reports = tuple(
        _report(f"reports[{index}]", item, settings) for index, item in enumerate(value)
    )
    names = [name.lower() for report in reports for name in _stream_names(report)]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f'reports would make two streams named "{name}": rename a report')
    return reports


def _stream_names(report: ReportDefinition) -> list[str]:
    return [report.name, *([f"{report.name}_actions"] if report.action_rows else [])]


def _report(place: str, value: object, settings: Settings) -> ReportDefinition:
    if not isinstance(value, dict):
        raise _wrong(place, value, 'an object, for example {"name": "by_country"}')
    given = {key: item for key, item in value.items() if item is not None}
    for key in sorted(set(given) - set(_REPORT_PARSERS)):
        raise SettingsError(
            f"{place} has an unknown key {_shown(key)}: allowed are {', '.join(_REPORT_PARSERS)}"
        )
    if "name" not in given:
        raise SettingsError(f"{place} has no name: it becomes the stream's and the table's name")
    parsed = {
        key: parse(f"{place}.{key}", given[key])
        for key, parse in _REPORT_PARSERS.items()
        if key in given
    }
    if "date_preset" in parsed and "start_date" in parsed:
        raise SettingsError(f"{place} has both date_preset and start_date: leave one of them out")
    inherited = {key: getattr(settings, key) for key in _INHERITED}
    if "date_preset" in parsed:
        # Its own window, whatever the other streams begin with.
        inherited["start_date"] = None
    report = ReportDefinition(**{**inherited, **parsed})
    _check_all_days(place, report, settings)
    if report.action_breakdowns and "action_type" not in report.action_breakdowns:
        _check_action_columns(place, report)
    return report


def _check_all_days(place: str, report: ReportDefinition, settings: Settings) -> None:
    """Refuse one row over days that are not fixed: its key would move every night."""
    if report.time_increment != ALL_DAYS or report.date_preset:
        return
    if not (report.start_date and settings.end_date):
        raise SettingsError(
            f"{place}.time_increment is {ALL_DAYS}: set the report's date_preset too, or fixed "
            "dates (start_date and the tap's end_date)"
        )


def _check_action_columns(place: str, report: ReportDefinition) -> None:
    for name in report.fields or ("post_engagement",):
        if ":" in name or name in {"post_engagement", "page_engagement"}:
            raise SettingsError(
                f"{place}: the column {name} needs action_type among action_breakdowns"
            )


SETTING_NAMES = frozenset(item.name for item in fields(Settings))
