from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tap_meta_partner.sandbox import PeriodTotals, Totals
from tests.support.sandbox_client import read

if TYPE_CHECKING:
    import datetime as dt

    from tap_meta_partner.sandbox import World
    from tests.support.sandbox_client import Client, Row

LEVELS = ("account", "campaign", "adset", "ad")


def values_of(row: Row, names: tuple[str, ...]) -> tuple[str | None, ...]:
    """The breakdown values of a row, an asset as its id."""
    told = (row.get(name) for name in names)
    return tuple(each["id"] if isinstance(each, dict) else each for each in told)


@pytest.mark.parametrize(
    "breakdowns",
    [
        "age,gender",
        "country",
        "region",
        "publisher_platform,platform_position,device_platform",
        "hourly_stats_aggregated_by_audience_time_zone",
        "product_id",
        "image_asset",
    ],
)
def test_breakdowns__equal_the_rows(
    client: Client,
    world: World,
    span: dict[str, str],
    days: tuple[dt.date, dt.date],
    breakdowns: str,
) -> None:
    """Rows read over HTTP add up, value by value, to what the world says without HTTP."""
    names = tuple(breakdowns.split(","))
    for account in world.readable()[:3]:
        spend: defaultdict[tuple[str | None, ...], Decimal] = defaultdict(Decimal)
        counts: defaultdict[tuple[str | None, ...], Counter[str]] = defaultdict(Counter)
        for row in read(client, account, span, breakdowns=breakdowns, limit=5000):
            spend[values_of(row, names)] += Decimal(row["spend"])
            counts[values_of(row, names)].update(
                impressions=int(row["impressions"]), clicks=int(row["clicks"]), rows=1
            )
        truth = world.truth.breakdown_totals(account.id, *days, names)

        assert {values: totals.spend for values, totals in truth.items()} == spend
        assert counts == {
            values: {
                "impressions": totals.impressions,
                "clicks": totals.clicks,
                "rows": totals.rows_by_level["ad"],
            }
            for values, totals in truth.items()
        }


@pytest.mark.parametrize("level", LEVELS)
def test_breakdowns__count_the_rows_of_a_day(
    client: Client, world: World, span: dict[str, str], days: tuple[dt.date, dt.date], level: str
) -> None:
    """How many rows a day has at each level is told as well."""
    account = world.readable()[0]
    ask = {"breakdowns": "publisher_platform,platform_position", "limit": 5000}
    rows = Counter(row["date_start"] for row in read(client, account, span, level, **ask))
    truth = world.truth.breakdown_day_totals(
        account.id, *days, ("publisher_platform", "platform_position")
    )

    assert rows == {
        day.isoformat(): sum(totals.rows_by_level[level] for totals in by_value.values())
        for day, by_value in truth.items()
    }


def test_breakdowns__none_are_the_plain_totals(world: World, days: tuple[dt.date, dt.date]) -> None:
    """Without a breakdown there is one value, the whole; parts by age add up to it."""
    account = world.readable()[0]
    whole = world.truth.totals(account.id, *days)
    by_age = sum(world.truth.breakdown_totals(account.id, *days, ("age",)).values(), start=Totals())

    assert world.truth.breakdown_totals(account.id, *days, ()) == {(): whole}
    assert (by_age.spend, by_age.impressions, by_age.clicks) == (
        whole.spend,
        whole.impressions,
        whole.clicks,
    )


@pytest.mark.parametrize("increment", [7, "monthly", "all_days"])
@pytest.mark.parametrize("level", ["account", "campaign"])
def test_periods__equal_the_rows(
    client: Client, world: World, increment: int | str, level: str
) -> None:
    """Weeks and months have their own reach, and the world knows it."""
    account = world.readable()[1]
    span = {"since": "2026-09-07", "until": "2026-11-20"}
    fields = f"{level}_id,spend,impressions,clicks,reach"
    rows = read(client, account, span, level, fields, time_increment=increment)
    day = type(account.first_day).fromisoformat

    assert rows
    for row in rows:
        truth = world.truth.period_totals(
            account.id, day(row["date_start"]), day(row["date_stop"]), level
        )
        assert truth[row[f"{level}_id"],] == PeriodTotals(
            spend=Decimal(row["spend"]),
            impressions=int(row["impressions"]),
            clicks=int(row["clicks"]),
            reach=int(row["reach"]),
        )


def test_periods__by_breakdown(client: Client, world: World, span: dict[str, str]) -> None:
    """A period can be told by breakdown values too, and has no key that rows lack."""
    account = world.readable()[0]
    fields = "campaign_id,reach"
    ask = {"breakdowns": "age,gender", "time_increment": "all_days", "limit": 500}
    rows = read(client, account, span, "campaign", fields, **ask)
    day = type(account.first_day).fromisoformat
    truth = world.truth.period_totals(
        account.id, day(span["since"]), day(span["until"]), "campaign", ("age", "gender")
    )

    assert {key: totals.reach for key, totals in truth.items()} == {
        (row["campaign_id"], row["age"], row["gender"]): int(row["reach"]) for row in rows
    }


def test_actions__equal_the_rows(
    client: Client, world: World, span: dict[str, str], days: tuple[dt.date, dt.date]
) -> None:
    """Action lists of every ad add up, day by day and type by type, to the truth."""
    for account in world.readable()[:3]:
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        worth: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(
            lambda: defaultdict(Decimal)
        )
        for row in read(client, account, span, "ad", "actions,action_values", limit=5000):
            for entry in row.get("actions", ()):
                counts[row["date_start"]][entry["action_type"]] += int(entry["value"])
            for entry in row.get("action_values", ()):
                worth[row["date_start"]][entry["action_type"]] += Decimal(entry["value"])

        truth = world.truth.action_totals(account.id, *days)
        values = world.truth.action_value_totals(account.id, *days)
        assert counts == {day.isoformat(): types for day, types in truth.items()}
        assert worth == {day.isoformat(): types for day, types in values.items() if types}
