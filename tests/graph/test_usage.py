from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_meta_partner.graph.usage import Usage, read_usage

THOROUGHLY = settings(derandomize=True, deadline=None)


# Reading the headers, as Meta's "Marketing API Rate Limiting" shows them.

DOCUMENTED = {
    "X-App-Usage": '{"call_count":28,"total_time":25,"total_cputime":26}',
    "X-Ad-Account-Usage": (
        '{"acc_id_util_pct":9.67,"reset_time_duration":100,"ads_api_access_tier":"standard_access"}'
    ),
    "X-Business-Use-Case-Usage": (
        '{"10153848260347724":[{"type":"ads_insights","call_count":97,"total_cputime":23,'
        '"total_time":23,"estimated_time_to_regain_access":0,'
        '"ads_api_access_tier":"development_access"}]}'
    ),
    "X-FB-Ads-Insights-Throttle": (
        '{"app_id_util_pct":100,"acc_id_util_pct":10,"ads_api_access_tier":"standard_access"}'
    ),
}


def business(**entries: object) -> dict[str, str]:
    return {"X-Business-Use-Case-Usage": json.dumps(entries)}


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("X-App-Usage", Usage(app_percent=28.0)),
        (
            "X-Ad-Account-Usage",
            Usage(account_percent=9.67, regain_seconds=100.0, tier="standard_access"),
        ),
        (
            "X-Business-Use-Case-Usage",
            Usage(account_percent=97.0, tier="development_access"),
        ),
        (
            "X-FB-Ads-Insights-Throttle",
            Usage(account_percent=10.0, app_percent=100.0, tier="standard_access"),
        ),
    ],
)
@pytest.mark.parametrize("spell", [str, str.lower, str.upper], ids=["as is", "lower", "upper"])
def test_header__is_read_as_documented(name: str, usage: Usage, spell: type[str]) -> None:
    """Each of the four headers, in any case of letters, says what Meta's page says."""
    assert read_usage({spell(name): DOCUMENTED[name]}, "10153848260347724") == usage


def test_headers__together_give_the_highest() -> None:
    """Of several headers the highest percentage of the account and of the app count."""
    assert read_usage(DOCUMENTED, "10153848260347724") == Usage(
        account_percent=97.0,
        app_percent=100.0,
        regain_seconds=100.0,
        tier="standard_access",
    )


def test_headers__missing_say_nothing() -> None:
    """An answer without usage headers says nothing about limits."""
    assert read_usage({"Content-Type": "application/json"}) == Usage()


@pytest.mark.parametrize(
    "value", ["", "{", "[]", "5", "null", '"x"', '{"acc_id_util_pct":"95"}', '{"x":1}']
)
@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_header__malformed_says_nothing(name: str, value: str) -> None:
    """A header that is no JSON object, or holds other things, is as good as missing."""
    assert read_usage({name: value}, "1") == Usage()


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1" + "0" * 400, "true"], ids=lambda text: text[:9]
)
def test_header__with_an_odd_number_says_nothing(number: str) -> None:
    """What is no finite number parks nobody."""
    headers = {
        "X-Ad-Account-Usage": f'{{"acc_id_util_pct":{number},"reset_time_duration":{number}}}',
        "X-App-Usage": f'{{"call_count":{number}}}',
    }

    assert read_usage(headers) == Usage()


@THOROUGHLY
@given(
    st.sampled_from(sorted(DOCUMENTED)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["1", "type", "call_count", "acc_id_util_pct", "ads_api_access_tier"]
                ),
                inner,
                max_size=3,
            )
        ),
    ),
)
def test_header__of_any_json_is_survived(name: str, value: object) -> None:
    """Whatever JSON a header holds, reading it raises nothing and gives finite numbers."""
    usage = read_usage({name: json.dumps(value)}, "1")

    assert usage.account_percent is None or abs(usage.account_percent) < float("inf")
    assert 0 <= usage.regain_seconds < float("inf")


INSIGHTS_30 = {"type": "ads_insights", "call_count": 30, "estimated_time_to_regain_access": 2}
MANAGEMENT_95 = {"type": "ads_management", "call_count": 95, "estimated_time_to_regain_access": 9}


def test_business_header__counts_its_insights_entries() -> None:
    """Of several use cases of an account the insights ones count, whichever comes first."""
    for entries in ([MANAGEMENT_95, INSIGHTS_30], [INSIGHTS_30, MANAGEMENT_95]):
        usage = read_usage(business(**{"7": entries}), "7")
        assert usage == Usage(account_percent=30.0, regain_seconds=120.0)


def test_business_header__without_insights_counts_what_there_is() -> None:
    """Where no entry is about insights, as for the list of accounts, the others count."""
    usage = read_usage(business(**{"7": [MANAGEMENT_95]}), "7")

    assert usage == Usage(account_percent=95.0, regain_seconds=540.0)


def test_business_header__is_keyed_by_account_or_by_business() -> None:
    """The account's own entries count; under the documented business id, all of them."""
    other = {"type": "ads_insights", "call_count": 90}
    headers = business(**{"7": [INSIGHTS_30], "8": [other]})

    assert read_usage(headers, "7").account_percent == 30.0
    assert read_usage(headers, "8").account_percent == 90.0
    assert read_usage(headers, "5551").account_percent == 90.0
    assert read_usage(headers).account_percent == 90.0


def test_business_header__takes_the_highest_of_its_three_loads() -> None:
    """Calls, CPU time and wall time each have a limit: the highest counts."""
    entry = {"type": "ads_insights", "call_count": 1, "total_cputime": 2, "total_time": 88.5}

    assert read_usage(business(**{"7": [entry]}), "7").account_percent == 88.5


@pytest.mark.parametrize("entries", [None, {}, "x", 5, [None, 5, "x"]], ids=repr)
def test_business_header__without_a_list_says_nothing(entries: object) -> None:
    """A value that is no list of objects is left aside."""
    assert read_usage(business(**{"7": entries}), "7") == Usage()


def test_regain__takes_minutes_and_seconds_for_what_they_are() -> None:
    """The business header counts in minutes, the account header in seconds: the longer counts."""
    headers = {
        **business(**{"7": [{"type": "ads_insights", "estimated_time_to_regain_access": 3}]}),
        "X-Ad-Account-Usage": '{"reset_time_duration":179}',
    }

    assert read_usage(headers, "7").regain_seconds == 180.0
