from __future__ import annotations

import re

import pytest

from tap_meta_partner.graph import errors
from tap_meta_partner.graph.error_codes import (
    GARBLED,
    NETWORK,
    NOT_GRAPH,
    RULES,
    from_envelope,
    from_status,
    no_answer,
    rule_for,
)
from tap_meta_partner.graph.errors import (
    AccountUnreadable,
    CursorExpired,
    Fault,
    KeptFailing,
    MetaError,
    RequestRefused,
    Retriable,
    RunNotReady,
    Throttled,
    TokenRefused,
    TooMuchData,
)

# As Meta's "Ads Insights API Error Codes", "Error Codes" and "Rate limiting" list them
# (September 2026): code, subcode, and what a caller does about it.
META_SAYS: list[tuple[int, int | None, type[MetaError]]] = [
    (1, None, Retriable),
    (1, 99, Retriable),
    (2, None, Retriable),
    (2, 1504038, TooMuchData),
    (2, 1504041, RequestRefused),
    (2, 1504042, RequestRefused),
    (2, 1504043, Retriable),
    (2, 1504044, Retriable),
    (-2, 2490547, Retriable),
    (-3, 1504045, TooMuchData),
    (3, None, RequestRefused),
    (4, None, Throttled),
    (4, 1504022, Throttled),
    (4, 1504039, Throttled),
    (10, None, AccountUnreadable),
    (12, None, RequestRefused),
    (17, None, Throttled),
    (17, 2446079, Throttled),
    (32, None, Throttled),
    (100, None, RequestRefused),
    (100, 33, AccountUnreadable),
    (100, 1487534, TooMuchData),
    (100, 1504018, TooMuchData),
    (100, 3191001, AccountUnreadable),
    (102, None, TokenRefused),
    (104, None, TokenRefused),
    (105, None, TooMuchData),
    (190, None, TokenRefused),
    (190, 458, TokenRefused),
    (190, 459, TokenRefused),
    (190, 460, TokenRefused),
    (190, 463, TokenRefused),
    (190, 464, TokenRefused),
    (190, 467, TokenRefused),
    (190, 492, TokenRefused),
    (200, None, AccountUnreadable),
    (200, 1870034, AccountUnreadable),
    (270, None, AccountUnreadable),
    (272, None, AccountUnreadable),
    (273, None, AccountUnreadable),
    (275, None, AccountUnreadable),
    (294, None, RequestRefused),
    (299, None, AccountUnreadable),
    (341, None, Throttled),
    (368, None, Throttled),
    (452, None, TokenRefused),
    (613, None, Throttled),
    (613, 1487742, Throttled),
    (613, 1996, Throttled),
    (960, None, Retriable),
    (1150, None, Retriable),
    (2500, None, RequestRefused),
    (2601, 1815107, RunNotReady),
    (2635, None, RequestRefused),
    (2642, None, CursorExpired),
    (3001, None, RequestRefused),
    (3018, None, RequestRefused),
    (5000, None, Retriable),
    (80000, 2446079, Throttled),
    (80001, None, Throttled),
    (80002, None, Throttled),
    (80003, 2446079, Throttled),
    (80004, 2446079, Throttled),
    (80005, None, Throttled),
    (80006, None, Throttled),
    (80008, None, Throttled),
    (80009, None, Throttled),
    (80014, None, Throttled),
]


@pytest.mark.parametrize(("code", "subcode", "family"), META_SAYS)
def test_code__becomes_what_to_do_about_it(
    code: int, subcode: int | None, family: type[MetaError]
) -> None:
    """Each code and subcode of Meta's pages becomes the class of what to do about it."""
    error = from_envelope({"message": "x", "code": code, "error_subcode": subcode}, status=400)

    assert type(error) is family


def test_table__has_no_line_that_the_list_above_lacks() -> None:
    """Every line of the table is checked above, but one that Meta's pages do not name."""
    listed = {(code, subcode) for code, subcode, _ in META_SAYS}
    by_code_alone = {code for code, _ in listed}

    missing = {
        (code, subcode)
        for code, subcode in RULES
        if (code, subcode) not in listed and not (subcode is None and code in by_code_alone)
    }

    assert missing == {(2637, None)}


@pytest.mark.parametrize("code", [0, 7, 199, 300, 99999, -77])
def test_code__unknown_is_asked_again_then_for_less(code: int) -> None:
    """A code in no list is tried three times, then with less data."""
    error = from_envelope({"message": "x", "code": code}, status=400)

    assert isinstance(error, Retriable)
    assert error.rule.tries == 3
    assert type(error.exhausted()) is TooMuchData


def test_permission_codes__hold_from_200_to_299() -> None:
    """Meta's permission codes are 200 to 299, all but 294 about the account."""
    families = {code: rule_for(code, None).family for code in range(199, 301)}

    assert families.pop(199) is families.pop(300) is Retriable
    assert families.pop(294) is RequestRefused
    assert set(families.values()) == {AccountUnreadable}


@pytest.mark.parametrize(
    ("code", "subcode", "sent", "then"),
    [
        (1, None, 3, TooMuchData),
        (1, 99, 2, TooMuchData),
        (2, 1504044, 2, TooMuchData),
        (-2, 2490547, 2, TooMuchData),
        (2, None, 5, KeptFailing),
        (960, None, 3, KeptFailing),
    ],
)
def test_retriable__ends_as_its_line_says(
    code: int, subcode: int | None, sent: int, then: type[MetaError]
) -> None:
    """What may be heavy ends as too much data, an outage as a failed account."""
    error = from_envelope({"message": "x", "code": code, "error_subcode": subcode}, status=500)

    assert isinstance(error, Retriable)
    assert error.rule.tries == sent
    end = error.exhausted()
    assert type(end) is then
    assert end.fault is error.fault


@pytest.mark.parametrize(
    "text",
    [
        "Please reduce the amount of data you're asking for, then retry your request",
        "PLEASE REDUCE THE AMOUNT OF DATA",
    ],
)
@pytest.mark.parametrize("subcode", [None, 99])
def test_reduce_the_amount__under_code_1_asks_for_less_at_once(
    text: str, subcode: int | None
) -> None:
    """Code 1 with Meta's "reduce the amount of data" is too much data, in any case of letters."""
    error = from_envelope({"message": text, "code": 1, "error_subcode": subcode}, status=500)

    assert type(error) is TooMuchData


@pytest.mark.parametrize(
    ("code", "family"), [(2, Retriable), (100, RequestRefused), (190, TokenRefused)]
)
def test_reduce_the_amount__under_another_code_decides_nothing(
    code: int, family: type[MetaError]
) -> None:
    """The text tells errors apart under code 1 only."""
    error = from_envelope({"message": "Please reduce the amount of data", "code": code}, status=400)

    assert type(error) is family


def test_type_and_transience__decide_nothing() -> None:
    """`OAuthException` and is_transient are unread: Meta sends both with transient faults too."""
    error = from_envelope(
        {"message": "x", "type": "OAuthException", "is_transient": False, "code": 2}, status=400
    )

    assert type(error) is Retriable


@pytest.mark.parametrize(
    ("code", "subcode", "everybody"),
    [(4, None, True), (4, 1504022, True), (341, None, True), (17, 2446079, False)],
)
def test_throttle__says_whether_it_holds_for_all(
    code: int, subcode: int | None, *, everybody: bool
) -> None:
    """The app's limits hold for all accounts, an account's own for itself."""
    assert rule_for(code, subcode).app_wide is everybody


def test_too_many_rows__is_not_helped_by_a_smaller_page() -> None:
    """1487534 counts what the request covers, so only it rules a smaller page out."""
    unhelped = {key for key, rule in RULES.items() if not rule.smaller_page_helps}

    assert unhelped == {(100, 1487534)}


@pytest.mark.parametrize("rule", [*RULES.values(), NETWORK, NOT_GRAPH, GARBLED])
def test_rule__says_what_happened_and_what_to_do(rule: errors.Rule) -> None:
    """Every line has a clause of what happened and a sentence of what to do."""
    assert rule.what.strip()
    assert not rule.what.endswith(".")
    assert rule.advice[0].isupper()
    assert rule.advice.endswith(".")


def test_tree__is_drawn_as_it_is() -> None:
    """The tree in the module's docstring is the real class tree."""
    drawn = re.findall(r"[├└]─ (\w+)", errors.__doc__ or "")

    assert drawn == [kind.__name__ for kind in MetaError.__subclasses__()]
    assert all(not kind.__subclasses__() for kind in MetaError.__subclasses__())


def test_envelope__is_quoted_with_code_and_trace() -> None:
    """The text holds both of Meta's messages, code, subcode and trace id, each once."""
    error = from_envelope(
        {
            "message": "Invalid parameter",
            "type": "OAuthException",
            "code": 100,
            "error_subcode": 1487534,
            "error_user_msg": "Too much data in one call.",
            "fbtrace_id": "AbC123",
        },
        status=400,
    )

    assert str(error) == (
        "Invalid parameter. Too much data in one call (code 100/1487534, fbtrace_id AbC123)"
    )
    assert error.fault.status == 400
    assert error.reason == (
        "the report is too large for one request: Invalid parameter. Too much data in one call "
        "(code 100/1487534, fbtrace_id AbC123). The tap asks for less at a time."
    )


def test_reason__is_one_line() -> None:
    """Line breaks in Meta's messages do not reach the line for a person."""
    error = from_envelope(
        {"message": "Unsupported\nget request.\r\n", "error_user_msg": "a\u2028b", "code": 100},
        status=400,
    )

    assert len(error.reason.splitlines()) == 1
    assert error.fault.message == "Unsupported get request. a b"


def test_envelope__takes_numbers_as_strings() -> None:
    """A code that comes as a string is a code."""
    error = from_envelope({"message": "x", "code": "190", "error_subcode": "463"}, status=401)

    assert type(error) is TokenRefused
    assert (error.fault.code, error.fault.subcode) == (190, 463)


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        {"message": None, "code": None, "error_subcode": None, "fbtrace_id": None},
        {"message": "", "error_user_msg": "", "code": 1},
        {"message": {"odd": 1}, "code": {"odd": 1}, "error_subcode": []},
    ],
)
def test_envelope__with_gaps_is_still_an_error(envelope: dict[str, object]) -> None:
    """An error object with anything missing is an error, and no text of it says None."""
    error = from_envelope(envelope, status=400)

    assert "None" not in str(error) + error.reason
    assert error.fault.message == "no message"


@pytest.mark.parametrize(
    ("status", "family", "rule"),
    [
        (200, Retriable, GARBLED),
        (500, Retriable, GARBLED),
        (502, Retriable, GARBLED),
        (301, RequestRefused, NOT_GRAPH),
        (404, RequestRefused, NOT_GRAPH),
        (407, RequestRefused, NOT_GRAPH),
    ],
)
def test_no_json__is_judged_by_its_status(
    status: int, family: type[MetaError], rule: errors.Rule
) -> None:
    """A page of a proxy is garbled under 2xx and 5xx, and no Graph API under 3xx and 4xx."""
    error = from_status(status)

    assert type(error) is family
    assert error.rule is rule
    assert str(error) == f"no JSON in the answer (HTTP {status})"


def test_no_json__429_is_a_throttle_for_all() -> None:
    """Too many requests, said by whatever stands between, holds for all accounts."""
    error = from_status(429)

    assert type(error) is Throttled
    assert error.rule.app_wide


def test_no_answer__is_tried_five_times() -> None:
    """A call without an answer is sent five times, then its account has failed."""
    error = no_answer("the answer took too long (graph.facebook.com)")

    assert isinstance(error, Retriable)
    assert error.rule.tries == 5
    assert type(error.exhausted()) is KeptFailing
    assert str(error) == "the answer took too long (graph.facebook.com)"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(message="m"), "m"),
        (Fault(message="m", code=4), "m (code 4)"),
        (Fault(message="m", code=4, status=400), "m (code 4)"),
        (Fault(message="m", code=4, subcode=5, fbtrace_id="T"), "m (code 4/5, fbtrace_id T)"),
        (Fault(message="m", status=502, fbtrace_id="T"), "m (HTTP 502, fbtrace_id T)"),
    ],
)
def test_fault__names_what_it_knows(fault: Fault, text: str) -> None:
    """A fault's text holds what is known of it and nothing else."""
    assert str(fault) == text
