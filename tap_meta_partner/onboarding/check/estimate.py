"""How many calls, hours and how much of Meta's rate limits a configuration's runs will take.

Counts as the tap works: one call per account, stream and window of about 30 days, more where a
window has more than a page of rows; an account without any delivery costs the account-level call
only. What a run cannot know beforehand is assumed, and said (`Estimate.assumed`).
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import ALL_DAYS, MONTHLY
from tap_meta_partner.graph.usage import DEVELOPMENT_TIER
from tap_meta_partner.lanes.governor import DEVELOPMENT_CONCURRENCY
from tap_meta_partner.onboarding.check.dimensions import object_calls
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.planning.next_window import next_window
from tap_meta_partner.planning.open_days import open_days
from tap_meta_partner.planning.pace import WIDEST_DAYS
from tap_meta_partner.reports.request import MANY_PAGES, PAGE_SIZES
from tap_meta_partner.settings.words import BUILT_IN_REPORTS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tap_meta_partner.settings.model import ReportDefinition, Settings

#: An account without spend in so many days costs as little as an idle one in a nightly run.
ACTIVE_DAYS = 31


#: Calls per ad account and hour: a base by tier, and more for each active ad (Meta, "Marketing API
#: rate limiting").
LIMITED_BASE, FULL_BASE = 600, 190_000


PER_ACTIVE_AD = 400


#: Creating a report run, and asking about it until it is done.
_CALLS_OF_A_RUN = 4


_LIST_PAGE = 200


#: How many values a breakdown usually has on one object and day; others count as `_OTHER_VALUES`.
_VALUES: Mapping[str, int] = {
    "age": 6,
    "gender": 3,
    "country": 3,
    "publisher_platform": 3,
    "device_platform": 2,
    "impression_device": 5,
    "platform_position": 8,
    "hourly_stats_aggregated_by_advertiser_time_zone": 20,
    "hourly_stats_aggregated_by_audience_time_zone": 20,
    "region": 15,
}


_OTHER_VALUES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSize:
    """One readable account, as far as its runs depend on it.

    Attributes:
        active: whether it has spent lately.
        objects: rows of a day, by level.
    """

    account_id: str
    name: str
    today: dt.date
    active: bool
    objects: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEstimate:
    """What one run takes.

    Attributes:
        hours: at the speed of this check's own calls, and within the busiest account's limit.
        busiest_account_id: the one that comes nearest to its limit.
        busiest_account_calls: how many it takes.
        busiest_account_limit: how many it may have in an hour.
        share_of_hourly_limit: the one through the other, in percent.
    """

    calls: int
    hours: float
    busiest_account_id: str
    busiest_account_calls: int
    busiest_account_limit: int
    share_of_hourly_limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The first run, those of every night, and on what grounds."""

    accounts: int
    active: int
    streams: int
    tier: str
    page_size: int
    first: RunEstimate
    nightly: RunEstimate
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the check itself has seen.

    Attributes:
        seconds_per_call: of its insights calls.
        tier: as the headers named it, or None.
    """

    seconds_per_call: float
    tier: str | None


def estimate(
    settings: Settings,
    accounts: Sequence[AccountSize],
    measured: Measured,
    selected: Collection[str] = (),
) -> Estimate:
    """Estimate the runs of a configuration.

    Args:
        settings: the tap's.
        accounts: the readable ones.
        measured: speed and tier.
        selected: dimensions and histories.
    """
    return Estimate(
        accounts=len(accounts),
        active=sum(account.active for account in accounts),
        streams=len(settings.definitions) + len(selected),
        tier=_tier_words(measured.tier),
        page_size=PAGE_SIZES[0],
        first=_run(settings, accounts, measured, selected, nightly=False),
        nightly=_run(settings, accounts, measured, selected, nightly=True),
        assumed=tuple(_assumptions(settings, measured, selected)),
    )


def _run(
    settings: Settings,
    accounts: Sequence[AccountSize],
    measured: Measured,
    selected: Collection[str],
    *,
    nightly: bool,
) -> RunEstimate:
    start = settings.start_date
    base = FULL_BASE if measured.tier and measured.tier != DEVELOPMENT_TIER else LIMITED_BASE
    by_account = [
        (
            _calls_of(account, settings, nightly=nightly)
            + object_calls(
                selected,
                account.objects,
                days=(account.today - start).days if start else None,
                nightly=nightly,
            ),
            base + PER_ACTIVE_AD * (account.objects.get("ad", 0) if account.active else 0),
            account.account_id,
        )
        for account in accounts
    ]
    calls = sum(each for each, _, _ in by_account) + _listing_calls(settings, len(accounts))
    most, limit, busiest = max(
        by_account, key=lambda item: item[0] / item[1], default=(0, base, "")
    )
    at_once = settings.max_concurrency
    if measured.tier == DEVELOPMENT_TIER:
        at_once = min(at_once, DEVELOPMENT_CONCURRENCY)
    hours = max(calls * measured.seconds_per_call / at_once / 3600, most / limit - 1)
    return RunEstimate(
        calls=calls,
        hours=round(hours, 4),
        busiest_account_id=busiest,
        busiest_account_calls=most,
        busiest_account_limit=limit,
        share_of_hourly_limit=round(100 * most / limit, 3),
    )


def _calls_of(account: AccountSize, settings: Settings, *, nightly: bool) -> int:
    """Count one account's calls: idle ones are asked once per window for all streams together."""
    calls = 0
    for definition in settings.definitions:
        windows = _windows(definition, account.today, settings, nightly=nightly)
        if account.active:
            rows = account.objects.get(definition.level, 1) * _spread(definition)
            calls += sum(_calls_of_window(rows * _buckets(days, definition)) for days in windows)
        elif definition.filtering or (nightly and definition.name == "account_insights"):
            calls += len(windows)
        elif definition.name == "account_insights":
            # After a first window without rows all others are one call, and one confirms them.
            calls += min(len(windows), 2) + 1
    return calls


def _windows(
    definition: ReportDefinition, today: dt.date, settings: Settings, *, nightly: bool
) -> list[int]:
    """Return how many days each window of a run has."""
    bookmark = Bookmark()
    if nightly:
        # The run of the night before has delivered up to its own yesterday.
        bookmark = Bookmark(day=today - dt.timedelta(days=2))
    opened = open_days(bookmark, definition, today=today, end_date=settings.end_date)
    lengths = []
    for rest in (opened.forward, opened.gap):
        left = rest
        while left:
            window, left = next_window(definition, left, WIDEST_DAYS, today=today)
            lengths.append(window.days)
    return lengths


def _buckets(days: int, definition: ReportDefinition) -> int:
    """Return how many rows of one object there are in so many days."""
    increment = definition.time_increment
    if increment == ALL_DAYS:
        return 1
    return math.ceil(days / (30 if increment == MONTHLY else int(increment)))


def _calls_of_window(rows: int) -> int:
    pages = max(1, math.ceil(rows / PAGE_SIZES[0]))
    return pages + (_CALLS_OF_A_RUN if pages > MANY_PAGES else 0)


def _spread(definition: ReportDefinition) -> int:
    return math.prod(_VALUES.get(name, _OTHER_VALUES) for name in definition.breakdowns)


def _listing_calls(settings: Settings, accounts: int) -> int:
    pages = max(1, math.ceil(accounts / _LIST_PAGE))
    # Once for what reading needs, once for the columns of ad_accounts; and the business's two.
    return pages * 2 * len(settings.tokens) + (2 * pages if settings.business_id else 0)


def _tier_words(tier: str | None) -> str:
    if tier is None:
        return "unknown, counted as Limited"
    return "Limited" if tier == DEVELOPMENT_TIER else "Full"


def _assumptions(settings: Settings, measured: Measured, selected: Collection[str]) -> list[str]:
    base = "600" if measured.tier in (None, DEVELOPMENT_TIER) else "190000"
    found = [
        f"every insights stream is selected: the {len(BUILT_IN_REPORTS)} built-in ones"
        + (f" and {len(settings.reports)} reports" if settings.reports else ""),
        (
            f"an account is active if it spent in the last {ACTIVE_DAYS} days; every day has as "
            "many rows as its last full day with spend"
        ),
        f"an account may have {base} calls an hour and {PER_ACTIVE_AD} more for each active ad",
        (
            f"a call takes {measured.seconds_per_call:.2f} s, as this check's own did; large "
            "reports take longer"
        ),
    ]
    found.append(
        "objects that Meta no longer lists are not counted: each takes a call, at most 200 an "
        "account and run; nor is asking in vain for deleted ones, some calls a run"
        if selected
        else "dimensions are counted where you name them: --select ads --select campaigns …"
    )
    if any(report.breakdowns for report in settings.reports):
        found.append("breakdowns multiply the rows by how many values they usually have")
    return found
