from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.accounts.ad_account import AdAccount, to_record
from tap_meta_partner.accounts.discovery import Discovery, discover
from tap_meta_partner.accounts.wanted import in_shard, is_wanted, shard_of
from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.error_codes import from_envelope
from tap_meta_partner.graph.errors import (
    KeptFailing,
    MetaError,
    Throttled,
    ThrottledTooLong,
    TokenRefused,
    TooMuchData,
)
from tap_meta_partner.settings.model import AccessToken, Settings
from tests.support.fakes import Drive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_meta_partner.graph.steps import Steps

MINIMAL = "id,account_id,name,account_status,currency,timezone_name,timezone_offset_hours_utc"
#: What is asked for together, as it needs the same right.
TIERS = (
    (
        "account_id,disable_reason,created_time,amount_spent,balance,spend_cap,min_daily_budget,"
        "min_campaign_group_spend_cap,business_name,business_country_code,business_state,"
        "timezone_id,age,is_personal,end_advertiser,end_advertiser_name,"
        "media_agency,partner"
    ),
    "account_id,user_tasks",
    "account_id,business{id,name}",
    "account_id,owner",
)


def raw(account_id: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON)
    return {"id": f"act_{account_id}", "account_id": account_id, "account_status": 1, **more}


def page(accounts: Sequence[dict[str, Any]], after: str | None = None) -> dict[str, Any]:
    """One page as Meta sends it: cursors on every page, `next` on all but the last."""
    paging: dict[str, Any] = {"cursors": {"before": "B", "after": after or "LAST"}}
    if after:
        paging["next"] = "https://graph.facebook.com/v26.0/me/adaccounts?access_token=SECRET"
    return {"data": list(accounts), "paging": paging}


def refusal(code: int) -> MetaError:
    return from_envelope({"message": "(#100) Missing Permissions", "code": code}, status=400)


def exhausted(code: int) -> MetaError:
    """Return what is raised for a code: a limit is the lanes' business until they give it up."""
    error = refusal(code)
    return ThrottledTooLong(error.fault, error.rule) if isinstance(error, Throttled) else error


def drive(
    steps: Steps[Discovery], answers: list[dict[str, Any] | MetaError]
) -> tuple[Discovery, list[Call]]:
    """Answer each call with the next of the answers; return the result and the calls."""
    left, calls = list(answers), []
    outcome: dict[str, Any] | MetaError | None = None
    try:
        while True:
            step = steps.throw(outcome) if isinstance(outcome, MetaError) else steps.send(outcome)
            outcome = None
            if isinstance(step, Call):
                calls.append(step)
                outcome = left.pop(0)
    except StopIteration as end:
        assert not left
        found: Discovery = end.value
        return found, calls


def found(
    answers: list[dict[str, Any] | MetaError],
    *,
    further: bool = False,
    **settings: Any,  # noqa: ANN401  (any setting)
) -> tuple[Discovery, list[Call]]:
    return drive(discover(Settings(**settings), further=further, jitter=lambda: 0.0), answers)


def ids(discovery: Discovery) -> list[str]:
    return [account.account_id for account in discovery.accounts]


# Which accounts there are.


def test_discover__asks_a_minimal_set_of_the_users_accounts() -> None:
    """The first request asks what every token that can read an account may read."""
    discovery, calls = found([page([raw("2", name="B"), raw("1")])])

    assert calls == [Call(path="me/adaccounts", params={"fields": MINIMAL, "limit": 200})]
    assert ids(discovery) == ["1", "2"]
    assert [str(account) for account in discovery.accounts] == ["1", "2 (B)"]
    assert discovery.readable == discovery.accounts
    assert discovery.seen == {"1", "2"}


def test_discover__reads_every_page_by_cursor() -> None:
    """More than 200 accounts are read by the `after` cursor; the `next` address is not followed."""
    many = [raw(str(number)) for number in range(1000, 1450)]
    discovery, calls = found(
        [page(many[:200], "QW"), page([], "QX"), page(many[200:400], "QY"), page(many[400:])]
    )

    assert len(ids(discovery)) == 450
    assert [call.params.get("after") for call in calls] == [None, "QW", "QX", "QY"]
    assert {call.path for call in calls} == {"me/adaccounts"}
    assert "SECRET" not in repr(calls)


@pytest.mark.parametrize(
    "answer",
    [
        {"data": []},
        {"data": [], "paging": {}},
        {"data": [], "paging": None},
        {"data": [{"name": "no id"}]},
    ],
)
def test_discover__finds_none_in_an_empty_list(answer: dict[str, Any]) -> None:
    """A token without accounts finds none and asks no more."""
    discovery, calls = found([answer], further=True)

    assert discovery == Discovery()
    assert len(calls) == 1


@pytest.mark.parametrize(
    "answers",
    [
        [{}] * 5,
        [{"data": None, "paging": None}] * 5,
        [{"data": [], "paging": {"next": "https://x", "cursors": None}}] * 4,
        [{"data": [], "paging": {"next": "https://x", "cursors": {"after": "A"}}}] * 8,
    ],
    ids=["nothing", "null", "no cursor", "the same cursor for ever"],
)
def test_discover__list_that_makes_no_sense_is_no_end_of_it(answers: list[dict[str, Any]]) -> None:
    """A list cut short in silence would make the accounts left out look lost."""
    with pytest.raises(KeptFailing):
        found(answers)


def test_discover__takes_an_id_with_act() -> None:
    """An account that comes with its act_ id alone is known by its digits."""
    discovery, _ = found([page([{"id": "act_77"}, {"account_id": 78}])])

    assert ids(discovery) == ["77", "78"]


@pytest.mark.parametrize("strange", ["../me", "act_", "12?x", "१२", "x", ["1"]], ids=str)
def test_discover__leaves_out_what_has_no_id_and_says_so(
    caplog: pytest.LogCaptureFixture, strange: object
) -> None:
    """What is no id becomes no address: it is left out, and counted in one line."""
    discovery, _ = found([page([raw("1"), {"account_id": strange}, {"id": strange}])])

    assert ids(discovery) == ["1"]
    (said,) = caplog.messages
    assert said == "me/adaccounts: 2 accounts are left out, as their ids are none"


def test_discover__reads_what_is_known_of_an_account() -> None:
    """Name, status, currency and time zone are taken over, numbers however they are written."""
    discovery, _ = found(
        [
            page(
                [
                    raw(
                        "1",
                        name="Nord",
                        account_status="9",
                        currency="SEK",
                        timezone_name="Asia/Kathmandu",
                        timezone_offset_hours_utc=Decimal("5.75"),
                    ),
                    raw("2", account_status=None, timezone_offset_hours_utc="?"),
                ]
            )
        ]
    )
    first, second = discovery.accounts

    assert (first.name, first.status, first.currency) == ("Nord", 9, "SEK")
    assert (first.timezone_name, first.timezone_offset_hours) == ("Asia/Kathmandu", 5.75)
    assert first.status_name == "IN_GRACE_PERIOD"
    assert (second.status, second.status_name, second.timezone_offset_hours) == (None,) * 3


def test_discover__asks_again_what_may_work() -> None:
    """A passing fault of the list costs a pause, no account."""
    discovery, calls = found([refusal(2), page([raw("1")])])

    assert ids(discovery) == ["1"]
    assert len(calls) == 2


def test_discover__asks_for_smaller_pages_where_one_is_too_much() -> None:
    """A page that is too much for Meta is asked for smaller, at its place, until none is left."""
    discovery, calls = found(
        [page([raw("1")], "QW"), refusal(105), refusal(105), page([raw("2")], "QX"), page([])]
    )

    assert ids(discovery) == ["1", "2"]
    assert [(call.params["limit"], call.params.get("after")) for call in calls] == [
        (200, None),
        (200, "QW"),
        (100, "QW"),
        (50, "QW"),
        (50, "QX"),
    ]


def test_discover__goes_on_with_larger_pages_after_a_heavy_account() -> None:
    """One account that needs a page of its own does not make a page of each of the others."""
    heavy: list[dict[str, Any] | MetaError] = [refusal(105)] * 6
    easy = [page([raw(str(number))], f"Q{number}") for number in range(1, 8)]
    discovery, calls = found([*heavy, *easy, page([raw("8")])])

    assert len(ids(discovery)) == 8
    assert [call.params["limit"] for call in calls] == [
        *(200, 100, 50, 25, 10, 5),
        *(1, 1, 1),
        *(5, 5, 5),
        *(10, 10),
    ]


def test_discover__drops_fields_of_an_account_that_is_too_much() -> None:
    """An account whose fields are too much together comes in parts; one that still is, is null."""

    def answer(call: Call) -> dict[str, Any] | MetaError:
        fields = call.params["fields"].split(",")
        if "name" in fields and (call.params["limit"] > 1 or call.params.get("after") == "1"):
            return from_envelope(
                {"code": 1, "message": "Please reduce the amount of data"}, status=500
            )
        known = [raw(n, name=f"N{n}", currency="EUR", timezone_name="Asia/Tokyo") for n in "123"]
        place = int(call.params.get("after", 0))
        rows = known[place : place + call.params["limit"]]
        end = place + len(rows)
        narrowed = [{name: row[name] for name in fields if name in row} for row in rows]
        return page(narrowed, str(end) if end < len(known) else None)

    drive = Drive(answer)
    discovery = drive(discover(Settings(), further=False, jitter=lambda: 0.0))

    assert [account.name for account in discovery.accounts] == ["N1", "", "N3"]
    assert {account.timezone_name for account in discovery.accounts} == {"Asia/Tokyo"}
    assert len(drive.calls) < 20


def test_discover__not_even_the_ids() -> None:
    """A list that is too much whatever is asked for ends with that."""
    with pytest.raises(TooMuchData):
        found([refusal(105)] * 8)


def test_discover__field_that_meta_no_longer_knows() -> None:
    """A field that is gone costs its column, not the list."""
    gone = from_envelope(
        {"code": 100, "message": "(#100) currency is not valid for fields param"}, status=400
    )
    discovery, calls = found([gone, page([raw("1")], "Q"), page([raw("2")])])

    assert ids(discovery) == ["1", "2"]
    assert ["currency" in call.params["fields"] for call in calls] == [True, False, False]


def test_discover__begins_again_where_the_place_is_lost() -> None:
    """A cursor that went bad costs up to three new beginnings, and no account."""
    lost = [page([raw("1")], "QW"), refusal(2642)]
    discovery, calls = found([*lost * 3, page([raw("1")], "QY"), page([raw("2")])])

    assert ids(discovery) == ["1", "2"]
    assert [call.params.get("after") for call in calls] == [None, "QW"] * 3 + [None, "QY"]
    with pytest.raises(KeptFailing):
        found(lost * 4)


def test_discover__without_the_list_ends() -> None:
    """Where the user's own list cannot be read, its error is raised."""
    with pytest.raises(TokenRefused):
        found([refusal(190)])
    with pytest.raises(KeptFailing):
        found([refusal(2)] * 5)


# Further fields.


def test_further__come_in_requests_of_their_own() -> None:
    """Fields that need more rights are asked apart and laid over the accounts found."""
    discovery, calls = found(
        [
            page([raw("1", name="A"), raw("2")]),
            *[page([])] * 3,
            page([{"account_id": "1", "owner": "55"}], "Q"),
            page([{"account_id": "2", "owner": "66"}, {"account_id": "3", "owner": "77"}]),
        ],
        further=True,
    )

    assert [call.params["fields"] for call in calls] == [MINIMAL, *TIERS, TIERS[-1]]
    assert [account.raw["owner"] for account in discovery.accounts] == ["55", "66"]
    assert discovery.accounts[0].name == "A"
    assert discovery.seen == {"1", "2"}


VALUES = {
    "amount_spent": "7",
    "user_tasks": ["ANALYZE"],
    "business": {"id": "9", "name": "B"},
    "owner": "55",
}
COLUMNS = ("amount_spent", "user_tasks", "business_id", "owner")


@pytest.mark.parametrize("tier", range(4))
@pytest.mark.parametrize("code", [100, 200, 10, 3, 1, 2, 190, 17, 4242])
def test_further__failing_is_said_once_and_costs_its_own(code: int, tier: int) -> None:
    """Whatever becomes of a question for further columns: these are null, the others are there."""

    def answer(call: Call) -> dict[str, Any] | MetaError:
        if call.params["fields"] == TIERS[tier]:
            return exhausted(code)
        names = [name.partition("{")[0] for name in call.params["fields"].split(",")]
        return page(
            [raw("1", **{name: VALUES[name] for name in names if name in VALUES}), raw("2")]
        )

    drive = Drive(answer)
    discovery = drive(discover(Settings(), further=True, jitter=lambda: 0.0))

    assert ids(discovery) == ["1", "2"]
    record = to_record(discovery.accounts[0])
    assert [record[name] is None for name in COLUMNS] == [place == tier for place in range(4)]
    (withheld,) = discovery.withheld
    text = str(withheld)
    assert text.startswith("ad_accounts: left empty, as Meta does not give it to this token: ")
    assert f"(#100) Missing Permissions (code {code})" in text
    assert len(drive.calls) <= 4 + 7 * 3


def test_further__owner_refused_empties_no_other_column() -> None:
    """With a token that has no more than ads_read all is there but who owns the accounts."""

    def answer(call: Call) -> dict[str, Any] | MetaError:
        asked = call.params["fields"].split(",")
        if {"owner", "business{id"} & {*asked}:
            message = "(#200) Requires business_management permission to manage the object"
            return from_envelope({"code": 200, "message": message}, status=403)
        known = raw(
            "1", amount_spent="7", user_tasks=["ANALYZE"], business_name="B", currency="EUR"
        )
        return page([{name: known[name] for name in asked if name in known}])

    discovery = Drive(answer)(discover(Settings(), further=True, jitter=lambda: 0.0))

    record = to_record(discovery.accounts[0])
    assert (record["amount_spent"], record["user_tasks"]) == (7, ["ANALYZE"])
    assert (record["business_name"], record["business_id"], record["owner"]) == ("B", None, None)
    assert [str(each).partition(": (#200)")[0] for each in discovery.withheld] == [
        f"ad_accounts: left empty, as Meta does not give it to this token: {columns}"
        for columns in ("business_id and business_manager_name", "owner")
    ]
    assert all("business_management" in each.advice for each in discovery.withheld)


# Several tokens.


def two_tokens() -> tuple[AccessToken, ...]:
    return tuple(AccessToken(label=f"Client {n}", access_token=n) for n in "AB")


def test_tokens__a_dead_one_is_named_beside_what_the_others_read() -> None:
    """Its accounts cannot be read: said with its label, and the others' accounts are found."""
    discovery, _ = found([refusal(190), page([raw("2")])], access_tokens=two_tokens())

    (withheld,) = discovery.withheld
    assert ids(discovery) == ["2"]
    assert str(withheld).startswith("Client A: its accounts cannot be read: ")


@pytest.mark.parametrize("code", [190, 200, 100, 2], ids=["dead", "access", "refused", "failing"])
def test_tokens__one_without_a_list_costs_its_own_accounts(code: int) -> None:
    """Whatever keeps one client's token from listing, the others are read; it is kept for whom."""
    discovery, _ = found(
        [page([raw("2")]), *[refusal(code)] * (5 if code == 2 else 1)], access_tokens=two_tokens()
    )

    assert ids(discovery) == ["2"]
    assert list(discovery.unlisted) == [1]
    assert discovery.unlisted[1].startswith("Client B: ")


def test_tokens__all_that_list_an_account_are_kept() -> None:
    """An account is read with the first token that lists it; the others are there to be tried."""
    discovery, _ = found(
        [page([raw("1"), raw("2")]), page([raw("2"), raw("3")])], access_tokens=two_tokens()
    )

    assert [account.tokens for account in discovery.accounts] == [(0,), (0, 1), (1,)]


def test_tokens__all_dead_are_all_named(caplog: pytest.LogCaptureFixture) -> None:
    """The error is the last one's; what became of those before is in the log."""
    with pytest.raises(TokenRefused):
        found([refusal(190), refusal(190)], access_tokens=two_tokens())

    (line,) = caplog.messages
    assert line.startswith("Client A: its accounts cannot be read: ")


# The Business Manager's view.


def test_business__adds_accounts_that_nobody_assigned() -> None:
    """Accounts that only the business knows are named as unassigned and not readable."""
    discovery, calls = found(
        [
            page([raw("1"), raw("3")]),
            page([raw("1"), raw("5", name="own")]),
            page([raw("2"), raw("3"), raw("5")]),
        ],
        business_id="900",
    )

    assert [call.path for call in calls] == [
        "me/adaccounts",
        "900/owned_ad_accounts",
        "900/client_ad_accounts",
    ]
    assert [(account.account_id, account.access) for account in discovery.accounts] == [
        ("1", "assigned"),
        ("2", "unassigned"),
        ("3", "assigned"),
        ("5", "unassigned"),
    ]
    assert [account.account_id for account in discovery.readable] == ["1", "3"]
    assert discovery.seen == {"1", "2", "3", "5"}


def test_business__unlisted_is_said_and_costs_no_account() -> None:
    """An edge the token may not read is named; the other one and the accounts stay."""
    discovery, _ = found([page([raw("1")]), refusal(100), page([raw("2")])], business_id="900")

    assert ids(discovery) == ["1", "2"]
    (withheld,) = discovery.withheld
    text = str(withheld)
    assert text.startswith("business_id: the accounts at 900/owned_ad_accounts cannot be listed")
    assert "business_management" in text


@pytest.mark.parametrize("code", [1, 2, 190, 17, 4242])
def test_business__edge_that_fails_ends_no_run(code: int) -> None:
    """An optional list may fail in any way: the accounts that can be read are read."""

    def answer(call: Call) -> dict[str, Any] | MetaError:
        return exhausted(code) if call.path.startswith("900/") else page([raw("1")])

    discovery = Drive(answer)(discover(Settings(business_id="900"), further=False, jitter=float))

    assert ids(discovery) == ["1"]
    assert [each.about for each in discovery.withheld] == ["business_id"] * 2


# Which of them are wanted.

FOUR = [raw("1"), raw("2", account_status=2), raw("3", account_status=101), raw("4")]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, ["1", "2", "3", "4"]),
        ({"account_ids": ("1", "4")}, ["1", "4"]),
        ({"exclude_account_ids": ("1", "4")}, ["2", "3"]),
        ({"account_statuses": ("DISABLED", "CLOSED")}, ["2", "3"]),
        ({"account_ids": ("1", "2"), "account_statuses": ("ACTIVE",)}, ["1"]),
        ({"account_ids": ("1", "2"), "exclude_account_ids": ("2",)}, ["1"]),
    ],
)
def test_settings__choose_accounts(settings: dict[str, Any], wanted: list[str]) -> None:
    """Ids, excluded ids and statuses narrow the accounts; disabled ones are there by default."""
    discovery, _ = found([page(FOUR)], **settings)

    assert ids(discovery) == wanted
    assert discovery.seen == {"1", "2", "3", "4"}


def test_settings__status_without_a_name_is_its_code() -> None:
    """A status code newer than the table has its number as its name and matches no filter."""
    account = AdAccount(account_id="1", status=777)

    assert account.status_name == "777"
    assert not is_wanted(account, Settings(account_statuses=("ACTIVE",)))
    assert not is_wanted(AdAccount(account_id="1"), Settings(account_statuses=("ACTIVE",)))
    assert is_wanted(account, Settings())


def test_missing__are_those_named_and_not_seen() -> None:
    """Ids in account_ids that nobody lists are missing, in the order named; filtered ones not."""
    discovery, _ = found(
        [page([raw("1", account_status=2)])],
        account_ids=("9", "1", "7"),
        account_statuses=("ACTIVE",),
    )

    assert discovery.missing == ("9", "7")
    assert ids(discovery) == []


def test_missing__are_told_by_the_shard_they_fall_to() -> None:
    """Of two shards one tells of a missing account, not both."""
    told = [
        found([page([])], account_ids=("1", "10153848260347724"), shard_index=index, shard_count=2)[
            0
        ].missing
        for index in (0, 1)
    ]

    assert told == [("10153848260347724",), ("1",)]


# These must never change between versions: each shard keeps its own state, so an account that moved
# to another shard would be read from its start date again, there, and lost, here. They follow from
# the first 16 hexadecimal digits of `printf 1 | sha256sum` and its like.
SHARDS = {
    "1": {1: 0, 2: 1, 3: 1, 8: 1, 64: 33},
    "212551616838260": {1: 0, 2: 1, 3: 0, 8: 7, 64: 63},
    "10153848260347724": {1: 0, 2: 0, 3: 2, 8: 0, 64: 0},
    "9999999999999999": {1: 0, 2: 1, 3: 2, 8: 5, 64: 5},
}


@pytest.mark.parametrize(
    ("account_id", "count", "index"),
    [
        (account_id, count, index)
        for account_id, indexes in SHARDS.items()
        for count, index in indexes.items()
    ],
)
def test_shard__never_changes(account_id: str, count: int, index: int) -> None:
    """An account falls to the same shard in every version and on every machine."""
    assert shard_of(account_id, count) == index
    assert in_shard(account_id, Settings(shard_index=index, shard_count=count))


def test_shards__hold_each_account_once() -> None:
    """Each account falls to exactly one of the shards, and no shard is left without."""
    many = [raw(str(number)) for number in range(100)]
    parts = [ids(found([page(many)], shard_index=index, shard_count=5)[0]) for index in range(5)]

    assert sorted(int(account_id) for part in parts for account_id in part) == list(range(100))
    assert all(parts)


# Money.


# The record.


def test_record__holds_what_the_table_promises() -> None:
    """An account becomes a record with Meta's amounts, ours beside them, and readable names."""
    discovery, _ = found(
        [
            page(
                [
                    raw(
                        "1",
                        name="Nord",
                        account_status=2,
                        currency="USD",
                        timezone_name="Europe/Oslo",
                        timezone_offset_hours_utc=1,
                    )
                ]
            ),
            *[page([])] * 3,
            page(
                [
                    {
                        "account_id": "1",
                        "disable_reason": 3,
                        "created_time": "2021-02-11T09:00:00+0000",
                        "amount_spent": "1234567",
                        "balance": "0",
                        "spend_cap": "5000",
                        "min_daily_budget": 105,
                        "min_campaign_group_spend_cap": "10000",
                        "business_name": "Nord AS",
                        "timezone_id": 116,
                        "age": Decimal("12.5"),
                        "is_personal": 0,
                        "end_advertiser": "902",
                        "end_advertiser_name": "Nord",
                        "media_agency": "UNFOUND",
                        "partner": 903,
                        "business_state": "Viken",
                        "business": {"id": "900", "name": "Agency"},
                        "business_country_code": "NO",
                        "owner": 901,
                        "user_tasks": ["ANALYZE"],
                    }
                ]
            ),
        ],
        further=True,
    )

    assert to_record(discovery.accounts[0]) == {
        "id": "act_1",
        "account_id": "1",
        "name": "Nord",
        "account_status": 2,
        "account_status_name": "DISABLED",
        "disable_reason": 3,
        "disable_reason_name": "RISK_PAYMENT",
        "currency": "USD",
        "timezone_id": 116,
        "timezone_name": "Europe/Oslo",
        "timezone_offset_hours_utc": 1,
        "created_time": "2021-02-11T09:00:00+00:00",
        "age": Decimal("12.5"),
        "amount_spent": 1234567,
        "amount_spent_major": Decimal("12345.67"),
        "balance": 0,
        "balance_major": Decimal(0),
        "spend_cap": 5000,
        "spend_cap_major": Decimal(50),
        "min_daily_budget": 105,
        "min_daily_budget_major": Decimal("1.05"),
        "min_campaign_group_spend_cap": 10000,
        "min_campaign_group_spend_cap_major": Decimal(100),
        "business_id": "900",
        "business_manager_name": "Agency",
        "business_name": "Nord AS",
        "business_country_code": "NO",
        "business_state": "Viken",
        "end_advertiser": "902",
        "end_advertiser_name": "Nord",
        "media_agency": "UNFOUND",
        "partner": "903",
        "is_personal": False,
        "owner": "901",
        "user_tasks": ["ANALYZE"],
        "access": "assigned",
    }


def test_record__of_a_bare_account_is_null_where_nothing_is_known() -> None:
    """An account of which only the id is known has its id and nulls."""
    record = to_record(AdAccount(account_id="1", access="unassigned"))

    known = {name: value for name, value in record.items() if value is not None}
    assert known == {"id": "act_1", "account_id": "1", "access": "unassigned"}
    assert len(record) == 36


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2021-02-11T09:00:00-0830", "2021-02-11T17:30:00+00:00"),
        ("2021-02-11", None),
        (None, None),
        (5, None),
    ],
)
def test_record__writes_instants_in_utc(value: object, instant: str | None) -> None:
    """An offset is worked in, as some loaders drop it; what is no instant is null."""
    account = AdAccount(account_id="1", raw={"created_time": value})

    assert to_record(account)["created_time"] == instant


def test_record__survives_odd_values() -> None:
    """A business that is no object and a reason that is no number are null."""
    record = to_record(
        AdAccount(account_id="1", raw={"business": "Agency", "disable_reason": "none"})
    )

    assert record["business_id"] is record["business_manager_name"] is None
    assert record["disable_reason"] is record["disable_reason_name"] is None
