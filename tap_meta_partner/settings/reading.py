"""All settings read and checked together."""

from __future__ import annotations

import datetime as dt
import difflib
from typing import TYPE_CHECKING

from tap_meta_partner.days.history import history_edge
from tap_meta_partner.outputs.printable import printable
from tap_meta_partner.outputs.secrecy import hide, may_be_shown
from tap_meta_partner.settings.credentials import as_copied
from tap_meta_partner.settings.kinds import as_written
from tap_meta_partner.settings.model import Settings, SettingsError
from tap_meta_partner.settings.reports import Reports
from tap_meta_partner.settings.table import TABLE
from tap_meta_partner.settings.words import DEFAULT_HISTORY_DAYS, DEFAULT_LOOKBACK_DAYS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any

    from tap_meta_partner.settings.model import ReportDefinition

_LONGEST_NAME = 80

#: What streams there are, and which columns they have, depends on these.
_SHAPE_CATALOG = ("fields", "reports", "action_attribution_windows", "api_version")


def parse_settings(
    config: Mapping[str, Any], *, now: dt.datetime, token_needed: bool = True
) -> Settings:
    """Check a configuration and turn it into `Settings`.

    Args:
        config: the tap's configuration as Singer hands it over.
        now: the present moment, with a time zone; decides what lies in the future.
        token_needed: false where no call will be made (discovery of the catalog).

    Its secrets count as such in this process from then on (`secrecy.hide`).

    Raises:
        SettingsError: the first mistake found, in one line.
    """
    hide(*_secrets(config))
    given = {name: value for name, value in config.items() if value is not None and value != ""}
    # A report takes from the tap's settings what it does not say: they are read first.
    values = {
        row.name: row.kind.parse(row.name, as_written(row.kind, given[row.name]))
        for row in TABLE
        if row.name in given and row.name != "reports"
    }
    settings = Settings(**values)
    if token_needed and not any(token.access_token for token in settings.tokens):
        raise SettingsError(
            "access_token is missing: set it to your System User token "
            "(TAP_META_PARTNER_ACCESS_TOKEN in Meltano's .env)"
        )
    _check_together(settings, now)
    reports = Reports(settings).parse("reports", given.get("reports", []))
    for report in reports:
        if report.start_date and report.start_date != settings.start_date:
            _check_report_start(report, settings, now)
    return Settings(**{**values, "reports": reports})


def for_catalog(config: Mapping[str, Any], *, now: dt.datetime) -> dict[str, Any]:
    """Return a configuration without those mistakes that the catalog does not depend on.

    A pipeline asks for the catalog before it runs the tap: what is wrong is said once, by the run.

    Raises:
        SettingsError: what shapes the catalog is wrong.
    """
    found = dict(config)
    for row in TABLE:
        if row.name in found and row.name not in _SHAPE_CATALOG:
            try:
                parse_settings({row.name: found[row.name]}, now=now, token_needed=False)
            except SettingsError:
                del found[row.name]
    try:
        parse_settings(found, now=now, token_needed=False)
    except SettingsError:
        return {name: value for name, value in found.items() if name in _SHAPE_CATALOG}
    return found


def unknown_settings(config: Mapping[str, Any], known: Collection[str]) -> list[str]:
    """Say which keys of a configuration are not settings, with the name that was probably meant."""
    found = []
    for name in sorted(set(config) - set(known)):
        hint = did_you_mean(name, known)
        # A key can be the token itself, where name and value were exchanged.
        said = printable(name)[:_LONGEST_NAME] if may_be_shown(name) else "a key (not shown here)"
        found.append(f"{said} is not a setting and is ignored{hint}")
    return found


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return the end of a sentence about an unknown name: what it resembles, or nothing."""
    close = difflib.get_close_matches(name, known, n=1)
    return f": did you mean {close[0]}?" if close else ""


def early_starts(settings: Settings, *, now: dt.datetime) -> list[str]:
    """Say which starts lie before the history that Meta keeps: nothing can be read of that time."""
    edge = history_edge(now.date())
    own = {f"{report.name}: start_date": report.start_date for report in settings.reports}
    starts = {"start_date": settings.start_date} | {
        name: start for name, start in own.items() if start != settings.start_date
    }
    return [
        f"{name} {start} lies before the 37 months that Meta keeps: days are read from {edge} on"
        for name, start in starts.items()
        if start and start < edge
    ]


def idle_settings(settings: Settings) -> list[str]:
    """Say which settings do nothing beside a `date_preset`, which is read in full on every run."""
    found = []
    for report in settings.definitions:
        if not report.date_preset or (settings.date_preset and report not in settings.reports):
            continue
        idle = []
        if report.lookback_days != settings.lookback_days:
            idle.append("its lookback_days")
        if settings.end_date:
            idle.append("end_date")
        if idle:
            found.append(
                f"{report.name}: {' and '.join(idle)} {'does' if len(idle) == 1 else 'do'} nothing "
                f"for it, as date_preset {report.date_preset} is read in full on every run"
            )
    if settings.date_preset:
        given = [
            name
            for name, default in (
                ("lookback_days", DEFAULT_LOOKBACK_DAYS),
                ("backfill_on_change", False),
            )
            if getattr(settings, name) != default
        ]
        found += [
            f"{name} does nothing beside date_preset, which is read in full" for name in given
        ]
    return found


def _secrets(config: Mapping[str, Any]) -> Iterator[object]:
    """Yield what a configuration holds where secrets belong, whatever its form."""
    for row in TABLE:
        value = config.get(row.name)
        if row.secret and isinstance(value, (list, tuple)):
            tokens = [item.get("access_token") for item in value if isinstance(item, dict)]
            yield from tokens
            yield from (as_copied(token) for token in tokens if isinstance(token, str))
        elif row.secret:
            yield value
            if isinstance(value, str):
                yield as_copied(value)


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
