from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from tap_meta_partner.outputs.secrecy import HIDDEN, hide, may_be_shown, redacted

SECRET = "p/se+cr=et|w1th.0dd~signs"


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        quote(SECRET, safe="").lower(),
        quote(quote(SECRET, safe=""), safe=""),
        "".join(f"%{ord(each):02x}" for each in SECRET),
        "".join(f"\\u{ord(each):04x}" for each in SECRET),
        "".join(f"\\x{ord(each):02X}" for each in SECRET),
        f"client_secret={SECRET}",
        f"client_secret%3D{quote(SECRET, safe='')}",
        f"1234567|{SECRET}",
        f"1234567%7C{quote(SECRET, safe='')}",
    ],
)
def test_secret__is_found_in_any_writing(written: str) -> None:
    """As it is, percent-encoded once and twice, as a form, in JSON, beside the app's id."""
    hide(SECRET)

    text = redacted(f"GET /v26.0/x?a=b&q={written}&c=d HTTP/1.1")

    assert text.startswith("GET /v26.0/x?a=b&q=")
    assert text.endswith(f"{HIDDEN}&c=d HTTP/1.1")
    for half in (SECRET[:12], SECRET[12:], quote(SECRET[12:], safe="")):
        assert half not in text


@pytest.mark.parametrize("before", ["", "1", "id", "id:", "user"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_secret__is_found_in_base64_wherever_it_stands(before: str, encode: object) -> None:
    """Basic authentication joins it to a name: what base64 makes of it depends on the place."""
    hide("very-secret-app-secret")
    assert callable(encode)
    encoded = encode(f"{before}very-secret-app-secret".encode()).decode()

    text = redacted(f"Authorization: Basic {encoded}")

    assert HIDDEN in text
    left = text.removeprefix("Authorization: Basic ").split(HIDDEN)
    assert sum(map(len, left)) <= len(before) * 2 + 8


def test_secret__that_begins_with_another_is_found_whole() -> None:
    """The longer one goes first, or its end would stay."""
    hide("EAAB-token", "EAAB-token-0123456789")

    assert redacted("with EAAB-token-0123456789 it works") == f"with {HIDDEN} it works"


def test_secret__too_short_hides_nothing() -> None:
    """What has a few letters is none of Meta's, and would take half of every text with it."""
    hide("", " ", "a", "token", None, 12345678)

    assert redacted("a token of 12345678") == "a token of 12345678"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("EAABsbCS1iHgBAKZCZC8 was refused", f"{HIDDEN} was refused"),
        ("/debug_token?input_token=abcd1234&x=1", f"/debug_token?input_token={HIDDEN}&x=1"),
        ("appsecret_proof=0badc0de99 HTTP", f"appsecret_proof={HIDDEN} HTTP"),
        ("?code=AQD-secret&state=x", f"?code={HIDDEN}&state=x"),
        ("Authorization: Bearer abcd1234", f"Authorization: Bearer {HIDDEN}"),
        ('{"access_token": "abcd1234", "a": 1}', f'{{"access_token": "{HIDDEN}", "a": 1}}'),
        ("{'client_secret': 'abcd1234'}", f"{{'client_secret': '{HIDDEN}'}}"),
        ("1234567890|abcdefgh1", f"1234567890|{HIDDEN}"),
    ],
)
def test_secret__that_nobody_told_is_found_by_form_and_name(text: str, left: str) -> None:
    """A token that just came back, or one of somebody else, is known by its looks or its place."""
    assert redacted(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "access_token is missing: set it (TAP_META_PARTNER_ACCESS_TOKEN in Meltano's .env)",
        "account 210007000001016: (#100) code 100/1487534, fbtrace_id AbC123",
        "reading 2026-01-01 to 2026-01-31 | 12345 rows",
        "the token is refused: EAA",
        "access_tokens[0].access_token contains white space",
    ],
)
def test_text__without_a_secret_stays(text: str) -> None:
    """What we say ourselves comes through to the letter."""
    hide("EAAB-token-0123456789")

    assert redacted(text) == text


@pytest.mark.parametrize(
    "value",
    [
        "0123456789abcdef0123456789abcdef",
        "EAABsbCS1iHg",
        "EAAGm0PX4ZCpsBAKZBcZCqEyxwZDZD",
        "1234567890|abc",
        "aZ3kQ9xL0pWv7TnB2yRm",
        "very-secret-app-secret",
        '[{"access_token": "x"',
        '{"app_secret": 1}',
        "https://graph.facebook.com/aZ3kQ9xL0pWv7TnB2yRm",
    ],
)
def test_value__that_could_be_a_secret_is_not_quoted(value: str) -> None:
    """An app secret in the place of the app's id, a token in the place of anything."""
    assert not may_be_shown(value)


@pytest.mark.parametrize(
    "value",
    [
        "abc",
        "act_210007000001016",
        "9" * 400,
        "action_attribution_window",
        "actions:offsite_conversion.custom.1234567890123456",
        "PENDING_BILLING_INFO",
        "28d_view",
        "https://graph.facebook.com/v26.0",
        "last_thirty_days",
        '["2026-01-01", "2026-01-31"]',
    ],
)
def test_value__that_is_a_plain_mistake_is_quoted(value: str) -> None:
    """Ids, dates, addresses and Meta's names: whoever sees the value sees the mistake."""
    assert may_be_shown(value)


def test_value__that_holds_a_known_secret_is_not_quoted() -> None:
    """However it looks."""
    assert may_be_shown("my secret")
    hide("my secret")

    assert not may_be_shown("it is my secret, really")
