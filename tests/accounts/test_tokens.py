from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.accounts import tokens as auth
from tap_meta_partner.graph.calls import APP
from tap_meta_partner.graph.errors import KeptFailing, MetaError, TokenRefused, TooMuchData
from tests.support.fakes import TOKEN_DEAD, Drive, fault

if TYPE_CHECKING:
    from tap_meta_partner.graph.calls import Call
    from tests.support.fakes import Reply

DEBUGGED: dict[str, Any] = {
    "app_id": "42",
    "application": "Reporting",
    "type": "SYSTEM_USER",
    "is_valid": True,
    "expires_at": 1_800_000_000,
    "data_access_expires_at": 0,
    "scopes": ["ads_read"],
    "user_id": "7",
}


def drive(*replies: Reply) -> Drive:
    """Answer the calls with these, in order."""
    left = list(replies)
    return Drive(lambda _call: left.pop(0))


def no_jitter() -> float:
    return 0.0


def test_owner__is_asked_with_the_cheapest_call() -> None:
    """Whose a token is takes one call that every token may make, with that token."""
    driven = drive({"id": "7", "name": "Reporting"})

    assert driven(auth.owner(2, no_jitter)) == auth.TokenOwner(id="7", name="Reporting")
    (call,) = driven.calls
    assert (call.path, call.params, call.token) == ("me", {"fields": "id,name"}, 2)


def test_owner__is_tried_for_seconds_only() -> None:
    """A person waits: three tries within a second or two, then the error."""
    driven = drive(*[fault(2)] * 3)

    with pytest.raises(KeptFailing):
        driven(auth.owner(0, no_jitter))
    assert sum(driven.pauses) <= 2
    assert len(driven.calls) == 3


def test_owner__goes_on_after_a_hiccup() -> None:
    """One transient error is passed over."""
    assert drive(fault(2), {"id": "7"})(auth.owner(0, no_jitter)).id == "7"


def test_owner__of_a_dead_token() -> None:
    """A token that is not accepted is not asked again."""
    driven = drive(fault(*TOKEN_DEAD))

    with pytest.raises(TokenRefused):
        driven(auth.owner(0, no_jitter))
    assert len(driven.calls) == 1


def test_granted_scopes__leave_out_what_was_declined() -> None:
    """Declined and expired permissions are none."""
    answer = {
        "data": [
            {"permission": "ads_read", "status": "granted"},
            {"permission": "business_management", "status": "declined"},
            {"permission": "ads_management", "status": "expired"},
        ]
    }

    assert drive(answer)(auth.granted_scopes(0, no_jitter)) == ("ads_read",)


def test_token_details__are_asked_with_the_token_of_the_app() -> None:
    """The token in question is the parameter, the app's the credential."""
    driven = drive({"data": DEBUGGED})

    found = driven(auth.token_details("T", jitter=no_jitter))
    (call,) = driven.calls

    assert (call.path, call.params, call.token) == ("debug_token", {"input_token": "T"}, APP)
    assert found == auth.TokenDetails(
        kind="SYSTEM_USER",
        app_id="42",
        app_name="Reporting",
        user_id="7",
        scopes=("ads_read",),
        expires_at=dt.datetime(2027, 1, 15, 8, tzinfo=dt.timezone.utc),
    )


def test_token_details__with_a_wrong_app_secret() -> None:
    """A wrong app secret does not get right by asking again."""
    driven = drive(fault(101))

    with pytest.raises(MetaError) as caught:
        driven(auth.token_details("T", jitter=no_jitter))
    assert caught.value.fault.code == 101
    assert len(driven.calls) == 1


def test_token_details__after_a_hiccup() -> None:
    """A transient error is asked again, as everywhere."""
    driven = drive(fault(2), {"data": DEBUGGED})

    assert driven(auth.token_details("T", jitter=no_jitter)).valid


def test_token_details__when_the_fault_stays() -> None:
    """An error that stays comes out in the end."""

    def broken(_call: Call) -> Reply:
        return fault(1)

    with pytest.raises((KeptFailing, TooMuchData)):
        Drive(broken)(auth.token_details("T", jitter=no_jitter))


def test_details__say_why_in_our_words() -> None:
    """Why a token is not valid comes from the table of errors: Meta's text can quote the token."""
    data = {
        "is_valid": False,
        "error": {"code": 190, "subcode": 463, "message": "Error validating T-secret"},
    }
    found = auth.read_details(data)

    assert not found.valid
    assert found.trouble == "the access token has expired"
    assert "T-secret" not in repr(found)


@pytest.mark.parametrize("never", [0, None, "soon", 10**18])
def test_details__never_ends(never: object) -> None:
    """0, nothing, nonsense and the end of time all mean: no end."""
    assert auth.read_details({**DEBUGGED, "expires_at": never}).expires_at is None
