"""docs/downstream does what it says: a real load, the views on it, and the queries it shows."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.onboarding.report.answers import answers
from tap_meta_partner.onboarding.report.tables import Question, held_in
from tap_meta_partner.sandbox.world.creatives import creative, id_of
from tests.support.downstream_nights import DASHBOARD, FOLDER, SECOND_NIGHT, START, two_nights
from tests.support.downstream_pages import CHART, answer, chart, queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_meta_partner.sandbox.world.advertising import AdAccount
    from tests.support.downstream_nights import Nights

#: What the dbt package facebook_ads 1.5 lists of each source table, copied out of
#: github.com/fivetran/dbt_facebook_ads, macros/staging/get_*_columns.sql; the last line of each is
#: what models/staging/src_facebook_ads.yml has beyond that. Its kinds are dbt's.
PACKAGE = {
    "account_history": """
        id int, _fivetran_synced timestamp, name string, account_status string,
        business_country_code string, created_time timestamp, currency string,
        timezone_name string, timezone_offset_hours_utc float, business_state string,
        min_daily_budget int""",
    "campaign_history": """
        updated_time timestamp, created_time timestamp, account_id int, id int, name string,
        start_time timestamp, stop_time timestamp, status string, daily_budget int,
        lifetime_budget int, budget_remaining float,
        _fivetran_synced timestamp""",
    "ad_set_history": """
        updated_time timestamp, id int, name string, account_id int, campaign_id int,
        start_time timestamp, end_time timestamp, bid_strategy string, daily_budget int,
        budget_remaining int, status string, optimization_goal string,
        _fivetran_synced timestamp""",
    "ad_history": """
        updated_time timestamp, id int, name string, account_id int, ad_set_id int,
        campaign_id int, creative_id int, conversion_domain string,
        _fivetran_synced timestamp""",
    "creative_history": """
        _fivetran_id string, _fivetran_synced timestamp, id int, account_id int, name string,
        page_link string, template_page_link string, url_tags string,
        asset_feed_spec_link_urls string, object_story_link_data_child_attachments string,
        object_story_link_data_caption string, object_story_link_data_description string,
        object_story_link_data_link string, object_story_link_data_message string,
        template_app_link_spec_android string, template_app_link_spec_ios string,
        template_app_link_spec_ipad string, template_app_link_spec_iphone string""",
    "basic_ad": """
        ad_id string, ad_name string, adset_name string, date date, account_id int,
        impressions int, inline_link_clicks int, spend float, reach int, frequency float,
        _fivetran_synced timestamp""",
    "basic_ad_actions": """
        _fivetran_id string, _fivetran_synced timestamp, action_type string, ad_id string,
        date date, index int, value float,
        _1_d_view float, _7_d_click float, _28_d_click float, inline float""",
    "basic_ad_action_values": """
        _fivetran_id string, _fivetran_synced timestamp, action_type string, ad_id string,
        date date, index int, value float,
        _7_d_click float""",
    "demographics_country": """
        _fivetran_id string, _fivetran_synced timestamp, account_id string, country string,
        date date, frequency float, impressions int, inline_link_clicks int, reach int,
        spend float,
        cost_per_inline_link_click float, cpc float, cpm float, ctr float,
        inline_link_click_ctr float""",
    "demographics_country_actions": """
        _fivetran_id string, _fivetran_synced timestamp, account_id string, action_type string,
        date date, index int, value float,
        inline float, _7_d_click float, _1_d_view float""",
    "demographics_region": """
        _fivetran_id string, _fivetran_synced timestamp, account_id string, date date,
        frequency float, impressions int, inline_link_clicks int, reach int, region string,
        spend float,
        cost_per_inline_link_click float, cpc float, cpm float, ctr float,
        inline_link_click_ctr float""",
    "demographics_region_actions": """
        _fivetran_id string, _fivetran_synced timestamp, account_id string, action_type string,
        date date, index int, value float,
        inline float""",
}
#: PostgreSQL's: ids need the larger whole numbers, and sums of money are to be exact.
KINDS = {
    "string": "text",
    "int": "int8",
    "float": "numeric",
    "timestamp": "timestamp",
    "date": "date",
}
PLACES = ("country", "region")
#: What happens on a website or in an app, which Meta does not tell by region (since 2021-04-27).
OFF_META = {
    "landing_page_view",
    "add_to_cart",
    "initiate_checkout",
    "purchase",
    "omni_purchase",
    "offsite_conversion.fb_pixel_purchase",
    "lead",
    "offsite_conversion.fb_pixel_lead",
}


@pytest.fixture(scope="module")
def nights() -> Iterator[Nights]:
    with two_nights() as nights:
        yield nights


def rows(nights: Nights, query: str) -> list[tuple[Any, ...]]:
    return nights.connection.execute(query.encode()).fetchall()


def today(account: AdAccount) -> dt.date:
    return account.today(SECOND_NIGHT)


# The shape


@pytest.mark.parametrize("view", PACKAGE)
def test_view__has_every_column_the_package_reads(nights: Nights, view: str) -> None:
    """Each is there under the package's name, and of its kind."""
    expected = dict(column.split() for column in PACKAGE[view].split(","))
    found = dict(
        rows(
            nights,
            "select column_name, udt_name from information_schema.columns "  # noqa: S608  (own names)
            f"where table_schema = 'facebook_ads' and table_name = '{view}'",
        )
    )

    assert {name: found.get(name) for name in expected} == {
        name: KINDS[kind] for name, kind in expected.items()
    }


@pytest.mark.parametrize(
    ("view", "key"),
    [
        ("account_history", "id"),
        ("campaign_history", "id"),
        ("ad_set_history", "id"),
        ("ad_history", "id"),
        ("creative_history", "id"),
        ("creative_history", "_fivetran_id"),
        ("basic_ad", "ad_id, date"),
        ("basic_ad_actions", "_fivetran_id, index"),
        ("basic_ad_actions", "ad_id, date, action_type"),
        ("basic_ad_action_values", "_fivetran_id, index"),
        ("basic_ad_action_values", "ad_id, date, action_type"),
        ("demographics_country", "_fivetran_id"),
        ("demographics_country_actions", "_fivetran_id, index"),
        ("demographics_region", "_fivetran_id"),
        ("demographics_region_actions", "_fivetran_id, index"),
    ],
)
def test_view__has_a_key(nights: Nights, view: str, key: str) -> None:
    """What the package takes for a row's key is never there twice: joins do not multiply."""
    query = f"select count(*), count(distinct ({key})) from facebook_ads.{view}"  # noqa: S608
    ((count, different),) = rows(nights, query)

    assert count == different > 0


@pytest.mark.parametrize(
    ("view", "column"),
    [
        ("account_history", "_fivetran_synced"),
        ("campaign_history", "updated_time"),
        ("ad_set_history", "updated_time"),
        ("ad_history", "updated_time"),
        ("creative_history", "_fivetran_synced"),
    ],
)
def test_history__has_the_time_the_package_orders_by(
    nights: Nights, view: str, column: str
) -> None:
    """The package finds an object's latest row by it, and checks that it is never null."""
    query = f"select count(*) from facebook_ads.{view} where {column} is null"  # noqa: S608

    assert rows(nights, query) == [(0,)]


@pytest.mark.parametrize(
    ("view", "table", "objects"),
    [
        ("campaign_history", "campaigns", "campaign"),
        ("ad_set_history", "adsets", "adset"),
        ("ad_history", "ads", "ad"),
    ],
)
def test_histories__have_a_row_for_each_change(
    nights: Nights, view: str, table: str, objects: str
) -> None:
    """Who replaces the views has each object, the same newest rows, and what was changed twice."""
    newest = f"select distinct on (id) * from facebook_ads.{view} order by id, updated_time desc"  # noqa: S608
    latest = rows(nights, newest)
    histories = (FOLDER / "facebook_ads" / "histories.sql").read_text(encoding="utf-8")
    with nights.connection.transaction(force_rollback=True):
        nights.connection.execute(histories.encode())
        kept = rows(nights, newest)
        keys = rows(nights, f"select id, updated_time from facebook_ads.{view}")  # noqa: S608
        often = rows(nights, f"select id from facebook_ads.{view} group by id having count(*) > 1")  # noqa: S608
        read = rows(nights, f"select count(*) from tap_meta_partner.{table}_history")  # noqa: S608

    def told(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """All but when it was read: states are read again each night, changes once."""
        return [row[:-1] for row in found]

    assert told(kept) == told(latest)
    assert len(keys) == len(set(keys)) == read[0][0]
    assert often == ([(int(nights.touched),)] if objects == "campaign" else [])


def test_verify__runs_on_the_views(nights: Nights, tmp_path: Path) -> None:
    """What the package reads of ads agrees with Meta, by account and day; what does not is said."""
    config = {"access_token": nights.sandbox.token, "api_url": nights.sandbox.url}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    command = [
        "verify",
        "--config",
        str(tmp_path / "config.json"),
        "--json",
        "--since",
        "2026-02-16",
    ]
    command += ["--until", "2026-03-08", "--database", nights.address, "--schema", "facebook_ads"]

    def verified() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(CliRunner().invoke(cli.main, command).stdout)
        return {each["account_id"]: each["verdict"] for each in found["accounts"]}

    equal = verified()
    account_id = next(key for key, verdict in equal.items() if verdict == "equal")
    with nights.connection.transaction():
        nights.connection.execute(
            "create table kept as select * from tap_meta_partner.ad_insights where account_id = %s",
            (account_id,),
        )
        nights.connection.execute(
            "update tap_meta_partner.ad_insights set spend = spend + 1 where account_id = %s",
            (account_id,),
        )
    wrong = verified()
    with nights.connection.transaction():
        nights.connection.execute(
            "delete from tap_meta_partner.ad_insights where account_id = %s", (account_id,)
        )
        nights.connection.execute("insert into tap_meta_partner.ad_insights select * from kept")
        nights.connection.execute("drop table kept")

    assert set(equal.values()) <= {"equal", "explained"}
    assert equal[account_id] == "equal"
    assert {account.id for account in nights.world.readable()} <= set(equal)
    assert wrong.pop(account_id) != "equal"
    assert wrong == {key: verdict for key, verdict in equal.items() if key in wrong}


# The numbers


def test_basic_ad__adds_up_to_the_truth(nights: Nights) -> None:
    """After Meta corrected its numbers under the views: rows, impressions, spend, link clicks."""
    found = {
        str(account_id): tuple(numbers)
        for account_id, *numbers in rows(
            nights,
            "select account_id, count(*), sum(impressions), sum(spend), sum(inline_link_clicks) "
            "from facebook_ads.basic_ad group by account_id",
        )
    }
    true = {}
    for account in nights.world.readable():
        totals = nights.world.truth.totals(account.id, START, today(account))
        if totals.rows_by_level["ad"]:
            actions = nights.world.truth.action_totals(account.id, START, today(account)).values()
            true[account.id] = (
                totals.rows_by_level["ad"],
                totals.impressions,
                totals.spend,
                sum(each.get("link_click", 0) for each in actions),
            )

    assert found.pop(nights.lost)[0] > 0
    assert found == true
    assert len(true) == 5


@pytest.mark.parametrize("view", ["basic_ad_actions", "basic_ad_action_values"])
def test_actions__add_up_to_the_truth(nights: Nights, view: str) -> None:
    """Of every account, day and action type, found by way of the ads' history."""
    query = (
        "select ad.account_id, date, action_type, sum(value) "  # noqa: S608  (own names)
        f"from facebook_ads.{view} join facebook_ads.ad_history as ad on ad.id = ad_id::bigint "
        "group by 1, 2, 3"
    )
    found: dict[str, dict[dt.date, dict[str, Decimal]]] = defaultdict(lambda: defaultdict(dict))
    for account_id, day, action_type, amount in rows(nights, query):
        found[str(account_id)][day][action_type] = amount
    world = nights.world
    totals = (
        world.truth.action_totals if view == "basic_ad_actions" else world.truth.action_value_totals
    )
    true = {}
    for account in world.readable():
        days = {
            day: types for day, types in totals(account.id, START, today(account)).items() if types
        }
        if days:
            true[account.id] = days

    found.pop(nights.lost)
    assert found == true


def test_actions__have_a_column_for_each_window(nights: Nights) -> None:
    """7 days after a click are 85 % of an ad-day's link clicks, a day after a view 8 % (rounded).

    These are the sandbox's shares, in whole actions; what comes to none has no value. Windows that
    the report did not ask for are empty.
    """
    found = {
        (ad_id, day): (seven, one)
        for ad_id, day, seven, one in rows(
            nights,
            "select ad_id, date, _7_d_click, _1_d_view from facebook_ads.basic_ad_actions "
            "where action_type = 'link_click' and inline is null and _28_d_click is null",
        )
    }
    checked = 0
    for account in nights.world.readable():
        for number in range((today(account) - START).days + 1):
            day = START + dt.timedelta(days=number)
            for ad, facts in nights.world.delivered.ad_days(account, day):
                if facts.link_clicks:
                    seven, one = facts.link_clicks * 85 // 100, facts.link_clicks * 8 // 100
                    assert found[ad.id, day] == (seven or None, one or None)
                    checked += 1
    assert checked > 1000


def test_histories__know_every_ad_that_delivered(nights: Nights) -> None:
    """Joined as the package joins them, no row of basic_ad is without any of its parents."""
    ((count, joined, ads, sets, campaigns, accounts, creatives),) = rows(
        nights,
        """
        select
          (select count(*) from facebook_ads.basic_ad), count(*), count(ads.id), count(sets.id),
          count(campaigns.id), count(accounts.id), count(creatives.id)
        from facebook_ads.basic_ad as report
        left join facebook_ads.account_history as accounts on report.account_id = accounts.id
        left join facebook_ads.ad_history as ads on report.ad_id::bigint = ads.id
        left join facebook_ads.ad_set_history as sets on ads.ad_set_id = sets.id
        left join facebook_ads.campaign_history as campaigns on ads.campaign_id = campaigns.id
        left join facebook_ads.creative_history as creatives on ads.creative_id = creatives.id
        """,
    )

    assert count > 3000
    assert {joined, ads, sets, campaigns, accounts, creatives} == {count}


@pytest.mark.parametrize(
    ("view", "kind"),
    [("campaign_history", "campaign"), ("ad_set_history", "adset"), ("ad_history", "ad")],
)
def test_histories__are_of_every_object(nights: Nights, view: str, kind: str) -> None:
    """Each object of an account that could be read in either night, by its name."""
    query = f"select id, account_id, name from facebook_ads.{view}"  # noqa: S608  (own names)

    assert sorted(rows(nights, query)) == sorted(
        (int(each.id), int(account.id), each.name)
        for account in nights.world.accounts
        if account.assigned
        for each in account.objects(kind)
    )


def test_creatives__have_their_tags_as_a_list(nights: Nights) -> None:
    """`a=1&b=2` becomes key, value and type, which is what the package unpacks."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for creative_id, key, value, kind in rows(
        nights,
        """
        select _fivetran_id, tag ->> 'key', tag ->> 'value', tag ->> 'type'
        from facebook_ads.creative_history, json_array_elements(url_tags::json) as tag
        """,
    ):
        found[creative_id].append((key, value))
        assert kind == "AD"
    true = {
        id_of(ad): creative(ad, nights.world.seed, SECOND_NIGHT).get("url_tags")
        for account in nights.world.accounts
        if account.assigned
        for ad in account.ads
    }

    assert found == {name: parse_qsl(str(tags)) for name, tags in true.items() if tags}
    assert 10 < len(found) < len(true)


def test_creatives__tags_survive_what_the_package_does_to_them(nights: Nights) -> None:
    """It takes every backslash out before it reads the list, which must still be one then."""
    odd = 'a="1"\\2&b&c=x=ÿ&&d='
    with nights.connection.transaction(force_rollback=True):
        nights.connection.execute("update tap_meta_partner.adcreatives set url_tags = %s", (odd,))
        found = rows(
            nights,
            """
            select distinct on (position) tag ->> 'key', tag ->> 'value'
            from facebook_ads.creative_history,
              json_array_elements(replace(trim(url_tags, '"'), chr(92), '')::json)
              with ordinality as tags(tag, position)
            order by position
            """,
        )

    assert found == [("a", "%221%22%5C2"), ("b", None), ("c", "x=ÿ"), ("d", None)]


@pytest.mark.parametrize("place", PLACES)
def test_demographics__add_up_to_the_truth(nights: Nights, place: str) -> None:
    """By account and place, to the last digit."""
    found = {
        (account_id, name): (count, impressions, spend)
        for account_id, name, count, impressions, spend in rows(
            nights,
            f"select account_id, {place}, count(*), sum(impressions), sum(spend) "  # noqa: S608
            f"from facebook_ads.demographics_{place} group by 1, 2",
        )
        if account_id != nights.lost
    }
    true = {
        (account.id, name): (
            totals.rows_by_level["account"],
            totals.impressions,
            totals.spend,
        )
        for account in nights.world.readable()
        for (name,), totals in nights.world.truth.breakdown_totals(
            account.id, START, today(account), (place,)
        ).items()
    }

    assert found == true
    assert len(true) > 10


@pytest.mark.parametrize("place", PLACES)
def test_demographics__actions_belong_to_rows(nights: Nights, place: str) -> None:
    """The package joins both by `_fivetran_id`; joined so, all places come to the account's all.

    By region, of what happened on Meta.
    """
    query = (
        "select row.account_id, row.date, action_type, sum(value) "  # noqa: S608  (own names)
        f"from facebook_ads.demographics_{place} as row "
        f"join facebook_ads.demographics_{place}_actions as action "
        "on action._fivetran_id = row._fivetran_id and action.account_id = row.account_id "
        "and action.date = row.date group by 1, 2, 3"
    )
    found: dict[str, dict[dt.date, dict[str, Decimal]]] = defaultdict(lambda: defaultdict(dict))
    for account_id, day, action_type, amount in rows(nights, query):
        found[account_id][day][action_type] = amount
    found.pop(nights.lost)
    hidden = OFF_META if place == "region" else set()
    true: dict[str, dict[dt.date, dict[str, int]]] = defaultdict(dict)
    for account in nights.world.readable():
        for day, types in nights.world.truth.action_totals(
            account.id, START, today(account)
        ).items():
            if told := {name: types[name] for name in types.keys() - hidden}:
                true[account.id][day] = told

    assert found == true


# The dashboard

_NAME = re.compile(r'font-weight="bold"[^>]*>([^<]*)<')
SHOWN = queries(DASHBOARD.read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", range(1, 6))
def test_dashboard__shows_what_the_database_answers(nights: Nights, number: int) -> None:
    """Word for word (`uv run python -m tests.support.downstream_pages` writes it anew)."""
    query, shown = SHOWN[number - 1]

    assert shown == answer(nights.connection, query)
    assert shown.count("\n") > 2


def test_dashboard__chart_is_of_these_numbers(nights: Nights) -> None:
    """The picture is the one that is drawn of the database."""
    assert CHART.read_text(encoding="utf-8") == chart(nights.connection)


def test_dashboard__chart_has_a_bar_for_each_day(nights: Nights) -> None:
    """Eight weeks up to yesterday; the scale is that of the client's own dearest day."""
    picture = CHART.read_text(encoding="utf-8").split("<g ")[1:]
    panels = {found.group(1): panel for panel in picture if (found := _NAME.search(panel))}
    until = max(today(each) for each in nights.world.readable()) - dt.timedelta(days=1)
    since = until - dt.timedelta(days=55)
    checked = 0
    for account in nights.world.readable():
        spend = {
            day: totals.spend
            for day, totals in nights.world.truth.day_totals(account.id, since, until).items()
        }
        if spend:
            panel = panels[account.name.replace("&", "&amp;")]
            assert f"{account.currency}, at most {max(spend.values()):,.0f} a day" in panel
            assert panel.count("<rect ") == len(spend)
            assert f">{since}<" in panel
            assert f">{until}<" in panel
            checked += 1
    assert checked == len(panels) - 1 == 5  # the other one is that of the lost client


def test_dashboard__spend_is_true(nights: Nights) -> None:
    """The last 7 and 28 full days of each client, and how they differ from those before."""
    found = {row[0]: row[1:] for row in rows(nights, SHOWN[0][0])}

    def spend(account: AdAccount, first: int, last: int) -> Decimal:
        since, until = (today(account) - dt.timedelta(days=days) for days in (first, last))
        return nights.world.truth.totals(account.id, since, until).spend

    checked = 0
    for account in nights.world.readable():
        if account.name not in found:
            continue
        currency, up_to, *numbers = found[account.name]
        assert (currency, up_to) == (account.currency, today(account) - dt.timedelta(days=1))
        expected: list[Decimal | None] = []
        for days in (7, 28):
            now, before = spend(account, days, 1), spend(account, 2 * days, days + 1)
            expected.append(round(now, 2))
            expected.append(round(100 * (now - before) / before) if before else None)
        assert numbers == expected
        checked += 1
    assert checked == 5


def test_dashboard__weekly_reach_is_the_weeks_own(nights: Nights) -> None:
    """It is that of the period, each person counted once, which is less than the days' sum."""
    names = {account.name: account for account in nights.world.readable()}
    checked = 0
    for client, monday, days, impressions, reach, _ in rows(nights, SHOWN[2][0]):
        assert monday.weekday() == 0
        if client in names:
            account = names[client]
            until = monday + dt.timedelta(days=days - 1)
            (true,) = nights.world.truth.period_totals(account.id, monday, until).values()
            assert until <= today(account)
            assert (impressions, reach) == (true.impressions, true.reach)
            checked += 1
    assert checked == 12


def test_dashboard__placements_are_true(nights: Nights) -> None:
    """Spend of one client's placements in 28 days; the shares come to 100 %."""
    found = rows(nights, SHOWN[3][0])
    (account,) = [each for each in nights.world.readable() if each.name == "Sunset Surf & Skate"]
    newest = max(today(each) for each in nights.world.readable())
    true = nights.world.truth.breakdown_totals(
        account.id,
        newest - dt.timedelta(days=27),
        today(account),
        ("publisher_platform", "platform_position"),
    )

    assert {(row[0], row[1]): row[2] for row in found} == {
        key: round(totals.spend, 2) for key, totals in true.items()
    }
    assert sum(row[3] for row in found) == pytest.approx(Decimal(100), abs=Decimal("0.5"))


def test_dashboard__names_who_was_not_delivered(nights: Nights) -> None:
    """The client that withdrew its share, and the one that nobody assigned; all others were."""
    found = rows(nights, SHOWN[4][0])
    unassigned = [each.name for each in nights.world.accounts if not each.assigned]

    assert [(row[0], row[1]) for row in found if row[1] != "delivered"] == [
        (nights.world.account(nights.lost).name, "lost"),
        *((name, "skipped") for name in unassigned),
    ]
    assert {row[0] for row in found if row[1] == "delivered"} == {
        each.name for each in nights.world.readable()
    }


# The page with charts


@pytest.mark.parametrize("number", range(5))
def test_report__answers_as_the_dashboard_does(nights: Nights, number: int) -> None:
    """Each question's rows are those of the dashboard's SQL; both are of the same tables.

    Placements, which the SQL asks of one client, are asked of that client here as well.
    """
    question, _ = queries(DASHBOARD.read_text(encoding="utf-8"))[number]
    expected = rows(nights, question)
    only = [each.id for each in nights.world.accounts if each.name == "Sunset Surf & Skate"]
    held = held_in(
        Question(
            address=nights.address,
            schema="tap_meta_partner",
            account_ids=tuple(only) if number == 3 else (),
        )
    )
    found = [tuple(row) for row in answers(held)[number].rows or ()]
    if number == 3:
        found = [row[1:] for row in found]

    assert expected
    assert [tuple("" if each is None else each for each in row) for row in found] == [
        tuple("" if each is None else each for each in row) for row in expected
    ]
