"""Nothing of anybody is left of an exchange, and what belonged together still does."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_meta_partner.sync.recording.scrubbing import Scrubber

SCRUBBER = Scrubber(b"secret")
ID = "210007000001016"


def scrubbed(value: Any, name: str = "") -> Any:  # noqa: ANN401  (JSON)
    return SCRUBBER.value(value, name)


def test_ids__are_replaced_alike_wherever_they_stand() -> None:
    """As a field, in a path, a key, a list, a filter and a sentence: one id stays one id."""
    other = scrubbed(ID, "campaign_id")

    assert re.fullmatch(r"[1-9]\d{14}", other)
    assert other != ID
    assert SCRUBBER.path(f"act_{ID}/insights") == f"act_{other}/insights"
    assert scrubbed({"id": f"act_{ID}"}) == {"id": f"act_{other}"}
    assert scrubbed({ID: [{"type": "ads_insights"}]}) == {other: [{"type": "ads_insights"}]}
    condition = {"field": "campaign.id", "operator": "IN", "value": [ID]}
    assert scrubbed(condition)["value"] == [other]
    error = {"code": 100, "message": f"Object with ID '{ID}' does not exist"}
    assert scrubbed(error)["message"] == f"Object with ID '{other}' does not exist"
    assert scrubbed(int(ID), "report_run_id") == int(other)


def test_ids__of_a_few_digits_do_not_fall_together() -> None:
    """A hundred short ids become a hundred others."""
    assert len({scrubbed(str(number), "id") for number in range(100)}) == 100


@pytest.mark.parametrize("name", ["name", "campaign_name", "body", "unheard_of", "message", "type"])
def test_texts__are_replaced_under_any_name(name: str) -> None:
    """Also where a word of Meta's would be kept, or a message of Meta's stands in an error."""
    text = "Sunset Surf & Skate"

    assert re.fullmatch(r"text-[a-z2-7]{12}", scrubbed({name: text})[name])
    assert scrubbed(text, "a") == scrubbed(text, "b") != scrubbed("Another", "a")


def test_addresses__keep_their_kind_only() -> None:
    """A `next` still leads on, an e-mail is still one; nothing of them is left."""
    assert scrubbed(f"https://graph.facebook.com/v26.0/act_{ID}?access_token=T").startswith(
        "https://example.com/"
    )
    assert scrubbed("ada@surf.example").endswith("@example.com")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spend", "519.544921"),
        ("impressions", "9708"),
        ("7d_click", "3"),
        ("amount_spent", "123400"),
        ("account_status", 1),
        ("timezone_offset_hours_utc", Decimal("-7.5")),
        ("date_start", "2026-11-01"),
        ("created_time", "2021-02-11T01:00:00-0800"),
        ("effective_status", "ACTIVE"),
        ("async_status", "Job Completed"),
        ("timezone_name", "America/Los_Angeles"),
        ("hourly_stats_aggregated_by_advertiser_time_zone", "00:00:00 - 00:59:59"),
        ("action_type", "offsite_conversion.fb_pixel_purchase"),
        ("fields", "impressions,creative{id},account_id"),
        ("is_running", True),
        ("paging", None),
    ],
)
def test_numbers_days_and_words_of_metas__are_kept(name: str, value: object) -> None:
    """What a row needs to be the same row."""
    assert scrubbed({name: value}) == {name: value}


def test_conversions__that_advertisers_name_are_replaced() -> None:
    """An id, or a name of their own, behind `custom`."""
    by_id = scrubbed("offsite_conversion.custom.1234567890", "action_type")
    by_name = scrubbed("app_custom_event.acme_signup", "action_type")

    assert by_id.startswith("offsite_conversion.custom.")
    assert "1234567890" not in by_id
    assert "acme" not in by_name


def test_filters__compare_with_what_they_did() -> None:
    """A time and statuses are kept, a name is not."""
    when = {"field": "ad.updated_time", "operator": "GREATER_THAN", "value": 1_700_000_000}
    states = {"field": "ad.effective_status", "operator": "IN", "value": ["ARCHIVED"]}
    named = {"field": "campaign.name", "operator": "CONTAIN", "value": "Acme"}

    assert scrubbed([when, states]) == [when, states]
    assert "Acme" not in str(scrubbed(named))
    params = SCRUBBER.parameters({"filtering": json.dumps([named]), "limit": "500"})
    assert "Acme" not in params["filtering"]
    assert params["limit"] == "500"


def test_messages__keep_what_errors_are_told_apart_by() -> None:
    """Codes, field names, versions and Meta's words; no name of anybody."""
    said = "(#100) reach, unique_clicks are not valid for fields param. please check v26.0"
    quoted = "Campaign 'Acme Summer' could not be loaded, (#100)"

    assert scrubbed({"code": 100, "message": said})["message"] == said
    message = scrubbed({"code": 100, "message": quoted})["message"]
    assert "Acme" not in message
    assert "could not be loaded, (#100)" in message


def test_secrets__are_left_out_of_parameters() -> None:
    """Not even replaced."""
    kept = SCRUBBER.parameters({"access_token": "T", "appsecret_proof": "p", "level": "ad"})

    assert kept == {"level": "ad"}


def test_headers__are_kept_if_they_are_known() -> None:
    """Usage without the ids in it; cookies and trace ids not at all."""
    usage = json.dumps({ID: [{"type": "ads_insights", "call_count": 97}]})
    kept = SCRUBBER.headers(
        {
            "X-Business-Use-Case-Usage": usage,
            "Facebook-API-Version": "v26.0",
            "X-Ad-Api-Version-Warning": "The call has been auto-upgraded to v27.0",
            "Set-Cookie": "who=me",
            "x-fb-trace-id": "abc",
        }
    )

    assert set(kept) == {
        "x-business-use-case-usage",
        "facebook-api-version",
        "x-ad-api-version-warning",
    }
    assert ID not in kept["x-business-use-case-usage"]
    assert '"call_count": 97' in kept["x-business-use-case-usage"]
    assert kept["x-ad-api-version-warning"] == "The call has been auto-upgraded to v27.0"


def test_factor__multiplies_amounts_alike_and_nothing_else() -> None:
    """Rates, ids, codes and days stay; counts stay whole, money keeps its decimals."""
    twice = Scrubber(b"secret", factor=Decimal("1.5"))
    row = {
        "spend": "10.20",
        "impressions": "3",
        "ctr": "1.5",
        "account_status": 1,
        "actions": [{"action_type": "link_click", "value": "2"}],
    }

    assert twice.value(row) == {
        "spend": "15.30",
        "impressions": "4",
        "ctr": "1.5",
        "account_status": 1,
        "actions": [{"action_type": "link_click", "value": "3"}],
    }


def test_secret__makes_other_replacements() -> None:
    """Two recordings cannot be laid over each other."""
    assert Scrubber(b"other").value(ID, "id") != scrubbed(ID, "id")


@given(st.text(min_size=4).filter(lambda text: not text.isascii()), st.text(max_size=20))
def test_foreign_texts__never_pass(text: str, name: str) -> None:
    """Whatever the field is called, a text that is not Meta's own is not in what is told."""
    assert text not in json.dumps(scrubbed({name: text}), ensure_ascii=False)
