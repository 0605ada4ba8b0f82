from __future__ import annotations

import re

import pytest

from tap_meta_partner.graph import errors
from tap_meta_partner.graph.error_codes import (
    GARBLED,
    NETWORK,
    NOT_GRAPH,
    RULES,
    WORDS,
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
# (September 2026), and as people have met them: code, subcode, and what a caller does about it.
META_SAYS: list[tuple[int, int | None, type[MetaError]]] = [
    (1, None, Retriable),
    (1, 99, Retriable),
    (1, 2853001, AccountUnreadable),
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
    (10, 2332002, AccountUnreadable),
    (12, None, RequestRefused),
    (17, None, Throttled),
    (17, 2446079, Throttled),
    (32, None, Throttled),
    (100, None, RequestRefused),
    (100, 33, AccountUnreadable),
    (100, 1487534, TooMuchData),
    (100, 1504018, TooMuchData),
    (100, 1443048, RequestRefused),
    (100, 2446211, RequestRefused),
    (100, 2446289, RequestRefused),
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
    (190, 490, TokenRefused),
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
    (415, 1404120, AccountUnreadable),
    (452, None, TokenRefused),
    (613, None, Throttled),
    (613, 1487742, Throttled),
    (613, 1996, Throttled),
    (803, None, AccountUnreadable),
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


def test_type_and_transience__decide_nothing_of_what_is_known() -> None:
    """Meta sends `OAuthException` and `is_transient: false` with faults that pass, too."""
    error = from_envelope(
        {"message": "x", "type": "OAuthException", "is_transient": False, "code": 2}, status=400
    )

    assert type(error) is Retriable


CANNOT_INCLUDE = (
    "(#100) Cannot include actions in summary param because they weren't there while creating the "
    "report run."
)
IMPERSONATING = (
    "Any of the pages_read_engagement permission(s) must be granted before impersonating a user's "
    "page."
)


def said(code: int, message: str, **more: object) -> MetaError:
    return from_envelope({"message": message, "code": code, **more}, status=400)


@pytest.mark.parametrize(
    ("message", "family"),
    [
        ("(#100) Missing permissions", AccountUnreadable),
        ("(#100) Missing perms", AccountUnreadable),
        ("This endpoint cannot be loaded due to missing permissions", AccountUnreadable),
        ("(#100) MISSING PERMISSION", AccountUnreadable),
        ("Unsupported request - method type: get", Retriable),
        (CANNOT_INCLUDE, RunNotReady),
        ("Invalid appsecret_proof provided in the API argument", TokenRefused),
        ("API calls from the server require an appsecret_proof argument", TokenRefused),
        ("(#100) cpx is not valid for fields param. please check", RequestRefused),
        ("(#100) Tried accessing nonexisting field (perms) on node type (Ad)", RequestRefused),
        # What names a field is about the field, whatever else is said.
        ("(#100) a is not valid for fields param: missing permissions", RequestRefused),
        ("Invalid parameter", RequestRefused),
        ("", RequestRefused),
    ],
)
def test_code_100__is_told_apart_by_its_words(message: str, family: type[MetaError]) -> None:
    """Meta uses code 100 for rights, faults that pass and results that are not ready, too."""
    assert type(said(100, message)) is family


def test_code_100__words_count_wherever_meta_writes_them() -> None:
    """The message may be "Invalid parameter", and the reason stand in the words for people."""
    error = said(100, "Invalid parameter", error_user_msg="Missing permissions.")

    assert type(error) is AccountUnreadable


def test_code_100__with_a_subcode_of_its_own_is_not_told_by_words() -> None:
    """Where Meta has a subcode for it, that decides."""
    error = said(100, "Missing permissions", error_subcode=1487534)

    assert type(error) is TooMuchData


def test_code_100__that_passes_is_tried_five_times() -> None:
    """The answer "Unsupported request" is a fault at Meta: hours later the same request works."""
    error = said(100, "Unsupported request - method type: get")

    assert isinstance(error, Retriable)
    assert error.rule.tries == 5
    assert type(error.exhausted()) is KeptFailing


@pytest.mark.parametrize(
    ("code", "message", "family"),
    [
        (190, IMPERSONATING, AccountUnreadable),
        (190, "Malformed access token", TokenRefused),
        (200, "(#200) Provide valid app ID", TokenRefused),
        (200, "(#200) Ad account owner has NOT grant ads_management", AccountUnreadable),
        (2500, "An active access token must be used", RequestRefused),
        (2500, 'Syntax error "Expected end of string" at character 5: spend(', RequestRefused),
    ],
)
def test_code__other_words_that_tell_apart(
    code: int, message: str, family: type[MetaError]
) -> None:
    """A page's right is no dead token, an unknown app no withdrawn share."""
    assert type(said(code, message)) is family


def test_syntax_error__speaks_of_the_fields() -> None:
    """2500 speaks of the version, but for a syntax error of what was asked."""
    assert "fields" in said(2500, 'Syntax error "x" at character 5').rule.advice
    assert "api_version" in said(2500, "Unknown path components").rule.advice


@pytest.mark.parametrize("subcode", [459, 464, 490])
def test_checkpoint__says_that_a_new_token_does_not_help(subcode: int) -> None:
    """A user stopped by Facebook has to log in there; the token itself stays as it is."""
    error = said(190, "log in to www.facebook.com", error_subcode=subcode)

    assert type(error) is TokenRefused
    assert "www.facebook.com" in error.rule.advice
    assert "a new token does not help" in error.rule.advice


@pytest.mark.parametrize(("code", "subcode"), [(415, 1404120), (10, 2332002), (1, 2853001)])
def test_person__has_to_act_and_no_client(code: int, subcode: int) -> None:
    """What only the token's person can mend is not told as a share that a client withdrew."""
    advice = said(code, "An unknown error occurred", error_subcode=subcode).rule.advice

    assert "share" not in advice
    assert "token" in advice


@pytest.mark.parametrize(
    ("code", "subcode"),
    [(100, 33), (803, None), (100, 2446289), (100, 2446211), (100, 1443048)],
)
def test_object__an_error_can_be_about_one(code: int, subcode: int | None) -> None:
    """No such object, and a broken creative: said of what the request met, not of the request."""
    assert rule_for(code, subcode).about_object
    assert not rule_for(100, None).about_object
    assert not rule_for(200, None).about_object


@pytest.mark.parametrize(("code", "then"), [(1, TooMuchData), (99999, KeptFailing)])
def test_unknown__that_meta_says_will_not_pass_is_not_hammered(
    code: int, then: type[MetaError]
) -> None:
    """With `is_transient: false` two tries; only code 1 may still be a request too heavy."""
    error = said(code, "An unknown error occurred", is_transient=False)

    assert isinstance(error, Retriable)
    assert error.rule.tries == 2
    assert type(error.exhausted()) is then


@pytest.mark.parametrize("is_transient", [True, None, "false", 0])
def test_unknown__otherwise_is_tried_three_times(is_transient: object) -> None:
    """Only a plain `false` says that it will not pass."""
    error = said(99999, "x", is_transient=is_transient)

    assert isinstance(error, Retriable)
    assert error.rule.tries == 3


def test_words_for_people__reach_people() -> None:
    """Title and message for people are quoted after the message for developers."""
    error = said(
        100, "Invalid parameter", error_user_title="Ad Creative Is Incomplete", error_user_msg="Go."
    )

    assert error.fault.title == "Ad Creative Is Incomplete"
    assert error.fault.user_message == "Go"
    assert str(error) == "Invalid parameter. Ad Creative Is Incomplete: Go (code 100)"


@pytest.mark.parametrize("name", ["message", "error_user_title", "error_user_msg"])
def test_words__are_cut_before_anybody_reads_them(name: str) -> None:
    """Of a text of megabytes a thousand characters are kept."""
    error = from_envelope({"code": 100, name: "(#100) " + "a" * 20_000_000}, status=400)

    assert 900 < len(str(error)) < 1100
    assert "…" in str(error)


@pytest.mark.parametrize(
    ("trace_id", "kept"),
    [
        ("AbC-12_3/+=.", "AbC-12_3/+=."),
        ("x" * 65, None),
        ("a b", None),
        ("é", None),
        ("a\n", None),
        (["x"], None),
        (7, None),
    ],
)
def test_trace_id__is_a_short_token_or_nothing(trace_id: object, kept: str | None) -> None:
    """Nothing but letters, digits and a few signs is quoted as a trace id."""
    assert said(1, "x", fbtrace_id=trace_id).fault.fbtrace_id == kept


def test_word__is_the_same_for_two_accounts() -> None:
    """Ids, quoted names and numbers are no part of what is said, other words are."""
    one = said(100, "(#100) Object 'Nord & Söhne' of act_17 has 3 rows", error_user_msg='Ask "A".')
    two = said(100, "(#100) object 'Süd' of act_4711 has 99 rows", error_user_msg='Ask "B C".')
    other = said(100, "(#100) object 'Süd' of act_4711 has 99 columns", error_user_msg='Ask "B".')

    assert one.word == two.word
    assert two.word != other.word


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


@pytest.mark.parametrize(
    "rule",
    [
        *RULES.values(),
        *(rule for words in WORDS.values() for _, rule in words),
        *(NETWORK, NOT_GRAPH, GARBLED),
    ],
)
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
    assert error.fault.said == "Unsupported get request. a b"


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


@pytest.mark.parametrize("status", [200, 301, 403, 404, 407, 408, 500, 502])
@pytest.mark.parametrize("is_graph", [True, False])
def test_no_json__is_asked_again_whatever_its_status(status: int, *, is_graph: bool) -> None:
    """A page of a proxy is a fault that passes: five tries, then the account has failed."""
    error = from_status(status, is_graph=is_graph)

    assert isinstance(error, Retriable)
    assert error.rule.tries == 5
    assert type(error.exhausted()) is KeptFailing
    assert str(error) == f"no JSON in the answer (HTTP {status})"


@pytest.mark.parametrize(
    ("status", "is_graph", "rule"),
    [
        (200, False, GARBLED),
        (502, False, GARBLED),
        (301, False, NOT_GRAPH),
        (404, False, NOT_GRAPH),
        (407, False, NOT_GRAPH),
        (301, True, GARBLED),
        (404, True, GARBLED),
    ],
)
def test_no_json__blames_an_address_that_never_was_a_graph_api(
    status: int, rule: errors.Rule, *, is_graph: bool
) -> None:
    """Only a 3xx or 4xx from where no Graph API has answered yet speaks of `api_url`."""
    assert from_status(status, is_graph=is_graph).rule is rule


def test_no_json__429_is_a_throttle_for_all() -> None:
    """Too many requests, said by whatever stands between, holds for all accounts."""
    error = from_status(429, is_graph=True)

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
